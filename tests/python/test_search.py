"""The whole search: what it finds, the same for any number of workers, and after it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import ROOT, reference_root
from gbtm.selection import rounds, runner
from gbtm.selection.search import search_models
from gbtm.specification.spec import make_spec
from tables import three_groups

OPTIONS = {"id": "id", "family": "normal", "groups": 3, "order": 2, "progress": False, "n_starts": 6}
NO_CLOCK = ["seconds"]
FEW_OR_ALL = pytest.mark.parametrize("groups", [2, pytest.param(3, marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def data():
    return three_groups()


@pytest.fixture(scope="module")
def found(data):
    return gbtm.search("y ~ t", data, n_jobs=1, **OPTIONS)


@pytest.fixture(scope="module")
def up_to(data, found):
    """groups -> the search up to as many."""
    return {2: gbtm.search("y ~ t", data, n_jobs=1, **{**OPTIONS, "groups": 2}), 3: found}


def _same(a, b):
    pd.testing.assert_frame_equal(a.table.drop(columns=NO_CLOCK), b.table.drop(columns=NO_CLOCK), check_exact=True)
    assert a.sentences == b.sentences


def _count_fits(monkeypatch):
    """A list that grows by the label of each fit made here."""
    made, original = [], runner._fit

    def counting(ground, task):
        made.append(task)
        return original(ground, task)

    monkeypatch.setattr(runner, "_fit", counting)
    return made


@pytest.mark.parametrize("groups", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_it_finds_the_true_model(groups, data):
    found = gbtm.search("y ~ t", data, **{**OPTIONS, "groups": groups, "n_starts": None, "max_starts": 24})
    assert found.choices["bic_subjects"] == found.choices["icl_subjects"] == "3: 2 1 0"
    best = found.best()
    assert best.n_groups == 3
    np.testing.assert_allclose(np.sort(best.group_shares["share"]), [0.2, 0.3, 0.5], atol=0.1)
    assert "3 groups (3: 2 1 0)" in found.sentences[0]
    assert best.start_report.attrs["n_starts"] >= 24  # it had the full search


def test_the_log_likelihood_never_falls_with_groups_or_orders(found):
    from gbtm.model.nesting import nested

    fits = [(r.spec, r.llf) for r in found.fits.values()]
    pairs = [(a, b) for sa, a in fits for sb, b in fits if sa != sb and nested(sa, sb)]
    assert len(pairs) > 15
    assert all(b >= a - 1e-6 for a, b in pairs)


@FEW_OR_ALL
def test_one_and_two_workers_give_the_same_digits(groups, data, up_to):
    _same(up_to[groups], gbtm.search("y ~ t", data, n_jobs=2, **{**OPTIONS, "groups": groups}))


def test_the_same_seed_again(data):
    few = {**OPTIONS, "groups": 2, "how": "groups"}
    _same(gbtm.search("y ~ t", data, rng=5, **few), gbtm.search("y ~ t", data, rng=5, **few))


@FEW_OR_ALL
def test_a_finished_search_is_read_not_made_again(groups, data, up_to, tmp_path, monkeypatch):
    made, options = _count_fits(monkeypatch), {**OPTIONS, "groups": groups}
    gbtm.search("y ~ t", data, checkpoint=tmp_path, **options)
    assert len(made) > len(up_to[groups].table) - 1
    made.clear()
    again = gbtm.search("y ~ t", data, checkpoint=tmp_path, **options)
    assert made == []
    _same(up_to[groups], again)
    more = gbtm.search("y ~ t", data, checkpoint=tmp_path, **{**options, "groups": groups + 1, "how": "groups"})
    assert [t.candidate.n_groups for t in made] == [groups + 1]  # what another search of these data made is of use
    assert more.table["groups"].max() == groups + 1
    for change in ({"rng": 1}, {"sigma_by_group": True}, {"max_starts": 20}):
        with pytest.raises(gbtm.SpecificationError, match="another search"):
            gbtm.search("y ~ t", data, checkpoint=tmp_path, **{**options, **change})
    with pytest.raises(gbtm.SpecificationError, match=r"another search \(data differ\)"):
        gbtm.search("y ~ t", three_groups(1), checkpoint=tmp_path, **options)
    assert made[1:] == []


SCRIPT = """
import sys
sys.path[:0] = [{tests!r}, {python!r}]
import gbtm
from tables import three_groups
if __name__ == "__main__":
    gbtm.search("y ~ t", three_groups(), checkpoint=sys.argv[1], n_jobs=1, **{options!r})
