"""Starting values: partitions of the subjects and the parameters they imply.

A start is a soft partition of the subjects, from which each group's parameters follow by a few M-steps, and random
draws for those parts of a group that can have a shape of their own whatever the partition (the zero part of a ZIP).
Partitions vary in kind: spread over the outcome's level, k-means on per-subject curves under randomly weighted
features, and small random seeds. Jittering one start does not find other optima; different partitions do.

Of several outcomes that share their groups there are further kinds: groups that one outcome alone shows, which the
others would drown, and groups that no outcome shows by itself, crossings of the clusters of each.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from ..data.measures import Measures
from ..data.panel import Panel
from ..likelihood.derivatives import Collected, gathered
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.outcome import OutcomePart
from .labellings import partitions_of_known
from .newton import maximise_q

CURVE_COLUMNS = 4
RIDGE = 0.3  # observations' worth of shrinkage of a subject's own curve to the overall one
SOFT = 0.9  # weight of a subject in its own cluster; the rest is shared, so that no group starts without data
START_STEPS = 8
CROSSED_MOST = 3  # outcomes whose clusters are crossed in one start; cells multiply
ZERO_SPREAD = (1.0, 6.0)  # sd of random zero-part coefficients on the orthonormal basis


def subject_curves(part: OutcomePart, measures: Measures, n_subjects: int) -> np.ndarray:
    """Ridge regression of each subject's own (log) outcome on time: standardised coefficients (N, q).

    Of categories without an order, of whether it was at each but the first, side by side.
    """
    columns = part.bases["mean"].internal(measures.time)[:, :CURVE_COLUMNS]
    if part.spec.traits.takes_trials and measures.exposure is not None:
        features = [measures.y / measures.exposure]
    elif part.spec.traits.is_count:
        features = [np.log1p(measures.y if measures.exposure is None else measures.y / measures.exposure)]
    else:
        features = [(x - part.centre) / part.scale for x in part.family.features(measures.y)]
    return np.hstack([_own_curves(columns, y, measures.subject, n_subjects) for y in features])


def _own_curves(columns: np.ndarray, y: np.ndarray, subject: np.ndarray, n_subjects: int) -> np.ndarray:
    """Standardised coefficients (N, q) of each subject's ridge regression of y (n,) on columns (n, q)."""
    overall, *_ = np.linalg.lstsq(columns, y, rcond=None)
    residual = y - columns @ overall
    q = columns.shape[1]
    gram = np.empty((n_subjects, q, q))
    cross = np.empty((n_subjects, q))
    for i in range(q):
        cross[:, i] = np.bincount(subject, columns[:, i] * residual, minlength=n_subjects)
        for j in range(i, q):
            gram[:, i, j] = np.bincount(subject, columns[:, i] * columns[:, j], minlength=n_subjects)
            gram[:, j, i] = gram[:, i, j]
    curves = np.linalg.solve(gram + RIDGE * np.eye(q), cross[:, :, None])[:, :, 0]
    spread = curves.std(axis=0)
    return curves / np.where(spread > 0, spread, 1.0)


