"""Covariates whose effects are common to all groups: read with those of ``tcov``, and told from them afterwards.

A formula of both is coded as one: a level or an interaction of ``common`` knows of the main effects in ``tcov``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, terms_of
from ..columns.reading import expand_columns, listing
from ..data.panel import Panel
from ..design.own_time import CODE
from ..errors import GBTMError, SpecificationError
from ..lags.table import summands, wide_items
from ..lags.term import CALL, with_lag_columns
from ..specification.outcome import Outcome

Terms = frozenset[frozenset[str]]


def with_common(outcome: Outcome, columns: Collection[str], *, wide: bool = False) -> Outcome:
    """The outcome whose ``tcov`` has the covariates of ``common`` too; ``columns`` are what names may stand for, and in
    ``wide`` data all that may be asked for.

    Raises
    ------
    SpecificationError
        ``common_and_own``, for a covariate that is asked for in both ways.
    """
    if outcome.common is None:
        return outcome
    read = _names_in_wide if wide else _as_asked
    own, shared = (read(t, columns) for t in (outcome.tcov, outcome.common))
    if not isinstance(own, str) and not isinstance(shared, str):
        _refuse_both(sorted(set(own) & set(shared)))
        return replace(outcome, tcov=[*own, *shared])
    texts = [_text(t, columns) for t in (own, shared)]
    return replace(outcome, tcov="~ " + " + ".join(t for t in texts if t))


def asked_apart(outcome: Outcome) -> dict[str, Any]:
    """For the record: what was asked for as ``tcov`` and what as ``common``; nothing without the latter."""
    return {} if outcome.common is None else {"asked": {"tcov": outcome.tcov, "common": outcome.common}}


def common_of_design(
    asked: Outcome, name: str, columns: Sequence[str], design: FormulaDesign | None
) -> tuple[str, ...]:
    """The columns of ``common`` among those of the covariates of long data; ``name`` is the outcome's."""
    if asked.common is None:
        return ()
    own, shared = (_terms(t, name, columns) for t in (asked.tcov, asked.common))
    _refuse_both(sorted(":".join(sorted(t)) for t in own & shared))
    here = () if design is None else tuple(zip(design.names, design.terms, strict=True))
    return _not_empty(tuple(column for column, term in here if term in shared), asked.common)


def common_of_wide(asked: Outcome, name: str, wide: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of ``common`` among the covariates of wide data."""
    if asked.common is None:
        return ()
    plain, items, _ = wide_items(asked.common, name, wide)
    return _not_empty((*plain, *(item for item, _ in items)), asked.common)


def common_of_arrays(common: Any, y: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """The last of the covariates' ``names``, as many as ``common`` has."""
    if common is None:
        return ()
    count = len(common) if isinstance(common, Mapping) else 1 if np.ndim(common) <= np.ndim(y) else np.shape(common)[-1]
    return names[len(names) - count :]


def at_each_wave(columns: dict[str, Any], outcome: Outcome, data: pd.DataFrame, of_outcome: Any) -> dict[str, Any]:
    """The columns of covariates of wide data, where one that is known once of a person stands at each wave; the
    outcome's are ``of_outcome``."""
    if outcome.common is None:
        return columns
    waves = len(expand_columns(data, of_outcome, "outcome"))
    alone = {n: [c] if isinstance(c, str) else c for n, c in columns.items()}
    return {
        n: list(c) * waves if len(c) == 1 and isinstance(c[0], str) and not set(c[0]) & set("*?[") else columns[n]
        for n, c in alone.items()
    }


def told(panel: Panel, outcome: Outcome, own: Collection[str]) -> Panel:
    """The panel whose sentence on the main effect of time speaks of ``common``, where ``tcov``, of the columns ``own``,
    has no time."""
    if outcome.common is None or panel.outcomes[0].time_name in own:
        return panel
    doubts = tuple((c, f"common{s[4:]}" if c == CODE and s.startswith("tcov:") else s) for c, s in panel.doubts)
    return replace(panel, doubts=doubts)


def blame(error: GBTMError, outcome: Outcome) -> None:
    """Let an error of the covariates speak of ``common``, where these alone were given."""
    if error.argument == "tcov" and outcome.tcov is None and outcome.common is not None:
        error.argument = "common"
        if error.message.startswith("tcov:"):
            error.message = f"common{error.message[4:]}"
        error.way_out = error.way_out.replace("tcov=", "common=")
        error.args = (f"{error.message} {error.way_out}".strip(),)


def _as_asked(terms: Any, columns: Collection[str]) -> str | list[Any]:
    """A formula, or a list of names."""
    if terms is None:
        return []
    if not isinstance(terms, str):
        return list(terms)
    return [terms] if terms in columns else terms


def _names_in_wide(terms: Any, columns: Collection[str]) -> list[Any]:
    """Names of ``wide``, and calls of lag()."""
    if isinstance(terms, str) and terms not in columns and CALL.search(terms):
        return summands(terms.strip().lstrip("~"))
    return [] if terms is None else [terms] if isinstance(terms, str) else list(terms)


def _text(terms: str | list[Any], columns: Collection[str]) -> str:
    if isinstance(terms, str):
        return terms.strip().lstrip("~").strip()
    return " + ".join(str(t) if t not in columns and CALL.search(str(t)) else f"`{t}`" for t in terms)


def _terms(asked: Any, name: str, columns: Sequence[str]) -> Terms:
    """The terms of a formula, each the set of its factors; names of columns are one each."""
    rewritten = with_lag_columns(asked, name, columns)[0]
    if rewritten is None:
        return frozenset()
    if not isinstance(rewritten, str) or rewritten in columns:
        return frozenset(frozenset([str(c)]) for c in ([rewritten] if isinstance(rewritten, str) else rewritten))
    return terms_of(rewritten.strip().lstrip("~"))


def _refuse_both(twice: Sequence[str]) -> None:
    if twice:
        raise SpecificationError(
            f"common: {listing(list(twice))} {'stands' if len(twice) == 1 else 'stand'} in tcov too, and an effect is "
            "one for all groups or each group's own.", code="common_and_own", argument="common",
            way_out="Leave it out of one of them.",
        )


def _not_empty(names: tuple[str, ...], asked: Any) -> tuple[str, ...]:
    if not names:
        raise SpecificationError(
            f"common: nothing is left of {asked!r}: the main effect of time is each group's own curve.",
            code="no_common", argument="common",
            way_out="For one effect of time beside each group's own level give order 0, which leaves time out of the "
            "curves.",
        )
    return names
