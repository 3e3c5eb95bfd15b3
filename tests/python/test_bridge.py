"""The door for R: bytes and JSON in, JSON out, errors as documents."""

from __future__ import annotations

import json
import os
import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import FEW_STARTS, ROOT, TRUTH, arguments, true_data
from gbtm import bridge
from gbtm.record.document import decode, to_json


def _bytes(values) -> bytearray:
    return bytearray(np.asarray(values, dtype="<f8").tobytes())


def _document(answer):
    return decode(json.loads(answer["document"]), bridge.take_bulk())


def _fit(name="normal", *, subject=None, time=None, y=None, basis=None, progress=None, **request):
    s, t, v = true_data(name)
    s, t, v = (a if b is None else b for a, b in ((s, subject), (t, time), (v, y)))
    asked = {
        "ids": None, "id_name": "id", "time_name": "t", "outcome_name": "y",
        "model": arguments(TRUTH[name][0]), "basis_names": None, "options": {"rng": 0}, **request,
    }
    ids = _bytes(np.arange(np.nanmax(s) + 1) + 1)
    data = ids, _bytes(s), _bytes(t), _bytes(v), basis or bytearray()
    return json.loads(bridge.fit(json.dumps(asked), *data, progress))


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_fit_is_the_same_fit(name, fitted):
    answer = _fit(name, options={"rng": 0, "n_starts": FEW_STARTS})
    assert answer["ok"]
    res = gbtm.GBTMResults(_document(answer))
    np.testing.assert_array_equal(res.params.to_numpy(), fitted(name).params.to_numpy())
    assert list(res.ids) == list(fitted(name).ids)
    assert answer["traj"]["text"] == fitted(name).to_traj().text


def test_missing_values_cross_as_nan(fitted):
    s, t, v = true_data("normal")
    s = np.append(s.astype(float), [np.nan, 3, 4])
    answer = _fit(subject=s, time=np.append(t, [1.0, np.nan, 9.0]), y=np.append(v, [1.0, 1.0, np.nan]))
    res = gbtm.GBTMResults(_document(answer))
    assert res.llf == pytest.approx(fitted("normal").llf, rel=1e-14)  # from other starts
    dropped = res.document["dropped"]
    assert (dropped["missing_id"], dropped["missing_time"], dropped["missing_outcome"]) == (1, 1, 1)


def test_errors_come_as_documents_with_rs_row_numbers():
    _s, _t, v = true_data("poisson")
    v = v.copy()
    v[4] = -2
    answer = _fit("poisson", y=v)
    assert answer["ok"] is False
    error = answer["error"]
    assert (error["code"], error["argument"]) == ("bad_outcome", "y")
    assert "row 5 " in error["message"]  # R counts from 1
    assert error["way_out"]
    answer = _fit(model={**arguments(TRUTH["normal"][0]), "family": "gauss"})
    assert answer["error"]["code"] == "unknown_family"
    answer = _fit(options={"rng": -1})
    assert answer["error"]["code"] == "bad_seed"


def test_warnings_travel_in_the_document_only(recwarn):
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((30, 10)), rng.random((40, 10)) < 0.4]).astype(float)
    answer = _fit("logit", subject=np.repeat(np.arange(70), 10), time=np.tile(np.arange(10.0), 70), y=y.ravel())
    document = _document(answer)
    assert [w["code"] for w in document["warnings"]] == ["separated_group"]
    assert not [w for w in recwarn if issubclass(w.category, gbtm.GBTMWarning)]


def test_a_basis_matrix_from_r():
    s, t, v = true_data("normal")
    order = np.random.default_rng(0).permutation(s.size)  # R's rows need not be sorted
    s, t, v = s[order], t[order], v[order]
    columns = np.stack([np.ones_like(t), t, t**2])
    model = {k: x for k, x in arguments(TRUTH["normal"][0]).items() if k != "order"}
    answer = _fit(
        subject=s, time=t, y=v, basis=_bytes(columns), basis_names=["(Intercept)", "a", "b"],
        model={**model, "order": None}, formula="y ~ poly(t, 2)",
    )
    assert answer["ok"], answer
    res = gbtm.GBTMResults(_document(answer))
    same = gbtm.GBTM.from_formula(
        "y ~ t", pd.DataFrame({"id": s, "t": t, "y": v}), id="id", groups=2, order=2
    ).fit()
    assert res.llf == pytest.approx(same.llf, abs=1e-8)
    np.testing.assert_allclose(res.params[:6], same.params[:6], rtol=1e-5, atol=1e-6)
    assert list(res.params.index[:3]) == ["(Intercept)[1]", "a[1]", "b[1]"]
    assert np.isfinite(res.predict([0.0, 3.0])["estimate"]).all()
    with pytest.raises(gbtm.SpecificationError, match="known only at times that were"):
        res.predict([0.5])


