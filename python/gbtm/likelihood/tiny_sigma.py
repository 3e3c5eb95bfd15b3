"""Sigmas so small that sums of squares about 0 lose the digits that matter."""

from __future__ import annotations

import numpy as np

from ..data.panel import Panel
from ..model.layout import Layout

TINY_SIGMA = 0.01  # of an outcome's root mean square, below which four digits and more are lost to cancellation


def has_tiny_sigma(layout: Layout, panel: Panel, flat: np.ndarray) -> bool:
    """At parameters (p,), an outcome lies so far from 0, in sigmas, that sums of its squares lose too many digits."""
    for m, (part, measures) in enumerate(zip(layout.outcomes, panel.outcomes, strict=True)):
        if not part.family.has_sigma or not part.family.has_scale:
            continue
        sigma = np.exp(layout.coefficients(flat, m, "log_sigma"))
        if "atanh_rho" in part.family.predictors:  # then what is new at each time is smaller
            sigma = sigma * np.sqrt(1 - np.tanh(layout.coefficients(flat, m, "atanh_rho")) ** 2)
        size = np.sqrt(np.mean(((measures.y - part.centre) / part.scale) ** 2)) if measures.nobs else 1.0
        if float(sigma.min()) < TINY_SIGMA * size:
            return True
    return False
