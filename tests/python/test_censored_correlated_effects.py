"""Correlated random effects of censored values: the density against scipy's integrals, its derivatives, a fit apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import dblquad
from scipy.optimize import minimize
from scipy.special import log_ndtr, logsumexp

import censored
import gbtm
from gbtm.densities import censored_correlated_effects as correlated
from gbtm.densities import censored_random_effects as independent
from gbtm.densities.random_effects import PatternStatistics
from gbtm.estimation.newton import newton
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture
from gbtm.model.random_effects import without_signs

INF = np.inf


def effects(sds, c, sigma=1.0):
    """Covariance of outcomes with an intercept and slope correlated by c, at times (T,)."""
    def covariance(t):
        z = np.vander(t, 2, increasing=True)
        return sigma**2 * np.eye(t.size) + z @ (np.outer(sds, sds) * [[1, c], [c, 1]]) @ z.T

    return covariance


def given_effects(y, eta, sigma, lower=-0.4, upper=1.1):
    """log f(y_i | b): y (T,), eta (.., T)."""
    inside = -0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    low, high = log_ndtr((lower - eta) / sigma), log_ndtr((eta - upper) / sigma)
    return np.where(y <= lower, low, np.where(y >= upper, high, inside)).sum(-1)


@pytest.mark.parametrize(
    ("sds", "c", "bounds", "missing"),
    [((0.8, 0.4), -0.5, (-0.4, 1.1), 0.1), ((3.0, 1.0), 0.9, (0.2, INF), 0.0), ((0.2, 0.6), 0.4, (-INF, 0.4), 0.2)])
def test_density_is_the_multivariate_normal_probability(sds, c, bounds, missing):
    """People with none, one and several censored values."""
    y, time = censored.outcomes(effects(sds, c), 24, uneven=True, missing=missing, bounds=bounds, seed=3)
    count = ((y <= bounds[0]) | (y >= bounds[1])).sum(1)
    y, time, count = (x[count <= 3] for x in (y, time, count))
    assert {0, 1, 2} <= set(count)
    built = censored.model(y, time, bounds, rorder=1, rcorr=True)
    got = censored.subject_loglik(built, [0.2, 0.05, 0.7, *sds, c])
    want = censored.reference_loglik(y, time, 0.2 + 0.05 * time, effects(sds, c, 0.7), bounds)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)


def test_density_is_the_double_integral():
    y, time = censored.outcomes(effects((1.0, 0.4), 0.5), 3, 5, seed=6)
    got = censored.subject_loglik(censored.model(y, time, rorder=1, rcorr=True), [0.2, 0.05, 0.7, 0.9, 0.5, 0.6])
    want = [
        np.log(dblquad(lambda s, b, i=i: np.exp(
            given_effects(y[i], 0.2 + 0.05 * time[i] + 0.9 * b + 0.5 * (0.6 * b + 0.8 * s) * time[i], 0.7)
            - 0.5 * (b * b + s * s)) / (2 * np.pi), -7, 7, -7, 7, epsabs=1e-11, epsrel=1e-9)[0])
        for i in range(3)
    ]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-7)


@pytest.mark.parametrize("sds", [(0.8, 0.3), (5.0, 0.1), (0.0, 0.0), (0.0, 0.7)])
def test_more_nodes_change_nothing(sds, monkeypatch):
    y, time = censored.outcomes(effects((0.8, 0.2), -0.3), 20, 4, uneven=True, seed=1)
    built, params = censored.model(y, time, rorder=1, rcorr=True), [0.3, 0.05, 0.8, *sds, -0.7]
    got = censored.subject_loglik(built, params)
    for module in (independent, correlated):
        monkeypatch.setattr(module, "PER_SD", {1: 3.0, 2: 2.0})
        monkeypatch.setattr(module, "NEGLIGIBLE", 36.0)
        monkeypatch.setattr(module, "REACH", 8.5)
    monkeypatch.setattr(correlated, "EXACT", 7)
    np.testing.assert_allclose(got, censored.subject_loglik(built, params), rtol=1e-9, atol=2e-8)


def test_derivatives_against_finite_differences_and_autograd():
    """Two groups, of which one has no random slope."""
    y, time = censored.outcomes(effects((0.8, 0.4), -0.5), 16, 4, uneven=True, missing=0.15, seed=2)
    built = censored.model(y, time, groups=2, order=[1, 0], rorder=[1, 0], rcorr=True, sigma_by_group=True)
    params = [0.1, 0.1, 0.8, 0.7, 0.9, 0.6, 0.3, 0.4, 0.5, 0.3]
    module, flat = Mixture(built.layout, built.panel), torch.as_tensor(built.layout.unreport(np.array(params)))
    censored.check_derivatives(module, flat)


def test_people_in_any_lots_have_the_same_density(monkeypatch):
    y, time = censored.outcomes(effects((0.8, 0.4), 0.3), 40, 4, missing=0.1, seed=4)
    params = [0.2, 0.05, 0.7, 0.8, 0.4, 0.3]
    whole = censored.subject_loglik(censored.model(y, time, rorder=1, rcorr=True), params)
    monkeypatch.setattr(correlated, "LOTS", (5, 3, 4))
    few = censored.subject_loglik(censored.model(y, time, rorder=1, rcorr=True), params)
    np.testing.assert_allclose(whole, few, rtol=0, atol=1e-9)


def test_without_censored_values_it_is_the_closed_form():
    y, time = censored.outcomes(effects((0.8, 0.3), 0.4), 14, 5, uneven=True, missing=0.2, bounds=(-INF, INF))
    built = censored.model(y, time, (-50.0, 50.0), rorder=1, rcorr=True)
    module = Mixture(built.layout, built.panel)
    assert type(module.cells[0]) is PatternStatistics
    flat = torch.as_tensor(built.layout.unreport(np.array([0.1, 0.2, 0.9, 0.7, 0.3, 0.4])))[None]
    closed = observed(module, flat)
    own = correlated.CensoredCorrelatedEffects(
        built.layout.parts[0], built.panel.outcomes[0], built.panel.n_subjects)
    module.outcomes[0] = own
    for a, b in zip(observed(module, flat), closed, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-8)


def test_a_fit_is_the_maximum_of_a_likelihood_written_apart():
    """Gauss-Hermite nodes in numpy, the maximum by scipy; standard errors by differences."""
    y, time = censored.outcomes(effects((0.8, 0.3), -0.4), 80, 4, seed=11, bounds=(-0.6, 1.6))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    grid = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    log_weight = np.add.outer(np.log(weights), np.log(weights)).ravel() - np.log(2 * np.pi)

    def minus(x):
        c = np.tanh(x[5])
        b0 = np.exp(x[3]) * grid[:, 0]
        b1 = np.exp(x[4]) * (c * grid[:, 0] + np.sqrt(1 - c * c) * grid[:, 1])
        eta = x[0] + x[1] * time[:, None] + b0[:, None] + b1[:, None] * time[:, None]
        return -logsumexp(given_effects(y[:, None], eta, np.exp(x[2]), -0.6, 1.6) + log_weight, axis=1).sum()

    res = censored.model(y, time, (-0.6, 1.6), rorder=1, rcorr=True).fit(rng=0)
    p = res.params.to_numpy()
    start = np.array([*p[:2], *np.log(p[2:5]), np.arctanh(p[5])])
    assert res.llf == pytest.approx(-minus(start), abs=2e-5)  # what 40 nodes leave
    other = minimize(minus, start + 0.05, method="BFGS", options={"gtol": 1e-4})
    np.testing.assert_allclose(other.x, start, atol=2e-3)
    step = 2e-3 * np.eye(6)
    hessian = np.array([[
        (minus(start + a + b) - minus(start + a - b) - minus(start - a + b) + minus(start - a - b)) / 1.6e-5
        for a in step] for b in step])
    se = np.sqrt(np.diag(np.linalg.inv(hessian))) * np.array([1, 1, *p[2:5], 1 - p[5] ** 2])
    np.testing.assert_allclose(res.bse, se, rtol=0.01)
    check_curves_of_the_marginal_law(res)


def check_curves_of_the_marginal_law(res):
    """E(y) is that of a normal of variance sigma^2 + z'Gz, cut at the bounds; its error by differences."""
    from scipy.stats import norm

    def mean(p, t=3.0):
        eta, s = p[0] + p[1] * t, np.sqrt(p[2] ** 2 + p[3] ** 2 + 2 * t * p[3] * p[4] * p[5] + (t * p[4]) ** 2)
        low, high = (-0.6 - eta) / s, (1.6 - eta) / s
        inside = eta * (norm.cdf(high) - norm.cdf(low)) + s * (norm.pdf(low) - norm.pdf(high))
        return inside - 0.6 * norm.cdf(low) + 1.6 * norm.sf(high)

    p, cov, h = res.params.to_numpy(), res.cov_params().to_numpy(), 1e-5
    slope = np.array([(mean(p + e) - mean(p - e)) / (2 * h) for e in h * np.eye(6)])
    row = res.predict([3.0]).iloc[0]
    assert row["estimate"] == pytest.approx(mean(p), rel=1e-8)
    assert row["std err"] == pytest.approx(np.sqrt(slope @ cov @ slope), rel=1e-5)


