"""The time basis that the hidden units of a network make: 1, and of each unit tanh((t - location) / width).

In the network's own words w = 1 / width and c = -location / width. A unit and its mirror image, -w and -c, make the
same curves, and so does any order of the units: the widths are positive, and the locations rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.measures import ranks
from ..errors import SpecificationError
from .coordinates import orthonormal_mix
from .time_basis import Columns, TimeBasis

STEEPEST = 3.8  # half the time from one observed time to the next in widths: tanh is then within 0.001 of its ends
WIDEST = 3.0  # widths, in halves of the range of time: a unit as wide is a straight line
FARTHEST = 2.0  # locations, in halves of the range from its middle
FASTEST = 200.0  # of half the range, the narrowest width where times are at no waves
NEAR_DEPENDENT = 1e-7  # of the columns' lengths, what is left of one beside the others


@dataclass(frozen=True, eq=False)
class HiddenUnits:
    """Where H units turn, ``location`` (H,), and how long they take, ``width`` (H,), both in the units of time."""

    location: np.ndarray
    width: np.ndarray

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """Times (C,) -> columns (C, 1 + H)."""
        return np.column_stack([np.ones(t.size), np.tanh((t[:, None] - self.location) / self.width)])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return ("intercept", *(f"tanh{h + 1}" for h in range(self.location.size)))

    def sorted(self) -> HiddenUnits:
        """The units by where they turn."""
        order = np.argsort(self.location, kind="stable")
        return HiddenUnits(self.location[order], self.width[order])


@dataclass(frozen=True, eq=False)
class WithTangents:
    """The columns of units, and behind them five derivatives of each: in all locations, in all log widths, twice in
    the location, in both, twice in the log width. Locations are in halves of the range of time."""

    units: HiddenUnits
    half: float

    def __call__(self, t: np.ndarray) -> np.ndarray:
        x = (t[:, None] - self.units.location) / self.units.width
        per_location = self.half / self.units.width
        level, slope = np.tanh(x), 1 / np.cosh(np.clip(x, -300, 300)) ** 2
        mixed = slope * (1 - 2 * x * level)
        return np.hstack([
            self.units(t), -slope * per_location, -slope * x, -2 * level * slope * per_location**2,
            mixed * per_location, mixed * x,
        ])


@dataclass(frozen=True)
class Span:
    """The times that units are for: their middle, half their range, and the smallest step between them."""

    centre: float
    half: float
    step: float

    @classmethod
    def of(cls, times: np.ndarray) -> Span:
        """Of times (n_obs,)."""
        distinct = np.unique(times)
        half = float(np.ptp(distinct)) / 2 or 1.0
        step = float(np.diff(distinct).min()) if distinct.size > 1 else half
        return cls(float(distinct[0] + distinct[-1]) / 2, half, step)

    def bounds(self, n_units: int) -> list[tuple[float, float]]:
        """Least and largest location, in halves of the range from its middle, of each unit, and log width in halves."""
        narrowest = max(self.step / (2 * STEEPEST) / self.half, 1 / FASTEST)
        return [(-FARTHEST, FARTHEST)] * n_units + [(float(np.log(narrowest)), float(np.log(WIDEST)))] * n_units

    def units(self, at: np.ndarray) -> HiddenUnits:
        """From coordinates (2 H,) as in :meth:`bounds`."""
        location, log_width = np.split(np.asarray(at, dtype=float), 2)
        return HiddenUnits(self.centre + self.half * location, self.half * np.exp(log_width))

    def coordinates(self, units: HiddenUnits) -> np.ndarray:
        """(2 H,) of units: the inverse of :meth:`units`."""
        return np.concatenate([(units.location - self.centre) / self.half, np.log(units.width / self.half)])


def first_units(times: np.ndarray, n_units: int) -> HiddenUnits:
    """Units that turn at evenly spaced quantiles of times (n_obs,), each over half of the range."""
    span = Span.of(times)
    location = np.quantile(times, (np.arange(n_units) + 0.5) / n_units)
    location += 1e-3 * span.half * np.arange(n_units)  # quantiles of few times may be one
    return HiddenUnits(location, np.full(n_units, span.half / 2))


def network_basis(times: np.ndarray, units: HiddenUnits, tangents: bool = False) -> TimeBasis:
    """The basis of units over the observed ``times`` (n_obs,); with ``tangents`` 5 H further columns.

    Raises
    ------
    SpecificationError
        ``too_many_units`` when there are no more distinct times than units; ``dependent_basis`` for units that make
        (nearly) the same columns.
    """
    distinct, where = ranks(times)
    n_units = units.location.size
    if distinct.size <= n_units:
        raise SpecificationError(
            f"curve: {n_units} hidden units need at least {n_units + 1} distinct times, and there are "
            f"{distinct.size}.", code="too_many_units", argument="curve",
            way_out=f"Give {distinct.size - 1} units or fewer, or a polynomial.",
        )
    try:
        mix = orthonormal_mix(units(distinct), np.bincount(where))
        if np.abs(np.diag(mix)).max() * NEAR_DEPENDENT > 1:
            raise np.linalg.LinAlgError
    except np.linalg.LinAlgError:
        raise SpecificationError(
            "curve: two hidden units make the same columns at the observed times.", code="dependent_basis",
            argument="curve", way_out="Give fewer units.",
        ) from None
    return _basis(units, mix, Span.of(times).half if tangents else None)


def _basis(units: HiddenUnits, mix: np.ndarray, half: float | None = None) -> TimeBasis:
    names, width = units.names, len(mix)
    raw: Columns = units
    if half is not None:
        more = 5 * units.location.size
        raw, names = WithTangents(units, half), (*names, *(f"tangent{j + 1}" for j in range(more)))
        mix = np.block([[mix, np.zeros((width, more))], [np.zeros((more, width)), np.eye(more)]])
    return TimeBasis(
        names=names, raw=raw, mix=mix, to_user=mix, constant=np.eye(len(mix))[0] / mix[0, 0],
        document={"kind": "network", "names": list(names), "location": units.location.tolist(),
                  "width": units.width.tolist(), "mix": mix.tolist()},
    )


def network_basis_of(document: dict[str, Any]) -> TimeBasis:
    """The basis that a document describes."""
    location, width = (np.asarray(document[k], dtype=float) for k in ("location", "width"))
    return _basis(HiddenUnits(location, width), np.asarray(document["mix"], dtype=float))


def units_of(basis: TimeBasis) -> HiddenUnits | None:
    """The hidden units that a basis is made of; None of other bases."""
    return basis.raw if isinstance(basis.raw, HiddenUnits) else None
