"""A time to an event as a part of the model: what is asked for, and what is fitted of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arguments import checked, shown
from ..data.event_times import EventColumns
from ..errors import SpecificationError
from ..families.hazards import MOST_INTERVALS

HAZARDS = ("weibull", "piecewise")
INTERVALS = 4  # of a piecewise constant hazard where no cuts are given
WAY_OUT = "For example event=gbtm.Event(time='T', status='died', covariates='~ sex')."


@dataclass(frozen=True)
class EventSpec:
    """What is fitted of the times to an event.

    Attributes
    ----------
    hazard : "weibull", H(t) = (t / scale)^shape, or "piecewise", constant between ``cuts``
    cuts : (J - 1) ends of intervals, ascending; empty until the data have said so, and for "weibull"
    n_intervals : J, 1 for "weibull"
    n_causes : of competing events
    effects_by_group : covariates have effects of their own in each group
    """

    hazard: str
    cuts: tuple[float, ...] = ()
    n_intervals: int = 1
    n_causes: int = 1
    effects_by_group: bool = False

    @property
    def words(self) -> str:
        """The hazard in words."""
        return "Weibull" if self.hazard == "weibull" else f"piecewise constant in {self.n_intervals} intervals"


@checked
@dataclass(frozen=True)
class Event:
    """A time to an event, whose hazard depends on the group: log f = d log h_k(T) - integral from entry to T of h_k.

    Groups are then made of the outcomes and of the event together (a joint latent class model). Columns say one thing
    of each person, the same on all rows. Who has no ``time`` says nothing of the event, and stays in the model.

    Parameters
    ----------
    time : column of the time of the event, or of the last time at which there had been none; 0 or more
    status : column, 0 for no event up to ``time`` and 1 for the event; 1, 2, .. are causes of competing events, each of
        which has a hazard of its own. May be left out where ``upper`` is given: it is then known of nobody exactly
    entry : column of the time from which on a person was watched (left truncation); 0 when not given
    upper : column, where the event, of whichever cause ``status`` has, is known to have been after ``time`` and no
        later than this (interval censoring); missing where there was no event up to ``time``
    hazard : "weibull", or "piecewise" for a hazard that is constant in intervals; the group has its own scale and
        shape, or rates
    cuts : of a piecewise hazard the times between its intervals, or how many intervals there are, of as many events
        each; 4 when not given
    covariates : of the person, column names or a formula such as ``"~ sex + age0"``. They multiply the hazard (of each
        cause) by the same in all groups: proportional hazards
    effects_by_group : covariates have effects of their own in each group, ``event_sex[1]``, ``event_sex[2]``, ..;
        some of them are common to the groups by a constraint, ``"event_sex[1] = event_sex[2]"``

    Examples
    --------
    >>> import gbtm
    >>> gbtm.Event(time="T", status="died", hazard="piecewise", cuts=[2, 5]).cuts
    (2.0, 5.0)
    """

    time: str
    status: str | None = None
    entry: str | None = None
    upper: str | None = None
    hazard: str = "weibull"
    cuts: int | Sequence[float] | None = None
    covariates: Any = None
    effects_by_group: bool = False

    made_by_users: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("time", "status", "entry", "upper"):
            value = getattr(self, name)
            if (value is not None or name == "time") and not isinstance(value, str):
                raise _bad(f"{name} is {shown(value)}, and has to be the name of a column", WAY_OUT)
        if self.status is None and self.upper is None:
            raise _bad("status is not given, which says who had the event", WAY_OUT)
        if self.hazard not in HAZARDS:
            raise _bad(f"hazard {self.hazard!r} is not one of {', '.join(HAZARDS)}", "Choose one of them.")
        if self.cuts is not None and self.hazard != "piecewise":
            raise _bad("cuts go with a piecewise hazard", "Give hazard 'piecewise' too, or leave cuts out.")
        object.__setattr__(self, "cuts", _cuts(self.cuts))
        if isinstance(self.covariates, str) and "".join(self.covariates.split()) in ("~1", "1", "~"):
            object.__setattr__(self, "covariates", None)
        if not isinstance(self.effects_by_group, bool):
            raise _bad(f"effects_by_group is {self.effects_by_group!r}, and has to be true or false", WAY_OUT)

    @property
    def columns(self) -> EventColumns:
        """The columns that it reads."""
        return EventColumns(self.time, self.status, self.entry, self.upper, self.covariates)

    @property
    def spec(self) -> EventSpec:
        """What is fitted, before the data have been seen."""
        by_group = self.effects_by_group
        if self.hazard == "weibull":
            return EventSpec("weibull", effects_by_group=by_group)
        if isinstance(self.cuts, tuple):
            return EventSpec("piecewise", self.cuts, len(self.cuts) + 1, effects_by_group=by_group)
        n = INTERVALS if self.cuts is None else int(self.cuts)  # type: ignore[arg-type]
        return EventSpec("piecewise", (), n, effects_by_group=by_group)


def refuse_beside_event(*, dropout: bool, dual: bool, prior: bool, networks: bool) -> None:
    """Raise where the model has what does not go with a time to an event."""
    for there, name, why, way_out in (
        (dropout, "dropout", "tells of leaving the study in waves, as event does in time",
         "Leave one of them out."),
        (dual, "groups", "a time to an event goes with one set of groups, and a dual model has two",
         "Give one number of groups."),
        (prior, "prior", "has no law for the hazards of a time to an event",
         "Leave prior out, or event."),
        (networks, "curve", "hidden units do not go with a time to an event", "Use polynomials or splines."),
    ):
        if there:
            raise SpecificationError(f"{name}: {why}.", code="beside_event", argument=name, way_out=way_out)


def _cuts(value: Any) -> int | tuple[float, ...] | None:
    if value is None:
        return None
    wrong = _bad(f"cuts are {shown(value)}, and have to be rising times above 0, or a number of intervals up to "
                 f"{MOST_INTERVALS}", "For example cuts=[2, 5], which makes three intervals.")
    try:
        if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
            if float(value).is_integer() and 1 <= value <= MOST_INTERVALS:
                return int(value)
            raise wrong
        cuts = tuple(float(c) for c in value)
    except (TypeError, ValueError):
        raise wrong from None
    if not cuts or len(cuts) >= MOST_INTERVALS or not np.isfinite(cuts).all() or not (np.diff((0.0, *cuts)) > 0).all():
        raise wrong
    return cuts


def as_event(value: Any, argument: str) -> Event:
    """An event, or its arguments by name."""
    if isinstance(value, Event):
        return value
    if isinstance(value, Mapping):
        unknown = [k for k in value if k not in Event.__dataclass_fields__]
        if not unknown and "time" in value:
            return Event(**value)
    raise _bad(f"{shown(value)} does not say which columns hold the time and the status", WAY_OUT)


def _bad(what: str, way_out: str) -> SpecificationError:
    return SpecificationError(f"event: {what}.", code="bad_event", argument="event", way_out=way_out)
