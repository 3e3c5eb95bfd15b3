"""The speed table: ours beside flexmix on the same data and model in the same run. Run by `make bench`.

Writes benchmarks/RESULTS.md. Every timing is a whole call, data frame to standard errors, in a process of its own;
loading packages is not counted on either side.
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
from pathlib import Path

from cases import Case

HERE = Path(__file__).resolve().parent
SIDE_BY_SIDE = [Case("normal", 4), Case("poisson", 3), Case("logit", 3)]
ALONE = [Case("normal", 4), Case("poisson", 3), Case("zip", 3), Case("logit", 3), Case("logit", 3, waves=8)]
SIZES = (1_000, 10_000)
GROWTH = (10_000, 100_000, 1_000_000)
LOWER_BY = 1e-2  # of log-likelihood that flexmix's looser convergence may leave between two equal optima


def call(command: list[str]) -> dict[str, float]:
    """Run a command and read the JSON on its last line."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(case: Case, n: int, n_starts: int, repeats: int) -> dict[str, float]:
    arguments = [case.family, case.groups, case.waves, n, n_starts, repeats]
    return call([sys.executable, str(HERE / "ours.py"), *map(str, arguments)])


def flexmix(case: Case, path: Path, n_starts: int) -> dict[str, float]:
    return call(["Rscript", str(HERE / "flexmix.R"), str(path), case.family, str(case.groups), str(n_starts)])


def beside(folder: Path) -> tuple[list[str], list[tuple[Case, int, float, float]]]:
    """Rows of the comparison, and the ratios to flexmix with ten starts and with one."""
    rows, ratios = [], []
    for n in SIZES:
        for case in SIDE_BY_SIDE:
            path = folder / f"{case.family}-{n}.csv"
            case.simulate(n).to_csv(path, index=False)
            mine = ours(case, n, 20, 5 if n == SIZES[0] else 3)
            rows.append(row(case, n, "gbtm", mine, None))
            times = {}
            for starts in (1, 10):
                theirs = flexmix(case, path, starts)
                times[starts] = theirs["seconds"] / mine["seconds"]
                if mine["loglik"] < theirs["loglik"] - LOWER_BY:
                    raise RuntimeError(f"{case.family} {n}: gbtm {mine['loglik']}, flexmix {theirs['loglik']}")
                rows.append(row(case, n, "flexmix", theirs, times[starts]))
            ratios.append((case, n, times[10], times[1]))
            say(rows[-3:])
    return rows, ratios


def row(case: Case, n: int, package: str, timing: dict[str, float], ratio: float | None) -> str:
    errors = "" if timing.get("standard_errors", True) else " (no SE)"
    cells = [
        f"{case.family} K={case.groups}", f"{n:,}", package, str(int(timing["n_starts"])),
        f"{timing['seconds']:.2f}{errors}", f"{timing['peak_gb']:.2f}", f"{timing['loglik']:.3f}",
        "1" if ratio is None else f"{ratio:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def growth() -> list[str]:
    """Ours alone, default call, with the exponent of growth from the smallest to the largest size."""
    rows = []
    for case in ALONE:
        timings = [ours(case, n, 0, 3 if n < GROWTH[-1] else 1) for n in GROWTH]
        seconds = [t["seconds"] for t in timings]
        exponent = math.log(seconds[-1] / seconds[0]) / math.log(GROWTH[-1] / GROWTH[0])
        last = timings[-1]
        cells = [
            f"{case.family} K={case.groups}, {case.waves} waves", *(f"{s:.2f}" for s in seconds),
            f"{last['peak_gb']:.2f}",
            f"{exponent:.2f}", f"{1000 * last['evaluation']:.0f}", f"{1000 * last['reading']:.0f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
        say(rows[-1:])
    return rows


def say(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)


def machine() -> str:
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
        f"{versions.replace(') ', '), flexmix ')}"
    )


def main() -> None:
    """Run everything and write the results."""
    with tempfile.TemporaryDirectory() as folder:
        rows, ratios = beside(Path(folder))
    large = [r for r in ratios if r[1] == SIZES[-1]]
    ten, one = (statistics.median(r[j] for r in large) for j in (2, 3))
    text = f"""# Speed

{machine()}.

Whole calls, data frame in, standard errors out; loading packages not counted; median of the runs; each in a process of
its own on the same simulated data (10 waves, quadratic curves; `make bench` makes this page). flexmix is fitted with
`minprior = 0`, its standard errors come from `refit()`. The ratio is flexmix's time over gbtm's.

At N = {SIZES[-1]:,}, gbtm with 20 starts took, median over the families, 1/{ten:.0f} of the time of flexmix with 10
starts and 1/{one:.0f} of flexmix with one start.

| model | subjects | package | starts | seconds | peak GB | log-likelihood | ratio |
|---|---|---|---|---|---|---|---|
""" + "\n".join(rows) + f"""

gbtm alone, default starts and standard errors: seconds by number of subjects, and the exponent of growth from
{GROWTH[0]:,} to {GROWTH[-1]:,} subjects. Peak memory includes the data. The last two columns are milliseconds for one
evaluation of the log-likelihood at the largest size, and for reading its data once: the floor. (Binary data are few
distinct subjects: identical ones count as one with a weight.)

| model | {GROWTH[0]:,} | {GROWTH[1]:,} | {GROWTH[2]:,} | peak GB | exponent | evaluation, ms | reading, ms |
|---|---|---|---|---|---|---|---|
""" + "\n".join(growth()) + "\n"
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
