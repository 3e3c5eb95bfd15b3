"""CRPS and quantiles of mixtures: against closed forms, sums and scipy."""

import numpy as np
import pytest
from scipy import integrate, stats

from gbtm.families import make_family
from gbtm.forecast.predictive import Predictive
from gbtm.forecast.scoring_rules import crps


def mixture(name, means, scale, weights, **bounds):
    n = np.shape(means)[1]
    u = {"mean": np.asarray(means, float)}
    if scale is not None:
        u[scale[0]] = np.full((len(means), n), scale[1])
    return Predictive(make_family(name, **bounds), np.asarray(weights, float), u)


def test_of_a_normal_it_is_the_closed_form() -> None:
    y = np.array([-1.0, 0.3, 4.0])
    p = mixture("normal", [[0.0, 0.5, 1.0]], ("log_sigma", np.log(1.5)), np.ones((1, 3)))
    z = (y - np.array([0.0, 0.5, 1.0])) / 1.5
    closed = 1.5 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(crps(p, y), closed, rtol=1e-5)


def test_of_a_normal_mixture_it_is_grimit_s() -> None:
    w, m, s, y = np.array([0.3, 0.7]), np.array([-1.0, 2.0]), np.array([0.5, 0.5]), 0.4

    def a(mu, var):
        sd = np.sqrt(var)
        return mu * (2 * stats.norm.cdf(mu / sd) - 1) + 2 * sd * stats.norm.pdf(mu / sd)

    closed = w @ a(y - m, s**2) - 0.5 * w @ a(m[:, None] - m, s[:, None] ** 2 + s**2) @ w
    p = mixture("normal", m[:, None], ("log_sigma", np.log(0.5)), w[:, None])
    np.testing.assert_allclose(crps(p, np.array([y])), [closed], rtol=1e-5)


def test_of_counts_it_is_the_sum() -> None:
    p = mixture("negbin", np.log([[0.5, 3.0, 20.0], [4.0, 4.0, 4.0]]), ("log_psi", np.log(0.8)),
                [[0.4, 0.2, 0.9], [0.6, 0.8, 0.1]])
    y, x = np.array([0.0, 7.0, 40.0]), np.arange(3000)
    size = 1 / 0.8
    for j in range(3):
        f = sum(p.weights[c, j] * stats.nbinom.cdf(x, size, size / (size + np.exp(p.predictors["mean"][c, j])))
                for c in (0, 1))
        assert crps(p, y)[j] == pytest.approx(((f - (x >= y[j])) ** 2).sum(), rel=1e-5)
        assert p.quantile(0.9)[j] == np.argmax(f >= 0.9)


def test_of_a_binary_outcome_it_is_brier_s() -> None:
    p = mixture("logit", [[0.2, -1.0]], None, np.ones((1, 2)))
    one = 1 / (1 + np.exp([-0.2, 1.0]))
    np.testing.assert_allclose(crps(p, np.array([1.0, 1.0])), (1 - one) ** 2, rtol=1e-12)
    np.testing.assert_allclose(p.positive(), one, rtol=1e-12)
    assert p.quantile(0.5).tolist() == [1.0, 0.0]


def test_of_censored_and_beta_outcomes_it_is_the_integral() -> None:
    p = mixture("cnorm", [[0.5, 2.5]], ("log_sigma", 0.0), np.ones((1, 2)), lower=0.0, upper=3.0)
    for j, (mean, y) in enumerate([(0.5, 0.0), (2.5, 1.2)]):
        f = lambda x, m=mean, at=y: (stats.norm.cdf(x - m) - (x >= at)) ** 2  # noqa: E731
        want = integrate.quad(f, 0, 3, points=[y] if 0 < y < 3 else None)[0]
        assert crps(p, np.array([0.0, 1.2]))[j] == pytest.approx(want, rel=1e-5)
    assert p.quantile(0.2).tolist() == [0.0, pytest.approx(2.5 + stats.norm.ppf(0.2), abs=1e-6)]
    assert p.quantile(0.99).tolist()[1] == 3.0
    b = mixture("beta", [[0.4]], ("log_phi", np.log(6.0)), np.ones((1, 1)))
    m = 1 / (1 + np.exp(-0.4))
    want = integrate.quad(lambda x: (stats.beta.cdf(x, 6 * m, 6 * (1 - m)) - (x >= 0.3)) ** 2, 0, 1, points=[0.3])[0]
    assert crps(b, np.array([0.3]))[0] == pytest.approx(want, rel=1e-5)


def test_draws_have_the_distribution() -> None:
    p = mixture("poisson", np.log(np.tile([[1.0], [6.0]], (1, 4000))), None, np.tile([[0.5], [0.5]], (1, 4000)))
    y = p.simulate(np.random.default_rng(0))
    assert y.mean() == pytest.approx(3.5, abs=4 * np.sqrt((3.5 + 6.25) / 4000))
