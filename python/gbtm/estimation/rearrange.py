"""From optima to new starts: split a group, put one group in another's place, redraw a group's shape.

Random restarts find an optimum with a small basin rarely; rearranging the groups of good optima finds it sooner, and
splitting a group of the K-group fit makes sure that K + 1 groups never fit worse.
"""

from __future__ import annotations

import numpy as np

from ..model.blocks import MEMBERSHIP, SCALES
from ..model.layout import Layout

JITTER = 0.5  # sd of the change of internal coefficients when a group is copied
REDRAW = 2.0


def _group_entries(layout: Layout, group: int, group_set: int = 0) -> list[tuple[tuple[int, str], slice]]:
    return [
        ((b.outcome, b.predictor), b.entries) for b in layout.blocks
        if b.group == group and b.outcome != MEMBERSHIP and layout.spec.set_of(b.outcome) == group_set
    ]


def _copy_group(
    source: np.ndarray, from_layout: Layout, a: int, target: np.ndarray, to_layout: Layout, b: int, group_set: int = 0
) -> None:
    """Coefficients of group a of ``source`` into group b of ``target``, as far as both have them; in place.

    What is common to the groups of ``source`` and b's own in ``target`` (a zero part of one group alone) is copied too.
    """
    common = {(b.outcome, b.predictor): b.entries for b in from_layout.blocks
              if b.group is None and b.predictor != "mean"}  # of a mean all groups share covariates alone
    have = common | dict(_group_entries(from_layout, a, group_set))
    for key, entries in _group_entries(to_layout, b, group_set):
        if key in have:
            width = min(entries.stop - entries.start, have[key].stop - have[key].start)
            target[entries] = 0.0
            target[entries.start : entries.start + width] = source[have[key].start : have[key].start + width]


def _shake(
    target: np.ndarray, layout: Layout, group: int, rng: np.random.Generator, sd: float, zero_sd: float,
    group_set: int = 0,
) -> None:
    for (_, predictor), entries in _group_entries(layout, group, group_set):
        if predictor not in SCALES:
            width = entries.stop - entries.start
            target[entries] += (zero_sd if predictor == "zero" else sd) * rng.standard_normal(width)


def _split_share(theta: np.ndarray, layout: Layout, flat: np.ndarray, a: int, b: int) -> None:
    """Group b takes half of group a's share and all of its dependence on covariates; in place."""
    theta = theta.copy()
    theta[a, 0] -= np.log(2.0) / layout.membership.mix[0, 0]
    theta[b] = theta[a]
    layout.set_membership(flat, theta)


def copied(layout: Layout, flat: np.ndarray, a: int, b: int, group_set: int = 0) -> np.ndarray:
    """Parameters (p,) in which group b of a set has become a copy of group a, and each has half of a's share."""
    target = flat.copy()
    _copy_group(flat, layout, a, target, layout, b, group_set)
    layout.split_share(target, flat, group_set, a, b)
    return target


def rearranged(layout: Layout, optima: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """New starts (count, p) from optima (M, p), the best first."""
    sizes = layout.spec.set_sizes
    starts = np.empty((count, layout.size))
    zero = any(b.predictor == "zero" and b.group is not None for b in layout.blocks)
    for i in range(count):
        flat = optima[min(int(rng.exponential(1.5)), len(optima) - 1)].copy()
        group_set = int(rng.integers(len(sizes))) if len(sizes) > 1 else 0
        groups = sizes[group_set]
        a = int(rng.integers(groups))
        if groups > 1 and (not zero or rng.random() < 0.7):
            b = int(rng.choice([k for k in range(groups) if k != a]))
            flat = copied(layout, flat, a, b, group_set)
            for group in (a, b):
                _shake(flat, layout, group, rng, JITTER, JITTER * float(rng.choice([1.0, 8.0])), group_set)
        else:
            sd, zero_sd = JITTER * float(rng.integers(0, 3)), REDRAW * float(rng.uniform(0.5, 3.0))
            _shake(flat, layout, a, rng, sd, zero_sd, group_set)
        starts[i] = flat
    return starts


def grown(layout: Layout, smaller: Layout, flat: np.ndarray, rng: np.random.Generator, exact: bool) -> np.ndarray:
    """Starts for K groups from a fit with K - 1: each group split in turn, twice.

    The new group takes the last place; common parts (sigma, a common zero part) carry over. With ``exact``, each group
    is also split into two copies of itself: at least as good as the smaller fit, but slow to leave.
    """
    starts = []
    new = layout.n_groups - 1
    common = {(b.outcome, b.predictor): b.entries for b in smaller.blocks if b.group is None}
    for a in range(smaller.n_groups):
        for sd in ([1e-3] if exact else []) + [JITTER, JITTER]:
            start = np.zeros(layout.size)
            for b in layout.blocks:
                if b.group is None and (b.outcome, b.predictor) in common:
                    start[b.entries] = flat[common[b.outcome, b.predictor]]
            for k in range(smaller.n_groups):
                _copy_group(flat, smaller, k, start, layout, k)
            _copy_group(flat, smaller, a, start, layout, new)
            theta = smaller.membership_coefficients(flat)
            _split_share(np.vstack([theta, theta[:1]]), layout, start, a, new)
            for group in (a, new):
                _shake(start, layout, group, rng, sd, sd)
            starts.append(start)
    return np.stack(starts)
