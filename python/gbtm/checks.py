"""Numbers that users give, each checked in one place: a count, a level, a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import SpecificationError


def is_count(value: object) -> bool:
    """A whole number, 1 or more; True is none."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1


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
