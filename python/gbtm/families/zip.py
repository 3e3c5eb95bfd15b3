"""Zero-inflated Poisson: a zero by nature with probability p, else Poisson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, gammaln

from .base import CountFamily, Predictors
from .poisson import Poisson

if TYPE_CHECKING:
    from torch import Tensor


class ZeroInflatedPoisson(CountFamily):
    """P(0) = p + (1-p) exp(-lambda), P(y) = (1-p) Poisson(y; lambda), lambda = exp(eta), logit p = ``zero``.

    Statistics: zero or not, positive or not, y.
    """

    name = "zip"
    label = "zero-inflated Poisson"
    predictors = ("mean", "zero")
    without_zeros = "poisson"
    traj_model = "zip"
    traj_heading = "Zero Inflated Poisson (zip)"
    sas_models = ("zip",)
    traj_band_fault = "a factor is missing in its zero part"

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.stack([(y == 0).astype(float), (y > 0).astype(float), y], axis=-1)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return -gammaln(y + 1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        eta, zeta = u["mean"], u["zero"]
        rate = torch.exp(eta)
        positive = logsigmoid(-zeta) - rate
        # log(p + (1-p) exp(-lambda)); unlike logaddexp, its second derivative survives p = 0
        zero = positive - logsigmoid(-(zeta + rate))
        return torch.stack([zero, positive, eta], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        zeta, rate = u["zero"], torch.exp(u["mean"])
        p, chance = torch.sigmoid(zeta), torch.sigmoid(-(zeta + rate))  # chance: a zero that is Poisson's
        one = torch.ones_like(rate)
        return {
            "mean": torch.stack([-rate * chance, -rate, one], dim=-1),
            "zero": torch.stack([1 - chance - p, -p, 0 * one], dim=-1),
        }

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        zeta, rate = u["zero"], torch.exp(u["mean"])
        chance, zero = torch.sigmoid(-(zeta + rate)), torch.zeros_like(rate)
        doubt = chance * torch.sigmoid(zeta + rate)
        spread = torch.sigmoid(zeta) * torch.sigmoid(-zeta)
        return {
            ("mean", "mean"): torch.stack([rate * rate * doubt - rate * chance, -rate, zero], dim=-1),
            ("mean", "zero"): torch.stack([rate * doubt, zero, zero], dim=-1),
            ("zero", "zero"): torch.stack([doubt - spread, -spread, zero], dim=-1),
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        zero, positive, total = totals[..., 0], totals[..., 1], totals[..., 2]
        rate = (total + 0.1) / (positive + 0.1 + 0.3 * zero)
        share = np.clip((zero - 0.5 * positive) / (zero + positive + 1e-8), 0.1, 0.8)
        return {"mean": np.log(rate), "zero": np.log(share / (1 - share))}

    def expected(self, u: Predictors) -> np.ndarray:
        return expit(-u["zero"]) * np.exp(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        mean = self.expected(u)
        return {"mean": mean, "zero": -expit(u["zero"]) * mean}

    def variance(self, u: Predictors) -> np.ndarray:
        """(1-p) lambda + p (1-p) lambda^2."""
        rate = np.exp(u["mean"])
        return expit(-u["zero"]) * rate * (1 + expit(u["zero"]) * rate)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        p, below_and_upto = expit(u["zero"]), Poisson().cumulative(y, u)
        below, upto = (p + (1 - p) * part for part in below_and_upto)
        return np.where(y > 0, below, 0.0), upto

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        structural = rng.random(np.shape(u["mean"])) < expit(u["zero"])
        return np.where(structural, 0.0, rng.poisson(np.exp(u["mean"])))
