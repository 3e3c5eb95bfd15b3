"""Values that a file declares missing, as SPSS files do, and the dots that SAS and Stata write for missing values.

``pyreadstat.read_sav(user_missing=True)`` keeps such values in the table and says which they are in its metadata:
``missing_ranges``, by column a list of ``{"lo": .., "hi": ..}``, and ``missing_user_values``, by column a list. They
are read from ``data.attrs``, into which they are put by ``data.attrs = vars(metadata)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError

Declared = tuple[tuple[str, int], ...]
DOT = r"\s*\.[A-Za-z_]?\s*"  # ., .a to .z, ._
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
    """Refuse covariates that are numbers but for dots: as text they would be categories."""
    for name in columns:
        values = data[name]
        if isinstance(values, pd.Series) and has_dots(values):
            raise DataError(
                f"{name}: numbers and '.', read as text.", code="not_numeric", argument=name, way_out=DOTS_WAY_OUT,
            )


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
