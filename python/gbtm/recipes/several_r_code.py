"""A fit of several outcomes, which share their groups or have each its own, as R."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..specification.option import options_of
from ..specification.outcome import Outcome
from .calls import wrapped
from .r_code import _columns, _constraint, _first, _name, _settings, _value
from .reading import read_in_r
from .recipe import Recipe, known_of_both, recipe

if TYPE_CHECKING:
    from ..api.results import GBTMResults


def several_r_code(res: GBTMResults, data: str) -> str:
    """The script that reads the tables, fits the model again and prints it."""
    parts = [recipe(res.of_outcome(m + 1)) for m in range(len(res.outcomes))]
    own = [bool((res.of_outcome(m + 1).inputs or {}).get("own_table")) for m in range(len(res.outcomes))]
    levels = {c: v for part in parts for c, v in part.levels.items()}
    lines = ["library(gbtm)"]
    lines += [] if all(own) else read_in_r(data, levels, _value, on_disk=res.on_disk is not None)
    outcomes = []
    for part, outcome, its_own in zip(parts, res.outcomes, own, strict=True):
        table = _table(outcome.name) if its_own else None
        if table is not None:
            file = json.dumps(f"{outcome.name}.csv")
            lines.append(f"{table} <- read.csv({file}, check.names = FALSE)  # its own table")
        outcomes.append(_outcome(part, table))
    lines += ["outcomes <- list(", ",\n".join(f"  {one}" for one in outcomes), ")"]
    settings, control = _settings(parts[0])
    if res.search.user_start and not res.spec.has_networks:
        settings.append(f"start = {_value(res.params.tolist())}")
    arguments = ["outcomes", *([] if all(own) else ["data = data"]), *_first(parts[0])[2:], *_whole(res, parts)]
    lines += [wrapped("fit <- gbtm(", [*arguments, *settings, control]), "summary(fit)"]
    return "\n".join(lines) + "\n"


def _outcome(part: Recipe, table: str | None) -> str:
    """``outcome(y ~ t, order = 2)`` with what belongs to it alone."""
    options = [f"{k} = {_value(v)}" for k, v in part.model.items() if k in options_of(Outcome)]
    columns = Recipe(part.form, part.formula, part.id, part.outcome, part.time,
                     columns={k: v for k, v in part.columns.items() if k in options_of(Outcome)})
    own = [f"data = {table}"] if table is not None else []
    return wrapped("outcome(", [_first(part)[0], *options, *_columns(columns), *own]).replace("\n", "\n  ")


def _whole(res: GBTMResults, parts: list[Recipe]) -> list[str]:
    """What is the same for all outcomes, and what is known of people."""
    first, spec = parts[0], res.spec
    model = {k: v for k, v in first.model.items() if k not in options_of(Outcome)}
    if spec.constraints:
        model["constraints"] = [_constraint(c) for c in spec.constraints]
    columns: dict[str, Any] = {k: v for part in reversed(parts) for k, v in part.columns.items()
                               if k not in options_of(Outcome)}
    if len(res.group_sets) > 1:
        model["groups"] = [s.n_groups for s in res.group_sets]
        if spec.second_reference:
            model["refgroup2"] = spec.second_reference + 1
    wide = {k: v for part in parts for k, v in part.wide.items()}
    whole = Recipe(first.form, first.formula, first.id, first.outcome, first.time, wide=wide, columns=columns)
    second = (res.inputs or {}).get("risk2") if len(res.group_sets) > 1 else None
    known = known_of_both(res) if len(res.group_sets) > 1 else None
    if known is not None:
        columns = {k: v for k, v in columns.items() if k not in ("known", "known2")}
        whole = replace(whole, columns=columns)
    shown = _columns(whole)
    if known is not None:
        shown.append(f"known = list({', '.join('NULL' if k is None else _value(k) for k in known)})")
    if second not in (None, [], ()):
        asked = Recipe(first.form, first.formula, first.id, first.outcome, first.time, columns={"risk": second})
        shown += [re.sub(r"^risk", "risk2", text) for text in _columns(asked)]
    return [*(f"{k} = {_value(v)}" for k, v in model.items()), *shown]


def _table(name: str) -> str:
    return _name("data_" + re.sub(r"\W", "_", name))
