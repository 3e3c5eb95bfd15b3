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
    lies more than three ranges of the others away, or is negative where no other is.

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
    if not y.size or not np.isin([y.min(), y.max()], CODES).any():  # what stands apart is outermost; no need to sort
        return {}
    values, counts = np.unique(y, return_counts=True)
    candidate = np.isin(values, CODES)
    others = values[~candidate]
    if others.size < 2:
        return {}
    low, high = others[0], others[-1]
    gap = np.maximum(values - high, low - values)
    lonely = (gap > FAR * (high - low)) | ((values < 0) & (low >= 0))
    found = candidate & lonely & (counts >= least)
    return {float(v): int(n) for v, n in zip(values[found], counts[found], strict=True)}


def without(y: np.ndarray, codes: dict[float, int]) -> np.ndarray:
    """The values (n',) that are none of the codes."""
    return y[~np.isin(y, list(codes))] if codes else y


def listed(codes: dict[float, int]) -> str:
    """``"-99 (14 times) and -9 (once)"``."""
    said = [f"{value:g} ({'once' if n == 1 else f'{n} times'})" for value, n in codes.items()]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
