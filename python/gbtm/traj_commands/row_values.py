"""What a condition on rows says of a table, as Stata's ``if`` means it. Nothing of a text is run.

A missing number is larger than all others, so that ``age > 3`` is true of a missing age. In SAS it is smaller than all
others: :func:`from_sas` writes a condition of SAS's so that Stata selects the same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import CommandError

Values = np.ndarray  # float, NaN for missing; or text, "" for missing

COMPARE: dict[str, Callable[[Values, Values], np.ndarray]] = {
    "==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}
ARITHMETIC: dict[str, Callable[[Values, Values], np.ndarray]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
}


@dataclass(frozen=True)
class Node:
    """A piece of a condition: ``what`` is "number", "text", "column", an operator or a function.

    ``value`` is the number, the text or the column's name; ``parts`` are what it applies to.
    """

    what: str
    value: float | str | None = None
    parts: tuple[Node, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The columns that it looks at."""
        own = [str(self.value)] if self.what == "column" else []
        return list(dict.fromkeys([*own, *(c for part in self.parts for c in part.columns)]))


def holds(node: Node, data: pd.DataFrame) -> np.ndarray:
    """(n,) bool: where the condition is true of a row."""
    with np.errstate(all="ignore"):
        return _truth(_value(node, data))


def _truth(values: Values) -> np.ndarray:
    if _is_text(values):
        raise _mismatch("a text stands where a condition is wanted")
    return values != 0  # what is missing is no zero, and true


def _value(node: Node, data: pd.DataFrame) -> Values:
    n = len(data)
    if node.what == "number":
        return np.full(n, node.value, dtype=float)
    if node.what == "text":
        return np.full(n, node.value, dtype=object)
    if node.what == "column":
        return _column(data, str(node.value))
    if node.what == "_n":
        return np.arange(1.0, n + 1)
    if node.what == "_N":
        return np.full(n, float(n))
    parts = [_value(part, data) for part in node.parts]
    if node.what in ("&", "|"):
        left, right = (_truth(p) for p in parts)
        return ((left & right) if node.what == "&" else (left | right)).astype(float)
    if node.what == "!":
        return (~_truth(parts[0])).astype(float)
    if node.what in COMPARE:
        return _compared(node.what, parts[0], parts[1]).astype(float)
    if node.what in ARITHMETIC or node.what == "negative":
        return _calculated(node.what, parts)
    if node.what == "missing":
        return np.any([_absent(p) for p in parts], axis=0).astype(float)
    if node.what == "inlist":
        return np.any([_compared("==", parts[0], p) for p in parts[1:]], axis=0).astype(float)
    value, low, high = parts  # inrange: a missing end is no end, and what is missing is in no range
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    return ((value >= low) & (value <= high)).astype(float)


def _calculated(what: str, parts: list[Values]) -> Values:
    if any(_is_text(p) for p in parts):
        raise _mismatch("a text stands where a number is wanted")
    if what == "negative":
        return -parts[0]
    result = ARITHMETIC[what](parts[0], parts[1])
    return np.where(np.isfinite(result), result, np.nan)


def _compared(how: str, left: Values, right: Values) -> np.ndarray:
    if _is_text(left) != _is_text(right):
        raise _mismatch("a text is compared with a number")
    if _is_text(left):
        return np.array([bool(COMPARE[how](a, b)) for a, b in zip(left, right, strict=True)], dtype=bool)
    left, right = (np.where(np.isnan(v), np.inf, v) for v in (left, right))
    return COMPARE[how](left, right)


def _absent(values: Values) -> np.ndarray:
    return np.array([v == "" for v in values]) if _is_text(values) else np.isnan(values)


def from_sas(node: Node) -> Node:
    """A condition that selects in Stata the rows that this one selects in SAS, where missing is below all numbers."""
    return _true(node)


def _true(node: Node) -> Node:
    """As a condition: a number is true where it is neither zero nor missing."""
    if node.what in ("&", "|", "!"):
        return Node(node.what, None, tuple(_true(part) for part in node.parts))
    if node.what in ("<", "<=", ">", ">="):
        a, b = node.parts if node.what in ("<", ">=") else node.parts[::-1]  # each is a < b, or its contrary
        below = _below(a, b)
        return below if node.what in ("<", ">") else Node("!", None, (below,))
    if node.what == "inrange":
        value, low, high = node.parts
        return Node("!", None, (Node("|", None, (_below(value, low), _below(high, value))),))
    if node.what in ("==", "!=", "inlist", "missing"):
        return node
    return Node("&", None, (Node("!=", None, (node, Node("number", 0.0))), Node("!", None, (_missing(node),))))


def _below(a: Node, b: Node) -> Node:
    """a < b in SAS."""
    if "text" in (a.what, b.what):
        return Node("<", None, (a, b))
    known = [] if _is_known(b) else [Node("!", None, (_missing(b),))]
    less: Node = Node("<", None, (a, b))
    if not _is_known(a):
        less = Node("|", None, (_missing(a), less))
    return Node("&", None, (known[0], less)) if known else less


def _is_known(node: Node) -> bool:
    return node.what == "number" and node.value == node.value


def _missing(node: Node) -> Node:
    return Node("missing", None, (node,))


def words(node: Node) -> str:
    """A condition as Stata would have it written."""
    if node.what == "number":
        assert isinstance(node.value, float)
        return "." if np.isnan(node.value) else repr(node.value).removesuffix(".0")
    if node.what == "text":
        return f'"{node.value}"'
    if node.what == "column":
        return str(node.value)
    parts = [words(part) for part in node.parts]
    if node.what in ("missing", "inlist", "inrange"):
        return f"{node.what}({', '.join(parts)})"
    if node.what == "!":
        return f"!{parts[0]}" if node.parts[0].what in ("missing", "inlist", "inrange") else f"!({parts[0]})"
    if node.what == "negative":
        return f"-({parts[0]})"
    loose = {"|": ("&",), "&": ("|",)}.get(node.what, (*COMPARE, *ARITHMETIC, "&", "|", "negative"))
    shown = [f"({w})" if part.what in loose else w for w, part in zip(parts, node.parts, strict=True)]
    return f" {node.what} ".join(shown)


def _column(data: pd.DataFrame, name: str) -> Values:
    column = next(data[c] for c in data.columns if str(c) == name)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=float, na_value=np.nan)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    known = column.dropna()
    if all(isinstance(v, (int, float, np.number, bool)) for v in known):
        return column.to_numpy(dtype=float, na_value=np.nan)
    if all(isinstance(v, str) for v in known):
        return np.array(["" if pd.isna(v) else v for v in column], dtype=object)
    raise CommandError(
        f"{name}: neither numbers nor texts ({column.dtype}).", code="if_in", argument="if",
        way_out="Select the rows of the data first.",
    )


def _is_text(values: Values) -> bool:
    return values.dtype == object


def _mismatch(what: str) -> CommandError:
    return CommandError(
        f"{what}.", code="if_in", argument="if",
        way_out="Compare texts with a text in quotes, numbers with a number. A column of labels, such as a factor, "
        "is compared by its labels here.",
    )
