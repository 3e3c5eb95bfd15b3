"""The dual models that a search considers: numbers of groups of both outcomes, and orders outcome by outcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ..errors import SpecificationError
from ..specification.spec import ModelSpec
from .candidates import Candidate, Number, Space, numbers_of_groups, orders_to_try
from .outcome_orders import SeveralSpace

LEAST = 2  # groups of an outcome: with one there is nothing that the other's could depend on


@dataclass(frozen=True)
class DualSpace(SeveralSpace):
    """All dual models of two outcomes that a search may consider.

    ``groups`` are the numbers of the first outcome's groups. A candidate's ``orders`` are those of the first outcome's
    groups, then those of the second's; ``template`` has one group, which both outcomes share.

    Attributes
    ----------
    second_groups : numbers of the second outcome's groups, ascending
    second_reference : as ``reference``, of the second outcome's groups
    """

    second_groups: tuple[int, ...] = ()
    second_reference: int = 0

    @property
    def numbers(self) -> tuple[Number, ...]:
        return tuple(product(self.groups, self.second_groups))

    @property
    def frame(self) -> Candidate:
        return self.top(self.numbers[0])

    def together(self, missing: Sequence[Number]) -> list[Number]:
        """All with as few groups in sum as any: none of them grows from another."""
        pairs: list[Any] = list(missing)
        fewest = min(sum(pair) for pair in pairs)
        return [pair for pair in pairs if sum(pair) == fewest]

    def within(self, n_subjects: int) -> tuple[Space, list[int]]:
        first, second = (tuple(k for k in each if k <= n_subjects) for each in (self.groups, self.second_groups))
        skipped = sorted({*self.groups, *self.second_groups} - {*first, *second})
        return replace(self, groups=first if second else (), second_groups=second), skipped

    def top(self, n_groups: Any) -> Candidate:
        first, second = n_groups
        highest = [0 if o is None else o[-1] for o in self.orders_of]
        return Candidate(first, (highest[0],) * first + (highest[1],) * second, second)

    def candidate(self, orders: Sequence[Sequence[int]]) -> Candidate:
        """From the orders of each outcome's groups, which go by their own orders, highest first."""
        first, second = (tuple(sorted(own, reverse=True)) for own in orders)
        return Candidate(len(first), (*first, *second), len(second))

    def of_outcomes(self, candidate: Candidate) -> list[tuple[int, ...]]:
        """Orders of each outcome's groups."""
        assert candidate.orders is not None
        return [candidate.orders[: candidate.n_groups], candidate.orders[candidate.n_groups :]]

    def spec(self, candidate: Candidate) -> ModelSpec:
        sizes = (candidate.n_groups, candidate.second or 0)
        outcomes = tuple(
            replace(
                one, orders=None if allowed is None else own,
                random_orders=None if one.random_orders is None else one.random_orders * size,
            )
            for one, allowed, own, size in zip(
                self.template.outcomes, self.orders_of, self.of_outcomes(candidate), sizes, strict=True)
        )
        references = [r if r < k else 0 for r, k in zip((self.reference, self.second_reference), sizes, strict=True)]
        return ModelSpec(
            sizes[0], outcomes, reference=references[0],
            dropout=None if self.template.dropout is None else self.template.dropout * sizes[0],
            second_groups=sizes[1], second_reference=references[1], prior=self.template.prior,
        )

    def label(self, candidate: Candidate) -> str:
        """``"3 x 2: bmi 2 1 0, smokes 1 1"``."""
        return f"{candidate.n_groups} x {candidate.second}: {self.shape(candidate)}"

    def grid_size(self) -> int:
        return len(self.numbers)


def is_dual_search(groups: Any, link: str | None) -> bool:
    """Whether numbers of groups are asked of each of two outcomes: ``[[2, 3], [2, 3]]``, ``[[2, 3], 2]``."""
    if link in ("dual", "multi"):
        return link == "dual"
    return isinstance(groups, (list, tuple)) and any(isinstance(g, Iterable) and not isinstance(g, str) for g in groups)


def smallest_dual(spec: ModelSpec) -> ModelSpec:
    """The dual model of two groups of each outcome, of a model in one group."""
    def twice(orders: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return None if orders is None else orders * LEAST

    outcomes = tuple(replace(o, orders=twice(o.orders), random_orders=twice(o.random_orders)) for o in spec.outcomes)
    return ModelSpec(LEAST, outcomes, dropout=twice(spec.dropout), second_groups=LEAST, prior=spec.prior)


def make_dual_space(
    spec: ModelSpec, groups: Any, orders: Sequence[Any], names: Sequence[str], references: tuple[int, int]
) -> DualSpace:
    """The candidates of a dual search; ``orders`` has of each outcome what users gave, ``spec`` is any dual model."""
    first, second = numbers_of_both(groups)
    template = ModelSpec(
        1,
        tuple(
            replace(o, orders=None if o.orders is None else o.orders[:1],
                    random_orders=None if o.random_orders is None else o.random_orders[:1])
            for o in spec.outcomes
        ),
        dropout=None if spec.dropout is None else spec.dropout[:1], prior=spec.prior,
    )
    return DualSpace(
        template, first, None, "common", references[0],
        tuple(orders_to_try(given, o.traits, o.basis) for given, o in zip(orders, template.outcomes, strict=True)),
        tuple(names), second, references[1],
    )


def numbers_of_both(groups: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Numbers of groups to try of each outcome.

    Raises
    ------
    SpecificationError
        ``bad_groups``, where they are not those of two outcomes, or one of them is 1.
    """
    if isinstance(groups, (list, tuple)) and len(groups) != 2:
        raise SpecificationError(
            f"groups: {groups!r} are not the numbers of groups of two outcomes.", code="bad_groups", argument="groups",
            way_out="Give those of each, such as groups=[[2, 3, 4], [2, 3]].",
        )
    first, second = groups if isinstance(groups, (list, tuple)) else (groups, groups)
    both = (_numbers(first), _numbers(second))
    return both


def _numbers(groups: Any) -> tuple[int, ...]:
    """5 for 2 to 5 groups, or the numbers to try."""
    if isinstance(groups, Iterable):
        numbers = numbers_of_groups(groups)
        if numbers[0] >= LEAST:
            return numbers
    elif numbers_of_groups(groups)[-1] >= LEAST:
        return numbers_of_groups(groups)[LEAST - 1 :]
    raise SpecificationError(
        f"groups: {groups!r}; with one group of an outcome there is nothing that the other's groups could depend on.",
        code="bad_groups", argument="groups", way_out="Try 2 groups or more of each outcome: 4 tries 2 to 4.",
    )


def refuse_pairs(space: Space) -> None:
    """There is no bootstrap test of one group less in a search of dual models."""
    if isinstance(space, DualSpace):
        raise SpecificationError(
            "labels: a dual model has two numbers of groups, and one less could be one of either.",
            code="two_group_sets", argument="labels",
            way_out="Search each outcome by itself and test there; compare dual models by BIC or cross_validate().",
        )
