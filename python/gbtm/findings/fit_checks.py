"""Plain-language warnings about a fit: what is wrong, in which group, and what to do about it."""

from __future__ import annotations

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate
from ..families import Family
from ..model.blocks import MEMBERSHIP, SCALES
from ..model.layout import RATE_ZERO, Layout
from ..model.outcome import OutcomePart
from .data_checks import Finding, examine_data

EXTREME = 1e-5  # a probability or rate this close to its bound
EMPTY_SUBJECTS = 0.5
NO_CORRELATION = 0.1  # atanh of a rho at a boundary that is then the one at 0
LISTED = 4  # times that a sentence names one by one; of more it gives the range
TWIN_LOG = 0.1  # the same for what is on a log or logit scale
TWIN = 0.02  # largest difference between twin groups' curves, in standard deviations of the outcome


def examine(layout: Layout, panel: Panel, estimate: Estimate, cov: Covariance) -> list[Finding]:
    """All warnings for a fit, the gravest first."""
    findings = _convergence(layout, estimate, cov)
    findings += _collapsed(layout, estimate)
    findings += examine_data(layout, panel)
    findings += _empty(layout, panel, estimate)
    curves = [_predictors(layout, panel, estimate.flat, m) for m in range(len(layout.spec.outcomes))]
    findings += [f for m, u in enumerate(curves) for f in _at_boundary(layout, panel, m, u, estimate.flat, cov)]
    findings += _scales_at_bound(layout, estimate.flat, cov)
    findings += _twins(layout, panel, estimate.flat, curves)
    findings += _unexplained(layout, estimate.flat, cov, findings)
    return findings


def _predictors(layout: Layout, panel: Panel, flat: np.ndarray, m: int) -> dict[str, np.ndarray]:
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
        u["mean"] = u["mean"] + np.log(exposure.mean())
    return u


def _convergence(layout: Layout, estimate: Estimate, cov: Covariance) -> list[Finding]:
    findings = []
    if not estimate.certificate.converged and not estimate.search.optima[0].collapsed:
        findings.append(
            Finding(
                "not_converged", None,
                f"The fit did not converge (log-likelihood still to be gained: {estimate.certificate.decrement:.2g}). "
                "Do not use these numbers: try fewer groups, lower orders or more starts.",
            )
        )
    if cov.negative:
        findings.append(
            Finding(
                "not_a_maximum", None,
                "The Hessian is not negative definite: this point is not a maximum, and standard errors along "
                "the directions concerned are left out. Try fewer groups or more starts.",
            )
        )
    if estimate.search.out_of_time:
        findings.append(
            Finding(
                "out_of_time", None,
                f"The time budget ended the search after {estimate.search.n_starts} starts; a better optimum may "
                "exist. Raise time_budget.",
            )
        )
    return findings


def _collapsed(layout: Layout, estimate: Estimate) -> list[Finding]:
    best = estimate.search.optima[0]
    if best.collapsed:
        own = any(o.sigma_by_group for o in layout.spec.outcomes)
        return [
            Finding(
                "collapsed_sigma", None,
                "Sigma has collapsed to zero, where the likelihood is unbounded; the estimates are not a maximum. "
                f"Use {'a common sigma, ' if own else ''}fewer groups, or check for duplicated values.",
            )
        ]
    rivals = [o for o in estimate.search.optima if o.collapsed and o.loglik > estimate.loglik]
    if rivals:
        return [
            Finding(
                "collapsed_rival", None,
                f"{len(rivals)} place(s) with a higher log-likelihood were set aside because a group's sigma "
                "collapses there on a handful of observations; they are no better answer.",
            )
        ]
    return []


def _empty(layout: Layout, panel: Panel, estimate: Estimate) -> list[Finding]:
    shares = layout.shares(estimate.flat)
    return [
        Finding(
            "empty_group", g + 1,
            f"Group {g + 1} is empty: its share of {100 * shares[g]:.3g} % is not half a subject. Fit fewer groups.",
            _of_groups(layout, g),
        )
        for g in range(layout.n_groups)
        if shares[g] * panel.n_subjects < EMPTY_SUBJECTS
    ]


