"""A dual model's two sets of groups: bars of the second's groups given the first's, and the joint table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..inference.transitions import dual_of, transitions
from .drawn import LEVEL
from .style import INK, LABEL_SIZE, NOTE_SIZE, colors_of_outcome, dress, percent, title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

LEAST_SHOWN = 0.05  # of a stack, from which a bar has room for its number
DARK = 0.6  # of the largest joint share, from which its number is written in white


@checked
def plot_transitions(
    res: Fit, *, at: Mapping[str, float] | None = None, level: float = LEVEL, stacked: bool = False,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Bars of the second outcome's groups given each of the first's, with intervals, and the joint table.

    Parameters
    ----------
    at : covariates of the groups by name, as for :func:`gbtm.inference.transitions.transitions`
    level : of the intervals
    stacked : bars on top of each other, which add up to 1; the interval of each stands at its upper end
    figsize : in inches

    Returns
    -------
    matplotlib Figure with two Axes

    Raises
    ------
    SpecificationError
        ``no_dual`` for a model with one set of groups.
    """
    import matplotlib.pyplot as plt

    fit = dual_of(res)
    fig, (bars, heat) = plt.subplots(
        1, 2, figsize=figsize or (9.4, 4.2), layout="constrained", gridspec_kw={"width_ratios": [1.5, 1]})
    _bars(bars, fit.outcome_names, transitions(fit, "conditional", at=at, level=level), colors_of_outcome(fit, 1),
          stacked=stacked)
    _heat(heat, fit.outcome_names, transitions(fit, "joint", at=at, level=level))
    return fig


def _bars(ax: Axes, names: list[str], table: pd.DataFrame, colors: list[str], *, stacked: bool) -> None:
    """One cluster, or stack, of bars for each of the first outcome's groups; those of each add up to 1."""
    first, second = (sorted(set(table.index.get_level_values(level))) for level in ("group1", "group2"))
    width = 0.6 if stacked else 0.8 / len(second)
    below = np.zeros(len(first))
    for k in second:
        own = table.xs(k, level="group2")
        value = own["estimate"].to_numpy()
        x = np.arange(len(first)) + (0.0 if stacked else (k - 1 - (len(second) - 1) / 2) * width)
        ax.bar(x, value, width * 0.92, bottom=below, color=colors[k - 1], label=f"group {k}")
        whiskers = np.abs(own[["lower", "upper"]].to_numpy().T - value)
        if not stacked or k < len(second):  # the last group's interval is that of the rest
            ax.errorbar(x, below + value, np.nan_to_num(whiskers), fmt="none", ecolor=INK, elinewidth=1, capsize=2.5)
        for i, at in enumerate(x):
            if stacked:
                place, offset, color = below[i] + value[i] / 2, 0, "white"
            else:
                place, offset, color = np.nanmax([value[i], own["upper"].iloc[i]]), 2, INK
            if not stacked or value[i] > LEAST_SHOWN:
                ax.annotate(percent(value[i]), (at, place), (0, offset), textcoords="offset points", ha="center",
                            va="center" if stacked else "bottom", fontsize=NOTE_SIZE, color=color)
        below = below + (value if stacked else 0.0)
    ax.set_xticks(np.arange(len(first)), [f"group {j}" for j in first])
    ax.set_xlabel(names[0], fontsize=LABEL_SIZE)
    ax.set_ylim(0, 1.12)
    ax.set_yticks(np.linspace(0, 1, 5), [f"{100 * y:.0f} %" for y in np.linspace(0, 1, 5)])
    dress(ax)
    title(ax, f"{names[1]} given {names[0]}", strong=True)
    ax.legend(title=names[1], frameon=False, fontsize=NOTE_SIZE, title_fontsize=NOTE_SIZE, loc="upper left",
              bbox_to_anchor=(1.0, 1.0))


def _heat(ax: Axes, names: list[str], table: pd.DataFrame) -> None:
    """The joint probabilities, a row for each of the first outcome's groups."""
    joint = table["estimate"].unstack("group2").to_numpy()
    ax.imshow(joint, cmap="Blues", vmin=0, vmax=joint.max() * 1.05, aspect="auto")
    for (j, k), value in np.ndenumerate(joint):
        ax.text(k, j, percent(value), ha="center", va="center", fontsize=LABEL_SIZE,
                color="white" if value > DARK * joint.max() else INK)
    ax.set_xticks(range(joint.shape[1]), [f"group {k + 1}" for k in range(joint.shape[1])])
    ax.set_yticks(range(joint.shape[0]), [f"group {j + 1}" for j in range(joint.shape[0])])
    ax.set_xlabel(names[1], fontsize=LABEL_SIZE)
    ax.set_ylabel(names[0], fontsize=LABEL_SIZE)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    title(ax, "Both together", strong=True)
