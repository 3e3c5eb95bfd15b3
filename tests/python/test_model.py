"""The model a user builds: one group against statsmodels, what fits must be invariant to, starts, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gbtm
import oracle
from conftest import FEW_STARTS, TRUTH, arguments, build, long_table, true_data
from gbtm import GBTM, DataError, SpecificationError
from gbtm.fit.start_values import read_start
from parts import PARTS, draw

# -- one group: a known regression ------------------------------------------------------------------------------------


def _one_group(family, y, time, subject, order, **more):
    table = long_table(subject, time, y)
    return GBTM.from_formula("y ~ t", table, id="id", groups=1, order=order, family=family, **more)


def _data(seed=0, n=60, waves=6):
    rng = np.random.default_rng(seed)
    subject, time = np.repeat(np.arange(n), waves), np.tile(np.arange(waves) * 1.5 + 3, n)
    return rng, subject, time, np.stack([np.ones_like(time), time, time**2], axis=1)


def test_one_normal_group_is_ols():
    rng, subject, time, x = _data()
    y = x @ [2.0, 0.5, -0.03] + rng.normal(0, 0.7, time.size)
    res = _one_group("normal", y, time, subject, 2).fit()
    ols = sm.OLS(y, x).fit()
    assert res.llf == pytest.approx(ols.llf, rel=1e-12)
    np.testing.assert_allclose(res.params[:3], ols.params, rtol=1e-9)
    sigma = np.sqrt(ols.ssr / y.size)
    assert res.params["sigma"] == pytest.approx(sigma, rel=1e-10)
    np.testing.assert_allclose(res.bse[:3], ols.bse * np.sqrt(ols.df_resid / y.size), rtol=1e-9)
    assert res.bse["sigma"] == pytest.approx(sigma / np.sqrt(2 * y.size), rel=1e-9)


def test_one_logit_group_is_logistic_regression():
    rng, subject, time, x = _data(1)
    y = (rng.random(time.size) < 1 / (1 + np.exp(-(x @ [-3.0, 0.8, -0.04])))).astype(float)
    res = _one_group("logit", y, time, subject, 2).fit()
    fit = sm.Logit(y, x).fit(disp=0, tol=1e-12)
    assert res.llf == pytest.approx(fit.llf, rel=1e-11)
    np.testing.assert_allclose(res.params, fit.params, rtol=1e-6)
    np.testing.assert_allclose(res.bse, fit.bse, rtol=1e-6)


def test_one_poisson_group_is_poisson_regression():
    rng, subject, time, x = _data(2)
    y = rng.poisson(np.exp(x @ [0.5, 0.2, -0.01])).astype(float)
    res = _one_group("poisson", y, time, subject, 2).fit()
    fit = sm.Poisson(y, x).fit(disp=0, tol=1e-12)
    assert res.llf == pytest.approx(fit.llf, rel=1e-11)
    np.testing.assert_allclose(res.params, fit.params, rtol=1e-6)
    np.testing.assert_allclose(res.bse, fit.bse, rtol=1e-6)
    np.testing.assert_allclose(res.cov_params(), fit.cov_params(), rtol=1e-5, atol=1e-12)


def test_one_zip_group_is_zero_inflated_regression():
    rng, subject, time, x = _data(3, n=120)
    y = rng.poisson(np.exp(x[:, :2] @ [0.6, 0.1])) * (rng.random(time.size) > 1 / (1 + np.exp(1.5 - 0.15 * time)))
    res = _one_group("zip", y.astype(float), time, subject, 1, iorder=1).fit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sm.ZeroInflatedPoisson(y, x[:, :2], exog_infl=x[:, :2]).fit(disp=0, maxiter=500, gtol=1e-9)
    assert res.llf >= fit.llf - 1e-8
    assert res.llf == pytest.approx(fit.llf, abs=1e-6)
    theirs = np.concatenate([fit.params[2:], fit.params[:2]])
    np.testing.assert_allclose(res.params, theirs, rtol=2e-4, atol=2e-4)
    # statsmodels' own Hessian of this model is approximate; differences of its log-likelihood are not
    information = -oracle.fd_hessian(fit.model.loglike, np.concatenate([res.params[2:], res.params[:2]]))
    bse = np.sqrt(np.diag(np.linalg.inv(information)))
    np.testing.assert_allclose(res.bse, np.concatenate([bse[2:], bse[:2]]), rtol=1e-5)


def test_one_censored_group_beats_every_neighbour():
    """statsmodels has no tobit: compare with a direct search from the truth."""
    from scipy.optimize import minimize

    model = oracle.Model("cnorm", (1,), lower=0.0, upper=5.0)
    rng = np.random.default_rng(4)
    subject, time, y, _ = oracle.simulate(model, [0.5, 1.0, 1.5], 80, [0, 1, 2, 3, 4], rng)
    res = _one_group("cnorm", y, time, subject, 1, min=0, max=5).fit()
    f = lambda x: -oracle.loglik(model, x, subject, time, y) if x[2] > 0 else np.inf  # noqa: E731
    found = minimize(f, [0.5, 1.0, 1.5], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000})
    assert res.llf == pytest.approx(-found.fun, abs=1e-8)
    np.testing.assert_allclose(res.params, found.x, rtol=1e-5)


# -- what a fit must be invariant to ----------------------------------------------------------------------------------


def _fit(table, name, **change):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        model = GBTM.from_formula("y ~ t", table, id="id", **{**arguments(TRUTH[name][0]), **change})
        return model.fit(rng=0, n_starts=FEW_STARTS)


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip_common", "logit"])
def test_permuted_rows_and_subjects(name, fitted):
    table = long_table(*true_data(name)).sample(frac=1.0, random_state=3)
    res, base = _fit(table, name), fitted(name)
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.posterior.sort_index(), base.posterior.sort_index(), atol=1e-6)


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip_common", "logit"])
def test_rescaled_and_shifted_time(name, fitted):
    """t -> 2000 + 12 t: same curves, same likelihood; a slope is divided by 12."""
    table = long_table(*true_data(name))
    res, base = _fit(table.assign(t=2000 + 12 * table["t"]), name), fitted(name)
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    if name in ("poisson", "zip_common", "logit"):
        assert res.params["t[1]"] == pytest.approx(base.params["t[1]"] / 12, rel=1e-5, abs=1e-8)
        assert res.bse["t[1]"] == pytest.approx(base.bse["t[1]"] / 12, rel=1e-5)
    np.testing.assert_allclose(
        res.predict([2000, 2018, 2048])["estimate"], base.predict([0, 1.5, 4])["estimate"], rtol=1e-5
    )
    np.testing.assert_allclose(
        res.predict([2000, 2018, 2048])["std err"], base.predict([0, 1.5, 4])["std err"], rtol=1e-4
    )


@pytest.mark.parametrize("name", ["normal", "normal_sbg", "cnorm"])
def test_rescaled_and_shifted_outcome(name, fitted):
    """y -> 50 + 1000 y: the density of each uncensored value is divided by 1000."""
    table = long_table(*true_data(name))
    bounds = {}
    uncensored = len(table)
    if name == "cnorm":
        bounds = {"min": 50.0, "max": 6050.0}
        uncensored = int(((table["y"] > 0) & (table["y"] < 6)).sum())
    res, base = _fit(table.assign(y=50 + 1000 * table["y"]), name, **bounds), fitted(name)
    assert res.llf == pytest.approx(base.llf - uncensored * np.log(1000), abs=1e-7)
    sigmas = [n for n in base.params.index if n.startswith("sigma")]
    np.testing.assert_allclose(res.params[sigmas], 1000 * base.params[sigmas], rtol=1e-6)
    np.testing.assert_allclose(res.bse[sigmas], 1000 * base.bse[sigmas], rtol=1e-5)
    assert res.params["intercept[2]"] == pytest.approx(50 + 1000 * base.params["intercept[2]"], rel=1e-6)
    assert res.params["t[2]"] == pytest.approx(1000 * base.params["t[2]"], rel=1e-5)


@pytest.mark.parametrize("name", ["normal", "zip_common"])
def test_every_subject_twice(name, fitted):
    table = long_table(*true_data(name))
    res, base = _fit(pd.concat([table, table.assign(id=table["id"] + 1000)]), name), fitted(name)
    assert res.llf == pytest.approx(2 * base.llf, rel=1e-10)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse, base.bse / np.sqrt(2), rtol=1e-5)


def test_one_more_zero_in_the_ids_changes_nothing(fitted):
    table = long_table(*true_data("normal"))
    res = _fit(table.assign(id=[f"subject {i:04d}" for i in table["id"]]), "normal")
    assert res.llf == fitted("normal").llf
    assert res.ids[0] == "subject 0001"


def test_wide_long_and_arrays_are_one_model(fitted):
    subject, time, y = true_data("normal")
    matrix = y.reshape(-1, 5)
    kw = arguments(TRUTH["normal"][0])
    wide = pd.DataFrame(matrix, columns=[f"y{j}" for j in range(5)]).assign(**{f"t{j}": j for j in range(5)})
    base = fitted("normal")
    models = [
        GBTM(matrix, np.arange(5.0), **kw), GBTM(matrix, np.tile(np.arange(5.0), (80, 1)), **kw),
        GBTM(y, time, subject, **kw),
        GBTM.from_formula("out ~ when", wide, wide={"out": "y?", "when": "t?"}, **kw),
        GBTM.from_formula("out ~ when", wide, wide={"out": "y*", "when": [0, 1, 2, 3, 4]}, **kw),
    ]
    fits = [model.fit(rng=0, n_starts=FEW_STARTS) for model in models]
    for res in fits:
        assert res.llf == base.llf
        np.testing.assert_array_equal(res.params.to_numpy(), base.params.to_numpy())
    assert fits[3].outcome_name == "out"
    assert fits[3].time_name == "when"
    assert list(fits[3].params.index)[1] == "when[1]"


def test_missing_outcomes_are_ignored_not_imputed(fitted):
    table = long_table(*true_data("normal"))
    holes = pd.concat([table, pd.DataFrame({"id": [1, 2, 999], "t": [9.0, 9.0, 1.0], "y": [np.nan] * 3})])
    res = _fit(holes, "normal")
    assert res.llf == fitted("normal").llf
    assert res.document["dropped"]["missing_outcome"] == 3
    assert "999" in res.document["dropped"]["sentence"]


def test_cnorm_without_bounds_and_with_bounds_far_away_is_normal(fitted):
    table = long_table(*true_data("normal"))
    for bounds in ({}, {"min": -1e6, "max": 1e6}):
        res = _fit(table, "normal", family="cnorm", **bounds)
        assert res.llf == pytest.approx(fitted("normal").llf, abs=1e-8)
        np.testing.assert_allclose(res.params, fitted("normal").params, rtol=1e-6)


def test_zip_with_no_zero_part_in_either_group_is_poisson(fitted):
    """iorder -1 in one group: that group is Poisson; the other's zero part can only help."""
    table = long_table(*true_data("poisson"))
    res = _fit(table, "poisson", family="zip", iorder=[-1, 0])
    assert res.llf >= fitted("poisson").llf - 1e-8


