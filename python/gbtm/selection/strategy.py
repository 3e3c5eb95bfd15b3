"""Which fits a search makes next, given those it has. Pure functions: the same fits lead to the same next ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np

from ..model.nesting import nested
from .candidates import Candidate, Number, Space
from .dual_space import DualSpace
from .outcome_orders import SeveralSpace
from .runner import Fitted, Task
from .table import LARGER, SMALLER, score

HOW = ("two_stage", "stepwise", "grid", "groups")
STAGE_ONE = ("bic_subjects", "bic_observations", "icl_subjects", "icl_observations")
NEAR = 6.0  # difference in BIC that is less than strong evidence (Kass and Raftery 1995, JASA 90, section 3.2)
NO_LOWER = 1e-6  # log-likelihood by which a larger model may be below a smaller one

Fits = Mapping[Candidate, Fitted]


def wanted(
    space: Space, how: str, criterion: str, fits: Fits, shapes: Callable[[Number], list[Candidate]] | None = None
) -> list[Candidate]:
    """The candidates of the next round; none when the search is done.

    First the numbers of groups, one after the other, all groups at the highest order. Then shapes: the whole grid, from
    high orders to low; or, backward, all models with one group's order one step lower, going on from the best of them
    by ``criterion`` until none is better: for every number of groups ("stepwise"), or for those that some criterion
    chose, or that come within 6 of it (Nagin's "two_stage"). Of several outcomes ``shapes`` says which come next for a
    number of groups.
    """
    missing = [k for k in space.numbers if space.top(k) not in fits]
    if missing:
        return [space.top(k) for k in space.together(missing)]
    if how == "groups" or not space.searches_orders:
        return []
    if how == "grid":
        return _level(space, fits)
    chosen = space.numbers if how == "stepwise" else first_choices(space, criterion, fits)
    return [c for k in chosen for c in (_lower(space, k, criterion, fits) if shapes is None else shapes(k))]


def first_choices(space: Space, criterion: str, fits: Fits) -> tuple[Number, ...]:
    """The numbers of groups that BIC, ICL and ``criterion`` choose or nearly do, all groups at the highest order."""
    tops = [fits[space.top(k)] for k in space.numbers if space.top(k) in fits]
    chosen: set[Any] = set()
    for name in dict.fromkeys((*STAGE_ONE, criterion)):
        scores = [score(fit, name) for fit in tops]
        if tops and np.isfinite(scores).any():
            near = min(scores) + (NEAR / 2 if name in LARGER else NEAR)
            chosen |= {fit.candidate.number for fit, value in zip(tops, scores, strict=True) if value <= near}
    return tuple(sorted(chosen))


def _level(space: Space, fits: Fits) -> list[Candidate]:
    """The models of the grid that are fewest steps below the highest orders, of those not fitted yet."""
    left = [c for k in space.groups for c in space.grid(k) if c not in fits]
    fewest = min((space.steps(c) for c in left), default=0)
    return [c for c in left if space.steps(c) == fewest]


def _lower(space: Space, n_groups: Number, criterion: str, fits: Fits) -> list[Candidate]:
    """The next models of the backward pass for one number of groups."""
    current = space.top(n_groups)
    while True:
        lower = space.reductions(current)
        missing = [c for c in lower if c not in fits]
        if missing:
            return missing
        best = min(lower, key=lambda c: score(fits[c], criterion), default=current)
        if best is current or not score(fits[best], criterion) < score(fits[current], criterion):
            return []
        current = best


def task_for(
    space: Space, candidate: Candidate, fits: Fits, n_starts: int | None, shape_starts: int | None
) -> Task:
    """How a candidate is fitted, given what is there already: the highest orders by ``n_starts``, None for the full
    search, lower ones by ``shape_starts``.
    """
    spec = space.spec(candidate)
    if candidate == space.top(candidate.number):
        if isinstance(space, DualSpace):
            around = _neighbours(space, candidate, fits)
            return Task(candidate, spec, n_starts, below=tuple(f.estimates for f in around))
        less = [f for f in fits.values() if f.usable and f.candidate.n_groups < candidate.n_groups
                and f.candidate == space.top(f.candidate.n_groups)]
        nearest = max(less, key=lambda f: f.candidate.n_groups, default=None)
        if nearest is None:
            return Task(candidate, spec, n_starts)
        if nearest.candidate.n_groups == candidate.n_groups - 1:
            return Task(candidate, spec, n_starts, smaller=nearest.estimates)
        return Task(candidate, spec, n_starts, below=(nearest.estimates,))
    above = [f.estimates for f in fits.values() if f.usable and _above(space, f.candidate, candidate)]
    return Task(candidate, spec, shape_starts, above=tuple(above))


def _neighbours(space: DualSpace, candidate: Candidate, fits: Fits) -> list[Fitted]:
    """The fits with fewer groups of one or both outcomes, all at the highest order, of which none has less than another
    in both."""
    less = [f for f in fits.values() if f.usable and f.candidate != candidate
            and f.candidate == space.top(f.candidate.number) and _at_most(f.candidate, candidate)]
    return [f for f in less if not any(g is not f and _at_most(f.candidate, g.candidate) for g in less)]


def _at_most(one: Candidate, other: Candidate) -> bool:
    """Whether a dual candidate has no more groups of either outcome than another."""
    return one.n_groups <= other.n_groups and (one.second or 0) <= (other.second or 0)


def _above(space: Space, candidate: Candidate, lower: Candidate) -> bool:
    """Whether a model has one order more, one step; of several outcomes, whose orders fall together, whether it has
    all at least."""
    if isinstance(space, SeveralSpace):
        same = candidate.number == lower.number and candidate != lower
        return same and nested(space.spec(lower), space.spec(candidate))
    return lower in space.reductions(candidate)


def violations(space: Space, fits: Fits) -> list[tuple[Fitted, Fitted]]:
    """Fits (large, small) whose log-likelihood is below that of a model nested in them, with the best such model."""
    usable = sorted((f for f in fits.values() if f.usable), key=lambda f: f.candidate.rank)
    specs = {f.candidate: space.spec(f.candidate) for f in usable}
    pairs = []
    for large in usable:
        higher = [f for f in usable if f.loglik > large.loglik + NO_LOWER
                  and nested(specs[f.candidate], specs[large.candidate])]
        if higher:
            pairs.append((large, max(higher, key=lambda f: f.loglik)))
    return pairs


def again_task(first: Task, fit: Fitted, nested_fit: Fitted | None) -> Task:
    """A model again, from where it is and from a model nested in it."""
    return replace(
        first, again=fit.estimates if fit.usable else None,
        below=first.below if nested_fit is None else (*first.below, nested_fit.estimates),
    )


def unconfirmed(space: Space, fits: Fits, full: Set[Candidate]) -> list[Candidate]:
    """Models of lower orders that some criterion chooses and that have not had the full search."""
    chosen = set()
    usable = [f for f in sorted(fits.values(), key=lambda f: f.candidate.rank) if f.usable]
    for name in SMALLER if usable else ():
        chosen.add(min(usable, key=lambda f: score(f, name)).candidate)
    return sorted((c for c in chosen if c != space.top(c.number) and c not in full), key=lambda c: c.rank)
