"""Probabilities of the levels of an ordinal outcome, group by group over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..data.columns import number_array
from ..data.output_names import apart
from ..errors import SpecificationError
from ..families.ordinal import Ordinal
from .predictions import profile_values

if TYPE_CHECKING:
    from .fit import Fit


@checked
def level_probabilities(res: Fit, times: Any = None, *, tcov: Any = None) -> pd.DataFrame:
    """P(y = level) of each group, F(kappa_c - eta) - F(kappa_{c-1} - eta) with F(x) = 1 / (1 + exp(-x)).

    Parameters
    ----------
    times : (T,) default the observed ones
    tcov : values of the time-varying covariates, as for ``res.predict``

    Returns
    -------
    DataFrame (K T C rows) with columns group, the time's name, level (what the outcome's levels are called, ordered)
    and probability

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
    if not isinstance(curves.family, Ordinal):
        raise SpecificationError(
            f"level_probabilities: family '{res.family}' has no levels.", code="no_levels",
            argument="level_probabilities", way_out="Ask a fit with family 'ordinal'.")
    at = np.unique(outcome.seen_times) if times is None else number_array(times, "times").ravel()
    p = curves.family.probabilities(curves.predictors(at, profile_values(curves, tcov, at.size)))
    levels = level_names(outcome.spec.codes, outcome.spec.levels)
    n_groups, n_times, n_levels = p.shape
    time = apart([outcome.time_name], ["group", "level", "probability"])[0]
    return pd.DataFrame({
        "group": np.repeat(np.arange(1, n_groups + 1), n_times * n_levels),
        time: np.tile(np.repeat(at, n_levels), n_groups),
        "level": pd.Categorical(list(levels) * (n_groups * n_times), categories=levels, ordered=True),
        "probability": p.ravel(),
    })


def level_names(codes: tuple[float, ...] | None, levels: tuple[str, ...] | None) -> list[str]:
    """What the levels that occur are called."""
    return [f"{c:g}" if levels is None else levels[int(c) - 1] for c in codes or ()]
