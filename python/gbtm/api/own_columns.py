"""Columns that have a part of their own in a model, and cannot be covariates of it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..columns.formula_variables import term_columns
from ..columns.reading import require_columns
from ..data.event_times import EventColumns
from ..errors import SpecificationError


def refuse_twice(data: pd.DataFrame, columns: dict[str, Any], named: tuple[str, ...]) -> None:
    """Raise ``duplicate_column`` where a name that is used is that of several columns."""
    if data.columns.is_unique:
        return
    used = [*named, *(c for given in columns.values() if _may_name(given) for c in term_columns(given, data))]
    require_columns(data, [c for c in dict.fromkeys(used) if (data.columns == c).sum() > 1])


def _may_name(given: Any) -> bool:
    return given is None or isinstance(given, (str, list, tuple))


def refuse_outcome_among(covariates: Any, data: pd.DataFrame, outcome: str, argument: str) -> None:
    """Raise where an outcome is to explain itself; its lags have columns of their own.

    Raises
    ------
    SpecificationError
        ``own_covariate``.
    """
    if covariates is not None and outcome in term_columns(covariates, data):
        raise SpecificationError(
            f"{argument}: {outcome} is the outcome itself.", code="own_covariate", argument=argument,
            way_out=f"lag({outcome}) is its value at the wave before.",
        )


def refuse_event_among(event: EventColumns | None, data: pd.DataFrame) -> None:
    """Raise where the time to an event, or its status, is to explain the event.

    Raises
    ------
    SpecificationError
        ``own_covariate``.
    """
    if event is None:
        return
    own = [c for c in term_columns(event.covariates, data) if c in (event.time, event.status, event.upper)]
    if own:
        raise SpecificationError(
            f"event: {own[0]} says when the event was, and is among its covariates.", code="own_covariate",
            argument="event", way_out="Leave it out of the covariates: they are what was known before.",
        )
