"""The columns that a formula makes of a table, and of another table later in the same way.

A formula such as ``"~ scale(age) + C(region)"`` takes means, knots and levels from the data of the fit. They are kept
as data, column by column, so that new people meet what was fitted, and a file needs no code to say how.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, GBTMError, SpecificationError
from ..time_terms import for_formulas
from .column_expression import BARE, NotArithmetic, State, as_columns, compute
from .design_factor import NUMBER, Factor, by_name, inside_category, plain_level, plain_state, run
from .formula_faults import not_evaluated, refuse_taking_away
from .formula_variables import formula_variables
from .reading import listing, require_columns

QUOTED = re.compile(r"""\bQ\(\s*['"]([^'"]*)['"]\s*\)""")
INTERCEPT = "Intercept"  # formulaic's constant
KNOWN = {"np": np, "pd": pd, **{name: getattr(np, name) for name in BARE}}  # what a formula may name besides columns
CHECKED_ROWS, CHECKED_ALONE = 1000, 6  # on which the stored way is held against formulaic's
Part = tuple[int, str, int]  # factor, "number" or name of a coding, column of it


@dataclass(frozen=True, eq=False)
class FormulaDesign:
    """How columns are made.

    Attributes
    ----------
    formula : what was asked for
    variables : the columns of the table it needs
    factors : the expressions
    columns : name, number and parts of each column: the number times the product of its parts
    trusted : expressions that are code may be run
    terms : of each column the factors of its term, as they were written; not in a document
    """

    formula: str
    variables: tuple[str, ...]
    factors: tuple[Factor, ...]
    columns: tuple[tuple[str, float, tuple[Part, ...]], ...]
    trusted: bool = True
    terms: tuple[frozenset[str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.columns)

    @property
    def of_numbers(self) -> bool:
        """No factor is a category: the columns are known between the values that occurred."""
        return all(f.levels is None for f in self.factors)

    @property
    def repeatable(self) -> bool:
        """Another table can be given the same columns."""
        return all(f.pointwise and (f.arithmetic or self.trusted) for f in self.factors)

    def matrix(self, table: pd.DataFrame, argument: str) -> np.ndarray:
        """Columns (n, q) of a table; rows with a missing value are NaN throughout.

        Raises
        ------
        DataError
            ``unknown_column``, ``new_level``.
        SpecificationError
            ``untrusted_formula`` for code in a file; ``not_pointwise`` where a value depends on the other rows.
        """
        for factor in self.factors:
            if not factor.pointwise:
                raise SpecificationError(
                    f"{argument}: '{factor.text}' of a person depends on who else is in the table.",
                    code="not_pointwise", argument=argument,
                    way_out="Compute the column before the fit, or use center(), scale(), poly() or bs(), which keep "
                    "what they took from the fitted data.",
                )
        missing = [v for v in self.variables if v not in table.columns]
        if missing:
            raise DataError(
                f"{argument}: no column named {listing([repr(v) for v in missing])}.", code="unknown_column",
                argument=argument, way_out=f"The columns are {listing([str(c) for c in table.columns])}.",
            )
        require_columns(table, list(self.variables), argument)
        complete = table[list(self.variables)].notna().all(axis=1).to_numpy()
        out = np.full((len(table), len(self.columns)), np.nan)
        out[complete] = self._complete(table.loc[complete, list(self.variables)], argument)
        return out

    def _complete(self, table: pd.DataFrame, argument: str) -> np.ndarray:
        made: dict[tuple[int, str], np.ndarray] = {}
        out = np.empty((len(table), len(self.columns)))
        if not len(table):
            return out
        for j, (_, scale, parts) in enumerate(self.columns):
            out[:, j] = scale
            for at, kind, column in parts:
                try:
                    if (at, kind) not in made:
                        made[at, kind] = self.factors[at].columns(table, kind, argument, self.trusted)
                    out[:, j] *= made[at, kind][:, column]
                except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
                    if isinstance(error, GBTMError):
                        raise
                    raise DataError(
                        f"{argument}: '{self.factors[at].text}' does not give the columns that the fit had of it "
                        f"({type(error).__name__}: {error}).", code="bad_design", argument=argument,
                        way_out="Fit again, or give the file as it was written.",
                    ) from error
        return out

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "formula": self.formula, "variables": list(self.variables), "factors": [f.document for f in self.factors],
            "columns": [[name, scale, [list(p) for p in parts]] for name, scale, parts in self.columns],
        }

    @classmethod
    def from_document(cls, stored: Mapping[str, Any], *, trusted: bool) -> FormulaDesign:
        """The design that :attr:`document` describes.

        Raises
        ------
        DataError
            ``bad_document`` for anything else.
        """
        try:
            factors = tuple(Factor.from_document(f) for f in stored["factors"])
            columns = tuple(
                (str(name), float(scale), tuple((int(at), str(kind), int(j)) for at, kind, j in parts))
                for name, scale, parts in stored["columns"]
            )
            for name, scale, parts in columns:
                if not np.isfinite(scale):
                    raise ValueError(f"the number of column {name}")
                for at, kind, j in parts:
                    if not (0 <= at < len(factors) and factors[at].gives(kind, j)):
                        raise ValueError(f"part {at} {kind} {j}")
            return cls(str(stored["formula"]), tuple(map(str, stored["variables"])), factors, columns, trusted)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise DataError(
                f"design: the document does not say how its covariates are made ({error}).", code="bad_document",
                argument="design", way_out="Fit again, or give the file as it was written.",
            ) from error


def design_of(
    formula: str, table: pd.DataFrame, argument: str, *, constant: bool = False
) -> tuple[np.ndarray, FormulaDesign]:
    """Columns (n, q) of a table by a formula, and how to make them again.

    Parameters
    ----------
    formula : right-hand side, in formulaic's words
    table : rows with a missing value become NaN throughout
    constant : with the intercept among the columns, called "intercept"
    """
    import formulaic

    # not Formula.required_variables, which overlooks what stands in bs(), center() and their like
    known = [str(c) for c in table.columns]
    quoted = [c for c in QUOTED.findall(formula) if c in known]
    used = list(dict.fromkeys([*formula_variables(formula, known), *quoted]))
    require_columns(table, used, argument)
    complete = table[used].notna().all(axis=1).to_numpy()
    rows = table.loc[complete]
    terms = formulaic.Formula(formula if constant else f"1 + {formula}")
    matrix = formulaic.model_matrix(terms, rows, na_action="raise", context={**KNOWN, **for_formulas()})
    names = [str(n) for n in matrix.columns]
    keep = [j for j, n in enumerate(names) if constant or n != "Intercept"]
    values = np.asarray(matrix, dtype=float)[:, keep]
    out = np.full((len(table), len(keep)), np.nan)
    out[complete] = values
    rows = rows[used]
    try:
        factors, columns = _structure(matrix.model_spec, rows)
    except Exception:  # encoded in a way that only formulaic knows: what was fitted stands, but not for other people
        factors, columns = (Factor(formula, {}, pointwise=False, arithmetic=False),), []
    if len(columns) != len(names):
        factors = tuple(replace(f, pointwise=False) for f in factors)
        columns = [(1.0, ((0, NUMBER, 0),))] * len(names)
    mine = tuple(
        ("intercept" if names[j] == "Intercept" else names[j].replace("`", ""), *columns[j]) for j in keep
    )
    of_terms = {j: _factors_of(term) for term, places in matrix.model_spec.term_indices.items() for j in places}
    design = FormulaDesign(formula.strip(), tuple(used), factors, mine, terms=tuple(of_terms[j] for j in keep))
    return out, _checked(design, rows, values, argument)


def terms_of(formula: str) -> frozenset[frozenset[str]]:
    """The terms of a right-hand side without the constant, each the set of its factors."""
    import formulaic

    return frozenset(_factors_of(term) for term in formulaic.Formula(f"1 + {formula}")) - {frozenset(["1"])}


def _factors_of(term: Any) -> frozenset[str]:
    return frozenset(str(factor.expr) for factor in term.factors)


def _structure(spec: Any, rows: pd.DataFrame) -> tuple[tuple[Factor, ...], list[tuple[float, tuple[Part, ...]]]]:
    """The factors of formulaic's terms, and the scale and parts of each column in its order."""
    factors: dict[str, int] = {}
    made: list[Factor] = []
    columns: list[tuple[float, tuple[Part, ...]]] = []
    for term in spec.structure:
        for scoped in term.scoped_terms:
            pieces: list[list[Part]] = []
            for own in scoped.factors:
                text = str(own.factor.expr)
                if text not in factors:
                    factors[text] = len(made)
                    made.append(_factor(text, spec.encoder_state[text][1], rows))
                at = factors[text]
                kind = NUMBER if made[at].codings is None else "reduced" if own.reduced else "full"
                pieces.append([(at, kind, j) for j in range(_width(made[at], kind, rows))])
            # formulaic lets the first factor's columns change fastest
            columns += [(float(scoped.scale), tuple(reversed(p))) for p in product(*reversed(pieces))]
    return tuple(made), columns


