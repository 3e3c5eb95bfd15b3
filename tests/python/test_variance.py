"""Variance and distribution function of each family, against draws of its own and scipy."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from gbtm.families import make_family

ETA = np.array([-2.0, -0.5, 0.3, 1.2, 2.0])
CASES = {
    "normal": (make_family("normal"), {"log_sigma": np.log(0.7)}),
    "cnorm": (make_family("cnorm", 0.0, 1.5), {"log_sigma": np.log(0.9)}),
    "cnorm_below": (make_family("cnorm", -0.3, None), {"log_sigma": np.log(0.9)}),
    "cnorm_above": (make_family("cnorm", None, 0.5), {"log_sigma": np.log(1.4)}),
    "cnorm_free": (make_family("cnorm"), {"log_sigma": np.log(1.4)}),
    "poisson": (make_family("poisson"), {}),
    "zip": (make_family("zip"), {"zero": np.linspace(-2, 1.5, 5)}),
    "negbin": (make_family("negbin"), {"log_psi": np.log(0.6)}),
    "zinb": (make_family("zinb"), {"zero": np.linspace(-2, 1.5, 5), "log_psi": np.log(0.6)}),
    "logit": (make_family("logit"), {}),
    "beta": (make_family("beta"), {"log_phi": np.log(6.0)}),
}


def predictors(name):
    family, more = CASES[name]
    return family, {"mean": ETA, **{k: np.broadcast_to(v, ETA.shape) for k, v in more.items()}}


@pytest.mark.parametrize("name", CASES)
def test_variance_is_that_of_draws(name):
    family, u = predictors(name)
    rng = np.random.default_rng(2)
    n = 200_000
    y = family.simulate({k: np.broadcast_to(v, (n, 5)) for k, v in u.items()}, rng)
    square = (y - family.expected(u)) ** 2
    noise = square.std(axis=0) / np.sqrt(n)
    assert (np.abs(square.mean(axis=0) - family.variance(u)) < 4.5 * noise).all()


@pytest.mark.parametrize("name", CASES)
def test_distribution_function_is_that_of_draws(name):
    """P(Y < y) and P(Y <= y) at the quartiles of the draws themselves."""
    family, u = predictors(name)
    rng = np.random.default_rng(3)
    n = 100_000
    y = family.simulate({k: np.broadcast_to(v, (n, 5)) for k, v in u.items()}, rng)
    for at in np.quantile(y, [0.05, 0.25, 0.5, 0.75, 0.99], axis=0, method="lower"):
        below, upto = family.cumulative(at, u)
        assert np.abs(below - (y < at).mean(axis=0)).max() < 4.5 * 0.5 / np.sqrt(n)
        assert np.abs(upto - (y <= at).mean(axis=0)).max() < 4.5 * 0.5 / np.sqrt(n)


@pytest.mark.parametrize("y", [0.0, 1.0, 7.0])
def test_distribution_functions_of_counts_are_scipys(y):
    mean, psi, p = np.exp(ETA), 0.6, expit(np.linspace(-2, 1.5, 5))
    poisson, counts = stats.poisson(mean), stats.nbinom(1 / psi, 1 / (1 + psi * mean))
    wanted = {"poisson": poisson.cdf(y), "negbin": counts.cdf(y), "zip": p + (1 - p) * poisson.cdf(y),
              "zinb": p + (1 - p) * counts.cdf(y)}
    for name, value in wanted.items():
        family, u = predictors(name)
        np.testing.assert_allclose(family.cumulative(np.full(5, y), u)[1], value, rtol=1e-10)


def test_censored_variance_where_nearly_everything_is_censored():
    """By quadrature, 6 sigma beyond the bound and far inside it."""
    family = make_family("cnorm", 0.0, None)
    u = {"mean": np.array([-3.0, 50.0]), "log_sigma": np.zeros(2)}
    first, second = (
        stats.norm(-3, 1).expect(lambda y, j=j: y**j, lb=0, ub=12, epsabs=1e-14) for j in (1, 2)
    )
    np.testing.assert_allclose(family.variance(u), [second - first**2, 1.0], rtol=1e-8)
    assert family.variance({"mean": np.array([-40.0]), "log_sigma": np.zeros(1)})[0] == 0.0
