"""What model is fitted: a frozen description, checked once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import SpecificationError
from ..families import family_named
from .constraint_text import label_classes
from .correlated_errors import check_random_effects
from .description import Design, described
from .event import EventSpec, refuse_beside_event
from .no_order import refuse_order
from .option_values import as_orders, per_group
from .outcome import Outcome
from .outcome_spec import OutcomeSpec
from .prior import Prior

MAX_ORDER = 5
MAX_DROPOUT_ORDER = 2


@dataclass(frozen=True)
class ModelSpec:
    """The whole model: the number of groups, the outcomes that share them, and the reference group of membership.

    ``reference`` counts from 0: the group whose theta is 0. ``dropout`` has an order 0, 1 or 2 for each group (-1: that
    group has no dropout model), or is None. In a dual model the first outcome has ``n_groups`` groups, the second
    ``second_groups`` of its own, with ``second_reference`` among them; dropout goes with the first. ``constraints`` are
    texts that name parameters; smaller models that a fit starts from go without. ``prior`` is what is added to the
    log-likelihood, None for maximum likelihood. ``known_classes`` (K,): the groups that known people do not tell apart;
    ``second_known_classes`` the same of a dual model's second set.
    ``event`` is a time to an event.
    """

    n_groups: int
    outcomes: tuple[OutcomeSpec, ...]
    reference: int = 0
    dropout: tuple[int, ...] | None = None
    second_groups: int | None = None
    second_reference: int = 0
    constraints: tuple[str, ...] = ()
    prior: Prior | None = None
    known_classes: tuple[int, ...] = ()
    second_known_classes: tuple[int, ...] = ()
    event: EventSpec | None = None

    def __post_init__(self) -> None:
        if self.event is not None:
            refuse_beside_event(dropout=self.dropout is not None, dual=self.is_dual, prior=self.prior is not None,
                                networks=self.has_networks)
        if self.is_dual and len(self.outcomes) != 2:
            raise SpecificationError(
                f"groups: two numbers of groups go with two outcomes, and there {_are(len(self.outcomes))}.",
                code="bad_groups", argument="groups", way_out="Give one number of groups, or two outcomes.")
        if self.is_dual and min(self.set_sizes) == 1:
            raise SpecificationError(
                f"groups: {self.set_sizes[0]} and {self.set_sizes[1]}; with one group of an outcome there is nothing "
                "that the other's groups could depend on.", code="bad_groups", argument="groups",
                way_out="Give two groups or more of each outcome, or fit the outcomes by themselves.",
            )
        asked = {"constraints": self.constraints, "prior": self.prior, "common": any(o.common for o in self.outcomes)}
        if self.has_networks and any(asked.values()):
            what = next(name for name, given in asked.items() if given)
            raise SpecificationError(
                f"{what}: does not go with curves of hidden units, which move.", code="bad_curve", argument=what,
                way_out=f"Leave {what} out, or use polynomials or splines.",
            )
        if self.prior is not None and any(o.phi_orders is not None for o in self.outcomes):
            raise SpecificationError(
                "prior: does not go with a phi that moves with time.", code="bad_prior", argument="prior",
                way_out="Leave phi_order out, or prior.",
            )
        if self.is_dual and self.has_networks:
            raise SpecificationError(
                "curve: hidden units go with one set of groups, and these are two.", code="bad_curve",
                argument="curve", way_out="Give one number of groups, or polynomials or splines.")
        references = (("refgroup", self.reference), ("refgroup2", self.second_reference))
        for (name, reference), size in zip(references, self.set_sizes, strict=False):
            if isinstance(size, bool) or int(size) != size or size < 1:
                raise SpecificationError(
                    f"groups: {size!r} is not a positive whole number.", code="bad_groups", argument="groups",
                    way_out="Give the number of groups, 1 or more.",
                )
            if not 0 <= reference < size:
                raise SpecificationError(
                    f"{name}: {reference + 1} is not one of the {size} groups.", code=f"bad_{name}",
                    argument=name, way_out=f"Give a group from 1 to {size}.",
                )
        if self.is_dual and self.prior is not None and self.prior.firth:
            raise SpecificationError(
                "prior: firth is that of one set of groups, and a dual model has two.", code="bad_prior",
                argument="prior", way_out="Leave firth out: shares keeps transition probabilities off 0.")
        self._check_dropout()
        for m, outcome in enumerate(self.outcomes):
            n_groups = self.set_sizes[self.set_of(m)]
            shapes = (("order", outcome.orders), ("iorder", outcome.zero_orders), ("rorder", outcome.random_orders))
            for argument, orders in shapes:
                allowed = (1, n_groups) if argument == "iorder" else (n_groups,)
                if orders is not None and len(orders) not in allowed:
                    raise SpecificationError(
                        f"{argument}: {len(orders)} values for {n_groups} groups.", code="order_length",
                        argument=argument, way_out="Give one value for all groups or one per group.")

    def _check_dropout(self) -> None:
        if self.dropout is None:
            return
        refuse_order(repeated=self.outcomes[0].repeated, dropout=True)
        if not self.dropout or any(not -1 <= o <= MAX_DROPOUT_ORDER for o in self.dropout) or max(self.dropout) < 0:
            raise SpecificationError(
                f"dropout: {list(self.dropout)} are not orders 0, 1 or 2 (-1 for a group without).", code="bad_dropout",
                argument="dropout", way_out="0: a constant; 1: the last outcome too; 2: the last two.")
        if len(self.dropout) != self.n_groups:
            raise SpecificationError(
                f"dropout: {len(self.dropout)} values for {self.n_groups} groups.", code="order_length",
                argument="dropout", way_out="Give one value for all groups or one per group.")

    @property
    def is_dual(self) -> bool:
        """Each of the two outcomes has groups of its own."""
        return self.second_groups is not None

    @property
    def n_of_units(self) -> int:
        """Parameters of hidden units, which stand besides those with names."""
        return sum(o.curve.n_parameters for o in self.outcomes if o.curve is not None)

    @property
    def known_of_sets(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The groups of either set that known people do not tell apart; empty where these are all."""
        return self.known_classes, self.second_known_classes

    @property
    def has_known(self) -> bool:
        """Known people tell groups of some set apart."""
        return any(self.known_of_sets)

    @property
    def has_networks(self) -> bool:
        """Some outcome's curves are made of hidden units."""
        return any(o.curve is not None for o in self.outcomes)

    @property
    def set_sizes(self) -> tuple[int, ...]:
        """The number of groups of each set of groups."""
        return (self.n_groups,) if self.second_groups is None else (self.n_groups, self.second_groups)

    @property
    def n_classes(self) -> int:
        """Groups that a subject is in at once: K, or all J x K pairs of a dual model."""
        return self.n_groups * (self.second_groups or 1)

    def set_of(self, m: int) -> int:
        """The set of groups of outcome m; of dropout, which comes after the outcomes, that of the first."""
        return int(self.is_dual and m == 1)

    def group_key(self, group: int, group_set: int = 0) -> tuple[object, ...]:
        """What has to be equal for two groups of a set to be exchangeable."""
        shapes = [
            (
                o.orders[group] if o.orders is not None else o.basis or o.curve,
                None if o.zero_orders is None or o.zero_common else o.zero_orders[group],
                None if o.random_orders is None else o.random_orders[group],
            )
            for m, o in enumerate(self.outcomes) if self.set_of(m) == group_set
        ]
        shape = (*shapes, None if self.dropout is None or group_set else self.dropout[group])
        labelled = self.constraints or self.has_known
        return (*shape, self.label_classes(group_set)[group]) if labelled else shape

    def refuse_constraints(self, argument: str, why: str, way_out: str) -> None:
        """Raise ``constrained`` where there are constraints."""
        if self.constraints:
            raise SpecificationError(
                f"{argument}: the model has constraints ({'; '.join(self.constraints)}), {why}", code="constrained",
                argument=argument, way_out=way_out,
            )

    def label_classes(self, group_set: int = 0) -> tuple[int, ...]:
        """But for their shapes: the class of each group of a set, those of one class being exchangeable."""
        reference = self.second_reference if group_set else self.reference
        size = self.set_sizes[group_set]
        return label_classes(self.constraints, size, reference, self.is_dual, self.known_of_sets[group_set])

    def of_set(self, group_set: int) -> ModelSpec:
        """The model of one of the sets of groups alone."""
        if not self.is_dual:
            return self
        own = tuple(o for m, o in enumerate(self.outcomes) if self.set_of(m) == group_set)
        if group_set:
            return ModelSpec(self.set_sizes[1], own, reference=self.second_reference, prior=self.prior,
                             known_classes=self.second_known_classes)
        return ModelSpec(self.n_groups, own, reference=self.reference, dropout=self.dropout, prior=self.prior,
                         known_classes=self.known_classes)


