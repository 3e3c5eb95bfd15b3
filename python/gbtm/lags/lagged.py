"""Columns of the outcome some waves before, made of a table, and made again while outcomes are drawn.

The outcome of a person at the wave before is a column of the table, called ``lag(y)``; formulas compute with it as with
any other. Which row it came from is kept, so that a simulation can take what it has just drawn there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign
from ..columns.formula_variables import formula_variables
from ..data.waves import wave_codes
from ..errors import DataError, SpecificationError
from .term import LagTerm

MOST_LOST = 0.5  # of the observations that are not a person's first, above which waves are no waves
Doubt = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Lags:
    """How the covariates of an outcome depend on earlier outcomes.

    Attributes
    ----------
    terms : the columns ``lag(y)``
    waves : (W,) ascending, of long data what tells the waves apart; empty for wide data, whose columns are the waves
    design : how the covariates are made of these columns and others; None where only R could say
    time : the column of the time, as ``design`` calls it
    """

    terms: tuple[LagTerm, ...]
    waves: np.ndarray
    design: FormulaDesign | None
    time: str

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(t.column for t in self.terms)

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "terms": [t.document for t in self.terms], "waves": self.waves.tolist(), "time": self.time,
            "design": None if self.design is None else self.design.document,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Lags:
        """The inverse of :attr:`document`."""
        design = stored["design"]
        return cls(
            tuple(LagTerm.of(t) for t in stored["terms"]), np.asarray(stored["waves"], dtype=float).ravel(),
            None if design is None else FormulaDesign.from_document(design, trusted=False), str(stored["time"]),
        )

    def covariates(self, values: Mapping[str, np.ndarray], times: np.ndarray, stored: np.ndarray) -> np.ndarray:
        """Covariates (n, q) with other lags: ``stored`` (n, q), in which those made of lags are made anew.

        Parameters
        ----------
        values : of each column ``lag(y)`` its new values (n,)
        times : (n,)

        Raises
        ------
        SpecificationError
            ``unknown_lag`` where a covariate is a product of the lag with something that is no covariate by itself.
        """
        if self.design is None:
            raise _not_made("the fit's file does not say how its covariates are made of the lag",
                            "Ask in R, or fit in Python.")
        table = pd.DataFrame({**{c: np.asarray(v, dtype=float) for c, v in values.items()}, self.time: times})
        parts_of = [set(parts) for _, _, parts in self.design.columns]
        out = np.array(stored, dtype=float)
        for j, (name, scale, parts) in enumerate(self.design.columns):
            mine = [p for p in parts if self._uses(p[0], self.columns)]
            if not mine:
                continue
            own = [p for p in parts if p not in mine]
            of_time = [p for p in own if not self._uses(p[0], set(self.design.variables) - {self.time})]
            rest = {p for p in own if p not in of_time}
            out[:, j] = self._part(table, scale, (*mine, *of_time))
            if not rest:
                continue
            if rest not in parts_of:
                raise _not_made(f"'{name}' is a product of the lag and of what is no covariate by itself",
                                "Write a * lag(y) in place of a:lag(y).")
            at = parts_of.index(rest)
            out[:, j] *= stored[:, at] / self.design.columns[at][1]
        return out

    def _uses(self, factor: int, variables: Sequence[str] | set[str]) -> bool:
        """A factor of the design is computed of one of these columns."""
        assert self.design is not None
        return bool(formula_variables(self.design.factors[factor].text, list(variables)))

    def _part(self, table: pd.DataFrame, scale: float, parts: tuple[tuple[int, str, int], ...]) -> np.ndarray:
        assert self.design is not None
        alone = FormulaDesign(self.design.formula, tuple(str(c) for c in table.columns), self.design.factors,
                              (("", scale, parts),), trusted=False)
        return np.asarray(alone.matrix(table, "lag")[:, 0])


def _not_made(why: str, way_out: str) -> SpecificationError:
    return SpecificationError(f"lag: {why}, so that later ones cannot be made.", code="unknown_lag", argument="tcov",
                              way_out=way_out)


def lag_rows(subject: np.ndarray, wave: np.ndarray, known: np.ndarray, term: LagTerm) -> np.ndarray:
    """(n,) the row that each row's lag comes from; -1 in a person's first waves, -2 where the wave was missed.

    Parameters
    ----------
    subject, wave : (n,) codes from 0, -1 for a row without
    known : (n,) bool, rows that have an outcome
    """
    n_waves = int(wave.max(initial=0)) + 1
    at = np.flatnonzero(known & (subject >= 0) & (wave >= 0))
    key = subject * n_waves + wave
    at = at[np.argsort(key[at], kind="stable")]
    keys = key[at]
    out = np.full(subject.size, -1, dtype=np.int64)
    if not at.size:
        return out
    start = np.searchsorted(keys, subject * n_waves)  # the person's first known row
    here = start < at.size
    first_wave = np.where(here, wave[at[np.minimum(start, at.size - 1)]], n_waves)
    here &= subject[at[np.minimum(start, at.size - 1)]] == subject
    if term.gaps == "last":
        source = np.searchsorted(keys, key) - term.by  # as many known rows before this one
        found = here & (source >= start)
        out[found] = at[source[found]]
    else:
        wanted = wave - term.by
        place = np.minimum(np.searchsorted(keys, subject * n_waves + wanted), at.size - 1)
        found = here & (wanted >= 0) & (keys[place] == subject * n_waves + wanted)
        out[found] = at[place[found]]
        out[here & ~found & (wanted >= first_wave)] = -2
    out[(subject < 0) | (wave < 0)] = -1
    return out


@dataclass(frozen=True, eq=False)
class LagColumns:
    """Columns ``lag(y)`` of a table's rows or cells (n,), and the rows (n, L) that they come from, below 0 for none."""

    values: dict[str, np.ndarray]
    rows: np.ndarray
    waves: np.ndarray
    doubts: tuple[Doubt, ...]

    @property
    def pair(self) -> tuple[np.ndarray, np.ndarray]:
        """:attr:`rows` and the values (n, L)."""
        return self.rows, np.stack(list(self.values.values()), axis=1)


