"""Normal with AR(1) errors: the deviations from a subject's curve remember the last one.

corr(e_t, e_s) = rho^|a_t - a_s|. Given the group, an observation depends on the past by the last one only, so that the
density of a subject is a product over pairs of neighbours, and stays linear in a few statistics of each pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Predictors
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
    label = "normal, AR(1) errors"
    predictors = ("mean", "lag_mean", "log_sigma", "atanh_rho")
    lagged: ClassVar[bool] = True

    def pairs(self, y: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Outcomes (n,) and those before them (n,), 0 for none -> statistics (n, 6)."""
        return np.stack([np.ones_like(y), y, y * y, last, last * last, y * last], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        c = power_of_rho(torch.tanh(u["atanh_rho"]), u["gap"])
        innovation_variance = 1 - c * c
        a = u["mean"] - c * u["lag_mean"]
        precision = torch.exp(-2 * u["log_sigma"]) / innovation_variance
        one = -u["log_sigma"] - HALF_LOG_2PI - 0.5 * torch.log(innovation_variance) - 0.5 * precision * a * a
        return torch.stack(
            [one, precision * a, -0.5 * precision, -precision * a * c, -0.5 * precision * c * c, precision * c], dim=-1
        )

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        c, moved, _ = _correlation(u)
        slopes = _slopes(u, c)
        return {**{name: slopes[name] for name in self.predictors[:3]}, "atanh_rho": slopes["c"] * moved[..., None]}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        c, moved, bent = (v[..., None] for v in _correlation(u))
        bends, slope = _curvatures(u, c[..., 0]), _slopes(u, c[..., 0])["c"]
        out = {}
        for (a, b), value in bends.items():
            if b != "c":
                out[a, b] = value
            elif a != "c":
                out[a, "atanh_rho"] = value * moved
            else:
                out["atanh_rho", "atanh_rho"] = value * moved * moved + slope * bent
        return out

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


def _slopes(u: Mapping[str, Tensor], c: Tensor) -> dict[str, Tensor]:
    """First derivatives of the terms by mean, lag_mean, log_sigma and c, (.., 6) each."""
    import torch

    innovation_variance, last = 1 - c * c, u["lag_mean"]
    a, p = u["mean"] - c * last, torch.exp(-2 * u["log_sigma"]) / innovation_variance
    p_c = 2 * c * p / innovation_variance
    zero = torch.zeros_like(a)
    columns = {
        "mean": [-p * a, p, zero, -p * c, zero, zero],
        "lag_mean": [p * a * c, -p * c, zero, p * c * c, zero, zero],
        "log_sigma": [p * a * a - 1, -2 * p * a, p, 2 * p * a * c, p * c * c, -2 * p * c],
        "c": [
            c / innovation_variance - 0.5 * p_c * a * a + p * a * last, p_c * a - p * last, -0.5 * p_c,
            p * last * c - p_c * a * c - p * a, -0.5 * p_c * c * c - p * c, p_c * c + p,
        ],
    }
    return {name: _stacked(column, a) for name, column in columns.items()}


def _curvatures(u: Mapping[str, Tensor], c: Tensor) -> dict[tuple[str, str], Tensor]:
    """Second derivatives of the terms by mean, lag_mean, log_sigma and c, (.., 6) each."""
    import torch

    innovation_variance, last = 1 - c * c, u["lag_mean"]
    a, p = u["mean"] - c * last, torch.exp(-2 * u["log_sigma"]) / innovation_variance
    p_c, p_cc = 2 * c * p / innovation_variance, 2 * p * (1 + 3 * c * c) / (innovation_variance * innovation_variance)
    pc_c, pcc_c = p_c * c + p, p_c * c * c + 2 * p * c  # of p c and of p c^2, by c
    pa_c = p_c * a - p * last
    zero = torch.zeros_like(a)
    columns = {
        ("mean", "mean"): [-p, zero, zero, zero, zero, zero],
        ("mean", "lag_mean"): [p * c, zero, zero, zero, zero, zero],
        ("mean", "log_sigma"): [2 * p * a, -2 * p, zero, 2 * p * c, zero, zero],
        ("mean", "c"): [-pa_c, p_c, zero, -pc_c, zero, zero],
        ("lag_mean", "lag_mean"): [-p * c * c, zero, zero, zero, zero, zero],
        ("lag_mean", "log_sigma"): [-2 * p * a * c, 2 * p * c, zero, -2 * p * c * c, zero, zero],
        ("lag_mean", "c"): [pa_c * c + p * a, -pc_c, zero, pcc_c, zero, zero],
        ("log_sigma", "log_sigma"): [
            -2 * p * a * a, 4 * p * a, -2 * p, -4 * p * a * c, -2 * p * c * c, 4 * p * c,
        ],
        ("log_sigma", "c"): [
            p_c * a * a - 2 * p * a * last, -2 * pa_c, p_c, 2 * (pa_c * c + p * a), pcc_c, -2 * pc_c,
        ],
        ("c", "c"): [
            (1 + c * c) / (innovation_variance * innovation_variance)
            - 0.5 * p_cc * a * a + 2 * p_c * a * last - p * last * last,
            p_cc * a - 2 * p_c * last, -0.5 * p_cc,
            2 * p * last - p_cc * a * c - 2 * p_c * (a - last * c), -0.5 * p_cc * c * c - 2 * p_c * c - p,
            p_cc * c + 2 * p_c,
        ],
    }
    return {pair: _stacked(column, a) for pair, column in columns.items()}


def _stacked(column: list[Tensor], like: Tensor) -> Tensor:
    import torch

    return torch.stack([value.expand_as(like) for value in column], dim=-1)


def _correlation(u: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """c = rho^gap (see :func:`power_of_rho`) and its first and second derivative in atanh rho."""
    import torch

    rho, gap = torch.tanh(u["atanh_rho"]), u["gap"]
    first = torch.isinf(gap)
    g = torch.where(first, 1.0, gap)
    size, sign = rho.abs().clamp(min=LEAST_RHO), torch.where(rho < 0, -1.0, 1.0)
    is_odd = torch.remainder(g, 2) == 1
    none = first | ((rho.abs() < LEAST_RHO) & (torch.remainder(g, 1) != 0))
    by_rho = torch.where(is_odd, 1.0, sign) * g * size ** (g - 1)
    twice = torch.where(is_odd, sign, 1.0) * g * (g - 1) * size ** (g - 2)
    rho_slope = 1 - rho * rho
    moved, bent = by_rho * rho_slope, twice * rho_slope * rho_slope - 2 * rho * rho_slope * by_rho
    return power_of_rho(rho, gap), torch.where(none, 0.0, moved), torch.where(none, 0.0, bent)


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
