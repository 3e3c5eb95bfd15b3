"""Which tests `make quick` takes for a file: in a small tree made for it, and in this one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import quick

TREE = {
    "python/gbtm/__init__.py": "from .fit.curves import band\n",
    "python/gbtm/fit/__init__.py": "",
    "python/gbtm/fit/curves.py": "def band():\n    '''\n    >>> band()\n    '''\n",
    "python/gbtm/fit/wave.py": "def count_waves(): ...\n",
    "python/gbtm/fit/inner.py": "def _hidden(): ...\n",
    "python/gbtm/fit/lonely.py": "def nobody_asks(): ...\n",
    "python/gbtm/fit/everywhere.py": "def common_name(): ...\n",
    "python/gbtm/figures/__init__.py": "",
    "python/gbtm/figures/curves.py": "from ..fit.inner import _hidden\ndef plot_band(): ...\n",
    "python/gbtm/figures/style.py": "def colours(): ...\n",
    "tests/python/conftest.py": "",
    "tests/python/tables.py": "",
    "tests/python/test_curves.py": "from gbtm.fit.curves import band\nimport tables\n",
    "tests/python/test_pictures.py": "from gbtm.figures import curves, style\n",
    "tests/python/test_waves.py": "gbtm.count_waves(3)\n",
    **{f"tests/python/test_{i}.py": "common_name()\n" for i in range(quick.MANY + 1)},
    "R/wald.R": "wald_test <- function(fit) 1\n",
    "R/tidiers.R": "tidy.gbtm <- function(x, ...) 1\n",
    "R/inside.R": "never_called <- function() 1\n",
    "tests/testthat/test-wald.R": "",
    "tests/testthat/test-report.R": "tidy(fit)\n",
    "README.md": "",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("file", "tests", "about"), [
    ("python/gbtm/fit/curves.py", ["tests/python/test_curves.py"], ""),
    ("python/gbtm/figures/curves.py", ["tests/python/test_pictures.py"], ""),  # test_curves is its namesake's
    ("python/gbtm/figures/style.py", ["tests/python/test_pictures.py"], ""),
    ("python/gbtm/fit/wave.py", ["tests/python/test_waves.py"], "has no test of its own, but is reached by"),
    ("python/gbtm/fit/inner.py", ["tests/python/test_pictures.py"], "has no test of its own, but is reached by"),
    ("python/gbtm/fit/lonely.py", [], "has no test"),
    ("tests/python/test_waves.py", ["tests/python/test_waves.py"], ""),
    ("tests/python/tables.py", ["tests/python/test_curves.py"], ""),
    ("tests/python/conftest.py", [], "concerns all tests (make test)"),
    ("R/wald.R", ["tests/testthat/test-wald.R"], ""),
    ("R/tidiers.R", ["tests/testthat/test-report.R"], "has no test of its own, but is reached by"),
    ("R/inside.R", [], "has no test"),
])
def test_the_tests_of_a_file(file, tests, about, tree):
    assert quick.Finder(tree).of(file) == (tests, about)


def test_what_is_tested_all_over_is_left_to_the_suite(tree):
    for test in (tree / "tests/python").glob("test_?.py"):
        test.write_text("from gbtm.fit.everywhere import common_name\n")
    tests, about = quick.Finder(tree).of("python/gbtm/fit/everywhere.py")
    assert tests == []
    assert about == f"has no test of its own, and {quick.MANY + 1} test files reach it (make test)"


def test_examples_in_docstrings_are_tests_too(tree):
    finder = quick.Finder(tree)
    assert finder.examples("python/gbtm/fit/curves.py") == [f"{quick.EXAMPLES}[gbtm.fit.curves]"]
    assert finder.examples("python/gbtm/fit/wave.py") == finder.examples("R/wald.R") == []


def test_changed_is_what_differs_from_the_last_commit_and_what_is_new(tree):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tree, check=True,
                       capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "all")
    assert quick.changed(tree) == []
    (tree / "R/wald.R").write_text("wald_test <- function(fit) 2\n")
    (tree / "README.md").write_text("more\n")
    (tree / "python/gbtm/fit/wave.py").unlink()
    (tree / "python/gbtm/fit/new.py").write_text("")
    git("add", "R/wald.R")
    assert quick.changed(tree) == ["R/wald.R", "python/gbtm/fit/new.py"]


def test_in_this_tree_every_test_file_found_is_there():
    finder = quick.Finder(ROOT)
    assert finder.of("python/gbtm/inference/wald.py") == (["tests/python/test_wald.py"], "")
    assert finder.of("R/wald.R") == (["tests/testthat/test-wald.R"], "")
    assert all((ROOT / test).is_file() for test in finder.tests)
    assert (ROOT / quick.EXAMPLES.partition("::")[0]).is_file()
    assert "def test_the_examples_of_a_module_run" in finder.tests["tests/python/test_docstrings.py"]
