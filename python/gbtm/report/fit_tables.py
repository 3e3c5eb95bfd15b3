"""The tables of a report: estimates, groups, odds ratios, and the choice among models."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import multiplier
from ..errors import GBTMWarning, SpecificationError
from ..fit.summary import family_title
from ..recipes.recipe import is_dual
from ..recipes.search_recipe import label_of
from ..specification.covariance_kinds import COVARIANCE_KINDS
from ..tables.numbers import show
from ..tables.table import HEADINGS, Table, table_of
from .dual_tables import TABLES, dual_table, estimates_by_set, groups_of_both, odds_of_both, of_sets

if TYPE_CHECKING:
    from ..api.results import GBTMResults

OF_SEARCHES = ("choice", "classification", "cases")
KINDS = ("estimates", "groups", "odds_ratios", *TABLES, *OF_SEARCHES)
FIT = (
    "loglik", "params", "aic", "bic_subjects", "bic_observations", "sabic_subjects",
    "icl_subjects", "cv_loglik", "cv_se", "blrt_p", "lmr_p", "chosen_by",
)
CLASSIFICATION = ("entropy", "smallest_group", "smallest_n", "avepp_min", "occ_min", "mismatch_max", "reached",
                  "converged", "warnings", "flag")


@checked
def make_table(x: Any, what: str | None = None, *, level: float = 0.95) -> Table:
    """A table of a fit or of a search, by name.

    Parameters
    ----------
    x : GBTMResults or ModelSearch
    what : "estimates" (default of a fit), "groups", "odds_ratios"; of a dual model "transitions", "reverse", "joint",
        "margins", "independence", "association", "two_step"; "choice" (default of a search), "classification", "cases"
    """
    check_level(level)
    of_search = is_search(x)
    what = what or ("choice" if of_search else "estimates")
    if what not in KINDS or (what in OF_SEARCHES) != of_search or (what in TABLES and not is_dual(x)):
        further = "".join(f", '{name}'" for name in TABLES if is_dual(x))
        raise SpecificationError(
            f"what: there is no table '{what}' of {type(x).__name__}.", code="unknown_table", argument="what",
            way_out=f"A fit has 'estimates', 'groups', 'odds_ratios'{further}; a search 'choice', 'classification', "
            "'cases'.",
        )
    if what in TABLES:
        return dual_table(x, what, level)
    if what == "estimates":
        return estimates_table(x, level)
    if what == "odds_ratios":
        return odds_table(x, level)
    if what == "groups":
        return groups_table(x)
    if what == "choice":
        return choice_table(x)
    return classification_table(x) if what == "classification" else cases_table(x)


def is_search(x: Any) -> bool:
    """A ModelSearch: told by what it holds, so that it need not be imported."""
    return hasattr(x, "table") and hasattr(x, "fits") and hasattr(x, "best")


def share_sentence(res: GBTMResults) -> str:
    """Shares of the groups with their intervals, in one sentence; of a dual model those of each outcome."""
    if is_dual(res):
        return ". ".join(f"{name}{share_sentence(one)}" for name, one in of_sets(res))
    table = res.adequacy
    phrases = []
    for g in res.group_names:
        row = table.loc[g]
        text = f"group {g} {show(row['share'], 'percent')} %"
        if np.isfinite(row["share_lower"]):
            text += f" (95 % CI {show(row['share_lower'], 'percent')} to {show(row['share_upper'], 'percent')} %)"
        phrases.append(text)
    return "; ".join(phrases)


def estimates_table(res: GBTMResults, level: float = 0.95) -> Table:
    """Every parameter with its standard error, interval and test, under the group it belongs to."""
    ci = res.conf_int(1 - level)
    headings, shown = estimates_by_set(res) if is_dual(res) else (
        _belonging(res), {n: re.sub(r"\[\d+\]$", "", n) for n in res.params.index})
    frame = pd.DataFrame(
        {
            "belongs": [headings[n] for n in res.params.index],
            "parameter": [shown[n] for n in res.params.index], "estimate": res.params.to_numpy(),
            "std err": res.bse.to_numpy(), "lower": ci[0].to_numpy(), "upper": ci[1].to_numpy(),
            res.tvalues.name: res.tvalues.to_numpy(), res.pvalues.name: res.pvalues.to_numpy(),
        }
    )
    groups = [] if is_dual(res) else [*(f"Group {g}" for g in res.group_names), "All groups"]
    order = dict.fromkeys([*groups, *headings.values()])
    frame = frame.iloc[frame["belongs"].map({h: i for i, h in enumerate(order)}).argsort(kind="stable")]
    frame["belongs"] = frame["belongs"].where(~frame["belongs"].duplicated(), " ")
    percent = f"{100 * level:g} % CI"
    return table_of(
        frame, index=False, caption=f"Estimates: {family_title(res)}, {groups_in_words(res)}",
        notes=_about_estimates(res, level), gap=_why_none(res),
        headings={"belongs": "", "parameter": "Parameter", "lower": f"{percent} lower", "upper": f"{percent} upper",
                  "estimate": "Estimate", "std err": "SE", res.pvalues.name: "p"},
    )


def groups_in_words(res: GBTMResults) -> str:
    """``"3 groups"``, ``"3 x 2 groups"``."""
    return f"{' x '.join(map(str, res.spec.set_sizes))} group{'' if res.n_groups == 1 else 's'}"


def _belonging(res: GBTMResults) -> dict[str, str]:
    """Parameter name -> heading of its part of the table."""
    place = {}
    for block in res.blocks:
        for name in res.names[block.entries]:
            suffix = re.search(r"\[(\d+)\]$", name)
            if block.kind == "theta":
                place[name] = f"Membership of group {suffix.group(1)}" if suffix else "Membership"
            else:
                place[name] = "All groups" if block.group is None else f"Group {block.group}"
    return place


def _about_estimates(res: GBTMResults, level: float) -> list[str]:
    time = f"Time is {res.time_name} as it was" if len(res.outcomes) == 1 else "Times are {} as they were".format(
        ", ".join(f"{o.time_name} ({o.name})" for o in res.outcomes))
    notes = [
        f"{time} given; intervals of level {100 * level:g} % are estimate plus or minus "
        f"{multiplier(res.df_inference)} times its standard error; standard errors are from "
        f"{COVARIANCE_KINDS[res.cov_type].phrase}."
    ]
    notes += [] if res.prior is None else [res.prior.sentence]
    names = " ".join(res.names)
    meaning = (
        ("theta", f"theta: log odds of a group against group {res.group_sets[0].reference + 1}."),
        ("theta2", "theta2[k|j]: log odds of the second outcome's group k against its reference group, in group j of "
         "the first."),
        ("zero_", "zero_: logit of the probability of an excess zero."),
        ("drop", "drop: logit of the probability of dropping out; drop1 and drop2 go with the last two outcomes."),
        (r"event\d?_scale", "event_scale, event_shape: of the event's cumulative hazard (t / scale)^shape."),
        (r"event\d?_log_hazard", "event_log_hazard: logarithm of the event's hazard, interval by interval."),
        ("sigma", "sigma: standard deviation of the outcome around its group's curve."),
        ("psi", "psi: overdispersion, variance = mean + psi times mean squared."),
        ("phi", "phi: precision of the beta distribution."),
        ("rho", "rho: correlation of errors one unit of time apart."),
    )
    return notes + [text for stem, text in meaning if re.search(rf"\b{stem}", names)]


def _why_none(res: GBTMResults) -> str:
    """What the warnings say of parameters without a standard error."""
    without = {n for n, s in res.bse.items() if not np.isfinite(s)}
    messages = []
    for w in res.findings:
        named = set(w.parameters)
        groups = {int(m.group(1)) for n in without if (m := re.search(r"\[(\d+)\]$", str(n)))}
        if named & without or (not named and w.group is not None and w.group in groups):
            messages.append(w.message)
    return " ".join(["the data do not determine it.", *dict.fromkeys(messages)])


def groups_table(res: GBTMResults) -> Table:
    """Sizes of the groups and how well they are told apart."""
    if is_dual(res):
        return groups_of_both(res)
    frame = res.adequacy.drop(columns="mismatch_se", errors="ignore")
    return table_of(
        frame, caption="Group sizes and adequacy of the classification", notes=[*res.adequacy.attrs.get("notes", ())],
        headings={"share_lower": "95 % CI lower (%)", "share_upper": "95 % CI upper (%)", "share": "Share (%)"},
        gap="not defined or not determined by the data, see the notes.",
    )


def odds_table(res: GBTMResults, level: float = 0.95) -> Table:
    """Membership covariates as odds ratios."""
    if is_dual(res):
        return odds_of_both(res, level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GBTMWarning)
        odds = res.odds_ratios(level)
    frame = odds[["kind", "estimate", "lower", "upper", odds.columns[-1]]]
    percent = f"{100 * level:g} % CI"
    return table_of(
        frame, caption="Membership: odds of each group against the reference group",
        notes=[f"Reference: group {odds.attrs['reference']}. The intercept's odds are where all covariates are 0."],
        kinds={"estimate": "ratio", "lower": "ratio", "upper": "ratio"}, gap=_why_none(res),
        headings={"kind": "", "estimate": "Odds (ratio)", "lower": f"{percent} lower", "upper": f"{percent} upper"},
    )


def contributions_table(res: GBTMResults) -> Table:
    """What each of several outcomes tells about the groups."""
    frame = res.outcome_contributions()
    return table_of(
        frame, caption="What each outcome tells about the groups",
        notes=["Entropy: of posterior probabilities from the outcome alone. Log Bayes factor: mean log of how much "
               "likelier the outcome is in a subject's own group. Without it: most probable groups from the others."],
        kinds={"entropy": "probability", "log_bayes_factor": "estimate", "share": "percent",
               "rand_without": "probability", "agreement_without": "percent"},
        gap="not defined.",
        headings={"outcome": "Outcome", "people": "Subjects", "observations": "Observations", "entropy": "Entropy",
                  "log_bayes_factor": "Log Bayes factor", "share": "Share (%)",
                  "rand_without": "Adjusted Rand index without it", "agreement_without": "Same group without it (%)"},
    )


def choice_table(search: Any, final: GBTMResults | None = None) -> Table:
    """The fits side by side: log-likelihood, criteria, tests; the final model's row is marked."""
    table = search.table.copy()
    if "chosen_by" in table:
        table["chosen_by"] = [_criteria(text) for text in table["chosen_by"]]
    columns = [c for c in FIT if c in table and not _empty(table[c])]
    notes = [
        "Model: number of groups, the order of each group's curve, and after a stroke those of the zero part. "
        "Criteria are on the usual scale, smaller is better; (subjects) and (obs.) say which n enters. "
        "Log-likelihoods hold all constants."
    ]
    if search.space.template.prior is not None:
        notes.append(search.space.template.prior.sentence)
    if "cv_loglik" in columns:
        notes.append("CV log-lik.: log-likelihood of subjects held out.")
    if "blrt_p" in columns:
        notes.append("BLRT p: bootstrap likelihood-ratio test of K against K - 1 groups.")
    return table_of(
        table[columns], caption="Models fitted", notes=[*notes, _final_note(search, final)],
        gap="not computed for this model.", headings={table.index.name or "": "Model"}, strong=_final(search, final),
    )


