"""Values that a file declares missing, as SPSS files do, and the dots that SAS and Stata write for missing values.

``pyreadstat.read_sav(user_missing=True)`` keeps such values in the table and says which they are in its metadata:
``missing_ranges``, by column a list of ``{"lo": .., "hi": ..}``, and ``missing_user_values``, by column a list. They
are read from ``data.attrs``, into which they are put by ``data.attrs = vars(metadata)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError

Declared = tuple[tuple[str, int], ...]
DOT = r"\s*\.[A-Za-z_]?\s*"  # ., .a to .z, ._
WORDS = ("", "nan", "NaN", "NA", "N/A", "<NA>", "NaT")  # blanks, and what missing values become as text
CODES = (-7.0, -8.0, -9.0, -77.0, -88.0, -99.0, -777.0, -888.0, -999.0, 99.0, 999.0, 9999.0)
DOTS_WAY_OUT = (
    "'.' is how SAS and Stata write a missing value: read the file with pd.read_csv(.., na_values='.'), or make "
    "numbers of the column, pd.to_numeric(d['x'].where(d['x'] != '.'))."
)


def without_declared(data: pd.DataFrame) -> tuple[pd.DataFrame, Declared]:
    """The table with what it declares missing made missing, and how many values of which columns that are."""
    ranges, single = (data.attrs.get(k) or {} for k in ("missing_ranges", "missing_user_values"))
    found: dict[str, int] = {}
    changed: dict[str, Any] = {}
    for column in data.columns:
        spans, codes = ranges.get(column) or (), single.get(column) or ()
        if not (len(spans) or len(codes)):
            continue
        values = data[column]
        gone = values.isin(list(codes))
        for span in spans:
            low, high = (span["lo"], span["hi"]) if isinstance(span, dict) else span
            if pd.api.types.is_numeric_dtype(values.dtype) and not isinstance(low, str):
                gone |= values.between(low, high).fillna(False).astype(bool)
            else:
                gone |= values.isin([low, high])
        if gone.any():
            changed[column], found[str(column)] = values.mask(gone), int(gone.sum())
    return (data.assign(**changed) if changed else data), tuple(found.items())


def refuse_dots(data: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse covariates that are numbers but for dots, or have words for a missing value: categories as text."""
    for name in columns:
        values = data[name]
        if isinstance(values, pd.Series) and has_dots(values):
            raise DataError(
                f"{name}: numbers and '.', read as text.", code="not_numeric", argument=name, way_out=DOTS_WAY_OUT,
            )
        if isinstance(values, pd.Series):
            refuse_words_for_missing(values, name)


def refuse_words_for_missing(values: pd.Series, name: str) -> None:
    """Refuse text of which some stands for a missing value: it would be a category like the others."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return
    words = {v for v in values.dropna().astype(object).unique().tolist() if isinstance(v, str)}
    found = sorted(v for v in words if v.strip() in WORDS or re.fullmatch(DOT, v) or _code(v, words))
    if found:
        n = int(values.isin(found).sum())
        raise DataError(
            f"{name}: {n} values are {', '.join(map(repr, found))}, which stand for a missing value and would be a "
            "category of their own.", code="missing_as_text", argument=name,
            way_out="Make them missing, or give the category another name.",
        )


def _code(text: str, among: set[str]) -> bool:
    """A number such as -99 among words."""
    return _number(text) in CODES and not any(_number(w) is not None for w in among if w != text)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def has_dots(values: pd.Series) -> bool:
    """Text or categories that are all numbers but for dots."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    text = values.dropna().astype(object)
    text = text[[isinstance(v, str) for v in text]]
    dots = text.str.fullmatch(DOT) if len(text) else pd.Series(dtype=bool)
    if not dots.any():
        return False
    return bool(np.isfinite(pd.to_numeric(text[~dots.astype(bool)], errors="coerce")).all())
