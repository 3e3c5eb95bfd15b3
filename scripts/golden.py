"""Golden master: the digits of every single-outcome reference case, before and after a change.

    python scripts/golden.py write FILE             fit all cases with the gbtm on the path; numbers into FILE (.npz)
    python scripts/golden.py compare BEFORE AFTER   the largest relative difference of each kind of number

``make golden`` does both: BASE (a commit; default the last one before the work at hand) beside the working tree.
"""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SEVERAL_OUTCOMES = re.compile(r"outcome\(|multgroups|var2", re.IGNORECASE)
KINDS = ("loglik", "estimates", "standard errors", "posteriors")
TOLERANCE = 1e-10  # relative: of each number, or of the largest of its kind in the case where that is larger


def folders() -> list[Path]:
    """Folders of all reference cases that are there."""
    shared = Path(os.environ.get("GBTM_REFERENCE", ROOT.parent / "shared" / "reference")) / "traj"
    found = {f.parent.name: f.parent for root in (shared, ROOT / "tests" / "reference")
             for f in sorted(root.glob("*/estimates.json"))}
    return [found[name] for name in sorted(found)]


def write(path: Path) -> None:
    """Fit every single-outcome case by its Stata command, default search, seed 0."""
    import gbtm

    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    numbers: dict[str, np.ndarray] = {}
    for folder in folders():
        command = json.loads((folder / "estimates.json").read_text(encoding="utf-8"))["stata_command"]
        if SEVERAL_OUTCOMES.search(command):
            continue
        # without a budget of time: the same digits on a slow machine
        res = gbtm.traj(command, pd.read_csv(folder / "data.csv"), rng=0, time_budget=None)
        own = (res.llf, res.params, res.bse, res.posterior)
        for kind, values in zip(KINDS, own, strict=True):
            numbers[f"{folder.name}/{kind}"] = np.atleast_1d(np.asarray(values, dtype=float))
        print(f"{folder.name}: {res.llf:.6f}", flush=True)
    if not numbers:
        sys.exit("no reference cases found: set GBTM_REFERENCE to their folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **numbers)  # type: ignore[arg-type]


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """Largest relative difference; infinite where shapes or missing numbers differ."""
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    here = ~np.isnan(a)
    if not here.any():
        return 0.0
    return float((np.abs(a[here] - b[here]) / np.maximum(np.abs(a[here]), 1e-3 * np.abs(a[here]).max() + 1e-300)).max())


def compare(before: Path, after: Path) -> int:
    """Print the differences; 1 where any is beyond the tolerance."""
    old, new = np.load(before), np.load(after)
    if missing := sorted(set(old) ^ set(new)):
        print("only on one side: " + ", ".join(missing))
    failed = bool(missing)
    for kind in KINDS:
        gaps = {k: gap(old[k], new[k]) for k in old if k.endswith("/" + kind) and k in new}
        worst = max(gaps, key=lambda k: gaps[k])
        beyond = [k for k in gaps if gaps[k] > TOLERANCE]
        failed |= bool(beyond)
        print(f"{kind:16s} {len(gaps)} cases, largest relative difference {gaps[worst]:.1e} ({worst.split('/')[0]})")
        for k in beyond:
            print(f"  {k.split('/')[0]}: {gaps[k]:.1e}")
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"] and len(sys.argv) == 3:
        write(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["compare"] and len(sys.argv) == 4:
        sys.exit(compare(Path(sys.argv[2]), Path(sys.argv[3])))
    else:
        sys.exit(__doc__)
