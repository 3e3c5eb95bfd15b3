"""What has to be known of all blocks before any is fitted: sums of each, and some of its people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.dropped import Dropped
from ..data.measures import History, Measures, ranks
from ..data.panel import Panel
from ..data.subjects import Subjects
from ..families.levels import MOST_LEVELS
from .joined_source import JoinedSource
from .parquet_source import ParquetSource, label_numbers

FIRST = 1000  # outcomes by which those of many values are told at once


@dataclass(frozen=True)
class Seen:
    """Sums over the observations of an outcome, of a block or of all.

    Attributes
    ----------
    extent : smallest and largest outcome
    n_shared : observations that share their time with another one of the same person
    levels : distinct outcomes, ascending, where an outcome of levels may have so many; of more, the first alone
    times : (C,) distinct times, ascending; ``counts`` (C,) observations at each, ``outcomes`` (C,) and ``covariates``
        (C, q) their sums
    """

    nobs: int
    extent: tuple[float, float]
    times: np.ndarray
    counts: np.ndarray
    outcomes: np.ndarray
    covariates: np.ndarray
    n_shared: int = 0
    levels: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, measures: Measures) -> Seen:
        """Those of a block's observations; of none, the extent is that of nothing."""
        times, at = measures.distinct_times
        w = measures.covariates if measures.covariate_names else np.zeros((measures.nobs, 0))
        return cls(
            nobs=measures.nobs,
            extent=(float(measures.y.min(initial=np.inf)), float(measures.y.max(initial=-np.inf))), times=times,
            counts=np.bincount(at).astype(float), outcomes=np.bincount(at, measures.y),
            covariates=np.column_stack([np.bincount(at, c) for c in w.T]) if w.shape[1] else np.zeros((times.size, 0)),
            n_shared=measures.n_shared, levels=_few(measures.y),
        )

    @classmethod
    def total(cls, parts: Sequence[Seen]) -> Seen:
        """Those of all blocks, in their order."""
        times, at = ranks(np.concatenate([p.times for p in parts]))
        covariates = np.concatenate([p.covariates for p in parts])
        return cls(
            nobs=sum(p.nobs for p in parts),
            extent=(min(p.extent[0] for p in parts), max(p.extent[1] for p in parts)), times=times,
            counts=np.bincount(at, np.concatenate([p.counts for p in parts])),
            outcomes=np.bincount(at, np.concatenate([p.outcomes for p in parts])),
            covariates=np.column_stack([np.bincount(at, c) for c in covariates.T]) if covariates.shape[1] else
            np.zeros((times.size, 0)), n_shared=sum(p.n_shared for p in parts),
            levels=_few(np.concatenate([p.levels for p in parts])),
        )


def _few(values: np.ndarray) -> np.ndarray:
    """Distinct values, ascending, at most one more than an outcome may have levels."""
    first = np.unique(values[:FIRST])
    return (first if first.size > MOST_LEVELS else np.sort(pd.unique(values)))[: MOST_LEVELS + 1]


@dataclass(frozen=True)
class Survey:
    """Sums over the people of a block, or of all.

    Attributes
    ----------
    weight, squares : sums of the sampling weights and of their squares; of ones where there are none
    seen : sums over the observations of each outcome
    risk, risk_weight : (U, r) distinct rows of membership covariates, and (U,) the weight of the people who have each
    people : (N,) numbers of the ids where blocks have to be compared; else none
    sample : people drawn of the block, those with equally many observations in proportion
    """

    n_subjects: int
    nobs: int
    dropped: Dropped
    weight: float
    squares: float
    seen: tuple[Seen, ...]
    risk: np.ndarray
    risk_weight: np.ndarray
    people: np.ndarray
    sample: Panel


def survey(source: ParquetSource | JoinedSource, number: int, wanted: int, with_people: bool) -> Survey:
    """That of a block; ``wanted`` people are drawn of it."""
    panel = source.read(number)
    subjects = panel.subjects
    weights = np.ones(panel.n_subjects) if subjects.weights is None else subjects.weights
    risk, risk_weight = distinct_rows(subjects.risk, weights)
    return Survey(
        n_subjects=panel.n_subjects, nobs=panel.nobs, dropped=panel.dropped, weight=float(weights.sum()),
        squares=float((weights**2).sum()), seen=tuple(Seen.of(m) for m in panel.outcomes),
        risk=risk, risk_weight=risk_weight,
        people=label_numbers(panel.ids) if with_people else np.zeros(0, dtype=np.int64),
        sample=panel.subset(drawn(panel, wanted, np.random.default_rng(number))),
    )


