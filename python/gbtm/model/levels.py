"""The levels of ordinal outcomes: which values occur among the people fitted, and what they are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..errors import DataError, SpecificationError
from ..families.ordinal import MOST_LEVELS
from ..specification.spec import ModelSpec, OutcomeSpec


def with_codes(spec: ModelSpec, panel: Panel) -> ModelSpec:
    """The specification that knows the values of the levels of its ordinal outcomes.

    A value that nobody has is no level: it has no cut point. Where the specification knows its levels already, as when
    a fit is made anew on some of its people, it keeps them.

    Raises
    ------
    DataError
        ``bad_outcome``, for values that are not whole numbers, for one level alone or more than 20, and for a level of
        the specification that none of these people has.
    SpecificationError
        ``ordinal_prior``, for a prior.
    """
    if not any(o.traits.has_levels for o in spec.outcomes):
        return spec
    if spec.prior is not None:
        raise SpecificationError(
            "prior: has no law for cut points.", code="ordinal_prior", argument="prior",
            way_out="Leave prior out with family 'ordinal'.")
    outcomes = (_of_one(o, m) if o.traits.has_levels else o
                for o, m in zip(spec.outcomes, panel.outcomes, strict=True))
    return replace(spec, outcomes=tuple(outcomes))


def _of_one(outcome: OutcomeSpec, measures: Measures) -> OutcomeSpec:
    found = np.unique(measures.y)
    if outcome.codes is not None:
        gone = [c for c in outcome.codes if c not in found]
        if gone:
            raise _bad(measures.name, f"nobody among these people is at level {gone[0]:g}",
                       "Its cut point cannot be estimated: join levels that are rare.")
        return outcome
    if (found != np.floor(found)).any():
        raise _bad(measures.name, "levels are not whole numbers", "Number the levels in their order, 1, 2, ..")
    if not 2 <= found.size <= MOST_LEVELS:
        raise _bad(measures.name, f"{found.size} different values, where 2 to {MOST_LEVELS} levels are possible",
                   "Join levels, or use family 'normal'.")
    return replace(outcome, codes=tuple(float(c) for c in found), levels=outcome.levels)


def _bad(name: str, what: str, way_out: str) -> DataError:
    return DataError(f"{name}: {what} (family 'ordinal').", code="bad_outcome", argument=name, way_out=way_out)
