"""What is fitted of one outcome: a frozen description, checked once."""

from __future__ import annotations

from dataclasses import dataclass

from ..design.network import Network
from ..errors import SpecificationError
from ..families import Family, family_named, those_having
from ..families.random_normal import RANDOM_PART
from .correlated_errors import check_correlated_errors
from .no_order import refuse_order
from .option import options_of
from .option_values import refuse_outside
from .outcome import Outcome

MAX_ORDER = 5
MAX_DROPOUT_ORDER = 2


@dataclass(frozen=True)
class OutcomeSpec:
    """One outcome: its distribution and the shape of each group's curve.

    Attributes
    ----------
    family : one of :data:`gbtm.families.FAMILIES`, whose traits say which of what follows it may have
    orders : polynomial order of each group, 0 to 5, -1 for a count group whose rate is zero; None for other curves
    zero_orders : families with a zero part only. One entry: common to all. K entries: one each, -1 for none there
    sigma_by_group : families with a sigma only. One sigma per group instead of one for all
    lower, upper : families with bounds only. Censoring bounds, each optional
    censor_beyond : families with bounds only. Values beyond a bound count as at the bound instead of being an error
    dispersion_by_group : families with a psi only. One psi per group instead of one for all
    ar1 : families whose errors may correlate only. AR(1) errors, corr = rho^|difference in time|
    rho_by_group : one rho per group instead of one for all
    random_orders : as ``ar1``. Random effects of each group: 0, an intercept; 1, a slope too; 2, time^2 too;
        -1, none
    random_correlated, random_common : the effects of a group are correlated; one covariance for all groups
    phi_orders : families with a phi only. One order, of the polynomial that log phi is in each group; None: a constant
    repeated : a person may have several observations at one time
    squeeze, squeezed_by : 0 and 1 are squeezed into the open interval; by the n that the data have said, or None
    basis : right-hand side of a basis formula (for example ``"bs(age, df=4)"``) instead of polynomials
    curve : curves made of hidden units of time instead of either
    codes, levels : families with levels only. Values of the levels that occur, None until the data have said so; of an
        ordered factor all its levels, of which the values count the places from 1, else None
    common : columns of its covariates that have one coefficient for all groups
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
    random_correlated: bool = False
    random_common: bool = False
    phi_orders: tuple[int, ...] | None = None
    basis: str | None = None
    curve: Network | None = None
    codes: tuple[float, ...] | None = None
    levels: tuple[str, ...] | None = None
    repeated: bool = False
    squeeze: bool = False
    squeezed_by: int | None = None
    common: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, option in options_of(Outcome).items():
            if option.stored:
                option.refuse_other_families(getattr(self, option.stored), name, self.family)
        self._check_orders()
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise SpecificationError(
                f"min, max: {self.lower:g} is not below {self.upper:g}.", code="bad_bounds", argument="min",
                way_out="Give min < max.",
            )
        if self.common and not self.traits.has_mean:
            raise SpecificationError(
                f"common: effects common to all groups do not go with family '{self.family}', which has a curve for "
                "each category.", code="bad_common", argument="common", way_out="Give these covariates as tcov.",
            )
        refuse_order(repeated=self.repeated, ar1=self.ar1)
        check_correlated_errors(self)
        refuse_outside(self.phi_orders, 0, MAX_ORDER, "phi_order", "bad_order", "", "0: one phi at all times.")
        if self.phi_orders is not None and len(self.phi_orders) != 1:
            raise SpecificationError(
                f"phi_order: {len(self.phi_orders)} values; it is the same in all groups, whose coefficients are their "
                "own.", code="bad_order", argument="phi_order", way_out="Give one order, such as 1.",
            )

    def _check_orders(self) -> None:
        """Orders of the curves, and of the zero part."""
        traits = self.traits
        if sum(shape is not None for shape in (self.orders, self.basis, self.curve)) != 1:
            raise SpecificationError(
                "order: give either a polynomial order or a basis formula or a network, and one of them only.",
                code="order_or_basis", argument="order",
                way_out="For example order=2, or 'y ~ bs(age, df=4)', or curve=gbtm.Network(3).",
            )
        lowest = -1 if traits.may_be_never else 0
        refuse_outside(self.orders, lowest, MAX_ORDER, "order", "bad_order", f" for family '{self.family}'",
                        f"-1 (a group whose rate is zero) goes with {those_having('may_be_never')} only.")
        if self.orders and max(self.orders) == -1:
            raise SpecificationError(
                "order: -1 for every group leaves no rate to estimate.", code="bad_order", argument="order",
                way_out="Give at least one group an order of 0 or more.",
            )
        if traits.has_zero_part and self.zero_orders is None:
            raise SpecificationError(
                f"iorder: family '{self.family}' needs one.", code="bad_iorder", argument="iorder",
                way_out="0 is a probability that is the same at all times.",
            )
        refuse_outside(self.zero_orders, -1, MAX_ORDER, "iorder", "bad_iorder", "",
                        f"-1 means no {'zeros' if traits.is_hurdle else 'zero inflation'} in that group.")
        if self.zero_orders and max(self.zero_orders) == -1:
            what, remedy = ("zero inflation", f"Use family='{traits.without_zeros}'.") if traits.without_zeros else (
                "zeros in the model", "Give at least one group an iorder of 0 or more.")
            raise SpecificationError(
                f"iorder: -1 for every group leaves no {what}.", code="bad_iorder", argument="iorder", way_out=remedy)

    @property
    def traits(self) -> Family:
        """The family to ask what it is and may have; without its bounds."""
        return family_named(self.family)

    def by_group(self, predictor: str) -> bool:
        """A scale parameter has a value for each group."""
        by_group = {
            "atanh_rho": self.rho_by_group, "log_sigma": self.sigma_by_group,
            **dict.fromkeys(RANDOM_PART, not self.random_common), "log_psi": self.dispersion_by_group, "log_phi": True}
        return by_group.get(predictor, False)  # cut points are common

    @property
    def shape(self) -> str:
        """What the curves are, where they are no polynomials."""
        return self.curve.words if self.curve is not None else self.basis or ""

    @property
    def zero_common(self) -> bool:
        return self.zero_orders is not None and len(self.zero_orders) == 1
