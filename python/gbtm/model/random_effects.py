"""Random effects among the parameters: which of them are none, and their signs, which say nothing."""

from __future__ import annotations

import numpy as np

from ..families.random_normal import CORRELATIONS, RANDOM
from .blocks import Block
from .layout import LEAST_SPREAD, Layout

NO_EFFECT = 1e-4  # sd of a random effect, relative to the outcome's, that is none; less where sigma is tiny


def effects_at_bound(layout: Layout, flat: np.ndarray) -> np.ndarray:
    """Positions of the random effects whose sd is zero, in (p,), and of the correlations with them, which are none."""
    none = [b for b in layout.blocks if b.predictor in RANDOM and abs(flat[b.start]) < _no_effect(layout, flat, b)]
    none += [c for b in none for c in _correlations_with(layout, b)]
    return np.unique(np.array([b.start for b in none], dtype=np.int64))


def without_signs(layout: Layout, flat: np.ndarray) -> np.ndarray:
    """(p,) -> (p,), the same model with no sd of a random effect negative.

    Correlations of effects beside one that is none are told as they are: those with it, on which theirs depend inside,
    say nothing and become zero.
    """
    out = flat.copy()
    for b in layout.blocks:
        if b.predictor in RANDOM and flat[b.start] < 0:
            out[b.start] = -flat[b.start]
            for correlation in _correlations_with(layout, b):
                out[correlation.start] = -out[correlation.start]
    for r in layout.correlation_sets:
        first = next(b for b in layout.blocks if b.start == r.places[0])
        none = [RANDOM.index(b.predictor) for b in layout.blocks if b.predictor in RANDOM and (b.outcome, b.group) == (
            first.outcome, first.group) and abs(out[b.start]) < _no_effect(layout, out, b)]
        if none:
            out[r.places] = r.without(out[r.places], none)
    return out


def _correlations_with(layout: Layout, effect: Block) -> list[Block]:
    """Those of a group's random effect with its others, if the model has them."""
    names = {name for pair, name in CORRELATIONS.items() if RANDOM.index(effect.predictor) in pair}
    return [b for b in layout.blocks if b.predictor in names and (b.outcome, b.group) == (effect.outcome, effect.group)]


def _no_effect(layout: Layout, flat: np.ndarray, b: Block) -> float:
    """Where errors are tiny, effects may be tiny too."""
    sigma = float(np.exp(layout.coefficients(flat, b.outcome, "log_sigma")).max())
    return NO_EFFECT * min(1.0, sigma / LEAST_SPREAD)
