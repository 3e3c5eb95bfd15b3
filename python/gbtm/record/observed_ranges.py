"""At which times a group was seen: the range that holds all but a small share of its weighted observations.

An observation weighs as much for a group as the posterior probability that its subject belongs to it. At either end of
a group's range at most ``OUTSIDE_SHARE`` of the group's weight is left out: other groups' people, who have a small
probability of every group. An end that reaches into the outermost ``OUTSIDE_THIN`` of all observations is the first or
the last time observed at all: there it is people who are few, not people of the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..columns.reading import listing
from ..constants import SHARED
from ..errors import warn
from ..findings.far_times import LISTED, warn_far_times
from .group_set import GroupSet
from .on_disk import OnDisk
from .outcome_record import OutcomeRecord

OUTSIDE_SHARE: float = SHARED["outside_share"]
OUTSIDE_THIN: float = SHARED["outside_thin"]
FORMULA_ALONE = "what the curves do there is a matter of their formula alone"


@dataclass(frozen=True, eq=False)
class ObservedRanges:
    """The first and the last time at which each group was seen (K,), and at which anybody was; NaN for a group that
    nobody is in."""

    low: np.ndarray
    high: np.ndarray
    first: float
    last: float

    @property
    def narrower(self) -> np.ndarray:
        """Which groups were not seen at all times (K,)."""
        return ~((self.low <= self.first) & (self.high >= self.last))

    def outside(self, times: np.ndarray) -> np.ndarray:
        """Whether each group (K, C) was not seen at a time."""
        return ~((times >= self.low[:, None]) & (times <= self.high[:, None]))

    def words(self, k: int) -> str:
        """The range of group k, from 0."""
        return f"{self.low[k]:g} to {self.high[k]:g}" if np.isfinite(self.low[k]) else "never"


def ranges_of(outcome: OutcomeRecord, groups: GroupSet, disk: OnDisk | None) -> ObservedRanges | None:
    """The ranges of an outcome's groups; None where its observations are not with the fit."""
    observed = outcome.observed_times
    if observed is None:
        return None
    if disk is not None:
        return observed_ranges(disk.waves, disk.mass, (float(observed.min()), float(observed.max())))
    times, at = np.unique(outcome.data.time, return_inverse=True)
    posterior = groups.posterior[outcome.data.subject]
    mass = np.column_stack([np.bincount(at.ravel(), p, times.size) for p in posterior.T])
    return observed_ranges(times, mass)


def observed_ranges(
    times: np.ndarray, mass: np.ndarray, ends: tuple[float, float] | None = None
) -> ObservedRanges:
    """The ranges of groups of which weights ``mass`` (T, K) were observed at ``times`` (T,).

    ``ends`` are the first and the last time of all, where the times are means of waves.
    """
    order = np.argsort(times)
    times, mass = times[order], mass[order]
    first, last = ends or (float(times[0]), float(times[-1]))
    low = _ends(times, mass, first)
    high = -_ends(-times[::-1], mass[::-1], -last)
    return ObservedRanges(low, high, first, last)


def _ends(times: np.ndarray, mass: np.ndarray, first: float) -> np.ndarray:
    """The lower end of each group (K,)."""
    people = mass.sum(axis=1)
    thin = times[np.argmax(np.cumsum(people) >= OUTSIDE_THIN * people.sum())]
    with np.errstate(invalid="ignore"):
        share = np.cumsum(mass, axis=0) / mass.sum(axis=0)
    own = times[np.argmax(share >= OUTSIDE_SHARE, axis=0)]
    return np.where(np.isnan(share[-1]), np.nan, np.where(own <= thin, first, own))


def warn_outside(times: np.ndarray, ranges: ObservedRanges | None, observed: np.ndarray | None) -> None:
    """Warn of ``times`` that were asked for and at which some group was not seen."""
    far = warn_far_times(times, observed)
    if ranges is None:
        return
    at = np.setdiff1d(times[np.isfinite(times)], far)
    outside = ranges.outside(at)
    if not outside.any():
        return
    if (outside == outside[0]).all() and not ranges.narrower.any():
        said = [f"{_listed(at[outside[0]])} of all groups ({ranges.first:g} to {ranges.last:g})"]
    else:
        said = [f"{_listed(at[outside[k]])} of group {k + 1} ({ranges.words(int(k))})" for k in np.flatnonzero(
            outside.any(axis=1))]
    warn(f"times: outside of what was seen {'; '.join(said)}: {FORMULA_ALONE}.")


def _listed(times: np.ndarray) -> str:
    return f"at {listing([f'{t:g}' for t in times], LISTED)}"


def narrow_words(ranges: ObservedRanges | None, time_name: str) -> str:
    """The sentence on groups that were not seen at all times; empty where there is none."""
    if ranges is None or not ranges.narrower.any():
        return ""
    groups = [f"group {k + 1} ({ranges.words(int(k))})" for k in np.flatnonzero(ranges.narrower)]
    return (
        f"Not seen over all of {time_name} {ranges.first:g} to {ranges.last:g}: {listing(groups, 8)}. At other times a "
        "curve is a matter of its formula alone, and predict() marks it as outside."
    )
