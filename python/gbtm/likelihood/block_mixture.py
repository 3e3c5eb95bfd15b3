"""The likelihood of people whose data stay on disk: a mixture whose shards are blocks made from files.

Each block is a :class:`.mixture.Mixture` of its own people with design cells of its own; what it collects is told by
the cells of all blocks, whose design the whole has. Sums over blocks are those over shards of data in memory.
"""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ..compute.blocks import Block, OfBlock, Workplace, kept
from ..compute.threads import workers
from ..data.measures import Measures
from ..data.panel import Panel
from ..densities.cells import PRIVATE_SHARE
from ..disk.disk_panel import DiskPanel
from ..disk.joined_source import JoinedSource
from ..disk.parquet_source import ParquetSource
from ..errors import SpecificationError
from ..model.dropout import no_dropout
from ..model.layout import Layout
from ..model.outcome import OutcomePart, Part, prepare
from .log_prior import LogPrior
from .membership import Membership
from .mixture import Mixture, Tensors
from .pseudo_people import PseudoPeople, pseudo_sums

R = TypeVar("R")
Seen = tuple[np.ndarray, np.ndarray]  # rows of times and covariates, and sums there


@dataclass(frozen=True, eq=False)
class BlockRecipe:
    """How a block's likelihood is made from its files.

    Attributes
    ----------
    layout : without the people that shares average over
    weight : mean sampling weight of all people
    cells : of each part of the model the rows (C, q) that tell the cells of all blocks apart, once they are known; None
        where blocks share no cells
    with_ids : the block keeps its people's ids
    """

    key: tuple[str, int]
    memory: int
    source: ParquetSource | JoinedSource
    layout: Layout
    weight: float
    cells: tuple[np.ndarray | None, ...] | None = None
    with_ids: bool = False

    def read(self) -> Panel:
        """The people of the block."""
        return prepare(self.source.read(self.key[1]), self.layout.spec, check_size=False)

    def make(self) -> BlockOfPeople:
        """The likelihood of the people of the block."""
        return BlockOfPeople(self, self.read())

    def settle(self, made: BlockOfPeople) -> None:
        """Tell where the block's cells are among those of all blocks."""
        if self.cells is not None and not made.settled:
            made.find_place(self.cells)

    def size(self, made: BlockOfPeople) -> int:
        return made.size

    def shards(self, made: BlockOfPeople) -> list[Mixture]:
        return made.shards


class BlockOfPeople(Mixture):
    """The likelihood of a block.

    Attributes
    ----------
    rows, first_y : of each part of the model (C, q) what tells the block's cells apart, and an outcome (C,) of each
    square : (U,) squares of the weights, summed over those who are alike
    units : (2, N) stratum and cluster of each person, where there are clusters
    seen : of each part what the pseudo-people of a prior are made of, where there is one
    """

    def __init__(self, recipe: BlockRecipe, panel: Panel) -> None:
        super().__init__(recipe.layout, panel)
        self.recipe = recipe
        self._set_people(None)
        subjects = panel.subjects
        n = panel.n_subjects
        weights = (np.ones(n) if subjects.weights is None else subjects.weights) / recipe.weight
        self.people_weight = None if subjects.weights is None else weights
        self.seen = None if recipe.layout.spec.prior is None else [
            _seen_together(part, m, weights)
            for part, m in zip(recipe.layout.parts, sources_of(panel, recipe.layout), strict=True)]
        of_kind = weights if self.expand is None else np.bincount(self.expand, weights)
        square = weights**2 if self.expand is None else np.bincount(self.expand, weights**2)
        self.weight = torch.from_numpy(of_kind)
        self.square = torch.from_numpy(square)
        self.n_people = n
        self.ids = panel.ids if recipe.with_ids else None
        self.rows, self.first_y = zip(*(cell_rows(self, m, s) for m, s in enumerate(sources_of(panel, self.layout))))
        left = panel.departures
        self.n_records, self.n_dropped = (0, 0) if left is None else (left.nobs, int(left.y.sum()))
        self.settled = False
        self.units = None
        if subjects.cluster is not None or subjects.stratum is not None:
            stratum = np.zeros(n, dtype=np.int64) if subjects.stratum is None else subjects.stratum
            self.units = np.stack([stratum, stratum if subjects.cluster is None else subjects.cluster])

    @property
    def size(self) -> int:
        """Bytes."""
        arrays = (self.expand, self.first, self.units, self.people_weight)
        of_buffers = sum(b.numel() * b.element_size() for b in self.buffers())
        return of_buffers + sum(a.nbytes for a in arrays if a is not None)

    def find_place(self, cells: tuple[np.ndarray | None, ...]) -> None:
        """``cells`` of all blocks are known from now on."""
        for mine, rows, all_rows in zip(self.cells, self.rows, cells, strict=True):
            if all_rows is None:
                mine.apart = True
                continue
            at = pd.MultiIndex.from_arrays([*all_rows.T]).get_indexer(pd.MultiIndex.from_arrays([*rows.T]))
            if not np.array_equal(at, np.arange(len(all_rows))):
                mine.place = torch.from_numpy(at.astype(np.int64)), len(all_rows)
        self._shards, self.settled = None, True


