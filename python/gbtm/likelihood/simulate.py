"""New outcomes for the same people from a fitted or assumed model: whatever was given stays, only y is drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.known_groups import class_weights
from ..data.measures import Measures
from ..data.panel import Panel
from ..errors import SpecificationError
from ..families.random_normal import RANDOM, loadings
from ..model.layout import Layout
from ..model.outcome import OutcomePart

LARGEST_LOG_RATE = 40.0  # numpy draws no Poisson counts with a mean above 9e18


def simulate(
    layout: Layout, flat: np.ndarray, panel: Panel, rng: int | np.random.Generator | np.random.SeedSequence
) -> tuple[Panel, np.ndarray]:
    """Draw each subject's group, and then its outcomes at its own times.

    Group: k with probability pi_k(z_i), times its weight where one's group is known. Outcomes: from the group's
    distribution, given time, covariates and exposure; with AR(1) errors e_t = c e_{t-1} + sqrt(1 - c^2) sigma u_t, c =
    rho^gap; with random effects each subject has its own draw of them. Covariates that are lags of the outcome are
    those of what was drawn before; what came before the observations that were fitted, such as a first wave that was
    left out, stays as it was. Which observations are missing, their times, other covariates, exposure and weights stay
    as they are.

    Parameters
    ----------
    flat : (p,) internal parameters of ``layout``
    panel : prepared, as a :class:`~gbtm.api.model.GBTM` holds it
    rng : seed or generator

    Returns
    -------
    Panel
        ``panel`` with other outcomes.
    group : (N,) int64
        The group each subject was drawn into, counted from 0.

    Raises
    ------
    SpecificationError
        ``no_simulation``: with a dropout part or a time to an event, or for rates beyond what can be drawn.
    """
    if panel.departures is not None:
        raise SpecificationError(
            "simulate: the model has a dropout part, and a subject who stays longer than was observed has no times or "
            "covariates for its later waves.", code="no_simulation", argument="dropout",
            way_out="Fit the model without dropout, or resample subjects instead (bootstrap with kind='subjects').",
        )
    if layout.spec.event is not None:
        raise SpecificationError(
            "simulate: the model has a time to an event, and up to when those who had it would have been watched is "
            "not known.", code="no_simulation", argument="event",
            way_out="Fit the model without event, or resample subjects instead (bootstrap with kind='subjects').",
        )
    draw = np.random.default_rng(rng)
    group = _groups(layout, flat, panel, draw)
    outcomes = tuple(
        _wave_by_wave(layout, flat, o, part, m, group, draw) if m.lags is not None
        else replace(m, y=_outcome(layout, flat, o, part, m, group, draw))
        for o, (part, m) in enumerate(zip(layout.outcomes, panel.outcomes, strict=True))
    )
    return replace(panel, outcomes=outcomes), group


def _wave_by_wave(
    layout: Layout, flat: np.ndarray, o: int, part: OutcomePart, measures: Measures, group: np.ndarray,
    rng: np.random.Generator,
) -> Measures:
    """An outcome whose covariates are made of earlier ones: each person's first observations, then the next, and so on.

    Errors that are correlated and random effects are drawn once for all waves.
    """
    lags, source = measures.lags, measures.lag_source
    assert lags is not None
    assert source is not None
    place = np.arange(measures.nobs) - np.searchsorted(measures.subject, measures.subject)
    u = _predictors(layout, flat, o, part, measures, group[measures.subject])
    noise = _noise(u, measures, group.size, rng) if "log_sigma" in u else None
    made = measures
    for step in range(int(place.max(initial=0)) + 1):
        rows = np.flatnonzero(place == step)
        made = with_lags_made(made, rows[(source[rows] >= 0).any(axis=1)])
        y = made.y.copy()
        y[rows] = _outcome(layout, flat, o, part, made.take(rows), group, rng, None if noise is None else noise[rows])
        made = replace(made, y=y)
    return made


def with_lags_made(measures: Measures, rows: np.ndarray) -> Measures:
    """The measures with the covariates of some rows made of the outcomes that stand there now.

    A lag that comes from an outcome that is not among them, such as that of a first wave, stays as it was.
    """
    lags, source, before = measures.lags, measures.lag_source, measures.lag_values
    assert lags is not None
    assert source is not None
    assert before is not None
    if not rows.size:
        return measures
    at = source[rows]
    now = np.where(at >= 0, measures.y[np.maximum(at, 0)], before[rows])
    covariates, values = measures.covariates.copy(), before.copy()
    values[rows] = now
    covariates[rows] = lags.covariates(
        dict(zip(lags.columns, now.T, strict=True)), measures.time[rows], covariates[rows])
    return replace(measures, covariates=covariates, lag_values=values)


def _groups(layout: Layout, flat: np.ndarray, panel: Panel, rng: np.random.Generator) -> np.ndarray:
    """The group (N,) of each subject."""
    shares = layout.shares_given(flat, panel.subjects.risk, panel.subjects.risk2)
    sizes = layout.spec.set_sizes
    weights = class_weights(panel.subjects.known_sets[: len(sizes)], sizes)
    if weights is not None:
        shares = shares * weights
        shares = shares / shares.sum(axis=1, keepdims=True)
    upper = np.cumsum(shares, axis=1)[:, :-1]
    return np.asarray((rng.random(panel.n_subjects)[:, None] > upper).sum(axis=1))


def _outcome(
    layout: Layout, flat: np.ndarray, o: int, part: OutcomePart, measures: Measures, group: np.ndarray,
    rng: np.random.Generator, noise: np.ndarray | None = None,
) -> np.ndarray:
    """Outcomes (n,) in the user's units; ``noise`` (n,) is what is added to the means, where it is drawn already."""
    u = _predictors(layout, flat, o, part, measures, group[measures.subject])
    if "log_sigma" not in u:
        if part.spec.traits.is_count:
            _refuse_rates(part, u["mean"])
        return part.family.simulate(u, rng)
    y = u["mean"] + (_noise(u, measures, group.size, rng) if noise is None else noise)
    if part.family.of_log:
        y = np.maximum(np.exp(y), np.finfo(float).tiny)
    spec = part.spec
    return y if spec.lower is None and spec.upper is None else np.clip(y, spec.lower, spec.upper)


