"""What crosses to R and back: numbers as raw bytes, the rest as JSON text, errors as documents.

R's reticulate corrupts missing values and cannot convert arrays under every NumPy, so that nothing but ``bytearray``,
``str`` and single numbers cross. Little-endian doubles, NaN for missing, matrices by column.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..api.load import results_of
from ..api.results import GBTMResults
from ..errors import GBTMError, GBTMWarning
from ..record.document import encode, from_json


def doubles(buffer: bytearray) -> np.ndarray:
    """Little-endian doubles as numbers."""
    return np.frombuffer(buffer, dtype="<f8").astype(float, copy=False)


def answer(work: Callable[[], dict[str, Any]]) -> str:
    """Run, and return the result or the error as a JSON document."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GBTMWarning)  # they travel in the document
            return json.dumps({"ok": True, **work()}, allow_nan=False)
    except GBTMError as error:
        problem = {
            "code": error.code, "message": error.message, "argument": error.argument, "way_out": error.way_out,
        }
        return json.dumps({"ok": False, "error": problem})


def fit_of(document: str) -> GBTMResults:
    """A fit from the text of its document, as R keeps it."""
    return results_of(from_json(document))


def without_clock(document: Mapping[str, Any]) -> dict[str, Any]:
    """A fit's document without the time that it took: R's users compare fits by ``identical()``."""
    return {**document, "seconds": None}


# -- numbers to R ------------------------------------------------------------------------------------------------

_bulk = bytearray()
_codes: dict[str, bytearray] = {}


def take_bulk() -> bytearray:
    """The arrays of the last answer, as the doubles that it points into; they are handed over once."""
    global _bulk
    taken, _bulk = _bulk, bytearray()
    return taken


def new_bulk() -> bytearray:
    """Where the arrays of the next answer go."""
    global _bulk
    _bulk = bytearray()
    return _bulk


def take_codes(name: str) -> bytearray:
    """Whole numbers of the last fit, in the bytes each that its ``held`` tells; they are handed over once."""
    return _codes.pop(name)


def keep_codes(codes: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Keep whole numbers from 0 in the fewest bytes that R's readBin() takes; returns how many bytes each."""
    _codes.clear()
    width = {}
    for name, values in codes.items():
        most = values.max(initial=0)
        data = values.astype("u1" if most < 2**8 else "<u2" if most < 2**16 else "<i4")
        _codes[name] = bytearray(data.data.cast("B"))
        width[name] = data.itemsize
    return width


def frame(table: pd.DataFrame, bulk: bytearray) -> dict[str, Any]:
    """A table for R: its numbers go to ``bulk``, as JSON has neither infinity nor NaN.

    ``kinds`` are "integer", "logical", "double" or "text" (missing: null); ``rows`` its labels, where it is indexed by
    text, and else the index is a column, where it has a name.
    """
    if table.index.dtype.kind in "OUT" and table.index.inferred_type == "string":
        rows: list[str] | None = [str(label) for label in table.index]
    else:
        rows, table = None, table.reset_index() if table.index.name else table
    kinds, columns = [], []
    for at in range(table.shape[1]):
        values = table.iloc[:, at]
        kind = {"i": "integer", "u": "integer", "b": "logical", "f": "double"}.get(values.dtype.kind, "text")
        kinds.append(kind)
        if kind == "text":
            columns.append([None if pd.isna(v) else str(v) for v in values])
        else:
            columns.append(encode(values.to_numpy(dtype=float), bulk))
    return {"names": [str(c) for c in table.columns], "kinds": kinds, "columns": columns, "rows": rows}


# -- numbers from R ----------------------------------------------------------------------------------------------

_columns: dict[str, np.ndarray] = {}


def receive(name: str, kind: str, size: float, at: float, block: bytearray) -> None:
    """A block of a column for the next call: ``kind`` "<i4" (R's integers) or "<f8", ``size`` in all, from ``at`` on.

    In blocks, as a column that is sent whole stands in memory three times.
    """
    if at == 0:
        _columns[name] = np.empty(int(size), dtype=np.int64 if kind == "<i4" else float)
    part = np.frombuffer(block, dtype=kind)
    _columns[name][int(at) : int(at) + part.size] = part


def received(name: str) -> np.ndarray:
    """A column as :func:`receive` had it; it is handed over once."""
    return _columns.pop(name)


def still_held(name: str) -> np.ndarray:
    """A column as :func:`receive` had it, which stays there."""
    return _columns[name]


def sent_table(columns: Sequence[Mapping[str, Any]], digest: Any = None, prefix: str = "people") -> pd.DataFrame:
    """A table of R's whose columns :func:`receive` has, as ``people0``, ``people1``, .., or after another ``prefix``.

    Parameters
    ----------
    columns : each with a ``name``, a ``kind`` ("number", "id", "text", "logical"), and of text its ``levels``, of which
        the values are codes, whether it is a ``factor`` and ``ordered``
    digest : a hash of hashlib's that takes the values in
    """
    made = {}
    for place, one in enumerate(columns):
        values = received(f"{prefix}{place}")
        if digest is not None:
            digest.update(np.ascontiguousarray(values, dtype=float).tobytes())
        made[one["name"]] = _sent_column(values, one)
    return pd.DataFrame(made)


def _sent_column(values: np.ndarray, about: Mapping[str, Any]) -> Any:
    if about["kind"] == "text":
        codes = np.where(np.isnan(values), -1, values).astype(int)
        made = pd.Categorical.from_codes(codes, categories=about["levels"], ordered=bool(about.get("ordered")))
        return made if about.get("factor") else pd.Series(made).astype(object)
    if about["kind"] in ("logical", "id") and np.array_equal(values, np.floor(values)):  # false where one is missing
        return values.astype(bool if about["kind"] == "logical" else np.int64)
    return values


def column(name: str, buffer: bytearray) -> np.ndarray:
    """A column as :func:`receive` had it, or else as doubles given with the request."""
    return doubles(buffer) if buffer else _columns.pop(name, np.empty(0))
