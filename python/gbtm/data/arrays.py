"""A panel from the user's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from .columns import number_array
from .panel import Panel
from .subjects import subjects_of_arrays


def panel_of_arrays(
    y: Any, time: Any, id: Any, *, tcov: Any = None, exposure: Any = None, risk: Any = None, weights: Any = None,
    cluster: Any = None, stratum: Any = None, out_of_sample: Any = None, obsmar: Any = None, dropout: bool = False,
    dcov: Any = None,
) -> Panel:
    """A panel from (N, T) outcomes with times (T,) or (N, T), or from long y, time and id of one length.

    ``tcov`` and ``exposure`` have the shape of y (several covariates: a further axis, or a dict by name); the rest has
    one row per subject.
    """
    values, times = number_array(y, "y"), number_array(time, "time")
    covariates, names = _time_varying(tcov, values.shape, "tcov")
    leaving, leaving_names = _time_varying(dcov, values.shape, "dcov")
    history: dict[str, Any] = {"dropout": dropout, "dcov": leaving, "dcov_names": leaving_names}
    at_risk = None if exposure is None else _shaped(exposure, values.shape, "exposure").ravel()
    known = {"risk": risk, "weights": weights, "cluster": cluster, "stratum": stratum,
             "out_of_sample": out_of_sample, "obsmar": obsmar}
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
            columns=tuple(f"y{j + 1}" for j in range(waves)), covariates=covariates, covariate_names=names,
            exposure=at_risk, known=subjects_of_arrays(n, **known), **history,
        )
    if values.ndim != 1 or id is None or times.shape != values.shape or len(id) != values.size:
        raise DataError(
            "y: give an (N, T) array, or arrays y, time and id of one length.", code="bad_shape", argument="y",
            way_out="For a table, use GBTM.from_formula.",
        )
    codes, distinct = pd.factorize(np.asarray(id))
    return Panel.from_arrays(
        codes, times, values, ids=pd.Index(distinct, name="id"), covariates=covariates, covariate_names=names,
        exposure=at_risk, known=subjects_of_arrays(len(distinct), **known), **history,
    )


def _time_varying(tcov: Any, shape: tuple[int, ...], argument: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Covariates (n_obs, q) and their names."""
    if tcov is None:
        return np.zeros((int(np.prod(shape)), 0)), ()
    if isinstance(tcov, Mapping):
        columns = [_shaped(v, shape, argument).ravel() for v in tcov.values()]
        return np.column_stack(columns), tuple(str(k) for k in tcov)
    w = number_array(tcov, argument)
    w = w[..., None] if w.ndim == len(shape) else w
    columns = [_shaped(w[..., j], shape, argument).ravel() for j in range(w.shape[-1])]
    return np.column_stack(columns), tuple(f"w{j + 1}" for j in range(len(columns)))


def _shaped(values: Any, shape: tuple[int, ...], argument: str) -> np.ndarray:
    array = number_array(values, argument)
    if array.shape != shape:
        raise DataError(
            f"{argument}: shape {array.shape} does not go with y of shape {shape}.", code="bad_shape",
            argument=argument, way_out="Give one value per observation.",
        )
    return array