def _final(search: Any, final: GBTMResults | None) -> int | None:
    label, rows = label_of(search, final), list(search.table.index)
    return rows.index(label) if label in rows else None


def _final_note(search: Any, final: GBTMResults | None) -> str:
    label = label_of(search, final)
    return "" if label is None else f"The final model is {label}."


def _criteria(text: Any) -> str:
    """Names of columns as criteria in words."""
    names = [c.strip() for c in str(text).split(",") if c.strip()]
    return ", ".join(HEADINGS.get(c, c) for c in names) or " "


def classification_table(search: Any, final: GBTMResults | None = None) -> Table:
    """How well each of the fits tells groups apart, and how stable it is."""
    table = search.table.copy()
    if "flag" in table:
        table["flag"] = [str(f) or " " for f in table["flag"]]
    if {"hits", "starts"} <= set(table.columns):
        pairs = zip(table["hits"], table["starts"], strict=True)
        table["reached"] = [f"{show(h, 'count')} of {show(s, 'count')}" for h, s in pairs]
    columns = [c for c in CLASSIFICATION if c in table and not _empty(table[c])]
    return table_of(
        table[columns], caption="Classification and stability of the models fitted",
        notes=["Starts reached: how many starts ended at the best optimum."],
        gap="with one group there is no classification, or it is not known.",
        headings={table.index.name or "": "Model", "reached": "Starts reached"}, strong=_final(search, final),
    )


