"""The speed table: ours beside flexmix on the same data and model in the same run. Run by `make bench`.

Writes benchmarks/RESULTS.md, and a line for each timing at the end of benchmarks/HISTORY.csv. Every timing is a whole
call, data frame to standard errors, in a process of its own; loading packages is not counted on either side. lcmm,
trajeR, gbtmkit and crimCV get rows where they happen to be installed. `bench.py others` prints these rows alone and
writes nothing. `bench.py registers 200000` fits so many people on disk alone, without and with two processes, and
writes nothing either.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from history import Run

from cases import Case

HERE = Path(__file__).resolve().parent
SIDE_BY_SIDE = [Case("normal", 4), Case("poisson", 3), Case("logit", 3)]
ALONE = [Case("normal", 4), Case("poisson", 3), Case("zip", 3), Case("logit", 3), Case("logit", 3, waves=8)]
SIZES = (1_000, 10_000)
GROWTH = (500, 10_000, 100_000, 1_000_000)
GROWS_FROM = GROWTH[1]  # below it calls cost more than what they compute
SEVERAL = 100_000
REGISTERS = ((1_000_000, 0), (1_000_000, 2), (5_000_000, 0))  # people on disk, and processes beside ours
REGISTER_SECONDS = 900  # for one of them, its simulation included
LOWER_BY = 1e-2  # of log-likelihood that flexmix's looser convergence may leave between two equal optima


@dataclass(frozen=True)
class Other:
    """A package that may be installed, and a family it fits; ``differs`` says in what its model is not ours."""

    package: str
    family: str
    differs: str = ""


OTHERS = [
    Other("lcmm", "normal", "one sigma"), Other("lcmm", "logit", "probit"), Other("trajeR", "normal"),
    Other("trajeR", "poisson"), Other("trajeR", "logit"), Other("trajeR", "zip"), Other("gbtmkit", "normal"),
    Other("gbtmkit", "poisson"), Other("gbtmkit", "logit"), Other("crimCV", "zip"),
]
OTHERS_ALONE = [Case("zip", 3, iorder=1)]  # which flexmix does not fit; crimCV takes no lower order
OTHERS_SECONDS = 150  # for all their calls together, so that the whole benchmark stays under 15 minutes


def call(command: list[str], limit: float | None = None) -> dict[str, Any]:
    """Run a command, for ``limit`` seconds at most, and read the JSON on its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit)
    if done.returncode:
        said = done.stderr[-2000:].strip() or f"exit status {done.returncode}"
        raise RuntimeError(f"{' '.join(command)} failed:\n{said}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(case: Case, n: int, n_starts: int, repeats: int) -> dict[str, float]:
    arguments = [case.family, case.groups, case.waves, n, n_starts, repeats]
    if case.iorder is not None:
        arguments.append(case.iorder)
    return call([sys.executable, str(HERE / "ours.py"), *map(str, arguments)])


def flexmix(case: Case, path: Path, n_starts: int) -> dict[str, float]:
    return call(["Rscript", str(HERE / "flexmix.R"), str(path), case.family, str(case.groups), str(n_starts)])


def beside(
    folder: Path, found: dict[str, str], history: Run
) -> tuple[list[str], list[tuple[Case, int, float, float, float]]]:
    """Rows of the comparison, and the ratios to flexmix with ten starts and with one, and of the default call."""
    rows, ratios = [], []
    for n in SIZES:
        for case in SIDE_BY_SIDE:
            path = folder / f"{case.family}-{n}.csv"
            case.simulate(n).to_csv(path, index=False)
            repeats = 5 if n == SIZES[0] else 3
            mine, default = ours(case, n, 20, repeats), ours(case, n, 0, repeats)
            rows.append(row(case.name, n, "gbtm", mine, None))
            rows.append(row(case.name, n, "gbtm, default call", default, default["seconds"] / mine["seconds"]))
            times = {}
            for starts in (1, 10):
                theirs = flexmix(case, path, starts)
                times[starts] = theirs["seconds"] / mine["seconds"]
                times[-starts] = theirs["seconds"] / default["seconds"]
                if mine["loglik"] < theirs["loglik"] - LOWER_BY:
                    raise RuntimeError(f"{case.family} {n}: gbtm {mine['loglik']}, flexmix {theirs['loglik']}")
                other = f"flexmix, {starts} start{'s' * (starts > 1)}"
                history.note(case.name, n, 20, mine["seconds"], mine["peak_gb"], other, theirs["seconds"])
                rows.append(row(case.name, n, "flexmix", theirs, times[starts]))
            ratios.append((case, n, times[10], times[1], times[-10]))
            say(rows[-4:])
            if n == SIZES[0]:
                rows += other_rows(case, n, path, mine, found)
        if n == SIZES[0]:
            rows += others_alone(OTHERS_ALONE, folder, found)
    return rows, ratios


def others_alone(cases: list[Case], folder: Path, found: dict[str, str]) -> list[str]:
    """Rows of gbtm and of the optional packages that fit these cases; none where no such package is installed."""
    rows = []
    n = SIZES[0]
    for case in cases:
        if not any(o.package in found and o.family == case.family for o in OTHERS):
            continue
        path = folder / f"{case.family}-{n}.csv"
        case.simulate(n).to_csv(path, index=False)
        mine = ours(case, n, 20, 5)
        rows.append(row(case.name, n, "gbtm", mine, None))
        say(rows[-1:])
        rows += other_rows(case, n, path, mine, found)
    return rows


def other_rows(case: Case, n: int, path: Path, mine: dict[str, Any], found: dict[str, str]) -> list[str]:
    """A row for each optional package that is installed and fits this family, also for one that fails."""
    rows = []
    for other in OTHERS:
        if other.package not in found or other.family != case.family:
            continue
        name = f"{case.name}, {other.differs}" if other.differs else case.name
        theirs = timing_of(other, case, path, limit_each(found))
        if "failed" in theirs:
            rows.append("| " + " | ".join([name, f"{n:,}", other.package, "", theirs["failed"], "", "", ""]) + " |")
        else:
            above = not other.differs and theirs["loglik"] > mine["loglik"] + LOWER_BY
            rows.append(row(name, n, other.package, theirs, theirs["seconds"] / mine["seconds"], above=above))
        say(rows[-1:])
    return rows


def timing_of(other: Other, case: Case, path: Path, limit: float) -> dict[str, Any]:
    """One timing of an optional package, or ``failed`` with the reason in one line that a table can hold."""
    command = ["Rscript", str(HERE / "others.R"), other.package, str(path), case.family, str(case.groups)]
    try:
        theirs = call(command, limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"failed: stopped after {limit:.0f} s"}
    except (RuntimeError, ValueError, IndexError) as error:
        theirs = {"failed": str(error).splitlines()[-1]}
    if "failed" in theirs:
        reason = " ".join(str(theirs["failed"]).replace("|", "/").split())
        return {"failed": f"failed: {reason[:100]}"}
    return theirs


def limit_each(found: dict[str, str]) -> float:
    """Seconds for one call of an optional package: an even share."""
    return OTHERS_SECONDS / max(1, sum(o.package in found for o in OTHERS))


def row(
    name: str, n: int, package: str, timing: dict[str, Any], ratio: float | None, *, above: bool = False
) -> str:
    errors = "" if timing.get("standard_errors", True) else " (no SE)"
    cells = [
        name, f"{n:,}", package, str(int(timing["n_starts"])),
        f"{timing['seconds']:.2f}{errors}", f"{timing['peak_gb']:.2f}",
        f"{timing['loglik']:.3f}{' (above gbtm)' if above else ''}",
        "1" if ratio is None else f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def growth(history: Run) -> list[str]:
    """Ours alone, default call, with the exponent of growth from ``GROWS_FROM`` to the largest size."""
    rows = []
    for case in ALONE:
        timings = [ours(case, n, 0, 3 if n < GROWTH[-1] else 1) for n in GROWTH]
        seconds = [t["seconds"] for t in timings]
        name = f"{case.family} K={case.groups}, {case.waves} waves"
        for n, timing in zip(GROWTH, timings, strict=True):
            history.note(name, n, 0, timing["seconds"], timing["peak_gb"])
        exponent = math.log(seconds[-1] / seconds[GROWTH.index(GROWS_FROM)]) / math.log(GROWTH[-1] / GROWS_FROM)
        last = timings[-1]
        cells = [
            name, *(f"{s:.2f}" for s in seconds), f"{last['peak_gb']:.2f}",
            f"{exponent:.2f}", f"{1000 * last['evaluation']:.0f}", f"{1000 * last['reading']:.0f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
        say(rows[-1:])
    return rows


def several(history: Run) -> list[str]:
    """Models of several outcomes, default call."""
    rows = []
    for kind in ("shared", "dual"):
        timing = call([sys.executable, str(HERE / "several.py"), kind, str(SEVERAL)])
        history.note(f"several outcomes, {kind}", SEVERAL, 0, timing["seconds"], timing["peak_gb"])
        cells = [kind, f"{timing['seconds']:.1f}", f"{timing['cpu_seconds']:.1f}", str(timing["n_starts"]),
                 f"{timing['peak_gb']:.2f}", f"{timing['loglik']:.3f}"]
        rows.append("| " + " | ".join(cells) + " |")
        say(rows[-1:])
    return rows


def registers(history: Run, sizes: Sequence[tuple[int, int]] = REGISTERS) -> list[str]:
    """People in Parquet files, default call; processes beside ours change no bit."""
    rows, logliks = [], {}
    for people, processes in sizes:
        command = [sys.executable, str(HERE / "register.py"), str(people), str(processes)]
        timing = call(command, REGISTER_SECONDS)
        if logliks.setdefault(people, timing["loglik"]) != timing["loglik"]:
            raise RuntimeError(f"{people}: {timing['loglik']} with {processes} processes, {logliks[people]} without")
        beside_ours = f", {processes} processes" if processes else ""
        history.note(f"normal K=4, Parquet{beside_ours}", people, 0, timing["seconds"], timing["peak_gb"])
        seconds = [f"{timing[part]:.0f}" for part in ("generate", "survey", "fit")]
        cells = [f"{people:,}", str(processes or "none"), f"{timing['files_gb']:.2f}", *seconds,
                 f"{timing['peak_gb']:.2f}", f"{timing['loglik']:.3f}"]
        rows.append("| " + " | ".join(cells) + " |")
        say(rows[-1:])
    return rows


def say(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)


def machine(found: dict[str, str]) -> str:
    versions = subprocess.run(
        ["Rscript", "-e", "cat(R.version$version.string, as.character(packageVersion('flexmix')))"],
        capture_output=True, text=True, check=True,
    ).stdout
    import numpy
    import torch

    import gbtm

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.date.today().isoformat()}; {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB; Python "
        f"{platform.python_version()}, gbtm {gbtm.__version__}, torch {torch.__version__}, numpy {numpy.__version__}; "
        f"{', '.join([versions.replace(') ', '), flexmix '), *(f'{p} {v}' for p, v in found.items())])}"
    )


def about_others(found: dict[str, str]) -> str:
    """What the page says of the optional packages; nothing where none is installed."""
    if not found:
        return ""
    names = ", ".join(found)
    return f"""
Also installed here and run once at N = {SIZES[0]:,}, {limit_each(found):.0f} s at most: {names}. Where the model column
names a difference ("one sigma" for one by group, "probit"), their model is not gbtm's: do not compare the
log-likelihoods.
"""


def main() -> None:
    """Run everything and write the results; with the argument `others`, the optional packages alone."""
    if sys.argv[1:2] == ["registers"]:
        with tempfile.TemporaryDirectory() as folder:
            people = int(sys.argv[2])
            registers(Run.now(Path(folder) / "history.csv"), [(people, 0), (people, 2)])
        return
    found = call(["Rscript", str(HERE / "others.R")])
    history = Run.now()
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:] == ["others"]:
            others_alone([*SIDE_BY_SIDE, *OTHERS_ALONE], Path(folder), found)
            return
        rows, ratios = beside(Path(folder), found, history)
    large = [r for r in ratios if r[1] == SIZES[-1]]
    ten, one, default = (statistics.median(r[j] for r in large) for j in (2, 3, 4))
    text = f"""# Speed

{machine(found)}.

Whole calls, data frame in, standard errors out; loading packages not counted; median of the runs; each in a process of
its own on the same simulated data (10 waves, quadratic curves; `make bench` makes this page). flexmix is fitted with
`minprior = 0`, its standard errors come from `refit()`. The ratio is flexmix's time over gbtm's.

At N = {SIZES[-1]:,}, gbtm with 20 starts took, median over the families, 1/{ten:.0f} of the time of flexmix with 10
starts and 1/{one:.0f} of flexmix with one start; the default call, which chooses its starts itself, took
1/{default:.0f} of the time of flexmix with 10 starts.
{about_others(found)}
| model | subjects | package | starts | seconds | peak GB | log-likelihood | ratio |
|---|---|---|---|---|---|---|---|
""" + "\n".join(rows) + f"""

gbtm alone, default starts and standard errors: seconds by number of subjects, and the exponent of growth from
{GROWS_FROM:,} to {GROWTH[-1]:,} subjects. Peak memory includes the data. The last two columns are milliseconds for one
evaluation of the log-likelihood at the largest size, and for reading its data once: the floor. (Binary data are few
distinct subjects: identical ones count as one with a weight.)

| model | {" | ".join(f"{n:,}" for n in GROWTH)} | peak GB | exponent | evaluation, ms | reading, ms |
|---|---|---|---|---|---|---|---|---|
""" + "\n".join(growth(history)) + f"""

Several outcomes, {SEVERAL:,} subjects, default call: a normal outcome at ten waves, a ZIP at ten and a logit at eight
that share four groups; a dual model of a normal outcome in three groups and a ZIP in two.

| model | seconds | CPU seconds | starts | peak GB | log-likelihood |
|---|---|---|---|---|---|
""" + "\n".join(several(history)) + """

People whose data stay on disk (docs/disk.md): simulated into Parquet files in blocks, normal, 4 groups, 10 waves,
default call with standard errors and no limit of time. Peak memory is of all processes together. With processes beside
ours the log-likelihood has the same bits.

| subjects | processes beside | files, GB | to simulate, s | survey, s | fit, s | peak GB | log-likelihood |
|---|---|---|---|---|---|---|---|
""" + "\n".join(registers(history)) + "\n"
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
