"""Data made to go wrong in a known way, and data made to go right: what the user is told."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logit

import gbtm
from conftest import TRUTH, build
from findings import fit_and_codes, message_of
from gbtm.estimation.covariance import Covariance
from gbtm.families import make_family
from gbtm.findings import agreement_checks as agreement
from gbtm.findings import boundary_checks as bounds
from gbtm.findings import fit_checks as room
from gbtm.findings.boundary_checks import where_at
from parts import PARTS, draw

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
    remedy = "a lower order for it gives the same curve" if order else "there is nothing to leave out"
    parts = (f"group {where}", f"probability is {value:g}", "at all times", "no standard error", remedy)
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
    assert where_at(np.array(at, dtype=float), np.arange(10.0), "age") == said


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


# -- each finding at parameters of one's choice ------------------------------------------------------------------------


def _lost(layout, *entries, negative=False):
    """A covariance that does not determine these internal parameters."""
    return Covariance(0.01 * np.eye(layout.size), np.eye(layout.size)[:, list(entries)], negative, "hessian")


def _block(layout, predictor, group):
    return next(b for b in layout.blocks if (b.predictor, b.group) == (predictor, group))


def _found(converged=True, decrement=0.0, out_of_time=False, loglik=-50.0, optima=((False, -50.0),)):
    """An estimate as far as the search and the certificate go; optima as (collapsed, loglik)."""
    places = [SimpleNamespace(collapsed=c, loglik=value, flat=np.zeros(9)) for c, value in optima]
    return SimpleNamespace(
        loglik=loglik, objective=loglik, certificate=SimpleNamespace(converged=converged, decrement=decrement),
        search=SimpleNamespace(optima=places, out_of_time=out_of_time, n_starts=17),
    )


def _said(findings):
    return [(f.code, f.group, f.message) for f in findings]


NOT_CONVERGED = (
    "not_converged", None,
    "The fit did not converge (log-likelihood still to be gained: 0.012). Do not use these numbers: try fewer groups, "
    "lower orders or more starts.",
)
NO_MAXIMUM = (
    "not_a_maximum", None,
    "The Hessian is not negative definite: this point is not a maximum, and standard errors along the directions "
    "concerned are left out. Try fewer groups or more starts.",
)
TOO_LATE = (
    "out_of_time", None,
    "The time budget ended the search after 17 starts; a better optimum may exist. Raise time_budget.",
)


@pytest.mark.parametrize(
    ("estimate", "negative", "said"),
    [
        ({}, False, []), ({"converged": False, "decrement": 0.0123}, False, [NOT_CONVERGED]),
        ({"converged": False, "optima": ((True, -50.0),)}, False, []), ({}, True, [NO_MAXIMUM]),
        ({"converged": False, "decrement": 0.0123, "optima": ((False, -50.0), (True, -60.0))}, False, [NOT_CONVERGED]),
        ({"out_of_time": True}, False, [TOO_LATE]),
        ({"converged": False, "decrement": 0.0123, "out_of_time": True}, True, [NOT_CONVERGED, NO_MAXIMUM, TOO_LATE]),
    ],
)
def test_a_search_that_did_not_get_there(estimate, negative, said):
    layout = build("normal").layout
    assert _said(room._convergence(layout, _found(**estimate), _lost(layout, negative=negative))) == said


def test_collapse_of_the_best_place_or_of_rivals_above_it():
    common, own = build("normal"), build("normal_sbg")
    for built, more in ((common, ""), (own, "a common sigma, ")):
        assert _said(room._collapsed(built.layout, built.panel, _found(optima=((True, 3.0), (False, -50.0))))) == [(
            "collapsed_sigma", None,
            "Sigma has collapsed to zero, where the likelihood is unbounded; the estimates are not a maximum. "
            f"Use {more}fewer groups, or check for duplicated values.",
        )]
    optima = ((False, -50.0), (True, -20.0), (True, -49.9), (True, -50.0), (False, -10.0), (True, -60.0))
    assert _said(room._collapsed(own.layout, own.panel, _found(optima=optima))) == [(
        "collapsed_rival", None,
        "2 place(s) with a higher log-likelihood were set aside because a group's sigma collapses there on a handful "
        "of observations; they are no better answer.",
    )]
    assert room._collapsed(own.layout, own.panel, _found(optima=((False, -50.0), (True, -50.0)))) == []


@pytest.mark.parametrize(("subjects", "empty"), [(0.48, True), (0.51, False)])
def test_a_group_of_less_than_half_a_subject_is_empty(subjects, empty):
    built = build("normal_sbg")
    layout, n = built.layout, built.panel.n_subjects
    flat = np.zeros(layout.size)
    flat[layout.theta] = logit(subjects / n)
    found = room._empty(layout, built.panel, SimpleNamespace(flat=flat))
    if not empty:
        assert found == []
        return
    assert _said(found) == [(
        "empty_group", 2,
        f"Group 2 is empty: its share of {48 / n:.3g} % is not half a subject. Fit fewer groups.",
    )]
    assert set(found[0].parameters) == {"intercept[2]", "t[2]", "sigma[2]", "theta[2]"}


def _boundaries(built, params, *entries):
    layout = built.layout
    flat = layout.unreport(np.array(params, dtype=float))
    u = room.predictors_at_means(layout, built.panel, flat, 0)
    return bounds.at_boundary(layout, built.panel, 0, u, flat, _lost(layout, *entries))


def test_what_runs_to_infinity_is_named_with_its_times():
    built = build("logit")  # times 0..5, two lines
    tail = "The group is separated; a lower order for it gives the same curve with fewer parameters."
    step = ("The group is separated there: its probabilities stand, its coefficients cannot be interpreted. A lower "
            "order may fit with finite ones, and gives another curve.")
    assert _boundaries(built, [0.5, 0, 30, 0, 0]) == []  # however far, if it is determined
    assert _boundaries(built, [0.5, 0, 11, 0, 0], 2, 3) == []  # not far, though not determined
    found = _boundaries(built, [0.5, 0, 30, 0, 0], 0, 1, 2, 3)
    assert _said(found) == [(
        "separated_group", 2,
        f"In group 2 the probability is 1 at all times: intercept[2], t[2] run to infinity and have no standard error. "
        f"{tail}",
    )]
    assert found[0].parameters == ("intercept[2]", "t[2]")
    # 11.51 = -log(1e-5): eta = 10, 11, 12, 13, .. of the first group
    assert _said(_boundaries(built, [-10, -1, 0, 0, 0], 0, 1, 4)) == [(
        "separated_group", 1,
        f"In group 1 the probability is 0 at t 2, 3, 4, 5: intercept[1], t[1] run to infinity and have no standard "
        f"error. {step}",
    )]
    assert "0 or 1 at t 0, 1, 4, 5: " in _boundaries(built, [-20, 8, 0, 0, 0], 0, 1)[0].message
    flat = draw("tcov_cells").built()
    found = _boundaries(flat, [-20, 0, 1, 0, 0, 0, 0], 0)
    assert "intercept[1] runs to infinity and has no standard error." in found[0].message
    assert found[0].parameters == ("intercept[1]",)


def test_zero_inflation_common_to_all_groups():
    built = build("zip_common")  # intercepts and slopes of two groups, then the common logit
    found = _boundaries(built, [0, 0, 1, 0, -40, 0, 0], 4, 5)
    assert _said(found) == [(
        "zero_inflation_at_bound", None,
        "In all groups the zero-inflation probability is 0 at all times: zero_intercept, zero_t run to infinity and "
        "have no standard error. The optimum lies on the boundary; family 'poisson' says the same with fewer.",
    )]
    own = _boundaries(build("zip_own"), [0, 0, 1, 0, 30, -2, 0, 0], 4)
    assert [(f.code, f.group) for f in own] == [("zero_inflation_at_bound", 1)]
    assert "In group 1 the zero-inflation probability is 1 at all times: zero_intercept[1] runs" in own[0].message


def test_rates_of_zero():
    built = build("poisson")
    rest = [0.5, 0, 0, 0]
    assert _said(_boundaries(built, [-30, 0, *rest], 0, 1)) == [(
        "all_zero_group", 1,
        "In group 1 the rate is zero at all times: intercept[1], t[1] run to infinity and have no standard error. Use "
        "order -1 for a group that never happens.",
    )]
    assert _said(_boundaries(built, [-16, 4, *rest], 0, 1)) == [(
        "zero_rate", 1,
        "In group 1 the rate is zero at t 0, 1: intercept[1], t[1] run to infinity and have no standard error. "
        "Means are right there; another order for this group, or a zero part, may fit with finite coefficients.",
    )]
    assert _boundaries(built, [16, -1, *rest], 0, 1) == []  # a rate without limit is none of these


def test_boundaries_of_scale_parameters_and_membership_are_others_to_tell():
    built = draw("exposure_negbin").built()
    params = np.array(PARTS["exposure_negbin"].params)
    layout = built.layout
    assert _boundaries(built, [-30, 0, *params[2:]], *range(4, layout.size)) == []


FAR, NEAR = 11.6, 11.5  # -log(1e-5) = 11.51


@pytest.mark.parametrize(
    ("family", "predictor", "eta", "code", "what"),
    [
        ("zip", "zero", [-FAR, 3], "zero_inflation_at_bound", "the zero-inflation probability is 0"),
        ("zip", "zero", [FAR, 3, 0], "zero_inflation_at_bound", "the zero-inflation probability is 1"),
        ("zip", "zero", [FAR, -FAR], "zero_inflation_at_bound", "the zero-inflation probability is 0 or 1"),
        ("zip", "zero", [-NEAR, NEAR], "", ""), ("logit", "mean", [NEAR, 0, -NEAR], "", ""),
        ("logit", "mean", [0, FAR], "separated_group", "the probability is 1"),
        ("logit", "mean", [1, -FAR], "separated_group", "the probability is 0"),
        ("logit", "mean", [-FAR, FAR, 0], "separated_group", "the probability is 0 or 1"),
        ("poisson", "mean", [-FAR, -FAR], "all_zero_group", "the rate is zero"),
        ("poisson", "mean", [-FAR, NEAR], "zero_rate", "the rate is zero"),
        ("poisson", "mean", [-FAR, -NEAR], "zero_rate", "the rate is zero"),
        ("poisson", "mean", [FAR, -NEAR], "", ""), ("poisson", "mean", [FAR, FAR, -FAR], "all_zero_group", None),
        ("hurdle", "zero", [FAR, FAR], "zero_inflation_at_bound", "the probability of a zero is 1"),
        ("hurdle", "zero", [-FAR, 0], "zero_inflation_at_bound", "the probability of a zero is 0"),
        ("hurdle", "mean", [-FAR, NEAR], "zero_rate", "what is above 0 is 1 throughout"),
        ("hurdle_negbin", "mean", [NEAR, FAR], "", ""),
        ("normal", "mean", [-FAR, FAR], "", ""), ("beta", "mean", [FAR, -FAR], "", ""),
    ],
)
def test_the_name_of_a_boundary(family, predictor, eta, code, what):
    got = bounds.name_boundary(make_family(family, None, None), predictor, np.array(eta, dtype=float), np.zeros(2))
    assert got[0] == code
    if what is not None:
        assert got[1] == what
        assert bool(got[2]) == bool(code)


@pytest.mark.parametrize(
    ("predictor", "value", "said"),
    [
        ("log_psi", -3.0, "zero"), ("log_psi", 3.0, "infinite"), ("log_phi", -0.5, "zero"),
        ("log_phi", 0.0, "infinite"),
        ("atanh_rho", 2.0, "1"), ("atanh_rho", -2.0, "-1"), ("atanh_rho", 0.11, "1"), ("atanh_rho", -0.11, "-1"),
        ("atanh_rho", 0.09, "zero, as with uneven times it cannot be negative"),
        ("atanh_rho", -0.09, "zero, as with uneven times it cannot be negative"),
    ],
)
def test_the_boundary_of_a_scale_parameter(predictor, value, said):
    assert bounds.bound_of(predictor, value) == said


def _scales(built, value, predictor, group=None):
    layout = built.layout
    flat = np.zeros(layout.size)
    block = _block(layout, predictor, group)
    flat[block.start] = value
    other = next(b for b in layout.blocks if b.predictor == "mean")
    assert bounds.scales_at_bound(layout, flat, _lost(layout, *range(other.start, other.start + other.width))) == []
    found = bounds.scales_at_bound(layout, flat, _lost(layout, other.start, block.start))
    assert [f.parameters for f in found] == [(layout.names[block.start],)]
    return _said(found)


def test_scale_parameters_on_their_boundary():
    y, t = np.random.default_rng(0).normal(size=(30, 5)), range(5)
    tail = "lies on its boundary and has no standard error."
    negbin = draw("exposure_negbin").built()
    assert _scales(negbin, -20.0, "log_psi", 1) == [(
        "no_overdispersion", 2,
        f"In group 2 the dispersion psi is zero: psi[2] {tail} Use family 'poisson', or one psi.",
    )]
    zinb = draw("zinb").built()
    assert _scales(zinb, 20.0, "log_psi") == [(
        "no_overdispersion", None,
        f"For all groups the dispersion psi is infinite: psi {tail} Use family 'zip', or one psi.",
    )]
    assert _scales(draw("beta").built(), 30.0, "log_phi", 0) == [(
        "collapsed_phi", 1,
        f"In group 1 the precision phi is infinite: phi[1] {tail} Check for repeated values, or fit fewer groups.",
    )]
    random = gbtm.GBTM(y, t, groups=1, order=1, rorder=1)
    for j, (what, remedy) in enumerate((("intercept", "rorder -1"), ("slope", "a lower rorder"))):
        predictor = f"r{j}_sigma"
        group = next(b.group for b in random.layout.blocks if b.predictor == predictor)
        code, number, message = _scales(random, 0.0, predictor, group)[0]
        assert (code, number) == ("no_random_effect", None if group is None else group + 1)
        assert f"the sd of the random {what} is zero: r{j}_sigma" in message
        assert message.endswith(f"{tail} Use {remedy} for it.")
    assert _scales(gbtm.GBTM(y, t, groups=1, order=1, ar1=True), 9.0, "atanh_rho") == [(
        "rho_at_bound", None,
        f"For all groups rho is 1: rho {tail} Check for repeated values, or leave ar1 out.",
    )]


def _gap(built, flat, a=0, b=1):
    u = room.predictors_at_means(built.layout, built.panel, flat, 0)
    return room._gap(built.layout.outcomes[0], built.panel.outcomes[0], u, a, b), u


def test_how_far_two_curves_are_apart():
    """Largest difference of E(y) in sd of y, of a log or logit scale a fifth; of zip also that of the rate itself."""
    built = build("normal_sbg")
    y = built.panel.outcomes[0].y
    flat = built.layout.unreport(np.array([1.0, 0.5, 4, -0.5, 0.5, 0.5, 0]))
    assert _gap(built, flat)[0] == pytest.approx(3 / y.std(), rel=1e-9)
    assert _gap(built, flat, 1, 0)[0] == pytest.approx(3 / y.std(), rel=1e-9)
    flat = built.layout.unreport(np.array([1.0, 0.5, 1, 0.5, 0.5, 0.8, 0]))
    assert _gap(built, flat)[0] == pytest.approx(0.2 * np.log(0.8 / 0.5), rel=1e-9)

    built = build("poisson")
    y = built.panel.outcomes[0].y
    flat = built.layout.unreport(np.array([-1.0, 0.2, 1, 0.1, 0, 0]))
    t = np.arange(5.0)
    apart = np.abs(np.exp(-1 + 0.2 * t) - np.exp(1 + 0.1 * t)).max()
    assert _gap(built, flat)[0] == pytest.approx(apart / y.std(), rel=1e-9)

    built = build("zip_own")
    y = built.panel.outcomes[0].y
    zero = np.log(3)  # p = 3/4 and 1/2: rates of 4 and 2 have the same mean
    flat = built.layout.unreport(np.array([np.log(4), 0, np.log(2), 0, zero, 0, 0, 0]))
    assert _gap(built, flat)[0] == pytest.approx(2 / y.std(), rel=1e-9)
    never = build("poisson_never")
    assert _gap(never, np.zeros(never.layout.size))[0] == np.inf
    assert np.isfinite(_gap(build("poisson"), np.full(6, -100.0))[0])  # a small rate is one to be compared


def test_an_outcome_without_spread():
    built = build("normal_sbg")
    same = replace(built.panel.outcomes[0], y=np.full(built.panel.nobs, 3.0))
    u = {"mean": np.array([[0.0, 1e-12], [0.0, 0.0]])}
    u["log_sigma"] = np.zeros((2, 2))
    assert room._gap(built.layout.outcomes[0], same, u, 0, 1) == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "unit"), [("tcov", 0.2), ("everything_censored", 1.0)])
def test_how_far_two_groups_are_apart_in_effects(name, unit):
    """Of covariates per sd of these: in sd of the outcome, or a fifth of a log; of dropout a fifth of a logit."""
    layout = draw(name).built().layout
    a, b = (0, 2) if name == "everything_censored" else (0, 1)
    own = [_block(layout, "mean", g) for g in (a, b)]
    flat = np.zeros(layout.size)
    for sign in (1, -1):
        flat[own[1].entries.stop - 1] = sign * 0.3  # the last covariate's
        assert room._gap_in_effects(layout, flat, a, b) == pytest.approx(0.3 * unit)
        flat[own[0].entries.stop - 2] = -0.4 * sign  # the one before
        assert room._gap_in_effects(layout, flat, a, b) == pytest.approx(0.4 * unit)
        flat[own[0].entries.stop - 2] = 0
    flat[own[0].start] = 50  # the curve is not among them
    assert room._gap_in_effects(layout, flat, a, b) == pytest.approx(0.3 * unit)
    if unit == 1.0:
        leaving = _block(layout, "dropout", 2)
        flat[leaving.start] = -7.0
        assert room._gap_in_effects(layout, flat, a, b) == pytest.approx(7 * 0.2)
        flat[leaving.start] = 0.5
        assert room._gap_in_effects(layout, flat, a, b) == pytest.approx(0.3)


def _twins(built, params):
    layout = built.layout
    flat = layout.unreport(np.array(params, dtype=float))
    curves = [room.predictors_at_means(layout, built.panel, flat, m) for m in range(len(layout.outcomes))]
    return room._twins(layout, built.panel, flat, curves)


def test_twins_are_groups_less_than_a_fiftieth_of_an_sd_apart():
    built = draw("risk").built()  # three groups, orders 1, 0, 1
    sd, rest = built.panel.outcomes[0].y.std(), PARTS["risk"].params[5:]
    apart = _twins(built, [1, 0, 1 + 0.021 * sd, 1 + 0.042 * sd, 0, *rest])
    assert apart == []
    found = _twins(built, [1, 0, 5, 1 + 0.019 * sd, 0, *rest])
    assert _said(found) == [
        ("twin_groups", 1, "Groups 1 and 3 have the same curve: the data do not tell them apart. Fit fewer groups."),
    ]
    theta = [n for n in built.layout.names if n.startswith("theta")]
    assert set(found[0].parameters) == {"intercept[1]", "t[1]", "intercept[3]", "t[3]", *theta}
    three = _twins(built, [1, 0, 1, 1, 0, *rest])
    assert [f.group for f in three] == [1, 1, 2]
    assert [f.message[:14] for f in three] == ["Groups 1 and 2", "Groups 1 and 3", "Groups 2 and 3"]


def test_groups_that_leave_differently_are_no_twins():
    built = draw("dropout0").built()
    same = [1, 0.5, 1, 0.5]
    assert [f.code for f in _twins(built, [*same, -1, -1.09, 0.8, 0.2])] == ["twin_groups"]
    assert _twins(built, [*same, -1, -1.11, 0.8, 0.2]) == []
    assert _twins(built, [*same, -1.11, -1, 0.8, 0.2]) == []
    three = draw("dropout0").built(groups=3, order=1, dropout=0)
    for third, pair in (([-1, -1, -3], "1 and 2"), ([-1, -3, -1], "1 and 3"), ([-3, -1, -1], "2 and 3")):
        found = _twins(three, [1, 0.5, 1, 0.5, 1, 0.5, *third, 0.8, 0.2, 0.2])
        assert [f.message[7:14] for f in found] == [pair]


def test_what_no_other_finding_accounts_for_is_told_by_name():
    layout = build("normal").layout
    flat = np.zeros(layout.size)
    assert room._unexplained(layout, flat, _lost(layout), []) == []
    cov = _lost(layout, layout.size - 1, 0, 1)
    found = room._unexplained(layout, flat, cov, [])
    assert _said(found) == [(
        "not_identified", None,
        "The data do not determine intercept[1], t[1], theta[2]: no standard error. Use fewer groups or lower orders.",
    )]
    assert found[0].parameters == ("intercept[1]", "t[1]", "theta[2]")
    known = [room.Finding("any", 1, "", ("intercept[1]",)), room.Finding("other", 2, "", ("t[1]", "sigma"))]
    assert [f.parameters for f in room._unexplained(layout, flat, cov, known)] == [("theta[2]",)]
    assert room._unexplained(layout, flat, cov, [*known, room.Finding("third", 2, "", ("theta[2]",))]) == []


def test_all_that_is_wrong_is_told_the_gravest_first():
    """Not converged, empty, a twin, and the parameters that none of these accounts for, in this order."""
    built = build("poisson")
    layout = built.layout
    params = np.array([0.5, 0, 0.5, 0, 0, -30])
    estimate = _found(converged=False, decrement=0.0123)
    estimate.flat = layout.unreport(params)
    found = room.examine(layout, built.panel, estimate, _lost(layout, layout.size - 1))
    assert [f.code for f in found] == ["not_converged", "empty_group", "twin_groups"]
    params[:2] = -30, 0
    estimate.flat = layout.unreport(params)
    found = room.examine(layout, built.panel, estimate, _lost(layout, 0, 1, 2, negative=True))
    assert [f.code for f in found] == ["not_converged", "not_a_maximum", "empty_group", "all_zero_group"]
    estimate = _found(optima=((True, 0.0),))
    estimate.flat = layout.unreport(np.array([-1.0, 0, 1, 0, 0, 0]))
    found = room.examine(layout, built.panel, estimate, _lost(layout, 2))
    assert [f.code for f in found] == ["collapsed_sigma", "not_identified"]
    negbin = draw("exposure_negbin").built()
    estimate = _found()
    estimate.flat = negbin.layout.unreport(np.array(PARTS["exposure_negbin"].params))
    psi = _block(negbin.layout, "log_psi", 0).start
    assert [f.code for f in room.examine(negbin.layout, negbin.panel, estimate, _lost(negbin.layout, psi))] == [
        "no_overdispersion"]
    leaving = draw("dropout0").built()
    estimate.flat = leaving.layout.unreport(np.array([1, 0.5, 1, 0.5, -1, -1, 0.8, 0.2]))
    found = room.examine(leaving.layout, leaving.panel, estimate, _lost(leaving.layout))
    assert [f.code for f in found] == ["few_waves", "twin_groups"]  # most have left after two


# -- curves and people -------------------------------------------------------------------------------------------------


def _ending(rng, n=40, times=12):
    """Counts of two groups; the second rises, and from time 9 on nobody of it has any."""
    t = np.arange(float(times))
    low = rng.poisson(0.3, (3 * n, times))
    high = np.where(t < 9, rng.poisson(np.exp(0.25 * t), (n, times)), 0)
    return np.vstack([low, high])


def test_a_curve_that_leaves_its_data_is_told_with_both_means_and_the_way_out():
    """A zero part common to all groups takes the zeros of all; the rate may then end anywhere."""
    y = _ending(np.random.default_rng(0))
    res, codes = fit_and_codes(y, groups=2, order=[0, 1], family="zip", fit={"n_starts": 8})
    assert "curve_leaves_data" in codes
    said = message_of(res, "curve_leaves_data")
    assert res.document["warnings"][codes.index("curve_leaves_data")]["group"] == 2
    fitted = res.predict([11.0])["estimate"].iloc[1]
    assert f"at 11 the fitted mean of y is {fitted:.3g}, the observed mean of the group 0 (40 people)" in said
    for part in ("9, 10, 11: ", "iorder", "another order", "spline"):
        assert part in said
    _, codes = fit_and_codes(y, groups=2, order=[0, 2], iorder=[0, 3], family="zip", fit={"n_starts": 8})  # the way out
    assert "curve_leaves_data" not in codes


def test_a_line_through_a_curve_is_told_and_the_right_order_is_not():
    rng = np.random.default_rng(1)
    t = np.arange(9.0)
    y = np.vstack([3 + rng.normal(0, 0.5, (60, 9)), 0.5 * (t - 4) ** 2 + rng.normal(0, 0.5, (60, 9))])
    res, codes = fit_and_codes(y, groups=2, order=[0, 1], fit={"n_starts": 8})
    assert codes.count("curve_leaves_data") == 1
    assert "zero part" not in message_of(res, "curve_leaves_data")
    _, codes = fit_and_codes(y, groups=2, order=[0, 2], fit={"n_starts": 8})
    assert codes == []


def test_moments_are_those_of_the_people_weighted_by_their_posterior():
    drawn = draw("exposure")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = drawn.built().fit(n_starts=4)
    built = drawn.built()
    layout, m = built.layout, built.panel.outcomes[0]
    p = res.posterior.to_numpy()
    seen = agreement.moments(layout, 0, layout.outcomes[0], m, res.document["internal"]["params"], p)
    rate = np.stack([np.interp(m.time, g["t"], g["estimate"]) for _, g in res.predict().rename(
        columns={res.time_name: "t"}).groupby("group")]) * m.exposure
    own = p[m.subject].T
    for j, t in enumerate(seen.times):
        at = m.time == t
        np.testing.assert_allclose(seen.observed[:, j], (own * m.y)[:, at].sum(1) / own[:, at].sum(1), rtol=1e-9)
        np.testing.assert_allclose(seen.fitted[:, j], (own * rate)[:, at].sum(1) / own[:, at].sum(1), rtol=1e-9)
    np.testing.assert_allclose(seen.pearson, (own * (m.y - rate) ** 2 / rate).sum() / own.sum(), rtol=1e-9)


@pytest.mark.parametrize(("family", "better"), [("poisson", "negbin"), ("zip", "zinb"), ("hurdle", "hurdle_negbin")])
def test_counts_far_more_spread_than_poisson_are_told(family, better):
    rng = np.random.default_rng(2)
    mean = np.repeat([2.0, 12.0], 80)[:, None]
    y = rng.negative_binomial(1.0, 1 / (1 + mean), (160, 6)).astype(float)
    res, codes = fit_and_codes(y, groups=2, order=0, family=family, fit={"n_starts": 6})
    assert "overdispersed" in codes
    assert f"Use family '{better}'" in message_of(res, "overdispersed")
    _, codes = fit_and_codes(y, groups=1, order=0, family="negbin", fit={"n_starts": 2})
    assert "overdispersed" not in codes
    _, codes = fit_and_codes(rng.poisson(mean, (160, 6)), groups=2, order=0, family="poisson", fit={"n_starts": 4})
    assert codes == []


def test_a_group_of_a_few_people_is_told():
    rng = np.random.default_rng(3)
    y = np.vstack([rng.normal(0, 1, (97, 5)), rng.normal(12, 1, (3, 5))])
    res, codes = fit_and_codes(y, groups=2, order=0, fit={"n_starts": 4})
    assert codes == ["small_group"]
    assert "Group 2, 3 % or about 3 of 100 people" in message_of(res, "small_group")
    _, codes = fit_and_codes(np.vstack([y, rng.normal(12, 1, (6, 5))]), groups=2, order=0, fit={"n_starts": 4})
    assert codes == []


def test_a_share_whose_interval_reaches_zero_is_told():
    """Two groups that overlap: the second is likely, not sure."""
    rng = np.random.default_rng(8)
    y = np.vstack([rng.normal(0, 1, (110, 2)), rng.normal(1.2, 1, (10, 2))])
    res, _codes = fit_and_codes(y, groups=2, order=0, fit={"n_starts": 6})
    lower = res.group_shares["lower"]
    told = [w["group"] for w in res.document["warnings"] if w["code"] in ("share_reaches_zero", "small_group")]
    assert told == lower.index[lower <= 0].tolist() != []


def test_more_parameters_than_people_is_told():
    y = np.random.default_rng(0).normal(size=(6, 20)) + np.repeat([0.0, 9.0], 3)[:, None]
    _, codes = fit_and_codes(y, groups=2, order=2, fit={"n_starts": 3})
    assert "more_parameters_than_people" in codes
    _, codes = fit_and_codes(y, groups=2, order=0, fit={"n_starts": 3})  # 4 parameters
    assert "more_parameters_than_people" not in codes


@pytest.mark.parametrize(("clusters", "told"), [(4, True), (40, False)])
def test_few_clusters_are_told(clusters, told):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(80, 4)) + np.repeat([0.0, 6.0], 40)[:, None]
    cluster = rng.permutation(np.arange(80) % clusters)
    res, codes = fit_and_codes(y, groups=2, order=0, cluster=cluster, fit={"n_starts": 2})
    assert codes == ["few_clusters"] * told
    if told:
        assert "4 clusters leave 3 degrees of freedom for the standard errors of 4 parameters" in res.warnings[0]


def test_what_clusters_agree_in_has_no_standard_error():
    """As many of each group in every cluster: between clusters the share does not vary."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(80, 4)) + np.repeat([0.0, 30.0], 40)[:, None]
    res, codes = fit_and_codes(y, groups=2, order=0, cluster=np.arange(80) % 20, fit={"n_starts": 2})
    assert codes == ["no_variance"]
    assert np.isnan(res.bse["theta[2]"])
    assert np.isnan(res.group_shares["std err"]).all()
    assert np.isfinite(res.bse.drop("theta[2]")).all()


