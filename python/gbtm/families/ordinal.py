"""Ordinal: logit P(Y <= c) = kappa_c - eta for the C levels of y in their order (McCullagh 1980)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from .base import Predictors
from .levels import MOST_LEVELS, LevelFamily

if TYPE_CHECKING:
    from torch import Tensor

CUTS = tuple(f"cut{c}" for c in range(2, MOST_LEVELS))  # kappa_2, kappa_3, ..; kappa_1 is 0
IMPOSSIBLE = -1e10  # log probability where cut points are out of order, so that no step goes there


class Ordinal(LevelFamily):
    """log f = log(F(kappa_c - eta) - F(kappa_{c-1} - eta)) for y at level c, with F(x) = 1/(1 + exp(-x)), kappa_1 = 0,

    kappa_0 = -infinity and kappa_C = infinity. Statistics: at level c or not, c = 1 to C, so that the counts of the
    levels in a design cell are all that a fit needs. The log density is concave in eta and the cut points together
    (Pratt 1981), so that these are parameters as they are: a step that would put them out of order is refused.

    ``codes`` are the values of y at the levels, ascending; E(y) is the expected score in these.
    """

    name = "ordinal"
    label = "ordinal (cumulative logit)"
    link = "cumulative"
    residual_remedy = "Where the middle levels are off, the cut points may differ between groups: try more groups."

    def __init__(self, codes: tuple[float, ...] = (1.0, 2.0, 3.0)) -> None:
        super().__init__(codes)
        self.steps = np.diff(self.values)
        self.predictors = ("mean", *CUTS[: len(self.codes) - 2])  # type: ignore[misc]

    @property
    def mean_range(self) -> tuple[float, float]:
        return self.codes[0], self.codes[-1]

    # -- in torch: s_c = F(kappa_c - eta) and the gaps between cut points -------------------------------------------

    def _parts(self, u: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """kappa_c - eta and F of it (..., C - 1), and kappa_{c+1} - kappa_c (..., C - 2)."""
        import torch

        eta = u["mean"]
        cuts = torch.stack([torch.zeros_like(eta), *(u[p].expand_as(eta) for p in self.predictors[1:])], dim=-1)
        at = cuts - eta[..., None]
        return at, torch.sigmoid(at), cuts.diff(dim=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid, pad

        at, _, gap = self._parts(u)
        ordered = gap > 0
        between = torch.log(-torch.expm1(-torch.where(ordered, gap, 1.0)))
        out = pad(logsigmoid(at), (0, 1)) + pad(logsigmoid(-at), (1, 0)) + pad(between, (1, 1))
        return torch.where(ordered.all(-1, keepdim=True), out, IMPOSSIBLE)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch
        from torch.nn.functional import pad

        _, below, gap = self._parts(u)
        above = 1 - below
        weight = pad(1 / torch.expm1(gap.clamp(min=1e-12)), (1, 1))
        # of eta at level c: F(kappa_{c-1} - eta) - F(eta - kappa_c), first and last without the part at infinity
        out = {"mean": pad(below, (1, 0)) - pad(above, (0, 1))}
        zero = torch.zeros_like(out["mean"])
        for j, name in enumerate(self.predictors[1:], start=1):
            slope = zero.clone()
            slope[..., j] = above[..., j] + weight[..., j]
            slope[..., j + 1] = -below[..., j] - weight[..., j + 1]
            out[name] = slope
        return out

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch
        from torch.nn.functional import pad

        _, below, gap = self._parts(u)
        bend = below * (1 - below)
        gap = gap.clamp(min=1e-12)
        hold = pad(1 / (torch.expm1(gap) * -torch.expm1(-gap)), (1, 1))
        whole = -pad(bend, (0, 1)) - pad(bend, (1, 0))
        zero = torch.zeros_like(whole)
        out = {("mean", "mean"): whole}
        names = self.predictors[1:]
        for j, name in enumerate(names, start=1):
            both, own = zero.clone(), zero.clone()
            both[..., j] = bend[..., j]
            both[..., j + 1] = bend[..., j]
            own[..., j] = -bend[..., j] - hold[..., j]
            own[..., j + 1] = -bend[..., j] - hold[..., j + 1]
            out["mean", name], out[name, name] = both, own
            if j < len(names):
                next_one = zero.clone()
                next_one[..., j + 1] = hold[..., j + 1]
                out[name, names[j]] = next_one
        return out

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        below = np.cumsum(totals + 0.5, axis=-1)
        at = np.log(below[..., :-1] / (below[..., -1:] - below[..., :-1]))
        cuts = {name: at[..., j] - at[..., 0] for j, name in enumerate(self.predictors[1:], start=1)}
        return {"mean": -at[..., 0], **cuts}

    # -- on the outcome's scale -------------------------------------------------------------------------------------

    def _below(self, u: Predictors) -> np.ndarray:
        """P(Y <= level c) (..., C - 1)."""
        eta = np.asarray(u["mean"], dtype=float)
        cuts = [np.zeros_like(eta), *(np.broadcast_to(u[p], eta.shape) for p in self.predictors[1:])]
        return np.asarray(expit(np.stack(cuts, axis=-1) - eta[..., None]))

    def probabilities(self, u: Predictors) -> np.ndarray:
        """P(Y = level c) (..., C)."""
        below = self._below(u)
        ends = np.zeros((*below.shape[:-1], 1))
        return np.diff(np.concatenate([ends, below, ends + 1], axis=-1), axis=-1)

    def expected(self, u: Predictors) -> np.ndarray:
        return np.asarray(self.values[-1] - self._below(u) @ self.steps)

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        below = self._below(u)
        slope = below * (1 - below) * self.steps
        return {"mean": slope.sum(-1), **{name: -slope[..., j] for j, name in enumerate(self.predictors[1:], start=1)}}

    def variance(self, u: Predictors) -> np.ndarray:
        p, off = self.probabilities(u), self.values - self.expected(u)[..., None]
        return np.asarray((p * off**2).sum(-1))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        below = self._below(u)
        return self.values[(rng.random(below.shape[:-1])[..., None] > below).sum(-1)]
