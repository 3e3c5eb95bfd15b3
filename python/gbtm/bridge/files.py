"""Fits for R of data that stay on disk: R says which files and columns, and gets the fit document. No row goes to R."""

from __future__ import annotations

import json
from typing import Any

from ..api.disk_results import DiskResults
from ..api.load import results_of
from ..api.model import GBTM
from ..compute.progress import Progress
from ..disk.parquet_files import File, ParquetFiles, blocks_of, files_of
from ..disk.parquet_source import schema_of
from ..errors import SpecificationError
from ..fit_on_disk.files_like import files_like
from ..record.document import encode, from_json
from ..specification.outcome import Outcome
from .transfer import answer, fit_of, new_bulk, without_clock
from .workers import surroundings


def file_columns(files: str) -> str:
    """Names of the columns of Parquet files, which are a JSON list of paths and patterns."""
    return answer(lambda: {"columns": list(schema_of(blocks_of(files_of(json.loads(files))[:1], None, 1)).columns)})


def fit_files(request: str, tell: Progress | None) -> str:
    """Fit people in Parquet files.

    Parameters
    ----------
    request : JSON with ``files`` (paths and patterns), ``reading`` (arguments of
        :class:`~gbtm.disk.parquet_files.ParquetFiles`), ``formula``, or of several ``outcomes`` their formulas and
        options by name, ``id``, ``wide`` (or null), ``model`` (options by
        name, see :mod:`gbtm.specification.description`, with the columns of covariates), ``options`` (arguments of
        :meth:`gbtm.GBTM.fit`, without those that are null), and optionally ``start_document``

    Returns
    -------
    JSON text: ``document``, its arrays among those for :func:`take_bulk`, and ``seen``, which files these were
    """

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        options = asked["options"]
        if asked.get("start_document"):
            options["start"] = results_of(from_json(asked["start_document"]))
        data = ParquetFiles(asked["files"], **asked["reading"])
        formula = [Outcome(**o) for o in asked.get("outcomes") or ()] or asked["formula"]
        model = GBTM.from_formula(formula, data, id=asked["id"], wide=asked["wide"], **asked["model"])
        with surroundings():
            res = model.fit(progress=tell or False, **options)
        assert isinstance(res, DiskResults)
        assert res.source is not None
        text = json.dumps(encode(without_clock(res.document), new_bulk()), allow_nan=False)
        files = dict.fromkeys(p.file for b in res.source.source.blocks for p in b.pieces)
        # nanoseconds since the epoch are no double
        return {"document": text, "seen": [[f.path, str(f.size), str(f.changed)] for f in files]}

    return answer(work)


def posterior_to(document: str, request: str, tell: Progress | None) -> str:
    """Write the probabilities of people in files under a fit.

    Parameters
    ----------
    request : JSON with ``folder``, ``executor`` (number of processes, or null), and either ``files`` and ``reading`` as
        for :func:`fit_files`, or ``seen``, the files that were fitted, which have to be the same still
    """

    def work() -> dict[str, Any]:
        asked, res = json.loads(request), fit_of(document)
        if not isinstance(res, DiskResults):
            raise SpecificationError(
                "fit: its people are in memory.", code="only_on_disk", argument="fit",
                way_out="res.posterior has their probabilities.",
            )
        with surroundings():
            panel = files_like(res, _people(asked))
            return {"folder": str(res.posterior_to(asked["folder"], panel=panel, executor=asked["executor"]))}

    return answer(work)


def with_cov_type_of_files(document: str, cov_type: str, request: str, tell: Progress | None) -> str:
    """As :func:`gbtm.bridge.after.with_cov_type`, of people in files.

    Parameters
    ----------
    request : as for :func:`posterior_to`, without ``folder``
    """

    def work() -> dict[str, Any]:
        asked, res = json.loads(request), fit_of(document)
        assert isinstance(res, DiskResults)
        with surroundings():
            panel = files_like(res, _people(asked), with_design=True)
            other = res.with_cov_type(cov_type or None, panel=panel, executor=asked["executor"])
        return {"document": json.dumps(encode(other.document, new_bulk()), allow_nan=False)}

    return answer(work)


def _people(asked: dict[str, Any]) -> ParquetFiles:
    """The files of a request; those that were fitted have to be as they were."""
    for path, size, changed in asked.get("seen") or ():
        File(path, int(size), int(changed)).check()
    files = asked.get("files") or [path for path, _, _ in asked["seen"]]
    return ParquetFiles(files, **asked["reading"])
