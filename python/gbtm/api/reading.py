"""From a table and a description of a model to the panel that is fitted, with a record of how the table was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..columns.declared_missing import Declared, refuse_dots, without_declared
from ..columns.formula_variables import term_columns
from ..columns.reading import expand_columns, is_number, refuse_values
from ..data.ids import id_column, id_columns
from ..data.ordered import numbers_of_ordered
from ..data.panel import Panel
from ..data.subjects import levels_of, without_unfitted_levels
from ..data.waves import refuse_wave_of_wide
from ..data.wide_columns import times_in_order, wave_lists
from ..design.own_time import Curve, with_time, without_time
from ..design.time_basis import split_formula
from ..design.time_expression import label_of, time_expression, with_time_column
from ..errors import GBTMError, SpecificationError
from ..families import family_named
from ..lags.lagged import LagColumns
from ..lags.table import long_lags, wide_items, wide_lags, with_lag_record
from ..lags.term import LagTerm, with_lag_columns
from ..model.prepared import Prepared
from ..specification.description import Design
from ..specification.known_of_sets import refuse_sets
from ..specification.no_order import refuse_order
from ..specification.outcome import Outcome
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import design_spec, groups_of_one, outcome_spec
from .common_columns import asked_apart, at_each_wave, blame, common_of_design, common_of_wide, told, with_common
from .own_columns import refuse_event_among, refuse_outcome_among, refuse_twice

Ids = str | Sequence[str] | None
Wide = Mapping[str, str | Sequence[str] | Sequence[float]]


@dataclass(frozen=True, eq=False)
class WideColumns:
    """Which columns of a wide table hold what, one a wave; ``time`` may be numbers, a wave each."""

    outcome: str | Sequence[str]
    time: str | Sequence[str] | Sequence[float]
    tcov: dict[str, Any]
    dcov: dict[str, Any]
    exposure: str | Sequence[str] | float | None = None


def read_table(
    data: pd.DataFrame, outcome: Outcome, design: Design, *, id: Ids, wide: Wide | None
) -> Prepared:
    """The model of a formula on a long table, or on a wide one where ``wide`` says what its names stand for."""
    refuse_sets(design.known)
    groups = groups_of_one(design)
    panel, spec, inputs = read_outcome(data, outcome, design, groups, id=id, wide=wide)
    return Prepared.of(panel, design_spec(design, (spec,), groups), formula=outcome.formula, inputs=inputs)


def read_outcome(
    data: pd.DataFrame, outcome: Outcome, design: Design, groups: int, *, id: Ids, wide: Wide | None,
    people: np.ndarray | None = None,
) -> tuple[Panel, OutcomeSpec, dict[str, Any]]:
    """An outcome's panel, what is fitted of it in so many groups, and how the table was read.

    ``people`` (n,) bool, whether a row's person is fitted, where not this outcome alone says so.
    """
    try:
        return _read_outcome(data, outcome, design, groups, id=id, wide=wide, people=people)
    except GBTMError as error:
        blame(error, outcome)
        raise


def _read_outcome(
    data: pd.DataFrame, outcome: Outcome, design: Design, groups: int, *, id: Ids, wide: Wide | None,
    people: np.ndarray | None,
) -> tuple[Panel, OutcomeSpec, dict[str, Any]]:
    assert outcome.formula is not None
    columns = {"id": id, "tcov": outcome.tcov, "common": outcome.common, "dcov": design.dcov, "wave": design.wave,
               **design.of_subjects}
    timed = columns.pop("event", None)
    if timed is not None:
        columns["event"] = [*timed.names, *term_columns(timed.covariates or (), data)]
    if not is_number(outcome.denominator):
        columns[outcome.denominator_name] = outcome.denominator
    for argument, given in columns.items():
        refuse_values(given, argument)
    data, declared = without_declared(data)
    refuse_dots(data, covariate_columns(data, outcome, design, wide))
    name, time, basis = split_formula(outcome.formula, data, wide)
    refuse_twice(data, columns, (name, time))
    refuse_event_among(timed, data)
    data, levels = numbers_of_levels(data, outcome, name, wide)
    column, made = time, None
    if basis is not None and (outcome.order is not None or outcome.curve is not None):  # the time is an expression
        made = time_expression(basis, data, time, wide)
        if made is not None:
            data, where = with_time_column(data, made, time if wide is None else wide[time], wide is not None)
            time, basis = label_of(made), None
            wide = None if wide is None else {**wide, time: where}
    spec = replace(outcome_spec(outcome, groups, basis), levels=levels)
    given, names = outcome, [str(c) for c in data.columns]
    outcome = with_common(outcome, names if wide is None else wide, wide=wide is not None)
    asked, of_event = outcome.tcov, None if design.event is None else design.event.covariates
    data, outcome, wide, lagged = _with_lags(data, outcome, design, wide, (name, time, id))
    if wide is None:
        shared_too = given.common is not None and name in term_columns(given.common, data)
        refuse_outcome_among(outcome.tcov, data, name, "common" if shared_too else "tcov")
    data = _fitted_levels(data, (name, time, id), outcome, design, wide, people)
    if wide is not None:
        panel, inputs = read_wide(
            data, _columns(data, wide, outcome, design, name, time), design, id, name, time, lags=lagged.found,
            repeated=outcome.repeated)
        terms, shared = [design.risk, design.risk2, of_event], common_of_wide(given, name, wide)
    else:
        curve = Curve.beside(outcome.tcov, data, (column, time), spec.orders, basis)
        panel, inputs = read_long(data, outcome, design, id, name, time, curve, lagged.found)
        inputs["tcov"], panel = asked, told(panel, given, term_columns(given.tcov, data))
        shared = common_of_design(given, name, names, panel.designs.get("tcov"))
        terms = [design.risk, design.risk2, outcome.tcov, design.dcov, of_event]
    if lagged.found is not None:
        panel = with_lag_record(panel, lagged.terms, lagged.found, time, lagged.items)
    if made is not None:
        inputs["time_design"] = made.document
    spec, inputs = replace(spec, common=shared), inputs | asked_apart(given)
    inputs["levels"] = levels_of(data, [t for t in terms if t is not None])
    return tell_declared(panel, declared, data, columns, (name, column), wide), spec, inputs


def numbers_of_levels(
    data: pd.DataFrame, outcome: Outcome, name: str, wide: Wide | None
) -> tuple[pd.DataFrame, tuple[str, ...] | None]:
    """The table with the factor of an outcome of levels as numbers of these, and what they are called."""
    traits = family_named(outcome.family)
    if not traits.has_levels:
        return data, None
    columns = [name] if wide is None else expand_columns(data, _in_wide(wide, name, "formula"), "outcome")
    return numbers_of_ordered(data, columns, unordered=not traits.has_mean)


@dataclass(frozen=True, eq=False)
class _Lagged:
    """The lagged outcomes among the covariates: what was asked for, their columns, and of wide data the covariates."""

    terms: tuple[LagTerm, ...] = ()
    found: LagColumns | None = None
    items: tuple[tuple[str, str], ...] = ()


def _with_lags(
    data: pd.DataFrame, outcome: Outcome, design: Design, wide: Wide | None, named: tuple[str, str, Ids]
) -> tuple[pd.DataFrame, Outcome, Wide | None, _Lagged]:
    """The table with a column for each ``lag()`` of the covariates, which then name that column."""
    name, time, id = named
    if wide is not None:
        plain, items, terms = wide_items(outcome.tcov, name, wide)
        refuse_order(repeated=outcome.repeated, tcov=bool(terms))
        if not terms:
            return data, outcome, wide, _Lagged()
        columns = expand_columns(data, _in_wide(wide, name, "formula"), "outcome")
        data, names, found = wide_lags(data, terms, items, columns)
        return data, replace(outcome, tcov=[*plain, *names]), {**wide, **names}, _Lagged(terms, found, items)
    tcov, terms = with_lag_columns(outcome.tcov, name, [str(c) for c in data.columns])
    refuse_order(repeated=outcome.repeated, tcov=bool(terms))
    if not terms or id is None:
        return data, outcome, wide, _Lagged()
    data, found = long_lags(data, terms, id=id, time=time, outcome=name, wave=design.wave)
    return data, replace(outcome, tcov=tcov), wide, _Lagged(terms, found)


def covariate_columns(data: pd.DataFrame, outcome: Outcome, design: Design, wide: Wide | None) -> list[str]:
    """The columns of the table that covariates use; those of wide data that vary are numbers in any case."""
    people = [design.risk, design.risk2, None if design.event is None else design.event.covariates]
    terms = people if wide is not None else [*people, outcome.tcov, outcome.common, design.dcov]
    return [c for t in terms for c in term_columns(t, data) if (data.columns == c).sum() == 1]


def tell_declared(
    panel: Panel, declared: Declared, data: pd.DataFrame, asked: Mapping[str, Any], formula: tuple[str, str],
    wide: Wide | None,
) -> Panel:
    """The panel that tells what of the columns it used was declared missing."""
    used = {c for given in asked.values() for c in term_columns(given, data)} | set(formula)
    if wide is not None:
        used |= {c for names in wave_lists(data, wide)[0].values() for c in names}
    mine = tuple((name, count) for name, count in declared if name in used)
    return replace(panel, dropped=replace(panel.dropped, declared=mine)) if mine else panel


def read_long(
    data: pd.DataFrame, outcome: Outcome, design: Design, id: Ids, name: str, time: str, curve: Curve | None = None,
    lags: LagColumns | None = None,
) -> tuple[Panel, dict[str, Any]]:
    """One row per observation; ``name`` and ``time`` are the outcome's and the time's columns.

    ``curve`` is what has the main effect of time where covariates use the time; ``lags`` are columns of the table.
    """
    if id is None:
        raise SpecificationError(
            "id: long data need the column that tells subjects apart.", code="no_id", argument="id",
            way_out="Give id='column', or wide={...} for data with one row per subject.",
        )
    inputs: dict[str, Any] = {"id": id, "time": time, "outcome": name, "tcov": outcome.tcov,
                              "exposure": outcome.denominator, "dcov": design.dcov}
    if design.wave is not None:
        inputs["wave"] = design.wave
    if outcome.repeated:
        inputs["repeated"] = True
    tcov = outcome.tcov if curve is None else with_time(outcome.tcov, data, curve)
    panel = Panel.from_long(
        data, **{**inputs, "tcov": tcov}, **design.of_subjects, dropout=design.dropout is not None,
        lags=None if lags is None else lags.pair)
    if curve is not None:
        panel = without_time(panel, outcome.tcov, curve)
    return panel, _record("long", inputs, design, panel)


def read_wide(
    data: pd.DataFrame, columns: WideColumns, design: Design, id: Ids, name: str | None = None,
    time: str = "time", written: Collection[str] | None = None, lags: LagColumns | None = None,
    repeated: bool = False,
) -> tuple[Panel, dict[str, Any]]:
    """One row per subject; ``name`` and ``time`` are what the outcome and the time are called, ``written`` the columns
    that the user named one by one."""
    if design.wave is not None:
        refuse_wave_of_wide()
    inputs: dict[str, Any] = {
        "outcome": columns.outcome, "time": times_in_order(data, columns.time, columns.outcome), "id": id,
        "tcov": columns.tcov, "dcov": columns.dcov, "exposure": columns.exposure,
    }
    if name is not None:
        inputs |= {"name": name, "time_name": time}
    if repeated:
        inputs["repeated"] = True
    panel = Panel.from_wide(
        data, **inputs, **design.of_subjects, dropout=design.dropout is not None, written=written,
        lags=None if lags is None else lags.pair)
    return panel, _record("wide", inputs, design, panel)


def _record(form: str, inputs: dict[str, Any], design: Design, panel: Panel) -> dict[str, Any]:
    """How the table was read, for new tables and for the code that asks for the fit again."""
    of_subjects = dict(design.of_subjects)
    subjects, timed = panel.subjects, of_subjects.pop("event", None)
    designs = {**panel.designs, "risk": subjects.risk_design, "risk2": subjects.risk2_design,
               "event": subjects.event_design}
    if timed is not None:
        inputs = {**inputs, "event": asdict(timed)}
    inputs = inputs | {f"{k}_design": d.document for k, d in designs.items() if d is not None}
    risk: dict[str, Any] = {k: of_subjects.pop(k) for k in ("risk", "risk2") if k in of_subjects}
    return {
        "form": form, **inputs, **risk, "dropout": design.dropout is not None, "levels": {},
        "design": of_subjects,
    }


def _columns(data: pd.DataFrame, wide: Wide, outcome: Outcome, design: Design, name: str, time: str) -> WideColumns:
    """What the names in the formula and the covariates stand for."""
    def of(given: Any, argument: str) -> dict[str, Any]:
        names = [given] if isinstance(given, str) else [] if given is None else list(given)
        return {n: _in_wide(wide, n, argument) for n in names}

    exposure = outcome.denominator
    covariates = at_each_wave(of(outcome.tcov, "tcov"), outcome, data, _in_wide(wide, name, "formula"))
    return WideColumns(
        _in_wide(wide, name, "formula"), _in_wide(wide, time, "formula"), covariates, of(design.dcov, "dcov"),
        exposure if exposure is None or is_number(exposure) else _in_wide(wide, exposure, outcome.denominator_name),
    )


def _in_wide(wide: Wide, name: str, argument: str) -> Any:
    if name not in wide:
        raise SpecificationError(
            f"{argument}: '{name}' does not stand in wide.", code="unknown_column", argument=argument,
            way_out=f"Say which columns it is: wide={{..., '{name}': '{name}_*'}}.",
        )
    return wide[name]


def _fitted_levels(
    data: pd.DataFrame, named: tuple[str, str, Ids], outcome: Outcome, design: Design, wide: Wide | None,
    people: np.ndarray | None,
) -> pd.DataFrame:
    """Without the levels of factors that only people held out, people without an outcome, or rows without one have."""
    fitted = np.ones(len(data), dtype=bool)
    if design.out_of_sample is not None and design.out_of_sample in data:
        fitted = ~data[design.out_of_sample].eq(1).to_numpy()
    of_event = None if design.event is None else design.event.covariates
    if wide is not None:  # its time-varying covariates are numbers
        return without_unfitted_levels(data, [t for t in (design.risk, design.risk2, of_event) if t], fitted)
    name, time, id = named
    if id is None or not {name, time, *id_columns(id)} <= set(data.columns):
        return data
    seen = fitted & data[[name, time]].notna().all(axis=1).to_numpy()
    if people is None:
        people = people_of(seen, data, id)
    # a wave that was missed has its say in dropout
    for terms, rows in (
        (design.risk, people), (design.risk2, people), (outcome.tcov, people if design.dcov else seen),
        (design.dcov, people), (of_event, people),
    ):
        data = data if terms is None else without_unfitted_levels(data, [terms], rows)
    return data


def people_of(seen: np.ndarray, data: pd.DataFrame, id: str | Sequence[str]) -> np.ndarray:
    """(n,) whether some row of a row's person is ``seen`` (n,)."""
    whose = id_column(data, id).to_numpy()
    return pd.Series(seen).groupby(whose).transform("any").fillna(False).to_numpy(dtype=bool)
