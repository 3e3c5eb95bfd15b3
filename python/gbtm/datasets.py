"""Small data sets for examples and tests, made here: nothing is downloaded."""

from __future__ import annotations

import numpy as np
import pandas as pd


def two_groups(rng: int = 0, n_per_group: int = 50, periods: int = 11, noise: float = 0.05) -> pd.DataFrame:
    """Two groups of curves with a little uniform noise: 1 + 0.5 t and 1.5 t^2, t = (period - 5.5)/5.5.

    Returns
    -------
    DataFrame with columns id, t, y and the true group.
    """
    draw = np.random.default_rng(rng)
    t = (np.arange(periods) - 5.5) / 5.5
    means = np.stack([1 + 0.5 * t, 1.5 * t**2])
    group = np.repeat([1, 2], n_per_group)
    y = means[group - 1] + draw.uniform(-noise, noise, size=(2 * n_per_group, periods))
    n = 2 * n_per_group
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(1, n + 1), periods), "t": np.tile(t, n), "y": y.ravel(),
            "group": np.repeat(group, periods),
        }
    )
