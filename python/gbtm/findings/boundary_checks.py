"""Parameters on the boundary of what they can be: probabilities of 0 or 1, rates of 0, spreads of nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..estimation.covariance import Covariance
from ..families import Family
from ..families.precision import PRECISION
from ..families.random_normal import CORRELATIONS, EFFECTS, RANDOM
from ..model.blocks import Block
from ..model.layout import Layout
from ..model.random_effects import effects_at_bound
from .agreement_checks import predictors_at
from .data_checks import Finding

EXTREME = 1e-5  # a probability or rate this close to its bound
OF_EFFECTS = tuple(CORRELATIONS.values())
NO_CORRELATION = 0.1  # atanh of a rho at a boundary that is then the one at 0
LISTED = 4  # times that a sentence names one by one; of more it gives the range
NOBODY = 0.5  # people, fewer than which are none


def at_boundary(
    layout: Layout, panel: Panel, m: int, u: dict[str, np.ndarray], flat: np.ndarray, cov: Covariance
) -> list[Finding]:
    """Groups whose coefficients run to infinity: probabilities of 0 or 1, rates of 0."""
    part = layout.outcomes[m]
    times, _ = panel.outcomes[m].distinct_times
    jac = layout.report_jacobian(flat)
    lost = ~cov.identified(jac)
    findings = []
    for b in layout.blocks:
        if b.outcome != m or not lost[b.entries].any() or b.is_scale or b.predictor == PRECISION:
            continue
        if b.predictor == "mean" and b.group is None:  # effects common to all groups are at no group's boundary
            continue
        group = b.group if b.group is not None else 0
        eta = u[b.predictor][group]
        names = tuple(n for n, gone in zip(layout.names[b.entries], lost[b.entries], strict=True) if gone)
        where = f"group {b.group + 1}" if b.group is not None else "all groups"
        at_means = part.covariates is None or b.predictor == "zero"
        if not at_means:  # what is far at the covariates' means need not be at their values
            eta, at = _at_covariates(layout, m, panel, flat, group, b.predictor)
        order = len(b.columns) - 1 - (0 if at_means else len(part.own_columns))
        polynomial = part.orders(b.predictor) is not None
        code, what, remedy = name_boundary(
            part.spec.traits, b.predictor, eta, u["mean"][group], order=order if polynomial else None,
            alone=at_means, common=b.group is None,
        )
        if not code:
            continue
        if at_means:
            at = where_at(times[np.abs(eta) > -np.log(EXTREME)], times, panel.outcomes[m].time_name)
        findings.append(
            Finding(
                code, b.group + 1 if b.group is not None else None,
                f"In {where} {what}{at}: {', '.join(names)} "
                f"{'runs' if len(names) == 1 else 'run'} to infinity and {'has' if len(names) == 1 else 'have'} no "
                f"standard error. {remedy}",
                (*names, *_curve_of_zeros(layout, b, eta, lost)),
            )
        )
    return findings


def _curve_of_zeros(layout: Layout, zero: Block, eta: np.ndarray, lost: np.ndarray) -> list[str]:
    """Names without a standard error in the curve of a hurdle's group that has zeros only, by its zero part ``eta``."""
    family = layout.spec.outcomes[zero.outcome].traits
    if not family.is_hurdle or zero.predictor != "zero" or zero.group is None or (eta < -np.log(EXTREME)).any():
        return []
    own = (b for b in layout.blocks if (b.outcome, b.predictor, b.group) == (zero.outcome, "mean", zero.group))
    return [n for b in own for n, gone in zip(layout.names[b.entries], lost[b.entries], strict=True) if gone]