"""


@FEW_OR_ALL
def test_killed_and_started_again_it_loses_no_finished_fit(groups, data, up_to, tmp_path, monkeypatch):
    folder, options = tmp_path / "kept", {**OPTIONS, "groups": groups}
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(tests=str(ROOT / "tests" / "python"), python=str(ROOT / "python"), options=options))
    with subprocess.Popen([sys.executable, str(script), str(folder)]) as process:
        until = time.monotonic() + 120
        while len(list(folder.glob("*.json"))) < groups + 1 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    kept = {p: p.stat().st_mtime_ns for p in folder.glob("*.json")}
    assert len(kept) >= groups + 1  # the header and a fit for each number of groups
    made = _count_fits(monkeypatch)
    again = gbtm.search("y ~ t", data, checkpoint=folder, n_jobs=1, **options)
    _same(up_to[groups], again)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert len(made) == len(list(folder.glob("*.json"))) - len(kept) > 0


def test_a_torn_file_is_made_again(data, up_to, tmp_path):
    options = {**OPTIONS, "groups": 2}
    gbtm.search("y ~ t", data, checkpoint=tmp_path, **options)
    victim = max((p for p in tmp_path.glob("*.json") if p.name != "search.json"), key=lambda p: p.stat().st_size)
    victim.write_text(victim.read_text()[:1000])
    _same(up_to[2], gbtm.search("y ~ t", data, checkpoint=tmp_path, **options))


def test_a_spoiled_fit_is_repaired_from_the_model_nested_in_it(data, monkeypatch):
    """The first fit of three groups is three times one group: lower than two groups, and a stationary point."""
    from gbtm.estimation.control import Control
    from gbtm.fit.fit_model import fit_model
    from gbtm.model.layout import make_layout
    from gbtm.model.nesting import embed
    from gbtm.model.prepared import Prepared

    original = runner._fit

    def spoiled(ground, task):
        if task.candidate.n_groups != 3 or task.again is not None:
            return original(ground, task)
        one = make_layout(ground.panel, make_spec(groups=1, order=2, family="normal"), ground.bases)
        alone = fit_model(Prepared.of(ground.panel, one.spec, ground.bases), Control(n_starts=1))
        prepared = Prepared.of(ground.panel, task.spec, ground.bases)
        start = embed(one, np.asarray(alone["internal"]["params"]), prepared.layout)
        return fit_model(prepared, Control(), user_starts=start)

    options = {**OPTIONS, "how": "groups"}
    good = gbtm.search("y ~ t", data, **options)
    monkeypatch.setattr(runner, "_fit", spoiled)
    bad = gbtm.search("y ~ t", data, n_jobs=1, **options)
    np.testing.assert_allclose(bad.table["loglik"], good.table["loglik"], atol=1e-6)
    said = [s for s in bad.sentences if "first ended" in s]
    assert len(said) == 1
    assert said[0].startswith("3: 2 2 2 first ended ")
    assert "refitted from 2: 2 2, which is nested in it" in said[0]
    assert not any("first ended" in s for s in good.sentences)


def test_what_cannot_be_repaired_is_said(data, monkeypatch):
    original = runner._fit

    def spoil(ground, task):
        document = original(ground, task)
        return {**document, "loglik": -1e5} if task.candidate.n_groups == 2 else document

    monkeypatch.setattr(runner, "_fit", spoil)
    found = gbtm.search("y ~ t", data, n_jobs=1, **{**OPTIONS, "groups": 2, "how": "groups"})
    assert any(s.startswith("2: 2 2 stays below 1: 2, which is nested in it") for s in found.sentences)


@FEW_OR_ALL
def test_the_time_budget_ends_the_search_and_says_so(groups, data, tmp_path):
    options = {**OPTIONS, "groups": groups}
    none = gbtm.search("y ~ t", data, time_budget=0, checkpoint=tmp_path, **options)
    assert none.table.index.tolist() == ["1: 2"]  # the first fit is made in any case
    assert any(s.startswith("The time budget of 0 s ended the search") and "2: 2 2" in s for s in none.sentences)
    full = gbtm.search("y ~ t", data, time_budget=600, checkpoint=tmp_path, **options)
    assert not any("time budget" in s for s in full.sentences)
    assert full.best().n_groups == groups


def test_no_fit_begins_after_the_budget(data, monkeypatch):
    original, begun = runner._fit, []

    def slow(ground, task):
        begun.append(time.time())
        time.sleep(0.6)
        return original(ground, task)

    monkeypatch.setattr(runner, "_fit", slow)
    start = time.time()
    found = gbtm.search("y ~ t", data, time_budget=1.0, n_jobs=1, **{**OPTIONS, "how": "grid"})
    assert max(begun) <= start + 1.0 + 0.5
    assert len(found.table) == len(begun) < 10
    assert any("time budget of 1 s" in s for s in found.sentences)


def test_progress_says_done_of_known_best_and_the_rest(data):
    said = []
    options = {**OPTIONS, "groups": 2, "how": "grid", "order": 1, "progress": lambda text, s: said.append((text, s))}
    found = gbtm.search("y ~ t", data, **options)
    assert said[0][0] == "The grid has 5 models."
    assert said[1][0].startswith("1 of 5 fits, best so far 1: 1, about ")
    assert any("5 of 5 fits" in text for text, _ in said)
    assert said[-1][0] == "search done: 5 models"
    assert [s for _, s in said] == sorted(s for _, s in said)
    assert found.sentences[0] == "The grid has 5 models."
    assert len(found.table) == 5


def test_more_groups_than_subjects_are_left_out(data):
    few = data[data["id"] < 3]
    with pytest.raises(gbtm.SpecificationError, match="4 groups for 3 subjects"):
        gbtm.search("y ~ t", few, **{**OPTIONS, "groups": [4, 5]})
    found = gbtm.search("y ~ t", few, **{**OPTIONS, "order": 0, "how": "groups", "groups": [1, 2, 5, 6]})
    assert found.table["groups"].tolist() == [1, 2]
    assert "5 and 6 groups were left out: there are 3 subjects." in found.sentences


def test_a_collapsing_sigma_is_flagged_and_not_chosen():
    """One subject's values are all equal: with a sigma of its own the likelihood has no bound."""
    data = three_groups(n=30)
    data.loc[data["id"] == 0, "y"] = 3.0
    found = gbtm.search("y ~ t", data, **{**OPTIONS, "order": 0, "how": "groups", "sigma_by_group": True})
    flagged = found.table[found.table["flag"] != ""]
    assert not set(found.choices) & set(flagged.index)
    assert found.best().converged


