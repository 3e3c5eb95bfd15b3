"""A model and the people on disk whom it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..design.time_basis import TimeBasis, formula_basis
from ..disk.disk_panel import DiskPanel, SampledPanel
from ..errors import SpecificationError
from ..specification.outcome_spec import OutcomeSpec
from ..specification.prior import Prior
from ..specification.spec import ModelSpec
from .layout import Layout, make_layout
from .levels import with_codes
from .outcome import OutcomePart, prepare
from .prepared import Prepared, refuse_unlike


@dataclass(frozen=True, eq=False)
class PreparedBlocks:
    """A model on data that stay on disk.

    Attributes
    ----------
    panel : all people
    sample : some of them, on whom bases and scales are made and starts are tried
    layout : where each parameter stands; its shares are means over all people
    """

    panel: DiskPanel
    sample: SampledPanel
    spec: ModelSpec
    layout: Layout
    formula: str | None = None
    inputs: dict[str, Any] | None = None

    @classmethod
    def of(
        cls, panel: DiskPanel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None = None, *,
        formula: str | None = None, inputs: dict[str, Any] | None = None,
    ) -> PreparedBlocks:
        """Check a panel against a specification.

        Raises
        ------
        DataError, SpecificationError
            As for data in memory; ``not_on_disk`` for parts that are no sums over design cells.
        """
        _refuse(spec)
        spec = with_codes(spec, panel.survey.sample, [seen.levels for seen in panel.survey.seen])
        for seen, m, outcome in zip(panel.survey.seen, panel.survey.sample.outcomes, spec.outcomes, strict=True):
            refuse_unlike(m.name, seen.n_shared > 0, outcome)
        sample = panel.sampled()
        try:
            people = prepare(sample.for_starts, spec)
        except SpecificationError as error:
            some = sample.for_starts.n_subjects
            if error.code == "no_dropout" and some < panel.n_subjects:
                error.args = (f"{error.args[0]} (Seen in a sample of {some} people, on whom starts are tried.)",)
            raise
        if bases is None:
            bases = [_basis_of_all(panel, m, o) for m, o in enumerate(spec.outcomes)]
        made = make_layout(people, spec, bases)
        parts = tuple(
            replace(p, extent=panel.survey.seen[m].extent) if isinstance(p, OutcomePart) else p
            for m, p in enumerate(made.parts))
        names = people.subjects.risk_names
        z = made.membership.internal(panel.survey.risk) if names else None
        layout = Layout(spec, parts, made.membership, z, panel.survey.risk_weight if names else None)
        inputs = panel.inputs if inputs is None else inputs
        sample = replace(sample, outcomes=people.outcomes, departures=people.departures)
        return cls(panel, sample, spec, layout, formula, inputs)

    def with_prior(self, prior: Prior | None) -> PreparedBlocks:
        """The same model with another prior."""
        made, spec = self.layout, replace(self.spec, prior=prior)
        z = made.z if made.membership.width > 1 else None
        layout = Layout(spec, made.parts, made.membership, z, None if z is None else made.weights)
        return replace(self, spec=spec, layout=layout)

    @property
    def of_sample(self) -> Prepared:
        """The model on the sample, which says of itself that it is all people."""
        return Prepared(self.sample, self.spec, self.layout, None, None, self.formula, self.inputs)


def _basis_of_all(panel: DiskPanel, m: int, outcome: OutcomeSpec) -> TimeBasis | None:
    """The basis of a formula, whose knots and means are those of all observations and not of the sample."""
    if outcome.basis is None:
        return None
    seen, time_name = panel.survey.seen[m], panel.survey.sample.outcomes[m].time_name
    return formula_basis(seen.times, outcome.basis, time_name, counts=seen.counts.astype(np.int64))


def _refuse(spec: ModelSpec) -> None:
    if any(m.squeeze for m in spec.outcomes):
        raise SpecificationError(
            "squeeze: is not yet done on data that stay on disk.", code="not_on_disk", argument="squeeze",
            way_out="Write (y * (n - 1) + 0.5) / n into the files, n observations in all of them.",
        )
    for m in spec.outcomes:
        for there, argument, what in (
            (m.random_orders is not None, "rorder", "Random effects"), (m.ar1, "ar1", "AR(1) errors"),
            (m.curve is not None, "curve", "Curves of hidden units"),
        ):
            if there:
                raise SpecificationError(
                    f"{argument}: {what} are not yet fitted on data that stay on disk: a person is then no row of sums "
                    "over design cells.", code="not_on_disk", argument=argument,
                    way_out="Leave them out, or fit a sample of the people in memory.",
                )
    if spec.is_dual:
        refuse_dual()


def refuse_dual() -> None:
    """Refuse two sets of groups."""
    raise SpecificationError(
        "groups: data that stay on disk are fitted with one set of groups, which several outcomes share.",
        code="not_on_disk", argument="groups", way_out="Give one number of groups, or fit a sample in memory.",
    )
