"""Tables drawn from true curves of well separated groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

import gbtm


def three_groups(seed=2, n=100, sd=0.6):
    """Long data of three groups: constant, rising, curved."""
    rng = np.random.default_rng(seed)
    t = np.arange(6.0)
    curves = np.stack([np.full(6, 0.0), 1.0 + 0.6 * t, 6.0 - 1.8 * t + 0.3 * t**2])
    group = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    y = curves[group] + rng.normal(0, sd, (n, 6))
    return pd.DataFrame({"id": np.repeat(np.arange(n), 6), "t": np.tile(t, n), "y": y.ravel()})


def two_halves(family: str, n: int = 600, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    t = np.linspace(-1, 1, 5)
    eta = np.where(np.arange(n)[:, None] < n // 2, 0.5 + 0.8 * t, -1.0 - 0.5 * t)
    draw = {
        "normal": lambda: rng.normal(eta, 1.0), "poisson": lambda: rng.poisson(np.exp(eta)),
        "logit": lambda: rng.random(eta.shape) < 1 / (1 + np.exp(-2 * eta)),
    }
    return pd.DataFrame(
        {"id": np.repeat(np.arange(n), 5), "t": np.tile(t, n), "y": draw[family]().ravel().astype(float)}
    )


def two_halves_model(family: str, n: int = 600) -> gbtm.GBTM:
    return gbtm.GBTM.from_formula("y ~ t", two_halves(family, n), id="id", groups=2, order=1, family=family)
