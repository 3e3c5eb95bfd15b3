"""A normal Markov chain of values y_t: one step of it, log f(y_t | y_{t-1}), what that adds to a run's derivatives, and
the mode of a run between bounds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..families.normal import HALF_LOG_2PI

SWEEPS = 60  # towards the mode
NEAR_MODE = 0.01  # change in a sweep, in sds, at which it is near enough


@dataclass(frozen=True)
class Rows:
    """What G groups' coefficients say of each observation and of the one before it: (G, N T) each."""

    eta: Tensor
    last_eta: Tensor
    c: Tensor
    sigma: Tensor


def log_kernel(rows: Rows, at: Tensor, y: Tensor, last: Tensor) -> Tensor:
    """log f(y_t | y_{t-1}) of rows ``at`` (R,), elementwise in y and last: (R,) of values seen, or (G, R, n)."""
    eta, before, c, sigma = (v[:, at] for v in (rows.eta, rows.last_eta, rows.c, rows.sigma))
    if max(y.dim(), last.dim()) > 1:
        eta, before, c, sigma = (v[..., None] for v in (eta, before, c, sigma))
    innovation_variance = 1 - c * c
    scale = sigma * torch.sqrt(innovation_variance)
    z = (y - eta - c * (last - before)) / scale
    return -torch.log(scale) - HALF_LOG_2PI - 0.5 * z * z


def log_kernels(rows: Rows, at: Tensor, y: Tensor, last: Tensor) -> Tensor:
    """log f(y_t | y_{t-1}) for all pairs of nodes y (G, R, n') and last (G, R, n): (G, R, n', n)."""
    eta, before, c, sigma = (v[:, at, None] for v in (rows.eta, rows.last_eta, rows.c, rows.sigma))
    scale = sigma * torch.sqrt(1 - c * c)
    z = ((y - eta) / scale)[..., None] - (c * (last - before) / scale)[:, :, None]
    return -0.5 * z * z - (torch.log(scale) + HALF_LOG_2PI)[..., None]


def at_nodes(factor: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factors (G, R, .., 6) at nodes y (G, R, n): coefficients (G, R, n, ..) of 1, y_{t-1} and y_{t-1}^2."""
    f = factor[:, :, None]
    y = y.reshape(*y.shape, *([1] * (factor.dim() - 3)))
    return (
        f[..., 0] + (f[..., 1] + f[..., 2] * y) * y, f[..., 3] + f[..., 5] * y, f[..., 4] + 0 * y,
    )


def carried(
    back: Tensor, x: Tensor, score: Tensor, bend: Tensor, s: tuple[Tensor, ...], h: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """E(s) (G, R, n', J) and E(h + s s') (G, R, n', J, J) given the value at n' nodes, from those given the one before.

    back (G, R, n', n) is the law of the value before, at nodes x (G, R, n); s and h are this factor's derivatives as
    coefficients of 1, x, x^2.
    """
    size = score.shape[-1]
    powers = torch.stack([x**d for d in range(1, 5)], dim=3)
    scores = [score, score * x[..., None], score * (x * x)[..., None]]
    mean = back @ torch.cat([powers, *scores, bend.flatten(3)], dim=3)
    moment = [torch.ones_like(mean[..., 0]), *mean[..., :4].unbind(3)]
    cross = [mean[..., 4 + d * size : 4 + (d + 1) * size] for d in range(3)]
    mean_score = sum(s[d] * moment[d][..., None] for d in range(3))
    square = sum(
        s[d][..., :, None] * (s[e] * moment[d + e][..., None])[..., None, :] for d in range(3) for e in range(3)
    )
    mixed = sum(s[d][..., :, None] * cross[d][..., None, :] for d in range(3))
    more = sum(h[d] * moment[d][..., None, None] for d in range(3))
    before = mean[..., 4 + 3 * size :].reshape(*mean.shape[:3], size, size)
    return cross[0] + mean_score, before + mixed + mixed.transpose(3, 4) + square + more  # type: ignore[union-attr]


def tridiagonal(diagonal: Tensor, across: Tensor) -> Tensor:
    out = torch.diag_embed(diagonal)
    if across.shape[-1]:
        out = out + torch.diag_embed(across, offset=1) + torch.diag_embed(across, offset=-1)
    return out


def mode_within(diagonal: Tensor, across: Tensor, pull: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Where a normal of precision (diagonal, across) and linear term ``pull`` is largest from low to high (.., m).

    By coordinates in turn. A point near the mode will do.
    """
    m = diagonal.shape[-1]
    x = (torch.linalg.solve(tridiagonal(diagonal, across), pull[..., None])[..., 0]).maximum(low).minimum(high)
    for _ in range(SWEEPS if m > 1 else 0):
        moved = 0.0
        for t in [*range(m), *range(m - 2, 0, -1)]:
            target = pull[..., t]
            if t > 0:
                target = target - across[..., t - 1] * x[..., t - 1]
            if t < m - 1:
                target = target - across[..., t] * x[..., t + 1]
            new = (target / diagonal[..., t]).maximum(low[..., t]).minimum(high[..., t])
            moved = max(moved, float((new - x[..., t]).abs().max()))
            x[..., t] = new
        if moved < NEAR_MODE:
            break
    return x


def slope_at(diagonal: Tensor, across: Tensor, pull: Tensor, x: Tensor) -> Tensor:
    """Size of the log density's slope at x (.., m), less what x may be off the mode by."""
    slope = pull - (tridiagonal(diagonal, across) @ x[..., None])[..., 0]
    return (slope.abs() - diagonal.sqrt()).clamp(min=0.0)
