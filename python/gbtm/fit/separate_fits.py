"""What the two sets of groups of a dual model say by themselves: the log-likelihood where they do not depend on each
other, and the table of both at the curves of the separate fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..estimation.covariance import Covariance
    from ..estimation.dual_starts import TwoStep
    from ..model.layout import Layout


@dataclass(frozen=True)
class SeparateFits:
    """The fits of each set of groups by itself.

    Attributes
    ----------
    logliks, sizes : of each, log-likelihood and number of parameters
    flats : of each, internal parameters
    independent : (p,) parameters of the dual model at which the groups are independent
    two_step : the membership coefficients at their curves
    """

    logliks: tuple[float, ...]
    sizes: tuple[int, ...]
    flats: tuple[np.ndarray, np.ndarray]
    independent: np.ndarray
    two_step: TwoStep

    def document(self, layout: Layout, cov: Covariance) -> dict[str, Any]:
        """Fields of the document's ``dual``; ``cov`` is that of the membership coefficients, the curves being known."""
        flat = self.two_step.flats[0]
        return {
            "separate": {"logliks": list(self.logliks), "n_parameters": list(self.sizes)},
            "two_step": {"loglik": self.two_step.loglik, "shares": layout.shares(flat),
                         "jacobian": layout.shares_jacobian(flat)[:, layout.theta], "cov": cov.internal,
                         "undetermined": cov.undetermined},
        }
