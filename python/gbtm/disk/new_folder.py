"""A folder that appears when all is written, or not at all: it is written beside its place, under another name."""

from __future__ import annotations

import uuid
from pathlib import Path

from ..errors import DataError


def beside_new(folder: str | Path, argument: str, way_out: str) -> tuple[Path, Path]:
    """Where the folder is to stand, and where it is written until then.

    Raises
    ------
    DataError
        ``folder_exists`` where there is something at its place.
    """
    place = Path(folder)
    if place.exists():
        raise DataError(
            f"{argument}: {str(folder)!r} is there already.", code="folder_exists", argument=argument, way_out=way_out,
        )
    return place, place.with_name(f"{place.name}.{uuid.uuid4().hex}.tmp")
