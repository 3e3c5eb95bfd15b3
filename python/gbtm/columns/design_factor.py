"""One factor of a formula's terms: an expression of columns, or a category, with what it took from the data."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, SpecificationError
from ..time_terms import for_formulas
from .column_expression import NotArithmetic, State, as_columns, compute

NUMBER = "number"
MOST_COLUMNS = 1000  # of one factor


@dataclass(frozen=True, eq=False)
class Factor:
    """An expression that gives numbers or, with ``levels``, a category.

    Attributes
    ----------
    text : the expression, without the C(..) around a category
    state : what its functions took from the data they were first given
    levels : the L levels of a category; None for numbers
    codings : of a category, by name ("full", "reduced"), the columns (L, q) that stand for its levels
    pointwise : the value of a row depends on that row alone, once the state is known
    arithmetic : it is computed without running code; any other expression is code
    """

    text: str
    state: State
    levels: tuple[Any, ...] | None = None
    codings: Mapping[str, np.ndarray] | None = None
    pointwise: bool = True
    arithmetic: bool = True

    def gives(self, kind: str, column: int) -> bool:
        """It has such a column; how many an expression of numbers has, the data tell."""
        if self.codings is None or kind == NUMBER:
            return kind == NUMBER and self.codings is None and 0 <= column < MOST_COLUMNS
        return kind in self.codings and 0 <= column < self.codings[kind].shape[1]

    def columns(self, table: pd.DataFrame, kind: str, argument: str, trusted: bool) -> np.ndarray:
        """(n, q) for the rows of a table without missing values; ``kind`` is "number" or the name of a coding."""
        values = self.values(table, argument, trusted)
        if kind == NUMBER:
            return as_columns(values, len(table))[0]
        assert self.codings is not None
        return self.codings[kind][self._codes(values, len(table), argument)]

    def values(self, table: pd.DataFrame, argument: str, trusted: bool) -> Any:
        """What the expression gives."""
        if self.arithmetic:
            try:
                return compute(self.text, by_name(table), self.state)
            except NotArithmetic as error:
                raise _not_evaluated(argument, self.text, str(error)) from error
        if not trusted:
            raise SpecificationError(
                f"{argument}: '{self.text}' of the fit's file is code, and nothing in a file is executed.",
                code="untrusted_formula", argument=argument,
                way_out="If you know where the file comes from, load it with trust_formula=True.",
            )
        try:
            return run(self.text, table, self.state)
        except Exception as error:
            raise _not_evaluated(argument, self.text, str(error)) from error

    def _codes(self, values: Any, n: int, argument: str) -> np.ndarray:
        """Place of each value among the levels."""
        assert self.levels is not None
        array = values.to_numpy(dtype=object) if isinstance(values, pd.Series) else np.asarray(values, dtype=object)
        given = [plain_level(v) for v in np.broadcast_to(array, (n,))]
        place = {level: j for j, level in enumerate(self.levels)}
        unknown = [v for v in dict.fromkeys(given) if v not in place]
        if unknown:
            raise DataError(
                f"{self.text}: {', '.join(map(repr, unknown[:5]))} did not occur in the fit.", code="new_level",
                argument=argument, way_out=f"Its levels are {', '.join(map(repr, self.levels[:12]))}.",
            )
        return np.array([place[v] for v in given], dtype=np.int64)

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "text": self.text, "state": plain_state(self.state), "pointwise": self.pointwise,
            "arithmetic": self.arithmetic, "levels": None if self.levels is None else list(self.levels),
            "codings": None if self.codings is None else {k: c.tolist() for k, c in self.codings.items()},
        }

    @classmethod
    def from_document(cls, stored: Mapping[str, Any]) -> Factor:
        """The factor that :attr:`document` describes."""
        levels, codings = stored["levels"], stored["codings"]
        _refuse_unlike(stored, levels, codings)
        return cls(
            text=str(stored["text"]), state=known_state(stored["state"]), pointwise=bool(stored["pointwise"]),
            arithmetic=bool(stored["arithmetic"]), levels=None if levels is None else tuple(levels),
            codings=None if codings is None else {
                k: np.asarray(c, dtype=float).reshape(len(levels or ()), -1) for k, c in codings.items()
            },
        )


def _refuse_unlike(stored: Mapping[str, Any], levels: Any, codings: Any) -> None:
    """ValueError for what no factor is."""
    if not isinstance(stored["text"], str) or not all(isinstance(stored[k], bool) for k in ("pointwise", "arithmetic")):
        raise ValueError("a factor's text, pointwise or arithmetic")
    if (levels is None) != (codings is None):
        raise ValueError(f"levels without codings, or codings without levels, of {stored['text']}")
    if levels is not None:
        plain = isinstance(levels, list) and all(isinstance(v, (str, bool, int, float)) for v in levels)
        if not plain or len(set(levels)) != len(levels):
            raise ValueError(f"the levels of {stored['text']}")
        for coding in codings.values():
            matrix = np.asarray(coding, dtype=float)
            if matrix.shape[0] != len(levels) or matrix.ndim != 2 or not np.isfinite(matrix).all():
                raise ValueError(f"the codings of {stored['text']}")
    if not _is_finite(known_state(stored["state"])):
        raise ValueError(f"what {stored['text']} took from the data")


def _is_finite(state: Any) -> bool:
    if isinstance(state, dict):
        return all(_is_finite(v) for v in state.values())
    if isinstance(state, list):
        return all(_is_finite(v) for v in state)
    return not isinstance(state, (float, np.ndarray)) or bool(np.isfinite(state).all())


def inside_category(text: str) -> str:
    """The expression inside ``C(..)``, whatever contrasts it asks for; the text itself where there is none."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return text
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "C" and tree.args:
        return ast.unparse(tree.args[0])
    return text


