"""Models of test_coverage that the oracle does not draw: data, the fit, true values in the order of its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

import gbtm


@dataclass(frozen=True)
class Simulated:
    """One model, of two groups whose log odds of the second come last in ``truth``; ``share`` of it is expit of that.

    ``fit(rng, group, times)`` draws outcomes of people of the given groups (N,) at times (T,) and fits the true model.
    """

    truth: list[float]
    fit: Callable
    people: int = 200

    @property
    def share(self) -> float:
        return float(expit(self.truth[-1]))


def _lines(first: list[float], second: list[float], group: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Straight lines (N, T) of two groups, intercept and slope each."""
    return np.array([first, second])[group] @ np.stack([np.ones(times.size), times])


def _beta(rng, group, times):
    mean = expit(_lines([-1.0, 0.8], [1.5, -1.0], group, times))
    phi = np.exp(_lines([1.5, 0.5], [2.5, -0.5], group, times))
    y = rng.beta(mean * phi, (1 - mean) * phi)
    return gbtm.GBTM(y, times, groups=2, order=1, family="beta", phi_order=1).fit(n_starts=4)


def _binomial(rng, group, times):
    trials = rng.integers(3, 12, (group.size, times.size))
    y = rng.binomial(trials, expit(_lines([-1.0, 0.8], [0.8, -0.5], group, times))).astype(float)
    return gbtm.GBTM(y, times, groups=2, order=1, family="binomial", trials=trials.astype(float)).fit(n_starts=4)


def _ordinal(rng, group, times):
    latent = _lines([-1.5, 0.8], [1.5, -1.0], group, times) + rng.logistic(size=(group.size, times.size))
    y = 1.0 + (latent[..., None] > [0.0, 1.2, 2.5]).sum(axis=-1)
    return gbtm.GBTM(y, times, groups=2, order=1, family="ordinal").fit(n_starts=4)


def _multinomial(rng, group, times):
    curves = [_lines([-2.0, 0.8], [1.0, -1.0], group, times), _lines([-1.5, -0.5], [0.5, 1.0], group, times)]
    weights = np.exp(np.stack([np.zeros_like(curves[0]), *curves]))
    upto = np.cumsum(weights / weights.sum(axis=0), axis=0)[:-1]
    y = 1.0 + (rng.random((1, group.size, times.size)) > upto).sum(axis=0)
    return gbtm.GBTM(y, times, groups=2, order=1, family="multinomial").fit(n_starts=4)


def _effects(rng, group, times):
    """Correlated random intercepts and slopes: SDs 1 and 0.7, correlation 0.4."""
    own = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.28], [0.28, 0.49]], group.size)
    y = _lines([0.0, 1.0], [4.0, -1.0], group, times) + own @ np.stack([np.ones(times.size), times])
    y += 0.3 * rng.normal(size=y.shape)
    return gbtm.GBTM(y, times, groups=2, order=1, rorder=1, rcorr=True, rcommon=True).fit(n_starts=4)


def _event(rng, group, times):
    """A normal outcome, and a Weibull time with a covariate, censored at 6."""
    y = _lines([1.0, 1.0], [3.0, -1.0], group, times) + rng.normal(size=(group.size, times.size))
    sex = rng.integers(0, 2, group.size)
    scale, shape = np.array([8.0, 3.0])[group], np.array([1.3, 1.8])[group]
    t = scale * (rng.exponential(size=group.size) * np.exp(-0.6 * sex)) ** (1 / shape)
    people = pd.DataFrame({"id": np.arange(group.size), "T": np.minimum(t, 6.0), "seen": t < 6.0, "sex": sex})
    table = people.loc[people.index.repeat(times.size)].assign(t=np.tile(times, group.size), y=y.ravel())
    event = gbtm.Event(time="T", status="seen", covariates="~ sex")
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, event=event).fit(n_starts=4)


MODELS = {
    "binomial": Simulated([-1.0, 0.8, 0.8, -0.5, 0.3], _binomial),
    "beta, phi of order 1": Simulated([-1.0, 0.8, 1.5, -1.0, 1.5, 0.5, 2.5, -0.5, 0.3], _beta),
    "ordinal": Simulated([-1.5, 0.8, 1.5, -1.0, 1.2, 2.5, 0.3], _ordinal),
    # the curves of categories 2 and 3 in group 1, then in group 2
    "multinomial": Simulated([-2.0, 0.8, 1.0, -1.0, -1.5, -0.5, 0.5, 1.0, 0.2], _multinomial),
    "random effects": Simulated([0.0, 1.0, 4.0, -1.0, 0.3, 1.0, 0.7, 0.4, 0.3], _effects),
    # of 200 people the shapes' bias, which is about 1.4 / events of the group, is more than what chance makes
    "event": Simulated([1.0, 1.0, 3.0, -1.0, 0.6, 1.0, 8.0, 3.0, 1.3, 1.8, 0.3], _event, people=500),
}
