"""Normal with random effects of powers of time: predictors of the family whose density is that of a whole subject."""

from __future__ import annotations

import numpy as np

from .base import Predictors
from .effect_correlations import correlation_root, pairs_of
from .normal import Normal

EFFECTS = ("intercept", "slope", "quadratic")  # of time to the powers 0, 1, 2: the largest model
RANDOM = tuple(f"r{power}_sigma" for power in range(len(EFFECTS)))  # their sds
CORRELATIONS = {pair: "atanh_r{}{}".format(*pair) for pair in pairs_of(len(EFFECTS))}
RANDOM_PART = (*RANDOM, *CORRELATIONS.values())
NEEDED = {  # order of random effects from which a group has a parameter
    **{name: power for power, name in enumerate(RANDOM)}, **{name: pair[1] for pair, name in CORRELATIONS.items()}}
START_SD = 0.3  # of the outcome's; shared out with sigma


class RandomNormal(Normal):
    """y_i ~ N(X_i beta, sigma^2 I + Z_i G Z_i'), Z = 1, time, time^2, G the covariance of the random effects.

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
    pairs = pairs_of(n_random) if correlated else []
    family.predictors = (  # type: ignore[misc]
        "mean", "log_sigma", *RANDOM[:n_random], *(CORRELATIONS[pair] for pair in pairs))
    return family


def root_of_covariance(u: Predictors) -> np.ndarray | None:
    """(.., L, L) lower triangular R of the covariance R R' of the random effects; None where there are none.

    The effects are R v, v ~ N(0, I), so that z' R are the loadings of an observation on v.
    """
    sds = [np.asarray(u[name]) for name in RANDOM if name in u]
    if not sds:
        return None
    atanh = {pair: np.asarray(u[name]) for pair, name in CORRELATIONS.items() if name in u}
    return np.asarray(np.stack(sds, axis=-1)[..., None] * correlation_root(len(sds), atanh, sds[0].shape))


def loadings(u: Predictors, time: np.ndarray) -> list[np.ndarray]:
    """Of observations at ``time`` (n,) on each of the independent standard normal v that the effects are made of, the
    sds in ``u`` (.., n) being in its units."""
    root = root_of_covariance(u)
    if root is None:
        return []
    return [sum(root[..., power, j] * time**power for power in range(root.shape[-1])) for j in range(root.shape[-1])]
