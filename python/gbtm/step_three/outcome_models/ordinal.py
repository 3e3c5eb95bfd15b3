"""Ordered categories: logit P(o <= c) = cut_c - eta (proportional odds); eta of the first group's intercept is 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .base import OutcomeModel, weighted_mean


class Ordinal(OutcomeModel):
    """g = F(cut_o - eta) - F(cut_{o-1} - eta), F the logistic distribution. ``y`` are codes 0..C - 1.

    Shape: the first cut and the logarithms of the gaps between the cuts.
    """

    name, title, measure, contrast, first_is_zero = "ordinal", "Ordinal", "probability", "odds ratio", True

    def __init__(self, y: np.ndarray, n_groups: int, *, categories: Sequence[str], exposure: None = None,
                 by_group: bool = False) -> None:
        super().__init__(y, n_groups)
        self.categories = tuple(categories)

    @property
    def shape_names(self) -> tuple[str, ...]:
        return tuple(f"cut[{a}|{b}]" for a, b in zip(self.categories[:-1], self.categories[1:], strict=True))

    def reported_shape(self, shape: Tensor) -> Tensor:
        return shape[0] + torch.cat([shape.new_zeros(1), torch.exp(shape[1:])]).cumsum(0)

    def _log_probabilities(self, eta: Tensor, shape: Tensor) -> Tensor:
        """(n, K, 1) -> (n, K, C): F(a) - F(b) = F(a) F(-b) (1 - e^(b - a))."""
        above = self.reported_shape(shape) - eta
        upper = torch.nn.functional.pad(logsigmoid(above), (0, 1))
        lower = torch.nn.functional.pad(logsigmoid(-above), (1, 0))
        between = torch.log(-torch.expm1(-torch.exp(shape[1:])))
        return upper + lower + torch.nn.functional.pad(between, (1, 1))

    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        chosen = self.y.long()[:, None, None].expand(-1, self.n_groups, 1)
        return self._log_probabilities(eta, shape).gather(2, chosen)[:, :, 0]

    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        y = self.y.numpy()
        p = np.array([weighted_mean(y <= c, weight) for c in range(len(self.categories) - 1)])
        cut = np.log(p / (1 - p))
        return np.zeros(1), np.concatenate([cut[:1], np.log(np.diff(cut))])

    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        return self._log_probabilities(eta, shape).exp()

    @property
    def response_names(self) -> tuple[str, ...]:
        return self.categories

    @property
    def response_scale(self) -> str:
        return "logit"
