"""What the fields of a search on disk must hold, beyond their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import DataError

MOST_GROUPS = 1000


def check_search_values(document: Mapping[str, Any], source: str) -> None:
    """What the table of fields does not say: sentences are lists of text, and what was computed are numbers."""
    happened, later, about = document["happened"], document["later"], document["space"]
    are_sentences = all(isinstance(v, list) and all(isinstance(s, str) for s in v) for v in happened.values())
    are_numbers = all(
        isinstance(criteria, dict) and all(v is None or isinstance(v, (int, float)) for v in criteria.values())
        for criteria in later.values()
    )
    counts = [*about["groups"], *(about.get("second_groups") or ()), *(f["n_groups"] for f in document["fits"])]
    orders = [o for f in (about, *document["fits"]) for o in f["orders"] or ()]
    are_counts = all(isinstance(k, int) and not isinstance(k, bool) and 0 < k <= MOST_GROUPS for k in counts)
    are_orders = all(isinstance(o, int) and not isinstance(o, bool) for o in orders)
    checks = (
        ("happened", are_sentences), ("later", are_numbers), ("n_groups", are_counts and counts),
        ("orders", are_orders),
    )
    for name, right in checks:
        if not right:
            raise DataError(
                f"{source}: '{name}' is not as it was written.", code="bad_document", argument="path",
                way_out="Give a file written by the save() of what gbtm.search() returned.",
            )


def check_same_data(document: Mapping[str, Any], shared: Mapping[str, Any], source: str) -> None:
    """The data that all fits share are those of as many outcomes, sets of groups and people as a fit has."""
    sizes = {name: (len(shared[name]), len(document[name])) for name in ("outcomes", "group_sets")}
    sizes["ids"] = (len(shared["ids"]), document["n_subjects"])
    for name, (n_shared, n_fits) in sizes.items():
        if n_shared != n_fits:
            raise DataError(
                f"{source}: 'shared.{name}' has {n_shared}, and the fits have {n_fits}.", code="bad_document",
                argument="path", way_out="Give a file written by the save() of what gbtm.search() returned.",
            )
