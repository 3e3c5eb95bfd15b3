"""Binomial: y of n trials succeed, each with probability p = 1 / (1 + exp(-eta)); n may differ between observations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import betainc, betaln, expit, log_expit

from .base import Predictors
from .logit import Logit


class Binomial(Logit):
    """log f = log C(n, y) + y log p + (n - y) log(1 - p). Statistics: failures n - y, successes y.

    Trials stand where counts have their exposure. They make no design cells of their own, so that a fit is as quick as
    a logit, and one with n = 1 throughout is a logit. Predictors of observations have ``trials`` among them; without,
    as for a curve, moments are those of one trial.
    """

    name = "binomial"
    label = "binomial (k of n)"
    is_binary = False
    takes_trials = True
    without_trials = "logit"
    folds_exposure = True
    traj_model = None
    traj_heading = None
    sas_models = ()
    residual_remedy = "Outcomes that vary more than binomial ones may need more groups, or a covariate."

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (y < 0) | (y != np.floor(y)), "successes must be whole numbers, 0 or more", "Round or recode them."

    def problem_of_trials(self, y: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (
            (trials != np.floor(trials)) | (y > trials),
            "trials must be whole numbers, and successes at most as many",
            "Outcomes are numbers of successes, not shares: multiply shares by the trials.",
        )

    def folded(self, statistics: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        return np.stack([statistics[..., 0] + (exposure - 1), statistics[..., 1]], axis=-1)

    def folded_constant(self, y: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        return _log_choose(y, exposure)

    def exposed(self, u: Predictors, exposure: np.ndarray) -> dict[str, np.ndarray]:
        return {**u, "trials": np.broadcast_to(exposure, np.shape(u["mean"]))}

    def expected(self, u: Predictors) -> np.ndarray:
        return _trials(u) * expit(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": _trials(u) * expit(u["mean"]) * expit(-u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        return _trials(u) * expit(u["mean"]) * expit(-u["mean"])

    def log_density(self, y: np.ndarray, u: Predictors) -> np.ndarray:
        n = _trials(u)
        with np.errstate(invalid="ignore"):
            value = _log_choose(y, n) + y * log_expit(u["mean"]) + (n - y) * log_expit(-u["mean"])
        return np.where((y >= 0) & (y <= n), value, -np.inf)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        n, eta, y = np.broadcast_arrays(_trials(u), u["mean"], np.floor(y))
        return tuple(np.where(k >= n, 1.0, np.where(k < 0, 0.0, _at_most(k, n, eta)))  # type: ignore[return-value]
                     for k in (y - 1, y))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        n = np.broadcast_to(_trials(u), np.shape(u["mean"])).astype(np.int64)
        return rng.binomial(n, expit(u["mean"])).astype(float)


def _trials(u: Mapping[str, np.ndarray]) -> np.ndarray:
    """The numbers of trials, or 1."""
    return u["trials"] if "trials" in u else np.ones(1)


def _at_most(k: np.ndarray, n: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """P(Y <= k), 0 <= k < n; anything elsewhere."""
    inside = np.clip(k, 0, n - 1)
    return np.asarray(betainc(n - inside, inside + 1, expit(-eta)))


def _log_choose(y: np.ndarray, n: np.ndarray) -> np.ndarray:
    """log of n! / (y! (n - y)!), by the beta function: factorials would lose the digits of a large n; 0 for n = 1."""
    inside = np.clip(y, 0, n)
    return np.where((inside == 0) | (inside == n), 0.0, -np.log1p(n) - betaln(inside + 1, n - inside + 1))
