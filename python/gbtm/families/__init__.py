"""Outcome distributions, one a file. Formulas: section 2 of the model description in docs/model.md."""

from __future__ import annotations

from types import MappingProxyType

from ..errors import SpecificationError
from .base import Family
from .beta import Beta
from .binomial import Binomial
from .cnorm import CensoredNormal
from .gamma import Gamma
from .hurdle import HurdlePoisson
from .hurdle_negbin import HurdleNegativeBinomial
from .logit import Logit
from .lognormal import Lognormal
from .multinomial import Multinomial
from .negbin import NegativeBinomial
from .normal import Normal
from .ordinal import Ordinal
from .poisson import Poisson
from .precision import OVER_TIME
from .zinb import ZeroInflatedNegativeBinomial
from .zip import ZeroInflatedPoisson
from .zip_tau import TiedZeroInflatedPoisson

__all__ = [
    "FAMILIES", "OTHER_NAMES", "Beta", "Binomial", "CensoredNormal", "Family", "Gamma",
    "HurdleNegativeBinomial", "HurdlePoisson", "Logit", "Lognormal", "Multinomial", "NegativeBinomial",
    "Normal", "Ordinal", "Poisson", "TiedZeroInflatedPoisson", "ZeroInflatedNegativeBinomial", "ZeroInflatedPoisson",
    "family_named", "having", "make_family", "own_name", "those_having",
]

# every family that a user may name, in the order in which they are listed; without bounds
FAMILIES = MappingProxyType({family.name: family for family in (
    Normal(), CensoredNormal(), Poisson(), ZeroInflatedPoisson(), NegativeBinomial(), ZeroInflatedNegativeBinomial(),
    Logit(), Beta(), Binomial(), Ordinal(), Multinomial(), Gamma(), Lognormal(),
    TiedZeroInflatedPoisson(), HurdlePoisson(), HurdleNegativeBinomial(),
)})

# what R, Stata, SAS and textbooks call them, in small letters, blanks, dots and hyphens as "_"
OTHER_NAMES = MappingProxyType({
    "gaussian": "normal", "tobit": "cnorm", "censnorm": "cnorm", "censored_normal": "cnorm",
    "censored_gaussian": "cnorm", "zero_inflated_poisson": "zip", "negative_binomial": "negbin",
    "neg_binomial": "negbin", "nb": "negbin", "nb2": "negbin", "nbinom": "negbin", "nbinom2": "negbin",
    "nbreg": "negbin",
    "zero_inflated_negative_binomial": "zinb", "zero_inflated_negbin": "zinb", "zinbinom": "zinb",
    "bernoulli": "logit", "logistic": "logit", "binary": "logit", "betar": "beta",
    "ordered": "ordinal", "ologit": "ordinal", "cumulative": "ordinal", "cumulative_logit": "ordinal",
    "proportional_odds": "ordinal", "polr": "ordinal",
    "log_normal": "lognormal", "lnorm": "lognormal", "zipt": "zip_tau", "ziptau": "zip_tau",
    "hurdle_poisson": "hurdle", "poisson_hurdle": "hurdle", "hurdle_negative_binomial": "hurdle_negbin",
    "hurdle_negbinomial": "hurdle_negbin", "hurdle_nb": "hurdle_negbin", "negbin_hurdle": "hurdle_negbin",
    "nominal": "multinomial", "categorical": "multinomial", "mlogit": "multinomial", "multinom": "multinomial",
    "multinomial_logit": "multinomial", "mnlogit": "multinomial",
})


def own_name(name: str) -> str:
    """Our name of a family that is called by another; what is none stays as it is.

    Examples
    --------
    >>> own_name("gaussian"), own_name("Negative binomial"), own_name("ZIP"), own_name("weibull")
    ('normal', 'negbin', 'zip', 'weibull')
    """
    plain = "_".join(name.lower().replace("-", " ").replace(".", " ").replace("_", " ").split())
    if name in FAMILIES or plain in FAMILIES:
        return name if name in FAMILIES else plain
    return OTHER_NAMES.get(plain, name)


def family_named(name: str) -> Family:
    """The family that users call ``name``, without bounds: whom to ask for its traits.

    Raises
    ------
    SpecificationError
        For a name that is none.

    Examples
    --------
    >>> family_named("zip").is_count, family_named("zip").label
    (True, 'zero-inflated Poisson')
    """
    if not isinstance(name, str) or name not in FAMILIES:
        raise SpecificationError(
            f"family: '{name}' is not known.", code="unknown_family", argument="family",
            way_out=f"Use one of {', '.join(FAMILIES)}.",
        )
    return FAMILIES[name]


def make_family(name: str, lower: float | None = None, upper: float | None = None,
                codes: tuple[float, ...] | None = None, *, moving_phi: bool = False) -> Family:
    """The family called ``name``, censored at these bounds, or of levels with these values, where it has them, or with
    a phi that moves with time."""
    if moving_phi:
        return OVER_TIME[name]
    return family_named(name).between(lower, upper).having_codes(codes)


def having(trait: str) -> tuple[str, ...]:
    """Names of the families of which this attribute of :class:`Family` is true.

    Examples
    --------
    >>> having("has_dispersion")
    ('negbin', 'zinb', 'hurdle_negbin')
    """
    return tuple(name for name, family in FAMILIES.items() if getattr(family, trait))


def those_having(trait: str, last: str = "and") -> str:
    """The same in words: ``"'negbin' and 'zinb'"``.

    Examples
    --------
    >>> those_having("may_correlate"), those_having("is_zero_inflated", "or")
    ("'normal' and 'cnorm'", "'zip' or 'zinb'")
    """
    *first, end = (f"'{name}'" for name in having(trait))
    return f"{', '.join(first)} {last} {end}" if first else end
