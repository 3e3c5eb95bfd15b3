"""Stacked probabilities of the levels of an ordinal or multinomial outcome, a panel per group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..fit.level_probabilities import level_probabilities

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

FINE = 101  # times that an area is drawn through
SHADES = "Blues"  # from light to dark as the levels rise
HUES = "tab20"  # of categories without an order, the first pale grey
REFERENCE = "#d9d9d9"


def plot_levels(res: Fit) -> Figure:
    """Draw P(y = level) over time, the levels on top of each other, lowest first.

    Parameters
    ----------
    res : a fit of one outcome with family ``ordinal`` or ``multinomial``

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.symptoms()
    >>> data["grade"] = (data["score"] > 2).astype(int) + (data["score"] > 5)
    >>> model = gbtm.GBTM.from_formula("grade ~ month", data, id="id", groups=2, order=1, family="ordinal")
    >>> res = model.fit(n_starts=2)
    >>> len(gbtm.plot_levels(res).axes)
    2
    """
    import matplotlib.pyplot as plt

    seen = res.outcome.seen_times
    times = np.linspace(seen.min(), seen.max(), FINE) if res.curves.everywhere else np.unique(seen)
    table = level_probabilities(res, times)
    names = list(table["level"].cat.categories)
    figure, axes = plt.subplots(
        1, res.n_groups, figsize=(2.2 + 2.2 * res.n_groups, 3.4), sharey=True, squeeze=False, layout="constrained")
    colours: list[Any] = list(plt.get_cmap(SHADES)(np.linspace(0.2, 0.95, len(names))))
    if not res.curves.family.has_mean:
        hues = plt.get_cmap(HUES)
        colours = [REFERENCE, *(hues((2 * i) % 20 + (2 * i) // 20) for i in range(len(names) - 1))]
    for group, axis in zip(res.group_names, axes.flat, strict=True):
        own = table[table["group"] == group]
        heights = own["probability"].to_numpy().reshape(times.size, -1).T
        axis.stackplot(own.iloc[:: len(names), 1], heights, labels=names, colors=colours)
        axis.set(xlabel=res.time_name, title=f"Group {group} ({100 * res.class_shares.loc[group]:.0f} %)", ylim=(0, 1))
        axis.margins(x=0)
    axes[0, 0].set_ylabel(f"probability of {res.outcome_name}")
    handles, labels = axes[0, -1].get_legend_handles_labels()
    axes[0, -1].legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    return figure
