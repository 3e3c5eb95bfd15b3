"""Lognormal: against the normal family on log y, scipy, autograd, OLS of statsmodels on log y."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

import gbtm
from gbtm.errors import SpecificationError
from gbtm.families.base import Family
from gbtm.families.lognormal import Lognormal
from gbtm.forecast.predictive import Predictive

FAMILY = Lognormal()
ETA = np.array([-6.0, -1.0, 0.0, 2.0, 5.0])
LOG_SIGMA = np.array([-3.0, -1.0, 0.0, 0.3, 0.6])
QUICK = {"n_starts": 4, "rng": 0}

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n_people=120, waves=5, seed=4):
    rng = np.random.default_rng(seed)
    low = rng.random(n_people) < 0.4
    t = np.arange(waves, dtype=float)
    eta = np.where(low[:, None], 3 + 0.2 * t, 5 - 0.1 * t)
    table = pd.DataFrame({"id": np.repeat(np.arange(n_people), waves), "t": np.tile(t, n_people),
                          "y": np.exp(eta + 0.6 * rng.normal(size=eta.shape)).ravel()})
    return table.assign(log_y=np.log(table["y"]))


TABLE = _table()


def _fit(table=TABLE, family="lognormal", formula="y ~ t", **options):
    given = {"groups": 2, "order": 1, **options}
    return gbtm.GBTM.from_formula(formula, table, id="id", family=family, **given).fit(**QUICK)


@pytest.fixture(scope="module")
def fit():
    return _fit()


def test_derivatives_are_autograds():
    u = dict(zip(("mean", "log_sigma"), (torch.from_numpy(a.ravel().copy()) for a in np.meshgrid(ETA, LOG_SIGMA)),
                 strict=True))
    own, theirs = FAMILY.slopes(u), Family.slopes(FAMILY, u)
    own2, theirs2 = FAMILY.curvatures(u), Family.curvatures(FAMILY, u)
    for name in FAMILY.predictors:
        np.testing.assert_allclose(own[name], theirs[name], rtol=1e-10, atol=1e-10)
    for pair in theirs2:
        np.testing.assert_allclose(own2[pair], theirs2[pair], rtol=1e-10, atol=1e-10)


def test_the_gradient_of_the_mean_is_a_difference():
    u = {"mean": ETA, "log_sigma": LOG_SIGMA}
    for name in u:
        up, down = ({**u, name: u[name] + h} for h in (1e-6, -1e-6))
        np.testing.assert_allclose(
            FAMILY.expected_gradient(u)[name], (FAMILY.expected(up) - FAMILY.expected(down)) / 2e-6, rtol=1e-6)


def test_draws_follow_the_law():
    y = FAMILY.simulate({"mean": np.full(4000, 1.3), "log_sigma": np.full(4000, -0.4)}, np.random.default_rng(1))
    assert stats.kstest(y, stats.lognorm(np.exp(-0.4), scale=np.exp(1.3)).cdf).pvalue > 1e-3


@pytest.mark.parametrize("by_group", [False, True])
def test_groups_are_those_of_the_normal_on_log_y(by_group):
    ours = _fit(sigma_by_group=by_group)
    theirs = _fit(family="normal", formula="log_y ~ t", sigma_by_group=by_group)
    assert ours.llf == pytest.approx(theirs.llf - TABLE["log_y"].sum(), abs=1e-6)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours.bse, theirs.bse, rtol=1e-4, atol=1e-6)


def test_one_group_is_least_squares_on_log_y():
    res, x = _fit(groups=1), sm.add_constant(TABLE["t"].to_numpy())
    ols = sm.OLS(TABLE["log_y"].to_numpy(), x).fit()
    sigma = np.sqrt(ols.ssr / len(TABLE))
    assert res.llf == pytest.approx(ols.llf - TABLE["log_y"].sum(), abs=1e-6)
    np.testing.assert_allclose(res.params.iloc[:3], [*ols.params, sigma], rtol=1e-6)
    se = [*ols.bse * sigma / np.sqrt(ols.scale), sigma / np.sqrt(2 * len(TABLE))]
    np.testing.assert_allclose(res.bse.iloc[:3], se, rtol=1e-4)


def test_curves_are_means_of_y_with_the_delta_method(fit):
    at = np.array([0.0, 2.0])
    estimate = fit.params
    eta = np.array([[estimate[f"intercept[{k}]"] + estimate[f"t[{k}]"] * a for a in at] for k in (1, 2)])
    mean = np.exp(eta + estimate["sigma"] ** 2 / 2)
    np.testing.assert_allclose(fit.curves.expected(at), mean, rtol=1e-10)
    cov = fit.cov_params()
    names = list(cov.index)
    for k in (1, 2):
        for j, a in enumerate(at):
            gradient = np.zeros(len(names))
            gradient[names.index(f"intercept[{k}]")] = mean[k - 1, j]
            gradient[names.index(f"t[{k}]")] = a * mean[k - 1, j]
            gradient[names.index("sigma")] = estimate["sigma"] * mean[k - 1, j]
            se = np.sqrt(gradient @ cov.to_numpy() @ gradient)
            assert fit.curves.standard_error(at)[k - 1, j] == pytest.approx(se, rel=1e-6)


def test_quantiles_of_forecasts_are_scipys():
    law = Predictive(FAMILY, np.ones((1, 3)), {"mean": np.array([[0.0, 3.0, 9.0]]), "log_sigma": np.full((1, 3), 0.2)})
    for p in (0.05, 0.5, 0.99):
        theirs = stats.lognorm(np.exp(0.2), scale=np.exp(np.array([0.0, 3.0, 9.0]))).ppf(p)
        np.testing.assert_allclose(law.quantile(p), theirs, rtol=1e-9)


def test_a_prior_weighs_as_on_log_y():
    """The same in any unit, and on log y with a slope alone as the normal's up to its units."""
    a = _fit(prior="weak")
    b = _fit(TABLE.assign(y=TABLE["y"] / 1000), prior="weak")
    c = _fit(family="normal", formula="log_y ~ t", prior="weak")
    kept = [n for n in a.params.index if not n.startswith("intercept")]
    np.testing.assert_allclose(a.params[kept], b.params[kept], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(a.params, c.params, rtol=1e-4, atol=1e-5)


def test_correlation_is_refused():
    with pytest.raises(SpecificationError, match="'normal'"):
        _fit(ar1=True)
