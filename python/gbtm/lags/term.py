"""``lag("y")`` in the formula of time-varying covariates: what it asks for, read as text and never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SpecificationError

CALL = re.compile(r"(?<![\w.`])lag\s*\(")
GAPS = ("drop", "last")
MOST_WAVES_BACK = 50
WAY_OUT = (
    'Write lag("y"), or lag("y", 2) for the wave before that, with first=0 to keep the first wave and gaps="last" to '
    "take the last outcome seen where waves were missed."
)


@dataclass(frozen=True)
class LagTerm:
    """The outcome some waves before.

    Attributes
    ----------
    outcome : the column
    by : how many waves before
    first : what it is in a person's first waves, before which there is nothing; None drops these observations
    gaps : where the wave was missed: "drop" the observation, or take the "last" outcome seen before
    """

    outcome: str
    by: int = 1
    first: float | None = None
    gaps: str = "drop"

    @property
    def column(self) -> str:
        """What the column is called: ``lag(y)``, ``lag(y, 2)``."""
        return f"lag({self.outcome})" if self.by == 1 else f"lag({self.outcome}, {self.by})"

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"outcome": self.outcome, "by": self.by, "first": self.first, "gaps": self.gaps}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> LagTerm:
        """The inverse of :attr:`document`; values that a term cannot have are refused."""
        first = stored.get("first")
        return _checked(cls(str(stored["outcome"]), _whole(stored["by"]), None if first is None else float(first),
                            str(stored["gaps"])), "lag")


def with_lag_columns(
    terms: str | Sequence[str] | None, outcome: str, columns: Sequence[str], argument: str = "tcov"
) -> tuple[str | Sequence[str] | None, tuple[LagTerm, ...]]:
    """The terms with the column ``lag(y)`` in place of each call, and what the calls ask for.

    Parameters
    ----------
    terms : a formula, or names of columns, of which a call is one too
    outcome : the model's, which alone may be asked for
    columns : of the table; what is one of them is no call

    Examples
    --------
    >>> from gbtm.lags.term import with_lag_columns
    >>> with_lag_columns('~ np.log1p(lag("y")) + w', "y", ["y", "w"])[0]
    '~ np.log1p(`lag(y)`) + w'
    """
    if terms is None or not isinstance(terms, (str, list, tuple)):
        return terms, ()
    if not isinstance(terms, str):
        called = [t for t in terms if isinstance(t, str) and t not in columns and CALL.search(t)]
        if not called:
            return terms, ()
        terms = "~ " + " + ".join(t if t in called else f"`{t}`" for t in terms)
    if terms in columns or not CALL.search(terms):
        return terms, ()
    text = terms if "~" in terms else f"~ {terms}"
    out, at, found = "", 0, []
    while (call := CALL.search(text, at)) is not None:
        end = _closing(text, call.end(), argument)
        term = _term(text[call.end() : end], text[call.start() : end + 1], argument)
        if term.outcome != outcome:
            raise _bad(argument, text[call.start() : end + 1], f"the outcome is '{outcome}'",
                       "Of another column compute the lag first, for example by groupby(id).shift(), and name it.")
        found.append(term)
        out += text[at : call.start()] + f"`{term.column}`"
        at = end + 1
    alike: dict[str, LagTerm] = {}
    for term in found:
        if alike.setdefault(term.column, term) != term:
            raise _bad(argument, terms, f"it has {term.column} in two ways", "Give first= and gaps= the same values.")
    return out + text[at:], tuple(alike.values())


def _closing(text: str, start: int, argument: str) -> int:
    """Where the parenthesis ends that was opened before ``start``."""
    depth, quote = 1, ""
    for i in range(start, len(text)):
        letter = text[i]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        else:
            depth += (letter == "(") - (letter == ")")
            if not depth:
                return i
    raise _bad(argument, text, "a parenthesis is not closed", WAY_OUT)


def _term(inside: str, call: str, argument: str) -> LagTerm:
    """What stands in the parentheses of a call."""
    given = inside.strip()
    quoted = re.match(r"`([^`]*)`", given)
    if quoted is not None:
        given = repr(quoted[1]) + given[quoted.end() :]
    try:
        node = ast.parse(f"lag({given})", mode="eval").body
        assert isinstance(node, ast.Call)
        positional = list(node.args)
        first = positional[0]
        name = first.id if isinstance(first, ast.Name) else ast.literal_eval(first)
        values = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
        values |= dict(zip(("by", "first", "gaps"), (ast.literal_eval(a) for a in positional[1:]), strict=False))
        known = isinstance(name, str) and len(positional) <= 4 and set(values) <= {"by", "first", "gaps"}
        if not known or len(values) < len(node.keywords) + len(positional) - 1:
            raise ValueError
        if values.get("first") == "drop":
            values["first"] = None
        number = values.get("first")
        return _checked(
            LagTerm(name, _whole(values.get("by", 1)), None if number is None else float(number),
                    str(values.get("gaps", "drop"))), argument, call)
    except SpecificationError:
        raise
    except (SyntaxError, ValueError, TypeError, IndexError, AssertionError):
        raise _bad(argument, call, "it cannot be read", WAY_OUT) from None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        raise ValueError
    return int(value)


def _checked(term: LagTerm, argument: str, call: str | None = None) -> LagTerm:
    if not 1 <= term.by <= MOST_WAVES_BACK or term.gaps not in GAPS or (
            term.first is not None and not abs(term.first) < float("inf")):
        raise _bad(argument, call or term.column, "it has values that it cannot have", WAY_OUT)
    return term


def _bad(argument: str, text: str, why: str, way_out: str) -> SpecificationError:
    return SpecificationError(f"{argument}: '{text}': {why}.", code="bad_lag", argument=argument, way_out=way_out)
