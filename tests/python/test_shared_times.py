"""Several observations of one person at one time: each counts, whatever their order; what needs an order is refused."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln
from scipy.stats import binom, multivariate_normal, norm, poisson

import gbtm
from gbtm import DataError, SpecificationError
from gbtm.adequacy.autocorrelation import ar1_check, residual_autocorrelation
from gbtm.adequacy.fitted import Fitted
from gbtm.data.shared_times import layers, names_of_waves, waves_of_columns
from gbtm.data.wave_order import doubts
from gbtm.distal.matching_frame import matching_frame
from gbtm.figures.drawn import subject_lines
from gbtm.recipes.code import code_for
from gbtm.report.attrition import attrition
from gbtm.specification.spec import make_spec

RATERS = 2


def ratings(n: int = 60, waves: int = 4, rng: int = 0) -> pd.DataFrame:
    """Two raters of each person at each wave; the second one missed some."""
    g = np.random.default_rng(rng)
    rows = pd.DataFrame(
        [(i, float(t), r) for r in range(RATERS) for i in range(n) for t in range(waves)], columns=["id", "t", "rater"])
    late = rows["id"] % 2
    rows["y"] = g.normal(1 + late * 2 - late * 0.5 * rows["t"], 0.7)
    rows["count"] = g.poisson(np.exp(0.3 + late - 0.2 * late * rows["t"]))
    rows["hits"] = g.binomial(5, np.where(late == 1, 0.7, 0.25))
    return rows[(rows["rater"] == 0) | (g.random(len(rows)) < 0.8)].reset_index(drop=True)


def fit(data, formula="y ~ t", **options):
    return gbtm.GBTM.from_formula(
        formula, data, **{"id": "id", "groups": 2, "order": 1, "repeated": True, **options}).fit(n_starts=3)


@pytest.fixture(scope="module")
def data():
    return ratings()


@pytest.fixture(scope="module")
def res(data):
    return fit(data)


def wide_of(data):
    """Columns a0, a1, .. of the first rater and b0, b1, .. of the second; t0, t1, .. their times."""
    named = data.assign(c=data["rater"].map({0: "a", 1: "b"}) + data["t"].astype(int).astype(str))
    wide = named.pivot(index="id", columns="c", values="y")
    wide.columns = list(wide.columns)
    return wide.assign(**{f"t{j}": float(j) for j in range(4)}).reset_index()


A, B, T = ([f"{c}{j}" for j in range(4)] for c in "abt")


def test_every_row_counts_in_the_likelihood(data, res):
    p = res.params
    share = 1 / (1 + np.exp(p["theta[2]"]))
    total = np.zeros(data["id"].nunique())
    by_group = []
    for k, pi in ((1, share), (2, 1 - share)):
        log = norm.logpdf(data["y"], p[f"intercept[{k}]"] + p[f"t[{k}]"] * data["t"], p["sigma"])
        by_group.append(np.log(pi) + np.bincount(data["id"], log))
    total = np.logaddexp(*by_group)
    assert res.llf == pytest.approx(total.sum(), abs=1e-8)
    np.testing.assert_allclose(res.posterior[2], np.exp(by_group[1] - total), atol=1e-10)
    assert res.nobs == len(data)


def test_the_order_of_rows_has_no_say(data, res):
    first = data.groupby("id", sort=False).head(1).index  # who comes first among people stays
    for seed in range(3):
        rest = data.drop(first).sample(frac=1, random_state=seed)
        other = fit(pd.concat([data.loc[first], rest]))
        assert (other.params == res.params).all()
        assert other.llf == res.llf
        assert (other.bse == res.bse).all()
    anywhere = fit(data.sample(frac=1, random_state=9))
    np.testing.assert_allclose(anywhere.params, res.params, atol=1e-6)


def test_one_group_is_least_squares_on_all_rows(data):
    one = fit(data, groups=1)
    x = np.column_stack([np.ones(len(data)), data["t"]])
    beta, ssr = np.linalg.lstsq(x, data["y"], rcond=None)[:2]
    np.testing.assert_allclose(one.params[:2], beta, atol=1e-8)
    assert one.llf == pytest.approx(norm.logpdf(data["y"], x @ beta, np.sqrt(ssr[0] / len(data))).sum(), abs=1e-8)


def test_two_counts_are_their_sum_with_twice_the_exposure(data):
    rows = fit(data, "count ~ t", family="poisson")
    summed = data.groupby(["id", "t"], as_index=False).agg(count=("count", "sum"), e=("count", "size"))
    sums = fit(summed, "count ~ t", family="poisson", exposure="e", repeated=False)
    np.testing.assert_allclose(rows.params, sums.params, atol=1e-6)
    np.testing.assert_allclose(rows.bse, sums.bse, rtol=1e-5)
    split = gammaln(summed["count"] + 1).sum() - gammaln(data["count"] + 1).sum()
    assert rows.llf == pytest.approx(sums.llf + split - (summed["count"] * np.log(summed["e"])).sum(), abs=1e-6)
    assert poisson.logpmf([2, 3], 1.5).sum() == pytest.approx(  # the same identity, of one pair
        poisson.logpmf(5, 3.0) + gammaln(6) - gammaln(3) - gammaln(4) - 5 * np.log(2))


def test_two_shares_are_one_share_of_their_trials(data):
    rows = fit(data, "hits ~ t", family="binomial", trials=5)
    summed = data.groupby(["id", "t"], as_index=False).agg(hits=("hits", "sum"), n=("hits", lambda x: 5 * len(x)))
    sums = fit(summed, "hits ~ t", family="binomial", trials="n", repeated=False)
    np.testing.assert_allclose(rows.params, sums.params, atol=1e-6)
    constant = (binom.logpmf(data["hits"], 5, 0.5).sum() - binom.logpmf(summed["hits"], summed["n"], 0.5).sum())
    assert rows.llf == pytest.approx(sums.llf + constant, abs=1e-6)


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize(("family", "column", "more"), [
    ("normal", "y", {}), ("normal", "y", {"rorder": 0}), ("normal", "y", {"prior": "weak"}),
    ("cnorm", "y", {"min": 0.5, "max": 3, "censor_beyond": True}),
    ("cnorm", "y", {"min": 0.5, "censor_beyond": True, "rorder": 0, "groups": 1}),
    ("logit", "yes", {}), ("poisson", "count", {}), ("zip", "count", {"iorder": 0}), ("negbin", "count", {}),
    ("zinb", "count", {"iorder": 0}), ("binomial", "hits", {"trials": 5}), ("ordinal", "hits", {}),
    ("beta", "share", {}), ("gamma", "above", {}), ("lognormal", "above", {}), ("normal", "y", {"tcov": ["rater"]}),
])
def test_where_time_does_not_matter_shared_times_are_like_others(data, family, column, more):
    data = data.assign(yes=data["y"] > 1.5, share=(data["hits"] + 0.5) / 6, above=data["count"] + 0.5)
    apart = data.assign(t=data["t"] + data["rater"] / 4)
    options = {"family": family, "order": 0, **more}
    here, there = fit(data, f"{column} ~ t", **options), fit(apart, f"{column} ~ t", **options, repeated=False)
    assert here.llf == pytest.approx(there.llf, abs=1e-7)
    np.testing.assert_allclose(here.params, there.params, atol=1e-5)
    np.testing.assert_allclose(here.posterior, there.posterior, atol=1e-5)
    np.testing.assert_allclose(here.bse, there.bse, rtol=1e-4)


def test_random_effects_go_with_shared_times(data):
    one = fit(data, groups=1, rorder=0)
    p, total = one.params, 0.0
    for _, mine in data.groupby("id"):
        n = len(mine)
        cov = p["sigma"] ** 2 * np.eye(n) + p.filter(like="r0_sigma").iloc[0] ** 2
        total += multivariate_normal.logpdf(mine["y"], p.iloc[0] + p.iloc[1] * mine["t"], cov)
    assert one.llf == pytest.approx(total, abs=1e-7)
    past = data[data["t"] < 3]
    found = one.forecast(past).table.set_index("id")
    who = past[past["id"] == 1]
    tau, sigma = p.filter(like="r0_sigma").iloc[0] ** 2, p["sigma"] ** 2
    v = sigma * np.eye(len(who)) + tau
    away = (who["y"] - p.iloc[0] - p.iloc[1] * who["t"]).to_numpy()
    mean = p.iloc[0] + 3 * p.iloc[1] + tau * np.linalg.solve(v, away).sum()
    sd = np.sqrt(sigma + tau - tau**2 * np.linalg.solve(v, np.ones(len(who))).sum())
    assert found.loc[1, ["mean", "sd"]].tolist() == pytest.approx([mean, sd], abs=1e-7)


def test_without_it_the_refusal_names_the_way_out(data):
    with pytest.raises(DataError, match="repeated=True") as caught:
        gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2)
    assert caught.value.code == "duplicate_time"
    wide = wide_of(data)
    with pytest.raises(DataError, match="repeated=True"):
        gbtm.GBTM.from_formula("y ~ t", wide, id="id", wide={"y": A + B, "t": T + T}, groups=2)


@pytest.mark.parametrize(("more", "argument"), [
    ({"ar1": True}, "ar1"), ({"dropout": 0}, "dropout"), ({"tcov": "~ lag(y)"}, "tcov"),
])
def test_what_goes_by_order_is_refused(data, more, argument):
    with pytest.raises(SpecificationError, match="have no order") as caught:
        fit(data, **more)
    assert (caught.value.code, caught.value.argument) == ("no_order", argument)


def test_a_panel_and_a_specification_that_disagree_are_refused(data):
    panel = gbtm.Panel.from_long(data, id="id", time="t", outcome="y", repeated=True)
    with pytest.raises(SpecificationError, match="does not say"):
        gbtm.GBTM.from_panel(panel, make_spec(groups=2, order=1))
    with pytest.raises(SpecificationError, match="have no order"):
        gbtm.Panel.from_long(data, id="id", time="t", outcome="y", repeated=True, dropout=True)
    assert gbtm.GBTM.from_panel(panel, make_spec(groups=2, order=1, repeated=True)).fit(n_starts=1).nobs == len(data)


def test_wide_columns_may_share_their_times(data, res):
    wide = wide_of(data)
    ways = {
        "named": {"y": A + B, "t": T + T}, "numbers": {"y": A + B, "t": [0, 1, 2, 3] * 2},
        "interleaved": {"y": [c for pair in zip(A, B, strict=True) for c in pair], "t": np.repeat(T, 2).tolist()},
    }
    for name, columns in ways.items():
        other = fit(wide, wide=columns)
        assert (other.params == res.params).all(), name
        assert other.warnings == res.warnings, name
        pd.testing.assert_frame_equal(other.observed_means, res.observed_means, check_exact=False)
        assert attrition(other).waves["Observed"].tolist() == [60] * 4, name
    y = wide[A + B].to_numpy()
    arrays = gbtm.GBTM(y, np.array([0, 1, 2, 3] * 2), groups=2, order=1, repeated=True).fit(n_starts=3)
    assert (arrays.params == res.params.to_numpy()).all()


def test_columns_with_times_of_their_own_share_some(data):
    wide = wide_of(data)
    wide["s3"] = np.where(wide["id"] < 10, wide["t3"], wide["t3"] + 0.5)  # for some the same time
    panel = gbtm.Panel.from_wide(wide, id="id", outcome=["a2", "a3", "b3"], time=["t2", "t3", "s3"], repeated=True)
    m = panel.outcomes[0]
    assert np.unique(m.wave).tolist() == [0, 1, 2]  # each column is a wave of its own
    assert m.n_shared == 2 * wide.loc[wide["id"] < 10, "b3"].notna().sum()
    assert (np.lexsort((m.time, m.subject)) == np.arange(m.nobs)).all()


def test_waves_and_layers_of_columns():
    times = np.array([[1.0, 2.0, 0.1 + 0.2, 1.0, 0.3], [1.0, 2.0, 3.0, 1.0, 3.0]])
    assert waves_of_columns(times).tolist() == [0, 1, 2, 0, 2]
    assert waves_of_columns(times, ["t1", "t2", "t3", "s1", "t3"]).tolist() == [0, 1, 2, 3, 2]
    assert names_of_waves(["a", "b", "c"], np.array([0, 1, 0])) == ("a, c", "b")
    assert [x.tolist() for x in layers(np.array([1.0, 2.0, 1.0, 2.0, 1.0]))] == [[0, 1], [2, 3], [4]]


def test_columns_in_disorder_are_still_told():
    names = {"y": ["a1", "a2", "b1", "b2"], "t": ["t1", "t2", "t1", "t2"]}
    assert doubts(names, [1, 2, 1, 2], repeated=True) == ()
    assert any("do not rise" in s for _, s in doubts(names, [1, 2, 1, 2]))
    swapped = {"y": ["a1", "a2", "b2", "b1"], "t": ["t1", "t2", "t1", "t2"]}
    assert any("b2, b1" in s or "b2 and b1" in s for _, s in doubts(swapped, [1, 2, 1, 2], repeated=True))


def test_values_beyond_the_family_are_told_with_their_columns(data):
    wide = wide_of(data)
    wide.loc[4, "b1"] = 0.5
    with pytest.raises(DataError, match="a1, b1"):
        fit(wide, "y ~ t", wide={"y": A + B, "t": T + T}, family="poisson")


def test_a_column_of_waves_has_to_agree(data):
    table = data.assign(w=data["t"] + 1, own=data["t"] + data["id"] / 100)
    numbered = fit(table, "y ~ own", wave="w")
    assert attrition(numbered).waves["Observed"].tolist() == [60] * 4
    with pytest.raises(DataError, match="differs between observations at one own"):
        fit(table.assign(w=table["w"] + table["rater"] / 2), "y ~ own", wave="w")


def test_traj_does_not_ask(data, res):
    text = f"traj, var({' '.join(A + B)}) indep({' '.join(T + T)}) model(cnorm) order(1 1) min(-50) max(50)"
    found = gbtm.traj(text, wide_of(data), id="id", n_starts=3)
    assert found.llf == pytest.approx(res.llf, abs=1e-7)
    assert found.spec.outcomes[0].repeated
    plain = gbtm.traj(text.replace(" ".join(A + B), " ".join(A)).replace(" ".join(T + T), " ".join(T)), wide_of(data),
                      id="id", n_starts=3)
    assert not plain.spec.outcomes[0].repeated
    for more in ("dropout(0 0)", "ar1"):
        with pytest.raises(SpecificationError, match="have no order"):
            gbtm.traj(f"{text} {more}", wide_of(data), id="id", n_starts=1)
    again = gbtm.traj(text, wide_of(data), id="id", start=found.params, n_starts=1)
    with pytest.warns(gbtm.GBTMWarning, match="47 observations"):
        scored = again.classify(wide_of(data)).pivot(index="id", columns="group", values="probability")
    np.testing.assert_allclose(scored, found.posterior, atol=1e-8)


def test_values_of_a_covariate_for_the_picture_are_those_of_the_first_column(data):
    wide = wide_of(data)
    w = [f"w{j}" for j in range(8)]
    wide[w] = np.random.default_rng(1).normal(size=(len(wide), 8))
    text = (f"traj, var({' '.join(A + B)}) indep({' '.join(T + T)}) model(cnorm) order(1 1) min(-50) max(50) "
            f"tcov({' '.join(w)}) plottcov(1 2 3 4 5 6 7 8)")
    drawn = gbtm.traj(text, wide, id="id", n_starts=1).outcome.profile
    assert drawn.values.ravel().tolist() == [1, 2, 3, 4]
    assert drawn.times.tolist() == [0, 1, 2, 3]


def test_stata_gets_a_column_for_each_observation(data, res):
    text = code_for(res, "Stata")
    assert "bysort id (t): generate _wave = _n" in text
    wave = data.sort_values(["id", "t"], kind="stable").groupby("id").cumcount() + 1
    wide = data.assign(j=wave).pivot(index="id", columns="j", values=["y", "t"])
    wide.columns = [f"{n}_{j}" for n, j in wide.columns]
    assert wide.shape[1] == 16
    command = re.sub(r"\s*///\s*", " ", text[text.index("traj,"): text.index("trajplot")])
    found = gbtm.traj(command, wide.reset_index(), id="id", n_starts=3)
    assert found.llf == pytest.approx(res.llf, abs=1e-6)


def test_code_of_the_fit_asks_for_it(data, res):
    space: dict = {}
    code = code_for(res, "Python").replace('pd.read_csv("data.csv")', "given").replace("print(res.summary())", "")
    exec(code, {"given": data}, space)
    assert (space["res"].params == res.params).all()
    assert "repeated = TRUE" in code_for(res, "R")


def test_files_keep_it(tmp_path, data, res):
    res.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    assert back.outcome.n_shared == res.outcome.n_shared > 0
    new = data[data["id"] < 5]
    pd.testing.assert_frame_equal(back.classify(new), res.classify(new))
    assert res.outcome.shared_sentence in str(back.summary())


def test_the_summary_counts_what_shares_a_time(data, res):
    shared = data.duplicated(["id", "t"], keep=False).sum()
    assert f"{shared} of {len(data)} observations of y share their t" in str(res.summary())
    alone = fit(data[data["rater"] == 0])
    assert "None of the observations of y share their t" in str(alone.summary())
    assert "share their t" not in str(fit(data[data["rater"] == 0], repeated=False).summary())
    assert (alone.params == fit(data[data["rater"] == 0], repeated=False).params).all()


def test_attrition_counts_people_and_not_observations(data, res):
    found = attrition(res)
    seen = data.groupby("t")["id"].nunique()
    assert found.waves["Observed"].tolist() == seen.tolist()
    np.testing.assert_allclose(found.waves["Mean y"], data.groupby("t")["y"].mean())
    times = data.groupby("id")["t"].nunique()
    assert found.per_subject["Times seen"].tolist() == sorted(times.unique())
    assert "per subject" in found.sentences[0]
    assert "4 to 4 times per subject" in found.sentences[0]
    own = data.assign(t=data["t"] + data["id"] / 100)
    occasions = attrition(fit(own))
    assert not occasions.common
    assert occasions.waves["Observed"].tolist() == [60] * 4
    np.testing.assert_allclose(occasions.waves["Mean y"], data.groupby("t")["y"].mean())


def test_residuals_at_one_time_are_lag_nought(data):
    one = fit(data, groups=1)
    table = residual_autocorrelation(Fitted.of(one), 2)
    p = one.params
    e = data.assign(e=(data["y"] - p.iloc[0] - p.iloc[1] * data["t"]) / p["sigma"])
    for lag in (0, 1, 2):
        pairs = e.merge(e, on="id")
        pairs = pairs[(pairs["t_y"] - pairs["t_x"] == lag) & ((lag > 0) | (pairs["rater_x"] < pairs["rater_y"]))]
        r = (pairs["e_x"] * pairs["e_y"]).sum() / ((pairs["e_x"] ** 2 + pairs["e_y"] ** 2) / 2).sum()
        row = table[table["lag"] == lag].iloc[0]
        assert row["pairs"] == len(pairs)
        assert row["correlation"] == pytest.approx(r, abs=1e-10)
    said = gbtm.residual_checks(one).sentences if hasattr(gbtm, "residual_checks") else one.residual_checks().sentences
    assert any("at one time" in s for s in said)
    check = ar1_check(one)
    assert check.survives is None
    assert "have no order" in check.sentences[-1]


def test_forecasts_use_all_that_was_seen(data, res):
    past, p = data[data["t"] < 2], res.params
    table = res.forecast(past, steps=2).table
    assert table.groupby("id")["t"].apply(list).iloc[0] == [2.0, 3.0]
    prior = np.array([1 / (1 + np.exp(p["theta[2]"])), 1 / (1 + np.exp(-p["theta[2]"]))])
    mine = past[past["id"] == 3]
    means = [p[f"intercept[{k}]"] + p[f"t[{k}]"] * 2 for k in (1, 2)]
    like = prior * [np.exp(norm.logpdf(mine["y"], p[f"intercept[{k}]"] + p[f"t[{k}]"] * mine["t"], p["sigma"]).sum())
                    for k in (1, 2)]
    expected = (like / like.sum()) @ means
    assert table.query("id == 3 and t == 2")["mean"].item() == pytest.approx(expected, abs=1e-8)
    to_come = data[data["id"] == 3].assign(y=data["y"].where(data["t"] < 2))
    rows = res.forecast(to_come, steps=2).table
    assert rows["step"].tolist() == rows["t"].map({2.0: 1, 3.0: 2}).tolist()
    assert len(rows) == (to_come["t"] >= 2).sum()
    with pytest.raises(SpecificationError, match="several observations at one time"):
        gbtm.forecast_check(res)


def test_probabilities_by_wave_take_both_raters(data, res):
    table = res.classify(data[data["id"] == 2], by_wave=True)
    assert table["t"].tolist() == np.repeat([0.0, 1, 2, 3], 2).tolist()
    first = res.classify(data[(data["id"] == 2) & (data["t"] < 1)])
    assert table["probability"].iloc[:2].tolist() == pytest.approx(first["probability"].tolist())


def test_lines_and_matching_take_the_mean_of_a_time(data, res):
    mine = data[data["id"] == 7].groupby("t")["y"].mean()
    line = subject_lines(res, np.array([7]))[0]
    np.testing.assert_allclose(line, np.column_stack([mine.index, mine]))
    people = pd.DataFrame({"id": range(60), "treated": np.arange(60) % 3 == 0}).astype(int)
    made = matching_frame(res, people, "treated", id="id")
    np.testing.assert_allclose(made[[f"y@{t}" for t in range(4)]].loc[7], mine)


def test_what_comes_before_an_event_keeps_both(data):
    panel = gbtm.Panel.from_long(data, id="id", time="t", outcome="y", repeated=True)
    with pytest.warns(gbtm.GBTMWarning):
        before = panel.before({0: 2.0, 1: 1.0})
    kept = data[~((data["id"] == 0) & (data["t"] >= 2)) & ~((data["id"] == 1) & (data["t"] >= 1))]
    assert before.nobs == len(kept)


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
def test_a_dual_model_may_have_it(data):
    two = [gbtm.Outcome("y ~ t", order=1, repeated=True), gbtm.Outcome("count ~ t", order=0, family="poisson",
                                                                      repeated=True)]
    dual = gbtm.GBTM.from_formula(two, data, id="id", groups=(2, 2)).fit(n_starts=2)
    summed = data.groupby(["id", "t"], as_index=False).agg(count=("count", "sum"), e=("count", "size"))
    two[1] = gbtm.Outcome("count ~ t", order=0, family="poisson", exposure="e", data=summed)
    other = gbtm.GBTM.from_formula(two, data, id="id", groups=(2, 2)).fit(n_starts=2)
    np.testing.assert_allclose(dual.params, other.params, atol=1e-5)


def test_a_report_says_it(tmp_path, res):
    gbtm.grolts_report(res, tmp_path / "report.html")
    assert "share their t with another one of the same person" in (tmp_path / "report.html").read_text()


def test_several_outcomes_have_it_for_themselves(data):
    data = data.assign(z=data["y"] ** 2)
    one_rater = data[data["rater"] == 0]
    both = gbtm.GBTM.from_formula([
        gbtm.Outcome("y ~ t", order=1, repeated=True), gbtm.Outcome("z ~ t", order=1, data=one_rater),
    ], data, id="id", groups=2).fit(n_starts=2)
    assert [o.spec.repeated for o in both.outcomes] == [True, False]
    assert [o.nobs for o in both.outcomes] == [len(data), len(one_rater)]
    text = str(both.summary())
    assert "observations of y share" in text
    assert "observations of z" not in text
    assert code_for(both, "Python").count("repeated=True") == 1
    pairs = both.residual_correlations(by_group=False)["pairs"].item()
    assert pairs == len(data.merge(one_rater, on=["id", "t"]))


def test_resampling_and_simulation_keep_the_rows(data, res):
    assert gbtm.bootstrap(res, n=3, n_starts=1, n_jobs=1).n == 3
    drawn = res.simulate(rng=1)
    times = drawn.groupby("id")["t"].apply(sorted)
    assert times.tolist() == data.groupby("id")["t"].apply(sorted).tolist()
    assert fit(drawn).nobs == len(data)


def test_a_tiny_sigma_keeps_its_digits():
    g, t = np.random.default_rng(3), np.tile(np.arange(4.0), 40)
    data = pd.DataFrame({"id": np.arange(160) // 4, "t": t, "y": 1000 + t})
    data = pd.concat([data, data])
    data["y"] += g.normal(0, 1e-3, 320) + 5 * (data["id"] % 2)
    res = fit(data, order=1)
    p = res.params
    logs = [norm.logpdf(data["y"], p[f"intercept[{k}]"] + p[f"t[{k}]"] * data["t"], p["sigma"]) for k in (1, 2)]
    by_group = [np.log(0.5) + np.bincount(data["id"], log) for log in logs]
    assert res.llf == pytest.approx(np.logaddexp(*by_group).sum(), rel=1e-7)


@pytest.mark.parametrize("form", ["long", "wide"])
def test_data_on_disk_may_have_them_too(tmp_path, data, res, form):
    pytest.importorskip("pyarrow")
    table = data if form == "long" else wide_of(data)
    for i in range(3):
        table[table["id"] % 3 == i].to_parquet(tmp_path / f"{i}.parquet")
    how = {"wide": {"y": A + B, "t": T + T}} if form == "wide" else {}
    with pytest.raises(DataError) as caught:
        fit(str(tmp_path / "*.parquet"), repeated=False, **how)
    assert caught.value.code == "duplicate_time"
    there = fit(str(tmp_path / "*.parquet"), **how)
    np.testing.assert_allclose(there.params, res.params, atol=1e-6)
    assert there.outcome.shared_sentence == res.outcome.shared_sentence
    own = attrition(there)
    assert own.waves["Observed"].tolist() == [60] * 4
    assert own.sentences[0] == attrition(res).sentences[0]
    assert "repeated=True" in code_for(there, "Python")