def scales_at_bound(layout: Layout, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Random effects without variance, counts without overdispersion, proportions without spread."""
    told = {
        **{name: ("no_random_effect", f"the sd of the random {effect} is zero",
                  f"Use {'a lower rorder' if power else 'rorder -1'} for it.")
           for power, (name, effect) in enumerate(zip(RANDOM, EFFECTS, strict=True))},
        "log_psi": ("no_overdispersion", "the dispersion psi is {bound}", "Use family '{without}', or one psi."),
        "log_phi": ("collapsed_phi", "the precision phi is {bound}", "Check for repeated values, or fit fewer groups."),
        "tau": ("tau_at_bound", "tau is {bound}", "Use family 'zip', or 'poisson'."),
        **{name: ("effects_in_line", f"the correlation of the random effects {'given the intercept ' * (a > 0)}is "
                  "{bound}", "Use independent effects, or a lower rorder for it.")
           for (a, _), name in CORRELATIONS.items()},
        "atanh_rho": ("rho_at_bound", "rho is {bound}", "Check for repeated values, or leave ar1 out."),
    }
    lost, none = ~cov.identified(layout.report_jacobian(flat)), effects_at_bound(layout, flat)
    given = {int(i) for r in layout.correlation_sets for i, (a, _) in zip(r.places, r.pairs, strict=True) if a > 0}
    inside = ~cov.identified(np.eye(layout.size)) if given else lost
    findings = []
    for b in layout.blocks:
        if b.predictor not in told or not (inside if b.start in given else lost)[b.start]:
            continue
        if b.predictor in OF_EFFECTS and b.start in none:
            continue  # it is told of the effect itself
        code, what, remedy = told[b.predictor]
        name = layout.names[b.start]
        where = f"In group {b.group + 1} " if b.group is not None else "For all groups "
        what = what.format(bound=bound_of(b.predictor, float(flat[b.start])))
        remedy = remedy.format(without=layout.spec.outcomes[b.outcome].traits.without_dispersion)
        on_it = "lies on its boundary" + (
            ", where the other correlations put it." if b.start in given else " and has no standard error.")
        message = f"{where}{what}: {name} {on_it} {remedy}"
        findings.append(Finding(code, b.group + 1 if b.group is not None else None, message, (name,)))
    return findings


def bound_of(predictor: str, value: float) -> str:
    """The boundary that a scale parameter's internal value lies at."""
    if predictor == "atanh_rho":
        none = "zero, as with uneven times it cannot be negative"
        return none if abs(value) < NO_CORRELATION else "1" if value > 0 else "-1"
    if predictor == "tau":
        return "minus infinity" if value < 0 else "infinite"
    if predictor in OF_EFFECTS:
        return "1" if value > 0 else "-1"
    return "zero" if value < 0 else "infinite"


def name_boundary(
    family: Family, predictor: str, eta: np.ndarray, mean: np.ndarray, *, order: int | None = None,
    alone: bool = True, common: bool = False,
) -> tuple[str, str, str]:
    """Code, what is the matter and the remedy, of linear predictors ``eta``; empty where nothing is.

    ``order`` is that of the polynomial, None for a basis; ``alone`` where time is all that it depends on; ``common``
    where all groups share it.
    """
    far = np.abs(eta) > -np.log(EXTREME)
    if not far.any():
        return "", "", ""
    bound = "0" if (eta[far] < 0).all() else "1" if (eta[far] > 0).all() else "0 or 1"
    constant = bool(far.all()) and bound != "0 or 1"
    if predictor == "zero":
        what = "probability of a zero" if family.is_hurdle else "zero-inflation probability"
        remedy = (_remedy_of_hurdle if family.is_hurdle else _remedy_of_zeros)(family, bound, constant, common)
        return "zero_inflation_at_bound", f"the {what} is {bound}", remedy
    if not family.has_mean:
        odds = {"0": "0", "1": "infinite"}.get(bound, "0 or infinite")
        return ("separated_group", f"the odds of a category against the first are {odds}",
                _remedy_of_separation(constant, order, alone))
    if family.has_levels:  # eta is far below the first cut point, or far above it
        lowest = {"0": "1", "1": "0"}.get(bound, bound)
        return ("separated_group", f"the probability of the lowest level is {lowest}",
                _remedy_of_separation(constant, order, alone))
    if family.is_binary or family.takes_trials:
        return "separated_group", f"the probability is {bound}", _remedy_of_separation(constant, order, alone)
    if family.is_hurdle and (eta[far] < 0).any():
        remedy = "there is nothing to leave out" if order == 0 else "a lower order may fit with finite coefficients"
        return "zero_rate", "what is above 0 is 1 throughout", f"Means are right there; {remedy}."
    if family.is_count and (eta[far] < 0).any():
        if far.all() and family.may_be_never:
            return "all_zero_group", "the rate is zero", "Use order -1 for a group that never happens."
        return "zero_rate", "the rate is zero", (
            "Means are right there; another order for this group, or a zero part, may fit with finite coefficients."
        )
    return "", "", ""


def _remedy_of_zeros(family: Family, bound: str, constant: bool, common: bool) -> str:
    if constant and bound == "0":
        if common:
            return f"The optimum lies on the boundary; family '{family.without_zeros}' says the same with fewer."
        return "The optimum lies on the boundary; iorder -1 for this group says the same with fewer."
    if constant and bound == "1":
        return "The group has zeros only: order -1 for it says the same with fewer."
    return "The optimum lies on the boundary; the curve stands, and a lower iorder may fit with finite coefficients."


def _remedy_of_hurdle(family: Family, bound: str, constant: bool, common: bool) -> str:
    """Of zeros that are all of one kind."""
    if constant and bound == "0":
        return "There are no zeros." if common else "iorder -1 for this group, no zeros, says the same with fewer."
    if constant and bound == "1":
        return (
            "The group has zeros only, so that nothing tells what counts above 0 would be like: its share and its mean "
            "of 0 stand, the coefficients of its curve say nothing."
        )
    return "The optimum lies on the boundary; the curve stands, and a lower iorder may fit with finite coefficients."


def _remedy_of_separation(constant: bool, order: int | None, alone: bool) -> str:
    """A constant probability is what order 0 says too; from one that steps, a lower order may take something away."""
    if constant and alone and order != 0:
        lower = "a lower order" if order is not None else "a polynomial of order 0"
        return f"The group is separated; {lower} for it gives the same curve with fewer parameters."
    if constant and alone:
        return (
            "The group is separated: all its values are the same. Its curve and share stand; there is nothing to leave "
            "out."
        )
    fewer = "Fewer covariates" if order == 0 else "A lower order" if alone else "A lower order or fewer covariates"
    return (
        "The group is separated there: its probabilities stand, its coefficients cannot be interpreted. "
        f"{fewer} may fit with finite ones, and {'give' if order == 0 else 'gives'} another curve."
    )


def _at_covariates(
    layout: Layout, m: int, panel: Panel, flat: np.ndarray, group: int, predictor: str
) -> tuple[np.ndarray, str]:
    """Linear predictors (C,) of a curve at the covariates that occurred, and in words where they are far."""
    part, measures = layout.outcomes[m], panel.outcomes[m]
    first = measures.cells(by_exposure=False)[0]
    eta = predictors_at(layout, m, part, measures, flat, first)[predictor][group]
    far = np.abs(eta) > -np.log(EXTREME)
    time, times = measures.time[first], measures.distinct_times[0]
    if far.all():
        return eta, " at all times, whatever the covariates"
    for column, name in zip(measures.covariates[first].T, measures.covariate_names, strict=True):
        values = np.unique(column)
        here = [v for v in values if far[column == v].all()] if values.size <= LISTED else []
        if here and not far[~np.isin(column, here)].any():
            return eta, f" where {name} = {' or '.join(f'{v:g}' for v in here)}, at all times"
    far_times = np.array([far[time == t].all() for t in times]) if times.size <= first.size // 2 else np.zeros(0, bool)
    if far_times.any() and not far[~np.isin(time, times[far_times])].any():
        return eta, where_at(times[far_times], times, measures.time_name) + ", whatever the covariates"
    names = ", ".join(measures.covariate_names)
    return eta, f" at {int(far.sum())} of {far.size} combinations of {measures.time_name} and {names}"


@dataclass(frozen=True, eq=False)
class Leaving:
    """Of dropout: how many person-waves were at risk and how many left then, and of each group (K,) these in
    probability: who left, who stayed."""

    n_records: int
    n_dropped: int
    left: np.ndarray
    stayed: np.ndarray

    @classmethod
    def of(cls, records: Measures, posterior: np.ndarray) -> Leaving:
        """By the records of who was at risk, and everybody's probabilities (N, K)."""
        p = posterior[records.subject]
        return cls(records.nobs, int(records.y.sum()), records.y @ p, (1 - records.y) @ p)

    @classmethod
    def total(cls, parts: Sequence[Leaving]) -> Leaving | None:
        """That of all parts, in their order."""
        if not parts:
            return None
        return cls(
            sum(p.n_records for p in parts), sum(p.n_dropped for p in parts),
            np.sum([p.left for p in parts], axis=0), np.sum([p.stayed for p in parts], axis=0))


def dropout_at_boundary(layout: Layout, flat: np.ndarray, cov: Covariance, leaving: Leaving) -> list[Finding]:
    """Groups of which nobody leaves, or all at the first chance."""
    if layout.spec.dropout is None:
        return []
    lost = ~cov.identified(layout.report_jacobian(flat))
    findings = []
    for b in layout.blocks:
        if b.predictor != "dropout" or b.group is None or not lost[b.entries].any():
            continue
        left, stayed = float(leaving.left[b.group]), float(leaving.stayed[b.group])
        if min(left, stayed) >= NOBODY:
            continue
        names = tuple(n for n, gone in zip(layout.names[b.entries], lost[b.entries], strict=True) if gone)
        who = "nobody drops out" if left < NOBODY else "all drop out as soon as they can"
        remedy = "Use dropout -1 for it, which says the same with fewer." if left < NOBODY else (
            "Use a lower dropout order for it.")
        findings.append(
            Finding(
                "dropout_at_bound", b.group + 1,
                f"In group {b.group + 1} {who}: {', '.join(names)} {'runs' if len(names) == 1 else 'run'} to infinity "
                f"and {'has' if len(names) == 1 else 'have'} no standard error. {remedy}",
                names,
            )
        )
    return findings


def where_at(at: np.ndarray, times: np.ndarray, name: str) -> str:
    if at.size == times.size:
        return " at all times"
    if at.size <= LISTED:
        return f" at {name} {', '.join(f'{t:g}' for t in at)}"
    without_gaps = at.size == ((times >= at.min()) & (times <= at.max())).sum()
    if without_gaps:
        return f" at {name} {at.min():g} to {at.max():g} ({at.size} of {times.size} times)"
    return f" at {at.size} of {times.size} times between {name} {at.min():g} and {at.max():g}"
