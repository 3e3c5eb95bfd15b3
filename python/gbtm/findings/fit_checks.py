"""Plain-language warnings about a fit: what is wrong, in which group, and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..estimation.collapse import Collapse
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate
from ..families.precision import PRECISION
from ..likelihood.mixture import Mixture
from ..model.blocks import SCALES
from ..model.layout import RATE_ZERO, Layout
from ..model.outcome import OutcomePart
from .agreement_checks import examine_agreement
from .boundary_checks import Leaving, at_boundary, dropout_at_boundary, scales_at_bound
from .constraint_checks import examine_constraints
from .data_checks import OF_MODEL, Finding, examine_data
from .dual_checks import examine_pairs, sets_of_groups
from .event_checks import OF_TIES, examine_event, examine_ties
from .group_curves import EMPTY_SUBJECTS, predictors_at_means
from .membership_checks import examine_membership
from .sample_checks import examine_sample
from .weak_checks import examine_weakness

WEAK_PRIOR = "With prior='weak' estimates are finite and have standard errors."
MENDED = ("separated_group", "zero_inflation_at_bound", "zero_rate", "all_zero_group", "no_random_effect",
          "no_overdispersion", "collapsed_phi", "rho_at_bound", "dropout_at_bound", "collapsed_sigma", "empty_group",
          "empty_pair", "separated_membership")  # findings about what lies on a boundary
ALIKE = 3  # findings of one kind that are told one by one; of more, one sentence
ALIKE_SHOWN = 12  # groups that it names
TWIN_LOG = 0.1  # the same for what is on a log or logit scale
TWIN = 0.02  # largest difference between twin groups' curves, in standard deviations of the outcome


def examine(
    layout: Layout, panel: Panel, estimate: Estimate, cov: Covariance, posterior: np.ndarray | None = None,
    module: Mixture | None = None, leaving: Leaving | None = None,
) -> list[Finding]:
    """All warnings for a fit, the gravest first; those about people need their ``posterior`` (N, K), or of dropout who
    was ``leaving``, and whether the standard errors say what the likelihood says needs the ``module``."""
    findings = _convergence(layout, estimate, cov) + examine_constraints(layout, estimate.flat)
    findings += _collapsed(layout, panel, estimate) + examine_ties(layout, panel, estimate)
    findings += _of_data(layout, panel)
    if layout.spec.is_dual:
        for own in sets_of_groups(layout, panel, estimate.flat, cov, posterior):
            alone = replace(estimate, flat=own.flat)
            findings += [own.told(f) for f in _groups(own.layout, own.panel, alone, own.cov, own.posterior, [])]
        findings += examine_pairs(layout, panel, estimate.flat, cov)
    else:
        findings += _groups(layout, panel, estimate, cov, posterior, findings, leaving)
    findings += _unexplained(layout, estimate.flat, cov, findings)
    if module is not None and estimate.certificate.converged:
        findings += examine_weakness(module, estimate.flat, cov, weighted=panel.subjects.weights is not None,
                                     no_bound=any(f.code == OF_TIES for f in findings))
    # what a prior does not go with
    beside = layout.spec.event is not None or any(o.phi_orders is not None for o in layout.spec.outcomes)
    mends = layout.spec.prior is None and not beside
    return summed_up([_with_remedy(f) for f in findings] if mends else findings)


def _with_remedy(finding: Finding) -> Finding:
    """What a prior mends, with that said last."""
    return replace(finding, message=f"{finding.message} {WEAK_PRIOR}") if finding.code in MENDED else finding


def _of_data(layout: Layout, panel: Panel) -> list[Finding]:
    """What is doubtful about the data: of people on disk, about a sample of them."""
    some = panel.for_starts
    findings = examine_data(layout, some)
    if some.n_subjects == panel.n_subjects:
        return findings
    said = f"(Seen in a sample of {some.n_subjects} people.)"
    return [f if f.code in OF_MODEL else replace(f, message=f"{f.message} {said}") for f in findings]


def _groups(
    layout: Layout, panel: Panel, estimate: Estimate, cov: Covariance, posterior: np.ndarray | None,
    before: list[Finding], leaving: Leaving | None = None,
) -> list[Finding]:
    """What is doubtful about the groups of a set; ``before`` has been told already."""
    findings = _empty(layout, panel, estimate)
    findings += examine_sample(layout, panel, estimate.flat, cov)
    curves = [predictors_at_means(layout, panel, estimate.flat, m) for m in range(len(layout.spec.outcomes))]
    findings += [f for m, u in enumerate(curves) for f in at_boundary(layout, panel, m, u, estimate.flat, cov)]
    findings += scales_at_bound(layout, estimate.flat, cov)
    findings += examine_event(layout, panel, estimate.flat, cov)
    findings += _twins(layout, panel, estimate.flat, curves)
    if posterior is not None and estimate.certificate.converged:
        findings += examine_agreement(layout, panel, estimate.flat, posterior)
    if posterior is not None and panel.departures is not None:
        leaving = Leaving.of(panel.departures, posterior)
    if leaving is not None and estimate.certificate.converged:
        findings += dropout_at_boundary(layout, estimate.flat, cov, leaving)
    told = {n for f in [*before, *findings] for n in f.parameters}
    return findings + examine_membership(layout, panel, estimate.flat, cov, posterior, told)


def summed_up(findings: list[Finding]) -> list[Finding]:
    """Of more than a few findings of one kind the first, with the groups that the others are about."""
    out: list[Finding] = []
    for code in dict.fromkeys(f.code for f in findings):
        alike = [f for f in findings if f.code == code]
        if len(alike) <= ALIKE or any(f.group is None for f in alike):
            out += alike
            continue
        groups = list(dict.fromkeys(f.group for f in alike[1:]))
        names = tuple(dict.fromkeys(n for f in alike for n in f.parameters))
        shown = ", ".join(str(g) for g in groups[:ALIKE_SHOWN])
        more = f" and {len(groups) - ALIKE_SHOWN} more" if len(groups) > ALIKE_SHOWN else ""
        message = f"{alike[0].message} The same is true of {len(groups)} further groups: {shown}{more}."
        out.append(Finding(code, alike[0].group, message, names))
    return out


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


def _collapsed(layout: Layout, panel: Panel, estimate: Estimate) -> list[Finding]:
    best, of_event = estimate.search.optima[0], Collapse(layout, panel).is_steep
    if best.collapsed:
        by_group = any(o.sigma_by_group for o in layout.spec.outcomes)
        return [
            Finding(
                "collapsed_sigma", None,
                "Sigma has collapsed to zero, where the likelihood is unbounded; the estimates are not a maximum. "
                f"Use {'a common sigma, ' if by_group else ''}fewer groups, or check for duplicated values.",
            )
        ]
    rivals = [o for o in estimate.search.optima
              if o.collapsed and o.loglik > estimate.objective and not of_event(o.flat)]
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


def _twins(layout: Layout, panel: Panel, flat: np.ndarray, curves: list[dict[str, np.ndarray]]) -> list[Finding]:
    """Pairs of groups with the same curve; where there are many pairs, the sets of groups that they join."""
    pairs = []
    for a in range(layout.n_groups):
        for b in range(a + 1, layout.n_groups):
            gaps = [_gap(layout.outcomes[m], panel.outcomes[m], u, a, b) for m, u in enumerate(curves)]
            if max(*gaps, _gap_in_effects(layout, flat, a, b)) < TWIN:
                pairs.append((a, b))
    if len(pairs) > ALIKE:
        return [_twin_sets(layout, pairs)]
    return [
        Finding(
            "twin_groups", a + 1,
            f"Groups {a + 1} and {b + 1} have the same curve: the data do not tell them apart. Fit fewer groups.",
            _of_groups(layout, a, b),
        )
        for a, b in pairs
    ]


def _twin_sets(layout: Layout, pairs: list[tuple[int, int]]) -> Finding:
    """One sentence on many pairs of twins."""
    of = list(range(layout.n_groups))  # the first group of each group's set
    for a, b in pairs:
        low, high = sorted((of[a], of[b]))
        of = [low if x == high else x for x in of]
    sets = [[g for g, mine in enumerate(of) if mine == first] for first in dict.fromkeys(of) if of.count(first) > 1]
    phrases = [", ".join(str(g + 1) for g in groups[:-1]) + f" and {groups[-1] + 1}" for groups in sets]
    which = phrases[0] if len(phrases) == 1 else f"{'; '.join(phrases[:-1])}; and {phrases[-1]}"
    several = "" if len(phrases) == 1 else ", set by set"
    grouped = sorted({g for groups in sets for g in groups})
    return Finding(
        "twin_groups", grouped[0] + 1,
        f"Groups {which} have the same curve{several}: the data tell {len(set(of))} of {layout.n_groups} groups apart "
        "at most. Fit fewer groups.",
        _of_groups(layout, *grouped),
    )


def _gap(part: OutcomePart, measures: Measures, u: dict[str, np.ndarray], a: int, b: int) -> float:
    """How far two groups' curves and scale parameters are apart, in the outcome's standard deviations."""
    if (np.stack([u["mean"][a], u["mean"][b]]) <= RATE_ZERO / 2).any():
        return float(np.inf)
    family = part.internal_family
    y = (measures.y - part.centre) / part.scale
    spread = max(*(float(x.std()) for x in ([y] if family.has_mean else family.features(y))), 1e-12)
    shown = family.shown(u)
    gaps = [np.abs(shown[a] - shown[b]).max() / spread]
    gaps += [np.abs(u[s][a] - u[s][b]).max() * TWIN / TWIN_LOG for s in (*SCALES, PRECISION) if s in u]
    if "zero" in u:
        gaps.append(np.abs(np.exp(u["mean"][a]) - np.exp(u["mean"][b])).max() / spread)
    return float(max(gaps))


def _gap_in_effects(layout: Layout, flat: np.ndarray, a: int, b: int) -> float:
    """How far two groups are apart in the effects of time-varying covariates, per sd of these, and in dropout."""
    gaps = [0.0]
    for m, part in enumerate(layout.parts):
        if isinstance(part, OutcomePart) and part.covariates is not None:
            for predictor in part.family.curve_predictors:
                effects = layout.coefficients(flat, m, predictor)[:, part.bases["mean"].width :]
                gaps.append(np.abs(effects[a] - effects[b]).max() * (1.0 if part.scale != 1.0 else TWIN / TWIN_LOG))
        elif not isinstance(part, OutcomePart):
            for predictor in layout.index[m]:
                own = layout.coefficients(flat, m, predictor)
                gaps.append(np.abs(own[a] - own[b]).max() * TWIN / TWIN_LOG)
    return float(max(gaps))


def _of_groups(layout: Layout, *groups: int) -> tuple[str, ...]:
    """Names of these groups' own parameters and of all membership logits."""
    names = [n for b in layout.blocks if b.group in groups for n in layout.names[b.entries]]
    return (*names, *layout.names[layout.theta])


def _unexplained(layout: Layout, flat: np.ndarray, cov: Covariance, findings: list[Finding]) -> list[Finding]:
    """Parameters without a standard error that no other finding accounts for."""
    lost = ~cov.identified(layout.report_jacobian(flat))
    told = {n for f in findings for n in f.parameters}
    left = tuple(n for n, gone in zip(layout.names, lost, strict=True) if gone and n not in told)
    if not left:
        return []
    return [
        Finding(
            "not_identified", None,
            f"The data do not determine {', '.join(left)}: no standard error. Use fewer groups or lower orders.", left,
        )
    ]
