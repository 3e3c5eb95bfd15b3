"""Time among the time-varying covariates: ``"~ sex * t"`` asks whether the curve differs by sex.

The main effect of time is the curve's own: a column of time alone that is a combination of the curve's columns is left
out. And it counts as being there when the levels of a factor are coded: ``sex:t`` has a column for each level but the
first, whose slope is the curve's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, design_of
from ..columns.formula_variables import formula_variables, term_columns
from ..columns.reading import listing, numeric
from ..data.measures import ranks
from ..data.panel import Panel, Terms
from .time_basis import polynomial_basis

CODE = "time_in_tcov"
NEAR = 1e-8  # of a column's length, what is left of it beside the curve's columns


@dataclass(frozen=True, eq=False)
class Curve:
    """The columns (n, q) of the curve at ``times`` (n,), the time's name, and what the curve is called."""

    times: np.ndarray
    columns: np.ndarray
    time: str
    called: str

    @classmethod
    def beside(
        cls, terms: Terms, data: pd.DataFrame, named: tuple[str, str], orders: Sequence[int] | None, basis: str | None
    ) -> Curve | None:
        """The curve that covariates meet: a polynomial of the highest of ``orders``, or a formula of time.

        ``named`` are the time's column, and that of what the polynomial is of. None where the covariates do not use it.
        """
        time, of = named
        if time not in term_columns(terms if not isinstance(terms, FormulaDesign) else None, data):
            return None
        times = numeric(data[time], time)
        known = times[np.isfinite(times)]
        if not known.size:
            return None
        if basis is not None:
            return cls(known, design_of(basis, pd.DataFrame({time: known}), "formula", constant=True)[0], time, basis)
        rows = data[[time, of] if time != of else [time]].dropna().drop_duplicates(time)
        known, at = (rows[c].to_numpy(dtype=float) for c in named)
        order = min(max([0, *(orders or ())]), ranks(at)[0].size - 1)
        columns = polynomial_basis(at, order, of).internal(at)
        return cls(known, columns, time, f"a polynomial of order {order}")

    def has(self, columns: np.ndarray) -> np.ndarray:
        """Which of these columns (n, r) at ``times`` are combinations of its own (r,)."""
        length = np.linalg.norm(columns, axis=0)
        scaled = columns / np.where(length > 0, length, 1.0)
        rest = scaled - self.columns @ np.linalg.lstsq(self.columns, scaled, rcond=None)[0]
        return np.asarray(np.linalg.norm(rest, axis=0) <= NEAR)


def of_time(text: str, time: str, columns: Sequence[str]) -> bool:
    """An expression uses the time and no other column."""
    return formula_variables(text, columns) == [time]


def with_time(terms: Terms, data: pd.DataFrame, curve: Curve) -> Terms:
    """Covariates with the main effect of time beside each of its interactions, where the curve has it."""
    columns = [str(c) for c in data.columns]
    if not isinstance(terms, str) or terms in columns or curve.time not in formula_variables(terms, columns):
        return terms
    import formulaic

    formula = terms.strip().lstrip("~")
    times = pd.DataFrame({curve.time: curve.times})
    margins: list[str] = []
    for term in formulaic.Formula(f"1 + {formula}"):
        factors = [f.expr for f in term.factors]
        mine = [f for f in factors if of_time(f, curve.time, columns)]
        text = ":".join(mine)
        if mine and len(mine) < len(factors) and text not in margins and curve.has(design_of(
                text, times, "tcov")[0]).all():
            margins.append(text)
    return "~ " + " + ".join([*margins, formula]) if margins else terms


def without_time(panel: Panel, asked: Terms, curve: Curve) -> Panel:
    """The panel without the covariates that are the curve's own; it tells of those that were ``asked`` for."""
    design, m = panel.designs.get("tcov"), panel.outcomes[0]
    if design is None or curve.time not in design.variables:
        return panel
    alone = np.array([
        bool(parts) and all(_alone(design, at, curve.time) for at, _, _ in parts) for _, _, parts in design.columns
    ])
    if not alone.any():
        return panel
    mine = tuple(c for c, own in zip(design.columns, alone, strict=True) if own)
    at_times = replace(design, variables=(curve.time,), columns=mine)
    gone = np.zeros(alone.size, dtype=bool)
    gone[alone] = curve.has(at_times.matrix(pd.DataFrame({curve.time: curve.times}), "tcov"))
    if not gone.any():
        return panel
    left = tuple(c for c, out in zip(design.columns, gone, strict=True) if not out)
    terms = tuple(t for t, out in zip(design.terms, gone, strict=False) if not out)
    measures = replace(
        m, covariates=m.covariates[:, ~gone], covariate_names=tuple(name for name, _, _ in left))
    lost = [name for name, out in zip(design.names, gone, strict=True) if out]
    told = _told(lost, asked, design.variables, curve)
    return replace(
        panel, outcomes=(measures, *panel.outcomes[1:]), doubts=(*panel.doubts, *told),
        designs={**panel.designs, "tcov": replace(design, columns=left, terms=terms)},
    )


def _alone(design: FormulaDesign, at: int, time: str) -> bool:
    factor = design.factors[at]
    return factor.pointwise and of_time(factor.text, time, design.variables)


def _told(lost: list[str], asked: Terms, columns: Sequence[str], curve: Curve) -> tuple[tuple[str, str], ...]:
    """The sentence on what the user wrote down and the model has not; what was added for the coding alone is none."""
    if isinstance(asked, str) and not _written(asked, curve.time, columns):
        return ()
    are = "is no covariate" if len(lost) == 1 else "are no covariates"
    sentence = (
        f"tcov: {listing(lost)} {are} here: the main effect of {curve.time} is each group's curve, {curve.called}."
    )
    return ((CODE, sentence),)


def _written(asked: str, time: str, columns: Sequence[str]) -> bool:
    """A term of the formula is of time alone."""
    import formulaic

    if asked == time:
        return True
    terms = [[f.expr for f in term.factors] for term in formulaic.Formula(f"1 + {asked.strip().lstrip('~')}")]
    return any(all(of_time(f, time, columns) for f in factors) for factors in terms if factors != ["1"])
