"""Normal outcomes: N(eta, sigma^2), sigma common to the groups or each one's own."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .base import OutcomeModel, weighted_mean


class Normal(OutcomeModel):
    """log g = -log sigma - (o - eta)^2 / (2 sigma^2) - log(2 pi) / 2."""

    name, title, measure = "normal", "Normal", "mean"

    @property
    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"sigma[{k + 1}]" for k in range(self.n_groups)) if self.by_group else ("sigma",)

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        z = (self.y[:, None] - eta[:, :, 0]) * torch.exp(-shape)
        return -shape - 0.5 * z * z - 0.5 * math.log(2 * math.pi)

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = self.y.numpy()
        mean = weighted_mean(y, weight)
        sd = math.sqrt(weighted_mean((y - mean) ** 2, weight))
        return np.array([mean]), np.full(len(self.shape_names), math.log(sd))

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        return eta
