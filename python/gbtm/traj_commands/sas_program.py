"""A SAS program's text: its PROC TRAJ steps one after another, with the pictures that follow them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..errors import CommandError
from .do_file import parse
from .faults import Faults
from .plot_request import PlotRequest
from .sas_head import shown
from .sas_step import ProcTraj, read_step
from .sas_text import placed_statements
from .stata_command import Command

ENDS = re.compile(r"(?:run|quit|proc|data)\b|%", re.IGNORECASE)  # of a step


def read_sas(text: str, columns: Sequence[str]) -> tuple[ProcTraj, ...]:
    """The PROC TRAJ steps of a text, read against the data's column names.

    Raises
    ------
    CommandError
        Where there is no step, for an unknown statement or variable, for a second outcome, and for what Proc Traj
        itself would refuse. All faults of a text are told in one error, each with its line and column.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    faults, found, around, begun = Faults(text), list[ProcTraj](), list[str](), 0
    made: tuple[str, ...] = ()  # what is said of a DATA step before the next PROC TRAJ
    lines = placed_statements(text)
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if re.match(r"proc\s+traj\b", line.text, re.IGNORECASE):
            end = at
            while end < len(lines) and not ENDS.match(lines[end].text):
                end += 1
            begun += 1
            step = read_step([line, *lines[at:end]], columns, faults)
            found += [] if step is None else [
                replace(step, ignored=(*around, *step.ignored), assumed=(*made, *step.assumed))]
            around, made, at = [], (), end
        elif re.match(r"data\b(?!\s*=)", line.text, re.IGNORECASE):
            at = next((i for i in range(at, len(lines)) if ENDS.match(lines[i].text)), len(lines))
            made = (f"{shown(line.text)}: DATA steps are not run. The data that were handed over are taken as if the "
                    "step had made them: select rows and compute columns first.",)
        elif call := re.match(r"%trajplot\w*\s*\((.*)\)$", line.text, re.IGNORECASE):
            if found and begun == len(found):
                found[-1] = replace(found[-1], plots=(*found[-1].plots, _plot(call[1], found[-1].ignored)))
            elif not begun:
                around.append(f"{shown(line.text)}: no step before it; plots come from plot() of a fit.")
        elif not re.fullmatch(r"(?:run|quit)", line.text, re.IGNORECASE):
            around.append(f"{shown(line.text)}: not part of the step.")
    if not begun:
        faults.add(CommandError(
            "no PROC TRAJ step in the text.", code="not_traj", argument="text",
            way_out="Give one step, from 'PROC TRAJ DATA=..;' to 'RUN;'.",
        ), 0)
    faults.tell()
    found[-1] = replace(found[-1], ignored=(*found[-1].ignored, *around))
    return tuple(found)


def parse_proc(text: str, columns: Sequence[str]) -> ProcTraj:
    """The one PROC TRAJ step of a text; see :func:`read_sas`.

    Examples
    --------
    >>> step = "proc traj data=a out=of; id no; var y1-y3; indep t1-t3; model cnorm; max 9; ngroups 2; order 1 2; run;"
    >>> read = parse_proc(step, ["NO", "Y1", "Y2", "Y3", "T1", "T2", "T3"])
    >>> read.command
    'traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 2) min(0) max(9)'
    >>> read.id, read.assumed
    ('NO', ('MIN is not given: Proc Traj takes 0.',))
    """
    found = read_sas(text, columns)
    if len(found) > 1:
        raise CommandError(
            f"{len(found)} PROC TRAJ steps in the text.", code="several_commands", argument="text", way_out="Give one.",
        )
    return found[0]


def sas_commands(text: str, columns: Sequence[str]) -> tuple[Command, ...]:
    """The steps of a text as commands of traj, which fit the same models to the same rows."""
    return tuple(_command(step, columns) for step in read_sas(text, columns))


def _command(step: ProcTraj, columns: Sequence[str]) -> Command:
    read = parse(step.command, columns)
    return replace(
        read, assumed=(*step.assumed, *read.assumed), notes=(*step.ignored, *read.notes), plots=step.plots,
        persons=step.persons,
    )


def _plot(arguments: str, ignored: Sequence[str]) -> PlotRequest:
    """The macro's arguments: two data sets, title, subtitle, labels of the y and the x axis.

    The first data set says whose curves they are: those of the second outcome are in OUTPLOT2=.
    """
    pieces = re.findall(r"\s*('[^']*'|\"[^\"]*\"|“[^”]*”|[^,'\"“]*)\s*(?:,|$)", arguments)
    words = [p.strip().strip("'\"“”").strip() for p in pieces] + [""] * 6
    title = "\n".join(w for w in words[2:4] if w)
    bands = any(note.startswith("CI95M") for note in ignored)
    written = [re.match(r"OUTPLOT(\d*)=([\w.]+)", note, re.IGNORECASE) for note in ignored]
    outcome = next((int(w[1] or 1) for w in written if w and w[2].rstrip(".").lower() == words[0].lower()), 1)
    return PlotRequest(
        title=title or None, ytitle=words[4] or None, xtitle=words[5] or None, bands=bands, outcome=outcome)
