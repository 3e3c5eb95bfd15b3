"""Mutation testing of one module: which small faults in it would its tests not notice?

    python scripts/mutate.py MODULE [--tests FILE ..] [--limit SECONDS] [--processes N]

MODULE is a file of python/gbtm without its ending: ``families/beta``. Its own tests, tests/python/test_beta.py, run
against each mutant; --tests adds further files. Prints the mutants that survive, as differences, the functions that no
test reaches, and the share that was killed.

mutmut makes the mutants and runs the tests, each in a process forked from one that has torch already loaded: a second
a mutant. (cosmic-ray was tried: it starts Python and torch anew for each, 7 s of a core.) All of it happens in a copy,
build/mutate/MODULE: the working tree is only read. mutmut leaves alone what stands outside functions, and functions
with decorators: constants and properties have no mutants.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MUTMUT = [sys.executable, "-m", "mutmut"]
KILLED = ("killed", "timeout", "segfault", "caught by type check")
UNCHECKED = ("not checked", "skipped")
SHOW = "import sys; from mutmut.__main__ import cli; [cli(['show', x], standalone_mode=False) for x in sys.argv[1:]]"
CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/gbtm/{module}.py"]
also_copy = {others}
pytest_add_cli_args = ["-n", "0", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "forkserver"
use_git_change_detection = false
"""


def own_tests(module: str, further: list[str], root: Path = ROOT) -> list[str]:
    """The module's own test file and the further ones, relative to the root; at least one is needed."""
    name = Path(module).name
    tests = [f"tests/python/test_{name}.py"] if (root / "tests" / "python" / f"test_{name}.py").is_file() else []
    for test in further:
        if not (root / test).is_file():
            sys.exit(f"--tests: there is no file {test}.")
        tests += [test] if test not in tests else []
    if not tests:
        sys.exit(f"{module}: there is no tests/python/test_{name}.py. Name the tests by TESTS=tests/python/..")
    return tests


def copy_tree(module: str, tests: list[str], root: Path = ROOT) -> Path:
    """A copy of what git knows or would add, with the package under src/ too, where mutmut looks for it.

    It stays under python/ for tests that read the source.
    """
    copy = root / "build" / "mutate" / module.replace("/", "-")
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root,
                            capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, listed):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, copy / name)
    shutil.copytree(copy / "python", copy / "src")
    others = sorted(path.name for path in copy.iterdir() if path.name not in ("src", "tests", "pyproject.toml"))
    settings = (copy / "pyproject.toml").read_text(encoding="utf-8")
    settings = settings.replace('pythonpath = ["python"', 'pythonpath = ["src"')
    settings += CONFIG.format(module=module, others=_toml(others), tests=_toml(tests))
    (copy / "pyproject.toml").write_text(settings, encoding="utf-8")
    return copy


def run_mutants(copy: Path, limit: float, processes: int) -> bool:
    """Let mutmut check the mutants; False where the time ran out, and what was checked until then is kept."""
    process = subprocess.Popen([*MUTMUT, "run", "--max-children", str(processes)], cwd=copy, env=_environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _stop(process)
        return False
    except BaseException:  # interrupted or told to end: nothing is left behind
        _stop(process)
        raise
    if process.returncode:
        lines = [line for line in re.split(r"[\r\n]+", printed) if line.strip() and not re.match("[⠀-⣿]", line)]
        sys.exit("\n".join(["mutmut could not run; the tests must pass without a mutant:", *lines[-60:]]))
    return True


def statuses(copy: Path) -> dict[str, str]:
    """Name of a mutant -> killed, survived, timeout, no tests, not checked .., as ``mutmut results`` says."""
    done = subprocess.run([*MUTMUT, "results", "--all", "true"], cwd=copy, env=_environment(), capture_output=True,
                          text=True, check=True)
    return dict(re.findall(r"^\s+(\S+): (.+)$", done.stdout, flags=re.MULTILINE))


def share_killed(found: dict[str, str]) -> tuple[int, int]:
    """How many mutants were killed, of how many checked. A mutant that no test reaches counts as a survivor."""
    checked = [status for status in found.values() if status not in UNCHECKED]
    return sum(status in KILLED for status in checked), len(checked)


def report(copy: Path, module: str, finished: bool) -> None:
    """Survivors as differences, functions without tests by name, then the figures."""
    found = statuses(copy)
    bare = Counter(function_of(name) for name, status in found.items() if status == "no tests")
    show([name for name, status in found.items() if status not in (*KILLED, *UNCHECKED, "no tests")], copy)
    for function, count in bare.items():
        print(f"{function}: no test reaches it ({count} mutants)")
    killed, checked = share_killed(found)
    share = f" ({100 * killed / checked:.0f} %)" if checked else ""
    print(f"{module}: {killed} of {checked} mutants killed{share}")
    if not finished:
        print(f"The time ran out with {len(found) - checked} mutants unchecked: raise LIMIT=, in seconds.")


def show(survivors: list[str], copy: Path) -> None:
    """The difference each survivor makes: its lines with - and +."""
    if not survivors:
        return
    printed = subprocess.run([sys.executable, "-c", SHOW, *survivors], cwd=copy, env=_environment(), check=True,
                             capture_output=True, text=True).stdout
    for line in printed.splitlines():
        if heading := re.match(r"# (\S+): (.+)", line):
            print(f"\n{function_of(heading[1])}: {heading[2]}")
        elif re.match(r"[-+](?!(-- |\+\+ ))", line):
            print(line)
    print()


def function_of(mutant: str) -> str:
    """``gbtm.families.beta.xǁBetaǁvariance__mutmut_3`` -> ``Beta.variance``."""
    name = mutant.rpartition(".")[2].rpartition("__mutmut_")[0]
    return name.removeprefix("xǁ").replace("ǁ", ".") if name.startswith("xǁ") else name.removeprefix("x_")


def _toml(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def _stop(process: subprocess.Popen[str]) -> None:
    """End mutmut and the processes it has forked: politely, then for good."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _environment() -> dict[str, str]:
    """One thread a process, and no way to the package of the working tree."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    shared = ROOT.parent / "shared" / "reference"
    if shared.is_dir():
        kept.setdefault("GBTM_REFERENCE", str(shared))
    return {**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("module", help="a file of python/gbtm without its ending, as in families/beta")
    parser.add_argument("--tests", nargs="*", default=[], help="further test files")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for all mutants together")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    module = given.module.removeprefix("python/gbtm/").removesuffix(".py")
    if not (ROOT / "python" / "gbtm" / f"{module}.py").is_file():
        sys.exit(f"MODULE: there is no file python/gbtm/{module}.py. Name one as in MODULE=families/beta.")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    copy = copy_tree(module, own_tests(module, given.tests))
    report(copy, module, run_mutants(copy, given.limit, given.processes))


if __name__ == "__main__":
    main()
