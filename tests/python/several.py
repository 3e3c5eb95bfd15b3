"""Models of several outcomes for tests: the reference data, whose numbers an independent program computed."""

from __future__ import annotations

import json

import pandas as pd

import gbtm
from conftest import OWN

FOLDER = OWN / "multi_dual"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
DATA = pd.read_csv(FOLDER / "multi_data.csv")
TIMES = EXPECTED["multi"]["times"]
COLUMNS = {s: [c for c in DATA.columns if c[0] == s and c[1:].isdigit()] for s in "abc"}
WIDE = {**COLUMNS, **{f"t{s}": TIMES[s] for s in "abc"}}


def outcomes(**data) -> list[gbtm.Outcome]:
    """A normal, a logit and a ZIP outcome, each of its own times; ``data`` are own tables by name."""
    return [
        gbtm.Outcome("a ~ ta", order=[1, 1, 2], sigma_by_group=True, data=data.get("a")),
        gbtm.Outcome("b ~ tb", family="logit", order=1, data=data.get("b")),
        gbtm.Outcome("c ~ tc", family="zip", order=[0, 1, 1], iorder=0, data=data.get("c")),
    ]


def long_table(name: str) -> pd.DataFrame:
    """An outcome's own long table."""
    columns = COLUMNS[name]
    time = dict(zip(columns, TIMES[name], strict=True))
    table = DATA.melt("id", columns, "column", name)
    return table.assign(**{f"t{name}": table["column"].map(time)}).drop(columns="column").dropna()


def start(which: str = "multi") -> list[float]:
    """The reference estimates in the order of our parameters: curves, zero part, sigma, theta."""
    params = EXPECTED[which]["params"]
    late = [n for n in params if "sigma" in n]
    theta = [n for n in params if n.startswith("theta")]
    return [params[n] for n in params if n not in (*late, *theta)] + [params[n] for n in late + theta]
