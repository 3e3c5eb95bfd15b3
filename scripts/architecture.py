"""The picture of the rooms and the table of what each imports, drawn from the imports themselves.

    python scripts/architecture.py      docs/architecture.svg, and the table in docs/architecture.md between its marks

Rooms stand from bottom to top as in scripts/rooms.py. On the left are the arrows that carry the order: what a room
imports and could not reach by a detour over other rooms. On the right, paler, are all others. Arrows to the ground,
which every room may use, are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

import rooms

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- rooms: written by `make architecture` -->", "<!-- end of rooms -->"
GROUND = ("errors", "constants", "_version", "checks")  # every room may use them
DOOR = "gbtm"

Edges = Mapping[str, frozenset[str]]

ROW, BOX, GAP = 34, 26, 7  # height of a line, of a box, further space between floors
LEFT, WIDTH, RIGHT = 150, 580, 320  # room for the arrows that carry the order, of a box, for the other arrows
TOP = 58
DARK, PALE, INK = "#1f4e79", "#9db4c8", "#1b1b1b"


@cache
def edges(source: Path = rooms.SOURCE) -> Edges:
    """Room -> the other rooms that it imports from, for hints of types too."""
    found: dict[str, set[str]] = {room: set() for room in present(source)}
    for one in rooms.imports(source):
        here, there = rooms.room_of(one.module), rooms.room_of(one.imported)
        if here != there:
            found[here].add(there)
    return {room: frozenset(others) for room, others in found.items()}


def present(source: Path = rooms.SOURCE) -> list[str]:
    """The rooms that are there, bottom to top."""
    there = {rooms.room_of(module) for module in rooms.modules(source)}
    for room in there:
        rooms.floor_of(room)  # a room without a floor is an error here, not a gap in the picture
    return [room for room in rooms.ROOMS if room in there]


def carrying(found: Edges) -> set[tuple[str, str]]:
    """Edges that no detour replaces (the transitive reduction), the ground and the front door left out."""
    inner = {room: found[room] - {*GROUND, DOOR} for room in found if room not in (*GROUND, DOOR)}
    below: dict[str, frozenset[str]] = {}

    def reached(room: str) -> frozenset[str]:
        if room not in below:
            below[room] = frozenset().union(inner[room], *(reached(other) for other in inner[room]))
        return below[room]

    return {(a, b) for a in inner for b in inner[a] if not any(b in reached(c) for c in inner[a] if c != b)}


def purpose(room: str, source: Path = rooms.SOURCE) -> str:
    """First sentence of the room's own docstring."""
    path = {DOOR: source / "__init__.py"}.get(room, source / room / "__init__.py")
    path = path if path.is_file() else source / f"{room}.py"
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".")


def table(source: Path = rooms.SOURCE) -> str:
    """Markdown: a line for each room, top to bottom; **bold** is what carries the order. Without the ground."""
    found = edges(source)
    strong = carrying(found)
    lines = ["| floor | room | what it is | imports from |", "|---|---|---|---|"]
    for room in reversed(present(source)):
        if room == DOOR:
            continue
        others = [f"**{o}**" if (room, o) in strong else o for o in reversed(rooms.ROOMS)
                  if o in found[room] and o not in GROUND]
        lines.append(f"| {rooms.floor_of(room)} | `{room}` | {purpose(room, source)} | {', '.join(others) or 'none'} |")
    return "\n".join(lines)


def picture(source: Path = rooms.SOURCE) -> str:
    """The SVG."""
    found, shown = edges(source), present(source)
    strong = carrying(found)
    place = _places(shown)
    height = max(place.values()) + ROW + 12
    parts = [_head(LEFT + WIDTH + RIGHT, height)]
    parts += [_box(room, place[room], purpose(room, source)) for room in reversed(shown)]
    pairs = sorted(((a, b) for a in found for b in found[a] if {a, b}.isdisjoint((*GROUND, DOOR))),
                   key=lambda pair: (place[pair[0]] - place[pair[1]], pair))
    parts += [_arrow(place[a], place[b], strong=False) for a, b in pairs if (a, b) not in strong]
    parts += [_arrow(place[a], place[b], strong=True) for a, b in pairs if (a, b) in strong]
    return "\n".join([*parts, "</svg>", ""])


def _places(shown: list[str]) -> dict[str, int]:
    """Room -> top of its box: one below the other, rooms of a floor close together."""
    place: dict[str, int] = {}
    at, floor = TOP, rooms.floor_of(shown[-1])
    for room in reversed(shown):
        if rooms.floor_of(room) != floor:
            at, floor = at + GAP, rooms.floor_of(room)
        place[room], at = at, at + ROW - 4
    return place


def _head(width: int, height: int) -> str:
    arrow = ('<marker id="{0}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
             '<path d="M0,0.5 L8,4 L0,7.5 z" fill="{1}"/></marker>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="Helvetica, Arial, sans-serif">',
        "<!-- written by `make architecture` -->",
        f"<defs>{arrow.format('dark', DARK)}{arrow.format('pale', PALE)}</defs>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold" fill="{INK}">The rooms of python/gbtm: an arrow says '
        '&#8220;imports from&#8221;, and all of them point down</text>',
        f'<text x="16" y="43" font-size="12" fill="{DARK}">Left: the arrows that carry the order.'
        f'<tspan fill="#6b8299">  Right: all others. Every room may use {", ".join(GROUND)}: arrows to them are not '
        "drawn.</tspan></text>",
    ])


def _box(room: str, top: int, text: str) -> str:
    fill = "#eeeeee" if room in (*GROUND, DOOR) else "#e4eef7"
    middle = top + BOX / 2 + 4
    return (f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{BOX}" rx="4" fill="{fill}" stroke="{PALE}"/>'
            f'<text x="{LEFT + 10}" y="{middle:g}" font-size="13" font-weight="bold" fill="{INK}">{escape(room)}</text>'
            f'<text x="{LEFT + 118}" y="{middle:g}" font-size="11.5" fill="#444444">{escape(_short(text))}</text>')


def _short(text: str, most: int = 70) -> str:
    return text if len(text) <= most else text[:most].rpartition(" ")[0].rstrip(",;:") + " .."


def _arrow(start: int, end: int, *, strong: bool) -> str:
    """Out of the lower half of a box, into the upper half of one below it; the longer, the further out."""
    side, out = (LEFT, -1) if strong else (LEFT + WIDTH, 1)
    high, low = start + BOX * 0.7, end + BOX * 0.3
    most = (LEFT if strong else RIGHT) - 20
    bulge = side + out * min(most, 14 + (low - high) * 0.47) * 4 / 3  # a cubic reaches 3/4 of its control points
    colour, width, name = (DARK, 1.8, "dark") if strong else (PALE, 0.9, "pale")
    return (f'<path d="M{side},{high:.1f} C{bulge:.1f},{high:.1f} {bulge:.1f},{low:.1f} {side},{low:.1f}" fill="none" '
            f'stroke="{colour}" stroke-width="{width}" marker-end="url(#{name})"/>')


def with_table(text: str, source: Path = rooms.SOURCE) -> str:
    """The page with today's table between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/architecture.md has lost its marks '{BEGIN}' and '{END}'.")
    return f"{before}{BEGIN}\n{table(source)}\n{END}{after}"


if __name__ == "__main__":
    (DOCS / "architecture.svg").write_text(picture(), encoding="utf-8")
    page = DOCS / "architecture.md"
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