def _at_boundary(
    layout: Layout, panel: Panel, m: int, u: dict[str, np.ndarray], flat: np.ndarray, cov: Covariance
) -> list[Finding]:
    """Groups whose coefficients run to infinity: probabilities of 0 or 1, rates of 0."""
    part = layout.outcomes[m]
    times, _ = panel.outcomes[m].distinct_times
    jac = layout.report_jacobian(flat)
    lost = ~cov.identified(jac)
    findings = []
    for b in layout.blocks:
        if b.outcome != m or not lost[b.entries].any() or b.is_scale or b.outcome == MEMBERSHIP:
            continue
        group = b.group if b.group is not None else 0
        eta = u[b.predictor][group]
        names = tuple(n for n, gone in zip(layout.names[b.entries], lost[b.entries], strict=True) if gone)
        where = f"group {b.group + 1}" if b.group is not None else "all groups"
        code, what, remedy = _name_boundary(part.spec.traits, b.predictor, eta, u["mean"][group])
        if not code:
            continue
        at = _where(times[np.abs(eta) > -np.log(EXTREME)], times, panel.outcomes[m].time_name)
        findings.append(
            Finding(
                code, b.group + 1 if b.group is not None else None,
                f"In {where} {what}{at}: {', '.join(names)} "
                f"{'runs' if len(names) == 1 else 'run'} to infinity and {'has' if len(names) == 1 else 'have'} no "
                f"standard error. {remedy}",
                names,
            )
        )
    return findings


