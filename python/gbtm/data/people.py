"""Tables of people without a column of outcomes: who they are and what is known of them, and nothing measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .dropped import Dropped, Unobserved
from .ids import id_column, id_columns, wide_ids
from .measures import Measures
from .panel import Panel
from .subjects import Subjects, subjects_of


def has_none_of(data: pd.DataFrame, columns: str | Sequence[str]) -> bool:
    """No column of the table is one of these names or patterns (``*``, ``?``)."""
    from fnmatch import fnmatchcase

    wanted = [columns] if isinstance(columns, str) else list(columns)
    names = [str(c) for c in data.columns]
    return not any(n == w or fnmatchcase(n, w) for w in map(str, wanted) for n in names)


def people_of_table(
    data: pd.DataFrame, id: str | Sequence[str] | None, risk: Any, outcome: str | Sequence[str], time_name: str,
    risk2: Any = None,
) -> Panel:
    """Everybody in a table that has none of the ``outcome`` columns; without the id's either, each row is a person.

    Parameters
    ----------
    id, risk, risk2 : as for :meth:`Panel.from_long`
    outcome, time_name : what the outcome's columns and the time are called, for what is said
    """
    if id is not None and set(id_columns(id)) & set(map(str, data.columns)):
        who = id_column(data, id)
        codes, levels = pd.factorize(who, sort=False)
        ids = pd.Index(levels, name=who.name)
    else:
        ids, codes = wide_ids(data, None), np.arange(len(data))
    known = subjects_of(data, ids, codes, risk=risk, risk2=risk2)
    name = outcome if isinstance(outcome, str) else str(next(iter(outcome)))
    return people_panel(ids, known, name, time_name, missing_id=int((codes < 0).sum()))


def people_panel(
    ids: pd.Index, known: Subjects | None, name: str, time_name: str, missing_id: int = 0
) -> Panel:
    """A panel of nobody that was observed and of all these people, of whom ``known`` says what the model needs."""
    observed = np.zeros(len(ids), dtype=bool)
    if known is not None:
        known.check(ids)
    incomplete = observed if known is None else ~known.complete & np.asarray(ids.notna())
    people = Unobserved.of(ids, known, observed, f"There is no column '{name}': ")
    whole, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    return Panel(
        ids=ids[:0], outcomes=(Measures(whole, none, none, whole, whole, name=name, time_name=time_name),),
        dropped=Dropped(missing_id=missing_id, subjects_read=len(ids), incomplete_subjects=tuple(ids[incomplete])),
        known=None if known is None else known.take(observed), unobserved=people,
    )
