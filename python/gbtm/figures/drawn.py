"""What is drawn of a fit: curves, observed means, subjects' own lines; computed once for all figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_level
from ..constants import SHARED
from ..families import family_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..fit.fit import Fit
    from ..record.on_disk import OnDisk

LEVEL: float = SHARED["level"]
CURVE_POINTS: int = SHARED["curve_points"]
WAVES_MOST: int = SHARED["waves_most"]  # more distinct waves than this are averaged in bins of time
BINS: int = SHARED["bins"]
BAND_ROOM: float = SHARED["band_room"]  # of the height of the data: how far beyond them curves and bands are shown
JITTER_BINARY: float = SHARED["jitter_binary"]
JITTER_COUNT: float = SHARED["jitter_count"]
JITTER_STEP: float = SHARED["jitter_step"]  # of the golden section: spreads evenly, whoever is drawn
LEAST_WEIGHT: float = SHARED["least_weight"]  # posterior weight in subjects behind an observed mean that is drawn


@dataclass(frozen=True)
class Means:
    """Observed means of one group: times (M,), means (M,), posterior weight (M,)."""

    time: np.ndarray
    mean: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """Curves and observed means of a fit.

    Attributes
    ----------
    time : (T,) times of the curves
    estimate, lower, upper : (K, T); the limits are NaN where the data do not determine the curve
    means : one entry per group
    spread : standard deviation of the outcome, least height of the data that the axis goes by
    outside : (K, T) where the group was not seen; None where that is not known
    """

    time: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    means: tuple[Means, ...]
    spread: float = 0.0
    outside: np.ndarray | None = None

    def outside_of(self, group: int) -> np.ndarray:
        """Where a group (T,) was not seen."""
        return np.zeros(self.time.size, dtype=bool) if self.outside is None else self.outside[group - 1]

    def limits(
        self, *, band: bool = True, groups: Sequence[int] | None = None, lines: Sequence[np.ndarray] = (),
        log: bool = False,
    ) -> tuple[float, float]:
        """Range of the outcome's axis. The observed means and the subjects' ``lines`` always fit; a curve or a band
        goes no further beyond them than half their height.

        Parameters
        ----------
        groups : that are drawn; default all
        log : the axis is logarithmic: what is not above zero has no place on it
        """
        rows = [g - 1 for g in groups or range(1, len(self.means) + 1)]

        def on_axis(pieces: Sequence[np.ndarray]) -> np.ndarray:
            values = np.concatenate([np.ravel(piece) for piece in pieces])
            values = values[np.isfinite(values) & (values > 0 if log else True)]
            return np.log(values) if log else values

        curves = [self.estimate[rows]]
        data = [self.means[k].mean for k in rows] + [line[:, 1] for line in lines]
        core = on_axis(data) if on_axis(data).size else on_axis(curves)
        if core.size == 0:
            return (0.1, 1.0) if log else (0.0, 1.0)
        low, high = core.min(), core.max()
        room = BAND_ROOM * max(high - low, 0.0 if log else self.spread, 1e-8)
        shown = on_axis(curves + [self.lower[rows], self.upper[rows]] * band)
        if shown.size:
            low, high = min(low, max(shown.min(), low - room)), max(high, min(shown.max(), high + room))
        margin = 0.04 * max(high - low, 1e-8)
        low, high = float(low - margin), float(high + margin)
        return (float(np.exp(low)), float(np.exp(high))) if log else (low, high)

    def beyond(self, limits: tuple[float, float], groups: Sequence[int] | None = None) -> bool:
        """Whether a fitted curve leaves the axis."""
        own = self.estimate[[g - 1 for g in groups or range(1, len(self.means) + 1)]]
        return bool(((own < limits[0]) | (own > limits[1])).any())


def band_level(level: float | None) -> float | None:
    """The level of the bands, None for none; 0 has meant that too.

    Raises
    ------
    SpecificationError
        ``bad_level``.
    """
    return None if level is None or level == 0 else check_level(level)


def drawn(res: Fit, level: float | None = LEVEL) -> Drawn:
    """Curves at a fine grid of times (at the observed ones where the basis is known only there), and the means."""
    time = res.outcome.seen_times
    grid = np.linspace(time.min(), time.max(), CURVE_POINTS) if res.curves.everywhere else np.unique(time)
    estimate, _, lower, upper = res.curves.band(grid, LEVEL if level is None else level)
    own = tuple(means(res, g) for g in res.group_names)
    sd = float(np.std(res.outcome.shown)) if res.on_disk is None else res.on_disk.sd
    ranges = res.observed_ranges
    return Drawn(grid, estimate, lower, upper, own, sd, None if ranges is None else ranges.outside(grid))


def means(res: Fit, group: int) -> Means:
    """Observed means of a group by wave, or by bins of time when there are many waves.

    Times at which next to nobody of the group was seen have none: it would be the mean of other groups' people.
    """
    disk = res.on_disk
    if disk is not None and disk.waves.size > WAVES_MOST:
        time, mean, weight = _binned_sums(disk, group)
    elif disk is None and np.unique(res.outcome.data.wave).size > WAVES_MOST:
        time, mean, weight = _binned(res, group)
    else:
        own = res.observed_means[res.observed_means["group"] == group]
        time, mean, weight = own.iloc[:, 1].to_numpy(), own["mean"].to_numpy(), own["weight"].to_numpy()
    enough = weight > LEAST_WEIGHT
    return Means(time[enough], mean[enough], weight[enough])


def bin_of(time: np.ndarray) -> np.ndarray:
    """(n,) number of the bin of each time, from 0: bins of equal width over all times, none that is empty."""
    edges = np.linspace(time.min(), time.max(), BINS + 1)
    return np.unique(np.searchsorted(edges[1:-1], time, side="right"), return_inverse=True)[1].ravel()


def _binned(res: Fit, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean time of a bin, mean of a group, and its weight."""
    data = res.outcome.data
    time, y = data.time, data.y
    trials = res.outcome.trials
    at = bin_of(time)
    p = res.group_set.posterior[data.subject, group - 1]
    weight = np.bincount(at, p)
    with np.errstate(invalid="ignore", divide="ignore"):
        tried = weight if trials is None else np.bincount(at, p * trials)
        return np.bincount(at, time) / np.bincount(at), np.bincount(at, p * y) / tried, weight


