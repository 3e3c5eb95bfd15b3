"""The main job on real data: fit, table, picture. Run by `make demo`.

Data that R's packages ship: serum bilirubin of patients with liver disease (survival::pbcseq, Mayo Clinic).
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

import gbtm

matplotlib.use("Agg")


def liver(out: Path) -> None:
    """Log bilirubin over eight years after enrolment, three groups of quadratic curves."""
    data = gbtm.datasets.from_r("pbcseq", "survival")
    data = data.assign(years=data["day"] / 365.25, log_bili=np.log(data["bili"])).query("years <= 8")
    model = gbtm.GBTM.from_formula(
        "log_bili ~ years", data=data, id="id", groups=3, order=2, family="normal", sigma_by_group=True
    )
    res = model.fit(rng=0)
    print(res.summary())
    (out / "liver-python.txt").write_text(str(res.summary()), encoding="utf-8")
    ax = res.plot(individuals=True)
    ax.set_xlabel("years since enrolment")
    ax.set_ylabel("log serum bilirubin (mg/dl)")
    ax.figure.savefig(out / "liver-python.png", dpi=150)
    res.save(out / "liver.json")


def toronto(out: Path, reference: Path) -> None:
    """Offences of the Toronto cohort from a Stata command text, where the reference data are at hand."""
    data = pd.read_csv(reference / "to1adj" / "data.csv")
    command = "traj, var(Offense8-Offense38) indep(A8-A38) model(zip) order(2 2 2 2) iorder(2 2 2 2)"
    res = gbtm.traj(command, data, id="id")
    print(res.to_traj().text)
    print(res.start_report.attrs["sentence"])
    (out / "toronto-python.txt").write_text(res.to_traj().text, encoding="utf-8")
    ax = res.plot()
    ax.set_xlabel("(age - 23) / 15")
    ax.set_ylabel("offences a year")
    ax.figure.savefig(out / "toronto-python.png", dpi=150)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")
    folder.mkdir(exist_ok=True)
    warnings.simplefilter("ignore", gbtm.GBTMWarning)  # the summary shows them
    liver(folder)
    where = Path(os.environ.get("GBTM_REFERENCE", "../shared/reference"))
    if where.is_dir():
        toronto(folder, where)
