"""The list of tests that are left to the slow suite, from what pytest says of durations.

    python -m pytest -m "slow or not slow" --durations=0 --durations-min=0.05 > durations.txt
    python scripts/slow_tests.py durations.txt > tests/python/slow_tests.txt

Of a test with parameters the quickest case stays in the fast suite, unless it is long itself. The files of ``KEPT``
guard the structure and the documents, and stay whole.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

CASE_MOST = 0.2  # seconds of a case beside the quickest
TEST_MOST = 1.0  # seconds of a test without parameters, and of the quickest case
LINE = re.compile(r"([0-9.]+)s (?:call|setup|teardown) +(?:tests/python/)?(\S+?\.py::.*?)\s*$")
KEPT = {
    "architecture", "constants", "docstrings", "doors", "examples", "import", "layout", "membership", "mutate",
    "nesting", "rooms", "waves",
}


def seconds(report: str) -> dict[str, float]:
    """Seconds of each test, its fixtures included."""
    cost: defaultdict[str, float] = defaultdict(float)
    for line in report.splitlines():
        if found := LINE.match(line):
            cost[found[2]] += float(found[1])
    return cost


def slow(cost: dict[str, float]) -> list[str]:
    """The tests to be left to the slow suite."""
    cases: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for test, time in cost.items():
        cases[test.partition("[")[0]].append((time, test))
    out = []
    for test, times in cases.items():
        if test.partition(".py")[0].removeprefix("test_") not in KEPT:
            rest = sorted(times)
            out += [name for rank, (time, name) in enumerate(rest) if time > (CASE_MOST if rank else TEST_MOST)]
    return sorted(out)


if __name__ == "__main__":
    print("\n".join(slow(seconds(Path(sys.argv[1]).read_text(encoding="utf-8")))))
