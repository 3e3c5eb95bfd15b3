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
from .problem import Problem, Products

STEPS = 200
DECREMENT = 1e-13  # of a Newton step, after which one more is the last
NEARBY = 1e-22  # of the objective, what a step of BFGS gains that is the last
HALVINGS = 40
ROUNDING = 1e-12  # of the objective
SHORTEST = 1 / 512  # of the way from naive weights to those of BCH
CG_TOLERANCE = 1e-13  # of the length of the right side
RUNAWAY = (
    "Look for a covariate that foretells the outcome without error, or a group whose people all have the same outcome, "
    "and leave it out or join categories."
)
Objective = Callable[[Tensor], Tensor]


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


def maximum_nearby(objective: Objective, start: np.ndarray, curvature: np.ndarray) -> np.ndarray | None:
    """The maximum that ``start`` (q,) is close to, by gradients alone: BFGS from about minus the Hessian (q, q).

    None where a step does not come closer. That it is no saddle is to be looked at by whoever has the Hessian there.
    """
    at, inverse = start, np.linalg.inv(curvature)
    value, score = value_and_score(objective, at)
    left = np.inf
    for _ in range(STEPS):
        step = inverse @ score
        before, left = left, float(score @ step)
        if not 0 <= left < before:
            return None
        at = at + step
        if left < NEARBY * (1 + abs(value)):
            return at
        value, new = value_and_score(objective, at)
        change = score - new
        scale = float(step @ change)
        if not scale > 0:
            return None
        turned = np.eye(len(at)) - np.outer(step, change) / scale
        inverse = turned @ inverse @ turned.T + np.outer(step, step) / scale
        score = new
    return None


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
        if found is not None and is_peak(-derivatives(objective_at(share), found)[2]):
            at, done, step = found, share, 2 * step
            continue
        step /= 2
        if step < SHORTEST:
            raise no_solution()
    return at


def is_peak(curvature: np.ndarray) -> bool:
    """Minus a Hessian (q, q) is that of a maximum in all directions."""
    units = np.sqrt(np.maximum(np.abs(np.diag(curvature)), 1e-300))
    return bool(np.linalg.eigvalsh(curvature / np.outer(units, units))[0] > 0)


def no_solution() -> DataError:
    """Words for an objective that has no solution."""
    return DataError(
        "formula: the estimates run away: no values of the parameters solve the equations of this method.",
        code="no_solution", argument="formula", way_out=RUNAWAY,
    )


def value_and_score(objective: Objective, at: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient (q,)."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    value = objective(x)
    (score,) = torch.autograd.grad(value, x)
    return float(value.detach()), score.numpy()


def conjugate_gradients(
    times: Products, right: np.ndarray, roughly: Products, tolerance: float = CG_TOLERANCE
) -> np.ndarray:
    """x of A x = right (q,), A symmetric and positive by its products, with about its inverse's, also so.

    The residual, measured by the latter, comes down to ``tolerance`` of what it is at first.
    """
    x, residual = np.zeros_like(right), right.copy()
    scaled = roughly(residual)
    direction, size = scaled.copy(), float(residual @ scaled)
    end = tolerance**2 * max(size, 1e-300)
    for _ in range(10 * len(right)):
        if size <= end:
            break
        product = times(direction)
        length = size / float(direction @ product)
        x = x + length * direction
        residual = residual - length * product
        scaled = roughly(residual)
        new = float(residual @ scaled)
        direction, size = scaled + new / size * direction, new
    return x


def about_inverse(times: Products, named: int, rest: np.ndarray) -> Products:
    """Products with about the inverse of a matrix given by its products: that of the matrix with ``rest`` for its
    diagonal, and zeros, in all rows and columns but the first ``named``. Where that is not positive, of its diagonal.
    """
    first = np.stack([times(np.eye(1, named + len(rest), j)[0]) for j in range(named)])
    top, side = first[:, :named], first[:, named:]
    remaining = top - (side / rest) @ side.T  # what is left of the first rows once the others are solved
    if not is_peak(remaining):
        diagonal = np.concatenate([np.maximum(np.diag(top), 1e-12), rest])
        return lambda right: right / diagonal

    def solved(right: np.ndarray) -> np.ndarray:
        head, tail = right[:named], right[named:]
        x = np.linalg.solve(remaining, head - side @ (tail / rest))
        return np.concatenate([x, (tail - x @ side) / rest])

    return solved