def test_a_fit_that_fails_is_told(data, monkeypatch):
    original = runner._fit

    def failing(ground, task):
        if task.candidate.n_groups == 2:
            raise gbtm.DataError("outcome: no start gave a finite log-likelihood.")
        return original(ground, task)

    monkeypatch.setattr(runner, "_fit", failing)
    found = gbtm.search("y ~ t", data, n_jobs=1, **{**OPTIONS, "how": "groups"})
    assert found.table["flag"].tolist() == ["", "failed: outcome: no start gave a finite log-likelihood.", ""]
    assert any(s.startswith("2: 2 2 cannot be chosen: failed: outcome") for s in found.sentences)
    assert list(found.fits) == ["1: 2", "3: 2 2 2"]


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"groups": 0}, "groups"), ({"order": 6}, "order"), ({"order": [-1, 0]}, "order"), ({"how": "all"}, "how"),
        ({"criterion": "bic"}, "criterion"), ({"time_budget": -1}, "time_budget"), ({"rng": -1}, "rng"),
        ({"time_budget": float("nan")}, "time_budget"), ({"n_jobs": 0}, "n_jobs"), ({"n_starts": 2.5}, "n_starts"),
        ({"shape_starts": 0}, "shape_starts"), ({"max_starts": 0}, "max_starts"), ({"iorder": 1}, "iorder"),
        ({"iorder": "order"}, "iorder"), ({"iorder": "each"}, "iorder"), ({"iorder": [0, 1]}, "iorder"),
        ({"rorder": [0, 1]}, "rorder"), ({"dropout": [0, 1]}, "dropout"), ({"refgroup": 0}, "refgroup"),
        ({"family": "weibull"}, "family"), ({"id": None}, "id"), ({"id": "who"}, "id"),
        ({"device": "abacus"}, "device"),
    ],
)
def test_bad_input_names_the_argument(data, change, argument):
    with pytest.raises(gbtm.GBTMError) as caught:
        gbtm.search("y ~ t", data, **{**OPTIONS, **change})
    assert caught.value.argument in (argument, "who")
    assert caught.value.way_out


