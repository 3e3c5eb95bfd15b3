"""What the texts of constraints say of groups, before the parameters have names: which groups may change places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

NUMBERED = re.compile(r"\[(\d+)(?:\|(\d+))?\](?!\[)")  # a column of a basis may have a number in front of the group's
SIGNS = re.compile(r"\s*(<=|>=|==|=|<|>)\s*")
SAME_UNITS = re.compile(r"[,;]?\s*(?:in\s+)?(?:the\s+)?same\s+units?\s*$", re.IGNORECASE)
CALL = re.compile(r"\w\([^()]*\)")
WITHIN_CALL = str.maketrans("[]=<>,", "______")  # lspline(age, knots=[2, 5]) names no group 2, and says nothing equal
COMMON = re.compile(r"\s*(\w+)\s*={1,2}\s*common\s*$", re.IGNORECASE)

Said = tuple[frozenset[frozenset[str]], frozenset[tuple[str, str]]]


def without_units(text: str) -> tuple[str, bool]:
    """A text without ``, same units`` at its end, and whether that stood there."""
    short = SAME_UNITS.sub("", text)
    return short, short != text


@lru_cache(maxsize=10_000)
def label_classes(
    texts: tuple[str, ...], n_groups: int, reference: int, dual: bool = False, known: tuple[int, ...] = ()
) -> tuple[int, ...]:
    """The class of each group (K,): groups of one class may change places without a change of what is said.

    Where people's groups are known, ``known`` are classes by these (K,), and both have to be the same.

    Groups that no text names are of class 0. Of named ones two are of one class where every text stays true of
    the other when they are swapped, as in ``sigma[1] = sigma[2]``. What is said of membership logits is said of the
    ``reference`` group (from 0) too. In a dual model a number is taken for a group of either set.
    """
    if known:
        both = [*zip(label_classes(texts, n_groups, reference, dual), known, strict=True)]
        return tuple(sorted(set(both)).index(pair) for pair in both)
    whole = ", ".join(CALL.sub(lambda m: m[0].translate(WITHIN_CALL), without_units(t)[0]) for t in texts)
    named = {int(n) - 1 for match in NUMBERED.finditer(whole) for n in match.groups() if n is not None}
    membership = "theta" in whole
    if membership:
        named.add(reference)
    said = _said(whole)
    classes = [0] * n_groups
    leaders: list[int] = []
    for g in sorted(n for n in named if n < n_groups):
        alone = dual or (membership and g == reference)
        like = [] if alone else [a for a in leaders if not (membership and a == reference) and _swapped(
            whole, a, g) == said]
        if like:
            classes[g] = classes[like[0]]
        else:
            leaders.append(g)
            classes[g] = len(leaders)
    return tuple(classes)


def _swapped(whole: str, a: int, b: int) -> Said:
    """What is said when groups a and b, from 0, change places."""
    other = {str(a + 1): str(b + 1), str(b + 1): str(a + 1)}

    def renamed(match: re.Match[str]) -> str:
        first, second = (None if n is None else other.get(n, n) for n in match.groups())
        return f"[{first}]" if second is None else f"[{first}|{second}]"

    return _said(NUMBERED.sub(renamed, whole))


def _said(whole: str) -> Said:
    """The sets of sides that are equal to each other, and the pairs (lower, higher)."""
    equal: list[set[str]] = []
    ordered: set[tuple[str, str]] = set()
    for text in whole.split(","):
        pieces = SIGNS.split("".join(text.split()))
        for left, sign, right in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
            if sign.startswith("="):
                joined = [s for s in equal if left in s or right in s]
                equal = [s for s in equal if s not in joined] + [set().union({left, right}, *joined)]
            else:
                ordered.add((left, right) if sign[0] == "<" else (right, left))
    return frozenset(frozenset(s) for s in equal), frozenset(ordered)


def spelled_out(text: str, names: Sequence[str], outcomes: Sequence[str]) -> str:
    """A text with ``sigma = common`` written as a chain over the outcomes, group by group; others as they are."""
    match = COMMON.match(text)
    if match is None:
        return text
    chains: dict[str, list[str]] = {}
    for outcome in outcomes:
        for name in names:
            stem, bracket, group = name.removeprefix(f"{outcome}: ").partition("[")
            if name.startswith(f"{outcome}: ") and stem == match[1]:
                chains.setdefault(bracket + group, []).append(name)
    return ", ".join(" = ".join(chain) for chain in chains.values() if len(chain) > 1)
