"""Binomial: against scipy, statsmodels, the logit, the trials one by one, and flexmix's beta-blocker mixture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.special import expit

import gbtm
from gbtm.adequacy.residuals import residual_checks
from gbtm.errors import DataError, SpecificationError
from gbtm.families.binomial import Binomial
from gbtm.figures.drawn import drawn

FAMILY = Binomial()
ETA = np.array([[-30.0, -2.0, -0.1, 0.0, 1.3, 4.0]])
K = np.array([0.0, 3.0, 9.0, 40.0, 1.0, 12.0])
N = np.array([7.0, 11.0, 9.0, 90.0, 1.0, 13.0])
QUICK = {"n_starts": 4, "rng": 0}

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n_people=120, waves=5, seed=4):
    rng = np.random.default_rng(seed)
    low = rng.random(n_people) < 0.4
    t = np.arange(waves, dtype=float)
    trials = rng.integers(1, 13, (n_people, waves))
    p = expit(np.where(low[:, None], -1.6 + 0.3 * t, 1.0 - 0.25 * t))
    return pd.DataFrame({
        "id": np.repeat(np.arange(n_people), waves), "t": np.tile(t, n_people),
        "k": 1.0 * rng.binomial(trials, p).ravel(), "n": 1.0 * trials.ravel(),
        "b": 1.0 * (rng.random(p.shape) < p).ravel(), "w": rng.normal(size=p.size)})


TABLE = _table()


@pytest.fixture(scope="module")
def fit():
    return gbtm.GBTM.from_formula(
        "k ~ t", TABLE, id="id", groups=2, order=1, family="binomial", trials="n").fit(**QUICK)


def test_density_distribution_and_moments_are_scipys():
    u, law = FAMILY.exposed({"mean": ETA}, N), stats.binom(N, expit(ETA))
    np.testing.assert_allclose(FAMILY.log_density(K, u), law.logpmf(K), rtol=1e-10)
    np.testing.assert_allclose(FAMILY.cumulative(K, u)[1], law.cdf(K), rtol=1e-11)
    np.testing.assert_allclose(FAMILY.cumulative(K, u)[0], law.cdf(K - 1), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(FAMILY.expected(u), law.mean(), rtol=1e-13)
    np.testing.assert_allclose(FAMILY.variance(u), law.var(), rtol=1e-12)
    assert np.isneginf(FAMILY.log_density(N + 1, u)).all()


def test_the_coefficient_keeps_its_digits_for_many_trials():
    mp = pytest.importorskip("mpmath")
    n, k = 4e9, 1.9e9
    with mp.workdps(40):
        want = float(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1))
    assert FAMILY.folded_constant(np.array([k]), np.array([n]))[0] == pytest.approx(want, rel=1e-13)


def test_draws_have_the_trials_they_are_given():
    u = FAMILY.exposed({"mean": np.full(20000, 0.4)}, np.tile([1.0, 5.0], 10000))
    y = FAMILY.simulate(u, np.random.default_rng(0)).reshape(-1, 2)
    assert y.max(axis=0).tolist() == [1, 5]
    np.testing.assert_allclose(y.mean(axis=0), expit(0.4) * np.array([1, 5]), atol=0.03)


def test_one_group_is_a_binomial_regression():
    """Log-likelihood, coefficients and standard errors of statsmodels' GLM on successes and failures."""
    res = gbtm.GBTM.from_formula(
        "k ~ t", TABLE, id="id", groups=1, order=2, family="binomial", trials="n", tcov=["w"]).fit(rng=0)
    x = np.column_stack([np.ones(len(TABLE)), TABLE["t"], TABLE["t"] ** 2, TABLE["w"]])
    glm = sm.GLM(np.column_stack([TABLE["k"], TABLE["n"] - TABLE["k"]]), x,
                 family=sm.families.Binomial()).fit(tol=1e-13)
    assert res.llf == pytest.approx(glm.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, glm.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(res.bse, glm.bse, rtol=1e-6)
    np.testing.assert_allclose(res.fittedvalues, glm.fittedvalues * TABLE["n"], rtol=1e-6)


def test_with_one_trial_it_is_a_logit_to_the_bit():
    fits = [gbtm.GBTM.from_formula("b ~ t", TABLE, id="id", groups=2, order=1, **how).fit(**QUICK)
            for how in ({"family": "logit"}, {"family": "binomial", "trials": 1}, {"family": "binomial"})]
    assert [f.family for f in fits] == ["logit", "binomial", "logit"]
    assert fits[0].llf == fits[1].llf == fits[2].llf
    np.testing.assert_array_equal(fits[0].params, fits[1].params)


def test_trials_one_by_one_say_the_same():
    """Each trial a 0/1 observation of the same person in a logit: the same likelihood but for their orders."""
    some = TABLE[TABLE["id"] < 40]
    counted = gbtm.GBTM.from_formula(
        "k ~ t", some, id="id", groups=2, order=1, family="binomial", trials="n").fit(**QUICK)
    log_l = np.zeros((40, 2))
    beta = counted.params.to_numpy()[:4].reshape(2, 2)
    for i, t, k, n in some[["id", "t", "k", "n"]].itertuples(index=False):
        for success in [1] * int(k) + [0] * int(n - k):
            log_l[int(i)] += stats.bernoulli.logpmf(success, expit(beta[:, 0] + beta[:, 1] * t))
    ways = np.log(stats.binom.pmf(some["k"], some["n"], 0.5) * 2 ** some["n"]).sum()
    shares = counted.group_set.shares
    assert counted.llf == pytest.approx(np.log(np.exp(log_l) @ shares).sum() + ways, abs=1e-8)


def test_the_beta_blocker_mixture_of_flexmix():
    """Yusuf et al. (1985), 22 centres: flexmix has -158.3095 with three groups and an effect of treatment in each."""
    control = "3/39 14/116 11/93 127/1520 27/365 6/52 152/939 48/471 37/282 188/1921 52/583 47/266 16/293 45/883 31/147"
    control += " 38/213 12/122 6/154 3/134 40/218 43/364 39/674"
    treated = "3/38 7/114 5/69 102/1533 28/355 4/59 98/945 60/632 25/278 138/1916 64/873 45/263 9/291 57/858 25/154"
    treated += " 33/207 28/251 8/151 6/174 32/209 27/391 22/680"
    arms = [np.array([pair.split("/") for pair in arm.split()], dtype=float) for arm in (control, treated)]
    data = pd.concat([
        pd.DataFrame({"centre": np.arange(22), "visit": j, "treated": j, "deaths": arm[:, 0], "total": arm[:, 1]})
        for j, arm in enumerate(arms)])
    res = gbtm.GBTM.from_formula(
        "deaths ~ visit", data, id="centre", groups=3, order=0, family="binomial", trials="total",
        tcov=["treated"]).fit(rng=0)
    assert res.llf == pytest.approx(-158.3095, abs=6e-5)


@pytest.mark.slow
def test_the_default_call_finds_what_200_starts_find(fit):
    for groups in (2, 3):
        model = gbtm.GBTM.from_formula(
            "k ~ t", TABLE, id="id", groups=groups, order=1, family="binomial", trials="n")
        assert model.fit(rng=1).llf == pytest.approx(model.fit(n_starts=200, rng=2).llf, abs=1e-6)


def test_arrays_wide_and_long_tables_are_the_same_model(fit):
    y, n = (TABLE[c].to_numpy().reshape(-1, 5) for c in ("k", "n"))
    arrays = gbtm.GBTM(y, np.arange(5.0), groups=2, order=1, family="binomial", trials=n).fit(**QUICK)
    wide = pd.DataFrame(np.hstack([y, n]), columns=[f"{c}{j}" for c in "kn" for j in range(5)])
    of_wide = gbtm.GBTM.from_formula(
        "k ~ t", wide, groups=2, order=1, family="binomial", trials="n",
        wide={"k": [f"k{j}" for j in range(5)], "n": [f"n{j}" for j in range(5)], "t": list(range(5))}).fit(**QUICK)
    assert arrays.llf == pytest.approx(fit.llf, abs=1e-9)
    assert of_wide.llf == pytest.approx(fit.llf, abs=1e-9)
    assert of_wide.classify(wide[:3]).shape[0] == 6


def test_one_number_of_trials_for_all():
    eight = TABLE.assign(n=8.0, k=np.minimum(TABLE["k"], 8))
    how = {"groups": 2, "order": 1, "family": "binomial"}
    fits = [gbtm.GBTM.from_formula("k ~ t", eight, id="id", **how, trials=n).fit(**QUICK) for n in ("n", 8)]
    assert fits[0].llf == fits[1].llf
    y = eight["k"].to_numpy().reshape(-1, 5)
    of_arrays = gbtm.GBTM(y, np.arange(5.0), **how, trials=8).fit(**QUICK)
    assert of_arrays.llf == pytest.approx(fits[0].llf, abs=1e-9)
    again = fits[1].classify(eight[eight["id"] < 4].drop(columns="n"))["probability"].to_numpy()
    np.testing.assert_allclose(again.reshape(-1, 2), fits[1].posterior.to_numpy()[:4], atol=1e-8)
    ahead = fits[1].forecast(eight[eight["id"] < 4].drop(columns="n"), steps=1)
    curve = fits[1].predict([5.0])["estimate"].to_numpy()
    assert len(ahead.table) == 4
    assert ahead.table["mean"].between(8 * curve.min(), 8 * curve.max()).all()


def test_curves_and_means_are_shares_of_the_trials(fit):
    curve = fit.predict([0.0, 3.0])
    beta = fit.params.to_numpy()[:4].reshape(2, 2)
    np.testing.assert_allclose(curve["estimate"], expit(beta[:, :1] + beta[:, 1:] * np.array([0.0, 3.0])).ravel())
    p, first = fit.posterior.to_numpy()[:, 0], TABLE["t"].to_numpy() == 0
    k, n = TABLE.loc[first, "k"].to_numpy(), TABLE.loc[first, "n"].to_numpy()
    means = fit.observed_means
    assert means["mean"].iloc[0] == pytest.approx((p @ k) / (p @ n))
    assert max(m.mean.max() for m in drawn(fit).means) <= 1
    np.testing.assert_allclose(fit.outcome.shown, TABLE["k"] / TABLE["n"])


def test_residual_checks_hold_for_data_of_the_model(fit):
    p = expit(np.where(TABLE["id"] < 60, -1.5 + 0.3 * TABLE["t"], 1 - 0.2 * TABLE["t"]))
    drawn_again = TABLE.assign(k=np.random.default_rng(3).binomial(TABLE["n"].astype(int), p))
    res = gbtm.GBTM.from_formula(
        "k ~ t", drawn_again, id="id", groups=2, order=1, family="binomial", trials="n").fit(**QUICK)
    checks = residual_checks(res)
    assert "run through the observed means" in checks.sentences[0]
    assert abs(float(np.mean(checks.quantile_residuals))) < 0.15
    assert float(np.std(checks.quantile_residuals)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("change", "code", "error"), [
    ({"trials": None}, "bad_outcome", DataError),
    ({"trials": "few"}, "bad_outcome", DataError),
    ({"trials": "half"}, "bad_outcome", DataError),
    ({"trials": "none"}, "bad_exposure", DataError),
    ({"trials": 3}, "bad_outcome", DataError),
    ({"trials": "nowhere"}, "unknown_column", DataError),
    ({"family": "logit"}, "bad_trials", SpecificationError),
    ({"family": "poisson"}, "bad_trials", SpecificationError),
    ({"exposure": "n"}, "bad_exposure", SpecificationError),
])
def test_what_cannot_be_is_refused(change, code, error):
    table = TABLE.assign(few=1.0, half=TABLE["n"] + 0.5, none=TABLE["n"].where(TABLE["t"] > 0, 0.0))
    arguments = {"family": "binomial", "trials": "n", **change}
    with pytest.raises(error) as caught:
        gbtm.GBTM.from_formula("k ~ t", table, id="id", groups=2, order=1, **arguments)
    assert caught.value.code == code
    assert caught.value.way_out


def test_missing_trials_drop_the_observation():
    table = TABLE.assign(n=TABLE["n"].where(TABLE.index != 7))
    model = gbtm.GBTM.from_formula("k ~ t", table, id="id", groups=2, order=1, family="binomial", trials="n")
    assert model.panel.nobs == len(TABLE) - 1


def test_code_and_stored_fit_have_the_trials(fit, tmp_path):
    fit.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.llf == fit.llf
    some = TABLE[TABLE["id"] < 3]
    np.testing.assert_allclose(
        again.classify(some)["probability"].to_numpy().reshape(-1, 2), fit.posterior.to_numpy()[:3], atol=1e-8)
