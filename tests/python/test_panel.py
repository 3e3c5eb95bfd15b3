"""From tables to arrays: what is kept, what is dropped and counted, what is refused and how it says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gbtm import DataError, Panel


def _long(**columns) -> pd.DataFrame:
    return pd.DataFrame({"who": ["b", "b", "a", "a"], "age": [2, 1, 1, 2], "y": [0.2, 0.1, 1.1, 1.2], **columns})


def _read(data, **names):
    return Panel.from_long(data, **{"id": "who", "time": "age", "outcome": "y", **names})


def test_long_keeps_first_seen_order_of_subjects_and_sorts_times():
    panel = _read(_long())
    m = panel.outcomes[0]
    assert list(panel.ids) == ["b", "a"]
    assert panel.ids.name == "who"
    assert m.subject.tolist() == [0, 0, 1, 1]
    assert m.time.tolist() == [1, 2, 1, 2]
    assert m.y.tolist() == [0.1, 0.2, 1.1, 1.2]
    assert m.row.tolist() == [1, 0, 2, 3]
    assert m.wave.tolist() == [0, 1, 0, 1]
    assert (panel.n_subjects, panel.nobs, m.name, m.time_name) == (2, 4, "y", "age")


def test_missing_values_are_counted_once_each_by_reason():
    data = pd.DataFrame(
        {
            "who": ["a", "a", "a", None, "b", "b", "c"], "age": [1, 2, np.nan, 1, 1, 2, np.nan],
            "y": [1.0, np.nan, 3.0, 4.0, np.nan, np.nan, np.nan],
        }
    )
    panel = _read(data)
    d = panel.dropped
    assert (d.missing_outcome, d.missing_time, d.missing_id) == (4, 1, 1)
    assert (d.observations_read, d.subjects_read, d.observations) == (7, 3, 6)
    assert d.subjects == ("b", "c")
    assert list(panel.ids) == ["a"]
    assert panel.outcomes[0].y.tolist() == [1.0]
    sentence = d.sentence()
    for part in ("4 observations with a missing outcome", "1 observation with a missing time",
                 "1 observation with a missing id", "2 subjects with no observation left (b, c)"):
        assert part in sentence
    assert _read(_long()).dropped.sentence() == ""


def test_sentence_lists_at_most_five_subjects():
    data = pd.DataFrame({"who": range(8), "age": 1, "y": [1.0] + [np.nan] * 7})
    assert "7 subjects with no observation left (1, 2, 3, 4, 5, ...)" in _read(data).dropped.sentence()


def test_wide_equals_long():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(5, 3))
    y[1, 2] = y[3, :] = np.nan
    wide = pd.DataFrame(y, columns=["y_1", "y_2", "y_3"]).assign(pid=list("vwxyz"), a_1=1, a_2=2, a_3=4)
    long = pd.DataFrame({"who": np.repeat(list("vwxyz"), 3), "age": np.tile([1, 2, 4], 5), "y": y.ravel()})
    one = _read(long)
    for panel in (
        Panel.from_wide(wide, outcome="y_*", time="a_*", id="pid"),
        Panel.from_wide(wide, outcome=["y_1", "y_2", "y_3"], time=[1, 2, 4], id="pid"),
        Panel.from_wide(wide.set_index("pid"), outcome="y_?", time=[1.0, 2.0, 4.0]),
    ):
        assert list(panel.ids) == list(one.ids) == list("vwxz")
        for name in ("subject", "time", "y", "wave"):
            np.testing.assert_array_equal(getattr(panel.outcomes[0], name), getattr(one.outcomes[0], name))
        assert panel.dropped.subjects == ("y",)
        assert panel.dropped.missing_outcome == 4
        assert panel.outcomes[0].columns == ("y_1", "y_2", "y_3")
        assert panel.outcomes[0].name == "y"


def test_wide_with_own_times_and_missing_times():
    wide = pd.DataFrame({"y1": [1.0, 2.0], "y2": [3.0, 4.0], "t1": [10.0, 11.0], "t2": [12.0, np.nan]})
    panel = Panel.from_wide(wide, outcome=["y1", "y2"], time=["t1", "t2"])
    assert panel.outcomes[0].time.tolist() == [10, 12, 11]
    assert panel.dropped.missing_time == 1


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([3, 3, 1, 1], "int"), (["x", "x", "y", "y"], "str"), ([1.5, 1.5, 2.5, 2.5], "float"),
        (pd.Categorical(["q", "q", "p", "p"]), "category"),
        (pd.to_datetime(["2020-01-01"] * 2 + ["2021-01-01"] * 2), "date"),
    ],
)
def test_ids_of_any_type(ids, kind):
    panel = _read(_long(who=ids))
    assert panel.n_subjects == 2
    assert list(panel.ids) == list(pd.unique(pd.Series(ids).astype(object)))


@pytest.mark.parametrize(
    "column", [pd.array([1, 0, None, 1], dtype="Int64"), pd.array([True, False, None, True], dtype="boolean"),
               np.array(["1", "0", None, "1"], dtype=object), np.array([True, False, False, True])],
    ids=["Int64", "boolean", "text numbers", "bool"],
)
def test_numeric_like_outcomes_are_read(column):
    panel = _read(_long(y=column))
    assert set(panel.outcomes[0].y) <= {0.0, 1.0}
    assert panel.nobs + panel.dropped.missing_outcome == 4
    assert panel.dropped.missing_outcome == int(pd.isna(pd.Series(column)).sum())


# -- refusals ----------------------------------------------------------------------------------------------------------


def _refused(code: str, argument: str, call, *fragments: str) -> DataError:
    with pytest.raises(DataError) as caught:
        call()
    error = caught.value
    assert error.code == code
    assert error.argument == argument
    assert argument in error.message
    assert error.way_out
    assert str(error) == f"{error.message} {error.way_out}"
    for fragment in fragments:
        assert fragment in str(error)
    return error


def test_unknown_columns():
    _refused("unknown_column", "nobody", lambda: _read(_long(), id="nobody"), "'nobody'", "who, age, y")
    _refused("unknown_column", "z", lambda: _read(_long(), outcome="z"))
    wide = pd.DataFrame({"y1": [1.0], "y2": [2.0]})
    _refused("unknown_column", "outcome", lambda: Panel.from_wide(wide, outcome="q*", time=[1, 2]), "'q*'")
    _refused("unknown_column", "outcome", lambda: Panel.from_wide(wide, outcome=["y1", "q"], time=[1, 2]), "'q'")
    _refused("unknown_column", "time", lambda: Panel.from_wide(wide, outcome="y*", time=["t1", "t2"]), "'t1'")
    _refused("unknown_column", "pid", lambda: Panel.from_wide(wide, outcome="y*", time=[1, 2], id="pid"))


def test_waves_that_do_not_match():
    wide = pd.DataFrame({"y1": [1.0], "y2": [2.0], "t1": [1.0]})
    _refused("wave_mismatch", "time", lambda: Panel.from_wide(wide, outcome="y*", time=[1, 2, 3]), "3 times for 2")
    _refused("wave_mismatch", "time", lambda: Panel.from_wide(wide, outcome="y*", time="t*"), "1 time columns for 2")


def test_duplicate_ids_in_wide_data():
    wide = pd.DataFrame({"pid": ["a", "b", "a"], "y1": [1.0, 2, 3]})
    _refused("duplicate_id", "pid", lambda: Panel.from_wide(wide, outcome=["y1"], time=[1], id="pid"), "'a'")


def test_duplicate_times_tell_the_rows():
    data = pd.concat([_long(), pd.DataFrame({"who": ["a"], "age": [2], "y": [9.0]}, index=["extra"])])
    _refused("duplicate_time", "age", lambda: _read(data), "row extra", "id a", "age 2", "1 observations repeat")


def test_duplicate_times_in_wide_data_tell_the_column():
    wide = pd.DataFrame({"y1": [1.0, 1], "y2": [2.0, 2], "t1": [1.0, 3], "t2": [2.0, 3]}, index=["r1", "r2"])
    _refused("duplicate_time", "time", lambda: Panel.from_wide(wide, outcome=["y1", "y2"], time=["t1", "t2"]),
             "row r2", "column 'y2'")


def test_a_missing_outcome_at_a_repeated_time_is_no_duplicate():
    data = pd.concat([_long(), pd.DataFrame({"who": ["a"], "age": [2], "y": [np.nan]})])
    assert _read(data).nobs == 4


@pytest.mark.parametrize("where", ["age", "y"])
def test_infinite_values_tell_the_rows(where):
    data = _long()
    data[where] = data[where].astype(float)
    data.loc[2, where] = -np.inf
    _refused("infinite", where, lambda: _read(data), "row 2", "1 infinite")


def test_infinite_values_in_wide_data_tell_row_and_column():
    wide = pd.DataFrame({"y1": [1.0, 2], "y2": [np.inf, 4]}, index=["r1", "r2"])
    _refused("infinite", "y", lambda: Panel.from_wide(wide, outcome=["y1", "y2"], time=[1, 2]), "row r1", "column 'y2'")


@pytest.mark.parametrize(
    "values",
    [["low", "high", "low", "low"], pd.Categorical([1, 2, 1, 2]), pd.to_datetime(["2020-01-01"] * 4)],
    ids=["text", "category", "date"],
)
@pytest.mark.parametrize("where", ["age", "y"])
def test_what_is_not_a_number_is_refused(where, values):
    _refused("not_numeric", where, lambda: _read(_long(**{where: values})), "row 0")


def test_nothing_left():
    _refused("no_data", "y", lambda: _read(_long(y=[np.nan] * 4)), "no observation is left")


def test_long_messages_are_cut():
    n = 12
    data = pd.DataFrame({"who": ["a"] * n, "age": [1] * n, "y": range(n)})
    error = _refused("duplicate_time", "age", lambda: _read(data), "and 6 more")
    assert error.message.count("row ") == 5


def test_a_column_name_that_is_there_twice():
    data = pd.concat([_long(), _long()[["y"]]], axis=1)
    _refused("duplicate_column", "y", lambda: _read(data), "2 columns")


def test_no_columns_at_all():
    wide = pd.DataFrame({"y1": [1.0]})
    with pytest.raises(DataError) as e:
        Panel.from_wide(wide, outcome=[], time=[])
    assert e.value.argument == "outcome"


def test_column_names_that_are_numbers():
    wide = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    panel = Panel.from_wide(wide, outcome=[0, 1], time=[1, 2])
    assert panel.outcomes[0].y.tolist() == [1, 2, 3, 4]


def test_an_empty_table():
    _refused("no_data", "y", lambda: _read(_long().head(0)))
