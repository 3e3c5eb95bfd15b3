"""The distribution that intervals and tests of a fit go by: normal, or t where standard errors rest on few units.

By scipy.special, whose functions scipy.stats calls: to import scipy.stats takes a second, a quarter of a first fit.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from scipy import special


def quantile(tail: float, df: float = np.inf) -> float:
    """How many standard errors an interval reaches to either side that leaves out ``tail`` there; ``df`` degrees of
    freedom of t, infinite for the normal distribution."""
    return float(-special.stdtrit(df, tail) if np.isfinite(df) else -special.ndtri(tail))


def reach(level: float, df: float = np.inf) -> float:
    """The same for an interval of this level."""
    return float(special.stdtrit(df, 0.5 + level / 2)) if np.isfinite(df) else NormalDist().inv_cdf(0.5 + level / 2)


def two_sided(statistic: Any, df: float = np.inf) -> Any:
    """Two-sided p-values of estimate / standard error."""
    size = np.abs(np.asarray(statistic))
    return 2 * (special.stdtr(df, -size) if np.isfinite(df) else special.ndtr(-size))


def letter(df: float) -> str:
    """What a statistic is called: z, or t."""
    return "t" if np.isfinite(df) else "z"


def p_label(df: float) -> str:
    """What the column of p-values is called."""
    return f"P>|{letter(df)}|"


def multiplier(df: float) -> str:
    """What an interval's standard error is multiplied by, in words: ``z``, or ``t with 23 degrees of freedom``."""
    return f"t with {df:g} degrees of freedom" if np.isfinite(df) else "z"
