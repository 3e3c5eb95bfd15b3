"""Linear hypotheses R b = q: from text, a mapping or a matrix to rows that can be tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..compute.expressions import evaluate, read
from ..constants import SHARED
from ..data.labels import by_names, by_rows
from ..errors import SpecificationError

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..record.parameters import InternalEstimates

# Share of a row, in standard errors, below which it says nothing that the rows before it did not
DEPENDENT: float = SHARED["dependent_share"]
FIXED = 1e-12  # share of the covariance's root in a function's gradient, below which constraints hold it
RANK: float = SHARED["least_eigenvalue"]  # of a correlation matrix, below which rounding is all there is


@dataclass(frozen=True)
class Hypotheses:
    """R b = q.

    Attributes
    ----------
    matrix : (m, p) R
    value : (m,) q
    labels : the m hypotheses in words
    notes : sentences on what was left out
    """

    matrix: np.ndarray
    value: np.ndarray
    labels: list[str]
    notes: tuple[str, ...] = ()


def linear_hypotheses(hypotheses: Any, names: Sequence[str]) -> Hypotheses:
    """Read linear hypotheses on the parameters ``names`` (p,).

    Parameters
    ----------
    hypotheses : text such as ``"t[1] = t[2], sigma = 1"``, a list of such texts, a mapping of expressions to values, a
        matrix R (m, p) or (p,), or a pair (R, q)

    Raises
    ------
    SpecificationError
        ``unknown_parameter``, ``bad_expression``, ``not_linear``, or ``bad_hypotheses`` for a matrix that does not fit.
    """
    if isinstance(hypotheses, Mapping):
        read_all = [_from_text(str(text), names, _number(value, text)) for text, value in hypotheses.items()]
    elif isinstance(hypotheses, str):
        read_all = [_from_text(hypotheses, names)]
    elif isinstance(hypotheses, (list, tuple)) and hypotheses and all(isinstance(h, str) for h in hypotheses):
        read_all = [_from_text(h, names) for h in hypotheses]
    else:
        return _from_matrix(hypotheses, names)
    if not read_all:
        raise _bad("hypotheses: there are none.")
    return Hypotheses(
        np.vstack([h.matrix for h in read_all]), np.concatenate([h.value for h in read_all]),
        [label for h in read_all for label in h.labels],
    )


def _bad(message: str) -> SpecificationError:
    return SpecificationError(
        message, code="bad_hypotheses", argument="hypotheses",
        way_out='Give text such as "t[1] = t[2]", a matrix R of one row a hypothesis, or a pair (R, q).',
    )


def _number(value: Any, text: Any) -> float:
    if isinstance(value, (int, float, np.number)) and np.isfinite(value):
        return float(value)
    raise _bad(f"hypotheses: {value!r}, the value for '{text}', is not a finite number.")


def _from_text(text: str, names: Sequence[str], value: float | None = None) -> Hypotheses:
    rows, values, labels = [], [], []
    for equation in read(text, names, "hypotheses"):
        # at 0 the value is the constant itself, free of the rounding that taking it from R b would bring
        at = np.zeros(len(names))
        side = evaluate(equation.left, at)
        if equation.right is not None:
            side = side - evaluate(equation.right, at)
        if side.degree > 1 or not np.isfinite(side.slope).all() or not np.isfinite(side.value):
            raise SpecificationError(
                f"hypotheses: '{equation.text}' is not linear in the parameters.", code="not_linear",
                argument="hypotheses", way_out="Use wald_test_nonlinear(), or delta() for an estimate.",
            )
        if value is not None and equation.right is not None:
            raise _bad(f"hypotheses: '{text}' has an equals sign and a value besides.")
        rows.append(side.slope)
        values.append(-side.value + (value or 0.0))
        labels.append(equation.text if value is None else f"{equation.text} = {value:g}")
        labels[-1] += " = 0" if equation.right is None and value is None else ""
    return Hypotheses(np.array(rows), np.array(values) + 0.0, labels)


def _from_matrix(given: Any, names: Sequence[str]) -> Hypotheses:
    pair, size = isinstance(given, tuple) and len(given) == 2, len(names)
    ordered = by_names(given[0] if pair else given, "hypotheses", names)
    q = given[1] if pair else 0.0
    if isinstance(q, pd.Series) and isinstance(ordered, pd.DataFrame):
        q = by_rows(q, "hypotheses", len(ordered), rows=ordered.index)
    try:
        matrix = np.atleast_2d(np.asarray(ordered, dtype=float))
        value = np.asarray(q, dtype=float).ravel()
    except (TypeError, ValueError):
        matrix, value = np.zeros((0, 0)), np.zeros(1)
    if not matrix.size or np.ndim(given[0] if pair else given) == 0:
        raise _bad(f"hypotheses: {given!r} are none.")
    if matrix.ndim != 2 or matrix.shape[1] != size:
        raise _bad(f"hypotheses: a matrix of shape {matrix.shape} for {size} parameters.")
    if value.size not in (1, matrix.shape[0]):
        raise _bad(f"hypotheses: {value.size} values for {matrix.shape[0]} rows.")
    if not (np.isfinite(matrix).all() and np.isfinite(value).all()):
        raise _bad("hypotheses: the matrix or its values are not finite.")
    return Hypotheses(
        matrix, np.broadcast_to(value, matrix.shape[:1]).copy(), [f"row {i + 1}" for i in range(matrix.shape[0])]
    )


def covariance_of(res: Fit, slopes: np.ndarray, labels: Sequence[str], argument: str) -> np.ndarray:
    """Covariance (r, r) of functions of the parameters with derivatives (r, p), after making sure that each has one.

    A function is judged by its own variance: that of a sum may be known where its terms have none.

    Raises
    ------
    SpecificationError
        ``no_standard_error``, naming the parameters at fault.
    """
    _refuse_fixed(res, slopes, labels, argument)
    return checked_covariance(
        res.cov_params().to_numpy(), list(res.params.index), slopes, labels, argument, res.internal)


def _refuse_fixed(res: Fit, slopes: np.ndarray, labels: Sequence[str], argument: str) -> None:
    """An error for functions (r, p) that the fit's constraints, and the bounds it lies at, leave no room to differ."""
    if res.constraints is None or res.internal.root is None or res.internal.jacobian is None:
        return
    gradient = slopes @ res.internal.jacobian
    root = res.internal.root if res.internal.information_root is None else res.internal.information_root
    moves = np.linalg.norm(gradient @ root, axis=1) > FIXED * np.linalg.norm(gradient, axis=1) * np.linalg.norm(root)
    said = [label for label, free in zip(labels, moves, strict=True) if not free]
    if said:
        raise SpecificationError(
            f"{argument}: '{said[0]}' is decided by the constraints of the fit, not by the data.", code="constrained",
            argument=argument, way_out="Test it in a fit without them, or compare the two by compare_lr_test().",
        )


