"""lag("y") among the time-varying covariates: against columns that pandas shifts."""

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.errors import DataError, SpecificationError
from gbtm.lags.lagged import lag_rows
from gbtm.lags.term import LagTerm, with_lag_columns
from gbtm.likelihood.simulate import simulate
from gbtm.record.rebuild import layout_of, panel_of

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.errors.GBTMWarning")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """Counts of two groups that depend on the count before, with two missed waves, one as a row and one without."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(80):
        last = 0
        for t in range(6):
            mean = np.exp((-0.5, 0.6)[i % 2] + (0.0, 0.5)[i % 2] * np.log1p(last) + 0.05 * t)
            last = rng.negative_binomial(2, 2 / (2 + mean))
            rows.append((f"p{i}", float(t), float(last), rng.normal()))
    d = pd.DataFrame(rows, columns=["id", "t", "y", "w"])
    d.loc[20, "y"] = np.nan
    return d.drop(index=[33]).sample(frac=1, random_state=1).reset_index(drop=True)


def fitted(data: pd.DataFrame, tcov, **options):
    given = {"groups": 2, "order": 1, "family": "poisson", **options}
    return gbtm.GBTM.from_formula("y ~ t", data=data, id="id", tcov=tcov, **given).fit(n_starts=1)


def shifted(data: pd.DataFrame, by: int = 1) -> pd.Series:
    """The outcome at the time ``by`` before, by merging."""
    before = data[["id", "t", "y"]].assign(t=data["t"] + by)
    return data[["id", "t"]].merge(before, on=["id", "t"], how="left")["y"]


@pytest.fixture(scope="module")
def res(data):
    return fitted(data, '~ log1p(lag("y"))')


def test_the_fit_is_that_of_a_shifted_column(data, res) -> None:
    known = fitted(data.assign(before=np.log1p(shifted(data))), ["before"])
    assert res.llf == pytest.approx(known.llf, abs=1e-9)
    np.testing.assert_allclose(res.params, known.params, rtol=1e-7)
    assert res.nobs == known.nobs
    assert list(res.params.index[2:3]) == ["log1p(lag(y))[1]"]


def test_what_happens_at_first_and_after_missed_waves_is_said(data, res) -> None:
    said = [w for w in res.warnings if w.startswith("lag(y)")]
    assert len(said) == 1
    assert "80 observations" in said[0]
    assert "2 observations after a missed wave" in said[0]


@pytest.mark.parametrize("tcov", ["~ lag(y, first=0)", 'lag("y", 1, 0)', ["lag(y, first=0)"]])
def test_first_is_a_value(data, tcov) -> None:
    before = shifted(data)
    before[data["t"] == data.groupby("id")["t"].transform("min")] = 0.0
    assert fitted(data, tcov).llf == pytest.approx(fitted(data.assign(b=before), ["b"]).llf, abs=1e-8)


def test_gaps_take_the_last_outcome_seen(data) -> None:
    seen = data.dropna(subset=["y"]).sort_values(["id", "t"])
    before = seen.groupby("id")["y"].shift(1)
    known = fitted(data.assign(b=before), ["b"])
    res = fitted(data, '~ lag(y, gaps="last")')
    assert res.llf == pytest.approx(known.llf, abs=1e-8)
    assert res.nobs == known.nobs == int(before.notna().sum())


def test_two_lags_and_a_product(data) -> None:
    known = fitted(data.assign(a=shifted(data), b=shifted(data, 2)), "~ w * a + b")
    assert fitted(data, "~ w * lag(y) + lag(y, 2)").llf == pytest.approx(known.llf, abs=1e-8)


def test_wide_data_give_the_same(data, res, tmp_path) -> None:
    wide = data.pivot(index="id", columns="t", values="y").loc[lambda d: d.index]
    wide.columns = [f"y{t:g}" for t in wide.columns]
    columns = {"y": list(wide.columns), "t": list(range(6))}
    other = gbtm.GBTM.from_formula(
        "y ~ t", data=wide, wide=columns, groups=2, order=1, family="poisson", tcov="~ log1p(lag(y))").fit(n_starts=1)
    assert other.llf == pytest.approx(res.llf, abs=1e-9)
    assert list(other.params.index) == list(res.params.index)
    other.save(tmp_path / "w.json")
    p = gbtm.load(tmp_path / "w.json").classify(wide)
    mine = res.classify(data)
    merged = p.merge(mine, on=["id", "group"])
    np.testing.assert_allclose(merged["probability_x"], merged["probability_y"], atol=1e-9)


def test_new_people_get_their_own_lags_from_a_file(data, res, tmp_path) -> None:
    res.save(tmp_path / "fit.json")
    stored = gbtm.load(tmp_path / "fit.json")
    assert stored.outcomes[0].lags.terms == (LagTerm("y"),)
    some = data[data["id"].isin(["p3", "p6"])]
    p = stored.classify(some).set_index(["id", "group"])["probability"].unstack()
    np.testing.assert_allclose(p, res.posterior.loc[p.index], atol=1e-9)


