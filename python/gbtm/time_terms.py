"""Terms that bend a curve over time: ``lspline``, ``ns``, ``cc`` with a period, and ``sincos``.

Each takes its knots from the data it is first given and keeps them in its state, plain numbers, from which the columns
are made again at any time: here, from a file, and by R, which has the same functions (R/time-terms.R).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import SpecificationError

State = dict[str, Any]
Columns = dict[str, np.ndarray]
MOST_HARMONICS = 50
CODE = "bad_time_term"


def lspline(x: Any, knots: Any = None, df: int | None = None, _state: State | None = None) -> Columns:
    """A line that bends at knots: one column a segment, whose coefficient is the slope there.

    Parameters
    ----------
    knots : where the line bends
    df : number of segments, in place of knots: these are then equally spaced quantiles
    """
    at, state = _values(x), {} if _state is None else _state
    if "knots" not in state:
        inner = _inner_knots("lspline", at, knots, df)
        low, high = float(at.min()), float(at.max())
        if inner.size and not (low < inner[0] and inner[-1] < high):
            raise _refused(f"lspline: knots must lie between the smallest and the largest value, {low:g} and {high:g}.",
                           "Leave out those that do not: there is no slope to find beyond the data.")
        state |= {"term": "lspline", "knots": inner}
    knots = _stored(state, "knots")
    start = np.concatenate([[0.0], knots])  # the first segment runs to its knot from 0, so that the constant is at 0
    columns = [np.minimum(at, knots[0]) if knots.size else at]
    for j in range(1, start.size):
        end = knots[j] if j < knots.size else np.inf
        columns.append(np.clip(at, start[j], end) - start[j])
    return _numbered(columns)


def ns(
    x: Any, df: int | None = None, knots: Any = None, boundary_knots: Any = None, _state: State | None = None
) -> Columns:
    """A natural cubic spline, a line beyond its boundary knots: the columns of ``splines::ns`` in R.

    Parameters
    ----------
    df : number of columns: df - 1 knots at equally spaced quantiles
    knots : inner knots, in place of df
    boundary_knots : two numbers; by default the smallest and the largest value
    """
    at, state = _values(x), {} if _state is None else _state
    if "knots" not in state:
        said = "ns: the boundary knots must be two numbers, the smaller one first."
        ends = np.array([at.min(), at.max()]) if boundary_knots is None else _ends(
            said, boundary_knots, "For example 8 and 38.")
        inner = _inner_knots("ns", at[(at >= ends[0]) & (at <= ends[1])], knots, df)
        if not ends[0] < ends[1] or (inner.size and not (ends[0] <= inner[0] and inner[-1] <= ends[1])):
            raise _refused(f"ns: knots must lie between the boundary knots {ends[0]:g} and {ends[1]:g}.",
                           "Give other knots, or boundary knots around them.")
        state |= {"term": "ns", "knots": inner, "boundary": ends}
    return _numbered(natural_columns(at, _stored(state, "knots"), _stored(state, "boundary")).T)


def natural_columns(at: np.ndarray, knots: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(n, q): cubic B-splines but the first, turned so that no second derivative is left at the ends."""
    from scipy.interpolate import BSpline

    where = np.sort(np.concatenate([np.repeat(ends, 4), knots]))
    spline = BSpline(where, np.eye(where.size - 4), 3)
    inside = np.clip(at, *ends)
    beyond = (at - inside)[:, None]  # a line there
    made = spline(inside) + np.where(beyond != 0, beyond * spline(inside, 1), 0.0)
    free = np.linalg.qr(spline(ends, 2)[:, 1:].T, mode="complete")[0][:, 2:]
    return np.asarray(made[:, 1:] @ free)