def _wide():
    _s, _t, v = true_data("normal")
    y = v.reshape(-1, 5)
    return pd.DataFrame({**{f"Y{j + 1}": y[:, j] for j in range(5)}, **{f"T{j + 1}": float(j) for j in range(5)}})


COMMAND = "traj, var(Y1-Y5) indep(T1-T5) model(cnorm) order(1 2) min(-99) max(99)"


def _command(text=COMMAND, wide=None, **request):
    wide = _wide() if wide is None else wide
    asked = {
        "columns": list(wide.columns), "ids": None, "id_name": "row", "matrices": {},
        "options": {}, **request,
    }
    ids = _bytes(np.arange(len(wide)) + 1)
    return json.loads(bridge.command(text, json.dumps(asked), ids, _bytes(wide.to_numpy().T.ravel()), None))


def test_a_command_gives_trajs_table():
    answer = _command()
    direct = gbtm.traj(COMMAND, _wide())
    assert answer["traj"]["text"] == direct.to_traj().text
    res = gbtm.GBTMResults(_document(answer))
    assert res.llf == direct.llf
    assert res.ids[0] == 1
    assert res.ids.name == "row"


def test_a_start_crosses_as_numbers():
    direct = gbtm.traj(COMMAND, _wide())
    answer = _command(COMMAND + " start(b0)", matrices={"b0": direct.params.tolist()})
    res = gbtm.GBTMResults(_document(answer))
    assert res.start_report.attrs["n_starts"] == 1
    assert res.llf == pytest.approx(direct.llf, abs=1e-9)


def test_read_command_tells_the_columns():
    columns = json.dumps(list(_wide().columns))
    answer = json.loads(bridge.read_commands(COMMAND + " start(b0)", columns, "stata"))
    assert answer["ok"]
    needs = answer["commands"][0]
    assert needs["columns"] == [f"Y{j}" for j in range(1, 6)] + [f"T{j}" for j in range(1, 6)]
    assert needs["matrices"] == {"start": "b0"}
    answer = json.loads(bridge.read_commands("traj, var(Q1)", columns, "stata"))
    assert answer["error"]["code"] == "several_faults"
    assert _command(COMMAND + " outcome(Y1)")["error"]["code"] == "missing_option"


def test_traj_table_of_a_stored_fit(fitted):

    res = gbtm.traj(COMMAND.replace("order(1 2)", "order(1 1)"), _wide())
    answer = json.loads(bridge.traj_table(to_json(res.document), "[2, 1]"))
    assert answer["text"] == res.to_traj([2, 1]).text
    answer = json.loads(bridge.traj_table(to_json(res.document), "[1, 1]"))
    assert answer["error"]["code"] == "bad_group_order"


def test_about():
    found = json.loads(bridge.about())
    assert found["gbtm"] == gbtm.__version__
    assert set(found) >= {"python", "numpy", "torch", "pandas"}


@pytest.mark.parametrize("answer", [lambda: _fit(), lambda: _command()])
def test_answers_are_strict_json(answer):
    def refuse(token):
        raise AssertionError(token)

    document = answer()["document"]
    json.loads(document, parse_constant=refuse)


def test_text_ids_cross_as_json_and_arrays_apart():
    s, _, _ = true_data("normal")
    names = [f"p{i}" for i in range(int(s.max()) + 1)]
    answer = _fit(ids=names)
    document = _document(answer)
    assert document["ids"] == names
    assert document["group_sets"][0]["posterior"].shape == (len(names), 2)
    assert bridge.take_bulk() == b""  # handed over once


def test_a_smaller_fit_crosses_as_a_start(fitted):

    s, t, v = true_data("normal")
    one = gbtm.GBTM(v, t, s, groups=1, order=1).fit()
    model = {**arguments(TRUTH["normal"][0]), "order": 1}
    res = gbtm.GBTMResults(_document(_fit(model=model, start_document=to_json(one.document))))
    assert res.n_groups == 2
    assert res.llf >= one.llf


def _send(name, values, kind="<f8", block=7):
    values = np.asarray(values)
    for at in range(0, values.size, block):
        part = values[at : at + block].astype(kind)
        bridge.receive(name, kind, float(values.size), float(at), bytearray(part.tobytes()))


