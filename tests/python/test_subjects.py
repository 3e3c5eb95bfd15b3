"""What is known of subjects besides their measures: read from tables and arrays, checked, and refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError, SpecificationError
from gbtm.data.arrays import panel_of_arrays
from gbtm.data.panel import Panel
from gbtm.data.subjects import Subjects, constant_within, subjects_of, subjects_of_arrays


def _table(**columns) -> pd.DataFrame:
    """Three subjects of two rows, ids not in order."""
    return pd.DataFrame(
        {
            "who": list("bbaacc"), "t": [1, 2] * 3, "y": [0.1, 0.2, 1.1, 1.2, 2.1, 2.2],
            "age": [30.0, 30, 20, 20, 50, 50], "sex": list("mmffff"), "wt": [1.0, 1, 2, 2, 3, 3],
            "psu": list("xxyyxx"), **columns,
        }
    )


def _read(data=None, **named) -> Panel:
    return Panel.from_long(_table() if data is None else data, id="who", time="t", outcome="y", **named)


def _refused(kind, code, argument, call, *fragments):
    with pytest.raises(kind) as caught:
        call()
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert caught.value.way_out
    for fragment in (str(argument), *fragments):
        assert fragment in str(caught.value)


def test_one_row_per_subject_in_order_of_appearance():
    known = _read(risk=["age", "sex"], weights="wt", cluster="psu", stratum="sex", out_of_sample="held", obsmar="mar",
                  data=_table(held=[0, 0, 1, 1, 0, 0], mar=[1, 1, 0, 0, 0, 0])).subjects
    assert known.risk_names == ("age", "sex[T.m]")
    np.testing.assert_array_equal(known.risk, [[30, 1], [20, 0], [50, 0]])
    np.testing.assert_array_equal(known.weights, [1, 2, 3])
    assert known.cluster.tolist() == [0, 1, 0]
    assert known.stratum.tolist() == [0, 1, 1]
    assert known.held_out.tolist() == [False, True, False]
    assert known.missing_at_random.tolist() == [True, False, False]
    assert known.n_subjects == 3
    assert known.complete.all()


def test_wide_rows_and_arrays_say_the_same():
    long = _read(risk=["age"], weights="wt", cluster="psu").subjects
    wide = pd.DataFrame({"who": list("bac"), "y1": [0.1, 1.1, 2.1], "y2": [0.2, 1.2, 2.2], "age": [30.0, 20, 50],
                         "wt": [1.0, 2, 3], "psu": list("xyx")})
    of_wide = Panel.from_wide(
        wide, outcome="y?", time=[1, 2], id="who", risk="age", weights="wt", cluster="psu").subjects
    of_arrays = panel_of_arrays(
        wide[["y1", "y2"]], [1, 2], None, risk=wide[["age"]], weights=wide["wt"], cluster=wide["psu"]).subjects
    for other in (of_wide, of_arrays):
        assert other.risk_names == long.risk_names == ("age",)
        for name in ("risk", "weights", "cluster"):
            np.testing.assert_array_equal(getattr(other, name), getattr(long, name))


def test_long_arrays_have_one_value_per_subject_by_first_appearance():
    table = _table()
    panel = panel_of_arrays(table["y"], table["t"], table["who"], risk=[30, 20, 50], weights=[1, 2, 3])
    assert list(panel.ids) == ["b", "a", "c"]
    assert panel.subjects.risk_names == ("z1",)
    assert panel.subjects.risk[:, 0].tolist() == [30, 20, 50]


def test_nothing_asked_for_is_nothing_known():
    assert subjects_of(_table(), pd.Index(list("bac")), np.zeros(6, dtype=int)) is None
    assert subjects_of_arrays(3) is None
    known = _read().subjects
    assert known.risk.shape == (3, 0)
    assert known.relative_weights.tolist() == [1, 1, 1]
    assert known.complete.all()


def test_weights_are_rescaled_to_mean_one():
    known = Subjects(risk=np.zeros((3, 0)), weights=np.array([1.0, 2, 6]))
    np.testing.assert_allclose(known.relative_weights, [1 / 3, 2 / 3, 2])


def test_take_by_mask_and_by_position():
    known = _read(risk=["age"], weights="wt", cluster="psu").subjects
    for keep in (np.array([True, False, True]), np.array([0, 2])):
        some = known.take(keep)
        assert some.risk[:, 0].tolist() == [30, 50]
        assert some.weights.tolist() == [1, 3]
        assert some.cluster.tolist() == [0, 0]
        assert some.held_out is None
        assert some.risk_names == known.risk_names


# -- missing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["age", "wt", "psu", "region"])
def test_a_subject_with_something_missing_is_dropped_and_counted(missing):
    data = _table(region=["n", "n", "s", "s", "s", "s"])
    data[missing] = data[missing].astype(object)
    data.loc[data["who"] == "a", missing] = None
    data[["age", "wt"]] = data[["age", "wt"]].astype(float)
    panel = _read(data, risk=["age"], weights="wt", cluster="psu", stratum="region")
    assert list(panel.ids) == ["b", "c"]
    assert panel.dropped.incomplete_subjects == ("a",)
    assert panel.dropped.subjects == ()
    assert panel.dropped.observations == 0
    assert panel.nobs == 4
    assert "1 subject with a missing membership covariate, weight or cluster (a)" in panel.dropped.sentence()
    assert panel.subjects.risk[:, 0].tolist() == [30, 50]


def test_a_subject_without_observations_is_counted_as_such_first():
    data = _table()
    data.loc[data["who"] == "a", ["y", "age"]] = np.nan
    panel = _read(data, risk=["age"])
    assert panel.dropped.subjects == ("a",)
    assert panel.dropped.incomplete_subjects == ()
    assert panel.dropped.missing_outcome == 2


def test_a_missing_value_yields_to_another_row_of_the_subject():
    data = _table()
    data.loc[[0, 3], "age"] = np.nan
    data.loc[[1], "sex"] = None
    known = _read(data, risk=["age", "sex"]).subjects
    np.testing.assert_array_equal(known.risk, [[30, 1], [20, 0], [50, 0]])


def test_a_missing_flag_does_not_apply():
    panel = _read(_table(held=[np.nan, np.nan, 1, 1, 0, 0]), out_of_sample="held")
    assert panel.subjects.held_out.tolist() == [False, True, False]


def test_rows_without_an_id_say_nothing():
    data = pd.concat([_table(), _table(who=[None] * 6, age=range(6))])
    assert _read(data, risk=["age"]).subjects.risk[:, 0].tolist() == [30, 20, 50]


# -- factors and formulas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("risk", "names"),
    [
        ("age", ("age",)), (["age", "wt"], ("age", "wt")), ("~ age + wt", ("age", "wt")),
        (["sex"], ("sex[T.m]",)), ("~ C(sex) + age", ("C(sex)[T.m]", "age")), ("~ age:wt", ("age:wt",)),
        (["region"], ("region[T.south]", "region[T.west]")), ("~ np.log(age)", ("np.log(age)",)),
        (["years of school"], ("years of school",)),
    ],
)
def test_names_of_covariates(risk, names):
    data = _table(region=["west", "west", "south", "south", "east", "east"], **{"years of school": [9, 9, 8, 8, 7, 7]})
    assert _read(data, risk=risk).subjects.risk_names == names


TRANSFORMS = ["bs(age, df=4)", "cr(age, df=3)", "center(age)", "scale(age)", "poly(age, 2)", "np.log(age)",
              "C(age > 40)"]


@pytest.mark.parametrize("argument", ["risk", "tcov", "dcov"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_missing_values_under_a_transform_are_dropped_and_counted_as_in_a_plain_column(transform, argument):
    rng = np.random.default_rng(3)
    n, waves = 40, 4
    age = np.repeat(rng.uniform(20, 60, n), waves) if argument == "risk" else rng.uniform(20, 60, n * waves)
    age[:waves] = np.nan  # the first subject's
    if argument != "risk":
        age[[9, 14]] = np.nan
    data = pd.DataFrame({"who": np.repeat(np.arange(n), waves), "t": np.tile(np.arange(waves), n), "age": age,
                         "y": rng.normal(size=n * waves)})
    further = {"dropout": True} if argument == "dcov" else {}
    plain = _read(data, **{argument: ["age"]}, **further)
    made = _read(data, **{argument: f"~ {transform}"}, **further)
    assert made.dropped == plain.dropped
    assert list(made.ids) == list(plain.ids)
    if argument != "dcov":  # a wave without its covariate says nothing of dropout, and its outcome stays
        assert made.nobs == plain.nobs < data.shape[0]
        assert made.dropped.sentence()
    else:
        gaps = [np.isnan(p.history.covariates).any(axis=1) for p in (made, plain)]
        np.testing.assert_array_equal(*gaps)
        assert gaps[0].sum() == waves + 2


def test_a_column_named_like_an_argument_of_a_transform_is_none_of_the_covariates():
    data = _table(df=[1, 2, 3, 4, 5, 6])  # differs within subjects, and would be refused as a covariate of theirs
    assert _read(data, risk="~ poly(age, degree=2) + bs(age, df=1, degree=1)").subjects.risk.shape == (3, 3)


@pytest.mark.parametrize("what", ["risk", "tcov"])
def test_a_level_of_nobody_in_the_fit_is_no_level(what):
    """One that only subjects held out have, or only rows without an outcome."""
    data = _table(region=["n", "n", "s", "s", "w", "w"], held=[0, 0, 0, 0, 1, 1])
    if what == "tcov":
        data = data.assign(held=0, y=[0.1, 0.2, 1.1, 1.2, np.nan, np.nan], t=[1, 2, 3, 5, 1, 2])
    with pytest.warns(gbtm.GBTMWarning, match=r"region: 'w' occurs in no row that is fitted; 2 rows"):
        model = gbtm.GBTM.from_formula(
            "y ~ t", data, id="who", groups=2, order=0, out_of_sample="held", **{what: ["region"]})
    assert not any("[T.w]" in name for name in model.layout.names)
    assert any("[T.s]" in name for name in model.layout.names)
    if what == "risk":
        assert model.prepared.held_out is None
        assert len(model.panel.dropped.incomplete_subjects) == 1


def test_a_level_of_somebody_without_an_outcome_is_no_level():
    data = _table(region=["n", "n", "s", "s", "w", "w"], y=[0.1, 0.2, 1.1, 1.2, np.nan, np.nan])
    with pytest.warns(gbtm.GBTMWarning, match="region: 'w'"):
        model = gbtm.GBTM.from_formula("y ~ t", data, id="who", groups=2, order=0, risk=["region"])
    assert model.layout.names[-2:] == ["theta[2]", "theta_region[T.s][2]"]


def test_factor_levels_name_the_parameters():
    rng = np.random.default_rng(0)
    region = np.repeat(rng.choice(["east", "south", "west"], 90), 3)
    y = np.repeat(rng.choice([0.0, 9.0], 90), 3) + rng.normal(size=270)
    data = pd.DataFrame({"id": np.repeat(range(90), 3), "t": np.tile([0, 1, 2], 90), "y": y, "region": region})
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=0, risk=["region"])
    assert model.layout.names[-3:] == ["theta[2]", "theta_region[T.south][2]", "theta_region[T.west][2]"]
    assert model.layout.traj_names[-3:] == ["const2", "region[T.south]G2", "region[T.west]G2"]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["risk", "weights", "cluster", "stratum", "out_of_sample", "obsmar"])
def test_what_differs_within_a_subject_is_refused(what):
    data = _table(held=[0, 0, 1, 1, 0, 0])
    column = {"risk": "age", "weights": "wt", "cluster": "psu", "stratum": "psu"}.get(what, "held")
    data[column] = [*data[column].iloc[:5], data[column].iloc[2]]
    _refused(
        DataError, "not_constant", column, lambda: _read(data, **{what: [column] if what == "risk" else column}),
        "1 subjects", "first id c", "tcov",
    )


def test_a_column_that_the_formula_does_not_name_may_vary():
    """'age' is not among the words of '~ age2', nor is 'y' in '~ year'."""
    data = _table(age2=[1, 1, 2, 2, 3, 3], age=range(6))
    assert _read(data, risk="~ age2").subjects.risk[:, 0].tolist() == [1, 2, 3]


def test_constant_within_takes_the_first_known_value():
    table = pd.DataFrame({"a": [np.nan, 1.0, 2, 2], "b": ["u", "u", None, None]})
    out = constant_within(np.array([0, 0, 1, -1]), table, ["a", "b"], 2, pd.Index(["p", "q"]))
    assert out["a"].tolist() == [1, 2]
    assert out["b"].tolist()[0] == "u"
    assert pd.isna(out["b"].iloc[1])


def test_bad_weights():
    for bad in (-1.0, np.inf):
        data = _table(wt=[bad, bad, 1, 1, 1, 1])
        _refused(DataError, "bad_weights", "weights", lambda d=data: _read(d, weights="wt"), "1 subjects", "id b")
    _refused(DataError, "bad_weights", "weights", lambda: _read(_table(wt=[0] * 6), weights="wt"), "all are zero")
    _refused(DataError, "not_numeric", "sex", lambda: _read(weights="sex"))
    _refused(DataError, "bad_risk", "risk", lambda: _read(_table(age=[np.inf] * 2 + [1, 1, 2, 2]), risk="age"), "id b")


def test_flags_are_zero_or_one():
    for what in ("out_of_sample", "obsmar"):
        _refused(DataError, "bad_flag", "wt", lambda w=what: _read(**{w: "wt"}), "not 0 or 1")
        y = np.zeros((2, 2))
        _refused(DataError, "bad_flag", what, lambda w=what, y=y: panel_of_arrays(y, [1, 2], None, **{w: [0, 2]}))


@pytest.mark.parametrize("none", [[], ()])
def test_no_covariates_at_all(none):
    assert _read(risk=none).subjects.risk_names == ()
    assert _read(tcov=none).outcomes[0].covariate_names == ()


def test_unknown_columns_and_formulas():
    for what in ("weights", "cluster", "stratum", "out_of_sample", "obsmar"):
        _refused(DataError, "unknown_column", "nothing", lambda w=what: _read(**{w: "nothing"}))
    _refused(DataError, "unknown_column", "nothing", lambda: _read(risk=["age", "nothing"]))
    _refused(SpecificationError, "bad_formula", "risk", lambda: _read(risk="~ nothing"), "cannot be evaluated")
    _refused(SpecificationError, "bad_formula", "risk", lambda: _read(risk="~ age +"), "cannot be evaluated")


@pytest.mark.parametrize("risk", [["age"], "~ age"])
def test_a_column_name_that_is_there_twice(risk):
    data = pd.concat([_table(), _table()[["age"]]], axis=1)
    _refused(DataError, "duplicate_column", "age", lambda: _read(data, risk=risk), "2 columns")


@pytest.mark.parametrize("what", ["risk", "weights", "cluster", "stratum", "out_of_sample", "obsmar"])
def test_arrays_of_another_length(what):
    y = np.arange(6.0).reshape(3, 2)
    _refused(DataError, "bad_shape", what, lambda: panel_of_arrays(y, [1, 2], None, **{what: [0, 1]}),
             "2 values for 3 subjects")
