"""The rows that are foretold: whose they are, when, with which covariates, and which of their lags are foretold too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, covariate_columns
from ..columns.reading import expand_columns, is_number, number_array, numeric, require_columns
from ..data.ids import id_column, id_columns, wide_ids
from ..data.panel import Panel
from ..data.wide_columns import wave_matrix, wave_times
from ..errors import DataError, SpecificationError
from ..fit.new_data import stored_terms, with_levels, with_numbers, with_own_time
from ..lags.table import long_lags
from ..record.wave_counts import occasions

if TYPE_CHECKING:
    from ..fit.fit import Fit

LEAST_A_WAVE = 2.0  # observations for each distinct time of a fit, below which times are people's own
SHOWN = 3


@dataclass(frozen=True, eq=False)
class NextRows:
    """F observations to come.

    Attributes
    ----------
    ids : (F,) of the person
    step : (F,) 1 for a person's next, 2 for the one after, ..
    time : (F,)
    covariates : (F, q) with any finite value where a lag is not known yet
    exposure : (F,) or None
    lag_rows : (F, L) which of these rows a lag comes from, -1 for one that is known
    lag_values : (F, L) lags that are known
    """

    ids: np.ndarray
    step: np.ndarray
    time: np.ndarray
    covariates: np.ndarray
    exposure: np.ndarray | None
    lag_rows: np.ndarray
    lag_values: np.ndarray


def next_rows(
    res: Fit, people: pd.DataFrame, steps: int, times: Sequence[float] | float | None, future: pd.DataFrame | None
) -> NextRows:
    """The next ``steps`` observations of everybody in a table, one outcome's."""
    inputs = res.inputs
    assert inputs is not None
    table, named = _long(res, with_numbers(res, with_levels(people, inputs["levels"])))
    if future is not None:
        require_columns(future, [*id_columns(named["id"]), named["time"]], "future")
        more = with_levels(future, inputs["levels"]).assign(**{named["outcome"]: np.nan})
        _refuse_strangers(table, more, named["id"])
        table = pd.concat([table, more], ignore_index=True)
    return rows_to_come(res, table, named, steps, times, future is not None)


def rows_to_come(
    res: Fit, table: pd.DataFrame, named: dict[str, Any], steps: int, times: Sequence[float] | float | None, given: bool
) -> NextRows:
    """The next ``steps`` observations of everybody in a long table.

    Parameters
    ----------
    named : what the columns ``id``, ``time``, ``outcome``, ``wave`` and ``exposure`` are called, None for one that the
        model has not; ``terms``, how the covariates are made, as :func:`gbtm.columns.formula_design.covariate_columns`
        takes it; ``wide``, whether ``wave`` counts the columns of a wide table
    given : rows of the future are in the table
    """
    table, place, step = _with_next(res, table, named, steps, times, given)
    known = np.array(table[named["outcome"]].notna())
    known[place] = True
    lags, found = res.outcomes[0].lags, None
    if lags is not None:
        table, found = long_lags(
            table, lags.terms, id=named["id"], time=named["time"], outcome=named["outcome"], wave=named["wave"],
            waves=lags.waves if lags.waves.size else None, is_fit=False, known=known)
    row_of = np.full(len(table), -1)
    row_of[place] = np.arange(place.size)
    n_lags = 0 if found is None else len(found.values)
    source, values = (np.full((place.size, 0), -1), np.zeros((place.size, 0)))
    if found is not None:
        source = np.where(found.rows[place] >= 0, row_of[np.maximum(found.rows[place], 0)], -1)
        values = found.pair[1][place]
        _refuse_without(np.isnan(values) & (source < 0), table, place, named, list(found.values))
        dummy = {c: table[c].where(~pd.Series(row_of >= 0) | (table[c].notna()), 0.0) for c in found.values}
        table = table.assign(**dummy)
    covariates = _covariates(res, table.iloc[place], named)
    exposure = None
    if named.get("exposure") is not None:
        column = "(exposure)" if is_number(named["exposure"]) else named["exposure"]
        table = table.assign(**{column: float(named["exposure"])}) if is_number(named["exposure"]) else table
        exposure = numeric(table.iloc[place][column], column)
        _refuse_without(~(exposure > 0)[:, None], table, place, named, [column])
    return NextRows(
        id_column(table, named["id"]).to_numpy()[place], step, numeric(table[named["time"]], named["time"])[place],
        covariates, exposure, source.reshape(place.size, n_lags), values.reshape(place.size, n_lags))


