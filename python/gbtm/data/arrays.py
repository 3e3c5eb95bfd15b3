"""A panel from the user's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..columns.reading import is_number, number_array, plain_labels
from ..errors import DataError, MissingArgumentError
from .ids import id_column
from .labels import by_rows, by_waves, own_names, row_labels
from .panel import Panel
from .shared_times import names_of_waves, waves_of_columns
from .subjects import subjects_of_arrays
from .wave_order import Doubt, doubts, times_without
from .waves import refuse_wave_of_wide
from .wide_columns import mean_times

ID_NAMES = frozenset({"id", "ids", "pid", "subject", "subjectid", "subject_id", "personid", "person_id"})


def panel_of_arrays(
    y: Any, time: Any, id: Any, *, tcov: Any = None, common: Any = None, exposure: Any = None, risk: Any = None,
    weights: Any = None, cluster: Any = None, stratum: Any = None, out_of_sample: Any = None, obsmar: Any = None,
    dropout: bool = False, dcov: Any = None, wave: Any = None, known: Any = None, repeated: bool = False,
    event: Any = None,
) -> Panel:
    """A panel from (N, T) outcomes with times (T,), (N, T) or none, or from long y, time and id of one length.

    ``tcov``, ``common`` and ``exposure`` have the shape of y (several covariates: a further axis, or a dict by name);
    the rest has one row per subject.

    Series and DataFrames are matched by their labels: rows by the index of y, or by id; waves by the columns of y. An
    index that names neither is refused.
    """
    if event is not None:
        raise DataError(
            "event: it names columns of a table, and y is an array.", code="bad_event", argument="event",
            way_out="For a table, use GBTM.from_formula.",
        )
    subjects = {"risk": risk, "weights": weights, "cluster": cluster, "stratum": stratum,
                "out_of_sample": out_of_sample, "obsmar": obsmar, "known": known}
    observations = {"tcov": tcov, "common": common, "dcov": dcov, "exposure": exposure}
    _refuse_ids_among_waves(y)
    values = number_array(y, "y")
    if values.ndim == 2:
        if wave is not None:
            refuse_wave_of_wide()
        rows = row_labels(y, id, time if np.ndim(time) == 2 else None)
        return _wide(y, values, time, id, rows, subjects, observations, dropout, repeated)
    if time is None:
        raise MissingArgumentError(
            "time: not given.", code="missing_argument", argument="time",
            way_out="Give arrays y, time and id of one length, or y as an (N, T) array.",
        )
    rows = row_labels(y, id, time)
    if values.ndim != 1 or id is None or np.shape(time) != values.shape or len(id) != values.size:
        raise DataError(
            "y: give an (N, T) array, or arrays y, time and id of one length.", code="bad_shape", argument="y",
            way_out="For a table, use GBTM.from_formula.",
        )
    layout = Observations(values.shape, rows, None, None)
    given = by_rows(id, "id", values.size, rows=rows)
    codes, distinct = pd.factorize(
        plain_labels(id_column(given, list(given.columns)) if isinstance(given, pd.DataFrame) else given))
    ids = pd.Index(distinct, name="id")
    known = {k: by_rows(v, k, len(ids), ids=ids) for k, v in subjects.items()}
    return Panel.from_arrays(
        codes, layout.column(time, "time"), values, ids=ids, known=subjects_of_arrays(len(ids), **known),
        dropout=dropout, repeated=repeated, **layout.further(**observations),
        counted=None if wave is None else layout.column(wave, "wave"),
    )


def _refuse_ids_among_waves(y: Any) -> None:
    """Raise where a table of outcomes has its ids in a column, which would be taken for a wave."""
    named = [c for c in y.columns if str(c).strip().lower() in ID_NAMES] if isinstance(y, pd.DataFrame) else []
    if named:
        raise DataError(
            f"y: its column '{named[0]}' is called as ids are, and each column of y is a wave.", code="ids_among_waves",
            argument="y", way_out="Take that column out of y and give it as id=, or use GBTM.from_formula with wide=.",
        )


def _wide(
    y: Any, values: np.ndarray, time: Any, id: Any, rows: pd.Index | None, subjects: dict[str, Any],
    observations: dict[str, Any], dropout: bool, repeated: bool,
) -> Panel:
    """One row per subject; a column of ``y`` is a wave."""
    n, waves = values.shape
    if id is not None and len(id) != n:
        raise DataError(
            f"id: {len(id)} ids for {n} rows of y.", code="bad_shape", argument="id",
            way_out="Give one id per subject, or none.",
        )
    own = rows is not None and np.ndim(id) == 1 and np.array_equal(plain_labels(id), rows)
    given = id if own else by_rows(id, "id", n, rows=rows)
    if isinstance(given, pd.DataFrame):
        given = id_column(given, list(given.columns))
    labels = (np.arange(n) if rows is None else rows) if given is None else plain_labels(given)
    ids = pd.Index(labels, name="id")
    if ids.has_duplicates:
        raise DataError(
            f"id: {ids[ids.duplicated()][0]!r} stands there more than once.", code="duplicate_id", argument="id",
            way_out="Wide data have one row per subject.",
        )
    layout = Observations(values.shape, rows, ids, y.columns if isinstance(y, pd.DataFrame) else pd.RangeIndex(waves))
    said: tuple[Doubt, ...] = ()
    if time is None:
        times, doubt = times_without(list(y.columns) if isinstance(y, pd.DataFrame) else None, waves)
        said = (doubt,)
    else:
        times = number_array(layout.ordered(time, "time"), "time")
    if times.shape not in ((waves,), (n, waves)):
        raise DataError(
            f"time: shape {times.shape} does not go with y of shape {values.shape}.", code="wave_mismatch",
            argument="time", way_out=f"Give ({waves},) or ({n}, {waves}).",
        )
    known = {k: by_rows(v, k, n, rows=rows, ids=ids) for k, v in subjects.items()}
    of_rows = np.broadcast_to(times, (n, waves))
    numbers = waves_of_columns(of_rows) if repeated else np.arange(waves)
    return Panel.from_arrays(
        np.repeat(np.arange(n), waves), of_rows.ravel(), values.ravel(), ids=ids, wave=np.tile(numbers, n),
        row=np.repeat(np.arange(n), waves), columns=names_of_waves([f"y{j + 1}" for j in range(waves)], numbers),
        strange=said + layout.doubts({"y": y, **observations}, times, repeated=repeated),
        known=subjects_of_arrays(n, **known), dropout=dropout, repeated=repeated,
        **layout.further(**observations),
    )


@dataclass(frozen=True, eq=False)
class Observations:
    """How ``y`` is laid out, for what has a value per observation: its shape, and what names its rows and waves."""

    shape: tuple[int, ...]
    rows: pd.Index | None
    ids: pd.Index | None
    waves: pd.Index | None

    def ordered(self, values: Any, argument: str) -> Any:
        """In the order of y, where labels say in which order they are."""
        if self.waves is None:
            return by_rows(values, argument, self.shape[0], rows=self.rows)
        if isinstance(values, pd.Series):
            return by_waves(values, argument, self.waves)
        return by_waves(by_rows(values, argument, self.shape[0], rows=self.rows, ids=self.ids), argument, self.waves)

    def column(self, values: Any, argument: str) -> np.ndarray:
        """One value per observation (n_obs,)."""
        array = number_array(self.ordered(values, argument), argument)
        if array.shape != self.shape:
            raise DataError(
                f"{argument}: shape {array.shape} does not go with y of shape {self.shape}.", code="bad_shape",
                argument=argument, way_out="Give one value per observation.",
            )
        return array.ravel()

    def covariates(self, given: Any, argument: str, stem: str = "w") -> tuple[np.ndarray, tuple[str, ...]]:
        """Covariates (n_obs, q) and their names."""
        if given is None:
            return np.zeros((int(np.prod(self.shape)), 0)), ()
        if isinstance(given, Mapping):
            columns = [self.column(v, argument) for v in given.values()]
            return np.column_stack(columns), tuple(str(k) for k in given)
        ordered = self.ordered(given, argument)
        w = number_array(ordered, argument)
        w = w[..., None] if w.ndim == len(self.shape) else w
        columns = [self.column(w[..., j], argument) for j in range(w.shape[-1])]
        named = own_names(ordered) if self.waves is None else ()  # of wide data the columns are waves
        names = named or tuple(f"{stem}{j + 1}" for j in range(len(columns)))
        return np.column_stack(columns), names

    def at_each_wave(self, given: Any) -> Any:
        """Covariates of wide data, those that have one value a person (N,) with it at each wave."""
        if isinstance(given, Mapping):
            return {name: self.at_each_wave(values) for name, values in given.items()}
        if len(self.shape) < 2 or np.ndim(given) != 1 or len(given) != self.shape[0]:
            return given
        values = number_array(by_rows(given, "common", self.shape[0], rows=self.rows, ids=self.ids), "common")
        return np.repeat(values[:, None], self.shape[1], axis=1)

    def doubts(self, given: Mapping[str, Any], times: np.ndarray, *, repeated: bool = False) -> tuple[Doubt, ...]:
        """Whether the columns of the tables stand in order, and beside each other as their names say."""
        ordered = {k: self.ordered(v, k) for k, v in given.items() if isinstance(v, pd.DataFrame)}
        named = {k: list(v.columns) for k, v in ordered.items() if all(isinstance(c, str) for c in v.columns)}
        return doubts(named, mean_times(np.atleast_2d(times)), repeated=repeated) if "y" in named else ()

    def further(self, tcov: Any = None, common: Any = None, dcov: Any = None, exposure: Any = None) -> dict[str, Any]:
        """The arguments of :meth:`Panel.from_arrays` about observations."""
        covariates, names = self.covariates(tcov, "tcov")
        if common is not None:
            shared, its_names = self.covariates(self.at_each_wave(common), "common", "c")
            covariates, names = np.hstack([covariates, shared]), (*names, *its_names)
        leaving, leaving_names = self.covariates(dcov, "dcov")
        return {
            "covariates": covariates, "covariate_names": names, "dcov": leaving, "dcov_names": leaving_names,
            "exposure": (
                None if exposure is None else np.full(int(np.prod(self.shape)), float(exposure)) if is_number(exposure)
                else self.column(exposure, "exposure")),
        }
