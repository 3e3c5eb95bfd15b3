"""What answers to a checklist are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .attrition import Attrition

if TYPE_CHECKING:
    from ..api.results import GBTMResults

Reply = tuple[str, str]  # what the software knows, what the author has to write


@dataclass(frozen=True)
class Evidence:
    """What answers are made of.

    ``places`` says where in the report something is shown: "Table 3", "Figure 1", by name.
    """

    res: GBTMResults
    attrition: Attrition
    search: Any = None
    checks: Any = None
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, name: str) -> str:
        """Where it is shown, or "" ."""
        return self.places.get(name, "")
