"""The code of a fit of several outcomes, run: Python's, and Stata's command by our own parser; and its report."""

from __future__ import annotations

import contextlib
import io
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import in_folder
from gbtm.recipes.code import code_for
from gbtm.report import pictures
from gbtm.report.grolts import grolts

WIDE = {"y": ["y1", "y2", "y3", "y4"], "t": [0.0, 1.0, 2.0, 3.0], "c": ["c1", "c2", "c3"], "u": ["u1", "u2", "u3"]}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    n = 60
    group = rng.integers(0, 2, n)
    table = {f"y{j + 1}": rng.normal(2.5 * group + 0.2 * j) for j in range(4)}
    table |= {f"c{j + 1}": rng.poisson(np.exp(0.3 + 0.9 * group)) * (rng.random(n) < 0.8) for j in range(3)}
    table |= {f"u{j + 1}": 2010.0 + 2 * j for j in range(3)}
    return pd.DataFrame({"id": np.arange(n), "x": rng.normal(size=n), "w": rng.exponential(size=n), **table})


@pytest.fixture(scope="module")
def wide(data):
    outcomes = [gbtm.Outcome("y ~ t", order=1, sigma_by_group=True),
                gbtm.Outcome("c ~ u", family="zip", order=[0, 1], iorder=0)]
    return gbtm.GBTM.from_formula(outcomes, data, id="id", wide=WIDE, groups=2, risk=["x"], weights="w").fit(n_starts=4)


@pytest.fixture(scope="module")
def long(data):
    y = data.melt(["id", "x"], WIDE["y"], "wave", "y").assign(t=lambda d: d["wave"].str[1].astype(float))
    c = data.melt("id", WIDE["c"], "wave", "c").assign(u=lambda d: 2008 + 2 * d["wave"].str[1].astype(float))
    c = c[c["id"] > 1]
    outcomes = ["y ~ t", gbtm.Outcome("c ~ u", family="poisson", order=0, data=c)]
    return gbtm.GBTM.from_formula(outcomes, y, id="id", groups=2, order=1, risk=["x"]).fit(n_starts=4), y, c


def _run(code, folder, **tables):
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    scope: dict = {}
    with in_folder(folder), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        exec(compile(code, "report.py", "exec"), scope)
    return scope["res"]


def _same(again, res):
    assert again.llf == pytest.approx(res.llf, abs=1e-6)
    assert list(again.params.index) == list(res.params.index)
    np.testing.assert_allclose(again.params, res.params, atol=1e-4)
    assert again.cov_type == res.cov_type


def test_the_python_code_makes_the_same_fit(wide, long, data, tmp_path):
    _same(_run(code_for(wide, "Python"), tmp_path, data=data), wide)
    res, y, c = long
    _same(_run(code_for(res, "Python"), tmp_path, data=y, c=c), res)


def test_statas_command_is_read_as_the_same_model(wide, data):
    text = code_for(wide, "Stata")
    made = dict(re.findall(r"generate double (\w+) = (.*)", text))
    command = text[text.index("traj,"):text.index("multtrajplot")].replace("///", " ")
    assert "multrisk(x)" in command
    assert command.count("weight(w)") == command.count("sigmabygroup") == 1
    table = data.assign(**{name: float(value) for name, value in made.items()})
    res = gbtm.traj(" ".join(command.split()), table)
    assert res.llf == pytest.approx(wide.llf, abs=1e-5)
    assert sorted(np.round(res.group_shares["share"], 4)) == pytest.approx(
        sorted(np.round(wide.group_shares["share"], 4)), abs=2e-4)


def test_long_tables_are_made_wide_outcome_by_outcome(long):
    res, *_ = long
    text = code_for(res, "Stata")
    assert 'import delimited "data.csv"' in text
    assert 'import delimited "c.csv"' in text
    assert "merge 1:1 id using `outcome2', nogenerate update" in text
    command = " ".join(text[text.index("traj,"):].replace("///", " ").split())
    assert "indep1(time1_1 time1_2 time1_3 time1_4)" in command
    assert "var2(c_1 c_2 c_3) indep2(time2_1 time2_2 time2_3) model2(zip) order2(0 0)" in command


def test_what_traj_has_for_all_outcomes_or_none(data):
    outcomes = [gbtm.Outcome("y ~ t", order=0, sigma_by_group=True), gbtm.Outcome("c ~ u", order=0)]
    res = gbtm.GBTM.from_formula(outcomes, data, id="id", wide=WIDE, groups=2).fit(n_starts=2)
    assert "lacks sigmabygroup for some" in code_for(res, "Stata").replace("It ", "")


def test_the_report_speaks_of_every_outcome(wide, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "DPI", 40)
    path = gbtm.grolts_report(wide, tmp_path / "report.md")
    text = path.read_text()
    assert "Trajectories of y and c" in text
    for words in ("y: Observed subjects by wave", "c: Observed subjects by wave", "What each outcome tells",
                  "multgroups(2)", "gbtm.Outcome("):
        assert words in text
    assert len(list(path.parent.glob("report*/*.png"))) == 3  # curves, the grid with people, posteriors
    answers = {a.question.topic: a.text for a in grolts(wide)}
    for topic in ("time", "distribution", "between", "shapes"):
        assert "y: " in answers[topic]
        assert "c: " in answers[topic]
    assert answers["covariates"].count("membership: x".capitalize()) == 1
    table = gbtm.to_table(wide)
    assert "y: sigma" in str(table)
    assert "t (y), u (c)" in str(table)


def test_the_r_code_names_each_outcome_and_what_is_of_all(wide, long):
    """tests/testthat/test-report.R runs it."""
    text = code_for(wide, "R")
    assert "  outcome(y ~ t, order = 1, family = \"normal\", sigma_by_group = TRUE),\n" in text
    assert "  outcome(c ~ u, order = c(0, 1), family = \"zip\", iorder = 0)\n" in text
    for whole in ('groups = 2', 'weights = "w"', 'risk = c("x")', 'c = c("c1", "c2", "c3")', "n_starts = 4"):
        assert text.count(whole) == 1
    text = code_for(long[0], "R")
    assert "data_c <- read.csv(\"c.csv\", check.names = FALSE)" in text
    assert "outcome(c ~ u, order = 0, family = \"poisson\", data = data_c)" in text


def test_the_r_code_of_a_dual_model_has_both_numbers_of_groups_and_both_sets_of_covariates(long):
    _, y, c = long
    outcomes = ["y ~ t", gbtm.Outcome("c ~ u", family="poisson", order=0, data=c)]
    model = gbtm.GBTM.from_formula(outcomes, y, id="id", groups=[2, 2], order=0, risk=["x"], risk2="~ x", refgroup2=2)
    text = code_for(model.fit(n_starts=1), "R")
    assert "groups = c(2, 2), refgroup2 = 2, risk = c(\"x\"), risk2 = ~ x" in " ".join(text.split())
