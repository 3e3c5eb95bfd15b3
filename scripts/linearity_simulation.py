"""What linearity_check() says of linear and of interacting truths: the table of docs/networks.md.

    python scripts/linearity_simulation.py [SETS [FILE.csv]]       default 3 sets a cell; FILE keeps and resumes them

Three groups seen six times, three standard normal covariates, five folds. Interacting: products and squares alone.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import gbtm

SIZES, TRUTHS, T = (300, 1000, 5000), ("linear", "interacting"), 6
CURVES = np.array([[0.0, 0.1], [1.2, -0.1], [2.5, 0.1]])


def memberships(z: np.ndarray, truth: str) -> np.ndarray:
    """Covariates (n, 3) -> probabilities (n, 3)."""
    eta = np.zeros((len(z), 3))
    if truth == "linear":
        eta[:, 1], eta[:, 2] = 0.8 * z[:, 0] - 0.5 * z[:, 1], -0.6 * z[:, 0] + 0.6 * z[:, 2]
    else:
        eta[:, 1], eta[:, 2] = 1.5 * z[:, 0] * z[:, 1], 1.5 * (z[:, 2] ** 2 - 1)
    odds = np.exp(eta)
    return odds / odds.sum(axis=1, keepdims=True)


def simulated(people: int, truth: str, seed: int) -> pd.DataFrame:
    """A long table of id, t, y, z0, z1, z2."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(people, 3))
    group = (memberships(z, truth).cumsum(axis=1) < rng.random((people, 1))).sum(axis=1)
    y = CURVES[group] @ np.vstack([np.ones(T), np.arange(T)]) + rng.normal(size=(people, T))
    table = {"id": np.repeat(np.arange(people), T), "t": np.tile(np.arange(T), people), "y": y.ravel()}
    return pd.DataFrame(table | {f"z{j}": np.repeat(z[:, j], T) for j in range(3)})


def one_set(people: int, truth: str, number: int) -> list[dict[str, object]]:
    table = simulated(people, truth, 1000 * people + number)
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=1, risk=["z0", "z1", "z2"]).fit()
    rows = []
    for way, options in (("ridge", {}), ("early stopping", {"early_stopping": True})):
        out = gbtm.linearity_check(res, rng=number, **options)
        for name in ("no covariates", "network"):
            if name == "network" or way == "ridge":
                gain, se = out.table.loc[name, ["difference", "se"]]
                rows.append({"truth": truth, "people": people, "set": number,
                             "membership": name if name != "network" else f"network, {way}", "gain": gain, "se": se})
    return rows


def main(sets: int, file: Path | None) -> str:
    known = pd.read_csv(file) if file is not None and file.exists() else pd.DataFrame()
    for number in range(sets):
        for people in SIZES:
            for truth in TRUTHS:
                done = len(known) and ((known["truth"] == truth) & (known["people"] == people)
                                       & (known["set"] == number)).any()
                if not done:
                    known = pd.concat([known, pd.DataFrame(one_set(people, truth, number))], ignore_index=True)
                    if file is not None:
                        known.to_csv(file, index=False)
    by = known.groupby(["truth", "people", "membership"], sort=False)
    shown = by.agg(sets=("set", "nunique"), gain=("gain", "mean"), smallest=("gain", "min"), largest=("gain", "max"),
                   se=("se", "mean"))
    return shown.round(4).reset_index().to_markdown(index=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arguments = sys.argv[1:]
    print(main(int(arguments[0]) if arguments else 3, Path(arguments[1]) if len(arguments) > 1 else None))
