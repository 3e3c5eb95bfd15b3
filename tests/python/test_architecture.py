"""The picture and the table of the rooms are those of today's imports."""

from __future__ import annotations

import re
import sys

import networkx
import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import architecture
import rooms

MENDED = "run `make architecture` and commit what it writes"


def test_the_picture_is_not_stale():
    assert (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8") == architecture.picture(), MENDED


def test_the_table_is_not_stale():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page == architecture.with_table(page), MENDED


def test_edges_are_those_that_a_plain_search_of_the_text_finds():
    """Relative imports, as the engine writes them, by a regular expression instead of ast."""
    found: dict[str, set[str]] = {}
    for path in rooms.SOURCE.glob("*/**/*.py"):
        room = path.relative_to(rooms.SOURCE).parts[0]
        depth = len(path.relative_to(rooms.SOURCE).parts)
        text = path.read_text(encoding="utf-8")
        up = re.escape("." * depth)
        named = re.findall(rf"^\s*from {up}(\w+)[.\w]* import ", text, re.MULTILINE)
        named += [n for names in re.findall(rf"^\s*from {up} import (.+)$", text, re.MULTILINE)
                  for n in re.findall(r"\w+", names)]
        named += re.findall(rf'import_module\(f?"{up}(\w+)', text)
        found.setdefault(room, set()).update(named)
    got = architecture.edges()
    assert {room: others - {room} for room, others in found.items()} == {room: set(got[room]) for room in found}


def test_arrows_that_carry_are_the_transitive_reduction():
    found = architecture.edges()
    left_out = {*architecture.GROUND, architecture.DOOR}
    graph = networkx.DiGraph([(a, b) for a in found for b in found[a] if {a, b}.isdisjoint(left_out)])
    assert architecture.carrying(found) == set(networkx.transitive_reduction(graph).edges)


def test_a_detour_takes_an_arrow_s_place():
    found = {"a": "bcd", "b": "c", "c": ("errors",), "d": (), "errors": ()}
    want = {("a", "b"), ("b", "c"), ("a", "d")}
    assert architecture.carrying({room: frozenset(others) for room, others in found.items()}) == want


def test_every_arrow_is_drawn_and_points_down():
    found = architecture.edges()
    left_out = {*architecture.GROUND, architecture.DOOR}
    drawn = re.findall(r'<path d="M[\d.-]+,([\d.]+) C.*? [\d.-]+,([\d.]+)" fill="none"', architecture.picture())
    assert len(drawn) == sum(len(found[a] - left_out) for a in found if a not in left_out)
    assert all(float(start) < float(end) for start, end in drawn)


def test_a_room_without_a_floor_is_an_error(tmp_path):
    source = tmp_path / "gbtm"
    (source / "attic").mkdir(parents=True)
    for path in (source / "__init__.py", source / "attic" / "__init__.py"):
        path.write_text('"""A room."""\n', encoding="utf-8")
    with pytest.raises(KeyError, match="attic"):
        architecture.picture(source)


def test_a_page_without_marks_is_an_error():
    with pytest.raises(ValueError, match="marks"):
        architecture.with_table("# Architecture\n")