def cc(
    x: Any, df: int | None = None, knots: Any = None, period: Any = None, _state: State | None = None, **others: Any
) -> Any:
    """A cyclic cubic spline: the curve and its first two derivatives are the same at both ends of a period.

    Its coefficients are what the curve is at each knot above what it is where the period starts. Without a period it is
    formulaic's own ``cc``, which knows ``lower_bound``, ``upper_bound`` and ``constraints``.

    Parameters
    ----------
    period : its length, counted from 0, or its two ends
    df : number of columns: as many knots at equally spaced quantiles
    knots : inner knots, in place of df
    """
    state = {} if _state is None else _state
    if period is None and "ends" not in state:
        from formulaic.transforms import TRANSFORMS

        return TRANSFORMS["cc"](x, df, knots, _state=state, **others)
    at = _values(x)
    if "ends" not in state:
        if others:
            raise _refused(f"cc: with a period it takes no {sorted(others)[0]}.", "Leave it out.")
        ends = _ends(
            "cc: the period must be a number above 0, or its two ends, the smaller one first.",
            [0, period] if np.ndim(period) == 0 else period, "For months within years it is 12.")
        inner = _inner_knots("cc", ends[0] + (at - ends[0]) % (ends[1] - ends[0]), knots, df, 0)
        if not (ends[0] < inner[0] and inner[-1] < ends[1]):
            raise _refused(f"cc: knots must lie within the period, {ends[0]:g} to {ends[1]:g}.",
                           "The ends of the period are knots by themselves.")
        state |= {"term": "cc", "knots": inner, "ends": ends}
    ends = _stored(state, "ends")
    return _numbered(cyclic_columns(at, np.concatenate([ends[:1], _stored(state, "knots"), ends[1:]])).T)


