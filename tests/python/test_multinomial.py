"""The multinomial family: against statsmodels, the logit, numpy written out, and derivatives against autograd."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch

import gbtm
from gbtm.errors import DataError, SpecificationError
from gbtm.families.base import Family
from gbtm.families.multinomial import Multinomial
from gbtm.inference.equal_curves import equal_curves, equal_slopes
from gbtm.recipes.code import code_for

LABELS = ["home", "at work", "school"]
QUICK = {"rng": 0, "n_starts": 4}
FAMILY = Multinomial((1, 2, 5))
U = {"mean": np.linspace(-3, 4, 7), "level3": np.linspace(1, -2, 7)}


def drawn(n=160, waves=6, seed=1):
    """Two groups of people, of whom one leaves category 2 for 3 and the other 3 for 2, and a covariate."""
    rng = np.random.default_rng(seed)
    t, w = np.tile(np.arange(waves) * 1.0, (n, 1)), rng.normal(size=(n, waves))
    one = (np.arange(n) % 2 == 1)[:, None]
    second = np.where(one, 1.5 - 0.7 * t, -1.5 + 0.5 * t) + 0.5 * w
    third = np.where(one, -2.0 + 0.6 * t, 1.0 - 0.4 * t)
    weight = np.exp(np.stack([0 * t, second, third], -1))
    p = weight / weight.sum(-1, keepdims=True)
    y = (rng.random((n, waves, 1)) > p.cumsum(-1)[..., :-1]).sum(-1)
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": t.ravel(), "y": y.ravel() + 1.0, "w": w.ravel()})


TABLE = drawn()


def model(data=TABLE, formula="y ~ t", groups=2, **options):
    options = {"order": 1, "family": "multinomial", **options}
    return gbtm.GBTM.from_formula(formula, data, id="id", groups=groups, **options)


@pytest.fixture(scope="module")
def fit():
    return model(tcov=["w"]).fit(**QUICK)


def by_hand(u):
    """P(category) (..., C) from the definition."""
    weight = np.exp(np.stack([0 * u["mean"], u["mean"], u["level3"]], axis=-1))
    return weight / weight.sum(-1, keepdims=True)


def curves_by_hand(params, group, t, w=0.0, levels=("2", "3")):
    """P(category) (T, C) from a fit's parameters."""
    eta = [params[f"intercept:{c}[{group}]"] + params[f"t:{c}[{group}]"] * t + w * params.get(f"w:{c}[{group}]", 0.0)
           for c in levels]
    weight = np.exp(np.stack([0 * t, *eta], axis=-1))
    return weight / weight.sum(-1, keepdims=True)


# -- the family -------------------------------------------------------------------------------------------------------


def test_density_and_distribution_are_the_definitions():
    p = by_hand(U)
    np.testing.assert_allclose(FAMILY.probabilities(U), p, rtol=1e-13)
    np.testing.assert_allclose(FAMILY.log_odds(U), np.log(p / (1 - p)), rtol=1e-10)
    for c, code in enumerate(FAMILY.codes):
        y = np.full(7, code)
        np.testing.assert_allclose(FAMILY.log_density(y, U), np.log(p[:, c]), rtol=1e-12)
        for name, slope in FAMILY.probability_gradient(U, c).items():
            ends = [FAMILY.probabilities({**U, name: U[name] + h})[:, c] for h in (1e-5, -1e-5)]
            np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, atol=1e-9)


def test_closed_derivatives_are_autograds():
    u = {name: torch.from_numpy(v) for name, v in U.items()}
    for name, slope in Family.slopes(FAMILY, u).items():
        torch.testing.assert_close(FAMILY.slopes(u)[name], slope, rtol=1e-10, atol=1e-12)
    closed, plain = FAMILY.curvatures(u), Family.curvatures(FAMILY, u)
    assert set(closed) == set(plain)
    for pair, value in plain.items():
        torch.testing.assert_close(closed[pair], value, rtol=1e-9, atol=1e-12)


def test_draws_are_of_the_categories_in_their_shares():
    u = {name: np.full(40000, v[3]) for name, v in U.items()}
    y = FAMILY.simulate(u, np.random.default_rng(0))
    np.testing.assert_allclose([(y == c).mean() for c in FAMILY.codes], by_hand(U)[3], atol=0.01)


# -- the fit ----------------------------------------------------------------------------------------------------------


