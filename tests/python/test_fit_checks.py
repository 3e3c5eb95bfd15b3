"""Data made to go wrong in a known way, and data made to go right: what the user is told."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from conftest import TRUTH, build
from findings import fit_and_codes, message_of
from gbtm.findings.fit_checks import _where
from parts import draw

SILENT = ("normal", "normal_sbg", "cnorm", "cnorm_sbg", "poisson", "zip_common", "zip_own", "logit")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", SILENT)
def test_nothing_is_said_about_a_healthy_fit(name, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = build(name, seed=seed).fit()
    assert res.warnings == []
    assert np.isfinite(res.bse).all()


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_separation_in_a_logit_group(value, order):
    rng = np.random.default_rng(0)
    y = np.vstack([np.full((50, 20), value), rng.random((70, 20)) < 0.5])
    res, codes = fit_and_codes(y, groups=2, order=order, family="logit")
    assert codes == ["separated_group"]
    where = 1 if value == 0 else 2
    assert res.document["warnings"][0]["group"] == where
    names = [f"intercept[{where}]", f"time[{where}]"][: order + 1]
    parts = (f"group {where}", f"probability is {value:g}", "at all times", "no standard error", "lower order")
    for part in (*parts, *names):
        assert part in res.warnings[0]
    assert set(res.bse[res.bse.isna()].index) == set(names)
    assert np.isfinite(res.predict()["estimate"]).all()
    share = res.group_shares["share"][where]
    assert share == pytest.approx(50 / 120, abs=1e-3)


def test_separation_from_some_wave_on():
    """Probability 0 before wave 4 and 1 from then on: the times are named."""
    rng = np.random.default_rng(1)
    step = np.tile((np.arange(20) >= 4).astype(float), (40, 1))
    y = np.vstack([step, rng.random((60, 20)) < 0.5])
    res, codes = fit_and_codes(y, groups=2, order=1, family="logit")
    assert codes == ["separated_group"]
    assert "probability is 0 or 1" in res.warnings[0]
    assert set(res.bse[res.bse.isna()].index) == {"intercept[2]", "time[2]"}


def test_irregular_times_are_told_by_range_and_number():
    """600 times of their own: which of them are meant follows from the fitted probabilities."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.uniform(0, 20, (100, 6)), axis=1)
    y = np.vstack([times[:40] > 8, rng.random((60, 6)) < 0.5])
    res, codes = fit_and_codes(y, times, groups=2, order=1, family="logit", fit={"n_starts": 12})
    assert codes == ["separated_group"]
    p = res.predict(np.sort(times.ravel())).query("group == 2").set_index("time")["estimate"]
    certain = p.index[(p < 1e-5) | (p > 1 - 1e-5)]
    assert 500 < certain.size < 600
    assert f"at {certain.size} of 600 times between time {certain.min():g} and {certain.max():g}: " in res.warnings[0]


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([3, 5], " at age 3, 5"), (range(10), " at all times"), (range(2, 8), " at age 2 to 7 (6 of 10 times)"),
        ([0, 1, 2, 8, 9], " at 5 of 10 times between age 0 and 9"),
    ],
)
def test_a_few_times_are_named_and_many_are_counted(at, said):
    assert _where(np.array(at, dtype=float), np.arange(10.0), "age") == said


@pytest.mark.parametrize("family", ["poisson", "zip"])
def test_a_count_group_of_zeros_only(family):
    rng = np.random.default_rng(0)
    y = np.vstack([np.zeros((60, 6)), rng.poisson(4.0, (60, 6))])
    more = {"iorder": [-1, 0]} if family == "zip" else {}
    if family == "zip":
        y[60:][rng.random((60, 6)) < 0.2] = 0
    res, codes = fit_and_codes(y, groups=2, order=[0, 0], family=family, **more)
    assert codes == ["all_zero_group"]
    assert res.document["warnings"][0]["group"] == 1
    assert "order -1" in res.warnings[0]
    assert np.isnan(res.bse["intercept[1]"])
    assert np.isfinite(res.bse.drop("intercept[1]")).all()
    never, codes = fit_and_codes(y, groups=2, order=[-1, 0], family=family, **more)  # the way out that is offered
    assert codes == []
    assert never.llf == pytest.approx(res.llf, abs=1e-4)
    assert never.df_model == res.df_model - 1


