"""The door for R: numbers as raw bytes, the rest as JSON text, errors as documents.

R's reticulate corrupts missing values and cannot convert arrays under every NumPy, so that nothing but ``bytearray``,
``str``, single numbers and a progress callback crosses. Little-endian doubles, NaN for missing, matrices by column.
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
from .model import GBTM, refuse_without_dropout
from .panel import Panel
from .post.command import Command, build, parse
from .results import GBTMResults
from .spec import make_spec
from .subjects import Subjects, subjects_of_arrays

CALLBACK_EVERY = 0.2
R_MISSING = -(2**31)  # NA among R's integers

RCallback = Callable[[str, float], object]


def _doubles(buffer: bytearray) -> np.ndarray:
    return np.frombuffer(buffer, dtype="<f8").astype(float, copy=False)


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
_codes: dict[str, bytearray] = {}


def take_bulk() -> bytearray:
    """The arrays of the last fit, as the doubles that its document points into; they are handed over once."""
    global _bulk
    taken, _bulk = _bulk, bytearray()
    return taken


def take_codes(name: str) -> bytearray:
    """Whole numbers of the last fit, in the bytes each that its ``held`` tells; they are handed over once."""
    return _codes.pop(name)


def _fitted(res: GBTMResults, ids: pd.Index, data: dict[str, Any] | None = None, table: bool = True) -> dict[str, Any]:
    """The fit document as text without its arrays, which :func:`take_bulk` hands over, and traj's table if wanted.

    ``data`` stands in for the document's. Ids are among the arrays where they are whole numbers: a million numbers of
    JSON take R half a second.
    """
    global _bulk
    _bulk = bytearray()
    lighter: dict[str, Any] = {} if data is None else {"data": data}
    if ids.dtype.kind == "i":
        lighter["ids"] = ids.to_numpy()
    text = json.dumps(encode({**res.document, **lighter}, _bulk), allow_nan=False)
    return {"document": text, **({"traj": {"text": res.to_traj().text}} if table else {})}


def _without_sent(
    data: dict[str, np.ndarray], row: np.ndarray, sent: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, int]]:
    """The data of a fit with ``{"held": name}`` for what R has or can make again, and the width of each code it needs.

    R sent most of it a moment ago, and ten million rows back take longer than the fit. The codes for
    :func:`take_codes`, from 1: ``count``, observations of each subject; ``wave``; and ``row``, which of the rows sent
    were used and in what order, when that is not simply all.
    """
    _codes.clear()
    codes = {"count": np.bincount(data["subject"]), "wave": data["wave"] + 1}
    used: Any = slice(None)
    if row.size < sent["y"].size or not (row[1:] > row[:-1]).all():
        codes["row"], used = row + 1, row
    held = {"subject", "wave", *(name for name, values in sent.items() if np.array_equal(data[name], values[used]))}
    width = {name: _keep_codes(name, values) for name, values in codes.items()}
    return {name: {"held": name} if name in held else values for name, values in data.items()}, width


def _keep_codes(name: str, values: np.ndarray) -> int:
    """Keep whole numbers from 0 in the fewest bytes that R's readBin() takes; returns how many bytes each."""
    most = values.max(initial=0)
    data = values.astype("u1" if most < 2**8 else "<u2" if most < 2**16 else "<i4")
    _codes[name] = bytearray(data.data.cast("B"))
    return data.itemsize


def _ids(asked: dict[str, Any], buffer: bytearray) -> pd.Index:
    """Ids as JSON (text) or as doubles; whole numbers become integers."""
    ids = _whole(_doubles(buffer)) if asked["ids"] is None else asked["ids"]
    return pd.Index(ids, name=asked["id_name"])


