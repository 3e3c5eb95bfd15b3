"""Hazards that run to 0: nobody in a group had the event, or nobody in an interval of time."""

from __future__ import annotations

import numpy as np

from ..estimation.covariance import Covariance
from ..model.event import EventPart
from ..model.layout import Layout
from .data_checks import Finding


def examine_event(layout: Layout, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """A warning for each group whose hazard, of a cause or in an interval, is not determined."""
    part = layout.parts[-1]
    if not isinstance(part, EventPart):
        return []
    lost = ~cov.identified(layout.report_jacobian(flat))
    out = []
    for group in range(layout.n_groups):
        blocks = [b for b in layout.blocks
                  if b.outcome == len(layout.outcomes) and b.group == group and lost[b.entries].any()]
        names = tuple(n for b in blocks for n in layout.names[b.entries])
        if not names:
            continue
        if part.spec.hazard == "weibull":
            what, way_out = "hardly anybody had the event", "Choose a hazard with hazard 'piecewise' and few intervals"
        else:
            what, way_out = "hardly anybody had the event in some of the intervals", "Choose fewer intervals"
        run, have = ("runs", "has") if len(names) == 1 else ("run", "have")
        out.append(Finding(
            "event_at_bound", group + 1, f"In group {group + 1} {what}: {', '.join(names)} {run} to where the hazard "
            f"is 0, and {have} no standard error. {way_out}, or fewer groups.", names))
    return out
