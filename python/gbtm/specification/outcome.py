"""What a user asks for of one outcome, in his words. No data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import pandas as pd

from ..arguments import checked
from ..design.network import Network
from ..families import family_named
from .option import option, options_of

Orders = int | Sequence[int]
BOUND: dict[str, Any] = {
    "trait": "has_bounds", "code": "bad_bounds", "way_out": "Use family={or}.",
    "lacks": "min, max: censoring bounds go with family {those}, not '{family}'.",
}


@checked
@dataclass(frozen=True, eq=False)
class Outcome:
    """One outcome: its formula, its distribution, the shape of its curves. It holds no results.

    A list of them makes a model in which they share the groups: ``GBTM.from_formula([Outcome(..), Outcome(..)], ..)``.

    Parameters
    ----------
    formula : ``"offenses ~ age"`` with ``order``, or a basis such as ``"offenses ~ bs(age, df=4)"`` without; None where
        the outcome is given as arrays
    data : the outcome's own long table, with the same ids; None for the model's
    family : "normal" or another name in ``gbtm.families.FAMILIES``, or what others call it ("gaussian", "tobit")
    order : polynomial order 0 to 5, one for all groups or one per group, 2 when not given; -1 for a count group that
        never happens
    iorder : zip, zinb, hurdle, hurdle_negbin: order of the zero part's polynomial; one value (0 when not given) is
        common to all groups, K are per group, -1 for none there
    sigma_by_group : normal, cnorm: one sigma per group
    dispersion_by_group : negbin, zinb, hurdle_negbin: one psi per group
    min, max, censor_beyond : cnorm: censoring bounds, each optional, and whether values beyond count as at the bound
    tcov, common : covariates w of the outcome; their effects are each group's own, of ``common`` one for all groups
    exposure : counts: time at risk; the rate is per unit of it
    trials : binomial: out of how many the outcome counts successes, a column or one number; without it, of an outcome
        that is 0 or 1, 'binomial' is 'logit'
    ar1 : normal, cnorm: AR(1) errors within a subject, corr = rho^|difference in time|
    rho_by_group : one rho per group
    rorder : normal, cnorm: random effects of each group: 0, an intercept; 1, a slope over time too; 2, an effect of
        time^2 too; -1, none
    rcorr : normal, cnorm: the random effects of a group are correlated, else they are independent
    rcommon : one covariance of the random effects for all groups that have them, else one for each
    phi_order : beta, gamma: order of the polynomial of time that log phi is in each group; a constant when not given
    repeated : a person may have several observations at one time, of two raters or lesions, and each of them counts
    squeeze : beta: 0 and 1 may occur, and all values y are made (y (n - 1) + 1/2) / n, n observations that are fitted
    curve : :class:`gbtm.Network`, curves made of hidden units of time that the groups share, in place of ``order``
    """

    formula: str | None = None
    _: KW_ONLY
    data: pd.DataFrame | None = field(default=None, repr=False)
    order: Orders | None = option(None, "orders", stored="orders", code="bad_order")
    family: str = option("normal", "family", stored="family")
    iorder: Orders | None = option(
        None, "orders", trait="has_zero_part", stored="zero_orders", code="bad_iorder",
        lacks="iorder: goes with {those} and only with them, not with '{family}'.",
        way_out="Use family={or} for a part of its own for zeros.",
    )
    sigma_by_group: bool = option(
        False, "flag", trait="has_sigma", stored="sigma_by_group", code="bad_sigma",
        lacks="sigma_by_group: family '{family}' has no sigma.", way_out="It goes with {those}.")
    dispersion_by_group: bool = option(
        False, "flag", trait="has_dispersion", stored="dispersion_by_group", code="bad_dispersion",
        lacks="dispersion_by_group: family '{family}' has no dispersion psi.", way_out="It goes with {those}.")
    min: float | None = option(None, "bound", stored="lower", **BOUND)
    max: float | None = option(None, "bound", stored="upper", **BOUND)
    censor_beyond: bool = option(False, "flag", stored="censor_beyond", code="bad_bounds")
    tcov: Any = option(None, "columns")
    common: Any = option(None, "columns")
    exposure: Any = option(
        None, "columns", trait="takes_exposure", code="bad_exposure",
        lacks="exposure: goes with counts, not with family '{family}'.",
        way_out="Use one of {those}, or leave exposure out.")
    trials: Any = option(
        None, "columns", trait="takes_trials", code="bad_trials", way_out="Use family={or}, or leave trials out.",
        lacks="trials: goes with family {those}, not with '{family}'.")
    ar1: bool = option(
        False, "flag", trait="may_correlate", stored="ar1", code="bad_ar1",
        lacks="ar1: goes with {those}, not with '{family}'.",
        way_out="Leave it out: this family has no errors that could be correlated.")
    rho_by_group: bool = option(False, "flag", stored="rho_by_group", code="bad_ar1")
    rorder: Orders | None = option(
        None, "orders", trait="may_correlate", stored="random_orders", code="bad_rorder",
        lacks="rorder: goes with {those}, not with '{family}'.",
        way_out="Leave it out: this family has no errors that could be correlated.",
    )
    rcorr: bool = option(
        False, "flag", trait="may_correlate", stored="random_correlated", code="bad_rorder",
        lacks="rcorr: goes with random effects, which family '{family}' has not.", way_out="They go with {those}.",
    )
    rcommon: bool = option(
        False, "flag", trait="may_correlate", stored="random_common", code="bad_rorder",
        lacks="rcommon: goes with random effects, which family '{family}' has not.", way_out="They go with {those}.",
    )
    phi_order: Orders | None = option(
        None, "orders", trait="has_precision", stored="phi_orders", code="bad_order",
        lacks="phi_order: family '{family}' has no precision phi.", way_out="It goes with {those}.",
    )
    repeated: bool = option(False, "flag", stored="repeated", code="bad_repeated")
    squeeze: bool = option(
        False, "flag", trait="may_be_squeezed", stored="squeeze", code="bad_squeeze",
        lacks="squeeze: goes with family {those}, not with '{family}'.", way_out="Use family={or}, or leave it out.")
    curve: Network | None = option(None, "network", stored="curve", code="bad_curve")

    made_by_users: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name, how in options_of(Outcome).items():
            object.__setattr__(self, name, how.read(getattr(self, name), name))
        of_one_trial = family_named(self.family).without_trials
        if of_one_trial and self.trials is None:  # what others call a 0/1 outcome's
            object.__setattr__(self, "family", of_one_trial)
        for name, how in options_of(Outcome).items():
            how.refuse_other_families(getattr(self, name), name, self.family)

    @property
    def denominator_name(self) -> str:
        return "exposure" if self.trials is None else "trials"

    @property
    def denominator(self) -> Any:
        return getattr(self, self.denominator_name)