def test_a_formula_basis_that_is_the_polynomial(fitted):
    table = long_table(*true_data("normal"))
    base = _fit(table, "normal", order=2)
    res = GBTM.from_formula("y ~ t + I(t**2)", table, id="id", groups=2).fit()
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse, base.bse, rtol=1e-5)


def test_a_spline_basis_predicts_between_the_waves():
    table = long_table(*true_data("normal"))
    res = GBTM.from_formula("y ~ bs(t, df=4)", table, id="id", groups=2).fit()
    assert res.df_model == 2 * 5 + 2
    assert np.isfinite(res.predict([0.5, 3.25])[["estimate", "std err"]]).all(axis=None)
    full = _fit(table, "normal", order=4)  # 5 times: both are saturated
    assert res.llf == pytest.approx(full.llf, abs=1e-8)


# -- determinism ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["normal_sbg", "zip_own", "logit"])
def test_same_seed_same_digits(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        a, b = (build(name).fit(rng=11, n_starts=8) for _ in range(2))
    assert a.llf == b.llf
    np.testing.assert_array_equal(a.params.to_numpy(), b.params.to_numpy())
    np.testing.assert_array_equal(a.cov_params().to_numpy(), b.cov_params().to_numpy())
    np.testing.assert_array_equal(a.posterior.to_numpy(), b.posterior.to_numpy())
    pd.testing.assert_frame_equal(a.start_report, b.start_report)


def test_same_digits_on_any_number_of_threads(fitted):
    import torch

    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            res = build("zip_own").fit(rng=0, n_starts=FEW_STARTS)
            np.testing.assert_array_equal(res.params.to_numpy(), fitted("zip_own").params.to_numpy())
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("rng", "names"), [
    (1, ("normal", "zip_own", "logit")), *[pytest.param(seed, TRUTH, marks=pytest.mark.slow) for seed in (1, 2, 3)]])
