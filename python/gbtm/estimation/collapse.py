"""Groups whose sigma goes to zero on a handful of observations: the likelihood has no maximum there."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ..data.panel import Panel
from ..model.layout import Layout

SIGMA_FLOOR = np.log(2e-5)  # log sigma, in standard deviations of the outcome, below which a group has collapsed
SIGMA_COLLAPSED = 0.05  # ratio to the largest sigma that is suspect when the group has next to no observations


def collapsing(layout: Layout, flat: Tensor, floor: float) -> Tensor:
    """(B, p) -> (B,) bool: a log sigma below the ``floor``, on its way to minus infinity."""
    entries = [b.start for b in layout.blocks if b.predictor == "log_sigma"]
    return (flat[:, entries] < floor).any(1)


def collapsed(layout: Layout, panel: Panel, flat: Tensor, floor: float) -> np.ndarray:
    """(B, p) -> (B,) bool: a sigma at zero, or tiny on a handful of observations."""
    if not layout.has("log_sigma"):
        return np.zeros(flat.shape[0], dtype=bool)
    gone = collapsing(layout, flat, floor).cpu().numpy()
    x = flat.cpu().numpy()
    for m, part in enumerate(layout.outcomes):
        if "log_sigma" not in part.family.predictors or not part.spec.sigma_by_group:
            continue
        group_set = layout.spec.set_of(m)
        sigma = np.exp(layout.coefficients(x, m, "log_sigma")[..., layout.rows_of(group_set), 0])
        shares = layout.marginal(layout.shares(x), group_set)
        few = shares * panel.nobs_of(m) < 3 * (part.width("mean") + 1)
        gone |= (few & (sigma < SIGMA_COLLAPSED * sigma.max(1, keepdims=True))).any(1)
    return gone
