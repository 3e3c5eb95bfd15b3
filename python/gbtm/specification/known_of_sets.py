"""Whose group is known in a dual model: of either outcome's groups the number, or a weight for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SpecificationError


@dataclass(frozen=True)
class KnownOfSets:
    """The columns that tell of the groups of the first outcome, and of the second; None where none do."""

    first: str | list[str] | None
    second: str | list[str] | None


def known_of_sets(known: Any, outcomes: Sequence[str]) -> KnownOfSets | None:
    """What was asked for of a dual model: an entry an outcome, or entries by the names of the two ``outcomes``.

    Raises
    ------
    SpecificationError
        ``bad_known``, where it does not say whose groups a column is about.
    """
    if known is None or isinstance(known, KnownOfSets):
        return known
    one, other = outcomes
    if isinstance(known, Mapping):
        unknown = [k for k in known if k not in outcomes]
        if unknown:
            raise SpecificationError(
                f"known: '{unknown[0]}' is no outcome.", code="bad_known", argument="known",
                way_out=f"The outcomes are {one} and {other}.",
            )
        entries: list[Any] = [known.get(one), known.get(other)]
    elif isinstance(known, str) or len(known) != 2:
        said = f"'{known}' is one column" if isinstance(known, str) else f"{len(known)} entries"
        column = known if isinstance(known, str) else "column"
        raise SpecificationError(
            f"known: {said}, and each of the two outcomes has groups of its own.", code="bad_known", argument="known",
            way_out=f"Say whose groups are known: known={{'{one}': '{column}'}} or known=['{column}', None] for those "
            f"of {one}, None where nothing is known of an outcome's groups.",
        )
    else:
        entries = list(known)
    first, second = (e if e is None or isinstance(e, str) else [str(c) for c in e] for e in entries)
    return None if first is None and second is None else KnownOfSets(first, second)


def refuse_sets(known: Any) -> None:
    """One set of groups has one column, or a column of weights a group.

    Raises
    ------
    SpecificationError
        ``bad_known``.
    """
    entries = list(known.values()) if isinstance(known, Mapping) else [] if isinstance(known, str) else known
    if isinstance(known, Mapping) or (isinstance(entries, (list, tuple)) and not all(
            isinstance(e, str) for e in entries)):
        raise SpecificationError(
            "known: it has an entry for each outcome, and the outcomes share their groups.", code="bad_known",
            argument="known", way_out="Give one column with the number of the group, or a column of weights for each "
            "group.",
        )
