"""Who foretells next year's offences best? Groups, groups with a lagged count, an autoregression, a recurrent network.

    python benchmarks/forecast_toronto.py [data.csv] [--groups 3 5] [--starts 3]

The Toronto cohort of R's crimCV (TO1adj, GPL, so that it is not in this repository): 378 people, ages 8 to 38. Without
a file it is asked of R, where crimCV has to be installed. Writes docs/forecast_toronto.csv, .._paired.csv and
docs/figures/forecast_toronto.png, which docs/forecasts.md shows. The same seed gives the same digits.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import pandas as pd

import gbtm

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIRST = 13.0  # the first age that is foretold: five have been seen


def toronto(path: str | None) -> pd.DataFrame:
    """id, age, y."""
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/to1adj.csv"
            subprocess.run(
                ["Rscript", "-e", f"data(TO1adj, package = 'crimCV'); write.csv(TO1adj, '{path}', row.names = FALSE)"],
                check=True)
            return long(pd.read_csv(path))
    return long(pd.read_csv(path))


def long(wide: pd.DataFrame) -> pd.DataFrame:
    """A row a person and age."""
    columns = [c for c in wide if c.startswith("Offense")]
    wide = wide.reset_index(drop=True).rename_axis("id").reset_index(names="person")
    d = wide.melt("person", columns, "age", "y").rename(columns={"person": "id"})
    return d.assign(age=d["age"].str.removeprefix("Offense").astype(float)).sort_values(["id", "age"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--groups", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--starts", type=int, default=3)
    given = parser.parse_args()
    data, begun = toronto(given.data), time.monotonic()
    options = {"data": data, "id": "id", "groups": 3, "order": 3}
    nb = {**options, "family": "negbin", "dispersion_by_group": True}
    models = {
        "NB groups, lagged count": gbtm.GBTM.from_formula("y ~ age", **nb, tcov="~ log1p(lag(y, first=0))"),
        "NB groups": gbtm.GBTM.from_formula("y ~ age", **nb),
        "ZIP groups": gbtm.GBTM.from_formula("y ~ age", **options, family="zip", iorder=1),
    }
    check = gbtm.forecast_check(
        models, groups=given.groups, lags=(1, 2, 3, 5), hidden=(8,), folds=5, origin=FIRST, n_starts=given.starts,
        rng=0, progress=True)
    print(check)
    print(check.paired.round(4).to_string())
    print(f"{time.monotonic() - begun:.0f} s")
    check.table.round(4).to_csv(DOCS / "forecast_toronto.csv")
    check.paired.round(4).to_csv(DOCS / "forecast_toronto_paired.csv")
    gbtm.plot_forecast_check(check).figure.savefig(DOCS / "figures" / "forecast_toronto.png", dpi=110)


if __name__ == "__main__":
    main()
