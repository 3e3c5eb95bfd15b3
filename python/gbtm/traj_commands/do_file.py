"""A do-file's text: its traj commands one after another, with the pictures that follow them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..errors import CommandError
from .faults import Faults
from .other_commands import passed_over, without_prefixes
from .plot_request import PlotRequest, read_trajplot
from .stata_command import Command, read_command
from .stata_text import Line, commands
from .stata_varlist import StataColumns


def read_do_file(text: str, columns: Sequence[str]) -> tuple[Command, ...]:
    """The traj commands of a text, read against the data's column names.

    ``trajplot`` belongs to the command before it. Prefixes that change no estimate, and commands that change nothing
    here (version, set, log, ..), are kept in the next command's ``notes``.

    Raises
    ------
    CommandError
        Where there is no traj command; for other commands, unknown options and variables, and what traj would refuse.
        All faults of a text are told in one error, each with its line and column.

    Examples
    --------
    >>> text = "quietly traj if x > 0, v(y1-y3) i(t*) m(cnorm) o(1 2) max(9) // two groups\\ntrajplot, ci"
    >>> read = read_do_file(text, ["x", "y1", "y2", "y3", "t1", "t2", "t3"])
    >>> read[0].order, read[0].min, read[0].selection.text, read[0].plots[0].bands
    ((1, 2), 0.0, 'if x > 0', True)
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    faults = Faults(text)
    reader = _Reader([str(c) for c in columns], faults)
    for line in commands(text):
        with faults.at(line.start):
            reader.read(line)
    if not faults.any and not reader.found:
        faults.add(CommandError(
            f"not a traj command: '{text.strip()[:60]}'.", code="not_traj", argument="command",
            way_out="It reads 'traj, var(..) indep(..) model(..) order(..)'.",
        ), 0)
    faults.tell()
    return tuple(reader.found)


def parse(text: str, columns: Sequence[str]) -> Command:
    """The one traj command of a text; see :func:`read_do_file`."""
    found = read_do_file(text, columns)
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} traj commands in the text.", code="several_commands", argument="command",
            way_out="Give one.",
        )
    return found[0]


class _Reader:
    """Takes the commands in their order. ``notes`` are those for the next traj command."""

    def __init__(self, columns: list[str], faults: Faults) -> None:
        self.columns, self.faults = columns, faults
        self.found: list[Command] = []
        self.notes: list[str] = []
        self.begun = False

    def read(self, line: Line) -> None:
        refuse_macros(line.text)
        bare, at = without_prefixes(line.text)
        word = re.match(r"\w*", bare)[0]  # type: ignore[index]
        if word == "traj":
            self._traj(line.part(at))
        elif word == "trajplot":
            self._plot(line.part(at))
        else:
            self.notes.append(f"{passed_over(bare)}: has no effect here.")
        if at and word == "traj" and self.found:
            quiet = " ".join(line.text[:at].replace(":", " ").split())
            self._add(notes=(*self.found[-1].notes, f"{quiet}: has no effect here."))

    def _traj(self, line: Line) -> None:
        self.begun = True
        read = read_command(line, StataColumns(self.columns), self.faults)
        if read is not None:
            self.found.append(replace(read, notes=(*self.notes, *read.notes)))
        self.notes = []

    def _plot(self, line: Line) -> None:
        request, notes = read_trajplot(line, self.faults)
        if not self.begun:
            raise CommandError(
                "trajplot: no traj command before it.", code="bad_syntax", argument="trajplot",
                way_out="Give it with the traj command whose curves it draws, or use plot() of a fit.",
            )
        if self.found:
            request.check(1 + len(self.found[-1].others))
            plots: tuple[PlotRequest, ...] = (*self.found[-1].plots, request)
            self._add(plots=plots, notes=(*self.found[-1].notes, *(f"{n}." for n in notes)))

    def _add(self, **changes: object) -> None:
        self.found[-1] = replace(self.found[-1], **changes)  # type: ignore[arg-type]


def refuse_macros(text: str) -> None:
    """Raise for `name' and $name, which stand for text that is not here."""
    macro = re.search(r"`(?!\")[^']*'|\$\{?[A-Za-z_]\w*\}?", text)
    if macro:
        raise CommandError(
            f"{macro[0]}: macros are not read.", code="bad_syntax", argument="command",
            way_out="Write what it stands for.",
        )
