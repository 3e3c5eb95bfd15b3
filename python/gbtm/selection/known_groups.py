"""A search where the group of some people is known: which numbers of groups can be tried."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.known_groups import largest_known
from ..data.panel import Panel
from ..errors import SpecificationError


def refuse_dual_search() -> None:
    """Raise ``no_known_here``: the first pairs of numbers tried may not have the known groups."""
    raise SpecificationError(
        "known: pairs of numbers of groups are tried from two of each outcome on, and people are known to be in groups "
        "that these may not have.", code="no_known_here", argument="known",
        way_out="Fit each pair of numbers by itself, and compare their BIC.",
    )


def refuse_for_known(panel: Panel, groups: Sequence[int], how: str) -> None:
    """Refuse numbers of groups that do not have those that are known, and searches of orders.

    Raises
    ------
    SpecificationError
        ``bad_groups``; ``no_known_here``, as orders are searched among groups that may change places.
    """
    known = panel.subjects.known_groups
    if known is None:
        return
    largest, by_weights = largest_known(known), known.shape[1] > 1
    if min(groups) < largest or (by_weights and max(groups) > largest):
        said = f"known has weights of {largest} groups" if by_weights else f"group {largest} is among the known ones"
        raise SpecificationError(
            f"groups: {', '.join(map(str, groups))} are tried, and {said}.", code="bad_groups", argument="groups",
            way_out=f"Give a list of numbers from {largest} on." if not by_weights else
            "Give the number of the known group in one column, so that there can be further groups.",
        )
    if how != "groups":
        raise SpecificationError(
            "known: orders are searched among groups that may change places, and those of known people may not.",
            code="no_known_here", argument="known",
            way_out="Use how='groups', and choose the orders by fits of your own.",
        )
