"""Constants and defaults that Python has in common with R: one file, used in both; the same values in signatures."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import pytest

import gbtm
from gbtm.api.results import GBTMResults
from gbtm.constants import SHARED
from gbtm.figures.criteria import plot_criteria
from gbtm.figures.curves import plot_curves
from gbtm.figures.groups import plot_groups
from gbtm.figures.panels import plot_models
from gbtm.forecast.forecast import forecast

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "python" / "gbtm").rglob("*.py"))
DEFAULTS = json.loads((ROOT / "tests" / "shared" / "defaults.json").read_text(encoding="utf-8"))
FUNCTIONS = {
    "gbtm": gbtm.GBTM.from_formula, "fit": gbtm.GBTM.fit, "search": gbtm.search, "predict": GBTMResults.predict,
    "classify": GBTMResults.classify, "odds_ratios": GBTMResults.odds_ratios, "equal_curves": GBTMResults.equal_curves,
    "wald_test_nonlinear": GBTMResults.wald_test_nonlinear, "profile": GBTMResults.profile_int,
    "plot_matrix": GBTMResults.plot_matrix, "plot": plot_curves, "plot_groups": plot_groups, "plot_models": plot_models,
    "plot_criteria": plot_criteria, "residual_checks": gbtm.residual_checks, "ar1_check": gbtm.ar1_check,
    "bootstrap": gbtm.bootstrap, "blrt": gbtm.blrt, "lmr": gbtm.lmr, "cross_validate": gbtm.cross_validate,
    "grolts_report": gbtm.grolts_report, "to_table": gbtm.to_table,
    "known_accuracy": gbtm.known_accuracy, "forecast": forecast, "forecast_check": gbtm.forecast_check,
}
IN_PYTHON = {"seed": "rng"}


def used(source: str, language: str) -> set[str]:
    """Names of the shared constants that a source asks for."""
    if language == "R":
        return set(re.findall(r"constants\$(\w+)", re.sub(r"#.*", "", source)))
    return {
        node.slice.value for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "SHARED"
        and isinstance(node.slice, ast.Constant)
    } | set(re.findall(r'"(\w+)"', "".join(re.findall(r"SHARED\[name\] for name in \(([^)]*)\)", source))))


@pytest.mark.parametrize("language", ["Python", "R"])
def test_every_constant_of_the_file_is_used_and_no_other(language):
    files = SOURCES if language == "Python" else sorted((ROOT / "R").glob("*.R"))
    found = set().union(*(used(path.read_text(encoding="utf-8"), language) for path in files))
    assert found == set(SHARED)


def test_the_constants_travel_with_the_package():
    """A wheel takes what pyproject.toml names; R installs what its link inst/python/gbtm points to."""
    listed = re.search(r'^"gbtm" = \[(.*)\]$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert '"shared_constants.json"' in listed[1]
    assert (ROOT / "inst" / "python" / "gbtm" / "shared_constants.json").is_file()


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_those_of_r(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    ours = {argument: parameters[IN_PYTHON.get(argument, argument)].default for argument in DEFAULTS[name]}
    assert ours == DEFAULTS[name]


def test_every_level_has_the_same_default():
    levels = [
        (path.name, node.name, ast.unparse(default)) for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
        for argument, default in _defaults(node.args) if argument == "level"
    ]
    assert len(levels) > 15
    assert {default for *_, default in levels} <= {"LEVEL", str(SHARED["level"])}, levels


def _defaults(arguments: ast.arguments):
    positional = arguments.posonlyargs + arguments.args
    yield from zip((a.arg for a in positional[len(positional) - len(arguments.defaults):]), arguments.defaults)
    yield from ((a.arg, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is not None)
