"""Probabilities of the levels of an ordinal or multinomial outcome, group by group over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.reading import number_array
from ..errors import SpecificationError
from ..families import those_having
from ..families.levels import LevelFamily
from .predictions import at_levels, profile_values

if TYPE_CHECKING:
    from .fit import Fit


@checked
def level_probabilities(res: Fit, times: Any = None, *, tcov: Any = None) -> pd.DataFrame:
    """P(y = level) of each group.

    Of family 'ordinal' F(kappa_c - eta) - F(kappa_{c-1} - eta) with F(x) = 1 / (1 + exp(-x)); of 'multinomial'
    exp(eta_c) / (exp(eta_1) + .. + exp(eta_C)) with eta_1 = 0, as ``res.predict`` has it with its band.

    Parameters
    ----------
    times : (T,) default the observed ones
    tcov : values of the time-varying covariates, as for ``res.predict``

    Returns
    -------
    DataFrame (K T C rows) with columns group, the time's name, level (what the outcome's levels are called, ordered
    where they are) and probability

    Raises
    ------
    SpecificationError
        ``no_levels`` for other families; ``several_outcomes``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.symptoms()
    >>> data["grade"] = (data["score"] > 2).astype(int) + (data["score"] > 5)
    >>> model = gbtm.GBTM.from_formula("grade ~ month", data, id="id", groups=2, order=1, family="ordinal")
    >>> res = model.fit(n_starts=2)
    >>> gbtm.level_probabilities(res, [0]).groupby("group")["probability"].sum().round(6).tolist()
    [1.0, 1.0]
    """
    if len(res.outcomes) > 1:
        raise SpecificationError(
            f"level_probabilities: the fit has the outcomes {', '.join(res.outcome_names)}.", code="several_outcomes",
            argument="level_probabilities", way_out=f"Ask one of them: res.of_outcome('{res.outcome_names[0]}').")
    curves, outcome = res.curves, res.outcome
    if not isinstance(curves.family, LevelFamily):
        raise SpecificationError(
            f"level_probabilities: family '{res.family}' has no levels.", code="no_levels",
            argument="level_probabilities", way_out=f"Ask a fit with family {those_having('has_levels', 'or')}.")
    at = np.unique(outcome.seen_times) if times is None else number_array(times, "times").ravel()
    p = curves.family.probabilities(curves.predictors(at, profile_values(curves, tcov, at.size)))
    return at_levels(outcome, at, len(p), {"probability": p.ravel()})
