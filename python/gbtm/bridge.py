"""The door for R: numbers as raw bytes, the rest as JSON text, errors as documents.

R's reticulate corrupts missing values and cannot convert arrays under every NumPy, so that nothing but ``bytearray``,
``str`` and a progress callback crosses. Little-endian doubles, NaN for missing, matrices by column.
"""

from __future__ import annotations

import json
import time as clock
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ._version import __version__
from .control import Progress
from .design import matrix_basis
from .document import encode, from_json
from .errors import GBTMError, GBTMWarning
from .model import GBTM
from .panel import Panel
from .post.command import Command, build, parse
from .results import GBTMResults
from .spec import make_spec

CALLBACK_EVERY = 0.2

RCallback = Callable[[str, float], object]


def _doubles(buffer: bytearray) -> np.ndarray:
    return np.frombuffer(buffer, dtype="<f8").astype(float)


def _progress(callback: RCallback | None) -> Progress | None:
    """Call R at most five times a second; an interrupt raised there ends the fit."""
    if callback is None:
        return None
    last = [0.0]

    def tell(what: str, seconds: float) -> None:
        now = clock.monotonic()
        if now - last[0] >= CALLBACK_EVERY:
            last[0] = now
            callback(what, seconds)

    return tell


def _answer(work: Callable[[], dict[str, Any]]) -> str:
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


_bulk = bytearray()


def take_bulk() -> bytearray:
    """The arrays of the last fit, as the doubles that its document points into; they are handed over once."""
    global _bulk
    taken, _bulk = _bulk, bytearray()
    return taken


def _fitted(res: GBTMResults) -> dict[str, Any]:
    """The fit document as text without its arrays, which :func:`take_bulk` hands over, and traj's table."""
    global _bulk
    _bulk = bytearray()
    text = json.dumps(encode(res.document, _bulk), allow_nan=False)
    return {"document": text, "traj": {"text": res.to_traj().text}}


def _ids(asked: dict[str, Any], buffer: bytearray) -> pd.Index:
    """Ids as JSON (text) or as doubles; whole numbers become integers."""
    if asked["ids"] is not None:
        return pd.Index(asked["ids"], name=asked["id_name"])
    values = _doubles(buffer)
    whole = values.astype(np.int64)
    return pd.Index(whole if (whole == values).all() else values, name=asked["id_name"])


def fit(
    request: str, ids: bytearray, subject: bytearray, time: bytearray, y: bytearray, basis: bytearray,
    progress: RCallback | None,
) -> str:
    """Fit from long arrays.

    Parameters
    ----------
    request : JSON with ``ids`` (text, or null where they are numbers), ``id_name``, ``time_name``, ``outcome_name``,
        ``model`` (arguments of :func:`gbtm.spec.make_spec`), ``basis_names`` (or null), ``options`` (arguments of
        :meth:`GBTM.fit`), and optionally ``start_document``, a fit with as many groups, or one less, to start from
    ids : the ids where they are numbers
    subject : codes 0.. into the ids, NaN for a missing id
    basis : columns of a basis formula at each observation, by column; empty for polynomials

    Returns
    -------
    JSON text: ``{"ok": true, "document": .., "traj": ..}`` or ``{"ok": false, "error": ..}``
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        codes, times, values = _doubles(subject), _doubles(time), _doubles(y)
        codes = np.where(np.isnan(codes), -1, codes).astype(np.int64)
        names = asked.get("basis_names")
        rows = pd.RangeIndex(1, values.size + 1)
        panel = Panel.from_arrays(
            codes, times, values, ids=_ids(asked, ids), id_name=asked["id_name"],
            time_name=asked["time_name"], name=asked["outcome_name"], row_labels=rows,
        )
        bases = None
        if names:
            columns = _doubles(basis).reshape(len(names), values.size).T
            bases = [matrix_basis(panel.outcomes[0].time, columns[panel.outcomes[0].row], tuple(names))]
            asked["model"]["basis"] = asked["formula"].partition("~")[2].strip()
        model = GBTM.from_panel(panel, make_spec(**asked["model"]), bases=bases, formula=asked.get("formula"))
        options = asked["options"]
        if asked.get("start_document"):
            options["start"] = GBTMResults(from_json(asked["start_document"]))
        return _fitted(model.fit(progress=_progress(progress) or False, **options))

    return _answer(work)


def read_command(text: str, columns: str) -> str:
    """Parse a traj command against column names (JSON list): which columns it needs."""

    def work() -> dict[str, Any]:
        read: Command = parse(text, json.loads(columns))
        start = read.start if isinstance(read.start, str) else None
        return {"columns": list(dict.fromkeys([*read.var, *read.indep])), "start_matrix": start}

    return _answer(work)


def command(text: str, request: str, ids: bytearray, table: bytearray, progress: RCallback | None) -> str:
    """Run a traj command on wide columns.

    Parameters
    ----------
    request : JSON with ``columns`` (names), ``ids`` (as for :func:`fit`), ``id_name``, ``start`` (numbers or null) and
        ``options``
    table : the columns' doubles, by column
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        values = _doubles(table).reshape(len(asked["columns"]), -1).T
        data = pd.DataFrame(values, columns=asked["columns"], index=_ids(asked, ids))
        read = parse(text, asked["columns"])
        start = asked.get("start") or (None if isinstance(read.start, str) else read.start)
        options = {"cov_type": "traj", **asked["options"]}
        if start is not None:
            options["start"] = np.asarray(start, dtype=float)
        return _fitted(build(read, data).fit(progress=_progress(progress) or False, **options))

    return _answer(work)


def traj_table(document: str, group_order: str) -> str:
    """traj's table of a stored fit with the groups renamed (JSON list of whole numbers)."""
    return _answer(lambda: {"text": GBTMResults(from_json(document)).to_traj(json.loads(group_order)).text})


def about() -> str:
    """Versions of the engine and what it runs on, as JSON."""
    import sys

    import torch

    found = {"gbtm": __version__, "python": sys.version.split()[0], "numpy": np.__version__, "torch": torch.__version__}
    return json.dumps({**found, "pandas": pd.__version__, "threads": torch.get_num_threads()})
