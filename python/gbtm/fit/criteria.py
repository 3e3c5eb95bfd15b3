"""Information criteria, and the uncertainty of who belongs where that one of them counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def uncertainty(p: np.ndarray) -> np.ndarray:
    """Entropy (N,) of posteriors (N, K), -sum_k P_ik log P_ik."""
    return -np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0).sum(axis=1)


def criteria(loglik: float, k: int, sizes: Mapping[str, int], doubt: float) -> pd.DataFrame:
    """A column for each of the ``sizes`` n, by name; ``doubt`` is the sum of the subjects' entropies, weighted."""
    columns = {}
    for label, n in sizes.items():
        bic = -2 * loglik + k * np.log(n)
        columns[label] = {
            "aic": -2 * loglik + 2 * k, "bic": bic, "sabic": -2 * loglik + k * np.log((n + 2) / 24),
            "caic": -2 * loglik + k * (np.log(n) + 1), "icl": bic + 2 * doubt, "traj_aic": loglik - k,
            "traj_bic": loglik - 0.5 * k * np.log(n),
        }
    return pd.DataFrame(columns)
