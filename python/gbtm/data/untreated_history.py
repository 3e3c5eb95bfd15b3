"""What people were like before an event: the waves that come before it, of people who had not had it by then.

Trajectories by whose groups people with and without an event are compared (Haviland and Nagin 2005, Psychometrika 70)
have to know nothing of the event. A wave at or after it would make the groups of what the event did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.declared_missing import without_declared
from ..columns.reading import numeric, require_columns
from ..errors import DataError, SpecificationError, warn
from .ids import id_column
from .subjects import constant_within


@checked
def untreated_history(
    data: pd.DataFrame, event: str, *, time: str, id: str | Sequence[str], start: float | None = None
) -> pd.DataFrame:
    """The rows of a long table from before an event.

    Parameters
    ----------
    data : a row an observation
    event : column with the time of each person's event, on the scale of ``time``; missing for who never had it
    time, id : columns
    start : when the events that are studied begin: all waves from then on are cut, of everybody, and who had the event
        before is left out. Without it each person's waves are cut from his own event on, and who had it by his first
        wave is left out

    Returns
    -------
    The rows that stay, as they are

    Raises
    ------
    DataError
        ``unknown_column``, ``not_constant`` where a person has several times of the event, ``nobody`` where no row
        stays.

    Warns
    -----
    GBTMWarning
        How many people are left out and how many rows are cut.

    Examples
    --------
    >>> import pandas as pd, warnings
    >>> from gbtm.data.untreated_history import untreated_history
    >>> d = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "age": [11, 12] * 3, "gang": [12, 12, 11, 11, None, None]})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     untreated_history(d, "gang", time="age", id="id")["age"].tolist()
    ...     untreated_history(d, "gang", time="age", id="id", start=12)["id"].tolist()
    [11, 11, 12]
    [1, 3]
    """
    table = without_declared(data)[0]
    require_columns(table, [event], "event")
    require_columns(table, [time], "time")
    who = id_column(table, id)
    codes, ids = pd.factorize(who)
    known = constant_within(codes, table.reset_index(drop=True), [event], len(ids), pd.Index(ids))
    at = numeric(known[event], event)[codes]
    keep, told = _kept(numeric(table[time], time), codes, np.where(codes < 0, np.nan, at), len(ids), start)
    _tell(event, told, keep)
    return data[keep]


def panel_before(panel: Any, event: Mapping[Any, float] | pd.Series, start: float | None) -> Any:
    """What of a panel comes before an event, whose time ``event`` has by id: :meth:`gbtm.data.panel.Panel.before`."""
    if panel.history is not None or panel.departures is not None:
        raise SpecificationError(
            "event: a panel with dropout would take what is cut for people who left.", code="dropout", argument="event",
            way_out="Make the panel without dropout.",
        )
    given = pd.Series(event, dtype=float)
    if not given.index.is_unique or not given.index.isin(panel.ids).any():
        raise DataError("event: its index has ids twice, or none of the panel's.", code="no_id_matches",
                        argument="event", way_out="Give a Series, or a dict, of times by id.")
    at = given.reindex(panel.ids).to_numpy()
    outcomes, seen = [], np.zeros(panel.n_subjects, dtype=bool)
    treated, cut = np.zeros(panel.n_subjects, dtype=bool), 0
    for m in panel.outcomes:
        keep, (early, gone) = _kept(m.time, m.subject, at[m.subject], panel.n_subjects, start)
        treated |= early
        cut += gone
        seen[m.subject[keep]] = True
        outcomes.append(m.take(np.flatnonzero(keep)))
    _tell("event", (treated & ~seen, cut), seen)
    return replace(panel, outcomes=tuple(outcomes), row_labels=None).subset(np.flatnonzero(seen))


def _kept(
    time: np.ndarray, who: np.ndarray, event: np.ndarray, n: int, start: float | None
) -> tuple[np.ndarray, tuple[np.ndarray, int]]:
    """Which rows stay; who (n,) had the event too early, and how many rows of others are cut."""
    never = np.where(np.isnan(event), np.inf, event)
    early = np.zeros(n, dtype=bool)
    if start is None:
        before = time < never
        early[who[who >= 0]] = True
        early[who[before & (who >= 0)]] = False
    else:
        before = time < min(start, np.inf)
        early[who[(never < start) & (who >= 0)]] = True
    keep = before & (who >= 0) & ~early[who]
    return keep, (early, int((~keep & ~early[who]).sum()))


def _tell(event: str, told: tuple[np.ndarray, int], keep: np.ndarray) -> None:
    early, cut = int(told[0].sum()), told[1]
    if not keep.any():
        raise DataError(f"{event}: nobody has a wave before it.", code="nobody", argument="event",
                        way_out="Look at the scale of its times, which is to be that of the waves, or at start.")
    if early or cut:
        warn(f"{event}: {early} people had it too early and are left out; {cut} later observations of the others are "
             "cut.")
