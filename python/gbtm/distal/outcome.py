"""A distal outcome as its distribution wants it: numbers, codes of categories, or entry, exit and event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..columns.reading import numeric
from ..errors import DataError, SpecificationError
from ..step_three.outcome_models import OUTCOME_MODELS
from .formula import DistalFormula

SURVIVAL = ("cox", "exponential", "weibull")
FAMILIES = (*OUTCOME_MODELS, "cox")
MOST_CATEGORIES = 30
NO_OUTCOME = ("date", "datetime", "datetime64", "timedelta", "timedelta64", "time", "period", "complex")


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of the people of step three.

    Attributes
    ----------
    family : of ``FAMILIES``
    y : (n,), or (n, 3) entry, exit and event
    categories : names, of categories; else empty
    inferred : the family was not given, but follows from the values
    """

    family: str
    y: np.ndarray
    categories: tuple[str, ...]
    inferred: bool


def read_outcome(formula: DistalFormula, people: pd.DataFrame, family: str | None) -> Outcome:
    """The outcome of people (n) of whom nothing is missing.

    Raises
    ------
    SpecificationError
        ``bad_family``, ``no_family``.
    DataError
        For values that the family cannot take.
    """
    kind = pd.api.types.infer_dtype(people[formula.outcome], skipna=True)
    if kind in NO_OUTCOME:
        raise _unusable(formula.outcome, f"has values of kind {kind}",
                        "Make numbers of them, for example years since a date.")
    known = _family(formula, people[formula.outcome], family)
    inferred = family is None
    if known in SURVIVAL:
        return Outcome(known, _times(formula, people), (), inferred)
    values = people[formula.outcome]
    if known in ("nominal", "ordinal"):
        codes, categories = _categories(values, known)
        return Outcome(known, codes, categories, inferred)
    y = numeric(values, formula.outcome)
    if not np.isfinite(y).all():
        raise DataError(f"{formula.outcome}: infinite values.", code="infinite", argument=formula.outcome,
                        way_out="Recode them, or make them missing.")
    refuse = {"logit": _not_binary, "poisson": _not_counts, "negbin": _not_counts}.get(known)
    if refuse is not None:
        refuse(y, formula.outcome)
    if y.size == 0 or np.all(y == y[0]):
        raise _unusable(formula.outcome, "has one value only", "There is nothing to compare.")
    return Outcome(known, y, (), inferred)


def _family(formula: DistalFormula, values: pd.Series, family: str | None) -> str:
    if family is not None and family not in FAMILIES:
        raise SpecificationError(
            f"family: '{family}' is none.", code="bad_family", argument="family",
            way_out=f"Use one of {', '.join(FAMILIES)}.",
        )
    if family is not None and (family in SURVIVAL) != formula.is_survival:
        need = "needs Surv(time, event) on the left" if family in SURVIVAL else "is not for times to an event"
        raise SpecificationError(
            f"family: '{family}' {need} of the formula.", code="bad_family", argument="family",
            way_out=f"For example 'Surv(time, event) ~ group' with one of {', '.join(SURVIVAL)}.",
        )
    if family is not None:
        return family
    if formula.is_survival:
        return "cox"
    if isinstance(values.dtype, pd.CategoricalDtype):
        return "ordinal" if values.cat.ordered else "nominal"
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return "logit" if pd.api.types.is_bool_dtype(values.dtype) else "nominal"
    y = values.to_numpy(dtype=float)
    if np.isin(y, (0, 1)).all():
        return "logit"
    if (y != np.round(y)).any():
        return "normal"
    raise SpecificationError(
        f"family: {formula.outcome} has whole numbers, which may be counts, categories or measurements.",
        code="no_family", argument="family", way_out="Say which: family='poisson', 'negbin', 'ordinal' or 'normal'.",
    )


def _times(formula: DistalFormula, people: pd.DataFrame) -> np.ndarray:
    assert formula.event is not None
    leave, event = (numeric(people[c], c) for c in (formula.outcome, formula.event))
    entry = np.zeros(len(leave)) if formula.entry is None else numeric(people[formula.entry], formula.entry)
    if not np.isin(event, (0, 1)).all():
        raise _unusable(formula.event, "is not 0 or 1 throughout", "1 where the event was seen, 0 where it was not.")
    if not (event == 1).any():
        raise _unusable(formula.event, "has no event", "There is nothing to compare.")
    if not ((leave > entry) & (entry >= 0) & np.isfinite(leave)).all():
        raise _unusable(
            formula.outcome, "has times that are not after the entry", "Times count from 0 and end after they begin.")
    return np.column_stack([entry, leave, event])


def _categories(values: pd.Series, family: str) -> tuple[np.ndarray, tuple[str, ...]]:
    name, is_category = str(values.name), isinstance(values.dtype, pd.CategoricalDtype)
    if is_category:
        here = set(values)
        levels = [c for c in values.cat.categories if c in here]
    else:
        if family == "ordinal" and not pd.api.types.is_numeric_dtype(values.dtype):
            raise _unusable(name, "is text, which has no order",
                            "Make it pd.Categorical(.., ordered=True), or numbers.")
        levels = sorted(values.unique(), key=lambda v: (str(type(v)), v))
    if not 2 <= len(levels) <= MOST_CATEGORIES:
        raise _unusable(name, f"has {len(levels)} categories", f"Give one of 2 to {MOST_CATEGORIES}.")
    codes = pd.Index(levels).get_indexer(pd.Index(values.astype(object)))
    return codes.astype(float), tuple(_text(v) for v in levels)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value)


def _not_binary(y: np.ndarray, name: str) -> None:
    if not np.isin(y, (0, 1)).all():
        raise _unusable(name, "is not 0 or 1 throughout", "Recode it, or use family='nominal'.")


def _not_counts(y: np.ndarray, name: str) -> None:
    if not ((y >= 0) & (y == np.round(y))).all():
        raise _unusable(name, "has values that are no counts", "Counts are whole numbers, 0 or more.")


def _unusable(name: str, what: str, way_out: str) -> DataError:
    return DataError(f"{name}: it {what}.", code="bad_outcome", argument=name, way_out=way_out)