def cyclic_columns(at: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """(n, q) for q + 2 knots: the cyclic spline that is 1 at an inner knot and 0 at the others and at the ends."""
    n, wide = knots.size - 1, np.diff(knots)
    bend, rise = np.zeros((n, n)), np.zeros((n, n))  # second derivatives at the knots: bend @ them = rise @ values
    for j in range(n):
        before, after = (j - 1) % n, (j + 1) % n
        for k, weight in ((before, wide[before] / 6), (j, (wide[before] + wide[j]) / 3), (after, wide[j] / 6)):
            bend[j, k] += weight
        for k, slope in ((before, 1 / wide[before]), (j, -1 / wide[before] - 1 / wide[j]), (after, 1 / wide[j])):
            rise[j, k] += slope
    curved = np.linalg.solve(bend, rise)
    turned = knots[0] + (at - knots[0]) % (knots[-1] - knots[0])
    j = np.clip(np.searchsorted(knots, turned, side="right") - 1, 0, n - 1)
    right = (turned - knots[j])[:, None] / wide[j][:, None]
    left, square = 1 - right, (wide[j] ** 2 / 6)[:, None]
    after = (j + 1) % n
    made = left * np.eye(n)[j] + right * np.eye(n)[after]
    made += square * ((left**3 - left) * curved[j] + (right**3 - right) * curved[after])
    return np.asarray(made[:, 1:])


def sincos(x: Any, period: float | None = None, order: int = 1, _state: State | None = None) -> Columns:
    """Sine and cosine over a period, and of its half, third and so on up to an order.

    Parameters
    ----------
    period : after which the curve repeats
    order : number of waves in a period of the fastest; two columns each
    """
    at, state = _values(x), {} if _state is None else _state
    if "period" not in state:
        if period is None or isinstance(period, bool) or not np.ndim(period) == 0 or not 0 < float(period) < np.inf:
            raise _refused("sincos: the period must be a number above 0.", "For months within years it is 12.")
        if not _is_count(order) or order > MOST_HARMONICS:
            raise _refused(f"sincos: the order must be a whole number from 1 to {MOST_HARMONICS}.",
                           "It is 1 for one rise and fall in a period.")
        state |= {"term": "sincos", "period": float(period), "order": int(order)}
    columns: Columns = {}
    for j in range(1, int(state["order"]) + 1):
        angle = 2 * np.pi * j * at / float(state["period"])
        columns |= {f"sin{j}": np.sin(angle), f"cos{j}": np.cos(angle)}
    return columns


TERMS: dict[str, Callable[..., Any]] = {"lspline": lspline, "ns": ns, "cc": cc, "sincos": sincos}


@lru_cache(maxsize=1)
def for_formulas() -> dict[str, Any]:
    """The terms as formulaic evaluates them, with a state each."""
    from formulaic import FactorValues
    from formulaic.utils.stateful_transforms import stateful_transform

    def factor(term: Callable[..., Any]) -> Any:
        def made(x: Any, *settings: Any, _state: State | None = None, **named: Any) -> Any:
            values = term(x, *settings, _state=_state, **named)
            if isinstance(values, FactorValues):
                return values
            return FactorValues(values, kind="numerical", spans_intercept=False, column_names=tuple(values),
                                format="{name}[{field}]", encoded=False)

        return stateful_transform(made)

    return {name: factor(term) for name, term in TERMS.items()}


def of_time_terms(text: str) -> bool:
    """Whether a right-hand side is made of these terms alone, and of columns: R makes the same columns of it."""
    try:
        tree = ast.parse(re.sub(r"`[^`]*`", "quoted", text).strip(), mode="eval")
    except SyntaxError:
        return False
    called = [node.func.id if isinstance(node.func, ast.Name) else "" for node in ast.walk(tree)
              if isinstance(node, ast.Call)]
    formulaics = re.search(r"\bcc\((?!.*\bperiod\b)", text)
    return bool(called) and all(name in TERMS for name in called) and formulaics is None


def _values(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=float).ravel()


def _stored(state: State, name: str) -> np.ndarray:
    return np.asarray(state[name], dtype=float).ravel()


def _numbered(columns: Sequence[np.ndarray] | np.ndarray) -> Columns:
    return {str(j + 1): np.asarray(column) for j, column in enumerate(columns)}


def _inner_knots(term: str, at: np.ndarray, knots: Any, df: Any, without_knot: int = 1) -> np.ndarray:
    """Inner knots, ascending: those given, or quantiles, equally spaced; of ``df`` columns some come without a knot."""
    if (knots is None) == (df is None):
        raise _refused(f"{term}: either knots or df must be given.",
                       "knots are values of time, df is the number of columns.")
    if knots is not None:
        given = np.atleast_1d(np.asarray(knots, dtype=float)).ravel()
        if not np.isfinite(given).all() or np.unique(given).size < given.size or given.size + without_knot < 1:
            raise _refused(f"{term}: knots must be different, finite numbers.", "For example 12 and 15.")
        return np.sort(given)
    if not _is_count(df):
        raise _refused(f"{term}: df must be a whole number from 1 on.", "It is the number of columns.")
    n = int(df) - without_knot
    found = np.asarray(np.quantile(at, np.linspace(0, 1, n + 2)[1:-1]))
    if term != "ns" and np.unique(found).size < n:
        raise _refused(f"{term}: {n} knots at quantiles fall together, since many values are the same.",
                       "Give knots, or a smaller df.")
    return found


def _is_count(value: Any) -> bool:
    plain = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return plain and int(value) == value and value >= 1


def _ends(words: str, given: Any, way_out: str) -> np.ndarray:
    """Two numbers, ascending."""
    try:
        ends = np.asarray(given, dtype=float).ravel()
    except (TypeError, ValueError):
        ends = np.zeros(0)
    if ends.size != 2 or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise _refused(words, way_out)
    return ends


def _refused(message: str, way_out: str) -> SpecificationError:
    return SpecificationError(message, code=CODE, argument="formula", way_out=way_out)


def said_by_term(error: BaseException | None) -> SpecificationError | None:
    """What a term said of its settings, out of what formulaic made of it."""
    while error is not None:
        if isinstance(error, SpecificationError) and error.code == CODE:
            return _refused(error.message, error.way_out)
        error = error.__cause__ or error.__context__
    return None
