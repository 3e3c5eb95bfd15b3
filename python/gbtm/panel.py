"""From a table to arrays: the only door for pandas.

A :class:`Panel` holds who was measured, when, and with what value. Missing outcomes drop that observation, subjects
with no observation left are dropped, and both are counted in :class:`Dropped`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from .columns import (
    MAX_SHOWN,
    common_stem,
    expand_columns,
    id_values,
    number_array,
    numeric,
    refuse_infinite,
    require_columns,
)
from .errors import DataError


@dataclass(frozen=True)
class Dropped:
    """What was left out, and why."""

    observations_read: int = 0
    subjects_read: int = 0
    missing_outcome: int = 0
    missing_time: int = 0
    missing_id: int = 0
    subjects: tuple[object, ...] = ()

    @property
    def observations(self) -> int:
        return self.missing_outcome + self.missing_time + self.missing_id

    def sentence(self) -> str:
        """One sentence for summaries; empty when nothing was dropped."""
        parts = [
            f"{count} observation{'s' if count != 1 else ''} with a missing {what}"
            for count, what in (
                (self.missing_outcome, "outcome"),
                (self.missing_time, "time"),
                (self.missing_id, "id"),
            )
            if count
        ]
        if self.subjects:
            shown = ", ".join(str(s) for s in self.subjects[:MAX_SHOWN])
            more = ", ..." if len(self.subjects) > MAX_SHOWN else ""
            plural = "s" if len(self.subjects) != 1 else ""
            parts.append(f"{len(self.subjects)} subject{plural} with no observation left ({shown}{more})")
        return f"Dropped: {'; '.join(parts)}." if parts else ""


@dataclass(frozen=True)
class Measures:
    """The repeated measures of one outcome, one entry per observation.

    Attributes
    ----------
    subject : (n_obs,) int64, index into ``Panel.ids``, ascending
    time, y : (n_obs,) float64, finite
    wave : (n_obs,) int64, the wide column an observation came from; for long data the rank of its time
    row : (n_obs,) int64, position of the observation's row in the user's table
    """

    subject: np.ndarray
    time: np.ndarray
    y: np.ndarray
    wave: np.ndarray
    row: np.ndarray
    name: str = "y"
    time_name: str = "time"
    columns: tuple[str, ...] = ()

    is_binned: bool = False

    @property
    def nobs(self) -> int:
        return int(self.y.size)

    def binned(self, bins: int) -> Measures:
        """The same measures with times gathered in bins of as many distinct times each, at the bin's mean time."""
        levels, codes = self.distinct_times
        at = codes * bins // levels.size
        mean = np.bincount(at, self.time, minlength=bins) / np.maximum(np.bincount(at, minlength=bins), 1)
        return replace(self, time=mean[at], is_binned=True)

    @cached_property
    def distinct_times(self) -> tuple[np.ndarray, np.ndarray]:
        """The distinct times (C,), ascending, and the place of each observation's time among them (n_obs,)."""
        return ranks(self.time)


