"""Training by mini-batches beside the fit by full passes, on simulated people: what each costs and where it ends.

    python benchmarks/training.py [PEOPLE]        prints the table of docs/training.md; default 200,000
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch

import gbtm

SHARES = [0.4, 0.3, 0.2, 0.1]
COUNTS = np.array([[-1.5, 0.05], [0.2, 0.1], [1.0, -0.15], [1.4, 0.05]])
LEVELS = np.array([[0.0, 0.2], [1.5, -0.1], [3.0, 0.0], [4.0, 0.3]])


def simulated(people: int, family: str) -> gbtm.GBTM:
    """Four groups seen at ten waves."""
    rng = np.random.default_rng(0)
    group, t = rng.choice(4, people, p=SHARES), np.arange(10)
    curve = (COUNTS if family == "poisson" else LEVELS)[group] @ np.vstack([np.ones(10), t])
    y = rng.poisson(np.exp(curve)).astype(float) if family == "poisson" else curve + rng.normal(0, 1, curve.shape)
    return gbtm.GBTM(y, t, groups=4, order=2, family=family)


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    return run(), time.process_time() - begun


def adam(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=0.02)


def halved(optimiser: torch.optim.Optimizer) -> Any:
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=1)


def main(people: int) -> pd.DataFrame:
    rows = []
    for family in ("poisson", "normal"):
        model = simulated(people, family)
        fit, seconds = timed(lambda m=model: m.fit(time_budget=None))
        rows.append((family, "fit(): search, Newton", "", seconds, 0.0, 0.0))
        ways: dict[str, dict[str, Any]] = {
            "EM by batches, one epoch": {"epochs": 1, "held_out": 0},
            "EM by batches": {},
            "Adam, rate 0.02": {"optimiser": adam},
            "Adam, rate halved on plateaus": {"optimiser": adam, "schedule": halved, "patience": 8},
            "Adam from a random start": {"optimiser": adam, "start": "random"},
        }
        for name, options in ways.items():
            out, seconds = timed(lambda m=model, o=options: gbtm.train(m, finish=False, **o))
            done, more = timed(lambda m=model, p=out.params: m.fit(start=p, time_budget=None))
            rows.append((family, name, str(len(out.history) - 1), seconds + more, fit.llf - out.llf,
                         round(fit.llf - done.llf, 6)))
    return pd.DataFrame(rows, columns=["family", "way", "epochs", "CPU s", "below, by batches", "below, after Newton"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000).round(4).to_markdown(index=False))
