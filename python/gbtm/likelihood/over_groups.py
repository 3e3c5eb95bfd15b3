"""Sums over the groups of a mixture."""

from __future__ import annotations

import torch
from torch import Tensor


def over_groups(joint: Tensor) -> tuple[Tensor, Tensor]:
    """log pi_k f_k (B, K, N) -> log of their sum over groups (B, N), and the posteriors (B, K, N), at one exponential.

    Where no group has a density the sum is -inf, and posteriors are NaN.
    """
    highest = joint.amax(1, keepdim=True)
    highest = torch.where(torch.isfinite(highest), highest, 0.0)
    parts = torch.exp(joint - highest)
    total = parts.sum(1, keepdim=True)
    return (total.log() + highest)[:, 0], parts / total
