"""Censored normal (tobit): a normal seen only between two bounds, each optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from .base import Family, Predictors
from .normal import HALF_LOG_2PI, Normal, scale_apart

if TYPE_CHECKING:
    from torch import Tensor

# log Phi(25) is 0 to double precision, while the second derivative of log_ndtr overflows from 37 on
FAR_INSIDE = 25.0
LEAST_SPREAD = 1e-10  # of the censored variance, in units of sigma^2: rounding error below


class CensoredNormal(Family):
    """y <= lower: Phi((lower - eta)/sigma); y >= upper: 1 - Phi((upper - eta)/sigma); else the normal density.

    Statistics: 1, y, y^2 over uncensored observations, then the number at each finite bound.
    """

    name = "cnorm"
    label = "censored normal"
    link = "identity"
    predictors = ("mean", "log_sigma")
    has_bounds = True
    may_correlate = True
    residual_remedy = "Consider sigma by group, or a transformation."
    traj_model = "cnorm"
    traj_heading = "Censored Normal (cnorm)"
    sas_models = ("cnorm",)
    traj_band_fault = "where values are censored a term has the wrong sign"
    has_scale = True

    def __init__(self, lower: float | None = None, upper: float | None = None) -> None:
        self.lower = -np.inf if lower is None else float(lower)
        self.upper = np.inf if upper is None else float(upper)

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (
            (y < self.lower) | (y > self.upper),
            f"values outside min = {self.lower:g}, max = {self.upper:g}",
            "Move the bounds, or say that values beyond them count as at the bound (censor_beyond).",
        )

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return self.deviations(y, np.zeros_like(y))

    def deviations(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        y = y + 0 * level
        low, high = y <= self.lower, y >= self.upper
        inside = (~(low | high)).astype(float)
        y_inside = np.where(inside > 0, y - level, 0.0)
        columns = [inside, y_inside, y_inside**2]
        columns += [low.astype(float)] if np.isfinite(self.lower) else []
        columns += [high.astype(float)] if np.isfinite(self.upper) else []
        return np.stack(columns, axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        eta, log_sigma = u["mean"], u["log_sigma"]
        inverse = torch.exp(-log_sigma)
        precision = inverse * inverse
        parts = [-log_sigma - HALF_LOG_2PI - 0.5 * precision * eta * eta, precision * eta, -0.5 * precision + 0 * eta]
        if np.isfinite(self.lower):
            parts.append(torch.special.log_ndtr(((_bound(self.lower, u) - eta) * inverse).clamp(max=FAR_INSIDE)))
        if np.isfinite(self.upper):
            parts.append(torch.special.log_ndtr(((eta - _bound(self.upper, u)) * inverse).clamp(max=FAR_INSIDE)))
        return torch.stack(parts, dim=-1)

    def _beyond(self, u: Mapping[str, Tensor]) -> list[tuple[float, Tensor, Tensor]]:
        """For each finite bound: the sign of d z / d eta, z = (bound - eta)/sigma or its negative, phi(z)/Phi(z)."""
        import torch

        out = []
        for sign, bound in ((-1.0, self.lower), (1.0, self.upper)):
            if np.isfinite(bound):
                z = (sign * (u["mean"] - _bound(bound, u)) * torch.exp(-u["log_sigma"])).clamp(max=FAR_INSIDE)
                mills = torch.exp(-0.5 * z * z - HALF_LOG_2PI - torch.special.log_ndtr(z))
                out.append((sign, z, mills))
        return out

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        inverse = torch.exp(-u["log_sigma"])
        inside = Normal.slopes(self, u)  # type: ignore[arg-type]
        mean, log_sigma = [inside["mean"]], [inside["log_sigma"]]
        for sign, z, mills in self._beyond(u):
            mean.append((sign * inverse * mills)[..., None])
            log_sigma.append((-z * mills)[..., None])
        return {"mean": torch.cat(mean, dim=-1), "log_sigma": torch.cat(log_sigma, dim=-1)}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        inverse = torch.exp(-u["log_sigma"])
        parts = {pair: [value] for pair, value in Normal.curvatures(self, u).items()}  # type: ignore[arg-type]
        for sign, z, mills in self._beyond(u):
            bend = -mills * (z + mills)  # second derivative of log Phi
            parts["mean", "mean"].append((inverse * inverse * bend)[..., None])
            parts["mean", "log_sigma"].append((-sign * inverse * (z * bend + mills))[..., None])
            parts["log_sigma", "log_sigma"].append((z * (z * bend + mills))[..., None])
        return {pair: torch.cat(values, dim=-1) for pair, values in parts.items()}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        n_inside, total, square = totals[..., 0], totals[..., 1], totals[..., 2]
        at = [b for b in (self.lower, self.upper) if np.isfinite(b)]
        n = n_inside + totals[..., 3:].sum(-1)
        for j, bound in enumerate(at):
            total = total + totals[..., 3 + j] * bound
            square = square + totals[..., 3 + j] * bound**2
        mean = total / np.maximum(n, 1e-8)
        variance = np.maximum(square / np.maximum(n, 1e-8) - mean**2, 1e-2)
        return {"mean": mean, "log_sigma": 0.5 * np.log(variance)}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        return scale_apart(a, b, curvature, collected)

    def _bounds(self, u: Predictors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sigma = np.exp(u["log_sigma"])
        return (self.lower - u["mean"]) / sigma, (self.upper - u["mean"]) / sigma, sigma

    def expected(self, u: Predictors) -> np.ndarray:
        a, b, sigma = self._bounds(u)
        low = self.lower * ndtr(a) if np.isfinite(self.lower) else 0.0
        high = self.upper * ndtr(-b) if np.isfinite(self.upper) else 0.0
        return low + high + u["mean"] * (ndtr(b) - ndtr(a)) + sigma * (_density(a) - _density(b))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        a, b, sigma = self._bounds(u)
        return {"mean": ndtr(b) - ndtr(a), "log_sigma": sigma * (_density(a) - _density(b))}

    def variance(self, u: Predictors) -> np.ndarray:
        """Of the censored outcome: moments about eta, as those about 0 would cancel."""
        a, b, sigma = self._bounds(u)
        first, second = _density(a) - _density(b), ndtr(b) - ndtr(a)
        for z, beyond, sign in ((a, ndtr(a), 1.0), (b, ndtr(-b), -1.0)):
            z = np.where(np.isfinite(z), z, 0.0)
            first = first + z * beyond
            second = second + z * z * beyond + sign * z * _density(z)
        spread = second - first * first
        return np.where(spread > LEAST_SPREAD, sigma * sigma * spread, 0.0)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        inside = ndtr((y - u["mean"]) / np.exp(u["log_sigma"]))
        return np.where(y <= self.lower, 0.0, inside), np.where(y >= self.upper, 1.0, inside)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return np.clip(rng.normal(u["mean"], np.exp(u["log_sigma"])), self.lower, self.upper)

    def seen_in(self, y: np.ndarray) -> CensoredNormal:
        return CensoredNormal(
            self.lower if (y <= self.lower).any() else None, self.upper if (y >= self.upper).any() else None
        )

    def scaled(self, centre: float, scale: float) -> CensoredNormal:
        return CensoredNormal((self.lower - centre) / scale, (self.upper - centre) / scale)

    def between(self, lower: float | None, upper: float | None) -> CensoredNormal:
        return CensoredNormal(lower, upper)

    @property
    def mean_range(self) -> tuple[float, float]:
        return self.lower, self.upper


def _bound(bound: float, u: Mapping[str, Tensor]) -> float | Tensor:
    """The bound as the mean sees it, which may be that of deviations from a level."""
    return bound - u["level"] if "level" in u else bound


def _density(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * x * x - HALF_LOG_2PI)