def clusters(features: np.ndarray, k: int, rng: np.random.Generator, rounds: int) -> np.ndarray:
    """Cluster labels (N,) of features (N, q): k-means++ seeds followed by a few rounds of k-means."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")  # fewer distinct curves than clusters: some are empty
        return kmeans2(features, k, iter=rounds + 1, minit="++", rng=rng)[1].astype(np.int64)


class StartingPlan:
    """Makes starting values one batch after the other; the same seed gives the same starts.

    The first start is deterministic: groups spread over the level of the outcome.
    """

    def __init__(self, module: Mixture, panel: Panel, rng: np.random.Generator) -> None:
        self.module = module
        self.layout = module.layout
        self.rng = rng
        self.of_outcomes = [
            subject_curves(part, measures, panel.n_subjects)[module.first]
            for part, measures in zip(module.layout.outcomes, panel.outcomes, strict=True)
        ]
        self.curves = np.hstack(self.of_outcomes)
        self.of_set = np.concatenate(
            [np.full(c.shape[1], self.layout.spec.set_of(m)) for m, c in enumerate(self.of_outcomes)])
        self.made = 0

    def _labels(self) -> np.ndarray:
        """Cluster labels (U,) of the distinct subjects for the next start."""
        spec, turn = self.layout.spec, self.made
        if not spec.is_dual:
            return self._clusters(self.curves, spec.n_groups)
        first = self._clusters(self.curves[:, self.of_set == 0], spec.set_sizes[0])
        self.made = turn
        second = self._clusters(self.curves[:, self.of_set == 1], spec.set_sizes[1])
        return np.where((first >= 0) & (second >= 0), first * spec.set_sizes[1] + second, -1)

    def _clusters(self, curves: np.ndarray, k: int) -> np.ndarray:
        """Cluster labels (U,) in ``curves`` (U, q), in ``k`` groups."""
        n = curves.shape[0]
        turn = self.made
        self.made += 1
        if turn == 0:
            rank = np.argsort(np.argsort(curves[:, 0], kind="stable"), kind="stable")
            return (rank * k) // n
        if turn == 1:
            return _by_level(clusters(curves, k, self.rng, rounds=20), curves[:, 0], k)
        shared = len(self.of_outcomes) > 1 and k > 1 and not self.layout.spec.is_dual
        labels = self._of_several(k, turn) if shared else self._clustered(curves, k)
        if turn % 4 == 3:  # only a few subjects of each cluster speak for it
            keep = self.rng.random(n) < max(0.1, min(1.0, 8.0 * k / n))
            labels = np.where(keep, labels, -1)
        return np.where(labels >= 0, self.rng.permutation(k)[labels], -1)

    def _clustered(self, curves: np.ndarray, k: int) -> np.ndarray:
        """k-means of curves (U, q) with columns of random weights."""
        weights = self.rng.exponential(size=curves.shape[1]) * (self.rng.random(curves.shape[1]) < 0.8)
        return clusters(curves * np.maximum(weights, 0.05), k, self.rng, rounds=int(self.rng.integers(0, 3)))

    def _of_several(self, k: int, turn: int) -> np.ndarray:
        """Of several outcomes: all curves together, those of one alone, and crossed clusters of some, in turn."""
        m = len(self.of_outcomes)
        if turn % 3 == 0:
            return self._clustered(self.of_outcomes[(turn // 3) % m], k)
        if turn % 3 == 1:
            some = self.rng.permutation(m)[:CROSSED_MOST]
            each = [self._clustered(self.of_outcomes[o], int(self.rng.integers(2, k + 1))) for o in some]
            cells = np.unique(np.stack(each), axis=1, return_inverse=True)[1].ravel()
            if cells.max() + 1 >= k:
                return merged(cells, self.curves, k)
        return self._clustered(self.curves, k)

    def weights(self, count: int) -> np.ndarray:
        """Soft partitions (B, K, U) of the next ``count`` starts."""
        k = self.layout.n_groups
        labels = np.stack([self._labels() for _ in range(count)])
        soft = np.full((count, k, labels.shape[1]), (1 - SOFT) / k)
        labelled = labels[:, None, :] == np.arange(k)[None, :, None]
        soft[labelled] += SOFT
        unlabelled = labels[:, None, :] < 0
        return partitions_of_known(self.module, np.where(unlabelled, 0.02 / k, soft))

    def next(self, count: int) -> Tensor:
        """Parameters (B, p) of the next ``count`` starts."""
        first = self.made
        weights = self.weights(count)
        draw = np.arange(first, first + count) > 1
        return from_partition(self.module, weights, self.rng, draw)


def from_partition(module: Mixture, weights: np.ndarray, rng: np.random.Generator, draw: np.ndarray) -> Tensor:
    """Soft partitions (B, K, U) -> parameters (B, p); random zero parts where ``draw`` (B,)."""
    layout = module.layout
    device = module.device
    w = torch.as_tensor(weights, device=device) * module.weight
    blocks = [[cells.collect(w[:, :, rows]) for cells in shard.cells] for shard, rows in _blocks(module)]
    collected = gathered(module, blocks)
    flat = np.zeros((weights.shape[0], layout.size + 1))
    for m, part in enumerate(layout.parts):
        totals = np.sum([_totals(c) for c in collected if c.outcome == m], axis=0)
        group_set = layout.spec.set_of(m)
        constants = module.cells[m].family.initial(layout.marginal(totals, group_set, axis=1))
        shift = float(module.cells[m].log_exposure.mean())
        for predictor, table in layout.index[m].items():
            value = constants[predictor] - (shift if predictor == "mean" else 0.0)
            if part.common(predictor):
                value = np.broadcast_to(value.mean(axis=1, keepdims=True), value.shape)
            for c, k in enumerate(layout.class_groups[group_set]):
                flat[:, table[c]] = value[:, k, None] * part.constant(predictor)
        if isinstance(part, OutcomePart) and part.spec.traits.is_zero_inflated:
            _draw_zero_parts(layout, m, flat, rng, draw)
    shares = w.sum(2)
    shares = shares / shares.sum(1, keepdim=True)
    flat = flat[:, : layout.size]
    layout.set_shares(flat, shares.cpu().numpy())
    start = torch.as_tensor(flat, device=device)
    return maximise_q(module, start, collected, START_STEPS, constrained=False)


def _blocks(module: Mixture) -> Iterator[tuple[Mixture, slice]]:
    """The blocks of subjects and where they are."""
    at = 0
    for shard in module.shards:
        yield shard, slice(at, at + shard.weight.numel())
        at += shard.weight.numel()


def _totals(c: Collected) -> np.ndarray:
    """Totals over the cells (B, K, S') of what a family's ``initial`` takes."""
    return c.owner.cells[c.outcome].totals(c.statistics)


def _draw_zero_parts(layout: Layout, m: int, flat: np.ndarray, rng: np.random.Generator, draw: np.ndarray) -> None:
    """Random coefficients of the zero part, in place: a ZIP group is multimodal by itself."""
    for b in layout.blocks:
        if b.outcome == m and b.predictor == "zero":
            spread = np.exp(rng.uniform(np.log(ZERO_SPREAD[0]), np.log(ZERO_SPREAD[1]), size=(flat.shape[0], 1)))
            values = spread * rng.standard_normal((flat.shape[0], b.width))
            flat[:, b.entries] = np.where(draw[:, None], values, flat[:, b.entries])


def merged(cells: np.ndarray, curves: np.ndarray, k: int) -> np.ndarray:
    """Cells (U,) of people merged to k clusters, each time the two whose merger adds least to the sum of squares of the
    curves (U, q) about their means (Ward 1963)."""
    labels = cells.copy()
    count = np.bincount(labels).astype(float)
    mean = np.stack([np.bincount(labels, c) for c in curves.T], axis=1) / count[:, None]
    alive = list(range(count.size))
    while len(alive) > k:
        n, at = count[alive], mean[alive]
        cost = n[:, None] * n / (n[:, None] + n) * ((at[:, None] - at[None]) ** 2).sum(axis=2)
        cost[np.tril_indices(len(alive))] = np.inf
        i, j = np.unravel_index(int(cost.argmin()), cost.shape)
        a, b = alive[int(i)], alive[int(j)]
        mean[a] = (count[a] * mean[a] + count[b] * mean[b]) / (count[a] + count[b])
        count[a] += count[b]
        labels[labels == b] = a
        alive.remove(b)
    return np.asarray(np.searchsorted(alive, labels))


def _by_level(labels: np.ndarray, level: np.ndarray, k: int) -> np.ndarray:
    """Rename clusters by their mean level, lowest first."""
    counts = np.maximum(np.bincount(labels, minlength=k), 1)
    means = np.bincount(labels, level, minlength=k) / counts
    return np.argsort(np.argsort(means))[labels]