def test_the_search_finds_the_same_optimum_with_other_seeds(rng, names, fitted):
    for name in names:
        res = build(name).fit(rng=rng)
        assert res.llf == pytest.approx(fitted(name).llf, abs=1e-6)
        np.testing.assert_allclose(res.params, fitted(name).params, rtol=1e-3, atol=1e-4)  # labels too


def test_groups_are_sorted_by_mean_fitted_outcome():
    rng = np.random.default_rng(0)
    level = np.repeat([5.0, -3.0, 1.0], 30)
    y = level[:, None] + rng.normal(0, 0.3, size=(90, 4))
    res = GBTM(y, [0, 1, 2, 3], groups=3, order=0).fit()
    assert res.params[:3].is_monotonic_increasing
    np.testing.assert_allclose(res.params[:3], [-3, 1, 5], atol=0.2)


def test_the_fit_does_not_touch_the_users_table_or_global_random_state():
    table = long_table(*true_data("normal"))
    copy = table.copy(deep=True)
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    import torch

    torch.manual_seed(5)
    state = torch.get_rng_state().clone()
    _fit(table, "normal")
    pd.testing.assert_frame_equal(table, copy)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), state)


# -- start= -----------------------------------------------------------------------------------------------------------


def test_start_at_the_optimum_stays(fitted):
    base = fitted("zip_own")
    k = base.n_groups
    percent = 100 * base.group_shares["share"].to_numpy()
    for start in (
        base, base.params, base.params.sample(frac=1.0, random_state=0), base.params.to_numpy(), list(base.params),
        np.concatenate([base.params.to_numpy()[: -(k - 1)], percent]),
    ):
        res = build("zip_own").fit(start=start)
        assert res.llf == pytest.approx(base.llf, abs=1e-9)
        np.testing.assert_allclose(res.params, base.params, rtol=1e-6, atol=1e-7)
        assert res.start_report.attrs["n_starts"] == 1
        assert "start values given" in res.start_report.attrs["sentence"]


@pytest.mark.parametrize(
    "reference",
    [1, 2, 3],
)
def test_percentages_in_start_are_the_groups_whatever_the_reference(reference):
    y = np.repeat([0.0, 4, 8], [10, 30, 60])[:, None] + np.random.default_rng(0).normal(size=(100, 4))
    built = GBTM(y, range(4), groups=3, order=0, refgroup=reference)
    flat, _ = read_start([0.0, 4, 8, 1, 10, 30, 60], built.prepared)
    np.testing.assert_allclose(built.layout.shares(flat), [[0.1, 0.3, 0.6]], rtol=1e-12)


def test_percentages_in_start_do_not_go_with_membership_covariates():
    base = draw("risk").built().fit(n_starts=4)
    start = [*base.params.iloc[:-2], 30.0, 30.0, 40.0]
    with pytest.raises(SpecificationError, match="start"):
        draw("risk").built().fit(start=start)


