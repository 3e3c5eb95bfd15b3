"""What is drawn of a fit: curves, observed means, subjects' own lines; computed once for all figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..families import family_named

if TYPE_CHECKING:
    from ..fit.fit import Fit

GRID_POINTS = 200
WAVES_MOST = 60  # more distinct times than this are averaged in bins
BINS = 20
BAND_ROOM = 0.5  # of the height of curves and means: how far beyond them a band is shown
JITTER_BINARY, JITTER_COUNT = 0.04, 0.2
LEAST_WEIGHT = 0.5  # posterior weight in subjects behind an observed mean that is drawn


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
    """

    time: np.ndarray
    estimate: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    means: tuple[Means, ...]

    def limits(self, *, band: bool = True, observed: bool = True) -> tuple[float, float]:
        """Range of the outcome's axis: curves and means always fit, a band that explodes is cut."""
        shown = [self.estimate.ravel()]
        if observed:
            shown += [m.mean for m in self.means]
        values = np.concatenate(shown)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        room = BAND_ROOM * max(high - low, 1e-8)
        if band and np.isfinite(self.lower).any():
            low, high = (
                min(low, max(float(np.nanmin(self.lower)), low - room)),
                max(high, min(float(np.nanmax(self.upper)), high + room)),
            )
        margin = 0.04 * max(high - low, 1e-8)
        return low - margin, high + margin


def drawn(res: Fit, level: float = 0.95) -> Drawn:
    """Curves at a fine grid of times (at the observed ones where the basis is known only there), and the means."""
    time = np.asarray(res.document["data"]["time"])
    grid = np.linspace(time.min(), time.max(), GRID_POINTS) if res.curves.everywhere else np.unique(time)
    estimate, _, lower, upper = res.curves.band(grid, level)
    return Drawn(grid, estimate, lower, upper, tuple(means(res, g) for g in res.group_names))


def means(res: Fit, group: int) -> Means:
    """Observed means of a group by wave, or by bins of time when there are many waves.

    Times at which next to nobody of the group was seen have none: it would be the mean of other groups' people.
    """
    table = res.observed_means
    own = table[(table["group"] == group) & (table["weight"] > 0)]
    x, y, w = own[res.time_name].to_numpy(), own["mean"].to_numpy(), own["weight"].to_numpy()
    if x.size > WAVES_MOST:
        edges = np.linspace(x.min(), x.max(), BINS + 1)
        at = np.clip(np.digitize(x, edges) - 1, 0, BINS - 1)
        total = np.bincount(at, w, minlength=BINS)
        keep = total > 0
        x = np.bincount(at, w * x, minlength=BINS)[keep] / total[keep]
        y = np.bincount(at, w * y, minlength=BINS)[keep] / total[keep]
        w = total[keep]
    enough = w > LEAST_WEIGHT
    return Means(x[enough], y[enough], w[enough])


def subject_lines(
    res: Fit, group: int, most: int, rng: int = 0, *, jitter: bool = False
) -> tuple[list[np.ndarray], int]:
    """Subjects' own lines, each (T_i, 2) of time and outcome, of those assigned to a group.

    Parameters
    ----------
    most : a random choice of so many when there are more
    jitter : move the line of a 0/1 outcome or of a count up or down by a little, so that equal lines do not hide
        each other

    Returns
    -------
    lines, and how many subjects are assigned to the group
    """
    draw = np.random.default_rng(rng)
    data = res.document["data"]
    mine = np.flatnonzero(res.assignment.to_numpy() == group)
    chosen = draw.choice(mine, most, replace=False) if mine.size > most else mine
    subject = np.asarray(data["subject"]).astype(int)
    keep = np.isin(subject, chosen)
    time, y, subject = np.asarray(data["time"])[keep], np.asarray(data["y"])[keep], subject[keep]
    if jitter:
        y = y + draw.uniform(-1, 1, res.n_subjects)[subject] * jitter_of(res)
    order = np.lexsort((time, subject))
    points = np.column_stack([time, y])[order]
    cuts = np.flatnonzero(np.diff(subject[order])) + 1
    return (np.split(points, cuts) if points.size else []), int(mine.size)


def jitter_of(res: Fit) -> float:
    """Largest move of a subject's line, in units of the outcome: 0 where the outcome is continuous."""
    family = family_named(res.family)
    if family.is_binary:
        return JITTER_BINARY
    return JITTER_COUNT if family.is_count else 0.0
