"""Distributions of a distal outcome within a group."""

from __future__ import annotations

from .base import OutcomeModel
from .counts import NegativeBinomial, Poisson
from .logit import Logit
from .nominal import Nominal
from .normal import Normal
from .ordinal import Ordinal
from .survival import Exponential, Weibull

__all__ = ["OUTCOME_MODELS", "Normal", "OutcomeModel"]

OUTCOME_MODELS: dict[str, type[OutcomeModel]] = {
    model.name: model
    for model in (Normal, Logit, Poisson, NegativeBinomial, Nominal, Ordinal, Exponential, Weibull)
}
