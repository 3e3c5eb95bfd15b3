"""When people had an event, as a table says it: one time a person, with entry, censoring and covariates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, covariate_columns
from ..columns.formula_variables import term_columns
from ..columns.reading import MAX_SHOWN, numeric
from ..errors import DataError
from ..families.hazards import MOST_CAUSES
from .measures import Measures

TIME, STATUS, ENTRY, UPPER, FIRST = range(5)  # columns of what is known of people; covariates come from FIRST on


@dataclass(frozen=True)
class EventColumns:
    """Which columns of a table say when people had an event; ``covariates`` are names, a formula or its design."""

    time: str
    status: str | None = None
    entry: str | None = None
    upper: str | None = None
    covariates: Any = None

    @classmethod
    def of(cls, given: EventColumns | Mapping[str, Any]) -> EventColumns:
        """From plain values, as a fit document has them."""
        if isinstance(given, EventColumns):
            return given
        return cls(**{f.name: given[f.name] for f in fields(cls) if given.get(f.name) is not None})

    @property
    def names(self) -> list[str]:
        """The columns that hold numbers of their own."""
        return [c for c in (self.time, self.status, self.entry, self.upper) if c is not None]

    def used_in(self, table: pd.DataFrame) -> list[str]:
        """All columns of a table that it needs."""
        terms = self.covariates
        more = terms.variables if isinstance(terms, FormulaDesign) else term_columns(terms, table) if terms else []
        return [*self.names, *(str(c) for c in more)]


def event_of_people(
    table: pd.DataFrame, columns: EventColumns
) -> tuple[np.ndarray, tuple[str, ...], FormulaDesign | None]:
    """Of a table with a row a person: (N, 4 + q) as :func:`checked_event` has it, and how covariates are made."""
    x, names, design = covariate_columns(columns.covariates, table, "covariates")
    time, status, entry, upper = (
        None if c is None else numeric(table[c], c) for c in (columns.time, columns.status, columns.entry,
                                                             columns.upper))
    assert time is not None
    return checked_event(time, status, entry, upper, x, table.index), names, design


def checked_event(
    time: np.ndarray, status: np.ndarray | None, entry: np.ndarray | None, upper: np.ndarray | None, x: np.ndarray,
    labels: pd.Index,
) -> np.ndarray:
    """Time, status, entry, upper and covariates of people (N, 4 + q), whose time is NaN where nothing is known.

    Parameters
    ----------
    time : (N,) when the event was, or up to when there was none; NaN for people of whom that is not known
    status : (N,) 0 for no event up to then, else 1, 2, .. for its cause; None where ``upper`` says it all
    entry : (N,) from when on people were watched, None for 0
    upper : (N,) the event was after ``time`` and no later than this; NaN or infinite where that is not so. In what is
        returned it is ``time`` where the event has a time of its own, or did not happen
    """
    time = time.copy()
    unknown = np.isnan(time)
    here = ~unknown
    entry = np.zeros(time.size) if entry is None else np.where(np.isnan(entry) & unknown, 0.0, entry)
    if status is None:
        assert upper is not None
        status = (np.isfinite(upper)).astype(float)
    status = np.where(unknown, 0.0, status)
    bound = np.full(time.size, np.nan) if upper is None else upper
    bound = np.where((status > 0) & np.isfinite(bound), bound, time)
    exact = (status > 0) & (bound == time)
    at_once = (time <= entry) & ~((bound > time) & (time == entry))
    for bad, what, way_out in (
        (np.isnan(status), "no status, although they have a time",
         "0 is no event up to that time; make the time missing where it says nothing, or where the cause is not known."
         ),
        (~np.isin(status[:, None], np.arange(MOST_CAUSES + 1)).any(axis=1), f"a status other than 0, 1, .., "
         f"{MOST_CAUSES}", "0 is no event, 1 the event; of competing events 1, 2, .. are their causes."),
        (np.isinf(time) | (time < 0), "an infinite or negative time", "Count time from an origin at which it is 0."),
        (np.isnan(entry) | np.isinf(entry) | (entry < 0), "a missing, infinite or negative entry",
         "Leave entry out where people are watched from time 0."),
        (bound < time, "an upper end before their time", "The event was after time and no later than upper."),
        (at_once & ((time > 0) | exact), "a time that is not after their entry",
         "Nothing was seen of them then: leave them out, or make the time missing."),
        (np.isinf(x).any(axis=1), "an infinite covariate", "Recode it."),
    ):
        wrong = bad & here
        if wrong.any():
            shown = ", ".join(str(i) for i in labels[wrong][:MAX_SHOWN])
            raise DataError(
                f"event: {int(wrong.sum())} people have {what} ({shown}).", code="bad_event", argument="event",
                way_out=way_out)
    time[here & (time == 0) & (bound == time)] = np.nan  # nothing was seen
    return np.column_stack([time, status, entry, np.where(np.isnan(time), 0.0, bound), x])


def censored_at(known: np.ndarray, time: np.ndarray) -> np.ndarray:
    """What was known of people (N, 4 + q) at these times (N,): of an event that came later, that it had not come."""
    out = known.copy()
    with np.errstate(invalid="ignore"):
        later = known[:, UPPER] > time
    out[later, TIME] = np.minimum(known[:, TIME], time)[later]
    out[later, STATUS], out[later, UPPER] = 0.0, out[later, TIME]
    with np.errstate(invalid="ignore"):
        unseen = later & ~(out[:, TIME] > out[:, ENTRY])
    out[unseen, TIME] = np.nan
    return out


def refuse_no_event(known: np.ndarray) -> None:
    """Raise where nobody had the event, or a cause among others has none."""
    here = ~np.isnan(known[:, TIME])
    causes = np.bincount(known[here, STATUS].astype(int), minlength=2)[1:]
    if not causes.all():
        what = "nobody had the event" if causes.size == 1 else f"nobody had an event of cause {causes.argmin() + 1}"
        raise DataError(
            f"event: {what}.", code="no_event", argument="event",
            way_out="Leave event out: there is nothing to model. Causes are numbered 1, 2, .. without gaps.")


def n_causes_of(known: np.ndarray) -> int:
    """How many causes of events are told apart."""
    return max(1, int(np.nanmax(np.where(np.isnan(known[:, TIME]), 0.0, known[:, STATUS]), initial=1.0)))


def event_records(known: np.ndarray, names: tuple[str, ...]) -> Measures:
    """A record for each person whose time is known: what the likelihood sees. The time of all is 0, so that people of
    one time, status, entry and covariates share a cell."""
    subject = np.flatnonzero(~np.isnan(known[:, TIME]))
    return Measures(
        subject=subject, time=np.zeros(subject.size), y=known[subject, STATUS],
        wave=np.zeros(subject.size, dtype=np.int64), row=np.arange(subject.size), name="event",
        covariates=known[subject], covariate_names=("time", "status", "entry", "upper", *names),
    )
