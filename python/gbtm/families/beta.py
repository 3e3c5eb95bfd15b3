"""Beta: a proportion strictly between 0 and 1, with mean mu = 1/(1 + exp(-eta)) and precision phi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, expit

from .base import Family, Predictors

if TYPE_CHECKING:
    from torch import Tensor

LEAST_GAP = 5e-5  # of the geometric means' distance from 1: starts with phi up to 10,000
NEAREST = (np.finfo(float).tiny, 1 - np.finfo(float).epsneg)  # to 0 and to 1 that a draw may come


class Beta(Family):
    """log f = log Gamma(phi) - log Gamma(a) - log Gamma(b) + (a - 1) log y + (b - 1) log(1 - y),

    with shapes a = mu phi, b = (1 - mu) phi, so that Var(y) = mu (1 - mu)/(1 + phi). Statistics: 1, log y, log(1 - y).
    """

    name = "beta"
    label = "beta (proportion)"
    link = "logit"
    traj_model = "beta"
    traj_heading = "Beta (beta)"
    sas_models = ("beta",)
    traj_band_fault = "the variance is mu (1 - mu)/(1 + phi) there"
    predictors = ("mean", "log_phi")
    may_be_squeezed = True

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (
            ~((y > 0) & (y < 1)),
            "values must lie strictly between 0 and 1",
            "Divide percentages by 100; where 0 or 1 do occur, squeeze=True makes all n values "
            "(y * (n - 1) + 0.5) / n.",
        )

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.stack([np.ones_like(y), np.log(y), np.log1p(-y)], axis=-1)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y) - np.log1p(-y)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        phi, a, b = _shapes(u)
        return torch.stack([torch.lgamma(phi) - torch.lgamma(a) - torch.lgamma(b), a, b], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        phi, a, b = _shapes(u)
        of_a, of_b = torch.special.digamma(a), torch.special.digamma(b)
        turn = a * torch.sigmoid(-u["mean"])  # mu (1 - mu) phi = da/d eta = -db/d eta
        normaliser_slope = phi * torch.special.digamma(phi) - a * of_a - b * of_b
        return {
            "mean": torch.stack([turn * (of_b - of_a), turn, -turn], dim=-1),
            "log_phi": torch.stack([normaliser_slope, a, b], dim=-1),
        }

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        phi, a, b = _shapes(u)
        of_a, of_b = torch.special.digamma(a), torch.special.digamma(b)
        spread_a, spread_b = trigamma(a), trigamma(b)
        turn = a * torch.sigmoid(-u["mean"])
        bend = turn * torch.tanh(-0.5 * u["mean"])  # d turn/d eta = turn (1 - 2 mu)
        normaliser_curvature = phi * torch.special.digamma(phi) - a * of_a - b * of_b
        normaliser_curvature = normaliser_curvature + phi * phi * trigamma(phi) - a * a * spread_a - b * b * spread_b
        return {
            ("mean", "mean"): torch.stack(
                [bend * (of_b - of_a) - turn * turn * (spread_a + spread_b), bend, -bend], dim=-1
            ),
            ("mean", "log_phi"): torch.stack(
                [turn * (of_b - of_a + b * spread_b - a * spread_a), turn, -turn], dim=-1
            ),
            ("log_phi", "log_phi"): torch.stack([normaliser_curvature, a, b], dim=-1),
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        # close to maximum likelihood from the geometric means of y and 1 - y (Johnson, Kotz & Balakrishnan 1995, 25.4);
        # a tenth of an observation of the uniform, whose mean log is -1, for groups without data
        log_y, log_rest = ((totals[..., j] - 0.1) / (totals[..., 0] + 0.1) for j in (1, 2))
        gap = np.maximum(1 - np.exp(log_y) - np.exp(log_rest), LEAST_GAP)
        a, b = 0.5 + 0.5 * np.exp(log_y) / gap, 0.5 + 0.5 * np.exp(log_rest) / gap
        return {"mean": np.log(a / b), "log_phi": np.log(a + b)}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Minus the expected information (Fisher scoring), which is positive definite wherever a step starts.

        The observed one has terms in residuals of either sign that the same step is about to change. Mean and log phi
        stay together: away from mu = 1/2 each informs of the other, and separate blocks take many times the steps.
        """
        if u is None:
            return curvature
        phi, shape_a, shape_b = _shapes(u)
        turn = shape_a * u["mean"].neg().sigmoid()
        spread_a, spread_b = trigamma(shape_a), trigamma(shape_b)
        if a != b:
            information = turn * (shape_a * spread_a - shape_b * spread_b)
        elif a == "mean":
            information = turn * turn * (spread_a + spread_b)
        else:  # falls from 1 at phi = 0 to 1/2 at infinity
            information = shape_a * shape_a * spread_a + shape_b * shape_b * spread_b - phi * phi * trigamma(phi)
        return -collected[..., 0] * information

    def expected(self, u: Predictors) -> np.ndarray:
        return expit(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": expit(u["mean"]) * expit(-u["mean"]), "log_phi": np.zeros_like(u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        """mu (1 - mu)/(1 + phi)."""
        return expit(u["mean"]) * expit(-u["mean"]) / (1 + np.exp(u["log_phi"]))

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        phi = np.exp(u["log_phi"])
        below = betainc(phi * expit(u["mean"]), phi * expit(-u["mean"]), y)
        return below, below

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        phi = np.exp(u["log_phi"])
        return np.clip(rng.beta(phi * expit(u["mean"]), phi * expit(-u["mean"])), *NEAREST)


def trigamma(x: Tensor) -> Tensor:
    """sum_j 1/(x + j)^2 to full precision; torch's polygamma(1, x) has 9 digits."""
    import torch

    return torch.special.zeta(2.0, x)


def _shapes(u: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """phi, mu phi and (1 - mu) phi."""
    import torch

    phi = torch.exp(u["log_phi"])
    return phi, phi * torch.sigmoid(u["mean"]), phi * torch.sigmoid(-u["mean"])