def checked_covariance(
    cov: np.ndarray, names: Sequence[str], slopes: np.ndarray, labels: Sequence[str], argument: str,
    inside: InternalEstimates | None = None,
) -> np.ndarray:
    """As :func:`covariance_of`, of a covariance (p, p) with NaN rows where there is none.

    ``inside`` are the estimates that the covariance is of. Without them, or where they come from a file of before their
    Jacobian was stored, only functions of parameters that have a standard error have one.
    """
    variance = np.diag(cov)
    withheld = (slopes != 0) & ~(np.isfinite(variance) & (variance >= 0))
    if inside is None or inside.jacobian is None:
        refuse_undetermined(withheld.any(axis=1), withheld, names, labels, argument)
    else:
        gradient = slopes @ inside.jacobian
        refuse_undetermined(~inside.determined(gradient), withheld, names, labels, argument)
        if withheld.any():
            return inside.covariance(gradient)
    return slopes @ np.where(np.isnan(cov), 0.0, cov) @ slopes.T


def refuse_undetermined(
    lost: np.ndarray, withheld: np.ndarray, names: Sequence[str], labels: Sequence[str], argument: str
) -> None:
    """An error for functions (r,) that are ``lost``, naming their parameters (r, p) without a standard error."""
    if not lost.any():
        return
    at_fault = withheld[lost].any(axis=0)
    named = [str(n) for n, w in zip(names, at_fault, strict=True) if w] or [
        f"'{x}'" for x, gone in zip(labels, lost, strict=True) if gone]
    raise SpecificationError(
        f"{argument}: there is no standard error of {', '.join(named)}, so that nothing can be tested or said of it.",
        code="no_standard_error", argument=argument,
        way_out="The warnings of the fit say why; leave it out, or fit a model that the data determine.",
    )


