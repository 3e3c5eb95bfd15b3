"""Sums over people on disk that a fit keeps in the place of what is known of each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..disk.disk_panel import DiskPanel
from ..likelihood.block_mixture import BlockMixture, BlockOfPeople
from ..record.on_disk import OnDisk, SumsOfPeople
from .criteria import uncertainty


@dataclass(frozen=True, eq=False)
class BlockSums(SumsOfPeople):
    """Those of a block, whose waves are joined to those of the others later.

    ``mass`` is (T, K), ``times``, ``count`` (T,) are sums of the times and numbers of the observations of each wave,
    ``outcomes`` (T, K) sums of P y; ``deviations`` (2,) sums of the outcomes and of their squares, about the centre.
    """

    mass: np.ndarray
    outcomes: np.ndarray
    times: np.ndarray
    count: np.ndarray
    deviations: np.ndarray


def on_disk(module: BlockMixture, flat: np.ndarray, panel: DiskPanel) -> OnDisk:
    """Sums over all people at parameters (p,): one pass over the files."""
    times, is_wide = panel.survey.times, panel.source.wide
    parts = module.of_blocks(lambda block: block_sums(block, flat, None if is_wide else times))
    waves = max(p.count.size for p in parts)

    def total(name: str) -> np.ndarray:
        values = [np.asarray(getattr(p, name), dtype=float) for p in parts]
        if name in ("mass", "outcomes", "times", "count"):
            values = [np.pad(v, [(0, waves - len(v)), *[(0, 0)] * (v.ndim - 1)]) for v in values]
        return np.sum(values, axis=0)

    there = total("count") > 0
    first, second = total("deviations") / panel.nobs
    mass = total("mass")[there]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total("outcomes")[there] / mass
    files = dict.fromkeys(p.file.path for b in panel.source.blocks for p in b.pieces)
    survey = panel.survey
    return OnDisk(
        files=list(files), n_blocks=panel.n_blocks,
        **SumsOfPeople.total(parts), waves=total("times")[there] / total("count")[there],
        means=means, mass=mass, risk=survey.risk, risk_weight=survey.risk_weight,
        sd=float(np.sqrt(second - first**2)), weighted="weights" in panel.source.given,
    )


def block_posterior(block: BlockOfPeople, flat: np.ndarray) -> np.ndarray:
    """(U, K) of the distinct people of a block."""
    with torch.no_grad():
        return block.posterior(torch.from_numpy(flat)[None])[0].T.numpy()


def block_sums(block: BlockOfPeople, flat: np.ndarray, levels: np.ndarray | None) -> BlockSums:
    """Those of a block, which is read again for its outcomes.

    ``levels`` (T,) are the times that are waves, None where waves are columns.
    """
    p = block_posterior(block, flat)
    weight, square = block.weight.numpy(), block.square.numpy()
    count = np.ones(len(p)) if block.expand is None else np.bincount(block.expand).astype(float)
    mine = np.eye(p.shape[1])[p.argmax(axis=1)]
    gap, doubt = mine - p, uncertainty(p)
    (measures,) = block.recipe.read().outcomes
    wave = measures.wave if levels is None else np.searchsorted(levels, measures.time)
    of_people = p if block.expand is None else p[block.expand]
    own, away = of_people[measures.subject], measures.y - block.layout.outcomes[0].centre
    return BlockSums(
        n_assigned=count @ mine, assigned=weight @ mine, certain=weight @ (mine * p), posterior=weight @ p,
        gap=square @ gap, gap_squares=square @ gap**2, squares=float(square.sum()), uncertainty=float(count @ doubt),
        weighted_uncertainty=float(weight @ doubt),
        mass=np.column_stack([np.bincount(wave, column) for column in own.T]),
        outcomes=np.column_stack([np.bincount(wave, column * measures.y) for column in own.T]),
        times=np.bincount(wave, measures.time), count=np.bincount(wave).astype(float),
        deviations=np.array([away.sum(), away @ away]),
    )
