"""Stata's variable lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import CommandError


def expand_varlist(text: str, columns: Sequence[str], option: str) -> tuple[str, ...]:
    """A Stata variable list: names, ``stub*``, ``a?``, ranges ``Y1-Y5`` in the data's order."""
    names = [str(c) for c in columns]
    found: list[str] = []
    for item in re.sub(r"\s*-\s*", "-", text.strip()).split():
        if item in names:
            found.append(item)
        elif "-" in item and all(end in names for end in item.split("-", 1)):
            first, last = (names.index(end) for end in item.split("-", 1))
            found += names[first : last + 1]
        elif re.search(r"[*?~]", item):
            regex = re.compile(re.escape(item).replace(r"\*", ".*").replace(r"\?", ".").replace(r"\~", ".*"))
            hits = [n for n in names if regex.fullmatch(n)]
            if not hits:
                raise _unknown(item, names, option)
            found += hits
        else:
            hits = [n for n in names if n.startswith(item)]
            if len(hits) != 1:  # Stata lets a variable be abbreviated when that is unambiguous
                raise _unknown(item, names, option)
            found += hits
    if not found:
        raise CommandError(f"{option}(): empty.", code="missing_option", argument=option, way_out="List the variables.")
    return tuple(found)


def _unknown(item: str, names: list[str], option: str) -> CommandError:
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return CommandError(
        f"{option}(): no variable '{item}'.", code="unknown_column", argument=option,
        way_out=f"The data have {shown}.",
    )
