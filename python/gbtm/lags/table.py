"""A table with the columns ``lag(y)`` that covariates ask for, long or wide, and the record of them with the panel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..columns.column_expression import NotArithmetic, compute
from ..columns.design_factor import NUMBER, Factor
from ..columns.formula_design import FormulaDesign
from ..columns.reading import numeric, require_columns
from ..data.ids import id_column, id_columns
from ..data.panel import Panel
from ..data.waves import joined
from ..data.wide_columns import wave_matrix
from ..errors import SpecificationError
from .lagged import LagColumns, Lags, lag_columns
from .term import CALL, LagTerm, with_lag_columns

QUOTED = re.compile("`([^`]+)`")  # a column, as R writes it into a part
Items = tuple[tuple[str, str], ...]  # what a covariate of wide data is called, and how it is computed


def long_lags(
    data: pd.DataFrame, terms: Sequence[LagTerm], *, id: Any, time: str, outcome: str, wave: str | None = None,
    waves: np.ndarray | None = None, is_fit: bool = True, known: np.ndarray | None = None,
) -> tuple[pd.DataFrame, LagColumns]:
    """A long table with the columns of ``terms``; see :func:`gbtm.lags.lagged.lag_columns` for the rest."""
    require_columns(data, [*id_columns(id), time, outcome, *([] if wave is None else [wave])])
    codes = pd.factorize(id_column(data, id), sort=False)[0]
    told = joined(numeric(data[time], time)) if wave is None else numeric(data[wave], wave)
    found = lag_columns(terms, codes, told, numeric(data[outcome], outcome), waves=waves, is_fit=is_fit, known=known)
    return data.assign(**found.values), found


def wide_lags(
    data: pd.DataFrame, terms: Sequence[LagTerm], items: Items, columns: Sequence[str], *, is_fit: bool = True
) -> tuple[pd.DataFrame, dict[str, list[str]], LagColumns]:
    """A wide table with columns for each item, one a wave of the outcome's ``columns``, and their names by item."""
    y = wave_matrix(data, columns, "outcome", len(columns))
    n, n_waves = y.shape
    found = lag_columns(terms, np.repeat(np.arange(n), n_waves), np.tile(np.arange(n_waves), n).astype(float),
                        y.ravel(), is_fit=is_fit)
    made: dict[str, np.ndarray] = {}
    names: dict[str, list[str]] = {}
    for name, expression in items:
        try:
            value = np.asarray(compute(expression, found.values, {}), dtype=float)
        except NotArithmetic as error:
            raise SpecificationError(
                f"tcov: '{name}' cannot be computed: {error}.", code="bad_lag", argument="tcov",
                way_out="In wide data a covariate is the name of columns in wide, or an expression of lag() alone.",
            ) from error
        names[name] = [f"{name} at {c}" for c in columns]
        made |= dict(zip(names[name], np.broadcast_to(value, n * n_waves).reshape(n, n_waves).T, strict=True))
    return data.assign(**made), names, replace(found, waves=np.zeros(0))


def wide_items(tcov: Any, outcome: str, known: Mapping[str, Any]) -> tuple[list[str], Items, tuple[LagTerm, ...]]:
    """Of the covariates of wide data the names of ``wide``, those made of lags, and the lags."""
    given = [tcov] if isinstance(tcov, str) else [] if tcov is None else list(tcov)
    if len(given) == 1 and isinstance(given[0], str) and given[0] not in known and CALL.search(given[0]):
        given = summands(given[0].strip().lstrip("~"))
    plain, items = [], []
    terms: dict[str, LagTerm] = {}
    for item in given:
        rewritten, mine = (item, ()) if item in known else with_lag_columns(item, outcome, list(known))
        if not mine:
            plain.append(item)
            continue
        expression = str(rewritten).strip().lstrip("~").strip()
        items.append((expression.replace("`", ""), expression))
        terms |= {t.column: t for t in mine}
    return plain, tuple(items), tuple(terms.values())


def summands(formula: str) -> list[str]:
    """What stands between the + signs of a formula that are in no parentheses."""
    out, depth = [""], 0
    for letter in formula:
        depth += (letter == "(") - (letter == ")")
        if letter == "+" and not depth:
            out.append("")
        else:
            out[-1] += letter
    return [part.strip() for part in out]


def items_design(items: Items) -> FormulaDesign:
    """How these covariates are made of the lags."""
    return FormulaDesign(
        " + ".join(expression for _, expression in items), (), tuple(Factor(e, {}) for _, e in items),
        tuple((name, 1.0, ((j, NUMBER, 0),)) for j, (name, _) in enumerate(items)), trusted=False,
    )


def parts_design(names: Sequence[str], parts: Sequence[Sequence[str]]) -> FormulaDesign:
    """Covariates by name, each a product of these expressions."""
    texts = list(dict.fromkeys(t for product in parts for t in product))
    columns = tuple(
        (name, 1.0, tuple((texts.index(t), NUMBER, 0) for t in product))
        for name, product in zip(names, parts, strict=True))
    plain = tuple(dict.fromkeys(name for t in texts for name in QUOTED.findall(t)))
    return FormulaDesign(" + ".join(names), plain, tuple(Factor(t, {}) for t in texts), columns, trusted=False)


def with_lag_record(
    panel: Panel, terms: tuple[LagTerm, ...], found: LagColumns, time: str, items: Items = ()
) -> Panel:
    """The panel with how its covariates depend on lags, and with what is to be told of them."""
    m = panel.outcomes[0]
    design = panel.designs.get("tcov")
    if items:  # of wide data, whose other covariates stand before
        made = items_design(items)
        plain = [n for n in m.covariate_names if n not in made.names]
        factors = (*made.factors, *(Factor(f"`{n}`", {}) for n in plain))
        own = tuple((n, 1.0, ((len(made.factors) + j, NUMBER, 0),)) for j, n in enumerate(plain))
        by_name = {c[0]: c for c in (*made.columns, *own)}
        design = replace(made, factors=factors, columns=tuple(by_name[n] for n in m.covariate_names),
                         variables=(*plain, *(t.column for t in terms)))
    lags = Lags(terms, found.waves, design, time)
    return replace(
        panel, outcomes=(replace(m, lags=lags), *panel.outcomes[1:]), doubts=(*panel.doubts, *found.doubts))
