"""Who a row is about: one column, or several that name a person together, such as a household and a person in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..columns.reading import id_values, require_columns
from ..errors import DataError

SEPARATORS = (".", "_", "|", " / ")


def id_columns(id: str | Sequence[str]) -> list[str]:
    """The columns that name a person."""
    return [id] if isinstance(id, str) else [str(c) for c in id]


def id_column(data: pd.DataFrame, id: str | Sequence[str]) -> pd.Series:
    """The ids of the rows: a column as it is, or several joined by a dot.

    Where a dot would make two people one, as of ``a.b`` with ``c`` and of ``a`` with ``b.c``, it is another sign. An id
    is missing where one of its columns is.

    Examples
    --------
    >>> import pandas as pd
    >>> from gbtm.data.ids import id_column
    >>> id_column(pd.DataFrame({"HHID": [0, 0, 7], "PN": [10.0, 20, 10]}), ["HHID", "PN"]).tolist()
    ['0.10', '0.20', '7.10']
    """
    columns = id_columns(id)
    if not columns:
        raise DataError("id: no columns are named.", code="bad_id", argument="id", way_out="Give id='column'.")
    require_columns(data, columns)
    if len(columns) == 1:
        return id_values(data[columns[0]])
    known = data[columns].notna().all(axis=1).to_numpy()
    parts = data.loc[known, columns]
    texts = [_texts(parts[c]) for c in columns]
    people = pd.MultiIndex.from_arrays(texts).factorize()[0]
    n = int(people.max(initial=-1)) + 1
    for separator in SEPARATORS:
        joined = np.array([separator.join(row) for row in zip(*texts, strict=True)], dtype=object)
        if pd.unique(joined).size == n:
            out = pd.Series(None, index=data.index, name=".".join(columns), dtype=object)
            out[known] = joined
            return out
    raise DataError(
        f"id: {', '.join(columns)} cannot be joined so that everybody keeps an id of his own.", code="bad_id",
        argument="id", way_out="Make one column of them, for example numbers.",
    )


def _texts(column: pd.Series) -> list[str]:
    """Values as text, whole numbers without a decimal point."""
    return [
        str(int(v)) if isinstance(v, (float, np.floating)) and float(v).is_integer() else str(v)
        for v in id_values(column)
    ]


def wide_ids(data: pd.DataFrame, id: str | Sequence[str] | None) -> pd.Index:
    """One id a row of wide data, its index where no column is named."""
    if id is not None:
        column = id_column(data, id)
        ids = pd.Index(column, name=column.name)
    elif isinstance(data.index, pd.MultiIndex):
        names = [str(n or f"level {j + 1}") for j, n in enumerate(data.index.names)]
        table = data.index.to_frame(index=False, name=names)
        return wide_ids(table, list(table.columns))
    else:
        ids = pd.Index(data.index, name=data.index.name or "id")
    repeated = ids[ids.duplicated() & ids.notna()]
    if len(repeated):
        raise DataError(
            f"{ids.name}: {len(repeated)} ids stand on more than one row of wide data, first {repeated[0]!r}.",
            code="duplicate_id", argument=str(ids.name),
            way_out="Wide data have one row per subject. Where two columns name a person, give both: "
            "id=['HHID', 'PN'].",
        )
    return ids
