"""Sentences on what was asked: kind of model, groups, family, orders, parts, bounds, data. Each gives its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...families import having
from .differences import Differences
from .families import family_label, same_but_zeros
from .log_text import options_of
from .side import Side
from .words import ORDER_NAMES, PROGRAMS, listed, number, plural, short, some

if TYPE_CHECKING:
    from ...fit.fit import Fit

KINDS = {"multi": "has several outcomes", "joint": "is a dual (joint) model", "outcome": "has a distal outcome"}
PARTS = {
    "zero": "zero inflation (iorder)", "sigma": "sigma", "phi": "a precision or dispersion",
    "rho": "AR(1) errors (ar1)", "random": "random effects (rorder)", "drop": "a dropout model (dropout)",
    "theta": "membership covariates (risk)", "drop_covariate": "dropout covariates (dcov)",
    "covariate": "time-varying covariates (tcov)",
}
# parts that leave no row in the table: option -> name
OPTIONS = {
    "weight": "sampling weights", "expos": "exposure", "obsmar": "obsmar", "outofsample": "out-of-sample subjects",
}
# what makes two likelihoods those of different models
APART = {"groups", "family", "orders", "risk", "bounds", "not_single", *PARTS, *OPTIONS}


@dataclass(frozen=True)
class Sentence:
    """One finding: a stable name and the words."""

    code: str
    text: str


def model_sentences(d: Differences, res: Fit) -> list[Sentence]:
    """Everything in which the two models or their data are not the same."""
    sentences: list[Sentence] = []
    if d.printed.kind != "single":
        sentences.append(Sentence(
            "not_single", f"The printed model {KINDS[d.printed.kind]}; this fit is of one outcome alone. Only the "
            "first outcome's curves and the groups stand side by side, and likelihoods are not to be compared.",
        ))
    sentences += _groups(d) + _family(d) + _orders(d) + _sigma(d) + _zero(d) + _parts(d)
    if not d.same_optimum:  # what leaves no row in the table is told by the command alone, and numbers overrule it
        sentences += _options(d, res) + _bounds(d, res)
    return sentences + _data(d, res) + _labels(d) + _reference(d)


def _groups(d: Differences) -> list[Sentence]:
    ours, theirs = d.ours.n_groups, d.theirs.n_groups
    if ours == theirs:
        return []
    text = (f"The printout has {plural(theirs, 'group')}, this fit {ours}. The groups with the closest curves stand "
            "side by side.")
    sizes = dict(d.ours.bic)
    shared = [(n, sizes[n], value) for n, value in d.theirs.bic if n in sizes]
    if shared and d.printed.kind == "single":
        n, here, there = shared[-1]
        text += (f" By BIC (traj's scale, larger is better, n = {n}) {'this fit' if here > there else 'the printout'} "
                 f"does better: {number(here)} here, {number(there)} there.")
    return [Sentence("groups", text)]


def _family(d: Differences) -> list[Sentence]:
    ours, theirs = d.ours.family, d.theirs.family
    if not theirs:
        return [Sentence("family", f"The printed model, '{d.printed.model}', is not known to this package.")]
    if same_but_zeros(ours, theirs):
        return []
    return [Sentence(
        "family", f"The printed model is {family_label(theirs)}, this fit is {family_label(ours)}: their parameters do "
        "not mean the same.",
    )]


def _orders(d: Differences) -> list[Sentence]:
    if d.ours.polynomial != d.theirs.polynomial:
        which = "here, not in the printout" if d.ours.polynomial else "in the printout, not here"
        return [Sentence("orders", f"The curves are polynomials of time {which}.")]
    told = []
    for g, h in sorted(d.pairs.items()):
        ours, theirs = d.ours.orders[g - 1], d.theirs.orders[h - 1]
        if ours != theirs:
            called = "" if g == h else f" (our group {g})"
            told.append(f"group {h} is {ORDER_NAMES[theirs]} in the printout and {ORDER_NAMES[ours]} here{called}")
    return [Sentence("orders", f"The orders differ: {listed(told)}.")] if told else []


def _sigma(d: Differences) -> list[Sentence]:
    ours, theirs = d.ours.of_kind("sigma"), d.theirs.of_kind("sigma")
    if not ours or not theirs or (ours[0].group is None) == (theirs[0].group is None):
        return []
    if theirs[0].group is None:
        text = "sigma is common to all groups in the printout and one per group here."
    else:
        text = "sigma is one per group in the printout (sigmabygroup) and common to all here."
    if d.same_data and d.gain is not None and d.ours.orders == d.theirs.orders and d.printed.kind == "single":
        more = plural(abs(d.ours.n_parameters - d.theirs.n_parameters), "more parameter")
        text += f" That makes {number(abs(d.gain))} in log-likelihood for {more}."
    return [Sentence("sigma", f"{text} Fit both alike (sigma_by_group) to compare.")]


def _zero(d: Differences) -> list[Sentence]:
    """The zero part's form, where both sides have one."""
    forms = [_zero_form(s) for s in (d.theirs, d.ours)]
    if not all(forms) or forms[0] == forms[1]:
        return []
    return [Sentence("zero", f"Zero inflation is {forms[0]} in the printout, and {forms[1]} here.")]