def _are(count: int) -> str:
    return "is one" if count == 1 else f"are {count}"


def model_spec(outcome: Outcome, design: Design, basis: str | None = None, common: tuple[str, ...] = ()) -> ModelSpec:
    """The specification that a description asks for; ``basis`` is the right-hand side of a basis formula, if any."""
    k = groups_of_one(design)
    return design_spec(design, (replace(outcome_spec(outcome, k, basis), common=common),), k)


def groups_of_one(design: Design) -> int:
    """The number of groups of a model of one outcome."""
    k = design.groups
    if not isinstance(k, int):
        raise SpecificationError(
            f"groups: {k} are two numbers of groups, and there is one outcome.", code="bad_groups", argument="groups",
            way_out="Give one number, or two outcomes: from_formula([Outcome(..), Outcome(..)], groups=[3, 2]).",
        )
    return k


def design_spec(design: Design, outcomes: tuple[OutcomeSpec, ...], k: int, second: int | None = None) -> ModelSpec:
    """The specification of outcomes in ``k`` groups; of a dual model, the second has groups of its own."""
    return ModelSpec(
        n_groups=k, outcomes=outcomes, reference=design.refgroup - 1,
        dropout=None if design.dropout is None else per_group(design.dropout, k, "dropout"),
        second_groups=second, second_reference=0 if second is None else design.refgroup2 - 1,
        constraints=design.constraints, prior=design.prior, event=None if design.event is None else design.event.spec,
    )


