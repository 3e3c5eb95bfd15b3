"""The models that a search considers: numbers of groups and the orders of their curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, islice
from math import comb
from typing import Any

from ..checks import is_count
from ..errors import SpecificationError
from ..families import Family, those_having
from ..specification.option_values import as_orders
from ..specification.spec import MAX_ORDER, ModelSpec

ZERO_PARTS = ("common", "own", "order")
GROUPS_MOST = 50

Number = int | tuple[int, int]  # of groups; of a dual model those of the first and of the second outcome


def groups_in_words(number: Number) -> str:
    """``"1 group"``, ``"3 groups"``, of a dual model ``"3 x 2 groups"``."""
    if isinstance(number, tuple):
        return f"{number[0]} x {number[1]} groups"
    return f"{number} group{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Candidate:
    """A number of groups and the orders of their curves.

    Attributes
    ----------
    orders : highest first, as groups are exchangeable; None with a basis formula
    second : of a dual model, the number of groups of the second outcome; ``n_groups`` is that of the first
    """

    n_groups: int
    orders: tuple[int, ...] | None
    second: int | None = None

    @property
    def number(self) -> Number:
        """Of groups; of a dual model both."""
        return self.n_groups if self.second is None else (self.n_groups, self.second)

    @property
    def n_classes(self) -> int:
        """Groups, or pairs of groups."""
        return self.n_groups * (self.second or 1)

    @property
    def rank(self) -> tuple[object, ...]:
        """Place in a table: fewer groups first, higher orders first."""
        return (self.n_groups, self.second or 0, tuple(-o for o in self.orders or ()))


@dataclass(frozen=True)
class Space:
    """All models that a search may consider.

    Attributes
    ----------
    template : the model of one group whose settings all candidates share
    groups : numbers of groups, ascending
    orders : allowed orders, ascending; None with a basis formula
    zero : the zero part is "common" to all groups, each group's "own", or own and of its curve's "order"
    reference : the group, from 0, whose theta is 0; the first in models that do not have it
    """

    template: ModelSpec
    groups: tuple[int, ...]
    orders: tuple[int, ...] | None
    zero: str = "common"
    reference: int = 0

    @property
    def searches_orders(self) -> bool:
        """Orders are searched, not the number of groups alone."""
        return self.orders is not None

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Numbers of groups, in the order in which they are fitted."""
        return self.groups

    @property
    def frame(self) -> Candidate:
        """The smallest model whose curves have the columns of all others."""
        return self.top(1)

    def together(self, missing: Sequence[Number]) -> list[Number]:
        """Those of the numbers not fitted yet that are fitted next: one after the other, for each grows from the last.
        """
        return list(missing[:1])

    def within(self, n_subjects: int) -> tuple[Space, list[int]]:
        """Without the numbers of groups above that of the subjects, and these."""
        few = tuple(k for k in self.groups if k <= n_subjects)
        return replace(self, groups=few), [k for k in self.groups if k not in few]

    def top(self, n_groups: Any) -> Candidate:
        """All groups at the highest order."""
        return Candidate(n_groups, None if self.orders is None else (self.orders[-1],) * n_groups)

    def grid(self, n_groups: int) -> list[Candidate]:
        """Every multiset of the allowed orders, highest first."""
        if self.orders is None:
            return [self.top(n_groups)]
        every = combinations_with_replacement(sorted(self.orders, reverse=True), n_groups)
        return [Candidate(n_groups, o) for o in every if is_model(o)]

    def grid_size(self) -> int:
        """Number of models in the whole grid.

        C(L + K - 1, K) multisets for K groups and L orders of 0 and more, and C(L + K - 2, K - 1) with one more group
        whose rate is zero.
        """
        if self.orders is None:
            return len(self.groups)
        levels = sum(o >= 0 for o in self.orders)
        never = -1 in self.orders
        return sum(
            comb(levels + k - 1, k) + (comb(levels + k - 2, k - 1) if never and k > 1 else 0) for k in self.groups
        )

    def reductions(self, candidate: Candidate) -> list[Candidate]:
        """The models with the order of one group one step lower."""
        if candidate.orders is None or self.orders is None:
            return []
        candidates = []
        for order in dict.fromkeys(candidate.orders):
            step = self.orders.index(order) - 1
            if step >= 0:
                orders = list(candidate.orders)
                orders[orders.index(order)] = self.orders[step]
                if is_model(orders):
                    candidates.append(Candidate(candidate.n_groups, tuple(sorted(orders, reverse=True))))
        return candidates

    def steps(self, candidate: Candidate) -> int:
        """Number of reductions that lead from the highest orders to these."""
        if candidate.orders is None or self.orders is None:
            return 0
        return sum(len(self.orders) - 1 - self.orders.index(o) for o in candidate.orders)

    def spec(self, candidate: Candidate) -> ModelSpec:
        """The candidate as a model."""
        k, one = candidate.n_groups, self.template.outcomes[0]
        zero = one.zero_orders
        if zero is not None and self.zero == "own":
            zero = tuple(-1 if o == -1 else zero[0] for o in candidate.orders or (0,) * k)
        elif zero is not None and self.zero == "order" and candidate.orders is not None:
            zero = candidate.orders
        outcome = replace(
            one, orders=candidate.orders, zero_orders=zero,
            random_orders=None if one.random_orders is None else one.random_orders * k,
        )
        return ModelSpec(
            k, (outcome,), reference=self.reference if self.reference < k else 0,
            dropout=None if self.template.dropout is None else self.template.dropout * k, prior=self.template.prior,
            event=self.template.event,
        )

    def label(self, candidate: Candidate) -> str:
        """``"3: 2 1 0"``; with zero inflation ``"3: 2 1 0 / 1"``, the orders of the zero part after the stroke."""
        return f"{candidate.n_groups}: {self.shape(candidate)}"

    def shape(self, candidate: Candidate) -> str:
        """The label without the number of groups."""
        outcome = self.spec(candidate).outcomes[0]
        text = outcome.basis or " ".join(str(o) for o in candidate.orders or ())
        zero = outcome.zero_orders
        return text if zero is None else f"{text} / {' '.join(str(o) for o in zero)}"


