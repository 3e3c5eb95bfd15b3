"""Proportions of 0 and 1 squeezed for the beta family: by one n, once, whoever is asked about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError, SpecificationError
from gbtm.recipes.code import code_for
from gbtm.specification.spec import make_spec


def shares(n: int = 60) -> pd.DataFrame:
    """Proportions in two groups, some of them 0 or 1."""
    g = np.random.default_rng(2)
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(np.arange(4.0), n)})
    high = data["id"] % 2
    data["y"] = g.beta(np.where(high, 5, 1.5), np.where(high, 1.2, 4)).round(2)
    data.loc[g.random(len(data)) < 0.05, "y"] = np.nan
    return data


def fit(data, **options):
    return gbtm.GBTM.from_formula(
        "y ~ t", data, **{"id": "id", "groups": 2, "order": 1, "family": "beta", "squeeze": True, **options}
    ).fit(n_starts=2)


@pytest.fixture(scope="module")
def data():
    return shares()


@pytest.fixture(scope="module")
def res(data):
    return fit(data)


def test_it_is_the_formula_by_hand(data, res):
    assert ((data["y"] == 0) | (data["y"] == 1)).any()
    n = data["y"].notna().sum()
    by_hand = fit(data.assign(y=(data["y"] * (n - 1) + 0.5) / n), squeeze=False)
    assert res.llf == by_hand.llf
    assert (res.params == by_hand.params).all()
    pd.testing.assert_frame_equal(res.observed_means, by_hand.observed_means)
    assert res.spec.outcomes[0].squeezed_by == n


def test_without_it_the_refusal_names_it(data):
    with pytest.raises(DataError, match="squeeze=True"):
        fit(data, squeeze=False)
    with pytest.raises(DataError, match="between 0 and 1 for family 'beta' with squeeze; 1 values do not"):
        fit(data.assign(y=data["y"].where(data.index != 7, 1.0001)))
    with pytest.raises(SpecificationError, match="not with 'normal'") as caught:
        make_spec(groups=1, family="normal", squeeze=True)
    assert caught.value.code == "bad_squeeze"


@pytest.mark.filterwarnings("ignore:newdata")
def test_new_people_are_squeezed_by_the_n_of_the_fit(data, res):
    scored = res.classify(data).pivot(index="id", columns="group", values="probability")
    np.testing.assert_allclose(scored, res.posterior, atol=1e-10)
    few = res.classify(data[data["id"] < 3]).pivot(index="id", columns="group", values="probability")
    np.testing.assert_allclose(few, res.posterior.iloc[:3], atol=1e-10)


@pytest.mark.filterwarnings("ignore:newdata")
def test_people_held_out_do_not_count_in_n(data):
    held = fit(data.assign(out=(data["id"] < 10).astype(int)), out_of_sample="out")
    rest = data[data["id"] >= 10]
    alone = fit(rest)
    assert held.spec.outcomes[0].squeezed_by == rest["y"].notna().sum()
    np.testing.assert_allclose(held.params, alone.params, atol=1e-9)
    scored = alone.classify(data[data["id"] < 10]).pivot(index="id", columns="group", values="probability")
    np.testing.assert_allclose(held.out_of_sample, scored, atol=1e-9)


@pytest.mark.filterwarnings("ignore:newdata")
def test_it_happens_once(tmp_path, data, res):
    res.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    np.testing.assert_allclose(back.classify(data)["probability"], res.classify(data)["probability"], atol=1e-12)
    again = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family="beta", squeeze=True).fit(
        start=res.params)
    assert again.llf == pytest.approx(res.llf, abs=1e-8)
    draws = gbtm.bootstrap(res, n=2, n_starts=1, n_jobs=1)
    assert draws.n == 2
    assert gbtm.cross_validate(back, folds=2, n_starts=1, n_jobs=1).failures == ()
    found = gbtm.search("y ~ t", data, id="id", groups=[2], order=[1], family="beta", squeeze=True, n_starts=2)
    assert found.best().llf == pytest.approx(res.llf, abs=1e-6)


def test_it_is_told_and_asked_for_again(data, res):
    n = res.nobs
    assert f"y is squeezed into (0, 1), (y * {n - 1} + 0.5) / {n}" in " ".join(str(res.summary()).split())
    assert "squeeze=True" in code_for(res, "Python")
    assert "squeeze = TRUE" in code_for(res, "R")
    assert f"replace `v' = (`v' * {n - 1} + 0.5) / {n}" in code_for(res, "Stata")


def test_wide_data_several_outcomes_and_files(tmp_path, data, res):
    wide = data.pivot(index="id", columns="t", values="y").set_axis([f"y{j}" for j in range(4)], axis=1).reset_index()
    assert fit(wide, wide={"y": "y*", "t": [0, 1, 2, 3]}).llf == pytest.approx(res.llf, abs=1e-9)
    both = gbtm.GBTM.from_formula([
        gbtm.Outcome("y ~ t", family="beta", order=1, squeeze=True), gbtm.Outcome("z ~ t", order=1),
    ], data.assign(z=data["y"] * 10), id="id", groups=2).fit(n_starts=2)
    assert both.spec.outcomes[0].squeezed_by == both.outcomes[0].nobs
    pytest.importorskip("pyarrow")
    data.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(SpecificationError, match="squeeze: is not yet done") as caught:
        fit(str(tmp_path / "a.parquet"))
    assert caught.value.code == "not_on_disk"


def test_forecasts_are_on_the_scale_of_the_outcome(data, res):
    """Against the same beta fitted to values squeezed by hand, whose law is carried back by the linear map."""
    n = data["y"].notna().sum()
    inside = data.assign(y=(data["y"] * (n - 1) + 0.5) / n)
    by_hand = fit(inside, squeeze=False)
    seen = data["id"].lt(6) & data["t"].lt(3)
    ours, theirs = (r.forecast(d[seen], times=[3.0]) for r, d in ((res, data), (by_hand, inside)))
    back = (theirs.table[["mean", "lower", "upper", "q0.05", "q0.5", "q0.95"]] * n - 0.5) / (n - 1)
    back.iloc[:, 1:] = back.iloc[:, 1:].clip(0, 1)
    np.testing.assert_allclose(ours.table[back.columns], back, atol=1e-9)
    np.testing.assert_allclose(ours.table["sd"], theirs.table["sd"] * n / (n - 1), rtol=1e-9)
    y = np.resize([0.0, 1.0, 0.4], len(ours.table))
    np.testing.assert_allclose(
        ours.log_score(y), theirs.log_score((y * (n - 1) + 0.5) / n) + np.log((n - 1) / n), rtol=1e-9)
    np.testing.assert_array_equal(ours.cdf([-0.1, 1.0]), np.tile([0.0, 1.0], (len(y), 1)))
    near = ours.cdf([0.4 - 1e-5, 0.4 + 1e-5])  # its derivative is the density
    slope = (near.iloc[:, 1] - near.iloc[:, 0]) / 2e-5
    np.testing.assert_allclose(ours.probabilities([0.4]).iloc[:, 0], slope, rtol=1e-5)
    assert (ours.probabilities([-0.1, 1.1]).to_numpy() == 0).all()


def test_forecasts_are_checked_on_the_scale_of_the_outcome(data, res):
    n = data["y"].notna().sum()
    by_hand = fit(data.assign(y=(data["y"] * (n - 1) + 0.5) / n), squeeze=False)
    ours, theirs = (gbtm.forecast_check(r, against=["carry"], folds=2, n_starts=1).table for r in (res, by_hand))
    np.testing.assert_allclose(ours["log score"], theirs.loc[ours.index, "log score"] + np.log((n - 1) / n), rtol=1e-8)
    np.testing.assert_allclose(ours["crps"], theirs.loc[ours.index, "crps"] * n / (n - 1), rtol=1e-2)
    # beside a model of the values as they are, each is scored by what was observed
    plain = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(n_starts=2)
    both = gbtm.forecast_check({"beta": res, "normal": plain}, against=(), folds=2, n_starts=1).table
    alone = gbtm.forecast_check({"normal": plain}, against=(), folds=2, n_starts=1).table
    assert both.loc["normal", "log score"] == alone.loc["normal", "log score"]
    assert both.loc["beta", "log score"] == pytest.approx(ours.loc["2 groups", "log score"])


def test_paths_of_a_lag_are_of_the_outcome(data):
    lagged = fit(data, tcov="~ lag(y)")
    ahead = lagged.forecast(data[data["id"].lt(4) & data["t"].lt(2)], steps=2, draws=200).table
    assert ahead[["mean", "lower", "upper"]].stack().between(0, 1).all()


@pytest.mark.parametrize("several", [False, True])
def test_simulated_outcomes_are_on_the_scale_of_the_outcome(data, several):
    """They are the draws of a fit squeezed by hand, carried back; what is drawn beyond the squeezed ends is 0 or 1."""
    n = data["y"].notna().sum()

    def drawn(table, **squeeze):
        formulas = [gbtm.Outcome("y ~ t", family="beta", order=1, **squeeze)]
        if several:
            formulas.append(gbtm.Outcome("z ~ t", order=1))
        table = table.assign(z=table["t"] + table["id"])
        found = gbtm.GBTM.from_formula(formulas, table, id="id", groups=2).fit(n_starts=2).simulate(rng=3)
        return found.loc[found["outcome"] == "y", "y"] if several else found["y"]

    by_hand = drawn(data.assign(y=(data["y"] * (n - 1) + 0.5) / n))
    np.testing.assert_allclose(
        drawn(data, squeeze=True), ((by_hand * n - 0.5) / (n - 1)).clip(0, 1), rtol=0, atol=1e-12)