def test_zero_inflation_that_is_not_there():
    rng = np.random.default_rng(0)
    y = rng.poisson(np.repeat([1.0, 5.0], 80)[:, None], (160, 6))
    res, codes = fit_and_codes(y, groups=2, order=0, family="zip", iorder=[0, 0])
    assert "zero_inflation_at_bound" in codes
    message = message_of(res, "zero_inflation_at_bound")
    assert "probability is 0" in message
    assert "zero_intercept" in message
    poisson, _ = fit_and_codes(y, groups=2, order=0, family="poisson")
    assert res.llf >= poisson.llf - 1e-7


def test_sigma_that_collapses_is_set_aside_or_told():
    """Three subjects repeat one value: with a sigma per group the likelihood has no bound."""
    rng = np.random.default_rng(0)
    y = rng.normal(5, 1, (60, 5))
    y[:3] = 2.345
    res, codes = fit_and_codes(y, groups=2, order=0, sigma_by_group=True)
    assert set(codes) & {"collapsed_sigma", "collapsed_rival"}
    if "collapsed_sigma" not in codes:
        assert res.params.filter(like="sigma").min() > 0.05
        assert "no better answer" in message_of(res, "collapsed_rival")
    else:
        assert "unbounded" in message_of(res, "collapsed_sigma")
    _common, codes = fit_and_codes(y, groups=2, order=0)
    assert "collapsed_sigma" not in codes


def test_all_groups_collapse():
    """Two constants and nothing else: no usable optimum exists with a sigma per group."""
    y = np.repeat([1.0, 2.0], 20)[:, None] * np.ones(4)
    res, codes = fit_and_codes(y, groups=2, order=0, sigma_by_group=True)
    assert "collapsed_sigma" in codes
    assert "Sigma has collapsed" in message_of(res, "collapsed_sigma")


def test_a_perfect_fit_with_a_common_sigma_is_told():
    y = np.repeat([1.0, 2.0], 20)[:, None] * np.ones(4)
    _, codes = fit_and_codes(y, groups=2, order=0)
    assert "collapsed_sigma" in codes


@pytest.mark.parametrize("groups", [3, 4])
def test_too_many_groups_on_one_cloud(groups):
    """All from one normal: whatever optimum is found, an honest fit has no NaN without a reason."""
    y = np.random.default_rng(5).normal(size=(100, 5))
    res, codes = fit_and_codes(y, groups=groups, order=0)
    lost = res.bse.isna()
    said = " ".join(res.warnings)
    if lost.any():
        assert codes
        assert all(name in said or {"empty_group", "twin_groups"} & set(codes) for name in res.bse.index[lost])
    one, _ = fit_and_codes(y, groups=1, order=0)
    assert res.llf >= one.llf - 1e-8


def test_twin_groups_are_named():
    """Counts less spread than a Poisson: no mixture beats one group, and two are the same one twice."""
    y = 4 + np.random.default_rng(5).integers(0, 3, size=(100, 5))
    one, codes = fit_and_codes(y, groups=1, order=0, family="poisson")
    assert codes == []
    res, codes = fit_and_codes(y, groups=2, order=0, family="poisson")
    assert res.llf == pytest.approx(one.llf, abs=1e-6)
    assert set(codes) & {"twin_groups", "empty_group"}
    if "twin_groups" in codes:
        assert "Groups 1 and 2 have the same curve" in message_of(res, "twin_groups")
    assert "fewer groups" in " ".join(res.warnings)
    assert np.isnan(res.bse["theta[2]"])


def test_an_empty_group_is_named():
    rng = np.random.default_rng(0)
    y = rng.normal(0, 1, (60, 5))
    res, codes = fit_and_codes(y, groups=2, order=0, fit={"start": [0.0, 40.0, 1.0, -60.0]})
    assert "empty_group" in codes
    message = message_of(res, "empty_group")
    assert "Group 2 is empty" in message
    assert "fewer groups" in message


