"""The models that a search considered, as plain values of its document, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..record.fit_record import read_spec
from .candidates import Space
from .dual_space import DualSpace
from .outcome_orders import SeveralSpace


def space_document(space: Space) -> dict[str, Any]:
    """The ``space`` of a search's document."""
    several: dict[str, Any] = {} if not isinstance(space, SeveralSpace) else {
        "orders_of": [None if o is None else list(o) for o in space.orders_of], "names": list(space.names)}
    if isinstance(space, DualSpace):
        several |= {"second_groups": list(space.second_groups), "second_reference": space.second_reference}
    template = asdict(space.template)
    if space.template.prior is None:
        del template["prior"]
    if space.template.event is None:
        del template["event"]
    return {
        "template": template, "groups": list(space.groups),
        "orders": None if space.orders is None else list(space.orders), "zero": space.zero,
        "reference": space.reference, **several,
    }


def read_space(stored: dict[str, Any]) -> Space:
    """The inverse of :func:`space_document`."""
    parts = (read_spec(stored["template"]), tuple(stored["groups"]),
             None if stored["orders"] is None else tuple(stored["orders"]), stored["zero"], stored["reference"])
    if "orders_of" not in stored:
        return Space(*parts)
    orders_of = tuple(None if o is None else tuple(o) for o in stored["orders_of"])
    if stored.get("second_groups") is not None:
        second = (tuple(stored["second_groups"]), stored["second_reference"])
        return DualSpace(*parts, orders_of, tuple(stored["names"]), *second)
    return SeveralSpace(*parts, orders_of, tuple(stored["names"]))