def test_a_start_elsewhere_climbs_to_its_own_optimum():
    """From traj's estimates on the Toronto-like problem: no other start is tried."""
    base = build("normal").fit()
    start = base.params.copy()
    start["intercept[2]"] += 0.5
    start["sigma"] *= 2
    res = build("normal").fit(start=start)
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    assert res.start_report["hits"].sum() == 1


@pytest.mark.parametrize(
    "start", [[1.0, 2.0], np.full(7, np.nan), pd.Series([1.0], index=["nothing"]), [1, 2, 3, 4, 5, 1, 60, 60]],
    ids=["short", "nan", "unknown names", "percentages over 100"],
)
def test_bad_starts(start):
    with pytest.raises(SpecificationError, match="start") as e:
        build("normal").fit(start=start)
    assert (e.value.code, e.value.argument) == ("bad_start", "start")
    assert "intercept[1], t[1]" in e.value.way_out


def test_a_negative_sigma_in_start_is_refused(fitted):
    start = fitted("normal").params.copy()
    start["sigma"] = -1.0
    with pytest.raises(SpecificationError, match="start"):
        build("normal").fit(start=start)


def _grown(name: str, family_args: dict, start):
    table = long_table(*true_data(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return GBTM.from_formula("y ~ t", table, id="id", **family_args).fit(start=start, n_starts=2)


@pytest.mark.parametrize(
    ("name", "small", "large"),
    [
        ("normal", {"groups": 2, "order": 1}, {"groups": 3, "order": 1}),
        ("normal_sbg", {"groups": 2, "order": 1, "sigma_by_group": True},
         {"groups": 3, "order": 1, "sigma_by_group": True}),
        ("zip_own", {"groups": 2, "order": 1, "iorder": [0, 0], "family": "zip"},
         {"groups": 3, "order": 1, "iorder": [0, 0, 0], "family": "zip"}),
        ("zip_common", {"groups": 2, "order": 1, "family": "zip"}, {"groups": 3, "order": [1, 1, 0], "family": "zip"}),
        ("logit", {"groups": 2, "order": 1, "family": "logit"}, {"groups": 3, "order": 1, "family": "logit"}),
        ("poisson", {"groups": 2, "order": 1, "family": "poisson"},
         {"groups": 3, "order": [1, 1, 2], "family": "poisson"}),
        ("cnorm", {"groups": 1, "order": 1, "family": "cnorm", "min": 0, "max": 6},
         {"groups": 2, "order": 1, "family": "cnorm", "min": 0, "max": 6}),
    ],
)
def test_one_more_group_from_a_fit_never_ends_lower(name, small, large):
    small_fit = _grown(name, small, None)
    large_fit = _grown(name, large, small_fit)
    assert large_fit.llf >= small_fit.llf - 1e-9


def test_a_smaller_fit_of_another_model_is_refused(fitted):
    subject, time, y = true_data("normal")
    model = GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", groups=3, order=2)
    with pytest.raises(SpecificationError, match="start: the smaller fit is not this model") as e:
        model.fit(start=fitted("normal"))
    assert e.value.code == "bad_start"


# -- refusals ---------------------------------------------------------------------------------------------------------


def _refused(kind, code, argument, call, *fragments):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.argument == argument
    assert str(argument) in str(caught.value)
    assert caught.value.way_out
    for f in fragments:
        assert f in str(caught.value)


@pytest.mark.parametrize(
    ("family", "values", "more"),
    [
        ("poisson", [-1.0, 2.5], {}), ("zip", [-1.0, 2.5], {}), ("logit", [2.0, 0.5], {}),
        ("cnorm", [-0.5, 9.0], {"min": 0, "max": 8}),
    ],
)
def test_outcomes_a_family_cannot_take(family, values, more):
    table = pd.DataFrame({"id": [1, 1, 2, 2], "t": [1, 2, 1, 2], "y": [1.0, values[0], 0.0, values[1]]},
                         index=list("pqrs"))
    _refused(
        DataError, "bad_outcome", "y",
        lambda: GBTM.from_formula("y ~ t", table, id="id", groups=1, order=0, family=family, **more),
        "2 values", "row q (id 1, t 2)", "row s (id 2, t 2)", family,
    )


def test_a_bad_outcome_that_looks_like_a_code_for_missing_is_told():
    """The first counts -9 twice; in the second -4 is no such code, and in the third there are none but counts."""
    for values, said in (([-9.0, -9.0], True), ([-4.0, 2.0], False), ([2.5, 99.0], False)):
        y = [1.0, values[0], 0.0, values[1], 3.0, 2.0]
        table = pd.DataFrame({"id": [1, 1, 2, 2, 3, 3], "t": [1, 2] * 3, "y": y})
        with pytest.raises(DataError) as caught:
            GBTM.from_formula("y ~ t", table, id="id", groups=1, order=0, family="poisson")
        assert caught.value.code == "bad_outcome"
        assert ("-9 (2 times) looks like a code for a missing value" in caught.value.way_out) == said
        assert "Round or recode them." in caught.value.way_out


def test_bad_outcome_in_wide_data_tells_the_column():
    wide = pd.DataFrame({"c1": [1.0, 0.0], "c2": [0.0, -4.0]}, index=["r1", "r2"])
    columns = {"out": "c*", "t": [1, 2]}
    _refused(
        DataError, "bad_outcome", "out",
        lambda: GBTM.from_formula("out ~ t", wide, wide=columns, groups=1, order=0, family="poisson"),
        "row r2, column 'c2'", "-4",
    )


def test_values_beyond_a_bound_count_as_at_it_only_when_asked():
    subject, time, y = true_data("cnorm")
    beyond = y + np.where(y >= 6, 1.0, 0.0) - np.where(y <= 0, 0.5, 0.0)
    kw = arguments(TRUTH["cnorm"][0])
    asked = GBTM.from_formula("y ~ t", long_table(subject, time, beyond), id="id", censor_beyond=True, **kw).fit()
    plain = GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **kw).fit()
    assert asked.llf == plain.llf
    with pytest.raises(DataError, match="censor_beyond"):
        GBTM.from_formula("y ~ t", long_table(subject, time, beyond), id="id", **kw)


def test_censor_beyond_with_one_bound():
    subject, time, y = true_data("cnorm")
    kw = {**arguments(TRUTH["cnorm"][0]), "max": None}
    model = GBTM.from_formula("y ~ t", long_table(subject, time, y - 0.25), id="id", censor_beyond=True, **kw)
    assert model.panel.outcomes[0].y.min() == 0


def test_other_refusals():
    table = long_table(*true_data("normal"))
    fit = lambda formula="y ~ t", data=table, **kw: GBTM.from_formula(  # noqa: E731
        formula, data, **{"id": "id", "groups": 2, **kw}
    )
    _refused(SpecificationError, "no_id", "id", lambda: fit(id=None))
    _refused(SpecificationError, "bad_formula", "formula", lambda: fit("y"))
    _refused(SpecificationError, "bad_formula", "formula", lambda: fit("y ~ "))
    _refused(SpecificationError, "bad_formula", "formula", lambda: fit("y ~ t ~ id"))
    _refused(SpecificationError, "bad_formula", "formula", lambda: fit("y ~ bs(t, df=4) + id"), "t, id")
    _refused(SpecificationError, "bad_formula", "formula", lambda: fit("y ~ bs(nothing)"), "none")
    _refused(DataError, "unknown_column", "z", lambda: fit("z ~ t"))
    _refused(DataError, "unknown_column", "z", lambda: fit("y ~ z"))
    _refused(DataError, "unknown_column", "who", lambda: fit(id="who"))
    _refused(SpecificationError, "order_or_basis", "order", lambda: fit("y ~ bs(t, df=4)", order=2))
    _refused(SpecificationError, "order_too_high", "order", lambda: fit(order=5), "t has 5")
    _refused(SpecificationError, "too_few_subjects", "groups", lambda: fit(data=table[table["id"] <= 2], groups=3))
    _refused(DataError, "constant_outcome", "y", lambda: fit(data=table.assign(y=3.5)), "3.5")
    _refused(DataError, "no_data", "y", lambda: fit(data=table.assign(y=np.nan)))
    _refused(DataError, "duplicate_time", "t", lambda: fit(data=pd.concat([table, table.head(2)])))


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("rng", -1, "bad_seed"), ("rng", 1.5, "bad_seed"), ("rng", None, "bad_seed"), ("rng", True, "bad_seed"),
        ("n_starts", 0, "bad_n_starts"), ("n_starts", -3, "bad_n_starts"), ("n_starts", True, "bad_n_starts"),
        ("n_starts", 2.5, "bad_n_starts"), ("n_starts", "many", "bad_n_starts"), ("max_starts", 0, "bad_max_starts"),
        ("time_budget", "long", "bad_time_budget"), ("device", "nonsense", "bad_device"),
        ("cov_type", "huber", "bad_cov_type"), ("cov_type", "cluster", "bad_cov_type"),
    ],
)
def test_bad_fit_options(option, value, code):
    _refused(SpecificationError, code, option, lambda: build("normal").fit(**{option: value}))


