"""What CONTRIBUTING.md and docs/architecture.md name is there: files, folders, functions, targets of make."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import rooms

GUIDE = "CONTRIBUTING.md"
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in (GUIDE, "docs/architecture.md")}
MADE = ("build/", ".venv", ".Rlib", "../shared/")  # not in a fresh checkout
ENDINGS = r"\.(?:py|R|md|json|csv|svg|toml|txt)$"


def paths(text: str) -> set[str]:
    """What stands in backticks and looks like a path, and what links lead to."""
    named = {word for code in re.findall(r"`([^`]+)`", text) for word in re.split(r"[\s\"'=(),]+", code)}
    found = {word for word in named if re.fullmatch(r"[\w./-]+", word) and ("/" in word or re.search(ENDINGS, word))}
    return found | {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the guide."""
    section = PAGES[GUIDE].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(path) -> set[str]:
    """Functions, classes and methods of a Python file, methods as ``Class.method``."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return found


@pytest.mark.parametrize(("page", "path"), [(page, path) for page in PAGES for path in sorted(paths(PAGES[page]))])
def test_every_path_is_there(page, path):
    if path.startswith(MADE):
        return
    places = [ROOT / path, (ROOT / page).parent / path, rooms.SOURCE / path, rooms.SOURCE / f"{path}.py"]
    assert any(place.exists() for place in places), f"{page} names {path}, which is not there"


def test_the_search_for_paths_finds_them():
    text = "See `R/a.R`, [b](docs/b.md), `python -m pytest tests/c.py`, `x = 1`, `NEWS.md` and [d](https://e.org)."
    assert paths(text) == {"R/a.R", "docs/b.md", "tests/c.py", "NEWS.md"}


def test_every_room_has_its_line_in_the_order_of_the_floors():
    named = [row[0].removeprefix("python/gbtm/").rstrip("/").removesuffix(".py") for row in rows("Where new code goes")]
    assert set(named) == set(rooms.ROOMS) - {"gbtm", "_version"}
    floors = [rooms.floor_of(room) for room in named]
    assert floors == sorted(floors)


def test_the_ten_questions_have_their_answers():
    table = rows("Ten questions of a newcomer")
    assert len(table) == 10
    for question, folder, file, name in table:
        assert (ROOT / file).parent == ROOT / folder, question
        assert name in names_in(ROOT / file), f"{question} {file} has no {name}"


def test_every_target_of_make_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {target for page in PAGES.values() for target in re.findall(r"`make ([a-z-]+)", page)}
    assert named <= targets
    assert {"quick", "golden", "test", "lint", "mutate"} <= named
