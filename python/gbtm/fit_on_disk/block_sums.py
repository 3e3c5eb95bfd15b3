"""Sums over people on disk that a fit keeps in the place of what is known of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..columns.reading import expand_columns
from ..data.measures import Measures
from ..disk.block_survey import Seen
from ..disk.disk_panel import DiskPanel
from ..disk.parquet_source import ParquetSource, schema_of
from ..findings.boundary_checks import Leaving
from ..fit.criteria import uncertainty
from ..likelihood.block_mixture import BlockMixture, BlockOfPeople
from ..record.on_disk import OnDisk, OutcomeSums, SumsOfPeople
from ..record.wave_counts import WaveCounts


@dataclass(frozen=True, eq=False)
class BlockSums(SumsOfPeople):
    """Those of a block, with the sums of each outcome, and of dropout where it is modelled."""

    of_outcomes: list[WaveSums]
    leaving: Leaving | None


@dataclass(frozen=True, eq=False)
class WaveSums:
    """Sums of a block over the observations of an outcome, whose waves are joined to those of the others later.

    ``mass`` is (T, K), ``times``, ``count`` (T,) are sums of the times and numbers of the observations of each wave,
    ``tried`` (T, K) is the mass, or the sums of P n of successes of n trials; ``outcomes`` (T, K) sums of P y;
    ``deviations`` (2,) sums of the outcomes and of their squares, about the centre; ``at_level`` (T, K, S) is the mass
    at each of the levels of an outcome that has some; ``counts`` say who was observed when.
    """

    mass: np.ndarray
    tried: np.ndarray
    outcomes: np.ndarray
    times: np.ndarray
    count: np.ndarray
    deviations: np.ndarray
    at_level: np.ndarray
    counts: WaveCounts

    @classmethod
    def of(
        cls, measures: Measures, of_people: np.ndarray, levels: np.ndarray | int, centre: float,
        bounds: tuple[float, float], takes_trials: bool = False, codes: Sequence[float] = (),
    ) -> WaveSums:
        """By the people's probabilities (N, K); ``levels`` as for :func:`block_sums`, ``codes`` those of an outcome."""
        wave = measures.wave if isinstance(levels, int) else np.searchsorted(levels, measures.time)
        own, trials = of_people[measures.subject], measures.exposure if takes_trials else None
        away = (measures.y if trials is None else measures.y / trials) - centre
        mass = np.column_stack([np.bincount(wave, column) for column in own.T])
        at = [np.column_stack([np.bincount(wave, c * (measures.y == code)) for c in own.T]) for code in codes]
        return cls(
            mass=mass,
            tried=mass if trials is None else np.column_stack([np.bincount(wave, c * trials) for c in own.T]),
            outcomes=np.column_stack([np.bincount(wave, column * measures.y) for column in own.T]),
            times=np.bincount(wave, measures.time), count=np.bincount(wave).astype(float),
            deviations=np.array([away.sum(), away @ away]),
            at_level=np.stack(at, axis=-1) if at else np.zeros((*mass.shape, 0)),
            counts=WaveCounts.of(
                measures.subject, wave, measures.time, measures.y, n=len(of_people),
                waves=levels if isinstance(levels, int) else levels.size, bounds=bounds),
        )

    @staticmethod
    def total(parts: Sequence[WaveSums]) -> OutcomeSums:
        """What is kept of all blocks, in their order."""
        waves = max(p.count.size for p in parts)

        def total(name: str) -> np.ndarray:
            values = [np.asarray(getattr(p, name), dtype=float) for p in parts]
            if name != "deviations":
                values = [np.pad(v, [(0, waves - len(v)), *[(0, 0)] * (v.ndim - 1)]) for v in values]
            return np.sum(values, axis=0)

        count = total("count")
        there = count > 0
        first, second = total("deviations") / count.sum()
        mass = total("mass")[there]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = total("outcomes")[there] / total("tried")[there]
            shares = total("at_level")[there] / mass[..., None]
        return OutcomeSums(
            waves=total("times")[there] / count[there], means=means, mass=mass, sd=float(np.sqrt(second - first**2)),
            counts=WaveCounts.total([p.counts for p in parts]), shares=shares if shares.shape[-1] else None)


def on_disk(module: BlockMixture, flat: np.ndarray, panel: DiskPanel) -> tuple[OnDisk, Leaving | None]:
    """Sums over all people at parameters (p,), and those of dropout where it is modelled: one pass over the files."""
    levels = [_levels(source, seen) for source, seen in zip(panel.source.each, panel.survey.seen, strict=True)]
    parts = module.of_blocks(lambda block: block_sums(block, flat, levels))
    first, *further = (WaveSums.total(p) for p in zip(*(p.of_outcomes for p in parts)))
    files = dict.fromkeys(p.file.path for b in panel.source.blocks for p in b.pieces)
    survey = panel.survey
    sums = OnDisk(
        files=list(files), n_blocks=panel.n_blocks, **SumsOfPeople.total(parts), **vars(first),
        risk=survey.risk, risk_weight=survey.risk_weight, weighted="weights" in panel.source.given,
        further=tuple(further),
    )
    return sums, Leaving.total([p.leaving for p in parts if p.leaving is not None])


def _levels(source: ParquetSource, seen: Seen) -> np.ndarray | int:
    """What :func:`block_sums` takes for an outcome."""
    if "waves" in source.given:
        return len(source.given["waves"])
    if source.wide:
        return len(expand_columns(schema_of(source.blocks), source.given["outcome"], "outcome"))
    return seen.times


def block_posterior(block: BlockOfPeople, flat: np.ndarray) -> np.ndarray:
    """(U, K) of the distinct people of a block."""
    with torch.no_grad():
        return block.posterior(torch.from_numpy(flat)[None])[0].T.numpy()


def block_sums(block: BlockOfPeople, flat: np.ndarray, levels: Sequence[np.ndarray | int]) -> BlockSums:
    """Those of a block, which is read again for its outcomes.

    ``levels`` of each outcome are the times (T,) that are waves, or the number of waves that the block knows itself.
    """
    p = block_posterior(block, flat)
    weight, square = block.weight.numpy(), block.square.numpy()
    count = np.ones(len(p)) if block.expand is None else np.bincount(block.expand).astype(float)
    mine = np.eye(p.shape[1])[p.argmax(axis=1)]
    gap, doubt = mine - p, uncertainty(p)
    panel = block.recipe.read()
    of_people = p if block.expand is None else p[block.expand]
    return BlockSums(
        n_assigned=count @ mine, assigned=weight @ mine, certain=weight @ (mine * p), posterior=weight @ p,
        gap=square @ gap, gap_squares=square @ gap**2, squares=float(square.sum()), uncertainty=float(count @ doubt),
        weighted_uncertainty=float(weight @ doubt),
        of_outcomes=[
            WaveSums.of(m, of_people, own, part.centre, part.bounds, part.spec.traits.takes_trials,
                        part.spec.codes or ())
            for m, own, part in zip(panel.outcomes, levels, block.layout.outcomes, strict=True)],
        leaving=None if panel.departures is None else Leaving.of(panel.departures, of_people),
    )
