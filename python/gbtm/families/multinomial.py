"""Multinomial: log P(Y = c)/P(Y = 1) = eta_c for C categories without an order, the first of which is the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import logsumexp, softmax

from .base import Predictors
from .levels import MOST_LEVELS, LevelFamily

if TYPE_CHECKING:
    from torch import Tensor

CURVES = ("mean", *(f"level{c}" for c in range(3, MOST_LEVELS + 1)))  # eta_2, eta_3, ..


class Multinomial(LevelFamily):
    """log f = eta_c - log(1 + exp(eta_2) + .. + exp(eta_C)) for y at category c, with eta_1 = 0.

    Each eta is a curve of its own, on the same columns; ``mean`` is eta_2, so that two categories are the logit. The
    counts of the categories in a design cell are all that a fit needs, and the log density is concave in all etas.

    The outcome has no mean. What stands where other families have theirs, so that groups have an order, is the
    probability of any category but the reference; nobody is told of it.
    """

    name = "multinomial"
    label = "multinomial (unordered categories)"
    link = "multinomial"
    has_mean: ClassVar[bool] = False

    def __init__(self, codes: tuple[float, ...] = (1.0, 2.0, 3.0)) -> None:
        super().__init__(codes)
        self.predictors = CURVES[: len(self.codes) - 1]  # type: ignore[misc]

    @property
    def curve_predictors(self) -> tuple[str, ...]:
        return self.predictors

    @property
    def mean_range(self) -> tuple[float, float]:
        return 0.0, 1.0

    # -- in torch ---------------------------------------------------------------------------------------------------

    def _etas(self, u: Mapping[str, Tensor]) -> Tensor:
        """(..., C), that of the reference 0."""
        import torch

        return torch.stack([torch.zeros_like(u["mean"]), *(u[p] for p in self.predictors)], dim=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        return self._etas(u).log_softmax(-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        p = self._etas(u).softmax(-1)
        out = {}
        for j, name in enumerate(self.predictors, start=1):
            slope = -p[..., j, None].expand_as(p).clone()
            slope[..., j] = p[..., :j].sum(-1) + p[..., j + 1 :].sum(-1)  # 1 - p has no digits left where p is near 1
            out[name] = slope
        return out

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        p = self._etas(u).softmax(-1)
        out = {}
        for j, a in enumerate(self.predictors, start=1):
            rest = p[..., :j].sum(-1) + p[..., j + 1 :].sum(-1)
            out[a, a] = (-p[..., j] * rest)[..., None].expand_as(p)
            for i, b in enumerate(self.predictors[j:], start=j + 1):
                out[a, b] = (p[..., j] * p[..., i])[..., None].expand_as(p)
        return out

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        odds = np.log((totals[..., 1:] + 0.5) / (totals[..., :1] + 0.5))
        return {name: odds[..., j] for j, name in enumerate(self.predictors)}

    def features(self, y: np.ndarray) -> list[np.ndarray]:
        return [1.0 * (y == code) for code in self.codes[1:]]

    # -- on the outcome's scale -------------------------------------------------------------------------------------

    def _stacked(self, u: Predictors) -> np.ndarray:
        """Etas (..., C), that of the reference 0."""
        return np.stack(np.broadcast_arrays(0.0, *(np.asarray(u[p], dtype=float) for p in self.predictors)), axis=-1)

    def probabilities(self, u: Predictors) -> np.ndarray:
        """P(Y = category c) (..., C)."""
        return np.asarray(softmax(self._stacked(u), axis=-1))

    def probability_gradient(self, u: Predictors, at: int) -> dict[str, np.ndarray]:
        """Derivative of P(Y = category ``at``), from 0, in each predictor (...,)."""
        p = self.probabilities(u)
        own = p[..., at]
        rest = p[..., :at].sum(-1) + p[..., at + 1 :].sum(-1)
        return {name: own * (rest if j == at else -p[..., j]) for j, name in enumerate(self.predictors, start=1)}

    def log_odds(self, u: Predictors) -> np.ndarray:
        """log P(Y = c)/P(Y is another) (..., C)."""
        eta = self._stacked(u)
        others = np.stack([logsumexp(np.delete(eta, c, axis=-1), axis=-1) for c in range(eta.shape[-1])], axis=-1)
        return np.asarray(eta - others)

    def shown(self, u: Predictors) -> np.ndarray:
        return self.probabilities(u)

    def expected(self, u: Predictors) -> np.ndarray:
        return np.asarray(self.probabilities(u)[..., 1:].sum(-1))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {name: -slope for name, slope in self.probability_gradient(u, 0).items()}

    def variance(self, u: Predictors) -> np.ndarray:
        p = self.probabilities(u)
        return np.asarray(p[..., 0] * p[..., 1:].sum(-1))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        upto = np.cumsum(self.probabilities(u), axis=-1)[..., :-1]
        return self.values[(rng.random(upto.shape[:-1])[..., None] > upto).sum(-1)]
