"""Factors and text as outcomes: their levels as numbers 1, 2, .. in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..columns.declared_missing import refuse_words_for_missing
from ..errors import DataError


def numbers_of_ordered(
    data: pd.DataFrame, columns: Sequence[str], known: Sequence[str] | None = None, *, unordered: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...] | None]:
    """The table with ordered categoricals among ``columns`` as numbers of their levels, and what these are called.

    Parameters
    ----------
    known : levels of a fit, which new data have to keep to; None where there is none
    unordered : take categoricals without an order too, and text, whose levels are its values in the alphabet's order

    Raises
    ------
    DataError
        ``other_levels``, for columns of which some have other levels, or in another order; ``missing_as_text``.

    Examples
    --------
    >>> import pandas as pd
    >>> pain = pd.Categorical(["none", "much", "none"], categories=["none", "some", "much"], ordered=True)
    >>> table, levels = numbers_of_ordered(pd.DataFrame({"pain": pain}), ["pain"])
    >>> table["pain"].tolist(), levels
    ([1.0, 3.0, 1.0], ('none', 'some', 'much'))
    """
    levels: tuple[str, ...] | None = None if known is None else tuple(known)
    text = [c for c in columns if unordered and c in data and _is_text(data[c])]
    if text and levels is None:
        levels = tuple(sorted({str(v) for c in text for v in data[c].dropna().unique()}))
    for column in columns:
        kind = data[column].dtype if column in data else None
        if column in text or isinstance(kind, pd.CategoricalDtype):
            refuse_words_for_missing(data[column], str(column))
        if column in text:
            values = data[column].astype(object).map(str, na_action="ignore")
            own = levels if levels is not None and values.dropna().isin(levels).all() else (
                tuple(sorted(values.dropna().unique())))
            codes = np.asarray(pd.Categorical(values, categories=list(own)).codes)
        elif isinstance(kind, pd.CategoricalDtype) and (kind.ordered or unordered):
            own = tuple(str(c) for c in data[column].cat.categories)
            codes = np.asarray(data[column].cat.codes)
        else:
            continue
        if levels is not None and own != levels:
            raise DataError(
                f"{column}: its levels are {', '.join(own)}, and those of the outcome {', '.join(levels)}.",
                code="other_levels", argument=str(column), way_out="Give all of them the same levels in one order.")
        levels = own
        data = data.assign(**{column: np.where(codes < 0, np.nan, codes + 1.0)})
    return data, levels


def _is_text(column: pd.Series) -> bool:
    """Text that is no numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype) or not (
        pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)
    ):
        return False
    known = column.dropna().astype(object)  # of pandas' arrays of Arrow too
    return bool(known.map(lambda v: isinstance(v, str)).any()) and bool(
        pd.to_numeric(known, errors="coerce").isna().any())
