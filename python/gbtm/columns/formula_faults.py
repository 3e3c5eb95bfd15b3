"""What a formula says that cannot be meant, and what formulaic made of one that it could not read, in plain words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..errors import SpecificationError
from ..time_terms import said_by_term

COLOURS = re.compile(r"\x1b\[[0-9;]*m|[⧛⧚]")  # with which formulaic marks a place for terminals
QUOTED = re.compile(r"`[^`]*`")


def in_plain_words(error: BaseException) -> str:
    """The message of an error on one line, without the marks of a terminal."""
    return " ".join(COLOURS.sub("", str(error)).split()).rstrip(".")


def not_evaluated(error: BaseException, formula: str, argument: str, way_out: str) -> SpecificationError:
    """What a user is told of an error that came up when a formula was evaluated."""
    if "scal" in str(error):  # formulaic of numbers among terms
        way_out = f"Arithmetic stands in I(): I({formula}), or compute the column in the table first."
    return said_by_term(error) or SpecificationError(
        f"{argument}: '{formula}' cannot be evaluated: {in_plain_words(error)}.", code="bad_formula",
        argument=argument, way_out=way_out,
    )


def refuse_taking_away(formula: str, argument: str) -> None:
    """Raise where a formula's minus takes away what is not there, as in ``age - 40``, which is ``age`` to a formula.

    Raises
    ------
    SpecificationError
        ``nothing_taken_away``.

    Examples
    --------
    >>> from gbtm.columns.formula_faults import refuse_taking_away
    >>> refuse_taking_away("a * b - a:b - 1", "risk")
    """
    text = formula.strip()
    same_length = QUOTED.sub(lambda m: re.sub(r"\W", "_", m[0]), text).replace(":", "*")
    try:
        top = ast.parse(same_length, mode="eval").body
    except (SyntaxError, ValueError):  # no Python: formulaic says what is wrong with it, if anything is
        return
    for whole, left, right in _minuses(top):
        of_left, of_right = (None if side is None else _terms(_text_of(side, text)) for side in (left, right))
        if of_right is None or (of_left or frozenset()) >= of_right:
            continue
        said, away = _text_of(whole, text), _text_of(right, text)
        raise SpecificationError(
            f"{argument}: '{said}' takes the term {away} away from those before it, which have none such, and is no "
            "arithmetic.", code="nothing_taken_away", argument=argument,
            way_out=f"Write I({said}) for a difference.",
        )


def _minuses(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None, ast.expr]]:
    """The differences between terms, each with what is before the minus and behind it; none inside of functions."""
    if isinstance(node, ast.BinOp):
        yield from _minuses(node.left)
        yield from _minuses(node.right)
        if isinstance(node.op, ast.Sub):
            yield node, node.left, node.right
    elif isinstance(node, ast.UnaryOp):
        yield from _minuses(node.operand)
        if isinstance(node.op, ast.USub):
            yield node, None, node.operand


def _terms(text: str) -> frozenset[frozenset[str]] | None:
    """The terms without the constant, each the set of its factors; None for what formulaic refuses by itself."""
    number = re.fullmatch(r"[\d.]+", text)
    if number is not None:
        return frozenset() if float(text) in (0, 1) else frozenset([frozenset([text])])
    import formulaic

    try:
        terms = formulaic.Formula(f"1 + {text}")
        return frozenset(frozenset(str(f.expr) for f in term.factors) for term in terms) - {frozenset(["1"])}
    except Exception:
        return None


def _text_of(node: ast.expr, text: str) -> str:
    """What stands there in the formula of one line; ast counts bytes."""
    line = text.encode()
    return line[node.col_offset:node.end_col_offset].decode() if "\n" not in text else text
