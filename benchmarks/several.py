"""One timing of a model of several outcomes, in a process of its own: tables in, summary with standard errors out.

    python benchmarks/several.py KIND N      KIND is shared or dual; default call
Prints one JSON line.

*shared*: a normal outcome at ten waves, a ZIP at ten and a logit at eight in four groups. *dual*: a normal outcome at
ten waves in three groups, a ZIP at ten in two.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd

import gbtm

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
GIVEN = np.array([[0.8, 0.2], [0.4, 0.6], [0.2, 0.8]])
WAVES = {"a": 10, "b": 10, "c": 8}
CURVES = {
    "a": np.array([[0.0, 1.0, 0.5], [2.0, -1.0, 0.0], [4.0, 0.0, -1.0], [-2.0, 0.5, 1.0]]),
    "b": np.array([[-1.5, 0.5, -0.3], [0.3, -0.6, -0.4], [1.2, 0.4, -0.6], [0.6, 0.8, 0.0]]),
    "c": np.array([[-2.5, 0.5, -0.3], [0.0, 1.5, 0.3], [2.2, -0.5, 0.4], [-1.0, -1.0, 0.0]]),
}
FAMILIES = {"a": "normal", "b": "zip", "c": "logit"}


def simulate(kind: str, n: int, seed: int = 1) -> pd.DataFrame:
    """Wide data: a1, a2, .., b1, .."""
    rng = np.random.default_rng(seed)
    if kind == "shared":
        group = rng.choice(4, n, p=SHARES)
        groups = dict.fromkeys("abc", group)
    else:
        first = rng.choice(3, n, p=SHARES[:3] / SHARES[:3].sum())
        groups = {"a": first, "b": (rng.random(n) < GIVEN[first, 1]).astype(int) + 1}
    columns = {}
    for name, own in groups.items():
        t = np.linspace(-1, 1, WAVES[name])
        eta = (CURVES[name] @ np.vander(t, 3, increasing=True).T)[own]
        if name == "a":
            y = rng.normal(eta, 1.0)
        elif name == "b":
            y = rng.poisson(np.exp(eta)) * (rng.random(eta.shape) > 0.3)
        else:
            y = rng.random(eta.shape) < 1 / (1 + np.exp(-eta))
        columns |= {f"{name}{j + 1}": column for j, column in enumerate(y.astype(float).T)}
    return pd.DataFrame({"id": np.arange(n), **columns})


def model(kind: str, data: pd.DataFrame) -> gbtm.GBTM:
    names = "abc" if kind == "shared" else "ab"
    wide = {o: [c for c in data if c[0] == o] for o in names} | {f"t{o}": np.linspace(-1, 1, WAVES[o]) for o in names}
    outcomes = [gbtm.Outcome(f"{o} ~ t{o}", family=FAMILIES[o], order=2) for o in names]
    return gbtm.GBTM.from_formula(outcomes, data, id="id", wide=wide, groups=4 if kind == "shared" else [3, 2])


def main(kind: str, n: int) -> dict[str, object]:
    """Seconds of the wall and of all cores, peak memory of the process, log-likelihood, starts."""
    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    model(kind, simulate(kind, 200)).fit(n_starts=1).summary()  # loads torch
    data = simulate(kind, n)
    begun, cpu = time.perf_counter(), time.process_time()
    res = model(kind, data).fit(rng=0)
    res.summary()
    return {
        "seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - cpu,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, "loglik": res.llf,
        "n_starts": int(res.start_report.attrs["n_starts"]),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
