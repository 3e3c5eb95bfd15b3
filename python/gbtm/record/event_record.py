"""The time to an event of a fit, as the fit document has it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..model.event import EventPart
from ..specification.event import EventSpec
from .on_disk import not_kept


@dataclass(frozen=True, eq=False)
class EventRecord:
    """A model of the time to an event.

    Attributes
    ----------
    spec : its hazard, cuts and causes
    names, spread : of the q covariates (of each cause), and what they are divided by inside
    n_known : people whose time is known
    n_events : of them, those who had the event, by cause
    """

    spec: EventSpec
    names: tuple[str, ...]
    spread: tuple[float, ...]
    n_known: int
    n_events: tuple[int, ...]
    stored_known: Any

    @classmethod
    def of(cls, stored: dict[str, Any]) -> EventRecord:
        """The document's ``event``."""
        spec = event_spec(stored)
        assert spec is not None
        return cls(
            spec=spec, names=tuple(stored["names"]), spread=tuple(float(s) for s in stored["spread"]),
            n_known=int(stored["n_known"]), n_events=tuple(int(n) for n in stored["n_events"]),
            stored_known=stored.get("known"),
        )

    @property
    def known(self) -> np.ndarray:
        """(N, 4 + q) what is known of people, see :func:`gbtm.data.event_times.checked_event`."""
        if self.stored_known is None:
            raise not_kept("event")
        return np.asarray(self.stored_known, dtype=float).reshape(-1, 4 + len(self.names))

    def part(self, n_groups: int) -> EventPart:
        """As the engine knows it."""
        return EventPart(self.spec, n_groups, self.names, self.spread)

    @property
    def sentence(self) -> str:
        """What was modelled, in a sentence."""
        each = [f"{n} of cause {c + 1}" for c, n in enumerate(self.n_events)] if len(self.n_events) > 1 else []
        return (
            f"Event: {sum(self.n_events)} among {self.n_known} people" + (f" ({', '.join(each)})" if each else "")
            + f"; {self.spec.words} hazard in each group"
            + (", and effects of covariates too." if self.spec.effects_by_group else "."))


def event_spec(stored: dict[str, Any] | None) -> EventSpec | None:
    """A specification from plain values."""
    if stored is None:
        return None
    return EventSpec(
        str(stored["hazard"]), tuple(float(c) for c in stored["cuts"]), int(stored["n_intervals"]),
        int(stored["n_causes"]), bool(stored.get("effects_by_group", False)))


def event_document(part: EventPart | Any, known: np.ndarray | None) -> dict[str, Any]:
    """The document's field ``event``; nothing for a model without."""
    if not isinstance(part, EventPart) or known is None:
        return {}
    here = known[~np.isnan(known[:, 0])]
    causes = np.bincount(here[:, 1].astype(int), minlength=part.spec.n_causes + 1)[1:]
    spec = {k: v for k, v in asdict(part.spec).items() if k != "effects_by_group" or v}
    return {"event": {
        **spec, "cuts": list(part.spec.cuts), "names": list(part.names), "spread": list(part.spread),
        "n_known": len(here), "n_events": causes.tolist(), "known": known,
    }}
