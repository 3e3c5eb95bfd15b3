"""Pearson residuals of a mixture: observed minus fitted, in standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .fitted import Fitted

if TYPE_CHECKING:
    from ..fit.fit import Fit


def pearson_residuals(res: Fit) -> np.ndarray:
    """(n_obs,) (y - m) / sqrt(v), by the subject's posterior probabilities P_ik.

    m = sum_k P_ik E_k(y) are the fitted values and v = sum_k P_ik (Var_k(y) + E_k(y)^2) - m^2 the variance of a mixture
    of the groups' distributions; E_k and Var_k at the observation's time, covariates and exposure. 0 where v is 0.
    """
    fitted = Fitted.of(res)
    p = fitted.posterior[fitted.subject].T
    mean = (p * fitted.expected).sum(axis=0)
    variance = (p * (fitted.variance + (fitted.expected - mean) ** 2)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > 0, (fitted.y - mean) / np.sqrt(variance), 0.0)
