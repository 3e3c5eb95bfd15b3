"""The rooms of python/gbtm, bottom to top, and every import between its modules, read from the source by ast.

    python scripts/rooms.py        imports that do not run downwards

The order is written here alone: the test of the import directions and the picture of the architecture read it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[1] / "python" / "gbtm"

# A room is a folder of python/gbtm, or a file at its top. It imports only from rooms on floors below its own:
# rooms that share a floor do not know one another.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "constants", "foreign_words", "_version"),
    ("checks", "arguments", "time_terms"),
    ("families", "datasets", "tables"),
    ("columns",),
    ("data",),
    ("disk", "lags"),
    ("design", "compute"),
    ("specification",),
    ("model",),
    ("densities",),
    ("likelihood",),
    ("estimation",),
    ("findings",),
    ("record",),
    ("fit",),
    ("inference", "fit_on_disk", "adequacy", "resampling", "step_three", "training"),
    ("distal", "forecast", "networks"),
    ("figures", "traj_programs", "traj_commands"),
    ("api",),
    ("selection",),
    ("recipes",),
    ("report",),
    ("bridge",),
    ("gbtm",),  # python/gbtm/__init__.py, the front door: it names what the user may use
)
ROOMS: tuple[str, ...] = tuple(room for floor in FLOORS for room in floor)


class Import(NamedTuple):
    """One import of a module of gbtm by another. Modules by their dotted names: ``gbtm.record.document``."""

    module: str
    imported: str
    line: int
    in_function: str | None  # the function or method around it, as in "GBTMResults.plot"; None at the top of a file
    for_types: bool  # below ``if TYPE_CHECKING``: never run


def room_of(module: str) -> str:
    """``gbtm.record.document`` -> ``record``; ``gbtm`` itself is the room ``gbtm``."""
    return module.split(".")[1] if "." in module else module


def floor_of(room: str) -> int:
    """The floor of a room, from 0. A room without a floor raises KeyError: give it one in FLOORS."""
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise KeyError(f"room '{room}' has no floor: put it into FLOORS of scripts/rooms.py")


def rises(found: Import) -> bool:
    """True where an import leaves its room without going down."""
    here, there = room_of(found.module), room_of(found.imported)
    return here != there and floor_of(there) >= floor_of(here)


def modules(source: Path = SOURCE) -> dict[str, Path]:
    """Dotted name -> file, of every module of gbtm."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        parts = ("gbtm", *path.relative_to(source).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: Path = SOURCE) -> Iterator[Import]:
    """Every import of a module of gbtm by another, also those inside functions and for type hints."""
    known = modules(source)
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        visitor = _Visitor(name, package, frozenset(known))
        visitor.visit(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
        yield from visitor.found


class _Visitor(ast.NodeVisitor):
    """Collects the imports of one file and remembers which function or class it is in."""

    def __init__(self, module: str, package: str, known: frozenset[str]) -> None:
        self.module, self.package, self.known = module, package, known
        self.found: list[Import] = []
        self._around: list[str] = []
        self._functions = 0
        self._for_types = False

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node, node.name, 0)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node, node.name, 1)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._inside(node, node.name, 1)

    def visit_If(self, node: ast.If) -> None:
        before, test = self._for_types, node.test
        named = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
        self._for_types = before or named == "TYPE_CHECKING"
        for child in node.body:
            self.visit(child)
        self._for_types = before
        self.visit(test)
        for child in node.orelse:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._absolute(node.level, node.module or "")
        for alias in node.names:
            whole = f"{base}.{alias.name}"
            self._add(whole if whole in self.known else base, node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        """``importlib.import_module("..figures.curves", __package__)``, also where only the beginning is a constant."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        text = _beginning(node.args[0]) if called == "import_module" and node.args else ""
        if text.strip("."):
            level = len(text) - len(text.lstrip("."))
            self._add(self._absolute(level, text.lstrip(".")).rstrip("."), node.lineno)
        self.generic_visit(node)

    def _inside(self, node: ast.AST, name: str, function: int) -> None:
        self._around.append(name)
        self._functions += function
        self.generic_visit(node)
        self._functions -= function
        self._around.pop()

    def _absolute(self, level: int, module: str) -> str:
        if not level:
            return module
        parts = self.package.split(".")
        base = ".".join(parts[: len(parts) - level + 1])
        return f"{base}.{module}" if module else base

    def _add(self, imported: str, line: int) -> None:
        """A longer name than any module's (``gbtm.errors.DataError``) is cut to the module's."""
        if imported.split(".")[0] != "gbtm":
            return
        while imported not in self.known:
            imported = imported.rpartition(".")[0]
        function = ".".join(self._around) if self._functions else None
        new = Import(self.module, imported, line, function, self._for_types)
        if new not in self.found:  # several names of one module on one line
            self.found.append(new)


def _beginning(node: ast.expr) -> str:
    """The constant text that an expression begins with."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


if __name__ == "__main__":
    for found in imports():
        if rises(found):
            where = f" in {found.in_function}" if found.in_function else ""
            print(f"{found.module}:{found.line}{where} imports {found.imported}")
