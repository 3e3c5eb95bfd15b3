"""The mode of a normal chain between bounds, and how steep its density is there."""

from __future__ import annotations

import torch
from torch import Tensor

SWEEPS = 60  # towards the mode
NEAR_MODE = 0.01  # change in a sweep, in sds, at which it is near enough


def tridiagonal(own: Tensor, across: Tensor) -> Tensor:
    out = torch.diag_embed(own)
    if across.shape[-1]:
        out = out + torch.diag_embed(across, offset=1) + torch.diag_embed(across, offset=-1)
    return out


def mode_within(own: Tensor, across: Tensor, pull: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Where a normal with precision (own, across) and linear term ``pull`` is largest between low and high (.., m).

    By coordinates in turn. A point near the mode will do.
    """
    m = own.shape[-1]
    x = (torch.linalg.solve(tridiagonal(own, across), pull[..., None])[..., 0]).maximum(low).minimum(high)
    for _ in range(SWEEPS if m > 1 else 0):
        moved = 0.0
        for t in [*range(m), *range(m - 2, 0, -1)]:
            target = pull[..., t]
            if t > 0:
                target = target - across[..., t - 1] * x[..., t - 1]
            if t < m - 1:
                target = target - across[..., t] * x[..., t + 1]
            new = (target / own[..., t]).maximum(low[..., t]).minimum(high[..., t])
            moved = max(moved, float((new - x[..., t]).abs().max()))
            x[..., t] = new
        if moved < NEAR_MODE:
            break
    return x


def slope_at(own: Tensor, across: Tensor, pull: Tensor, x: Tensor) -> Tensor:
    """Size of the log density's slope at x (.., m), less what x may be off the mode by."""
    slope = pull - (tridiagonal(own, across) @ x[..., None])[..., 0]
    return (slope.abs() - own.sqrt()).clamp(min=0.0)
