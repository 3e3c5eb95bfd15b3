"""How surely subjects are assigned: the posterior probability of the assigned group, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..adequacy.groups import LEAST_AVEPP, adequacy
from ..arguments import checked
from ..constants import SHARED
from .style import INK, NOTE, NOTE_SIZE, color_of, dress, group_names, note, panels, percent, side_by_side, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

BIN: float = SHARED["posterior_bin"]


@checked
def plot_posteriors(
    res: Fit, *, labels: Sequence[str] | None = None, colors: Sequence[str] | None = None,
    columns: int | None = None, figsize: tuple[float, float] | None = None,
) -> Figure:
    """Histograms of the probability with which subjects belong to the group they are assigned to.

    One panel per group: the share of those assigned per twentieth of probability, and their mean, AvePP, as a line
    beside Nagin's least value of 0.7. A high AvePP can hide a tail of people who might as well be elsewhere; here it
    shows.

    Parameters
    ----------
    labels, colors : one per group
    columns : panels side by side

    Returns
    -------
    matplotlib Figure, one Axes per group in the order of the groups, all with the same axes

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> len(res.plot_posteriors().axes)
    2
    """
    names, table = group_names(res, labels), adequacy(res)
    side = side_by_side(res.n_groups, columns)
    fig, axes = panels(res.n_groups, columns=side, size=(2.8, 2.1), figsize=figsize, sharex=True, sharey=True)
    largest, group = res.posterior.to_numpy().max(axis=1), res.assignment.to_numpy()
    low = min(np.floor(largest.min() / BIN) * BIN, 0.5)
    edges = np.linspace(low, 1, round((1 - low) / BIN) + 1)
    for g, ax in zip(res.group_names, axes, strict=True):
        _panel(ax, largest[group == g], edges, float(table["avepp"][g]), color_of(g, colors))
        n = int(table["n_assigned"][g])
        title(ax, f"{names[g - 1]}\n{percent(res.group_shares['share'][g])}, {n:,} assigned")
    axes[0].set_xlim(low - 0.015, 1.015)
    axes[0].set_ylim(0, 122)
    axes[0].set_yticks([0, 25, 50, 75, 100])
    for ax in axes[-side:]:
        ax.set_xlabel("posterior probability")
    fig.supylabel("% of those assigned", fontsize=9, color=INK)
    note(
        fig, f"Solid line: AvePP, the mean of those assigned. Dotted line: {LEAST_AVEPP:g}, the least AvePP that "
        "Nagin (2005) accepts.",
    )
    return fig


def _panel(ax: Axes, p: np.ndarray, edges: np.ndarray, avepp: float, color: str) -> None:
    dress(ax)
    ax.axvline(LEAST_AVEPP, color=NOTE, linewidth=1, linestyle=":", zorder=1)
    if p.size == 0:
        ax.text(0.5, 0.5, "nobody is assigned", transform=ax.transAxes, ha="center", fontsize=NOTE_SIZE + 1, color=NOTE)
        return
    count, _ = np.histogram(np.clip(p, edges[0], 1), edges)
    ax.bar(
        edges[:-1], 100 * count / p.size, width=np.diff(edges), align="edge", color=color, alpha=0.75,
        edgecolor="white", linewidth=0.6, zorder=2,
    )
    ax.axvline(avepp, color="black", linewidth=1.4, zorder=3)
    ax.text(
        avepp - 0.012, 112, f"AvePP {avepp:.2f}", ha="right", va="center", fontsize=NOTE_SIZE + 0.5, color=INK,
        zorder=4,
    )
