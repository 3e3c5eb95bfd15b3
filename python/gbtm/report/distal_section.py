"""The section of a report on what the groups lead to, and what leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..distal.distal_result import DistalResult
from ..distal.predictors_result import PredictorsResult
from ..distal.three_step import COVARIANCE_WORDS, METHODS
from ..errors import SpecificationError
from ..tables.table import Table, table_of
from .blocks import Builder
from .pictures import draw

if TYPE_CHECKING:
    from ..api.results import GBTMResults

DISTAL = "Distal outcomes and predictors of membership"


def distal_results(res: GBTMResults, given: Any) -> list[DistalResult | PredictorsResult]:
    """What the report was given, one result or several, each of this fit.

    Raises
    ------
    SpecificationError
        ``bad_distal``.
    """
    results = [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]
    for out in results:
        if not isinstance(out, (DistalResult, PredictorsResult)):
            raise SpecificationError(
                f"distal: {type(out).__name__} is no distal outcome.", code="bad_distal", argument="distal",
                way_out="Give what res.distal() or res.predictors() returns (not of method='traj'), or a list of such.",
            )
        one = out.found.problem.step_one
        if not (one.ids.equals(res.ids) and np.array_equal(one.flat, res.internal.params)):
            raise SpecificationError(
                f"distal: '{out.formula}' is of the groups of another fit.", code="bad_distal", argument="distal",
                way_out="Ask the fit that is reported: res.distal(..).",
            )
    return results


def distal_section(to: Builder, results: Sequence[DistalResult | PredictorsResult], level: float) -> None:
    """Of each result: how it was estimated, what is doubtful, its numbers by group, tests, and a picture."""
    if not results:
        return
    to.heading(DISTAL)
    for i, out in enumerate(results, start=1):
        to.say(_how(out))
        if out.warnings:
            to.list(out.warnings, warning=True)
        if isinstance(out, PredictorsResult):
            to.table(f"predictors-{i}", _odds(out, level))
            to.say(f"{str(out.test()).capitalize()}.")
            continue
        to.table(f"distal-{i}", _groups(out, level))
        to.say(f"{str(out.test()).capitalize()}.")
        to.table(f"pairs-{i}", _pairs(out, level))
        for name in ("distal", "survival"):
            picture = draw(name, out)
            if picture is not None:
                to.figure(f"{name}-{i}", f"{out.formula}. {picture.caption}", picture.png)
    to.say("Say when the outcomes were measured, and what else may lead to both. Groups are no treatments: how they "
           "differ is a description.", prompt=True)


def _how(out: DistalResult | PredictorsResult) -> str:
    by = "" if out.assignment == "none" else f" with {out.assignment} assignment"
    return (
        f"{out.formula}: {out.title[0].lower() + out.title[1:]}, by {METHODS[out.method]}{by}; {out.nobs} of "
        f"{out.n_step_one} subjects. Standard errors: {COVARIANCE_WORDS[out.covariance]}"
        + (", which carry the uncertainty of the trajectories and of classification." if out.covariance == "stacked"
           else ".")
    )


def _groups(out: DistalResult, level: float) -> Table:
    table = out.group_table(level)
    measure = str(table.columns[0])
    naive = out.beside_naive()
    table[f"naive {measure}"] = naive[f"naive {measure}"]
    return table_of(
        table, caption=f"{measure.capitalize()} by group: {out.formula}", strong=None,
        notes=[f"Intervals of {100 * level:g} %. Naive: errors of classification ignored."],
        kinds=dict.fromkeys((measure, "lower", "upper", "std err", f"naive {measure}"), "estimate"),
        headings={measure: measure.capitalize(), f"naive {measure}": f"Naive {measure}", "category": "Category"},
        gap="not determined by the data.",
    )


def _pairs(out: DistalResult, level: float) -> Table:
    table = out.compare("pairs", adjust="holm", level=level)
    return table_of(
        table, caption=f"Differences between groups: {out.formula}",
        notes=["On the scale of the link. p-values adjusted by Holm's method; intervals of one comparison each."],
        kinds={c: "p" for c in table.columns if str(c).startswith(("p (", "P>"))},
        headings={"comparison": "Comparison", "difference": "Difference", "ratio lower": "Its lower",
                  "ratio upper": "Its upper", **{c: c.capitalize() for c in table.columns if c.endswith("ratio")}},
        gap="not determined by the data.",
    )


def _odds(out: PredictorsResult, level: float) -> Table:
    table = out.odds_ratios(level=level)
    table = table[table.index.get_level_values("term") != "intercept"]
    return table_of(
        table.rename(columns={"estimate": "odds ratio"}), caption=f"Odds ratios of membership: {out.formula}",
        notes=[f"Against group {table.attrs.get('reference', out.structure.reference + 1)}; intervals of "
               f"{100 * level:g} %. The groups are as they were fitted without these covariates."],
        headings={"odds ratio": "Odds ratio", "term": "Term"}, gap="not determined by the data.",
    )
