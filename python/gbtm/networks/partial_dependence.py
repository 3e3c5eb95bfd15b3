"""Mean probabilities of the groups if everybody had one value of a covariate, the others their own (Friedman 2001)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .membership_network import MembershipWeights

VALUES_MOST = 25  # of a covariate, at quantiles where it has more


def partial_dependence(
    network: MembershipWeights, logit: MembershipWeights, z: np.ndarray, weight: np.ndarray, groups: list[int]
) -> pd.DataFrame:
    """One row a covariate and value: columns by membership ("network", "multinomial logit") and group.

    Parameters
    ----------
    z : (N, r) covariates of the people that are averaged over
    weight : (N,)
    groups : (K,) their names
    """
    share = weight / weight.sum()
    rows, keys = [], []
    for j, name in enumerate(network.names):
        values = np.unique(z[:, j])
        if values.size > VALUES_MOST:
            values = np.unique(np.quantile(z[:, j], np.linspace(0.02, 0.98, VALUES_MOST)))
        for value in values:
            at = z.copy()
            at[:, j] = value
            rows.append(np.concatenate([share @ network.probabilities(at), share @ logit.probabilities(at)]))
            keys.append((name, value))
    columns = pd.MultiIndex.from_product([["network", "multinomial logit"], groups], names=["membership", "group"])
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(keys, names=["covariate", "value"]), columns=columns)
