"""Fits without their data, and with them again; what a fit's key depends on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import gbtm
from conftest import ROOT
from gbtm.record.document import decode
from gbtm.record.document_v1 import upgraded_shared
from gbtm.record.shared_data import SHARED, attach, shared_fields, slim
from gbtm.selection.candidates import Candidate
from gbtm.selection.runner import Fitted, Ground, Task, fit_task, make_round, read_fit
from gbtm.specification.spec import make_spec
from parts import draw


@pytest.mark.parametrize("name", ["risk", "weights", "tcov", "dropout1", "everything"])
def test_documents_without_data_get_them_back(name):
    model = draw(name).built()
    with pytest.warns(gbtm.GBTMWarning) if name == "everything" else _quiet():
        res = model.fit(rng=0, n_starts=2)
    shared = shared_fields(model.panel)
    thin = slim(res.document)
    assert not set(SHARED) & set(thin)
    (outcome,), (groups,) = thin["outcomes"], thin["group_sets"]
    assert "data" not in outcome
    assert "risk" not in groups["membership"]
    assert outcome["dropout"] is None or "records" not in outcome["dropout"]
    whole = attach(thin, shared)
    assert set(whole) == set(res.document)
    assert whole["outcomes"][0]["data"] is shared["outcomes"][0]["data"]
    again = gbtm.GBTMResults(whole)
    np.testing.assert_array_equal(again.fittedvalues, res.fittedvalues)
    assert "risk" in whole["group_sets"][0]["membership"]
    assert again.document["ids"] == res.document["ids"]


def _quiet():
    import contextlib

    return contextlib.nullcontext()


def _ground(**change):
    panel = gbtm.Panel.from_long(gbtm.datasets.two_groups(rng=0), id="id", time="t", outcome="y")
    spec = make_spec(groups=1, order=2, family="normal")
    basis = gbtm.GBTM.from_panel(panel, spec).layout.outcomes[0].bases["mean"]
    ground = Ground(panel=panel, held_out=None, bases=(basis,), formula=None, inputs=None, profile=None, rng=0,
                    max_starts=24, cov_type=None)
    return replace(ground, **change)


def _task(k=1, order=1, **change):
    task = Task(Candidate(k, (order,) * k), make_spec(groups=k, order=order, family="normal"), 2)
    return replace(task, **change)


def test_keys_follow_what_a_fit_depends_on():
    ground, task = _ground(), _task()
    known = (task.spec, np.arange(3.0))
    keys = [ground.key(t) for t in (
        task, _task(order=2), _task(k=2), replace(task, n_starts=3), replace(task, n_starts=None),
        replace(task, smaller=known), replace(task, above=(known,)), replace(task, below=(known,)),
        replace(task, again=known), replace(task, again=(task.spec, np.arange(3.0) + 1e-15)),
    )]
    assert len(set(keys)) == len(keys)
    assert ground.key(_task()) == keys[0]
    assert _ground().key(task) == keys[0]
    other = gbtm.GBTM.from_panel(ground.panel, make_spec(groups=1, order=3, family="normal"))
    assert replace(ground, bases=(other.layout.outcomes[0].bases["mean"],)).key(task) != keys[0]


def test_a_fit_and_its_failure_come_as_text():
    ground = _ground()
    shared = shared_fields(ground.panel)
    fit = read_fit(fit_task(ground, _task()), Candidate(1, (1,)), ground, shared)
    assert fit.usable
    assert fit.flag == ""
    want = gbtm.GBTM.from_panel(ground.panel, make_spec(groups=1, order=1, family="normal")).fit(n_starts=2)
    assert fit.results.llf == pytest.approx(want.llf, abs=1e-8)
    spec, flat = fit.estimates
    assert spec == _task().spec
    np.testing.assert_array_equal(flat, fit.document["internal"]["params"])
    failed = read_fit(fit_task(ground, _task(k=101)), Candidate(101, (1,) * 101), ground, shared)
    assert failed.flag.startswith("failed: groups: 101 groups for 100 subjects.")
    assert np.isnan(failed.loglik)
    assert isinstance(failed, Fitted)


def test_a_fit_that_a_checkpoint_kept_in_version_1_is_read():
    stored = json.loads((ROOT / "tests" / "documents" / "v1" / "search.json").read_text(encoding="utf-8"))
    kept, shared = stored["fits"][-1], upgraded_shared(decode(stored["shared"]))
    assert kept["document"]["format_version"] == 1
    candidate = Candidate(kept["n_groups"], tuple(kept["orders"]))
    text = json.dumps({"document": kept["document"], "failure": ""})
    fit = read_fit(text, candidate, _ground(bases=(None,), formula="leaving ~ t"), shared)
    found = gbtm.load_search(ROOT / "tests" / "documents" / "v1" / "search.json").fits[kept["label"]]
    assert fit.loglik == fit.results.llf == found.llf
    assert fit.results.dropout.n_records == fit.results.dropout.records.nobs
    np.testing.assert_array_equal(fit.results.fittedvalues, found.fittedvalues)
    assert fit.results.formula == "leaving ~ t"


def test_after_the_deadline_nothing_begins():
    assert fit_task(_ground(deadline=0.0), _task()) is None
    assert [text for _, text in make_round(_ground(deadline=0.0), [_task(), _task(2)], n_jobs=1)] == [None, None]
