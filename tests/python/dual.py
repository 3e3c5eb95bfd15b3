"""Dual models for tests: the reference data, whose numbers an independent program computed."""

from __future__ import annotations

import functools
import re

import numpy as np
import pandas as pd

import gbtm
from several import EXPECTED, FOLDER

DATA = pd.read_csv(FOLDER / "dual_data.csv")
COLUMNS = {s: [c for c in DATA.columns if c[0] == s and c[1:].isdigit()] for s in "ab"}
TIMES = EXPECTED["dual"]["times"]
WIDE = {**COLUMNS, **{f"t{s}": TIMES[s] for s in "ab"}}
RISK = {"dual": {}, "dual_risk": {"risk": "x", "risk2": "z"}}
PAIRS = [(j, k) for j in (1, 2, 3) for k in (1, 2)]


def outcomes(**data) -> list[gbtm.Outcome]:
    """A normal outcome in three groups, a Poisson one in two."""
    return [
        gbtm.Outcome("a ~ ta", order=1, data=data.get("a")),
        gbtm.Outcome("b ~ tb", order=1, family="poisson", data=data.get("b")),
    ]


def model(which: str = "dual", data: pd.DataFrame = DATA, **options) -> gbtm.GBTM:
    return gbtm.GBTM.from_formula(
        outcomes(), data, id="id", wide=WIDE, **{"groups": [3, 2], **RISK[which], **options})


def reference_name(name: str, which: str) -> str:
    """The reference's name of a parameter."""
    outcome, _, rest = name.rpartition(": ")
    if outcome and rest != "sigma":
        power = 0 if rest.startswith("intercept") else 1
        return f"{outcome}:time^{power}{rest[rest.index('['):]}"
    if outcome:
        return f"{outcome}:{rest}"
    return re.sub(r"^theta\[", "theta_const[", name) if which == "dual_risk" else name


def expected(names: list[str], which: str, what: str = "params") -> np.ndarray:
    return np.array([EXPECTED[which][what][reference_name(n, which)] for n in names])


@functools.cache
def fitted(which: str = "dual") -> gbtm.DualResults:
    """The model climbed to from the reference estimates; the search has its own tests."""
    m = model(which)
    return m.fit(start=expected(m.layout.names, which))
