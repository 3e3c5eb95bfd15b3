"""The options of Stata's traj: their names and abbreviations, and the text of a command cut into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import CommandError
from .faults import Faults
from .stata_text import Line

# The options in the order of traj's own syntax, each with its shortest abbreviation: the first that a word begins is
# meant. "1" at their end stands for the first outcome and may be left out, as may the rest down to the abbreviation.
SHORTEST = {
    "model1": "m", "var1": "v", "indep1": "i", "order1": "o", "min1": "min", "max1": "max", "iorder1": "i",
    "rorder1": "r", "risk1": "r", "weight1": "w", "expos1": "e", "tcov1": "t", "plottcov1": "p", "refgroup1": "r",
    "dropout1": "d", "dcov1": "d", "obsmar1": "ob", "outcome1": "o", "omodel1": "om", "baseoutcome1": "b",
    "ocov1": "o", "multrisk": "multr", "outofsample": "o", "multgroups": "multg", "probupdates": "probupdates",
    "detail": "detail", "novar": "novar", "trace": "trace", "ci": "ci", "sigmabygroup": "sigmabygroup",
    "rhobygroup": "rhobygroup", "ar1": "ar1", "nderiv": "nderiv", "twostep": "twostep", "altstart": "altstart",
    "lower": "l", "upper": "u", "start": "s", "tol": "tol",
}
OURS = {"expos1": "exposure"}
FLAGS = ("probupdates", "detail", "novar", "trace", "ci", "sigmabygroup", "rhobygroup", "ar1", "nderiv", "twostep",
         "altstart")
DISTAL = ("outcome", "omodel", "baseoutcome", "ocov")
# what changes no estimate -> what there is in its place
NO_EFFECT = {
    "detail": "progress is an option of the fit here", "trace": "progress is an option of the fit here",
    "novar": "the data are never written to; traj_data() has traj's variables",
    "ci": "intervals of the group probabilities come with classify()",
    "nderiv": "the derivatives are exact here", "altstart": "many starts are tried anyway",
    "tol": "every fit goes on to a certified optimum", "twostep": "traj too takes it with outcome() only",
    "probupdates": "probabilities wave by wave come from classify() by wave",
}
BOUNDS = "no matrix of that name was given, so that these bounds of the parameters are not kept. Pass it in " \
         "matrices, or look whether the estimates lie between them: where they do, traj's are the same"


@dataclass(frozen=True)
class Given:
    """What stands in an option's parentheses, '' for a flag; ``start`` is its place in the text."""

    text: str
    start: int


def numbers_or_name(text: str) -> tuple[float, ...] | str:
    """Numbers inline, NaN for a dot, or the name of a matrix given by the caller."""
    words = text.replace(",", " ").replace("\\", " ").split()
    try:
        return tuple(float("nan") if w == "." else float(w) for w in words)
    except ValueError:
        return text.strip()


def cut_options(line: Line, faults: Faults) -> Iterator[tuple[str, Given | None, int]]:
    """Each option of the text after the comma as it is written: its name, its argument, its place."""
    text, at = line.text, 0
    while at < len(text):
        here = re.compile(r"\s*").match(text, at).end()  # type: ignore[union-attr]
        match = re.compile(r"([A-Za-z_]\w*)(\s*)(\(?)").match(text, here)
        if here == len(text) or not text[here:].strip(" ,"):
            return  # a comma at the end is no option
        if match is None:
            faults.add(_unreadable(text[here:]), line.start + here)
            comma = re.compile(r"[A-Za-z_]\w*\s*\(").search(text, here)
            at = comma.start() if comma and comma.start() > here else len(text)
            continue
        if not match[3]:
            yield match[1], None, line.start + here
            at = match.end(1)
            continue
        end = closing(text, match.end())
        if end < 0:
            faults.add(_unreadable(text[here:]), line.start + here)
            return
        yield match[1], Given(text[match.end() : end], line.start + match.end()), line.start + here
        at = end + 1


def read_options(line: Line, faults: Faults) -> dict[int, dict[str, Given]]:
    """Number of the outcome -> option name -> its argument; faults in names and doubles are noted.

    What belongs to the whole model stands with the first outcome.
    """
    found: dict[int, dict[str, Given]] = {1: {}}
    for word, given, place in cut_options(line, faults):
        with faults.at(place):
            number = _outcome_number(word)
            name = option_name(word if number == 1 else word.rstrip("0123456789"))
            shown = name if number == 1 else f"{name}{number}"
            mine = found.setdefault(number, {})
            if name in mine:
                raise CommandError(
                    f"{shown}(): given twice.", code="bad_syntax", argument=shown, way_out="Give it once.")
            if name not in FLAGS and given is None:
                raise CommandError(
                    f"{shown}: without its parentheses.", code="bad_syntax", argument=shown,
                    way_out=f"It reads {shown}(..).",
                )
            if name in FLAGS and given is not None:
                raise CommandError(
                    f"{shown}({given.text}): takes nothing in parentheses.", code="bad_syntax", argument=shown,
                    way_out=f"Write {shown} alone.",
                )
            mine[name] = given or Given("", place)
    return found


def _outcome_number(word: str) -> int:
    """Which outcome an option is of: 2 of ``order2``; 1 where it does not say."""
    stem = word.lower().rstrip("0123456789")
    return int(word[len(stem) :]) if word[len(stem) :] not in ("", "1") and f"{stem}1" in SHORTEST else 1


def closing(text: str, at: int) -> int:
    """Where the parenthesis that was opened before ``at`` is closed, quotes passed over; -1 where it is not."""
    depth, quoted = 1, False
    for i in range(at, len(text)):
        if text[i] == '"':
            quoted = not quoted
        elif not quoted:
            depth += (text[i] == "(") - (text[i] == ")")
            if not depth:
                return i
    return -1


def option_name(word: str) -> str:
    """The name here of an option as it is written there: abbreviated, or with the 1 of a first outcome."""
    low = word.lower()
    if low in ("exposure", "exposure1") or (len(low) > 5 and "exposure".startswith(low)):
        return "exposure"
    for full, shortest in SHORTEST.items():
        if full.startswith(low) and len(low) >= len(shortest):
            return OURS.get(full) or (full if full == "ar1" else full.rstrip("1"))
    raise CommandError(
        f"{word}(): not an option of traj.", code="unknown_option", argument=word,
        way_out=f"Options read here: {', '.join(OURS.get(o) or o.removesuffix('1') for o in SHORTEST)}.",
    )


def _unreadable(text: str) -> CommandError:
    return CommandError(
        f"cannot read '{text.strip()[:40]}'.", code="bad_syntax", argument="command",
        way_out="Options read name(values) or name, with balanced parentheses.",
    )
