"""Two groups of curves, drawn anew with a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_count, check_seed


@checked
def two_groups(rng: int = 0, n_per_group: int = 50, periods: int = 11, noise: float = 0.05) -> pd.DataFrame:
    """Two groups of curves with a little uniform noise: 1 + 0.5 t and 1.5 t^2, t = (period - 5.5)/5.5.

    Parameters
    ----------
    rng : seed
    n_per_group : subjects in each group
    periods : number of periods, from 0
    noise : half-width of the uniform noise

    Returns
    -------
    DataFrame with columns id, t, y and the true group.

    Examples
    --------
    >>> from gbtm.datasets import two_groups
    >>> two_groups(rng=0).shape
    (1100, 4)
    """
    draw = np.random.default_rng(check_seed(rng))
    check_count(n_per_group, "n_per_group", 50)
    check_count(periods, "periods", 11)
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
