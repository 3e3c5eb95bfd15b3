"""Which form the data of an outcome take, by what its density asks for."""

from __future__ import annotations

import numpy as np

from ..data.measures import Measures
from ..model.outcome import OutcomePart, Part
from .cells import CellStatistics
from .censored_ar1 import CensoredChain
from .censored_correlated_effects import CensoredCorrelatedEffects
from .censored_random_effects import CensoredEffects
from .random_effects import PatternStatistics
from .subject_integral import WholeSubjects


def make_cells(
    part: Part, measures: Measures, n_subjects: int, surrogate: bool = False, about: np.ndarray | None = None
) -> CellStatistics:
    """One outcome's data in the form that its density asks for; ``about`` (K, q) are the curves to centre on."""
    if not isinstance(part, OutcomePart):
        return CellStatistics(part, measures, n_subjects)
    if not surrogate and part.correlated_and_censored(measures.y):
        return _by_integral(part)(part, measures, n_subjects)
    return (PatternStatistics if part.n_random else CellStatistics)(part, measures, n_subjects, about)


def _by_integral(part: OutcomePart) -> type[WholeSubjects]:
    if not part.n_random:
        return CensoredChain
    return CensoredCorrelatedEffects if part.spec.random_correlated and part.n_random > 1 else CensoredEffects