def outcome_spec(outcome: Outcome, k: int, basis: str | None = None) -> OutcomeSpec:
    """What is fitted of an outcome in ``k`` groups."""
    order = 2 if outcome.order is None and basis is None and outcome.curve is None else outcome.order
    zero = 0 if family_named(outcome.family).has_zero_part and outcome.iorder is None else outcome.iorder
    return check_random_effects(OutcomeSpec(
        family=outcome.family, orders=None if order is None else per_group(order, k, "order"),
        zero_orders=None if zero is None else as_orders(zero, "iorder"), sigma_by_group=outcome.sigma_by_group,
        lower=outcome.min, upper=outcome.max, censor_beyond=outcome.censor_beyond, basis=basis,
        dispersion_by_group=outcome.dispersion_by_group, ar1=outcome.ar1, rho_by_group=outcome.rho_by_group,
        random_orders=None if outcome.rorder is None else per_group(outcome.rorder, k, "rorder"), curve=outcome.curve,
        random_correlated=outcome.rcorr, random_common=outcome.rcommon,
        phi_orders=None if outcome.phi_order is None else as_orders(outcome.phi_order, "phi_order"),
        repeated=outcome.repeated, squeeze=outcome.squeeze,
    ))


def make_spec(*, basis: str | None = None, **options: Any) -> ModelSpec:
    """The specification of a single-outcome model from options by name, see :mod:`gbtm.specification.description`."""
    return model_spec(*described(options), basis)