def test_arrays_of_the_wrong_shape():
    y = np.zeros((4, 3))
    _refused(DataError, "wave_mismatch", "time", lambda: GBTM(y, [1, 2], groups=1))
    _refused(DataError, "bad_shape", "y", lambda: GBTM(y.ravel(), np.zeros(12), groups=1))
    _refused(DataError, "bad_shape", "y", lambda: GBTM(np.zeros((2, 2, 2)), [1, 2], groups=1))
    _refused(DataError, "bad_shape", "y", lambda: GBTM(y.ravel(), np.zeros(11), np.zeros(12), groups=1))


def test_arrays_that_are_no_numbers():
    _refused(DataError, "not_numeric", "y", lambda: GBTM([["a", "b"], ["c", "d"]], [1, 2], groups=1))
    _refused(DataError, "not_numeric", "time", lambda: GBTM(np.zeros((2, 2)), ["first", "second"], groups=1))


def test_ids_of_wide_arrays_are_checked():
    y = np.random.default_rng(0).normal(size=(4, 3))
    _refused(DataError, "bad_shape", "id", lambda: GBTM(y, range(3), [1, 2, 3], groups=1, order=0))
    _refused(DataError, "duplicate_id", "id", lambda: GBTM(y, range(3), [1, 2, 2, 3], groups=1, order=0))


