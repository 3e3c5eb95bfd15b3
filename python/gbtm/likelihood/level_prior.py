"""The term of a weak prior for an outcome of levels: pseudo-observations of all its predictors together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ..families import Family

Place = tuple[np.ndarray, np.ndarray]


class LevelTerm(nn.Module):
    """sum over groups and cells of counts_cs log P_k(level s), at the linear predictors there.

    The log probabilities are concave in the curves of categories together, and in a curve and the cut points together,
    so that the pseudo-observations are of all of them: with two levels they are those of a logit.

    Parameters
    ----------
    places : by predictor of the family the places (G, q) of the groups' coefficients in the flat vector, its size where
        absent, and the columns (C, q)
    counts : (C, S) of the levels
    """

    counts: Tensor

    def __init__(self, family: Family, places: Mapping[str, Place], counts: np.ndarray) -> None:
        super().__init__()
        self.family, self.names = family, tuple(places)
        for name, (positions, columns) in places.items():
            self.register_buffer(f"positions_{name}", torch.from_numpy(np.ascontiguousarray(positions)))
            self.register_buffer(f"columns_{name}", torch.from_numpy(np.ascontiguousarray(columns, dtype=float)))
        self.register_buffer("counts", torch.from_numpy(np.ascontiguousarray(counts, dtype=float)))

    def _place(self, name: str) -> tuple[Tensor, Tensor]:
        return getattr(self, f"positions_{name}"), getattr(self, f"columns_{name}")

    def forward(self, padded: Tensor, gradient: Tensor, hessian: Tensor | None) -> Tensor:
        """Value (B,) at (B, p + 1); adds to ``gradient`` (B, p + 1) and ``hessian`` (B, (p + 1)^2) in place."""
        u = {}
        for name in self.names:
            at, columns = self._place(name)
            u[name] = padded[:, at] @ columns.T
        value = (self.family.terms(u) * self.counts).sum((1, 2, 3))
        if hessian is None:
            return value
        for name, slope in self.family.slopes(u).items():
            at, columns = self._place(name)
            gradient.index_add_(1, at.flatten(), ((slope * self.counts).sum(-1) @ columns).flatten(1))
        for (a, b), bend in self.family.curvatures(u).items():
            (rows, of_a), (across, of_b) = self._place(a), self._place(b)
            local = (((bend * self.counts).sum(-1)[..., None, :] * of_a.T) @ of_b).flatten(1)
            rows, across = rows[:, :, None], across[:, None, :]
            hessian.index_add_(1, (rows * padded.shape[1] + across).flatten(), local)
            if a != b:
                hessian.index_add_(1, (across * padded.shape[1] + rows).flatten(), local)
        return value
