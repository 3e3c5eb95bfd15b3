"""Poisson: rate lambda = exp(eta)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln, pdtr

from .base import CountFamily, Predictors

if TYPE_CHECKING:
    from torch import Tensor


class Poisson(CountFamily):
    """log f = y (eta + log e) - e exp(eta) - log y!, with e the exposure."""

    name = "poisson"
    label = "Poisson"
    traj_model = "zip"
    traj_heading = "Zero Inflated Poisson (zip)"
    sas_models = ("poisson",)
    folds_exposure = True

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.stack([np.ones_like(y), y], axis=-1)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return -gammaln(y + 1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        eta = u["mean"]
        return torch.stack([-torch.exp(eta), eta], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        rate = torch.exp(u["mean"])
        return {"mean": torch.stack([-rate, torch.ones_like(rate)], dim=-1)}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        rate = torch.exp(u["mean"])
        return {("mean", "mean"): torch.stack([-rate, torch.zeros_like(rate)], dim=-1)}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean": np.log((totals[..., 1] + 0.1) / (totals[..., 0] + 0.1))}

    def expected(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": np.exp(u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"])

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        rate = np.exp(u["mean"])
        return np.where(y > 0, pdtr(np.maximum(y - 1, 0), rate), 0.0), pdtr(y, rate)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return rng.poisson(np.exp(u["mean"])).astype(float)
