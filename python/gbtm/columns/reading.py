"""Columns of the user's table: found by name, read as numbers, refused by name."""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from .declared_missing import DOTS_WAY_OUT, has_dots

MAX_SHOWN = 5
DATES_WAY_OUT = (
    "Time is a number: give for example years since the first date, "
    "(d['date'] - d['date'].min()).dt.days / 365.25."
)
SMALLEST_REACH, LARGEST_REACH = 1e-100, 1e100  # of the largest value of a column


def expand_columns(data: pd.DataFrame, columns: str | Sequence[str], argument: str) -> list[str]:
    """Names and patterns (``*``, ``?``) -> existing column names, in the table's order within a pattern."""
    wanted = [columns] if isinstance(columns, str) else list(columns)
    if not wanted:
        raise DataError(
            f"{argument}: no columns are named.", code="no_columns", argument=argument,
            way_out="Give column names or a pattern such as 'count_*'.",
        )
    names = [str(c) for c in data.columns]
    found: list[str] = []
    for item in wanted:
        if isinstance(item, str) and any(ch in item for ch in "*?["):
            hits = [c for c in names if fnmatch.fnmatchcase(c, item)]
            if not hits:
                raise DataError(
                    f"{argument}: no column matches '{item}'.", code="unknown_column", argument=argument,
                    way_out=f"The columns are {listing(names)}.",
                )
            found += hits
        else:
            require_columns(data, [item], argument)
            found.append(item)
    return found


def refuse_values(given: Any, argument: str) -> None:
    """Where a table is read, what stands in it is asked for by name: values beside it would be taken by position."""
    if isinstance(given, (pd.Series, pd.DataFrame, pd.Index, np.ndarray)):
        raise DataError(
            f"{argument}: values ({type(given).__name__}) where the name of a column is wanted.", code="no_column",
            argument=argument,
            way_out=f"Put them into the table, data.assign({argument}=...), which matches rows by their labels, and "
            f"name the column: {argument}='{argument}'.",
        )


def is_number(given: object) -> bool:
    """A number that stands for all rows, where the name of a column may stand."""
    return isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)


def numbers_of_rows(data: pd.DataFrame, given: str | float) -> np.ndarray:
    """(n,) a column of numbers, or one number for all rows."""
    if isinstance(given, str) or not is_number(given):
        return numeric(data[require(data, str(given))], str(given))
    return np.full(len(data), float(given))


def require_columns(data: pd.DataFrame, wanted: Sequence[str], argument: str | None = None) -> None:
    strange = [c for c in wanted if not isinstance(c, Hashable)]
    if strange:
        raise DataError(
            f"{argument or 'columns'}: {strange[0]!r} is no name of a column.", code="no_column", argument=argument,
            way_out=f"The columns are {listing([str(c) for c in data.columns])}.",
        )
    unknown = [c for c in wanted if c not in data.columns]
    if unknown:
        raise DataError(
            f"{argument or unknown[0]}: no column named {', '.join(repr(c) for c in unknown)}.", code="unknown_column",
            argument=argument or unknown[0],
            way_out=f"{elsewhere(data, unknown)}The columns are {listing([str(c) for c in data.columns])}.",
        )
    for name in wanted:
        count = int((data.columns == name).sum())
        if count > 1:
            raise DataError(
                f"{name}: {count} columns have this name.", code="duplicate_column", argument=str(name),
                way_out="Rename them, so that it is clear which is meant.",
            )


def elsewhere(data: pd.DataFrame, names: Sequence[str]) -> str:
    """Where a table has what is no column of it: in its index, or under a name that is a number."""
    if any(n in data.index.names for n in names):
        return "It is in the index of the table: make a column of it, reset_index(). "
    if any(not isinstance(c, str) and str(c) in names for c in data.columns):
        return "Names of columns are text, and those of this table are not: make text of them. "
    return ""


def require(data: pd.DataFrame, name: str) -> str:
    """The name of an existing column."""
    require_columns(data, [name])
    return name