def _whole(values: np.ndarray) -> np.ndarray:
    """Whole numbers as int64, which pandas also tells apart five times faster; others as they are."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.int64, copy=False)
    return whole if np.array_equal(whole, values) else values


_columns: dict[str, np.ndarray] = {}


def receive(name: str, kind: str, size: float, at: float, block: bytearray) -> None:
    """A block of a column for the next fit: ``kind`` "<i4" (R's integers) or "<f8", ``size`` in all, from ``at`` on.

    In blocks, as a column that is sent whole stands in memory three times.
    """
    if at == 0:
        _columns[name] = np.empty(int(size), dtype=np.int64 if kind == "<i4" else float)
    part = np.frombuffer(block, dtype=kind)
    _columns[name][int(at) : int(at) + part.size] = part


def _column(name: str, buffer: bytearray) -> np.ndarray:
    """A column as :func:`receive` had it, or else as doubles given with the request."""
    return _doubles(buffer) if buffer else _columns.pop(name, np.empty(0))


def _subjects(asked: dict[str, Any], ids: bytearray, values: np.ndarray) -> tuple[np.ndarray, pd.Index]:
    """Subject codes, -1 for a missing id, and the ids they stand for."""
    if values.dtype.kind == "i" and (values == R_MISSING).any():
        values = np.where(values == R_MISSING, np.nan, values)
    if asked["ids"] is not None or ids:
        return np.where(values >= 0, values, -1).astype(np.int64), _ids(asked, ids)
    codes, distinct = pd.factorize(_whole(values))
    return codes, pd.Index(_whole(distinct), name=asked["id_name"])


def _matrix(name: str, names: list[str] | None) -> np.ndarray | None:
    """A matrix (n, q) that :func:`receive` had by column; None where there are no ``names`` for its columns."""
    return _columns.pop(name).reshape(len(names), -1).T if names else None


def _known(asked: dict[str, Any], n_subjects: int) -> Subjects | None:
    """What R sent of the subjects, in the order of their ids."""
    given: dict[str, Any] = {}
    for name in asked.get("subjects") or ():
        values = _columns.pop(name)
        if name == "risk":
            names = asked["risk_names"]
            given[name] = pd.DataFrame(values.reshape(len(names), -1).T, columns=names)
        else:
            given[name] = values
    return subjects_of_arrays(n_subjects, **given)


def _panel(asked: dict[str, Any], ids: bytearray, subject: bytearray, times: np.ndarray, values: np.ndarray) -> Panel:
    """The panel of long columns; the subject codes end here, and so does all else that was received."""
    codes, distinct = _subjects(asked, ids, _column("subject", subject))
    covariates, leaving = (asked.get(f"{kind}_names") for kind in ("tcov", "dcov"))
    waves = asked.get("waves")
    further: dict[str, Any] = {
        "covariates": _matrix("tcov", covariates), "covariate_names": tuple(covariates or ()),
        "dcov": _matrix("dcov", leaving), "dcov_names": tuple(leaving or ()),
        "exposure": _columns.pop("exposure") if asked.get("exposure") else None,
        "dropout": bool(asked.get("dropout")), "known": _known(asked, len(distinct)),
    }
    return Panel.from_arrays(
        codes, times, values, ids=distinct, id_name=asked["id_name"], time_name=asked["time_name"],
        name=asked["outcome_name"], row_labels=pd.RangeIndex(1, values.size + 1),
        wave=np.tile(np.arange(waves), values.size // waves) if waves else None, **further,
    )


def fit(
    request: str, ids: bytearray, subject: bytearray, time: bytearray, y: bytearray, basis: bytearray,
    progress: RCallback | None,
) -> str:
    """Fit from long arrays.

    Parameters
    ----------
    request : JSON with ``ids`` (text, or null where they are numbers), ``id_name``, ``time_name``, ``outcome_name``,
        ``model`` (arguments of :func:`gbtm.spec.make_spec`), ``basis_names`` (or null), ``options`` (arguments of
        :meth:`GBTM.fit`), and optionally ``table`` (false: without traj's table), ``start_document``, a fit with as
        many groups, or one less, to start from, and what :func:`receive` has besides: ``subjects``, the arguments
        of :func:`gbtm.subjects.subjects_of_arrays` with one value per id (``risk`` by column, its ``risk_names``);
        ``tcov_names`` and ``dcov_names`` for matrices by column; ``exposure``, true or false; ``waves``, how many of
        them each subject has, for wide data
    ids : the ids where they are numbers, in the order of the codes; empty where ``subject`` holds them
    subject : codes 0.. into the ids, or the ids themselves, NaN for a missing id
    subject, time, y : empty for what :func:`receive` has
    basis : columns of a basis formula at each observation, by column; empty for polynomials

    Returns
    -------
    JSON text: ``{"ok": true, "document": .., "held": .., "traj": ..}`` or ``{"ok": false, "error": ..}``
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        leaving = asked["model"].get("dropout")
        refuse_without_dropout(
            leaving, dcov=asked.get("dcov_names"), obsmar="obsmar" in (asked.get("subjects") or ()) or None
        )
        asked["dropout"] = leaving is not None
        times, values = _column("time", time), _column("y", y)
        panel = _panel(asked, ids, subject, times, values)
        names = asked.get("basis_names")
        bases = None
        if names:
            columns = _doubles(basis).reshape(len(names), values.size).T
            bases = [matrix_basis(panel.outcomes[0].time, columns[panel.outcomes[0].row], tuple(names))]
            asked["model"]["basis"] = asked["formula"].partition("~")[2].strip()
        model = GBTM.from_panel(panel, make_spec(**asked["model"]), bases=bases, formula=asked.get("formula"))
        options = asked["options"]
        if asked.get("start_document"):
            options["start"] = GBTMResults(from_json(asked["start_document"]))
        res = model.fit(progress=_progress(progress) or False, **options)
        data, held = _without_sent(res.document["data"], model.panel.outcomes[0].row, {"time": times, "y": values})
        return {**_fitted(res, model.panel.ids, data, asked.get("table", True)), "held": held}

    return _answer(work)


def read_command(text: str, columns: str) -> str:
    """Parse a traj command against column names (JSON list): which columns and named matrices it needs."""

    def work() -> dict[str, Any]:
        read: Command = parse(text, json.loads(columns))
        named = {"start": read.start, "plottcov": read.plottcov}
        return {"columns": read.columns, "matrices": {k: v for k, v in named.items() if isinstance(v, str)}}

    return _answer(work)


def command(text: str, request: str, ids: bytearray, table: bytearray, progress: RCallback | None) -> str:
    """Run a traj command on wide columns.

    Parameters
    ----------
    request : JSON with ``columns`` (names), ``ids`` (as for :func:`fit`), ``id_name``, ``matrices`` (the numbers of
        each matrix that the command names, by row) and ``options``
    table : the columns' doubles, by column
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        values = _doubles(table).reshape(len(asked["columns"]), -1).T
        data = pd.DataFrame(values, columns=asked["columns"], index=_ids(asked, ids))
        read = parse(text, asked["columns"])
        matrices = asked.get("matrices") or {}
        start = matrices.get(read.start) if isinstance(read.start, str) else read.start
        options = {"cov_type": "traj", **asked["options"]}
        if start is not None:
            options["start"] = np.asarray(start, dtype=float)
        res = build(read, data, matrices=matrices).fit(progress=_progress(progress) or False, **options)
        return _fitted(res, res.ids)

    return _answer(work)


def classify(document: str, request: str, ids: bytearray) -> str:
    """Posteriors of new people under a stored fit, from what :func:`receive` has.

    Parameters
    ----------
    request : JSON as for :func:`fit`, with ``by_wave`` and ``level`` in place of the model and its options
    ids : as for :func:`fit`

    Returns
    -------
    JSON text with the ``columns`` of the table that :func:`gbtm.post.scoring.classify` makes, by name, and a sentence
    on what was ``dropped``
    """
    from .post.scoring import classify_panel

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        stored = from_json(document)
        asked["dropout"] = stored.get("dropout") is not None
        times, values = _column("time", bytearray()), _column("y", bytearray())
        if asked.get("basis_names"):
            _learn_basis(stored, times, _columns.pop("basis").reshape(len(asked["basis_names"]), -1).T)
        panel = _panel(asked, ids, bytearray(), times, values)
        table = classify_panel(GBTMResults(stored), panel, by_wave=asked["by_wave"], level=asked["level"])
        return {
            "columns": {str(name): encode(table[name].tolist()) for name in table}, "dropped": panel.dropped.sentence()
        }

    return _answer(work)


def _learn_basis(document: dict[str, Any], times: np.ndarray, columns: np.ndarray) -> None:
    """Add a basis at further times to what a document knows of it, as R makes its own bases."""
    known = ~(np.isnan(times) | np.isnan(columns).any(axis=1))
    for basis in document["outcomes"][0]["bases"].values():
        if basis["kind"] == "columns" and len(basis["names"]) == columns.shape[1]:
            at = np.concatenate([np.asarray(basis["times"], dtype=float), times[known]])
            rows = np.vstack([np.asarray(basis["columns"], dtype=float), columns[known]])
            distinct, first = np.unique(at, return_index=True)  # the first: what was fitted stays to the last bit
            basis["times"], basis["columns"] = distinct.tolist(), rows[first].tolist()


def profile_intervals(document: str, parameters: str, level: float) -> str:
    """Profile-likelihood intervals of named parameters (JSON list); an end that is open is null."""
    from .post.profile import profile_interval

    def work() -> dict[str, Any]:
        res = GBTMResults(from_json(document))
        ends = [profile_interval(res, name, level) for name in json.loads(parameters)]
        return {"lower": encode([low for low, _ in ends]), "upper": encode([high for _, high in ends])}

    return _answer(work)


def dispersion_test(document: str, options: str, progress: RCallback | None) -> str:
    """Likelihood-ratio test of no overdispersion; ``options`` as for :func:`fit`."""
    from .post.dispersion import dispersion_test as test

    def work() -> dict[str, Any]:
        res = GBTMResults(from_json(document))
        found = test(res, progress=_progress(progress) or False, **json.loads(options))
        return {
            "statistic": found.statistic, "pvalue": found.pvalue, "weights": list(found.weights),
            "family": found.without.family, "loglik": found.without.llf, "text": str(found),
        }

    return _answer(work)


def plot_matrix(document: str, level: float) -> str:
    """The matrix that traj's plot is drawn from, by column."""
    from .post.leftovers import plot_matrix as matrix

    def work() -> dict[str, Any]:
        table = matrix(GBTMResults(from_json(document)), level)
        return {"columns": {str(name): encode(table[name].tolist()) for name in table}}

    return _answer(work)


def traj_table(document: str, group_order: str) -> str:
    """traj's table of a stored fit with the groups renamed (JSON list of whole numbers)."""
    return _answer(lambda: {"text": GBTMResults(from_json(document)).to_traj(json.loads(group_order)).text})


def compare_traj(document: str, text: str, which: str) -> str:
    """A stored fit beside a printed traj table; ``which`` is a whole number as JSON, 0 for the first table."""
    from .post.comparison.compare import compare_traj as compare

    return _answer(lambda: compare(GBTMResults(from_json(document)), text, json.loads(which)).record)


def read_proc(text: str, columns: str) -> str:
    """Translate a PROC TRAJ step against column names (JSON list) into a traj command."""
    from dataclasses import asdict

    from .post.proc_traj import parse_proc

    return _answer(lambda: asdict(parse_proc(text, json.loads(columns))))


def about() -> str:
    """Versions of the engine and what it runs on, as JSON."""
    import sys

    import torch

    found = {"gbtm": __version__, "python": sys.version.split()[0], "numpy": np.__version__, "torch": torch.__version__}
    return json.dumps({**found, "pandas": pd.__version__, "threads": torch.get_num_threads()})
