"""The time to an event as a part of the model: its hazards by group, and covariates that multiply them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.event_times import ENTRY, FIRST, STATUS, TIME, UPPER, event_records, n_causes_of, refuse_no_event
from ..data.measures import Measures
from ..data.panel import Panel
from ..design.coordinates import Coordinates
from ..design.covariate_basis import membership_basis
from ..errors import SpecificationError
from ..families.hazards import EventTimes, PiecewiseTimes, WeibullTimes, stem
from ..specification.event import EventSpec


@dataclass(frozen=True)
class Effects(Coordinates):
    """Coefficients of covariates that multiply the hazard: inside of columns in standard deviations, not centred."""

    everywhere = True


@dataclass(frozen=True)
class EventPart:
    """The time to an event as the engine needs to know it.

    Attributes
    ----------
    spec : hazard, cuts, causes
    n_groups : K
    names : of the q covariates
    spread : (q,) what they are divided by inside
    """

    spec: EventSpec
    n_groups: int
    names: tuple[str, ...] = ()
    spread: tuple[float, ...] = ()
    name: str = "event"
    centre: float = 0.0
    scale: float = 1.0

    n_random = 0
    covariates = None  # they have a predictor of their own
    extent = None

    @property
    def family(self) -> EventTimes:
        of = WeibullTimes if self.spec.hazard == "weibull" else PiecewiseTimes
        return of(self.spec.n_causes, self.spec.n_intervals, bool(self.names))

    @property
    def internal_family(self) -> EventTimes:
        return self.family

    @property
    def bases(self) -> dict[str, Any]:
        """The covariates of each cause, as :class:`Effects`."""
        q, out = len(self.names), {}
        for c in range(self.spec.n_causes if q else 0):
            first = stem(c, self.spec.n_causes)
            out[f"{first}effects"] = Effects(
                tuple(f"{first}{n}" for n in self.names), np.diag(1 / np.array(self.spread)), np.zeros(q))
        return out

    def orders(self, predictor: str) -> tuple[int, ...]:
        return (len(self.names) - 1,) * (1 if self.common(predictor) else self.n_groups)

    def common(self, predictor: str) -> bool:
        """The covariates have the same effects in all groups."""
        return predictor.endswith("effects") and not self.spec.effects_by_group

    def width(self, predictor: str) -> int:
        return len(self.names) if predictor.endswith("effects") else 1

    def columns(self, predictor: str, times: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Internal columns (C, q) of a predictor."""
        if predictor.endswith("effects"):
            return covariates[:, FIRST :] / np.array(self.spread)
        return np.ones((times.size, 1))

    def constant(self, predictor: str) -> np.ndarray:
        return np.zeros(len(self.names)) if predictor.endswith("effects") else np.ones(1)

    def cell_data(self, y: np.ndarray, covariates: np.ndarray, gaps: np.ndarray | None) -> dict[str, np.ndarray]:
        """What the family is told of each cell (.., C), and ``moments`` (S', C) to start from."""
        time, status, entry, upper = (covariates[:, j] for j in (TIME, STATUS, ENTRY, UPPER))
        in_interval = upper > time
        causes = np.stack([(status == c + 1) & ~in_interval for c in range(self.spec.n_causes)]).astype(float)
        about = np.where(in_interval, (time + upper) / 2, time)  # where it was, to start from
        events = np.stack([status == c + 1 for c in range(self.spec.n_causes)]).astype(float)
        out = {"causes": causes, "in_interval": in_interval.astype(float)}
        if self.spec.n_causes > 1:
            out["cause_within"] = events * in_interval
        if self.spec.hazard == "weibull":
            for which, values in (("t", time), ("u", upper), ("entry", entry)):
                has = values > 0
                out[f"log_{which}"], out[f"has_{which}"] = np.log(np.where(has, values, 1.0)), has.astype(float)
            out["moments"] = np.vstack([events, about - entry])
            return out
        at = self.interval_of(about)
        out["at"] = self.interval_of(time)
        out["seen"], out["after"] = self.spent(entry, time), self.spent(time, upper)
        out["moments"] = np.vstack([*(events[c] * at for c in range(self.spec.n_causes)), self.spent(entry, about)])
        return out

    def interval_of(self, time: np.ndarray) -> np.ndarray:
        """(J, n) 1 for the interval of each time."""
        return (np.searchsorted(self.spec.cuts, time, side="left") == np.arange(self.spec.n_intervals)[:, None]) * 1.0

    def spent(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(J, n) how much of the time from start to end lies in each interval."""
        low, high = np.array([0.0, *self.spec.cuts]), np.array([*self.spec.cuts, np.inf])
        return np.maximum(np.minimum(end, high[:, None]) - np.maximum(start, low[:, None]), 0.0)


def with_event_times(spec: EventSpec, panel: Panel) -> EventSpec:
    """The specification that knows its cuts and causes; those of a specification that knows them already stay.

    Raises
    ------
    DataError
        ``no_event`` where nobody had the event.
    SpecificationError
        ``no_event_times`` where the panel has none; ``bad_event`` for an interval without an event, and effects by
        group of no covariates.
    """
    known = panel.subjects.event
    if known is None:
        raise SpecificationError(
            "event: the people were read without their times.", code="no_event_times", argument="event",
            way_out="Read them from a table that has the columns of the event.")
    refuse_no_event(known)
    if spec.effects_by_group and not panel.subjects.event_names:
        raise SpecificationError(
            "event: effects_by_group goes with covariates of the event, and there are none.", code="bad_event",
            argument="event", way_out="Give covariates too, or leave it out.")
    spec = replace(spec, n_causes=max(spec.n_causes, n_causes_of(known)))
    if spec.hazard == "weibull":
        return spec
    here = known[~np.isnan(known[:, TIME])]
    had = here[here[:, STATUS] > 0]
    if not spec.cuts and spec.n_intervals > 1:
        middle = (had[:, TIME] + had[:, UPPER]) / 2
        at = np.unique(np.quantile(middle, np.arange(1, spec.n_intervals) / spec.n_intervals))
        cuts = tuple(float(c) for c in at if 0 < c < middle.max())
        spec = replace(spec, cuts=cuts, n_intervals=len(cuts) + 1)
    _refuse_empty(spec, had)
    return spec


def _refuse_empty(spec: EventSpec, had: np.ndarray) -> None:
    """Raise for an interval in which nobody can have had the event: its rate is 0, which has no logarithm."""
    low, high = (0.0, *spec.cuts), (*spec.cuts, np.inf)
    for c in range(spec.n_causes):
        own = had[had[:, STATUS] == c + 1]
        exact = own[:, UPPER] == own[:, TIME]
        for a, b in zip(low, high, strict=True):
            inside = np.where(exact, (own[:, TIME] > a) & (own[:, TIME] <= b), (own[:, UPPER] > a) & (own[:, TIME] < b))
            if not inside.any():
                cause = f" of cause {c + 1}" if spec.n_causes > 1 else ""
                raise SpecificationError(
                    f"event: nobody had the event{cause} between {a:g} and {b:g}.", code="bad_event", argument="event",
                    way_out="Choose other cuts, such that some people had it in each interval.")


def make_event(panel: Panel, spec: EventSpec, n_groups: int) -> EventPart:
    """The part of a model for these people.

    Raises
    ------
    SpecificationError
        For a covariate that is constant, or follows from the others.
    """
    known, names = panel.subjects.event, panel.subjects.event_names
    assert known is not None
    if not names:
        return EventPart(spec, n_groups)
    x = known[~np.isnan(known[:, TIME]), FIRST :]
    return EventPart(spec, n_groups, names, tuple(membership_basis(x, names, "event").scale.tolist()))


def records_of(panel: Panel, part: EventPart) -> Measures:
    """What the panel's people say of the event: nothing, where they were read without it."""
    known = panel.subjects.event
    if known is None:
        known = np.full((panel.n_subjects, FIRST + len(part.names)), np.nan)
    return event_records(known, part.names)