def scales_of(cov: np.ndarray, inside: InternalEstimates | None = None) -> np.ndarray:
    """(p,) what makes coefficients comparable: standard errors, and where there is none a unit of the predictor."""
    variance = np.nan_to_num(np.diag(cov), nan=0.0)
    unit = 1.0 if inside is None or inside.jacobian is None else np.linalg.norm(inside.jacobian, axis=1)
    return np.asarray(np.where(variance > 0, np.sqrt(variance.clip(min=0.0)), unit))


def independent(hypotheses: Hypotheses, scales: np.ndarray) -> Hypotheses:
    """Leave out what follows from the other rows, and say so; (p,) scales make the coefficients comparable.

    Raises
    ------
    SpecificationError
        ``contradictory`` where a row cannot hold together with those before it, or ``bad_hypotheses`` where no row says
        anything.
    """
    scaled = hypotheses.matrix * scales
    length = np.linalg.norm(scaled, axis=1)
    keep: list[int] = []
    notes = list(hypotheses.notes)
    for i, label in enumerate(hypotheses.labels):
        row = scaled[i] / (length[i] or 1.0)
        base = scaled[keep] / length[keep, None]
        weight = np.linalg.lstsq(base.T, row, rcond=None)[0] if keep else np.zeros(0)
        if length[i] and np.linalg.norm(row - weight @ base) > DEPENDENT:
            keep.append(i)
            continue
        _check_value(hypotheses, i, weight, length, keep)
        notes.append(f"'{label}' follows from the other hypotheses and is not counted.")
    if not keep:
        raise _bad(f"hypotheses: '{hypotheses.labels[0]}' holds for any parameters.")
    return replace(
        hypotheses, matrix=hypotheses.matrix[keep], value=hypotheses.value[keep],
        labels=[hypotheses.labels[i] for i in keep], notes=tuple(notes),
    )


def _check_value(h: Hypotheses, i: int, weight: np.ndarray, length: np.ndarray, keep: list[int]) -> None:
    """The value of the dependent row i is the one that the kept rows imply."""
    parts = weight * h.value[keep] / length[keep]
    value = h.value[i] / (length[i] or 1.0)
    if abs(value - parts.sum()) > DEPENDENT * (abs(value) + np.abs(parts).sum()):
        raise SpecificationError(
            f"hypotheses: '{h.labels[i]}' contradicts the others; together they hold for no parameters.",
            code="contradictory", argument="hypotheses", way_out="Leave one of them out.",
        )


def quadratic_form(difference: np.ndarray, cov: np.ndarray, labels: Sequence[str], argument: str) -> float:
    """d' V^-1 d of differences (m,) and their covariance (m, m).

    Raises
    ------
    SpecificationError
        ``singular_covariance`` where some combination of the hypotheses has no variance.
    """
    sd = np.sqrt(np.clip(np.diag(cov), 0, None))
    rank = 0
    if (sd > 0).all():
        correlation = cov / np.outer(sd, sd)
        values, vectors = np.linalg.eigh(0.5 * (correlation + correlation.T))
        rank = int((values > RANK).sum())
    if rank < len(sd):
        raise SpecificationError(
            f"{argument}: the estimates of {len(sd)} hypotheses have a covariance of lower rank: {', '.join(labels)}.",
            code="singular_covariance", argument=argument,
            way_out="Test fewer at once. A robust covariance has no more dimensions than there are clusters; powers of "
            "a time far from 0, such as calendar years, cannot be told apart (shift the time towards 0).",
        )
    return float(((vectors.T @ (difference / sd)) ** 2 / values).sum())


def named(values: np.ndarray, labels: Sequence[str], name: str) -> pd.Series:
    return pd.Series(values, index=pd.Index(list(labels)), name=name, dtype=float)
