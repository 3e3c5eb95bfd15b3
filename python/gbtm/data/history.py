"""What was read of each person wave by wave, of a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..columns.reading import refuse_infinite
from ..errors import DataError
from .measures import History, Measures

MOST_WAVES = 1000


def history_of(
    measures: Measures, subject: np.ndarray, present: np.ndarray, dcov: np.ndarray | None, names: tuple[str, ...],
    timed: np.ndarray,
) -> History:
    """The rows read of the subjects that are left, those that have a wave (n,)."""
    m = measures
    if dcov is not None and names:
        for column, name in zip(dcov.T, names, strict=True):
            refuse_infinite(column, name, m.row, None, (), pd.RangeIndex(int(m.row.max()) + 1))
    rows = np.flatnonzero((m.subject >= 0) & present[m.subject] & timed)
    n_waves = int(m.wave.max()) + 1
    if n_waves > MOST_WAVES:
        raise DataError(
            f"dropout: {n_waves} distinct times; dropout needs waves at which all subjects were due.",
            code="no_waves", argument="dropout",
            way_out="Give wave=, the column that counts the waves, or round the times to waves.",
        )
    v = np.zeros((m.y.size, 0)) if dcov is None else dcov
    return History(subject[rows], m.wave[rows], m.y[rows], v[rows], names, int(present.sum()), n_waves)
