"""The shares of a set of groups as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..compute.reference_distribution import quantile
from .group_set import GroupSet


def share_table(groups: GroupSet, df: float, assigned: np.ndarray | None = None) -> pd.DataFrame:
    """Shares with standard errors and 95 % intervals by t with ``df`` degrees of freedom, and the share assigned.

    ``assigned`` (K,) is that share, where the people are not with the fit.
    """
    share, k = groups.shares, groups.n_groups
    se = np.sqrt(np.clip(np.diag(groups.cov_shares), 0, None)) if k > 1 else np.array([np.nan])
    z = quantile(0.025, df)
    if assigned is None:
        assigned = np.bincount(groups.posterior.argmax(axis=1), minlength=k) / len(groups.posterior)
    return pd.DataFrame(
        {
            "share": share, "std err": se, "lower": np.clip(share - z * se, 0, 1),
            "upper": np.clip(share + z * se, 0, 1), "assigned": assigned,
        },
        index=pd.Index(range(1, k + 1), name="group"),
    )
