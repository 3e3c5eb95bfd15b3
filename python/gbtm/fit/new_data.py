"""A table of new people, read as the fit's own was."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..columns.declared_missing import without_declared
from ..columns.formula_design import FormulaDesign, covariate_columns
from ..columns.reading import expand_columns, require_columns
from ..data.joined_panels import joined_panels
from ..data.ordered import numbers_of_ordered
from ..data.panel import Panel
from ..data.people import has_none_of, people_of_table
from ..design.time_expression import sources_of, with_time_column
from ..errors import DataError, SpecificationError
from ..findings.far_times import warn_far_times
from ..lags.lagged import LagColumns
from ..lags.table import long_lags, wide_lags

if TYPE_CHECKING:
    from .fit import Fit

OF_READING = ("levels", "form", "design", "formula", "own_table", "asked")  # not arguments of Panel
PLAIN = r"(?:[^\W\d][\w.]*|`[^`]+`)"
PLAIN_FORMULA = re.compile(rf"\s*~?\s*(?:{PLAIN}|C\(\s*{PLAIN}\s*\))(?:\s*\+\s*(?:{PLAIN}|C\(\s*{PLAIN}\s*\)))*\s*")


def panel_like(res: Fit, newdata: pd.DataFrame) -> Panel:
    """New data read as the fit's were: by the same columns, levels, means and knots.

    People without an observation, and those of a table without a column of outcomes, are ``unobserved`` in the panel.
    """
    if len(res.outcomes) > 1:
        return _of_several(res, newdata)
    inputs = res.inputs
    if inputs is None:
        raise SpecificationError(
            _why_unread(res), code="no_inputs", argument="newdata",
            way_out="Fit with from_formula or traj, or give a Panel to gbtm.fit.scoring.classify_panel.",
        )
    table = with_numbers(res, with_levels(newdata, inputs["levels"]))
    arguments = {k: v for k, v in inputs.items() if k not in OF_READING and not k.endswith("_design")}
    for name in ("risk", "risk2", "tcov", "dcov"):
        if arguments.get(name) is not None:
            arguments[name] = stored_terms(res, name, table)
    arguments = with_event(res, arguments, table)
    id, risk, outcome = (arguments[k] for k in ("id", "risk", "outcome"))
    risk2 = arguments.get("risk2")
    if has_none_of(table, outcome) and (
        risk is not None or risk2 is not None or (id is not None and not has_none_of(table, id))
    ):
        return people_of_table(table, id, risk, outcome, res.time_name, risk2)
    table, arguments["time"] = with_own_time(table, inputs, res.trust_formula)
    table, found = with_lags(res, table, arguments)
    lags = None if found is None else found.pair
    if inputs["form"] == "wide":
        panel = Panel.from_wide(table, **arguments, unobserved=True, lags=lags)
    else:
        waves = None if res.dropout is None else res.dropout.waves
        panel = Panel.from_long(table, **arguments, waves=waves, unobserved=True, lags=lags)
    panel = _with_record(res, panel, found)
    for outcome, measures in zip(res.outcomes, panel.outcomes, strict=False):
        warn_far_times(measures.time, outcome.observed_times)
    return panel


def with_numbers(res: Fit, table: pd.DataFrame) -> pd.DataFrame:
    """A table with the factor of the outcome as numbers of the fit's levels."""
    named, spec = (res.inputs or {})["outcome"], res.outcomes[0].spec
    if spec.levels is None:
        return table
    columns = named if isinstance(named, (list, tuple)) else [named]
    return numbers_of_ordered(table, columns, spec.levels, unordered=not spec.traits.has_mean)[0]


