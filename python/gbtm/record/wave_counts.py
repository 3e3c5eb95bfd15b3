"""Who was observed when, in counts: what an attrition table is made of, summed over blocks where people are on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

WAVES_MOST = 40  # with more distinct times than this, waves are each subject's first, second, .. observation
PATTERNS_MOST = 10


@dataclass(frozen=True, eq=False)
class Moments:
    """Numbers, means and sums of squares about the means of values in some cells, (T,) each.

    Those of two parts are joined as in Chan, Golub & LeVeque (1983), The American Statistician 37, 242-247.
    """

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, cell: np.ndarray, value: np.ndarray, cells: int) -> Moments:
        """Of values (n,) by cell (n,)."""
        count = np.bincount(cell, minlength=cells)
        first = np.zeros(cells)
        first[cell[::-1]] = value[::-1]
        away = value - first[cell]  # equal values have a sum of squares of exactly 0
        some = np.maximum(count, 1)
        shift = np.bincount(cell, away, minlength=cells) / some
        squares = np.bincount(cell, (away - shift[cell]) ** 2, minlength=cells)
        return cls(count.astype(float), first + shift, squares)

    @staticmethod
    def total(parts: Sequence[Moments]) -> Moments:
        """Of all parts, in their order."""
        size = max(p.count.size for p in parts)
        sums = np.zeros((3, size))
        for p in parts:
            count, mean, squares = (np.pad(v, (0, size - v.size)) for v in (p.count, p.mean, p.squares))
            both = sums[0] + count
            share = np.divide(count, both, out=np.zeros(size), where=both > 0)
            apart = mean - sums[1]
            sums = np.stack([both, sums[1] + share * apart, sums[2] + squares + apart**2 * sums[0] * share])
        return Moments(*sums)

    def at(self, cells: np.ndarray) -> Moments:
        """Of some of the cells."""
        return Moments(self.count[cells], self.mean[cells], self.squares[cells])

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations with n - 1, NaN of one value."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.count > 1, np.sqrt(self.squares / (self.count - 1)), np.nan)


@dataclass(frozen=True, eq=False)
class WaveCounts:
    """Counts of an outcome's observations and of the people who have them.

    Attributes
    ----------
    common : waves are times that people have in common; else each person's first, second, .. observation
    time, outcome : by wave; of several observations of a person at a time the outcomes all count, the time once
    first, last : (T,) people whose first, whose last observation is at the wave
    sizes : (S,) people seen at 0, 1, 2, .. waves
    patterns : observed (bit set) and missing waves, as numbers, those of the most people first; without common waves
        none
    having : people with each pattern
    values : moments of the outcome over all observations, one cell
    least, most : the smallest and the largest outcome
    zeros, ones, lower, upper : observations that are 0, that are 1, that are at or beyond the bounds
    """

    common: bool
    time: Moments
    outcome: Moments
    first: np.ndarray
    last: np.ndarray
    sizes: np.ndarray
    patterns: np.ndarray
    having: np.ndarray
    values: Moments
    least: float
    most: float
    zeros: int
    ones: int
    lower: int
    upper: int

    @classmethod
    def of(
        cls, subject: np.ndarray, wave: np.ndarray, time: np.ndarray, y: np.ndarray, *, n: int, waves: int,
        bounds: tuple[float, float],
    ) -> WaveCounts:
        """Of the observations (n_obs,) of ``n`` people at ``waves`` waves, all patterns with them."""
        common = waves <= WAVES_MOST
        once = first_at_each(subject, wave.astype(float) if common else time)
        if common:
            seen = np.zeros(n, dtype=np.int64)
            np.bitwise_or.at(seen, subject, np.left_shift(np.int64(1), wave.astype(np.int64)))
            patterns, having = np.unique(seen, return_counts=True)
            bits = bits_of(patterns, waves)
            number, there = bits.sum(axis=1), bits.any(axis=1)
            sizes: np.ndarray = np.bincount(number, having, minlength=2)
            first: np.ndarray = np.bincount(bits.argmax(axis=1)[there], having[there], minlength=waves)
            from_behind = bits[:, ::-1].argmax(axis=1)[there]
            last: np.ndarray = np.bincount(waves - 1 - from_behind, having[there], minlength=waves)
        else:
            wave = occasions(subject, time)
            waves = int(wave.max(initial=0)) + 1
            sizes = np.bincount(np.bincount(subject[once], minlength=n), minlength=2).astype(float)
            patterns, having = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
            first = np.zeros(waves)
            first[0] = sizes[1:].sum()
            last = sizes[1:]
        return cls(
            common, Moments.of(wave[once], time[once], waves), Moments.of(wave, y, waves), first, last, sizes, patterns,
            having.astype(float), Moments.of(np.zeros(y.size, dtype=int), y, 1),
            float(y.min(initial=np.inf)), float(y.max(initial=-np.inf)), int((y == 0).sum()), int((y == 1).sum()),
            int((y <= bounds[0]).sum()), int((y >= bounds[1]).sum()),
        )

    @staticmethod
    def total(parts: Sequence[WaveCounts]) -> WaveCounts:
        """Of all parts: waves at which somebody was observed, and the most frequent patterns."""
        patterns, place = np.unique(np.concatenate([p.patterns for p in parts]), return_inverse=True)
        having = np.bincount(place, np.concatenate([p.having for p in parts]), minlength=patterns.size)
        time = Moments.total([p.time for p in parts])
        there = np.flatnonzero(time.count > 0)
        bits = bits_of(patterns, time.count.size)[:, there]
        words = ["".join("X" if b else "." for b in row) for row in bits[_most(having)]]
        order = sorted(zip(-having[_most(having)], words, _most(having), strict=True))[:PATTERNS_MOST]
        top = np.array([i for *_, i in order], dtype=int)
        return WaveCounts(
            parts[0].common, time.at(there), Moments.total([p.outcome for p in parts]).at(there),
            _added([p.first for p in parts])[there], _added([p.last for p in parts])[there],
            _added([p.sizes for p in parts]), bits[top] @ (1 << np.arange(there.size)), having[top],
            Moments.total([p.values for p in parts]), min(p.least for p in parts), max(p.most for p in parts),
            *(sum(getattr(p, name) for p in parts) for name in ("zeros", "ones", "lower", "upper")),
        )

    @property
    def document(self) -> dict[str, Any]:
        """As a fit document has it."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: {f.name: getattr(v, f.name) for f in fields(Moments)} if isinstance(v, Moments) else v
                for k, v in plain.items()}

    @classmethod
    def from_document(cls, stored: dict[str, Any]) -> WaveCounts:
        """What :attr:`document` is of."""
        moments = {k: Moments(**{name: np.asarray(v, dtype=float) for name, v in stored[k].items()})
                   for k in ("time", "outcome", "values")}
        arrays = {k: np.asarray(stored[k], dtype=float) for k in ("first", "last", "sizes", "having")}
        return cls(**{**stored, **moments, **arrays, "patterns": np.asarray(stored["patterns"]).astype(np.int64)})