def test_a_fit_of_another_model_is_no_start(fitted):
    """Not the same parameters: a larger model, another family."""
    subject, time, y = true_data("normal")
    table = long_table(subject, time, y)
    one = GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1)
    with pytest.raises(SpecificationError, match="start"):
        one.fit(start=fitted("normal"))
    counts = table.assign(y=np.abs(np.round(table["y"])))
    other = GBTM.from_formula("y ~ t", counts, id="id", groups=2, order=[1, 2], family="poisson")
    with pytest.raises(SpecificationError, match="start"):
        other.fit(start=fitted("normal"))
    with pytest.raises(SpecificationError, match="start"):
        one.fit(start="somewhere")


def test_a_smaller_fit_of_another_family_is_no_start():
    """Poisson and logit fits have parameters of the same names."""
    table = long_table(*true_data("logit"))
    smaller = GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family="poisson").fit()
    larger = GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, family="logit")
    _refused(SpecificationError, "bad_start", "start", lambda: larger.fit(start=smaller))


def test_a_search_that_ended_by_itself_is_not_called_cut_short():
    assert not build("normal").fit(n_starts=1, time_budget=1e-9).search.out_of_time


@pytest.mark.parametrize("level", [1.5, -0.1, 1.0, 95])
def test_a_level_that_is_no_probability(level, fitted):
    _refused(SpecificationError, "bad_level", "level", lambda: fitted("normal").predict([1.0], level=level))


# -- progress ---------------------------------------------------------------------------------------------------------


def test_progress_is_told_and_silence_is_silent(capfd):
    told = []
    build("normal").fit(progress=lambda what, seconds: told.append((what, seconds)))
    assert any(what.startswith("starts 1 to") for what, _ in told)
    assert told[-1][0] == "standard errors"
    seconds = [s for _, s in told]
    assert seconds == sorted(seconds)
    build("normal").fit(progress=False)
    assert capfd.readouterr() == ("", "")


def test_an_interrupt_in_the_progress_callback_ends_the_fit():
    def stop(what, seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build("normal").fit(progress=stop)


def test_the_time_budget_is_asked_inside_climbs():
    """Of the runs that climb, the best alone goes on, for a few steps: here to its maximum."""
    full = build("zip_own").fit(n_starts=20, rng=2)
    with pytest.warns(gbtm.GBTMWarning, match="time budget"):
        res = build("zip_own").fit(n_starts=20, rng=2, time_budget=1e-9)
    assert res.search.out_of_time
    assert sum(o.converged for o in res.search.optima) == 1
    assert res.llf <= full.llf + 1e-6


def test_time_budget_is_reported():
    with pytest.warns(gbtm.GBTMWarning, match="time budget"):
        res = build("zip_own").fit(time_budget=0.0)
    assert any(w["code"] == "out_of_time" for w in res.document["warnings"])
    assert res.converged


# -- one group with covariates, exposure and weights ------------------------------------------------------------------


def _covariates(seed, n=60, waves=6):
    """A regression with two covariates: rng, subject, time, covariates, and the whole design."""
    rng, subject, time, x = _data(seed, n, waves)
    w = np.column_stack([rng.normal(3, 2, time.size), rng.integers(0, 2, time.size)])
    return rng, subject, time, w, np.hstack([x[:, :2], w])


def _with(family, y, time, subject, w, **more):
    table = long_table(subject, time, y).assign(w=w[:, 0], u=w[:, 1], **more.pop("columns", {}))
    return GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family=family, tcov=["w", "u"], **more)


def test_one_normal_group_with_covariates_is_ols():
    rng, subject, time, w, x = _covariates(10)
    y = x @ [2.0, 0.5, -0.3, 1.0] + rng.normal(0, 0.7, time.size)
    res = _with("normal", y, time, subject, w).fit()
    ols = sm.OLS(y, x).fit()
    assert list(res.params.index) == ["intercept[1]", "t[1]", "w[1]", "u[1]", "sigma"]
    assert res.llf == pytest.approx(ols.llf, rel=1e-12)
    np.testing.assert_allclose(res.params[:4], ols.params, rtol=1e-9)
    np.testing.assert_allclose(res.bse[:4], ols.bse * np.sqrt(ols.df_resid / y.size), rtol=1e-9)
    assert res.params["sigma"] == pytest.approx(np.sqrt(ols.ssr / y.size), rel=1e-10)


def test_one_poisson_group_with_exposure_is_a_regression_with_an_offset():
    rng, subject, time, w, x = _covariates(11)
    exposure = rng.uniform(0.1, 5, time.size)
    y = rng.poisson(exposure * np.exp(x @ [0.5, 0.1, -0.1, 0.4])).astype(float)
    res = _with("poisson", y, time, subject, w, columns={"e": exposure}, exposure="e").fit()
    glm = sm.GLM(y, x, family=sm.families.Poisson(), offset=np.log(exposure)).fit(tol=1e-13)
    assert res.llf == pytest.approx(glm.llf, rel=1e-11)
    np.testing.assert_allclose(res.params, glm.params, rtol=1e-7)
    np.testing.assert_allclose(res.cov_params(), glm.cov_params(), rtol=1e-6, atol=1e-12)


