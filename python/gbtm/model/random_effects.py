"""Random effects among the parameters: which of them are none, and their signs, which say nothing."""

from __future__ import annotations

import numpy as np

from ..families.random_normal import CORRELATION, RANDOM
from .blocks import Block
from .layout import LEAST_SPREAD, Layout

NO_EFFECT = 1e-4  # sd of a random effect, relative to the outcome's, that is none; less where sigma is tiny


def effects_at_bound(layout: Layout, flat: np.ndarray) -> np.ndarray:
    """Positions of the random effects whose sd is zero, in (p,), and of the correlations with them, which are none."""
    none = [b for b in layout.blocks if b.predictor in RANDOM and abs(flat[b.start]) < _no_effect(layout, flat, b)]
    none += [c for b in none if (c := _correlation_with(layout, b)) is not None]
    return np.unique(np.array([b.start for b in none], dtype=np.int64))


def without_signs(layout: Layout, flat: np.ndarray) -> np.ndarray:
    """(p,) -> (p,), the same model with no sd of a random effect negative."""
    out = flat.copy()
    for b in layout.blocks:
        if b.predictor in RANDOM and flat[b.start] < 0:
            out[b.start] = -flat[b.start]
            correlation = _correlation_with(layout, b)
            if correlation is not None:
                out[correlation.start] = -out[correlation.start]
    return out


def _correlation_with(layout: Layout, effect: Block) -> Block | None:
    """That of a group's random intercept and slope, if the model has one."""
    return next((b for b in layout.blocks if b.predictor == CORRELATION and (b.outcome, b.group) == (
        effect.outcome, effect.group)), None)


def _no_effect(layout: Layout, flat: np.ndarray, b: Block) -> float:
    """Where errors are tiny, effects may be tiny too."""
    sigma = float(np.exp(layout.coefficients(flat, b.outcome, "log_sigma")).max())
    return NO_EFFECT * min(1.0, sigma / LEAST_SPREAD)
