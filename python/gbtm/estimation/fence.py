"""Climbs within constraints: projection onto them, and the bounds at which a climb is held.

A step that would cross a bound ends at it, and from then on the climb keeps to it: its gradient and Hessian are those
within the bounds that it lies at. Where it arrives, a bound whose multiplier has the wrong sign, so that the
log-likelihood rises inwards, lets it go (an active set).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..model.constraints import Constraints
from ..model.layout import Layout

INWARDS = 1e-6  # slope of the log-likelihood away from a bound, above which a climb is let go
STUCK = 1e-12  # part of a step


def projected(layout: Layout, flat: Tensor) -> Tensor:
    """The nearest parameters (B, p) that satisfy the constraints; the same where there are none."""
    if layout.constraints is None:
        return flat
    nearest = layout.constraints.project(flat.detach().cpu().numpy())
    return torch.as_tensor(nearest, dtype=flat.dtype, device=flat.device)


def within(layout: Layout, flat: Tensor, derivative: Tensor) -> Tensor:
    """A gradient (1, p) or Hessian (1, p, p) at (1, p), in the directions that the constraints leave there: (r,) or
    (r, r)."""
    if layout.constraints is None:
        return derivative[0]
    free = torch.as_tensor(layout.constraints.face(flat[0].cpu().numpy()), device=flat.device)
    along = derivative[0] @ free
    return along if derivative.dim() == 2 else free.T @ along


class Fence:
    """The bounds of a batch of climbs (B), and which of them each is held at, ``held`` (B, m)."""

    def __init__(self, constraints: Constraints, flat: Tensor) -> None:
        def like(values: object) -> Tensor:
            return torch.as_tensor(values, dtype=flat.dtype, device=flat.device)

        self.rows, self.levels = like(constraints.rows), like(constraints.levels)
        self.directions = like(constraints.directions)
        self.inner = self.rows @ self.directions
        self.held = torch.zeros((len(flat), len(self.levels)), dtype=torch.bool, device=flat.device)

    def _held_rows(self, which: Tensor) -> Tensor:
        return self.held[which][:, :, None] * self.inner

    def within(self, which: Tensor) -> Tensor | None:
        """(b, q, q): projection onto what the bounds leave free to climbs ``which`` (b,); None where none is held."""
        if not self.held[which].any():
            return None
        rows = self._held_rows(which)
        identity = torch.eye(rows.shape[2], dtype=rows.dtype, device=rows.device)
        return identity - torch.linalg.pinv(rows) @ rows

    def kept(
        self, which: Tensor, x: Tensor, step: Tensor, gradient: Tensor, done: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Steps of climbs ``which`` within the bounds, see :meth:`shortened`; those that are let go, or that a bound
        has stopped, are not ``done`` (b,)."""
        if not len(self.levels):
            return step, self.held[which], torch.zeros_like(done), done
        free = self.let_go(which, gradient, done)
        shorter, ending_at, stuck = self.shortened(which, x, step)
        return shorter, ending_at, stuck, done & ~free & ~ending_at.any(1)

    def let_go(self, which: Tensor, gradient: Tensor, arrived: Tensor) -> Tensor:
        """Of climbs that have ``arrived`` (b,), with gradients (b, p), those that a bound has let go, (b,) bool."""
        rows = self._held_rows(which)
        slopes = (torch.linalg.pinv(rows).transpose(1, 2) @ (gradient @ self.directions)[:, :, None])[:, :, 0]
        slopes = torch.where(self.held[which], slopes, torch.zeros_like(slopes))
        most, row = slopes.max(1)
        free = arrived & (most > INWARDS)
        self.held[which[free], row[free]] = False
        return free

    def shortened(self, which: Tensor, x: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Steps (b, p) from (b, p) that end at the first bound; the bounds that they end at, (b, m) bool; and which
        do not move at all, (b,) bool."""
        towards = -(step @ self.rows.T)
        room = (x @ self.rows.T - self.levels).clamp(min=0.0)
        crossing = ~self.held[which] & (towards > room)
        part = torch.where(crossing, room / towards.clamp(min=1e-300), torch.ones_like(room))
        least = part.amin(1, keepdim=True)
        return step * least, crossing & (part <= least), least[:, 0] < STUCK
