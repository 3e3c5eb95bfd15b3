"""A model and the people on disk whom it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..design.time_basis import TimeBasis
from ..disk.disk_panel import DiskPanel, SampledPanel
from ..errors import SpecificationError
from .layout import Layout, make_layout
from .outcome import OutcomePart, prepare
from .prepared import Prepared
from .spec import ModelSpec


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
        sample = panel.sampled()
        people = prepare(sample.for_starts, spec, check_size=False)
        if panel.n_subjects < spec.n_groups:
            raise SpecificationError(
                f"groups: {spec.n_groups} groups for {panel.n_subjects} subjects.", code="too_few_subjects",
                argument="groups", way_out="Ask for fewer groups.",
            )
        made = make_layout(people, spec, bases)
        (part,) = made.parts
        assert isinstance(part, OutcomePart)
        part = replace(part, extent=panel.survey.extent)
        names = people.subjects.risk_names
        z = made.membership.internal(panel.survey.risk) if names else None
        layout = Layout(spec, (part,), made.membership, z, panel.survey.risk_weight if names else None)
        inputs = panel.inputs if inputs is None else inputs
        return cls(panel, replace(sample, outcomes=people.outcomes), spec, layout, formula, inputs)

    @property
    def of_sample(self) -> Prepared:
        """The model on the sample, which says of itself that it is all people."""
        return Prepared(self.sample, self.spec, self.layout, None, None, self.formula, self.inputs)


def _refuse(spec: ModelSpec) -> None:
    for m in spec.outcomes:
        for there, argument, what in (
            (m.random_orders is not None, "rorder", "Random effects"), (m.ar1, "ar1", "AR(1) errors"),
        ):
            if there:
                raise SpecificationError(
                    f"{argument}: {what} are not yet fitted on data that stay on disk: a person is then no row of sums "
                    "over design cells.", code="not_on_disk", argument=argument,
                    way_out="Leave them out, or fit a sample of the people in memory.",
                )
    if len(spec.outcomes) > 1 or spec.dropout is not None or spec.is_dual:
        refuse_several()


def refuse_several() -> None:
    """Refuse several outcomes, and dropout."""
    raise SpecificationError(
        "outcome: data that stay on disk are fitted with one outcome, without dropout.", code="not_on_disk",
        argument="outcome", way_out="Fit a sample of the people in memory.",
    )
