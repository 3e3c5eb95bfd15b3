"""Unordered categories: log P(o = c) / P(o = first) = eta_c, a baseline-category logit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .base import OutcomeModel, weighted_mean


class Nominal(OutcomeModel):
    """log g = eta_o - log sum_c exp(eta_c), eta of the first category 0. ``y`` are codes 0..C - 1."""

    name, title, measure, contrast = "nominal", "Nominal", "probability", "odds ratio"

    def __init__(self, y: np.ndarray, n_groups: int, *, categories: Sequence[str], exposure: None = None,
                 by_group: bool = False) -> None:
        super().__init__(y, n_groups)
        self.categories = tuple(categories)

    @property
    def equations(self) -> tuple[str, ...]:
        return self.categories[1:]

    def _log_probabilities(self, eta: Tensor) -> Tensor:
        return torch.log_softmax(torch.nn.functional.pad(eta, (1, 0)), dim=2)

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        chosen = self.y.long()[:, None, None].expand(-1, self.n_groups, 1)
        return self._log_probabilities(eta).gather(2, chosen)[:, :, 0]

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = self.y.numpy()
        p = np.array([weighted_mean(y == c, weight) for c in range(len(self.categories))])
        return np.log(p[1:] / p[0]), np.zeros(0)

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        return self._log_probabilities(eta).exp()

    @property
    def response_names(self) -> tuple[str, ...]:
        return self.categories

    @property
    def response_scale(self) -> str:
        return "logit"