def test_every_fit_is_made_on_the_device_that_was_asked_for(data, monkeypatch):
    used, original = set(), runner.fit_model

    def watching(prepared, control, **options):
        used.add(control.device)
        return original(prepared, control, **options)

    monkeypatch.setattr(runner, "fit_model", watching)
    gbtm.search("y ~ t", data, n_jobs=1, device="cpu:0", **{**OPTIONS, "groups": 2, "order": 1})
    assert used == {"cpu:0"}


def test_orders_beyond_the_waves_are_refused_before_anything_is_fitted(data):
    with pytest.raises(gbtm.SpecificationError, match="order 5 needs at least 6 distinct times"):
        gbtm.search("y ~ t", data[data["t"] < 5], **{**OPTIONS, "order": 5})


def test_two_waves_will_do_for_straight_lines(data):
    found = gbtm.search("y ~ t", data[data["t"] < 2], **{**OPTIONS, "order": 1, "groups": 2, "how": "groups"})
    assert found.table.index.tolist() == ["1: 1", "2: 1 1"]


def test_a_basis_formula(data):
    options = {k: v for k, v in OPTIONS.items() if k != "order"}
    found = gbtm.search("y ~ bs(t, df=4)", data, **{**options, "groups": 3, "how": "groups"})
    assert found.table.index.tolist() == [f"{k}: bs(t, df=4)" for k in (1, 2, 3)]
    own = gbtm.GBTM.from_formula("y ~ bs(t, df=4)", data, id="id", groups=3, family="normal").fit(rng=0)
    assert found.best().llf == pytest.approx(own.llf, abs=1e-6)
    assert np.isfinite(found.best().predict([0.5, 1.5])["estimate"]).all()  # between the observed times
    with pytest.raises(gbtm.SpecificationError, match="basis formula"):
        gbtm.search("y ~ bs(t, df=4)", data, **OPTIONS)


def test_wide_data_with_covariates_weights_and_a_held_out_part():
    long = three_groups(n=60)
    wide = long.pivot(index="id", columns="t", values="y").add_prefix("y").reset_index()
    rng = np.random.default_rng(0)
    wide = wide.assign(z=rng.normal(size=60), w=rng.uniform(0.5, 2, 60), out=(np.arange(60) < 5).astype(int))
    options = {
        "id": "id", "wide": {"y": "y*", "t": list(range(6))}, "family": "normal", "risk": "z", "weights": "w",
        "out_of_sample": "out", "groups": 3, "order": 1, "refgroup": 2, "how": "groups",
    }
    found = gbtm.search("y ~ t", wide, **options)
    res = found.best()
    model = gbtm.GBTM.from_formula("y ~ t", wide, **{
        **{k: v for k, v in options.items() if k not in ("how", "groups")}, "groups": res.n_groups})
    own = model.fit(rng=0)
    assert res.llf == pytest.approx(own.llf, abs=1e-6)
    assert list(res.params.index) == list(own.params.index)
    assert res.document["cov_type"] == own.document["cov_type"] == "robust"
    assert len(res.out_of_sample) == 5
    np.testing.assert_allclose(res.out_of_sample, own.out_of_sample, atol=1e-5)
    np.testing.assert_allclose(res.classify(wide.head(3)).iloc[:, 0], own.classify(wide.head(3)).iloc[:, 0], atol=1e-5)


