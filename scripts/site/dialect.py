"""Pages as GitHub reads them, written as Python-Markdown reads them.

Python-Markdown wants four spaces for each level of a list, and an empty line before a list or a table. Our pages are
written for CommonMark, which wants neither. ``scripts/site/check.py`` compares the tags of both readings.
"""

from __future__ import annotations

import re

ITEM = re.compile(r"( *)([*+-]|\d{1,9}[.)])( +)(?=\S)")
FENCE = re.compile(r" *(```+|~~~+)")
BEGINS = re.compile(r"(#{1,6} |\||>|```|~~~|///|<!--|---+$)")  # what does not go on with a paragraph


def to_python_markdown(text: str) -> str:
    """The page's text with lists indented by four spaces a level, and empty lines before lists and tables."""
    written: list[str] = []
    offsets: list[int] = []  # columns at which the content of the open list items begins
    fence, before = "", ""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        rest = line[indent:]
        if fence:
            written.append(_moved(line, offsets, len(offsets)))
            if rest.startswith(fence) and not rest.strip(fence[0]):
                fence = ""
            before = rest
            continue
        if not rest:
            written.append("")
            before = ""
            continue
        item = ITEM.match(line)
        lazy = before and not item and not BEGINS.match(rest) and not BEGINS.match(before)
        if not lazy:
            while offsets and indent < offsets[-1]:
                offsets.pop()
        new_list = item and not ITEM.match(before)
        if before and (new_list or (rest[0] == "|" and before[0] != "|")) and not _goes_on(item, offsets, written):
            written.append("")
        if lazy:
            written.append("    " * len(offsets) + rest)
        else:
            written.append(_moved(line, offsets, len(offsets)))
        if item:
            offsets.append(item.end())
        if found := FENCE.match(line):
            fence = found[1]
        before = rest
    return "\n".join(written) + "\n"


def _moved(line: str, offsets: list[int], depth: int) -> str:
    """The line in an item ``depth`` deep, where it was at the column of the item's content."""
    if not line.strip():
        return ""
    column = offsets[-1] if offsets else 0
    indent = len(line) - len(line.lstrip(" "))
    return "    " * depth + " " * max(indent - column, 0) + line.lstrip(" ")


def _goes_on(item: re.Match[str] | None, offsets: list[int], written: list[str]) -> bool:
    """Whether an item follows the text of an earlier item of the same list: an empty line would make the list loose."""
    if item is None:
        return False
    depth = "    " * len(offsets)
    for line in reversed(written):
        if not line:
            return False
        if line.startswith(depth) and ITEM.match(line[len(depth):]) and line[len(depth)] != " ":
            return True
        if not line.startswith(depth + " "):
            return False
    return False
