"""Outcomes to come given those seen, in a group whose errors are correlated or which has random effects.

Both are jointly normal there: the mean is mu_2 + C' V^-1 (y_1 - mu_1), and the variance V_22 - C' V^-1 C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SpecificationError
from ..families.random_normal import loadings
from .next_rows import NextRows

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..fit.fit import Fit


def given_seen(
    res: Fit, panel: Panel, m: int, rows: NextRows, person: np.ndarray, u: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Predictors (K, F) given what was seen of the person, where errors are correlated or effects random."""
    if not loadings(u, rows.time) and "atanh_rho" not in u:
        return u
    curves, measures, outcome = res.curves, panel.outcomes[m], res.outcome
    low, high = outcome.bounds
    if (measures.y <= low).any() or (measures.y >= high).any():
        raise SpecificationError(
            f"people: outcomes of {outcome.name} lie at a bound, and its errors are correlated: given these the next "
            "one has no distribution in closed form.", code="no_forecast", argument="people",
            way_out="Fit without ar1 or rorder.",
        )
    past = curves.predictors(
        measures.time, measures.covariates if measures.covariate_names else None, measures.exposure)
    mean, log_sigma = u["mean"].copy(), np.broadcast_to(u["log_sigma"], u["mean"].shape).copy()

    def covariance(k: int, a: tuple[Any, ...], b: tuple[Any, ...]) -> np.ndarray:
        """Of observations a and b, (predictors, times) each, of a person in group k; errors without their diagonal."""
        (ua, ta), (ub, tb) = a, b
        out = np.zeros((ta.size, tb.size))
        for of_a, of_b in zip(loadings(ua, ta / curves.time_scale), loadings(ub, tb / curves.time_scale), strict=True):
            out += np.outer(of_a[k] * curves.scale, of_b[k] * curves.scale)
        if "atanh_rho" in ua:
            rho = np.tanh(ua["atanh_rho"][k].ravel()[0])
            sigma = np.outer(np.exp(ua["log_sigma"][k]), np.exp(ub["log_sigma"][k]))
            gap = np.abs(ta[:, None] - tb[None])
            with np.errstate(divide="ignore", invalid="ignore"):
                out += sigma * np.sign(rho) ** gap * np.abs(rho) ** gap if rho else sigma * (gap == 0)
        else:
            out += np.exp(2 * ua["log_sigma"][k][:, None]) * (np.eye(ta.size) if a is b else 0.0)  # to come, or seen
        return out

    for i in np.unique(person):
        here, seen = np.flatnonzero(person == i), np.flatnonzero(measures.subject == i)
        for k in range(mean.shape[0]):
            now = ({n: v[:, here] for n, v in _whole(u).items()}, rows.time[here])
            before = ({n: v[:, seen] for n, v in _whole(past).items()}, measures.time[seen])
            across, own = covariance(k, now, before), np.diag(covariance(k, now, now))
            gain = np.linalg.solve(covariance(k, before, before), across.T).T if seen.size else across
            mean[k, here] += gain @ (measures.y[seen] - before[0]["mean"][k])
            log_sigma[k, here] = 0.5 * np.log(own - (gain * across).sum(axis=1))
    return {"mean": mean, "log_sigma": log_sigma}


def _whole(u: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: np.broadcast_to(v, u["mean"].shape) for n, v in u.items()}
