"""Arithmetic in parameter names, read without running code: ``exp(theta_X1[2])``, ``t[1] = t[2], t^2[1] = 0``.

Parameter names hold brackets and carets (``t^2[1]``), those of a basis even commas and blanks, so no formula parser can
read them. Here the longest known name wins at each place and gives way to a plain symbol; what is left is arithmetic
that ``ast`` can read, and of its nodes only a short list is obeyed. Nothing is ever handed to ``eval``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ..errors import SpecificationError

NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
WORD = re.compile(r"[A-Za-z_]\w*")
OPERATOR = re.compile(r"\*\*|[<>=]=|[-+*/^(),=<>]")
UNKNOWN = re.compile(r"[^\s+\-*/(),=<>]+")
SYMBOL = re.compile(r"p\d+")
FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda x: 1 / x),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "logit": (lambda x: np.log(x / (1 - x)), lambda x: 1 / (x * (1 - x))),
    "invlogit": (lambda x: 1 / (1 + np.exp(-x)), lambda x: 1 / (2 + np.exp(x) + np.exp(-x))),
}


@dataclass(frozen=True)
class Equation:
    """One hypothesis or expression: ``left = right``, or ``left`` alone where there was no equals sign.

    Attributes
    ----------
    text : as the user wrote it, blanks tidied
    left, right : expressions in the symbols p0, p1, .. for the parameters; right None without an equals sign
    """

    text: str
    left: ast.expr
    right: ast.expr | None


@dataclass(frozen=True)
class Relation:
    """``left = right``, ``left > right`` or ``left < right``; a bound counts as inside, whichever sign is written.

    Attributes
    ----------
    text, left, right : as in :class:`Equation`
    sign : "=", ">" or "<"
    n_parameters : how many parameters there are, p
    """

    text: str
    left: ast.expr
    right: ast.expr
    sign: str
    n_parameters: int


@dataclass(frozen=True)
class Term:
    """A value, its derivative and its degree in the parameters: 0 constant, 1 linear, 2 anything else.

    Attributes
    ----------
    slope : (p,) derivative in the parameters
    """

    value: np.float64
    slope: np.ndarray
    degree: int

    def __add__(self, other: Term) -> Term:
        return Term(self.value + other.value, self.slope + other.slope, max(self.degree, other.degree))

    def __neg__(self) -> Term:
        return Term(-self.value, -self.slope, self.degree)

    def __sub__(self, other: Term) -> Term:
        return self + -other

    def __mul__(self, other: Term) -> Term:
        slope = self.value * other.slope + other.value * self.slope
        return Term(self.value * other.value, slope, min(self.degree + other.degree, 2))

    def __truediv__(self, other: Term) -> Term:
        value = self.value / other.value
        slope = (self.slope - value * other.slope) / other.value
        return Term(value, slope, self.degree if other.degree == 0 else 2)

    def __pow__(self, other: Term) -> Term:
        value = self.value**other.value
        if self.degree + other.degree == 0:
            return Term(value, self.slope, 0)
        slope = other.value * self.value ** (other.value - 1) * self.slope
        if other.degree:
            slope = slope + value * np.log(self.value) * other.slope
        return Term(value, slope, 2)

    def through(self, name: str) -> Term:
        """The function ``name`` of this term."""
        function, derivative = FUNCTIONS[name]
        slope = derivative(self.value) * self.slope if self.degree else self.slope
        return Term(np.float64(function(self.value)), slope, 2 if self.degree else 0)


def read(text: str, names: Sequence[str], argument: str) -> list[Equation]:
    """The comma-separated equations of ``text``; a chain ``a = b = c`` is two of them.

    Parameters
    ----------
    names : (p,) the parameters that may occur
    argument : what to call the text in errors

    Raises
    ------
    SpecificationError
        ``unknown_parameter`` for a name that is none of ``names``, ``bad_expression`` for text that is no arithmetic.
    """
    equations: list[Equation] = []
    for tokens in _split(_tokens(text, names, argument), ","):
        sides = [_parsed(side, text, argument) for side in _split(tokens, "=")]
        labels = [_label(side, text) for side in _split(tokens, "=")]
        if len(sides) == 1:
            equations.append(Equation(labels[0], sides[0], None))
        for i in range(len(sides) - 1):
            equations.append(Equation(f"{labels[i]} = {labels[i + 1]}", sides[i], sides[i + 1]))
    return equations


def read_relations(text: str, names: Sequence[str], argument: str) -> list[Relation]:
    """The comma-separated relations of ``text``; a chain ``0 < a < b`` is two of them.

    Raises
    ------
    SpecificationError
        As :func:`read`; ``bad_expression`` where nothing is related to anything.
    """
    signs = {"=": "=", "==": "=", ">": ">", ">=": ">", "<": "<", "<=": "<"}
    out: list[Relation] = []
    for tokens in _split(_tokens(text, names, argument), ","):
        between = [t for t in tokens if t.shown in signs]
        sides: list[list[_Token]] = [[]]
        for token in tokens:
            if token.shown in signs:
                sides.append([])
            else:
                sides[-1].append(token)
        if not between:
            raise SpecificationError(
                f"{argument}: '{text}' has none of =, < and >.", code="bad_expression", argument=argument,
                way_out="Write what has to hold, such as 'time[1] = 0', 'time[2] = time[3]' or 'time[1] > 0'.",
            )
        parsed = [_parsed(side, text, argument) for side in sides]
        labels = [_label(side, text) for side in sides]
        for i, token in enumerate(between):
            label = f"{labels[i]} {token.shown} {labels[i + 1]}"
            out.append(Relation(label, parsed[i], parsed[i + 1], signs[token.shown], len(names)))
    return out


@dataclass(frozen=True)
class _Token:
    """``shown`` as in the text, from ``at`` on; ``source`` as ``ast`` is to read it."""

    shown: str
    source: str
    at: int


def _tokens(text: str, names: Sequence[str], argument: str) -> list[_Token]:
    if len(set(names)) < len(names):
        raise SpecificationError(
            f"{argument}: the names of the parameters are not unique.", code="ambiguous_parameter", argument=argument,
            way_out="Give the hypotheses as a matrix.",
        )
    by_length = sorted(((n, i) for i, n in enumerate(names)), key=lambda pair: -len(pair[0]))
    tokens, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _next_token(text, at, by_length)
        if token is None:
            _unknown(text, at, names, argument)
        tokens.append(token)
        at += len(token.shown)
    return tokens


def _next_token(text: str, at: int, by_length: list[tuple[str, int]]) -> _Token | None:
    for name, i in by_length:
        if text.startswith(name, at) and _ends(text, at + len(name), name):
            return _Token(name, f"p{i}", at)
    if number := NUMBER.match(text, at):
        return _Token(number[0], repr(float(number[0])), at) if _ends(text, number.end(), "0") else None
    if operator := OPERATOR.match(text, at):
        return _Token(operator[0], "**" if operator[0] == "^" else operator[0], at)
    word = WORD.match(text, at)
    if word and word[0] in FUNCTIONS and text[word.end():].lstrip().startswith("("):
        return _Token(word[0], word[0], at)
    return None


def _ends(text: str, at: int, name: str) -> bool:
    """A name may end here: ``sigma`` is neither the head of ``sigma2`` nor that of ``sigma[2]``."""
    following = text[at:at + 1]
    return following != "[" and not (following and re.fullmatch(r"[\w.]{2}", name[-1] + following))


def _unknown(text: str, at: int, names: Sequence[str], argument: str) -> NoReturn:
    token = UNKNOWN.match(text, at)
    word = token[0] if token else text[at]
    if text[at + len(word):].lstrip().startswith("(") and WORD.fullmatch(word):
        raise SpecificationError(
            f"{argument}: there is no function '{word}'.", code="bad_expression", argument=argument,
            way_out=f"Use {', '.join(FUNCTIONS)}, or give a function of the parameters.",
        )
    raise SpecificationError(
        f"{argument}: '{word}' is not a parameter of this fit.", code="unknown_parameter", argument=argument,
        way_out=f"The parameters are {', '.join(names)}.",
    )


def _split(tokens: list[_Token], separator: str) -> list[list[_Token]]:
    """Split at the separators outside parentheses."""
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.shown == "(") - (token.shown == ")")
        if token.shown == separator and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _parsed(tokens: list[_Token], text: str, argument: str) -> ast.expr:
    try:
        tree = ast.parse(" ".join(t.source for t in tokens), mode="eval").body
        _check(tree)
        return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        raise SpecificationError(
            f"{argument}: '{shown}' cannot be read.", code="bad_expression", argument=argument,
            way_out=f"Use + - * / ^ ( ), numbers, names of parameters, and {', '.join(FUNCTIONS)}.",
        ) from None


def _label(tokens: list[_Token], text: str) -> str:
    """What the user wrote, blanks tidied."""
    return " ".join(text[tokens[0].at:tokens[-1].at + len(tokens[-1].shown)].split())


def _check(node: ast.AST) -> None:
    """Refuse what is no arithmetic; the list is of what is allowed."""
    allowed: tuple[type, ...] = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.USub, ast.UAdd, ast.Load)
    for child in ast.walk(node):
        number = isinstance(child, ast.Constant) and type(child.value) is float
        call = isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in FUNCTIONS
        one = isinstance(child, ast.Call) and len(child.args) == 1 and not child.keywords
        name = isinstance(child, ast.Name) and (child.id in FUNCTIONS or SYMBOL.fullmatch(child.id))
        if not (number or name or (call and one) or isinstance(child, (ast.BinOp, ast.UnaryOp, *allowed))):
            raise ValueError(type(child).__name__)


def evaluate(node: ast.expr, at: np.ndarray) -> Term:
    """The value of an expression and its exact derivative at parameters (p,); not finite where it has none."""
    with np.errstate(all="ignore"):
        try:
            return _value(node, at)
        except RecursionError:
            raise SpecificationError(
                "An expression is too long.", code="bad_expression", way_out="Give a function of the parameters."
            ) from None


def _value(node: ast.expr, at: np.ndarray) -> Term:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return Term(np.float64(node.value), np.zeros(at.size), 0)
    if isinstance(node, ast.Name):
        i = int(node.id[1:])
        return Term(np.float64(at[i]), np.eye(1, at.size, i)[0], 1)
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, at)
        return -operand if isinstance(node.op, ast.USub) else operand
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _value(node.args[0], at).through(node.func.id)
    assert isinstance(node, ast.BinOp)
    left, right = _value(node.left, at), _value(node.right, at)
    return _OPERATIONS[type(node.op)](left, right)


_OPERATIONS: dict[type, Callable[[Term, Term], Term]] = {
    ast.Add: Term.__add__, ast.Sub: Term.__sub__, ast.Mult: Term.__mul__, ast.Div: Term.__truediv__,
    ast.Pow: Term.__pow__,
}
