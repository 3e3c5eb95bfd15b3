"""Data flows one way: a room of the engine imports only from rooms on the floors below it."""

from __future__ import annotations

import ast
import sys

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import rooms

RESULTS = "gbtm.api.results"


def _words(found: rooms.Import) -> str:
    where = f" in {found.in_function}" if found.in_function else ""
    return f"{found.module}:{found.line}{where} imports {found.imported}"


def test_no_import_runs_up():
    rising = [_words(i) for i in rooms.imports() if rooms.rises(i)]
    assert not rising, "\n".join(rising)


def test_no_two_files_import_each_other_even_by_a_detour():
    """Imports inside functions and for type hints included; the package's front door names what it offers."""
    below: dict[str, set[str]] = {}
    for i in rooms.imports():
        if i.module != "gbtm" and i.imported not in (i.module, "gbtm"):
            below.setdefault(i.module, set()).add(i.imported)
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module):], module])
        if module not in done:
            for other in sorted(below.get(module, ())):
                walk(other, (*path, module))
            done.add(module)

    for module in sorted(below):
        walk(module, ())


def test_every_folder_has_a_floor():
    folders = {p.parent.name for p in (ROOT / "python" / "gbtm").glob("*/__init__.py")}
    assert folders <= set(rooms.ROOMS)
    assert len(rooms.ROOMS) == len(set(rooms.ROOMS))


@pytest.mark.parametrize("room", ["families", "model", "data", "design"])
def test_what_describes_a_model_needs_no_torch_at_import(room):
    """Families, panels and specifications are read, checked and printed without torch."""
    for path in (ROOT / "python" / "gbtm" / room).glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            assert not any(n.split(".")[0] == "torch" for n in names), path.name


def test_the_results_hand_on_inside_their_methods():
    """Only reading the document is imported at the top of ``api/results.py``: a loaded fit needs no torch."""
    top = {i.imported for i in rooms.imports() if i.module == RESULTS and not i.in_function and not i.for_types}
    assert top == {"gbtm.api.event_results", "gbtm.arguments", "gbtm.checks", "gbtm.fit.fit"}


def test_the_test_sees_imports_of_every_kind(tmp_path):
    source = tmp_path / "gbtm"
    for name, text in {
        "fit/__init__.py": "", "api/__init__.py": "", "api/a.py": "", "__init__.py": "",
        "fit/b.py": "from ..api.a import x\n"
                    "def f():\n    from ..api import a\n"
                    "if TYPE_CHECKING:\n    import gbtm.api.a\n",
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")
    found = [i for i in rooms.imports(source) if rooms.rises(i)]
    assert [(i.line, i.in_function, i.for_types) for i in found] == [(1, None, False), (3, "f", False), (5, None, True)]


def test_a_file_says_one_noun_and_a_function_one_thing():
    """No room over 3,500 lines, no file over 350, no function over 60 without its docstring."""
    folder = ROOT / "python" / "gbtm"
    lines: dict[str, int] = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        room, count = path.relative_to(folder).parts[0], text.count("\n")
        lines[room] = lines.get(room, 0) + count
        assert count <= 350, f"{path.relative_to(ROOT)}: {count} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                own = node.body[1:] if ast.get_docstring(node) else node.body
                long = (own[-1].end_lineno or 0) - own[0].lineno + 1 if own else 0
                assert long <= 60, f"{path.relative_to(ROOT)}: {node.name}, {long} lines"
    assert max(lines.values()) <= 3500, lines
