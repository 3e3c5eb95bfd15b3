"""Curves of the groups as findings look at them: at mean covariates and mean exposure, on the distinct times."""

from __future__ import annotations

import numpy as np

from ..data.panel import Panel
from ..model.layout import Layout

EMPTY_SUBJECTS = 0.5  # a group with fewer people than this has nobody, and its curve may be anything


def predictors_at_means(layout: Layout, panel: Panel, flat: np.ndarray, m: int) -> dict[str, np.ndarray]:
    """Linear predictors (K, C) of outcome m on its distinct times, at mean covariates and mean exposure."""
    part = layout.outcomes[m]
    times, _ = panel.outcomes[m].distinct_times
    w = panel.outcomes[m].covariates
    profile = np.broadcast_to(w.mean(axis=0), (times.size, w.shape[1])) if part.covariates is not None else w
    u = {}
    for predictor in part.family.predictors:
        columns = part.columns(predictor, times, profile)
        u[predictor] = (
            layout.coefficients(flat, m, predictor) @ columns.T + layout.offset[m][predictor][:, None]
        )
    exposure = panel.outcomes[m].exposure
    if exposure is not None:
        u = part.family.exposed(u, np.full(times.size, exposure.mean()))
    return u