def _long(res: Fit, table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table in long form, and what its columns are called."""
    inputs = res.inputs
    assert inputs is not None
    table, time = with_own_time(table, inputs, res.trust_formula)
    names = ("id", "outcome", "exposure", "wave")
    if inputs["form"] == "long":
        require_columns(table, [*id_columns(inputs["id"]), time, inputs["outcome"]], "people")
        named = {k: inputs.get(k) for k in names}
        terms = stored_terms(res, "tcov", table) if res.outcomes[0].covariate_names else None
        return table.reset_index(drop=True), {**named, "time": time, "terms": terms, "wide": False}
    columns = expand_columns(table, inputs["outcome"], "outcome")
    ids = wide_ids(table, inputs["id"])
    n, waves = len(table), len(columns)
    made: dict[str, Any] = {
        "id": np.repeat(ids.to_numpy(), waves), "time": wave_times(table, time, columns).ravel(),
        "outcome": wave_matrix(table, columns, "outcome", waves).ravel(), "wave": np.tile(np.arange(float(waves)), n),
    }
    named = {"id": "id", "time": "time", "outcome": "outcome", "wave": "wave", "exposure": None, "wide": True}
    named["terms"] = terms_by_name(res)
    lagged = () if res.outcomes[0].lags is None else tuple(c for c in inputs["tcov"] if "lag(" in c)
    plain = {k: v for k, v in (inputs.get("tcov") or {}).items() if k not in lagged}
    made |= {k: wave_matrix(table, v, "tcov", waves).ravel() for k, v in plain.items()}
    if inputs.get("exposure") is not None:
        named["exposure"] = "exposure"
        made["exposure"] = wave_matrix(table, inputs["exposure"], "exposure", waves).ravel()
    return pd.DataFrame(made), named


def terms_by_name(res: Fit) -> Any:
    """How covariates are made of columns that are called as they are, and of lags."""
    outcome = res.outcomes[0]
    return list(outcome.covariate_names) if outcome.lags is None or outcome.lags.design is None else outcome.lags.design


def _refuse_strangers(table: pd.DataFrame, future: pd.DataFrame, id: Any) -> None:
    who = id_column(future, id)
    strange = who[~who.isin(id_column(table, id)).to_numpy()].unique()
    if len(strange):
        raise DataError(
            f"future: {len(strange)} ids are not in the table of people, first {strange[0]}.", code="unknown_id",
            argument="future", way_out="Give everybody a row in people, with a missing outcome where none was seen.",
        )


def _with_next(
    res: Fit, table: pd.DataFrame, named: dict[str, Any], steps: int, times: Any, given: bool
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The table with a row for each step of each person; where those rows are (F,), and which steps (F,)."""
    who = id_column(table, named["id"])
    codes, ids = pd.factorize(who, sort=False)
    when, y = numeric(table[named["time"]], named["time"]), numeric(table[named["outcome"]], named["outcome"])
    last = np.full(len(ids), -np.inf)
    seen = np.isfinite(y) & np.isfinite(when) & (codes >= 0)
    np.maximum.at(last, codes[seen], when[seen])
    ahead = np.flatnonzero(~np.isfinite(y) & np.isfinite(when) & (codes >= 0) & (when > last[np.maximum(codes, 0)]))
    ahead = ahead[np.lexsort((when[ahead], codes[ahead]))] if times is None else ahead[:0]
    rank = occasions(codes[ahead], when[ahead])  # rows of one time are one step
    ahead, rank = ahead[rank < steps], rank[rank < steps]
    have = np.zeros(len(ids), dtype=int)
    np.maximum.at(have, codes[ahead], rank + 1)
    short = np.flatnonzero(have < steps)
    if not short.size:
        return table, ahead, rank + 1
    _refuse_unknown_future(res, ids[short], named, given)
    at = np.repeat(short, steps - have[short])
    step = np.concatenate([np.arange(h, steps) for h in have[short]]) + 1
    reached = last.copy()
    np.maximum.at(reached, codes[ahead], when[ahead])
    new_times = _times(res, named, reached[at], step - have[at], times, steps)
    new = pd.DataFrame({named["time"]: new_times, named["outcome"]: np.nan})
    first = np.full(len(ids), -1)
    named_rows = np.flatnonzero(codes >= 0)[::-1]
    first[codes[named_rows]] = named_rows
    for column in id_columns(named["id"]):
        new[column] = table[column].to_numpy()[first[at]]
    if named["wide"]:  # whose columns are the waves
        new["wave"] = table["wave"].max() + step - have[at]
    whole = pd.concat([table, new], ignore_index=True)
    place = np.concatenate([ahead, len(table) + np.arange(at.size)])
    steps_of, person = np.concatenate([rank + 1, step]), np.concatenate([codes[ahead], at])
    order = np.lexsort((steps_of, person))
    return whole, place[order], steps_of[order]


def _times(
    res: Fit, named: dict[str, Any], last: np.ndarray, ahead: np.ndarray, times: Any, steps: int
) -> np.ndarray:
    """When the next waves are: those of the fit after the last that was seen, and on at their usual distance."""
    if times is not None:
        given = np.sort(number_array(times, "times").ravel())
        if given.size != steps or not np.isfinite(given).all() or (given.min() <= last).any():
            raise SpecificationError(
                f"times: {given.size} times for {steps} steps, or someone was seen at or after the first.",
                code="bad_times", argument="times", way_out="Give one time per step, after the last that is known.",
            )
        return np.asarray(given[ahead - 1])
    outcome = res.outcomes[0]
    levels = np.unique(outcome.seen_times)
    if outcome.lags is not None and outcome.lags.waves.size and (named["wide"] or named.get("wave") is None):
        levels = outcome.lags.waves
    if outcome.nobs < LEAST_A_WAVE * levels.size:
        raise SpecificationError(
            f"steps: times are people's own ({levels.size} distinct ones), so that nobody knows when the next wave is.",
            code="no_waves", argument="steps", way_out="Give times=, or future=, a table with ids and times.",
        )
    gap = float(np.median(np.diff(levels))) if levels.size > 1 else 1.0
    further = levels[-1] + gap * np.arange(1, steps + 1 + int(max(0, np.ceil((last.max() - levels[-1]) / gap))
                                                              if np.isfinite(last.max()) else 0))
    line = np.concatenate([levels, further])
    return np.asarray(line[np.searchsorted(line, last, side="right") + ahead - 1])


def _refuse_unknown_future(res: Fit, ids: pd.Index, named: dict[str, Any], given: bool) -> None:
    """What differs from wave to wave, and is no lag, only the user knows of the future."""
    needed = [] if named.get("exposure") is None or is_number(named["exposure"]) else [str(named["exposure"])]
    outcome = res.outcomes[0]
    lags = () if outcome.lags is None else outcome.lags.columns
    terms = named.get("terms")
    # of expressions the columns that they are made of: what is made of the time alone is known
    columns = terms.variables if isinstance(terms, FormulaDesign) else outcome.covariate_names
    needed = [n for n in columns if n != named["time"] and not any(c in n for c in lags)] + needed
    if needed or (not named["wide"] and named.get("wave") is not None and lags):
        what = ", ".join(needed) or str(named["wave"])
        raise DataError(
            f"future: {what} of the waves to come {'is' if len(needed) < 2 else 'are'} not known for {len(ids)} "
            f"people, {', '.join(map(str, ids[:SHOWN]))}{', ..' if len(ids) > SHOWN else ''}.", code="no_future",
            argument="future", way_out=f"{'Give more rows' if given else 'Give future='}, a table with the columns "
            f"{', '.join([*id_columns(named['id']), str(named['time'])])} and those of {what}, a row a person and "
            "step; or such rows in the table of people, with a missing outcome.",
        )


def _covariates(res: Fit, rows: pd.DataFrame, named: dict[str, Any]) -> np.ndarray:
    """Covariates (F, q), made as those of the fit."""
    outcome = res.outcomes[0]
    if not outcome.covariate_names:
        return np.zeros((len(rows), 0))
    w = covariate_columns(named["terms"], rows, "tcov")[0]
    bad = ~np.isfinite(w)
    if bad.any():
        _refuse_without(bad, rows, np.arange(len(rows)), named, list(outcome.covariate_names))
    return w


def _refuse_without(
    bad: np.ndarray, table: pd.DataFrame, place: np.ndarray, named: dict[str, Any], names: list[str]
) -> None:
    if not bad.any():
        return
    at = np.flatnonzero(bad.any(axis=1))
    who = id_column(table, named["id"]).to_numpy()[place[at]]
    what = [n for n, b in zip(names, np.atleast_1d(bad.any(axis=0)), strict=False) if b]
    raise DataError(
        f"future: {', '.join(what)} is missing in {at.size} rows to come, first of {who[0]}.", code="no_future",
        argument="future", way_out="Give the values; of a lag, the outcome of the wave before.",
    )


def seen_ids(panel: Panel) -> pd.Index:
    """Everybody of a panel: those observed, then those of whom there is no observation."""
    return panel.ids if panel.unobserved is None else panel.ids.append(panel.unobserved.ids)
