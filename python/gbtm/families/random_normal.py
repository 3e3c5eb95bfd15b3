"""Normal with a random intercept and slope: the predictors of the family whose density is that of a whole subject."""

from __future__ import annotations

import numpy as np

from .base import Predictors
from .normal import Normal

RANDOM = ("r0_sigma", "r1_sigma")  # sd of the random intercept and of the random slope
START_SD = 0.3  # of the outcome's; shared out with sigma


class RandomNormal(Normal):
    """y_i ~ N(X_i beta, sigma^2 I + Z_i diag(r^2) Z_i'), Z = 1, time; see :mod:`gbtm.densities.random_effects`."""

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        start = super().initial(totals)
        start["log_sigma"] = start["log_sigma"] + 0.5 * np.log1p(-(START_SD**2))
        sd = START_SD * np.exp(start["log_sigma"])
        return {**start, **{name: sd for name in self.predictors[2:]}}

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        one = np.ones_like(u["mean"])
        return {"mean": one, **{name: 0 * one for name in self.predictors[1:]}}


def random_normal(n_random: int) -> RandomNormal:
    """The family with that many random effects."""
    family = RandomNormal()
    family.predictors = ("mean", "log_sigma", *RANDOM[:n_random])  # type: ignore[misc]
    return family