def _width(factor: Factor, kind: str, rows: pd.DataFrame) -> int:
    if factor.codings is not None:
        return int(factor.codings[kind].shape[1])
    return int(factor.columns(rows.head(1), NUMBER, "formula", True).shape[1])


def _factor(text: str, encoder: Mapping[str, Any], rows: pd.DataFrame) -> Factor:
    """A factor as formulaic encoded it, with the state that ``rows`` give."""
    contrasts = encoder.get("contrasts")
    levels, codings = None, None
    if contrasts is not None:
        known = list(contrasts.levels)
        levels = tuple(plain_level(level) for level in known)
        codings = {
            name: np.asarray(contrasts.contrasts.get_coding_matrix(known, reduced_rank=reduced, sparse=False),
                             dtype=float)
            for name, reduced in (("full", False), ("reduced", True))
        }
    if text in rows.columns:
        text = f"`{text}`"
    elif contrasts is not None:
        text = inside_category(text)
    state: State = {}
    try:
        compute(text, by_name(rows), state)
        return Factor(text, state, levels, codings)
    except NotArithmetic:
        state = {}
    value = run(text, rows, state)
    if codings is None:
        as_columns(value, len(rows))
    try:
        plain_state(state)
    except TypeError:  # nothing that a file could hold
        return Factor(text, {}, levels, codings, pointwise=False, arithmetic=False)
    return Factor(text, state, levels, codings, arithmetic=False)


