"""A search over models for R: the data go once, and the fits point to them.

In the texts of a search's fits ``{"held": name}`` stands for what all of them share: columns of the data, ids,
weights, membership covariates, records of dropout. A search goes back to Python as the text of its document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compute.progress import Progress
from ..record.document import decode, encode
from .fitting import read_request, without_sent
from .transfer import answer, column, frame, new_bulk, without_clock
from .workers import with_workers

if TYPE_CHECKING:
    from ..selection.models import ModelSearch

SUBJECTS = ("weights", "cluster", "stratum")
RECORDS = ("subject", "wave", "y", "covariates")


def search(
    request: str, ids: bytearray, basis: bytearray, tell: Progress | None,
) -> str:
    """Search over models of the columns that :func:`receive` has.

    Parameters
    ----------
    request : JSON as for :func:`fit`; ``model`` is that of one group, ``zero`` says whose the zero part is, ``options``
        are further arguments of :func:`gbtm.selection.search.search_models`, with ``n_jobs``

    Returns
    -------
    JSON text with what :func:`_whole` tells, and ``held``, the width of the codes
    """
    from ..selection.search import search_models

    def work() -> dict[str, Any]:
        asked = json.loads(request)
        times, values = column("time", bytearray()), column("y", bytearray())
        read, options = read_request(asked, ids, bytearray(), times, values, basis), asked["options"]
        n_jobs = options.pop("n_jobs", None)
        found, notes = with_workers(n_jobs, lambda n: search_models(
            read.panel, read.spec, formula=asked.get("formula"), bases=read.bases, inputs=asked.get("inputs"),
            zero=asked["zero"], n_jobs=n, progress=tell or False, **options,
        ))
        fitted = read.panel.split()[0]
        sent = {"time": times, "y": values}
        data, width = without_sent(found.document["shared"]["outcomes"][0]["data"], fitted.outcomes[0].row, sent)
        return {**_whole(found, data), "held": width, "notes": notes}

    return answer(work)


def read_search(path: str) -> str:
    """A search from a file."""
    from ..selection.models import load_search

    def work() -> dict[str, Any]:
        found = load_search(path)
        return {**_whole(found, found.document["shared"]["outcomes"][0]["data"]), "held": {}, "notes": []}

    return answer(work)


def search_cross_validate(text: str, options: str, tell: Progress | None) -> str:
    """Cross-validation of models of a search; ``options``: labels and arguments of ``ModelSearch.cross_validate``."""
    return _more(text, "cross_validate", options, tell)


def search_blrt(text: str, options: str, tell: Progress | None) -> str:
    """Bootstrap tests of models of a search; ``options``: labels and arguments of ``ModelSearch.blrt``."""
    return _more(text, "blrt", options, tell)


def _more(text: str, what: str, options: str, tell: Progress | None) -> str:
    def work() -> dict[str, Any]:
        found, asked = search_of(text), json.loads(options)
        n_jobs = asked.pop("n_jobs", None)
        compute = getattr(found, what)
        _, notes = with_workers(n_jobs, lambda n: compute(n_jobs=n, progress=tell or False, **asked))
        return {**_said(found, new_bulk()), "notes": notes}

    return answer(work)


def search_of(text: str) -> ModelSearch:
    """A search from the text of its document, as R keeps it."""
    from ..selection.models import read_search as read

    return read(decode(json.loads(text)))


def _whole(found: ModelSearch, data: dict[str, Any]) -> dict[str, Any]:
    """All of a search: what :func:`_said` tells, ``shared``, and the ``fits``.

    ``shared`` are the data, ``data`` in place of those that R has. A fit is its ``label``, the text of its
    ``document`` (null where it failed), and where ``at`` its own ``size`` doubles begin.
    """
    bulk = new_bulk()
    shared, fits = found.document["shared"], []
    for fit in found.document["fits"]:
        own, text = bytearray(), None
        if fit["document"] is not None:
            text = json.dumps(encode(without_clock(_pointing(fit["document"], shared)), own), allow_nan=False)
        about = {k: fit[k] for k in ("label", "n_groups", "orders", "failure")}
        fits.append({**about, "document": text, "at": len(bulk) // 8, "size": len(own) // 8})
        bulk += own
    ids, records = shared["ids"], shared["outcomes"][0]["records"]
    once = {**{k: shared[k] for k in SUBJECTS}, **shared["group_sets"][0], "ids": ids, "data": data}
    if ids and all(type(i) is int for i in ids):
        once["ids"] = np.asarray(ids)
    if records is not None:
        once |= {f"record_{name}": np.asarray(records[name]) for name in RECORDS}
    return {**_said(found, bulk), "shared": encode(once, bulk), "fits": fits}


def _said(found: ModelSearch, bulk: bytearray) -> dict[str, Any]:
    """The table, the choices and the sentences of a search, and the ``head`` of its document: all but the fits."""
    document = found.document
    head = {**{k: v for k, v in document.items() if k != "fits"}, "shared": _held(document["shared"])}
    return {
        "table": frame(found.table, bulk), "choices": {str(k): str(v) for k, v in found.choices.items()},
        "sentences": list(found.sentences), "head": json.dumps(encode(head), allow_nan=False), "how": found.how,
        "criterion": found.criterion,
    }


def _held(shared: dict[str, Any]) -> dict[str, Any]:
    """What the fits share, by the names that R knows it by."""
    def marks(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        return {k: None if v is None else {"held": prefix + k} for k, v in values.items()}

    def records_of(records: dict[str, Any] | None) -> dict[str, Any] | None:
        if records is None:
            return None
        return {**marks({k: records[k] for k in RECORDS}, "record_"), "names": records["names"]}

    return {
        **marks({k: shared[k] for k in ("ids", *SUBJECTS)}), "dropped": shared["dropped"],
        "outcomes": [{"data": marks(o["data"]), "records": records_of(o["records"])} for o in shared["outcomes"]],
        "group_sets": [marks(s) for s in shared["group_sets"]],
    }


def _pointing(document: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """A fit document without its data, as one that points to them."""
    from ..record.shared_data import attach

    return attach(document, _held(shared))
