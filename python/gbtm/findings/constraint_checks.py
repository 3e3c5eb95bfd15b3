"""What has to be known of parameters that lie at the bounds of their constraints."""

from __future__ import annotations

import numpy as np

from ..model.layout import Layout
from .data_checks import Finding


def examine_constraints(layout: Layout, flat: np.ndarray) -> list[Finding]:
    """Bounds that estimates (p,) lie at."""
    constraints = layout.constraints
    if constraints is None:
        return []
    at = [f"'{x}'" for x, near in zip(constraints.labels, constraints.at_bounds(flat), strict=True) if near]
    if not at:
        return []
    one = len(at) == 1
    return [
        Finding(
            "at_constraint", None,
            f"The estimates lie at the bound{'' if one else 's'} {', '.join(at)}: without {'it' if one else 'them'} "
            "the log-likelihood may be higher. Standard errors are those of a model that stays there, and too small "
            "where the truth may lie inside; z tests and intervals of what is bounded have no normal law. "
            "compare_lr_test() against the fit without constraints has the right one for a single bound.",
        )
    ]
