"""The covariance of random effects, in units of the variance of the errors, and how it moves.

A = diag(rho) R diag(rho), rho = r / sigma, R = I, or of effects that are correlated R = L L', L a function of z
(:mod:`gbtm.families.effect_correlations`). Derivatives are taken in (log sigma, rho, z) and moved to (log sigma, r, z)
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..families.effect_correlations import Pair, pairs_of, root_entries


@dataclass(frozen=True)
class EffectCovariance:
    """Attributes
    ----------
    log_sigma : (..)
    rho : (.., L)
    root : (.., L, L) lower triangular W, A = W W'
    first : (.., D, L, L) derivatives of A in the D parameters rho and, where the effects are correlated, z
    second : (.., D, D, L, L)
    """

    log_sigma: Tensor
    rho: Tensor
    root: Tensor
    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, own: Tensor, log_sigma: Tensor, n_random: int) -> EffectCovariance:
        """From own (.., D): the sds r, and z where there are more."""
        rho = own[..., :n_random] * torch.exp(-log_sigma)[..., None]
        size = own.shape[-1]
        correlations = _Correlations.of(own[..., n_random:], n_random)
        first = own.new_zeros(*own.shape[:-1], size, n_random, n_random)
        second = own.new_zeros(*own.shape[:-1], size, size, n_random, n_random)
        for j in range(n_random):
            line = correlations.matrix[..., j, :]
            first[..., j, j, :] += line * rho
            first[..., j, :, j] += line * rho
            for k in range(n_random):
                second[..., j, k, j, k] += line[..., k]
                second[..., j, k, k, j] += line[..., k]
        products = rho[..., :, None] * rho[..., None, :]
        for m, slope in enumerate(correlations.first):
            at = n_random + m
            first[..., at, :, :] = slope * products
            for j in range(n_random):
                second[..., j, at, j, :] = second[..., at, j, j, :] = slope[..., j, :] * rho
                second[..., j, at, :, j] = second[..., at, j, :, j] = slope[..., j, :] * rho
            for k, bend in enumerate(correlations.second[m]):
                second[..., at, n_random + k, :, :] = second[..., n_random + k, at, :, :] = bend * products
        root = rho[..., None] * correlations.root
        return cls(log_sigma, rho, root, first, second)

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.first.shape[-3]

    def in_users(self, by_own: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Derivatives (.., P, S) in rho and z -> what is added to that in log sigma, and those in r and z."""
        n_random = self.rho.shape[-1]
        shrink = torch.exp(-self.log_sigma)[..., None, None]
        in_sigma = -sum(self.rho[..., j, None, None] * by_own[j] for j in range(n_random))
        return torch.as_tensor(in_sigma), [shrink * d if j < n_random else d for j, d in enumerate(by_own)]

    def derivatives_in_users(self, gradient: Tensor, hessian: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives in (beta, log sigma, rho, z) -> in (beta, log sigma, r, z), where rho = r exp(-log sigma)."""
        n_random = self.rho.shape[-1]
        q = gradient.shape[-1] - self.size - 1  # of beta
        shrink, own = torch.exp(-self.log_sigma), slice(q + 1, q + 1 + n_random)
        turn = torch.diag_embed(torch.ones_like(gradient))
        turn[..., own, q] = -self.rho
        for j in range(n_random):
            turn[..., q + 1 + j, q + 1 + j] = shrink
        by_rho = gradient[..., own]
        out = turn.mT @ hessian @ turn
        out[..., q, q] += (by_rho * self.rho).sum(-1)
        out[..., q, own] -= shrink[..., None] * by_rho
        out[..., own, q] -= shrink[..., None] * by_rho
        return (turn.mT @ gradient[..., None])[..., 0], out


@dataclass(frozen=True)
class _Correlations:
    """Attributes
    ----------
    root : (.., L, L) of the matrix of correlations
    matrix : (.., L, L)
    first : of each z, the derivative (.., L, L) of ``matrix``
    second : of each z, the second derivatives with the z up to it
    """

    root: Tensor
    matrix: Tensor
    first: list[Tensor]
    second: list[list[Tensor]]

    @classmethod
    def of(cls, z: Tensor, n: int) -> _Correlations:
        """From z (.., P) of all pairs, or of none."""
        eye = torch.eye(n, dtype=z.dtype, device=z.device).expand(*z.shape[:-1], n, n)
        if not z.shape[-1]:
            return cls(eye, eye, [], [])
        half, outside = CorrelationRoot.of(z, n), 1 - eye
        root, second = half.root, []
        for m, line in enumerate(half.second):
            products = [bend @ root.mT + half.first[m] @ half.first[k].mT for k, bend in enumerate(line)]
            second.append([outside * (h + h.mT) for h in products])
        products = [slope @ root.mT for slope in half.first]
        return cls(root, eye + outside * (root @ root.mT), [outside * (h + h.mT) for h in products], second)


@dataclass(frozen=True)
class CorrelationRoot:
    """Attributes
    ----------
    root : (.., L, L) lower triangular, of the matrix of correlations
    first : of each z, the derivative (.., L, L) of ``root``
    second : of each z, the second derivatives with the z up to it
    """

    root: Tensor
    first: list[Tensor]
    second: list[list[Tensor]]

    @classmethod
    def of(cls, z: Tensor, n: int) -> CorrelationRoot:
        """From z (.., P) of all pairs."""
        pairs = pairs_of(n)
        p = dict(zip(pairs, torch.tanh(z).unbind(-1), strict=True))
        factors = {pair: (v, torch.sqrt(1 - v**2)) for pair, v in p.items()}
        slopes = {pair: (1 - v**2, -v * factors[pair][1]) for pair, v in p.items()}
        bends = {pair: (-2 * v * (1 - v**2), factors[pair][1] * (2 * v**2 - 1)) for pair, v in p.items()}

        def triangle(moved: dict[Pair, tuple[Tensor, Tensor]], having: tuple[Pair, ...] = ()) -> Tensor:
            return _triangle(z, n, {**factors, **moved}, having)

        second = [
            [triangle({one: bends[one]} if one == other else {one: slopes[one], other: slopes[other]}, (one, other))
             for other in pairs[: m + 1]] for m, one in enumerate(pairs)
        ]
        return cls(triangle({}), [triangle({pair: slopes[pair]}, (pair,)) for pair in pairs], second)


def correlation_root(z: Tensor, n: int) -> Tensor:
    """(.., P) -> (.., L, L), that of :class:`CorrelationRoot` alone."""
    p = torch.tanh(z).unbind(-1)
    return _triangle(z, n, {pair: (v, torch.sqrt(1 - v**2)) for pair, v in zip(pairs_of(n), p, strict=True)})


def _triangle(
    like: Tensor, n: int, factors: dict[Pair, tuple[Tensor, Tensor]], having: tuple[Pair, ...] = ()
) -> Tensor:
    out = like.new_zeros(*like.shape[:-1], n, n)
    for (b, a), entry in root_entries(n, factors, having).items():
        out[..., b, a] = entry
    return out