def test_one_group_is_a_multinomial_regression():
    """Log-likelihood, coefficients and standard errors of statsmodels' MNLogit."""
    res = model(groups=1, tcov=["w"]).fit(rng=0)
    other = sm.MNLogit(TABLE["y"].astype(int), sm.add_constant(TABLE[["t", "w"]])).fit(disp=0, tol=1e-12)
    names = [[f"{x}:{c}[1]" for c in (2, 3)] for x in ("intercept", "t", "w")]
    assert res.llf == pytest.approx(other.llf, abs=1e-6)
    np.testing.assert_allclose([res.params[n] for n in names], other.params, atol=1e-6)
    np.testing.assert_allclose([res.bse[n] for n in names], other.bse, atol=1e-6)


def test_two_categories_are_a_logit():
    two = TABLE.assign(y=1.0 * (TABLE["y"] == 2))
    logit, other = (model(two, family=f, tcov=["w"]).fit(rng=0) for f in ("logit", "multinomial"))
    assert other.llf == pytest.approx(logit.llf, abs=1e-9)
    np.testing.assert_allclose(other.params, logit.params, atol=1e-7)
    np.testing.assert_allclose(other.bse, logit.bse, rtol=1e-6)
    ours = other.predict([0.0, 2.5]).query("level == '1'").set_index(["group", "t"]).drop(columns="level")
    pd.testing.assert_frame_equal(ours, logit.predict([0.0, 2.5]).set_index(["group", "t"]), atol=1e-7)
    errors = [gbtm.cross_validate(r, folds=3, n_starts=1).absolute_error for r in (logit, other)]
    assert errors[0] == pytest.approx(errors[1], abs=1e-6)


def test_the_likelihood_of_a_mixture_is_numpys():
    res = model().fit(**QUICK)
    log_l = np.zeros((160, 2))
    for k in (1, 2):
        p = curves_by_hand(res.params, k, TABLE["t"].to_numpy())
        chosen = p[np.arange(len(TABLE)), TABLE["y"].astype(int) - 1]
        log_l[:, k - 1] = np.bincount(TABLE["id"], np.log(chosen))
    assert res.llf == pytest.approx(np.log(np.exp(log_l) @ res.group_set.shares).sum(), abs=1e-8)


def test_each_category_has_its_own_curve_and_effects(fit):
    wanted = [f"{x}:{c}[{g}]" for c in (2, 3) for g in (1, 2) for x in ("intercept", "t", "w")]
    assert list(fit.params.index) == [*wanted, "theta[2]"]
    assert len(set(fit.document["traj_names"])) == len(fit.params)


def test_the_search_finds_what_many_starts_find():
    data = drawn(n=90, seed=4)
    assert model(data, groups=3).fit(rng=0).llf == pytest.approx(
        model(data, groups=3).fit(rng=1, n_starts=150).llf, abs=1e-6)


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["text", "unordered", "ordered"])
def test_categories_have_their_own_names(dtype, tmp_path):
    text = TABLE["y"].map(dict(enumerate(LABELS, start=1)))
    levels = sorted(LABELS) if dtype == "text" else LABELS
    y = text if dtype == "text" else pd.Categorical(text, categories=LABELS, ordered=dtype == "ordered")
    data = TABLE.assign(y=y)
    res = model(data).fit(**QUICK)
    assert res.llf == pytest.approx(model().fit(**QUICK).llf, abs=1e-6)
    assert list(res.params.index[:2]) == [f"intercept:{levels[1]}[1]", f"t:{levels[1]}[1]"]
    assert list(res.predict([0.0])["level"]) == levels * 2
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    some = data[data["id"] < 3]
    np.testing.assert_allclose(again.classify(some)["probability"].to_numpy().reshape(-1, 2),
                               res.posterior.to_numpy()[:3], atol=1e-8)
    pd.testing.assert_frame_equal(again.predict(), res.predict())
    ahead = again.forecast(some, steps=1).table
    assert list(ahead.columns[-3:]) == [f"p_{c}" for c in levels]


def test_wide_columns_of_text_have_one_set_of_levels():
    text = TABLE.assign(y=TABLE["y"].map(dict(enumerate(LABELS, start=1))))
    wide = text.pivot(index="id", columns="t", values="y")
    wide.columns = [f"y{int(c)}" for c in wide.columns]
    wide = wide.reset_index().assign(**{f"t{i}": float(i) for i in range(6)})
    columns = {"y": [f"y{i}" for i in range(6)], "t": [f"t{i}" for i in range(6)]}
    res = gbtm.GBTM.from_formula("y ~ t", wide, id="id", groups=2, order=1, family="multinomial", wide=columns)
    assert res.fit(**QUICK).llf == pytest.approx(model().fit(**QUICK).llf, abs=1e-6)


