"""Numbers that stand for "not known" in many data files, such as -9 or 999, and were read as measurements."""

from __future__ import annotations

import numpy as np

NINES = (9, 99, 999, 9999, 99999)
OTHERS = (77, 88, 97, 98, 777, 888, 997, 998, 7777, 8888, 9997, 9998)
CODES = np.array([*NINES, *OTHERS, *(-c for c in (7, 8, *NINES, *OTHERS))], dtype=float)
FAR = 3.0  # ranges of the other values between them and a code
LEAST = 2  # times that it occurs; one odd value is an error of another kind


def missing_codes(y: np.ndarray, least: int = LEAST) -> dict[float, int]:
    """The values that look like codes for a missing value, and how often each occurs.

    Such a value is one of the numbers used for that, occurs ``least`` times or more, and no other value is near: it
    lies more than three ranges of the others away, or is negative where no other is. Any negative whole number is such
    a value too where it is the only one, as -1 in data that are 0 or more, and no mere tail of them: it occurs at least
    as often as the next value, or stands two steps from it. On a scale of -1, 0 and 1 it is none.

    Parameters
    ----------
    y : (n,) finite

    Examples
    --------
    >>> import numpy as np
    >>> from gbtm.data.missing_codes import missing_codes
    >>> missing_codes(np.array([3.0, -9, 0, 5, -9, 4]))
    {-9.0: 2}
    >>> missing_codes(np.array([97.0, 98, 99, 99, 60, 75]))
    {}
    """
    # what stands apart is outermost; no need to sort
    if not y.size or not (np.isin([y.min(), y.max()], CODES).any() or _lone(y)):
        return {}
    values, counts = np.unique(y, return_counts=True)
    candidate = np.isin(values, CODES)
    candidate[0] |= _lone(values) and (least == 1 or _no_tail(values, counts))
    others = values[~candidate]
    if others.size < 2:
        return {}
    low, high = others[0], others[-1]
    gap = np.maximum(values - high, low - values)
    lonely = (gap > FAR * (high - low)) | ((values < 0) & (low >= 0))
    found = candidate & lonely & (counts >= least)
    return {float(v): int(n) for v, n in zip(values[found], counts[found], strict=True)}


def _lone(y: np.ndarray) -> bool:
    """The smallest value is a negative whole number, and the only negative one."""
    low = y.min()
    return bool(low < 0 and low == np.floor(low) and (y[y != low] >= 0).all())


def _no_tail(values: np.ndarray, counts: np.ndarray) -> bool:
    """The smallest of the distinct values (C,) is not the end of the others' distribution."""
    if values.size < 4 and np.array_equal(values, [values[0], 0, -values[0]]):
        return False
    steps = np.diff(values)
    return bool(counts[0] >= counts[1] or (steps.size > 1 and steps[0] >= 2 * np.median(steps[1:])))


def without(y: np.ndarray, codes: dict[float, int]) -> np.ndarray:
    """The values (n',) that are none of the codes."""
    return y[~np.isin(y, list(codes))] if codes else y


def listed(codes: dict[float, int]) -> str:
    """``"-99 (14 times) and -9 (once)"``."""
    said = [f"{value:g} ({'once' if n == 1 else f'{n} times'})" for value, n in codes.items()]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
