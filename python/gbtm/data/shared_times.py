"""Observations of one person that share a time: two lesions, two raters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ..errors import DataError, SpecificationError
from .measures import Measures, in_order
from .waves import joined


def in_sequence(measures: Measures, *, repeated: bool) -> Measures:
    """The observations by subject, and those of long data by time too.

    With ``repeated`` those that share a time stand in an order that neither their order in the table nor their size
    decides: a hash's.
    """
    m = measures
    time = None if m.columns else m.time
    if not in_order(m.subject, time):
        m = m.take(np.lexsort((m.subject,) if time is None else (time, m.subject)))
    if not repeated or not m.n_shared:
        return m
    values = [m.y, *m.covariates.T, *([] if m.exposure is None else [m.exposure])]
    hashes = [pd.util.hash_array(v + 0.0) for v in reversed(values)]  # -0.0 is 0.0
    return m.take(np.lexsort((*hashes, m.time, m.subject)))


def refuse_shared(measures: Measures, describe: Callable[[np.ndarray, Measures], str], id_name: str) -> None:
    """Raise where a subject has several observations at one time; ``describe`` says of rows what they are."""
    m = measures
    if in_order(m.subject, m.time):
        return
    order = np.lexsort((m.time, m.subject))
    s, t = m.subject[order], m.time[order]
    same = np.flatnonzero((s[1:] == s[:-1]) & (t[1:] == t[:-1])) + 1
    if same.size:
        raise DataError(
            f"{id_name}, {m.time_name}: {same.size} observations repeat the id and time of another one: "
            f"{describe(order[same], m)}.",
            code="duplicate_time", argument=m.time_name,
            way_out="Keep one row per subject and time, or check that the id column is right. Where each is a "
            "measurement of its own, of two raters for one, repeated=True lets all of them count.",
        )


def waves_of_columns(times: np.ndarray, named: Sequence[object] | None = None) -> np.ndarray:
    """The wave (T,) of each column of wide data with times (N, T): columns with the same times are one wave.

    With ``named``, what the columns' times are called, it is by these alone: a block of a table may have few people,
    whose times are the same by chance.

    Examples
    --------
    >>> import numpy as np
    >>> from gbtm.data.shared_times import waves_of_columns
    >>> waves_of_columns(np.array([[1.0, 2.0, 1.0, 2.0]])).tolist()
    [0, 1, 0, 1]
    """
    settled = np.ascontiguousarray(joined(times.ravel()).reshape(times.shape).T)
    return pd.factorize(np.array([repr(n) for n in named] if named is not None else [
        (t + 0.0).tobytes().hex() for t in settled], dtype=object))[0]


def names_of_waves(columns: Sequence[str], waves: np.ndarray) -> tuple[str, ...]:
    """What each wave is called, by its columns."""
    return tuple(", ".join(c for c, w in zip(columns, waves, strict=True) if w == wave)
                 for wave in range(int(waves.max(initial=-1)) + 1))


def layers(times: np.ndarray) -> list[np.ndarray]:
    """Places of the columns whose mean times are ``times`` (T,), the first of each time, then the second, and so on."""
    waves = pd.Series(waves_of_columns(np.asarray(times, dtype=float)[None]))
    place = waves.groupby(waves).cumcount().to_numpy()
    return [np.flatnonzero(place == layer) for layer in range(int(place.max(initial=0)) + 1)]


def refuse_history(*, repeated: bool, dropout: bool) -> None:
    """Raise where dropout, which goes by a person's last outcomes, is asked of a panel with several at one time."""
    if repeated and dropout:
        raise SpecificationError(
            "dropout: it goes by the last outcomes of a person, and several at one time have no order.",
            code="no_order", argument="dropout", way_out="Leave repeated or dropout out.",
        )