def run(text: str, table: pd.DataFrame, state: State) -> Any:
    """The value of an expression that is code: of a model that was asked for in this session, or of a trusted file."""
    from formulaic import ModelSpec
    from formulaic.transforms import TRANSFORMS
    from formulaic.utils.layered_mapping import LayeredMapping
    from formulaic.utils.stateful_transforms import stateful_eval

    known = LayeredMapping(table, {"pd": pd}, for_formulas(), TRANSFORMS)
    return stateful_eval(text, known, {}, state, ModelSpec(formula=[]))


def plain_level(level: Any) -> Any:
    """A level as JSON has it: text, number or logical; anything else as text."""
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, (str, bool, int)):
        return level
    if isinstance(level, float):
        return int(level) if level.is_integer() else level
    return str(level)


def plain_state(state: Any) -> Any:
    """A state with arrays and maps marked as such, so that JSON brings them back as they were."""
    if isinstance(state, dict):
        return {"map": [[plain_state(k), plain_state(v)] for k, v in state.items()]}
    if isinstance(state, np.ndarray):
        return {"array": state.tolist()}
    if isinstance(state, (list, tuple)):
        return [plain_state(v) for v in state]
    plain = state.item() if isinstance(state, np.generic) else state
    json.dumps(plain)  # TypeError for what a file cannot hold
    return plain


def known_state(stored: Any) -> Any:
    """The inverse of :func:`plain_state`."""
    if isinstance(stored, dict):
        if "array" in stored:
            return np.asarray(stored["array"], dtype=float)
        return {known_state(k): known_state(v) for k, v in stored["map"]}
    return [known_state(v) for v in stored] if isinstance(stored, list) else stored


def by_name(table: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table as arrays."""
    out = {}
    for name in table.columns:
        values = table[name]
        if pd.api.types.is_bool_dtype(values.dtype):
            out[str(name)] = values.to_numpy(dtype=bool)
        elif pd.api.types.is_numeric_dtype(values.dtype):
            out[str(name)] = values.to_numpy(dtype=float)
        else:
            out[str(name)] = values.to_numpy(dtype=object)
    return out


def _not_evaluated(argument: str, text: str, why: str) -> SpecificationError:
    return SpecificationError(
        f"{argument}: '{text}' cannot be computed: {why}.", code="bad_formula", argument=argument,
        way_out="Compute the column first, and name it.",
    )
