"""The shares of a set of groups as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..compute.reference_distribution import quantile

if TYPE_CHECKING:
    from .fit import Fit


def share_table(fit: Fit) -> pd.DataFrame:
    """Shares of a set of groups with standard errors and 95 % intervals, and the share assigned."""
    share = fit.group_set.shares
    variance = np.clip(np.diag(fit.group_set.cov_shares), 0, None)
    se = np.sqrt(variance) if fit.n_groups > 1 else np.array([np.nan])
    z = quantile(0.025, fit.df_inference)
    assigned = fit.assignment.value_counts().reindex(fit.group_names, fill_value=0) / fit.n_subjects
    return pd.DataFrame(
        {
            "share": share, "std err": se, "lower": np.clip(share - z * se, 0, 1),
            "upper": np.clip(share + z * se, 0, 1), "assigned": assigned.to_numpy(),
        },
        index=pd.Index(fit.group_names, name="group"),
    )
