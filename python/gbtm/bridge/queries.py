"""Queries of R's as the source of people: the engine asks the database, or R fetches rows and hands them on."""

from __future__ import annotations

import json
import uuid
from typing import Any

import numpy as np
import pandas as pd

from ..compute.progress import Progress
from ..disk.optional_package import optional_package
from ..disk.query import query_files as files_of_query
from ..disk.query_folder import QueryFolder
from ..errors import InternalError
from .transfer import answer, sent_table

_open: dict[str, QueryFolder] = {}


def query_files(request: str, tell: Progress | None) -> str:
    """Read a query into Parquet files; ``request`` is JSON with the arguments of :func:`gbtm.query_files`."""

    def work() -> dict[str, Any]:
        asked = _asked(request)
        return {"folder": str(files_of_query(asked.pop("query"), asked.pop("connection"), **asked).files)}

    return answer(work)


def query_begin(request: str) -> str:
    """Begin a folder for rows that come; ``request`` is JSON with ``folder``, ``id``, ``rows``. Gives its ``key``."""

    def work() -> dict[str, Any]:
        made, key = QueryFolder(**_asked(request)).__enter__(), uuid.uuid4().hex
        _open[key] = made
        return {"key": key}

    return answer(work)


def query_rows(key: str, request: str) -> str:
    """Take the next rows, whose columns have been received and are described by ``columns`` of ``request``, JSON."""

    def work() -> dict[str, Any]:
        arrow = optional_package("pyarrow", "a query", "disk")
        table = sent_table(json.loads(request)["columns"])
        for name in table:
            if table[name].isna().all():  # of a type that later rows tell
                table[name] = pd.Series(np.full(len(table), None), dtype=object)
        _open[key].add(arrow.Table.from_pandas(table, preserve_index=False))
        return {}

    return answer(work)


def query_end(key: str, whole: bool) -> str:
    """The rows are all there, and the folder appears; or not ``whole``, and nothing is left of it."""

    def work() -> dict[str, Any]:
        left = None if whole else InternalError("the rows have not all come", code="internal")
        _open.pop(key).__exit__(None if left is None else type(left), left, None)
        return {}

    return answer(work)


def _asked(request: str) -> dict[str, Any]:
    asked = json.loads(request)
    return {**asked, "rows": int(asked["rows"])}