def with_event(res: Fit, arguments: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """The arguments with how the time to an event is read; without, where the table has no column of its time."""
    stored = arguments.get("event")
    if stored is None or stored["time"] not in table:
        return {k: v for k, v in arguments.items() if k != "event"}
    return {**arguments, "event": {**stored, "covariates": stored_terms(res, "event", table)}}


def with_lags(
    res: Fit, table: pd.DataFrame, arguments: dict[str, Any], known: np.ndarray | None = None
) -> tuple[pd.DataFrame, LagColumns | None]:
    """The table with the columns of lagged outcomes that the fit's covariates use, and where they come from.

    ``arguments`` are those of :class:`~gbtm.data.panel.Panel`; ``known`` (n,) bool are rows of a long table whose
    outcome is or will be known.
    """
    lags = res.outcomes[0].lags
    if lags is None:
        return table, None
    if (res.inputs or {})["form"] == "long":
        return long_lags(
            table, lags.terms, id=arguments["id"], time=arguments["time"], outcome=arguments["outcome"],
            wave=arguments.get("wave"), waves=lags.waves, is_fit=False, known=known)
    columns = expand_columns(table, arguments["outcome"], "outcome")
    design = lags.design
    items = () if design is None else tuple(
        (name, design.factors[parts[0][0]].text) for name, _, parts in design.columns if "lag(" in name)
    table, names, found = wide_lags(table, lags.terms, items, columns, is_fit=False)
    arguments["tcov"] = {**arguments["tcov"], **names}
    return table, found


def _with_record(res: Fit, panel: Panel, found: LagColumns | None) -> Panel:
    """The panel of new people with how its covariates depend on lags: as in the fit."""
    if found is None:
        return panel
    m = panel.outcomes[0]
    return replace(panel, outcomes=(replace(m, lags=res.outcomes[0].lags), *panel.outcomes[1:]))


def _of_several(res: Fit, newdata: pd.DataFrame) -> Panel:
    """The people of a table that has some of the outcomes, or all; an outcome that it lacks was not seen."""
    panels, from_first = [], []
    of_people = res.document["group_sets"][0]["inputs"]  # what is known of them is said of the first set of groups
    for name in res.outcome_names:
        one = res.of_outcome(name)
        sets = [{**s, "inputs": of_people} for s in one.document["group_sets"]]
        one = one.like({**one.document, "group_sets": sets})
        panels.append(panel_like(one, newdata))
        from_first.append(not (one.inputs or {}).get("own_table", False))
    return joined_panels(panels, from_first)


def _why_unread(res: Fit) -> str:
    """Why new data cannot be read as the fit's were; R writes no ``inputs`` where Python would differ."""
    formula = res.document.get("formula")
    if formula is None:
        return "newdata: this fit does not say from which columns it was made."
    names = [*res.group_set.membership.covariate_names, *res.outcomes[0].covariate_names]
    of = f", with the columns {', '.join(names)}" if names else ""
    return (
        f"newdata: this fit is R's, of {formula}{of}, and its file does not say from which columns: Python has no way "
        "to make them as R did. In R predict(fit, newdata) scores new people."
    )


def with_own_time(table: pd.DataFrame, inputs: dict[str, Any], trusted: bool) -> tuple[pd.DataFrame, Any]:
    """The table with the time, where that is an expression of a column, and where it stands."""
    stored, wide = inputs.get("time_design"), inputs["form"] == "wide"
    if stored is None:
        return table, inputs["time"]
    design = FormulaDesign.from_document(stored, trusted=trusted)
    source = sources_of(design, inputs["time"], wide)
    if source is None:  # numbers, as they were
        return table, inputs["time"]
    require_columns(table, [source] if isinstance(source, str) else source)
    return with_time_column(table, design, source, wide)


def stored_terms(res: Fit, name: str, table: pd.DataFrame) -> Any:
    """How covariates, the argument ``name``, are made of a table of new people, as far as the fit says it."""
    inputs = res.inputs or {}
    stored, terms = inputs.get(f"{name}_design"), inputs.get(name)
    if name == "event":
        terms = (terms or {}).get("covariates")
    if stored is not None:
        return FormulaDesign.from_document(stored, trusted=res.trust_formula)
    return _without_design(terms, table, name, res.trust_formula) if isinstance(terms, str) else terms


def design_columns(res: Fit, newdata: pd.DataFrame, name: str) -> np.ndarray:
    """The covariates (n, q) of an argument of a fit to long data, ``risk``, ``tcov`` or ``dcov``, made of a new table.

    Raises
    ------
    DataError, SpecificationError
        For a level that did not occur, a column that is missing, and a formula that the fit's file does not tell of.
    """
    table = with_levels(newdata, (res.inputs or {})["levels"])
    return covariate_columns(stored_terms(res, name, table), table, name)[0]


def with_levels(newdata: pd.DataFrame, levels: dict[str, Any]) -> pd.DataFrame:
    """The table with its factors' levels in the order of the fit; refuses those that did not occur in it."""
    table = without_declared(newdata)[0].copy()
    for column, known in levels.items():
        if column not in table:
            continue
        unknown = set(table[column].dropna()) - set(known)
        if unknown:
            raise DataError(
                f"{column}: {', '.join(map(repr, sorted(unknown, key=str)[:5]))} did not occur in the fit.",
                code="new_level", argument=column, way_out=f"Its levels are {', '.join(map(repr, known[:12]))}.",
            )
        table[column] = pd.Categorical(table[column], categories=known)
    return table


def _without_design(formula: str, table: pd.DataFrame, argument: str, trusted: bool) -> str | FormulaDesign:
    """Covariates of a document that does not say how they are made: one of R's, or of an earlier version.

    Columns and factors need no more than their names and levels. Any other formula is code.
    """
    if ("~" not in formula and formula in table.columns) or PLAIN_FORMULA.fullmatch(formula):
        return formula
    if not trusted:
        raise SpecificationError(
            f"{argument}: '{formula}' of the fit's file is code, and nothing in a file is executed.",
            code="untrusted_formula", argument=argument,
            way_out="If you know where the file comes from, load it with trust_formula=True.",
        )
    design = covariate_columns(formula, table, argument)[2]
    if design is not None and any(f.state or not f.pointwise for f in design.factors):
        raise SpecificationError(
            f"{argument}: the fit's file does not say what '{formula}' took from the fitted data.",
            code="unknown_design", argument=argument,
            way_out="Fit again, and write the file anew: files keep means, scales and knots now.",
        )
    return formula if design is None else design
