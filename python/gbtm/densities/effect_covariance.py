"""The covariance of a random intercept and slope, in units of the variance of the errors, and how it moves.

A = diag(rho) R diag(rho), rho = r / sigma, R = I, or of two effects that are correlated [[1, c], [c, 1]], c = tanh(z).
Derivatives are taken in (log sigma, rho, z) and moved to (log sigma, r, z) here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
        """From own (.., D): the sds r, and z where there is one more."""
        rho = own[..., :n_random] * torch.exp(-log_sigma)[..., None]
        size = own.shape[-1]
        correlation = own.new_zeros(own.shape[:-1])
        if size > n_random:
            correlation = torch.tanh(own[..., n_random])
        eye = torch.eye(n_random, dtype=own.dtype, device=own.device)
        exchange = torch.ones_like(eye) - eye
        correlations = eye + correlation[..., None, None] * exchange
        first = own.new_zeros(*own.shape[:-1], size, n_random, n_random)
        second = own.new_zeros(*own.shape[:-1], size, size, n_random, n_random)
        for j in range(n_random):
            first[..., j, j, :] += correlations[..., j, :] * rho
            first[..., j, :, j] += correlations[..., j, :] * rho
            for k in range(n_random):
                second[..., j, k, j, k] += correlations[..., j, k]
                second[..., j, k, k, j] += correlations[..., j, k]
        if size > n_random:
            slope = (1 - correlation**2)[..., None, None] * exchange  # of c in z
            product = (rho[..., 0] * rho[..., 1])[..., None, None]
            first[..., 2, :, :] = slope * product
            second[..., 2, 2, :, :] = -2 * correlation[..., None, None] * slope * product
            for j in range(2):
                second[..., j, 2, :, :] = second[..., 2, j, :, :] = slope * rho[..., 1 - j, None, None]
        root = torch.diag_embed(rho)
        if size > n_random:
            root = torch.stack([
                torch.stack([rho[..., 0], torch.zeros_like(correlation)], -1),
                torch.stack([correlation * rho[..., 1], torch.sqrt(1 - correlation**2) * rho[..., 1]], -1)], -2)
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
