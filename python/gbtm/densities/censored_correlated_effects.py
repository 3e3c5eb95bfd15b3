"""Random effects of values some of which are censored, the effects of a group being correlated.

As in :mod:`.censored_random_effects`, the effects being W v, W = diag(r) L, L the root of their correlations
(:mod:`gbtm.families.effect_correlations`).

Subjects none of whose values are censored, or one, need few nodes. Given the values that were seen v is normal; a
censored value depends on v along one direction. Across it, and where there is none in all directions, the integrand is
a normal density times a polynomial of degree 4 at most in the derivatives, of which a Gauss-Hermite rule of three nodes
has the integral exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..compute.quadrature import enough_nodes, hermite, legendre
from .censored_random_effects import LOOK, NEGLIGIBLE, PER_SD, REACH, CensoredEffects
from .effect_covariance import CorrelationRoot, correlation_root

if TYPE_CHECKING:
    from .subject_integral import WholeSubjects

EXACT = 3  # nodes of a Gauss-Hermite rule that is exact for polynomials of degree 5
LOTS = (512, 256, 32)  # subjects with no censored value, with one, with more, that are worked on at once


class CensoredCorrelatedEffects(CensoredEffects):
    """Censored normal outcomes with random effects that are correlated.

    Attributes
    ----------
    most_censored : censored values of each subject: 0, 1, or 2 for any number
    """

    most_censored: int = 2

    # -- subjects by their number of censored values -----------------------------------------------------------------

    @property
    def blocks(self) -> list[WholeSubjects]:
        if "_blocks" not in self.__dict__:
            censored = (self.side != 0).sum(1).cpu().numpy()
            order, lots = np.argsort(censored, kind="stable"), []
            for kind, size in enumerate(LOTS):
                some = order[np.minimum(censored[order], 2) == kind]
                for start in range(0, some.size, size):
                    lot = self.take(some[start : start + size])
                    lot.__dict__["most_censored"] = kind
                    lots.append(lot)
            self.__dict__["_blocks"] = lots
            self.__dict__["_back"] = np.argsort(order, kind="stable")
        blocks: list[WholeSubjects] = self.__dict__["_blocks"]
        return blocks

    def in_order(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, dim=1)[:, self.__dict__["_back"]]

    def log_density(self, coefficients: Tensor) -> Tensor:
        if self.most_censored < 2:
            return super().log_density(coefficients)
        # each group has as many nodes as it needs
        return torch.cat([super(CensoredCorrelatedEffects, self).log_density(own[None]) for own in coefficients])

    def derivatives(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self.most_censored < 2:
            return super().derivatives(coefficients)
        each = [super(CensoredCorrelatedEffects, self).derivatives(own[None]) for own in coefficients]
        value, gradient, hessian = (torch.cat(p) for p in zip(*each, strict=True))
        return value, gradient, hessian

    # -- where the nodes are ------------------------------------------------------------------------------------------

    def _nodes(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        if self.most_censored == 2:
            return super()._nodes(coefficients)
        with torch.no_grad():
            coefficients = coefficients.detach()
            mode, _ = self._mode(coefficients)
            factor = torch.linalg.cholesky(self._curvature_seen(coefficients))
            width = factor.shape[3]
            rules = [hermite(EXACT, coefficients)] * width
            if self.most_censored == 0:
                turn = torch.eye(width).to(factor).expand_as(factor)
                axes = torch.linalg.solve_triangular(factor.mT, turn, upper=True)
                return self._laid(mode, axes, rules)
            loading = sum(self._loading(coefficients, t) * (self.side[:, t, None] != 0) for t in range(self.y.shape[1]))
            along = torch.linalg.solve_triangular(factor, torch.as_tensor(loading)[..., None], upper=False)[..., 0]
            axes = torch.linalg.solve_triangular(factor.mT, _turned_to(along), upper=True)
            line = torch.linspace(-REACH, REACH, LOOK[1]).to(coefficients)
            v = mode[:, :, None] + line[:, None] * axes[:, :, None, :, 0]
            height = self._log_prior(v)
            for t in range(self.y.shape[1]):
                height = height + self._log_factor(coefficients, t, v)[0]
            counts = height > height.amax(2, keepdim=True) - NEGLIGIBLE
            low = torch.where(counts, line, torch.inf).amin(2) - (line[1] - line[0])
            high = torch.where(counts, line, -torch.inf).amax(2) + (line[1] - line[0])
            sharpest = torch.sqrt(1 + (along * along).sum(2))
            needed = float(((high - low) * sharpest).amax()) * 0.5 * pi * PER_SD[1]
            x, log_weight = legendre(enough_nodes(needed), coefficients)
            half = 0.5 * (high - low)[..., None]
            return self._laid(mode, axes, rules[1:], 0.5 * (high + low)[..., None] + half * x,
                              torch.log(half) + log_weight)

    @staticmethod
    def _laid(
        mode: Tensor, axes: Tensor, rules: list[tuple[Tensor, Tensor]], first: Tensor | None = None,
        first_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Nodes (G, N, n, L) and log weights of a product of rules along the axes, before which there may be one along
        the first axis that is each subject's own (G, N, m)."""
        size = torch.linalg.slogdet(axes)[1][..., None]
        if rules:
            grid = torch.cartesian_prod(*(r[0] for r in rules)).reshape(-1, len(rules))
            log_weight = torch.cartesian_prod(*(r[1] for r in rules)).reshape(-1, len(rules)).sum(1)
            grid, log_weight = grid.expand(*mode.shape[:2], *grid.shape), (size + log_weight)
        else:
            grid, log_weight = mode.new_zeros(*mode.shape[:2], 1, 0), size
        if first is not None and first_weight is not None:
            n, m = grid.shape[2], first.shape[2]
            own = first[:, :, :, None, None].expand(*first.shape, n, 1)
            grid = torch.cat([own, grid[:, :, None].expand(*first.shape, *grid.shape[2:])], 4).flatten(2, 3)
            log_weight = (first_weight[..., None] + log_weight[:, :, None]).reshape(*first.shape[:2], n * m)
        return mode[:, :, None] + grid @ axes.mT, log_weight

    # -- the effects, W v ---------------------------------------------------------------------------------------------

    def _own(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """sds (G, L) and z (G, P)."""
        own, width = coefficients[:, self.design.shape[2] + 1 :], self.effects.shape[2]
        return own[:, :width], own[:, width:]

    def _root(self, coefficients: Tensor) -> Tensor:
        """W (G, L, L); kept for the coefficients asked for last, as each wave asks for it."""
        kept = self.__dict__.get("_kept")
        if kept is None or kept[0] is not coefficients:
            sds, z = self._own(coefficients)
            kept = coefficients, sds[..., None] * correlation_root(z, sds.shape[1])
            if not coefficients.requires_grad:
                self.__dict__["_kept"] = kept
        root: Tensor = kept[1]
        return root

    def _ways(self, coefficients: Tensor) -> _Ways:
        kept = self.__dict__.get("_kept_ways")
        if kept is None or kept[0] is not coefficients:
            sds, z = self._own(coefficients)
            kept = coefficients, _Ways.of(sds, CorrelationRoot.of(z, sds.shape[1]))
            self.__dict__["_kept_ways"] = kept
        ways: _Ways = kept[1]
        return ways

    def _shift(self, coefficients: Tensor, t: int, v: Tensor) -> Tensor:
        loads = self.effects[:, t] @ self._root(coefficients)  # (G, N, L)
        return (v @ loads[..., None])[..., 0]

    def _loading(self, coefficients: Tensor, t: int) -> Tensor:
        q = self.design.shape[2]
        loads: Tensor = self.effects[:, t] @ self._root(coefficients)
        return -loads * torch.exp(-coefficients[:, q])[:, None, None]

    def _gram(self, coefficients: Tensor, counted: Tensor) -> Tensor:
        z, root = self.effects * counted[:, :, None], self._root(coefficients)[:, None]
        return root.mT @ (z.transpose(1, 2) @ z) @ root

    def _own_place(self, coefficients: Tensor, t: int) -> Tensor:
        q = self.design.shape[2]
        ways = torch.einsum("nl,gdlm->gnmd", self.effects[:, t], self._ways(coefficients).first)
        return -ways * torch.exp(-coefficients[:, q])[:, None, None, None]

    def _bend_of_root(self, hessian: Tensor, coefficients: Tensor, t: int, pull: Tensor) -> None:
        q = self.design.shape[2]
        bend = torch.einsum("nl,gdelm,gnm->gnde", self.effects[:, t], self._ways(coefficients).second, pull[..., 2:])
        hessian[..., q + 1 :, q + 1 :] -= bend * torch.exp(-coefficients[:, q])[:, None, None, None]


def _turned_to(direction: Tensor) -> Tensor:
    """(.., L) -> (.., L, L) orthogonal, the first column along it: Householder's reflection."""
    unit = torch.zeros_like(direction)
    unit[..., 0] = torch.where(direction[..., 0] < 0, -1.0, 1.0)
    length = torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
    w = torch.where(length > 0, direction / length.clamp(min=1e-300), unit) + unit
    eye = torch.eye(direction.shape[-1]).to(direction)
    return eye - 2 * w[..., :, None] * w[..., None, :] / (w * w).sum(-1)[..., None, None]


@dataclass(frozen=True)
class _Ways:
    """Attributes
    ----------
    first, second : (G, D, L, L), (G, D, D, L, L) the derivatives of W in sds and z
    """

    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, sds: Tensor, correlations: CorrelationRoot) -> _Ways:
        """W = diag(r) L."""
        n, slopes, bends = sds.shape[-1], correlations.first, correlations.second
        size = n + len(slopes)
        first = sds.new_zeros(sds.shape[0], size, n, n)
        second = sds.new_zeros(sds.shape[0], size, size, n, n)
        for j in range(n):
            first[:, j, j] = correlations.root[:, j]
        for m, slope in enumerate(slopes):
            first[:, n + m] = sds[..., None] * slope
            for j in range(n):
                second[:, j, n + m, j] = second[:, n + m, j, j] = slope[:, j]
            for k, bend in enumerate(bends[m]):
                second[:, n + m, n + k] = second[:, n + k, n + m] = sds[..., None] * bend
        return cls(first, second)