def test_simulation_builds_lags_as_it_goes(data, res, tmp_path) -> None:
    res.save(tmp_path / "fit.json")
    stored = gbtm.load(tmp_path / "fit.json")
    panel, _ = simulate(layout_of(stored), stored.internal.params, panel_of(stored), 3)
    m = panel.outcomes[0]
    here = m.lag_source[:, 0] >= 0
    np.testing.assert_array_equal(m.covariates[here, 0], np.log1p(m.y[m.lag_source[here, 0]]))
    old = panel_of(stored).outcomes[0]
    np.testing.assert_array_equal(m.covariates[~here], old.covariates[~here])
    assert (m.subject[m.lag_source[here, 0]] == m.subject[here]).all()
    np.testing.assert_allclose(m.time[m.lag_source[here, 0]], m.time[here] - 1)
    assert not np.array_equal(m.y, old.y)


def test_simulated_products_follow_the_lag(data) -> None:
    res = fitted(data, "~ w * lag(y, first=0)")
    panel, _ = simulate(layout_of(res), res.internal.params, panel_of(res), 3)
    m = panel.outcomes[0]
    w, lag, product = (m.covariates[:, m.covariate_names.index(c)] for c in ("w", "lag(y)", "w:lag(y)"))
    np.testing.assert_allclose(product, w * lag, rtol=1e-12)


def test_a_simulation_with_random_effects_keeps_each_person_s_own() -> None:
    rng = np.random.default_rng(1)
    d = pd.DataFrame({"id": np.repeat(np.arange(60), 6), "t": np.tile(np.arange(6.0), 60)})
    d["y"] = rng.normal(size=60).repeat(6) * 3 + rng.normal(size=360) * 0.3
    res = gbtm.GBTM.from_formula(
        "y ~ t", data=d, id="id", groups=1, order=1, rorder=0, tcov="~ lag(y)").fit(n_starts=1)
    assert np.isfinite(res.simulate(rng=1)["y"]).all()


def test_lag_rows() -> None:
    subject, wave = np.array([0, 0, 0, 1, 1, -1]), np.array([0, 1, 3, 2, 3, 0])
    known = np.array([True, True, True, False, True, True])
    assert lag_rows(subject, wave, known, LagTerm("y")).tolist() == [-1, 0, -2, -1, -1, -1]
    assert lag_rows(subject, wave, known, LagTerm("y", gaps="last")).tolist() == [-1, 0, 1, -1, -1, -1]
    assert lag_rows(subject, wave, known, LagTerm("y", 2)).tolist() == [-1, -1, 1, -1, -1, -1]


def test_text_is_read_and_not_run() -> None:
    asked, terms = with_lag_columns("~ I(lag(`y 1`, 2) + lag('y 1', 2)) + C(lagged)", "y 1", ["y 1"])
    assert asked == "~ I(`lag(y 1, 2)` + `lag(y 1, 2)`) + C(lagged)"
    assert terms == (LagTerm("y 1", 2),)
    assert with_lag_columns(["lag(y)"], "y", ["lag(y)"]) == (["lag(y)"], ())
    for bad in ("~ lag(w)", "~ lag(y, 0)", "~ lag(y, gaps='all')", "~ lag(y, 1.5)", "~ lag(y, n=1)", "~ lag()",
                "~ lag(y", "~ lag(y) + lag(y, first=0)", "~ lag(__import__('os'))", "~ lag(y, first=inf)"):
        with pytest.raises(SpecificationError) as error:
            with_lag_columns(bad, "y", ["y", "w"])
        assert error.value.code == "bad_lag"


def test_times_of_people_s_own_are_no_waves() -> None:
    rng = np.random.default_rng(0)
    d = pd.DataFrame({"id": np.repeat(np.arange(40), 4), "t": rng.random(160), "y": rng.normal(size=160)})
    d = d.sort_values(["id", "t"])
    with pytest.raises(DataError, match="gaps") as error:
        gbtm.GBTM.from_formula("y ~ t", data=d, id="id", groups=1, order=1, tcov="lag(y)")
    assert error.value.code == "no_waves"
    counted = d.assign(n=d.groupby("id").cumcount())
    by_wave = gbtm.GBTM.from_formula("y ~ t", data=counted, id="id", groups=1, order=1, tcov="lag(y)", wave="n")
    by_order = gbtm.GBTM.from_formula("y ~ t", data=d, id="id", groups=1, order=1, tcov='lag(y, gaps="last")')
    np.testing.assert_array_equal(by_wave.panel.outcomes[0].covariates, by_order.panel.outcomes[0].covariates)


def test_a_product_with_what_is_no_covariate_cannot_be_simulated(data) -> None:
    res = fitted(data, "~ w:lag(y, first=0)")
    with pytest.raises(SpecificationError) as error:
        res.simulate(rng=0)
    assert error.value.code == "unknown_lag"


def test_on_disk_a_lag_is_refused(data, tmp_path) -> None:
    pytest.importorskip("pyarrow")
    data.to_parquet(tmp_path / "d.parquet")
    with pytest.raises(SpecificationError) as error:
        gbtm.GBTM.from_formula("y ~ t", data=str(tmp_path / "d.parquet"), id="id", groups=2, tcov="lag(y)")
    assert error.value.code == "not_on_disk"
