"""One option of a model: how its value is read, and which families may have it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import SpecificationError
from ..families import family_named, those_having
from .option_values import READERS


@dataclass(frozen=True)
class Option:
    """How one option is read.

    Attributes
    ----------
    kind : "orders", "flag", "bound", "groups", "group", "columns" (what stands in the data), "family",
        "prior", "network" or "word"; R reads it too
    trait : what is true of the families that may have it; "" for all families
    stored : field of the specification that holds it
    lacks : error where the family may not have it, with ``{family}`` and, for those that may, ``{those}`` and ``{or}``
    way_out : of that error
    code : of its errors
    """

    kind: str
    trait: str = ""
    stored: str = ""
    lacks: str = ""
    way_out: str = ""
    code: str = ""

    def read(self, value: Any, name: str) -> Any:
        """The value as it is kept: orders as a tuple, flags as bool, bounds as finite floats or None.

        None stands for an option that is left out, where that is what leaving it out means.
        """
        may_be_none = self.kind not in ("flag", "word", "family", "group", "names")
        return None if value is None and may_be_none else READERS[self.kind](value, name)

    def refuse_other_families(self, value: Any, name: str, family: str) -> None:
        """Raise where the option is given and the family may not have it."""
        given = value is not None and value is not False
        if given and self.trait and not getattr(family_named(family), self.trait):
            words = {"family": family, "those": those_having(self.trait), "or": those_having(self.trait, "or")}
            raise SpecificationError(
                self.lacks.format_map(words), code=self.code, argument=name, way_out=self.way_out.format_map(words),
            )


def option(default: Any, kind: str, **how: Any) -> Any:
    """A dataclass field that is an option."""
    return field(default=default, metadata={"option": Option(kind, **how)})


def options_of(cls: type) -> dict[str, Option]:
    """The options that a class declares, by name."""
    return {f.name: f.metadata["option"] for f in fields(cls) if "option" in f.metadata}
