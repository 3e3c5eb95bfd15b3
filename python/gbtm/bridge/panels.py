"""From the columns that R sent to a panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.event_times import checked_event
from ..data.panel import Panel
from ..data.people import people_panel
from ..data.shared_times import waves_of_columns
from ..data.subjects import Subjects, subjects_of_arrays
from ..data.wave_order import Doubt, doubts, times_without
from ..lags.lagged import Lags
from ..lags.table import parts_design
from ..lags.term import LagTerm
from .transfer import column, doubles, received

R_MISSING = -(2**31)  # NA among R's integers


def ids_of(asked: dict[str, Any], buffer: bytearray) -> pd.Index:
    """Ids as JSON (text) or as doubles; whole numbers become integers."""
    ids = _whole(doubles(buffer)) if asked["ids"] is None else asked["ids"]
    return pd.Index(ids, name=asked["id_name"])


def _whole(values: np.ndarray) -> np.ndarray:
    """Whole numbers as int64, which pandas also tells apart five times faster; others as they are."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64, copy=False)
    return whole if np.array_equal(whole, values) else values


def subjects_of(asked: dict[str, Any], ids: bytearray, values: np.ndarray) -> tuple[np.ndarray, pd.Index]:
    """Subject codes, -1 for a missing id, and the ids they stand for."""
    if values.dtype.kind == "i" and (values == R_MISSING).any():
        values = np.where(values == R_MISSING, np.nan, values)
    if asked["ids"] is not None or ids:
        return np.where(values >= 0, values, -1).astype(np.int64), ids_of(asked, ids)
    codes, distinct = pd.factorize(_whole(values))
    return codes, pd.Index(_whole(distinct), name=asked["id_name"])


def _matrix(name: str, names: list[str] | None) -> np.ndarray | None:
    """A matrix (n, q) that was received by column; None where there are no ``names`` for its columns."""
    return received(name).reshape(len(names), -1).T if names else None


def _known(asked: dict[str, Any], n_subjects: int) -> Subjects | None:
    """What R sent of the subjects, in the order of their ids."""
    given: dict[str, Any] = {}
    for name in asked.get("subjects") or ():
        values = received(name)
        if name in ("risk", "risk2"):
            names = asked[f"{name}_names"]
            given[name] = pd.DataFrame(values.reshape(len(names), -1).T, columns=names)
        elif name in ("known", "known2"):
            given[name] = values.reshape(int(asked[f"{name}_width"]), -1).T
        elif name == "event":
            given |= sent_event(values, asked["event_names"])
        else:
            given[name] = values
    return subjects_of_arrays(n_subjects, **given, risk_levels=asked.get("risk_levels") or ())


def sent_event(values: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Times to an event as R sends them, by column: time, status, entry, upper, covariates; a column of NaN alone was
    not given."""
    columns = values.reshape(4 + len(names), -1).T
    time, *further = (columns[:, j] for j in range(4))
    status, entry, upper = (None if np.isnan(c).all() else c for c in further)
    if status is None and upper is None:
        status = np.zeros(len(columns))
    people = pd.RangeIndex(1, len(columns) + 1)
    return {"event": checked_event(time, status, entry, upper, columns[:, 4:], people), "event_names": names}


def _doubts(asked: dict[str, Any]) -> tuple[Doubt, ...]:
    """Of wide data, whether the columns stand in the order that their names say; and what R notes itself."""
    listed = asked.get("wave_lists")
    notes = tuple((str(code), str(sentence)) for code, sentence in asked.get("notes") or ())
    if not listed:
        return notes
    without = listed.get("without_times")  # what the columns of a matrix that came without times are called, or none
    counted = () if without is None else (times_without(without or None, asked["waves"])[1],)
    said = doubts(listed["columns"], listed["times"], listed["written"], repeated=bool(asked.get("repeated")))
    return counted + said + notes


def _waves(times: np.ndarray, waves: int, *, repeated: bool) -> np.ndarray:
    """(n,) of each cell of wide data the number of its wave, of times (n,) row by row."""
    numbers = waves_of_columns(times.reshape(-1, waves)) if repeated else np.arange(waves)
    return np.tile(numbers, times.size // waves)


def panel_of_columns(
    asked: dict[str, Any], ids: bytearray, subject: bytearray, times: np.ndarray, values: np.ndarray
) -> Panel:
    """The panel of long columns; the subject codes end here, and so does all else that was received."""
    codes, distinct = subjects_of(asked, ids, column("subject", subject))
    covariates, leaving = (asked.get(f"{kind}_names") for kind in ("tcov", "dcov"))
    known = _known(asked, len(distinct))
    if asked.get("people"):  # a table of people without a column of outcomes
        return people_panel(distinct, known, asked["outcome_name"], asked["time_name"], int((codes < 0).sum()))
    waves = asked.get("waves")
    further: dict[str, Any] = {
        "covariates": _matrix("tcov", covariates), "covariate_names": tuple(covariates or ()),
        "dcov": _matrix("dcov", leaving), "dcov_names": tuple(leaving or ()),
        "exposure": received("exposure") if asked.get("exposure") else None,
        "counted": received("wave") if asked.get("wave") else None, "waves": asked.get("known"),
        "wave_name": asked.get("wave") or "wave", "dropout": bool(asked.get("dropout")),
        "strange": _doubts(asked), "known": known,
        "unobserved": bool(asked.get("unobserved")), "repeated": bool(asked.get("repeated")),
    }
    lags = asked.get("lags")
    if lags:
        columns = [str(t["outcome"]) for t in lags["terms"]]
        rows, before = _matrix("lag_rows", columns), _matrix("lag_values", columns)
        assert rows is not None
        assert before is not None
        further["lags"] = rows.astype(np.int64), before
    panel = Panel.from_arrays(
        codes, times, values, ids=distinct, id_name=asked["id_name"], time_name=asked["time_name"],
        name=asked["outcome_name"], row_labels=pd.RangeIndex(1, values.size + 1),
        wave=_waves(times, waves, repeated=further["repeated"]) if waves else None, **further,
    )
    if lags:
        design = parts_design(covariates or (), lags["parts"])
        terms = tuple(LagTerm.of({"first": None, **t}) for t in lags["terms"])
        made = Lags(terms, np.asarray(lags["waves"], dtype=float).ravel(), design, lags["time"])
        panel = replace(panel, outcomes=(replace(panel.outcomes[0], lags=made),))
    declared = tuple((str(name), int(count)) for name, count in (asked.get("declared") or {}).items())
    return replace(panel, dropped=replace(panel.dropped, declared=declared))
