"""The code that a report hands on, run: Python, Stata's command by our own parser, R by R."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import ROOT, TRUTH, arguments, in_folder, long_table, true_data
from do_files import STATA_FITS, fitted
from gbtm.errors import SpecificationError
from gbtm.recipes.code import code_for

# pandas before 3 reads some numbers of a CSV file with another last bit
SAME = 0.0 if int(pd.__version__.partition(".")[0]) >= 3 else 1e-13
PYTHON_FITS = (*STATA_FITS, "exposure_negbin", "everything")


def scope_of(code: str, table: pd.DataFrame, folder: Path) -> dict:
    """All that the code makes, by name."""
    table.to_csv(folder / "data.csv", index=False)
    scope: dict = {}
    with in_folder(folder), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        exec(compile(code, "report.py", "exec"), scope)
    return scope


def run_python(code: str, table: pd.DataFrame, folder: Path):
    return scope_of(code, table, folder)["res"]


@pytest.mark.parametrize("name", PYTHON_FITS)
def test_the_python_code_makes_the_same_fit(name, tmp_path):
    table, res = fitted(name)
    again = run_python(code_for(res, "Python"), table, tmp_path)
    assert again.llf == pytest.approx(res.llf, abs=1e-6)
    assert again.document["cov_type"] == res.document["cov_type"]
    np.testing.assert_allclose(again.params, res.params, atol=1e-4)
    np.testing.assert_allclose(again.bse, res.bse, rtol=1e-3)


def test_the_start_in_the_comment_is_the_optimum(tmp_path):
    table, res = fitted("tcov")
    code = code_for(res, "Python")
    head, comment = code.split("# the same optimum without a search:\n")
    again = run_python(head + "\n".join(line[2:] for line in comment.splitlines()), table, tmp_path)
    assert again.llf == pytest.approx(res.llf, abs=1e-8)
    assert "start values given" in again.search.sentence


def test_settings_of_the_fit_are_kept(tmp_path):
    table = long_table(*true_data("normal_sbg"))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH["normal_sbg"][0])).fit(
        rng=11, n_starts=2, cov_type="robust")
    code = code_for(res, "Python")
    assert "rng=11" in code
    assert "n_starts=2" in code
    assert 'cov_type="robust"' in code
    again = run_python(code, table, tmp_path)
    assert again.llf == pytest.approx(res.llf, rel=SAME, abs=0)
    given = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH["normal_sbg"][0])).fit(start=res.params)
    code = code_for(given, "Python")
    assert "start=" in code
    assert run_python(code, table, tmp_path).llf == pytest.approx(res.llf, abs=1e-8)


def test_a_wide_fit_is_asked_for_as_wide(tmp_path):
    table = long_table(*true_data("normal"))
    wide = table.pivot(index="id", columns="t", values="y").add_prefix("y_").reset_index()
    res = gbtm.GBTM.from_formula(
        "y ~ t", wide, id="id", groups=2, order=[1, 2], wide={"y": "y_*", "t": [0, 1, 2, 3, 4]}).fit(n_starts=2)
    again = run_python(code_for(res, "Python"), wide, tmp_path)
    assert again.llf == pytest.approx(res.llf, rel=SAME, abs=0)


def test_levels_that_a_file_has_in_another_order_are_put_in_theirs(tmp_path):
    table = long_table(*true_data("normal"))
    region = table["id"].map(lambda i: ("north", "east", "south")[i % 3])
    table["region"] = pd.Categorical(region, ["south", "north", "east"])
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2], risk="~ region").fit(n_starts=2)
    again = run_python(code_for(res, "Python"), table, tmp_path)
    assert list(again.params.index) == list(res.params.index)
    np.testing.assert_allclose(again.params, res.params, atol=1e-4)
    code = code_for(res, "R")
    assert "risk = ~ region" in code
    assert 'data[["region"]] <- factor(data[["region"]], levels = c("south", "north", "east"))' in code


# -- searches ------------------------------------------------------------------------------------------------------


def settled(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="seconds")


SEARCHES = {
    "two stages": ({"groups": 3, "order": 1, "max_starts": 40, "shape_starts": 2}, "best()"),
    "one number of groups": ({"groups": [2], "order": [0, 2], "how": "grid", "n_starts": 2, "rng": 7,
                              "criterion": "bic_observations", "cov_type": "robust"}, "best()"),
    "risk": ({"groups": 2, "order": 0, "how": "groups", "risk": "~ C(z)", "weights": "w", "n_starts": 2,
              "refgroup": 2, "time_budget": 1000.0}, "best()"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_python_code_makes_the_same_search(name, tmp_path):
    options, picked = SEARCHES[name]
    table = gbtm.datasets.two_groups(rng=0)
    table["z"], table["w"] = table["id"] % 3, 1.0 + table["id"] % 2
    table.to_csv(tmp_path / "data.csv", index=False)
    table = pd.read_csv(tmp_path / "data.csv")
    search = gbtm.search("y ~ t", table, id="id", **options)
    code = code_for(search.best(), "Python", search=search)
    scope = scope_of(code, table, tmp_path)
    pd.testing.assert_frame_equal(settled(scope["found"].table), settled(search.table), check_exact=True)
    assert f"res = found.{picked}" in code
    assert scope["res"].llf == pytest.approx(search.best().llf, abs=1e-6)
    assert all(f"{k}=" in code for k in options)
    search.save(tmp_path / "search.json")
    stored = gbtm.load_search(tmp_path / "search.json")
    assert code_for(stored.best(), "Python", search=stored) == code


@pytest.mark.parametrize(("options", "orders"), [
    ({"iorder": 1, "iorder_by_group": True}, [1]), ({"iorder": "order"}, [1]), ({"iorder": 1}, 1)])
def test_a_zero_part_is_asked_for_as_it_was(options, orders, tmp_path):
    table = long_table(*true_data("zip_common"))
    search = gbtm.search("y ~ t", table, id="id", groups=[1], order=orders, how="groups", family="zip", n_starts=1,
                         **options)
    code = code_for(search.best(), "Python", search=search)
    scope = scope_of(code, table, tmp_path)
    assert scope["found"].space == search.space


def test_the_model_is_picked_by_what_chooses_it():
    table = gbtm.datasets.two_groups(rng=0)
    search = gbtm.search("y ~ t", table, id="id", groups=2, order=1, how="grid", n_starts=2, shape_starts=1)
    last = next(label for label in search.table.index if label not in set(search.choices))
    code = code_for(search.fits[last], "Python", search=search)
    assert f'res = found.fits["{last}"]' in code
    assert f'fit <- found$fits[["{last}"]]' in code_for(search.fits[last], "R", search=search)
    search.criterion = "aic"
    own = {search.choices[c]: c for c in search.choices.index}
    label = next((k for k in own if k != search.choices["aic"]), None)
    if label is not None:
        assert re.search(r"res = found.best\(\"\w+\"\)", code_for(search.fits[label], "Python", search=search))
    other = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=0).fit(n_starts=1)
    code = code_for(other, "Python", search=search)
    assert "none of the search's" in code
    assert "res = found" not in code


def test_a_search_of_an_earlier_file_says_that_its_settings_are_lost():
    table = gbtm.datasets.two_groups(rng=0)
    search = gbtm.search("y ~ t", table, id="id", groups=[1], order=[0], how="groups", n_starts=1)
    search.settings = None
    for language in ("R", "Python"):
        assert "is not known: these are the defaults" in code_for(search.best(), language, search=search)


def test_r_is_given_a_single_number_in_a_list():
    table = gbtm.datasets.two_groups(rng=0)
    search = gbtm.search("y ~ t", table, id="id", groups=[2], order=[0], how="groups", n_starts=1)
    code = code_for(search.best(), "R", search=search)
    assert "groups = list(2)" in code  # R's c(2) would be 1 to 2
    assert "control = gbtm_control(seed = 0, n_starts = 1)" in code
    assert "fit <- best(found)" in code


def test_a_command_is_handed_on_as_it_was(tmp_path):
    table = long_table(*true_data("normal"))
    wide = table.astype({"t": int}).pivot(index="id", columns="t", values="y").add_prefix("y")
    for j in range(5):
        wide[f"t{j}"] = float(j)
    wide = wide.reset_index()
    command = "traj, var(y0-y4) indep(t0-t4) model(cnorm) order(1 2) min(-99) max(99)"
    res = gbtm.traj(command, wide, id="id", rng=2)
    again = run_python(code_for(res, "Python"), wide, tmp_path)
    assert again.llf == pytest.approx(res.llf, rel=SAME, abs=0)
    assert again.document["cov_type"] == "traj"
    assert command in code_for(res, "Stata")
    assert command in code_for(res, "R")


def test_a_fit_of_arrays_says_that_names_are_to_be_checked():
    y = np.random.default_rng(0).normal(0, 1, (30, 4)) + np.repeat([0, 5], 15)[:, None]
    res = gbtm.GBTM(y, [1, 2, 3, 4], groups=2, order=1).fit(n_starts=2)
    for language in ("R", "Python", "Stata"):
        assert "check the names" in code_for(res, language)


def test_an_unknown_language_is_an_error():
    _, res = fitted("tcov")
    with pytest.raises(SpecificationError, match="Julia"):
        code_for(res, "Julia")


# -- R --------------------------------------------------------------------------------------------------------------


def rscript(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    script = folder / "run.R"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        ["Rscript", "--vanilla", str(script)], cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, **environment}, check=False,
    )


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="no R")
def test_r_reads_the_code_of_every_fit(tmp_path):
    lines = []
    for i, name in enumerate(PYTHON_FITS):
        (tmp_path / f"{i}.R").write_text(code_for(fitted(name)[1], "R"), encoding="utf-8")
        lines.append(f'calls <- parse("{i}.R"); f <- as.list(calls[[length(calls) - 1]][[3]]); '
                     'stopifnot(identical(f[[1]], quote(gbtm)), "groups" %in% names(f))')
    done = rscript("\n".join([*lines, 'cat("all read")']), tmp_path)
    assert "all read" in done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("Rscript") is None or not (ROOT / ".Rlib" / "gbtm").is_dir(), reason="no R package")
def test_r_makes_the_same_fit(tmp_path):
    table, res = fitted("tcov")
    table.to_csv(tmp_path / "data.csv", index=False)
    code = code_for(res, "R") + 'cat("llf", format(as.numeric(logLik(fit)), digits = 12), "\\n")\n'
    engine = {"RETICULATE_PYTHON": str(ROOT / ".venv" / "bin" / "python")}
    done = rscript(code, tmp_path, R_LIBS=str(ROOT / ".Rlib"), **engine)
    if "llf" not in done.stdout and re.search("engine|reticulate|shared library|Python", done.stderr):
        pytest.skip(f"R has no engine here: {done.stderr[-300:]}")
    assert float(re.search(r"llf (\S+)", done.stdout)[1]) == pytest.approx(res.llf, abs=1e-6), done.stderr


def test_r_has_the_optimum_as_a_start_in_a_comment():
    _, res = fitted("tcov")
    call = code_for(res, "R").split("the same optimum without a search:\n")[1].split("control")[0]
    lines = call.rstrip().splitlines()
    assert all(line.lstrip().startswith("# ") for line in lines)
    start = re.search(r"start = c\((.*)\),$", " ".join(line.lstrip()[2:].strip() for line in lines))[1]
    assert [float(v) for v in start.split(",")] == list(res.params)


def test_odd_names_are_quoted_in_r():
    table = gbtm.datasets.two_groups(rng=0).rename(columns={"y": "y <b>", "t": "age in years"})
    res = gbtm.GBTM.from_formula("y <b> ~ age in years", table, id="id", groups=2, order=[1, 2]).fit(n_starts=2)
    assert "gbtm(`y <b>` ~ `age in years`, data = data" in code_for(res, "R")
