"""Whether curves and spreads agree with the people they are said to be of: what the likelihood alone does not tell.

A mean far from all that was seen may cost the likelihood next to nothing: where a zero-inflation probability is common
to all groups, a group of zeros is as likely under a large rate as under a small one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.measures import Measures, ranks
from ..data.panel import Panel
from ..families import FAMILIES
from ..model.layout import Layout
from ..model.outcome import OutcomePart
from .data_checks import Finding

TIMES_MOST = 40  # more distinct times than these are gathered before means are taken
APART = 1.0  # of the outcome's sd, and of the group's own: means this far from the data at several times, or twice
APART_ONCE = 2.0  # as far at one, are no matter of taste; a peak that a low order rounds off is
STANDARD_ERRORS = 5.0  # of the observed mean, which is what people differ by
PEOPLE_LEAST = 1.0  # posterior weight at a time below which nothing was seen of the group there
OVERDISPERSED = 2.0  # variance, in terms of the family's own, that is gross overdispersion
OVERDISPERSED_ERRORS = 5.0
LISTED = 4  # times that a sentence names one by one
ROUNDING = 1e-6


@dataclass(frozen=True)
class Moments:
    """What was seen of each group at each time, on the outcome's scale, and what the fit says of the same people.

    Attributes
    ----------
    times : (T,) distinct times, or means of those gathered
    weight, observed, variance, fitted : (K, T) posterior weight in people, mean and variance of y, mean of E(y)
    pearson, pearson_se : mean over observations of (y - E(y))^2 / Var(y), and its standard error under the family
    """

    times: np.ndarray
    weight: np.ndarray
    observed: np.ndarray
    variance: np.ndarray
    fitted: np.ndarray
    pearson: float
    pearson_se: float


def examine_agreement(layout: Layout, panel: Panel, flat: np.ndarray, posterior: np.ndarray) -> list[Finding]:
    """Curves that leave their data, and counts more spread than their family; ``posterior`` (N, K)."""
    findings = []
    for m, (part, measures) in enumerate(zip(layout.outcomes, panel.outcomes, strict=True)):
        if not part.spec.traits.has_mean:
            continue
        if part.n_random and part.spec.traits.has_bounds and part.side(measures.y).any():
            continue  # a mean over random effects that are censored is an integral of its own
        weights = posterior * panel.subjects.relative_weights[:, None]
        seen = moments(layout, m, part, measures, flat, weights)
        findings += _curves_that_leave(part, measures, seen)
        findings += _overdispersed(part, measures, seen, layout.n_free)
    return findings


def moments(
    layout: Layout, m: int, part: OutcomePart, measures: Measures, flat: np.ndarray, posterior: np.ndarray
) -> Moments:
    """Moments of outcome ``m``, each observation at its own covariates and exposure."""
    first, cell = measures.cells()
    u = predictors_at(layout, m, part, measures, flat, first)
    family = part.internal_family
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean, spread = family.expected(u), family.variance(u)  # (K, C)
    y = (measures.y - part.centre) / part.scale
    bins, time_of = _gathered(measures)
    bin_of = time_of[first]  # (C,): an observation's time is that of its cell
    count, n_groups = bins.size, layout.n_groups
    weight, total, square, fitted = (np.zeros((n_groups, count)) for _ in range(4))
    pearson = noise = n = 0.0
    for k in range(n_groups):
        p, mu, var = posterior[measures.subject, k], mean[k], spread[k]
        w, wy, wy2 = (np.bincount(cell, x, minlength=first.size) for x in (p, p * y, p * y**2))
        weight[k], total[k], square[k] = (np.bincount(bin_of, x, minlength=count) for x in (w, wy, wy2))
        fitted[k] = np.bincount(bin_of, np.where(w > 0, w * mu, 0.0), minlength=count)
        some = (w > 0) & (var > 0) & np.isfinite(var)
        w, mu, var = w[some], mu[some], var[some]
        pearson += float(((wy2[some] - 2 * mu * wy[some] + mu**2 * w) / var).sum())
        noise += float((w * (2 + 1 / var)).sum())
        n += float(w.sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = total / weight
        variance = np.maximum(square / weight - observed**2, 0.0)
        fitted = fitted / weight
    n = max(n, 1.0)
    return Moments(
        bins, weight, part.centre + part.scale * observed, part.scale**2 * variance,
        part.centre + part.scale * fitted, pearson / n, float(np.sqrt(noise)) / n,
    )


def predictors_at(
    layout: Layout, m: int, part: OutcomePart, measures: Measures, flat: np.ndarray, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """Predictors (K, n) of outcome ``m`` at some of the observations, inside, at their covariates and exposure."""
    times = measures.time[rows]
    w = measures.covariates[rows] if measures.covariate_names else measures.covariates
    u = {
        p: layout.coefficients(flat, m, p) @ part.columns(p, times, w).T + layout.offset[m][p][:, None]
        for p in part.family.predictors
    }
    if measures.exposure is not None:
        u = part.family.exposed(u, measures.exposure[rows])
    return u


def _gathered(measures: Measures) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) at which means are taken, and each observation's place among them (n_obs,)."""
    levels, code = measures.distinct_times
    if levels.size <= TIMES_MOST:
        return levels, code
    at = ranks(code * TIMES_MOST // levels.size)[1]
    return np.bincount(at, measures.time) / np.bincount(at), at


def _curves_that_leave(part: OutcomePart, measures: Measures, seen: Moments) -> list[Finding]:
    """Groups whose mean is far from the observed one at some times: in sd of the outcome, and in standard errors."""
    findings = []
    spread = float(measures.y.std())
    if not spread > 0:  # nothing varies that a curve could leave
        return []
    for k in range(seen.weight.shape[0]):
        there = seen.weight[k] >= PEOPLE_LEAST
        if not there.any():
            continue
        variance = np.average(seen.variance[k][there], weights=seen.weight[k][there])
        sd = np.sqrt(np.maximum(variance, np.where(there, seen.variance[k], variance)))
        with np.errstate(invalid="ignore"):
            gap = np.abs(seen.fitted[k] - seen.observed[k])
            far = there & (gap > APART * max(spread, float(np.sqrt(variance))))
            far &= gap * np.sqrt(seen.weight[k]) > STANDARD_ERRORS * sd
        if far.sum() > 1 or (far & (gap > APART_ONCE * max(spread, float(np.sqrt(variance))))).any():
            findings.append(_left(part, measures, seen, k, far, gap))
    return findings


def _left(
    part: OutcomePart, measures: Measures, seen: Moments, k: int, far: np.ndarray, gap: np.ndarray
) -> Finding:
    worst = int(np.argmax(np.where(far, gap, -1.0)))
    name = measures.time_name
    listed = seen.times[far]
    at = f"{name} {', '.join(f'{t:g}' for t in listed)}" if listed.size <= LISTED else (
        f"{listed.size} times between {name} {listed[0]:g} and {listed[-1]:g}")
    people = seen.weight[k][worst]
    observed = seen.observed[k][worst]
    observed = 0.0 if abs(observed) < ROUNDING * float(measures.y.std()) else observed  # others' tiny probabilities
    return Finding(
        "curve_leaves_data", k + 1,
        f"The curve of group {k + 1} leaves its data at {at}: at {seen.times[worst]:.4g} the fitted mean of "
        f"{measures.name} is {seen.fitted[k][worst]:.3g}, the observed mean of the group {observed:.3g} "
        f"({people:.3g} people). No criterion and no number of starts tells of this. {_remedy(part, k)}",
    )


def _remedy(part: OutcomePart, k: int) -> str:
    """What else to fit: a zero part of the group's own, another order, a spline."""
    spec = part.spec
    ways = []
    if spec.traits.has_zero_part and spec.zero_common:
        iorders = ", ".join("1" for _ in spec.orders or (0, 0))
        ways.append(f"give each group its own zero part (iorder with one value a group, such as {iorders})")
    elif spec.traits.has_zero_part:
        ways.append("give the group another iorder")
    order = None if spec.orders is None else spec.orders[k]
    ways.append("take other columns of time" if order is None else f"try another order for it than {order}")
    if order is not None:
        ways.append("or a spline of time, such as bs(time, df = 4)")
    sentence = ", ".join(ways)
    return f"{sentence[:1].upper()}{sentence[1:]}, and do not read the curve there."


def _overdispersed(part: OutcomePart, measures: Measures, seen: Moments, n_parameters: int) -> list[Finding]:
    family = part.spec.traits
    better = next((name for name, f in FAMILIES.items() if f.without_dispersion == family.name), None)
    if better is None or measures.nobs <= n_parameters:
        return []
    ratio = seen.pearson * measures.nobs / (measures.nobs - n_parameters)
    if ratio < OVERDISPERSED or (ratio - 1) < OVERDISPERSED_ERRORS * seen.pearson_se:
        return []
    return [
        Finding(
            "overdispersed", None,
            f"{measures.name} varies {ratio:.2g} times as much within the groups as family '{family.name}' lets it: "
            "standard errors are too small, and groups stand in for the spread. Use family "
            f"'{better}', and compare the number of groups anew.",
        )
    ]