def test_more_parameters_than_data():
    """12 observations, 14 parameters."""
    y = np.random.default_rng(0).normal(size=(4, 3))
    res, codes = fit_and_codes(y, groups=3, order=2, sigma_by_group=True)
    assert res.df_model > res.nobs
    assert codes


def test_times_far_from_zero_with_a_high_order():
    """Ages 8 to 38, order 5: no trouble to be told about."""
    rng = np.random.default_rng(0)
    age = np.arange(8.0, 39.0)
    y = np.repeat([0.0, 3.0], 30)[:, None] + np.sin(age / 5) + rng.normal(0, 0.5, (60, 31))
    res, codes = fit_and_codes(y, age, groups=2, order=5)
    assert codes == []
    assert np.isfinite(res.bse).all()


def test_unbalanced_data_with_a_single_observation_each():
    """One observation a subject: a plain mixture, which is told; the number of subjects is right."""
    rng = np.random.default_rng(0)
    y = np.full((200, 4), np.nan)
    wave = rng.integers(0, 4, 200)
    y[np.arange(200), wave] = np.repeat([0.0, 8.0], 100) + rng.normal(size=200)
    res, codes = fit_and_codes(y, groups=2, order=1)
    assert res.nobs == res.n_subjects == 200
    assert codes == ["few_waves"]


@pytest.mark.parametrize("name", TRUTH)
def test_missing_standard_errors_are_always_explained(name, fitted):
    res = fitted(name)
    said = " ".join(res.warnings)
    for parameter in res.bse.index[res.bse.isna()]:
        assert parameter in said


# -- covariates, exposure, scale parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["risk", "tcov", "exposure", "exposure_negbin", "never", "beta", "dropout1"])
def test_nothing_is_said_about_a_healthy_fit_with_parts(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = draw(name).built().fit(n_starts=8)
    assert res.warnings == []
    assert np.isfinite(res.bse).all()


def test_the_unit_of_exposure_makes_no_twins():
    """Rates per day are small numbers beside the counts of years."""
    drawn = draw("exposure")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        res = drawn.built(data=drawn.table.assign(e=365 * drawn.table["e"])).fit(n_starts=4)
    assert res.warnings == []


def _crossing(kind, n=2000, waves=4):
    """Two groups with one mean curve, told apart by something else."""
    rng = np.random.default_rng(0)
    first = np.repeat(np.arange(n) % 2 == 0, waves)
    if kind == "tcov":
        w = rng.integers(0, 2, n * waves) * 2.0 - 1
        y = np.where(first, 1, -1) * w + rng.normal(0, 0.3, n * waves)
        return y.reshape(n, waves), {"tcov": {"w": w.reshape(n, waves)}}
    size = n * waves // 2
    at = (np.arange(size) + 0.5) / size  # quantiles, so that the means agree but for rounding
    y = np.empty(n * waves)
    for own, phi in ((first, 3.0), (~first, 60.0)):
        y[own] = rng.permutation(stats.beta.ppf(at, 0.4 * phi, 0.6 * phi))
    return y.reshape(n, waves), {"family": "beta"}


@pytest.mark.parametrize("kind", ["tcov", "phi"])
def test_groups_that_differ_in_something_else_are_no_twins(kind):
    y, more = _crossing(kind)
    res, codes = fit_and_codes(y, groups=2, order=0, fit={"n_starts": 2}, **more)
    assert res.entropy > 0.8
    assert codes == []


def test_rho_of_zero_with_uneven_times_is_the_model_without_it():
    """Neighbours that differ more than strangers do: rho^gap of uneven gaps cannot say so."""
    rng = np.random.default_rng(4)
    times = np.array([0.0, 0.3, 0.6, 0.9, 1.2, 1.5])
    y = rng.normal(size=(80, 6)) + np.where(np.arange(6) % 2, 0.8, -0.8) * rng.choice([-1.0, 1.0], (80, 1))
    plain, _ = fit_and_codes(y, times, groups=1, order=1)
    res, codes = fit_and_codes(y, times, groups=1, order=1, ar1=True)
    assert codes == ["rho_at_bound"]
    assert "rho is zero" in message_of(res, "rho_at_bound")
    assert res.llf == pytest.approx(plain.llf, abs=1e-8)
    assert abs(res.params["rho"]) < 1e-10
