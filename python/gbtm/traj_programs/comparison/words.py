"""How a comparison talks: numbers, lists and names as a reader of tables writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PROGRAMS = {"stata": "traj", "sas": "Proc Traj", "gbtm": "gbtm"}
ORDER_NAMES = {-1: "a rate of zero", 0: "constant", 1: "linear", 2: "quadratic", 3: "cubic", 4: "quartic", 5: "quintic"}


def number(value: float, decimals: int = 2) -> str:
    """With this many decimals, fewer where it would become long."""
    for d in range(decimals, -1, -1):
        text = f"{value:.{d}f}"
        if len(text) <= 12:
            return text
    return f"{value:.4e}"


def short(value: float, digits: int = 6) -> str:
    """A few significant digits, no trailing zeros."""
    return f"{value:.{digits}g}"


def listed(items: Iterable[object]) -> str:
    """``a, b and c``."""
    words = [str(i) for i in items]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""


def plural(n: int, one: str) -> str:
    """``1 start``, ``2 starts``."""
    return f"{n} {one}{'' if n == 1 else 's'}"


def some(items: Sequence[object], most: int = 4) -> str:
    """The first few of a list, and how many more."""
    more = len(items) - most
    return listed(items) if more <= 0 else ", ".join(str(i) for i in items[:most]) + f" and {more} more"
