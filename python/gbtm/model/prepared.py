"""A model and the people it is for, checked against each other: all that a fit needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import SpecificationError
from ..specification.no_order import refuse_order
from ..specification.outcome_spec import OutcomeSpec
from ..specification.prior import Prior
from ..specification.spec import ModelSpec
from .event import with_event_times
from .known_people import scored_without, with_known
from .layout import Layout, make_layout
from .levels import with_codes
from .outcome import prepare
from .squeezed import with_sizes

Bases = Sequence[TimeBasis | None]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A model on its data.

    Attributes
    ----------
    panel : the subjects to fit, their outcomes checked against the families
    spec, layout : what is fitted, and where each parameter stands
    bases : time basis of each outcome's mean where one was given; None for polynomials made of these data
    held_out : the subjects that are scored but not fitted, or None
    formula, inputs : how the user asked for it and how the table was read, for the record and for new data
    profile : (T, q) time-varying covariates at which curves are drawn, wave by wave; None for their mean at each time
    """

    panel: Panel
    spec: ModelSpec
    layout: Layout
    bases: Bases | None = None
    held_out: Panel | None = None
    formula: str | None = None
    inputs: dict[str, Any] | None = None
    profile: np.ndarray | None = None

    @classmethod
    def of(
        cls, panel: Panel, spec: ModelSpec, bases: Bases | None = None, *, formula: str | None = None,
        inputs: dict[str, Any] | None = None, profile: np.ndarray | None = None, held_out: Panel | None = None,
    ) -> Prepared:
        """Check a panel against a specification; subjects held out in it are set apart.

        Raises
        ------
        DataError, SpecificationError
            For values that the family cannot take, more groups than subjects, columns that cannot be told apart.
        """
        fitted, scored = panel.split()
        spec = with_known(with_sizes(with_codes(spec, fitted), fitted), fitted)
        if spec.event is not None:
            spec = replace(spec, event=with_event_times(spec.event, fitted))
        fitted = prepare(fitted, spec)
        for m, outcome in zip(fitted.outcomes, spec.outcomes, strict=True):
            refuse_unlike(m.name, m.n_shared > 0, outcome)
            refuse_order(repeated=outcome.repeated, tcov=m.lags is not None)
        return cls(
            fitted, spec, make_layout(fitted, spec, bases), bases,
            held_out if scored is None else scored_without(scored), formula, inputs, profile,
        )

    def with_prior(self, prior: Prior | None) -> Prepared:
        """The same model with another prior."""
        spec = replace(self.spec, prior=prior)
        return replace(self, spec=spec, layout=make_layout(self.panel, spec, self.bases))

    @property
    def seeks_units(self) -> bool:
        """Hidden units of some outcome are to be found: its basis was not given."""
        return seeks_units(self.spec, self.bases)


def refuse_unlike(name: str, has_shared: bool, outcome: OutcomeSpec) -> None:
    """Raise where the panel has observations that share a time, and the specification does not know of it."""
    if has_shared and not outcome.repeated:
        raise SpecificationError(
            f"repeated: observations of {name} share a time, and the specification does not say that they may.",
            code="bad_repeated", argument="repeated", way_out="Give repeated=True to the specification too.",
        )


def seeks_units(spec: ModelSpec, bases: Bases | None) -> bool:
    """Whether hidden units of some outcome have no basis given."""
    given = bases if bases is not None else [None] * len(spec.outcomes)
    return any(o.curve is not None and b is None for o, b in zip(spec.outcomes, given, strict=True))