def test_one_negbin_group_with_exposure_is_a_regression_with_an_offset():
    rng, subject, time, w, x = _covariates(12)
    exposure = rng.uniform(0.1, 5, time.size)
    mu = exposure * np.exp(x @ [0.5, 0.1, -0.1, 0.4])
    y = rng.poisson(mu * rng.gamma(2, 1 / 2, mu.size)).astype(float)
    res = _with("negbin", y, time, subject, w, columns={"e": exposure}, exposure="e").fit()
    # its own starts end early; from our estimates it finds nothing to gain
    fit = sm.NegativeBinomial(y, x, offset=np.log(exposure)).fit(start_params=res.params.to_numpy(), disp=0, gtol=1e-6)
    assert res.llf == pytest.approx(fit.llf, rel=1e-11)
    np.testing.assert_allclose(res.params, fit.params, rtol=1e-6)
    np.testing.assert_allclose(res.cov_params(), fit.cov_params(), rtol=1e-5, atol=1e-9)


def test_one_logit_group_with_covariates_is_logistic_regression():
    rng, subject, time, w, x = _covariates(13)
    y = (rng.random(time.size) < 1 / (1 + np.exp(-(x @ [-1.0, 0.1, -0.3, 0.8])))).astype(float)
    res = _with("logit", y, time, subject, w).fit()
    fit = sm.Logit(y, x).fit(disp=0, tol=1e-12)
    assert res.llf == pytest.approx(fit.llf, rel=1e-11)
    np.testing.assert_allclose(res.params, fit.params, rtol=1e-6)
    np.testing.assert_allclose(res.cov_params(), fit.cov_params(), rtol=1e-5, atol=1e-12)