def listing(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def id_values(column: pd.Series) -> pd.Series:
    return column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column


def numeric(column: pd.Series, name: str) -> np.ndarray:
    """A float64 array with NaN for missing; dates, text and categories are refused by name."""
    if isinstance(column.dtype, pd.CategoricalDtype) or not pd.api.types.is_numeric_dtype(column.dtype):
        values = pd.to_numeric(column.astype(object), errors="coerce")
        bad = column[values.isna() & column.notna()]
        if len(bad) or isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_datetime64_any_dtype(column):
            first = bad if len(bad) else column.dropna()
            shown = ", ".join(f"row {i}: {v!r}" for i, v in first.head(MAX_SHOWN).items())
            raise DataError(
                f"{name}: the column is not numeric ({column.dtype}; {shown}).", code="not_numeric", argument=name,
                way_out=_dates_way_out(first, name) or (DOTS_WAY_OUT if has_dots(column) else
                "Convert it to numbers first; for dates, use for example years since the first wave."),
            )
        return values.to_numpy(dtype=float, na_value=np.nan)
    if pd.api.types.is_complex_dtype(column.dtype):
        raise _complex(name)
    return column.to_numpy(dtype=float, na_value=np.nan)


def _complex(name: str) -> DataError:
    return DataError(f"{name}: complex numbers.", code="not_numeric", argument=name, way_out="Give real numbers.")


def _dates_way_out(values: pd.Series, name: str) -> str | None:
    """How a column of dates or of times between them becomes numbers, with their unit; None for anything else."""
    one, column = values.iloc[0] if len(values) else None, f"d[{name!r}]"
    if isinstance(values.dtype, pd.PeriodDtype) or isinstance(one, pd.Period):
        column += ".dt.to_timestamp()"
    elif isinstance(one, (datetime.timedelta, np.timedelta64)):
        return f"Time is a number: give for example years, pd.to_timedelta({column}).dt.days / 365.25."
    elif isinstance(one, (datetime.date, np.datetime64)) or (
            isinstance(one, str) and re.match(r"\d{4}-\d{2}-\d{2}", one)):
        if not pd.api.types.is_datetime64_any_dtype(values.dtype):
            column = f"pd.to_datetime({column})"
    else:
        return None
    return (
        f"Time is a number: give for example years since the first date, ({column} - {column}.min()).dt.days / 365.25."
    )


def refuse_infinite(
    values: np.ndarray, name: str, row: np.ndarray, wave: np.ndarray | None, columns: tuple[str, ...], labels: pd.Index
) -> None:
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        shown = ", ".join(
            f"row {labels[row[i]]}" + (f" column '{columns[wave[i]]}'" if columns and wave is not None else "")
            for i in bad[:MAX_SHOWN]
        )
        raise DataError(
            f"{name}: {bad.size} infinite values ({shown}).", code="infinite", argument=name,
            way_out="Recode them as missing or as finite numbers.",
        )


def refuse_extreme(values: np.ndarray, name: str) -> None:
    """Magnitudes whose squares are beyond what a double holds."""
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max(initial=0.0))
    if largest > 0 and not SMALLEST_REACH <= largest <= LARGEST_REACH:
        raise DataError(
            f"{name}: the largest value is {largest:g}, which is beyond what can be computed with.",
            code="out_of_reach", argument=name,
            way_out=f"Give it in other units, or as missing where it is a code; from {SMALLEST_REACH:g} to "
            f"{LARGEST_REACH:g} is within reach.",
        )


def common_stem(columns: Sequence[str]) -> str:
    columns = [str(c) for c in columns]
    stem = columns[0]
    for c in columns[1:]:
        while not c.startswith(stem) and stem:
            stem = stem[:-1]
    return stem.rstrip("_.0123456789") or columns[0]


def number_array(values: Any, argument: str) -> np.ndarray:
    """An array of doubles, NaN where a value is missing or masked, or an error that names the argument."""
    if callable(getattr(values, "detach", None)):  # a tensor of torch, wherever it is
        values = values.detach().cpu()
    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise DataError(
            f"{argument}: not an array, but a list of others of several lengths, or the like.", code="not_numeric",
            argument=argument, way_out="Give rows of one length, NaN for missing.",
        ) from None
    if array.dtype.kind == "c":
        raise _complex(argument)
    if array.dtype.kind in "Mm":
        raise DataError(f"{argument}: these are dates ({array.dtype}).", code="not_numeric", argument=argument,
                        way_out=DATES_WAY_OUT)
    try:
        if isinstance(array, np.ma.MaskedArray):
            return np.asarray(np.ma.filled(array.astype(float), np.nan))
        if array.dtype == object:
            array = np.where(pd.isna(array), np.nan, array)
        return np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        raise DataError(
            f"{argument}: not an array of numbers.", code="not_numeric", argument=argument,
            way_out="Convert it to numbers first, NaN for missing.",
        ) from None


def plain_labels(values: Any) -> np.ndarray:
    """Labels such as ids or clusters as an array; None where they are masked."""
    if isinstance(values, np.ma.MaskedArray):
        plain = values.data.astype(object)
        plain[np.ma.getmaskarray(values)] = None
        return np.asarray(plain)
    return np.asarray(values)