def is_model(orders: Sequence[int]) -> bool:
    """Two groups whose rate is zero are one, and a model needs a group whose rate is not."""
    return sum(o == -1 for o in orders) <= 1 and max(orders) >= 0


def make_space(
    template: ModelSpec, groups: int | Iterable[int], order: int | Sequence[int] | None, zero: str = "common",
    reference: int = 0,
) -> Space:
    """The candidates that users' ``groups`` and ``order`` stand for; refuses what is none."""
    if template.n_groups != 1 or len(template.outcomes) != 1:
        raise SpecificationError(
            "groups: a search takes a model of one outcome and one group, whose settings all candidates share.",
            code="bad_template", argument="groups", way_out="Give one value of iorder, rorder and dropout for all.",
        )
    outcome = template.outcomes[0]
    if zero not in ZERO_PARTS:
        raise SpecificationError(
            f"zero: {zero!r} is none of {', '.join(ZERO_PARTS)}.", code="bad_iorder", argument="iorder",
            way_out="One zero part for all groups, each its own, or each its own of its curve's order.",
        )
    if zero != "common" and not outcome.traits.has_zero_part:
        raise SpecificationError(
            f"iorder: family '{outcome.family}' has no zero part.", code="bad_iorder", argument="iorder",
            way_out=f"Use family={those_having('has_zero_part', 'or')} for one.",
        )
    if zero == "order" and outcome.basis is not None:
        raise SpecificationError(
            "iorder: the curves are given by a basis formula and have no order.", code="bad_iorder", argument="iorder",
            way_out="Give the zero part an order of its own, such as iorder=1.",
        )
    orders = orders_to_try(order, outcome.traits, outcome.basis)
    return Space(template, numbers_of_groups(groups), orders, zero, reference)


def numbers_of_groups(groups: Any) -> tuple[int, ...]:
    try:
        # no further than shows that there are too many
        values = [*islice(groups if isinstance(groups, Iterable) else range(1, int(groups) + 1), GROUPS_MOST + 1)]
        if isinstance(groups, (bool, str)) or not values or any(v != int(v) or not is_count(int(v)) for v in values):
            raise ValueError
        if not isinstance(groups, Iterable) and groups != int(groups):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise SpecificationError(
            f"groups: {groups!r} is not a number of groups, 1 or more, or a sequence of them.", code="bad_groups",
            argument="groups", way_out="5 tries 1 to 5 groups; [2, 3] tries these.",
        ) from None
    if max(values) > GROUPS_MOST:
        raise SpecificationError(
            f"groups: {max(values)} are more than the {GROUPS_MOST} that a search tries.", code="bad_groups",
            argument="groups", way_out="Ask for fewer groups; for a single large model use GBTM.",
        )
    return tuple(sorted({int(v) for v in values}))


def orders_to_try(order: Any, family: Family, basis: str | None) -> tuple[int, ...] | None:
    if basis is not None:
        if order is not None:
            raise SpecificationError(
                "order: the curves are given by a basis formula; only the number of groups is searched.",
                code="order_or_basis", argument="order", way_out="Leave order out, or write 'y ~ time'.",
            )
        return None
    given = as_orders(3 if order is None else order, "order")
    single = not isinstance(order, Iterable)
    lowest = -1 if family.may_be_never and not single else 0
    if not given or min(given) < lowest or max(given) > MAX_ORDER or max(given) < 0:
        raise SpecificationError(
            f"order: {order!r} is outside {lowest}..{MAX_ORDER} for family '{family.name}'.", code="bad_order",
            argument="order", way_out="3 tries orders 0 to 3; a sequence tries these, for counts -1 (a rate of zero) "
            "too, as in [-1, 0, 1, 2].",
        )
    return tuple(range(given[0] + 1)) if single else tuple(sorted(set(given)))
