"""Traj's distal outcome, asked for by a command or as options of a model: read, and fitted with the trajectories."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from ..columns.declared_missing import without_declared
from ..columns.reading import require_columns
from ..data.ids import id_columns
from ..errors import DataError, GBTMWarning, SpecificationError
from ..specification.description import DistalOutcome

if TYPE_CHECKING:
    from .outcome_results import OutcomeResults
    from .results import GBTMResults


def joint_fit(
    res: GBTMResults, asked: DistalOutcome, people: pd.DataFrame, id: str | Sequence[str] | None, excluded: int
) -> OutcomeResults:
    """The joint fit from that of the trajectories.

    Parameters
    ----------
    people : those that were fitted, a row each or rows of a person that agree
    id : column or columns of their ids; none where the index has them
    excluded : people left out because they lack the outcome or a covariate of it
    """
    from ..distal.distal_outcome import distal
    from ..distal.distal_result import DistalResult
    from ..distal.traj_outcome import traj_two_step
    from .outcome_results import OutcomeResults

    key: Any = id
    if not key:
        people, key = people[asked.columns].rename_axis("_person").reset_index(), "_person"
    if asked.family == "nominal":
        people = people.assign(**{str(asked.outcome): _categories(people[asked.outcome], asked.baseoutcome)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GBTMWarning)  # doubts of the corrections, of which traj makes none
        options: dict[str, Any] = {"family": asked.family, "id": key}
        found: Any
        if asked.twostep:
            options |= {"method": "two-step", "shares": "fixed", "covariance": "model"}
            plain = cast(DistalResult, distal(res, asked.formula, people, **options))
            found = traj_two_step(res, plain, str(asked.outcome))
        else:
            found = distal(res, asked.formula, people, method="traj", **options)
    return OutcomeResults.of(found, excluded)


def with_values(
    asked: DistalOutcome, data: pd.DataFrame, id: str | Sequence[str] | None
) -> tuple[pd.DataFrame, int]:
    """The rows of people who have the outcome and the covariates of it, in one row or another; how many have not.

    Without ``id`` a row is a person.
    """
    require_columns(data, asked.columns, "outcome")
    known = without_declared(data)[0][asked.columns].notna()
    if id is None:
        seen = known.all(axis=1)
        return data[seen], int((~seen).sum())
    people = [data[c] for c in id_columns(id)]
    by_person = known.groupby(people, dropna=False).any().all(axis=1)
    seen = known.groupby(people, dropna=False).transform("any").all(axis=1)
    return data[seen], int((~by_person).sum())


def readable(asked: DistalOutcome, data: pd.DataFrame) -> None:
    """Say before the trajectories are fitted what is wrong with the outcome."""
    from ..distal.formula import read_formula
    from ..distal.outcome import read_outcome

    if asked.family == "nominal":
        _categories(data[asked.outcome], asked.baseoutcome)
    here = data[data[asked.columns].notna().all(axis=1)]
    read_outcome(read_formula(asked.formula, [str(c) for c in data.columns]), here, asked.family)


def refuse_elsewhere(asked: DistalOutcome) -> None:
    """Of several trajectories traj's distal outcome is not known to us, and people on disk and matrices have none."""
    raise SpecificationError(
        f"outcome: '{asked.outcome}' goes with one trajectory of a table, and not with several, files or matrices.",
        code="bad_distal", argument="outcome", way_out="Fit without outcome, and ask res.distal().",
    )


def _categories(values: pd.Series, base: float | None) -> pd.Series:
    """Values as categories, the one that the others are compared with first."""
    seen = values.dropna()
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = [c for c in values.cat.categories if (seen == c).any()]
    else:
        known = sorted(seen.unique())
    if base is not None and base not in known:
        raise DataError(
            f"baseoutcome: no value of {values.name} is {base:g}.", code="bad_outcome", argument="baseoutcome",
            way_out=f"Its values are {', '.join(_word(v) for v in known)}.",
        )
    first = known[0] if base is None else base
    order = [first, *(v for v in known if v != first)]
    return values.astype(pd.CategoricalDtype(order))


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
