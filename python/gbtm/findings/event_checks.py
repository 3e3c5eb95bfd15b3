"""Hazards that run to 0, of groups or intervals in which nobody had the event, and Weibull shapes that run to infinity,
of groups whose events are at one time."""

from __future__ import annotations

import numpy as np

from ..data.event_times import TIME, UPPER
from ..data.panel import Panel
from ..estimation.collapse import TIED_WAY_OUT, Collapse
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate
from ..model.event import EventPart
from ..model.layout import Layout
from .data_checks import Finding

OF_TIES = "collapsed_event_rival"
NOBODY = 1e-2  # cumulative hazard up to the last time below which a group has no event to speak of


def examine_event(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> list[Finding]:
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
        where = "where the hazard is 0"
        if part.spec.hazard == "weibull" and _within_one(layout, panel, flat, names):
            what, where = "all events lie between the same two times", "where all are at one time between these"
            way_out = "Choose a hazard with hazard 'piecewise'"
        elif part.spec.hazard == "weibull":
            what, way_out = "hardly anybody had the event", "Choose a hazard with hazard 'piecewise' and few intervals"
        else:
            what, way_out = "hardly anybody had the event in some of the intervals", "Choose fewer intervals"
        run, have = ("runs", "has") if len(names) == 1 else ("run", "have")
        out.append(Finding(
            "event_at_bound", group + 1, f"In group {group + 1} {what}: {', '.join(names)} {run} to {where}, and "
            f"{have} no standard error. {way_out}, or fewer groups.", names))
    return out


def _within_one(layout: Layout, panel: Panel, flat: np.ndarray, names: tuple[str, ...]) -> bool:
    """A Weibull hazard that is not determined although the event comes: times are known to be in intervals."""
    known = panel.subjects.event
    assert known is not None
    values = dict(zip(layout.names, layout.report(flat), strict=True))
    last = np.nanmax(np.where(np.isnan(known[:, TIME]), np.nan, known[:, UPPER]))
    scales = [n for n in names if "_scale[" in n]
    with np.errstate(over="ignore"):
        return any((last / values[n]) ** values[n.replace("_scale[", "_shape[")] > NOBODY for n in scales)


def examine_ties(layout: Layout, panel: Panel, estimate: Estimate) -> list[Finding]:
    """That places without bound lie higher than the optimum: with events at one time."""
    collapse = Collapse(layout, panel)
    if not any(o.collapsed and o.loglik > estimate.objective and collapse.is_steep(o.flat)
               for o in estimate.search.optima):
        return []
    return [Finding(
        OF_TIES, None,
        "Places with a higher log-likelihood were set aside because a group's event_shape runs to infinity there: all "
        "its events are at one time, where the likelihood has no bound. They are no better answer; this is the best "
        f"optimum besides them. {TIED_WAY_OUT}")]
