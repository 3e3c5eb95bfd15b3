"""Expressions of a table's columns, such as ``np.log(pay)`` or ``bs(age, df=4)``, computed and never executed.

A fit file names the expressions of its covariates. Python's ``eval`` would run whatever stands there, so that they are
read as a tree here, of which only arithmetic and a list of functions has a meaning. Functions that take something
from the data (a mean, knots) are formulaic's; what they took is kept by :class:`State`, and new data meet the same.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..time_terms import TERMS

LONGEST = 2000  # characters of an expression
LARGEST_COUNT = 100  # of a degree, knots or degrees of freedom
State = dict[str, Any]

OPERATIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
OF_NUMPY = ("log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "square", "abs", "absolute",
            "sign", "floor", "ceil", "round", "trunc", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh",
            "cosh", "tanh", "minimum", "maximum", "power", "where", "clip", "isnan")
BARE = ("log", "log2", "log10", "exp", "exp2", "log1p", "expm1", "sqrt", "abs", "sign", "floor")  # without np. in front
STATEFUL = ("bs", "cr", "cs", "center", "scale", "standardize", "poly")  # formulaic's
OF_TIME = ("knots", "period")  # arguments that are values of a column, and no counts


class NotArithmetic(Exception):
    """The expression has a part that is not computed here."""


def compute(expression: str, table: Mapping[str, Any], state: State) -> Any:
    """The value of an expression: an array (n,) or (n, q), or for a spline a dict of its columns.

    Parameters
    ----------
    expression : with a column that is no name in backticks
    table : columns by name, (n,) each
    state : what each function took from the data, by its text; filled where it is not there yet

    Raises
    ------
    NotArithmetic
        For anything but numbers, columns, arithmetic, comparisons and the functions above.

    Examples
    --------
    >>> import numpy as np
    >>> from gbtm.columns.column_expression import compute
    >>> state = {}
    >>> compute("center(age) * 2", {"age": np.array([1.0, 2.0, 6.0])}, state).tolist()
    [-4.0, -2.0, 6.0]
    >>> compute("center(age) * 2", {"age": np.array([6.0])}, state).tolist()
    [6.0]
    """
    text, quoted = _unquoted(expression)
    if len(text) > LONGEST:
        raise NotArithmetic("it is too long")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        with np.errstate(all="ignore"):
            return _Reader(table, quoted, state).value(tree)
    except (SyntaxError, RecursionError, MemoryError, ValueError, TypeError, AttributeError, KeyError, IndexError,
            OverflowError, ArithmeticError, np.linalg.LinAlgError) as error:
        raise NotArithmetic(str(error)) from error


def _unquoted(expression: str) -> tuple[str, dict[str, str]]:
    """The expression with a name of its own for each column in backticks."""
    quoted: dict[str, str] = {}

    def name(found: re.Match[str]) -> str:
        quoted[f"_quoted_{len(quoted)}"] = found[1]
        return f"_quoted_{len(quoted) - 1}"

    return re.sub(r"`([^`]*)`", name, expression), quoted


class _Reader:
    def __init__(self, table: Mapping[str, Any], quoted: Mapping[str, str], state: State) -> None:
        self.table, self.quoted, self.state = table, quoted, state

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, str)):
            plain = isinstance(node.value, (str, bool))
            return node.value if plain else float(node.value)  # of integers a power has no end
        if isinstance(node, ast.Name):
            return self.column(self.quoted.get(node.id, node.id))
        if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATIONS:
            return OPERATIONS[type(node.op)](self.value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
            return OPERATIONS[type(node.op)](self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATIONS:
            return OPERATIONS[type(node.ops[0])](self.value(node.left), self.value(node.comparators[0]))
        if isinstance(node, ast.Call):
            return self.call(node)
        raise NotArithmetic(f"{ast.unparse(node)!r} is no column, number or arithmetic")

    def column(self, name: str) -> Any:
        if name not in self.table:
            raise NotArithmetic(f"there is no column {name!r}")
        return self.table[name]

    def call(self, node: ast.Call) -> Any:
        name, of_numpy = _function(node.func)
        if name in (OF_NUMPY if of_numpy else BARE):
            if node.keywords:
                raise NotArithmetic(f"{name}() has named arguments")
            return getattr(np, name)(*(self.value(a) for a in node.args))
        if not of_numpy and name == "I" and len(node.args) == 1 and not node.keywords:
            return self.value(node.args[0])
        if not of_numpy and name == "Q" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return self.column(str(node.args[0].value))
        if of_numpy or name not in (*STATEFUL, *TERMS) or not node.args:
            raise NotArithmetic(f"{name}() is not known")
        own = self.state.setdefault(ast.unparse(node), {})
        settings = [_setting(a) for a in node.args[1:]]
        named = {str(k.arg): _setting(k.value, k.arg in OF_TIME) for k in node.keywords
                 if k.arg and not k.arg.startswith("_")}
        if len(named) < len(node.keywords):
            raise NotArithmetic(f"{name}() has arguments that are not known")
        return _function_of(name)(self.value(node.args[0]), *settings, _state=own, **named)


def _function(node: ast.expr) -> tuple[str, bool]:
    """The name of what is called, and whether it is numpy's."""
    if isinstance(node, ast.Name):
        return node.id, False
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy"):
        return node.attr, True
    raise NotArithmetic(f"{ast.unparse(node)!r} is no function that is known")


def _function_of(name: str) -> Callable[..., Any]:
    from formulaic.transforms import TRANSFORMS

    return TERMS[name] if name in TERMS else TRANSFORMS[name]


def _setting(node: ast.expr, of_time: bool = False) -> Any:
    """An argument that is no column: a number, a text, a list of numbers; integers are counts but ``of_time``."""
    value = ast.literal_eval(node)
    for item in value if isinstance(value, (list, tuple)) else [value]:
        small = not isinstance(item, int) or abs(item) <= LARGEST_COUNT or isinstance(value, (list, tuple)) or of_time
        if not (item is None or isinstance(item, (bool, int, float, str))) or not small:
            raise NotArithmetic(f"the argument {ast.unparse(node)!r}")
    return value


def as_columns(value: Any, n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """What an expression gave as columns (n, q), with a name for each where it has several."""
    value = getattr(value, "__wrapped__", value)  # formulaic's FactorValues
    if isinstance(value, Mapping):
        names = [k for k in value if not str(k).startswith("__")]
        return np.column_stack([np.asarray(value[k], dtype=float) for k in names]), tuple(str(k) for k in names)
    array = np.asarray(value.to_numpy() if isinstance(value, (pd.Series, pd.DataFrame)) else value, dtype=float)
    if array.ndim < 2:
        return np.broadcast_to(array.reshape(-1, 1) if array.ndim else array, (n, 1)).copy(), ()
    return array, tuple(str(j + 1) for j in range(array.shape[1]))