@dataclass(frozen=True)
class Panel:
    """Subjects and their measures.

    Build one with :meth:`from_long` or :meth:`from_wide`. ``outcomes`` is a tuple, one entry per outcome.

    Examples
    --------
    >>> import pandas as pd
    >>> from gbtm.panel import Panel
    >>> d = pd.DataFrame({"who": ["a", "a", "b"], "age": [1, 2, 1], "y": [0.5, None, 1.5]})
    >>> panel = Panel.from_long(d, id="who", time="age", outcome="y")
    >>> panel.n_subjects, panel.nobs, panel.dropped.missing_outcome
    (2, 2, 1)
    """

    ids: pd.Index
    outcomes: tuple[Measures, ...]
    dropped: Dropped = field(default_factory=Dropped)
    row_labels: pd.Index | None = None

    @property
    def n_subjects(self) -> int:
        return len(self.ids)

    @property
    def nobs(self) -> int:
        return sum(m.nobs for m in self.outcomes)

    def subset(self, keep: np.ndarray) -> Panel:
        """The panel of some subjects, given by their positions, ascending."""
        new = np.full(self.n_subjects, -1)
        new[keep] = np.arange(keep.size)
        outcomes = []
        for m in self.outcomes:
            rows = np.flatnonzero(new[m.subject] >= 0)
            outcomes.append(
                replace(
                    m, subject=new[m.subject[rows]], time=m.time[rows], y=m.y[rows], wave=m.wave[rows], row=m.row[rows]
                )
            )
        return replace(self, ids=self.ids[keep], outcomes=tuple(outcomes))

    def describe_rows(self, rows: np.ndarray, measures: Measures) -> str:
        """The first offending observations, in the user's terms."""
        shown = []
        for k in rows[:MAX_SHOWN]:
            column = f", column '{measures.columns[measures.wave[k]]}'" if measures.columns else ""
            label = self.row_labels[measures.row[k]] if self.row_labels is not None else measures.row[k]
            who = self.ids[measures.subject[k]]
            when = f"{measures.time_name} {measures.time[k]:g}"
            shown.append(f"row {label}{column} (id {who}, {when}): {measures.y[k]:g}")
        more = f" and {rows.size - MAX_SHOWN} more" if rows.size > MAX_SHOWN else ""
        return "; ".join(shown) + more

    @classmethod
    def from_long(cls, data: pd.DataFrame, *, id: str, time: str, outcome: str) -> Panel:
        """One row per observation.

        Parameters
        ----------
        data : DataFrame
        id, time, outcome : column names. The id may be of any type; time and outcome must be numeric or 0/1 logical.

        Raises
        ------
        DataError
            For an unknown column, a time or outcome that is not numeric, infinite values, a duplicated (id, time).
        """
        require_columns(data, [id, time, outcome])
        codes, ids = pd.factorize(id_values(data[id]), sort=False)
        return cls.from_arrays(
            codes, numeric(data[time], time), numeric(data[outcome], outcome),
            ids=pd.Index(ids, name=id), id_name=id, time_name=time, name=outcome, row_labels=data.index,
        )

    @classmethod
    def from_wide(
        cls, data: pd.DataFrame, *, outcome: str | Sequence[str], time: str | Sequence[str] | Sequence[float],
        id: str | None = None, name: str | None = None,
    ) -> Panel:
        """One row per subject.

        Parameters
        ----------
        outcome : column names, or a pattern such as ``"count_*"``
        time : the same for the columns that hold the times, or one number per wave
        id : column with the subjects' ids; the index of ``data`` when absent
        """
        columns = expand_columns(data, outcome, "outcome")
        if not isinstance(time, str) and all(isinstance(t, (int, float, np.number)) for t in time):
            times = np.asarray(time, dtype=float)
            if times.size != len(columns):
                raise DataError(
                    f"time: {times.size} times for {len(columns)} outcome columns.", code="wave_mismatch",
                    argument="time", way_out="Give one time per outcome column.",
                )
            time_matrix = np.broadcast_to(times, (len(data), len(columns)))
        else:
            time_columns = expand_columns(data, time, "time")  # type: ignore[arg-type]
            if len(time_columns) != len(columns):
                raise DataError(
                    f"time: {len(time_columns)} time columns for {len(columns)} outcome columns.",
                    code="wave_mismatch", argument="time", way_out="Give one time column per outcome column.",
                )
            time_matrix = np.column_stack([numeric(data[c], c) for c in time_columns])
        y_matrix = np.column_stack([numeric(data[c], c) for c in columns])
        if id is None:
            ids = pd.Index(data.index, name=data.index.name or "id")
        else:
            require_columns(data, [id])
            ids = pd.Index(id_values(data[id]), name=id)
        repeated = ids[ids.duplicated() & ids.notna()]
        if len(repeated):
            raise DataError(
                f"{ids.name}: {len(repeated)} ids stand on more than one row of wide data, first {repeated[0]!r}.",
                code="duplicate_id", argument=str(ids.name), way_out="Wide data have one row per subject.",
            )
        n, waves = y_matrix.shape
        codes = np.where(ids.notna(), np.arange(n), -1)
        return cls.from_arrays(
            np.repeat(codes, waves), time_matrix.ravel(), y_matrix.ravel(), ids=ids, id_name=str(ids.name),
            time_name="time", name=name or common_stem(columns), row_labels=data.index,
            wave=np.tile(np.arange(waves), n), row=np.repeat(np.arange(n), waves),
            columns=tuple(str(c) for c in columns),
        )

    @classmethod
    def from_arrays(
        cls, subject: np.ndarray, time: np.ndarray, y: np.ndarray, *, ids: pd.Index, id_name: str = "id",
        time_name: str = "time", name: str = "y", row_labels: pd.Index | None = None, wave: np.ndarray | None = None,
        row: np.ndarray | None = None, columns: tuple[str, ...] = (),
    ) -> Panel:
        """From subject codes (n,), -1 for a missing id, times (n,) and outcomes (n,) with NaN for missing."""
        subject = np.asarray(subject, dtype=np.int64)
        time = np.asarray(time, dtype=float)
        y = np.asarray(y, dtype=float)
        row = np.arange(y.size) if row is None else row
        labels = row_labels if row_labels is not None else pd.RangeIndex(y.size)
        for values, what in ((time, time_name), (y, name)):
            refuse_infinite(values, what, row, wave, columns, labels)
        missing_id = subject < 0
        missing_y = ~missing_id & np.isnan(y)
        missing_time = ~missing_id & ~missing_y & np.isnan(time)
        keep = ~(missing_id | missing_y | missing_time)
        present = np.zeros(len(ids), dtype=bool)
        present[subject[keep]] = True
        dropped = Dropped(
            observations_read=int(y.size), subjects_read=len(ids), missing_outcome=int(missing_y.sum()),
            missing_time=int(missing_time.sum()), missing_id=int(missing_id.sum()),
            subjects=tuple(ids[~present & np.asarray(ids.notna())]),
        )
        if not keep.any():
            raise DataError(
                f"{name}: no observation is left once missing values are dropped.", code="no_data", argument=name,
                way_out="Check the column names and the coding of missing values.",
            )
        wave = ranks(np.where(keep, time, time[keep][0]))[1] if wave is None else wave
        parts = [(np.cumsum(present) - 1)[subject], time, y, wave, row]
        if not keep.all():
            parts = [p[keep] for p in parts]
        if not _in_order(parts[0], parts[1] if columns == () else None):
            keys = (parts[1], parts[0]) if columns == () else (parts[0],)
            order = np.lexsort(keys)
            parts = [p[order] for p in parts]
        measures = Measures(
            subject=parts[0], time=parts[1], y=parts[2], wave=parts[3], row=parts[4], name=name, time_name=time_name,
            columns=columns,
        )
        panel = cls(ids=ids[present], outcomes=(measures,), dropped=dropped, row_labels=labels)
        panel._refuse_duplicates(measures, id_name)
        return panel

    def _refuse_duplicates(self, measures: Measures, id_name: str) -> None:
        if _in_order(measures.subject, measures.time):
            return
        order = np.lexsort((measures.time, measures.subject))
        s, t = measures.subject[order], measures.time[order]
        same = np.flatnonzero((s[1:] == s[:-1]) & (t[1:] == t[:-1])) + 1
        if same.size:
            raise DataError(
                f"{id_name}, {measures.time_name}: {same.size} observations repeat the id and time of another one: "
                f"{self.describe_rows(order[same], measures)}.",
                code="duplicate_time", argument=measures.time_name,
                way_out="Keep one row per subject and time, or check that the id column is right.",
            )


