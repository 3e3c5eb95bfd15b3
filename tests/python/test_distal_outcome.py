"""``res.distal()``: who is joined to whom, what the formula says, what comes out, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import distal_cases as cases
import gbtm
from gbtm import DataError, GBTMWarning, SpecificationError

REFERENCE = pd.read_csv(cases.FOLDER / "step3_estimates.csv")


@pytest.fixture(scope="module")
def fit():
    return cases.fit_of("d2_zip_k3")


@pytest.fixture(scope="module")
def people():
    return cases.people("d2_zip_k3")


def said(model, method, assignment="modal", shares=None, data="d2_zip_k3"):
    """Estimates of the reference by name."""
    t = REFERENCE[(REFERENCE["data"] == data) & (REFERENCE["model"] == model) & (REFERENCE["method"] == method)
                  & (REFERENCE["assignment"] == assignment)]
    t = t[t["shares"].isna()] if shares is None else t[t["shares"] == shares]
    return t.set_index("parameter")


def test_people_are_joined_by_id_and_not_by_order(fit, people):
    shuffled = people.sample(frac=1, random_state=3).reset_index(drop=True)
    stranger = pd.DataFrame({"id": [10_001], "o_normal": [1e6]})
    out = fit.distal("o_normal ~ group", pd.concat([stranger, shuffled]))
    reference = said("normal_equal_sigma", "bch")
    np.testing.assert_allclose(out.params[["group[1]", "group[2]", "group[3]"]], reference["estimate"][:3], atol=1e-9)
    np.testing.assert_allclose(out.bse["group[1]"], reference["se_stacked"].iloc[0], rtol=1e-7)
    assert (out.nobs, out.n_step_one) == (472, 500)
    assert any("28 people" in n for n in out.notes)
    by_index = fit.distal("o_normal ~ group", people.set_index("id"))
    other_name = fit.distal("o_normal ~ group", people.rename(columns={"id": "pid"}), id="pid")
    for other in (by_index, other_name):
        pd.testing.assert_series_equal(other.params, out.params)


def test_rows_of_a_person_must_agree(fit, people):
    twice = pd.concat([people, people])
    pd.testing.assert_series_equal(
        fit.distal("o_binary ~ group", twice).params, fit.distal("o_binary ~ group", people).params)
    twice = pd.concat([people, people.assign(o_binary=1 - people["o_binary"])])
    with pytest.raises(DataError, match="differs between the rows") as error:
        fit.distal("o_binary ~ group", twice)
    assert error.value.code == "not_constant"
    assert "a row a person" in error.value.way_out


def test_ids_of_another_kind_are_said(fit, people):
    with pytest.raises(DataError, match=r"1 \(int\) there and 'p1' \(str\) here") as error:
        fit.distal("o_binary ~ group", people.assign(id="p" + people["id"].astype(str)))
    assert error.value.code == "no_id_matches"
    with pytest.raises(DataError, match="by which the fit knows people"):
        fit.distal("o_binary ~ group", people.drop(columns="id"))


def test_defaults_are_those_of_the_family_and_said(fit, people):
    normal = fit.distal("o_normal ~ group", people)
    binary = fit.distal("o_binary ~ group", people)
    assert (normal.method, normal.family, normal.assignment) == ("bch", "normal", "modal")
    assert (binary.method, binary.family) == ("ml", "logit")
    assert "Method BCH, the default" in str(normal.summary())
    assert "as the values say" in str(binary.summary())
    np.testing.assert_allclose(binary.params, said("binary", "ml", shares="free")["estimate"], atol=1e-9)
    with pytest.raises(SpecificationError, match="whole numbers") as error:
        fit.distal("o_count ~ group", people)
    assert error.value.code == "no_family"
    assert fit.distal("kind ~ group", people.assign(kind=people["o_nominal"].map({0: "a", 1: "b", 2: "c"}))
                      ).family == "nominal"


def test_probabilities_are_the_inverse_logits_with_their_intervals(fit, people):
    out = fit.distal("o_binary ~ group", people)
    eta, se = out.params[2:].to_numpy(), out.bse[2:].to_numpy()
    p = 1 / (1 + np.exp(-eta))
    np.testing.assert_allclose(out.groups["probability"], p, rtol=1e-12)
    np.testing.assert_allclose(out.groups["std err"], p * (1 - p) * se, rtol=1e-9)
    np.testing.assert_allclose(out.groups["lower"], 1 / (1 + np.exp(-(eta - stats.norm.isf(0.025) * se))), rtol=1e-9)
    assert (out.group_table(0.9)["lower"] > out.groups["lower"]).all()


def test_with_covariates_groups_are_averaged_over_everybody(fit, people):
    out = fit.distal("o_count ~ group + v1 + v2", people, family="poisson")
    g, v1, v2 = out.params[[f"group[{k}]" for k in (1, 2, 3)]].to_numpy(), out.params["v1"], out.params["v2"]
    rate = np.exp(g[:, None] + v1 * people["v1"].to_numpy() + v2 * people["v2"].to_numpy()).mean(axis=1)
    np.testing.assert_allclose(out.groups["rate"], rate, rtol=1e-10)


def test_interactions_are_slopes_within_groups(fit, people):
    """Naive and saturated in the group: the same as a regression in each group alone."""
    import statsmodels.api as sm

    out = fit.distal("o_binary ~ group * v1", people, method="naive")
    assert out.names == ["group[1]", "v1[1]", "group[2]", "v1[2]", "group[3]", "v1[3]"]
    group = fit.assignment.loc[people["id"]].to_numpy()
    for k in (1, 2, 3):
        here = people[group == k]
        alone = sm.Logit(here["o_binary"], sm.add_constant(here["v1"])).fit(disp=0)
        np.testing.assert_allclose(out.params[[f"group[{k}]", f"v1[{k}]"]], alone.params, atol=1e-7)
    slopes = out.test("v1")
    c = np.array([[0, -1, 0, 1, 0, 0], [0, -1, 0, 0, 0, 1]])
    v = out.cov_params().to_numpy()
    wald = (c @ out.params) @ np.linalg.solve(c @ v @ c.T, c @ out.params)
    np.testing.assert_allclose((slopes.statistic, slopes.df), (wald, 2), rtol=1e-9)
    assert out.test().df == 4
    with pytest.raises(SpecificationError, match="no coefficients in each group") as error:
        out.test("v2")
    assert error.value.code == "unknown_term"


def test_factors_and_crossed_terms_have_full_rank(fit, people):
    out = fit.distal("o_count ~ group * v1 + v1:C(v2) + C(v2)", people, family="poisson", method="naive")
    assert out.names[-2:] == ["C(v2)[T.1]", "v1:C(v2)[T.1]"]
    with pytest.raises(SpecificationError, match="follows from the other columns") as error:
        fit.distal("o_count ~ group + v1 + w", people.assign(w=2 * people["v1"] + 1), family="poisson")
    assert error.value.code == "collinear"


def test_omnibus_and_pairwise_tests_are_the_references(fit, people):
    tests = pd.read_csv(cases.FOLDER / "step3_tests.csv")
    for formula, model, method, shares, options in (
        ("o_normal ~ group + v1 + v2", "normal_equal_sigma_covariates", "bch", None, {}),
        ("o_binary ~ group + v1 + v2", "binary_covariates", "ml", "free", {}),
        ("Surv(o_time, o_event) ~ group + v1", "weibull", "ml", "free", {"family": "weibull"}),
    ):
        t = tests[(tests["data"] == "d2_zip_k3") & (tests["model"] == model) & (tests["method"] == method)
                  & (tests["assignment"] == "modal") & (tests["cov"] == "stacked")]
        t = t[t["shares"].isna()] if shares is None else t[t["shares"] == shares]
        out = fit.distal(formula, people, method=method, **options)
        whole = t[t["test"] == "all equal"].iloc[0]
        found = out.test()
        np.testing.assert_allclose((found.statistic, found.df), (whole["chi2"], whole["df"]), rtol=1e-7)
        np.testing.assert_allclose(found.pvalue, whole["p"], rtol=1e-5)
        pairs = t[t["test"] != "all equal"].dropna(subset=["difference"])
        mine = out.compare()
        np.testing.assert_allclose(np.sort(mine["difference"]), np.sort(pairs["difference"]), rtol=1e-7)
        np.testing.assert_allclose(np.sort(mine["std err"]), np.sort(pairs["se"]), rtol=1e-7)
    assert fit.distal("o_nominal ~ group", people, family="nominal").test().df == 4


def test_holm_and_odds_ratios(fit, people):
    from statsmodels.stats.multitest import multipletests

    out = fit.distal("o_binary ~ group + v1", people)
    pairs = out.compare()
    p = pairs["P>|z|"].to_numpy()
    np.testing.assert_allclose(pairs["p (holm)"], multipletests(p, method="holm")[1], rtol=1e-12)
    np.testing.assert_allclose(out.compare(adjust="bonferroni")["p (bonferroni)"], np.minimum(1, 3 * p), rtol=1e-12)
    ratios = out.odds_ratios(ref=2)
    assert list(ratios.index) == ["1 - 2", "3 - 2", "v1"]
    np.testing.assert_allclose(ratios["odds ratio"].iloc[0], np.exp(out.params["group[1]"] - out.params["group[2]"]))
    np.testing.assert_allclose(ratios.loc["v1", "upper"], np.exp(out.conf_int().loc["v1", 1]), rtol=1e-12)
    np.testing.assert_allclose(out.compare("reference", ref=3).loc["1 - 3", "difference"],
                               -pairs.loc["3 - 1", "difference"], rtol=1e-12)
    for ask, code in ((lambda: out.odds_ratios(ref=4), "bad_ref"), (lambda: out.compare("all"), "bad_which"),
                      (lambda: out.compare(adjust="fdr"), "bad_adjust"),
                      (lambda: fit.distal("o_normal ~ group", people).odds_ratios(), "no_ratio")):
        with pytest.raises(SpecificationError) as error:
            ask()
        assert error.value.code == code


def test_the_naive_answer_stands_beside(fit, people):
    out = fit.distal("o_normal ~ group", people)
    beside = out.beside_naive()
    np.testing.assert_allclose(
        beside["naive mean"], said("normal_equal_sigma", "naive")["estimate"][:3], atol=1e-9)
    spread = np.ptp(beside["naive mean"]) / np.ptp(beside["mean"])
    assert 0.5 < spread < 1, "ignoring the errors shrinks what groups differ by"


def test_reported_sigma_and_cuts_have_delta_method_errors(fit, people):
    reference = said("normal", "ml", shares="free")
    out = fit.distal("o_normal ~ group", people, method="ml")
    np.testing.assert_allclose(out.params["sigma[2]"], np.exp(reference.loc["log_sigma2", "estimate"]), rtol=1e-9)
    np.testing.assert_allclose(
        out.bse["sigma[2]"], out.params["sigma[2]"] * reference.loc["log_sigma2", "se_stacked"], rtol=1e-7)
    cuts = fit.distal("o_ordinal ~ group", people, family="ordinal").params.filter(like="cut[")
    gaps = said("ordinal", "ml", shares="free")["estimate"]
    np.testing.assert_allclose(cuts, np.cumsum([gaps["cut1"], np.exp(gaps["log_gap2"]), np.exp(gaps["log_gap3"])]),
                               rtol=1e-9)


def test_exposure_is_time_at_risk(fit, people):
    """A month at risk for all: rates a year are twelve times as high."""
    months = people.assign(years=1 / 12)
    plain = fit.distal("o_count ~ group", people, family="poisson").groups
    np.testing.assert_allclose(
        fit.distal("o_count ~ group", months, family="poisson", exposure="years").groups["rate"], 12 * plain["rate"])
    with pytest.raises(SpecificationError, match="has none"):
        fit.distal("o_binary ~ group", months, exposure="years")
    with pytest.raises(DataError, match="not above 0"):
        fit.distal("o_count ~ group", months.assign(years=0.0), family="poisson", exposure="years")


def test_a_negative_binomial_has_the_density_of_scipy(fit, people):
    import torch

    from gbtm.step_three.outcome_models import OUTCOME_MODELS

    y, exposure = np.array([0.0, 3, 7]), np.array([1.0, 2, 0.5])
    model = OUTCOME_MODELS["negbin"](y, 2, exposure=exposure)
    eta, psi = torch.tensor([[[0.2], [1.0]]]).double().expand(3, 2, 1), 0.7
    mu = exposure[:, None] * np.exp([0.2, 1.0])
    r = 1 / psi
    np.testing.assert_allclose(
        model.log_density(eta, torch.tensor([np.log(psi)])), stats.nbinom.logpmf(y[:, None], r, r / (r + mu)))
    assert fit.distal("o_count ~ group", people, family="negbin").params["psi"] > 0


@pytest.mark.parametrize(("formula", "options", "code"), [
    ("o_binary ~ v1", {}, "no_group"), ("o_binary", {}, "bad_formula"), ("~ group", {}, "bad_formula"),
    ("np.log(o_count) ~ group", {}, "bad_formula"), ("o_nothing ~ group", {}, "unknown_column"),
    ("Surv(o_time) ~ group", {}, "bad_formula"), ("o_binary ~ group", {"family": "probit"}, "bad_family"),
    ("o_time ~ group", {"family": "cox"}, "bad_family"), ("Surv(o_time, o_event) ~ group", {"family": "logit"},
                                                           "bad_family"),
    ("o_binary ~ group", {"method": "3step"}, "bad_method"), ("o_binary ~ group", {"shares": "no"}, "bad_shares"),
    ("o_binary ~ group", {"assignment": "random"}, "bad_assignment"), ("o_count ~ group", {"family": "logit"},
                                                                       "bad_outcome"),
    ("o_normal ~ group", {"family": "poisson"}, "bad_outcome"), ("text ~ group", {"family": "ordinal"}, "bad_outcome"),
    ("Surv(o_time, o_count) ~ group", {}, "bad_outcome"), ("Surv(minus, o_event) ~ group", {}, "bad_outcome"),
    ("one ~ group", {"family": "normal"}, "bad_outcome"), ("empty ~ group", {"family": "normal"}, "nobody"),
    ("y ~ group", {"family": "normal"}, "own_outcome"), ("o_binary ~ group + log(v1) + (", {}, "bad_formula"),
    ("o_binary ~ group", {"method": "bch", "covariance": "model"}, "bad_covariance"),
])
def test_what_cannot_be_done_is_said(fit, people, formula, options, code):
    table = people.assign(text="a", minus=-1.0, one=1.0, empty=np.nan, y=0.0)
    with pytest.raises((DataError, SpecificationError)) as error:
        fit.distal(formula, table, **options)
    assert error.value.code == code
    assert error.value.way_out


def test_a_proportion_that_is_none_is_said_and_ml_stays_inside(fit, people):
    """Hardly anybody assigned to group 1 has it, some of those assigned to group 2 do: corrected below zero."""
    group = fit.assignment.loc[people["id"]].to_numpy()
    rare = ((group == 2) & (people["id"] % 3 == 0)).astype(int)
    with pytest.raises(DataError, match="is no probability") as error:
        fit.distal("rare ~ group", people.assign(rare=rare), method="bch")
    assert error.value.code == "proportion_outside"
    with pytest.warns(GBTMWarning, match="all or nothing"):
        out = fit.distal("rare ~ group", people.assign(rare=rare))
    assert np.isnan(out.bse["group[1]"])
    assert out.bse["group[2]"] > 0
    assert out.groups["probability"].between(0, 1).all()
    assert np.isnan(out.groups["std err"][1])
    assert out.groups["std err"][2] > 0


def test_doubts_are_warnings_with_codes(fit, people):
    few = people[people["id"] <= 60]
    with pytest.warns(GBTMWarning, match="about .* people with a known outcome"):
        out = fit.distal("o_binary ~ group", few)
    assert {f.code for f in out.findings} == {"small_group"}
    with pytest.warns(GBTMWarning, match="before the trajectories end at 1"):
        fit.distal("o_binary ~ group", people, measured_at=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GBTMWarning)
        fit.distal("o_binary ~ group", people, measured_at=1)
    table = people.assign(when=np.where(people["id"] == 5, 0.2, 3.0))
    with pytest.warns(GBTMWarning, match="measured at 0.2"):
        fit.distal("o_binary ~ group", table, measured_at="when")


def test_poorly_told_groups_are_said():
    data = gbtm.datasets.two_groups(rng=1, n_per_group=60, periods=3)
    rng = np.random.default_rng(1)
    data["y"] += rng.normal(0, 4 * data["y"].std(), len(data))
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=0).fit(rng=0, n_starts=4)
    people = data.drop_duplicates("id").assign(o=lambda d: d["id"] % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GBTMWarning)
        out = res.distal("o ~ group", people, method="two-step")
    assert "low_entropy" in {f.code for f in out.findings}


def test_a_loaded_fit_gives_the_same(fit, people, tmp_path):
    fit.save(tmp_path / "fit.json")
    out = gbtm.load(tmp_path / "fit.json").distal("o_binary ~ group + v1", people)
    np.testing.assert_allclose(out.bse, fit.distal("o_binary ~ group + v1", people).bse, rtol=1e-9)


def test_weights_and_clusters_are_those_of_the_fit():
    table = cases.long_table("d1_normal_k2")
    table["w"], table["site"] = 1.0 + table["id"] % 3, table["id"] % 40
    res = gbtm.GBTM.from_formula(
        "y ~ time", table, id="id", groups=2, order=1, weights="w", cluster="site"
    ).fit(start=cases.step_one_of("d1_normal_k2")["params"])
    people = cases.people("d1_normal_k2")
    out = res.distal("o_normal ~ group", people)
    assert out.df_inference == 39
    assert "t(39)" in str(out.summary())
    assert out.test().df_denom == 39
    b = res.bch_weights().loc[people["id"]].to_numpy()
    seen = people["o_normal"].notna().to_numpy()
    means = (b[seen] * people["o_normal"].to_numpy()[seen, None]).sum(axis=0) / b[seen].sum(axis=0)
    np.testing.assert_allclose(out.groups["mean"], means, rtol=1e-10)


def test_groups_of_several_outcomes():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 60)
    long = pd.DataFrame({"id": np.repeat(np.arange(120), 4), "t": np.tile(np.arange(4.0), 120)})
    g = group[long["id"]]
    long["a"] = g * 1.5 + rng.normal(size=len(long))
    long["b"] = (rng.random(len(long)) < np.where(g == 1, 0.7, 0.3)).astype(int)
    res = gbtm.GBTM.from_formula(
        [gbtm.Outcome("a ~ t", order=0), gbtm.Outcome("b ~ t", family="logit", order=0)], long, id="id", groups=2
    ).fit(rng=0, n_starts=2)
    people = pd.DataFrame({"id": np.arange(120), "x": group + rng.normal(size=120), "a": 0.5})
    out = res.distal("x ~ group", people)
    b = res.bch_weights()
    np.testing.assert_allclose(out.groups["mean"], (b.T @ people["x"].to_numpy()) / b.sum(), rtol=1e-10)
    assert (out.bse > 0).all()
    with pytest.raises(SpecificationError, match="made of 'a'"):
        res.distal("a ~ group", people, family="normal")
    with pytest.raises(SpecificationError, match="fitted together with others"):
        res.of_outcome("a").distal("x ~ group", people)


def test_a_column_called_group_is_not_the_fits(fit, people):
    out = fit.distal("o_binary ~ group", people.assign(group=1))
    assert any("own column 'group'" in n for n in out.notes)
    pd.testing.assert_series_equal(out.params, fit.distal("o_binary ~ group", people).params)


def test_survival_by_cox_and_weibull(fit, people):
    cox = fit.distal("Surv(o_time, o_event) ~ group + v1", people, method="bch")
    reference = pd.read_csv(cases.FOLDER / "cox_estimates.csv")
    mine = reference[(reference["data"] == "d2_zip_k3") & (reference["method"] == "BCH modal")]
    np.testing.assert_allclose(cox.params, mine["estimate"], atol=1e-9)
    assert cox.family == "cox"
    assert cox.groups.loc[1, "hazard ratio"] == 1
    np.testing.assert_allclose(cox.groups.loc[3, "hazard ratio"], np.exp(cox.params["group[3]"]), rtol=1e-12)
    weibull = fit.distal("Surv(o_time, o_event) ~ group", people, family="weibull")
    k, eta = weibull.params["shape"], weibull.params["group[2]"]
    np.testing.assert_allclose(
        weibull.groups.loc[2, "median time"], stats.weibull_min.median(k, scale=np.exp(-eta / k)), rtol=1e-9)
    late = fit.distal("Surv(start, o_time, o_event) ~ group", people.assign(start=0.0), method="bch")
    np.testing.assert_allclose(
        late.params, fit.distal("Surv(o_time, o_event) ~ group", people, method="bch").params, atol=1e-10)
