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
from ..record.shared_data import IF_THERE
from .fitting import read_request, without_sent
from .several import joined_request, keep_rows
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


def search_several(request: str, tell: Progress | None) -> str:
    """Search over models of the outcomes that :func:`gbtm.bridge.several.hold_outcome` has, each with one group.

    Parameters
    ----------
    request : JSON with ``options`` and ``zero`` as for :func:`search`; the ``order`` among the options is a list, what
        is to be tried of each outcome; of dual models ``groups`` is one too, and ``link`` "dual"

    Returns
    -------
    JSON text as of :func:`search`; ``held`` has the width of the codes ``row0``, ``row1``, .. as of
    :func:`gbtm.bridge.several.fit_several`
    """
    from ..selection.search import search_models

    def work() -> dict[str, Any]:
        said, joined = json.loads(request), joined_request()
        options = said["options"]
        n_jobs = options.pop("n_jobs", None)
        if len(joined.spec.outcomes) == 1:  # a list of one is that outcome
            options["order"] = options["order"][0]
        found, notes = with_workers(n_jobs, lambda n: search_models(
            joined.panel, joined.spec, formula=joined.formula, bases=joined.bases, inputs=joined.inputs,
            zero=said["zero"], n_jobs=n, progress=tell or False, **options,
        ))
        return {**_whole(found), "held": keep_rows(joined.panel.split()[0]), "notes": notes}

    return answer(work)


def read_search(path: str) -> str:
    """A search from a file."""
    from ..selection.models import load_search

    def work() -> dict[str, Any]:
        found = load_search(path)
        return {**_whole(found), "held": {}, "notes": []}

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


def _whole(found: ModelSearch, data: dict[str, Any] | None = None) -> dict[str, Any]:
    """All of a search: what :func:`_said` tells, ``shared``, and the ``fits``.

    ``shared`` are the data, ``data`` in place of those that R has. A fit is its ``label``, the text of its
    ``document`` (null where it failed), and where ``at`` its own ``size`` doubles begin; of a dual model also the
    number of ``second_groups``.
    """
    bulk = new_bulk()
    shared, fits = found.document["shared"], []
    for fit in found.document["fits"]:
        own, text = bytearray(), None
        if fit["document"] is not None:
            text = json.dumps(encode(without_clock(_pointing(fit["document"], shared)), own), allow_nan=False)
        about = {k: fit[k] for k in ("label", "n_groups", "second_groups", "orders", "failure") if k in fit}
        fits.append({**about, "document": text, "at": len(bulk) // 8, "size": len(own) // 8})
        bulk += own
    ids = shared["ids"]
    once = {**_subjects(shared), "ids": np.asarray(ids) if ids and all(type(i) is int for i in ids) else ids}
    if len(shared["outcomes"]) == 1:
        once |= {"data": shared["outcomes"][0]["data"] if data is None else data, **_records(shared["outcomes"][0], "")}
    else:
        for m, one in enumerate(shared["outcomes"]):
            once |= {f"o{m}_{name}": values for name, values in one["data"].items()} | _records(one, f"o{m}_")
    return {**_said(found, bulk), "shared": encode(once, bulk), "fits": fits}


def _subjects(shared: dict[str, Any]) -> dict[str, Any]:
    """What is known of people, by the names that R knows it by."""
    sets = shared["group_sets"]
    by_set = {_of_set(i, sets) + name: values for i, own in enumerate(sets) for name, values in own.items()}
    of_second = {"risk2": shared["risk2"]} if "risk2" in shared else {}
    of_event = {"event": shared["event"]} if "event" in shared else {}
    return {**{k: shared[k] for k in (*SUBJECTS, *IF_THERE) if k in shared}, **by_set, **of_second, **of_event}


def _records(outcome: dict[str, Any], prefix: str) -> dict[str, Any]:
    records = outcome["records"]
    return {} if records is None else {f"{prefix}record_{name}": np.asarray(records[name]) for name in RECORDS}


def _of_set(number: int, sets: list[Any]) -> str:
    return "" if len(sets) == 1 else f"g{number}_"


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

    def records_of(records: dict[str, Any] | None, prefix: str) -> dict[str, Any] | None:
        if records is None:
            return None
        return {**marks({k: records[k] for k in RECORDS}, f"{prefix}record_"), "names": records["names"]}

    outcomes, sets = shared["outcomes"], shared["group_sets"]
    prefixes = [""] if len(outcomes) == 1 else [f"o{m}_" for m in range(len(outcomes))]
    return {
        **marks({k: shared[k] for k in ("ids", *SUBJECTS, *IF_THERE) if k in shared}), "dropped": shared["dropped"],
        "outcomes": [{"data": marks(o["data"], p), "records": records_of(o["records"], p)}
                     for o, p in zip(outcomes, prefixes, strict=True)],
        "group_sets": [marks(s, _of_set(i, sets)) for i, s in enumerate(sets)],
        **marks({k: shared[k] for k in ("risk2", "event") if k in shared}),
    }


def _pointing(document: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """A fit document without its data, as one that points to them."""
    from ..record.shared_data import attach

    return attach(document, _held(shared))
