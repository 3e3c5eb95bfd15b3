"""Text that a statistics program left behind, made plain: a Stata log (text or SMCL), a SAS listing, a paste of either.

Continuation marks, page breaks, markup and time stamps go, so that one printed line is one line again.
"""

from __future__ import annotations

import re

# SMCL directives that stand for nothing, and {space 3}, {col 20}, {hline 10}
SMCL = re.compile(
    r"\{(?:smcl|com|txt|res|err|inp|sf|bf|it|ul(?: on| off)?|reset|\.\.\.|p_end|p|break|hline(?: \d+)?|asis|c \|)\}"
)
SPACE = re.compile(r"\{(?:space|col) (\d+)\}")
STAMP = re.compile(r"^\[?(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\]?[ \t]?(?=\S| )")
SLASHES = re.compile(r"[ \t]*///.*$")
STATA_COMMAND = re.compile(r"^\s*(?:\.\s*)?(?:(?:qui|quietly|noi|noisily|cap|capture|xi)\w*:?\s+)*(traj\b[^,\n]*,.*)$")
PROC_TRAJ = re.compile(r"\bproc\s+traj\b.*?\brun\s*;", re.IGNORECASE | re.DOTALL)


def plain_lines(text: str) -> list[str]:
    """The lines of a log as they were meant.

    ``> `` at the start of a line continues the line before it (Stata, beyond ``linesize``); a command broken by ``///``
    is continued by the next line.

    Examples
    --------
    >>> plain_lines(". traj, var(y1-y3) ///\\r\\n> indep(t1-t3)")
    ['. traj, var(y1-y3) indep(t1-t3)']
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\ufeff", "").replace("\xa0", " ")
    if "{smcl}" in text or "{txt}" in text or "{res}" in text:
        text = SPACE.sub(lambda m: " " * int(m.group(1)), SMCL.sub("", text))
    lines: list[str] = []
    for raw in text.split("\n"):
        line = STAMP.sub("", raw).expandtabs(8)
        continued = bool(lines) and line.startswith("> ")
        if not continued and not (lines and SLASHES.search(lines[-1])):
            lines.append(line)
            continue
        head = SLASHES.sub("", lines[-1])
        broken = head != lines[-1]
        lines[-1] = head + (" " + line.lstrip("> ") if broken else line[2:])
    return lines


def last_command(lines: list[str]) -> str | None:
    """The last traj command (Stata) or PROC TRAJ step (SAS) that these lines echo."""
    for line in reversed(lines):
        echo = STATA_COMMAND.match(line)
        if echo:
            return echo.group(1).strip()
    steps = PROC_TRAJ.findall("\n".join(lines))
    return steps[-1] if steps else None


def options_of(command: str | None) -> dict[str, str]:
    """What a command says, option by option, lower case; '' for a flag. Nothing is checked.

    Examples
    --------
    >>> options_of("traj, model(cnorm) min(0) sigmabygroup")
    {'model': 'cnorm', 'min': '0', 'sigmabygroup': ''}
    >>> options_of("proc traj data=d sigmabygroup; model cnorm; min 0; run;")
    {'sigmabygroup': '', 'model': 'cnorm', 'min': '0'}
    """
    if command is None:
        return {}
    if re.match(r"proc\s", command, re.IGNORECASE):
        head, *statements = [s.strip() for s in command.split(";")]
        flags = {w.lower(): "" for w in re.sub(r"\w+\s*=\s*\S+", "", head).split()[2:]}
        pairs = [s.split(None, 1) for s in statements if s and s.lower() != "run"]
        return {**flags, **{p[0].lower(): p[1].strip() if len(p) > 1 else "" for p in pairs}}
    options = re.findall(r"([A-Za-z]\w*)\s*(?:\(([^()]*)\))?", command.partition(",")[2])
    return {name.lower(): value.strip() for name, value in options}