def _checked(design: FormulaDesign, rows: pd.DataFrame, values: np.ndarray, argument: str) -> FormulaDesign:
    """The design, each factor marked that does not give some rows what it gave them among all the others.

    Rows are looked at together, and a few of them each alone: the largest value is the largest of many parts too.
    """
    n = len(rows)
    together = np.unique(np.linspace(0, n - 1, min(n, CHECKED_ROWS)).astype(int))
    alone = np.unique(np.linspace(0, n - 1, min(n, CHECKED_ALONE)).astype(int))
    parts_of = [together[: max(1, together.size // 2)], *alone[:, None]]
    wrong: set[int] = set()
    for j, (_, _, parts) in enumerate(design.columns):
        column = replace(design, columns=(design.columns[j],))
        known = values[:, j][np.isfinite(values[:, j])]
        near = 1e-12 * (float(np.abs(known).max(initial=0.0)) or 1.0)
        for some in parts_of:
            try:
                found = column._complete(rows.iloc[some], argument)[:, 0]
            except (SpecificationError, DataError):
                found = np.full(some.size, np.nan)
            if not np.allclose(found, values[some, j], rtol=1e-9, atol=near, equal_nan=True):
                wrong |= {at for at, _, _ in parts}
                break
    factors = tuple(replace(f, pointwise=f.pointwise and at not in wrong) for at, f in enumerate(design.factors))
    return replace(design, factors=factors)


def covariate_columns(
    terms: str | Sequence[str] | FormulaDesign | None, table: pd.DataFrame, argument: str
) -> tuple[np.ndarray, tuple[str, ...], FormulaDesign | None]:
    """Covariates as columns (n, q) without the constant, their names, and how to make them of another table.

    Parameters
    ----------
    terms : column names, or a one-sided formula such as ``"~ age + C(region)"``; factors get treatment contrasts; or
        the design of an earlier call
    table : the data; rows with a missing value become NaN throughout
    """
    if isinstance(terms, FormulaDesign):
        return terms.matrix(table, argument), terms.names, terms
    if terms is None or not len(terms):
        return np.zeros((len(table), 0)), (), None
    if isinstance(terms, str) and "~" not in terms and terms in {str(c) for c in table.columns}:
        terms = [terms]
    if isinstance(terms, str):
        formula = terms.strip().lstrip("~")
    else:
        require_columns(table, list(terms))
        formula = " + ".join(f"`{t}`" for t in terms)
    refuse_taking_away(formula, argument)
    if INTERCEPT in formula_variables(formula, [str(c) for c in table.columns]):
        raise SpecificationError(
            f"{argument}: a column is called '{INTERCEPT}', as the constant of a formula is.", code="name_clash",
            argument=argument, way_out="Rename it.",
        )
    try:
        values, design = design_of(formula, table, argument)
    except Exception as error:
        raise not_evaluated(
            error, formula.strip(), argument,
            f"Name columns of the data, for example {argument}=['age', 'male'] or {argument}='~ age + C(x)'.",
        ) from error
    return values, design.names, design