def test_other_levels_in_new_data_are_refused():
    text = TABLE.assign(y=TABLE["y"].map(dict(enumerate(LABELS, start=1))))
    res = model(text).fit(**QUICK)
    with pytest.raises(DataError, match="levels"):
        res.classify(text.head(6).assign(y="prison"))


def test_names_with_signs_give_way_to_numbers():
    data = TABLE.assign(y=pd.Categorical(TABLE["y"].map({1.0: "<18", 2.0: "18+", 3.0: "a = b"})))
    res = model(data).fit(**QUICK)
    assert list(res.params.index[:2]) == ["intercept:2[1]", "t:2[1]"]
    assert set(res.predict([0.0])["level"]) == {"<18", "18+", "a = b"}


def test_names_are_read_in_tests_and_constraints():
    data = TABLE.assign(y=pd.Categorical.from_codes(TABLE["y"].astype(int) - 1, LABELS))
    res = model(data).fit(**QUICK)
    p, cov = res.params, res.cov_params()
    a, b = "t:at work[1]", "t:school[2]"
    test = res.wald_test(f"{a} = {b}")
    variance = cov.loc[a, a] + cov.loc[b, b] - 2 * cov.loc[a, b]
    assert test.statistic == pytest.approx((p[a] - p[b]) ** 2 / variance, rel=1e-8)
    assert res.delta(f"exp({a})").estimate.iloc[0] == pytest.approx(np.exp(p[a]))
    held = model(data, constraints=[f"{a} = {b}", "intercept:school[2] < 2"]).fit(**QUICK)
    assert held.params[a] == pytest.approx(held.params[b], abs=1e-9)
    assert held.llf < res.llf


# -- probabilities ----------------------------------------------------------------------------------------------------


def test_predictions_are_the_probabilities_of_the_formula(fit):
    table = fit.predict([0.0, 3.0], tcov=1.0)
    for group in (1, 2):
        wanted = curves_by_hand(fit.params, group, np.array([0.0, 3.0]), w=1.0)
        got = table.loc[table["group"] == group, "estimate"].to_numpy().reshape(2, 3)
        np.testing.assert_allclose(got, wanted, rtol=1e-7)
    alone = gbtm.level_probabilities(fit, [0.0, 3.0], tcov=1.0)
    np.testing.assert_allclose(alone["probability"], table["estimate"], rtol=1e-12)
    assert not alone["level"].cat.ordered


def test_bands_are_the_delta_methods_on_log_odds(fit):
    """Standard errors against numerical derivatives in the reported parameters."""
    names, cov = list(fit.params.index), fit.cov_params().to_numpy()

    def p(params):
        return curves_by_hand(pd.Series(params, names), 1, np.array([2.0]), w=0.5)[0]

    at, h = fit.params.to_numpy(), 1e-6
    slopes = np.stack([(p(at + h * e) - p(at - h * e)) / (2 * h) for e in np.eye(at.size)], axis=1)
    se = np.sqrt(np.diag(slopes @ cov @ slopes.T))
    own = fit.predict([2.0], tcov=0.5).query("group == 1")
    np.testing.assert_allclose(own["std err"], se, rtol=1e-5)
    odds = np.log(own["estimate"] / (1 - own["estimate"]))
    reach = 1.959964 * own["std err"] / (own["estimate"] * (1 - own["estimate"]))
    np.testing.assert_allclose(own["lower"], 1 / (1 + np.exp(reach - odds)), rtol=1e-5)
    np.testing.assert_allclose(own["upper"], 1 / (1 + np.exp(-reach - odds)), rtol=1e-5)


def test_the_bootstraps_curves_and_pooled_ones_are_of_each_category(fit):
    curves = gbtm.bootstrap(fit, n=4, rng=0).curves([0.0, 2.0])
    pd.testing.assert_series_equal(curves["estimate"], fit.predict([0.0, 2.0])["estimate"])
    assert ((curves["lower"] >= 0) & (curves["upper"] <= 1)).all()
    pooled = gbtm.pool([fit, fit]).predict([0.0, 2.0])
    np.testing.assert_allclose(pooled["std err"], fit.predict([0.0, 2.0])["std err"], rtol=1e-8)


