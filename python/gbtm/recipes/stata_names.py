"""Names that Stata allows, and the lines that give them to the columns of a file.

What Stata calls a column whose heading it does not allow is its own affair, and where a column stands in the reader's
file is not known. So the headings are read as data, the columns found by them, and renamed by their position.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 27  # of 32, as reshape adds _ and the number of the wave
LEGAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
RESERVED = frozenset({
    "_all", "_b", "byte", "_coef", "_cons", "double", "float", "if", "in", "int", "long", "_n", "_N", "_pi", "_pred",
    "_rc", "_skip", "strL", "using", "with", "_wave",  # the last is the do-file's own
})


class StataNames:
    """A legal name for each column of the file, no two alike.

    Examples
    --------
    >>> names = StataNames(["y.1", "age", "if"])
    >>> [names[c] for c in ("y.1", "age", "if")]
    ['y_1', 'age', 'if_']
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self._of: dict[str, str] = {}
        wanted = list(dict.fromkeys(columns))
        for column in [*filter(_legal, wanted), *wanted]:  # a name that can stay has it before one that is made
            if column not in self._of:
                self._of[column] = self.made(column)

    def __getitem__(self, column: str) -> str:
        return self._of.get(column, column)

    def __contains__(self, column: str) -> bool:
        return column in self._of

    @property
    def changed(self) -> dict[str, str]:
        """Column -> name, where they differ."""
        return {column: name for column, name in self._of.items() if column != name}

    def made(self, text: str) -> str:
        """A legal name like ``text`` that nothing else has, for now and for later."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", plain).strip() or "v"
        if stem.strip("_") == "" and stem != text:
            stem = "v"
        if stem[0].isdigit():
            stem = f"_{stem}"
        stem = stem[:LONGEST]
        name, count = (f"{stem}_" if stem in RESERVED or re.fullmatch(r"str\d+", stem) else stem), 1
        while any(_meet(name, other) for other in self._of.values()):
            count += 1
            name = f"{stem[:LONGEST - 4]}_v{count}"
        return name

    def add(self, text: str) -> str:
        """A name for a variable that the do-file makes."""
        if text not in self._of:
            self._of[text] = self.made(text)
        return self._of[text]

    def reading(self, data: str, columns: Iterable[str]) -> list[str]:
        """Lines that read the file and give ``columns`` of it their names."""
        changed = {c: self._of[c] for c in columns if self._of.get(c, c) != c}
        coding = "" if all(c.isascii() for c in changed) else ' encoding("utf-8")'
        read = f'import delimited "{data}", clear case(preserve){coding}'
        if not changed:
            return [read]
        finds = [f'    if strtrim(`v\'[1]) == {_quoted(c.strip())} local at{i} `column\''
                 for i, c in enumerate(changed, 1)]
        return [
            "* These columns have names that Stata does not allow, or that are too long here. They are found by their",
            "* headings, and renamed.",
            f'import delimited "{data}", clear varnames(nonames) rowrange(1:1) stringcols(_all){coding}',
            "local column = 0", "foreach v of varlist _all {", "    local ++column", *finds, "}", read,
            "unab columns : _all", "local found", f"forvalues i = 1/{len(changed)} {{",
            "    local found `found' `: word `at`i'' of `columns''", "}",
            f"rename (`found') ({' '.join(changed.values())})",
        ]


def _legal(column: str) -> bool:
    reserved = column in RESERVED or re.fullmatch(r"str\d+", column)
    return bool(LEGAL.fullmatch(column)) and len(column) <= LONGEST and not reserved


def _meet(a: str, b: str) -> bool:
    """The same, or one is what reshape calls a wave of the other."""
    return a == b or any(re.fullmatch(rf"{re.escape(x)}_\d*", y) for x, y in ((a, b), (b, a)))


def _quoted(text: str) -> str:
    """Text as Stata reads it, its marks of macros escaped."""
    escaped = text.replace("`", "\\`").replace("$", "\\$")
    return f'`"{escaped}"\'' if '"' in text else f'"{escaped}"'
