"""Outcome distributions, one a file. Formulas: section 2 of the model description in docs/model.md."""

from __future__ import annotations

from collections.abc import Callable

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
    "Beta", "CensoredNormal", "Family", "Logit", "NegativeBinomial", "Normal", "Poisson",
    "ZeroInflatedNegativeBinomial", "ZeroInflatedPoisson", "make_family",
]


def make_family(name: str, lower: float | None = None, upper: float | None = None) -> Family:
    """The family called ``name``; bounds are for ``cnorm``."""
    if name == "cnorm":
        return CensoredNormal(lower, upper)
    plain: dict[str, Callable[[], Family]] = {
        "normal": Normal, "poisson": Poisson, "zip": ZeroInflatedPoisson, "negbin": NegativeBinomial,
        "zinb": ZeroInflatedNegativeBinomial, "logit": Logit, "beta": Beta,
    }
    return plain[name]()
