"""The values of options as users write them, read and checked: orders, flags, bounds, numbers of groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import shown
from ..checks import is_count
from ..design.network import as_network
from ..errors import SpecificationError
from ..families import own_name
from .event import as_event
from .prior import as_prior

MOST_GROUPS = 1000
LINKS = ("multi", "dual")


def as_orders(value: Any, argument: str) -> tuple[int, ...]:
    """Whole numbers as a tuple, refused by name otherwise, and where it does not say which is of which group."""
    _refuse_out_of_order(value, argument)
    try:
        items: list[Any] = list(value) if isinstance(value, Iterable) else [value]
        if any(isinstance(v, (bool, str)) or float(v) != int(v) for v in items):
            raise ValueError
        return tuple(int(v) for v in items)
    except (TypeError, ValueError, OverflowError):
        raise SpecificationError(
            f"{argument}: {shown(value)} is not a whole number or a sequence of them.", code="bad_order",
            argument=argument, way_out="For example order=2 or order=[2, 1, 3].",
        ) from None


def _refuse_out_of_order(value: Any, argument: str) -> None:
    """Keys of a dict, or labels of a Series other than 0, 1, .. or 1, 2, .., could mean the groups; a set has none."""
    index = getattr(value, "index", None)
    labels = [] if index is None or callable(index) else list(index)
    in_order = labels in (list(range(len(labels))), list(range(1, len(labels) + 1)))
    if isinstance(value, (Mapping, Set)) or not in_order:
        raise SpecificationError(
            f"{argument}: a {type(value).__name__} does not say which value is of which group.", code="bad_order",
            argument=argument, way_out="Give a list with one value for each group, in the order of the groups.",
        )


def per_group(value: Any, n_groups: int, argument: str) -> tuple[int, ...]:
    """One whole number, or one per group, as a tuple of length ``n_groups``."""
    values = as_orders(value, argument)
    return values * n_groups if len(values) == 1 else values


def refuse_outside(
    orders: tuple[int, ...] | None, lowest: int, highest: int, argument: str, code: str, where: str, way_out: str
) -> None:
    """Raise where an order is not among those that may be asked for."""
    for order in orders or ():
        if not lowest <= order <= highest:
            raise SpecificationError(
                f"{argument}: {order} is outside {lowest}..{highest}{where}.", code=code, argument=argument,
                way_out=way_out,
            )


def as_flag(value: Any, argument: str) -> bool:
    """True or False; 1 and 0 count as such, text does not."""
    if isinstance(value, (bool, np.bool_)) or (isinstance(value, (int, np.integer)) and value in (0, 1)):
        return bool(value)
    raise SpecificationError(
        f"{argument}: {shown(value)} is neither True nor False.", code="bad_flag", argument=argument,
        way_out=f"Give {argument}=True, or leave it out.",
    )


def as_bound(value: Any, argument: str) -> float | None:
    """A finite bound; None where there is none, as for an infinite one."""
    try:
        if isinstance(value, (bool, str)) or np.isnan(float(value)):
            raise ValueError
        return float(value) if np.isfinite(float(value)) else None
    except (TypeError, ValueError):
        raise SpecificationError(
            f"{argument}: {shown(value)} is not a number.", code="bad_bounds", argument=argument,
            way_out=f"Give a number, or leave {argument} out.",
        ) from None


def as_numbers_of_groups(value: Any, argument: str) -> int | tuple[int, int]:
    """The number of groups, or two: those of each of two outcomes."""
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) == 2:
        first, second = (as_number_of_groups(v, argument) for v in value)
        return first, second
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) == 1:
        value = value[0]
    return as_number_of_groups(value, argument)


def as_link(value: Any, argument: str) -> str:
    """How the groups of several outcomes hang together."""
    if value in LINKS:
        return str(value)
    raise SpecificationError(
        f"{argument}: {shown(value)} is not one of {', '.join(LINKS)}.", code="bad_link", argument=argument,
        way_out="'multi': outcomes share their groups; 'dual': each of two outcomes has its own.",
    )


def as_number_of_groups(value: Any, argument: str) -> int:
    """A whole number, 1 or more; 3.0 counts as 3."""
    if is_count(value) or (isinstance(value, (float, np.floating)) and float(value).is_integer() and value >= 1):
        if value > MOST_GROUPS:
            raise SpecificationError(
                f"{argument}: {value:g} groups are more than the {MOST_GROUPS} that can be computed.",
                code="bad_groups", argument=argument, way_out="Give the number of groups, such as 3.",
            )
        return int(value)
    raise SpecificationError(
        f"{argument}: {shown(value)} is not a positive whole number.", code="bad_groups", argument=argument,
        way_out="Give the number of groups, 1 or more.",
    )


def as_group(value: Any, argument: str) -> int:
    """The number of a group, from 1; whether the model has it is checked against the number of groups."""
    if is_count(value) or (isinstance(value, (float, np.floating)) and float(value).is_integer()):
        return int(value)
    raise SpecificationError(
        f"{argument}: {shown(value)} is not the number of a group.", code=f"bad_{argument}", argument=argument,
        way_out="Give the number of one of the groups, from 1.",
    )


def as_word(value: Any, argument: str) -> str:
    """Text; whether it is one of the words allowed is checked where they are known."""
    if not isinstance(value, str):
        raise SpecificationError(
            f"{argument}: {shown(value)} is not text.", code=f"bad_{argument}", argument=argument,
            way_out=f"Give a name in quotes, or leave {argument} out.",
        )
    return value


def as_names(value: Any, argument: str) -> tuple[str, ...]:
    """Names of columns; one may stand alone."""
    if value is None:
        return ()
    return tuple(as_word(v, argument) for v in (value if isinstance(value, (list, tuple)) else [value]))


def as_constraints(value: Any, argument: str) -> tuple[str, ...]:
    """Constraints on parameters, each a text; one may stand alone."""
    if isinstance(value, (list, tuple, np.ndarray, pd.Series, pd.Index)) and all(isinstance(v, str) for v in value):
        texts = [" ".join(v.split()) for v in value]
    elif isinstance(value, str):
        texts = [" ".join(value.split())]
    else:
        texts = [""]
    if "" in texts:
        raise SpecificationError(
            f"{argument}: {shown(value)} is not text that says what has to hold.", code="bad_constraint",
            argument=argument, way_out="Give a list such as ['time[1] = 0', 'sigma[1] = sigma[2]'].",
        )
    return tuple(texts)


def as_family(value: Any, argument: str) -> str:
    """The name of a family, by whichever of its names it was called."""
    return own_name(as_word(value, argument))


def as_given(value: Any, argument: str) -> Any:
    """Names of columns, formulas and arrays are read where the data are; ``"~ 1"`` asks for no covariate."""
    return None if isinstance(value, str) and "".join(value.split()) == "~1" else value


READERS: dict[str, Callable[[Any, str], Any]] = {
    "orders": as_orders, "flag": as_flag, "bound": as_bound, "groups": as_numbers_of_groups, "group": as_group,
    "columns": as_given, "word": as_word, "name": as_word, "names": as_names,
    "family": as_family, "constraints": as_constraints, "link": as_link, "prior": as_prior, "network": as_network,
    "event": as_event,
}
