"""Gamma: a positive outcome, costs or durations, with mean mu = exp(eta) and shape phi, so that its CV is constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import gammainc

from .base import PositiveFamily, Predictors
from .beta import trigamma

if TYPE_CHECKING:
    from torch import Tensor

LEAST_GAP = 1e-6  # of the log of the mean over the mean of the log: starts with phi up to 500,000


class Gamma(PositiveFamily):
    """log f = phi log phi - lgamma(phi) - phi eta + phi log y - phi exp(-eta) y - log y, so that Var(y) = mu^2/phi.

    Statistics: 1, log y, y. McCullagh & Nelder 1989, chapter 8, whose nu is phi. Mean and phi are orthogonal.
    """

    name = "gamma"
    label = "gamma"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "log_phi")
    residual_remedy = "Consider family 'lognormal', whose log is normal."

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.stack([np.ones_like(y), np.log(y), y], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        eta, phi = u["mean"], torch.exp(u["log_phi"])
        normaliser = phi * u["log_phi"] - torch.lgamma(phi) - phi * eta
        return torch.stack([normaliser, phi + 0 * eta, -phi * torch.exp(-eta)], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        eta, phi = u["mean"], torch.exp(u["log_phi"]) + 0 * u["mean"]
        rate = phi * torch.exp(-eta)
        normaliser_slope = phi * (u["log_phi"] + 1 - torch.special.digamma(phi) - eta)
        return {
            "mean": torch.stack([-phi, torch.zeros_like(eta), rate], dim=-1),
            "log_phi": torch.stack([normaliser_slope, phi, -rate], dim=-1),
        }

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        eta, phi = u["mean"], torch.exp(u["log_phi"]) + 0 * u["mean"]
        rate, zero = phi * torch.exp(-eta), torch.zeros_like(eta)
        normaliser_slope = phi * (u["log_phi"] + 1 - torch.special.digamma(phi) - eta)
        return {
            ("mean", "mean"): torch.stack([zero, zero, -rate], dim=-1),
            ("mean", "log_phi"): torch.stack([-phi, zero, rate], dim=-1),
            ("log_phi", "log_phi"): torch.stack([normaliser_slope - _information(phi), phi, -rate], dim=-1),
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        # within 1.5 % of maximum likelihood (Choi & Wette 1969's problem, approximated by Minka 2002)
        n = totals[..., 0]
        some = n > 1e-8
        n = np.where(some, n, 1.0)
        log_mean = np.where(some, np.log(np.maximum(totals[..., 2], np.finfo(float).tiny) / n), 0.0)
        gap = np.maximum(log_mean - totals[..., 1] / n, LEAST_GAP)
        phi = np.where(some, (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap), 1.0)
        return {"mean": log_mean, "log_phi": np.log(phi)}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Mean and log phi as separate blocks, each with at least its expected curvature.

        Where a mean is far above the data the observed one all but vanishes, and Newton's step runs off.
        """
        import torch

        if a != b:
            return 0 * curvature
        if u is None:
            return curvature
        phi = torch.exp(u["log_phi"]) + 0 * u["mean"]
        return curvature.minimum(-collected[..., 0] * (phi if a == "mean" else _information(phi)))

    def expected(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": np.exp(u["mean"]), "log_phi": np.zeros_like(u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        """mu^2/phi."""
        return np.exp(2 * u["mean"] - u["log_phi"])

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        phi = np.exp(u["log_phi"])
        below = gammainc(phi, phi * np.maximum(y, 0.0) * np.exp(-u["mean"]))
        return below, below

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        phi = np.exp(u["log_phi"])
        return np.maximum(rng.gamma(phi, np.exp(u["mean"]) / phi), np.finfo(float).tiny)

    def far_out(self, u: Predictors) -> np.ndarray:
        phi = np.exp(u["log_phi"])
        return np.exp(u["mean"]) * (1 + 60 / phi + 12 / np.sqrt(phi))


def _information(phi: Tensor) -> Tensor:
    """What an observation is expected to say of log phi: from phi at 0 to 1/2 at infinity."""
    return phi * (phi * trigamma(phi) - 1)
