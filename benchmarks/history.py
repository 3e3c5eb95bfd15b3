"""benchmarks/HISTORY.csv: a line for each timing that a benchmark took, so that speed can be followed over commits."""

from __future__ import annotations

import csv
import datetime
import os
import subprocess
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FILE = Path(__file__).resolve().parent / "HISTORY.csv"


@dataclass(frozen=True)
class Timing:
    """Ours, and another package on the same data where there is one.

    Attributes
    ----------
    date : of the run, as 2026-11-22
    commit : of the working tree, with a + where it had changes
    cores : of the machine; timings of unlike machines do not compare
    case, n : the model, with the waves where ours runs alone; number of subjects
    starts : that ours was asked for; 0 where the hit rate decides
    seconds_ours, peak_gb : of the whole call; peak memory of its process, the data included
    other, seconds_other, ratio : the other package with its starts, its seconds, and these over ours
    """

    date: str
    commit: str
    cores: int
    case: str
    n: int
    starts: int
    seconds_ours: float
    peak_gb: float | None = None
    other: str = ""
    seconds_other: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.seconds_other is None else self.seconds_other / self.seconds_ours


COLUMNS = (*(field.name for field in fields(Timing)), "ratio")


@dataclass(frozen=True)
class Run:
    """What all timings of one run have in common, and the file they go to."""

    date: str
    commit: str
    cores: int
    file: Path = FILE

    @classmethod
    def now(cls, file: Path = FILE) -> Run:
        return cls(datetime.date.today().isoformat(), commit_of(FILE.parent), os.cpu_count() or 1, file)

    def note(
        self, case: str, n: int, starts: int, seconds_ours: float, peak_gb: float | None = None, other: str = "",
        seconds_other: float | None = None,
    ) -> None:
        """Add a line; the file is begun where there is none."""
        run = (self.date, self.commit, self.cores)
        append(Timing(*run, case, n, starts, seconds_ours, peak_gb, other, seconds_other), self.file)


def append(timing: Timing, file: Path) -> None:
    """Write one line at the end of the file, below its header."""
    if file.exists() and (found := file.read_text(encoding="utf-8").partition("\n")[0]) != ",".join(COLUMNS):
        raise ValueError(f"{file} has the columns {found}, not {','.join(COLUMNS)}: move it away or mend it.")
    begun = file.exists()
    with file.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not begun:
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in {**asdict(timing), "ratio": timing.ratio}.items()})


def commit_of(folder: Path) -> str:
    """The commit checked out, with a + where tracked files have changes; "unknown" outside a repository."""
    try:
        commit = _git("rev-parse", "--short", "HEAD", at=folder)
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no", at=folder) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str, at: Path) -> str:
    return subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=True).stdout.strip()


def _cell(value: object) -> object:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else value
