"""A fit, and the search before it, as R."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from .calls import WIDTH, wrapped
from .recipe import UNKNOWN, Recipe
from .search_recipe import SearchRecipe

CONTROL = ("n_starts", "max_starts")  # what gbtm_control() takes besides the seed


def r_code(asked: Recipe, data: str, search: SearchRecipe | None = None) -> str:
    """The whole script; ``asked.form`` "command" is Stata's text given to traj()."""
    lines = ["library(gbtm)", f"data <- read.csv({json.dumps(data)}, check.names = FALSE)"]
    if asked.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    lines += [f"data[[{_value(c)}]] <- factor(data[[{_value(c)}]], levels = {_value(levels)})"
              for c, levels in asked.levels.items()]
    if asked.form != "command" and "order" not in asked.model:
        lines.append("# A basis formula is R's own here: check that it spans the same curves.")
    if search is not None:
        lines += _search(search)
    settings, control = _settings(asked)
    if asked.form == "command":
        lines.append(wrapped("fit <- traj(", [_value(asked.formula), "data", *_id(asked), *settings, control]))
    else:
        lines.append(_fit(asked, settings, control))
    return "\n".join([*lines, "summary(fit)"]) + "\n"


def _fit(asked: Recipe, settings: list[str], control: str) -> str:
    """The call, with the estimates as a start; in a comment, where the fit was not made from a start."""
    opening, start = "fit <- gbtm(", f"start = {_value(list(asked.estimates))}"
    arguments = [*_first(asked), *_model(asked), *settings]
    if asked.from_start:
        return wrapped(opening, [*arguments, start, control])
    hang = " " * len(opening) + "# "
    within = textwrap.wrap(f"{start},", WIDTH, initial_indent=hang, subsequent_indent=f"{hang}  ")
    return "\n".join([
        wrapped(opening, arguments, ","), f"{hang}the same optimum without a search:", *within,
        f"{' ' * len(opening)}{control})",
    ])


def _search(search: SearchRecipe) -> list[str]:
    asked = search.asked
    settings, control = _settings(asked)
    model = [f"{k} = list({_value(v[0])})" if k in ("groups", "order") and isinstance(v, list) and len(v) == 1
             else f"{k} = {_value(v)}" for k, v in asked.model.items()]  # R's c(3) would be 1 to 3
    lines = ["", f"# {search.comment}"]
    if search.settings_lost:
        lines.append(f"# {search.settings_lost}")
    lines += [
        wrapped("found <- gbtm_search(", [*_first(asked), *model, *_columns(asked), *settings, control]),
        "summary(found)",
    ]
    if search.label is not None:
        pick = f"found$fits[[{_value(search.label)}]]" if search.criterion is None else (
            f"best(found{f', {_value(search.criterion)}' if search.criterion else ''})")
        lines.append(f"fit <- {pick}")
    return [*lines, "", f"# {search.then}"]


def _settings(asked: Recipe) -> tuple[list[str], str]:
    """Arguments of the call, and its control."""
    control = {"seed": asked.fit["rng"], **{k: v for k, v in asked.fit.items() if k in CONTROL}}
    own = [f"{k} = {_value(v)}" for k, v in asked.fit.items() if k != "rng" and k not in CONTROL]
    return own, f"control = gbtm_control({', '.join(f'{k} = {_value(v)}' for k, v in control.items())})"


def _id(asked: Recipe) -> list[str]:
    return [f"id = {_value(asked.id)}"] if asked.id else []


def _first(asked: Recipe) -> list[str]:
    if "order" in asked.model or asked.searches_orders:
        formula = f"{_name(asked.outcome)} ~ {_name(asked.time)}"
    else:
        formula = _formula(asked.formula)
    return [formula, "data = data", *_id(asked)]


def _model(asked: Recipe) -> list[str]:
    return [f"{k} = {_value(v)}" for k, v in asked.model.items()] + _columns(asked)


def _columns(asked: Recipe) -> list[str]:
    arguments = [f"{k} = {_terms(v) if k in ('risk', 'tcov', 'dcov') else _value(v)}"
                 for k, v in asked.columns.items()]
    if asked.wide:
        arguments.append(f"wide = list({', '.join(f'{_name(k)} = {_value(v)}' for k, v in asked.wide.items())})")
    return arguments


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (list, tuple)):
        return f"c({', '.join(_value(v) for v in value)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z.][\w.]*", name) else f"`{name}`"


def _terms(terms: Any) -> str:
    """Covariates: a formula where one was given, else column names."""
    if isinstance(terms, str) and not re.fullmatch(r"[\w.]+", terms):
        return _formula(terms if "~" in terms else f"~ {terms}")
    return _value(terms)


def _formula(formula: str) -> str:
    """formulaic's words in R's: C() is factor(), bs() and the like are of splines."""
    text = re.sub(r"\bC\(", "factor(", formula.strip())
    text = re.sub(r"(?<![\w.:])(bs|ns)\(", r"splines::\1(", text)
    return re.sub(r"(?<![\w.:])poly\(", "stats::poly(", text)
