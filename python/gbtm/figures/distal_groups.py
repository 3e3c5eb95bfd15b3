"""A distal outcome by group: numbers with their intervals beside the naive ones, and corrected survival curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..distal.distal_result import DistalResult
from ..errors import SpecificationError
from .drawn import LEVEL
from .style import FAINT, LABEL_SIZE, color_of, dash_of, dress, mark_size, marker_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.12  # between the corrected number and the naive one


@checked
def plot_distal(out: DistalResult, *, naive: bool = True, level: float = LEVEL, ax: Axes | None = None) -> Axes:
    """Each group's mean, probability, rate, median time or hazard ratio with its interval.

    Parameters
    ----------
    naive : what it is where errors of classification are ignored beside it, hollow and grey
    level : of the intervals
    ax : where to draw; by default new axes

    Returns
    -------
    matplotlib Axes
    """
    import matplotlib.pyplot as plt

    ax = plt.subplots(figsize=(5, 3.4), layout="constrained")[1] if ax is None else ax
    table = out.group_table(level)
    measure = str(table.columns[0])
    several = isinstance(table.index, pd.MultiIndex)
    group = table.index.get_level_values(0).to_numpy()
    for hollow in (True, False) if naive and out.method != "naive" else (False,):
        numbers = out.again("naive").group_table(level) if hollow else table
        shift = 0.0 if not naive else APART if hollow else -APART
        for i, k in enumerate(group):
            value, low, high = (float(numbers[c].iloc[i]) for c in (measure, "lower", "upper"))
            color = FAINT if hollow else color_of(int(k))
            reach = [[max(value - low, 0)], [max(high - value, 0)]]
            ax.errorbar(
                i + shift, value, reach, color=color, capsize=3, linewidth=1.4,
                marker=marker_of(int(k)), markersize=mark_size(int(k), 6), markerfacecolor="white" if hollow else color,
                label=("ignoring errors of classification" if hollow else "corrected") if i == 0 else None,
            )
    names = [f"{k}: {c}" for k, c in table.index] if several else [f"Group {k}" for k in group]
    ax.set_xticks(range(len(names)), names, rotation=30 if several else 0)
    ax.set_ylabel(f"{measure.capitalize()} of {out.formula.partition('~')[0].strip()}", fontsize=LABEL_SIZE)
    if measure == "hazard ratio":
        ax.set_yscale("log")
    dress(ax)
    if naive and out.method != "naive":
        ax.legend(frameon=False, fontsize=LABEL_SIZE - 1, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return ax


@checked
def plot_survival(out: DistalResult, *, ax: Axes | None = None) -> Axes:
    """Survival curves by group, corrected for errors of classification and averaged over everybody's covariates.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    SpecificationError
        ``no_survival`` for an outcome that is no time to an event.
    """
    import matplotlib.pyplot as plt

    from ..step_three.survival_curves import survival_curves

    if out.family not in ("cox", "weibull", "exponential"):
        raise SpecificationError(
            f"family: '{out.family}' has no survival curves.", code="no_survival", argument="family",
            way_out="Ask plot() for the numbers of the groups.",
        )
    ax = plt.subplots(figsize=(5, 3.4), layout="constrained")[1] if ax is None else ax
    times, curves = survival_curves(out.found)
    for k in range(curves.shape[1]):
        ax.plot(times, curves[:, k], color=color_of(k + 1), linestyle=dash_of(k + 1), linewidth=1.6,
                drawstyle="steps-post" if out.family == "cox" else "default", label=f"Group {k + 1}")
    ax.set(ylim=(0, 1.02), xlim=(0, float(np.max(times))))
    ax.set_xlabel("Time", fontsize=LABEL_SIZE)
    ax.set_ylabel("Share without the event", fontsize=LABEL_SIZE)
    dress(ax)
    ax.legend(frameon=False, fontsize=LABEL_SIZE - 1)
    return ax
