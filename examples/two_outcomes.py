"""Bilirubin and albumin of patients with liver disease, with dropout: shared groups, and a dual model.

    python examples/two_outcomes.py FOLDER

The data are R's (survival::pbcseq, Mayo Clinic). Visits are a patient's own, and a patient who died or had a transplant
comes to none: dropout that depends on the last bilirubin. Writes the pictures that docs/several-outcomes.md shows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np

import gbtm

matplotlib.use("Agg")


def patients():
    """Visits of the first eight years."""
    data = gbtm.datasets.from_r("pbcseq", "survival")
    data = data.assign(years=data["day"] / 365.25, log_bili=np.log(data["bili"])).query("years <= 8")
    return data.assign(visit=data.groupby("id").cumcount() + 1)


def shared(data, out: Path, **fit) -> gbtm.GBTMResults:
    """Three groups, each with a course of bilirubin, a course of albumin, and a hazard of leaving."""
    model = gbtm.GBTM.from_formula(
        [gbtm.Outcome("log_bili ~ years", order=2), gbtm.Outcome("albumin ~ years", order=1)], data, id="id", groups=3,
        wave="visit", dropout=1)
    res = model.fit(**fit)
    print(res.summary())
    print(res.outcome_contributions())
    figure = res.plot()
    for ax, label in zip(figure.axes, ("log serum bilirubin (mg/dl)", "serum albumin (g/dl)"), strict=True):
        ax.set(xlabel="years since enrolment", ylabel=label)
    figure.savefig(out / "several-outcomes.png", dpi=110)
    return res


def dual(data, out: Path, **fit) -> gbtm.DualResults:
    """Three groups of bilirubin, two of albumin: which of these follows which of those?"""
    model = gbtm.GBTM.from_formula(
        [gbtm.Outcome("log_bili ~ years", order=2), gbtm.Outcome("albumin ~ years", order=1)], data, id="id",
        groups=[3, 2])
    res = model.fit(**fit)
    print(res.transitions())
    print(res.independence())
    res.plot_transitions().savefig(out / "dual.png", dpi=110)
    return res


def main(out: Path, **fit) -> None:
    out.mkdir(parents=True, exist_ok=True)
    data = patients()
    shared(data, out, **fit)
    dual(data, out, **fit)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
