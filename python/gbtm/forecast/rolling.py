"""One step ahead at every wave: what a fit says of each observation of people it was not made from, given those before.

weights_itk = pi_k(z_i) prod_{s < t} f_k(y_is), up to a constant: Bayes's rule wave by wave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from ..data.measures import Measures
from ..data.panel import Panel
from .predictive import Predictive

if TYPE_CHECKING:
    from ..fit.refit import Refit
    from ..model.layout import Layout


def predictors(layout: Layout, flat: np.ndarray, measures: Measures) -> dict[str, np.ndarray]:
    """Predictors (K, n) of each observation of the first outcome in each group, in the user's units."""
    part = layout.outcomes[0]
    u = {
        p: layout.coefficients(flat, 0, p) @ part.columns(p, measures.time, measures.covariates).T
        + layout.offset[0][p][:, None]
        for p in part.reported
    }
    if part.family.has_scale:
        u["mean"] = part.centre + part.scale * u["mean"]
        u["log_sigma"] = u["log_sigma"] + np.log(part.scale)
    if measures.exposure is not None:
        u = part.family.exposed(u, measures.exposure)
    return u


def one_step_ahead(fit: Refit, panel: Panel) -> Predictive:
    """The distribution of each observation of a panel given the same person's earlier ones."""
    measures, layout = panel.outcomes[0], fit.layout
    family = layout.outcomes[0].family
    u = predictors(layout, fit.flat, measures)
    shares = layout.shares_given(fit.flat, panel.subjects.risk, panel.subjects.risk2)
    log_prior = np.log(np.maximum(np.broadcast_to(shares, (panel.n_subjects, shares.shape[1])), 1e-300)).T
    seen = before(np.maximum(family.log_density(measures.y, u), -1e6), measures.subject)
    return Predictive(family, softmax(log_prior[:, measures.subject] + seen, axis=0), u, measures.squeezed_by)


def before(values: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """(.., n) sums of values over the same subject's earlier observations; subjects ascend."""
    total = np.cumsum(values, axis=-1) - values
    first = np.searchsorted(subject, subject)
    return np.asarray(total - total[..., first])


def place_of(subject: np.ndarray) -> np.ndarray:
    """(n,) how many observations of the same subject come before each; subjects ascend."""
    return np.arange(subject.size) - np.searchsorted(subject, subject)
