"""Outcome distributions, one a file. Formulas: section 2 of the model description in docs/model.md."""

from __future__ import annotations

from collections.abc import Callable

from .base import Family
from .cnorm import CensoredNormal
from .logit import Logit
from .normal import Normal
from .poisson import Poisson
from .zip import ZeroInflatedPoisson

__all__ = ["CensoredNormal", "Family", "Logit", "Normal", "Poisson", "ZeroInflatedPoisson", "make_family"]


def make_family(name: str, lower: float | None = None, upper: float | None = None) -> Family:
    """The family called ``name``; bounds are for ``cnorm``."""
    if name == "cnorm":
        return CensoredNormal(lower, upper)
    plain: dict[str, Callable[[], Family]] = {
        "normal": Normal, "poisson": Poisson, "zip": ZeroInflatedPoisson, "logit": Logit,
    }
    return plain[name]()
