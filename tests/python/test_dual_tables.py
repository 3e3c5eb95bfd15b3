"""Tables, report and code of a dual model: the numbers of its methods, both sets of groups, code that fits it again."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from dual import DATA, fitted
from gbtm.recipes.several_code import several_code
from gbtm.report.content import compose
from gbtm.report.dual_tables import TABLES, TRANSITIONS
from gbtm.report.fit_tables import make_table
from gbtm.report.grolts import grolts


@pytest.fixture(scope="module")
def res():
    return fitted("dual_risk")


@pytest.fixture(scope="module")
def report(res):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gbtm.report.pictures.DPI", 40)  # drawn, but small
        return compose(res)


def _numbers(table, column):
    return table.cells[column].astype(float).to_numpy()


@pytest.mark.parametrize("what", TRANSITIONS)
def test_the_four_tables_are_those_of_the_fit(res, what):
    table, want = make_table(res, what, level=0.9), res.transitions(TRANSITIONS[what], level=0.9)
    np.testing.assert_allclose(_numbers(table, "Probability (%)"), 100 * want["estimate"], atol=0.051)
    np.testing.assert_allclose(_numbers(table, "SE (points)"), 100 * want["std err"], atol=0.051)
    np.testing.assert_allclose(_numbers(table, "90 % CI upper (%)"), 100 * want["upper"], atol=0.051)
    assert any("means over the subjects" in note for note in table.notes)


def test_estimates_stand_under_the_groups_of_their_outcome(res):
    table = make_table(res, "estimates")
    heading = table.cells[""].replace(" ", np.nan).ffill()
    names = ("sigma", "theta_x[3]", "theta2[2|3]", "tb")
    at = {name: list(heading[table.cells["Parameter"] == name]) for name in names}
    assert at == {"sigma": ["a, all groups"], "theta_x[3]": ["Groups of a"], "tb": ["b, group 1", "b, group 2"],
                  "theta2[2|3]": ["Groups of b given those of a"]}
    assert len(table.cells) == len(res.params)
    shown = table.cells.loc[heading.eq("b, group 2") & table.cells["Parameter"].eq("intercept"), "Estimate"]
    assert float(shown.iloc[0]) == pytest.approx(res.params["b: intercept[2]"], abs=5e-4)


def test_groups_and_odds_of_both_outcomes(res):
    groups = make_table(res, "groups")
    assert groups.cells["Outcome"].tolist() == ["a"] * 3 + ["b"] * 2
    np.testing.assert_allclose(_numbers(groups, "AvePP")[3:], res.of_outcome("b").adequacy["avepp"], atol=5e-4)
    odds = make_table(res, "odds_ratios")
    assert odds.cells[["Outcome", "Group", "Covariate"]].to_numpy().tolist() == [
        ["a", "2", "x"], ["a", "3", "x"], ["b", "2", "z"]]
    ci = res.conf_int()
    assert _numbers(odds, "Odds ratio")[2] == pytest.approx(np.exp(res.params["theta2_z[2]"]), abs=6e-3)
    assert _numbers(odds, "95 % CI upper")[1] == pytest.approx(np.exp(ci.loc["theta_x[3]", 1]), abs=6e-3)


def test_independence_association_and_two_steps(res):
    test = make_table(res, "independence")
    assert _numbers(test, "Statistic")[0] == pytest.approx(res.independence().table.loc["LR", "statistic"], abs=6e-4)
    assert any("depend on those" in note for note in test.notes)
    strength = make_table(res, "association")
    assert strength.cells["Measure"].tolist() == ["Lift"] * 6 + ["Odds ratio"] * 2 + ["Cramer's V"]
    both, want = make_table(res, "two_step"), res.two_step("conditional")
    np.testing.assert_allclose(_numbers(both, "SE, curves known (points)"), 100 * want["separate std err"], atol=0.051)


def test_tables_of_pairs_are_refused_elsewhere(res):
    for what in TABLES:
        with pytest.raises(gbtm.SpecificationError) as caught:
            make_table(res.of_outcome("a"), what)
        assert caught.value.code == "unknown_table"
    with pytest.raises(gbtm.SpecificationError, match="transitions"):
        gbtm.to_table(res, what="choice")
    assert "Probability" in gbtm.to_table(res, "html", what="joint")


def test_the_report_has_both_sets_of_groups_and_what_joins_them(report):
    tables = {b.name for b in report.blocks if b.kind == "table"}
    assert {"estimates", "groups", "odds", *TABLES} <= tables
    figures = [(b.name, b.caption.split(":")[0]) for b in report.blocks if b.kind == "figure"]
    names = [name for name, _ in figures]
    assert len(set(names)) == len(names)  # a picture is a file of its own
    assert {("individuals", "a"), ("individuals-2", "b"), ("posteriors-2", "b")} <= set(figures)
    assert "transitions" in names
    text = next(b.text for b in report.blocks if b.kind == "paragraph")
    assert "3 groups of a and 2 groups of b" in text
    assert "own" in report.title


def test_answers_of_the_checklist_name_both_outcomes(res):
    answers = {a.question.topic: a for a in grolts(res, revised=True)}
    assert "of a" in answers["entropy"].text
    assert "of pairs" in answers["entropy"].text
    assert re.search(r"a: \d+ in group 1.*; b: \d+ in group 1", answers["final_cases"].text)
    assert "groups of b given those of a: z" in answers["covariates"].text
    assert sum(int(n) for n in re.findall(r"(\d+) in group", answers["final_cases"].text)) == 2 * res.n_subjects


def test_pythons_code_fits_the_same_model_again(res, tmp_path):
    DATA.to_csv(tmp_path / "d.csv", index=False)
    code = several_code(res, "Python", str(tmp_path / "d.csv"))
    assert 'risk2="z"' in code
    space: dict = {}
    exec(code.replace("print(res.summary())", ""), space)
    assert space["res"].set_sizes == (3, 2)
    assert space["res"].llf == pytest.approx(res.llf, abs=1e-8)


def test_statas_code_is_a_dual_model_that_the_reader_of_commands_takes(res):
    code = several_code(res, "Stata", "d.csv")
    assert "multgroups" not in code
    assert code.rstrip().endswith("trajplot, model(2)")
    command = " ".join(code[code.index("traj, var("):code.index("trajplot")].replace("///", " ").split())
    assert "risk2(z)" in command
    wide = DATA.assign(**{f"ta_{i}": t for i, t in enumerate([-1, -0.5, 0, 0.5, 1], 1)},
                       **{f"tb_{i}": float(i) for i in range(1, 5)})
    read = gbtm.traj(command, wide, n_starts=1)
    assert read.set_sizes == (3, 2)
    assert read.llf == pytest.approx(res.llf, abs=0.01)  # bounds far beyond the data


def test_cases_of_a_search_stand_by_outcome(res):
    class Search:
        fits, table, best = {"3 x 2": res}, pd.DataFrame(index=["3 x 2"]), None

    cells = make_table(Search(), "cases").cells
    assert list(cells.columns[-5:]) == ["a: group 1", "a: group 2", "a: group 3", "b: group 1", "b: group 2"]
    counts = [int(c.split()[0]) for c in cells.iloc[0, -5:]]
    assert counts == [*res.of_outcome("a").adequacy["n_assigned"], *res.of_outcome("b").adequacy["n_assigned"]]
