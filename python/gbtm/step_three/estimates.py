"""The estimates of step three: closed forms where there are any, else the way to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..errors import DataError
from .cox import CoxStructure, cox_estimates, cox_from_near
from .influence import Influence, influence
from .outcome_models import Normal
from .problem import DistalStructure, Problem
from .root import Objective, derivatives, followed, is_peak, maximum, maximum_nearby, root

MANY = 20_000  # people, from which a part of them is solved first, to start from
PART = 5_000  # of them


@dataclass(frozen=True, eq=False)
class Estimates:
    """Of a problem.

    Attributes
    ----------
    parameters : (q,) internal
    objective : its value, a log-likelihood for ``ml`` and ``two-step``
    influence : how they depend on people and on step one
    """

    problem: Problem
    parameters: np.ndarray
    objective: float
    influence: Influence


def estimates(problem: Problem) -> Estimates:
    """Solve a problem.

    Raises
    ------
    DataError
        ``negative_variance``, ``proportion_outside``, ``no_solution``.
    """
    from ..compute.threads import with_gradients

    _refuse_unassigned(problem)
    with with_gradients():
        try:
            found, moved = _solved(problem)
        except DataError as error:
            raise _with_way_out(error, problem) from None
        value = float(_objective(problem)(torch.as_tensor(found)))
        return Estimates(problem, found, value, moved)


def _with_way_out(error: DataError, problem: Problem) -> DataError:
    """What helps where the estimates run away depends on the method and the outcome."""
    structure = problem.structure
    if error.code != "no_solution":
        return error
    hints = [error.way_out]
    if problem.method == "bch":
        hints.insert(0, "Use method='ml' or 'two-step', which stay within bounds.")
    elif isinstance(structure, DistalStructure) and structure.model.name == "negbin":
        hints.insert(0, "Counts that are spread no more than Poisson's have no psi: use family='poisson'.")
    elif isinstance(structure, DistalStructure) and structure.model.name == "normal" and structure.model.by_group:
        hints.insert(0, "A group of people with nearly the same value has no sigma: use sigma_by_group=False.")
    return DataError(error.message, code=error.code, argument=error.argument, way_out=" ".join(hints))


def _refuse_unassigned(problem: Problem) -> None:
    """The modal assignment may leave a group without anybody, of which it then says nothing."""
    if problem.method == "two-step" or problem.one_hot is None:
        return
    size = problem.one_hot[problem.rows].sum(axis=0)
    if (size == 0).any():
        t = int(np.flatnonzero(size == 0)[0]) + 1
        raise DataError(
            f"assignment: of those whose outcome is known nobody is assigned to group {t}.", code="empty_group",
            argument="assignment", way_out="Use assignment='proportional' or method='two-step', or fit fewer groups.",
        )


def _solved(problem: Problem) -> tuple[np.ndarray, Influence]:
    found = _from_a_part(problem)
    if found is not None:
        moved = influence(problem, found)
        if is_peak(moved.curvature):
            return found, moved
    found = _from_scratch(problem)
    return found, influence(problem, found)


def _from_a_part(problem: Problem) -> np.ndarray | None:
    """The solution of many people, from that of a part of them drawn at random; None where they are few, there is a
    closed form, or this leads nowhere."""
    structure = problem.structure
    closed = problem.method == "bch" and isinstance(structure, DistalStructure) and isinstance(structure.model, Normal)
    if len(problem.rows) <= MANY or closed:
        return None
    if problem.method == "bch" and isinstance(structure, DistalStructure):
        _refuse_outside(problem, structure)
    part = problem.part(np.sort(np.random.default_rng(0).choice(len(problem.rows), PART, replace=False)))
    try:
        with np.errstate(all="ignore"):
            near = _from_scratch(part)
            if problem.mixes and isinstance(structure, CoxStructure):
                return cox_from_near(problem, near[: len(structure.names)])
            _, _, hessian = derivatives(_objective(part), near)
            curvature = -hessian * problem.weight.sum() / part.weight.sum()
            return maximum_nearby(_objective(problem), near, curvature)
    except (DataError, ValueError):  # nobody of the part is of some category, or has an event
        return None


def _objective(problem: Problem) -> Objective:
    evidence, weight = problem.evidence(), torch.as_tensor(problem.weight)
    return lambda x: problem.structure.objective(x, evidence, weight)


def _from_scratch(problem: Problem) -> np.ndarray:
    structure, weight = problem.structure, problem.weight
    if isinstance(structure, CoxStructure):
        return cox_estimates(problem)
    start = structure.start(weight, problem.step_one.log_pi)
    if problem.method == "naive":
        return _climbed(problem, start)
    if problem.method == "bch":
        return _bch(problem, start)
    plain = _climbed(_weighting(problem, "naive"), _without_shares(problem, start))
    naive = _with_shares(problem, plain, start)
    starts = [naive]
    try:
        corrected = _with_shares(problem, _bch(_weighting(problem, "bch"), plain), start)
        starts.append(corrected)
    except DataError:
        pass  # no corrected estimate to start from
    tried, best = [], None
    for one in starts:
        try:
            tried.append(_maximum(problem, one))
        except DataError as error:
            best = error
    if not tried:
        assert best is not None
        raise best
    return max(tried, key=lambda t: t[1])[0]


def _climbed(problem: Problem, start: np.ndarray) -> np.ndarray:
    return _maximum(problem, start)[0]


def _maximum(problem: Problem, start: np.ndarray) -> tuple[np.ndarray, float]:
    return maximum(_objective(problem), start)


def _bch(problem: Problem, start: np.ndarray) -> np.ndarray:
    structure = problem.structure
    if isinstance(structure, DistalStructure):
        _refuse_outside(problem, structure)
        if isinstance(structure.model, Normal):
            return _bch_normal(problem, structure)
    naive = _climbed(replace(problem, method="naive"), start)
    return followed(problem, naive)


def _weighting(problem: Problem, method: str) -> Problem:
    """The same outcome by a weighting method, which has no shares."""
    structure = problem.structure
    if isinstance(structure, DistalStructure):
        structure = DistalStructure(structure.model, structure.predictor, mixes=False, free_shares=False)
    assignment = "proportional" if problem.method == "two-step" else problem.assignment
    return replace(problem, structure=structure, method=method, assignment=assignment)


def _without_shares(problem: Problem, start: np.ndarray) -> np.ndarray:
    structure = problem.structure
    return start[structure.n_shares :] if isinstance(structure, DistalStructure) else start


def _with_shares(problem: Problem, parameters: np.ndarray, start: np.ndarray) -> np.ndarray:
    n = len(start) - len(parameters)
    return np.concatenate([start[:n], parameters])


def _bch_normal(problem: Problem, structure: DistalStructure) -> np.ndarray:
    """Weighted least squares with one variance for all, then the variances; with a variance of each group's own and
    covariates, from there to the root of the whole score."""
    weights = problem.evidence().weights
    assert weights is not None
    w = problem.weight[:, None] * weights.numpy()
    design, k = structure.predictor.design, structure.model.n_groups
    x = np.stack([design.of_group(t, k) for t in range(k)])  # (K, n, q)
    y = structure.model.y.numpy()
    xwx = np.einsum("tnp,nt,tnq->pq", x, w, x, optimize=True)
    beta = np.linalg.solve(xwx, np.einsum("tnp,nt,n->p", x, w, y, optimize=True))
    squares = (w.T * (y - x @ beta) ** 2).sum(axis=1)
    size = w.sum(axis=0)
    variance = squares / size if structure.model.by_group else squares.sum(keepdims=True) / size.sum()
    if not (variance > 0).all():
        raise _negative_variance(variance)
    start = np.concatenate([beta, 0.5 * np.log(variance)])
    if not structure.model.by_group or structure.predictor.design.saturated:
        return start
    found = root(_objective(problem), start)
    if found is None:
        raise _negative_variance(variance)
    return found


def _negative_variance(variance: np.ndarray) -> DataError:
    worst = int(np.argmin(variance))
    return DataError(
        f"formula: the corrected variance of group {worst + 1} is {variance[worst]:.3g}: with BCH's negative weights "
        "these data leave none.", code="negative_variance", argument="formula",
        way_out="Use sigma_by_group=False, which gives the same kind of means, or method='ml' or 'two-step'.",
    )


def _refuse_outside(problem: Problem, structure: DistalStructure) -> None:
    """Of a saturated model of categories the corrected proportions have a closed form, which may leave 0..1."""
    names = structure.model.response_names if structure.model.name == "nominal" else ("1",)
    if structure.model.name not in ("logit", "nominal") or not structure.predictor.design.saturated:
        return
    weights = problem.evidence().weights
    assert weights is not None
    w, y = problem.weight[:, None] * weights.numpy(), structure.model.y.numpy()
    codes = range(len(names)) if structure.model.name == "nominal" else [1]
    proportions = np.stack([(w * (y == c)[:, None]).sum(axis=0) / w.sum(axis=0) for c in codes], axis=1)
    outside = (proportions <= 0) | (proportions >= 1)
    if outside.any():
        t, c = np.argwhere(outside)[0]
        raise DataError(
            f"formula: the corrected proportion of '{names[c]}' in group {t + 1} is {proportions[t, c]:.3f}, which is "
            "no probability: BCH's weights may be negative.", code="proportion_outside", argument="formula",
            way_out="Use method='ml' or 'two-step', which stay between 0 and 1.",
        )
