"""The tests of the files that were changed, and of no others.

    python scripts/quick.py [FILE ..]           run them, or those of the files given
    python scripts/quick.py --list [FILE ..]    only say which they are

Changed is what differs from HEAD and what git does not know yet. Which tests are a file's:

* ``python/gbtm/<room>/<module>.py``: ``tests/python/test_<module>.py`` where it is there and names this module, or no
  other module is called so; else the test files that import ``gbtm.<room>.<module>``; else those that call what it
  defines; else those of the modules that import it. And the examples in its docstrings.
* ``R/<file>.R``: ``tests/testthat/test-<file>.R``; else the test files that call what it defines. R starts for these
  only.
* a test file: itself; a helper beside the tests, an example or a script: its own test file, or those that import it.

A file without a test of its own is told. Where more than five test files are found none is its own, and none is run.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import rooms

ROOT = Path(__file__).resolve().parents[1]
PYTHON_TESTS, R_TESTS = Path("tests/python"), Path("tests/testthat")
TESTED = re.compile(r"(python/gbtm|R|tests/python|tests/testthat|examples|scripts)/.*\.(py|R)")
SHARED_BY_ALL = ("tests/python/conftest.py", "tests/testthat/helper-engine.R", "python/gbtm/__init__.py")
OF_ALL_MODULES = ("test_rooms", "test_docstrings", "test_import", "test_quick")
EXAMPLES = "tests/python/test_docstrings.py::test_the_examples_of_a_module_run"
MANY = 5  # test files: beyond it is the suite's business
NO_TESTS_COLLECTED = 5  # pytest's exit status where all of them are slow ones


def changed(root: Path) -> list[str]:
    """Source files that differ from HEAD or are new, without those that are gone."""
    lines: list[str] = []
    for command in (("diff", "--name-only", "HEAD"), ("ls-files", "--others", "--exclude-standard")):
        done = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True)
        lines += done.stdout.splitlines()
    return sorted(line for line in set(lines) if TESTED.fullmatch(line) and (root / line).is_file())


class Finder:
    """Which test files are a source file's, in a working tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tests = {
            str(path.relative_to(root)): path.read_text(encoding="utf-8")
            for folder in (PYTHON_TESTS, R_TESTS) for path in sorted((root / folder).glob("test*"))
        }
        self.modules = {
            str(path.relative_to(root)): name for name, path in rooms.modules(root / "python" / "gbtm").items()}

    def of(self, file: str) -> tuple[list[str], str]:
        """The test files of a source file, and what is to be said of how they were found."""
        if file in SHARED_BY_ALL:
            return [], "concerns all tests (make test)"
        if file in self.tests:
            return [file], ""
        own = self._own(file)
        found = own or self._others(file)
        if not found:
            return [], "has no test"
        if len(found) > MANY:
            return [], f"has no test of its own, and {len(found)} test files reach it (make test)"
        return found, "" if own else "has no test of its own, but is reached by"

    def _own(self, file: str) -> list[str]:
        """By the file's name or by an import."""
        if file in self.modules:
            return self._of_module(self.modules[file])
        stem = Path(file).stem
        own = f"{R_TESTS}/test-{stem}.R" if file.startswith("R/") else f"{PYTHON_TESTS}/test_{stem}.py"
        if own in self.tests or file.startswith("R/"):
            return [own] if own in self.tests else []
        return self._naming(rf"^\s*(from|import) {stem}\b")

    def _of_module(self, module: str) -> list[str]:
        room, _, name = module.rpartition(".")
        whole = re.escape(module)
        named = self._naming(rf"\b{whole}\b|^\s*from {re.escape(room)} import [^#\n]*\b{name}\b")
        own = f"{PYTHON_TESTS}/test_{name}.py"
        alone = sum(Path(source).stem == name for source in self.modules) == 1
        if own in self.tests and (own in named or alone):
            return [own]
        return [test for test in named if Path(test).stem not in OF_ALL_MODULES]

    def _others(self, file: str) -> list[str]:
        """By a call of what the file defines, or through the modules that import it."""
        text = (self.root / file).read_text(encoding="utf-8")
        if file.startswith("R/"):
            defined = set(re.findall(r"^`?([\w.]+)`? <- function", text, re.MULTILINE))
            defined |= {name.partition(".gbtm")[0] for name in defined}  # a method is called by its generic's name
        else:
            defined = set(re.findall(r"^(?:def|class) ([a-zA-Z]\w{4,})", text, re.MULTILINE))
        calls = "|".join(rf"(?<!\w){re.escape(name)}\(" for name in sorted(defined)) or "$^"
        found = [test for test in self._naming(calls) if Path(test).suffix == Path(file).suffix]
        if 0 < len(found) <= MANY or file not in self.modules:
            return found
        found = []
        seen = level = {self.modules[file]}
        while level and not found:
            level = {user for one in level for user in self._users.get(one, ()) if user != "gbtm"} - seen
            seen = seen | level
            found = sorted({test for one in level for test in self._of_module(one)})
        return found

    def _naming(self, pattern: str) -> list[str]:
        found = re.compile(pattern, re.MULTILINE)
        return [name for name, text in self.tests.items() if found.search(text)]

    @functools.cached_property
    def _users(self) -> dict[str, set[str]]:
        """Module -> those that import it, but not for type hints only."""
        users: dict[str, set[str]] = {}
        for one in rooms.imports(self.root / "python" / "gbtm"):
            if not one.for_types:
                users.setdefault(one.imported, set()).add(one.module)
        return users

    def examples(self, file: str) -> list[str]:
        """The test of the examples in a module's docstrings."""
        if file not in self.modules:
            return []
        some = re.search(r"^ *>>> ", (self.root / file).read_text(encoding="utf-8"), re.MULTILINE)
        return [f"{EXAMPLES}[{self.modules[file]}]"] if some else []


def run_python(tests: list[str]) -> int:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GBTM_WITHOUT_R": "1", "GBTM_REQUIRE_R": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *tests]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return 0 if code == NO_TESTS_COLLECTED else code


def run_r(tests: list[str]) -> int:
    """With the package of the working tree, installed anew where a source is newer."""
    installed = subprocess.run(["make", "--silent", "install-r"], cwd=ROOT, check=False).returncode
    line = '; '.join(f'testthat::test_file("{test}", package = "gbtm", load_package = "installed", '
                     'stop_on_failure = TRUE)' for test in tests)
    return installed or subprocess.run(["Rscript", "-e", line], cwd=ROOT, check=False).returncode


def main(arguments: list[str]) -> int:
    files = [a for a in arguments if not a.startswith("-")] or changed(ROOT)
    finder = Finder(ROOT)
    chosen: dict[str, None] = {}
    for file in files:
        tests, about = finder.of(file)
        examples = finder.examples(file)
        print(f"{file}: {about + ' ' if about else ''}{', '.join([*tests, *examples])}")
        chosen.update(dict.fromkeys([*tests, *examples]))
    if not files:
        print("Nothing that has tests was changed.")
    if "--list" in arguments:
        return 0
    runs = ((run_python, [t for t in chosen if not t.endswith(".R")]), (run_r, [t for t in chosen if t.endswith(".R")]))
    return max((run(tests) for run, tests in runs if tests), default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