def sources_of(panel: Panel, layout: Layout) -> tuple[Measures, ...]:
    """What the parts of a model are about."""
    return panel.sources if layout.spec.dropout is not None else panel.outcomes


def cell_rows(module: Mixture, m: int, measures: Measures) -> tuple[np.ndarray, np.ndarray]:
    """What tells the design cells of part m apart (C, q), times first, and the first outcome (C,) in each."""
    family = module.cells[m].family
    exposed = measures.exposure is not None and not family.folds_exposure
    first, _ = measures.cells(by_value=family.by_value, by_exposure=exposed)
    columns = [measures.time, *(measures.covariates.T if measures.covariate_names else ())]
    columns += [measures.exposure] if exposed and measures.exposure is not None else []
    columns += [measures.y] if family.by_value else []
    return np.column_stack([c[first] for c in columns]), measures.y[first]


class BlockMixture(Mixture):
    """The likelihood of all people of a :class:`~gbtm.disk.disk_panel.DiskPanel`, in sums over its blocks.

    As a module it has the parameters, and one stand-in for the people: of their total weight, seen once in each cell.

    Parameters
    ----------
    layout : its shares average over all people's membership covariates
    sample, sample_panel : the likelihood of the sample, by which optima are told apart, and its people
    place : where the blocks are worked on
    memory : remembers what was computed, by what it is and parameters

    Raises
    ------
    SpecificationError
        ``too_many_cells`` where times are people's own; ``no_dropout`` where nobody drops out, or all at once.
    """

    def __init__(
        self, layout: Layout, panel: DiskPanel, sample: Mixture, sample_panel: Panel, place: Workplace,
        memory: Callable[[str, Tensor, Callable[[], Tensors]], Tensors] | None = None,
    ) -> None:
        token = uuid.uuid4().hex
        bare = Layout(layout.spec, layout.parts, layout.membership)
        of_all = panel.survey.weight / panel.n_subjects
        recipes = [
            BlockRecipe((token, i), panel.memory, panel.source, bare, of_all) for i in range(panel.n_blocks)]
        blocks = [Block(r, place) for r in recipes]
        with workers():
            told = place.results(OfBlock(_told), blocks)
        _refuse_without_events(told, layout)
        found = [_cells_of_all(told, m, layout) for m in range(len(layout.parts))]
        stand_in = _stand_in(sample_panel, found)
        super().__init__(layout, stand_in)
        for cells, seen in zip(self.cells, found, strict=True):
            cells.apart = seen is None
        own = tuple(None if seen is None else cell_rows(self, m, s)[0]
                    for m, (seen, s) in enumerate(zip(found, sources_of(stand_in, layout), strict=True)))
        self.blocks = [Block(replace(r, cells=own), place) for r in recipes]
        self.place_of_work, self.sample, self.memory = place, [sample], memory
        self.people, self.kinds = sum(t.n_people for t in told), sum(t.n_distinct for t in told)
        self.weight = torch.tensor([float(self.people)], dtype=torch.float64)
        self.constant = torch.tensor([sum(t.constant for t in told) / self.people], dtype=torch.float64)
        self._set_people(None)
        if layout.spec.prior is not None:
            each = [[t.seen[m] for t in told if t.seen is not None] for m in range(len(layout.parts))]
            self._log_prior = [LogPrior(layout, [_pseudo_people(s) for s in each], float(self.people))]
        if panel.survey.sample.subjects.risk_names:
            self.membership = Membership(layout, torch.from_numpy(layout.z))
        self._free = weakref.finalize(self, kept.forget, token)

    @property
    def shards(self) -> list[Any]:
        """The blocks, each of as many shards as it makes."""
        return self.blocks

    @property
    def n_distinct(self) -> int:
        return self.kinds

    @property
    def judged(self) -> Tensor:
        sample = self.sample[0]
        return sample.weight * (self.people / sample.weight.sum())

    def subject_logliks(self, flat: Tensor) -> Tensor:
        """Of the sample alone."""
        return self.sample[0].subject_logliks(flat)

    def recalled(self, what: str, flat: Tensor, compute: Callable[[], Tensors]) -> Tensors:
        return compute() if self.memory is None else self.memory(what, flat, compute)

    def of_blocks(self, call: Callable[[BlockOfPeople], R]) -> list[R]:
        """``call`` of each block as a whole; it has to be one that can be sent to a worker."""
        with workers():
            return self.place_of_work.results(OfBlock(call), self.blocks)

    def _apply(self, fn: Any, recurse: bool = True) -> BlockMixture:
        return nn.Module._apply(self, fn, recurse)  # type: ignore[no-untyped-call]

    def posterior(self, flat: Tensor) -> Tensor:
        raise SpecificationError(
            "posterior: that of people on disk is not held in memory.", code="on_disk", argument="posterior",
            way_out="Write it by blocks: res.posterior_to('folder').",
        )