def bits_of(patterns: np.ndarray, waves: int) -> np.ndarray:
    """(P, T) whether each pattern has each wave."""
    return (patterns[:, None] >> np.arange(waves)) & 1 == 1 if patterns.size else np.zeros((0, waves), dtype=bool)


def occasions(subject: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The place of each observation in its subject's series, from 0; of those at one time it is the same."""
    order = np.lexsort((time, subject))
    place = np.empty(subject.size, dtype=int)
    if not place.size:
        return place
    ordered, new = subject[order], np.ones(subject.size, dtype=int)
    new[1:] = (np.diff(ordered) != 0) | (np.diff(time[order]) != 0)
    first = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1]
    length = np.diff(np.r_[first, ordered.size])
    number = np.cumsum(new)
    place[order] = number - np.repeat(number[first], length)
    return place


def first_at_each(subject: np.ndarray, time: np.ndarray) -> np.ndarray | slice:
    """One observation of those of a subject at a time, which stand together; all where there is one of each."""
    same = (np.diff(subject) == 0) & (np.diff(time) == 0)
    return np.flatnonzero(np.append(True, ~same)) if same.any() else slice(None)


def _most(having: np.ndarray) -> np.ndarray:
    """Patterns that could be among the most frequent: those as frequent as the last of these too."""
    if having.size <= PATTERNS_MOST:
        return np.arange(having.size)
    return np.flatnonzero(having >= np.partition(having, -PATTERNS_MOST)[-PATTERNS_MOST])


def _added(values: Sequence[np.ndarray]) -> np.ndarray:
    size = max(v.size for v in values)
    return np.sum([np.pad(v, (0, size - v.size)) for v in values], axis=0)
