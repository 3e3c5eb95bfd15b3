"""Two nested fits of which one has constraints: whether they nest, and the law of the likelihood ratio.

Constraints are compared by what they allow, not by how they are written: the parameters that the smaller model allows
are mapped, by their names, into those of the larger, where its equalities and bounds have to hold of them.

A bound counts half: where the parameter lies on it, the estimate of the larger model is on the forbidden side, or on
the other, in half of the samples each, so that the statistic is half chi2(d), half chi2(d + 1) with d the equalities
more (Self and Liang 1987). For a bound that the smaller fit has, that is the law where the truth lies on the bound,
the one that rejects least.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..fit.fit import Fit
from ..model.blocks import SCALES
from ..model.constraints import Constraints
from ..model.layout import Layout
from ..record.rebuild import layout_of

EQUAL = 1e-7  # of rows and levels of bounds, in internal units
OF_GROUP = re.compile(r"\[\d+\]$")


@dataclass(frozen=True)
class ConstrainedPair:
    """How the constraints of two fits compare, whose models nest without them.

    Attributes
    ----------
    nested : all that the smaller model allows is allowed by the larger
    bounds : bounds that decide the law of the statistic
    bound_is_free : that bound is the smaller fit's, whose parameters it takes none of away
    """

    nested: bool
    bounds: int = 0
    bound_is_free: bool = False

    @classmethod
    def of(cls, res: Fit, restricted: Fit) -> ConstrainedPair:
        """Of a larger fit and a smaller one."""
        small, big = layout_of(restricted), layout_of(res)
        allowed = _Allowed.by(small)
        if big.constraints is None:
            return cls(True, len(allowed.levels), bound_is_free=len(allowed.levels) > 0)
        inside = _embedding(small, big)
        if inside is None:
            return cls(nested=False)
        return _compared(allowed, big.constraints, *inside)


@dataclass(frozen=True, eq=False)
class _Allowed:
    """The parameters ``origin + directions f`` with ``rows f >= levels``, rows of length 1."""

    origin: np.ndarray
    directions: np.ndarray
    rows: np.ndarray
    levels: np.ndarray

    @classmethod
    def by(cls, layout: Layout) -> _Allowed:
        c = layout.constraints
        if c is None:
            return cls(np.zeros(layout.size), np.eye(layout.size), np.zeros((0, layout.size)), np.zeros(0))
        return cls(c.origin, c.directions, c.rows @ c.directions, c.levels - c.rows @ c.origin)

    def bound(self, row: np.ndarray, level: float) -> int | None:
        """Which of the bounds ``row f >= level`` is."""
        for i, (own, at) in enumerate(zip(self.rows, self.levels, strict=True)):
            if np.abs(own - row).max() < EQUAL and abs(at - level) < EQUAL:
                return i
        return None

    def least(self, row: np.ndarray) -> float:
        """The least of ``row f`` that the bounds allow."""
        from scipy.optimize import linprog

        if not len(self.rows):
            return -np.inf
        found = linprog(row, -self.rows, -self.levels, bounds=[(None, None)] * row.size)
        return -np.inf if found.status != 0 or found.fun is None else float(found.fun)


def _compared(allowed: _Allowed, big: Constraints, matrix: np.ndarray, shift: np.ndarray) -> ConstrainedPair:
    """What is ``allowed``, at ``matrix x + shift`` among the larger model's parameters, under its constraints."""
    point, spread = matrix @ allowed.origin + shift, matrix @ allowed.directions
    off = np.column_stack([point - big.project_equal(point), spread - big.directions @ (big.directions.T @ spread)])
    if np.abs(off).max() > EQUAL:
        return ConstrainedPair(nested=False)
    shared: set[int] = set()
    on_edge = 0
    for row, level in zip(big.rows @ spread, big.levels - big.rows @ point, strict=True):
        length = float(np.linalg.norm(row))
        if length < EQUAL:
            least, at = 0.0, float(level)
        else:
            row, at = row / length, float(level) / length
            same = allowed.bound(row, at)
            if same is not None:
                shared.add(same)
                continue
            least = allowed.least(row)
        if least < at - EQUAL:
            return ConstrainedPair(nested=False)
        on_edge += least < at + EQUAL
    own = len(allowed.levels) - len(shared)
    return ConstrainedPair(True, own + on_edge, bound_is_free=own > 0)


def _embedding(small: Layout, big: Layout) -> tuple[np.ndarray, np.ndarray] | None:
    """Matrix (P, p) and shift (P,) that make internal parameters of ``big`` of those of ``small``.

    By the names of what is reported: groups are those of the same number, what is common to all groups in the smaller
    model is each group's own in the larger, and what the smaller model lacks is zero. None where a parameter of the
    smaller model has no place in the larger.
    """
    at = {name: j for j, name in enumerate(small.names)}
    placed = np.zeros((big.size, small.size))
    for i, name in enumerate(big.names):
        j = at.get(name, at.get(OF_GROUP.sub("", name)))
        if j is not None:
            placed[i, j] = 1.0
    if not placed.any(axis=0).all():
        return None
    (there, at_zero), (here, here_at_zero) = _linear(big), _linear(small)
    return np.linalg.solve(there, placed @ here), np.linalg.solve(there, placed @ here_at_zero - at_zero)


def _linear(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """(p, p) and (p,) that make of internal parameters what constraints are linear in: coefficients as they are
    reported, and scale parameters as they stand inside."""
    zero = np.zeros(layout.size)
    matrix, shift = layout.report_jacobian(zero).copy(), layout.report(zero).copy()
    for b in layout.blocks:
        if b.is_scale and not SCALES[b.predictor].as_is:
            matrix[b.entries] = np.eye(layout.size)[b.entries]
            shift[b.entries] = 0.0
    return matrix, shift