def _noise(u: dict[str, np.ndarray], measures: Measures, n_subjects: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) errors, and effects of each subject's own."""
    sigma = np.exp(u["log_sigma"])
    standard = _autoregressive(u["atanh_rho"], measures, rng) if "atanh_rho" in u else rng.standard_normal(sigma.size)
    out = sigma * standard
    for loading in loadings(u, measures.time):
        out = out + loading * rng.standard_normal(n_subjects)[measures.subject]
    return np.asarray(out)


def _refuse_rates(part: OutcomePart, eta: np.ndarray) -> None:
    if eta.max() > LARGEST_LOG_RATE:
        raise SpecificationError(
            f"simulate: {part.name} has an expected count of exp({eta.max():.3g}), which cannot be drawn.",
            code="no_simulation", argument=part.name, way_out="Look at the fit's warnings: a curve has run away.",
        )


def _predictors(
    layout: Layout, flat: np.ndarray, o: int, part: OutcomePart, measures: Measures, group: np.ndarray
) -> dict[str, np.ndarray]:
    """Predictors (n,) of each observation in its subject's group, in the user's units."""
    u = {}
    for name in part.reported:
        coefficients = layout.coefficients(flat, o, name)[group]
        columns = part.columns(name, measures.time, measures.covariates)
        u[name] = np.einsum("nq,nq->n", columns, coefficients) + layout.offset[o][name][group]
    if part.family.has_scale:
        u["mean"] = part.centre + part.scale * u["mean"]
        u["log_sigma"] = u["log_sigma"] + np.log(part.scale)
    for power, name in enumerate(RANDOM):
        if name in u:
            u[name] = u[name] * part.scale / part.time_scale**power
    if measures.exposure is not None:
        u = part.family.exposed(u, measures.exposure)
    return u


def _autoregressive(atanh_rho: np.ndarray, measures: Measures, rng: np.random.Generator) -> np.ndarray:
    """Errors (n,) of variance 1 with corr(e_t, e_s) = rho^|a_t - a_s| within a subject."""
    import torch

    from ..families.ar1 import power_of_rho

    c = power_of_rho(torch.as_tensor(np.tanh(atanh_rho)), torch.as_tensor(measures.gaps)).numpy()
    out = rng.standard_normal(c.size)
    place = np.arange(c.size) - np.searchsorted(measures.subject, measures.subject)
    order = np.argsort(place, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(place))[:-1])[1:]:
        out[rows] = c[rows] * out[rows - 1] + np.sqrt(1 - c[rows] ** 2) * out[rows]
    return out
