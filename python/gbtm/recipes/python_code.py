"""A fit, and the search before it, as Python."""

from __future__ import annotations

import json
import textwrap
from dataclasses import fields
from typing import Any

from ..design.network import Network
from ..specification.event import Event
from ..specification.prior import Prior
from .calls import WIDTH, wrapped
from .reading import read_in_python
from .recipe import UNKNOWN, Recipe
from .search_recipe import SearchRecipe


def python_code(recipe: Recipe, data: str, search: SearchRecipe | None = None) -> str:
    """The whole script; ``recipe.form`` "command" is Stata's text given to gbtm.traj()."""
    lines = read_in_python(data, recipe.levels, _value, on_disk=recipe.on_disk)
    if recipe.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    if search is not None:
        lines += _search(search)
    options = [f"{k}={_value(v)}" for k, v in recipe.fit.items()]
    if recipe.from_start:
        options.append(f"start={_value(list(recipe.estimates))}")
    if recipe.form == "command":
        lines.append(wrapped("res = gbtm.traj(", [*_first(recipe), *options]))
    else:
        lines += [wrapped("model = gbtm.GBTM.from_formula(", [*_first(recipe), *_model(recipe)]),
                  wrapped("res = model.fit(", options)]
    lines.append("print(res.summary())")
    if recipe.estimates and not recipe.from_start:
        at = ", ".join(repr(v) for v in recipe.estimates)
        call = "gbtm.traj(..., " if recipe.form == "command" else "model.fit("
        lines += ["# the same optimum without a search:",
                  *textwrap.wrap(f"res = {call}start=[{at}])", WIDTH, initial_indent="# ", subsequent_indent="#     ")]
    return "\n".join(lines) + "\n"


def _search(search: SearchRecipe) -> list[str]:
    recipe = search.recipe
    options = [f"{k}={_value(v)}" for k, v in recipe.fit.items()]
    lines = ["", f"# {search.comment}"]
    if search.settings_lost:
        lines.append(f"# {search.settings_lost}")
    lines += [wrapped("found = gbtm.search(", [*_first(recipe), *_model(recipe), *options]), "print(found.summary())"]
    if search.label is not None:
        pick = f"fits[{_value(search.label)}]" if search.criterion is None else (
            f"best({_value(search.criterion) if search.criterion else ''})")
        lines.append(f"res = found.{pick}")
    return [*lines, "", f"# {search.then}"]


def _first(recipe: Recipe) -> list[str]:
    return [_value(recipe.formula), "data", *([f"id={_value(recipe.id)}"] if recipe.id else [])]


def _model(recipe: Recipe) -> list[str]:
    arguments = [f"{k}={_value(v)}" for k, v in {**recipe.model, **recipe.columns}.items()]
    return arguments + ([f"wide={_value(recipe.wide)}"] if recipe.wide else [])


def _value(value: Any) -> str:
    if isinstance(value, Prior):
        return '"weak"' if value == Prior() else f"gbtm.{value!r}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(k)}: {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Event):
        given = {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) != f.default}
        return f"gbtm.Event({', '.join(f'{k}={_value(v)}' for k, v in given.items())})"
    return f"gbtm.{value!r}" if isinstance(value, Network) else repr(value)
