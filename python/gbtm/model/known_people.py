"""People whose group is known: what they say of a model's groups, and which models cannot have them."""

from __future__ import annotations

from dataclasses import replace

from ..data.known_groups import check_known, group_classes, group_weights
from ..data.panel import Panel
from ..data.subjects import Subjects
from ..errors import DataError, SpecificationError
from ..specification.spec import ModelSpec


def with_known(spec: ModelSpec, panel: Panel) -> ModelSpec:
    """The specification that knows which groups the people tell apart, whose numbers are then not free.

    A model of one group, from which a search starts, takes any people: :func:`refuse_unknown_groups` is for fits.

    Raises
    ------
    DataError
        ``bad_known``, for groups that the model does not have, and for weights that are none.
    SpecificationError
        ``no_known_here``, for curves of hidden units.
    """
    known = panel.subjects.known_sets
    if all(of_set is None for of_set in known):
        return replace(spec, known_classes=(), second_known_classes=()) if spec.has_known else spec
    if spec.has_networks:
        raise SpecificationError(
            "known: does not go with curves of hidden units.", code="no_known_here", argument="known",
            way_out="Leave known out, or use polynomials or splines.",
        )
    if spec.n_groups == 1:
        return replace(spec, known_classes=())
    refuse_unknown_groups(spec, panel)
    first, *second = (
        group_classes(group_weights(of_set, size)) for of_set, size in zip(known, spec.set_sizes, strict=False))
    return replace(spec, known_classes=first, second_known_classes=second[0] if second else ())


def refuse_unknown_groups(spec: ModelSpec, panel: Panel) -> None:
    """Raise ``bad_known`` where people are known to be in a group that the model does not have, or nobody is in one."""
    for s, size in enumerate(spec.set_sizes):
        known = panel.subjects.known_sets[s]
        of = f" of {panel.outcomes[s].name}" if spec.is_dual else ""
        check_known(known, size, panel.ids, of.strip() or "of the model")
        weights = group_weights(known, size)
        empty = [] if weights is None else [k + 1 for k in range(size) if not weights[:, k].any()]
        if empty:
            raise DataError(
                f"known: nobody who is fitted can be in group {', '.join(map(str, empty))}{of}.", code="bad_known",
                argument="known",
                way_out="Leave the group missing of those whose group is not known, or fit fewer groups.",
            )


def refuse_known(panel: Panel, argument: str, why: str, way_out: str) -> None:
    """Raise ``no_known_here`` where the group of some people is known."""
    if has_known(panel.subjects):
        raise SpecificationError(
            f"{argument}: the group of some people is known, {why}", code="no_known_here", argument=argument,
            way_out=way_out,
        )


def without_known(panel: Panel) -> Panel:
    """The same people, of whose groups nothing is known."""
    if not has_known(panel.subjects):
        return panel
    return replace(panel, known=replace(panel.subjects, known_groups=None, known_groups2=None))


def scored_without(panel: Panel) -> Panel:
    """People held out, who are told their groups by their outcomes alone."""
    apart, panel = panel.unobserved, without_known(panel)
    if apart is None or not has_known(apart.known):
        return panel
    return replace(
        panel, unobserved=replace(apart, known=replace(apart.known, known_groups=None, known_groups2=None)))


def has_known(subjects: Subjects) -> bool:
    """It was said of some people in which groups they are, of either set of groups."""
    return any(of_set is not None for of_set in subjects.known_sets)
