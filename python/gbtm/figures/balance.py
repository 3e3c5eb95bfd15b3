"""Love plot: standardised mean differences of treated and untreated people before and after weighting, by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..constants import SHARED
from ..distal.balance import MOST, POOLED
from ..errors import SpecificationError
from .style import FAINT, LABEL_SIZE, NOTE, color_of, dress, mark_size, marker_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN: float = SHARED["balance_shown"]  # differences beyond stand at the edge with their values


@checked
def plot_balance(table: pd.DataFrame, *, axes: list[Axes] | None = None) -> list[Axes]:
    """Love plot of a table of :func:`gbtm.balance`, a panel a group and one for all.

    Hollow marks are differences before weighting, full ones after; the band is |SMD| of 0.1 or less. What lies beyond
    2 stands at the edge with its value, so that the others can be told apart.

    Parameters
    ----------
    table : as :func:`gbtm.balance` returns it
    axes : one for each group; by default new ones

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    SpecificationError
        ``no_balance`` for another table.

    Examples
    --------
    >>> import pandas as pd, gbtm
    >>> frame = pd.DataFrame({"a": [1, 1, 0, 0], "x": [1.0, 3.0, 0.0, 2.0], "group": 1})
    >>> [ax.get_title() for ax in gbtm.plot_balance(gbtm.balance(frame, "a", ["x"]))]
    ['Group 1: 2 treated, 2 not', 'All: 2 treated, 2 not']
    """
    import matplotlib.pyplot as plt

    if not {"smd", "smd before", "n treated"} <= set(table.columns) or table.index.nlevels != 2:
        raise SpecificationError(
            "table: it is no table of balance.", code="no_balance", argument="table",
            way_out="Give what gbtm.balance() returns.",
        )
    groups = list(dict.fromkeys(table.index.get_level_values(0)))
    names = list(dict.fromkeys(table.index.get_level_values(1)))
    if axes is None:
        size = (1.4 + 2.1 * len(groups), 1.2 + 0.24 * len(names))
        axes = list(plt.subplots(1, len(groups), figsize=size, sharex=True, sharey=True, squeeze=False,
                                 layout="constrained")[1][0])
    for k, (group, ax) in enumerate(zip(groups, axes, strict=True), start=1):
        rows = table.loc[group].reindex(names)
        before, after = (rows[c].to_numpy(dtype=float) for c in ("smd before", "smd"))
        color = "black" if group == POOLED else color_of(k)
        ax.axvspan(-MOST, MOST, color=FAINT, alpha=0.2, linewidth=0)
        ax.axvline(0, color=FAINT, linewidth=0.8)
        places = range(len(names))
        for at, pair in enumerate(zip(_at_edge(before), _at_edge(after), strict=True)):
            ax.plot(pair, [at, at], color=FAINT, linewidth=0.8, zorder=1)
        style: dict[str, Any] = {
            "linestyle": "none", "marker": marker_of(k), "markersize": mark_size(k, 5), "markeredgecolor": color}
        ax.plot(_at_edge(before), places, **style, markerfacecolor="white", label="before")
        ax.plot(_at_edge(after), places, **style, markerfacecolor=color, label="after")
        for at, side, words in _far(before, after):
            ax.annotate(words, (side * SHOWN, at), (-side * 6, 0), textcoords="offset points", va="center",
                        ha="right" if side > 0 else "left", fontsize=LABEL_SIZE - 1, color=NOTE)
        who = "All" if group == POOLED else f"Group {group}"
        ax.set_title(f"{who}: {rows['n treated'].max():.0f} treated, {rows['n control'].max():.0f} not",
                     fontsize=LABEL_SIZE)
        if rows["smd"].isna().all():
            ax.text(0.5, 0.5, "nobody to compare", transform=ax.transAxes, ha="center", va="center",
                    fontsize=LABEL_SIZE, color=FAINT)
        dress(ax)
    axes[0].set_yticks(range(len(names)), [str(n) for n in names], fontsize=LABEL_SIZE)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    some_far = (table[["smd before", "smd"]].abs() > SHOWN).any(axis=None)
    axes[len(axes) // 2].set_xlabel(
        "Standardised mean difference" + (f"\n(beyond {SHOWN:g} at the edge, with its value)" if some_far else ""),
        fontsize=LABEL_SIZE)
    axes[0].legend(frameon=False, fontsize=LABEL_SIZE - 1)
    return axes


def _at_edge(smd: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(smd, -SHOWN, SHOWN))


def _far(before: np.ndarray, after: np.ndarray) -> list[tuple[int, int, str]]:
    """Row, side (1 or -1) and words of what lies beyond: its value, before and after where these differ."""
    out = []
    for side in (1, -1):
        for at, pair in enumerate(zip(before, after, strict=True)):
            values = dict.fromkeys(f"{v:.1f}" for v in pair if side * v > SHOWN)
            if values:
                out.append((at, side, ", ".join(values)))
    return out
