"""The table of a forecast: moments, intervals and quantiles of each row, or the probabilities of categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data.output_names import apart
from ..families.levels import level_names
from .next_rows import NextRows
from .predictive import Predictive

if TYPE_CHECKING:
    from ..fit.fit import Fit

Parts = list[tuple[np.ndarray, Predictive]]
COLUMNS = ("step", "mean", "sd", "lower", "upper", "p_positive", "outcome", "stays")


def forecast_table(
    res: Fit, rows: NextRows, parts: Parts, quantiles: Sequence[float], level: float, stays: np.ndarray | None,
    name: str | None,
) -> pd.DataFrame:
    """A row for each of an outcome's rows to come, which has the columns of :class:`.forecast.Forecast`.

    ``name`` of the outcome where it is one of several.
    """
    columns = _numbers(rows, parts, quantiles, level) if res.curves.family.has_mean else _categories(res, rows, parts)
    who, when = apart([res.id_name, res.time_name if name is None else "time"], COLUMNS)
    whose = {} if name is None else {"outcome": name}
    return pd.DataFrame({who: rows.ids, **whose, when: rows.time, "step": rows.step, **columns,
                         **({} if stays is None else {"stays": stays})})


def _numbers(rows: NextRows, parts: Parts, quantiles: Sequence[float], level: float) -> dict[str, np.ndarray]:
    n = rows.time.size
    columns: dict[str, np.ndarray] = {
        c: np.full(n, np.nan) for c in ("mean", "sd", "lower", "upper", "p_positive", *(f"q{q:g}" for q in quantiles))}
    for at, p in parts:
        columns["mean"][at], columns["sd"][at], columns["p_positive"][at] = p.mean(), p.sd(), p.positive()
        columns["lower"][at], columns["upper"][at] = p.quantile((1 - level) / 2), p.quantile((1 + level) / 2)
        for q in quantiles:
            columns[f"q{q:g}"][at] = p.quantile(q)
    return columns


def _categories(res: Fit, rows: NextRows, parts: Parts) -> dict[str, np.ndarray]:
    spec = res.outcome.spec
    columns = {f"p_{label}": np.full(rows.time.size, np.nan) for label in level_names(spec.codes, spec.levels)}
    for at, p in parts:
        for column, code in zip(columns.values(), spec.codes or (), strict=True):
            column[at] = np.exp(p.log_density(code))
    return columns
