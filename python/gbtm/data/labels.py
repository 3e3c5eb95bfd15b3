"""Labels of pandas objects given beside each other: what has a label is matched by it, never by its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..columns.reading import MAX_SHOWN, listing
from ..errors import DataError


def row_labels(*given: Any) -> pd.Index | None:
    """The index of the first of these that has one."""
    return next((x.index for x in given if isinstance(x, (pd.Series, pd.DataFrame))), None)


def own_names(values: Any) -> tuple[str, ...]:
    """What a table's columns, or a Series, are called; none for what has no name."""
    if isinstance(values, pd.DataFrame):
        return tuple(str(c) for c in values.columns)
    return (values.name,) if isinstance(values, pd.Series) and isinstance(values.name, str) else ()


def is_default(index: pd.Index) -> bool:
    """0, 1, 2, ..: what pandas numbers rows with when nobody named them."""
    return bool(not isinstance(index, pd.MultiIndex) and index.dtype.kind in "iu"
                and np.array_equal(index.to_numpy(), np.arange(len(index))))


def by_rows(
    values: Any, argument: str, n: int, *, rows: pd.Index | None = None, ids: pd.Index | None = None
) -> Any:
    """The rows of a Series or DataFrame in the order of the outcome's rows, or of the subjects.

    Parameters
    ----------
    values : what was given for ``argument``; without an index it is returned as it is, and so it is where it has not
        ``n`` rows, for its shape to be refused
    rows : index of the outcome's rows, where they have one
    ids : the subjects' ids, in their order

    Raises
    ------
    DataError
        ``labels_disagree`` where the index names neither those rows nor those subjects; ``labels_ambiguous`` where it
        could be either, and in another order.
    """
    if not isinstance(values, (pd.Series, pd.DataFrame)) or len(values) != n:
        return values
    index = values.index
    if rows is not None and index.equals(rows):
        return values
    orders = [at for names in (rows, ids) if names is not None and (at := _places(index, names)) is not None]
    if is_default(index) and (rows is None or not orders):
        orders.append(np.arange(n))
    if not orders:
        known, what = (ids, "subjects") if ids is not None else (rows, "rows of y")
        strange = [] if known is None else [str(i) for i in index if i not in known][:MAX_SHOWN]
        raise DataError(
            f"{argument}: its index names none of the {what}" if known is None else
            f"{argument}: its index is not that of the {what}"
            + (f" ({', '.join(strange)} is none of them)." if strange else "."),
            code="labels_disagree", argument=argument,
            way_out=f"Index it by id, or by the index of y; if it is in the order of the {what} already, give "
            f"{argument}.to_numpy().",
        )
    if any(not np.array_equal(at, orders[0]) for at in orders[1:]):
        raise DataError(
            f"{argument}: its index can be read as ids and as the numbers of rows, which are in another order.",
            code="labels_ambiguous", argument=argument,
            way_out=f"Give {argument}.loc[ids].to_numpy() if it is indexed by id, and {argument}.to_numpy() if it is "
            "in the order of the rows.",
        )
    return values.iloc[orders[0]]


def by_waves(values: Any, argument: str, waves: pd.Index) -> Any:
    """The columns of a DataFrame, or the entries of a Series, in the order of the outcome's columns ``waves``.

    Labels that have nothing in common with them, such as those of other variables, say nothing of the order.
    """
    if not isinstance(values, (pd.Series, pd.DataFrame)):
        return values
    own = values.columns if isinstance(values, pd.DataFrame) else values.index
    if own.equals(waves) or len(own) != len(waves):
        return values
    at = _places(own, waves)
    if at is not None:
        return values.iloc[at] if isinstance(values, pd.Series) else values.iloc[:, at]
    common = [str(w) for w in waves if w in own]
    if common and not is_default(own):
        raise DataError(
            f"{argument}: {listing(common, MAX_SHOWN)} stand among its labels, but not all waves of y do.",
            code="labels_disagree", argument=argument,
            way_out=f"Label it by the columns of y ({listing([str(w) for w in waves])}), or give {argument}.to_numpy() "
            "if it is in their order.",
        )
    return values


def by_names(values: Any, argument: str, names: Sequence[str]) -> Any:
    """The entries of a Series or mapping, or the columns of a DataFrame, in the order of ``names``.

    What has no labels, or 0, 1, 2, .., is returned as it is.
    """
    if isinstance(values, Mapping):
        values = pd.Series(dict(values))
    if not isinstance(values, (pd.Series, pd.DataFrame)):
        return values
    own = values.columns if isinstance(values, pd.DataFrame) else values.index
    if is_default(own):
        return values
    at = _places(pd.Index([str(o) for o in own]), pd.Index(list(names)))
    if at is None:
        strange = [str(o) for o in own if str(o) not in names] or [n for n in names if n not in own]
        raise DataError(
            f"{argument}: its labels are not {listing(list(names))}" + (
                f" ({listing(strange, MAX_SHOWN)})." if strange else "."), code="labels_disagree", argument=argument,
            way_out=f"Label it so, or give {argument}.to_numpy() if it is in this order.",
        )
    return values.iloc[at] if isinstance(values, pd.Series) else values.iloc[:, at]


def _places(index: pd.Index, wanted: pd.Index) -> np.ndarray | None:
    """Where each of ``wanted`` stands in ``index``; None unless both have the same labels, once each."""
    if len(index) != len(wanted) or not (index.is_unique and wanted.is_unique):
        return None
    at = index.get_indexer(wanted)
    return None if (at < 0).any() else at
