"""AR(1) errors of censored values: the density against multivariate normal probabilities, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import simpson
from scipy.stats import multivariate_normal, norm

import censored
from gbtm.densities import censored_ar1 as censored_chain
from gbtm.densities.cells import CellStatistics
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture

INF = np.inf


@pytest.mark.parametrize(
    ("rho", "uneven", "bounds", "missing"),
    [(0.6, True, (-0.4, 1.1), 0.0), (0.95, False, (-0.4, 1.1), 0.1), (-0.7, False, (-0.4, 1.1), 0.1),
     (0.3, True, (0.2, INF), 0.2), (0.8, False, (-INF, 0.4), 0.0)],
)
def test_density_is_the_multivariate_normal_probability(rho, uneven, bounds, missing):
    y, time = censored.outcomes(censored.ar1(rho), 14, uneven=uneven, missing=missing, bounds=bounds, seed=3)
    few = ((y <= bounds[0]) | (y >= bounds[1])).sum(1) <= 3  # what the reference takes a moment for
    y, time = y[few], time[few]
    got = censored.subject_loglik(censored.model(y, time, bounds, ar1=True), [0.2, 0.05, 1.2, rho])
    want = censored.reference_loglik(y, time, 0.2 + 0.05 * time, censored.ar1(rho, 1.2), bounds)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-8)


def test_all_four_values_censored():
    """Against the chain summed forward over a fixed grid by Simpson's rule, and roughly a normal cdf of four values."""
    y = np.array([[-0.4, -0.4, 1.1, -0.4], [1.1, 1.1, 1.1, 1.1]])
    time = np.tile(np.arange(4.0), (2, 1))
    got = censored.subject_loglik(censored.model(y, time, ar1=True), [0.2, 0.05, 1.2, 0.6])
    np.testing.assert_allclose(got, [_on_a_grid(row, 0.2 + 0.05 * np.arange(4), 1.2, 0.6) for row in y], rtol=1e-9)
    for row, value in zip(y, got, strict=True):
        s = np.where(row > 0, -1.0, 1.0)
        cov = censored.ar1(0.6, 1.2)(np.arange(4.0)) * np.outer(s, s)
        cdf = multivariate_normal.cdf(s * (row - 0.2 - 0.05 * np.arange(4)), np.zeros(4), cov)
        assert value == pytest.approx(np.log(cdf), abs=1e-3)  # a sum over random points


def _on_a_grid(row, mean, sigma, rho, points=2001, width=9.0):
    """log P of a subject all of whose values are censored, unit gaps."""
    spread = sigma * np.sqrt(1 - rho**2)
    below = row < 0
    grid = [np.linspace(b, b - width * sigma, points) if low else np.linspace(b, b + width * sigma, points)
            for b, low in zip(row, below, strict=True)]
    forward = norm.pdf(grid[0], mean[0], sigma)
    for t in range(1, row.size):
        centre = mean[t] + rho * (grid[t - 1] - mean[t - 1])
        forward = simpson(forward * norm.pdf(grid[t][:, None], centre, spread), dx=width * sigma / (points - 1))
    return np.log(simpson(forward, dx=width * sigma / (points - 1)))


@pytest.mark.parametrize("rho", [0.3, 0.95, -0.7])
@pytest.mark.parametrize("shift", [0.0, -4.0, 6.0])
def test_more_nodes_change_nothing(rho, shift, monkeypatch):
    """Also for people who do not belong to the group: their curve is several sd away."""
    y, time = censored.outcomes(censored.ar1(rho), 30, 6, uneven=rho > 0, seed=1)
    built, params = censored.model(y, time, ar1=True), [0.1 + shift, 0.05, 1.1, rho]
    got = censored.subject_loglik(built, params)
    monkeypatch.setattr(censored_chain, "PER_SD", 3.0)
    monkeypatch.setattr(censored_chain, "NEGLIGIBLE", 36.0)
    np.testing.assert_allclose(got, censored.subject_loglik(built, params), rtol=1e-9, atol=1e-9)


def _two_groups(**options):
    y, time = censored.outcomes(censored.ar1(0.5), 24, 5, uneven=True, missing=0.15, seed=2)
    built = censored.model(y, time, groups=2, order=[1, 0], ar1=True, rho_by_group=True, sigma_by_group=True, **options)
    params = [0.1, 0.1, 0.8, 0.9, 1.2, 0.5, 0.2, 0.3]
    return built, Mixture(built.layout, built.panel), torch.as_tensor(built.layout.unreport(np.array(params)))


def test_derivatives_against_finite_differences_and_autograd():
    _, module, flat = _two_groups()
    censored.check_derivatives(module, flat)


def test_blocks_of_subjects_are_the_whole(monkeypatch):
    built, module, flat = _two_groups()
    monkeypatch.setattr(censored_chain.CensoredChain, "block", 7)
    blocked = Mixture(built.layout, built.panel)
    assert len(blocked.shards) == 4
    for one, other in zip(observed(module, flat[None]), observed(blocked, flat[None]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-10)


def test_without_censored_values_it_is_the_fast_path():
    y, time = censored.outcomes(censored.ar1(0.5), 20, 5, uneven=True, missing=0.2, bounds=(-INF, INF))
    built = censored.model(y, time, (-50.0, 50.0), ar1=True)
    part, measures = built.layout.parts[0], built.panel.outcomes[0]
    module = Mixture(built.layout, built.panel)
    assert type(module.cells[0]) is CellStatistics
    flat = torch.as_tensor(built.layout.unreport(np.array([0.1, 0.2, 0.9, 0.4])))[None]
    fast = observed(module, flat)
    module.outcomes[0] = censored_chain.CensoredChain(part, measures, built.panel.n_subjects)
    for one, other in zip(fast, observed(module, flat), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-10)


def test_without_correlation_it_is_tobit():
    y, time = censored.outcomes(censored.ar1(0.5), 20, 5)
    plain = censored.model(y, time)
    module = Mixture(plain.layout, plain.panel)
    want = module.subject_loglik(torch.as_tensor(plain.layout.unreport(np.array([0.1, 0.2, 0.9])))[None])[0]
    got = censored.subject_loglik(censored.model(y, time, ar1=True), [0.1, 0.2, 0.9, 0.0])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-10)
