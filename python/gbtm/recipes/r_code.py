"""A fit, and the search before it, as R."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from ..design.network import Network
from ..specification.event import Event
from ..specification.prior import Prior
from ..time_terms import of_time_terms
from .calls import WIDTH, wrapped
from .reading import read_in_r
from .recipe import UNKNOWN, Recipe
from .search_recipe import SearchRecipe

CONTROL = ("n_starts", "max_starts")  # what gbtm_control() takes besides the seed


def r_code(recipe: Recipe, data: str, search: SearchRecipe | None = None) -> str:
    """The whole script; ``recipe.form`` "command" is Stata's text given to traj()."""
    lines = ["library(gbtm)", *read_in_r(data, recipe.levels, _value, on_disk=recipe.on_disk)]
    if recipe.form == "unknown":
        lines.append(f"# {UNKNOWN}")
    is_basis = recipe.form != "command" and not {"order", "curve"} & set(recipe.model)
    if is_basis and not of_time_terms(recipe.formula.partition("~")[2]):
        lines.append("# A basis formula is R's own here: check that it spans the same curves.")
    if search is not None:
        lines += _search(search)
    settings, control = _settings(recipe)
    if recipe.form == "command":
        lines.append(wrapped("fit <- traj(", [_value(recipe.formula), "data", *_id(recipe), *settings, control]))
    else:
        lines.append(_fit(recipe, settings, control))
    return "\n".join([*lines, "summary(fit)"]) + "\n"


def _fit(recipe: Recipe, settings: list[str], control: str) -> str:
    """The call, with the estimates as a start; in a comment, where the fit was not made from a start."""
    opening, start = "fit <- gbtm(", f"start = {_value(list(recipe.estimates))}"
    arguments = [*_first(recipe), *_model(recipe), *settings]
    if recipe.from_start:
        return wrapped(opening, [*arguments, start, control])
    if not recipe.estimates:
        return wrapped(opening, [*arguments, control])
    hang = " " * len(opening) + "# "
    within = textwrap.wrap(f"{start},", WIDTH, initial_indent=hang, subsequent_indent=f"{hang}  ")
    return "\n".join([
        wrapped(opening, arguments, ","), f"{hang}the same optimum without a search:", *within,
        f"{' ' * len(opening)}{control})",
    ])


def _search(search: SearchRecipe) -> list[str]:
    recipe = search.recipe
    settings, control = _settings(recipe)
    model = [f"{k} = list({_value(v[0])})" if k in ("groups", "order") and isinstance(v, list) and len(v) == 1
             else f"{k} = {_value(v)}" for k, v in recipe.model.items()]  # R's c(3) would be 1 to 3
    lines = ["", f"# {search.comment}"]
    if search.settings_lost:
        lines.append(f"# {search.settings_lost}")
    lines += [
        wrapped("found <- gbtm_search(", [*_first(recipe), *model, *_columns(recipe), *settings, control]),
        "summary(found)",
    ]
    if search.label is not None:
        pick = f"found$fits[[{_value(search.label)}]]" if search.criterion is None else (
            f"best(found{f', {_value(search.criterion)}' if search.criterion else ''})")
        lines.append(f"fit <- {pick}")
    return [*lines, "", f"# {search.then}"]


def _settings(recipe: Recipe) -> tuple[list[str], str]:
    """Arguments of the call, and its control."""
    control = {"seed": recipe.fit["rng"], **{k: v for k, v in recipe.fit.items() if k in CONTROL}}
    settings = [f"{k} = {_value(v)}" for k, v in recipe.fit.items() if k != "rng" and k not in CONTROL]
    return settings, f"control = gbtm_control({', '.join(f'{k} = {_value(v)}' for k, v in control.items())})"


def _id(recipe: Recipe) -> list[str]:
    return [f"id = {_value(recipe.id)}"] if recipe.id else []


def _first(recipe: Recipe) -> list[str]:
    if {"order", "curve"} & set(recipe.model) or recipe.searches_orders:
        formula = f"{_name(recipe.outcome)} ~ {_name(recipe.time)}"
    else:
        formula = _formula(recipe.formula)
    return [formula, "data = data", *_id(recipe)]


