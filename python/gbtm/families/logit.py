"""Logit: P(y = 1) = 1 / (1 + exp(-eta))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit

from .base import Family, Predictors

if TYPE_CHECKING:
    from torch import Tensor


class Logit(Family):
    """log f = y log P(1) + (1 - y) log P(0). Statistics: zero or not, one or not."""

    name = "logit"
    label = "logit (binary)"
    link = "logit"
    is_binary = True
    traj_model: ClassVar[str | None] = "logit"
    traj_heading: ClassVar[str | None] = "Logistic (logit)"
    sas_models: ClassVar[tuple[str, ...]] = ("logit", "logistic", "bernoulli")

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (y != 0) & (y != 1), "values must be 0 or 1", "Recode the outcome as 0 and 1."

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.stack([1 - y, y], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        return torch.stack([logsigmoid(-u["mean"]), logsigmoid(u["mean"])], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        eta = u["mean"]
        return {"mean": torch.stack([-torch.sigmoid(eta), torch.sigmoid(-eta)], dim=-1)}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        eta = u["mean"]
        spread = -torch.sigmoid(eta) * torch.sigmoid(-eta)
        return {("mean", "mean"): torch.stack([spread, spread], dim=-1)}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": np.log((totals[..., 1] + 0.5) / (totals[..., 0] + 0.5))}

    def expected(self, u: Predictors) -> np.ndarray:
        return expit(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": expit(u["mean"]) * expit(-u["mean"])}  # 1 - p has no digits left where p is near 1

    def variance(self, u: Predictors) -> np.ndarray:
        return expit(u["mean"]) * expit(-u["mean"])

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        none = expit(-u["mean"])
        return np.where(y > 0, none, 0.0), np.where(y > 0, 1.0, none)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return (rng.random(np.shape(u["mean"])) < expit(u["mean"])).astype(float)
