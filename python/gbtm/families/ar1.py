"""Normal with AR(1) errors: the deviations from a subject's curve remember the last one.

corr(e_t, e_s) = rho^|a_t - a_s|. Given the group, an observation depends on the past by the last one only, so that the
density of a subject is a product over pairs of neighbours, and stays linear in a few statistics of each pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Family, Predictors
from .normal import HALF_LOG_2PI, Normal

if TYPE_CHECKING:
    from torch import Tensor

START_RHO = 0.2
LEAST_RHO = 1e-12  # below which rho is taken for 0: fractional powers have no derivative there


class AutoregressiveNormal(Normal):
    """y_t | y_{t-1} ~ N(eta_t + c (y_{t-1} - eta_{t-1}), sigma^2 (1 - c^2)), c = rho^gap; first y ~ N(eta, sigma^2).

    ``gap`` (C,) is the time since the last observation, infinite for the first, where c = 0. rho is negative only where
    all gaps are whole numbers. Statistics: 1, y_t, y_t^2, y_{t-1}, y_{t-1}^2, y_t y_{t-1}.
    """

    name = "normal"
    label = "Normal, AR(1) errors"
    predictors = ("mean", "lag_mean", "log_sigma", "atanh_rho")
    lagged: ClassVar[bool] = True

    def pairs(self, y: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Outcomes (n,) and those before them (n,), 0 for none -> statistics (n, 6)."""
        return np.stack([np.ones_like(y), y, y * y, last, last * last, y * last], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        c = power_of_rho(torch.tanh(u["atanh_rho"]), u["gap"])
        kept = 1 - c * c
        a = u["mean"] - c * u["lag_mean"]
        precision = torch.exp(-2 * u["log_sigma"]) / kept
        one = -u["log_sigma"] - HALF_LOG_2PI - 0.5 * torch.log(kept) - 0.5 * precision * a * a
        return torch.stack(
            [one, precision * a, -0.5 * precision, -precision * a * c, -0.5 * precision * c * c, precision * c], dim=-1
        )

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return Family.slopes(self, u)

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        return Family.curvatures(self, u)

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        start = super().initial(totals)
        rho = np.full_like(start["mean"], np.arctanh(START_RHO))
        return {**start, "lag_mean": start["mean"], "atanh_rho": rho}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """The curve apart from sigma and rho; curvature in these of at least the order of its expectation."""
        scales = ("log_sigma", "atanh_rho")
        if a not in scales and b not in scales:
            return curvature
        if a != b:
            return 0 * curvature
        return curvature.minimum(-(2.0 if a == "log_sigma" else 1.0) * collected[..., 0])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        one = np.ones_like(u["mean"])
        return {"mean": one, "lag_mean": 0 * one, "log_sigma": 0 * one, "atanh_rho": 0 * one}


def power_of_rho(rho: Tensor, gap: Tensor) -> Tensor:
    """rho^gap (.., C), with the sign of rho for odd gaps; 0 for an infinite gap.

    Where gaps are no whole numbers |rho| is meant, which a negative rho could not say.
    """
    import torch

    first = torch.isinf(gap)
    finite = torch.where(first, 1.0, gap)
    size = rho.abs().clamp(min=LEAST_RHO)
    c = torch.where(torch.remainder(finite, 2) == 1, rho * size ** (finite - 1), size**finite)
    none = (rho.abs() < LEAST_RHO) & (torch.remainder(finite, 1) != 0)
    return torch.where(first | none, 0.0, c)
