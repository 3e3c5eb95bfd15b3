"""Choosing a model: number of groups, then shapes, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..api.model import GBTM
from ..arguments import checked
from ..checks import check_count, check_seconds, check_seed
from ..columns.formula_variables import term_columns
from ..compute.progress import Progress, reporter
from ..data.panel import Panel
from ..design.time_basis import TimeBasis, split_formula
from ..design.time_expression import time_expression
from ..errors import MissingArgumentError, SpecificationError
from ..estimation.control import Control
from ..model.known_people import has_known
from ..model.prepared import Prepared
from ..selection import words
from ..specification.description import refuse_unknown
from ..specification.option_values import as_orders
from ..specification.outcome import Outcome
from ..specification.spec import ModelSpec
from .candidates import Space, groups_in_words, make_space
from .checkpoint import Checkpoint, data_digest, digest
from .dual_space import DualSpace, is_dual_search, make_dual_space, smallest_dual
from .known_groups import refuse_dual_search, refuse_for_known
from .models import ModelSearch
from .outcome_orders import make_several_space, outcomes_of
from .rounds import Rounds
from .runner import Ground, n_workers
from .strategy import HOW
from .table import CRITERIA

SHAPE_STARTS = 10
OWN = ("formula", "data", "id", "wide", "how", "criterion", "n_jobs", "checkpoint", "time_budget", "rng", "progress",
       "n_starts", "max_starts", "shape_starts", "cov_type", "iorder_by_group", "device")  # of search()'s arguments


@checked
def search(
    formula: str | Sequence[str | Outcome], data: pd.DataFrame | None = None, *,
    id: str | Sequence[str] | None = None, groups: int | Iterable[Any] = 5,
    order: int | Sequence[int] | None = None, how: str = "two_stage", criterion: str = "bic_subjects",
    n_jobs: int | None = None, checkpoint: str | Path | None = None, time_budget: float | None = None, rng: int = 0,
    progress: Progress | bool | None = None, n_starts: int | None = None, max_starts: int = 256,
    shape_starts: int = SHAPE_STARTS, cov_type: str | None = None, iorder: int | str | None = None,
    iorder_by_group: bool = False, refgroup: int = 1, device: str = "cpu", **model: Any,
) -> ModelSearch:
    """Fit models with more and fewer groups and of higher and lower orders, and say which to choose.

    Every number of groups is fitted by the full default search, which also splits each group of the fit before it.
    Models of lower orders start from the estimates of the model above with a coefficient dropped, and from
    ``shape_starts`` random starts; those that some criterion chooses are then fitted by the full search too. No fit
    stays below a model nested in it: where one does it is made again from there.

    Parameters
    ----------
    formula, data, id : as for :meth:`gbtm.GBTM.from_formula`; a list of outcomes, which share their groups, is searched
        by number of groups and then, for those that are chosen, by the orders of each outcome: lowered with the
        posterior probabilities held fixed, outcome by outcome, and then fitted jointly, until both agree. The order
        of a :class:`gbtm.Outcome` is the highest to try in it, or the orders to try
    groups : 5 for 1 to 5 groups, or the numbers to try. Those of each of two outcomes, ``[[2, 3, 4], [2, 3]]``, for
        dual models (with ``link="dual"`` also ``[4, 3]`` for 2 to 4 and 2 to 3): all pairs of numbers are fitted at the
        highest orders, then orders as above, by the probabilities of each outcome's own groups
    order : 3 (the default) for orders 0 to 3, or the orders to try; for counts -1, a group whose rate is zero, where
        it is named, as in ``[-1, 0, 1, 2]``. None with a basis formula, where only the number of groups is searched
    how : "two_stage" (Nagin's): the number of groups with all of them at the highest order, then for each number that
        BIC, ICL or ``criterion`` chooses, or that comes within 6 of its best, the orders, lowered one group and one
        step at a time as long as the best of such models is better. "stepwise": the same for every number of groups.
        "grid": every multiset of orders. "groups": the number of groups only
    criterion : by which orders are lowered: a column such as "bic_subjects", "bic_observations", "icl_subjects"
    n_jobs : worker processes, -1 for one per core; the digits do not depend on it
    checkpoint : folder that keeps each finished fit; the same call on the same data goes on where it was
    time_budget : seconds after which no further fit begins (the first is made in any case)
    n_starts, max_starts : starts for each number of groups, as for :meth:`gbtm.GBTM.fit`
    shape_starts : random starts of models of lower orders
    iorder : order of the zero part, the same for all candidates; "order" gives each group its own,
        of the order of its curve, lowered with it
    iorder_by_group : each group has its own zero part of order ``iorder``
    device : torch device of all fits; a checkpoint may go on on another
    model : further arguments of :meth:`gbtm.GBTM.from_formula`: family, wide, risk, tcov, weights, ...; rorder and
        dropout take one order for all groups

    Raises
    ------
    SpecificationError, DataError
        Naming the argument, what is wrong with it, and the way out.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> found = gbtm.search("y ~ t", data, id="id", groups=3, order=1, family="normal")
    >>> found.best("bic_subjects").n_groups
    2

    Both numbers of groups of a dual model: ``gbtm.search([gbtm.Outcome("aggression ~ age"), gbtm.Outcome("offenses ~
    year", family="zip", iorder=0)], data, id="id", groups=[[2, 3, 4], [2, 3]])``.
    """
    refuse_unknown(model, OWN)
    _refuse_constraints(model.get("constraints"))
    given = [formula] if isinstance(formula, str) else formula
    _refuse_networks([model.get("curve"), *(getattr(o, "curve", None) for o in given)])
    for name in ("rorder", "dropout"):
        if model.get(name) is not None and len(as_orders(model[name], name)) != 1:
            raise SpecificationError(
                f"{name}: {model[name]!r} is not one order for all groups.", code="bad_template", argument=name,
                way_out="In a search the number of groups varies: give one number.",
            )
    if iorder is not None and not isinstance(iorder, str) and len(as_orders(iorder, "iorder")) != 1:
        raise SpecificationError(
            f"iorder: {iorder!r} is not one order for all groups.", code="bad_template", argument="iorder",
            way_out="In a search the number of groups varies: give one number, with iorder_by_group=True for a zero "
            "part of each group's own, or 'order'.",
        )
    zero = _zero_part(iorder, iorder_by_group)
    settings: dict[str, Any] = {
        "groups": groups, "how": how, "criterion": criterion, "zero": zero, "n_jobs": n_jobs, "checkpoint": checkpoint,
        "time_budget": time_budget, "rng": rng, "progress": progress, "n_starts": n_starts, "max_starts": max_starts,
        "shape_starts": shape_starts, "cov_type": cov_type, "refgroup": refgroup, "device": device,
    }
    if not isinstance(formula, str):
        return _search_several(formula, data, id, order, iorder, model, settings)
    if data is None:
        raise MissingArgumentError(
            "data: not given.", code="missing_argument", argument="data", way_out="Give the table of the formula.")
    base = GBTM.from_formula(
        formula, data, id=id, groups=1, order=_base_order(formula, data, order, model),
        iorder=None if isinstance(iorder, str) else iorder, **model,
    ).prepared
    return _search(base, order=order, **settings)


def _refuse_networks(curves: Sequence[Any]) -> None:
    """Curves of hidden units: models on other columns of time do not start from each other."""
    if any(c is not None for c in curves):
        raise SpecificationError(
            "curve: a search lowers orders and splits groups, and hidden units have neither orders nor stand still.",
            code="no_network_here", argument="curve",
            way_out="Fit each number of groups and of units by itself, and compare them by gbtm.cross_validate().",
        )


def _search_several(
    formula: Sequence[str | Outcome], data: pd.DataFrame | None, id: Any, order: Any, iorder: Any,
    model: dict[str, Any], settings: dict[str, Any],
) -> ModelSearch:
    """The search of several outcomes."""
    _refuse_of_several(settings["zero"], settings["how"])
    is_dual = is_dual_search(settings["groups"], model.get("link"))
    if is_dual and model.get("known") is not None:
        refuse_dual_search()
    given = model if iorder is None else {**model, "iorder": iorder}
    outcomes, orders, rest = outcomes_of(formula, order, given)
    wide = rest.get("wide")
    based = []
    for o, its in zip(outcomes, orders, strict=True):
        table = data if getattr(o, "data", None) is None else o.data
        if isinstance(o, Outcome) and o.formula is not None and table is not None:
            its_wide = wide if o.data is None else None
            known = {"wide": its_wide, "tcov": o.tcov, "common": o.common}
            o = replace(o, order=_base_order(o.formula, table, its, known))
        based.append(o)  # what is no outcome is refused where the table is read
    further = {"refgroup2": rest.pop("refgroup2", 1)} if is_dual else {}
    base = GBTM.from_formula(based, data, id=id, groups=[2, 2] if is_dual else 1, **rest).prepared
    return _search_outcomes(base, orders, **settings, **further)


def _refuse_of_several(zero: str, how: str) -> None:
    """What a search of one outcome can do, and one of several cannot."""
    if zero != "common" or how == "grid":
        argument = "how" if how == "grid" else "iorder"
        raise SpecificationError(
            f"{argument}: of several outcomes "
            + ("the grid of all orders is too large." if argument == "how" else "the zero part is common to groups."),
            code=f"unknown_{argument}" if argument == "how" else "bad_iorder", argument=argument,
            way_out="Use how='two_stage', how='stepwise' or how='groups', and one iorder an outcome.",
        )


def _refuse_constraints(given: Any) -> None:
    if given is not None and len(given):
        raise SpecificationError(
            "constraints: name the groups of one model, and the models of a search have other numbers of groups.",
            code="constrained", argument="constraints",
            way_out="Search without them, then fit the model that was chosen with constraints.",
        )


def _refuse_reference(argument: str, group: int, tried: Sequence[int]) -> None:
    """A reference group that no model of the search has; of those with fewer groups it is the first."""
    if group > max(tried):
        raise SpecificationError(
            f"{argument}: {group} is more than the {groups_in_words(max(tried))} that are tried at most.",
            code=f"bad_{argument}", argument=argument, way_out="Give one of the groups, or try more.",
        )


def _search_outcomes(base: Prepared, orders: Sequence[Any], *, refgroup2: int = 1, **settings: Any) -> ModelSearch:
    """The search of outcomes that share their groups, or, where ``base`` is a dual model, of two with groups of their
    own; ``orders`` has of each what is to be tried."""
    names = [m.name for m in base.panel.outcomes]
    tried = [None if s.basis is not None else its for s, its in zip(base.spec.outcomes, orders, strict=True)]
    first, second = settings["refgroup"] - 1, check_count(refgroup2, "refgroup2", 2) - 1
    space = make_dual_space(base.spec, settings["groups"], tried, names, (first, second)) if base.spec.is_dual else (
        make_several_space(base.spec, settings["groups"], tried, names, first))
    return _search(base, space=space, **settings)


@checked
def search_models(
    panel: Panel, base_spec: ModelSpec, *, formula: str | None = None, bases: Sequence[TimeBasis | None] | None = None,
    inputs: dict[str, Any] | None = None, profile: np.ndarray | None = None, zero: str = "common", order: Any = None,
    how: str = "two_stage", link: str | None = None, refgroup: int = 1, groups: Any = 5, **settings: Any,
) -> ModelSearch:
    """:func:`search` from a panel and a model of one group, whose settings all candidates share.

    Parameters
    ----------
    base_spec : one group; its order is not used
    zero : the zero part is "common" to all groups, each group's "own", or own and of its curve's "order"
    order : as for :func:`search`; of several outcomes that of each, as ``base_spec`` has them
    link, groups : as for :func:`search`: of two outcomes with two sets of numbers, dual models are searched
    settings : how, criterion, n_jobs, checkpoint, refgroup2, ... as for :func:`search`
    """
    _refuse_networks([o.curve for o in base_spec.outcomes])
    settings = {"groups": groups, "how": how, "refgroup": refgroup, **settings}
    _refuse_constraints(base_spec.constraints)
    if len(base_spec.outcomes) > 1:
        _refuse_of_several(zero, how)
        if is_dual_search(groups, link) and not base_spec.is_dual:
            base_spec = smallest_dual(base_spec)
        base = Prepared.of(panel, base_spec, bases, formula=formula, profile=profile, inputs=inputs)
        return _search_outcomes(base, order, **settings)
    base = Prepared.of(panel, base_spec, bases, formula=formula, profile=profile, inputs=inputs)
    return _search(base, zero=zero, order=order, **settings)


def _base_order(formula: str, data: pd.DataFrame, order: Any, model: dict[str, Any]) -> int | None:
    """The order of the model of one group that the data are read with: candidates have orders of their own, and 0 does.

    But where covariates use the time it is the highest: what of them is the curve's own is the same for all candidates.
    """
    wide = model.get("wide")
    _, time, basis = split_formula(formula, data, wide)
    if basis is not None and (order is None or time_expression(basis, data, time, wide) is None):
        return None
    if wide is not None or not any(time in term_columns(model.get(terms), data) for terms in ("tcov", "common")):
        return 0
    highest = max(as_orders(3 if order is None else order, "order"))
    return max(0, min(highest, data[time].nunique() - 1))


def _zero_part(iorder: int | str | None, by_group: bool) -> str:
    if isinstance(iorder, str):
        if iorder != "order":
            raise SpecificationError(
                f"iorder: {iorder!r} is no order.", code="bad_iorder", argument="iorder",
                way_out="Give a number, or 'order' for that of each group's curve.",
            )
        return "order"
    return "own" if by_group else "common"


def _search(
    base: Prepared, *, groups: int | Iterable[int] = 5, order: int | Sequence[int] | None = None,
    how: str = "two_stage", criterion: str = "bic_subjects", zero: str = "common", n_jobs: int | None = None,
    checkpoint: str | Path | None = None, time_budget: float | None = None, rng: int = 0,
    progress: Progress | bool | None = None, n_starts: int | None = None, max_starts: int = 256,
    shape_starts: int = SHAPE_STARTS, cov_type: str | None = None, refgroup: int = 1, device: str = "cpu",
    space: Space | None = None,
) -> ModelSearch:
    from ..estimation.covariance import resolve

    resolve(cov_type, base.panel.subjects)  # all that a fit would refuse is refused before the first
    n_workers(n_jobs)
    Control(device=device)  # refuses one that is not there now, not as the failure of every fit
    _check(how, criterion, time_budget, n_starts=n_starts, max_starts=max_starts, shape_starts=shape_starts,
           refgroup=refgroup)
    space = space or make_space(base.spec, groups, order, zero, reference=refgroup - 1)
    _refuse_reference("refgroup", space.reference + 1, space.groups)
    _refuse_reference("refgroup2", getattr(space, "second_reference", 0) + 1, getattr(space, "second_groups", (1,)))
    if base.spec.is_dual and has_known(base.panel.subjects):
        refuse_dual_search()
    refuse_for_known(base.panel, space.groups, how)
    tried, (space, skipped) = space, space.within(base.panel.n_subjects)
    if not space.groups:
        raise SpecificationError(
            f"groups: {groups_in_words(tried.numbers[0])} for {base.panel.n_subjects} subjects.",
            code="too_few_subjects", argument="groups", way_out="Ask for fewer groups.",
        )
    highest = Prepared.of(base.panel, space.spec(space.frame), base.bases)
    ground = Ground(
        panel=base.panel, held_out=base.held_out, bases=tuple(p.bases["mean"] for p in highest.layout.outcomes),
        formula=base.formula, inputs=base.inputs, profile=base.profile, rng=check_seed(rng), max_starts=max_starts,
        cov_type=cov_type, device=device,
    )
    if checkpoint is not None:
        ground = replace(ground, checkpoint=Checkpoint.open(checkpoint, _about(ground, space)))
    run = Rounds(space, ground, how, criterion, n_jobs, time_budget, n_starts, shape_starts, reporter(progress))
    run.go()
    if skipped:
        run.happened["skipped"] = [words.too_many_groups(skipped, base.panel.n_subjects)]
    return ModelSearch(
        space, run.fits, run.shared, how=how, criterion=criterion, happened=run.happened, rng=ground.rng,
        settings={"n_starts": n_starts, "max_starts": max_starts, "shape_starts": shape_starts, "cov_type": cov_type,
                  "time_budget": time_budget},
    )


def _about(ground: Ground, space: Space) -> dict[str, Any]:
    """What all fits depend on, by names that an error can mention."""
    dual = ("dual", space.second_reference) if isinstance(space, DualSpace) else ()
    return {
        "data": digest(data_digest(ground.panel), None if ground.held_out is None else data_digest(ground.held_out)),
        "model": digest(*(replace(o, orders=None if o.orders is None else (0,)) for o in space.template.outcomes),
                        space.template.dropout, space.reference, space.zero, ground.profile, *dual,
                        *([] if space.template.event is None else [space.template.event])),
        "rng": ground.rng, "max_starts": ground.max_starts, "cov_type": ground.cov_type,
    }


def _check(how: str, criterion: str, time_budget: float | None, **counts: Any) -> None:
    for argument, value, allowed in (("how", how, HOW), ("criterion", criterion, CRITERIA)):
        if value not in allowed:
            raise SpecificationError(
                f"{argument}: {value!r} is not known.", code=f"unknown_{argument}", argument=argument,
                way_out=f"Use one of {', '.join(allowed)}.",
            )
    budget = time_budget
    check_seconds(budget)
    for argument, value in counts.items():
        if value is not None or argument != "n_starts":
            check_count(value, argument, 20)
