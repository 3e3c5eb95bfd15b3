"""Normal: y ~ N(eta, sigma^2)."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, pi
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtr

from .base import Family, Link, Predictors

if TYPE_CHECKING:
    from torch import Tensor

HALF_LOG_2PI = 0.5 * log(2 * pi)


class Normal(Family):
    """log f = -log sigma - log(2 pi)/2 - (y^2 - 2 y eta + eta^2) / (2 sigma^2)."""

    name = "normal"
    label = "normal"
    link: ClassVar[Link] = "identity"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "log_sigma")
    may_correlate = True
    with_bounds: ClassVar[str | None] = "cnorm"
    residual_remedy = "Consider a transformation, bounds (family 'cnorm') or sigma by group."
    traj_model: ClassVar[str | None] = "cnorm"
    traj_heading: ClassVar[str | None] = "Censored Normal (cnorm)"
    has_scale = True

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return np.zeros(y.shape, dtype=bool), "", ""

    def statistics(self, y: np.ndarray) -> np.ndarray:
        out = np.empty((*y.shape, 3))
        out[..., 0], out[..., 1] = 1.0, y
        np.multiply(y, y, out=out[..., 2])
        return out

    def deviations(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        return Normal.statistics(self, y - level)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        eta, log_sigma = u["mean"], u["log_sigma"]
        precision = torch.exp(-2 * log_sigma)
        return torch.stack(
            [-log_sigma - HALF_LOG_2PI - 0.5 * precision * eta * eta, precision * eta, -0.5 * precision + 0 * eta],
            dim=-1,
        )

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        eta, precision = u["mean"], torch.exp(-2 * u["log_sigma"])
        a, zero = precision * eta, torch.zeros_like(eta)
        return {
            "mean": torch.stack([-a, precision, zero], dim=-1),
            "log_sigma": torch.stack([a * eta - 1, -2 * a, precision], dim=-1),
        }

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        eta, precision = u["mean"], torch.exp(-2 * u["log_sigma"])
        a, zero = precision * eta, torch.zeros_like(eta)
        return {
            ("mean", "mean"): torch.stack([-precision, zero, zero], dim=-1),
            ("mean", "log_sigma"): torch.stack([2 * a, -2 * precision, zero], dim=-1),
            ("log_sigma", "log_sigma"): torch.stack([-2 * a * eta, 4 * a, -2 * precision], dim=-1),
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        n = np.maximum(totals[..., 0], 1e-8)
        mean = totals[..., 1] / n
        variance = np.maximum(totals[..., 2] / n - mean**2, 1e-6)
        return {"mean": mean, "log_sigma": 0.5 * np.log(variance)}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        return scale_apart(a, b, curvature, collected)

    def expected(self, u: Predictors) -> np.ndarray:
        return u["mean"]

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": np.ones_like(u["mean"]), "log_sigma": np.zeros_like(u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        return np.exp(2 * u["log_sigma"]) + 0 * u["mean"]

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        below = ndtr((y - u["mean"]) / np.exp(u["log_sigma"]))
        return below, below

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(u["mean"], np.exp(u["log_sigma"]))


def scale_apart(a: str, b: str, curvature: Tensor, collected: Tensor) -> Tensor:
    """Mean and log sigma as separate blocks, with curvature in log sigma of at least its expectation.

    Far from the optimum sigma answers to residuals that the same step is about to change, and where sigma is far above
    them Newton's own curvature vanishes: either way the joint step overshoots without bound.
    """
    if a != b:
        return 0 * curvature
    return curvature.minimum(-2 * collected[..., 0]) if a == "log_sigma" else curvature
