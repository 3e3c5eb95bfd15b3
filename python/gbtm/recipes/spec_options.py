"""The options that a specification was made of."""

from __future__ import annotations

from typing import Any

from ..specification.option import options_of
from ..specification.outcome import Outcome
from ..specification.spec import ModelSpec


def arguments_of(spec: ModelSpec) -> dict[str, Any]:
    """The options that a specification was made of, by name; those at their default left out."""
    outcome = spec.outcomes[0]
    given: dict[str, Any] = {"groups": spec.n_groups}
    for name, option in options_of(Outcome).items():
        value = getattr(outcome, option.stored) if option.stored else None
        if value is not None and value is not False:  # a bound may be 0
            given[name] = _one_or_list(value, name) if option.kind == "orders" else value
    if spec.reference:
        given["refgroup"] = spec.reference + 1
    if spec.dropout is not None:
        given["dropout"] = _one_or_list(spec.dropout, "dropout")
    if spec.constraints:
        given["constraints"] = list(spec.constraints)
    if spec.prior is not None:
        given["prior"] = spec.prior
    return given


def _one_or_list(orders: tuple[int, ...], name: str) -> int | list[int]:
    """One order that stands for all groups; of iorder one that is common to them is another model than equal ones."""
    alike = len(orders) == 1 if name == "iorder" else len(set(orders)) == 1
    return orders[0] if alike else list(orders)
