"""The hidden units of a fit's network curves: where they turn, and what cannot be asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..errors import SpecificationError
from ..record.outcome_record import OutcomeRecord

if TYPE_CHECKING:
    from .fit import Fit

ERRORS = (
    "Coefficients of hidden units have no standard errors, and the curves no bands: these would take the units as "
    "known, which are estimated too. gbtm.bootstrap(res).curves() finds them anew in each sample. Standard errors of "
    "all else do take the units as known."
)
STEP = 0.25  # width of a unit, of the smallest step between observed times, below which it is a step between two waves


def _networks(fit: Fit) -> Iterator[OutcomeRecord]:
    return (o for o in fit.outcomes if o.spec.curve is not None)


def hidden_units(fit: Fit) -> pd.DataFrame:
    """The hidden units of a fit: ``outcome``, ``unit``, the ``location`` in time at which tanh((t - location) / width)
    turns, and its ``width``; w = 1 / width and c = -location / width.

    Raises
    ------
    SpecificationError
        ``no_network`` for a fit without.
    """
    rows = [
        {"outcome": o.name, "unit": h + 1, "location": float(at), "width": float(width)}
        for o in _networks(fit)
        for h, (at, width) in enumerate(zip(o.bases["mean"]["location"], o.bases["mean"]["width"], strict=True))
    ]
    if not rows:
        raise SpecificationError(
            "hidden_units: the curves of this fit are no network's.", code="no_network", argument="curve",
            way_out="Fit with curve=gbtm.Network(3).",
        )
    return pd.DataFrame(rows)


def unit_sentences(fit: Fit) -> list[str]:
    """Where the units turn, and that their coefficients have no standard errors; none for other fits."""
    out = []
    for o in _networks(fit):
        basis = o.bases["mean"]
        steps = np.diff(np.unique(o.seen_times))
        least = STEP * float(steps.min()) if steps.size else 0.0
        units = [f"{h + 1} at {at:.4g} ({'a step between two waves' if width < least else f'width {width:.3g}'})"
                 for h, (at, width) in enumerate(zip(basis["location"], basis["width"], strict=True))]
        whose = f"Hidden units of {o.name}" if len(fit.outcomes) > 1 else "Hidden units"
        out.append(f"{whose}, shared by the groups, turn in {o.time_name}: {', '.join(units)}.")
    return [*out, ERRORS] if out else []


def refuse_networks(fit: Fit, argument: str, what: str, way_out: str) -> None:
    """Refuse what would take the hidden units as known.

    Raises
    ------
    SpecificationError
        ``units_would_move``.
    """
    if fit.spec.has_networks:
        raise SpecificationError(
            f"{argument}: {what} would take the hidden units of the curves as known, which are estimated too.",
            code="units_would_move", argument=argument, way_out=way_out,
        )
