"""The data that all fits of a search have in common: what they are, a document without them, and with them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ..data.panel import Panel
from ..design.time_basis import TimeBasis

SHARED = ("ids", "data", "weights", "cluster", "stratum", "dropped")  # fields that are the same in all documents


def shared_fields(panel: Panel) -> dict[str, Any]:
    """What the documents of all models of one panel have in common: the data."""
    measures, left, subjects = panel.outcomes[0], panel.departures, panel.subjects
    return {
        "ids": panel.ids.tolist(),
        "data": {
            "subject": measures.subject, "time": measures.time, "y": measures.y, "wave": measures.wave,
            "covariates": measures.covariates if measures.covariate_names else None, "exposure": measures.exposure,
        },
        "risk": subjects.risk if subjects.risk_names else None,
        "weights": None if subjects.weights is None else subjects.relative_weights,
        "cluster": subjects.cluster,
        "stratum": subjects.stratum,
        "records": None if left is None else {
            "subject": left.subject, "wave": left.wave, "y": left.y, "covariates": left.covariates,
            "names": list(left.covariate_names),
        },
        "dropped": {
            **asdict(panel.dropped), "subjects": [str(s) for s in panel.dropped.subjects],
            "sentence": panel.dropped.sentence(),
        },
    }


def slim(document: dict[str, Any]) -> dict[str, Any]:
    """A fit document without the data."""
    out = {k: v for k, v in document.items() if k not in SHARED}
    out["membership"] = {k: v for k, v in document["membership"].items() if k != "risk"}
    if document["dropout"] is not None:
        out["dropout"] = {k: v for k, v in document["dropout"].items() if k != "records"}
    return out


def attach(document: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """The inverse of :func:`slim`: the data are referred to, not copied."""
    out = {**document, **{k: shared[k] for k in SHARED}}
    out["membership"] = {**document["membership"], "risk": shared["risk"]}
    if document["dropout"] is not None:
        out["dropout"] = {**document["dropout"], "records": shared["records"]}
    return out


def with_own_code(
    document: dict[str, Any], formula: str | None, inputs: dict[str, Any] | None, bases: Sequence[TimeBasis | None]
) -> dict[str, Any]:
    """A document from a file with formulas, which are code, as they were asked for here and not in the file."""
    for outcome, basis in zip(document["outcomes"], bases, strict=True):
        if basis is not None:
            outcome["bases"]["mean"] = basis.document
    return {**document, "formula": formula, "inputs": inputs}
