"""Mutation testing: the survivors are those that the tests let pass, and the working tree is only read."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import mutate

PROJECT = '[tool.pytest.ini_options]\ntestpaths = ["tests/python"]\npythonpath = ["python"]\n'
SOURCE = """
def area(a, b):
    return a * b


def larger(a, b):
    return a > b


def idle(a):
    return a + 1
"""
TEST = """
from gbtm.rooms.toy import area, larger


def test_toy():
    assert area(2, 3) == 6
    assert larger(2, 1)
"""


@pytest.fixture
def project(tmp_path):
    """A repository with one module, and a test that sees every fault of ``area``, but not ``>=`` in ``larger``."""
    root = tmp_path / "project"
    for name, text in {
        "pyproject.toml": PROJECT, ".gitignore": "build/\nsecret\n", "secret": "x", "python/gbtm/__init__.py": "",
        "python/gbtm/rooms/__init__.py": "", "python/gbtm/rooms/toy.py": SOURCE, "tests/python/test_toy.py": TEST,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "add", "pyproject.toml", ".gitignore", "python"], cwd=root, check=True)
    return root


def _tree(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*")
            if p.is_file() and p.relative_to(root).parts[0] not in ("build", ".git")}


def test_the_tests_of_a_module_are_its_own_and_those_asked_for(project):
    assert mutate.own_tests("rooms/toy", [], project) == ["tests/python/test_toy.py"]
    (project / "tests" / "python" / "test_more.py").write_text("", encoding="utf-8")
    further = ["tests/python/test_more.py", "tests/python/test_toy.py"]
    assert mutate.own_tests("rooms/toy", further, project) == ["tests/python/test_toy.py", "tests/python/test_more.py"]
    with pytest.raises(SystemExit, match=r"no tests/python/test_other\.py"):
        mutate.own_tests("rooms/other", [], project)
    with pytest.raises(SystemExit, match=r"no file tests/python/test_absent\.py"):
        mutate.own_tests("rooms/toy", ["tests/python/test_absent.py"], project)


def test_the_copy_has_what_git_would_keep_and_the_package_in_src(project):
    copy = mutate.copy_tree("rooms/toy", ["tests/python/test_toy.py"], project)
    assert copy == project / "build" / "mutate" / "rooms-toy"
    assert (copy / "src" / "gbtm" / "rooms" / "toy.py").read_text(encoding="utf-8") == SOURCE
    assert (copy / "tests" / "python" / "test_toy.py").is_file()  # git does not know it yet, but would add it
    assert not (copy / "secret").exists()
    assert (copy / "python" / "gbtm" / "rooms" / "toy.py").is_file()  # for tests that read the source
    settings = (copy / "pyproject.toml").read_text(encoding="utf-8")
    assert 'pythonpath = ["src"]' in settings
    assert 'only_mutate = ["src/gbtm/rooms/toy.py"]' in settings


def test_shares_count_what_was_checked():
    found = {"a": "killed", "b": "timeout", "c": "survived", "d": "no tests", "e": "not checked"}
    assert mutate.share_killed(found) == (2, 4)


@pytest.mark.parametrize(("mutant", "function"), [
    ("gbtm.families.beta.xǁBetaǁvariance__mutmut_3", "Beta.variance"), ("gbtm.compute.a.x_damped__mutmut_12", "damped"),
])
def test_functions_are_named_as_in_the_source(mutant, function):
    assert mutate.function_of(mutant) == function


def _forking(beat):
    """Code that starts a child which writes on and on, as mutmut's do."""
    child = f"import time\nwhile True:\n    open({str(beat)!r}, 'a').write('.')\n    time.sleep(0.05)"
    return f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]).wait()"


def _wait_for(beat, seconds=60):
    end = time.monotonic() + seconds
    while not beat.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert beat.exists()


def test_a_run_that_is_told_to_end_takes_its_children_with_it(tmp_path):
    beat = tmp_path / "beat"
    code = (f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import mutate; "
            f"mutate.MUTMUT = [sys.executable, '-c', {_forking(beat)!r}]; mutate.own_tests = lambda *_: []; "
            f"from pathlib import Path; mutate.copy_tree = lambda *_: Path({str(tmp_path)!r}); "
            "sys.argv = ['mutate', 'families/beta']; mutate.main()")
    process = subprocess.Popen([sys.executable, "-c", code])
    _wait_for(beat)
    process.terminate()
    assert process.wait(60) == 128 + 15
    size = os.path.getsize(beat)
    time.sleep(0.5)
    assert os.path.getsize(beat) == size


def test_when_the_time_is_up_nothing_goes_on(tmp_path, monkeypatch):
    beat = tmp_path / "beat"
    monkeypatch.setattr(mutate, "MUTMUT", [sys.executable, "-c", _forking(beat)])
    started = time.monotonic()
    assert not mutate.run_mutants(tmp_path, limit=3.0, processes=1)
    assert 3.0 <= time.monotonic() - started < 20
    size = os.path.getsize(beat)
    assert size > 0
    time.sleep(0.5)
    assert os.path.getsize(beat) == size


def test_a_run_that_fails_says_what_was_printed_without_the_spinner(tmp_path, monkeypatch):
    code = r"import sys; print('⠋ Running stats\r⠙ Running stats\nFAILED test_toy\n'); sys.exit(1)"
    monkeypatch.setattr(mutate, "MUTMUT", [sys.executable, "-c", code])
    with pytest.raises(SystemExit, match=r"must pass without a mutant:\nFAILED test_toy$"):
        mutate.run_mutants(tmp_path, limit=60, processes=1)


@pytest.mark.slow
def test_survivors_are_reported_and_the_tree_is_only_read(project, capsys):
    before = _tree(project)
    copy = mutate.copy_tree("rooms/toy", mutate.own_tests("rooms/toy", [], project), project)
    finished = mutate.run_mutants(copy, limit=300, processes=1)
    mutate.report(copy, "rooms/toy", finished)
    assert finished
    assert _tree(project) == before
    printed = capsys.readouterr().out
    assert "larger: survived\n-    return a > b\n+    return a >= b" in printed
    assert "area: survived" not in printed
    assert "idle: no test reaches it (2 mutants)" in printed
    killed, checked = mutate.share_killed(mutate.statuses(copy))
    assert f"rooms/toy: {killed} of {checked} mutants killed" in printed
    assert killed == checked - 3
