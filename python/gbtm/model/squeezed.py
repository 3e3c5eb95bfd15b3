"""Proportions that may be 0 or 1, squeezed into the open interval on which the beta family has a density.

y' = (y (n - 1) + 1/2) / n, with n the number of observations that are fitted (Smithson and Verkuilen 2006,
Psychological Methods 11, 54-71). New people are squeezed by the n of the fit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..errors import DataError
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec


def with_sizes(spec: ModelSpec, panel: Panel) -> ModelSpec:
    """The specification that knows by how many observations its outcomes are squeezed."""
    if not any(o.squeeze and o.squeezed_by is None for o in spec.outcomes):
        return spec
    outcomes = (replace(o, squeezed_by=m.squeezed_by or m.nobs) if o.squeeze and o.squeezed_by is None else o
                for o, m in zip(spec.outcomes, panel.outcomes, strict=True))
    return replace(spec, outcomes=tuple(outcomes))


def squeezed(measures: Measures, outcome: OutcomeSpec, panel: Panel) -> Measures:
    """The observations of an outcome, squeezed where it asks for that and they are not yet."""
    n, y = outcome.squeezed_by, measures.y
    if n is None or measures.squeezed_by:
        return measures
    bad = ~((y >= 0) & (y <= 1))
    if bad.any():
        raise DataError(
            f"{measures.name}: values must lie between 0 and 1 for family '{outcome.family}' with squeeze; "
            f"{int(bad.sum())} values do not, first {panel.describe_rows(np.flatnonzero(bad), measures)}.",
            code="bad_outcome", argument=measures.name, way_out="Divide percentages by 100.",
        )
    return replace(measures, y=into_interval(y, n), squeezed_by=n)


def into_interval(y: np.ndarray, n: int) -> np.ndarray:
    """Values of 0 to 1 squeezed by ``n``; as they are with 0."""
    return (y * (n - 1) + 0.5) / n if n else y


def out_of_interval(squeezed: np.ndarray, n: int) -> np.ndarray:
    """The inverse of :func:`into_interval`."""
    return (squeezed * n - 0.5) / (n - 1) if n else squeezed


def as_read(measures: Measures) -> np.ndarray:
    """Outcomes (n,) on the scale on which they are read; what a beta drew beyond the squeezed ends is 0 or 1."""
    n = measures.squeezed_by
    return np.clip(out_of_interval(measures.y, n), 0.0, 1.0) if n else measures.y