def test_three_effects_need_outcomes_inside_the_bounds():
    y, time = censored.outcomes(effects((0.8, 0.3), 0.4), 20, 5, bounds=(-0.5, 3.0))
    with pytest.raises(gbtm.SpecificationError, match="integral over the effects"):
        censored.model(y, time, (-0.5, 3.0), rorder=2).fit(n_starts=1)
    res = censored.model(y, time, (-50.0, 50.0), order=1, rorder=2).fit(rng=0)
    assert np.isfinite(res.llf)


@pytest.mark.slow
def test_intervals_hold_the_truth_in_simulated_data():
    """200 sets of a hundred people, the maximum climbed to from the truth: 95 % intervals hold it 93 to 97 times in a
    hundred on average, and each parameter but for chance."""
    truth, held = np.array([0.4, 0.15, 0.7, 0.8, 0.35, -0.4]), []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        t = np.tile(np.arange(4.0), (100, 1))
        errors = [rng.multivariate_normal(0 * row, effects((0.8, 0.35), -0.4, 0.7)(row)) for row in t]
        y = np.clip(truth[0] + truth[1] * t + np.stack(errors), -0.3, None)
        built = gbtm.GBTM(y, t, family="cnorm", min=-0.3, groups=1, order=1, rorder=1, rcorr=True)
        module, layout = Mixture(built.layout, built.panel), built.layout
        with torch.no_grad():
            flat = newton(module, torch.as_tensor(layout.unreport(truth))[None], steps=30, tolerance=1e-8).flat
            hessian = observed(module, flat)[2][0].numpy()
        at = without_signs(layout, flat[0].numpy())
        jacobian = layout.report_jacobian(flat[0].numpy())
        se = np.sqrt(np.diag(jacobian @ np.linalg.inv(-hessian) @ jacobian.T))
        held.append(np.abs(layout.report(at) - truth) < 1.959964 * se)
    share = pd.DataFrame(held).mean()
    assert share.mean() == pytest.approx(0.95, abs=0.02)
    assert (abs(share - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 200)).all()
