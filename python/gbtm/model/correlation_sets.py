"""Correlations of random effects as they are reported, where a group has more than two of them.

Of two effects the correlation is a function of one internal parameter. Of more each but the first effect's depends on
several (:mod:`gbtm.families.effect_correlations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..families.effect_correlations import Pair, atanh_partial, correlations, correlations_jacobian
from ..families.random_normal import CORRELATIONS
from .blocks import Block

PAIRS = {name: pair for pair, name in CORRELATIONS.items()}


@dataclass(frozen=True, eq=False)
class CorrelationSet:
    """Those of one group, or of all.

    Attributes
    ----------
    places : (P,) in the flat vector
    pairs : the effects of each
    """

    places: np.ndarray
    pairs: tuple[Pair, ...]

    def report(self, z: np.ndarray) -> np.ndarray:
        """Internal (P,) -> correlations (P,)."""
        return correlations(z)

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        """(P, P) derivative of :meth:`report`."""
        return correlations_jacobian(z)

    def unreport(self, r: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`report`; NaN or infinite where no effects have such correlations."""
        return atanh_partial(r)

    def without(self, z: np.ndarray, effects: Sequence[int]) -> np.ndarray:
        """z (P,) of the same correlations, but for those with ``effects``, which are zero."""
        kept = np.array([not set(pair) & set(effects) for pair in self.pairs])
        return atanh_partial(np.where(kept, correlations(z), 0.0))


def correlation_sets(blocks: Sequence[Block]) -> list[CorrelationSet]:
    """Of the owners that have more than one correlation."""
    own: dict[tuple[int, int | None], list[Block]] = {}
    for b in blocks:
        if b.predictor in PAIRS:
            own.setdefault((b.outcome, b.group), []).append(b)
    return [CorrelationSet(np.array([b.start for b in found]), tuple(PAIRS[b.predictor] for b in found))
            for found in own.values() if len(found) > 1]
