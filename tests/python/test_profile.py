"""Profile-likelihood intervals against likelihoods whose profile can be written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import xlogy
from scipy.stats import chi2

import gbtm


def _one_group(family: str, y: np.ndarray, order: int = 0, waves: int = 4, **more):
    table = pd.DataFrame({"id": np.arange(y.size) // waves, "t": 1.0 * (np.arange(y.size) % waves), "y": y})
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=order, family=family, **more).fit(rng=0)


def _ends(loglik, at: float, half: float, low: float, high: float) -> tuple[float, float]:
    """Where a log-likelihood of one number has fallen by half from its maximum at ``at``."""
    top = loglik(at)
    return tuple(brentq(lambda c: top - loglik(c) - half, at, end, xtol=1e-13) for end in (low, high))


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(1)
    y = 2 + 0.5 * (np.arange(120) % 4) + rng.normal(0, 0.7, 120)
    return y, _one_group("normal", y, order=1)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_coefficients_of_a_regression(line, level):
    """max ll given b_j = c is -(n/2) log RSS(c) but for constants, and RSS(c) a parabola in c."""
    y, res = line
    x = np.column_stack([np.ones(y.size), np.arange(y.size) % 4])
    b, rss = np.linalg.lstsq(x, y, rcond=None)[:2]
    reach = np.sqrt(np.expm1(chi2.ppf(level, 1) / y.size) * rss[0] * np.diag(np.linalg.inv(x.T @ x)))
    for j, name in enumerate(["intercept[1]", "t[1]"]):
        np.testing.assert_allclose(res.profile_int(name, level), [b[j] - reach[j], b[j] + reach[j]], rtol=1e-7)


def test_sigma_of_a_regression(line):
    y, res = line
    x = np.column_stack([np.ones(y.size), np.arange(y.size) % 4])
    rss = np.linalg.lstsq(x, y, rcond=None)[1][0]
    at, half = np.sqrt(rss / y.size), chi2.ppf(0.95, 1) / 2
    want = _ends(lambda s: -y.size * np.log(s) - rss / (2 * s * s), at, half, 0.1, 9)
    np.testing.assert_allclose(res.profile_int("sigma"), want, rtol=1e-7)


def test_a_poisson_rate():
    y = np.random.default_rng(2).poisson(1.3, 60).astype(float)
    want = _ends(lambda c: y.sum() * c - y.size * np.exp(c), np.log(y.mean()), chi2.ppf(0.9, 1) / 2, -3, 3)
    np.testing.assert_allclose(_one_group("poisson", y).profile_int("intercept[1]", 0.9), want, rtol=1e-7)


def test_a_share_of_groups_that_do_not_overlap():
    """Who belongs where is plain, so that theta has the likelihood of a binomial logit."""
    rng = np.random.default_rng(3)
    y = np.repeat(np.where(np.arange(40) < 28, 0.0, 50.0), 4) + rng.normal(0, 0.5, 160)
    table = pd.DataFrame({"id": np.arange(160) // 4, "t": np.arange(160) % 4, "y": y})
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=0).fit(rng=0)

    def loglik(theta: float) -> float:
        p = 1 / (1 + np.exp(-theta))
        return float(xlogy(12, p) + xlogy(28, 1 - p))

    want = _ends(loglik, np.log(12 / 28), chi2.ppf(0.95, 1) / 2, -6, 4)
    np.testing.assert_allclose(res.profile_int("theta[2]"), want, rtol=1e-7)


def test_the_log_likelihood_at_the_ends_is_that_of_a_fit_with_the_parameter_held_there(line):
    """By an outcome from which the slope is taken away: what is left is fitted without one."""
    y, res = line
    t = np.arange(y.size) % 4
    for end in res.profile_int("t[1]"):
        held = _one_group("normal", y - end * t)
        assert 2 * (res.llf - held.llf) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


def test_no_bound_where_the_likelihood_never_falls():
    """Never a 1 in the data: no logit is too low."""
    with pytest.warns(gbtm.GBTMWarning):
        res = _one_group("logit", np.zeros(80))
    low, high = res.profile_int("intercept[1]")
    assert low == -np.inf
    # 80 zeros have the probability (1 - p)^80, whose supremum is 1
    p = -np.expm1(-chi2.ppf(0.95, 1) / 2 / 80)
    assert high == pytest.approx(np.log(p / (1 - p)), rel=1e-6)


def test_refusals(line):
    _, res = line
    with pytest.raises(gbtm.SpecificationError) as error:
        res.profile_int("slope")
    assert (error.value.code, error.value.argument) == ("unknown_parameter", "parameter")
    table = pd.DataFrame({"id": np.arange(40) // 4, "t": np.arange(40) % 4, "y": np.arange(40) % 7, "w": 1.0})
    weighted = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=0, weights="w").fit(rng=0)
    with pytest.raises(gbtm.SpecificationError) as error:
        weighted.profile_int("sigma")
    assert error.value.code == "weighted_profile"
