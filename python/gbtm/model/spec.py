"""What model is fitted: a frozen description, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checks import is_count
from ..errors import SpecificationError
from ..families import Family, family_named, those_having

MAX_ORDER = 5
MAX_DROPOUT_ORDER = 2
MAX_RANDOM_ORDER = 1


@dataclass(frozen=True)
class OutcomeSpec:
    """One outcome: its distribution and the shape of each group's curve.

    Attributes
    ----------
    family : one of :data:`gbtm.families.FAMILIES`, whose traits say which of what follows it may have
    orders : polynomial order of each group, 0 to 5, -1 for a count group whose rate is zero; None with a basis formula
    zero_orders : zero-inflated families only. One entry: common to all groups. K entries: one each, -1 for none there
    sigma_by_group : families with a sigma only. One sigma per group instead of one for all
    lower, upper : families with bounds only. Censoring bounds, each optional
    censor_beyond : families with bounds only. Values beyond a bound count as at the bound instead of being an error
    dispersion_by_group : families with a psi only. One psi per group instead of one for all
    ar1 : families whose errors may correlate only. AR(1) errors, corr = rho^|difference in time|
    rho_by_group : one rho per group instead of one for all
    random_orders : as ``ar1``. Random effects of each group: 0, an intercept; 1, a slope too; -1, none
    basis : right-hand side of a basis formula (for example ``"bs(age, df=4)"``) instead of polynomials
    """

    family: str
    orders: tuple[int, ...] | None = None
    zero_orders: tuple[int, ...] | None = None
    sigma_by_group: bool = False
    lower: float | None = None
    upper: float | None = None
    censor_beyond: bool = False
    dispersion_by_group: bool = False
    ar1: bool = False
    rho_by_group: bool = False
    random_orders: tuple[int, ...] | None = None
    basis: str | None = None

    def __post_init__(self) -> None:
        traits = self.traits  # refuses an unknown name
        if (self.orders is None) == (self.basis is None):
            raise SpecificationError(
                "order: give either a polynomial order or a basis formula, not both and not neither.",
                code="order_or_basis", argument="order", way_out="For example order=2, or 'y ~ bs(age, df=4)'.",
            )
        lowest = -1 if traits.may_be_never else 0
        for order in self.orders or ():
            if not lowest <= order <= MAX_ORDER:
                raise SpecificationError(
                    f"order: {order} is outside {lowest}..{MAX_ORDER} for family '{self.family}'.", code="bad_order",
                    argument="order", way_out="-1 (a group whose rate is zero) is for counts only.",
                )
        if self.orders and all(order == -1 for order in self.orders):
            raise SpecificationError(
                "order: -1 for every group leaves no rate to estimate.", code="bad_order", argument="order",
                way_out="Give at least one group an order of 0 or more.",
            )
        if (self.zero_orders is not None) != traits.is_zero_inflated:
            raise SpecificationError(
                f"iorder: goes with {those_having('is_zero_inflated')} and only with them, not with '{self.family}'.",
                code="bad_iorder", argument="iorder",
                way_out=f"Use family={those_having('is_zero_inflated', 'or')} for zero inflation.",
            )
        for order in self.zero_orders or ():
            if not -1 <= order <= MAX_ORDER:
                raise SpecificationError(
                    f"iorder: {order} is outside -1..{MAX_ORDER}.", code="bad_iorder", argument="iorder",
                    way_out="-1 means no zero inflation in that group.",
                )
        if self.zero_orders and all(order == -1 for order in self.zero_orders):
            raise SpecificationError(
                "iorder: -1 for every group leaves no zero inflation.", code="bad_iorder", argument="iorder",
                way_out=f"Use family='{traits.without_zeros}'.",
            )
        if not traits.has_bounds and (self.lower is not None or self.upper is not None):
            raise SpecificationError(
                f"min, max: censoring bounds go with family {those_having('has_bounds')}, not '{self.family}'.",
                code="bad_bounds", argument="min", way_out=f"Use family={those_having('has_bounds', 'or')}.",
            )
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise SpecificationError(
                f"min, max: {self.lower:g} is not below {self.upper:g}.", code="bad_bounds", argument="min",
                way_out="Give min < max.",
            )
        if self.sigma_by_group and not traits.has_sigma:
            raise SpecificationError(
                f"sigma_by_group: family '{self.family}' has no sigma.", code="bad_sigma", argument="sigma_by_group",
                way_out=f"It goes with {those_having('has_sigma')}.",
            )

        if self.dispersion_by_group and not traits.has_dispersion:
            raise SpecificationError(
                f"dispersion_by_group: family '{self.family}' has no dispersion psi.", code="bad_dispersion",
                argument="dispersion_by_group", way_out=f"It goes with {those_having('has_dispersion')}.",
            )

        self._check_errors()

    def _check_errors(self) -> None:
        """AR(1) errors and random effects."""
        for argument, asked in (("ar1", self.ar1), ("rorder", self.random_orders is not None)):
            if asked and not self.traits.may_correlate:
                raise SpecificationError(
                    f"{argument}: goes with {those_having('may_correlate')}, not with '{self.family}'.",
                    code=f"bad_{argument}", argument=argument,
                    way_out="Leave it out: this family has no errors that could be correlated.",
                )
        if self.rho_by_group and not self.ar1:
            raise SpecificationError(
                "rho_by_group: there is no rho without AR(1) errors.", code="bad_ar1", argument="rho_by_group",
                way_out="Give ar1=True too.",
            )
        if self.ar1 and self.random_orders is not None:
            raise SpecificationError(
                "rorder, ar1: both explain the correlation within a subject, and a few waves cannot tell them apart.",
                code="bad_rorder", argument="rorder", way_out="Choose one of them, for example by BIC.",
            )
        for order in self.random_orders or ():
            if not -1 <= order <= MAX_RANDOM_ORDER:
                raise SpecificationError(
                    f"rorder: {order} is not 0, 1 or -1.", code="bad_rorder", argument="rorder",
                    way_out="0: a random intercept; 1: a random slope too; -1: none in that group.",
                )

    @property
    def traits(self) -> Family:
        """The family to ask what it is and may have; without its bounds."""
        return family_named(self.family)

    def by_group(self, predictor: str) -> bool:
        """A scale parameter has a value for each group."""
        own = {
            "atanh_rho": self.rho_by_group, "r0_sigma": True, "r1_sigma": True, "log_sigma": self.sigma_by_group,
            "log_psi": self.dispersion_by_group, "log_phi": True}
        return own[predictor]

    @property
    def zero_common(self) -> bool:
        return self.zero_orders is not None and len(self.zero_orders) == 1


@dataclass(frozen=True)
class ModelSpec:
    """The whole model: the number of groups, the outcomes that share them, and the reference group of membership.

    ``reference`` counts from 0: the group whose theta is 0. ``dropout`` has an order 0, 1 or 2 for each group (-1: that
    group has no dropout model), or is None.
    """

    n_groups: int
    outcomes: tuple[OutcomeSpec, ...]
    reference: int = 0
    dropout: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n_groups, bool) or int(self.n_groups) != self.n_groups or self.n_groups < 1:
            raise SpecificationError(
                f"groups: {self.n_groups!r} is not a positive whole number.", code="bad_groups", argument="groups",
                way_out="Give the number of groups, 1 or more.",
            )
        if not 0 <= self.reference < self.n_groups:
            raise SpecificationError(
                f"refgroup: {self.reference + 1} is not one of the {self.n_groups} groups.", code="bad_refgroup",
                argument="refgroup", way_out=f"Give a group from 1 to {self.n_groups}.",
            )
        self._check_dropout()
        for outcome in self.outcomes:
            shapes = (("order", outcome.orders), ("iorder", outcome.zero_orders), ("rorder", outcome.random_orders))
            for argument, orders in shapes:
                allowed = (1, self.n_groups) if argument == "iorder" else (self.n_groups,)
                if orders is not None and len(orders) not in allowed:
                    raise SpecificationError(
                        f"{argument}: {len(orders)} values for {self.n_groups} groups.", code="order_length",
                        argument=argument, way_out="Give one value for all groups or one per group.",
                    )

    def _check_dropout(self) -> None:
        if self.dropout is None:
            return
        if any(not -1 <= o <= MAX_DROPOUT_ORDER for o in self.dropout) or max(self.dropout) < 0:
            raise SpecificationError(
                f"dropout: {list(self.dropout)} are not orders 0, 1 or 2 (-1 for a group without).", code="bad_dropout",
                argument="dropout", way_out="0: a constant; 1: the last outcome too; 2: the last two.",
            )
        if len(self.dropout) != self.n_groups:
            raise SpecificationError(
                f"dropout: {len(self.dropout)} values for {self.n_groups} groups.", code="order_length",
                argument="dropout", way_out="Give one value for all groups or one per group.",
            )

    def group_key(self, group: int) -> tuple[object, ...]:
        """What has to be equal for two groups to be exchangeable."""
        shapes = [
            (
                o.orders[group] if o.orders is not None else o.basis,
                None if o.zero_orders is None or o.zero_common else o.zero_orders[group],
                None if o.random_orders is None else o.random_orders[group],
            )
            for o in self.outcomes
        ]
        return (*shapes, None if self.dropout is None else self.dropout[group])


def per_group(value: int | Sequence[int], n_groups: int, argument: str) -> tuple[int, ...]:
    """One whole number, or one per group, as a tuple of length ``n_groups``."""
    values = as_orders(value, argument)
    return values * n_groups if len(values) == 1 else values


def as_orders(value: int | Sequence[int], argument: str) -> tuple[int, ...]:
    """Whole numbers as a tuple, refused by name otherwise."""
    try:
        items: list[Any] = list(value) if isinstance(value, Iterable) else [value]
        if any(float(v) != int(v) for v in items):
            raise ValueError
        return tuple(int(v) for v in items)
    except (TypeError, ValueError, OverflowError):
        raise SpecificationError(
            f"{argument}: {value!r} is not a whole number or a sequence of them.", code="bad_order",
            argument=argument, way_out="For example order=2 or order=[2, 1, 3].",
        ) from None


def make_spec(
    *, groups: int, order: int | Sequence[int] | None, family: str, iorder: int | Sequence[int] | None = None,
    sigma_by_group: bool = False, min: float | None = None, max: float | None = None, censor_beyond: bool = False,
    basis: str | None = None, dispersion_by_group: bool = False, refgroup: int = 1,
    dropout: int | Sequence[int] | None = None, ar1: bool = False, rho_by_group: bool = False,
    rorder: int | Sequence[int] | None = None,
) -> ModelSpec:
    """The specification of a single-outcome model from users' arguments."""
    if not is_count(groups) and not (type(groups) is float and groups.is_integer() and groups >= 1):
        raise SpecificationError(
            f"groups: {groups!r} is not a positive whole number.", code="bad_groups", argument="groups",
            way_out="Give the number of groups, 1 or more.",
        )
    if iorder is None and family_named(family).is_zero_inflated:
        iorder = 0
    outcome = OutcomeSpec(
        family=family, orders=None if order is None else per_group(order, int(groups), "order"),
        zero_orders=None if iorder is None else as_orders(iorder, "iorder"), sigma_by_group=bool(sigma_by_group),
        lower=_bound(min, "min"), upper=_bound(max, "max"), censor_beyond=bool(censor_beyond), basis=basis,
        dispersion_by_group=bool(dispersion_by_group), ar1=bool(ar1), rho_by_group=bool(rho_by_group),
        random_orders=None if rorder is None else per_group(rorder, int(groups), "rorder"),
    )
    if not is_count(refgroup) and not (type(refgroup) is float and refgroup.is_integer()):
        raise SpecificationError(
            f"refgroup: {refgroup!r} is not the number of a group.", code="bad_refgroup", argument="refgroup",
            way_out=f"Give a group from 1 to {int(groups)}.",
        )
    return ModelSpec(
        n_groups=int(groups), outcomes=(outcome,), reference=int(refgroup) - 1,
        dropout=None if dropout is None else per_group(dropout, int(groups), "dropout"),
    )


def _bound(value: float | None, argument: str) -> float | None:
    """A finite bound, or None for none."""
    if value is None:
        return None
    try:
        return float(value) if np.isfinite(float(value)) else None
    except (TypeError, ValueError):
        raise SpecificationError(
            f"{argument}: {value!r} is not a number.", code="bad_bounds", argument=argument,
            way_out=f"Give a number, or leave {argument} out.",
        ) from None


def first_groups(spec: ModelSpec, k: int) -> ModelSpec:
    """The model of the first k groups."""
    return ModelSpec(
        k,
        tuple(
            replace(
                o, orders=None if o.orders is None else o.orders[:k],
                zero_orders=o.zero_orders if o.zero_orders is None or o.zero_common else o.zero_orders[:k],
                random_orders=None if o.random_orders is None else o.random_orders[:k],
            )
            for o in spec.outcomes
        ),
        reference=spec.reference if spec.reference < k else 0,
        dropout=None if spec.dropout is None or max(spec.dropout[:k]) < 0 else spec.dropout[:k],
    )
