"""Documents of version 1 as version 2: the one place that knows how version 1 was laid out.

Version 1 had one outcome and one set of groups, so that data, posteriors and membership stood at the top; docs/
fit-document.md says what went where. It is read for ever. Nothing is copied but the frame around the arrays.
"""

from __future__ import annotations

from typing import Any

from .inputs import split_inputs

MOVED = (
    "spec", "dropout", "data", "shares", "cov_shares", "posterior", "out_of_sample", "membership", "inputs", "outcomes",
    "blocks", "search",
)
LATER = ("weights", "cluster", "stratum")  # fields that the first documents of version 1 did not have


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A fit document of version 1 as one of version 2; without the data, as a search keeps it, it stays without."""
    spec, held = document["spec"], document.get("out_of_sample")
    model_inputs, (by_outcome,), by_set = split_inputs(document.get("inputs"))
    unmoved = {k: v for k, v in document.items() if k not in MOVED}
    later = ("formula", *(LATER if "data" in document else ()))
    return {
        **unmoved, **{k: None for k in later if k not in unmoved}, "format_version": 2, "inputs": model_inputs,
        "out_of_sample_ids": None if held is None else held["ids"],
        "outcomes": [_outcome(document, stored, by_outcome) for stored in document["outcomes"]],
        "group_sets": [
            {
                "n_groups": spec["n_groups"], "reference": spec["reference"], "inputs": by_set,
                "membership": document["membership"], "shares": document["shares"],
                "cov_shares": document["cov_shares"], "posterior": document["posterior"],
                "out_of_sample": None if held is None else held["posterior"],
            }
        ],
        "blocks": [_block(b) for b in document["blocks"]],
        "search": _search(document["search"]),
    }


def _outcome(document: dict[str, Any], stored: dict[str, Any], inputs: dict[str, Any] | None) -> dict[str, Any]:
    dropout, data = document.get("dropout"), document.get("data")
    made = {
        "time_scale": 1.0, "covariates": None, "profile": None, "columns": [], **stored, "group_set": 0,
        "spec": document["spec"]["outcomes"][0], "inputs": inputs, "nobs": document["nobs"],
        "dropout": None if dropout is None else {"orders": document["spec"]["dropout"], **dropout},
    }
    if data is not None:
        made["data"] = {"covariates": None, "exposure": None, **data}
    return made


def _block(block: dict[str, Any]) -> dict[str, Any]:
    """Dropout was an outcome of its own, and membership outcome -1."""
    return {**block, "outcome": None if block["kind"] == "theta" else 0, "group_set": 0}


def _search(stored: dict[str, Any]) -> dict[str, Any]:
    optima = [{**optimum, "shares": [optimum["shares"]]} for optimum in stored["optima"]]
    return {"rng": None, "n_starts_asked": None, **stored, "optima": optima}


def upgraded_shared(shared: dict[str, Any]) -> dict[str, Any]:
    """What the fits of a search of version 1 share, as those of version 2 do."""
    unmoved = {k: v for k, v in shared.items() if k not in ("data", "risk", "records")}
    return {
        **unmoved, "outcomes": [{"data": shared["data"], "records": shared["records"]}],
        "group_sets": [{"risk": shared["risk"]}],
    }
