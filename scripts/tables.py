"""What R has to know of the families, written from the engine: ``inst/extdata/families.json``.

R prints, draws and predicts without Python, so that it reads from a file what Python asks of a family object. Run
``make tables`` after a change to a family; ``tests/python/test_traits.py`` says when the file is stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from gbtm.families import FAMILIES

FILE = Path(__file__).resolve().parent.parent / "inst" / "extdata" / "families.json"
TRAITS = ("label", "link", "is_count", "is_binary", "has_bounds", "is_zero_inflated", "has_sigma", "has_dispersion",
          "may_correlate")


def families_table() -> str:
    """The traits that R asks for, by family."""
    rows = {name: {trait: getattr(family, trait) for trait in TRAITS} for name, family in FAMILIES.items()}
    return json.dumps(rows, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(families_table(), encoding="utf-8")
    print(f"Written: {FILE}")
