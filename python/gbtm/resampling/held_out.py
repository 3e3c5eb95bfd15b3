"""What a fit says of people that it was not made from: their groups, their outcomes, and whether it rules them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..findings.boundary_checks import EXTREME

if TYPE_CHECKING:
    from ..data.measures import Measures
    from ..data.panel import Panel
    from ..fit.refit import Refit

NOTABLE_SLOPE = 0.1  # of log L_i in a predictor that lies at a boundary


def posterior_of(fit: Refit, panel: Panel) -> np.ndarray:
    """(N, K) P_ik of a prepared panel's subjects at a fit's estimates."""
    import torch

    from ..compute.threads import workers
    from ..likelihood.mixture import Mixture

    module = Mixture.near(fit.layout, panel, fit.flat)
    with workers(), torch.no_grad():
        posterior = module.posterior(torch.as_tensor(fit.flat)[None])[0].T.cpu().numpy()
    return np.asarray(posterior if module.expand is None else posterior[module.expand])


def internal_predictors(fit: Refit, measures: Measures, m: int = 0) -> dict[str, np.ndarray]:
    """Predictors (K, n_obs) of each observation of outcome m in each group, in internal units."""
    layout, part = fit.layout, fit.layout.outcomes[m]
    u = {
        p: layout.coefficients(fit.flat, m, p) @ part.columns(p, measures.time, measures.covariates).T
        + layout.offset[m][p][:, None]
        for p in part.reported
    }
    if measures.exposure is not None:
        u = part.family.exposed(u, measures.exposure)
    return u


def prediction_error(fit: Refit, panel: Panel, posterior: np.ndarray, m: int = 0) -> np.ndarray:
    """(N,) each subject's mean of abs(y_it - sum_k P_ik E_k(y_it)) of outcome m, with E_k at its own covariates and
    exposure; NaN for whom that outcome is not known of. Of categories without an order 1 - sum_k P_ik P_k(y_it), which
    is the same where there are two."""
    part, measures = fit.layout.outcomes[m], panel.outcomes[m]
    family, u = part.internal_family, internal_predictors(fit, measures, m)
    with np.errstate(over="ignore"):
        means = part.centre + part.scale * family.expected(u) if family.has_mean else (
            np.exp(family.log_density(measures.y, u)))
    expected = (posterior[measures.subject] * means.T).sum(axis=1)
    n = panel.n_subjects
    total = np.bincount(
        measures.subject, np.abs((measures.y if family.has_mean else 1.0) - expected), minlength=n)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.bincount(measures.subject, minlength=n))


def ruled_out(fit: Refit, panel: Panel, posterior: np.ndarray) -> np.ndarray:
    """(N,) bool: the subject did what the fit says is impossible in all the groups that it may belong to.

    Where a rate or a probability is estimated as 0 or 1 the coefficients run to infinity, and the log-likelihood of
    whoever contradicts that falls without bound: how far depends on where the fit stopped. Found by the slope of
    log L_i in the predictors that lie there.
    """
    total = np.zeros(panel.n_subjects)
    for m in range(len(fit.layout.outcomes)):
        total += _slopes_at_bounds(fit, panel, posterior, m)
    return total > NOTABLE_SLOPE


def _slopes_at_bounds(fit: Refit, panel: Panel, posterior: np.ndarray, m: int) -> np.ndarray:
    """(N,) slope of log L_i in those predictors of outcome m that lie at a boundary."""
    import torch

    part, measures = fit.layout.outcomes[m], panel.outcomes[m]
    if part.spec.traits.has_scale:
        return np.zeros(panel.n_subjects)
    u = internal_predictors(fit, measures, m)
    tensors = {name: torch.from_numpy(value) for name, value in u.items()}
    if part.family.by_value:
        tensors["y"] = torch.from_numpy(measures.y).expand_as(tensors["mean"])
    slopes = part.internal_family.slopes(tensors)
    statistics = part.internal_family.statistics(measures.y)
    total = np.zeros(measures.y.size)
    for name in (*part.family.curve_predictors, "zero"):
        if name in u:
            slope = np.abs((slopes[name].numpy() * statistics).sum(axis=-1))
            far = np.abs(u[name]) > -np.log(EXTREME)
            total += (posterior[measures.subject] * np.where(far, slope, 0.0).T).sum(axis=1)
    return np.bincount(measures.subject, total, minlength=panel.n_subjects)
