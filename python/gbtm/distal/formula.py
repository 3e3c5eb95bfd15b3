"""A formula such as ``"prison ~ group * age0"`` or ``"Surv(time, event) ~ group"``, taken apart.

``group`` stands for the groups of the fit. Every term with ``group`` in it gives what stands beside it coefficients in
each group: ``~ group * v`` has ``group[1]``, ``group[2]``, ``v[1]``, ``v[2]``, the slopes within the groups.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import qr

from ..columns.formula_faults import in_plain_words, refuse_taking_away
from ..columns.formula_variables import formula_variables
from ..columns.reading import require_columns
from ..errors import DataError, SpecificationError
from ..step_three.linear_predictor import Design

SURVIVAL = re.compile(r"\s*Surv\((?P<inside>.*)\)\s*", re.DOTALL)
GROUP = ("group", "C(group)")
WAY_OUT = "For example 'prison ~ group + age0', or 'Surv(time, event) ~ group'."
COLLINEAR = 1e-9


@dataclass(frozen=True)
class DistalFormula:
    """The two sides of a formula.

    Attributes
    ----------
    text : the formula
    outcome : column of the outcome; of a time to an event that of the time
    entry, event : columns of ``Surv(entry, time, event)``, else None
    own : terms beside ``group``, which have coefficients in each group, without the constant
    common : the other terms
    """

    text: str
    outcome: str
    entry: str | None
    event: str | None
    own: tuple[str, ...]
    common: tuple[str, ...]

    @property
    def is_survival(self) -> bool:
        return self.event is not None

    @property
    def outcome_columns(self) -> list[str]:
        return [c for c in (self.outcome, self.entry, self.event) if c is not None]

    @property
    def right(self) -> str:
        """The covariates as a formula, "" for none."""
        return " + ".join([*self.own, *self.common])


def read_formula(text: str, columns: list[str]) -> DistalFormula:
    """Take a formula apart; ``columns`` are those of the table.

    Raises
    ------
    SpecificationError
        ``bad_formula``, ``no_group``.
    """
    left, tilde, right = text.partition("~")
    if not tilde or not left.strip() or not right.strip():
        raise _bad(text, "it is not 'outcome ~ group + ..'")
    survival = SURVIVAL.fullmatch(left)
    if survival is None:
        outcome, entry, event = _column(left, text), None, None
    else:
        names = [_column(n, text) for n in survival["inside"].split(",")]
        if len(names) not in (2, 3):
            raise _bad(text, "Surv() takes a time and an event, or an entry, a time and an event")
        outcome, event, entry = names[-2], names[-1], names[0] if len(names) == 3 else None
    own, common = _terms(right, text, columns)
    return DistalFormula(text.strip(), outcome, entry, event, own, common)


def _column(text: str, formula: str) -> str:
    name = text.strip()
    if re.fullmatch(r"`[^`]+`", name):
        return name[1:-1]
    if not re.fullmatch(r"[^\W\d][\w.]*", name):
        raise _bad(formula, f"'{name}' on its left is no name of a column; compute it in the table first")
    return name


def _terms(right: str, text: str, columns: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    import formulaic

    refuse_taking_away(right, "formula")
    try:
        terms = list(formulaic.Formula(f"1 + {right}"))
        with_group: dict[str, None] = {}
        without: dict[str, None] = {}
        seen = False
        for term in terms:
            factors = [str(f.expr) for f in term.factors]
            if factors == ["1"]:
                continue
            rest = [f for f in factors if f not in GROUP]
            words = ":".join(_quoted(f, columns) for f in rest)
            if len(rest) < len(factors):
                seen = True
                if rest:
                    with_group[words] = None
            else:
                without[words] = None
    except Exception as error:
        raise _bad(text, f"it cannot be read ({in_plain_words(error)})") from error
    if not seen:
        raise SpecificationError(
            f"formula: '{text.strip()}' has no group on its right.", code="no_group", argument="formula",
            way_out=f"'group' stands for the groups of the fit. {WAY_OUT}",
        )
    return tuple(with_group), tuple(t for t in without if t not in with_group)


def _quoted(factor: str, columns: list[str]) -> str:
    return f"`{factor}`" if factor in columns and not factor.isidentifier() else factor


def _bad(text: str, why: str) -> SpecificationError:
    return SpecificationError(
        f"formula: '{text.strip()}': {why}.", code="bad_formula", argument="formula", way_out=WAY_OUT)


def variables_of(right: str, columns: list[str], table: pd.DataFrame) -> list[str]:
    """Columns that the covariates use."""
    found = formula_variables(right, columns)
    require_columns(table, found)
    return found


def design_of_formula(own: tuple[str, ...], common: tuple[str, ...], people: pd.DataFrame) -> Design:
    """The design of people (n) of whom nothing is missing.

    Raises
    ------
    SpecificationError
        ``bad_formula``, ``collinear``.
    """
    n, terms = len(people), [*own, *common]
    if not terms:
        return Design(np.ones((n, 1)), ("",), np.zeros((n, 0)), ())
    import formulaic

    try:
        matrix = formulaic.model_matrix(formulaic.Formula("1 + " + " + ".join(terms)), people, na_action="raise")
    except Exception as error:
        raise _bad(" + ".join(terms), f"it cannot be evaluated: {in_plain_words(error)}") from error
    names = [str(c).replace("`", "") for c in matrix.columns]
    values = np.asarray(matrix, dtype=float)
    if not np.isfinite(values).all():
        worst = names[int(np.flatnonzero(~np.isfinite(values).all(axis=0))[0])]
        raise DataError(f"{worst}: infinite values.", code="infinite", argument=worst, way_out="Recode them.")
    wanted = [frozenset(str(f.expr) for f in t.factors) for t in formulaic.Formula("0 + " + " + ".join(own or ("0",)))]
    of_own: list[int] = []
    of_common: list[int] = []
    for term, at in matrix.model_spec.term_indices.items():
        factors = frozenset(str(f.expr) for f in term.factors)
        if factors != {"1"}:
            (of_own if own and factors in wanted else of_common).extend(at)
    design = Design(
        np.column_stack([np.ones(n), values[:, of_own]]), ("", *(names[j] for j in of_own)), values[:, of_common],
        tuple(names[j] for j in of_common),
    )
    refuse_collinear(np.hstack([design.own, design.common]), ("group", *design.own_names[1:], *design.common_names))
    return design


def refuse_collinear(x: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse columns (n, q) of which one follows from others."""
    scaled = x / np.maximum(np.linalg.norm(x, axis=0), 1e-300)
    r, pivot = qr(scaled, mode="r", pivoting=True)
    size = np.abs(np.diag(r[: min(r.shape)]))
    lost = [names[j] for j in pivot[: size.size][size < COLLINEAR]] + [names[j] for j in pivot[size.size :]]
    if lost:
        raise SpecificationError(
            f"formula: {', '.join(lost)} follows from the other columns.", code="collinear", argument="formula",
            way_out="Leave it out; a constant column follows from the groups.",
        )
