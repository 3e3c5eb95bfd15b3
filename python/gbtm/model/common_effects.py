"""Effects common to all groups: covariates of the mean that have one coefficient, beside each group's own.

They stand once in the flat vector, and every group's index points there: the groups stay exchangeable. Inside, the
covariates are centred, which each group's own constant takes up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..design.coordinates import Coordinates
from .blocks import MEMBERSHIP, Block
from .outcome import OutcomePart, Part


@dataclass(frozen=True, eq=False)
class Centring:
    """What the reported coefficients of ``block``, at places ``own``, take up of the internal ones at ``common``."""

    block: Block
    common: slice
    map: np.ndarray

    @property
    def own(self) -> slice:
        return self.block.entries


def own_covariates(part: Part) -> tuple[int, ...]:
    """Places of the covariates that have a coefficient in each group."""
    if isinstance(part, OutcomePart):
        return part.own_columns
    return tuple(range(0 if part.covariates is None else part.covariates.width))


def common_block(part: Part, predictor: str) -> list[tuple[None, Coordinates, tuple[int, ...]]]:
    """Group (none), coordinates and columns of the effects that all groups share; empty where there are none."""
    if predictor != "mean" or not isinstance(part, OutcomePart) or not part.common_columns or part.covariates is None:
        return []
    basis = part.covariates.take(part.common_columns)
    width = part.bases[predictor].width
    return [(None, Coordinates(basis.names, basis.to_user, np.zeros(basis.width)),
             tuple(width + j for j in part.common_columns))]


def centrings(blocks: Sequence[Block], parts: Sequence[Part]) -> list[Centring]:
    """Of each group's own coefficients of a mean that has common effects."""
    common = _common_blocks(blocks)
    found = []
    for b in blocks:
        if b.predictor == "mean" and b.group is not None and b.outcome in common:
            part = parts[b.outcome]
            found.append(Centring(b, common[b.outcome].entries, _centring(b, part) * part.scale))
    return found


def with_common(b: Block, blocks: Sequence[Block], parts: Sequence[Part]) -> tuple[Block, np.ndarray]:
    """A group's block with the effects common to all groups beside its own coefficients, and the places of all."""
    entries = np.arange(b.start, b.start + b.width)
    shared = _common_blocks(blocks).get(b.outcome) if b.predictor == "mean" else None
    if shared is None or b.basis is None or shared.basis is None:
        return b, entries
    zeros = np.zeros((shared.width, b.width))
    to_user = np.block([[b.basis.to_user, _centring(b, parts[b.outcome])], [zeros, shared.basis.to_user]])
    whole = Coordinates(
        (*b.basis.names, *shared.basis.names), to_user, np.concatenate([b.basis.constant, np.zeros(shared.width)]))
    places = np.concatenate([entries, np.arange(shared.start, shared.start + shared.width)])
    return replace(b, basis=whole, columns=(*b.columns, *shared.columns)), places


def _common_blocks(blocks: Sequence[Block]) -> dict[int, Block]:
    """By outcome."""
    return {b.outcome: b for b in blocks if b.predictor == "mean" and b.group is None and b.outcome != MEMBERSHIP}


def _centring(b: Block, part: Part) -> np.ndarray:
    """(own, common): in the outcome's scale, what the group's constant takes up of each common effect."""
    assert isinstance(part, OutcomePart)
    assert part.covariates is not None
    assert b.basis is not None
    shared = part.covariates.take(part.common_columns)
    return -np.outer(b.basis.to_user @ b.basis.constant, shared.centre / shared.scale)
