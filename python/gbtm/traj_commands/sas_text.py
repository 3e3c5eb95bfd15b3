"""SAS program text: comments, statements, variable lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import CommandError
from .faults import each_read
from .pasted_text import TYPED
from .stata_text import Line

STATEMENT = re.compile(r"""((?:'[^']*'|"[^"]*"|[^;'"]|['"])*?);""", re.DOTALL)
NUMBERED = re.compile(r"([A-Za-z_]\w*?)(\d+)([A-Za-z_]*)-([A-Za-z_]\w*?)(\d+)([A-Za-z_]*)")
CALL = r"%\w+\s*\((?:[^()'\"]|'[^']*'|\"[^\"]*\"|“[^”]*”)*\)\s*(?=\S)"
LIST_WORDS = ("_all_", "_numeric_", "_character_")


def statements(text: str) -> list[str]:
    """The statements of a program, comments left out, white space squeezed, ``%let`` done.

    Examples
    --------
    >>> statements("proc traj data=a; /* two; */ * a comment; %let k = 3; var y1-y&k.; run")
    ['proc traj data=a', 'var y1-y3', 'run']
    """
    return [line.text for line in placed_statements(text)]


def placed_statements(text: str) -> list[Line]:
    """The same, each with its place in the text."""
    text = re.sub(r"/\*.*?(?:\*/|\Z)", lambda m: " " * len(m[0]), text.translate(TYPED), flags=re.DOTALL)
    macros: dict[str, str] = {}
    found = []
    for match in STATEMENT.finditer(text + ";"):
        raw = Line(match[1], match.start()).stripped()
        body, start = " ".join(raw.text.split()), raw.start
        # a macro call needs no semicolon of its own: '%TRAJPLOT(op, os) proc traj ..'
        while body.startswith("%") and (call := re.match(CALL, body)):
            found.append(Line(_filled(call[0].strip(), macros), start))
            written = re.match(CALL, raw.text, re.DOTALL)
            start = raw.start + (written.end() if written else 0)
            body = body[call.end() :]
        let = re.match(r"%let\s+(\w+)\s*=\s*(.*)", body, re.IGNORECASE)
        if let:
            macros[let[1].lower()] = _filled(let[2], macros)
        elif body and not body.startswith("*") and not body.startswith("%*"):
            found.append(Line(_filled(body, macros), start))
    return found


def _filled(text: str, macros: dict[str, str]) -> str:
    """With the values of the macro variables that %let gave; single quotes keep what they hold."""
    pieces = re.split(r"('[^']*')", text)
    fill = lambda m: macros.get(m[1].lower(), m[0])  # noqa: E731
    return "".join(p if p.startswith("'") else re.sub(r"&(\w+)\.?", fill, p) for p in pieces)


def expand_list(text: str, columns: Sequence[str], statement: str) -> list[str]:
    """A SAS variable list against the data's columns, upper and lower case alike.

    ``x1-x5`` counts (so does ``q84op-q91op``, which SAS itself may refuse), ``a--b`` takes the columns from a to b as
    they stand in the data, ``x:`` all that begin with x.

    Examples
    --------
    >>> expand_list("Y1-Y3 age:", ["y3", "y1", "y2", "ageA", "ageB"], "VAR")
    ['y1', 'y2', 'y3', 'ageA', 'ageB']
    """
    squeezed = re.sub(r"\s*(--?)\s*", r"\1", re.sub(r"\s+:", ":", text.strip()))
    names = [str(c) for c in columns]
    found = each_read(squeezed.split(), lambda item: _expand(item, names, statement))
    if not found:
        raise CommandError(
            f"{statement}: empty.", code="missing_option", argument=statement, way_out="List the variables."
        )
    return found


def _expand(item: str, names: list[str], statement: str) -> list[str]:
    if item.lower() in LIST_WORDS or "-numeric-" in item.lower() or "-character-" in item.lower():
        raise CommandError(
            f"{statement} {item}: lists by type are not read.", code="bad_syntax", argument=statement,
            way_out="Write the names, x1-x5, a--b or x: instead.",
        )
    if item.endswith(":"):
        hits = [n for n in names if n.lower().startswith(item[:-1].lower())]
        if not hits:
            raise unknown(item, names, statement)
        return hits
    if "--" in item:
        first, last = (names.index(column_of(end, names, statement)) for end in item.split("--", 1))
        if last < first:
            raise CommandError(
                f"{statement} {item}: the second stands before the first in the data.", code="bad_syntax",
                argument=statement, way_out="Give the earlier column first, or list the names.",
            )
        return names[first : last + 1]
    numbered = NUMBERED.fullmatch(item)
    if numbered:
        stem, low, tail, other, high, end = numbered.groups()
        if (stem.lower(), tail.lower()) == (other.lower(), end.lower()) and int(low) <= int(high):
            numbers = [f"{n:0{len(low)}d}" for n in range(int(low), int(high) + 1)]
            return [column_of(f"{stem}{n}{tail}", names, statement) for n in numbers]
    if "-" in item:
        raise CommandError(
            f"{statement} {item}: not a numbered range.", code="bad_syntax", argument=statement,
            way_out="Ranges read x1-x5, with one stem and rising numbers, or a--b for columns side by side.",
        )
    return [column_of(item, names, statement)]


def column_of(name: str, names: Sequence[str], statement: str) -> str:
    """The column of that name: as written, else whatever its case."""
    names = [str(n) for n in names]
    if name in names:
        return name
    hits = [n for n in names if n.lower() == name.lower()]
    if len(hits) > 1:
        raise CommandError(
            f"{statement}: '{name}' could be {' or '.join(hits)}.", code="unknown_column", argument=statement,
            way_out="SAS does not tell upper from lower case, the data do: write the one that is meant.",
        )
    if not hits:
        raise unknown(name, names, statement)
    return hits[0]


def unknown(item: str, names: list[str], statement: str) -> CommandError:
    """The error for a variable that is not in the data."""
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return CommandError(
        f"{statement}: no variable '{item}'.", code="unknown_column", argument=statement,
        way_out=f"The data have {shown}.",
    )