def drawn(panel: Panel, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Positions, ascending, of so many people, in proportion from those with equally many observations."""
    n = panel.n_subjects
    if wanted >= n:
        return np.arange(n)
    counts = np.bincount(np.concatenate([m.subject for m in panel.outcomes]), minlength=n)
    order = np.lexsort((rng.random(n), counts))
    return np.sort(order[((np.arange(wanted) + 0.5) * n / wanted).astype(np.int64)])


def distinct_rows(rows: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, r) with weights (n,) -> the distinct ones (U, r) and their summed weights (U,)."""
    if not rows.shape[1]:
        return np.zeros((1, 0)), np.array([weight.sum()])
    levels, code = np.unique(rows, axis=0, return_inverse=True)
    return levels, np.bincount(code.ravel(), weight)


def together(parts: Sequence[Survey], wanted: int) -> Survey:
    """That of all blocks, in their order; ``wanted`` people stay in the sample, as many of a block as it is large."""
    risk, risk_weight = distinct_rows(
        np.concatenate([p.risk for p in parts]), np.concatenate([p.risk_weight for p in parts]))
    n = sum(p.n_subjects for p in parts)
    kept = [min(p.sample.n_subjects, round(wanted * p.n_subjects / n) if n > 1.5 * wanted else p.n_subjects)
            for p in parts]
    samples = [p.sample.subset(drawn(p.sample, k, np.random.default_rng(i)))
               for i, (p, k) in enumerate(zip(parts, kept, strict=True)) if k]
    return Survey(
        n_subjects=n, nobs=sum(p.nobs for p in parts), dropped=_dropped([p.dropped for p in parts]),
        weight=sum(p.weight for p in parts), squares=sum(p.squares for p in parts),
        seen=tuple(map(Seen.total, zip(*(p.seen for p in parts)))),
        risk=risk, risk_weight=risk_weight, people=np.zeros(0, dtype=np.int64), sample=stacked(samples),
    )


def _dropped(parts: Sequence[Dropped]) -> Dropped:
    """What was left out of all blocks."""
    def total(name: str) -> Any:
        values = [getattr(p, name) for p in parts]
        return sum(values) if isinstance(values[0], int) else tuple(x for v in values for x in v)

    return Dropped(**{f.name: total(f.name) for f in fields(Dropped)})


def stacked(panels: Sequence[Panel]) -> Panel:
    """The people of several panels of the same columns, one after the other, no person in two of them."""
    first = panels[0]
    starts = np.cumsum([0, *(p.n_subjects for p in panels)])
    counted = first.history is not None
    outcomes = tuple(
        _measures([p.outcomes[m] for p in panels], starts, counted and m == 0) for m in range(len(first.outcomes)))
    known: Subjects | None = None
    if first.known is not None:
        tables = [p.subjects.arrays for p in panels]
        of_all: dict[str, Any] = {k: np.concatenate([t[k] for t in tables]) for k in tables[0]}
        known = replace(first.known, **of_all)
    ids = pd.Index(np.concatenate([p.ids.to_numpy(dtype=object) for p in panels]), name=first.ids.name)
    return replace(
        first, ids=ids.infer_objects(), outcomes=outcomes, known=known, row_labels=None, doubts=(),
        dropped=Dropped(), history=None if first.history is None else _history([p.history for p in panels], starts),
    )


def _measures(parts: Sequence[Measures], starts: np.ndarray, counted: bool) -> Measures:
    """An outcome of the people of several panels; ``counted``, waves have the same numbers in all of them."""
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(m, name) for m in parts])

    time, m = joined("time"), parts[0]
    return replace(
        m, subject=np.concatenate([p.subject + at for p, at in zip(parts, starts)]), time=time, y=joined("y"),
        wave=joined("wave") if m.columns or counted else ranks(time)[1], row=np.arange(time.size),
        covariates=joined("covariates") if m.covariate_names else m.covariates,
        exposure=None if m.exposure is None else joined("exposure"),
    )


def _history(parts: Sequence[Any], starts: np.ndarray) -> History:
    """What was read wave by wave of the people of several panels."""
    own = {n: np.concatenate([getattr(h, n) for h in parts]) for n in ("wave", "y", "covariates")}
    subject = np.concatenate([h.subject + at for h, at in zip(parts, starts)])
    return replace(parts[0], subject=subject, n_subjects=int(starts[-1]), **own)