def test_the_figure_has_a_panel_per_group_and_a_name_per_category(fit):
    figure = fit.plot()
    assert len(figure.axes) == 2
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["3", "2", "1"]
    assert len({tuple(c.get_facecolor()[0]) for c in figure.axes[0].collections}) == 3


def test_forecasts_give_the_probabilities_and_the_log_score():
    res = model().fit(**QUICK)
    found = res.forecast(TABLE[TABLE["id"] < 2], steps=1, times=[6.0])
    p = np.stack([curves_by_hand(res.params, k, np.array([6.0]))[0] for k in (1, 2)])
    wanted = res.posterior.to_numpy()[:2] @ p
    np.testing.assert_allclose(found.table[["p_1", "p_2", "p_3"]], wanted, rtol=1e-6)
    np.testing.assert_allclose(found.log_score([3, 1]), np.log([wanted[0, 2], wanted[1, 0]]), rtol=1e-6)
    with pytest.raises(SpecificationError, match="order"):
        found.cdf([1])
    check = gbtm.forecast_check(res, against=(), folds=2, n_starts=1)
    assert check.table["log score"].iloc[0] > np.log(1 / 3)
    with pytest.raises(SpecificationError, match="categories"):
        gbtm.forecast_check(res)


def test_equal_curves_compare_the_curves_of_all_categories():
    res = model().fit(**QUICK)
    test = equal_curves(res)
    assert test.df == 4
    by_text = res.wald_test(", ".join(f"{x}:{c}[1] = {x}:{c}[2]" for c in (2, 3) for x in ("intercept", "t")))
    assert test.statistic == pytest.approx(by_text.statistic, rel=1e-6)
    assert equal_slopes(res).df == 2


# -- beside other parts -----------------------------------------------------------------------------------------------


def test_beside_another_outcome_it_has_the_likelihood_of_both():
    """With one group the sum of the two fits."""
    table = TABLE.assign(z=np.random.default_rng(5).normal(size=len(TABLE)))
    outcomes = [gbtm.Outcome("y ~ t", family="multinomial", order=1), gbtm.Outcome("z ~ t", order=1)]
    both = gbtm.GBTM.from_formula(outcomes, table, id="id", groups=1).fit(**QUICK)
    alone = [model(table, f"{y} ~ t", 1, family=f).fit(**QUICK).llf
             for y, f in (("y", "multinomial"), ("z", "normal"))]
    assert both.llf == pytest.approx(sum(alone), abs=1e-7)
    assert "y: t:3[1]" in both.params.index
    table = both.predict([0.0])
    assert table["level"].notna().sum() == 3
    dual = gbtm.GBTM.from_formula(outcomes, TABLE.assign(z=TABLE["w"]), id="id", groups=(2, 2)).fit(**QUICK)
    assert np.isfinite(dual.llf)


def test_a_categorical_is_an_outcome_among_several(tmp_path):
    names = ["none", "part", "full"]
    table = TABLE.assign(z=np.random.default_rng(5).normal(size=len(TABLE)))
    named = table.assign(y=pd.Categorical.from_codes(table["y"].astype(int) - 1, names))
    outcomes = [gbtm.Outcome("z ~ t", order=1), gbtm.Outcome("y ~ t", family="multinomial", order=1)]
    by_number, by_name = (gbtm.GBTM.from_formula(outcomes, t, id="id", groups=1).fit(**QUICK) for t in (table, named))
    assert by_name.llf == by_number.llf
    assert "y: t:part[1]" in by_name.params.index
    by_name.save(tmp_path / "fit.json")
    people = named["id"] < 3
    for res in (by_name, gbtm.load(tmp_path / "fit.json")):
        pd.testing.assert_frame_equal(res.classify(named[people]), by_number.classify(table[people]))
        assert list(gbtm.level_probabilities(res.of_outcome("y"), [0.0])["level"]) == names
    fewer = named[people & named["y"].ne("full")].assign(y=lambda t: t["y"].cat.remove_categories(["full"]))
    with pytest.raises(DataError, match="its levels are none, part"):
        by_name.classify(fewer)
    for options in ({}, {"grid": True}):
        with pytest.raises(SpecificationError, match="'y' has categories"):
            by_name.plot(**options)
    columns = [f"{y}{t:g}" for y in ("y", "z") for t in sorted(named["t"].unique())]
    wide = named.pivot(index="id", columns="t", values=["y", "z"])
    wide.columns = columns
    wide = wide.astype({c: pd.CategoricalDtype(names) if c[0] == "y" else float for c in columns}).reset_index()
    laid = gbtm.GBTM.from_formula(outcomes, wide, id="id", groups=1, wide={
        "y": "y*", "z": "z*", "t": sorted(named["t"].unique())}).fit(**QUICK)
    assert laid.llf == pytest.approx(by_name.llf, abs=1e-8)


