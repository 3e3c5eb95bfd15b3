"""Time bases: orthonormal inside, the user's columns outside.

A basis maps times (C,) to columns (C, q). The engine works with ``internal`` columns, orthonormal over the
observations, so that order 5 on ages 8 to 38 is as well conditioned as order 1; ``to_user`` (q, q) takes internal
coefficients back to those of the user's columns. It is upper triangular for polynomials: a group of lower order uses
the leading columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, design_of
from ..columns.formula_faults import not_evaluated, refuse_taking_away
from ..columns.formula_variables import formula_variables
from ..columns.reading import elsewhere, listing
from ..data.measures import ranks
from ..errors import DataError, SpecificationError
from .coordinates import Coordinates, orthonormal_mix
from .covariate_basis import CovariateBasis, spread_of
from .formula_advice import advice

OBSERVATIONS_MOST = 2_000_000  # on which a formula is evaluated
Columns = Callable[[np.ndarray], np.ndarray]
NO_POWER = re.compile(r"\^\s*\d|^[^(]*\*\*\s*\d")


# How columns are made: objects rather than functions, so that a fit can be pickled.


@dataclass(frozen=True)
class PowerColumns:
    """Powers 0, 1, .. of (t - centre) / scale."""

    centre: float
    scale: float
    width: int

    def __call__(self, t: np.ndarray) -> np.ndarray:
        return _scaled_powers(t, self.centre, self.scale, self.width)


@dataclass(frozen=True, eq=False)
class LagColumns:
    """A constant and lagged outcomes (n, L), centred and scaled."""

    centre: np.ndarray
    scale: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.hstack([np.ones((x.shape[0], 1)), (x - self.centre) / self.scale])


@dataclass(frozen=True, eq=False)
class KnownColumns:
    """Columns ``x`` (C, q) at the distinct times (C,), and elsewhere where a design makes them.

    Of columns that R made there is no ``formula``: at the distinct times they are taken as they came, to the last bit.
    """

    distinct: np.ndarray
    x: np.ndarray
    formula: str | None
    design: FormulaDesign | None
    time_name: str

    @property
    def everywhere(self) -> bool:
        """Known at any time."""
        return self.design is not None and self.design.repeatable and self.design.of_numbers

    def __call__(self, t: np.ndarray) -> np.ndarray:
        if self.design is not None and self.everywhere and (self.formula is not None or not self._has(t)):
            return self.design.matrix(pd.DataFrame({self.time_name: t}), "times")
        where = np.clip(np.searchsorted(self.distinct, t), 0, self.distinct.size - 1)
        new = self.distinct[where] != t
        if new.any():
            raise SpecificationError(
                f"times: {float(t[new][0]):g} was not observed, and the curve is known only at times that were.",
                code="unknown_time", argument="times",
                way_out=f"The times are {listing([f'{v:g}' for v in self.distinct])}. {self._elsewhere()}",
            )
        return self.x[where]

    def _has(self, t: np.ndarray) -> bool:
        return bool(np.isin(t, self.distinct).all())

    def _elsewhere(self) -> str:
        """How to know a curve at other times."""
        if self.formula is None or (self.design is not None and not self.design.of_numbers):
            return ("A file has other times of polynomials and of terms of time alone, such as bs(), ns(), poly() and "
                    "lspline(): fit one of these.")
        return "In Python, load(path, trust_formula=True) runs the file's formula, which is code."


@dataclass(frozen=True)
class TimeBasis:
    """Columns over time.

    Attributes
    ----------
    names : the q column names in the user's terms, e.g. ``("intercept", "age", "age^2")``
    raw : times (C,) -> well-scaled columns (C, q)
    mix : (q, q), internal columns = raw columns @ mix, orthonormal over the observations
    to_user : (q, q), coefficients of the user's columns = to_user @ internal coefficients
    constant : (q,), internal coefficients of the constant 1 (least squares)
    document : what :func:`.stored_basis.basis_from_document` needs to make the basis again
    everywhere : known at any time, not only at the observed ones
    """

    names: tuple[str, ...]
    raw: Columns
    mix: np.ndarray
    to_user: np.ndarray
    constant: np.ndarray
    document: dict[str, Any]
    has_intercept: bool = True
    everywhere: bool = True

    @property
    def width(self) -> int:
        return len(self.names)

    def internal(self, times: np.ndarray) -> np.ndarray:
        """(C,) -> (C, q) orthonormal columns."""
        return self.raw(np.asarray(times, dtype=float))[:, : self.width] @ self.mix

    def joined(self, covariates: CovariateBasis) -> Coordinates:
        """Coordinates of these columns followed by covariates, whose centring the constant takes up."""
        width, q = self.width, covariates.width
        to_user = np.zeros((width + q, width + q))
        to_user[:width, :width] = self.to_user
        to_user[width:, width:] = covariates.to_user
        to_user[:width, width:] = -np.outer(self.to_user @ self.constant, covariates.centre / covariates.scale)
        return Coordinates(
            (*self.names, *covariates.names), to_user, np.concatenate([self.constant, np.zeros(q)])
        )

    def leading(self, width: int) -> TimeBasis:
        """The same polynomial basis cut to its first ``width`` columns (the matrices are upper triangular)."""
        return TimeBasis(
            names=self.names[:width], raw=self.raw, mix=self.mix[:width, :width],
            to_user=self.to_user[:width, :width], constant=self.constant[:width], document=self.document,
            has_intercept=self.has_intercept, everywhere=self.everywhere,
        )


def lag_basis(lags: np.ndarray) -> TimeBasis:
    """A constant and lagged outcomes (n, L): nested columns like those of a polynomial, for dropout."""
    centre, scale = spread_of(lags, tuple(f"drop{j + 1}" for j in range(lags.shape[1])), "dropout")
    raw = np.hstack([np.ones((lags.shape[0], 1)), (lags - centre) / scale])
    return _lags(centre, scale, orthonormal_mix(raw, np.ones(lags.shape[0])))


def lag_basis_from_document(document: dict[str, Any]) -> TimeBasis:
    """The basis that :func:`lag_basis` made."""
    centre, scale, mix = (np.asarray(document[k], dtype=float) for k in ("centre", "scale", "mix"))
    return _lags(centre, scale, mix.reshape(centre.size + 1, centre.size + 1))


def _lags(centre: np.ndarray, scale: np.ndarray, mix: np.ndarray) -> TimeBasis:
    width = centre.size + 1
    expand = np.diag(np.concatenate([[1.0], 1 / scale]))
    expand[0, 1:] = -centre / scale
    return TimeBasis(
        names=tuple(f"drop{j}" for j in range(width)), raw=LagColumns(centre, scale), mix=mix, to_user=expand @ mix,
        constant=np.eye(width)[0], document={"kind": "lags", "centre": centre.tolist(), "scale": scale.tolist(),
                                             "mix": mix.tolist()},
    )


def power_names(order: int, time_name: str) -> tuple[str, ...]:
    return tuple(["intercept", time_name, *(f"{time_name}^{j}" for j in range(2, order + 1))][: order + 1])


def polynomial_basis(
    times: np.ndarray, order: int, time_name: str = "time", argument: str = "order",
    ranked: tuple[np.ndarray, np.ndarray] | None = None,
) -> TimeBasis:
    """Polynomial of ``order`` over the observed ``times`` (n_obs,); ``ranked`` are their :func:`ranks` if known.

    Raises
    ------
    SpecificationError
        When there are not more distinct times than the order.
    """
    distinct, where = ranks(times) if ranked is None else ranked
    counts = np.bincount(where)
    if distinct.size <= order:
        raise SpecificationError(
            f"{argument}: order {order} needs at least {order + 1} distinct times, {time_name} has {distinct.size}.",
            code="order_too_high", argument=argument, way_out=f"Use order {distinct.size - 1} or lower.",
        )
    centre = float(distinct.mean())
    scale = float(np.abs(distinct - centre).max()) or 1.0
    mix = orthonormal_mix(_scaled_powers(distinct, centre, scale, order + 1), counts)
    return polynomial_of(power_names(order, time_name), centre, scale, mix)


def _scaled_powers(t: np.ndarray, centre: float, scale: float, width: int) -> np.ndarray:
    return np.vander((t - centre) / scale, width, increasing=True)


def polynomial_of(names: tuple[str, ...], centre: float, scale: float, mix: np.ndarray) -> TimeBasis:
    width = len(names)
    expand = np.zeros((width, width))  # ((t - centre) / scale)^j in powers of t
    for j in range(width):
        for i in range(j + 1):
            expand[i, j] = comb(j, i) * (-centre) ** (j - i) / scale**j
    return TimeBasis(
        names=names, raw=PowerColumns(centre, scale, width), mix=mix, to_user=expand @ mix,
        constant=np.eye(width)[0],
        document={"kind": "polynomial", "names": list(names), "centre": centre, "scale": scale, "mix": mix.tolist()},
    )


def matrix_basis(
    times: np.ndarray, columns: np.ndarray, names: tuple[str, ...], *, design: FormulaDesign | None = None,
    time_name: str = "time", counts: np.ndarray | None = None, from_r: bool = False,
) -> TimeBasis:
    """A basis given by its columns (n_obs, q) at the observed times, and optionally how to make them elsewhere.

    ``counts`` (C,) are the observations at each distinct time, where there are more than are given. Of columns
    ``from_r`` a design is left out that does not make the same.

    Raises
    ------
    SpecificationError
        When the columns are linearly dependent over the distinct times.
    """
    distinct, where = ranks(times)
    counts = np.bincount(where) if counts is None else counts
    x = np.empty((distinct.size, columns.shape[1]))
    x[where] = columns
    if from_r and design is not None and not _makes(design, time_name, distinct, x):
        design = None
    try:
        mix = orthonormal_mix(x, counts)
    except np.linalg.LinAlgError:
        raise SpecificationError(
            f"formula: the {x.shape[1]} basis columns are linearly dependent over {x.shape[0]} distinct times.",
            code="dependent_basis", argument="formula", way_out=_fewer(design),
        ) from None
    formula = None if design is None or from_r else design.formula
    return tabulated_basis(names, distinct, x, mix, formula, design, time_name)


def _makes(design: FormulaDesign, time_name: str, times: np.ndarray, x: np.ndarray) -> bool:
    made = design.matrix(pd.DataFrame({time_name: times}), "formula")
    return made.shape == x.shape and np.allclose(made, x, rtol=1e-9, atol=1e-9 * float(np.abs(x).max()))


def _fewer(design: FormulaDesign | None) -> str:
    if design is not None and re.search(r"\bcc\((?!.*\b(period|constraints)\b)", design.formula):
        return "Give cc() its period, for months within years 12."
    return "Use fewer basis columns, or drop the duplicate ones."


def tabulated_basis(
    names: tuple[str, ...], distinct: np.ndarray, x: np.ndarray, mix: np.ndarray, formula: str | None,
    design: FormulaDesign | None, time_name: str,
) -> TimeBasis:
    raw = KnownColumns(distinct, x, formula, design, time_name)
    constant, *_ = np.linalg.lstsq(x @ mix, np.ones(distinct.size), rcond=None)
    return TimeBasis(
        names=names, raw=raw, mix=mix, to_user=mix, constant=constant, everywhere=raw.everywhere,
        has_intercept=bool(np.allclose(x @ mix @ constant, 1.0, atol=1e-8)),
        document={
            "kind": "columns", "names": list(names), "formula": formula, "times": distinct.tolist(),
            "columns": x.tolist(), "mix": mix.tolist(), "design": None if design is None else design.document,
        },
    )


def formula_basis(
    times: np.ndarray, formula: str, time_name: str, counts: np.ndarray | None = None
) -> TimeBasis:
    """A basis from the right-hand side of a formula in the one variable ``time_name``, such as ``"bs(age, df=4)"``.

    Columns of categories of time are known at the times that occurred; those of numbers at any time. With ``counts``
    (C,) the times (C,) are distinct, ascending, and so many observations are at each.
    """
    if counts is not None:
        times = _repeated(times, counts)
    refuse_taking_away(formula, "formula")
    try:
        columns, design = design_of(formula, pd.DataFrame({time_name: times}), "formula", constant=True)
    except Exception as error:
        raise not_evaluated(
            error, formula, "formula", f"Its only variable must be the time '{time_name}'.",
        ) from error
    return matrix_basis(times, columns, design.names, design=design, time_name=time_name, counts=counts)


def _repeated(times: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Distinct times (C,) as often as they occur; of very many, evenly spaced ones in their order, and each once."""
    total = int(counts.sum())
    if total <= OBSERVATIONS_MOST:
        return np.repeat(times, counts)
    place = np.linspace(0, total - 1, OBSERVATIONS_MOST).astype(np.int64)
    at = np.searchsorted(np.cumsum(counts), place, side="right")
    return np.repeat(times, np.maximum(np.bincount(at, minlength=times.size), 1))


