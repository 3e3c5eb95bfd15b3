"""A fit, and the search before it, as Python."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from .calls import WIDTH, wrapped
from .recipe import UNKNOWN, Recipe
from .search_recipe import SearchRecipe


def python_code(asked: Recipe, data: str, search: SearchRecipe | None = None) -> str:
    """The whole script; ``asked.form`` "command" is Stata's text given to gbtm.traj()."""
    lines = ["import gbtm", "import pandas as pd", "", f"data = pd.read_csv({json.dumps(data)})"]
    if asked.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    lines += [f"data[{_value(c)}] = pd.Categorical(data[{_value(c)}], {_value(levels)})"
              for c, levels in asked.levels.items()]
    if search is not None:
        lines += _search(search)
    options = [f"{k}={_value(v)}" for k, v in asked.fit.items()]
    if asked.from_start:
        options.append(f"start={_value(list(asked.estimates))}")
    if asked.form == "command":
        lines.append(wrapped("res = gbtm.traj(", [*_first(asked), *options]))
    else:
        lines += [wrapped("model = gbtm.GBTM.from_formula(", [*_first(asked), *_model(asked)]),
                  wrapped("res = model.fit(", options)]
    lines.append("print(res.summary())")
    if not asked.from_start:
        at = ", ".join(repr(v) for v in asked.estimates)
        call = "gbtm.traj(..., " if asked.form == "command" else "model.fit("
        lines += ["# the same optimum without a search:",
                  *textwrap.wrap(f"res = {call}start=[{at}])", WIDTH, initial_indent="# ", subsequent_indent="#     ")]
    return "\n".join(lines) + "\n"


def _search(search: SearchRecipe) -> list[str]:
    asked = search.asked
    options = [f"{k}={_value(v)}" for k, v in asked.fit.items()]
    lines = ["", f"# {search.comment}"]
    if search.settings_lost:
        lines.append(f"# {search.settings_lost}")
    lines += [wrapped("found = gbtm.search(", [*_first(asked), *_model(asked), *options]), "print(found.summary())"]
    if search.label is not None:
        pick = f"fits[{_value(search.label)}]" if search.criterion is None else (
            f"best({_value(search.criterion) if search.criterion else ''})")
        lines.append(f"res = found.{pick}")
    return [*lines, "", f"# {search.then}"]


def _first(asked: Recipe) -> list[str]:
    return [_value(asked.formula), "data", *([f"id={_value(asked.id)}"] if asked.id else [])]


def _model(asked: Recipe) -> list[str]:
    arguments = [f"{k}={_value(v)}" for k, v in {**asked.model, **asked.columns}.items()]
    return arguments + ([f"wide={_value(asked.wide)}"] if asked.wide else [])


def _value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(v) for v in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(k)}: {_value(v)}" for k, v in value.items()) + "}"
    return repr(value)
