"""The text of a do-file, cut into commands: comments, continued lines and #delimit as Stata reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .pasted_text import as_typed

DELIMIT = re.compile(r"#d(?:e(?:l(?:i(?:m(?:it?)?)?)?)?)?[ \t]*(;|cr\b)[^\n]*")
CONTINUED = re.compile(r"[A-Za-z_]\w*\s*\(|(?:sigmabygroup|rhobygroup|ar1|detail|novar|altstart|ci|nolegend)\b|,")


@dataclass(frozen=True)
class Line:
    """One command: its text without comments, each character where it stands in the source from ``start`` on."""

    text: str
    start: int

    def part(self, first: int, last: int | None = None) -> Line:
        """A part of it that knows its place."""
        return Line(self.text[first:last], self.start + first)

    def stripped(self) -> Line:
        """Without white space around."""
        first = len(self.text) - len(self.text.lstrip())
        return Line(self.text.strip(), self.start + first)


def commands(source: str) -> list[Line]:
    """The commands of a do-file.

    ``*`` begins a comment where a command could begin, ``//`` after white space, ``/* */`` anywhere, nested too.
    ``///`` goes on with the next line, and so does a line that can be nothing but further options of the last one.

    Examples
    --------
    >>> [line.text for line in commands("* a\\ntraj, var(y*) /// all of y\\n   order(2) // two\\ntrajplot")]
    ['traj, var(y*)                 order(2)', 'trajplot']
    """
    typed = as_typed(source, by_semicolon=any(m[1] == ";" for m in DELIMIT.finditer(source)))
    return _joined([line for line in _Scanner(typed).lines() if line.text])


def _joined(lines: list[Line]) -> list[Line]:
    """Lines that go on with options where ``///`` was left out."""
    found: list[Line] = []
    for line in lines:
        last = found[-1] if found else None
        if last and re.match(r"(?:[a-z]+ +)*(?:traj|trajplot)\b", last.text) and CONTINUED.match(line.text):
            gap = line.start - last.start - len(last.text)
            found[-1] = Line(last.text + " " * gap + line.text, last.start)
        else:
            found.append(line)
    return found


class _Scanner:
    """Goes through the text once. ``out`` holds the command so far, a blank for every character of a comment."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.end = "\n"
        self.out: list[str] = []
        self.empty = True
        self.begun = 0
        self.found: list[Line] = []

    def lines(self) -> list[Line]:
        while self.at < len(self.source):
            self._step()
        self._close()
        return self.found

    def _step(self) -> None:
        text, at = self.source, self.at
        here = text[at]
        first = self.empty
        spaced = at == 0 or text[at - 1].isspace()
        if first and (match := DELIMIT.match(text, at)):
            self._blank(match.end() - at)
            self._close()
            self.end = ";" if match[1] == ";" else "\n"
        elif text.startswith("/*", at):
            self._blank(self._block() - at)
        elif text.startswith("///", at) and spaced:
            self._blank(self._line_end() + 1 - at)
        elif text.startswith("//", at) and spaced:
            self._blank(self._line_end() - at)
        elif first and here == "*":
            self._blank(self._starred() - at)
        elif here == '"':
            closing = text.find('"', at + 1)
            stop = len(text) if closing < 0 else closing + 1
            self._keep(min(stop, self._line_end()) if self.end == "\n" else stop)
        elif here == self.end:
            self._blank(1)
            self._close()
        else:
            self._keep(at + 1)

    def _keep(self, stop: int) -> None:
        self.out.append(self.source[self.at : stop].replace("\n", " ").replace("\t", " "))
        self.empty = self.empty and not self.out[-1].strip()
        self.at = stop

    def _blank(self, count: int) -> None:
        count = min(count, len(self.source) - self.at)
        self.out.append(" " * count)
        self.at += count

    def _close(self) -> None:
        line = Line("".join(self.out), self.begun).stripped()
        bare = line.text.rstrip("; ")
        self.found.append(Line(bare, line.start))
        self.out, self.empty, self.begun = [], True, self.at

    def _line_end(self) -> int:
        stop = self.source.find("\n", self.at)
        return len(self.source) if stop < 0 else stop

    def _block(self) -> int:
        """The end of a block comment; blocks may stand in blocks."""
        depth, at = 1, self.at + 2
        while at < len(self.source) and depth:
            opens, closes = self.source.startswith("/*", at), self.source.startswith("*/", at)
            depth += opens - closes
            at += 2 if opens or closes else 1
        return at

    def _starred(self) -> int:
        """The end of a comment that takes a whole command; ``///`` carries it on."""
        if self.end == ";":
            stop = self.source.find(";", self.at)
            return len(self.source) if stop < 0 else stop
        stop = self._line_end()
        while re.search(r"\s///", self.source[self.at : stop]) and stop < len(self.source):
            following = self.source.find("\n", stop + 1)
            rest = self.source[stop + 1 : following if following >= 0 else len(self.source)]
            stop = len(self.source) if following < 0 else following
            if not re.search(r"\s///|^///", rest):
                break
        return stop
