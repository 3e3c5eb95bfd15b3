"""The PROC TRAJ statement: its data set with the data set's options, its flags, its outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CommandError

# what the PROC statement asks for that changes no estimate -> where it is found instead
OUTPUTS = {
    "OUT": "group probabilities are in res.posterior, groups in res.assignment",
    "OUTPLOT": "curves come from res.predict() and res.plot()", "OUTSTAT": "estimates are in res.params",
    "OUTEST": "estimates are in res.params, their covariance in res.cov_params()",
}
SILENT = {
    "ITDETAIL": "progress is shown by fit(progress=True)", "ALTSTART": "many starts are tried anyway",
    "CI95M": "res.predict() gives confidence bands", "DETAIL": "progress is shown by fit(progress=True)",
    "NOVAR": "no variables are written to the data", "NOPRINT": "print(res.to_traj()) prints the table",
}
OPTION = re.compile(r"\s*(\w+)\s*(=?)\s*")


@dataclass
class Head:
    """What the PROC statement says: ``rows`` is the range of FIRSTOBS= and OBS= as Stata's ``in`` has it."""

    data: str | None
    flags: list[str]
    ignored: list[str]
    where: str | None
    rows: str | None


def read_head(statement: str, flags: Sequence[str]) -> Head:
    """The PROC statement; ``flags`` are the words on it that belong to the model."""
    head = Head(None, [], [], None, None)
    for name, value, inside in _pieces(re.sub(r"proc\s+traj\s*", "", statement, count=1, flags=re.IGNORECASE)):
        word = name.upper()
        if value is None:
            if word in flags:
                head.flags.append(word)
            elif word in SILENT:
                head.ignored.append(f"{word}: {SILENT[word]}.")
            else:
                raise not_read(name, "an option of PROC TRAJ")
        elif word == "DATA":
            head.data = value
            _data_options(inside, head)
        else:
            stem = word.rstrip("0123456789")
            if stem not in OUTPUTS:
                raise not_read(name, "an option of PROC TRAJ")
            head.ignored.append(f"{word}={value}: no data sets are written; {OUTPUTS[stem]}.")
    return head


def _pieces(text: str) -> list[tuple[str, str | None, str]]:
    """Name, value (None for a flag) and what stands in parentheses after it, in turn."""
    found, at = [], 0
    while text[at:].strip():
        match = OPTION.match(text, at)
        if match is None:
            raise not_read(text[at:].split()[0], "an option of PROC TRAJ")
        at = match.end()
        value, inside = None, ""
        if match[2]:
            word = re.compile(r"[^\s(]*").match(text, at)
            value = word[0] if word else ""
            at += len(value)
            opened = re.compile(r"\s*\(").match(text, at)
            if opened:
                end = closed(text, opened.end())
                inside, at = text[opened.end() : end], end + 1
        found.append((match[1], value, inside))
    return found


def closed(text: str, at: int) -> int:
    """Where the parenthesis opened before ``at`` is closed, quotes passed over."""
    depth, quote = 1, ""
    for i in range(at, len(text)):
        here = text[i]
        if quote or here in "'\"":
            quote = "" if here == quote else quote or here
            continue
        depth += (here == "(") - (here == ")")
        if not depth:
            return i
    raise CommandError(
        f"{shown(text)}: a parenthesis is not closed.", code="bad_syntax", argument="DATA", way_out="Close it.",
    )


def _data_options(text: str, head: Head) -> None:
    """What stands in parentheses after DATA=: where=, obs=, firstobs=; keep= and drop= change no estimate."""
    rows: dict[str, str] = {}
    while text.strip():
        match = re.match(r"\s*(\w+)\s*=\s*", text)
        name = match[1].lower() if match else text.strip()
        if match is None or name not in ("where", "obs", "firstobs", "keep", "drop", "label"):
            raise CommandError(
                f"DATA=..({name}): not a data set option that is read.", code="if_in", argument="DATA",
                way_out="WHERE=, OBS= and FIRSTOBS= are; rename the columns of the data first.",
            )
        text = text[match.end() :]
        if name == "where":
            if not text.startswith("("):
                raise CommandError(
                    "WHERE=: without its parentheses.", code="if_in", argument="DATA", way_out="WHERE=(age > 3).",
                )
            end = closed(text, 1)
            head.where, text = text[1:end], text[end + 1 :]
        elif name in ("obs", "firstobs"):
            number = re.match(r"\d+|max\b", text, re.IGNORECASE)
            if number is None:
                raise CommandError(
                    f"{name.upper()}={text.split()[0] if text.split() else ''}: not a number of rows.", code="if_in",
                    argument="DATA", way_out=f"For example {name.upper()}=100.",
                )
            rows[name], text = number[0].lower().replace("max", "l"), text[number.end() :]
        else:
            values = re.match(r"(?:'[^']*'|\"[^\"]*\"|[^=])*(?=\s\w+\s*=|$)", text)
            text = text[values.end() :] if values else ""
            head.ignored.append(f"{name.upper()}=: changes no estimate.")
    if rows:
        head.rows = f"{rows.get('firstobs', '1')}/{rows.get('obs', 'l')}"


def not_read(word: str, what: str) -> CommandError:
    """The error for a word that is none of Proc Traj's."""
    return CommandError(
        f"{word}: not {what} that is read.", code="unknown_option", argument=word,
        way_out="Read are ID, MODEL, NGROUPS, ORDER, VAR, INDEP, MIN, MAX, IORDER, RORDER, START, RISK, REFGROUP, "
        "TCOV, PLOTTCOV, EXPOS, WEIGHT, DROPOUT, DCOV, OBSMAR, WHERE, SIGMABYGROUP, AR1, RHOBYGROUP, and on the PROC "
        f"statement DATA=, {'=, '.join(OUTPUTS)}=, {', '.join(SILENT)}.",
    )


def shown(statement: str) -> str:
    """The beginning of a statement."""
    return statement if len(statement) <= 40 else statement[:37] + "..."
