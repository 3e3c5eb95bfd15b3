"""A register on disk, in a process of its own: simulated in blocks, surveyed, fitted by default but for the clock.

    python benchmarks/register.py PEOPLE [PROCESSES [MEMORY [FOLDER]]]

Normal outcome, 10 waves, 4 groups. PROCESSES are workers beside this one, 0 for none; MEMORY bytes of sums that each
process keeps. Prints one JSON line; `peak_gb` is the most that all processes took together, a page that several share
counted once. Needs Linux and pyarrow.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import gbtm

WAVES, PEOPLE_OF_A_FILE = 10, 250_000
LEVELS = np.array([-2.0, -0.5, 0.5, 2.0])
SLOPES = np.array([0.1, -0.1, 0.15, -0.05])


def write(folder: Path, people: int) -> None:
    """Files of four groups' people, one after the other."""
    for number, first in enumerate(range(0, people, PEOPLE_OF_A_FILE)):
        rng = np.random.default_rng(number)
        ids = np.arange(first, min(first + PEOPLE_OF_A_FILE, people))
        t = np.tile(np.arange(WAVES), ids.size)
        group = np.repeat(rng.choice(4, ids.size, p=[0.4, 0.3, 0.2, 0.1]), WAVES)
        y = LEVELS[group] + SLOPES[group] * t + rng.normal(size=t.size)
        pd.DataFrame({"id": np.repeat(ids, WAVES), "t": t, "y": y}).to_parquet(
            folder / f"{number:04d}.parquet", compression="zstd", index=False)


class Peak:
    """The most memory that this process and its children took together, looked at twice a second."""

    def __init__(self) -> None:
        self.bytes = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, sum(_memory(p) for p in _family(os.getpid())))
            time.sleep(0.5)


def _family(process: int) -> list[int]:
    """A process and all that it began."""
    try:
        tasks = Path(f"/proc/{process}/task").iterdir()
        children = [int(c) for t in tasks for c in (t / "children").read_text().split()]
    except OSError:  # it has ended
        return []
    return [process, *(p for c in children for p in _family(c))]


def _memory(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)


def main(people: int, processes: int, memory: float | None, folder: Path) -> dict[str, object]:
    """Seconds of the parts, the peak of the memory, and the log-likelihood."""
    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    begun = time.perf_counter()
    if not list(folder.glob("*.parquet")):
        write(folder, people)
    written = time.perf_counter()
    peak = Peak()
    files = gbtm.ParquetFiles(str(folder), memory=memory)
    model = gbtm.GBTM.from_formula("y ~ t", data=files, id="id", groups=4, order=1)
    surveyed = time.perf_counter()
    res = model.fit(executor=processes or None, time_budget=None)  # no clock, so that digits compare
    res.summary()
    done = time.perf_counter()
    return {
        "generate": written - begun, "survey": surveyed - written, "fit": done - surveyed, "seconds": done - written,
        "peak_gb": peak.bytes / 1e9, "files_gb": sum(p.stat().st_size for p in folder.glob("*.parquet")) / 1e9,
        "loglik": res.llf,
    }


if __name__ == "__main__":
    given = sys.argv[1:]
    count, workers = int(given[0]), int(given[1]) if len(given) > 1 else 0
    most = float(given[2]) if len(given) > 2 and float(given[2]) else None
    if len(given) > 3:
        Path(given[3]).mkdir(parents=True, exist_ok=True)
        print(json.dumps(main(count, workers, most, Path(given[3]))))
    else:
        with tempfile.TemporaryDirectory() as place:
            print(json.dumps(main(count, workers, most, Path(place))))
