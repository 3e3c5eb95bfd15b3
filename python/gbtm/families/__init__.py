"""Outcome distributions, one a file. Formulas: section 2 of the model description in docs/model.md."""

from __future__ import annotations

from types import MappingProxyType

from ..errors import SpecificationError
from .base import Family
from .beta import Beta
from .cnorm import CensoredNormal
from .logit import Logit
from .negbin import NegativeBinomial
from .normal import Normal
from .poisson import Poisson
from .zinb import ZeroInflatedNegativeBinomial
from .zip import ZeroInflatedPoisson

__all__ = [
    "FAMILIES", "Beta", "CensoredNormal", "Family", "Logit", "NegativeBinomial", "Normal", "Poisson",
    "ZeroInflatedNegativeBinomial", "ZeroInflatedPoisson", "family_named", "having", "make_family", "those_having",
]

# every family that a user may name, in the order in which they are listed; without bounds
FAMILIES = MappingProxyType({family.name: family for family in (
    Normal(), CensoredNormal(), Poisson(), ZeroInflatedPoisson(), NegativeBinomial(), ZeroInflatedNegativeBinomial(),
    Logit(), Beta(),
)})


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


def make_family(name: str, lower: float | None = None, upper: float | None = None) -> Family:
    """The family called ``name``, censored at these bounds where it has them."""
    return family_named(name).between(lower, upper)


def having(trait: str) -> tuple[str, ...]:
    """Names of the families of which this attribute of :class:`Family` is true.

    Examples
    --------
    >>> having("has_dispersion")
    ('negbin', 'zinb')
    """
    return tuple(name for name, family in FAMILIES.items() if getattr(family, trait))


def those_having(trait: str, last: str = "and") -> str:
    """The same in words: ``"'negbin' and 'zinb'"``.

    Examples
    --------
    >>> those_having("may_correlate"), those_having("is_count", "or")
    ("'normal' and 'cnorm'", "'poisson', 'zip', 'negbin' or 'zinb'")
    """
    *first, end = (f"'{name}'" for name in having(trait))
    return f"{', '.join(first)} {last} {end}" if first else end
