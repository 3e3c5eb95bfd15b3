"""A table of people brought to the people of a fit: by their ids, never by the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..columns.declared_missing import without_declared
from ..columns.reading import require_columns
from ..data.ids import id_column, id_columns
from ..data.subjects import constant_within
from ..errors import DataError

if TYPE_CHECKING:
    from ..fit.fit import Fit


def people_of(fit: Fit, data: pd.DataFrame, columns: Sequence[str], id: str | Sequence[str] | None) -> pd.DataFrame:
    """The columns of a table for each person of a fit (N rows, in the fit's order); missing for who is not in it.

    Parameters
    ----------
    data : a row a person, or several that agree
    id : column or columns of the id; by default those of the fit, or the index of that name

    Raises
    ------
    DataError
        ``unknown_column``, ``no_id_matches``, ``not_constant``.
    """
    table = without_declared(data)[0]
    who = _ids(fit, table, id)
    require_columns(table, list(columns))
    position = fit.ids.get_indexer(pd.Index(who))
    if not (position >= 0).any():
        firsts = [v.item() if isinstance(v, np.generic) else v for v in (fit.ids[0], *who.iloc[:1])]
        shown = [f"{v!r} ({type(v).__name__})" for v in firsts]
        raise DataError(
            f"id: no id of the table is one of the fit: {' there and '.join(shown)} here.", code="no_id_matches",
            argument="id",
            way_out="Give the column of the ids with id='..', of the same kind as in the data of the fit.",
        )
    try:
        found = constant_within(position, table.reset_index(drop=True), list(columns), len(fit.ids), fit.ids)
    except DataError as error:
        if error.code != "not_constant":
            raise
        raise DataError(
            error.message, code=error.code, argument=error.argument,
            way_out="A distal outcome and its covariates are one a person: give a table with a row a person.",
        ) from None
    for name in columns:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            found[name] = found[name].astype(table[name].dtype)
        elif pd.api.types.is_numeric_dtype(table[name].dtype) and not pd.api.types.is_bool_dtype(table[name].dtype):
            found[name] = pd.to_numeric(found[name])
        else:
            found[name] = _as_their_values(found[name])
    found.index = fit.ids
    return found


def _as_their_values(column: pd.Series) -> pd.Series:
    """Numbers as numbers and truth values as such, in whatever kind of column they came, some missing or not."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "boolean":
        return column.astype("boolean")
    if kind == "decimal":
        return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index, name=column.name)
    if kind in ("integer", "floating", "mixed-integer-float"):
        return pd.to_numeric(column.astype(object).where(column.notna(), np.nan))
    return column


def _ids(fit: Fit, table: pd.DataFrame, id: str | Sequence[str] | None) -> pd.Series:
    stored = (fit.inputs or {}).get("id")
    wanted = id if id is not None else stored if stored is not None else fit.id_name
    if id is None and not set(id_columns(wanted)) <= set(table.columns):
        if table.index.name is not None and table.index.name in (fit.id_name, wanted):
            return pd.Series(table.index, index=table.index)
        raise DataError(
            f"id: the table has no column '{', '.join(id_columns(wanted))}', by which the fit knows people.",
            code="unknown_column", argument="id",
            way_out="Name the column of the ids with id='..': people are joined by id, never by the order of the rows.",
        )
    return id_column(table, wanted)


def of_rows(people: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """The people at some positions (n,), whose categories are those that there are among them."""
    here = people.iloc[rows].copy()
    for name in here.columns:
        if isinstance(here[name].dtype, pd.CategoricalDtype):
            here[name] = here[name].cat.remove_unused_categories()
    return here


def complete_rows(people: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Positions (n,) of those of whom nothing is missing."""
    return np.flatnonzero(people[list(columns)].notna().all(axis=1).to_numpy())
