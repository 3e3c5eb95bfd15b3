"""Pages of the Python reference from the docstrings of what ``gbtm`` makes public.

    python scripts/site/python_reference.py FOLDER

A page for each name of ``gbtm.__all__``, for each function of ``gbtm.datasets``, and for classes and functions that
these pages refer to. It runs in the engine's environment.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

from docstring import ROLE, Writer

import gbtm

WIDE = 88


def signature(thing: Any, name: str) -> str:
    """How it is called, a parameter a line where one line would be too long."""
    asked = inspect.signature(thing)
    shown = [_parameter(text) for text in _parameters(asked)]
    what = asked.return_annotation
    returns = "" if what is inspect.Signature.empty else f" -> {_annotation(what)}"
    line = f"{name}({', '.join(shown)}){returns}"
    if len(line) <= WIDE:
        return line
    return f"{name}(\n    " + ",\n    ".join(shown) + f",\n){returns}"


def _annotation(value: Any) -> str:
    return value.strip("'\"") if isinstance(value, str) else inspect.formatannotation(value)


def _parameter(text: str) -> str:
    return re.sub(r": '?Any'?(?= =|$)", "", text).replace("'", "\"") if ": '" not in text else _unquoted(text)


def _unquoted(text: str) -> str:
    name, _, rest = text.partition(": '")
    kind, _, default = rest.partition("'")
    return f"{name}{default.replace(' = ', '=')}" if kind == "Any" else f"{name}: {kind}{default}"


def _parameters(asked: inspect.Signature) -> list[str]:
    written: list[str] = []
    starred = False
    for parameter in asked.parameters.values():
        if parameter.name in ("self", "cls") and not written:
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            written.append("*")
        starred = starred or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        written.append(str(parameter))
    return written


class Reference:
    """Which things have a page, and the pages."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {name: getattr(gbtm, name) for name in gbtm.__all__
                                      if name not in ("__version__", "datasets")}
        for name in gbtm.datasets.__all__:
            self.pages[f"datasets.{name}"] = getattr(gbtm.datasets, name)
        self.public = list(self.pages)
        self.current: Any = None
        waiting = list(self.pages.values())
        while waiting:  # what is referred to, and what is referred to there
            waiting = [new for thing in waiting for new in self._referred(thing)]

    def _referred(self, thing: Any) -> list[Any]:
        texts = [inspect.getdoc(thing) or "", *(inspect.getdoc(member) or "" for _, member in self._members(thing))]
        new = []
        for kind, _, target in ROLE.findall("\n".join(texts)):
            found = self._resolved(target) if kind in ("class", "func") else None
            if found is not None and found[1] == "" and self._name(found[0]) is None:
                if found[0].__qualname__ in self.pages:
                    raise SystemExit(f"Two things are called {found[0].__qualname__}; {target} is one of them.")
                self.pages[found[0].__qualname__] = found[0]
                new.append(found[0])
        return new

    def _name(self, thing: Any) -> str | None:
        return next((name for name, other in self.pages.items() if other is thing), None)

    @staticmethod
    def _members(thing: Any) -> list[tuple[str, Any]]:
        """Public methods and attributes of a class that its own code or that of its parents of ours defines."""
        if not inspect.isclass(thing):
            return []
        named: dict[str, Any] = {}
        for parent in reversed(thing.__mro__):
            if parent.__module__.startswith("gbtm."):
                named.update((name, value) for name, value in vars(parent).items() if not name.startswith("_"))
        kinds = (property, cached_property, classmethod, staticmethod)
        shown = {name: value for name, value in named.items() if isinstance(value, kinds) or inspect.isfunction(value)}
        return sorted(shown.items())

    def _resolved(self, target: str) -> tuple[Any, str] | None:
        """The class or function that a role names, and its member ('' for none)."""
        if "." not in target:
            if target in self.pages:
                return self.pages[target], ""
            if self.current is not None and target in dict(self._members(self.current)):
                return self.current, target
            return None
        if not target.startswith("gbtm."):
            target = f"gbtm.{target}"
        parts = target.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            try:
                thing: Any = importlib.import_module(".".join(parts[:cut]))
            except ImportError:
                continue
            rest = parts[cut:]
            thing = getattr(thing, rest[0], None)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                return (thing, rest[1] if len(rest) > 1 else "")
            return None
        return None

    def link(self, target: str) -> str | None:
        """The address of what a role names."""
        found = self._resolved(target)
        if found is None or (name := self._name(found[0])) is None:
            return None
        thing, member = found
        if member and member not in dict(self._members(thing)):
            return f"{name}.md"
        return f"{name}.md" + (f"#{member}" if member else "")

    def page(self, name: str) -> str:
        """One thing's page."""
        thing = self.pages[name]
        self.current = thing if inspect.isclass(thing) else None
        writer = Writer(self.link)
        shown = f"gbtm.{name}" if name in self.public else f"{thing.__module__}.{thing.__qualname__}"
        lines = [f"# {shown}", ""]
        if not (inspect.isclass(thing) and issubclass(thing, BaseException)):
            lines += [f"```python\n{signature(thing, shown)}\n```", ""]
        lines += [writer.markdown(inspect.getdoc(thing) or "", 2), ""]
        silent = []
        for member, value in self._members(thing):
            text = inspect.getdoc(getattr(value, "func", None) or getattr(value, "fget", None) or value)
            if not text:
                silent.append(member)
                continue
            called = not isinstance(value, (property, cached_property))
            lines += [f"## {member}{'()' if called else ''} {{#{member}}}", ""]
            if called:
                lines += [f"```python\n{signature(getattr(thing, member), member)}\n```", ""]
            lines += [writer.markdown(text, 3), ""]
        if silent:
            lines += ["## Other attributes", "", ", ".join(f"`{member}`" for member in silent), ""]
        return "\n".join(lines)

    def contents(self) -> str:
        """The first page of the reference."""
        rows = []
        for name in sorted(self.public, key=str.lower):
            sentence = (inspect.getdoc(self.pages[name]) or "").split("\n\n")[0].replace("\n", " ")
            rows.append(f"| [gbtm.{name}]({name}.md) | {Writer(self.link).inline(sentence)} |")
        told = ("What `import gbtm` gives, from its docstrings. Their examples run among the tests "
                "(`tests/python/test_docstrings.py`).")
        return "\n".join(["# Python reference", "", told, "", "| name | what it is |", "|---|---|", *rows, ""])


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    reference = Reference()
    for name in reference.pages:
        (folder / f"{name}.md").write_text(reference.page(name), encoding="utf-8")
    (folder / "index.md").write_text(reference.contents(), encoding="utf-8")
    print(len(reference.pages), "pages of the Python reference")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
