"""The time as an expression of a column, ``"y ~ I(age - 40)"`` with an order: a polynomial of what it gives."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, design_of
from ..columns.formula_faults import not_evaluated
from ..columns.reading import expand_columns, numeric
from ..errors import SpecificationError


def time_expression(text: str, data: pd.DataFrame, time: str, wide: Mapping[str, Any] | None) -> FormulaDesign | None:
    """How the time is made of the column ``time``; None where that is no single column of numbers, such as ``bs(t)``.

    Raises
    ------
    SpecificationError
        For arithmetic outside of ``I()``, which means something else in a formula, and for what depends on the other
        rows, or cannot be computed.
    """
    examples = f"Its only variable must be the time '{time}'; I({time} - 40) and np.log({time}) are examples."
    try:
        top = ast.parse(text.replace("`", "_").strip(), mode="eval").body
    except SyntaxError as error:
        raise SpecificationError(
            f"formula: '{text}' cannot be read.", code="bad_formula", argument="formula", way_out=examples,
        ) from error
    if isinstance(top, (ast.BinOp, ast.UnaryOp)):
        if any(isinstance(node, ast.Call) for node in ast.walk(top)):
            return None  # several terms
        raise SpecificationError(
            f"formula: '{text}' is no arithmetic: a formula takes its signs for terms.", code="bad_formula",
            argument="formula", way_out=f"Write I({text}).",
        )
    times = pd.DataFrame({time: numeric(data[time], time) if wide is None else _wide_times(data, wide[time])})
    try:
        values, design = design_of(text, times, "formula")
    except Exception as error:
        raise not_evaluated(error, text, "formula", examples) from error
    if values.shape[1] != 1 or not design.of_numbers:
        return None
    design.matrix(times.head(1), "formula")  # refuses what depends on the other rows
    return design


def _wide_times(data: pd.DataFrame, given: Any) -> np.ndarray:
    """All times of wide data, one after the other."""
    listed = [given] if isinstance(given, str) else list(given.values()) if isinstance(given, Mapping) else list(given)
    if any(isinstance(t, str) for t in listed):
        return np.concatenate([numeric(data[c], c) for c in expand_columns(data, listed, "time")])
    return np.asarray(listed, dtype=float)


def with_time_column(
    data: pd.DataFrame, design: FormulaDesign, time: Any, wide: bool
) -> tuple[pd.DataFrame, Any]:
    """The table with what the expression gives, and where that stands: a column, or one a wave, or numbers.

    Parameters
    ----------
    time : what the expression is of: the column of a long table; of a wide one columns, or a number a wave
    """
    def made(values: Any) -> np.ndarray:
        return design.matrix(pd.DataFrame({design.variables[0]: values}), "formula")[:, 0]

    if not wide:
        return data.assign(**{label_of(design): made(numeric(data[time], time))}), label_of(design)
    if isinstance(time, (pd.Series, Mapping)):
        own = dict(time)
        return data, dict(zip(own, made(list(own.values())).tolist(), strict=True))
    listed = [time] if isinstance(time, str) else list(time)
    if not any(isinstance(t, str) for t in listed):
        return data, made(listed).tolist()
    columns = expand_columns(data, listed, "time")
    new = {f"{label_of(design)} of {c}": made(numeric(data[c], c)) for c in columns}
    return data.assign(**new), list(new)


def label_of(design: FormulaDesign) -> str:
    """What the time is called: the expression as it was written."""
    return " ".join(design.formula.split())


def sources_of(design: FormulaDesign, time: Any, wide: bool) -> Any:
    """What :func:`with_time_column` made the times of, where it is known from their names; None for numbers."""
    if not wide:
        return design.variables[0]
    named = isinstance(time, (list, tuple)) and all(isinstance(t, str) for t in time)
    return [t.removeprefix(f"{label_of(design)} of ") for t in time] if named else None
