"""From tables to arrays: what is kept, what is dropped and counted, what is refused and how it says so."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gbtm import DataError, Panel
from gbtm.data.arrays import panel_of_arrays
from gbtm.data.measures import in_order
from gbtm.data.panel import wave_matrix
from parts import draw


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


# -- time-varying covariates and exposure -----------------------------------------------------------------------------


def test_missing_values_of_covariates_are_counted_for_the_first_reason():
    """In this order: id, outcome, time, covariate, exposure; then subjects for what is known of them."""
    data = pd.DataFrame(
        {
            "who": [None, "a", "a", "a", "a", "a", "b", "b", "c", "d"],
            "age": [1, 1, np.nan, 3, 4, 5, 1, 2, 1, 1],
            "y": [np.nan, np.nan, 1, 1, 1, 1, 1, 1, 1, 1],
            "w": [np.nan, np.nan, np.nan, np.nan, 1, 1, 1, 1, np.nan, 1],
            "e": [np.nan, np.nan, np.nan, np.nan, np.nan, 1, 1, 2, 1, 1],
            "z": [1, 1, 1, 1, 1, 1, 1, 1, np.nan, np.nan],
        }
    )
    panel = _read(data, tcov="w", exposure="e", risk=["z"])
    d = panel.dropped
    assert (d.missing_id, d.missing_outcome, d.missing_time, d.missing_covariate, d.missing_exposure) == (1, 1, 1, 2, 1)
    assert d.observations == 6
    assert (d.observations_read, d.subjects_read) == (10, 4)
    assert list(panel.ids) == ["a", "b"]
    assert d.subjects == ("c",)  # its only observation lacks a covariate: that comes before its own missing z
    assert d.incomplete_subjects == ("d",)
    sentence = d.sentence()
    for part in ("1 observation with a missing id", "1 observation with a missing outcome",
                 "1 observation with a missing time", "2 observations with a missing time-varying covariate",
                 "1 observation with a missing exposure", "1 subject with no observation left (c)",
                 "1 subject with a missing membership covariate, weight or cluster (d)"):
        assert part in sentence
    assert panel.outcomes[0].covariates[:, 0].tolist() == [1, 1, 1]
    assert panel.outcomes[0].exposure.tolist() == [1, 1, 2]


def test_covariates_and_exposure_follow_their_observations_when_sorted():
    m = _read(_long(w=[20.0, 10, 30, 40], e=[2.0, 1, 3, 4]), tcov=["w"], exposure="e").outcomes[0]
    assert m.time.tolist() == [1, 2, 1, 2]
    assert m.covariates[:, 0].tolist() == [10, 20, 30, 40]
    assert m.exposure.tolist() == [1, 2, 3, 4]
    assert m.covariate_names == ("w",)
    some = m.take(np.array([3, 0]))
    assert some.covariates[:, 0].tolist() == [40, 10]
    assert some.exposure.tolist() == [4, 1]


@pytest.mark.parametrize(
    ("tcov", "names"),
    [("w", ("w",)), (["w", "job"], ("w", "job[T.b]")), ("~ w + C(job)", ("w", "C(job)[T.b]")), ("~ w:age", ("w:age",))],
)
def test_names_of_time_varying_covariates(tcov, names):
    panel = _read(_long(w=[2.0, 1, 3, 4], job=["a", "b", "a", "a"]), tcov=tcov)
    assert panel.outcomes[0].covariate_names == names


def test_wide_covariates_equal_long_ones():
    rng = np.random.default_rng(0)
    y, w, u, e = rng.normal(size=(4, 5, 3))
    e = np.exp(e)
    y[1, 2] = w[2, 0] = e[3, 1] = np.nan
    wide = pd.DataFrame(np.hstack([y, w, u, e]), columns=[f"{n}{j}" for n in "ywue" for j in (1, 2, 3)])
    long = pd.DataFrame(
        {"who": np.repeat(range(5), 3), "age": np.tile([1, 2, 4], 5), "y": y.ravel(), "w": w.ravel(), "u": u.ravel(),
         "e": e.ravel()}
    )
    one = _read(long, tcov=["w", "u"], exposure="e", dropout=True, dcov=["u"])
    named = {"w": ["w1", "w2", "w3"], "u": "u?"}
    two = Panel.from_wide(wide, outcome="y?", time=[1, 2, 4], tcov=named, exposure="e*", dropout=True, dcov={"u": "u?"})
    three = panel_of_arrays(
        y, [1, 2, 4], None, tcov={"w": w, "u": u}, exposure=e, dropout=True, dcov=u)
    four = panel_of_arrays(
        y.ravel(), np.tile([1, 2, 4], 5), np.repeat(range(5), 3), tcov=np.stack([w, u], axis=-1).reshape(15, 2),
        exposure=e.ravel(), dropout=True, dcov=u.ravel())
    assert one.dropped.missing_covariate == one.dropped.missing_exposure == 1
    for other in (two, three, four):
        for name in ("subject", "time", "y", "covariates", "exposure"):
            np.testing.assert_array_equal(getattr(other.outcomes[0], name), getattr(one.outcomes[0], name))
        for a, b in zip(other.history.table(), one.history.table(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert other.dropped.missing_covariate == other.dropped.missing_exposure == 1
    assert two.outcomes[0].covariate_names == three.outcomes[0].covariate_names == ("w", "u")
    assert four.outcomes[0].covariate_names == ("w1", "w2")


def test_bad_exposure():
    for bad in (0.0, -1.0):
        data = _long(e=[1.0, bad, 2, 3]).set_index(pd.Index(list("pqrs")))
        _refused("bad_exposure", "exposure", lambda d=data: _read(d, exposure="e"), "1 values", "row q", "missing")
    _refused("infinite", "exposure", lambda: _read(_long(e=[1, np.inf, 2, 3]), exposure="e"), "row 1")
    _refused("unknown_column", "z", lambda: _read(_long(), exposure="z"))
    _refused("not_numeric", "e", lambda: _read(_long(e=list("abcd")), exposure="e"))


def test_bad_time_varying_covariates():
    _refused("infinite", "w", lambda: _read(_long(w=[1, 2, -np.inf, 3]), tcov=["w"]), "row 2")
    _refused("unknown_column", "q", lambda: _read(_long(), tcov=["q"]))
    wide = pd.DataFrame({"y1": [1.0], "y2": [2.0], "w1": [0.0]})
    _refused("wave_mismatch", "tcov",
             lambda: Panel.from_wide(wide, outcome="y?", time=[1, 2], tcov={"w": ["w1"]}), "1 tcov columns for 2")
    _refused("wave_mismatch", "exposure",
             lambda: Panel.from_wide(wide, outcome="y?", time=[1, 2], exposure=["w1"]), "1 exposure columns for 2")
    _refused("unknown_column", "dcov", lambda: Panel.from_wide(wide, outcome="y?", time=[1, 2], dcov={"v": "v*"}))
    y = np.zeros((2, 3))
    for what in ("tcov", "dcov", "exposure"):
        _refused("bad_shape", what, lambda w=what: panel_of_arrays(y, [1, 2, 3], None, **{w: np.ones((2, 2))}),
                 "(2, 2)", "(2, 3)")
        _refused("not_numeric", what, lambda w=what: panel_of_arrays(y, [1, 2, 3], None, **{w: [["a"] * 3] * 2}))


def test_cells_are_distinct_rows_of_time_covariates_and_exposure():
    """By a dictionary of tuples."""
    rng = np.random.default_rng(1)
    n = 400
    data = pd.DataFrame(
        {"who": np.repeat(range(100), 4), "age": np.tile([1, 2, 3, 5], 100), "y": rng.integers(0, 3, n),
         "w": rng.integers(0, 2, n), "u": rng.choice([0.5, -1.5], n), "e": rng.choice([1.0, 2.0], n)}
    )
    m = _read(data, tcov=["w", "u"], exposure="e").outcomes[0]
    for by_value in (False, True):
        for by_exposure in (False, True):
            first, cell = m.cells(by_value=by_value, by_exposure=by_exposure)
            rows = [
                (t, *w, *([e] if by_exposure else []), *([y] if by_value else []))
                for t, w, e, y in zip(m.time, m.covariates, m.exposure, m.y, strict=True)
            ]
            kinds = sorted(set(rows))
            assert first.size == len(kinds)
            assert cell.tolist() == [kinds.index(row) for row in rows]
            assert first.tolist() == [rows.index(kind) for kind in kinds]


def test_binned_covariates_are_bin_means():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"who": np.repeat(range(60), 2), "age": np.tile([1, 2], 60), "y": 0.0,
                         "w": rng.normal(size=120), "b": np.tile([0, 1], 60), "e": rng.uniform(1, 2, 120)})
    m = _read(data, tcov=["w", "b"], exposure="e").outcomes[0]
    few = m.binned_covariates(12)
    assert len(np.unique(few.covariates[:, 0])) == len(np.unique(few.exposure)) == 12
    np.testing.assert_array_equal(few.covariates[:, 1], m.covariates[:, 1])  # two values need no bins
    order = np.argsort(m.covariates[:, 0]).reshape(12, 10)
    np.testing.assert_allclose(few.covariates[order, 0], np.tile(
        m.covariates[order, 0].mean(axis=1, keepdims=True), (1, 10)))
    order = np.argsort(m.exposure).reshape(12, 10)
    np.testing.assert_allclose(
        few.exposure[order], np.tile(np.exp(np.log(m.exposure[order]).mean(axis=1, keepdims=True)), (1, 10)))
    assert m.covariates.std() != few.covariates.std()


# -- subjects held out ------------------------------------------------------------------------------------------------


def test_held_out_subjects_are_set_apart():
    data = _long(held=[1, 1, 0, 0], z=[5.0, 5, 6, 6], w=[1.0, 2, 3, 4])
    panel = _read(data, out_of_sample="held", risk=["z"], tcov=["w"], dropout=True)
    fitted, held = panel.split()
    for part, who, y, z in ((fitted, "a", [1.1, 1.2], 6), (held, "b", [0.1, 0.2], 5)):
        assert list(part.ids) == [who]
        assert part.outcomes[0].y.tolist() == y
        assert part.outcomes[0].subject.tolist() == [0, 0]
        assert part.subjects.risk.tolist() == [[z]]
        np.testing.assert_array_equal(part.history.table()[0], [y])
    assert _read(data).split()[1] is None
    assert _read(data.assign(held=0), out_of_sample="held").split()[1] is None
    _refused("no_data", "out_of_sample", lambda: _read(data.assign(held=1), out_of_sample="held").split())


def test_waves_at_which_only_those_held_out_were_seen_are_none():
    """In long data waves are the times that occur; wide data have their columns, whoever was seen there."""
    data = pd.DataFrame({"who": list("aaabbbc"), "age": [1, 2, 7, 1, 2, 3, 1], "y": [1.0, 2, 3, 4, 5, np.nan, 6],
                         "held": list(map(float, "1110000"))})
    whole = _read(data, out_of_sample="held", dropout=True)
    assert whole.history.n_waves == 4
    fitted, held = whole.split()
    np.testing.assert_array_equal(fitted.history.table()[0], [[4, 5], [6, np.nan]])
    np.testing.assert_array_equal(held.history.table()[0], [[1, 2, np.nan, 3]])
    wide = pd.DataFrame({"y1": [1.0, 4], "y2": [2.0, np.nan], "y3": [3.0, np.nan], "held": [1, 0]})
    fitted, _ = Panel.from_wide(wide, outcome="y?", time=[1, 2, 3], out_of_sample="held", dropout=True).split()
    np.testing.assert_array_equal(fitted.history.table()[0], [[4, np.nan, np.nan]])


# -- some of the subjects, and subjects several times ------------------------------------------------------------------


def _same(one, other):
    """Two panels hold the same of the same people."""
    assert list(one.ids) == list(other.ids)
    for a, b in zip(one.sources, other.sources, strict=True):
        for name in ("subject", "time", "y", "wave", "exposure"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        w, v = a.covariates, b.covariates
        if a is one.departures:  # the first tells how many lags are known; those that are not hold their mean
            unknown = w[:, :1] < np.array([0, 1, 2, 0])
            w, v = np.where(unknown, 0, w), np.where(unknown, 0, v)
        if a.covariate_names:
            np.testing.assert_array_equal(w, v)
    for name in ("risk", "weights", "missing_at_random"):
        np.testing.assert_array_equal(getattr(one.subjects, name), getattr(other.subjects, name))
    assert (one.history is None) == (other.history is None)
    if one.history is not None:
        for a, b in zip(one.history.table(), other.history.table(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["everything_censored", "tcov", "risk"])
def test_some_subjects_are_the_panel_of_their_rows(name):
    drawn = draw(name)
    panel = drawn.built().panel
    keep = np.array([0, 3, 4, 11, panel.n_subjects - 1])
    some = panel.subset(keep)
    own = drawn.table[drawn.table["id"].isin(panel.ids[keep])]
    _same(some, drawn.built(data=own).panel)
    assert (some.known is None) == (panel.known is None)
    assert some.outcomes[0].row.tolist() == panel.outcomes[0].row[np.isin(panel.outcomes[0].subject, keep)].tolist()


def test_of_two_outcomes_each_keeps_its_own_observations():
    data = _long(x=[1.0, np.nan, 3, 4])
    two = replace(_read(data), outcomes=(_read(data).outcomes[0], _read(data, outcome="x").outcomes[0]))
    some = two.subset(np.array([1]))
    assert [m.y.tolist() for m in some.outcomes] == [[1.1, 1.2], [3, 4]]
    assert [m.subject.tolist() for m in some.outcomes] == [[0, 0], [0, 0]]
    assert [m.y.tolist() for m in two.subset(np.array([0])).outcomes] == [[0.1, 0.2], [1]]
    assert two.nobs == 7


@pytest.mark.parametrize("weights", [None, "wt"])
def test_resampled_people_weigh_their_number_times_their_weight(weights):
    data = pd.DataFrame({"who": list("aabcc"), "age": [1, 2, 1, 1, 2], "y": [1.0, 2, 3, 4, 5],
                         "wt": [0.5, 0.5, 3, 4, 4], "z": [7.0, 7, 8, 9, 9]})
    panel = _read(data, weights=weights, risk=["z"])
    again = panel.weighted(np.array([2, 0, 3]))
    assert list(again.ids) == ["a", "c"]
    assert again.subjects.weights.tolist() == ([2, 3] if weights is None else [2 * 0.5, 3 * 4])
    assert again.subjects.risk.tolist() == [[7], [9]]
    assert again.outcomes[0].y.tolist() == [1, 2, 4, 5]
    assert again.outcomes[0].subject.tolist() == [0, 0, 1, 1]
    bare = panel_of_arrays(np.arange(6.0).reshape(3, 2), [1, 2], None).weighted(np.array([0, 1, 5]))
    assert bare.subjects.weights.tolist() == [1, 5]


def test_offending_rows_are_described_in_the_users_terms():
    panel = _read(_long().set_index(pd.Index(list("pqrs"))))
    m = panel.outcomes[0]
    assert panel.describe_rows(np.array([0, 3]), m) == "row q (id b, age 1): 0.1; row s (id a, age 2): 1.2"
    assert replace(panel, row_labels=None).describe_rows(np.array([1]), m) == "row 0 (id b, age 2): 0.2"
    wide = Panel.from_wide(pd.DataFrame({"y1": [1.5, 2], "y2": [3.0, 4]}), outcome="y?", time=[10, 20.5])
    assert wide.describe_rows(np.array([3]), wide.outcomes[0]) == "row 1, column 'y2' (id 1, time 20.5): 4"
    many = _read(pd.DataFrame({"who": range(7), "age": 1, "y": range(7)}))
    five = "; ".join(f"row {j} (id {j}, age 1): {j}" for j in range(5))
    for n, more in ((5, ""), (6, " and 1 more"), (7, " and 2 more")):
        assert many.describe_rows(np.arange(n), many.outcomes[0]) == five + more


def test_in_order_is_sorted_without_repetition():
    for subject in itertools.product((0, 1, 2), repeat=3):
        assert in_order(np.array(subject), None) == (sorted(subject) == [*subject])
        for time in itertools.product((0.0, 0.5, 2.0), repeat=3):
            pairs = [*zip(subject, time, strict=True)]
            assert in_order(np.array(subject), np.array(time)) == (sorted(set(pairs)) == pairs)


def test_columns_by_wave_are_a_matrix():
    wide = pd.DataFrame({"a2": [3, 4], "b": [0, 0], "a1": [1, np.nan]})
    np.testing.assert_array_equal(wave_matrix(wide, ["a1", "a2"], "tcov", 2), [[1, 3], [np.nan, 4]])
    error = _refused("wave_mismatch", "tcov", lambda: wave_matrix(wide, "a?", "tcov", 3))
    assert str(error) == "tcov: 2 tcov columns for 3 outcome columns. Give one tcov column per outcome column."


# -- the history that dropout is judged by ----------------------------------------------------------------------------


def test_the_history_holds_every_wave():
    """Rows without an outcome and absent rows are the same; a wave at which nobody was seen is one all the same."""
    data = pd.DataFrame({"who": list("aaabbcc"), "age": [1, 2, 5, 1, 5, 2, 3],
                         "y": [1.0, np.nan, 3, 4, np.nan, 5, np.nan], "v": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]})
    y, v = _read(data, dropout=True, dcov=["v"]).history.table()
    nan = np.nan
    np.testing.assert_array_equal(y, [[1, nan, nan, 3], [4, nan, nan, nan], [nan, 5, nan, nan]])
    np.testing.assert_array_equal(
        v[..., 0], [[0.1, 0.2, nan, 0.3], [0.4, nan, nan, 0.5], [nan, 0.6, 0.7, nan]])
    assert _read(data).history is None


def test_what_is_dropped_for_its_covariate_was_seen():
    data = _long(w=[1.0, 2, np.nan, 4])
    panel = _read(data, tcov=["w"], dropout=True)
    assert panel.nobs == 3
    np.testing.assert_array_equal(panel.history.table()[0], [[0.1, 0.2], [1.1, 1.2]])


def test_an_outcome_without_a_time_is_no_wave():
    data = pd.concat([_long(), pd.DataFrame({"who": ["a"], "age": [np.nan], "y": [99.0]})])
    np.testing.assert_array_equal(_read(data, dropout=True).history.table()[0], [[0.1, 0.2], [1.1, 1.2]])


def test_a_missing_outcome_at_a_repeated_time_hides_nothing():
    data = pd.concat([_long(), pd.DataFrame({"who": ["a"], "age": [2], "y": [np.nan]})])
    np.testing.assert_array_equal(_read(data, dropout=True).history.table()[0], [[0.1, 0.2], [1.1, 1.2]])


def test_times_that_are_no_waves():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"who": np.repeat(range(600), 2), "age": rng.uniform(size=1200), "y": 1.0})
    _refused("no_waves", "dropout", lambda: _read(data, dropout=True), "1200 distinct times")


def test_a_thousand_waves_are_the_most():
    def waves(n):
        return pd.DataFrame({"who": "a", "age": np.arange(n), "y": 1.0})

    assert _read(waves(1000), dropout=True).history.n_waves == 1000
    error = _refused("no_waves", "dropout", lambda: _read(waves(1001), dropout=True), "1001 distinct times")
    assert "ound the times to waves" in error.way_out


def test_infinite_covariates_of_dropout_tell_the_row():
    for row in (0, 3):
        v, u = np.arange(4.0), np.arange(4.0)
        v[row] = np.inf
        _refused("infinite", "v", lambda v=v, u=u: _read(_long(u=u, v=v), dropout=True, dcov=["u", "v"]),
                 f"v: 1 infinite values (row {row})")


def test_rows_of_nobody_are_no_history():
    """Without an id, of people without any outcome, or in wide data without outcome and time."""
    data = pd.DataFrame({"who": [None, "a", "a", "b", "c"], "age": [1, 1, 2, 1, 2], "y": [9.0, 1, np.nan, np.nan, 3],
                         "v": [9.0, 1, 2, 9, 3]})
    history = _read(data, dropout=True, dcov=["v"]).history
    assert (history.subject.tolist(), history.wave.tolist()) == ([0, 0, 1], [0, 1, 1])
    assert history.covariates.tolist() == [[1], [2], [3]]
    assert (history.n_subjects, history.n_waves, history.covariate_names) == (2, 2, ("v",))
    assert _read(data, dropout=True).history.covariates.shape == (3, 0)
    wide = pd.DataFrame({"y1": [1.0, 2, np.nan], "y2": [np.nan, np.nan, 5], "t1": [1, np.nan, 1], "t2": [2, np.nan, 2],
                         "v1": [0.1, 0.2, 0.3], "v2": [0.4, 0.5, 0.6]})
    history = Panel.from_wide(
        wide, outcome="y?", time="t?", tcov=None, dropout=True, dcov={"v": ["v1", "v2"]}).history
    assert history.covariates[:, 0].tolist() == [0.1, 0.4, 0.3, 0.6]  # the second person is never seen at a known time
    partly = Panel.from_wide(
        wide.assign(t1=[1, np.nan, np.nan], y1=[1.0, 2, np.nan], t2=[2, 2, 2], y2=[np.nan, 4, 5]),
        outcome="y?", time="t?", dropout=True, dcov={"v": ["v1", "v2"]}).history
    assert partly.covariates[:, 0].tolist() == [0.1, 0.4, 0.2, 0.5, 0.6]


def test_ids_of_wide_data():
    """A column's, the index's, or the number of the row; those missing are no repetition of each other."""
    wide = pd.DataFrame({"pid": ["a", None, None, "b"], "y1": [1.0, 2, 3, 4]})
    panel = Panel.from_wide(wide, outcome=["y1"], time=[1], id="pid")
    assert (list(panel.ids), panel.ids.name, panel.dropped.missing_id) == (["a", "b"], "pid", 2)
    panel = Panel.from_wide(wide, outcome=["y1"], time=[1])
    assert (list(panel.ids), panel.ids.name) == ([0, 1, 2, 3], "id")
    panel = Panel.from_wide(wide.set_axis(pd.Index(list("wxyz"), name="person")), outcome=["y1"], time=[1])
    assert (list(panel.ids), panel.ids.name) == (list("wxyz"), "person")
    for name in ("person", None):
        repeated = wide.set_axis(pd.Index(["w", "x", "w", "w"], name=name))
        error = _refused("duplicate_id", name or "id", lambda d=repeated: Panel.from_wide(d, outcome=["y1"], time=[1]),
                         "2 ids stand on more than one row of wide data, first 'w'")
        assert error.way_out.startswith("Wide data have one row per subject.")


def test_ways_out_of_what_is_refused():
    data = _long(held=1, e=[1, 2, -3, 0])
    for code, argument, call, said in (
        ("no_data", "out_of_sample", lambda: _read(data, out_of_sample="held").split(),
         "out_of_sample: all subjects are held out. Leave it 0 for those to fit."),
        ("bad_exposure", "exposure", lambda: _read(data, exposure="e"),
         "exposure, trials: 2 values are zero or negative, first in row 2. They are times at risk, or numbers of "
         "trials, above 0; where there were none, set the outcome to missing."),
        ("duplicate_time", "age", lambda: _read(pd.concat([data, data.tail(2)])),
         "who, age: 2 observations repeat the id and time of another one: row 2 (id a, age 1): 1.1; row 3 (id a, age "
         "2): 1.2. Keep one row per subject and time, or check that the id column is right. Where each is a "
         "measurement of its own, of two raters for one, repeated=True lets all of them count."),
    ):
        assert str(_refused(code, argument, call)) == said


# -- what is not said, and what is handed on ---------------------------------------------------------------------------


def test_a_time_at_which_no_outcome_is_known_is_no_wave_unless_dropout_is_modelled():
    data = pd.DataFrame({"who": list("aaab"), "age": [1, 2, 3, 3], "y": [1.0, np.nan, 2, 3]})
    assert _read(data).outcomes[0].wave.tolist() == [0, 1, 1]
    assert _read(data, dropout=True).outcomes[0].wave.tolist() == [0, 2, 2]
    wide = pd.DataFrame({"y1": [1.0, 2], "y2": [3.0, 4]})
    assert Panel.from_wide(wide, outcome="y?", time=[1, 2]).history is None
    arrays = Panel.from_arrays(np.array([0, 0]), [1, 2], [3, 4], ids=pd.Index(["a"]))
    assert arrays.history is None
    m = arrays.outcomes[0]
    assert (m.name, m.time_name, m.time.dtype, m.y.dtype) == ("y", "time", float, float)
    with pytest.raises(DataError, match=r"^id, time: 1 observations repeat"):
        Panel.from_arrays(np.array([0, 0]), [1, 1], [3, 4], ids=pd.Index(["a"]))


def test_wide_data_keep_the_order_of_their_columns():
    """Waves are the columns, whatever the times in them."""
    wide = pd.DataFrame({"y1": [1.0, 2], "y2": [3.0, 4]})
    m = Panel.from_wide(wide, outcome="y?", time=[9, 8], name="count", time_name="age").outcomes[0]
    assert (m.time.tolist(), m.y.tolist(), m.wave.tolist()) == ([9, 8, 9, 8], [1, 3, 2, 4], [0, 1, 0, 1])
    assert (m.name, m.time_name) == ("count", "age")


def test_names_in_wide_data_are_those_that_an_error_needs():
    wide = pd.DataFrame({"pid": ["a", "b"], "y1": [1.0, 2], "y2": [3.0, 4], "w": [1.0, -2], "c1": list("xy"),
                         "v1": [1.0, 2], "v2": [3.0, 4]})
    with pytest.raises(DataError, match=r"^pid, age: 2 observations repeat"):
        Panel.from_wide(wide, outcome="y?", time=[1, 1], id="pid", time_name="age")
    _refused("not_numeric", "c1", lambda: Panel.from_wide(wide, outcome=["c1"], time=[1]), "row 0: 'x'")
    error = _refused("bad_weights", "weights", lambda: Panel.from_wide(
        wide, outcome="y?", time=[1, 2], id="pid", weights="w"))
    assert "b" in error.message.split(":", 1)[1]
    history = Panel.from_wide(wide, outcome="y?", time=[1, 2], dropout=True, dcov={"v": "v?"}).history
    assert history.covariate_names == ("v",)
    error = _refused("wave_mismatch", "time", lambda: Panel.from_wide(wide, outcome="y?", time=[1]))
    assert str(error) == "time: 1 times for 2 outcome columns. Give one time per outcome column."
