"""A polynomial knows nothing of times far from those that it was fitted to."""

from __future__ import annotations

import numpy as np

from ..columns.reading import listing
from ..constants import SHARED
from ..errors import warn

FAR_TIMES: float = SHARED["far_times"]  # of the range of the observed times
LISTED = 4


def warn_far_times(times: np.ndarray, observed: np.ndarray | None) -> np.ndarray:
    """Warn of ``times`` further outside the observed ones than a quarter of their range, if these are known; which."""
    if observed is None or not observed.size:
        return np.zeros(0)
    low, high = float(observed.min()), float(observed.max())
    room = FAR_TIMES * (high - low)
    far = np.unique(times[np.isfinite(times) & ((times < low - room) | (times > high + room))])
    if far.size:
        warn(
            f"times: {listing([f'{t:g}' for t in far], LISTED)} {'is' if far.size == 1 else 'are'} far outside the "
            f"observed ones, {low:g} to {high:g}: what the curves do there is a matter of their formula alone."
        )
    return far