def _scales_at_bound(layout: Layout, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Random effects without variance, counts without overdispersion, proportions without spread."""
    told = {
        "r0_sigma": ("no_random_effect", "the sd of the random intercept is zero", "Use rorder -1 for it."),
        "r1_sigma": ("no_random_effect", "the sd of the random slope is zero", "Use a lower rorder for it."),
        "log_psi": ("no_overdispersion", "the dispersion psi is {bound}", "Use family '{without}', or one psi."),
        "log_phi": ("collapsed_phi", "the precision phi is {bound}", "Check for repeated values, or fit fewer groups."),
        "atanh_rho": ("rho_at_bound", "rho is {bound}", "Check for repeated values, or leave ar1 out."),
    }
    lost = ~cov.identified(layout.report_jacobian(flat))
    findings = []
    for b in layout.blocks:
        if b.predictor not in told or not lost[b.start]:
            continue
        code, what, remedy = told[b.predictor]
        name = layout.names[b.start]
        where = f"In group {b.group + 1} " if b.group is not None else "For all groups "
        what = what.format(bound=_bound(b.predictor, float(flat[b.start])))
        remedy = remedy.format(without=layout.spec.outcomes[b.outcome].traits.without_dispersion)
        message = f"{where}{what}: {name} lies on its boundary and has no standard error. {remedy}"
        findings.append(Finding(code, b.group + 1 if b.group is not None else None, message, (name,)))
    return findings


def _bound(predictor: str, value: float) -> str:
    """The boundary that a scale parameter's internal value lies at."""
    if predictor == "atanh_rho":
        none = "zero, as with uneven times it cannot be negative"
        return none if abs(value) < NO_CORRELATION else "1" if value > 0 else "-1"
    return "zero" if value < 0 else "infinite"


def _name_boundary(family: Family, predictor: str, eta: np.ndarray, mean: np.ndarray) -> tuple[str, str, str]:
    far = np.abs(eta) > -np.log(EXTREME)
    if not far.any():
        return "", "", ""
    if predictor == "zero":
        bound = "0" if (eta[far] < 0).all() else "1" if (eta[far] > 0).all() else "0 or 1"
        return (
            "zero_inflation_at_bound", f"the zero-inflation probability is {bound}",
            "The optimum lies on the boundary; a lower iorder, or -1 for this group, says the same with fewer.",
        )
    if family.is_binary:
        bound = "0" if (eta[far] < 0).all() else "1" if (eta[far] > 0).all() else "0 or 1"
        return (
            "separated_group", f"the probability is {bound}",
            "The group is separated; a lower order for it gives the same curve with fewer parameters.",
        )
    if family.is_count and (eta[far] < 0).any():
        if far.all() and family.may_be_never:
            return "all_zero_group", "the rate is zero", "Use order -1 for a group that never happens."
        return "zero_rate", "the rate is zero", "A lower order for this group may do."
    return "", "", ""


def _where(at: np.ndarray, times: np.ndarray, name: str) -> str:
    if at.size == times.size:
        return " at all times"
    if at.size <= LISTED:
        return f" at {name} {', '.join(f'{t:g}' for t in at)}"
    whole = at.size == ((times >= at.min()) & (times <= at.max())).sum()
    if whole:
        return f" at {name} {at.min():g} to {at.max():g} ({at.size} of {times.size} times)"
    return f" at {at.size} of {times.size} times between {name} {at.min():g} and {at.max():g}"


def _twins(layout: Layout, panel: Panel, flat: np.ndarray, curves: list[dict[str, np.ndarray]]) -> list[Finding]:
    """Pairs of groups with the same curve."""
    findings = []
    for a in range(layout.n_groups):
        for b in range(a + 1, layout.n_groups):
            gaps = [_gap(layout.outcomes[m], panel.outcomes[m], u, a, b) for m, u in enumerate(curves)]
            if max(*gaps, _gap_in_effects(layout, flat, a, b)) < TWIN:
                findings.append(
                    Finding(
                        "twin_groups", a + 1,
                        f"Groups {a + 1} and {b + 1} have the same curve: the data do not tell them apart. "
                        "Fit fewer groups.",
                        _of_groups(layout, a, b),
                    )
                )
    return findings


def _gap(part: OutcomePart, measures: Measures, u: dict[str, np.ndarray], a: int, b: int) -> float:
    """How far two groups' curves and scale parameters are apart, in the outcome's standard deviations."""
    if (np.stack([u["mean"][a], u["mean"][b]]) <= RATE_ZERO / 2).any():
        return float(np.inf)
    spread = max(float(((measures.y - part.centre) / part.scale).std()), 1e-12)
    mean = part.internal_family.expected(u)
    gaps = [np.abs(mean[a] - mean[b]).max() / spread]
    gaps += [np.abs(u[s][a] - u[s][b]).max() * TWIN / TWIN_LOG for s in SCALES if s in u]
    if "zero" in u:
        gaps.append(np.abs(np.exp(u["mean"][a]) - np.exp(u["mean"][b])).max() / spread)
    return float(max(gaps))


def _gap_in_effects(layout: Layout, flat: np.ndarray, a: int, b: int) -> float:
    """How far two groups are apart in the effects of time-varying covariates, per sd of these, and in dropout."""
    gaps = [0.0]
    for m, part in enumerate(layout.parts):
        if isinstance(part, OutcomePart) and part.covariates is not None:
            effects = layout.coefficients(flat, m, "mean")[:, part.bases["mean"].width :]
            gaps.append(np.abs(effects[a] - effects[b]).max() * (1.0 if part.scale != 1.0 else TWIN / TWIN_LOG))
        elif not isinstance(part, OutcomePart):
            leaving = layout.coefficients(flat, m, "dropout")
            gaps.append(np.abs(leaving[a] - leaving[b]).max() * TWIN / TWIN_LOG)
    return float(max(gaps))


def _of_groups(layout: Layout, *groups: int) -> tuple[str, ...]:
    """Names of these groups' own parameters and of all membership logits."""
    own = [n for b in layout.blocks if b.group in groups for n in layout.names[b.entries]]
    return (*own, *layout.names[layout.theta])


def _unexplained(layout: Layout, flat: np.ndarray, cov: Covariance, known: list[Finding]) -> list[Finding]:
    """Parameters without a standard error that no other finding accounts for."""
    lost = ~cov.identified(layout.report_jacobian(flat))
    told = {n for f in known for n in f.parameters}
    left = tuple(n for n, gone in zip(layout.names, lost, strict=True) if gone and n not in told)
    if not left:
        return []
    return [
        Finding(
            "not_identified", None,
            f"The data do not determine {', '.join(left)}: no standard error. Use fewer groups or lower orders.", left,
        )
    ]