def lag_columns(
    terms: Sequence[LagTerm], subject: np.ndarray, told: np.ndarray, y: np.ndarray, *, waves: np.ndarray | None = None,
    is_fit: bool = True, known: np.ndarray | None = None,
) -> LagColumns:
    """The lagged outcome of each row.

    Parameters
    ----------
    subject : (n,) codes from 0, -1 for a missing id
    told : (n,) what tells the waves apart: the time, or the column that counts the waves
    y : (n,) NaN for missing
    waves : those of a fit, for new people
    is_fit : waves that are none are refused, and what is left out is told
    known : (n,) bool, rows whose outcome is or will be known; default those that have one

    Raises
    ------
    DataError
        ``no_waves``, where more than half of the observations had no one at the wave before: times are people's own.
    """
    here = np.isfinite(told)
    levels, codes = wave_codes(told, here, waves)
    codes = np.where(here, codes, -1)
    seen = np.isfinite(y)
    known = seen if known is None else known
    values, rows, doubts = {}, [], []
    for term in terms:
        source = lag_rows(subject, codes, known, term)
        value = np.where(source >= 0, y[np.maximum(source, 0)], np.nan)
        if term.first is not None:
            value = np.where(source == -1, term.first, value)
        values[term.column] = value
        rows.append(source)
        if is_fit:
            mine = seen & here & (subject >= 0)
            doubts += _told(term, source[mine], subject[mine], levels.size)
    return LagColumns(values, np.stack(rows, axis=1), levels, tuple(doubts))


def _told(term: LagTerm, source: np.ndarray, subject: np.ndarray, n_waves: int) -> list[Doubt]:
    """What happened at first waves and after missed ones."""
    first, missed = int((source == -1).sum()), int((source == -2).sum())
    if missed > MOST_LOST * max(source.size - first, 1):
        raise DataError(
            f"{term.column}: {missed} of {source.size - first} observations have none at the wave before, of {n_waves} "
            "distinct times: times are people's own, or most waves were missed.", code="no_waves", argument="tcov",
            way_out='Give wave=, the column that counts the waves, or lag(.., gaps="last") for the last outcome seen.',
        )
    said = []
    if first and term.first is None:
        people = np.unique(subject[source == -1]).size
        waves = f"{term.by} waves" if term.by > 1 else "wave"
        said.append(f"the first {waves} of {people} people, {first} observations, "
                    "are left out, as there is nothing before them (first=0 would keep them)")
    elif first:
        said.append(f"it is {term.first:g} in the first waves, {first} observations")
    if missed:
        said.append(f"{missed} observations after a missed wave are left out (gaps=\"last\" would take the last "
                    "outcome seen)")
    return [("lag", f"{term.column}: {'; '.join(said)}.")] if said else []