# -- membership --------------------------------------------------------------------------------------------------------


def _by_membership(values, n=200):
    """Two clear groups; ``values(group, rng)`` is a covariate of each person."""
    rng = np.random.default_rng(5)
    group = np.arange(n) % 2
    x = values(group, rng)
    rows = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(np.arange(4.0), n), "x": np.repeat(x, 4)})
    rows["y"] = np.repeat(6.0 * group, 4) + rng.normal(size=4 * n)
    rows["other"] = np.repeat(rng.normal(size=n), 4)
    return rows


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (lambda g, r: np.where((g == 1) & (r.random(g.size) < 0.1), "a rare one", "usual"),  # the reference level
         ["with x = a rare one nobody is in group 1"]),
        (lambda g, r: np.where((g == 0) & (r.random(g.size) < 0.1), "zzz", "usual"),
         ["with x = zzz nobody is in group 2"]),
        (lambda g, r: np.where(g == 1, r.random(g.size) < 0.5, 0) * 1.0, ["with x = 1 nobody is in group 1"]),
        (lambda g, r: 2.0 * g + r.random(g.size), ["all of group 1 have x up to", "all of group 2"]),
    ],
)
def test_a_covariate_that_separates_the_groups_is_named_with_its_level(values, parts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = gbtm.GBTM.from_formula(
            "y ~ t", data=_by_membership(values), id="id", groups=2, order=0, risk="~ x + other").fit(n_starts=2)
    codes = [w["code"] for w in res.document["warnings"]]
    assert codes == ["separated_membership"]
    for part in [*parts, "x out of risk", *res.bse.index[res.bse.isna()]]:
        assert part in res.warnings[0]
    assert "order" not in res.warnings[0]
    assert "fewer groups" not in res.warnings[0]


def test_nothing_is_said_of_levels_that_all_groups_have():
    mixed = _by_membership(lambda g, r: np.where(r.random(g.size) < 0.5, "a", "b"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gbtm.GBTM.from_formula("y ~ t", data=mixed, id="id", groups=2, order=0, risk="~ x + other").fit(n_starts=2)


def test_many_findings_of_one_kind_are_one_sentence():
    one = [room.Finding("small_group", g, f"Group {g} is small.", (f"a[{g}]",)) for g in range(1, 21)]
    other = room.Finding("overdispersed", None, "Counts.")
    assert room.summed_up([*one[:3], other]) == [*one[:3], other]
    found = room.summed_up([*one, other])
    assert [f.code for f in found] == ["small_group", "overdispersed"]
    assert found[0].message.startswith("Group 1 is small. The same is true of 19 further groups: 2, 3, 4, ")
    assert found[0].parameters == tuple(f"a[{g}]" for g in range(1, 21))


def test_twins_in_number_are_told_by_their_sets():
    layout = gbtm.GBTM(np.random.default_rng(0).normal(size=(50, 3)), range(3), groups=7, order=0).layout
    found = room._twin_sets(layout, [(0, 2), (2, 5), (0, 5), (1, 6)])
    assert found.message.startswith("Groups 1, 3 and 6; and 2 and 7 have the same curve, set by set: ")
    assert "tell 4 of 7 groups apart" in found.message


def test_nobody_leaves_one_of_the_groups():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(80, 6)) + np.repeat([0.0, 8.0], 40)[:, None]
    for row in y[:40]:
        row[rng.integers(2, 7):] = np.nan
    res, codes = fit_and_codes(y, groups=2, order=0, dropout=0, fit={"n_starts": 2})
    assert codes == ["dropout_at_bound"]
    assert "In group 2 nobody drops out: drop0[2] runs to infinity" in res.warnings[0]
    _, codes = fit_and_codes(y, groups=2, order=0, dropout=[0, -1], fit={"n_starts": 2})  # the way out
    assert "dropout_at_bound" not in codes