def test_zero_inflation_of_each_kind():
    rng = np.random.default_rng(0)
    rate = np.exp(np.array([[-1.0, -1.2, -1, -1], [1.5, 1.6, 1.8, 1.6]]))
    group = rng.integers(0, 2, 120)
    y = rng.poisson(rate[group]) * (rng.random((120, 4)) < 0.7)
    data = pd.DataFrame({"id": np.repeat(np.arange(120), 4), "t": np.tile(np.arange(4.0), 120), "y": y.ravel()})
    options = {"id": "id", "family": "zip", "groups": 2, "order": 1, "how": "grid", "n_starts": 4,
               "shape_starts": 4}
    assert gbtm.search("y ~ t", data, iorder=0, **options).table.index.tolist() == [
        "1: 1 / 0", "1: 0 / 0", "2: 1 1 / 0", "2: 1 0 / 0", "2: 0 0 / 0"]
    assert gbtm.search("y ~ t", data, iorder=0, iorder_by_group=True, **options).table.index.tolist() == [
        "1: 1 / 0", "1: 0 / 0", "2: 1 1 / 0 0", "2: 1 0 / 0 0", "2: 0 0 / 0 0"]
    found = gbtm.search("y ~ t", data, iorder="order", **options)
    assert found.table.index.tolist() == ["1: 1 / 1", "1: 0 / 0", "2: 1 1 / 1 1", "2: 1 0 / 1 0", "2: 0 0 / 0 0"]
    loglik = found.table["loglik"]
    assert loglik["2: 1 1 / 1 1"] >= loglik["2: 1 0 / 1 0"] >= loglik["2: 0 0 / 0 0"]


def test_a_chosen_model_that_had_no_time_for_the_full_search(data, found, tmp_path, monkeypatch):
    """The budget ends when the shapes are done: what was chosen stands, and it is said what was not tried."""
    original = runner.fit_task
    monkeypatch.setattr(rounds, "make_round", lambda ground, tasks, n_jobs: (
        (t, None if t.again is not None else original(ground, t)) for t in tasks))
    short = gbtm.search("y ~ t", data, time_budget=99, **OPTIONS)
    assert short.choices["bic_subjects"] == "3: 2 1 0"
    assert short.table.loc["3: 2 1 0", "starts"] == 10
    assert any("had only 10 starts" in s and "3: 2 1 0" in s for s in short.sentences)


@FEW_OR_ALL
def test_from_a_panel(groups, data, up_to):
    panel = gbtm.Panel.from_long(data, id="id", time="t", outcome="y")
    again = search_models(panel, make_spec(groups=1, order=0, family="normal"), formula="y ~ t", groups=groups, order=2,
                          n_starts=6, progress=False)
    _same(up_to[groups], again)


# -- real data -------------------------------------------------------------------------------------------------------


def _real(name):
    root = reference_root()
    if root is None:
        pytest.skip("no reference data")
    if name == "cambridge":
        wide = {"c": [f"C{i}" for i in range(1, 24)], "t": [f"T{i}" for i in range(1, 24)]}
        return "c ~ t", pd.read_csv(root / "traj" / "cam_logit_022" / "data.csv"), {
            "id": "ID", "family": "logit", "wide": wide}
    return "y ~ a", pd.read_csv(root / "to1adj" / "data.csv"), {
        "id": "id", "family": "zip", "wide": {"y": "Offense*", "a": "A*"}, "iorder": "order"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cambridge", "toronto"])
def test_the_default_search_on_real_data(name, tmp_path):
    """To five groups and order 3, under two minutes on two cores; the same with one worker."""
    formula, data, options = _real(name)
    begun = time.monotonic()
    found = gbtm.search(formula, data, n_jobs=2, checkpoint=tmp_path, progress=False, **options)
    assert time.monotonic() - begun < 120
    _same(found, gbtm.search(formula, data, n_jobs=1, progress=False, **options))
    if name == "toronto":
        best = [-13421.6161, -11759.1178, -11238.8816, -10947.9713, -10791.372]
        tops = [label for label in found.table.index if set(label.split(" / ")[0].split(": ")[1].split()) == {"3"}]
        assert (found.table.loc[tops, "loglik"].to_numpy() >= np.array(best) - 1e-3).all()


@pytest.mark.parametrize(
    ("given", "code"),
    [({"groups": 10**12}, "bad_groups"), ({"cov_type": "x"}, "bad_cov_type"), ({"cov_type": "cluster"}, "bad_cov_type"),
     ({"groups": 3, "refgroup": 4}, "bad_refgroup"), ({"n_jobs": 0}, "bad_n_jobs")],
)
def test_what_every_fit_would_refuse_is_refused_before_the_first(given, code, monkeypatch):
    monkeypatch.setattr("gbtm.selection.runner.fit_task", lambda *a: pytest.fail("a fit was made"))
    data = gbtm.datasets.two_groups(rng=0, n_per_group=6, periods=4)
    with pytest.raises(gbtm.SpecificationError) as error:
        gbtm.search("y ~ t", data, id="id", **{"groups": 2, "order": 1, **given})
    assert error.value.code == code
