"""Gamma: against scipy, autograd, statsmodels' GLM with the shape by maximum likelihood, and a change of units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from scipy import stats
from scipy.optimize import brentq
from scipy.special import digamma, gammaln, polygamma

import gbtm
from gbtm.families.base import Family
from gbtm.families.gamma import Gamma
from gbtm.forecast.predictive import Predictive

FAMILY = Gamma()
ETA = np.array([-6.0, -1.0, 0.0, 2.0, 9.0])
LOG_PHI = np.array([-3.0, 0.0, 1.5, 4.0, 9.0])
QUICK = {"n_starts": 4, "rng": 0}

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n_people=120, waves=5, seed=4):
    rng = np.random.default_rng(seed)
    low = rng.random(n_people) < 0.4
    t = np.arange(waves, dtype=float)
    mu = np.exp(np.where(low[:, None], 5 + 0.2 * t, 6.5 - 0.1 * t))
    phi = np.where(low, 2.0, 6.0)[:, None]
    return pd.DataFrame({"id": np.repeat(np.arange(n_people), waves), "t": np.tile(t, n_people),
                         "y": rng.gamma(phi, mu / phi).ravel()})


TABLE = _table()


def _fit(table=TABLE, **options):
    given = {"groups": 2, "order": 1, **options}
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", family="gamma", **given).fit(**QUICK)


@pytest.fixture(scope="module")
def fit():
    return _fit()


def _tensors():
    eta, log_phi = (torch.from_numpy(a.ravel().copy()) for a in np.meshgrid(ETA, LOG_PHI))
    return {"mean": eta, "log_phi": log_phi}


def test_derivatives_are_autograds():
    u = _tensors()
    own, theirs = FAMILY.slopes(u), Family.slopes(FAMILY, u)
    for name in FAMILY.predictors:
        np.testing.assert_allclose(own[name], theirs[name], rtol=1e-9, atol=1e-9)
    own2, theirs2 = FAMILY.curvatures(u), Family.curvatures(FAMILY, u)
    for pair in theirs2:
        np.testing.assert_allclose(own2[pair], theirs2[pair], rtol=2e-6, atol=2e-6)


def test_the_gradient_of_the_mean_is_a_difference():
    u = {"mean": ETA, "log_phi": LOG_PHI}
    for name in u:
        up, down = ({**u, name: u[name] + h} for h in (1e-6, -1e-6))
        np.testing.assert_allclose(
            FAMILY.expected_gradient(u)[name], (FAMILY.expected(up) - FAMILY.expected(down)) / 2e-6, rtol=1e-7)


def test_draws_follow_the_law():
    y = FAMILY.simulate({"mean": np.full(4000, 1.3), "log_phi": np.full(4000, 0.4)}, np.random.default_rng(1))
    assert stats.kstest(y, stats.gamma(np.exp(0.4), scale=np.exp(0.9)).cdf).pvalue > 1e-3


def test_starts_are_within_two_percent_of_maximum_likelihood():
    for phi in (0.2, 1.0, 7.0, 300.0):
        y = stats.gamma(phi, scale=3).ppf((np.arange(500) + 0.5) / 500)
        gap = np.log(y.mean()) - np.log(y).mean()
        exact = brentq(lambda a, gap=gap: np.log(a) - digamma(a) - gap, 1e-3, 1e5)
        start = FAMILY.initial(FAMILY.statistics(y).sum(axis=0))
        assert start["mean"] == pytest.approx(np.log(y.mean()), rel=1e-12)
        assert np.exp(start["log_phi"]) == pytest.approx(exact, rel=0.02)


def test_one_group_is_statsmodels_glm():
    res = _fit(groups=1)
    y, x = TABLE["y"].to_numpy(), sm.add_constant(TABLE["t"].to_numpy())
    glm = sm.GLM(y, x, family=sm.families.Gamma(sm.families.links.Log())).fit(tol=1e-13)
    mu, n = glm.mu, y.size
    gap = float(np.mean(y / mu - 1 - np.log(y / mu)))
    phi = brentq(lambda a: np.log(a) - digamma(a) - gap, 1e-3, 1e5)
    loglik = (phi * np.log(phi * y / mu) - phi * y / mu - gammaln(phi) - np.log(y)).sum()
    assert res.llf == pytest.approx(loglik, abs=1e-6)
    np.testing.assert_allclose(res.params.iloc[:3], [*glm.params, phi], rtol=1e-6)
    se_phi = 1 / np.sqrt(n * (polygamma(1, phi) - 1 / phi))
    # the information observed: X'X phi (y/mu), as against its expectation X'X phi
    observed = np.sqrt(np.diag(np.linalg.inv((x * (phi * y / mu)[:, None]).T @ x)))
    np.testing.assert_allclose(res.bse.iloc[:2], observed, rtol=1e-4)
    assert res.bse.iloc[2] == pytest.approx(se_phi, rel=1e-4)


def test_other_units_move_the_intercept_alone(fit):
    other = _fit(TABLE.assign(y=TABLE["y"] / 1000))
    assert other.llf == pytest.approx(fit.llf + len(TABLE) * np.log(1000), abs=1e-5)
    own, theirs = (r.params for r in (fit, other))
    moved = own - theirs
    assert (np.isclose(moved, np.log(1000), atol=1e-4) | np.isclose(moved, 0, atol=1e-4)).all()


def test_each_group_has_its_phi(fit):
    table = fit.params
    assert table["phi[1]"] == pytest.approx(2, rel=0.25)
    assert table["phi[2]"] == pytest.approx(6, rel=0.25)


def test_quantiles_of_forecasts_are_scipys():
    law = Predictive(FAMILY, np.ones((1, 3)), {"mean": np.array([[0.0, 3.0, 9.0]]), "log_phi": np.full((1, 3), 0.3)})
    for p in (0.05, 0.5, 0.99):
        theirs = stats.gamma(np.exp(0.3), scale=np.exp(np.array([0.0, 3.0, 9.0]) - 0.3)).ppf(p)
        np.testing.assert_allclose(law.quantile(p), theirs, rtol=1e-9)


def test_a_prior_changes_little_in_any_unit(fit):
    for unit in (1.0, 1000.0):
        res = _fit(TABLE.assign(y=TABLE["y"] / unit), prior="weak")
        a, b = (r.params for r in (fit, res))
        slopes = [n for n in a.index if not n.startswith(("intercept", "theta", "share"))]
        np.testing.assert_allclose(a[slopes], b[slopes], rtol=0.1, atol=0.02)
