"""The time to an event that a fit was asked for, as its argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.event_times import EventColumns
from ..specification.event import Event

if TYPE_CHECKING:
    from ..api.results import GBTMResults


def event_argument(res: GBTMResults) -> dict[str, Any]:
    """``event`` by name; nothing for models without. Its columns are called T and status where the fit does not say."""
    if res.event is None:
        return {}
    spec, stored = res.event.spec, (res.inputs or {}).get("event")
    columns = EventColumns("T", "status", covariates=list(res.event.names) or None) if stored is None else (
        EventColumns.of(stored))
    piecewise: dict[str, Any] = {}
    if spec.hazard != "weibull":
        piecewise = {"hazard": spec.hazard, "cuts": list(spec.cuts) or 1}
    return {"event": Event(
        columns.time, columns.status, columns.entry, columns.upper, covariates=columns.covariates,
        effects_by_group=spec.effects_by_group, **piecewise)}
