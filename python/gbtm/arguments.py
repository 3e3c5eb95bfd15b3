"""The door of a public function: its arguments are of the kinds that its signature says, and what comes out is named.

A signature says once what an argument may be; :func:`checked` holds calls to it before anything is computed. What goes
wrong behind the door without an error of its own is not let out raw: broken-down numbers, a disk that is full, and
faults of this package each get an error that says so, with the original one as its cause.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import os
import sysconfig
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from .errors import GBTMError, InternalError, MissingArgumentError, SpecificationError, UnknownArgumentError
from .foreign_words import OF_THE_MODEL, way_out

Thing = TypeVar("Thing", bound=Callable[..., Any])
# An exception of the user's own, from a function that was handed in, is let through. Before numpy 1.25 its own is no
# ValueError.
RAW = (ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, NameError, OSError, RuntimeError,
       TypeError, ValueError, np.linalg.LinAlgError)
BREAKDOWN = ("LinAlgError", "_LinAlgError", "OverflowError", "FloatingPointError", "ZeroDivisionError")
CODES = {"rng": "bad_seed"}  # of arguments whose error is not called after them
HERE = str(Path(__file__).parent)
INSTALLED = tuple({*(p for p in sysconfig.get_paths().values()), str(Path(np.__file__).parents[1])})
MADE_UP = ("", "<string>", "<unknown>")  # files of code that formulaic and pandas make
ITEMS_MOST = 1000  # of a list, looked at one by one
SHOWN_MOST = 60  # characters of a value in an error
MARK = "__gbtm_checked__"
MADE_BY_USERS = "made_by_users"  # a dataclass that users make themselves, whose call is held to its signature too


def checked(thing: Thing) -> Thing:
    """Hold a function, or all public methods of a class, to its signature.

    Raises
    ------
    SpecificationError
        ``bad_<argument>`` where a value is of none of the kinds in the argument's annotation.
    MissingArgumentError, UnknownArgumentError
        ``missing_argument``, ``unknown_argument``; both are a ``TypeError`` too.
    InternalError
        ``breakdown``, ``not_written`` or ``internal`` for what else goes wrong.
    """
    if not isinstance(thing, type):
        return _held(thing)  # type: ignore[return-value]
    own_init = not dataclasses.is_dataclass(thing) or getattr(thing, MADE_BY_USERS, False)
    for name, member in list(vars(thing).items()):
        if name.startswith("_") and not (name == "__init__" and own_init):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(thing, name, type(member)(_held(member.__func__)))
        elif isinstance(member, types.FunctionType):
            setattr(thing, name, _held(member))
    return thing


def _held(function: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(function, MARK):
        return function
    own = _own_signature(function)
    rules = {
        name: ast.parse(str(p.annotation), mode="eval").body for name, p in own.parameters.items()
        if p.annotation is not inspect.Parameter.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }

    @functools.wraps(function)
    def held(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = own.bind(*args, **kwargs)
        except TypeError as error:
            raise _other_arguments(function, own, kwargs, error) from None
        for name, value in bound.arguments.items():
            if name in rules and not admits(value, rules[name]) and value is not own.parameters[name].default:
                raise _of_wrong_kind(name, value, rules[name])
        try:
            return function(*args, **kwargs)
        except GBTMError:
            raise
        except RAW as error:
            if _of_the_users(error):
                raise
            raise _named(function.__name__, error) from error

    setattr(held, MARK, True)
    return held


def _own_signature(function: Callable[..., Any]) -> inspect.Signature:
    """What the call itself takes, not the one that ``takes_options`` shows to the user."""
    shown = vars(function).pop("__signature__", None)
    own = inspect.signature(function)
    if shown is not None:
        function.__signature__ = shown  # type: ignore[attr-defined]
    return own


def admits(value: Any, rule: ast.expr) -> bool:
    """A value is of a kind that an annotation names; kinds that are not known here are let be."""
    if isinstance(rule, ast.BinOp):
        return admits(value, rule.left) or admits(value, rule.right)
    if isinstance(rule, ast.Constant):
        return value is None if rule.value is None else True
    name, inside = _name(rule)
    if name in KINDS:
        if not KINDS[name][0](value):
            return False
        return not inside or name not in LISTS or _items(value, inside[0])
    if name in CLASSES:
        return any(c.__name__ in CLASSES[name] for c in type(value).__mro__)
    return True


def _items(value: Any, rule: ast.expr) -> bool:
    if isinstance(value, np.ndarray) and value.ndim != 1:
        return _name(rule)[0] == "Any"
    if not _is_list(value) or len(value) > ITEMS_MOST:
        return True
    listed = isinstance(value, (list, tuple, range))
    items = list(value) if listed else [_whole(v) for v in value]  # an array of doubles may hold groups
    if _name(rule)[0] == "str":  # columns of a table without names are called 0, 1, ..
        return all(admits(item, rule) or KINDS["int"][0](item) for item in items)
    return all(admits(item, rule) for item in items)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, (float, np.floating)) and float(value).is_integer() else value


def _name(rule: ast.expr) -> tuple[str, list[ast.expr]]:
    """``Sequence[int]`` -> "Sequence" and what stands in the brackets."""
    if isinstance(rule, ast.Subscript):
        inside = rule.slice.elts if isinstance(rule.slice, ast.Tuple) else [rule.slice]
        return _name(rule.value)[0], list(inside)
    return (rule.attr if isinstance(rule, ast.Attribute) else getattr(rule, "id", "")), []


def _is_bool(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not _is_bool(value)


def _is_list(value: Any) -> bool:
    listed = isinstance(value, (list, tuple, range, np.ndarray, pd.Series, pd.Index))
    return listed and not (isinstance(value, np.ndarray) and value.ndim == 0)


KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "str": (lambda v: isinstance(v, str), "a text"),
    "bool": (_is_bool, "True or False"),
    "int": (lambda v: isinstance(v, (int, np.integer)) and not _is_bool(v), "a whole number"),
    "float": (_is_number, "a number"),
    "Path": (lambda v: isinstance(v, os.PathLike), "a path"),
    "DataFrame": (lambda v: isinstance(v, pd.DataFrame), "a pandas DataFrame"),
    "Mapping": (lambda v: isinstance(v, Mapping), "a dict"),
    "dict": (lambda v: isinstance(v, Mapping), "a dict"),
    "Sequence": (_is_list, "a list"),
    "list": (_is_list, "a list"),
    "tuple": (_is_list, "a list"),
    "Iterable": (lambda v: isinstance(v, Iterable) and not isinstance(v, (str, bytes, Mapping)), "a list"),
    "Progress": (callable, "a function"),
    "Callable": (callable, "a function"),
}
LISTS = ("Sequence", "list", "Iterable")
CLASSES = {  # by name, so that no room is imported from above
    "Fit": ("Fit",), "FitRecord": ("FitRecord",), "GBTMResults": ("GBTMResults",), "ModelSearch": ("ModelSearch",),
    "Model": ("GBTM",), "Panel": ("Panel",), "ModelSpec": ("ModelSpec",), "Axes": ("Axes",),
    "CrossValidation": ("CrossValidation",),
}
CLASS_WORDS = {"Fit": "a fit", "GBTMResults": "a fit", "ModelSearch": "a search", "Axes": "matplotlib Axes",
               "Model": "a model"}


def words(rule: ast.expr) -> list[str]:
    """The kinds of an annotation, as an error names them."""
    if isinstance(rule, ast.BinOp):
        return [*words(rule.left), *words(rule.right)]
    if isinstance(rule, ast.Constant):
        return ["None"]
    name, inside = _name(rule)
    if name in LISTS and inside and not isinstance(inside[0], (ast.BinOp, ast.Constant)):
        item = {"int": " of whole numbers", "float": " of numbers", "str": " of texts"}.get(_name(inside[0])[0], "")
        return [f"a list{item}"]
    return [KINDS[name][1] if name in KINDS else CLASS_WORDS.get(name, name)]


def shown(value: Any) -> str:
    """A value in an error: short, and of a table or an array only what it is."""
    if isinstance(value, (pd.DataFrame, pd.Series, pd.Index, np.ndarray)):
        return f"a {type(value).__name__}"
    try:
        text = repr(value)
    except Exception:  # the class of the user's
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN_MOST else f"{text[:SHOWN_MOST - 3]}..."


def _of_wrong_kind(argument: str, value: Any, rule: ast.expr) -> SpecificationError:
    kinds = list(dict.fromkeys(words(rule)))
    listed = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} or {kinds[-1]}"
    return SpecificationError(
        f"{argument}: {shown(value)} is not {listed}.", code=CODES.get(argument, f"bad_{argument}"), argument=argument,
        way_out=f"Give {listed}.",
    )


def _other_arguments(
    function: Callable[..., Any], own: inspect.Signature, given: Mapping[str, Any], error: TypeError
) -> SpecificationError:
    shown = inspect.signature(function).parameters.values()  # with all options, where the function takes them
    known = [p.name for p in shown if p.name != "self" and p.kind is not p.VAR_KEYWORD]
    hands_on = OF_THE_MODEL if any(p.kind is p.VAR_KEYWORD for p in own.parameters.values()) else ()
    unknown = next((n for n in given if n not in (*known, *hands_on)), None)
    if unknown is not None:
        return unknown_argument(unknown, known)
    return MissingArgumentError(
        f"{function.__name__}(): {error}.", code="missing_argument", argument=_quoted(str(error)),
        way_out=f"Its arguments are: {', '.join(known) or 'none'}.",
    )


def unknown_argument(name: str, known: Collection[str]) -> UnknownArgumentError:
    """The error for an argument that does not exist, with what is meant by it."""
    return UnknownArgumentError(
        f"{name}: no such argument.", code="unknown_argument", argument=name, way_out=way_out(name, known),
    )


def _quoted(text: str) -> str | None:
    parts = text.split("'")
    return parts[1] if len(parts) > 2 else None


def _of_the_users(error: Exception) -> bool:
    """It came out of a function that the user handed in, which stands neither here nor among what is installed."""
    at, inside = error.__traceback__, False
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        if file.startswith(HERE):
            inside = True
        elif inside and not (file.startswith(INSTALLED) or file in MADE_UP or file.startswith(("<frozen", "<__array"))):
            return True
        at = at.tb_next
    return False


def _named(function: str, error: Exception) -> GBTMError:
    """The error that is shown for one that has no words of its own."""
    first = next(iter(str(error).splitlines()), "")
    what = f"{type(error).__name__}: {first}" if first else type(error).__name__
    if isinstance(error, OSError):
        place = f"{error.filename!r} " if error.filename else ""
        return InternalError(
            f"{function}(): {place}cannot be read or written ({error.strerror or first}).", code="not_written",
            argument=None, way_out="Check the path, the permissions and the space on the disk.",
        )
    if type(error).__name__ in BREAKDOWN:
        return InternalError(
            f"{function}(): the numbers broke down ({what}).", code="breakdown",
            way_out="Look for enormous or tiny values in the data, and give them in other units.",
        )
    if isinstance(error, MemoryError):
        return InternalError(
            f"{function}(): there is not enough memory.", code="breakdown",
            way_out="Ask for less at once: fewer groups, starts or processes.",
        )
    return InternalError(
        f"{function}(): a fault of gbtm ({what}).", code="internal",
        way_out="Please report it with the lines above it and the call. Other arguments may get around it.",
    )
