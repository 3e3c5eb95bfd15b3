"""What was measured: one outcome's observations, and all that was read of it wave by wave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd


class MadeOfLags(Protocol):
    """A :class:`gbtm.lags.lagged.Lags`: how covariates depend on earlier outcomes."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def document(self) -> dict[str, Any]: ...

    def covariates(
        self, values: Mapping[str, np.ndarray], times: np.ndarray, stored: np.ndarray
    ) -> np.ndarray: ...


@dataclass(frozen=True)
class Measures:
    """The repeated measures of one outcome, one entry per observation.

    Attributes
    ----------
    subject : (n_obs,) int64, index into ``Panel.ids``, ascending
    time, y : (n_obs,) float64, finite
    wave : (n_obs,) int64, the wide column an observation came from; for long data the rank of its time
    row : (n_obs,) int64, position of the observation's row in the user's table
    covariates : (n_obs, q) time-varying covariates w, finite
    exposure : (n_obs,) time at risk, > 0; None for 1 throughout
    squeezed_by : the n by which 0 and 1 were squeezed into the open interval; 0 where y is as it was read
    lags : how the covariates depend on earlier outcomes, or None
    lag_source, lag_values : (n_obs, L) of each lagged column the observation that it comes from, -1 for none of these,
        and its value
    """

    subject: np.ndarray
    time: np.ndarray
    y: np.ndarray
    wave: np.ndarray
    row: np.ndarray
    name: str = "y"
    time_name: str = "time"
    columns: tuple[str, ...] = ()
    covariates: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    covariate_names: tuple[str, ...] = ()
    exposure: np.ndarray | None = None
    is_binned: bool = False
    squeezed_by: int = 0
    lags: MadeOfLags | None = None
    lag_source: np.ndarray | None = None
    lag_values: np.ndarray | None = None

    @property
    def nobs(self) -> int:
        return int(self.y.size)

    def binned(self, bins: int) -> Measures:
        """The same measures with times gathered in bins of as many distinct times each, at the bin's mean time."""
        return replace(self, time=_gathered(self.time, bins), is_binned=True)

    def binned_covariates(self, bins: int) -> Measures:
        """The same measures with covariates and exposure gathered in that way."""
        w = [_gathered(column, bins) for column in self.covariates.T]
        return replace(
            self, covariates=np.column_stack(w) if w else self.covariates,
            exposure=None if self.exposure is None else np.exp(_gathered(np.log(self.exposure), bins)),
        )

    def take(self, rows: np.ndarray, subject: np.ndarray | None = None) -> Measures:
        """Some of the observations, by position or mask; ``subject`` (n_obs,) renumbers all before they are taken."""
        return replace(
            self, subject=(self.subject if subject is None else subject)[rows], time=self.time[rows], y=self.y[rows],
            wave=self.wave[rows], row=self.row[rows],
            covariates=self.covariates[rows] if self.covariate_names else self.covariates,
            exposure=None if self.exposure is None else self.exposure[rows],
            lag_source=None if self.lag_source is None else self._sources(rows),
            lag_values=None if self.lag_values is None else self.lag_values[rows],
        )

    def _sources(self, rows: np.ndarray) -> np.ndarray:
        """Where the lags of some observations come from among these."""
        assert self.lag_source is not None
        new = np.full(self.nobs + 1, -1)  # the last, for -1, stays
        at = np.arange(self.nobs)[rows]
        new[at] = np.arange(at.size)
        return np.asarray(new[self.lag_source[rows]])

    @cached_property
    def n_shared(self) -> int:
        """How many observations share their time with another one of the same subject."""
        if in_order(self.subject, self.time):
            return 0
        order = np.lexsort((self.time, self.subject))
        s, t = self.subject[order], self.time[order]
        same = (s[1:] == s[:-1]) & (t[1:] == t[:-1])
        return int((np.append(same, False) | np.append(False, same)).sum())

    @cached_property
    def previous(self) -> np.ndarray:
        """(n_obs,) the subject's observation before this one, -1 for its first."""
        before = np.arange(-1, self.nobs - 1)
        before[np.flatnonzero(np.diff(self.subject, prepend=-1))] = -1
        return before

    @property
    def gaps(self) -> np.ndarray:
        """(n_obs,) time since the subject's observation before this one, infinite for its first."""
        gap = np.abs(self.time - self.time[self.previous])
        return np.where(self.previous >= 0, gap, np.inf)

    def cells(
        self, *, by_value: bool = False, by_exposure: bool = True, by_lag: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Design cells: distinct rows of time, covariates and exposure, and of y too with ``by_value``.

        Without ``by_exposure`` observations of one cell may differ in their exposure; with ``by_lag`` those of one cell
        agree in the subject's observation before them too.

        Returns the first observation of each cell (C,), cells in the order of time, and each observation's cell
        (n_obs,).
        """
        code = self.distinct_times[1]
        further = [*self.covariates.T] if self.covariate_names else []
        further += [self.exposure] if by_exposure and self.exposure is not None else []
        further += [self.y] if by_value else []
        if by_lag:
            before = self.previous
            further += [np.where(before >= 0, x[before], np.inf) for x in (self.time, *further)]
        for column in further:
            levels, own = ranks(column)
            code = ranks(code * levels.size + own)[1]
        first = np.empty(int(code.max(initial=-1)) + 1, dtype=np.int64)  # none where nobody is at risk of dropout yet
        first[code[::-1]] = np.arange(code.size)[::-1]
        return first, code

    @cached_property
    def distinct_times(self) -> tuple[np.ndarray, np.ndarray]:
        """The distinct times (C,), ascending, and the place of each observation's time among them (n_obs,)."""
        return ranks(self.time)


@dataclass(frozen=True)
class History:
    """All that was read of each subject, wave by wave, missing outcomes included; what dropout is judged by.

    Attributes
    ----------
    subject, wave : (n,) of each row read
    y, covariates : (n,) and (n, q) with NaN for missing; the covariates are those of dropout
    levels : (n_waves,) what tells the waves apart in long data, ascending; None where they are columns
    by_time : that is the time, and no column that counts the waves
    """

    subject: np.ndarray
    wave: np.ndarray
    y: np.ndarray
    covariates: np.ndarray
    covariate_names: tuple[str, ...]
    n_subjects: int
    n_waves: int
    levels: np.ndarray | None = None
    by_time: bool = False

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """Outcomes (N, T) and covariates (N, T, q), NaN where nothing was read."""
        y = np.full((self.n_subjects, self.n_waves), np.nan)
        v = np.full((self.n_subjects, self.n_waves, self.covariates.shape[1]), np.nan)
        for table, values in [(y, self.y), *zip(np.moveaxis(v, 2, 0), self.covariates.T, strict=True)]:
            known = ~np.isnan(values)  # a second row for the same wave may say what the first does not
            table[self.subject[known], self.wave[known]] = values[known]
        return y, v

    def until(self, n_waves: int) -> History:
        """The first waves only."""
        rows = np.flatnonzero(self.wave < n_waves)
        return replace(
            self, subject=self.subject[rows], wave=self.wave[rows], y=self.y[rows], covariates=self.covariates[rows],
            n_waves=n_waves, levels=None if self.levels is None else self.levels[:n_waves],
        )

    def take(self, new: np.ndarray) -> History:
        """The rows of the subjects that ``new`` (N,) numbers anew; -1 leaves a subject out."""
        rows = np.flatnonzero(new[self.subject] >= 0)
        return replace(
            self, subject=new[self.subject[rows]], wave=self.wave[rows], y=self.y[rows],
            covariates=self.covariates[rows], n_subjects=int(new.max()) + 1,
        )


def ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values, ascending, and each value's place among them; by hashing, as np.unique sorts everything."""
    codes, levels = pd.factorize(values, sort=True)
    return np.asarray(levels), codes


def _gathered(values: np.ndarray, bins: int) -> np.ndarray:
    """Values in bins of as many distinct ones each, at the bins' means; as they are where there are few."""
    levels, codes = ranks(values)
    if levels.size <= bins:
        return values
    at = codes * bins // levels.size
    return (np.bincount(at, values, minlength=bins) / np.maximum(np.bincount(at, minlength=bins), 1))[at]


def in_order(subject: np.ndarray, time: np.ndarray | None) -> bool:
    """Ascending by subject, and strictly by time within a subject where times are given."""
    step = np.diff(subject)
    if (step < 0).any():
        return False
    return time is None or not ((step == 0) & (np.diff(time) <= 0)).any()