def _zero_form(side: Side) -> str:
    rows = side.of_kind("zero")
    orders = sorted(max(r.power for r in rows if r.group == g) for g in {r.group for r in rows})
    how = "common to all groups" if rows and rows[0].group is None else "by group"
    return f"{how}, of order {listed(orders)}" if rows else ""


def _parts(d: Differences) -> list[Sentence]:
    sentences = []
    for kind, name in PARTS.items():
        ours, theirs = d.ours.of_kind(kind), d.theirs.of_kind(kind)
        if bool(ours) == bool(theirs) or (kind in ("sigma", "phi") and d.ours.family != d.theirs.family):
            continue
        words = some(list(dict.fromkeys(r.parameter for r in (ours or theirs))))
        if theirs:
            text = f"The printed model has {name}: {words}. This fit has not."
        else:
            text = f"This fit has {name}: {words}. The printed model has not."
        sentences.append(Sentence("risk" if kind == "theta" else kind, text))
    return sentences


def _options(d: Differences, res: Fit) -> list[Sentence]:
    """Parts that leave no row in the table, told from the echoed command."""
    sentences = []
    for option, name in OPTIONS.items() if d.printed.options else ():
        there = next((f"{o}({v})" for o, v in d.printed.options.items() if o.startswith(option)), "")
        if there and not uses(res, option):
            sentences.append(Sentence(option, f"The command above the table has {there}; this fit has no {name}."))
        elif not there and uses(res, option):
            sentences.append(Sentence(option, f"This fit has {name}; the command above the table has none."))
    return sentences


def uses(res: Fit, option: str) -> bool:
    """The fit has this part of ``OPTIONS``: by its command text, or by what it was made of."""
    formula = (res.formula or "").lstrip()
    if formula.startswith("traj") and any(o.startswith(option) for o in options_of(formula)):
        return True
    design = (res.inputs or {}).get("design") or {}
    return {
        "weight": res.weights is not None, "expos": res.outcome.data.exposure is not None,
        "obsmar": bool(design.get("obsmar")), "outofsample": len(res.out_of_sample) > 0,
    }[option]


def printed_bounds(d: Differences) -> tuple[float, float] | None:
    """Censoring bounds of the echoed command, or None where there is none. A min that is not given is 0 there."""
    options = d.printed.options
    if d.theirs.family not in having("has_bounds") or not options:
        return None
    try:
        return float(options.get("min", "0")), float(options.get("max", "inf"))
    except ValueError:
        return None


def n_censored(res: Fit, bounds: tuple[float, float]) -> int:
    """Observations at or beyond these bounds."""
    y = res.outcome.data.y
    return int(((y <= bounds[0]) | (y >= bounds[1])).sum())


def _bounds(d: Differences, res: Fit) -> list[Sentence]:
    bounds = printed_bounds(d)
    if bounds is None or d.ours.family not in having("has_bounds"):
        return []
    there, here = n_censored(res, bounds), n_censored(res, res.outcome.bounds)
    if there == here:
        return []
    shown = " and ".join(f"{w} {short(b)}" for w, b in zip(("min", "max"), bounds, strict=True) if np.isfinite(b))
    default = " (traj's min is 0 where none is given)" if "min" not in d.printed.options else ""
    return [Sentence(
        "bounds", f"The bounds of the command above the table, {shown}{default}, censor {there} of this fit's "
        f"{d.ours.nobs} observations; this fit censors {here}. Give it the same bounds to compare.",
    )]


def _data(d: Differences, res: Fit) -> list[Sentence]:
    sizes = ((d.ours.n_subjects, d.theirs.n_subjects, "subject"), (d.ours.nobs, d.theirs.nobs, "observation"))
    told = [f"{plural(theirs, noun)} there, {ours} here" for ours, theirs, noun in sizes
            if theirs is not None and ours != theirs]
    if not told:
        return []
    text = f"The data are not the same: {'; '.join(told)}. Log-likelihoods of different data cannot be compared."
    if d.printed.subjects_excluded:
        text += (f" {PROGRAMS[d.printed.source]} left out {plural(d.printed.subjects_excluded, 'subject')} for missing "
                 "outcomes or risk variables, or by an if condition.")
    sentence = res.dropped.sentence()
    return [Sentence("data", text + (f" This fit: {sentence}" if sentence else ""))]


def _labels(d: Differences) -> list[Sentence]:
    if all(g == h for g, h in d.pairs.items()):
        return []
    there = listed(d.pairs[g] for g in sorted(d.pairs))
    return [Sentence(
        "labels", f"Groups are numbered differently: groups {listed(sorted(d.pairs))} here are {there} in the printout."
        " The numbers mean nothing; this package sorts groups of one specification by their mean.",
    )]


def _reference(d: Differences) -> list[Sentence]:
    ours, theirs = (next((r.group for r in s.of_kind("theta") if r.parameter.lower() == "baseline"), None)
                   for s in (d.ours, d.theirs))
    if ours is None or theirs is None or d.pairs.get(ours) == theirs:
        return []
    return [Sentence(
        "reference", f"The membership coefficients of the printout are against its group {theirs}, ours against our "
        f"group {ours}; ours are shown against theirs.",
    )]
