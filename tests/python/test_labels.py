"""What has a label is matched by it: subjects by id or by the rows of y, waves by its columns, parameters by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError, SpecificationError
from gbtm.data.arrays import panel_of_arrays

N, T = 30, 4
IDS = np.array([f"p{i}" for i in range(N)])[::-1]
Y = np.random.default_rng(0).normal(size=(N, T)) + 3 * (np.arange(N) % 2)[:, None]
OF_SUBJECTS = ("risk", "weights", "cluster", "stratum", "out_of_sample", "obsmar")
WAVES = ["a", "b", "c", "d"]


def _shuffled(values, seed=1):
    return values.sample(frac=1, random_state=seed)


def _known(panel):
    s = panel.subjects
    return {"risk": s.risk.ravel(), "weights": s.weights, "cluster": s.cluster, "stratum": s.stratum,
            "out_of_sample": s.held_out, "obsmar": s.missing_at_random}


@pytest.mark.parametrize("argument", OF_SUBJECTS)
@pytest.mark.parametrize("form", ["wide", "long", "table"])
def test_what_is_indexed_by_id_is_the_subjects(form, argument):
    own = pd.Series(np.arange(N) % 2 if argument in ("out_of_sample", "obsmar") else np.arange(N) + 1.0, index=IDS)
    given = {
        "wide": lambda v: panel_of_arrays(Y, range(T), IDS, **{argument: v}),
        "long": lambda v: panel_of_arrays(Y.ravel(), np.tile(range(T), N), IDS.repeat(T), **{argument: v}),
        "table": lambda v: panel_of_arrays(pd.DataFrame(Y, index=IDS), range(T), None, **{argument: v}),
    }[form]
    in_order = _known(given(own.to_numpy()))[argument]
    for labelled in (own, _shuffled(own), _shuffled(own.to_frame()) if argument == "risk" else _shuffled(own, 2)):
        np.testing.assert_array_equal(_known(given(labelled))[argument], in_order)


@pytest.mark.parametrize("argument", ["tcov", "exposure", "dcov", "time"])
def test_what_is_labelled_by_row_and_wave_is_that_rows_and_that_waves(argument):
    y, w = pd.DataFrame(Y, index=IDS, columns=WAVES), pd.DataFrame(np.exp(Y), index=IDS, columns=WAVES)
    mixed = _shuffled(w)[["c", "a", "d", "b"]]

    def read(values):
        more = {"time": range(T), "dropout": True, argument: values}
        panel = panel_of_arrays(y, more.pop("time"), None, **more)
        m = panel.outcomes[0]
        return {"tcov": m.covariates, "exposure": m.exposure, "time": m.time,
                "dcov": panel.history.covariates}[argument]

    np.testing.assert_array_equal(read(mixed), read(w.to_numpy()))


@pytest.mark.parametrize("argument", ["tcov", "exposure", "time", "id"])
def test_long_columns_of_one_table_stay_together(argument):
    table = pd.DataFrame({"y": Y.ravel(), "time": np.tile(np.arange(T) + 1.0, N), "id": IDS.repeat(T)})
    table["tcov"] = table["exposure"] = np.exp(table["y"])
    table = _shuffled(table)

    def read(other):
        given = {"time": table["time"], "id": table["id"], argument: other}
        m = panel_of_arrays(table["y"], given.pop("time"), given.pop("id"), **given)
        return {"tcov": m.outcomes[0].covariates, "exposure": m.outcomes[0].exposure, "time": m.outcomes[0].time,
                "id": m.ids}[argument]

    np.testing.assert_array_equal(read(table[argument].sort_index()), read(table[argument].to_numpy()))


def test_times_labelled_by_the_columns_are_their_times():
    panel = panel_of_arrays(pd.DataFrame(Y, columns=WAVES), pd.Series([3.0, 0, 2, 1], index=list("dacb")), None)
    assert panel.outcomes[0].time[:T].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", [pd.Series, dict])
def test_times_of_wide_columns_are_matched_by_the_columns(kind):
    table = pd.DataFrame(Y, columns=WAVES)
    times = kind({"d": 3.0, "a": 0.0, "c": 2.0, "b": 1.0})
    model = gbtm.GBTM.from_formula("y ~ t", table, groups=2, order=1, wide={"y": WAVES, "t": times})
    assert model.panel.outcomes[0].time[:T].tolist() == [0, 1, 2, 3]
    res = model.fit(n_starts=1)
    np.testing.assert_allclose(res.classify(table)["probability"], res.posterior.to_numpy().ravel(), atol=1e-10)
    strange = pd.Series(times).rename({"d": "e"})
    with pytest.raises(DataError) as caught:
        gbtm.GBTM.from_formula("y ~ t", table, groups=2, order=1, wide={"y": WAVES, "t": strange})
    assert caught.value.code == "labels_disagree"


def test_a_series_gives_its_name_and_the_table_its_columns():
    z = pd.DataFrame({"age": np.arange(N), "male": np.arange(N) % 2}, index=IDS)
    assert panel_of_arrays(Y, range(T), IDS, risk=z).subjects.risk_names == ("age", "male")
    assert panel_of_arrays(Y, range(T), IDS, risk=z["age"]).subjects.risk_names == ("age",)
    w = pd.DataFrame({"job": Y.ravel(), "pay": Y.ravel() ** 2})
    panel = panel_of_arrays(Y.ravel(), np.tile(range(T), N), IDS.repeat(T), tcov=w)
    assert panel.outcomes[0].covariate_names == ("job", "pay")


def test_a_table_of_default_index_follows_the_subjects():
    np.testing.assert_array_equal(
        panel_of_arrays(Y, range(T), IDS, weights=pd.Series(np.arange(N) + 1.0)).subjects.weights, np.arange(N) + 1.0)


REFUSED = {
    "one strange id": (lambda: panel_of_arrays(
        Y, range(T), IDS, weights=pd.Series(1.0, index=["stranger", *IDS[1:]])), "labels_disagree", "weights"),
    "nothing to compare with": (lambda: panel_of_arrays(
        Y, range(T), None, risk=pd.Series(np.arange(N), index=IDS)), "labels_disagree", "risk"),
    "an id twice": (lambda: panel_of_arrays(
        Y, range(T), IDS, risk=pd.Series(np.arange(N), index=[IDS[1], *IDS[1:]])), "labels_disagree", "risk"),
    "rows or ids": (lambda: panel_of_arrays(
        Y, range(T), np.arange(N)[::-1], risk=pd.Series(np.arange(N) ** 2)), "labels_ambiguous", "risk"),
    "half of the waves": (lambda: panel_of_arrays(
        pd.DataFrame(Y, columns=WAVES), range(T), None, tcov=pd.DataFrame(Y, columns=["b", "a", "c", "x"])),
        "labels_disagree", "tcov"),
    "another table": (lambda: panel_of_arrays(
        pd.Series(Y.ravel(), index=range(1000, 1000 + N * T)), np.tile(range(T), N),
        pd.Series(IDS.repeat(T), index=range(5, 5 + N * T))), "labels_disagree", "id"),
    "values beside a table": (lambda: gbtm.GBTM.from_formula(
        "y ~ t", gbtm.datasets.two_groups(rng=0), id="id", groups=2, weights=pd.Series(np.ones(100))),
        "no_column", "weights"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_labels_that_name_nobody_are_refused(case):
    call, code, argument = REFUSED[case]
    with pytest.raises(DataError) as caught:
        call()
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert caught.value.way_out


def test_what_is_no_table_is_refused():
    with pytest.raises(SpecificationError, match="Give a pandas DataFrame") as caught:
        gbtm.GBTM.from_formula("y ~ t", {"y": [1]}, id="id", groups=2)
    assert (caught.value.code, caught.value.argument) == ("bad_data", "data")


@pytest.fixture(scope="module")
def fit():
    w = np.random.default_rng(1).normal(size=(N, T, 2))
    return gbtm.GBTM(Y, range(T), IDS, groups=2, order=1, tcov={"w": w[..., 0], "v": w[..., 1]}).fit(n_starts=2)


def test_parameters_are_matched_by_name(fit):
    data = fit.outcomes[0].data
    model = gbtm.GBTM(Y, range(T), IDS, groups=2, order=1, tcov=dict(zip("wv", np.moveaxis(
        data.covariates.reshape(N, T, 2), 2, 0), strict=True)))
    mixed = fit.params[::-1]
    for start in (mixed, mixed.to_dict(), mixed.to_frame(), mixed.set_axis(fit.traj_names[::-1])):
        assert model.fit(start=start).llf == pytest.approx(fit.llf, abs=1e-8)
    stranger = pd.concat([mixed, pd.Series({"stranger": 1.0})])
    with pytest.raises(gbtm.SpecificationError, match="stranger"):
        model.fit(start=stranger)


def test_a_profile_is_matched_by_name(fit):
    right = fit.predict([1.0], tcov=[0.5, -2.0])
    for named in (pd.Series({"v": -2.0, "w": 0.5}), {"v": -2.0, "w": 0.5}, pd.DataFrame({"v": [-2.0], "w": [0.5]})):
        pd.testing.assert_frame_equal(fit.predict([1.0], tcov=named), right)
    with pytest.raises(DataError) as caught:
        fit.predict([1.0], tcov={"v": 1.0, "u": 2.0})
    assert caught.value.code == "labels_disagree"


def test_a_matrix_of_hypotheses_is_matched_by_name(fit):
    names = list(fit.params.index)
    r = pd.DataFrame([[float(n == "time[1]") for n in names]], columns=names)
    assert fit.wald_test(r.iloc[:, ::-1]).statistic == pytest.approx(fit.wald_test("time[1] = 0").statistic)


def test_folds_by_id_are_the_folds_of_those_people(fit):
    folds = pd.Series(np.arange(N) % 3, index=IDS)
    right = gbtm.cross_validate(fit, folds=folds.to_numpy(), n_starts=1)
    assert gbtm.cross_validate(fit, folds=_shuffled(folds), n_starts=1).loglik == pytest.approx(right.loglik)


@pytest.mark.parametrize("name", ["id", "ID", "subject_id"])
def test_ids_in_a_column_of_the_outcomes_are_no_wave(name):
    table = pd.DataFrame({name: range(1, 21), **{f"y{t}": np.arange(20.0) + t for t in range(4)}})
    with pytest.raises(gbtm.DataError, match="each column of y is a wave") as caught:
        gbtm.GBTM(table, groups=1, order=1)
    assert caught.value.code == "ids_among_waves"
    model = gbtm.GBTM(table.drop(columns=name), id=table[name], groups=1, order=1)
    assert model.panel.ids.tolist() == list(range(1, 21))
