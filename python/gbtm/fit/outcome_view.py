"""One outcome of a fit of several, as a fit of its own: its curves and observations, the groups of them all.

What is estimated of the groups (shares, posteriors, membership coefficients) comes from all outcomes together, and so
do the log-likelihood and what the starts found.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import SpecificationError


def outcome_view(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The document with outcome ``number``, counted from 0, alone; its parameters go without the outcome's name."""
    outcome = document["outcomes"][number]
    blocks = [b for b in document["blocks"] if b["outcome"] in (number, None)]
    entries = [np.arange(b["start"], b["start"] + b["width"]) for b in blocks]
    kept = np.concatenate([np.empty(0, dtype=int), *entries]).astype(int)
    place = np.full(len(document["names"]) + 1, -1)  # the last is where a place of -1 points to
    place[kept] = np.arange(kept.size)
    square = np.ix_(kept, kept)
    starts = np.cumsum([0, *(b["width"] for b in blocks)])
    group_set = document["group_sets"][outcome["group_set"]]
    positions = np.asarray(group_set["membership"]["positions"]).astype(int)
    return {
        **document,
        "formula": (outcome["inputs"] or {}).get("formula", document["formula"]),
        "outcomes": [{
            **outcome, "group_set": 0,
            "positions": {p: place[np.asarray(at).astype(int)].astype(float) for p, at in outcome["positions"].items()},
        }],
        "group_sets": [{
            **group_set, "membership": {**group_set["membership"], "positions": place[positions].astype(float)}}],
        "blocks": [
            {**b, "outcome": None if b["outcome"] is None else 0, "group_set": 0, "start": int(start)}
            for b, start in zip(blocks, starts, strict=False)
        ],
        "names": [document["names"][i].removeprefix(prefix_of(outcome["name"])) for i in kept],
        "traj_names": [document["traj_names"][i] for i in kept],
        "params": np.asarray(document["params"])[kept], "cov_params": np.asarray(document["cov_params"])[square],
        "identified": [document["identified"][i] for i in kept],
        "internal": {
            name: np.asarray(values)[square if name in ("cov", "jacobian") else kept]
            for name, values in document["internal"].items() if values is not None
        },
        "nobs": outcome["nobs"], "part_of": [o["name"] for o in document["outcomes"]],
        "search": {**document["search"], "optima": [
            {k: v for k, v in o.items() if k != "params"} for o in document["search"]["optima"]
        ]},
    }


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
