"""Counts: the rate is exp(eta), times the exposure where there is one."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .base import OutcomeModel, weighted_mean


class Poisson(OutcomeModel):
    """log g = o log(e lambda) - e lambda - log o!, lambda = exp(eta), e the exposure."""

    name, title, measure, contrast = "poisson", "Poisson", "rate", "rate ratio"

    def _log_mean(self, eta: Tensor) -> Tensor:
        return eta[:, :, 0] if self.log_exposure is None else eta[:, :, 0] + self.log_exposure[:, None]

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        log_mean, y = self._log_mean(eta), self.y[:, None]
        return y * log_mean - torch.exp(log_mean) - torch.lgamma(y + 1)

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at_risk = np.ones(len(self.y)) if self.log_exposure is None else np.exp(self.log_exposure.numpy())
        return np.array([math.log(weighted_mean(self.y.numpy(), weight) / weighted_mean(at_risk, weight))]), np.zeros(0)

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        return torch.exp(eta)

    @property
    def response_scale(self) -> str:
        return "log"


class NegativeBinomial(Poisson):
    """Mean mu = e lambda, variance mu + psi mu^2; psi common to the groups or each one's own."""

    name, title = "negbin", "Negative binomial"

    @property
    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"psi[{k + 1}]" for k in range(self.n_groups)) if self.by_group else ("psi",)

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        log_mean, y, r = self._log_mean(eta), self.y[:, None], torch.exp(-shape)
        log_total = torch.logaddexp(log_mean, -shape + torch.zeros_like(log_mean))  # log(mu + r)
        choose = torch.lgamma(y + r) - torch.lgamma(r) - torch.lgamma(y + 1)
        return choose + r * (-shape - log_total) + y * (log_mean - log_total)

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        intercept, _ = super().start(weight)
        y = self.y.numpy()
        mean = weighted_mean(y, weight)
        spread = weighted_mean((y - mean) ** 2, weight) - mean
        return intercept, np.full(len(self.shape_names), math.log(max(spread / mean**2, 0.1)))
