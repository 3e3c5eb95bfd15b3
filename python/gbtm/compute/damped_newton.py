"""One damped Newton step of a batch: uphill whatever the Hessian (Levenberg-Marquardt, scaled by its diagonal)."""

from __future__ import annotations

import torch
from torch import Tensor

DAMPING_FLOOR = 1e-12
DAMPING_MOST = 1e10
DAMPING_GROWTH = 3.0  # a larger step up damps far more than it takes, and steps are short
LARGE = 1e8  # curvature beyond which it says nothing of how much others may be damped: that of tiny sigmas
STEP_MOST = 6.0  # largest change of an internal coefficient in one step
STEP_GROWTH = 0.5  # .. or this share of the largest coefficient, for those on their way to infinity


def damped_step(
    hessian: Tensor, gradient: Tensor, damping: Tensor, at: Tensor, growth: float = DAMPING_GROWTH
) -> tuple[Tensor, Tensor]:
    """Solve (-H + damping * D) step = gradient, raising the damping (B,) by ``growth`` until positive definite.

    hessian (B, p, p), gradient (B, p), at (B, p) -> step (B, p) and the damping used.
    """
    negative = -hessian
    diagonal = torch.diagonal(negative, dim1=1, dim2=2).abs()
    scale = diagonal + 1e-8 * diagonal.amax(1, keepdim=True).clamp(max=LARGE) + 1e-12
    damping = damping.clone()
    while True:
        factor, info = torch.linalg.cholesky_ex(negative + torch.diag_embed(damping[:, None] * scale))
        bad = (info > 0) & (damping < DAMPING_MOST)
        if not bad.any():
            break
        damping[bad] = torch.clamp(damping[bad] * growth, min=1e-6)
    step = torch.cholesky_solve(gradient[:, :, None], factor)[:, :, 0]
    longest = step.abs().amax(1, keepdim=True)
    most = (STEP_GROWTH * at.abs().amax(1, keepdim=True)).clamp(min=STEP_MOST)
    step = torch.where(longest > most, step * (most / longest), step)
    return torch.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0), damping
