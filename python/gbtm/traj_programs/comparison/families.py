"""What the families are called in traj's tables, where some of ours share one heading."""

from __future__ import annotations

from ...families import FAMILIES, family_named, having


def as_printed(name: str) -> str:
    """The family that traj prints for this one: a normal is a censored normal without bounds."""
    return family_named(name).with_bounds or name


def same_but_zeros(one: str, other: str) -> bool:
    """The same family, or two that differ by the zero part alone."""
    return one == other or by_zeros(one, zeros=False) == by_zeros(other, zeros=False) != ""


def by_zeros(name: str, *, zeros: bool) -> str:
    """The family with a zero part, or without one, that shares this heading; the family itself where none does."""
    if zeros:
        return next((n for n in having("without_zeros") if FAMILIES[n].without_zeros == name), name)
    return (FAMILIES[name].without_zeros or name) if name in FAMILIES else name


def family_label(name: str) -> str:
    """In words, together with the families that are printed as this one: ``normal or censored normal``."""
    return " or ".join(family.label for n, family in FAMILIES.items() if as_printed(n) == name) or name


# a word in the heading -> the family; all of them, as tables of this package may have a heading that traj has not
FAMILY_CALLED = {
    word: as_printed(name) for name, family in FAMILIES.items() for word in (name, *family.sas_models)
}
# the kind of row that only this family has in traj's tables -> the family
FAMILY_WITH = {
    predictor.removeprefix("log_"): name
    for name, family in FAMILIES.items() if family.traj_model == name for predictor in family.predictors[1:]
}
