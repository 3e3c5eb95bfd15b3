"""Numbers that users give, each checked in one place: a count, a level, a seed, seconds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .errors import SpecificationError


def is_count(value: object) -> bool:
    """A whole number, 1 or more; True is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


def check_count(value: Any, argument: str, example: int, least: int = 1) -> int:
    """A whole number, ``least`` or more.

    Raises
    ------
    SpecificationError
        ``bad_n``, ``bad_lags`` and so on, after the argument's name.
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise SpecificationError(
            f"{argument}: {value!r} is not a whole number, {least} or more.", code=f"bad_{argument}",
            argument=argument, way_out=f"For example {argument}={example}.",
        )
    return int(value)


def check_level(level: Any, argument: str = "level", example: float = 0.95) -> float:
    """A confidence level, or the ``alpha`` that is 1 minus it: a number strictly between 0 and 1.

    Raises
    ------
    SpecificationError
        ``bad_level`` or ``bad_alpha``, after the argument's name.
    """
    number = isinstance(level, (int, float, np.integer, np.floating)) and not isinstance(level, bool)
    if not number or not 0 < level < 1:
        raise SpecificationError(
            f"{argument}: {level!r} is not between 0 and 1.", code=f"bad_{argument}", argument=argument,
            way_out=f"For example {argument}={example}.",
        )
    return float(level)


def check_seed(rng: Any) -> int:
    """A seed: a whole number, 0 or more.

    Raises
    ------
    SpecificationError
        ``bad_seed``.
    """
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)) or rng < 0:
        raise SpecificationError(
            f"rng: {rng!r} is not a whole number, 0 or more.", code="bad_seed", argument="rng",
            way_out="Give a seed such as rng=0; the same seed gives the same digits.",
        )
    return int(rng)


def check_seconds(value: Any, argument: str = "time_budget") -> float | None:
    """A number of seconds, 0 or more; None for no limit.

    Raises
    ------
    SpecificationError
        ``bad_time_budget``.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if value is not None and not (number and value >= 0 and math.isfinite(value)):
        raise SpecificationError(
            f"{argument}: {value!r} is not a number of seconds.", code=f"bad_{argument}", argument=argument,
            way_out="Give seconds, or None for no limit.",
        )
    return None if value is None else float(value)


def positions(rows: Any, n: int, argument: str = "rows") -> np.ndarray:
    """Positions (m,) among ``n``, each once and in the order given; (n,) bool stands for where it is True.

    Raises
    ------
    SpecificationError
        ``bad_rows``.
    """
    at = np.asarray(rows)
    if at.dtype == bool and at.shape == (n,):
        at = np.flatnonzero(at)
    whole = at.ndim == 1 and at.size > 0 and at.dtype.kind in "iu"
    if not whole or at.min() < 0 or at.max() >= n or np.unique(at).size != at.size:
        raise SpecificationError(
            f"{argument}: these are not positions among {n}, each once.", code=f"bad_{argument}", argument=argument,
            way_out=f"Give whole numbers from 0 to {n - 1}, or {n} values True or False.",
        )
    return at.astype(np.int64)
