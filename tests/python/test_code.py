"""The code that a report hands on, run: Python, Stata's command by our own parser, R by R."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
import parts
from conftest import ROOT, TRUTH, arguments, long_table, true_data
from gbtm.errors import SpecificationError
from gbtm.report.code import code_for

STATA_FITS = ("risk_reference", "tcov", "exposure_zip", "never", "weights", "beta", "dropout1", "everything_censored")
PYTHON_FITS = (*STATA_FITS, "exposure_negbin", "everything")


@cache
def fitted(name: str):
    data = parts.draw(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return data.table, data.built().fit(n_starts=4, rng=3)


def run_python(code: str, table: pd.DataFrame, folder: Path):
    table.to_csv(folder / "data.csv", index=False)
    scope: dict = {}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        exec(compile(code, "report.py", "exec"), scope)
    return scope["res"]


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
    assert "start values given" in again.document["search"]["sentence"]


def test_settings_of_the_fit_are_kept(tmp_path):
    table = long_table(*true_data("normal_sbg"))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH["normal_sbg"][0])).fit(
        rng=11, n_starts=2, cov_type="robust")
    code = code_for(res, "Python")
    assert "rng=11" in code
    assert "n_starts=2" in code
    assert 'cov_type="robust"' in code
    again = run_python(code, table, tmp_path)
    assert again.llf == res.llf
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
    assert again.llf == res.llf
    stata = code_for(res, "Stata")
    assert "reshape" not in stata
    assert stata_fit(stata, wide).llf == pytest.approx(res.llf, abs=1e-6)


def test_a_factor_is_made_of_indicators_in_stata(tmp_path):
    table = long_table(*true_data("normal"))
    table["region"] = table["id"].map(lambda i: ("north", "east", "south")[i % 3])
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2], risk="~ region").fit(n_starts=2)
    assert run_python(code_for(res, "Python"), table, tmp_path).llf == pytest.approx(res.llf, abs=1e-8)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-6)
    assert "risk = ~ region" in code_for(res, "R")


# -- Stata: the do-file's own lines, done by pandas ---------------------------------------------------------------


def stata_fit(code: str, table: pd.DataFrame):
    """Does what the do-file says, line by line, and gives its command to the package's parser."""
    data = table.copy()
    lines = [line for line in code.split("\ntraj,")[0].splitlines() if not line.startswith("*")]
    for line in lines:
        if found := re.match(r"drop if missing\((.+)\)$", line):
            data = data.dropna(subset=[c.strip() for c in found[1].split(",")])
        elif found := re.match(r"egen _wave = group\((\w+)\)", line):
            data["_wave"] = data[found[1]].rank(method="dense").astype(int)
        elif found := re.match(r"generate (?:double )?(\w+) = (\w+) == \"?([^\"]+)\"?$", line):
            data[found[1]] = (data[found[2]].astype(str) == found[3]).astype(float)
        elif found := re.match(r"generate double (\w+) = (\S+)$", line):
            data[found[1]] = float(found[2])
        elif found := re.match(r"keep (.+)", line):
            data = data[found[1].split()]
        elif found := re.match(r"rename \((.+)\) =_", line):
            data = data.rename(columns={c: f"{c}_" for c in found[1].split()})
        elif found := re.match(r"reshape wide (.+), i\((\w+)\) j\(_wave\)", line):
            varying = found[1].split()
            wide = data.pivot(index=found[2], columns="_wave", values=varying)
            wide.columns = [f"{v}{j}" for v, j in wide.columns]
            rest = data.drop(columns=[*varying, "_wave"]).groupby(found[2]).first()
            data = wide.join(rest).reset_index()
        elif found := re.match(r"    quietly replace (\w+)_`j'", line):
            for column in [c for c in data if re.fullmatch(rf"{found[1]}_\d+", str(c))]:
                data[column] = data[column].fillna(data[column].mean())
        else:
            assert re.match(r"import delimited|forvalues|    quietly summarize|}$", line), line
    command = "traj," + code.split("\ntraj,")[1].removesuffix("trajplot\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.traj(command, data, n_starts=4, rng=3)


@pytest.mark.parametrize("name", STATA_FITS)
def test_the_stata_code_makes_the_same_fit(name):
    table, res = fitted(name)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-5)


@pytest.mark.parametrize("name", ["normal", "logit", "zip_own", "poisson_never", "cnorm"])
def test_the_stata_code_of_plain_models(name):
    table = long_table(*true_data(name, keep=0.9))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH[name][0])).fit(n_starts=3)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-5)


def test_stata_says_what_traj_lacks():
    _, res = fitted("exposure_negbin")
    code = code_for(res, "Stata")
    assert code.startswith("*")
    assert "negbin" in code
    assert "traj," not in code
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ bs(t, df=4)", table, id="id", groups=2).fit(n_starts=2)
    assert "basis formula" in code_for(res, "Stata")


def test_bounds_beyond_the_data_censor_nothing():
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2]).fit(n_starts=2)
    code = code_for(res, "Stata")
    low, high = (float(re.search(rf"{w}\((\S+)\)", code)[1]) for w in ("min", "max"))
    assert low < table["y"].min()
    assert high > table["y"].max()


def test_a_command_is_handed_on_as_it_was(tmp_path):
    table = long_table(*true_data("normal"))
    wide = table.astype({"t": int}).pivot(index="id", columns="t", values="y").add_prefix("y")
    for j in range(5):
        wide[f"t{j}"] = float(j)
    wide = wide.reset_index()
    command = "traj, var(y0-y4) indep(t0-t4) model(cnorm) order(1 2) min(-99) max(99)"
    res = gbtm.traj(command, wide, id="id", rng=2)
    again = run_python(code_for(res, "Python"), wide, tmp_path)
    assert again.llf == res.llf
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


def test_odd_names_are_quoted_in_r():
    table = gbtm.datasets.two_groups(rng=0).rename(columns={"y": "y <b>", "t": "age in years"})
    res = gbtm.GBTM.from_formula("y <b> ~ age in years", table, id="id", groups=2, order=[1, 2]).fit(n_starts=2)
    assert "gbtm(`y <b>` ~ `age in years`, data = data" in code_for(res, "R")
