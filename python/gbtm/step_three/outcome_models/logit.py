"""Binary outcomes: logit P(o = 1) = eta."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .base import OutcomeModel, weighted_mean


class Logit(OutcomeModel):
    """log g = o eta - log(1 + e^eta)."""

    name, title, measure, contrast = "logit", "Logit", "probability", "odds ratio"

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        return self.y[:, None] * eta[:, :, 0] - torch.nn.functional.softplus(eta[:, :, 0])

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = weighted_mean(self.y.numpy(), weight)
        return np.array([math.log(p / (1 - p))]), np.zeros(0)

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        return torch.sigmoid(eta)

    @property
    def response_scale(self) -> str:
        return "logit"