def split_formula(
    formula: str, data: pd.DataFrame, wide: Mapping[str, Any] | None = None
) -> tuple[str, str, str | None]:
    """``"y ~ rhs"`` -> outcome, time variable, basis formula (None where rhs is the time alone)."""
    sides = formula.split("~")
    if len(sides) != 2 or not sides[0].strip() or not sides[1].strip():
        raise SpecificationError(
            f"formula: {formula!r} is not of the form 'outcome ~ time'.", code="bad_formula", argument="formula",
            way_out="For example 'offenses ~ age'.",
        )
    outcome, rhs = (re.sub(r"^`([^`]*)`$", r"\1", side.strip()) for side in sides)  # R and formulaic quote odd names
    known = set(wide) if wide is not None else {str(c) for c in data.columns}
    if rhs in known or re.fullmatch(r"[A-Za-z_.][\w.]*", rhs):
        return _known(outcome, known, data, wide), _known(rhs, known, data, wide), None
    words = formula_variables(rhs, known | {str(c) for c in data.columns})
    if len(words) != 1:
        raise SpecificationError(
            f"formula: '{rhs}' must use exactly one column, the time; it uses {', '.join(words) or 'none'}.",
            code="bad_formula", argument="formula", way_out=advice(rhs, words, data, outcome),
        )
    if NO_POWER.search(rhs):  # to a formula age^2 is age once more, and to Python bits of it
        raise SpecificationError(
            f"formula: '{rhs}' does not make a power of {words[0]}.", code="bad_formula", argument="formula",
            way_out=advice(rhs, words, data, outcome),
        )
    return _known(outcome, known, data, wide), _known(words[0], known, data, wide), rhs


def _known(name: str, known: set[str], data: pd.DataFrame, wide: Mapping[str, Any] | None) -> str:
    if name not in known or (wide is None and name not in data.columns):
        there = ", ".join(sorted(known)[:12])
        raise DataError(
            f"formula: no column named '{name}'.", code="unknown_column", argument=name,
            way_out=f"{elsewhere(data, [name])}The columns are {there}. For a table with one row per person, wide says "
                    "what the names of the formula stand for." if wide is None else
                    f"The names that wide gives are {there}. Give it '{name}' too: a pattern of columns, or "
                    "of the time a list of numbers, one per wave.",
        )
    return name