def ranks(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values, ascending, and each value's place among them; by hashing, as np.unique sorts everything."""
    codes, levels = pd.factorize(values, sort=True)
    return np.asarray(levels), codes


def _in_order(subject: np.ndarray, time: np.ndarray | None) -> bool:
    """Ascending by subject, and strictly by time within a subject where times are given."""
    step = np.diff(subject)
    if (step < 0).any():
        return False
    return time is None or not ((step == 0) & (np.diff(time) <= 0)).any()


def panel_of_arrays(y: Any, time: Any, id: Any) -> Panel:
    """A panel from (N, T) outcomes with times (T,) or (N, T), or from long y, time and id of one length."""
    values, times = number_array(y, "y"), number_array(time, "time")
    if values.ndim == 2:
        n, waves = values.shape
        if times.shape not in ((waves,), (n, waves)):
            raise DataError(
                f"time: shape {times.shape} does not go with y of shape {values.shape}.", code="wave_mismatch",
                argument="time", way_out=f"Give ({waves},) or ({n}, {waves}).",
            )
        ids = pd.Index(np.arange(n) if id is None else np.asarray(id), name="id")
        if len(ids) != n:
            raise DataError(
                f"id: {len(ids)} ids for {n} rows of y.", code="bad_shape", argument="id",
                way_out="Give one id per subject, or none.",
            )
        if ids.has_duplicates:
            raise DataError(
                f"id: {ids[ids.duplicated()][0]!r} stands there more than once.", code="duplicate_id", argument="id",
                way_out="Wide data have one row per subject.",
            )
        return Panel.from_arrays(
            np.repeat(np.arange(n), waves), np.broadcast_to(times, (n, waves)).ravel(), values.ravel(), ids=ids,
            wave=np.tile(np.arange(waves), n), row=np.repeat(np.arange(n), waves),
            columns=tuple(f"y{j + 1}" for j in range(waves)),
        )
    if values.ndim != 1 or id is None or times.shape != values.shape or len(id) != values.size:
        raise DataError(
            "y: give an (N, T) array, or arrays y, time and id of one length.", code="bad_shape", argument="y",
            way_out="For a table, use GBTM.from_formula.",
        )
    codes, distinct = pd.factorize(np.asarray(id))
    return Panel.from_arrays(codes, times, values, ids=pd.Index(distinct, name="id"))
