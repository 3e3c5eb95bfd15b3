"""What a report is made of, whatever the file it is written to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..compute.progress import Progress
from ..tables.table import Table
from .grolts import Answer


@dataclass(frozen=True)
class Heading:
    """A section begins."""

    text: str
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Paragraph:
    """Running text; ``prompt`` marks what the author has to write, ``warning`` what has to be known first."""

    text: str
    prompt: bool = False
    warning: bool = False
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]
    warning: bool = False
    kind: str = field(default="bullets", init=False)


@dataclass(frozen=True)
class TableBlock:
    """A numbered table."""

    name: str
    label: str
    table: Table
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class FigureBlock:
    """A numbered figure."""

    name: str
    label: str
    caption: str
    png: bytes
    kind: str = field(default="figure", init=False)


@dataclass(frozen=True)
class ChecklistBlock:
    """A checklist filled in."""

    source: str
    answers: tuple[Answer, ...]
    kind: str = field(default="checklist", init=False)


@dataclass(frozen=True)
class CodeBlock:
    """Code in one language."""

    language: str
    text: str
    kind: str = field(default="code", init=False)


Block = Heading | Paragraph | Bullets | TableBlock | FigureBlock | ChecklistBlock | CodeBlock


@dataclass(frozen=True)
class Report:
    """A report before it is written: title, author, and the blocks in their order."""

    title: str
    author: str
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> list[str]:
        return [b.text for b in self.blocks if isinstance(b, Heading)]


class Builder:
    """Collects blocks, numbers tables and figures, and remembers where what is."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress, self._began = progress, time.perf_counter()
        self.blocks: list[Block] = []
        self.places: dict[str, str] = {}
        self._count = {"Table": 0, "Figure": 0}

    def tell(self, what: str) -> None:
        """Say what is being made."""
        if self._progress is not None:
            self._progress(what, time.perf_counter() - self._began)

    def heading(self, text: str) -> None:
        self.blocks.append(Heading(text))

    def say(self, text: str | None, *, prompt: bool = False, warning: bool = False) -> None:
        """A paragraph, unless it is empty."""
        if text:
            self.blocks.append(Paragraph(text, prompt, warning))

    def list(self, items: Sequence[str], *, warning: bool = False) -> None:
        """A list, unless it is empty."""
        if items:
            self.blocks.append(Bullets(tuple(items), warning))

    def table(self, name: str, table: Table) -> None:
        self.blocks.append(TableBlock(name, self._label("Table", name), table))

    def figure(self, name: str, caption: str, png: bytes) -> None:
        self.blocks.append(FigureBlock(name, self._label("Figure", name), caption, png))

    def _label(self, word: str, name: str) -> str:
        self._count[word] += 1
        label = f"{word} {self._count[word]}"
        self.places.setdefault(name, label)
        return label
