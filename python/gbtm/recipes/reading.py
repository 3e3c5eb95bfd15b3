"""Lines of a script that say where the data are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

FILES = "data/*.parquet"  # of data on disk, where the name of a table in memory is given


class InOrder(list[Any]):
    """Levels of an ordered factor."""


def files_named(data: str) -> str:
    """The name for data that stay on disk: as it is given, unless it is that of a text file."""
    return FILES if data.lower().endswith((".csv", ".txt", ".tsv")) else data


def read_in_python(data: str, levels: Mapping[str, Any], shown: Callable[[Any], str], *, on_disk: bool) -> list[str]:
    """``data`` is a table of the file, its factors with these levels; or, on disk, the files."""
    if on_disk:
        return ["import gbtm", "", f"data = {json.dumps(files_named(data))}  # read block by block, never at once"]
    lines = ["import gbtm", "import pandas as pd", "", f"data = pd.read_csv({json.dumps(data)})"]
    return lines + [
        f"data[{shown(c)}] = pd.Categorical(data[{shown(c)}], {shown(v)}{', ordered=True' * isinstance(v, InOrder)})"
        for c, v in levels.items()]


def read_in_r(data: str, levels: Mapping[str, Any], shown: Callable[[Any], str], *, on_disk: bool) -> list[str]:
    """As :func:`read_in_python`."""
    if on_disk:
        return [f"data <- {json.dumps(files_named(data))}  # read block by block, never at once"]
    lines = [f"data <- read.csv({json.dumps(data)}, check.names = FALSE)"]
    return lines + [
        f"data[[{shown(c)}]] <- factor(data[[{shown(c)}]], levels = {shown(v)}"
        f"{', ordered = TRUE' * isinstance(v, InOrder)})" for c, v in levels.items()]
