"""What a file declares missing is missing, at every door; numbers beside dots get the way out; so do dates."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError
from gbtm.columns.declared_missing import has_dots, without_declared
from gbtm.data.arrays import panel_of_arrays

N, T = 40, 4


def _long():
    rng = np.random.default_rng(0)
    i = np.repeat(np.arange(N), T)
    d = pd.DataFrame({"id": i, "t": np.tile(np.arange(T), N) * 1.0, "x": rng.integers(1, 5, N)[i] * 1.0})
    d["y"] = rng.poisson(1 + 5 * (i % 2)) * 1.0
    d["w"], d["e"], d["s"] = rng.normal(size=N * T), 1 + rng.random(N * T), 1 + rng.random(N)[i]
    return d


MODEL = {"groups": 2, "order": 1, "family": "poisson", "risk": ["x"], "tcov": ["w"], "exposure": "e", "weights": "s"}


def _fit(d):
    return gbtm.GBTM.from_formula("y ~ t", d, id="id", **MODEL).fit(n_starts=2)


@pytest.mark.parametrize("column", ["y", "t", "x", "w", "e", "s"])
@pytest.mark.parametrize("how", ["ranges", "values"])
def test_declared_values_are_missing_in_every_column(column, how):
    d = _long()
    gone = (d["id"] == 3) | (d["id"] == 8)
    if column not in ("x", "s"):
        gone &= d["t"] > 1
    coded, missing = d.copy(), d.copy()
    coded.loc[gone, column] = 999.0
    missing.loc[gone, column] = np.nan
    coded.attrs = {"ranges": {"missing_ranges": {column: [{"lo": 998, "hi": 999}]}},
                   "values": {"missing_user_values": {column: [999.0]}}}[how]
    res, right = _fit(coded), _fit(missing)
    assert res.llf == pytest.approx(right.llf, abs=1e-10)
    assert res.nobs == right.nobs < N * T
    assert f"Missing as the data declare: {int(gone.sum())} of {column}." in res.dropped.sentence()
    assert coded.loc[gone, column].eq(999.0).all()  # the user's table is as it was
    pd.testing.assert_frame_equal(right.classify(missing), res.classify(coded))


def test_wide_columns_and_commands():
    d = _long().pivot(index="id", columns="t", values="y")
    d.columns = [f"y{j}" for j in range(T)]
    coded = d.mask(np.random.default_rng(1).random(d.shape) < 0.1, 99.0)
    for j in range(T):
        coded[f"t{j}"] = float(j)
    coded.attrs["missing_ranges"] = {f"y{j}": [{"lo": 97, "hi": 99}] for j in range(T)}
    text = "traj, var(y0-y3) indep(t0-t3) model(zip) order(1 1)"
    formula = gbtm.GBTM.from_formula("y ~ t", coded, groups=2, order=1, family="poisson", wide={"y": "y*", "t": "t*"})
    for panel in (formula.panel, gbtm.traj(text, coded, n_starts=2)):
        assert panel.nobs == int((coded[[f"y{j}" for j in range(T)]] < 97).sum().sum())
        assert panel.dropped.declared


def test_texts_are_declared_too_and_what_is_not_stays():
    d = pd.DataFrame({"a": ["yes", "refused", "no"], "b": [1, 2, 3]})
    d.attrs["missing_ranges"] = {"a": [{"lo": "refused", "hi": "refused"}], "gone": [{"lo": 1, "hi": 1}]}
    out, counts = without_declared(d)
    assert out["a"].isna().tolist() == [False, True, False]
    assert counts == (("a", 1),)
    assert without_declared(d[["b"]])[1] == ()


def test_masked_arrays_and_na_are_missing():
    y = np.ma.masked_array(np.full((3, 2), 7.0), mask=[[0, 1], [0, 0], [1, 1]])
    for given in (y, pd.DataFrame(y.filled(0)).astype("Int64").mask(y.mask),
                  [[7, pd.NA], [7, 7], [None, np.nan]], np.ma.masked_equal(y.filled(99).astype(int), 99)):
        panel = panel_of_arrays(given, [0, 1], None)
        assert panel.nobs == 3
        assert panel.dropped.missing_outcome == 3
    weights = np.ma.masked_array([1.0, 99, 1], mask=[0, 1, 0])
    codes = np.ma.masked_array(["a", "b", "a"], mask=[0, 1, 0])
    whole = np.zeros((3, 2))
    for more in ({"weights": weights}, {"risk": weights}, {"cluster": codes}, {"stratum": codes}):
        assert panel_of_arrays(whole, [0, 1], None, **more).dropped.incomplete_subjects == (1,)
    exposure = np.ma.masked_array(np.ones((3, 2)), mask=y.mask)
    assert panel_of_arrays(whole, [0, 1], None, exposure=exposure).dropped.missing_exposure == 3
    time = np.ma.masked_array(np.tile([0.0, 1], (3, 1)), mask=y.mask)
    assert panel_of_arrays(whole, time, None).dropped.missing_time == 3


def test_dots_are_seen_among_numbers_alone():
    assert has_dots(pd.Series(["1", ".", "2.5"]))
    assert has_dots(pd.Series(["1", ".a", None, " . "]))
    assert has_dots(pd.Series(["1", "."], dtype="category"))
    assert not has_dots(pd.Series(["north", "."]))
    assert not has_dots(pd.Series([1.0, 2.0]))
    assert not has_dots(pd.Series(["1", "2"]))


@pytest.mark.parametrize("column", ["y", "t", "x", "w", "e", "s"])
def test_a_column_with_dots_gets_the_way_out(column):
    d = _long()
    d[column] = d[column].astype(str).where(d["id"] != 3, ".")
    with pytest.raises(DataError, match="SAS and Stata") as caught:
        _fit(d)
    assert (caught.value.code, caught.value.argument) == ("not_numeric", column)


DATES = {
    "datetime": lambda d: pd.Timestamp("2001-01-01") + pd.to_timedelta(d["t"], unit="D"),
    "date": lambda d: [datetime.date(2001, 1, 1 + int(t)) for t in d["t"]],
    "period": lambda d: pd.PeriodIndex([pd.Period("2001-01") + int(t) for t in d["t"]]),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_as_time_get_the_way_out(kind):
    d = _long().assign(day=DATES[kind])
    with pytest.raises(DataError, match=r"365\.25") as caught:
        gbtm.GBTM.from_formula("y ~ day", d, id="id", groups=2)
    assert caught.value.code == "not_numeric"


def test_dates_among_arrays_are_refused():
    d = _long().assign(day=DATES["datetime"])
    for day in (d["day"], d["day"].to_numpy()):
        with pytest.raises(DataError, match=r"365\.25"):
            gbtm.GBTM(d["y"], day, d["id"], groups=2)


@pytest.mark.parametrize("word", ["", " ", ".", ".a", "nan", "NA", "<NA>", "-99", "-9"])
@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_words_for_a_missing_value_are_no_category(word, dtype):
    """``astype(str)`` makes "nan" of a missing value, and files write blanks: each would be a level like the others."""
    d = _long()
    d["job"] = pd.Series(np.where(d.id % 2, "clerk", "cook")).where(d.id > 4, word).astype(dtype)
    for options in ({"risk": "job"}, {"risk": "~ x + C(job)"}, {"tcov": "~ job"}, {"common": "job"}):
        with pytest.raises(DataError, match="stand for a missing value") as caught:
            gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, family="poisson", **options)
        assert (caught.value.code, caught.value.argument) == ("missing_as_text", "job")
    with pytest.raises(DataError, match="job: 20 values are"):
        gbtm.GBTM.from_formula("job ~ t", d, id="id", groups=2, order=1, family="multinomial")


@pytest.mark.parametrize("words", [["none", "some"], ["None", "one"], ["-9", "9"], ["0", "-99"], ["a.b", ". ."]])
def test_other_words_are_categories(words):
    d = _long().assign(job=lambda d: pd.Series(np.where(d.id % 2, *words)))
    made = gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, family="poisson", risk="~ C(job)")
    assert made.panel.subjects.risk.shape == (N, 1)


def test_a_level_that_no_row_has_is_no_word_for_a_missing_value():
    d = _long()
    d["job"] = pd.Categorical(np.where(d.id % 2, "clerk", "cook"), categories=["", "clerk", "cook"])
    made = gbtm.GBTM.from_formula("job ~ t", d, id="id", groups=2, order=1, family="multinomial")
    assert made.panel.nobs == N * T
