"""A docstring of ours as Markdown: sections, lists of parameters, examples, references to other things."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

SECTION = re.compile(r"^(\w[\w ]*)\n(-{3,})$", re.MULTILINE)
ENTRY = re.compile(r"(\**[A-Za-z_][\w.]*(?:, \**[A-Za-z_][\w.]*)*)(?: : (.*))?$")
CODE = re.compile(r"(``.+?``|:[a-z]+:`[^`]+`|`[^`]+`)", re.DOTALL)
ROLE = re.compile(r":([a-z]+):`(~?)([^`]+)`")
PAGE = re.compile(r"\bdocs/([a-z-]+)\.md\b")


class Writer:
    """Turns docstrings into Markdown. ``link(name)`` is the address of what a role names, None where it has no page."""

    def __init__(self, link: Callable[[str], str | None]) -> None:
        self.link = link

    def markdown(self, docstring: str, level: int) -> str:
        """The whole docstring; its sections get headings of ``level`` numbers of #, or bold type beyond three."""
        parts = SECTION.split(docstring)
        written = [self.prose(parts[0])]
        for name, text in zip(parts[1::3], parts[3::3], strict=True):
            written.append(f"{'#' * level} {name}" if level <= 2 else f"**{name}**")
            text = text.strip("\n")
            entries = name in ("Parameters", "Attributes", "Raises", "Warns") or (
                name == "Returns" and re.match(r"\w+ : ", text))
            written.append(self.entries(text) if entries else self.prose(text))
        return "\n\n".join(part for part in written if part)

    def entries(self, text: str) -> str:
        """``name : text`` with further lines indented, as a list of definitions; other text stays as it is."""
        written: list[str] = []
        lines = text.split("\n")
        at = 0
        while at < len(lines):
            found = ENTRY.match(lines[at])
            after = at + 1
            while after < len(lines) and (not lines[after].strip() or lines[after].startswith(" ")):
                after += 1
            if found and (found[2] or after > at + 1):
                more = textwrap.dedent("\n".join(lines[at + 1:after])).rstrip()
                body = self.definition(found[2] or "", more)
                names = ", ".join(f"`{name}`" for name in found[1].split(", "))
                written.append(f"{names}\n{body}")
            else:
                while after < len(lines) and not ((again := ENTRY.match(lines[after])) and again[2]):
                    after += 1
                written.append(self.prose("\n".join(lines[at:after])))
            at = after
        return "\n\n".join(written)

    def definition(self, first: str, more: str) -> str:
        """What is said of one name: its first line, and what is indented below it; names of its own there too."""
        head, _, nested = more.partition("\n\n")
        if not first and ENTRY.match(head) and " : " in head.split("\n")[0]:
            head, nested = "", more
        text = self.prose(f"{first}\n{head}".strip())
        if nested.strip():
            inner = self.entries(nested.strip("\n")) if " : " in nested else self.prose(nested)
            text = f"{text}\n\n{inner}"
        lines = textwrap.indent(text, "    ").lstrip().split("\n")
        return "\n".join([f":   {lines[0]}", *lines[1:]])

    def prose(self, text: str) -> str:
        """Paragraphs, lists, indented code and examples."""
        written = []
        for block in re.split(r"\n{2,}", text.strip("\n")):
            if block.lstrip().startswith(">>>"):
                written.append(f"```pycon\n{textwrap.dedent(block)}\n```")
            elif block.startswith("    "):
                written.append(f"```text\n{textwrap.dedent(block)}\n```")
            else:
                written.append(re.sub(r"::$", ":", self.inline(block)))
        joined = "\n\n".join(written)
        return joined.replace("\n```\n\n```pycon\n", "\n\n").replace("\n```\n\n```text\n", "\n\n")

    def inline(self, text: str) -> str:
        """Code and references; what Markdown would take for its own is marked as text."""
        return "".join(self.code(part) if at % 2 else self.words(part) for at, part in enumerate(CODE.split(text)))

    @staticmethod
    def words(text: str) -> str:
        text = re.sub(r"([*<\[\]|\\])", r"\\\1", text).replace(r"\<", "&lt;")
        text = re.sub(r"^(\s*)\\\* ", r"\1* ", text, flags=re.MULTILINE)
        return PAGE.sub(r"[docs/\1.md](../../docs/\1.md)", text)

    def code(self, text: str) -> str:
        found = ROLE.fullmatch(text)
        if not found:
            return f"`{text.strip('`')}`"
        kind, short, target = found.groups()
        shown = target.rsplit(".", 1)[-1] if short else target
        shown = f"`{shown}()`" if kind in ("func", "meth") else f"`{shown}`"
        address = self.link(target)
        return f"[{shown}]({address})" if address else shown