def _sent_fit(subject, time, y, kind="<f8", **request):
    _send("subject", subject, kind)
    _send("time", time)
    _send("y", y)
    asked = {
        "ids": None, "id_name": "id", "time_name": "t", "outcome_name": "y",
        "model": arguments(TRUTH["normal"][0]), "basis_names": None, "options": {"rng": 0}, **request,
    }
    return json.loads(bridge.fit(json.dumps(asked), *[bytearray() for _ in range(5)], None))


def _codes(held):
    return {name: np.frombuffer(bridge.take_codes(name), f"<i{w}" if w == 4 else f"<u{w}") for name, w in held.items()}


@pytest.mark.parametrize("kind", ["<i4", "<f8"])
def test_what_came_in_blocks_does_not_go_back(kind, fitted):
    s, t, v = true_data("normal")
    answer = _sent_fit(s + 1, t, v, kind)
    stored = fitted("normal").document
    document = _document(answer)
    assert document["loglik"] == pytest.approx(stored["loglik"], rel=1e-14)  # from other starts
    np.testing.assert_array_equal(document["ids"], stored["ids"])
    data, before = document["outcomes"][0]["data"], stored["outcomes"][0]["data"]
    assert data.items() >= {name: {"held": name} for name in ("subject", "time", "y", "wave")}.items()
    codes = _codes(answer["held"])
    assert set(codes) == {"count", "wave"}  # all rows, in order
    np.testing.assert_array_equal(codes["wave"] - 1.0, before["wave"])
    np.testing.assert_array_equal(np.repeat(np.arange(codes["count"].size), codes["count"]), before["subject"])


@pytest.mark.parametrize(("kind", "missing"), [("<i4", -(2**31)), ("<f8", np.nan)])
def test_rows_that_were_not_used_or_not_in_order(kind, missing, fitted):
    s, t, v = true_data("normal")
    order = np.random.default_rng(1).permutation(s.size)
    s, t = np.append(s[order] + 1.0, [missing, 1.0]), np.append(t[order], [0.0, 9.0])
    v = np.append(v[order], [1.0, np.nan])
    answer = _sent_fit(s, t, v, kind)
    document, stored = _document(answer), fitted("normal").document["outcomes"][0]["data"]
    assert document["dropped"]["missing_id"] == document["dropped"]["missing_outcome"] == 1
    row = _codes(answer["held"])["row"] - 1
    assert row.size == order.size
    who = np.asarray(document["ids"])[stored["subject"].astype(int)]  # ids come in the order of their first row
    np.testing.assert_array_equal(s[row], who)
    assert {tuple(x) for x in np.c_[s[row] - 1, t[row], v[row]]} == {
        tuple(x) for x in np.c_[stored["subject"], stored["time"], stored["y"]]
    }


def test_an_outcome_that_the_engine_changed_goes_back():
    s, t, v = true_data("normal")
    model = {"groups": 2, "order": 1, "family": "cnorm", "max": float(np.median(v)), "censor_beyond": True}
    document = _document(_sent_fit(s, t, v, model=model))
    data = document["outcomes"][0]["data"]
    assert data["time"] == {"held": "time"}
    np.testing.assert_array_equal(data["y"], np.minimum(v, np.median(v)))


# -- a search and what follows from a fit ------------------------------------------------------------------------


def _send_data(name="normal"):
    s, t, v = true_data(name)
    for column, values in (("subject", s + 1.0), ("time", t), ("y", v)):
        _send(column, values, block=1000)


def _search(**options):
    _send_data()
    asked = {
        "ids": None, "id_name": "id", "time_name": "t", "outcome_name": "y", "formula": "y ~ t", "zero": "common",
        "model": {"groups": 1, "order": 0, "family": "normal"},
        "options": {"groups": 2, "order": 1, "how": "groups", "n_starts": 2, "rng": 0, **options},
    }
    return json.loads(bridge.search(json.dumps(asked), bytearray(), bytearray(), None))


def _column(table, name, bulk):
    stored = table["columns"][table["names"].index(name)]
    return np.frombuffer(bulk, "<f8", stored["shape"][0], 8 * stored["at"])


@pytest.fixture(scope="module")
def searched():
    s, t, v = true_data("normal")
    data = pd.DataFrame({"id": s + 1, "t": t, "y": v})
    return gbtm.search("y ~ t", data, id="id", groups=2, order=1, how="groups", n_starts=2)


def test_search_is_the_same_search(searched):
    answer, bulk = _search(), bridge.take_bulk()
    assert answer["ok"], answer
    assert answer["table"]["rows"] == list(searched.table.index)
    for name in ("loglik", "bic_subjects", "occ_min", "cv_loglik"):  # infinity and NaN cross too
        np.testing.assert_array_equal(_column(answer["table"], name, bulk), searched.table[name].to_numpy())
    assert answer["choices"] == searched.choices.to_dict()
    assert answer["sentences"] == searched.sentences
    assert set(_codes(answer["held"])) == {"count", "wave"}