def test_a_basis_and_simulated_people():
    res = model(formula="y ~ bs(t, df=3)", order=None).fit(**QUICK)
    sums = res.predict([0.5, 2.0]).groupby(["group", "t"])["estimate"].sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)
    people = res.simulate(rng=1)
    assert set(people["y"]) == {1.0, 2.0, 3.0}


def test_separated_groups_are_told_of():
    never = TABLE.assign(y=np.where((TABLE["id"] % 2 == 1) & (TABLE["y"] == 3), 1.0, TABLE["y"]))
    with pytest.warns(gbtm.GBTMWarning, match="odds of a category against the first are 0"):
        res = model(never).fit(**QUICK)
    assert any("prior='weak'" in w for w in res.warnings)


@pytest.mark.parametrize("ask", [
    lambda res: res.fittedvalues, lambda res: res.resid, lambda res: res.observed_means, lambda res: res.resid_pearson,
    lambda res: gbtm.residual_checks(res), lambda res: res.plot_groups(), lambda res: res.plot(individuals=True),
    lambda res: res.plot_matrix()])
def test_what_needs_a_mean_is_refused(fit, ask):
    with pytest.raises(SpecificationError, match="no mean") as caught:
        ask(fit)
    assert caught.value.code == "no_mean"


@pytest.mark.parametrize(("options", "word"), [
    ({"dropout": 1}, "dropout"), ({"tcov": "lag('y')"}, "lag"),
    ({"order": None, "curve": gbtm.Network(2)}, "hidden units"), ({"ar1": True}, "ar1"), ({"rorder": 0}, "rorder"),
    ({"exposure": "w"}, "exposure"), ({"order": -1}, "order")])
def test_what_does_not_go_with_categories_is_refused(options, word):
    with pytest.raises(SpecificationError, match=word) as caught:
        model(**options)
    assert caught.value.way_out


@pytest.mark.parametrize("change", [{"y": 1.5}, {"y": 1.0}, {"y": TABLE["t"] * 30 + TABLE["id"]}])
def test_what_are_no_categories_is_refused(change):
    with pytest.raises(DataError) as caught:
        model(TABLE.assign(**change))
    assert caught.value.way_out


def test_dropout_without_the_outcome_goes_with_it():
    seen = TABLE[TABLE["t"] < 3 + TABLE["id"] % 4]
    assert np.isfinite(model(seen, dropout=0).fit(**QUICK).llf)


def test_the_report_has_its_figure_and_no_mean_of_categories(fit, tmp_path):
    gbtm.grolts_report(fit, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "probabilities of the categories" in text
    assert "Add a plot of the estimated mean trajectories" not in text
    assert "y is 1 in " in text
    assert "Mean y" not in text


@pytest.mark.parametrize("family", ["multinomial", "ordinal"])
def test_the_code_of_a_fit_reads_its_levels_in_their_order(family, tmp_path):
    y = pd.Categorical.from_codes(TABLE["y"].astype(int) - 1, LABELS, ordered=family == "ordinal")
    data = TABLE.assign(y=y)
    res = model(data, family=family).fit(rng=0, n_starts=2)
    data.to_csv(tmp_path / "d.csv", index=False)
    made: dict = {}
    exec(code_for(res, "Python", str(tmp_path / "d.csv"), None), made)
    pd.testing.assert_series_equal(made["res"].params, res.params, atol=1e-6)
    ordered = ", ordered = TRUE" if family == "ordinal" else ""
    assert f'factor(data[["y"]], levels = c("home", "at work", "school"){ordered})' in code_for(res, "R", "d.csv", None)


def test_text_in_any_array_of_pandas_is_the_same():
    named = TABLE.assign(y=TABLE.y.map(lambda v: f"level {v:g}", na_action="ignore"))
    kinds = [named.y.astype(object), named.y.astype("string"), named.y.astype("category")]
    with contextlib.suppress(ImportError):
        kinds.append(named.y.astype(object).convert_dtypes(dtype_backend="pyarrow"))
    fits = [model(named.assign(y=y)).fit(n_starts=1) for y in kinds]
    assert len({res.llf for res in fits}) == 1
    assert fits[-1].classify(named.head(12)).equals(fits[0].classify(named.assign(y=kinds[-1]).head(12)))
