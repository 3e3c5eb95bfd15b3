"""Precision that moves with time: against scipy's maximum of the formula, statsmodels, and the constant one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

import gbtm

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n_people=200, waves=6, seed=5):
    rng = np.random.default_rng(seed)
    t = np.tile(np.arange(waves) / 2.0, n_people)
    high = np.repeat(rng.random(n_people) < 0.4, waves)
    eta, log_phi = np.where(high, 1 + 0.2 * t, -1 + 0.3 * t), np.where(high, 1 + 0.6 * t, 3 - 0.4 * t)
    mu, phi = expit(eta), np.exp(log_phi)
    return pd.DataFrame({
        "id": np.repeat(np.arange(n_people), waves), "t": t, "w": rng.normal(size=t.size),
        "beta": rng.beta(mu * phi, (1 - mu) * phi).clip(1e-9, 1 - 1e-9), "gamma": rng.gamma(phi, np.exp(eta) / phi)})


TABLE = _table()


def _log_density(family, y, eta, log_phi):
    phi = np.exp(log_phi)
    if family == "gamma":
        return stats.gamma.logpdf(y, phi, scale=np.exp(eta) / phi)
    return stats.beta.logpdf(y, phi * expit(eta), phi * expit(-eta))


def _fit(family, groups=2, data=TABLE, **more):
    return gbtm.GBTM.from_formula(f"{family} ~ t", data, id="id", groups=groups, order=1, family=family, **more).fit(
        rng=0)


each = pytest.mark.parametrize("family", ["beta", "gamma"])


@each
def test_one_group_is_the_maximum_that_scipy_finds(family):
    y, t = TABLE[family].to_numpy(), TABLE["t"].to_numpy()
    found = minimize(
        lambda b: -_log_density(family, y, b[0] + b[1] * t, b[2] + b[3] * t).sum(), [0, 0, 1, 0], tol=1e-10)
    res = _fit(family, 1, phi_order=1)
    assert res.llf == pytest.approx(-found.fun, abs=1e-6)
    assert list(res.params.index) == ["intercept[1]", "t[1]", "phi_intercept[1]", "phi_t[1]"]
    np.testing.assert_allclose(res.params, found.x, atol=2e-4)


def test_beta_is_statsmodels_regression_of_mean_and_precision():
    from statsmodels.othermod.betareg import BetaModel

    x = np.column_stack([np.ones(len(TABLE)), TABLE["t"]])
    theirs = BetaModel(TABLE["beta"], x, exog_precision=x).fit(disp=False, method="newton", maxiter=200)
    res = _fit("beta", 1, phi_order=1)
    assert res.llf == pytest.approx(theirs.llf, abs=1e-6)
    np.testing.assert_allclose(res.params, theirs.params, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(res.bse, theirs.bse, rtol=1e-3)


@each
def test_the_log_likelihood_of_two_groups_is_the_mixture_written_out(family, tmp_path):
    res = _fit(family, phi_order=1)
    p, total = res.params, []
    for k in (1, 2):
        eta, log_phi = (p[f"{stem}intercept[{k}]"] + p[f"{stem}t[{k}]"] * TABLE["t"] for stem in ("", "phi_"))
        density = _log_density(family, TABLE[family].to_numpy(), eta.to_numpy(), log_phi.to_numpy())
        total.append(np.log(res.group_set.shares[k - 1]) + np.bincount(TABLE["id"], density))
    assert res.llf == pytest.approx(logsumexp(total, axis=0).sum(), abs=1e-7)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(again.predict(), res.predict())


@each
def test_order_zero_is_the_constant_and_a_slope_contains_it(family):
    constant, zero, slope = _fit(family), _fit(family, phi_order=0), _fit(family, phi_order=1)
    assert zero.llf == pytest.approx(constant.llf, abs=1e-8)
    np.testing.assert_allclose(np.exp(zero.params["phi_intercept[2]"]), constant.params["phi[2]"], rtol=1e-5)
    test = slope.compare_lr_test(constant)
    assert test.df == 2
    assert test.statistic == pytest.approx(2 * (slope.llf - constant.llf))


@each
def test_it_goes_with_covariates_and_is_drawn_from(family):
    res = _fit(family, phi_order=1, tcov=["w"])
    assert "phi_w[1]" not in res.params.index
    drawn = pd.concat([res.simulate(rng=seed) for seed in range(3)])
    spread = drawn.groupby("t")[family].var()
    assert (spread > 0).all()
    assert len(res.adequacy) == 2


def test_what_does_not_go_together_is_refused():
    with pytest.raises(gbtm.SpecificationError, match="no precision phi"):
        gbtm.GBTM.from_formula("beta ~ t", TABLE, id="id", groups=1, family="normal", phi_order=1)
    with pytest.raises(gbtm.SpecificationError, match="the same in all groups"):
        _fit("beta", phi_order=[1, 0])
    with pytest.raises(gbtm.SpecificationError, match="prior: does not go with"):
        _fit("beta", phi_order=1, prior="weak")
