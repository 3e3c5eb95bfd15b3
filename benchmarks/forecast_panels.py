"""An autoregression or a recurrent network? Four panels of a continuous outcome, and groups beside both.

    python benchmarks/forecast_panels.py [--sets wages autoregression groups recursion] [--starts 3]

The question of a well-known course, there asked of one long series of the New York Stock Exchange, here of people.
Wages are those of R's plm (GPL, so that they are not in this repository): log wages of 595 people in seven years. The
others are simulated, 300 people and ten waves, each from one of the rivals: an autoregression, three groups, and a
recursion that no straight line foretells. Writes docs/forecast_panels.csv, .._paired.csv and
docs/figures/forecast_panels.png, which docs/forecasts.md shows. The same seed gives the same digits.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import gbtm

DOCS = Path(__file__).resolve().parents[1] / "docs"
PEOPLE, WAVES = 300, 10


def wages() -> pd.DataFrame:
    """id, t, y: log wages, 1976 to 1982."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/wages.csv"
        code = f"data(Wages, package = 'plm'); write.csv(Wages['lwage'], '{path}', row.names = FALSE)"
        subprocess.run(["Rscript", "-e", code], check=True)
        y = pd.read_csv(path)["lwage"].to_numpy()  # people one after the other, seven years each
    return panel(y.reshape(-1, 7))


def autoregression() -> pd.DataFrame:
    """y_t = 0.8 y_{t-1} + e, from its stationary law."""
    rng = np.random.default_rng(1)
    y = np.empty((PEOPLE, WAVES))
    y[:, 0] = rng.normal(size=PEOPLE) / np.sqrt(1 - 0.8**2)
    for t in range(1, WAVES):
        y[:, t] = 0.8 * y[:, t - 1] + rng.normal(size=PEOPLE)
    return panel(y)


def groups() -> pd.DataFrame:
    """Three groups: low, rising, falling; independent errors of sd 1."""
    rng = np.random.default_rng(2)
    at = np.linspace(-1, 1, WAVES)
    curves = np.array([-2 + 0 * at, 2.5 * at, 1 - 2 * at])
    return panel(curves[rng.choice(3, PEOPLE, p=[0.5, 0.3, 0.2])] + rng.normal(size=(PEOPLE, WAVES)))


def recursion() -> pd.DataFrame:
    """y_t = 1 - 1.6 y_{t-1}^2 + e, e of sd 0.1, kept within [-1.2, 1.2]: no correlation, much dependence."""
    rng = np.random.default_rng(3)
    y = np.empty((PEOPLE, WAVES))
    before = rng.uniform(-1, 1, PEOPLE)
    for t in range(-20, WAVES):
        before = np.clip(1 - 1.6 * before**2 + 0.1 * rng.normal(size=PEOPLE), -1.2, 1.2)
        if t >= 0:
            y[:, t] = before
    return panel(y)


def panel(y: np.ndarray) -> pd.DataFrame:
    """Outcomes (N, T) as rows of id, t, y."""
    people, waves = y.shape
    return pd.DataFrame({
        "id": np.repeat(np.arange(people), waves), "t": np.tile(np.arange(1.0, waves + 1), people), "y": y.ravel()})


PANELS: dict[str, Callable[[], pd.DataFrame]] = {
    "wages": wages, "autoregression": autoregression, "groups": groups, "recursion": recursion}


def checked(data: pd.DataFrame, n_starts: int) -> gbtm.ForecastCheck:
    options = {"data": data, "id": "id", "groups": 2, "order": 2, "sigma_by_group": True}
    models = {
        "groups": gbtm.GBTM.from_formula("y ~ t", **options),
        "groups, lagged": gbtm.GBTM.from_formula("y ~ t", **options, tcov='~ lag("y")'),
    }
    return gbtm.forecast_check(
        models, groups=[1, 2, 3, 4], lags=(1, 2, 3), hidden=(8,), folds=5, origin=4.0, n_starts=n_starts, rng=0,
        progress=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(PANELS), default=list(PANELS))
    parser.add_argument("--starts", type=int, default=3)
    given = parser.parse_args()
    tables, paired = {}, {}
    rows = len(given.sets)
    _, axes = plt.subplots(rows, 1, figsize=(8, 2.4 * rows), constrained_layout=True, squeeze=False)
    for name, axis in zip(given.sets, axes.flat, strict=True):
        begun = time.monotonic()
        check = checked(PANELS[name](), given.starts)
        tables[name], paired[name] = check.table, check.paired
        print(f"\n{name}: {time.monotonic() - begun:.0f} s\n{check}", flush=True)
        gbtm.plot_forecast_check(check, ax=axis)
        axis.set_title(name, loc="left")
    pd.concat(tables, names=["panel"]).round(4).to_csv(DOCS / "forecast_panels.csv")
    pd.concat(paired, names=["panel"]).round(4).to_csv(DOCS / "forecast_panels_paired.csv")
    plt.gcf().savefig(DOCS / "figures" / "forecast_panels.png", dpi=110)


if __name__ == "__main__":
    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    main()