def test_fits_of_a_search_point_to_what_they_share(searched):
    answer, bulk = _search(), bridge.take_bulk()
    about = answer["fits"][-1]
    own = bulk[8 * about["at"] : 8 * (about["at"] + about["size"])]
    document = decode(json.loads(about["document"]), own)
    assert document["ids"] == {"held": "ids"}
    assert document["outcomes"][0]["data"]["y"] == {"held": "y"}
    fit = searched.fits[about["label"]]
    np.testing.assert_array_equal(document["params"], fit.params.to_numpy())
    np.testing.assert_array_equal(document["group_sets"][0]["posterior"], fit.posterior.to_numpy())


def test_a_search_goes_back_as_its_document(searched, tmp_path):
    searched.save(tmp_path / "s.json")
    text = (tmp_path / "s.json").read_text()
    options = json.dumps({"folds": 3, "n_starts": 0, "labels": ["2: 1 1"]})
    answer = json.loads(bridge.search_cross_validate(text, options, None))
    found = _column(answer["table"], "cv_loglik", bridge.take_bulk())[answer["table"]["rows"].index("2: 1 1")]
    assert found == gbtm.cross_validate(searched.fits["2: 1 1"], folds=3, n_starts=0).loglik
    assert answer["choices"]["cv_loglik"] == "2: 1 1"
    json.loads(answer["head"])
    again = json.loads(bridge.read_search(str(tmp_path / "s.json")))
    assert again["table"]["rows"] == list(searched.table.index)


def test_errors_of_long_work_come_as_documents():
    assert _search(criterion="r2")["error"]["code"] == "unknown_criterion"
    assert _search(n_jobs=0)["error"]["code"] == "bad_n_jobs"


def _slow(state):
    import time

    def work(tell):
        try:
            for step in range(1000):
                tell(f"step {step}", step / 100)
                time.sleep(0.01)
        finally:
            state.append("ended")
        return "{}"

    return work


def test_long_work_tells_what_it_does_and_then_answers():
    bridge.begin(lambda given, tell: (tell("at it", 0.0), given)[1], "the answer")
    assert bridge.wait(5.0) == "the answer"
    state = []
    bridge.begin(_slow(state))
    said = json.loads(bridge.wait(0.1))
    assert said["working"].startswith("step")
    assert 0.1 <= said["seconds"] < 5
    bridge.end()
    assert state == ["ended"]


def test_an_error_of_long_work_is_raised_where_its_answer_is_asked_for():
    def work(tell):
        raise ZeroDivisionError("of the work")

    bridge.begin(work)
    with pytest.raises(ZeroDivisionError, match="of the work"):
        bridge.wait(5.0)
    bridge.end()


@pytest.mark.skipif(os.name != "posix", reason="signals of this kind")
def test_an_interrupt_is_noted_ends_long_work_at_once_and_is_then_raised_again_as_before():
    import signal
    import time

    from gbtm.bridge.interrupts import _action

    before, action, state = signal.getsignal(signal.SIGINT), _action().raw[:8], []
    bridge.begin(_slow(state))
    begun = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)  # raises nothing here
    assert json.loads(bridge.wait(0.2)) == {"interrupted": True}
    bridge.end()
    assert state == ["ended"]
    assert time.monotonic() - begun < 5
    assert signal.getsignal(signal.SIGINT) is before
    assert _action().raw[:8] == action  # the handler: R's own, where rpy2 has started R in this process


def test_without_worker_processes_one_does_all(monkeypatch):
    import joblib

    from gbtm.bridge import workers

    def refuse(*args, **kwargs):
        raise OSError("no processes here")

    monkeypatch.setattr(joblib, "Parallel", refuse)
    found, notes = workers.with_workers(2, lambda n_jobs: n_jobs)
    assert found == 1
    assert "no processes here" in notes[0]
    assert workers.with_workers(1, lambda n_jobs: n_jobs) == (1, [])


def test_a_table_keeps_infinity_missing_values_and_kinds():
    from gbtm.bridge.transfer import frame

    table = pd.DataFrame({"n": [1, 2], "x": [np.inf, np.nan], "ok": [True, False], "who": ["a", None]})
    bulk = bytearray()
    sent = frame(table, bulk)
    assert sent["kinds"] == ["integer", "double", "logical", "text"]
    np.testing.assert_array_equal(_column(sent, "x", bytes(bulk)), table["x"])
    assert sent["columns"][3] == ["a", None]
    assert sent["rows"] is None
    assert frame(table.set_index("n"), bulk)["names"] == ["n", "x", "ok", "who"]


