"""Waves of long data: distinct times, or distinct values of the column that counts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import DataError
from .measures import Measures, ranks

AS_ONE = 1e-9  # of the range of the values: what is no further apart is one number that rounding has split


def joined(values: np.ndarray) -> np.ndarray:
    """Values (n,) in which those that rounding alone tells apart are one: 0.1 + 0.2 is 0.3.

    The one that stands for them is the commonest, and among those the one with the fewest digits. NaN stays.

    Examples
    --------
    >>> import numpy as np
    >>> from gbtm.data.waves import joined
    >>> joined(np.array([0.0, 0.1 + 0.2, 0.3, 1.0])).tolist()
    [0.0, 0.3, 0.3, 1.0]
    """
    levels, codes = ranks(values)
    if levels.size < 2 or not np.isfinite(levels).all():
        return values
    close = np.diff(levels) <= AS_ONE * (levels[-1] - levels[0])
    if not close.any():
        return values
    counts = np.bincount(codes[codes >= 0], minlength=levels.size)
    for cluster in np.split(np.arange(levels.size), np.flatnonzero(~close) + 1):
        if cluster.size > 1:
            best = min(cluster, key=lambda j: (-counts[j], len(repr(float(levels[j]))), levels[j]))
            levels[cluster] = levels[best]
    return np.where(codes >= 0, levels[codes], values)


def wave_codes(
    values: np.ndarray, here: np.ndarray, known: Sequence[float] | np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The waves (T,), ascending, and the number of each row's wave (n,), 0 where it has none.

    Parameters
    ----------
    values : (n,) of each row
    here : (n,) bool, rows that have a wave
    known : waves of a fit, which count here too although nobody may have been seen at some of them
    """
    before = np.asarray([] if known is None else known, dtype=float)
    levels, codes = ranks(joined(np.concatenate([before, values[here]])))
    out = np.zeros(values.size, dtype=np.int64)
    out[here] = codes[before.size :]
    return levels, out


def refuse_without_wave(missing: np.ndarray, wave: str) -> None:
    """Raise where a row (n,) bool that is used has no number of its wave."""
    if missing.any():
        raise DataError(
            f"{wave}: {int(missing.sum())} observations have no number of their wave, first in row "
            f"{int(np.flatnonzero(missing)[0])}, counted from 0.", code="missing_wave", argument=wave,
            way_out="Number the wave of every observation, or make its outcome missing.",
        )


def refuse_disorder(measures: Measures, wave: str, ids: pd.Index) -> None:
    """Raise where a subject's waves do not rise with its times; ``measures`` are in the order of time."""
    same = np.diff(measures.subject) == 0
    shared, step = same & (np.diff(measures.time) == 0), np.diff(measures.wave)
    apart = np.flatnonzero(shared & (step != 0))
    if apart.size:
        k = apart[0]
        raise DataError(
            f"{wave}: it differs between observations at one {measures.time_name}, {measures.time[k]:g}, of id "
            f"{ids[measures.subject[k]]}.", code="waves_disagree", argument=wave,
            way_out="Observations that share a time are of one wave.",
        )
    bad = np.flatnonzero(same & ~shared & (step <= 0))
    if bad.size:
        k = bad[0] + 1
        raise DataError(
            f"{wave}: at {measures.time_name} {measures.time[k]:g} of id {ids[measures.subject[k]]} it is not above "
            f"that of the time before; so it is at {bad.size} observations.", code="waves_disagree", argument=wave,
            way_out="The column must count the waves: 1 at the first, and more at every later one.",
        )


def refuse_wave_of_wide() -> None:
    raise DataError(
        "wave: in wide data each column is a wave.", code="wave_of_wide", argument="wave",
        way_out="Leave wave out; the columns must stand in the order of the waves.",
    )
