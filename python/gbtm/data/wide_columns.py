"""The columns of wide data, one per wave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..columns.reading import expand_columns, numeric
from ..errors import DataError
from .labels import by_names


def wave_matrix(data: pd.DataFrame, columns: str | Sequence[str], argument: str, waves: int) -> np.ndarray:
    """Columns of wide data, one per wave, as a matrix (N, T)."""
    names = expand_columns(data, columns, argument)
    if len(names) != waves:
        raise DataError(
            f"{argument}: {len(names)} {argument} columns for {waves} outcome columns.", code="wave_mismatch",
            argument=argument, way_out=f"Give one {argument} column per outcome column.",
        )
    return np.column_stack([numeric(data[c], c) for c in names])


def times_in_order(data: pd.DataFrame, time: Any, outcome: str | Sequence[str]) -> Any:
    """Times in the order of the outcome's columns where they are labelled by them; as they are otherwise."""
    if not isinstance(time, (pd.Series, Mapping)):
        return time
    return list(by_names(time, "time", [str(c) for c in expand_columns(data, outcome, "outcome")]))


def wave_times(data: pd.DataFrame, time: Any, columns: Sequence[str]) -> np.ndarray:
    """The time of each row and wave (N, T): from columns of the table, or one number per wave of the outcome's."""
    time = times_in_order(data, time, columns)
    if isinstance(time, str) or not all(isinstance(t, (int, float, np.number)) for t in time):
        return wave_matrix(data, time, "time", len(columns))
    times = np.asarray(time, dtype=float)
    if times.size != len(columns):
        raise DataError(
            f"time: {times.size} times for {len(columns)} outcome columns.", code="wave_mismatch", argument="time",
            way_out="Give one time per outcome column.",
        )
    return np.broadcast_to(times, (len(data), len(columns)))


def times_of_columns(data: pd.DataFrame, time: Any, columns: Sequence[str]) -> list[Any]:
    """What the times of the outcome's columns are called: columns of the table, or numbers."""
    time = times_in_order(data, time, columns)
    names = [time] if isinstance(time, str) else list(time)
    return expand_columns(data, names, "time") if isinstance(names[0], str) else [float(t) for t in names]


def wave_lists(data: pd.DataFrame, given: Mapping[str, Any]) -> tuple[dict[str, list[str]], set[str]]:
    """The columns of each list that has columns, and which of them were named one by one."""
    lists: dict[str, list[str]] = {}
    literal: set[str] = set()
    for what, columns in given.items():
        items = [columns] if isinstance(columns, str) else list(columns) if isinstance(columns, (list, tuple)) else []
        if items and all(isinstance(c, str) for c in items):
            lists[what] = expand_columns(data, items, what)
            literal |= set(items)
    return lists, literal


def mean_times(times: np.ndarray) -> np.ndarray:
    """The mean time of each wave (T,) of times (N, T), NaN where none is known."""
    known = (~np.isnan(times)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(times, axis=0) / known)