def test_robust_errors_of_one_group_are_those_of_subjects_as_clusters():
    """statsmodels' clustered errors without its small-sample factors."""
    rng, subject, time, w, x = _covariates(14)
    y = rng.poisson(np.exp(x @ [0.5, 0.1, -0.1, 0.4] + rng.normal(0, 0.5, 60)[subject])).astype(float)
    model = _with("poisson", y, time, subject, w)
    clustered = {"groups": subject, "use_correction": False, "df_correction": False}
    glm = sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-13, cov_type="cluster", cov_kwds=clustered)
    robust = model.fit(cov_type="robust")
    np.testing.assert_allclose(robust.cov_params(), glm.cov_params(), rtol=1e-6, atol=1e-12)
    assert (robust.bse > 1.1 * model.fit().bse).all()
    school = subject % 15
    table = long_table(subject, time, y).assign(w=w[:, 0], u=w[:, 1], school=school)
    res = GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family="poisson", tcov=["w", "u"],
                            cluster="school").fit()
    glm = sm.GLM(y, x, family=sm.families.Poisson()).fit(
        tol=1e-13, cov_type="cluster", cov_kwds={**clustered, "groups": school})
    np.testing.assert_allclose(res.cov_params(), glm.cov_params() * 15 / 14, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("family", ["poisson", "logit", "normal"])
def test_weights_of_one_group_are_frequencies(family):
    rng, subject, time, w, x = _covariates(15)
    eta = x @ [0.5, 0.05, -0.1, 0.4]
    kinds = {
        "poisson": (sm.families.Poisson(), rng.poisson(np.exp(eta))),
        "logit": (sm.families.Binomial(), rng.random(eta.size) < 1 / (1 + np.exp(-eta))),
        "normal": (sm.families.Gaussian(), eta + rng.normal(size=eta.size)),
    }
    glm_family, y = kinds[family]
    weight = rng.uniform(0.2, 3, 60)
    own = (weight / weight.mean())[subject]
    model = _with(family, y.astype(float), time, subject, w, columns={"wt": weight[subject]}, weights="wt")
    res = model.fit(cov_type="hessian")
    glm = sm.GLM(y.astype(float), x, family=glm_family, freq_weights=own).fit(tol=1e-13)
    np.testing.assert_allclose(res.params[:4], glm.params, rtol=1e-7)
    if family == "normal":  # theirs is by the residual degrees of freedom
        sigma2 = (own * (y - x @ glm.params) ** 2).sum() / own.sum()
        assert res.params["sigma"] == pytest.approx(np.sqrt(sigma2), rel=1e-9)
        np.testing.assert_allclose(res.bse[:4], glm.bse * np.sqrt(sigma2 / glm.scale), rtol=1e-7)
    else:
        assert res.llf == pytest.approx(glm.llf, rel=1e-11)
        np.testing.assert_allclose(res.bse, glm.bse, rtol=1e-7)


# -- subjects held out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["risk", "everything", "tcov_cells"])
def test_subjects_held_out_do_not_affect_the_fit(name):
    """Not their outcomes, covariates, weights, or number."""
    drawn = draw(name)
    held = drawn.table["id"] % 3 == 0
    noise = {c: np.where(held, 50 * drawn.table[c] + 7, drawn.table[c]) for c in drawn.table if c[0] in "wzv"}
    table = drawn.table.assign(held=held.astype(int), **noise)
    model = drawn.built(data=table, out_of_sample="held")
    res, without = model.fit(n_starts=4), drawn.built(data=table[~held]).fit(n_starts=4)
    assert list(res.ids) == list(without.ids)
    assert res.llf == without.llf
    np.testing.assert_array_equal(res.params.to_numpy(), without.params.to_numpy())
    np.testing.assert_array_equal(res.cov_params().to_numpy(), without.cov_params().to_numpy())
    np.testing.assert_array_equal(res.posterior.to_numpy(), without.posterior.to_numpy())
    assert res.nobs == without.nobs
    scored = model.prepared.held_out
    assert set(scored.ids) == set(drawn.table["id"][held]) - set(scored.dropped.subjects)


def test_held_out_without_an_outcome_the_prior_is_told():
    """softmax(z theta) for whoever has no observation, in the order of the table; the fit does not see them."""
    drawn = draw("risk")
    z, known = [c for c in drawn.table if c[0] == "z"], drawn.table["id"].unique()
    held = drawn.table["id"].isin(known[:9])
    table = drawn.table.assign(held=held.astype(int))
    table.loc[table["id"].isin(known[[1, 4]]), "y"] = np.nan
    table.loc[table["id"] == known[6], ["y", *z]] = np.nan  # nothing is known of them
    with pytest.warns(gbtm.GBTMWarning, match=f"out_of_sample: 2 people have no .*{known[1]}, {known[4]}.*the prior"):
        res = drawn.built(data=table, out_of_sample="held").fit(n_starts=2)
    without = drawn.built(data=table[~held]).fit(n_starts=2)
    np.testing.assert_array_equal(res.params.to_numpy(), without.params.to_numpy())
    assert list(res.out_of_sample.index) == [i for i in known[:9] if i != known[6]]
    assert f"1 subject with a missing membership covariate, weight or cluster ({known[6]})" in res.dropped.sentence()
    theta = res.params[[n for n in res.params.index if n.startswith("theta")]].to_numpy()
    u = np.column_stack([np.ones(2), drawn.table.drop_duplicates("id").set_index("id").loc[known[[1, 4]], z]])
    u = u @ theta.reshape(res.n_groups - 1, -1).T
    expected = np.exp(np.column_stack([np.zeros(2), u]))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(res.out_of_sample.loc[known[[1, 4]]].to_numpy(), expected, rtol=1e-10)
    alone = table[~table["id"].isin(known[:9]) | table["id"].isin(known[[1, 4]])]
    only = drawn.built(data=alone, out_of_sample="held").fit(n_starts=2)
    np.testing.assert_allclose(only.out_of_sample.to_numpy(), expected, rtol=1e-10)


def test_everybody_held_out():
    y = np.random.default_rng(0).normal(size=(5, 3))
    _refused(DataError, "no_data", "out_of_sample", lambda: GBTM(y, range(3), groups=1, out_of_sample=np.ones(5)))


# -- all parts together -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_fitted_to_a_maximum_of_the_formula(name):
    """The likelihood is the oracle's at the estimates, and nothing is gained a little way off in any direction."""
    drawn = draw(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = drawn.built().fit(n_starts=8)
    assert res.converged
    assert np.isfinite(res.bse).all()
    at = res.params.to_numpy()
    assert res.llf == pytest.approx(drawn.loglik(at), rel=1e-12)
    assert res.llf >= drawn.loglik(np.array(PARTS[name].params, dtype=float))
    rng = np.random.default_rng(0)
    hessian = np.linalg.inv(drawn.built().fit(start=res, cov_type="hessian").cov_params())
    for _ in range(4):
        off = res.bse.to_numpy() * rng.normal(0, 0.02, at.size)
        lost = res.llf - drawn.loglik(at + off)
        assert lost == pytest.approx(0.5 * off @ hessian @ off, rel=0.2)


def test_start_from_a_fit_with_parts():
    base = draw("everything").built().fit(n_starts=4)
    res = draw("everything").built().fit(start=base.params)
    assert res.llf == pytest.approx(base.llf, abs=1e-9)
    smaller = draw("risk").built(groups=2, order=[1, 0]).fit(n_starts=4)
    larger = draw("risk").built().fit(start=smaller)
    assert larger.llf >= smaller.llf - 1e-9


def test_same_seed_same_digits_on_any_number_of_threads_with_parts():
    import torch

    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(draw("everything").built().fit(rng=3, n_starts=4))
    finally:
        torch.set_num_threads(before)
    one, two = found
    assert one.llf == two.llf
    np.testing.assert_array_equal(one.params.to_numpy(), two.params.to_numpy())
    np.testing.assert_array_equal(one.cov_params().to_numpy(), two.cov_params().to_numpy())


@pytest.mark.parametrize("none", ["~ 1", "~1", " ~ 1 "])
def test_the_constant_alone_is_no_membership_covariate(none):
    data = gbtm.datasets.two_groups(rng=0)
    model = GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, risk=none)
    assert model.layout.names == GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).layout.names


@pytest.mark.parametrize(
    ("column", "argument", "said"),
    [("male", "risk", "male is missing for 20 of the 20 people"),
     ("e", "exposure", "missing exposure"), ("x", "tcov", "missing time-varying covariate"),
     ("t", "t", "missing time"), ("y", "y", "missing outcome")],
)
def test_what_is_missing_is_blamed_for_the_lack_of_data(column, argument, said):
    n = 20
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 3), "t": np.tile(np.arange(3.0), n)})
    rng = np.random.default_rng(0)
    for name in ("y", "e", "x"):
        data[name] = 1.0 + rng.poisson(2.0, 3 * n)
    data["male"] = np.repeat(np.arange(n) % 2, 3).astype(float)
    data[column] = np.nan
    with pytest.raises(gbtm.DataError) as e:
        GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family="poisson", risk="male", tcov="x",
                          exposure="e")
    assert (e.value.code, e.value.argument) == ("no_data", argument)
    assert said in str(e.value)
