"""One outcome of a fit of several, as a fit of its own: its curves and observations, the groups of them all.

What is estimated of the groups (shares, posteriors, membership coefficients) comes from all outcomes together, and so
do the log-likelihood and what the starts found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import SpecificationError
from ..record.on_disk import of_one
from ..record.parameters import InternalEstimates


def outcome_view(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The document with outcome ``number``, counted from 0, alone; its parameters go without the outcome's name.

    Of a dual model the groups are the outcome's own. The shares of those of the second outcome are averages over the
    groups of the first: their logits stand in for its membership coefficients.
    """
    outcome, dual = document["outcomes"][number], document.get("dual")
    group_set = document["group_sets"][outcome["group_set"]]
    blocks = [b for b in document["blocks"] if b["outcome"] in (number, None) and b["kind"] != "theta2"]
    if dual is not None and outcome["group_set"]:
        blocks = [b for b in blocks if b["kind"] != "theta"]
    entries = [np.arange(b["start"], b["start"] + b["width"]) for b in blocks]
    kept = np.concatenate([np.empty(0, dtype=int), *entries]).astype(int)
    size = len(document["names"])
    place = np.full(size + 1, -1)  # the last is where a place of -1 points to
    place[kept] = np.arange(kept.size)
    starts = np.cumsum([0, *(b["width"] for b in blocks)])
    positions = place[np.asarray(group_set["membership"]["positions"]).astype(int)].astype(float)
    blocks = [
        {**b, "outcome": None if b["outcome"] is None else 0, "group_set": 0, "start": int(start)}
        for b, start in zip(blocks, starts, strict=False)
    ]
    values = _kept(document, kept, outcome["name"])
    if dual is not None and outcome["group_set"]:
        values, positions, blocks = _with_margins(document, values, blocks, kept)
    return {
        # a time to an event goes with the first outcome, as dropout does
        **{k: v for k, v in document.items() if k not in ("dual", "constraints", *(["event"] if number else []),
                                                          "known_groups", "known_groups2")},
        **_known_of(document, outcome["group_set"]),
        **({} if document.get("on_disk") is None else {"on_disk": of_one(document["on_disk"], number)}),
        "formula": (outcome["inputs"] or {}).get("formula", _formula_of(document, number)),
        "outcomes": [{
            **outcome, "group_set": 0,
            "positions": {p: place[np.asarray(at).astype(int)].astype(float) for p, at in outcome["positions"].items()},
        }],
        "group_sets": [{
            **group_set, "inputs": _of_first_set(group_set.get("inputs")),
            "membership": {**group_set["membership"], "positions": positions},
        }],
        "blocks": blocks, **values,
        "nobs": outcome["nobs"], "part_of": [o["name"] for o in document["outcomes"]],
        "search": {**document["search"], "optima": [
            {k: v for k, v in o.items() if k != "params"} for o in document["search"]["optima"]
        ]},
    }


def _known_of(document: dict[str, Any], group_set: int) -> dict[str, Any]:
    """Whose group of a set is known."""
    known = document.get("known_groups2" if group_set else "known_groups")
    return {} if known is None else {"known_groups": known}


def _of_first_set(inputs: dict[str, Any] | None) -> dict[str, Any] | None:
    """How membership covariates were read, without those of the second set of groups given the first."""
    return None if inputs is None else {k: v for k, v in inputs.items() if not k.startswith("risk2")}


def _kept(document: dict[str, Any], kept: np.ndarray, outcome: str) -> dict[str, Any]:
    """What is said of the parameters at places ``kept``."""
    square = np.ix_(kept, kept)
    return {
        "names": [document["names"][i].removeprefix(prefix_of(outcome)) for i in kept],
        "traj_names": [document["traj_names"][i] for i in kept],
        "params": np.asarray(document["params"])[kept], "cov_params": np.asarray(document["cov_params"])[square],
        "identified": [document["identified"][i] for i in kept],
        "internal": {
            name: np.asarray(values)[square if name in ("cov", "jacobian") else kept]
            for name, values in document["internal"].items() if values is not None
        },
    }


def _with_margins(
    document: dict[str, Any], values: dict[str, Any], blocks: list[dict[str, Any]], kept: np.ndarray
) -> tuple[dict[str, Any], np.ndarray, list[dict[str, Any]]]:
    """The kept parameters and after them the logits of the second set's shares: what is said of the parameters, where
    the logits stand (K, 1), and the blocks."""
    sets, dual, internal = document["group_sets"], document["dual"], document["internal"]
    n_groups, reference = sets[1]["n_groups"], sets[1]["reference"]
    others = [g for g in range(n_groups) if g != reference]
    shares = np.asarray(sets[1]["shares"], dtype=float)
    joint = np.asarray(dual["jacobian"], dtype=float).reshape(sets[0]["n_groups"], n_groups, -1)
    slopes = joint.sum(axis=0) / shares[:, None]
    size = len(document["names"])
    through = np.zeros((kept.size + len(others), size))
    through[np.arange(kept.size), kept] = 1.0
    through[kept.size :] = slopes[others] - slopes[reference]
    logits = np.log(shares[others] / shares[reference])
    jacobian = np.eye(len(through))
    if internal.get("jacobian") is not None:
        jacobian[: kept.size, : kept.size] = np.asarray(internal["jacobian"])[np.ix_(kept, kept)]
    cov = through @ np.asarray(internal["cov"]) @ through.T
    inside = {
        "params": np.concatenate([np.asarray(internal["params"])[kept], logits]), "cov": cov, "jacobian": jacobian,
        **{name: through @ np.asarray(internal[name]) for name in ("undetermined", "root", "information_root")
           if internal.get(name) is not None},
    }
    known = InternalEstimates.of(inside).determined(np.eye(len(through))[kept.size :])
    reported = jacobian @ cov @ jacobian.T
    unknown = np.concatenate([~np.asarray(values["identified"], dtype=bool), ~known])
    reported[unknown], reported[:, unknown] = np.nan, np.nan
    positions = np.full((n_groups, 1), -1.0)
    for at, g in enumerate(others):
        positions[g] = kept.size + at
        blocks = [*blocks, {"kind": "theta", "outcome": None, "group_set": 0, "group": g + 1,
                            "start": kept.size + at, "width": 1}]
    return {
        "names": [*values["names"], *(f"theta[{g + 1}]" for g in others)],
        "traj_names": [*values["traj_names"], *(f"theta{g + 1}" for g in others)],
        "params": np.concatenate([values["params"], logits]), "cov_params": reported,
        "identified": [bool(x) for x in ~unknown], "internal": inside,
    }, positions, blocks


def _formula_of(document: dict[str, Any], number: int) -> str | None:
    """An outcome's own among the formulas of all, of a fit that does not say how its tables were read."""
    formulas = (document["formula"] or "").split("; ")
    return formulas[number] if len(formulas) == len(document["outcomes"]) else document["formula"]


def prefix_of(name: str) -> str:
    """What stands in front of the names of an outcome's parameters where there are several outcomes."""
    return f"{name}: "


def number_of(names: list[str], asked: Any) -> int:
    """Which outcome is meant, counted from 0: by name, or by its number from 1.

    Raises
    ------
    SpecificationError
        ``unknown_outcome``.
    """
    if asked in names:
        return names.index(asked)
    if isinstance(asked, int) and not isinstance(asked, bool) and 1 <= asked <= len(names):
        return asked - 1
    raise SpecificationError(
        f"outcome: {asked!r} is none of the outcomes.", code="unknown_outcome", argument="outcome",
        way_out=f"They are {', '.join(names)}.",
    )