def _binned_sums(disk: OnDisk, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same from the sums at each wave."""
    at = bin_of(disk.waves)
    people, own = disk.mass.sum(axis=1), disk.mass[:, group - 1]
    weight = np.bincount(at, own)
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = np.bincount(at, np.where(own > 0, own * disk.means[:, group - 1], 0.0))
        return np.bincount(at, people * disk.waves) / np.bincount(at, people), sums / weight, weight


def evenly(candidates: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the candidates (n,), evenly spaced; R draws the same."""
    n = candidates.size
    return candidates if n <= most else candidates[np.arange(most) * n // most]


def subject_lines(res: Fit, subjects: np.ndarray, *, jitter: bool = False) -> list[np.ndarray]:
    """Subjects' own lines, each (T_i, 2) of time and outcome, the mean where several observations share a time.

    Parameters
    ----------
    subjects : (m,) positions among the fit's subjects
    jitter : move the line of a 0/1 outcome or of a count up or down by a little, so that equal lines do not hide
        each other
    """
    data = res.outcome.data
    keep = np.isin(data.subject, subjects)
    time, y, subject = data.time[keep], res.outcome.shown[keep], data.subject[keep]
    if jitter:
        y = y + jitter_of(res) * (2 * ((subject + 1) * JITTER_STEP % 1) - 1)
    order = np.lexsort((time, subject))
    points, subject = np.column_stack([time, y])[order], subject[order]
    new = np.append(True, (np.diff(subject) != 0) | (np.diff(points[:, 0]) != 0))[: len(points)]
    if not new.all():
        at = np.cumsum(new) - 1
        points[new, 1] = np.bincount(at, points[:, 1]) / np.bincount(at)
        points, subject = points[new], subject[new]
    cuts = np.flatnonzero(np.diff(subject)) + 1
    return np.split(points, cuts) if points.size else []


def jitter_of(res: Fit) -> float:
    """Largest move of a subject's line, in units of the outcome: 0 where the outcome is continuous."""
    family = family_named(res.family)
    if family.is_binary:
        return JITTER_BINARY
    return JITTER_COUNT if family.is_count else 0.0