def test_what_r_waits_for_takes_progress_last():
    """R's long_answer() and finished_work() hand everything on by place, and the thread adds what takes progress."""
    import inspect

    sources = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "R").glob("*.R"))
    names = set(re.findall(r'(?:long_answer|finished_work)\("(\w+)"', sources))
    names |= {"search_blrt", "search_cross_validate"}  # which more_of_search() hands on
    assert {"fit", "command", "search", "profile_intervals", "lmr"} <= names
    for name in names:
        assert list(inspect.signature(getattr(bridge, name)).parameters)[-1] == "tell", name
    begun = set(re.findall(r'(?:call_bridge|fitted_answer)\("(\w+)"', sources))
    assert not any("tell" in inspect.signature(getattr(bridge, n)).parameters for n in begun)


def _hold(hold, number, table, name, model, **request):
    _send("subject", table["id"].to_numpy(), "<i4")
    _send("time", table["t"])
    _send("y", table[name])
    asked = {"ids": None, "id_name": "id", "time_name": "t", "outcome_name": name, "formula": f"{name} ~ t",
             "model": model, "basis_names": None, "inputs": None, "number": number, "own_table": False, **request}
    return json.loads(hold(json.dumps(asked), bytearray(), *([bytearray()] if hold is bridge.hold_outcome else [])))


def _two_outcomes():
    table = gbtm.datasets.two_groups(rng=0)
    table["n"] = np.random.default_rng(1).poisson(1 + table["id"] % 2 * 3)
    table.loc[table["id"] == 4, "y"] = np.nan
    return table


def test_outcomes_that_come_one_by_one_are_the_model_of_all():
    """The same document as Python's own fit, and the rows of each outcome."""
    table = _two_outcomes()
    assert not _hold(bridge.hold_outcome, 0, table, "y", {"groups": 2, "order": 9})["ok"]  # leaves nothing behind
    for number, (name, family) in enumerate((("y", "normal"), ("n", "poisson"))):
        assert _hold(bridge.hold_outcome, number, table, name, {"groups": 2, "order": 1, "family": family})["ok"]
    answer = json.loads(bridge.fit_several(json.dumps({"options": {"rng": 0, "n_starts": 2}}), None))
    res = gbtm.GBTMResults(_document(answer))
    outcomes = [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("n ~ t", order=1, family="poisson")]
    same = gbtm.GBTM.from_formula(outcomes, table, id="id", groups=2).fit(rng=0, n_starts=2)
    np.testing.assert_array_equal(res.params, same.params)
    assert list(res.params.index) == list(same.params.index)
    codes = _codes(answer["held"])
    for m, name in enumerate(("y", "n")):
        np.testing.assert_array_equal(table[name].to_numpy()[codes[f"row{m}"].astype(int) - 1], res.outcomes[m].data.y)
    new = table[table["id"].isin([1, 4, 6])]
    for number, name in enumerate(("y", "n")):
        assert _hold(bridge.hold_people, number, new, name, {})["ok"]
    found = json.loads(bridge.classify_several(
        to_json(res.document), json.dumps({"by_wave": False, "level": 0.95})))
    theirs = same.classify(new)
    np.testing.assert_allclose(decode(found["columns"]["probability"]), theirs["probability"], rtol=1e-10)


def test_a_traj_command_of_several_outcomes_is_pythons():
    table = _two_outcomes()
    wide = table.pivot(index="id", columns="t", values=["y", "n"])
    waves = wide["y"].shape[1]
    wide.columns = [f"{name}{j}" for name in ("y", "n") for j in range(1, waves + 1)]
    for j, t in enumerate(sorted(table["t"].unique()), start=1):
        wide[f"t{j}"] = t
    text = (
        f"traj, var1(y1-y{waves}) indep1(t1-t{waves}) model1(cnorm) order1(1 1) min1(-99) max1(99) var2(n1-n{waves}) "
        f"indep2(t1-t{waves}) model2(zip) order2(0 0) multgroups(2)"
    )
    asked = {"columns": list(wide.columns), "ids": None, "id_name": "row", "id": None, "matrices": {}, "which": 0,
             "options": {"rng": 0, "n_starts": 2}, "language": "stata"}
    values = _bytes(wide.to_numpy().T.ravel())
    answer = json.loads(bridge.command(text, json.dumps(asked), _bytes(wide.index), values, None))
    same = gbtm.traj(text, wide.reset_index(drop=True), rng=0, n_starts=2)
    assert answer["traj"]["text"] == same.to_traj().text
    bridge.take_bulk()
