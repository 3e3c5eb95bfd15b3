"""From a table to arrays: the only door for pandas.

A :class:`Panel` holds who was measured, when, and with what value. Missing outcomes drop that observation, subjects
with no observation left are dropped, and both are counted in :class:`Dropped`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.formula_design import FormulaDesign, covariate_columns
from ..columns.reading import MAX_SHOWN, common_stem, expand_columns, numbers_of_rows, numeric, require, require_columns
from ..errors import DataError
from .dropped import Dropped, Unobserved, kept_apart, refuse_unusable, usable
from .history import history_of
from .ids import id_column, id_columns, wide_ids
from .measures import History, Measures
from .shared_times import in_sequence, names_of_waves, refuse_history, refuse_shared, waves_of_columns
from .subjects import Subjects, subjects_of
from .wave_order import Doubt, doubts
from .waves import joined, refuse_disorder, refuse_without_wave, wave_codes
from .wide_columns import mean_times, times_of_columns, wave_lists, wave_matrix, wave_times

Terms = str | Sequence[str] | FormulaDesign | None


@dataclass(frozen=True)
class Panel:
    """Subjects and their measures.

    Build one with :meth:`from_long` or :meth:`from_wide`. ``outcomes`` is a tuple, one entry per outcome. ``designs``
    says, of "tcov" and "dcov", how the covariates are made of a long table.

    Examples
    --------
    >>> import pandas as pd
    >>> from gbtm.data.panel import Panel
    >>> d = pd.DataFrame({"who": ["a", "a", "b"], "age": [1, 2, 1], "y": [0.5, None, 1.5]})
    >>> panel = Panel.from_long(d, id="who", time="age", outcome="y")
    >>> panel.n_subjects, panel.nobs, panel.dropped.missing_outcome
    (2, 2, 1)
    """

    ids: pd.Index
    outcomes: tuple[Measures, ...]
    dropped: Dropped = field(default_factory=Dropped)
    row_labels: pd.Index | None = None
    known: Subjects | None = None
    history: History | None = None
    departures: Measures | None = None
    designs: Mapping[str, FormulaDesign] = field(default_factory=dict)
    unobserved: Unobserved | None = None  # people to be told their prior probabilities; they are none of the subjects
    doubts: tuple[Doubt, ...] = ()  # what was strange about the table, to be told with the fit
    on_disk: ClassVar[Callable[..., Any] | None] = None  # reads tables in files; gbtm.disk puts it here
    of_query: ClassVar[Any] = None  # and queries

    @property
    def sources(self) -> tuple[Measures, ...]:
        """What the parts of a model are about: the outcomes, and the records of dropout where it is modelled."""
        return self.outcomes if self.departures is None else (*self.outcomes, self.departures)

    @cached_property
    def subjects(self) -> Subjects:
        """Membership covariates, weights and the like, one row per subject."""
        return self.known if self.known is not None else Subjects.nothing(self.n_subjects)

    @property
    def n_subjects(self) -> int:
        return len(self.ids)

    @property
    def nobs(self) -> int:
        return sum(m.nobs for m in self.outcomes)

    def nobs_of(self, m: int) -> int:
        """Observations of an outcome."""
        return self.outcomes[m].nobs

    @property
    def for_starts(self) -> Panel:
        """The people among whom starts are tried: all of them, or those that stand for people who are on disk."""
        return self

    def subset(self, keep: np.ndarray) -> Panel:
        """The panel of some subjects, given by their positions, ascending."""
        new = np.full(self.n_subjects, -1)
        new[keep] = np.arange(keep.size)
        outcomes = tuple(m.take(np.flatnonzero(new[m.subject] >= 0), new[m.subject]) for m in self.outcomes)
        known = None if self.known is None else self.known.take(keep)
        gone = self.departures
        return replace(
            self, ids=self.ids[keep], outcomes=outcomes, known=known,
            history=None if self.history is None else self.history.take(new),
            departures=None if gone is None else gone.take(np.flatnonzero(new[gone.subject] >= 0), new[gone.subject]),
        )

    def before(self, event: Mapping[Any, float] | pd.Series, start: float | None = None) -> Panel:
        """What comes before an event, its times by id; see :func:`gbtm.data.untreated_history.untreated_history`."""
        from .untreated_history import panel_before

        out: Panel = panel_before(self, event, start)
        return out

    def weighted(self, count: np.ndarray) -> Panel:
        """The panel in which subject i stands ``count[i]`` (N,) times, by weights; those with 0 are left out.

        The likelihood of weights rescaled to mean 1 is that of repeated subjects over their mean number.
        """
        keep = np.flatnonzero(count)
        some = self.subset(keep)
        own = some.subjects.weights
        return replace(some, known=replace(some.subjects, weights=count[keep] * (1.0 if own is None else own)))

    def split(self) -> tuple[Panel, Panel | None]:
        """The subjects to fit, and those held out to be scored only (None where there are none).

        Of those without an observation, who belong to the latter, the panel to fit says that theirs is the prior.
        """
        held, apart = self.subjects.held_out, self.unobserved
        if held is None or not (held.any() or apart is not None):
            return self, None
        if held.all():
            raise DataError(
                "out_of_sample: all subjects are held out.", code="no_data", argument="out_of_sample",
                way_out="Leave it 0 for those to fit.",
            )
        fitted, scored = self.subset(np.flatnonzero(~held)), self.subset(np.flatnonzero(held))
        if apart is not None:
            said = ("prior", f"out_of_sample: {apart.sentence()}")
            fitted = replace(fitted, unobserved=None, doubts=(*fitted.doubts, said))
            scored = replace(scored, unobserved=replace(apart, others=apart.others[held]))
        if fitted.history is not None and not self.outcomes[0].columns:
            # in long data waves are the times that occur: those of subjects held out alone are none to drop out from
            last = int(fitted.history.wave[~np.isnan(fitted.history.y)].max()) + 1
            fitted = replace(fitted, history=fitted.history.until(last))
        return fitted, scored

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
    @checked
    def from_long(
        cls, data: pd.DataFrame, *, id: str | Sequence[str], time: str, outcome: str, tcov: Terms = None,
        exposure: str | float | None = None, dropout: bool = False, dcov: Terms = None, wave: str | None = None,
        waves: Sequence[float] | np.ndarray | None = None, unobserved: bool = False, is_block: bool = False,
        lags: tuple[np.ndarray, np.ndarray] | None = None, repeated: bool = False, **subjects: Any,
    ) -> Panel:
        """One row per observation.

        Parameters
        ----------
        data : DataFrame
        id, time, outcome : column names. The id may be of any type, or several columns that name a person together;
            time and outcome must be numeric or 0/1 logical.
        tcov : time-varying covariates: column names or a formula such as ``"~ w + C(job)"``
        exposure : column with the time at risk, or of a binomial outcome with its trials; a number stands for all rows
        dropout : keep what a dropout model needs; ``dcov`` are its covariates, as for tcov
        wave : column that counts the waves; without it a wave is a distinct time
        waves : those of a fit, for new people
        unobserved : people without an observation are kept apart, for the prior, and not dropped
        is_block : of a larger table, so that nobody need be left
        lags : the lagged outcomes among the covariates: the row that each comes from, below 0 for none, and its value
        repeated : a person may have several observations at one time, of two raters or lesions: each counts
        subjects : ``risk``, ``weights``, ``cluster``, ``stratum``, ``out_of_sample``, as for :func:`subjects_of`

        Raises
        ------
        DataError
            For an unknown column, a time or outcome that is not numeric, infinite values; without ``repeated`` for a
            duplicated (id, time).

        Examples
        --------
        >>> two = pd.DataFrame({"who": ["a", "a", "a"], "age": [1, 1, 2], "y": [0.5, 0.7, 1.5]})
        >>> Panel.from_long(two, id="who", time="age", outcome="y", repeated=True).outcomes[0].n_shared
        2
        """
        require_columns(data, [*id_columns(id), time, outcome])
        who = id_column(data, id)
        codes, levels = pd.factorize(who, sort=False)
        ids = pd.Index(levels, name=who.name)
        covariates, names, design = covariate_columns(tcov, data, "tcov")
        dropout_covariates, dropout_names, dropout_design = covariate_columns(dcov, data, "dcov")
        designs = {"tcov": design, "dcov": dropout_design}
        panel = cls.from_arrays(
            codes, numeric(data[time], time), numeric(data[outcome], outcome), ids=ids, id_name=str(ids.name),
            time_name=time, name=outcome, row_labels=data.index, covariates=covariates, covariate_names=names,
            exposure=None if exposure is None else numbers_of_rows(data, exposure),
            known=subjects_of(data, ids, codes, **subjects), dropout=dropout, dcov=dropout_covariates,
            dcov_names=dropout_names, waves=waves,
            counted=None if wave is None else numeric(data[require(data, wave)], wave), wave_name=wave or "wave",
            unobserved=unobserved, is_block=is_block, lags=lags, repeated=repeated,
        )
        return replace(panel, designs={k: d for k, d in designs.items() if d is not None})

    @classmethod
    @checked
    def from_wide(
        cls, data: pd.DataFrame, *, outcome: str | Sequence[str], time: str | Sequence[str] | Sequence[float],
        id: str | Sequence[str] | None = None, name: str | None = None, time_name: str = "time",
        tcov: Mapping[str, str | Sequence[str]] | None = None, exposure: str | Sequence[str] | float | None = None,
        dropout: bool = False, dcov: Mapping[str, str | Sequence[str]] | None = None,
        written: Collection[str] | None = None, unobserved: bool = False, is_block: bool = False,
        lags: tuple[np.ndarray, np.ndarray] | None = None, repeated: bool = False, **subjects: Any,
    ) -> Panel:
        """One row per subject.

        Parameters
        ----------
        outcome : column names, or a pattern such as ``"count_*"``
        time : the same for the columns that hold the times, or one number per wave; labelled by the outcome's columns
            (a Series or dict), they are matched by them
        id : column with the subjects' ids; the index of ``data`` when absent
        tcov : name of each time-varying covariate and its columns, one per wave
        exposure : columns with the time at risk or the trials, one per wave; a number stands for all
        written : columns that the user wrote down one by one; default those that no pattern stands for
        dropout : keep what a dropout model needs; ``dcov`` are its covariates, as for tcov
        unobserved, is_block : as for :meth:`from_long`; ``lags`` too, of the cells row by row
        repeated : columns may have the same times, of which they are one wave
        subjects : ``risk``, ``weights``, ``cluster``, ``stratum``, ``out_of_sample``, as for :func:`subjects_of`
        """
        columns = expand_columns(data, outcome, "outcome")
        name = name or common_stem(columns)
        time_matrix = wave_times(data, time, columns)
        ids = wide_ids(data, id)
        n, waves = time_matrix.shape
        numbers, called = np.arange(waves), tuple(str(c) for c in columns)
        if repeated:
            numbers = waves_of_columns(time_matrix, times_of_columns(data, time, columns) if is_block else None)
            called = names_of_waves(called, numbers)
        codes = np.where(ids.notna(), np.arange(n), -1)
        w = [wave_matrix(data, c, "tcov", waves).ravel() for c in (tcov or {}).values()]
        v = [wave_matrix(data, c, "dcov", waves).ravel() for c in (dcov or {}).values()]
        columns_at_risk = None if isinstance(exposure, (int, float)) else exposure
        at_risk = None if exposure is None else np.broadcast_to(
            exposure if columns_at_risk is None else wave_matrix(data, columns_at_risk, "exposure", waves).ravel(),
            n * waves).astype(float)
        lists, literal = wave_lists(
            data, {name: outcome, time_name: time, **(tcov or {}), **(dcov or {}), "exposure": columns_at_risk})
        return cls.from_arrays(
            np.repeat(codes, waves), time_matrix.ravel(), wave_matrix(data, columns, "outcome", waves).ravel(),
            ids=ids, id_name=str(ids.name), time_name=time_name, name=name,
            row_labels=data.index, wave=np.tile(numbers, n), row=np.repeat(np.arange(n), waves), columns=called,
            covariates=np.column_stack(w) if w else None,
            covariate_names=tuple(tcov or ()),
            exposure=at_risk, known=subjects_of(data, ids, None, **subjects), dropout=dropout,
            dcov=np.column_stack(v) if v else None, dcov_names=tuple(dcov or ()),
            strange=doubts(lists, mean_times(time_matrix), literal if written is None else written, repeated=repeated),
            unobserved=unobserved, is_block=is_block, lags=lags, repeated=repeated,
        )

    @classmethod
    @checked
    def from_parquet(cls, data: Any, *, id: str, time: Any, outcome: Any, **given: Any) -> Any:
        """A table in Parquet files that stays on disk: a :class:`gbtm.disk.disk_panel.DiskPanel`.

        :func:`gbtm.disk.disk_panel.disk_panel` has the arguments: those of :meth:`from_long` or :meth:`from_wide`, and
        ``repartition``, ``block``, ``memory``.
        """
        assert cls.on_disk is not None, "gbtm.Panel has it"
        return cls.on_disk(data, id=id, time=time, outcome=outcome, **given)

    @classmethod
    @checked
    def from_query(
        cls, query: str, connection: Any, *, id: str, time: Any, outcome: Any, folder: str | Path, **given: Any
    ) -> Any:
        """:meth:`from_parquet` of a query's rows, which :func:`gbtm.disk.query.query_files` puts into ``folder``."""
        files = cls.of_query(query, connection, id=id, folder=folder)
        return cls.from_parquet(files, id=id, time=time, outcome=outcome, **given)

    @classmethod
    def from_arrays(
        cls, subject: np.ndarray, time: np.ndarray, y: np.ndarray, *, ids: pd.Index, id_name: str = "id",
        time_name: str = "time", name: str = "y", row_labels: pd.Index | None = None, wave: np.ndarray | None = None,
        row: np.ndarray | None = None, columns: tuple[str, ...] = (), covariates: np.ndarray | None = None,
        covariate_names: tuple[str, ...] = (), exposure: np.ndarray | None = None, known: Subjects | None = None,
        dropout: bool = False, dcov: np.ndarray | None = None, dcov_names: tuple[str, ...] = (),
        counted: np.ndarray | None = None, wave_name: str = "wave", waves: Sequence[float] | np.ndarray | None = None,
        strange: tuple[Doubt, ...] = (), unobserved: bool = False, is_block: bool = False,
        lags: tuple[np.ndarray, np.ndarray] | None = None, repeated: bool = False,
    ) -> Panel:
        """From subject codes (n,), -1 for a missing id, times (n,) and outcomes (n,) with NaN for missing.

        ``covariates`` (n, q) and ``exposure`` (n,) are of the observations, ``known`` of the subjects in ``ids``; with
        ``dropout`` the history is kept, and in it the covariates ``dcov`` (n, q). ``wave`` (n,) are columns of wide
        data; of long data ``counted`` (n,) numbers the waves, or else they are the distinct times. ``waves`` are those
        of a fit, for new people; with ``unobserved`` those without an observation are kept apart, not dropped.
        """
        refuse_history(repeated=repeated, dropout=dropout)
        time = joined(np.asarray(time, dtype=float))
        y = np.asarray(y, dtype=float)
        everything = Measures(
            subject=np.asarray(subject, dtype=np.int64), time=time, y=y,
            wave=np.zeros(0, dtype=np.int64) if wave is None else wave,
            row=np.arange(y.size) if row is None else row, name=name, time_name=time_name, columns=columns,
            covariates=np.zeros((y.size, 0)) if covariates is None else covariates, covariate_names=covariate_names,
            exposure=exposure, lag_source=None if lags is None else np.maximum(lags[0], -1),
            lag_values=None if lags is None else lags[1],
        )
        labels = row_labels if row_labels is not None else pd.RangeIndex(y.size)
        refuse_unusable(everything, wave, labels)
        if known is not None:
            known.check(ids)
        keep, dropped = usable(everything, ids, known, unobserved, is_block)
        levels, timed = None, ~(np.isnan(time) & np.isnan(y))
        if wave is None:
            told = time if counted is None else counted
            refuse_without_wave(keep & np.isnan(told), wave_name)
            # with dropout a wave counts although nobody's outcome is known there
            timed = ~np.isnan(told) if dropout else keep
            levels, codes = wave_codes(told, timed, waves)
            everything = replace(everything, wave=codes)
        present = np.zeros(len(ids), dtype=bool)
        present[everything.subject[keep]] = True
        renumbered = (np.cumsum(present) - 1)[everything.subject]
        rows = slice(None) if keep.all() else np.flatnonzero(keep)
        measures = in_sequence(everything.take(rows, renumbered), repeated=repeated)  # type: ignore[arg-type]
        panel = cls(
            ids=ids[present], outcomes=(measures,), dropped=dropped, row_labels=labels, doubts=strange,
            known=None if known is None else known.take(present),
            unobserved=Unobserved.of(ids, known, present, among=kept_apart(known, len(ids), unobserved)),
            history=None if not dropout else replace(
                history_of(everything, renumbered, present, dcov, dcov_names, timed), levels=levels,
                by_time=wave is None and counted is None),
        )
        if not repeated:
            refuse_shared(measures, panel.describe_rows, id_name)
        if counted is not None:
            refuse_disorder(measures, wave_name, panel.ids)
        return panel