def _model(recipe: Recipe) -> list[str]:
    said = {k: [_constraint(c) for c in v] if k == "constraints" else v for k, v in recipe.model.items()}
    return [f"{k} = {_value(v)}" for k, v in said.items()] + _columns(recipe)


def _columns(recipe: Recipe) -> list[str]:
    arguments = [f"{k} = {_terms(v) if k in ('risk', 'tcov', 'common', 'dcov') else _value(v)}"
                 for k, v in recipe.columns.items()]
    if recipe.wide:
        arguments.append(f"wide = list({', '.join(f'{_name(k)} = {_value(v)}' for k, v in recipe.wide.items())})")
    return arguments


def _value(value: Any) -> str:
    if isinstance(value, Prior):
        given = [f"{k} = {_value(v)}" for k, v in value.document.items() if v is not None]
        return '"weak"' if value == Prior() else f"gbtm_prior({', '.join(given)})"
    if isinstance(value, Event):
        return _event(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Network):
        return f"network_curve({value.units})"
    if isinstance(value, (list, tuple)):
        return f"c({', '.join(_value(v) for v in value)})"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _event(event: Event) -> str:
    """A formula, or gbtm_event() where that does not say all: of causes in intervals survival::Surv() has no form."""
    parts = [_name(c) for c in (event.entry, event.time, event.status) if c is not None]
    if event.upper is not None:
        parts = [_name(event.time), _name(event.upper), 'type = "interval2"']
    terms, right = event.covariates, "1"
    if terms:
        listed = " + ".join(map(_name, [terms] if isinstance(terms, str) and "~" not in terms else terms))
        right = terms.partition("~")[2].strip() if isinstance(terms, str) and "~" in terms else listed
    said = [_formula(f"Surv({', '.join(parts)}) ~ {right}")]
    if event.upper is not None and (event.status is not None or event.entry is not None):
        columns = [(n, getattr(event, n)) for n in ("time", "status", "entry", "upper")]
        said = [f"{n} = {_value(c)}" for n, c in columns if c is not None]
        said += [f"covariates = {_formula(f'~ {right}')}"] if terms else []
    if event.hazard != "weibull":
        said += [f'hazard = "{event.hazard}"', f"intervals = {event.cuts}" if isinstance(event.cuts, int) else
                 f"cuts = {_value(list(event.cuts or ()))}"]
    said += ["effects_by_group = TRUE"] if event.effects_by_group else []
    return said[0] if len(said) == 1 else f"gbtm_event({', '.join(said)})"


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z.][\w.]*", name) else f"`{name}`"


def _terms(terms: Any) -> str:
    """Covariates: a formula where one was given, else column names."""
    if isinstance(terms, str) and not re.fullmatch(r"[\w.]+", terms):
        return _formula(terms if "~" in terms else f"~ {terms}")
    return _value(terms)


def _formula(formula: str) -> str:
    """formulaic's words in R's: C() is factor(), bs() and the like are of splines, a list is c()."""
    text = re.sub(r"\bC\(", "factor(", formula.strip())
    text = re.sub(r"(?<![\w.:])(bs|ns)\(", r"splines::\1(", text)
    text = re.sub(r"(?<![\w.:])poly\(", "stats::poly(", text)
    text = re.sub(r"\bboundary_knots\b", "Boundary.knots", text)
    return re.sub(r"(?<=[=,(])(\s*)[\[(]([^\[\]()]*,[^\[\]()]*|[^\[\]()]*(?=\]))[\])]", r"\1c(\2)", text)


def _constraint(text: str) -> str:
    """What is said of the columns of a basis, ``lspline(age, knots=[12])[1][2]``, by the names that they have in R."""
    def renamed(found: re.Match[str]) -> str:
        call = re.sub(r"(?<![=<> ])=(?![= ])", " = ", _formula(found[1]))
        return f"{call}{found[2]}"

    return re.sub(r"(\w+\([^()]*\))\[(\w+)\](?=\[)", renamed, text)
