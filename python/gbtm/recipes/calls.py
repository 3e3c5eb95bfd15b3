"""A call as text, its arguments over as many lines as they need."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 96


def wrapped(start: str, arguments: Sequence[str], end: str = ")") -> str:
    """A call with its arguments over lines of at most WIDTH.

    Examples
    --------
    >>> print(wrapped("fit <- gbtm(", ["y ~ t", "data = data"]))
    fit <- gbtm(y ~ t, data = data)
    """
    hang = " " * len(start)
    lines, line = [], start
    for i, argument in enumerate(arguments):
        piece = argument + ("," if i < len(arguments) - 1 else end)
        if len(line) + 1 + len(piece) > WIDTH and line.strip() != start.strip():
            lines.append(line.rstrip())
            line = hang + piece
        else:
            line += piece if line in (start, hang) else f" {piece}"
    return "\n".join([*lines, line])
