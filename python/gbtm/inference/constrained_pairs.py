"""Two fits of which the smaller has constraints: whether they nest, and the law of the likelihood ratio.

A bound counts half: where the parameter lies on it, the estimate of the larger model is on the forbidden side, or on
the other, in half of the samples each, so that the statistic is half chi2(d), half chi2(d + 1) with d the equalities
more (Self and Liang 1987). For a bound that the smaller fit has, that is the law where the truth lies on the bound,
the one that rejects least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..fit.fit import Fit
from ..model.constraints import Constraints
from ..record.rebuild import layout_of

EQUAL = 1e-7  # of rows and levels of bounds, in internal units


@dataclass(frozen=True)
class ConstrainedPair:
    """How the constraints of two fits of the same model compare.

    Attributes
    ----------
    nested : all that the smaller fit's allow is allowed by the larger's
    bounds : bounds that decide the law of the statistic
    bound_is_free : that bound is the smaller fit's, whose parameters it takes none of away
    """

    nested: bool
    bounds: int = 0
    bound_is_free: bool = False

    @classmethod
    def of(cls, res: Fit, restricted: Fit) -> ConstrainedPair:
        """Of a larger fit and a smaller one that differ in their constraints alone."""
        small, big = (layout_of(f).constraints for f in (restricted, res))
        if small is None:
            return cls(nested=False)
        own = [i for i in range(len(small.rows)) if big is None or not _among(small, i, big)]
        if big is None:
            return cls(True, len(own), bound_is_free=bool(own))
        on_edge, inside = 0, big.holds_in(small)
        for i, row in enumerate(big.rows):
            if _among(big, i, small):
                continue
            room = float(row @ small.origin - big.levels[i])
            inside = inside and bool(np.linalg.norm(row @ small.directions) < EQUAL) and room > -EQUAL
            on_edge += abs(room) < EQUAL
        return cls(inside, len(own) + on_edge, bound_is_free=bool(own))


def differ_in_constraints(res: Fit, restricted: Fit) -> bool:
    """The two models are one but for their constraints, and one has some."""
    small, big = restricted.spec, res.spec
    return small != big and replace(small, constraints=()) == replace(big, constraints=())


def _among(one: Constraints, i: int, other: Constraints) -> bool:
    """Bound ``i`` of ``one`` is one of ``other``'s, which the equalities of ``other`` may have shortened."""
    row, level = one.rows[i], one.levels[i]
    for j, like in enumerate(other.rows):
        along = row @ other.directions
        scale = float(np.linalg.norm(along))
        if scale < EQUAL:
            continue
        same_way = np.abs(along / scale - like @ other.directions).max(initial=0.0) < EQUAL
        room = (row @ other.origin - level) / scale - (like @ other.origin - other.levels[j])
        if same_way and abs(room) < EQUAL:
            return True
    return False
