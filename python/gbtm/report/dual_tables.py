"""The tables of a report on a dual model: both sets of groups, how they hang together, and whether they do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from ..fit.outcome_view import prefix_of
from ..recipes.recipe import is_dual
from ..tables.table import Table, table_of

if TYPE_CHECKING:
    from ..api.dual_results import DualResults
    from ..api.results import GBTMResults

TRANSITIONS = {"transitions": "conditional", "reverse": "reverse", "joint": "joint", "margins": "margins"}
TABLES = (*TRANSITIONS, "independence", "association", "two_step")
MEASURES = {"lift": "Lift", "odds ratio": "Odds ratio", "cramers_v": "Cramer's V", "kappa": "Kappa"}
RATIOS = dict.fromkeys(("estimate", "std err", "lower", "upper"), "ratio")
SHARES = dict.fromkeys(("estimate", "std err", "lower", "upper", "separate", "separate std err"), "percent")
UNKNOWN = "the data do not determine it, as where a pair of groups holds nobody."


def of_sets(res: GBTMResults) -> list[tuple[str, GBTMResults]]:
    """Each set of groups as a fit of its own, with the words before what is said of it; of one set the fit itself."""
    return [(f"{name}: ", res.of_outcome(name)) for name in res.outcome_names] if is_dual(res) else [("", res)]


def dual_table(res: GBTMResults, what: str, level: float = 0.95) -> Table:
    """One of ``TABLES``, by name."""
    fit = cast("DualResults", res)
    if what == "independence":
        return _independence(fit)
    if what == "association":
        return _association(fit, level)
    return _two_step(fit) if what == "two_step" else _transitions(fit, what, level)


def _names(fit: DualResults) -> dict[str, str]:
    first, second = fit.outcome_names
    return {"group1": f"Group of {first}", "group2": f"Group of {second}"}


def _limits(level: float) -> dict[str, str]:
    return {edge: f"{100 * level:g} % CI {edge} (%)" for edge in ("lower", "upper")}


def _transitions(fit: DualResults, what: str, level: float) -> Table:
    first, second = fit.outcome_names
    captions = {
        "transitions": f"Probabilities of the groups of {second} given those of {first}",
        "reverse": f"Probabilities of the groups of {first} given those of {second}",
        "joint": f"Joint probabilities of the groups of {first} and {second}",
        "margins": f"Shares of the groups of {first} and of {second}",
    }
    covariates = bool(fit.group_sets[0].membership.covariate_names or fit.pairs.basis.names)
    notes = ["Standard errors by the delta method; intervals are cut at 0 and 100 %."]
    notes += ["With membership covariates: means over the subjects."] if covariates else []
    return table_of(
        fit.transitions(TRANSITIONS[what], level=level), caption=captions[what], notes=notes, kinds=SHARES, gap=UNKNOWN,
        headings={**_names(fit), **_limits(level), "outcome": "Outcome", "estimate": "Probability (%)",
                  "std err": "SE (points)"},
    )


def _independence(fit: DualResults) -> Table:
    test = fit.independence()
    headings = {"": "Test", "statistic": "Statistic", "df": "df", "p-value": "p"}
    return table_of(
        test.table, caption="Independence of the groups of {} and {}".format(*fit.outcome_names),
        notes=["LR: against the sum of the fits of each outcome by itself. " * ("LR" in test.table.index)
               + test.sentence], gap=UNKNOWN, headings=headings, kinds={"p-value": "p", "statistic": "estimate"},
    )


def _association(fit: DualResults, level: float) -> Table:
    frame = fit.association(level=level).reset_index()
    frame["measure"] = frame["measure"].map(lambda name: MEASURES.get(name, name))
    frame[["group1", "group2"]] = frame[["group1", "group2"]].astype(str).replace({"nan": " ", "": " "})
    return table_of(
        frame, index=False, caption="How strongly the groups of {} and {} hang together".format(*fit.outcome_names),
        notes=["Lift: the probability of the pair over that of independent groups. Odds ratio: against group 1 of "
               "both."], gap=UNKNOWN, kinds=RATIOS,
        headings={**_names(fit), "measure": "Measure", "estimate": "Estimate", "std err": "SE",
                  "lower": f"{100 * level:g} % CI lower", "upper": f"{100 * level:g} % CI upper"},
    )


def _two_step(fit: DualResults) -> Table:
    frame = fit.two_step("conditional").drop(columns="difference")
    return table_of(
        frame, caption="Groups of {1} given those of {0}, and at the curves of the separate fits".format(
            *fit.outcome_names), kinds=SHARES, gap=UNKNOWN,
        notes=["Separate: at the curves of the fits of each outcome by itself, taken as known by its standard error. "
               "Joint: all estimated together."],
        headings={**_names(fit), "separate": "Separate (%)", "separate std err": "SE, curves known (points)",
                  "estimate": "Joint (%)", "std err": "SE (points)"},
    )


def groups_of_both(res: GBTMResults) -> Table:
    """Sizes of the groups of each outcome and how well they are told apart."""
    frames = {name.removesuffix(": "): one.adequacy for name, one in of_sets(res)}
    frame = pd.concat({n: f.drop(columns="mismatch_se", errors="ignore") for n, f in frames.items()}, names=["outcome"])
    notes = [f"{name}: {note}" for name, f in frames.items() for note in f.attrs.get("notes", ())]
    return table_of(
        frame, caption="Group sizes and adequacy of the classification, outcome by outcome", notes=notes,
        headings={"outcome": "Outcome", "share_lower": "95 % CI lower (%)", "share_upper": "95 % CI upper (%)",
                  "share": "Share (%)"}, gap="not defined or not determined by the data, see the notes.",
    )


def estimates_by_set(res: GBTMResults) -> tuple[dict[str, str], dict[str, str]]:
    """Of each parameter of a dual model: the heading of its part of the table, and its name there."""
    place, shown = {}, {}
    first, second = res.outcome_names
    membership = {"theta": f"Groups of {first}", "theta2": f"Groups of {second} given those of {first}"}
    for block in res.blocks:
        for name in res.names[block.entries]:
            if block.outcome is None:
                place[name], shown[name] = membership[block.kind], name
                continue
            outcome = res.outcome_names[block.outcome]
            place[name] = f"{outcome}, " + ("all groups" if block.group is None else f"group {block.group}")
            shown[name] = re.sub(r"\[\d+\]$", "", name.removeprefix(prefix_of(outcome)))
    by_outcome = sorted(place.items(), key=lambda item: (
        [*membership.values()].index(item[1]) + 2 if item[1] in membership.values() else
        [first, second].index(item[1].rpartition(", ")[0]), item[1].endswith("all groups")))
    return dict(by_outcome), shown


def odds_of_both(res: GBTMResults, level: float = 0.95) -> Table:
    """Membership covariates of both sets of groups as odds ratios."""
    fit = cast("DualResults", res)
    ci, rows = fit.conf_int(1 - level), []
    sets = (("theta", fit.outcome_names[0], fit.group_sets[0].membership.covariate_names),
            ("theta2", fit.outcome_names[1], fit.pairs.basis.names))
    p = fit.pvalues
    for stem, outcome, names in sets:
        for covariate in names:
            for name in (n for n in fit.names if n.startswith(f"{stem}_{covariate}[")):
                rows.append({
                    "outcome": outcome, "group": name[name.rindex("[") + 1 : -1], "covariate": covariate,
                    "estimate": np.exp(fit.params[name]), "lower": np.exp(ci[0][name]), "upper": np.exp(ci[1][name]),
                    p.name: p[name]})
    first, second = fit.outcome_names
    references = [s.reference + 1 for s in fit.group_sets]
    return table_of(
        pd.DataFrame(rows, columns=["outcome", "group", "covariate", "estimate", "lower", "upper", p.name]),
        index=False, caption="Membership: odds ratios of each group against the reference group",
        notes=[f"Reference groups: {references[0]} of {first}, {references[1]} of {second}.",
               f"Those of {second} are given the group of {first}, and the same for all of its groups."
               * bool(fit.pairs.basis.names)],
        kinds={"estimate": "ratio", "lower": "ratio", "upper": "ratio"}, gap=UNKNOWN,
        headings={"outcome": "Outcome", "group": "Group", "covariate": "Covariate", "estimate": "Odds ratio",
                  "lower": f"{100 * level:g} % CI lower", "upper": f"{100 * level:g} % CI upper"},
    )
