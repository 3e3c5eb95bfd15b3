"""How models foretold the same observations: differences in log score from the best, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks import check_level
from ..compute.reference_distribution import reach

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..forecast.check import ForecastCheck


def plot_forecast_check(check: ForecastCheck, ax: Axes | None = None, *, level: float = 0.95) -> Axes:
    """Each model's log score less that of the best, with the paired interval, beside its number of parameters.

    Parameters
    ----------
    check : what :func:`gbtm.forecast_check` returned
    ax : axes to draw into; a new figure without
    level : of the intervals
    """
    import matplotlib.pyplot as plt

    check_level(level)
    if ax is None:
        ax = plt.subplots(figsize=(7, 0.6 * len(check.table) + 1.6), layout="constrained")[1]
    gap = check.paired.xs("log score", level="score").loc[check.table.index]
    at = np.arange(len(gap))[::-1]
    ax.axvline(0, color="0.6", linewidth=1)
    ax.errorbar(gap["difference"], at, xerr=reach(level, np.inf) * gap["std err"], fmt="o", color="C0", capsize=3)
    n = check.table["parameters"]
    ax.set_yticks(at, [f"{name}\n{p} parameter{'' if p == 1 else 's'}" for name, p in n.items()])
    ax.set_ylim(-0.6, len(gap) - 0.4)
    ax.set_xlabel(f"log score less that of {check.table.index[0]}, with {100 * level:g} % intervals")
    return ax
