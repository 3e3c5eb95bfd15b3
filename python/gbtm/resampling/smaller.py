"""The model with a group less, and whether one model is inside another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import SpecificationError
from ..fit.hidden_units import refuse_networks
from ..model.known_people import refuse_known
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..fit.refit import Refit

OUTSIDE = 1e6


def with_groups(spec: ModelSpec, groups: Sequence[int]) -> ModelSpec:
    """The model of some groups, counted from 0, in the order given; a group may stand there twice."""
    _refuse_dual(spec)
    _refuse_constrained(spec)

    def pick(orders: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return None if orders is None else tuple(orders[g] for g in groups)

    dropout = pick(spec.dropout)
    return ModelSpec(
        len(groups),
        tuple(
            replace(
                o, orders=pick(o.orders), random_orders=pick(o.random_orders),
                zero_orders=o.zero_orders if o.zero_common else pick(o.zero_orders),
            )
            for o in spec.outcomes
        ),
        reference=list(groups).index(spec.reference) if spec.reference in groups else 0,
        dropout=None if dropout is None or max(dropout) < 0 else dropout, prior=spec.prior, event=spec.event,
    )


def _refuse_dual(spec: ModelSpec) -> None:
    if spec.is_dual:
        raise SpecificationError(
            f"groups: a dual model has two numbers of them, {spec.set_sizes[0]} and {spec.set_sizes[1]}, and a group "
            "less could be one of either.", code="two_group_sets", argument="groups",
            way_out="Choose each outcome's groups by itself, then compare dual models with groups around those by BIC.",
        )


def _refuse_constrained(spec: ModelSpec) -> None:
    spec.refuse_constraints(
        "groups", "which name groups that a model with another number of them need not have.",
        "Choose the number of groups without constraints.")


def without_one(spec: ModelSpec) -> list[int]:
    """The groups that stay when one is left out: the last, or the last that the others can do without."""
    _refuse_dual(spec)
    _refuse_constrained(spec)
    for g in reversed(range(spec.n_groups)):
        groups = [k for k in range(spec.n_groups) if k != g]
        try:
            with_groups(spec, groups)
        except SpecificationError:  # only groups that never happen would be left
            continue
        return groups
    raise SpecificationError(
        "groups: no group can be left out of this model.", code="one_group", argument="groups",
        way_out="Give a fit with more groups.",
    )


def inside(less: ModelSpec, larger: ModelSpec) -> list[int] | None:
    """The groups of ``larger``, one for each of ``less``, whose shapes have room for theirs; None where there are none.
    """
    if less.n_groups > larger.n_groups or [_frame(o) for o in less.outcomes] != [_frame(o) for o in larger.outcomes]:
        return None
    cost = np.array([[_room(less, a, larger, b) for b in range(larger.n_groups)] for a in range(less.n_groups)])
    rows, columns = linear_sum_assignment(cost)
    return None if cost[rows, columns].max() >= OUTSIDE else [int(c) for c in columns]


def _frame(outcome: OutcomeSpec) -> OutcomeSpec:
    """What has nothing to do with the groups' orders."""
    zero = None if outcome.zero_orders is None else outcome.zero_orders if outcome.zero_common else (0, 0)
    return replace(
        outcome, orders=None if outcome.orders is None else (0,), zero_orders=zero,
        random_orders=None if outcome.random_orders is None else (0,),
    )


def _room(less: ModelSpec, a: int, larger: ModelSpec, b: int) -> float:
    """How many more parameters group b has than group a; OUTSIDE where it has no room for it."""
    total = 0.0 if _dropout(less, a) == _dropout(larger, b) else OUTSIDE  # its lags decide which waves count
    for o, p in zip(less.outcomes, larger.outcomes, strict=True):
        kinds = ((o.orders, p.orders), (o.zero_orders, p.zero_orders), (o.random_orders, p.random_orders))
        for orders, larger_orders in kinds:
            if orders is None or larger_orders is None or (orders is o.zero_orders and o.zero_common):
                continue
            never = (orders[a] == -1) != (larger_orders[b] == -1) and orders is o.orders
            total += OUTSIDE if orders[a] > larger_orders[b] or never else larger_orders[b] - orders[a]
    return total


def _dropout(spec: ModelSpec, group: int) -> int:
    return -1 if spec.dropout is None else spec.dropout[group]


def nested_pair(
    res: Fit, smaller: Fit | None, spec: ModelSpec, panel: Panel,
    bases: Sequence[TimeBasis | None] | None, rng: int,
) -> tuple[ModelSpec, ModelSpec, Refit]:
    """The larger model with the groups of the smaller one in front, the smaller model, and its fit.

    Raises
    ------
    SpecificationError
        When ``smaller`` is no fit of one group less, of the same data, inside the model of ``res``.
    """
    from ..fit.refit import Refit, refit
    from ..model.layout import make_layout

    for each in (spec, *([] if smaller is None else [smaller.spec])):
        _refuse_constrained(each)
    refuse_known(panel, "res", "and these are in groups of this model, not of one with a group less.",
                 "Compare numbers of groups by gbtm.cross_validate(), or fit without known.")
    refuse_networks(res, "res", "a test of the number of groups", "Compare numbers of groups by gbtm.cross_validate().")
    if smaller is None:
        groups = without_one(spec)
        less = with_groups(spec, groups)
        fit = refit(panel, less, bases, rng=rng, search={"n_starts": None, "time_budget": None})
        return _in_front(spec, groups), less, fit
    less = smaller.spec
    inside_groups = inside(less, spec) if less.n_groups == spec.n_groups - 1 else None
    same = _same_data(smaller, res)
    if inside_groups is None or not same:
        why = "its groups are not among those of res" if inside_groups is None else "it is of other data or covariates"
        raise SpecificationError(
            f"smaller: not this model with a group less ({less.n_groups} against {spec.n_groups} groups): {why}.",
            code="not_nested", argument="smaller",
            way_out="Fit the same model with one group less to the same data, or leave smaller out.",
        )
    layout = make_layout(panel, less, bases)
    flat = layout.unreport(smaller.params.to_numpy())
    return _in_front(spec, inside_groups), less, Refit(layout, flat, smaller.llf, smaller.converged, False)


def _same_data(one: Fit, other: Fit) -> bool:
    """The same outcomes of the same people, with the same covariates, exposure and weights."""

    def alike(a: Any, b: Any) -> bool:
        return (a is None) == (b is None) and (a is None or np.array_equal(np.asarray(a), np.asarray(b)))

    measured = ("subject", "time", "y", "covariates", "exposure")
    memberships = [fit.group_set.membership for fit in (one, other)]
    return (
        memberships[0].covariate_names == memberships[1].covariate_names
        and len(one.outcomes) == len(other.outcomes)
        and all(
            alike(getattr(a.data, x), getattr(b.data, x))
            for a, b in zip(one.outcomes, other.outcomes, strict=True) for x in measured
        )
        and alike(memberships[0].risk, memberships[1].risk)
        and alike(one.weights, other.weights)
    )


def _in_front(spec: ModelSpec, groups: Sequence[int]) -> ModelSpec:
    """The same model with these groups first."""
    return with_groups(spec, [*groups, *(g for g in range(spec.n_groups) if g not in groups)])
