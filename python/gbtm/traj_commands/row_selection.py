"""Which rows of the data a command is for: Stata's ``if`` and ``in``, SAS's ``where``, read by a small parser.

Grammar, loosest first: or, and, not (SAS), comparison, sums, products, sign and not (Stata), power, and at the bottom
numbers, texts, columns, calls and parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import CommandError
from .row_values import Node, holds

TOKEN = re.compile(r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
  | (?P<text>`"[^"]*"'|"[^"]*"|'[^']*')
  | (?P<name>[^\W\d]\w*)
  | (?P<missing>\.[a-zA-Z_]?(?!\w))
  | (?P<sign>==|!=|~=|\^=|<>|>=|<=|\*\*|&&|\|\||[-+*/^<>=&|!~(),])
)""", re.VERBOSE)
SAME = {"~=": "!=", "^=": "!=", "<>": "!=", "&&": "&", "||": "|"}
SAS_WORDS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|", "not": "!"}
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
FUNCTIONS = {"missing": "missing", "mi": "missing", "inlist": "inlist", "inrange": "inrange"}


@dataclass(frozen=True)
class RowSelection:
    """Rows of a table: those where ``condition`` holds, of those in the range ``rows`` (first and last, from 1)."""

    text: str
    condition: Node | None = None
    rows: tuple[int | None, int | None] | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that the condition looks at."""
        return [] if self.condition is None else self.condition.columns

    def keep(self, data: pd.DataFrame) -> np.ndarray:
        """(n,) bool: the rows that are selected.

        Raises
        ------
        CommandError
            Where a text is compared with a number, a range goes beyond the data, or no row is left.
        """
        kept = np.ones(len(data), dtype=bool)
        if self.condition is not None:
            kept &= holds(self.condition, data)
        if self.rows is not None:
            first, last = (_row(at, len(data), self.text) for at in self.rows)
            kept[: first - 1] = False
            kept[last:] = False
        if not kept.any():
            raise CommandError(
                f"{self.text}: selects none of the {len(data)} rows.", code="no_data", argument="if",
                way_out="Look at the values of the columns that it names.",
            )
        return kept


def _row(at: int | None, n: int, text: str) -> int:
    row = n if at is None else at if at > 0 else n + 1 + at
    if not 1 <= row <= n:
        raise CommandError(
            f"{text}: the data have rows 1 to {n}.", code="if_in", argument="in", way_out="Name rows that there are.",
        )
    return row


def read_range(text: str) -> tuple[int | None, int | None]:
    """What stands after ``in``: ``5``, ``1/100``, ``f/10``, ``-10/l``; None for the last row."""
    words = re.sub(r"\s*/\s*", "/", text.strip())
    match = re.fullmatch(r"(f|F|l|L|-?\d+)(?:/(f|F|l|L|-?\d+))?", words)
    if match is None or words.partition("/")[0] == "0":
        raise _cannot(f"in {text.strip()}", "in", "A range reads 1/100, f/10, -10/l, or one row number.")
    ends = [1 if w in "fF" else None if w in "lL" else int(w) for w in (match[1], match[2] or match[1])]
    return ends[0], ends[1]


def read_condition(text: str, column: Callable[[str], str], sas: bool = False) -> Node:
    """A condition as a tree.

    Parameters
    ----------
    column : from a name in the text to the column of the data; raises for a name that there is not
    sas : it is written as SAS's ``where``; :func:`gbtm.traj_commands.row_values.from_sas` makes Stata's of it

    Examples
    --------
    >>> node = read_condition('sex == "F" & !missing(age)', str)
    >>> node.what, node.columns
    ('&', ['sex', 'age'])
    """
    reader = _Reader(text, column, sas)
    node = reader.either()
    if reader.kind:
        raise reader.error()
    return node


class _Reader:
    """Recursive descent: a method for each level of the grammar. ``kind`` and ``word`` are the next token's."""

    def __init__(self, text: str, column: Callable[[str], str], sas: bool) -> None:
        self.text, self.column, self.sas = text, column, sas
        self.argument = "where" if sas else "if"
        self.at = 0
        self.advance()

    def advance(self) -> None:
        self.here = self.at
        rest = self.text[self.at :]
        if not rest.strip():
            self.kind, self.word = "", ""
            return
        match = TOKEN.match(self.text, self.at)
        if match is None:
            self.kind, self.word = "odd", rest.strip()[:20]
            raise self.error()
        self.kind, self.word = str(match.lastgroup), str(match[str(match.lastgroup)])
        self.at = match.end()
        if self.kind == "sign":
            self.word = SAME.get(self.word, self.word)
        if self.kind == "name" and self.sas and self.word.lower() in SAS_WORDS:
            self.kind, self.word = "sign", SAS_WORDS[self.word.lower()]

    def error(self) -> CommandError:
        near = self.word or "the end"
        if self.word == "=" and not self.sas:
            return _cannot(self.text, self.argument, "Stata compares with ==.")
        return _cannot(self.text, self.argument, f"It cannot be read at '{near}'. Select the rows of the data first.")

    def takes(self, *words: str) -> bool:
        """Whether the next token is one of these signs (or, in SAS, words); it is not passed."""
        return (self.kind == "sign" and self.word in words) or (
            self.kind == "name" and self.sas and self.word.lower() in words
        )

    def passed(self, word: str) -> None:
        if not self.takes(word):
            raise self.error()
        self.advance()

    def _chain(self, below: Callable[[], Node], *signs: str) -> Node:
        node = below()
        while self.takes(*signs):
            sign = self.word
            self.advance()
            node = Node("^" if sign == "**" else sign, None, (node, below()))
        return node

    def either(self) -> Node:
        return self._chain(self.both, "|")

    def both(self) -> Node:
        return self._chain(self.negated, "&")

    def negated(self) -> Node:
        if not self.sas or not self.takes("!", "~", "^"):
            return self.comparison()
        self.advance()
        plain = self.takes("(") or (self.kind == "name" and self.text[self.at :].lstrip().startswith("("))
        node = self.comparison()
        if not plain and node.what in COMPARISONS:
            raise _cannot(self.text, self.argument, "Write not (..) around what is not to hold.")
        return Node("!", None, (node,))

    def comparison(self) -> Node:
        node = self.sums()
        while True:
            negative = self.sas and self.takes("!") and re.match(
                r"\s*(?:in\b|between\b|missing\b|null\b)", self.text[self.at :], re.IGNORECASE)
            if negative:
                self.advance()
            if self.takes(*COMPARISONS) or (self.sas and self.takes("=")):
                sign = "==" if self.word == "=" else self.word
                self.advance()
                if self.sas and sign == "==" and self.takes("in"):
                    raise self.error()
                node = Node(sign, None, (node, self.sums()))
            elif self.sas and self.takes("in", "between", "is"):
                node = self._sas_operator(node)
            else:
                return node
            if negative:
                node = Node("!", None, (node,))

    def _sas_operator(self, node: Node) -> Node:
        """What follows a value in SAS: in (1, 2), between 1 and 2, is missing, is not null."""
        word = self.word.lower()
        self.advance()
        if word == "between":
            low = self.sums()
            self.passed("&")
            return Node("inrange", None, (node, low, self.sums()))
        if word == "is":
            negative = self.takes("!")
            if negative:
                self.advance()
            if not self.takes("missing", "null"):
                raise self.error()
            self.advance()
            absent = Node("missing", None, (node,))
            return Node("!", None, (absent,)) if negative else absent
        self.passed("(")
        values = [self.sums()]
        while not self.takes(")"):
            if self.takes(","):
                self.advance()
            values.append(self.sums())
        self.advance()
        return Node("inlist", None, (node, *values))

    def sums(self) -> Node:
        return self._chain(self.products, "+", "-")

    def products(self) -> Node:
        return self._chain(self.signed, "*", "/")

    def signed(self) -> Node:
        if self.takes("-", "+"):
            sign = self.word
            self.advance()
            node = self.signed()
            return Node("negative", None, (node,)) if sign == "-" else node
        if not self.sas and self.takes("!", "~"):
            self.advance()
            return Node("!", None, (self.signed(),))
        return self.power()

    def power(self) -> Node:
        return self._chain(self.atom, "**") if self.sas else self._chain(self.atom, "^")

    def atom(self) -> Node:
        kind, word = self.kind, self.word
        if kind == "number":
            self.advance()
            return Node("number", float(word))
        if kind == "missing":
            self.advance()
            return Node("number", float("nan"))
        if kind == "text":
            if word[0] == "'" and not self.sas:
                raise self.error()
            self.advance()
            return Node("text", word[2:-2] if word[0] == "`" else word[1:-1])
        if self.takes("("):
            self.advance()
            node = self.either()
            self.passed(")")
            return node
        if kind == "name":
            return self.named()
        raise self.error()

    def named(self) -> Node:
        """A column, a row number, or a call of one of the functions that are known."""
        word = self.word
        self.advance()
        if not self.takes("("):
            return Node(word) if word in ("_n", "_N") and not self.sas else Node("column", self.column(word))
        function = FUNCTIONS.get(word.lower() if self.sas else word)
        if function is None or (self.sas and function != "missing"):
            raise _cannot(
                self.text, self.argument, f"The function {word}() is not known here, missing() is"
                f"{'' if self.sas else ', and inlist() and inrange()'}. Make a column of it first.",
            )
        self.advance()
        parts = [self.either()]
        while self.takes(","):
            self.advance()
            parts.append(self.either())
        self.passed(")")
        if (function == "inrange" and len(parts) != 3) or (function == "inlist" and len(parts) < 2):
            raise self.error()
        return Node(function, None, tuple(parts))


def _cannot(text: str, argument: str, way_out: str) -> CommandError:
    return CommandError(
        f"{argument}: '{text.strip()}' cannot be read.", code="if_in", argument=argument, way_out=way_out,
    )
