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
from ..disk.disk_panel import DiskPanel
from ..disk.parquet_source import ParquetSource
from ..errors import SpecificationError
from ..model.layout import Layout
from ..model.outcome import prepare
from .membership import Membership
from .mixture import Mixture, Tensors

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class BlockRecipe:
    """How a block's likelihood is made from its files.

    Attributes
    ----------
    layout : without the people that shares average over
    weight : mean sampling weight of all people
    cells : (C, q) rows that tell the cells of all blocks apart, once they are known
    with_ids : the block keeps its people's ids
    """

    key: tuple[str, int]
    memory: int
    source: ParquetSource
    layout: Layout
    weight: float
    cells: np.ndarray | None = None
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
    rows, first_y : (C, q) what tells the block's cells apart, and an outcome (C,) of each
    square : (U,) squares of the weights, summed over those who are alike
    units : (2, N) stratum and cluster of each person, where there are clusters
    """

    def __init__(self, recipe: BlockRecipe, panel: Panel) -> None:
        super().__init__(recipe.layout, panel)
        self.recipe = recipe
        subjects = panel.subjects
        n = panel.n_subjects
        weights = (np.ones(n) if subjects.weights is None else subjects.weights) / recipe.weight
        self.people_weight = None if subjects.weights is None else weights
        of_kind = weights if self.expand is None else np.bincount(self.expand, weights)
        square = weights**2 if self.expand is None else np.bincount(self.expand, weights**2)
        self.weight = torch.from_numpy(of_kind)
        self.square = torch.from_numpy(square)
        self.n_people = n
        self.ids = panel.ids if recipe.with_ids else None
        self.rows, self.first_y = cell_rows(self, panel.outcomes[0])
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

    def find_place(self, cells: np.ndarray) -> None:
        """``cells`` (C, q) of all blocks are known from now on."""
        at = pd.MultiIndex.from_arrays([*cells.T]).get_indexer(pd.MultiIndex.from_arrays([*self.rows.T]))
        if not np.array_equal(at, np.arange(len(cells))):
            self.cells[0].place = torch.from_numpy(at.astype(np.int64)), len(cells)
        self._shards, self.settled = None, True


def cell_rows(module: Mixture, measures: Measures) -> tuple[np.ndarray, np.ndarray]:
    """What tells the design cells apart (C, q), times first, and the first outcome (C,) in each."""
    family = module.cells[0].family
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
    sample : the likelihood of the sample, by which optima are told apart
    place : where the blocks are worked on
    memory : remembers what was computed, by what it is and parameters

    Raises
    ------
    SpecificationError
        ``too_many_cells`` where times are people's own.
    """

    def __init__(
        self, layout: Layout, panel: DiskPanel, sample: Mixture, place: Workplace,
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
        rows, first_y = _cells_of_all(told, layout)
        super().__init__(layout, _stand_in(panel, rows, first_y))
        own = cell_rows(self, _stand_in(panel, rows, first_y).outcomes[0])[0]
        self.blocks = [Block(replace(r, cells=own), place) for r in recipes]
        self.place_of_work, self.sample, self.memory = place, [sample], memory
        self.people, self.kinds = sum(t.n_people for t in told), sum(t.n_distinct for t in told)
        self.weight = torch.tensor([float(self.people)], dtype=torch.float64)
        self.constant = torch.tensor([sum(t.constant for t in told) / self.people], dtype=torch.float64)
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
    """What the whole has to know of a block."""

    rows: np.ndarray
    first_y: np.ndarray
    private: bool
    n_people: int
    n_distinct: int
    constant: float


def _told(block: BlockOfPeople) -> _Told:
    constant = float(block.constant.abs() @ block.weight)
    return _Told(
        block.rows, block.first_y, block.cells[0].private, block.n_people, block.weight.numel(), constant)


def _cells_of_all(told: list[_Told], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows (C, q) of the blocks' cells, and an outcome in each."""
    if any(t.private for t in told):
        raise SpecificationError(
            f"time: nearly every observation of {layout.outcomes[0].name} has a time, a covariate or an exposure of "
            "its own, for which there are no sums over people.", code="too_many_cells", argument="time",
            way_out="Round times and covariates (ages to years or months), or fit a sample in memory.",
        )
    rows, at = np.unique(np.concatenate([t.rows for t in told]), axis=0, return_index=True)
    return rows, np.concatenate([t.first_y for t in told])[at]


def _stand_in(panel: DiskPanel, rows: np.ndarray, y: np.ndarray) -> Panel:
    """One person who was seen in each of the cells."""
    like = panel.survey.sample.outcomes[0]
    n, q = len(rows), len(like.covariate_names)
    by_exposure = like.exposure is not None and rows.shape[1] > 1 + q
    measures = replace(
        like, subject=np.zeros(n, dtype=np.int64), time=rows[:, 0], y=y, wave=np.arange(n), row=np.arange(n),
        covariates=rows[:, 1 : 1 + q] if q else like.covariates,
        exposure=None if like.exposure is None else rows[:, 1 + q] if by_exposure else np.ones(n),
    )
    known = panel.survey.sample.known
    return Panel(
        ids=pd.RangeIndex(1), outcomes=(measures,), known=None if known is None else replace(
            known.take(np.zeros(1, dtype=np.int64)), weights=None))
