"""Forecasts of the next waves: against mixtures summed by hand, enumeration, formulas of the normal distribution."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
from gbtm.errors import DataError, SpecificationError

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.errors.GBTMWarning")


def panel_data(family: str, n: int = 60, waves: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    d = pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": np.tile(np.arange(float(waves)), n)})
    high = (d["id"] % 2).to_numpy()
    mean = np.array([0.4, 3.0])[high]
    d["y"] = {
        "negbin": lambda: rng.negative_binomial(2, 2 / (2 + mean)).astype(float),
        "zip": lambda: rng.poisson(mean) * (rng.random(d.shape[0]) < 0.7).astype(float),
        "logit": lambda: (rng.random(d.shape[0]) < np.array([0.2, 0.7])[high]).astype(float),
        "normal": lambda: mean + rng.normal(size=60).repeat(5) + rng.normal(size=d.shape[0]),
        "cnorm": lambda: np.clip(mean + rng.normal(size=d.shape[0]), 0, 4),
        "beta": lambda: rng.beta(2 + 4 * high, 5),
    }[family]()
    return d


def fitted(data, family, **options):
    given = {"groups": 2, "order": 1, **options}
    return gbtm.GBTM.from_formula("y ~ t", data=data, id="id", family=family, **given).fit(n_starts=1)


@pytest.fixture(scope="module")
def counts():
    data = panel_data("negbin")
    return data, fitted(data, "negbin")


def test_the_distribution_is_the_mixture_over_the_posteriors(counts) -> None:
    data, res = counts
    people = data[(data["id"] < 3) & (data["t"] <= 2)]
    got = res.forecast(people)
    after = res.classify(people).set_index(["id", "group"])["probability"].unstack().to_numpy()
    b = res.params
    rate = np.exp([b[f"intercept[{k}]"] + 3 * b[f"t[{k}]"] for k in (1, 2)])
    size = 1 / b["psi"]
    pmf = np.array([[sum(p * stats.nbinom.pmf(v, size, size / (size + m)) for p, m in zip(row, rate, strict=True))
                     for v in range(6)] for row in after])
    np.testing.assert_allclose(got.probabilities(range(6)), pmf, rtol=1e-9)
    np.testing.assert_allclose(got.cdf([5])[5], pmf.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(got.table["mean"], after @ rate, rtol=1e-10)
    np.testing.assert_allclose(got.table["p_positive"], 1 - pmf[:, 0], rtol=1e-9)
    second = after @ (rate + b["psi"] * rate**2 + rate**2)
    np.testing.assert_allclose(got.table["sd"], np.sqrt(second - (after @ rate) ** 2), rtol=1e-9)
    assert got.table["t"].tolist() == [3.0] * 3
    assert got.draws == 0
    np.testing.assert_allclose(got.log_score([0, np.nan, 2]).dropna(), np.log(pmf[[0, 2], [0, 2]]), rtol=1e-9)
    median = [int(np.argmax(np.cumsum(row) >= 0.5)) for row in pmf]
    assert got.table["q0.5"].tolist() == median


def test_waves_go_on_and_who_has_none_gets_the_prior(counts) -> None:
    res = counts[1]
    new = pd.DataFrame({"id": ["a", "b", "b"], "t": [0.0, 3.0, 4.0], "y": [np.nan, 1.0, 0.0]})
    got = res.forecast(new, steps=2).table
    assert got["t"].tolist() == [0.0, 1.0, 5.0, 6.0]
    shares = res.group_shares["share"].to_numpy()
    rate = np.exp([res.params[f"intercept[{k}]"] for k in (1, 2)])
    assert got["mean"][0] == pytest.approx(shares @ rate, rel=1e-9)
    assert res.forecast(new, times=[9.0]).table["t"].tolist() == [9.0, 9.0]
    with pytest.raises(SpecificationError) as error:
        res.forecast(new, times=[4.0])
    assert error.value.code == "bad_times"


@pytest.mark.parametrize("family", ["zip", "logit", "normal", "cnorm", "beta"])
def test_every_family_has_a_distribution(family) -> None:
    data = panel_data(family)
    res = fitted(data, family, **({"min": 0.0, "max": 4.0} if family == "cnorm" else {}))
    got = res.forecast(data[data["t"] < 4])
    t = got.table
    assert np.isfinite(t.select_dtypes(float)).all().all()
    assert (t["q0.05"] <= t["q0.5"]).all()
    assert (t["q0.5"] <= t["q0.95"]).all()
    for q in (0.05, 0.5, 0.95):
        at = t[f"q{q:g}"].to_numpy()
        upto = np.array([got.cdf([v]).iloc[i, 0] for i, v in enumerate(at[:4])])
        assert (upto >= q - 1e-9).all()
    y = data[data["t"] == 4]["y"].to_numpy()
    assert np.isfinite(got.log_score(y)).all()


def test_later_steps_with_a_lag_agree_with_enumeration() -> None:
    data = panel_data("logit")
    res = fitted(data, "logit", tcov="~ lag(y)")
    people = data[data["id"] < 4]
    got = res.forecast(people, steps=2, draws=20_000, rng=1)
    p = res.classify(people).set_index(["id", "group"])["probability"].unstack().to_numpy()
    b, last = res.params, people[people["t"] == 4]["y"].to_numpy()

    def one(k, t, before):
        return 1 / (1 + np.exp(-(b[f"intercept[{k}]"] + b[f"t[{k}]"] * t + b[f"lag(y)[{k}]"] * before)))

    first = np.column_stack([one(k, 5, last) for k in (1, 2)])
    second = np.column_stack([one(k, 6, 1) for k in (1, 2)]) * first + np.column_stack(
        [one(k, 6, 0) for k in (1, 2)]) * (1 - first)
    exact = np.column_stack([(p * first).sum(axis=1), (p * second).sum(axis=1)])
    wide = got.table.pivot(index="id", columns="step", values="mean").to_numpy()
    np.testing.assert_allclose(wide[:, 0], exact[:, 0], rtol=1e-9)  # no simulation there
    np.testing.assert_allclose(wide[:, 1], exact[:, 1], atol=4 * 0.5 / np.sqrt(20_000))
    assert got.draws == 20_000
    pd.testing.assert_frame_equal(got.table, res.forecast(people, steps=2, draws=20_000, rng=1).table)


def test_correlated_errors_are_conditioned_on() -> None:
    data = panel_data("normal")
    people = data[(data["id"] == 3) & (data["t"] < 3)]
    y = people["y"].to_numpy()
    ar = fitted(data, "normal", groups=1, ar1=True)
    b = ar.params
    mean = b["intercept[1]"] + b["t[1]"] * np.arange(5.0)
    got = ar.forecast(people, steps=2).table
    rho = b["rho"]
    want = [mean[3 + h] + rho ** (h + 1) * (y[2] - mean[2]) for h in (0, 1)]
    np.testing.assert_allclose(got["mean"], want, rtol=1e-8)
    np.testing.assert_allclose(got["sd"], b["sigma"] * np.sqrt(1 - rho ** np.array([2.0, 4.0])), rtol=1e-8)
    own = fitted(data, "normal", groups=1, rorder=0)
    b = own.params
    (tau,) = (abs(b[n]) for n in b.index if n.split("[")[0] not in ("intercept", "t", "sigma"))
    mean = b["intercept[1]"] + b["t[1]"] * np.arange(5.0)
    v = tau**2 + b["sigma"] ** 2 * np.eye(3)
    c = np.full(3, tau**2)
    got = own.forecast(people).table
    assert got["mean"][0] == pytest.approx(mean[3] + c @ np.linalg.solve(v, y - mean[:3]), rel=1e-8)
    assert got["sd"][0] == pytest.approx(np.sqrt(tau**2 + b["sigma"] ** 2 - c @ np.linalg.solve(v, c)), rel=1e-8)


def test_covariates_of_the_future_are_the_user_s() -> None:
    data = panel_data("negbin")
    data["w"] = np.random.default_rng(0).normal(size=len(data))
    res = fitted(data, "negbin", tcov="~ w * lag(y, first=0)")
    people = data[data["id"] < 2]
    with pytest.raises(DataError, match="future") as error:
        res.forecast(people)
    assert error.value.code == "no_future"
    future = pd.DataFrame({"id": [0, 1, 0, 1], "t": [5.0, 5.0, 6.0, 6.0], "w": [0.5, -1.0, 0.0, 1.0]})
    got = res.forecast(people, steps=2, future=future, draws=50)
    within = res.forecast(pd.concat([people, future], ignore_index=True), steps=2, draws=50)
    pd.testing.assert_frame_equal(got.table, within.table)
    b, last = res.params, people[people["t"] == 4]["y"].to_numpy()
    p = res.classify(people).set_index(["id", "group"])["probability"].unstack().to_numpy()
    w = np.array([0.5, -1.0])
    eta = np.column_stack([
        b[f"intercept[{k}]"] + 5 * b[f"t[{k}]"] + w * b[f"w[{k}]"]
        + last * (b[f"lag(y)[{k}]"] + w * b[f"w:lag(y)[{k}]"])
        for k in (1, 2)])
    np.testing.assert_allclose(got.table["mean"][got.table["step"] == 1], (p * np.exp(eta)).sum(axis=1), rtol=1e-9)


def test_what_is_made_of_the_time_is_known_of_the_future() -> None:
    data = panel_data("normal").assign(w=lambda d: np.sin(d["id"] + d["t"]))
    seen = data[data["t"] < data["t"].max()]
    after = data[data["t"] == data["t"].max()]
    late = fitted(data, "normal", tcov="~ np.maximum(t - 2, 0)")
    told = late.forecast(seen, future=after[["id", "t"]])
    pd.testing.assert_frame_equal(late.forecast(seen).table, told.table)
    own = fitted(data, "normal", tcov="~ sincos(t, period=6):w")
    with pytest.raises(DataError, match=r"^future: w of the waves to come is not known .* those of w, a row") as error:
        own.forecast(seen)
    assert error.value.code == "no_future"
    known = own.forecast(seen, future=after[["id", "t", "w"]]).table
    as_rows = own.forecast(data.assign(y=data["y"].where(data["t"] < data["t"].max()))).table
    pd.testing.assert_frame_equal(known, as_rows)


def test_wide_data(counts) -> None:
    data, res = counts
    wide = data.pivot(index="id", columns="t", values="y")
    wide.columns = [f"y{t:g}" for t in wide.columns]
    other = gbtm.GBTM.from_formula(
        "y ~ t", data=wide, wide={"y": list(wide.columns), "t": list(range(5))}, groups=2, order=1,
        family="negbin").fit(n_starts=1)
    some = wide.head(4).copy()
    some["y4"] = np.nan
    got = other.forecast(some, steps=2).table
    mine = res.forecast(data[(data["id"] < 4) & (data["t"] < 4)], steps=2).table
    np.testing.assert_allclose(got[["mean", "sd", "q0.95"]], mine[["mean", "sd", "q0.95"]], rtol=1e-4)
    assert got["t"].tolist() == mine["t"].tolist()


def test_several_outcomes_and_dual_models_share_what_is_known_of_people() -> None:
    data = panel_data("logit").assign(z=panel_data("normal")["y"])
    res = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=1, family="logit"), gbtm.Outcome("z ~ t", order=1)], data, id="id", groups=2,
    ).fit(n_starts=1)
    people = data[(data["id"] < 3) & (data["t"] < 3)]
    got = res.forecast(people).table
    assert got["outcome"].tolist() == ["y"] * 3 + ["z"] * 3
    p = res.classify(people).set_index(["id", "group"])["probability"].unstack().to_numpy()
    b = res.of_outcome("z").params
    mean = np.array([b[f"intercept[{k}]"] + 3 * b[f"t[{k}]"] for k in (1, 2)])
    np.testing.assert_allclose(got["mean"][3:], p @ mean, rtol=1e-9)
    dual = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=0, family="logit"), gbtm.Outcome("z ~ t", order=1)], data, id="id", groups=[2, 2],
    ).fit(n_starts=1)
    pairs = dual.classify(people).set_index(["id", "group1", "group2"])["probability"]
    p = pairs.groupby(level=["id", "group2"]).sum().unstack().to_numpy()
    b = dual.of_outcome("z").params
    mean = np.array([b[f"intercept[{k}]"] + 3 * b[f"t[{k}]"] for k in (1, 2)])
    np.testing.assert_allclose(dual.forecast(people).table["mean"][3:], p @ mean, rtol=1e-9)


def test_dropout_is_of_those_who_stay() -> None:
    data = panel_data("negbin", n=120)
    leaves = np.random.default_rng(3).random(len(data)) < 0.08 + 0.1 * (data["id"] % 2)
    data = data[~leaves.groupby(data["id"]).cumsum().astype(bool)]
    data = data[data["id"].isin(data[data["t"] == 0]["id"])]
    res = fitted(data, "negbin", dropout=1)
    people = data[(data["id"] < 12) & (data["t"] < 3)]
    people = people[people["id"].isin(people[people["t"] == 2]["id"])]
    got = res.forecast(people).table
    p = res.classify(people).set_index(["id", "group"])["probability"].unstack().to_numpy()
    b, last = res.params, people[people["t"] == 2]["y"].to_numpy()
    names = {k: [n for n in b.index if n.startswith("drop") and n.endswith(f"[{k}]")] for k in (1, 2)}
    stay = np.column_stack([1 / (1 + np.exp(b[names[k][0]] + b[names[k][1]] * last)) for k in (1, 2)])
    np.testing.assert_allclose(got["stays"], (p * stay).sum(axis=1), rtol=1e-8)
    rate = np.exp([b[f"intercept[{k}]"] + 3 * b[f"t[{k}]"] for k in (1, 2)])
    np.testing.assert_allclose(got["mean"], (p * stay) @ rate / (p * stay).sum(axis=1), rtol=1e-8)
    with pytest.raises(SpecificationError) as error:
        res.forecast(people, steps=2)
    assert error.value.code == "no_forecast"


def test_a_file_foretells_the_same(counts, tmp_path) -> None:
    data, res = counts
    res.save(tmp_path / "f.json")
    some = data[data["id"] < 5]
    pd.testing.assert_frame_equal(gbtm.load(tmp_path / "f.json").forecast(some).table, res.forecast(some).table)


def test_waves_to_come_are_no_rows_lost():
    """Rows of the future, and missed waves, have no outcome: nothing is said of them; a missing covariate is."""
    data = gbtm.datasets.pathways()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM.from_formula(
            "offenses ~ year", data, id="id", groups=2, order=1, family="poisson", tcov="hours").fit(n_starts=1)
    people = data.loc[data["id"] <= 3, ["id", "year", "offenses", "hours"]].copy()
    people.loc[people.index[1], "offenses"] = np.nan
    ahead = pd.DataFrame({"id": people["id"].unique(), "year": 18, "offenses": np.nan, "hours": 20.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbtm.GBTMWarning)
        res.forecast(pd.concat([people, ahead]), steps=1)
    people.loc[people.index[2], "hours"] = np.nan
    with pytest.warns(gbtm.GBTMWarning, match="Dropped: 1 observation with a missing time-varying covariate"):
        res.forecast(pd.concat([people, ahead]), steps=1)
