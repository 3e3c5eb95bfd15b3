"""Times to an event: exponential and Weibull, proportional hazards."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from .base import OutcomeModel


class Exponential(OutcomeModel):
    """log g = d eta - (t - t0) e^eta. ``y`` (n, 3): entry t0, exit t, event d."""

    name, title, measure, contrast = "exponential", "Exponential", "median time", "hazard ratio"

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        entry, leave, event = (self.y[:, j, None] for j in range(3))
        return event * eta[:, :, 0] - (leave - entry) * torch.exp(eta[:, :, 0])

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        entry, leave, event = self.y.numpy().T
        return np.array([math.log(weight @ event / (weight @ (leave - entry)))]), np.zeros(0)

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        """The time by which half of a group have had the event, (log 2 / e^eta)^(1/k)."""
        return torch.exp((math.log(math.log(2)) - eta) * self._power(shape))

    def _power(self, shape: Tensor) -> Tensor | float:
        return 1.0

    @property
    def response_scale(self) -> str:
        return "log"


class Weibull(Exponential):
    """log g = d (log k + (k - 1) log t + eta) - (t^k - t0^k) e^eta, k common to the groups or each one's own."""

    name, title = "weibull", "Weibull"

    @property
    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"shape[{k + 1}]" for k in range(self.n_groups)) if self.by_group else ("shape",)

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        entry, leave, event = (self.y[:, j, None] for j in range(3))
        k, eta = torch.exp(shape), eta[:, :, 0]
        log_leave = torch.log(leave)
        before = torch.where(entry > 0, torch.exp(k * torch.log(torch.where(entry > 0, entry, 1.0))), 0.0)
        hazard = shape + (k - 1) * log_leave + eta
        return event * hazard - (torch.exp(k * log_leave) - before) * torch.exp(eta)

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        intercept, _ = super().start(weight)
        return intercept, np.zeros(len(self.shape_names))

    def _power(self, shape: Tensor) -> Tensor | float:
        return torch.exp(-shape)[:, None] if self.by_group else torch.exp(-shape)
