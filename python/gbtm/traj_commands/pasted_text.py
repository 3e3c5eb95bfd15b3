"""Text of Stata as it was typed, from what was pasted out of a log or a document; every character keeps its place."""

from __future__ import annotations

import re

from ..errors import CommandError

TYPED = str.maketrans({"\u2013": "-", "\u2014": "-", "\u2212": "-", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
PROMPT = re.compile(r"\. (?=[A-Za-z#*/])")
CARRIED_ON = re.compile(r"> ?")
UNFINISHED = re.compile(r"(?:^|\s)///[^\n]*$")


def as_typed(source: str, *, by_semicolon: bool = False) -> str:
    """The same length of text: dashes, quotes and blanks of a word processor as Stata knows them, a log without output.

    A log begins with a prompt, ``. traj, ..``: prompts and what Stata printed become blanks, ``>`` goes on:
    after ``///``, or anywhere where commands end ``by_semicolon``.

    Raises
    ------
    CommandError
        ``wrapped_log``, where a log broke a long line, which may have been within a word.

    Examples
    --------
    >>> as_typed(". traj, var(a\u2013c) ///\\n> order(2)\\n  table").split("\\n")
    ['  traj, var(a-c) ///', '  order(2)', '       ']
    """
    text = source.translate(TYPED)
    if not PROMPT.match(text.lstrip()):
        return text
    lines = text.split("\n")
    going_on = False
    for i, line in enumerate(lines):
        begun, more = PROMPT.match(line.lstrip()), CARRIED_ON.match(line)
        if more and not going_on and not by_semicolon:
            raise CommandError(
                f"line {i + 1}: the log broke the line before it, perhaps within a word.", code="wrapped_log",
                argument="command", way_out="Paste the command from the do-file, or join the lines by hand.",
            )
        kept = begun is not None or more is not None
        mark = len(line) - len(line.lstrip()) + begun.end() if begun else more.end() if more else len(line)
        lines[i] = " " * mark + line[mark:]
        going_on = kept and UNFINISHED.search(line) is not None
    return "\n".join(lines)
