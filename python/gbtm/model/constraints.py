"""Constraints on the parameters: a linear map from free coordinates to all, and half-spaces for bounds.

In internal coordinates coefficients are linear in what is reported, and scale parameters stand as their logarithm (rho
as its inverse hyperbolic tangent). So what is said of coefficients is linear there, and so is that a scale parameter
has a value, or is a multiple of another of its kind. The parameters that satisfy the equalities are

    x = origin + directions f,    f (q,) free,

with orthonormal ``directions`` (p, q), and those that satisfy the bounds too have ``rows x >= levels``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..families.ordinal import CUTS
from .constraint_rows import Parameters, Row, read_rows, refuse

DEPENDENT = 1e-9  # share of a row of length 1 that says nothing beyond the rows before it
ROOM = 1e-9  # of room between bounds below which there is none
AT_BOUND = 1e-7  # internal units from a bound within which parameters lie at it
SWEEPS = 200  # of Hildreth's projection onto half-spaces


@dataclass(frozen=True, eq=False)
class Constraints:
    """Constraints on the internal parameters (p,) of one model.

    Attributes
    ----------
    texts : as the user gave them
    directions, origin : (p, q) orthonormal and (p,): what the equalities leave free
    rows, levels : (m, p), of length 1 along ``directions``, and (m,): bounds
    labels : the m bounds in words
    of_curves : (p', q') orthonormal directions of the parameters before theta while theta stays
    """

    texts: tuple[str, ...]
    directions: np.ndarray
    origin: np.ndarray
    rows: np.ndarray
    levels: np.ndarray
    labels: tuple[str, ...]
    of_curves: np.ndarray

    @classmethod
    def of(cls, layout: Parameters) -> Constraints | None:
        """What a specification says of the parameters of its layout; None where it says nothing.

        Raises
        ------
        SpecificationError
            ``unknown_parameter``; ``not_linear`` for what is not linear inside; ``bad_constraint`` for a value that a
            parameter cannot have; ``contradictory``; ``redundant``; ``other_units`` across outcomes.
        """
        if not layout.spec.constraints:
            return None
        equal, bounds = read_rows(layout)
        matrix, value = _independent(equal, layout.size)
        directions = _null_space(matrix, layout.size)
        if not directions.shape[1]:
            refuse("they leave no parameter free.", "bad_constraint", "Leave some of them out.")
        origin = matrix.T @ np.linalg.solve(matrix @ matrix.T, value) if len(matrix) else np.zeros(layout.size)
        rows, levels, labels = _bounds(bounds, directions, origin)
        _check_cuts(layout, directions, origin, rows, levels)
        theta = layout.theta.start
        return cls(
            layout.spec.constraints, directions, origin, rows, levels, labels, _null_space(matrix[:, :theta], theta))

    @property
    def n_free(self) -> int:
        """The number of free parameters."""
        return self.directions.shape[1]

    @property
    def n_equalities(self) -> int:
        """How many parameters the equalities take away."""
        return len(self.directions) - self.n_free

    def room(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., m): how far inside each bound."""
        return flat @ self.rows.T - self.levels

    def project(self, flat: np.ndarray) -> np.ndarray:
        """The nearest parameters (..., p) that satisfy all, in internal coordinates (Hildreth 1957 for the bounds)."""
        away = (flat - self.origin) @ self.directions
        if len(self.rows):
            rows = self.rows @ self.directions
            levels = self.levels - self.rows @ self.origin
            multipliers = np.zeros((*away.shape[:-1], len(rows)))
            for _ in range(SWEEPS):
                for i, row in enumerate(rows):
                    step = np.maximum(levels[i] - away @ row, -multipliers[..., i])
                    away = away + step[..., None] * row
                    multipliers[..., i] += step
                if (away @ rows.T - levels >= -DEPENDENT).all():
                    break
        return self.origin + away @ self.directions.T

    def satisfied(self, flat: np.ndarray) -> bool:
        """Parameters (p,) satisfy all, up to rounding."""
        away = np.abs(flat - self.project_equal(flat)).max(initial=0.0)
        return bool(away < AT_BOUND and (self.room(flat) > -AT_BOUND).all())

    def at_bounds(self, flat: np.ndarray) -> np.ndarray:
        """(m,) bool: the bounds that parameters (p,) lie at."""
        return self.room(flat) < AT_BOUND

    def face(self, flat: np.ndarray) -> np.ndarray:
        """(p, r) orthonormal directions in which parameters (p,) can move without leaving the bounds they lie at."""
        held = self.rows[self.at_bounds(flat)] @ self.directions
        return self.directions if not len(held) else self.directions @ _null_space(held, self.n_free)

    def holds_in(self, other: Constraints) -> bool:
        """Whether all that ``other`` allows is allowed by the equalities here."""
        back = other.origin - self.project_equal(other.origin)
        spread = other.directions - self.directions @ (self.directions.T @ other.directions)
        return bool(np.abs(back).max(initial=0.0) < 1e-7 and np.abs(spread).max(initial=0.0) < 1e-7)

    def project_equal(self, flat: np.ndarray) -> np.ndarray:
        """The nearest parameters (..., p) that satisfy the equalities."""
        return np.asarray(self.origin + (flat - self.origin) @ self.directions @ self.directions.T)


