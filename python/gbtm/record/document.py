"""The fit document on disk: one JSON file, bulk arrays inside as base64 of little-endian doubles.

Nothing is executed on load, and R reads the same bytes with jsonlite and readBin. Fields: docs/fit-document.md.
"""

from __future__ import annotations

import base64
import json
import math
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .document_schema import FIT, FIT_V1, check_fields, check_references
from .document_v1 import upgraded
from .document_values import check_values
from .shared_data import slim

FORMAT, FORMAT_VERSION = "gbtm-fit", 2


def encode(value: Any, bulk: bytearray | None = None) -> Any:
    """A document as JSON-able values: arrays become ``{"f8": base64, "shape": [..]}`` in row-major order.

    With ``bulk``, their bytes are appended to it instead, and ``{"at": .., "shape": [..]}`` says at which double.
    """
    if isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value, dtype="<f8")
        if bulk is None:
            return {"f8": base64.b64encode(data.tobytes()).decode("ascii"), "shape": list(data.shape)}
        at = len(bulk) // 8
        bulk += data.data.cast("B") if data.size else b""
        return {"at": at, "shape": list(data.shape)}
    if isinstance(value, dict):
        return {k: encode(v, bulk) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        if value and type(value[0]) is int and set(map(type, value)) == {int}:
            return list(value)  # ids, by the million
        return [encode(v, bulk) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def decode(value: Any, bulk: bytes | bytearray = b"") -> Any:
    """The inverse of :func:`encode`."""
    if isinstance(value, dict):
        if set(value) == {"f8", "shape"}:
            return np.frombuffer(base64.b64decode(value["f8"]), dtype="<f8").reshape(value["shape"]).copy()
        if set(value) == {"at", "shape"}:
            count = int(np.prod(value["shape"]))
            return np.frombuffer(bulk, "<f8", count, 8 * value["at"]).reshape(value["shape"]).copy()
        return {k: decode(v, bulk) for k, v in value.items()}
    if isinstance(value, list):
        return [decode(v, bulk) for v in value]
    return value


def to_json(document: dict[str, Any]) -> str:
    """A fit document as JSON text."""
    return json.dumps(encode(document), allow_nan=False)


def from_json(text: str, source: str = "text", bulk: bytes | bytearray = b"") -> dict[str, Any]:
    """JSON text as a fit document; refuses anything else by name."""
    try:
        document = decode(json.loads(text), bulk)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise DataError(
            f"{source}: not a fit document ({error}).", code="bad_document", argument="path",
            way_out="Give a file written by save() or write_gbtm().",
        ) from None
    return current(document, source)


def current(document: Any, source: str) -> dict[str, Any]:
    """A decoded document as one of today's version, checked field by field; refuses anything else by name."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(
            f"{source}: not a fit document.", code="bad_document", argument="path",
            way_out="Give a file written by save() or write_gbtm().",
        )
    check_version(document, FORMAT_VERSION, source)
    return current_fields(document, source)


def current_fields(document: dict[str, Any], source: str, *, data: bool = True) -> dict[str, Any]:
    """The fields of a fit document as those of today's version, checked; without the ``data`` for a fit of a search."""
    data = data and document.get("on_disk") is None  # then there are none with it
    if document.get("format_version") == 1:
        check_fields(document, FIT_V1, source, data=data)
        document = upgraded(document)
    check_fields(document, FIT, source, data=data)
    check_references(document, source)
    check_values(document if data else slim(document), source)
    return document


def check_version(document: dict[str, Any], newest: int, source: str) -> None:
    """Refuses a document of a later format, or of none."""
    version = document.get("format_version")
    if type(version) is not int or version < 1:
        raise DataError(
            f"{source}: format_version is {version!r}, not a whole number from 1 on.", code="bad_document",
            argument="path", way_out="Give a file as it was written.",
        )
    if version > newest:
        raise DataError(
            f"{source}: format version {version} is newer than this package reads.", code="bad_document",
            argument="path", way_out="Update gbtm.",
        )


def save(document: dict[str, Any], path: str | Path) -> None:
    """Write a fit document: all of it, or nothing."""
    save_text(to_json(document), path)


def save_text(text: str, path: str | Path) -> None:
    """Write a file that is whole or as it was before, however full the disk is.

    Raises
    ------
    DataError
        ``not_written``.
    """
    try:
        write_whole(text, Path(path))
    except (OSError, ValueError) as error:  # a name that is none is a ValueError
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"path: {str(path)!r} cannot be written ({why}).", code="not_written", argument="path",
            way_out="Check the folder and the space on the disk; a file that was there before is as it was.",
        ) from error


def write_whole(text: str, path: Path) -> None:
    """Beside its place first, then moved there: the whole file or none, whenever the process is killed."""
    if path.is_symlink():
        path = path.resolve()
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def text_of(path: str | Path) -> str:
    """The text of a file that :func:`gbtm.load` or :func:`gbtm.load_search` is to read; refuses what has none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise DataError(
                f"path: {str(path)!r} is no text.", code="bad_document", argument="path",
                way_out="Give a file written by save().",
            ) from None
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(
            f"path: {str(path)!r} cannot be read ({why}).", code="no_file", argument="path",
            way_out="Check the path.",
        ) from None