@dataclass(frozen=True)
class _Told:
    """What the whole has to know of a block; of a part whose rows are cells of their own, not which these are."""

    cells: list[tuple[np.ndarray, np.ndarray] | None]
    n_people: int
    n_distinct: int
    constant: float
    n_records: int
    n_dropped: int
    seen: list[Seen] | None


def _told(block: BlockOfPeople) -> _Told:
    constant = float(block.constant.abs() @ block.weight)
    told = zip(block.cells, block.rows, block.first_y, strict=True)
    cells = [None if mine.private else (rows, y) for mine, rows, y in told]
    return _Told(cells, block.n_people, block.weight.numel(), constant, block.n_records, block.n_dropped, block.seen)


def _refuse_without_events(told: list[_Told], layout: Layout) -> None:
    n, left = sum(t.n_records for t in told), sum(t.n_dropped for t in told)
    if layout.spec.dropout is not None and left in (0, n):
        raise no_dropout(left == 0)


def _cells_of_all(told: list[_Told], m: int, layout: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    """The distinct rows (C, q) of the blocks' cells of part m, and an outcome in each; None where they share none."""
    known = [t.cells[m] for t in told]
    cells = [c for c in known if c is not None]
    is_dropout = not isinstance(layout.parts[m], OutcomePart)
    if len(cells) < len(known):
        if is_dropout:
            return None
        raise SpecificationError(
            f"time: nearly every observation of {layout.outcomes[m].name} has a time, a covariate or an exposure of "
            "its own, for which there are no sums over people.", code="too_many_cells", argument="time",
            way_out="Round times and covariates (ages to years or months), or fit a sample in memory.",
        )
    rows, at = np.unique(np.concatenate([c[0] for c in cells]), axis=0, return_index=True)
    if is_dropout and len(rows) > PRIVATE_SHARE * sum(t.n_records for t in told):
        return None
    return rows, np.concatenate([c[1] for c in cells])[at]


def _seen_together(part: Part, measures: Measures, weights: np.ndarray) -> Seen:
    """Times and covariates (C, 1 + w) of a block's observations of a part, and the sums (4 + S, C) there."""
    first, cell = measures.cells(by_exposure=False)
    columns = [measures.time, *(measures.covariates.T if measures.covariate_names else ())]
    rows = np.column_stack([c[first] for c in columns])
    return rows, pseudo_sums(part, measures, weights[measures.subject], cell, first.size)


def _pseudo_people(seen: list[Seen]) -> PseudoPeople:
    """Those of all blocks."""
    rows, at = np.unique(np.concatenate([s[0] for s in seen]), axis=0, return_inverse=True)
    sums = np.stack([np.bincount(at.ravel(), row) for row in np.concatenate([s[1] for s in seen], axis=1)])
    return PseudoPeople.of_sums(rows[:, 0], rows[:, 1:], sums)


def _stand_in(like: Panel, cells: list[tuple[np.ndarray, np.ndarray] | None]) -> Panel:
    """One person who was seen in each of the cells; where blocks share none, in none."""
    sources = [_seen_in(s, c) for s, c in zip(like.sources, cells, strict=True)]
    known = like.known
    return Panel(
        ids=pd.RangeIndex(1), outcomes=tuple(sources[: len(like.outcomes)]),
        departures=None if like.departures is None else sources[-1],
        known=None if known is None else replace(known.take(np.zeros(1, dtype=np.int64)), weights=None))


def _seen_in(like: Measures, cells: tuple[np.ndarray, np.ndarray] | None) -> Measures:
    if cells is None:
        return like.take(np.zeros(0, dtype=np.int64))
    rows, y = cells
    n, q = len(rows), len(like.covariate_names)
    by_exposure = like.exposure is not None and rows.shape[1] > 1 + q
    return replace(
        like, subject=np.zeros(n, dtype=np.int64), time=rows[:, 0], y=y, wave=np.arange(n), row=np.arange(n),
        covariates=rows[:, 1 : 1 + q] if q else like.covariates,
        exposure=None if like.exposure is None else rows[:, 1 + q] if by_exposure else np.ones(n),
    )
