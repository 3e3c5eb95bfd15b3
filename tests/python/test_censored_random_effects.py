"""Random effects of censored values: the density against scipy's integrals, its derivatives, another implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize
from scipy.special import log_ndtr, logsumexp

import censored
from gbtm.densities import censored_random_effects as censored_effects
from gbtm.densities.random_effects import PatternStatistics
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture

INF = np.inf


def _given_effects(y, eta, sigma, lower, upper):
    """log f(y_i | b): y (T,), eta (.., T)."""
    inside = -0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    low, high = log_ndtr((lower - eta) / sigma), log_ndtr((eta - upper) / sigma)
    return np.where(y <= lower, low, np.where(y >= upper, high, inside)).sum(-1)


@pytest.mark.parametrize(
    ("sds", "uneven", "bounds", "missing"),
    [((0.8,), True, (-0.4, 1.1), 0.1), ((4.0,), False, (0.2, INF), 0.0), ((0.1,), False, (-INF, 0.4), 0.2),
     ((0.8, 0.4), True, (-0.4, 1.1), 0.1)],
)
def test_density_is_the_multivariate_normal_probability(sds, uneven, bounds, missing):
    y, time = censored.outcomes(censored.effects(sds), 14, uneven=uneven, missing=missing, bounds=bounds, seed=3)
    few = ((y <= bounds[0]) | (y >= bounds[1])).sum(1) <= 3  # what the reference takes a moment for
    y, time = y[few], time[few]
    built = censored.model(y, time, bounds, rorder=len(sds) - 1)
    got = censored.subject_loglik(built, [0.2, 0.05, 0.7, *sds])
    want = censored.reference_loglik(y, time, 0.2 + 0.05 * time, censored.effects(sds, 0.7), bounds)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)


def test_six_waves_against_the_integral_over_the_intercept():
    y, time = censored.outcomes(censored.effects([1.0]), 12, 6, seed=5)
    got = censored.subject_loglik(censored.model(y, time, rorder=0), [0.2, 0.05, 0.7, 1.3])
    want = [
        np.log(quad(lambda b, i=i: np.exp(
            _given_effects(y[i], 0.2 + 0.05 * time[i] + b, 0.7, -0.4, 1.1) - 0.5 * (b / 1.3) ** 2
        ) / (1.3 * np.sqrt(2 * np.pi)), -13, 13, points=[-2, 0, 2], epsabs=0, epsrel=1e-11, limit=400)[0])
        for i in range(12)
    ]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)


def test_a_slope_against_the_double_integral():
    y, time = censored.outcomes(censored.effects([1.0, 0.4]), 3, 5, seed=6)
    got = censored.subject_loglik(censored.model(y, time, rorder=1), [0.2, 0.05, 0.7, 0.9, 0.5])
    want = [
        np.log(dblquad(lambda s, b, i=i: np.exp(
            _given_effects(y[i], 0.2 + 0.05 * time[i] + 0.9 * b + 0.5 * s * time[i], 0.7, -0.4, 1.1)
            - 0.5 * (b * b + s * s)) / (2 * np.pi), -7, 7, -7, 7, epsabs=1e-11, epsrel=1e-9)[0])
        for i in range(3)
    ]
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-7)


@pytest.mark.parametrize("sds", [(0.8,), (6.0,), (0.0,), (1.0, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize("shift", [0.0, 6.0])
def test_more_nodes_change_nothing(sds, shift, monkeypatch):
    y, time = censored.outcomes(censored.effects((0.8, 0.2)), 12, 5, uneven=True, seed=1)
    built, params = censored.model(y, time, rorder=len(sds) - 1), [0.1 + shift, 0.05, 0.8, *sds]
    got = censored.subject_loglik(built, params)
    monkeypatch.setattr(censored_effects, "PER_SD", {1: 3.0, 2: 2.0})
    monkeypatch.setattr(censored_effects, "NEGLIGIBLE", 36.0)
    monkeypatch.setattr(censored_effects, "REACH", 8.5)
    np.testing.assert_allclose(got, censored.subject_loglik(built, params), rtol=1e-9, atol=2e-8)


@pytest.mark.parametrize("slope", [False, True])
def test_derivatives_against_finite_differences_and_autograd(slope):
    """Two groups, of which one has no random effect, or no random slope."""
    y, time = censored.outcomes(censored.effects([0.8]), 16, 4, uneven=True, missing=0.15, seed=2)
    built = censored.model(y, time, groups=2, order=[1, 0], rorder=[1, 0] if slope else [0, -1], sigma_by_group=True)
    params = [0.1, 0.1, 0.8, 0.7, 0.9, *([0.6, 0.3, 0.4] if slope else [0.6]), 0.3]
    module, flat = Mixture(built.layout, built.panel), torch.as_tensor(built.layout.unreport(np.array(params)))
    censored.check_derivatives(module, flat)


@pytest.mark.parametrize("order", [0, 1])
def test_without_censored_values_it_is_the_fast_path(order):
    y, time = censored.outcomes(censored.effects([0.8, 0.3]), 14, 5, uneven=True, missing=0.2, bounds=(-INF, INF))
    built = censored.model(y, time, (-50.0, 50.0), rorder=order)
    module = Mixture(built.layout, built.panel)
    assert type(module.cells[0]) is PatternStatistics
    params = np.array([0.1, 0.2, 0.9, 0.7, 0.3][: 4 + order])
    flat = torch.as_tensor(built.layout.unreport(params))[None]
    fast = observed(module, flat)
    own = censored_effects.CensoredEffects(built.layout.parts[0], built.panel.outcomes[0], built.panel.n_subjects)
    module.outcomes[0] = own
    for one, other in zip(fast, observed(module, flat), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def test_without_effects_it_is_tobit():
    y, time = censored.outcomes(censored.effects([0.8]), 20, 5)
    plain = censored.model(y, time)
    module = Mixture(plain.layout, plain.panel)
    want = module.subject_loglik(torch.as_tensor(plain.layout.unreport(np.array([0.1, 0.2, 0.9])))[None])[0]
    got = censored.subject_loglik(censored.model(y, time, rorder=0), [0.1, 0.2, 0.9, 0.0])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)
    # the sign of a sd says nothing
    flat = [censored.subject_loglik(censored.model(y, time, rorder=0), [0.1, 0.2, 0.9, r]) for r in (0.5, -0.5)]
    np.testing.assert_allclose(*flat, rtol=0, atol=1e-9)


def test_a_random_intercept_tobit_fitted_another_way():
    """scipy's optimiser on 80 Gauss-Hermite nodes, with neither adaptation nor derivatives."""
    y, time = censored.outcomes(censored.effects([0.8], 0.7), 80, 5, seed=4)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    log_weight = np.log(weights) - 0.5 * np.log(2 * np.pi)

    def minus(x):
        eta = x[0] + x[1] * time
        of_node = [_given_effects(y, eta + np.exp(x[3]) * b, np.exp(x[2]), -0.4, 1.1) for b in nodes]
        return -logsumexp(np.array(of_node) + log_weight[:, None], axis=0).sum()

    other = minimize(minus, [0.2, 0.0, -0.3, -0.3], method="BFGS", options={"gtol": 1e-5})
    res = censored.model(y, time, rorder=0).fit()
    assert res.llf == pytest.approx(-other.fun, abs=1e-6)
    want = [*other.x[:2], *np.exp(other.x[2:])]
    np.testing.assert_allclose(res.params, want, atol=2e-4)
    # standard errors from a Hessian by differences
    flat, step = other.x, 1e-3
    unit = np.eye(4) * step
    hessian = np.array([[
        (minus(flat + a + b) - minus(flat + a - b) - minus(flat - a + b) + minus(flat - a - b)) / (4 * step**2)
        for a in unit] for b in unit])
    se = np.sqrt(np.diag(np.linalg.inv(hessian))) * np.array([1, 1, *np.exp(flat[2:])])
    np.testing.assert_allclose(res.bse, se, rtol=2e-3)
