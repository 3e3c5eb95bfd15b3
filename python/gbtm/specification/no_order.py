"""What cannot be asked of several observations at one time: their order."""

from __future__ import annotations

from ..errors import SpecificationError

GO_BY_ORDER = {
    "ar1": "correlated errors go by the observation before",
    "dropout": "it goes by the last outcomes of a person",
    "tcov": "a lag is the outcome of the wave before",
}


def refuse_order(*, repeated: bool, **asked: bool) -> None:
    """Raise where an argument among ``asked`` is in use that goes by the order of observations."""
    for argument in (name for name, used in asked.items() if used and repeated):
        raise SpecificationError(
            f"{argument}: {GO_BY_ORDER[argument]}, and several at one time, which repeated allows, have no order.",
            code="no_order", argument=argument,
            way_out="Leave one of the two out, or make one observation of those at a time, such as their mean.",
        )
