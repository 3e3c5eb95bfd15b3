"""The levels of ordinal and multinomial outcomes: which values occur among the people fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..errors import DataError, SpecificationError
from ..families.levels import MOST_LEVELS
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec


def with_codes(spec: ModelSpec, panel: Panel, found: Sequence[np.ndarray] | None = None) -> ModelSpec:
    """The specification that knows the values of the levels of its outcomes that have some.

    ``found`` are the distinct values of each outcome among all people, where the panel is a sample of them.

    A value that nobody has is no level: it has no cut point, and no curve. Where the specification knows its levels
    already, as when a fit is made anew on some of its people, it keeps them.

    Raises
    ------
    DataError
        ``bad_outcome``, for values that are not whole numbers, for one level alone or more than 20, for a level of
        the specification that none of these people has, or one that nobody of the sample has.
    SpecificationError
        Of levels without an order ``bad_curve``, ``bad_dropout`` and ``bad_lag`` for curves of hidden units, and for
        what takes the numbers of the levels for amounts.
    """
    if not any(o.traits.has_levels for o in spec.outcomes):
        return spec
    _refuse_amounts(spec, panel)
    outcomes = []
    for m, (outcome, measures) in enumerate(zip(spec.outcomes, panel.outcomes, strict=True)):
        if outcome.traits.has_levels:
            here = np.unique(measures.y)
            outcome = _of_one(outcome, measures, here if found is None else found[m])
            _refuse_rare(outcome, measures, here)
        outcomes.append(outcome)
    return replace(spec, outcomes=tuple(outcomes))


def _refuse_rare(outcome: OutcomeSpec, measures: Measures, here: np.ndarray) -> None:
    rare = [c for c in outcome.codes or () if c not in here]
    if rare:
        n = np.unique(measures.subject).size
        what = f"nobody of a sample of {n} people, on whom starts are tried, is at level {rare[0]:g}"
        raise _bad(outcome, measures, what, "Join levels that are rare.")


def _refuse_amounts(spec: ModelSpec, panel: Panel) -> None:
    """Categories without an order are no amounts, that leaving could depend on or a lag could carry."""
    for m, (outcome, measures) in enumerate(zip(spec.outcomes, panel.outcomes, strict=True)):
        if outcome.traits.has_mean:
            continue
        if outcome.curve is not None:
            raise SpecificationError(
                f"curve: hidden units do not go with family '{outcome.family}', which has a curve for each category.",
                code="bad_curve", argument="curve", way_out="Use polynomials or splines.")
        if m == 0 and spec.dropout is not None and max(spec.dropout) > 0:
            raise SpecificationError(
                f"dropout: orders 1 and 2 are of the outcomes before, and {measures.name} has categories without an "
                "order.", code="bad_dropout", argument="dropout",
                way_out="Give dropout 0, and indicators of the categories as dcov.")
        if measures.lags is not None:
            raise SpecificationError(
                f"tcov: a lag of {measures.name} would take the numbers of its categories for amounts.",
                code="bad_lag", argument="tcov", way_out="Make indicators of the categories before, and give them.")


def _of_one(outcome: OutcomeSpec, measures: Measures, found: np.ndarray) -> OutcomeSpec:
    if outcome.codes is not None:
        gone = [c for c in outcome.codes if c not in found]
        if gone:
            what = "cut point" if outcome.traits.has_mean else "curve"
            raise _bad(outcome, measures, f"nobody among these people is at level {gone[0]:g}",
                       f"Its {what} cannot be estimated: join levels that are rare.")
        return outcome
    if (found != np.floor(found)).any():
        raise _bad(outcome, measures, "levels are not whole numbers", "Number the levels 1, 2, ..")
    if found.size == 1:
        raise _bad(outcome, measures, "all observations are at one level", "There is nothing to model.")
    if not 2 <= found.size <= MOST_LEVELS:
        many = f"more than {MOST_LEVELS} different values" if found.size > 1 else "all values are one"
        raise _bad(outcome, measures,
                   f"{many}, where 2 to {MOST_LEVELS} levels are possible",
                   "Join levels" + (", or use family 'normal'." if outcome.traits.has_mean else "."))
    return replace(outcome, codes=tuple(float(c) for c in found), levels=outcome.levels)


def _bad(outcome: OutcomeSpec, measures: Measures, what: str, way_out: str) -> DataError:
    return DataError(f"{measures.name}: {what} (family '{outcome.family}').", code="bad_outcome",
                     argument=measures.name, way_out=way_out)
