"""The data that all fits of a search have in common: what they are, a document without them, and with them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..data.measures import Measures
from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import DataError
from .inputs import split_inputs

SHARED = ("ids", "weights", "cluster", "stratum", "dropped")  # fields that are the same in all documents
IF_THERE = ("known_groups", "known_groups2")  # and of documents that have them


def shared_fields(panel: Panel, *, dual: bool = False) -> dict[str, Any]:
    """What the documents of all models of one panel have in common; ``dual``, of dual models.

    Returns
    -------
    The fields of ``SHARED``; of each of the ``outcomes`` its ``data`` and the ``records`` of the dropout that it
    drives; of each of the ``group_sets`` its membership covariates ``risk``; of dual models ``risk2``; what is known
    of a time to an ``event``.
    """
    subjects = panel.subjects
    return {
        "ids": panel.ids.tolist(),
        "weights": None if subjects.weights is None else subjects.relative_weights,
        "cluster": subjects.cluster,
        "stratum": subjects.stratum,
        **{name: values for name, values in zip(IF_THERE, subjects.known_sets, strict=True) if values is not None},
        "dropped": {
            **asdict(panel.dropped), "subjects": [str(s) for s in panel.dropped.subjects],
            "sentence": panel.dropped.sentence(),
        },
        "outcomes": [
            {"data": data_fields(m), "records": _records(panel.departures) if i == 0 else None}
            for i, m in enumerate(panel.outcomes)
        ],
        "group_sets": [{"risk": subjects.risk if subjects.risk_names else None}, *([{"risk": None}] if dual else [])],
        **({"risk2": subjects.risk2 if subjects.risk2_names else None} if dual else {}),
        **({} if subjects.event is None else {"event": subjects.event}),
    }


def data_fields(measures: Measures) -> dict[str, Any]:
    """The ``data`` of an outcome as the document has them."""
    return {
        "subject": measures.subject, "time": measures.time, "y": measures.y, "wave": measures.wave,
        "covariates": measures.covariates if measures.covariate_names else None, "exposure": measures.exposure,
        **({} if measures.lags is None else {"lag_source": measures.lag_source, "lag_values": measures.lag_values}),
    }


def _records(left: Measures | None) -> dict[str, Any] | None:
    """Who was at risk of dropping out when, and who did."""
    if left is None:
        return None
    return {
        "subject": left.subject, "wave": left.wave, "y": left.y, "covariates": left.covariates,
        "names": list(left.covariate_names),
    }


def slim(document: dict[str, Any]) -> dict[str, Any]:
    """A fit document without the data."""
    return {
        **{k: v for k, v in document.items() if k not in (*SHARED, *IF_THERE)},
        "outcomes": [
            {**_without(outcome, "data"), "dropout": outcome["dropout"] and _without(outcome["dropout"], "records")}
            for outcome in document["outcomes"]
        ],
        "group_sets": [{**s, "membership": _without(s["membership"], "risk")} for s in document["group_sets"]],
        **({} if document.get("dual") is None else {"dual": _without(document["dual"], "risk")}),
        **({} if document.get("event") is None else {"event": _without(document["event"], "known")}),
    }


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in values.items() if k != name}


def attach(document: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`slim`: the data are referred to, not copied."""
    return {
        **document, **{k: shared[k] for k in (*SHARED, *IF_THERE) if k in shared or k in SHARED},
        "outcomes": [
            {
                **outcome, "data": shared_outcome["data"],
                "dropout": outcome["dropout"] and {**outcome["dropout"], "records": shared_outcome["records"]},
            }
            for outcome, shared_outcome in zip(document["outcomes"], shared["outcomes"], strict=True)
        ],
        "group_sets": [
            {**s, "membership": {**s["membership"], "risk": shared_set["risk"]}}
            for s, shared_set in zip(document["group_sets"], shared["group_sets"], strict=True)
        ],
        **({} if document.get("dual") is None else {"dual": {**document["dual"], "risk": shared.get("risk2")}}),
        **({} if document.get("event") is None else {"event": {**document["event"], "known": shared.get("event")}}),
    }


def with_data(document: dict[str, Any], data: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A document with other ``data`` of each outcome in the place of its own."""
    outcomes = [{**outcome, "data": d} for outcome, d in zip(document["outcomes"], data, strict=True)]
    return {**document, "outcomes": outcomes}


def with_own_code(
    document: dict[str, Any], formula: str | None, inputs: dict[str, Any] | None, bases: Sequence[TimeBasis | None]
) -> dict[str, Any]:
    """A document from a file with formulas, which are code, as they were asked for here and not in the file."""
    model_inputs, of_outcomes, of_groups = split_inputs(inputs, len(bases))
    outcomes = []
    for outcome, basis, of_outcome in zip(document["outcomes"], bases, of_outcomes, strict=True):
        bases_here = outcome["bases"]
        if basis is not None:
            bases_here = {p: b if p == "zero" else basis.document for p, b in bases_here.items()}
        elif any(stored["kind"] != "polynomial" for stored in bases_here.values()):
            raise DataError(
                "document: a basis that was not asked for.", code="bad_document", argument="document",
                way_out="Remove the file: the fit is made again.",
            )
        outcomes.append({**outcome, "inputs": of_outcome, "bases": bases_here})
    group_sets = [
        {**s, "inputs": of_groups if i == 0 or of_groups is None else {"risk": None}}
        for i, s in enumerate(document["group_sets"])
    ]
    return {**document, "formula": formula, "inputs": model_inputs, "outcomes": outcomes, "group_sets": group_sets}
