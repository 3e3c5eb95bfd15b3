"""The two-step table of a dual model beside that of the joint fit: how far the groups' table moved, and by how much it
may be off.

The two-step table is the maximum of sum_i log sum_jk pi_jk f_ij g_ik over the joint probabilities alone, at the curves
of the fits of each outcome by itself. Its standard errors, by the delta method from the information in the membership
coefficients, take these curves as known: they leave out that the curves are estimates too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..compute.determined import determined
from .transitions import dual_of, probabilities, transitions

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
def two_step(res: Fit, table: str = "joint") -> pd.DataFrame:
    """How far a table of a dual model moved from that at the curves of the separate fits.

    Parameters
    ----------
    table : "joint", "conditional", "reverse" or "margins", as for :func:`gbtm.inference.transitions.transitions`; with
        covariates, means over the people

    Returns
    -------
    DataFrame, indexed as that of :func:`~gbtm.inference.transitions.transitions`
        separate, separate std err : at the curves of the fits of each outcome by itself, and its standard error, which
            takes these curves as known; NaN where the data do not determine it, and of fits from older files
        estimate, std err : of this fit, whose standard error knows that the curves are estimates
        difference : estimate - separate

    Raises
    ------
    SpecificationError
        ``no_dual`` for a model with one set of groups; ``unknown_table``.

    Notes
    -----
    With sampling weights or clusters the standard errors are sandwiches, as those of the fit are; corrections for
    leverage (HC2, CR2, ..) are left out of those with known curves.
    """
    fit = dual_of(res)
    here, pairs = transitions(fit, table), fit.pairs
    joint, errors = pairs.two_step_shares.reshape(fit.set_sizes), pairs.two_step_errors
    slopes = np.zeros((pairs.shares.size, 0)) if errors is None else errors[0]
    values, gradient = probabilities(joint, slopes.reshape(*fit.set_sizes, -1), table)
    se = np.full(values.size, np.nan)
    if errors is not None:
        _, cov, undetermined = errors
        gradient = gradient.reshape(values.size, -1)
        variance = np.einsum("rp,pq,rq->r", gradient, cov, gradient)
        se = np.where(determined(gradient, variance, undetermined), np.sqrt(np.maximum(variance, 0.0)), np.nan)
    separate, estimate = values.ravel(), here["estimate"].to_numpy()
    return pd.DataFrame(
        {"separate": separate, "separate std err": se, "estimate": estimate, "std err": here["std err"].to_numpy(),
         "difference": estimate - separate}, index=here.index)