def cases_table(search: Any, final: GBTMResults | None = None) -> Table:
    """How many subjects are in each group of every model: assigned, and the estimated share."""
    rows: dict[str, dict[str, str]] = {}
    for label, fit in search.fits.items():
        cells = rows.setdefault(label, {})
        for name, one in of_sets(fit):
            shares, counts = one.group_shares["share"], one.n_assigned
            cells |= {_group(name, g): f"{counts[g]} ({show(shares[g], 'percent')} %)"
                      for g in one.group_names}
    sizes = np.max([fit.spec.set_sizes for fit in search.fits.values()], axis=0)
    names = [name for name, _ in of_sets(next(iter(search.fits.values())))]
    columns = [_group(name, g) for name, size in zip(names, sizes, strict=True) for g in range(1, size + 1)]
    frame = pd.DataFrame([[cells.get(c, " ") for c in columns] for cells in rows.values()], list(rows), columns)
    return table_of(
        frame, caption="Cases per group of every model",
        notes=["Subjects assigned to their most probable group (estimated share of the group)."],
        headings={"": "Model"}, strong=_final(search, final),
    )


def _group(name: str, group: int) -> str:
    return f"{name}group {group}" if name else f"Group {group}"


def _empty(column: pd.Series) -> bool:
    return bool(column.isna().all() or (column.astype(str).str.strip() == "").all())
