"""Normal with a random intercept and slope: the predictors of the family whose density is that of a whole subject."""

from __future__ import annotations

import numpy as np

from .base import Predictors
from .normal import Normal

RANDOM = ("r0_sigma", "r1_sigma")  # sd of the random intercept and of the random slope
CORRELATION = "atanh_r01"  # of the two
RANDOM_PART = (*RANDOM, CORRELATION)
START_SD = 0.3  # of the outcome's; shared out with sigma


class RandomNormal(Normal):
    """y_i ~ N(X_i beta, sigma^2 I + Z_i G Z_i'), Z = 1, time, G the covariance of the random effects.

    See :mod:`gbtm.densities.random_effects`.
    """

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        start = super().initial(totals)
        start["log_sigma"] = start["log_sigma"] + 0.5 * np.log1p(-(START_SD**2))
        sd = START_SD * np.exp(start["log_sigma"])
        return {**start, **{name: sd if name in RANDOM else 0 * sd for name in self.predictors[2:]}}

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        one = np.ones_like(u["mean"])
        return {"mean": one, **{name: 0 * one for name in self.predictors[1:]}}


def random_normal(n_random: int, correlated: bool = False) -> RandomNormal:
    """The family with that many random effects."""
    family = RandomNormal()
    correlation = (CORRELATION,) if correlated and n_random > 1 else ()
    family.predictors = ("mean", "log_sigma", *RANDOM[:n_random], *correlation)  # type: ignore[misc]
    return family


def root_of_covariance(u: Predictors) -> np.ndarray | None:
    """(.., L, L) lower triangular R of the covariance R R' of the random effects; None where there are none.

    The effects are R v, v ~ N(0, I), so that z' R are the loadings of an observation on v.
    """
    if RANDOM[0] not in u:
        return None
    first = np.asarray(u[RANDOM[0]])
    if RANDOM[1] not in u:
        return first[..., None, None]
    second, zero = np.asarray(u[RANDOM[1]]), np.zeros_like(first)
    correlation = np.tanh(u[CORRELATION]) if CORRELATION in u else zero
    lines = [[first, zero], [correlation * second, np.sqrt(1 - correlation**2) * second]]
    return np.stack([np.stack(line, axis=-1) for line in lines], axis=-2)


def loadings(u: Predictors, time: np.ndarray) -> list[np.ndarray]:
    """Of observations at ``time`` (n,) on each of the independent standard normal v that the effects are made of, the
    sds in ``u`` (.., n) being in its units."""
    root = root_of_covariance(u)
    if root is None:
        return []
    return [sum(root[..., power, j] * time**power for power in range(root.shape[-1])) for j in range(root.shape[-1])]