def _null_space(matrix: np.ndarray, size: int) -> np.ndarray:
    """Orthonormal basis (size, q) of what rows (m, size) leave free."""
    if not matrix.size:
        return np.eye(size)
    _, values, vectors = np.linalg.svd(matrix, full_matrices=True)
    return np.ascontiguousarray(vectors[int((values > DEPENDENT).sum()):].T)


def _independent(equal: list[Row], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1 and their values; what follows from the rows before it, or contradicts them, is refused."""
    rows, values = np.zeros((0, size)), np.zeros(0)
    for row, value, text in equal:
        length = float(np.linalg.norm(row))
        row, value = row / length, value / length
        weight = np.linalg.lstsq(rows.T, row, rcond=None)[0] if len(rows) else np.zeros(0)
        if np.linalg.norm(row - weight @ rows) < DEPENDENT:
            if abs(value - weight @ values) > 1e-8 * (1 + abs(value)):
                refuse(f"'{text}' contradicts the others: together they hold for no parameters.", "contradictory",
                       "Leave one of them out.")
            refuse(f"'{text}' follows from the others.", "redundant",
                   "Leave it out: it says nothing that they do not.")
        rows, values = np.vstack([rows, row]), np.append(values, value)
    return rows, values


def _bounds(
    bounds: list[Row], directions: np.ndarray, origin: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Bounds in units of what the equalities leave free, checked against these and each other."""
    rows, levels, labels = [], [], []
    for row, value, text in bounds:
        length = np.linalg.norm(row @ directions)
        if length < DEPENDENT * np.linalg.norm(row):
            holds = row @ origin >= value - DEPENDENT
            refuse(f"'{text}' {'follows from' if holds else 'contradicts'} the equalities.",
                   "redundant" if holds else "contradictory", "Leave it out.")
        rows.append(row / length)
        levels.append(value / length)
        labels.append(text)
    matrix, level = np.array(rows).reshape(len(rows), len(origin)), np.array(levels)
    if rows:
        _check_room(matrix @ directions, level - matrix @ origin, labels)
    return matrix, level, tuple(labels)


def _check_cuts(
    layout: Parameters, directions: np.ndarray, origin: np.ndarray, rows: np.ndarray, levels: np.ndarray
) -> None:
    """Cut points can rise from 0, which the first of them is, as those of an ordinal outcome do."""
    from scipy.optimize import linprog

    cuts: dict[tuple[int, int | None], list[int]] = {}
    for block in layout.blocks:
        if block.predictor in CUTS:
            cuts.setdefault((block.outcome, block.group), []).extend(range(block.entries.start, block.entries.stop))
    steps = np.zeros((sum(map(len, cuts.values())), layout.size))
    for i, (before, at) in enumerate(pair for own in cuts.values() for pair in zip([None, *own], own, strict=False)):
        steps[i, at] = 1.0
        if before is not None:
            steps[i, before] = -1.0
    if not len(steps):
        return
    # the largest s up to 1 with steps x >= s and rows x >= levels at some x = origin + directions f
    inside = np.vstack([np.column_stack([-steps @ directions, np.ones(len(steps))]),
                        np.column_stack([-rows @ directions, np.zeros(len(rows))])])
    at_most = np.concatenate([steps @ origin, rows @ origin - levels])
    q = directions.shape[1]
    found = linprog(np.append(np.zeros(q), -1.0), inside, at_most, bounds=[*[(None, None)] * q, (None, 1.0)])
    if found.status != 0 or -float(found.fun or 0.0) < ROOM:
        refuse("cut points rise from 0, which the first of them is, and with these they cannot.", "bad_constraint",
               "Give values above 0, and to later ones larger values.")


def _check_room(rows: np.ndarray, levels: np.ndarray, labels: list[str]) -> None:
    """There is room between the bounds rows f >= levels, and each takes some away."""
    from scipy.optimize import linprog

    m, q = rows.shape
    free = [(None, None)] * q
    inside = linprog(np.append(np.zeros(q), -1.0), np.column_stack([-rows, np.ones(m)]), -levels,
                     bounds=[*free, (None, 1.0)])
    if inside.status != 0 or -float(inside.fun or 0.0) < ROOM:
        refuse(f"{', '.join(labels)} leave no room between them.", "contradictory",
               "Leave one of them out, or write = for what is to be equal.")
    for i in range(m):
        others = np.delete(np.arange(m), i)
        least = linprog(rows[i], -rows[others], -levels[others], bounds=free) if others.size else None
        if least is not None and least.status == 0 and least.fun >= levels[i] - ROOM:
            refuse(f"'{labels[i]}' follows from the others.", "redundant",
                   "Leave it out: it says nothing that they do not.")
