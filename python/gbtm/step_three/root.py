"""Maxima and roots of step three's objective, by Newton with autograd's derivatives.

A naive or mixture objective is maximised. A BCH objective has negative weights and in general no maximum: its root is
the one that the naive estimate leads to as its weights turn into those of BCH, (1 - h) A + h b for h from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..errors import DataError
from .problem import Problem

STEPS = 200
DECREMENT = 1e-13  # of a Newton step, after which one more is the last
HALVINGS = 40
ROUNDING = 1e-12  # of the objective
SHORTEST = 1 / 512  # of the way from naive weights to those of BCH
CG_TOLERANCE = 1e-13  # of the length of the right side
RUNAWAY = (
    "Look for a covariate that foretells the outcome without error, or a group whose people all have the same outcome, "
    "and leave it out or join categories."
)
Objective = Callable[[Tensor], Tensor]
Products = Callable[[np.ndarray], np.ndarray]


def derivatives(objective: Objective, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, gradient (q,) and Hessian (q, q)."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    value = objective(x)
    if not bool(torch.isfinite(value)):
        return float("nan"), np.full(len(at), np.nan), np.full((len(at), len(at)), np.nan)
    (gradient,) = torch.autograd.grad(value, x, create_graph=True)
    rows = [torch.autograd.grad(g, x, retain_graph=True)[0] for g in gradient]
    return float(value.detach()), gradient.detach().numpy(), torch.stack(rows).numpy()


def maximum(objective: Objective, start: np.ndarray, decrement: float = DECREMENT) -> tuple[np.ndarray, float]:
    """Climb from ``start`` (q,) to a maximum: the parameters, and the objective there.

    The step that gains less than about ``decrement`` is the last.

    Raises
    ------
    DataError
        ``no_solution`` where it does not end.
    """
    at = start
    value, gradient, hessian = derivatives(objective, at)
    for _ in range(STEPS):
        step = _uphill(gradient, hessian)
        gain = float(gradient @ step)
        last = gain < decrement * (1 + abs(value)) ** 0.5
        length = 1.0
        for _ in range(HALVINGS):
            with torch.no_grad():
                new = float(objective(torch.as_tensor(at + length * step)))
            if new >= value + 1e-4 * length * gain - ROUNDING * abs(value) or (last and np.isfinite(new)):
                break
            length /= 2
        else:
            break
        at = at + length * step
        if last:
            return at, new
        value, gradient, hessian = derivatives(objective, at)
    raise no_solution()


def _uphill(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """A Newton step that goes uphill whatever the curvature, in units in which its diagonal is 1."""
    units = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
    values, vectors = np.linalg.eigh(-hessian / np.outer(units, units))
    curved = np.maximum(np.abs(values), 1e-10)
    scaled = vectors @ ((vectors.T @ (gradient / units)) / curved)
    return np.asarray(scaled / units)


def root(objective: Objective, start: np.ndarray) -> np.ndarray | None:
    """The root of the gradient that Newton's full steps from ``start`` (q,) come to; None where they do not end."""
    at = start
    value, gradient, hessian = derivatives(objective, at)
    for _ in range(30):
        if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        units = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
        try:
            step = np.linalg.solve(-hessian / np.outer(units, units), gradient / units) / units
        except np.linalg.LinAlgError:
            return None
        size = float(np.abs(gradient @ step))
        at = at + step
        value, gradient, hessian = derivatives(objective, at)
        if size < DECREMENT * (1 + abs(value)) ** 0.5:
            return at if np.isfinite(value) else None
    return None


def followed(problem: Problem, start: np.ndarray) -> np.ndarray:
    """The root of a BCH score that the naive maximum ``start`` (q,) leads to.

    Raises
    ------
    DataError
        ``no_solution`` where the way ends, or ends where the objective is no maximum in any direction.
    """
    weight = torch.as_tensor(problem.weight)
    naive, bch = problem.evidence(method="naive").weights, problem.evidence().weights
    assert naive is not None
    assert bch is not None
    base = problem.evidence()

    def objective_at(share: float) -> Objective:
        mixed = replace(base, weights=(1 - share) * naive + share * bch)
        return lambda x: problem.structure.objective(x, mixed, weight)

    at, done, step = start, 0.0, 1.0
    while done < 1:
        share = min(1.0, done + step)
        found = root(objective_at(share), at)
        if found is not None and _is_peak(objective_at(share), found):
            at, done, step = found, share, 2 * step
            continue
        step /= 2
        if step < SHORTEST:
            raise no_solution()
    return at


def _is_peak(objective: Objective, at: np.ndarray) -> bool:
    _, _, hessian = derivatives(objective, at)
    units = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-300))
    return bool(np.linalg.eigvalsh(-hessian / np.outer(units, units))[0] > 0)


def no_solution() -> DataError:
    """Words for an objective that has no solution."""
    return DataError(
        "formula: the estimates run away: no values of the parameters solve the equations of this method.",
        code="no_solution", argument="formula", way_out=RUNAWAY,
    )


def score_at(objective: Objective, at: np.ndarray) -> np.ndarray:
    """Gradient (q,)."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    (score,) = torch.autograd.grad(objective(x), x)
    return score.numpy()


def curvature_times(objective: Objective, at: np.ndarray) -> Products:
    """v (q,) -> minus the Hessian times v, without the Hessian."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    (score,) = torch.autograd.grad(objective(x), x, create_graph=True)

    def times(v: np.ndarray) -> np.ndarray:
        (product,) = torch.autograd.grad(score @ torch.as_tensor(v), x, retain_graph=True)
        return -product.numpy()

    return times


def conjugate_gradients(
    times: Products, right: np.ndarray, diagonal: np.ndarray, tolerance: float = CG_TOLERANCE
) -> np.ndarray:
    """x of A x = right (q,), A symmetric and positive by its products, with about its diagonal (q,) to scale by.

    The residual in that scale comes down to ``tolerance`` of what it is at first.
    """
    x, residual = np.zeros_like(right), right.copy()
    scaled = residual / diagonal
    direction, size = scaled.copy(), float(residual @ scaled)
    end = tolerance**2 * max(size, 1e-300)
    for _ in range(10 * len(right)):
        if size <= end:
            break
        product = times(direction)
        length = size / float(direction @ product)
        x = x + length * direction
        residual = residual - length * product
        scaled = residual / diagonal
        new = float(residual @ scaled)
        direction, size = scaled + new / size * direction, new
    return x


def about_diagonal(times: Products, named: int, rest: np.ndarray) -> np.ndarray:
    """Diagonal of a matrix given by its products: of the first ``named`` entries exactly, of the others ``rest``."""
    size = named + len(rest)
    first = [float(times(np.eye(1, size, j)[0])[j]) for j in range(named)]
    return np.concatenate([np.maximum(first, 1e-12), rest])
