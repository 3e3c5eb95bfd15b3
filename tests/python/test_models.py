"""What a search found: table against formulas, choices, sentences, saving, what is computed when asked for."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.record.rebuild import prepared_of
from gbtm.selection.models import ModelSearch, load_search
from gbtm.selection.table import COLUMNS, CRITERIA, LARGER, SMALLER, choose, sort_table, weights
from gbtm.selection.words import all_sentences, name_of


@pytest.fixture(scope="module")
def data():
    return gbtm.datasets.two_groups(rng=0)


@pytest.fixture(scope="module")
def found(data):
    return gbtm.search("y ~ t", data, id="id", groups=3, order=2, family="normal", n_jobs=1)


def _by_hand(res):
    """Criteria of a fit from its log-likelihood and posteriors, as in docs/model.md."""
    k, ll, p = len(res.params), res.llf, res.posterior.to_numpy()
    spread = -(p * np.log(np.clip(p, 1e-300, None))).sum()
    out = {"aic": -2 * ll + 2 * k, "traj_aic": ll - k}
    for name, n in (("subjects", res.n_subjects), ("observations", res.nobs)):
        bic = -2 * ll + k * np.log(n)
        out |= {f"bic_{name}": bic, f"sabic_{name}": -2 * ll + k * np.log((n + 2) / 24),
                f"caic_{name}": bic + k, f"icl_{name}": bic + 2 * spread, f"traj_bic_{name}": -bic / 2}
    return out


def test_columns_and_criteria_against_the_formulas(found):
    table = found.table
    assert tuple(table.columns) == COLUMNS
    for label, res in found.fits.items():
        for name, want in _by_hand(res).items():
            assert table.loc[label, name] == pytest.approx(want, rel=1e-12), name
        assert label == f"{res.n_groups}: {table.loc[label, 'order']}"
        assert table.loc[label, "params"] == len(res.params)
        p, mine = res.posterior.to_numpy(), res.assignment.to_numpy()
        avepp = [p[mine == g, g - 1].mean() if (mine == g).any() else np.nan for g in res.group_names]
        share = res.group_sets[0].shares
        counts = np.array([(mine == g).sum() for g in res.group_names])
        assert table.loc[label, "avepp_min"] == pytest.approx(min(avepp), nan_ok=True)
        assert table.loc[label, "smallest_group"] == pytest.approx(share.min())
        assert table.loc[label, "smallest_n"] == counts.min()
        assert table.loc[label, "mismatch_max"] == pytest.approx(np.abs(counts / counts.sum() - share).max(), abs=1e-12)
        if res.n_groups > 1:
            with np.errstate(divide="ignore"):
                occ = np.array(avepp) / (1 - np.array(avepp)) / (share / (1 - share))
            assert table.loc[label, "occ_min"] == pytest.approx(occ.min(), rel=1e-5)
        assert table.loc[label, "warnings"] == len(res.warnings)
        assert table.loc[label, "starts"] == res.start_report.attrs["n_starts"]
    assert table[["cv_loglik", "cv_se", "blrt_p", "lmr_p"]].isna().all().all()
    assert (table["flag"] == "").all()


def test_the_choices_are_the_best_of_each_column(found):
    table, choices = found.table, found.choices
    assert set(choices.index) == set(SMALLER)
    for name in CRITERIA:
        best = table[name].idxmax() if name in LARGER else table[name].idxmin()
        assert found.best(name) is found.fits[best]
        if name in SMALLER:
            assert choices[name] == best
            assert name in table.loc[best, "chosen_by"].split(", ")
    assert sum(len(t.split(", ")) for t in table["chosen_by"] if t) == len(SMALLER)


def test_fits_share_one_copy_of_the_data_and_are_complete(found):
    fits = list(found.fits.values())
    assert all(r.document["outcomes"][0]["data"] is fits[0].document["outcomes"][0]["data"] for r in fits)
    assert all(r.document["ids"] is fits[0].document["ids"] for r in fits)
    res = found.best()
    assert np.isfinite(res.bse).all()
    assert "starts" in res.start_report.attrs["sentence"]
    assert set(res.predict()["group"]) == set(res.group_names)
    assert res.document["formula"] == "y ~ t"


def test_a_fit_of_a_search_is_the_fit_of_its_model(found, data):
    """The mean's basis is that of the highest order; what is reported does not depend on it."""
    label = next(k for k in found.fits if k not in ("1: 2", "2: 2 2", "3: 2 2 2") and k.startswith("2"))
    order = [int(o) for o in label.split(": ")[1].split()]
    own = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=order, family="normal").fit(rng=0)
    res = found.fits[label]
    assert res.llf == pytest.approx(own.llf, abs=1e-7)
    np.testing.assert_allclose(res.params, own.params, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(res.bse, own.bse, rtol=1e-5)
    np.testing.assert_allclose(res.predict()["upper"], own.predict()["upper"], rtol=1e-6)
    again = gbtm.GBTM.from_prepared(prepared_of(res)).fit(start=res)
    assert again.llf == pytest.approx(res.llf, abs=1e-9)


def test_saved_and_read_again(found, tmp_path):
    found.save(tmp_path / "search.json")
    again = load_search(tmp_path / "search.json")
    pd.testing.assert_frame_equal(again.table, found.table, check_exact=True)
    assert again.sentences == found.sentences
    assert again.summary() == found.summary()
    assert (again.how, again.criterion, again.rng) == (found.how, found.criterion, found.rng)
    np.testing.assert_array_equal(again.best().params, found.best().params)
    assert again.best().posterior.equals(found.best().posterior)
    assert again.best().trust_formula is False


def test_other_files_are_refused(found, tmp_path):
    found.best().save(tmp_path / "fit.json")
    with pytest.raises(gbtm.DataError, match="not a search"):
        load_search(tmp_path / "fit.json")
    (tmp_path / "text").write_text("{", encoding="utf-8")
    with pytest.raises(gbtm.DataError, match="not a search"):
        load_search(tmp_path / "text")
    (tmp_path / "new.json").write_text(json.dumps({"format": "gbtm-search", "format_version": 9}), encoding="utf-8")
    with pytest.raises(gbtm.DataError, match="newer"):
        load_search(tmp_path / "new.json")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, code in (
        (tmp_path / "none.json", "no_file"), (tmp_path, "no_file"), (tmp_path / "bytes", "bad_document"),
    ):
        with pytest.raises(gbtm.DataError, match=path.name) as caught:
            load_search(path)
        assert (caught.value.code, caught.value.argument) == (code, "path")
        assert caught.value.way_out


def test_sorting(found):
    by = found.sorted("aic")
    assert by["aic"].is_monotonic_increasing
    assert found.sorted("loglik")["loglik"].is_monotonic_decreasing
    assert found.sorted().index[0] == found.choices["bic_subjects"]
    assert found.sorted(["groups", "bic_subjects"])["groups"].is_monotonic_increasing
    assert found.sorted("loglik", ascending=True)["loglik"].is_monotonic_increasing
    with pytest.raises(gbtm.SpecificationError, match="no column"):
        found.sorted("quality")


def _spoiled(found, label, **document):
    """The search with one fit's document changed."""
    fits = {f.candidate: f for f in found._fitted.values()}
    fit = found._fitted[label]
    fits[fit.candidate] = replace(fit, document={**fit.document, **document} if document else None,
                                  failure="no start gave a finite log-likelihood.")
    return ModelSearch(found._space, fits, found._shared, how=found.how, criterion=found.criterion, happened={})


def test_what_cannot_be_chosen_stays_in_the_table_flagged(found):
    best = found.choices["bic_subjects"]
    wild = {"loglik": found.fits[best].llf + 500, "certificate": {**found.fits[best].document["certificate"],
                                                                  "converged": False}}
    for search, flag in ((_spoiled(found, best, **wild), "not converged"), (_spoiled(found, best), "failed: no start")):
        table = search.table
        assert table.loc[best, "flag"].startswith(flag)
        assert not table.loc[best, "converged"]
        assert table.loc[best, "chosen_by"] == ""
        assert best not in set(search.choices)
        assert search.sorted("loglik").index[-1] == best
        assert any(s.startswith(f"{best} cannot be chosen: {flag}") for s in search.sentences)
        assert search.summary()
    assert np.isnan(_spoiled(found, best).table.loc[best, "loglik"])
    assert best not in _spoiled(found, best).fits
    search = _spoiled(found, best, search={**found.fits[best].document["search"], "optima": [
        {**found.fits[best].document["search"]["optima"][0], "collapsed": True}]})
    assert search.table.loc[best, "flag"] == "sigma collapsed"


def test_where_nothing_can_be_chosen(found):
    one = next(iter(found._fitted.values()))
    fit = replace(one, document=None, failure="no way.")
    search = ModelSearch(found._space, {fit.candidate: fit}, found._shared, how="groups", criterion="bic_subjects",
                         happened={})
    assert search.choices.empty
    assert "No model can be chosen: none of the fits converged." in search.sentences
    with pytest.raises(gbtm.SpecificationError, match="nothing to choose"):
        search.best()
    assert "no model" in repr(search)


def test_cross_validation_fills_its_columns(found):
    labels = ["1: 2", "2: 2 2"]
    table = found.cross_validate(labels, folds=4)
    for label in labels:
        want = gbtm.cross_validate(found.fits[label], folds=4, rng=found.rng)
        assert table.loc[label, "cv_loglik"] == pytest.approx(want.loglik, abs=1e-9)
        assert table.loc[label, "cv_se"] == pytest.approx(want.se, abs=1e-9)
    assert found.choices["cv_loglik"] == "2: 2 2"
    assert found.best("cv_loglik").n_groups == 2
    assert table["cv_loglik"].notna().sum() == 2
    with pytest.raises(gbtm.SpecificationError, match="no model of this search"):
        found.cross_validate(["9: 1"])


@pytest.mark.slow
def test_a_tests_p_value_fills_its_column(found):
    options = {"n_max": 19, "n_min": 19, "n_starts": 1}
    table = found.blrt(["2: 2 2"], **options)
    want = gbtm.blrt(found.fits["2: 2 2"], found.fits["1: 2"], rng=found.rng, **options)
    assert table.loc["2: 2 2", "blrt_p"] == want.p_value
    assert f"2: 2 2, test: {want.sentence}" in found.sentences


def test_tests_go_up_until_one_is_not_rejected(found, monkeypatch):
    with pytest.raises(gbtm.SpecificationError, match="blrt") as caught:
        found.best("blrt")
    assert caught.value.code == "not_computed"
    module = importlib.import_module("gbtm.resampling.likelihood_ratio")
    asked, p_values = [], {2: 0.01, 3: 0.2}

    def fake(res, less, **options):
        asked.append((res.n_groups, less.n_groups))
        return SimpleNamespace(p_value=p_values[res.n_groups], sentence=f"p is {p_values[res.n_groups]}.")

    monkeypatch.setattr(module, "blrt", fake)
    table = found.blrt(lmr=True)
    assert asked == [(2, 1), (3, 2)]
    assert table.loc["3: 2 2 2", "blrt_p"] == 0.2
    assert found.choices["blrt"] == "2: 2 2"
    assert found.best("blrt").n_groups == 2
    lmr = gbtm.lmr(found.fits["2: 2 2"], found.fits["1: 2"], rng=found.rng)
    assert table.loc["2: 2 2", "lmr_p"] == lmr.p_value
    assert f"2: 2 2, test: {lmr.sentence}" in found.sentences
    p_values[2], asked[:] = 0.05, []  # (1 + 9) / (199 + 1): at the level is rejected, as the sentence of blrt() says
    found.blrt()
    assert asked == [(2, 1), (3, 2)]
    assert found.choices["blrt"] == "2: 2 2"
    p_values[2], asked[:] = 0.5, []
    found.blrt()
    assert asked == [(2, 1)]
    assert found.choices["blrt"] == "1: 2"
    assert [s for s in found.sentences if s.startswith("2: 2 2, test: ")] == ["2: 2 2, test: p is 0.5."]


# -- tables and words by hand ---------------------------------------------------------------------------------------


def _table(**columns):
    index = ["1: 1", "2: 1 1", "3: 1 1 1"]
    table = pd.DataFrame({c: np.nan for c in COLUMNS}, index=index)
    table[["groups", "flag", "chosen_by"]] = pd.DataFrame({"groups": [1, 2, 3], "flag": "", "chosen_by": ""}, index)
    return table.assign(**columns)


@pytest.mark.parametrize(
    ("p", "want"),
    [
        ([np.nan, 0.01, 0.4], "2: 1 1"), ([np.nan, 0.3, np.nan], "1: 1"), ([np.nan, 0.01, 0.01], "3: 1 1 1"),
        ([np.nan, np.nan, 0.01], None), ([np.nan, np.nan, np.nan], None),
    ],
)
def test_the_test_chooses_the_last_number_of_groups_that_is_needed(p, want):
    assert choose(_table(blrt_p=p)).get("blrt") == want


def test_unknown_values_are_never_chosen_and_sort_last():
    table = _table(aic=[np.nan, 5.0, 4.0], flag=["", "", "not converged"])
    assert choose(table).to_dict() == {"aic": "2: 1 1"}
    assert sort_table(table, "aic").index.tolist() == ["2: 1 1", "1: 1", "3: 1 1 1"]


def test_weights_are_those_of_the_formula():
    bic = pd.Series({"a": 100.0, "b": 102.0, "c": np.nan, "d": 110.0})
    e = np.exp([0, -1, -5])
    np.testing.assert_allclose(weights(bic), e / e.sum())
    assert weights(bic + 1e6).sum() == pytest.approx(1.0)


class _Fit:
    """As much of a fit as the sentences ask for."""

    def __init__(self, shares=(0.6, 0.4), warnings=()):
        self.results = self
        self.group_set = SimpleNamespace(shares=np.array(shares))
        self.search = SimpleNamespace(n_starts=24)
        self.n_groups, self.warnings = len(shares), list(warnings)
        self.assignment = pd.Series([1, 1, 1])
        self.n_assigned = pd.Series([3, *[0] * (len(shares) - 1)], index=range(1, len(shares) + 1))


def _said(table, **happened):
    choices = choose(table)
    fits = {k: _Fit((0.97, 0.03) if k.startswith("2") else (0.5, 0.3, 0.2), ("Beware.",)) for k in table.index}
    return all_sentences(table, choices, fits, happened)


def test_disagreement_in_words():
    table = _table(bic_subjects=[300.0, 210.0, 200.0], bic_observations=[300.0, 205.0, 215.0], hits=24, entropy=0.9)
    said = _said(table, repairs=["Repaired."], skipped=["Skipped."])
    assert said[0] == (
        "The criteria disagree: BIC (n = observations) chooses 2 groups (2: 1 1); BIC (n = subjects) chooses 3 groups "
        "(3: 1 1 1)."
    )
    assert said[1].startswith("BIC with n = subjects chooses 3 groups (3: 1 1 1), with n = observations 2 groups")
    assert ("BIC (n = subjects) prefers 3: 1 1 1 clearly: its Schwarz weight among the 3 models is 0.99, and the next, "
            "2: 1 1, is 10.0 higher (weight 0.01).") in said
    assert "BIC (n = subjects) chooses 3 groups, the most that were tried: more may be better still." in said
    assert "2: 1 1: group 2 holds 3.0 % (0 subjects assigned)." in said
    assert "2: 1 1: Beware." in said
    assert said[-2:] == ["Skipped.", "Repaired."]


def test_it_is_said_by_which_criterion_orders_were_lowered(data):
    """In stages one criterion alone led the way; on the grid, or with one shape each, none did."""
    def said(**options):
        found = gbtm.search("y ~ t", data, id="id", groups=2, family="normal", n_starts=2, **options)
        return [s for s in found.sentences if "Orders were lowered" in s]

    for how in ("two_stage", "stepwise"):
        assert said(order=1, how=how, criterion="aic") == [
            "Orders were lowered by AIC alone: the other criteria choose among the models that this led to, and might "
            "prefer shapes that were not fitted (how 'grid' fits them all)."
        ]
    assert said(order=1, how="grid") == said(order=[1]) == said(order=1, how="groups") == []


def test_a_criterion_without_a_penalty_is_told():
    table = _table(loglik=[-150.0, -140.0, -130.0], sabic_subjects=[298.0, 277.0, 256.0])
    assert any(s.startswith("SABIC (n = subjects) has no penalty with 22 subjects or fewer") for s in _said(table))
    table["sabic_subjects"] = [301.0, 282.0, 263.0]
    assert not any("no penalty" in s for s in _said(table))


def test_agreement_in_words():
    table = _table(bic_subjects=[300.0, 200.0, 210.0], bic_observations=[300.0, 205.0, 206.0], hits=1, entropy=0.5)
    said = _said(table)
    assert said[0] == "All criteria choose 2 groups (2: 1 1)."
    assert any("BIC (n = observations) prefers 2: 1 1 not clearly" in s for s in said)
    assert any("relative entropy is 0.50, below 0.8" in s for s in said)
    assert any("reached by 1 of 24 starts, so that a better one may exist" in s for s in said)
    assert not any("most that were tried" in s for s in said)


def test_names_of_criteria():
    assert name_of("bic_subjects") == "BIC (n = subjects)"
    assert name_of("aic") == "AIC"
    assert name_of("traj_bic_observations") == "BIC (n = observations) on traj's scale"
    assert all(name_of(c) for c in (*CRITERIA, "cv_loglik", "blrt"))


def test_all_criteria_at_the_edge_are_said_in_two_words():
    data = gbtm.datasets.two_groups(rng=0)
    said = gbtm.search("y ~ t", data, id="id", groups=2, order=[2], how="groups", n_starts=2).sentences
    assert "All criteria choose 2 groups, the most that were tried: more may be better still." in said
