"""Lognormal: a positive outcome whose log is N(eta, sigma^2)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import PositiveFamily, Predictors
from .normal import Normal


class Lognormal(PositiveFamily, Normal):
    """log f(y) = log f_N(log y) - log y, f_N the density of :class:`Normal`. E(y) = exp(eta + sigma^2/2).

    Statistics: 1, log y, (log y)^2. The outcome stays in its own units: a change of them adds to the intercept.
    """

    name = "lognormal"
    label = "lognormal"
    of_log = True
    has_scale = False
    may_correlate = False
    with_bounds: ClassVar[str | None] = None
    residual_remedy = "Consider family 'gamma', or sigma by group."
    traj_model: ClassVar[str | None] = None
    traj_heading: ClassVar[str | None] = None

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return Normal.statistics(self, np.log(y))

    def expected(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"] + 0.5 * np.exp(2 * u["log_sigma"]))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        mean = self.expected(u)
        return {"mean": mean, "log_sigma": np.exp(2 * u["log_sigma"]) * mean}

    def variance(self, u: Predictors) -> np.ndarray:
        """(exp(sigma^2) - 1) E(y)^2."""
        return np.expm1(np.exp(2 * u["log_sigma"])) * self.expected(u) ** 2

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore"):
            return Normal.cumulative(self, np.log(np.maximum(y, 0.0)), u)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return np.maximum(np.exp(Normal.simulate(self, u, rng)), np.finfo(float).tiny)

    def far_out(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"] + 12 * np.exp(u["log_sigma"]))
