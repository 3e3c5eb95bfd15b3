"""Curves of hidden units against polynomials: the log-likelihood of people held out, on the Toronto cohort.

    GBTM_REFERENCE=../shared/reference python benchmarks/networks.py [--shapes 3 4 5 H3] [--budget 120]

The data are crimCV's TO1adj (R, GPL), which this repository does not hold: it is read from where ``GBTM_REFERENCE``
says, or from R where crimCV is installed. ZIP, four groups, the logit of the zero part linear in each group, five folds
of people. Each fold is fitted from nothing, with the search that a user gets, and a line says whether its optimum is
certified. Prints a table for docs/networks.md.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import gbtm
from gbtm.fit.refit import Refit, subject_loglik
from gbtm.model.outcome import prepare
from gbtm.record.rebuild import layout_of

FOLDS, GROUPS, SEED = 5, 4, 0
FROM_R = "suppressMessages(library(crimCV)); data(TO1adj); write.csv(TO1adj, row.names = FALSE)"


def toronto() -> pd.DataFrame:
    """One row a person: ``Offense*``, ``A*`` and ``id``."""
    root = os.environ.get("GBTM_REFERENCE")
    if root and (Path(root) / "to1adj" / "data.csv").exists():
        return pd.read_csv(Path(root) / "to1adj" / "data.csv")
    text = subprocess.run(["Rscript", "-e", FROM_R], capture_output=True, text=True, check=True).stdout
    return pd.read_csv(io.StringIO(text)).assign(id=lambda d: np.arange(len(d)))


def model(data: pd.DataFrame, shape: str) -> gbtm.GBTM:
    """The model with curves of a shape: ``"3"``, a polynomial; ``"H3"``, hidden units."""
    curve = {"curve": gbtm.Network(int(shape[1:]))} if shape.startswith("H") else {"order": int(shape)}
    return gbtm.GBTM.from_formula(
        "y ~ a", data, id="id", groups=GROUPS, family="zip", iorder=[1] * GROUPS, wide={"y": "Offense*", "a": "A*"},
        **curve)


def held_out(data: pd.DataFrame, fold: np.ndarray, shape: str, f: int, budget: float | None) -> dict[str, object]:
    """A fold's fit, and the log-likelihood of those who are not in it."""
    begun = time.process_time()
    whole = model(data, shape).panel
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = model(data[fold != f], shape).fit(rng=SEED, time_budget=budget, progress=False)
    fit = Refit(layout_of(res), res.internal.params, res.llf, res.converged, collapsed=False)
    test = prepare(whole.subset(np.flatnonzero(fold == f)), res.spec, check_size=False)
    loglik = subject_loglik(fit, test)
    units = res.document.get("hidden_units", {"converged": True, "at_bound": 0, "hits": 0, "n_places": 0, "higher": 0})
    return {"shape": shape, "fold": f + 1, "parameters": res.df_model, "loglik": res.llf, "held out": loglik.sum(),
            "certified": bool(res.converged and units["converged"]), "hits": f"{units['hits']}/{units['n_places']}",
            "higher": units["higher"], "cpu": time.process_time() - begun, "by person": loglik}


def main() -> None:
    """The table, and paired differences with their standard errors."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--shapes", nargs="*", default=["3", "4", "5", "H3"])
    asked.add_argument("--budget", type=float, default=None)
    given = asked.parse_args()
    data = toronto()
    fold = np.random.default_rng(SEED).permutation(len(data)) % FOLDS
    rows = []
    for shape in given.shapes:
        for f in range(FOLDS):
            rows.append(held_out(data, fold, shape, f, given.budget))
            shown = [f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in rows[-1].items()]
            print("  ".join(shown[:-1]), flush=True)
    by_person = {s: np.concatenate([r["by person"] for r in rows if r["shape"] == s]) for s in given.shapes}
    last = by_person[given.shapes[-1]]
    print(f"\n| curves | parameters | fitted | held out | {given.shapes[-1]} better by (SE) | certified | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for shape in given.shapes:
        own = [r for r in rows if r["shape"] == shape]
        gap = last - by_person[shape]
        print(f"| {shape} | {own[0]['parameters']} | {sum(r['loglik'] for r in own):,.1f} | "
              f"{by_person[shape].sum():,.1f} | {gap.sum():.1f} ({gap.std(ddof=1) * gap.size**0.5:.1f}) | "
              f"{sum(r['certified'] for r in own)} of {FOLDS} | {sum(r['cpu'] for r in own):.0f} |")


if __name__ == "__main__":
    main()
