"""What is built for others: the wheel has every file, and R asks a Python for the packages of pyproject.toml."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def project() -> dict:
    return pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_that_is_no_module_is_package_data():
    patterns = project()["tool"]["setuptools"]["package-data"]
    source = ROOT / "python"
    for path in (source / "gbtm").rglob("*"):
        if path.is_dir() or path.suffix in (".py", ".pyc"):
            continue
        package = path.parent
        while not (package / "__init__.py").exists():
            package = package.parent
        name, file = ".".join(package.relative_to(source).parts), path.relative_to(package).as_posix()
        assert any(fnmatch.fnmatch(file, pattern) for pattern in patterns.get(name, [])), path


def test_every_folder_of_modules_is_a_package():
    for path in (ROOT / "python" / "gbtm").rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path


def test_r_asks_a_python_for_the_same_packages():
    wanted = sorted(project()["project"]["dependencies"])
    probe = (ROOT / "inst" / "probe.py").read_text(encoding="utf-8")
    needed = re.search(r"NEEDED = \(([^)]*)\)", probe).group(1)
    assert sorted(re.findall(r'"([^"]+)"', needed)) == wanted


def test_the_oldest_versions_are_the_lower_bounds():
    wanted = project()["project"]
    extras = wanted["optional-dependencies"]
    bounds = {*wanted["dependencies"], *(line for extra in ("report", "disk", "sql") for line in extras[extra])}
    lines = (ROOT / "requirements-oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if not line.startswith("#"))
    assert set(pins) == {line.split(">=")[0] for line in bounds}
    for line in bounds:
        name, bound = line.split(">=")
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", pins[name]), line


@pytest.mark.parametrize(
    ("have", "wanted", "too_old"),
    [("2.13.0+cpu", "2.1", False), ("1.11.4", "1.15", True), ("3.0.0rc1", "2.1", False), ("2.1", "2.1.0", False),
     (None, "1.0", True), ("0.14.10", "0.14", False), ("1.9", "1.24", True), ("2.1.dev0", "2.1", False)],
)
def test_versions_are_compared_by_number(have, wanted, too_old):
    found: dict = {"__name__": "probe"}
    exec((ROOT / "inst" / "probe.py").read_text(encoding="utf-8"), found)
    assert found["too_old"](have, wanted) is too_old


@pytest.mark.slow
def test_the_wheel_fits_outside_the_source_tree(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    done = subprocess.run(
        ["bash", str(ROOT / "scripts" / "wheel.sh"), sys.executable], capture_output=True, text=True, check=False,
        env={**os.environ, "WHEEL_OUT": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".whl", ".gz"}
