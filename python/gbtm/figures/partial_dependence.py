"""Partial dependence of membership on each covariate, by a network and by the multinomial logit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arguments import checked
from ..networks.linearity import LinearityCheck
from .style import LABEL_SIZE, color_of, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 3  # values of a covariate up to which they are marked


@checked
def plot_dependence(check: LinearityCheck, *, figsize: tuple[float, float] | None = None) -> Figure:
    """Mean probabilities of the groups if everybody had a covariate's value, the others their own.

    Solid by the network, dashed by the multinomial logit; a panel a covariate. Where the two part, the logit misses
    something.

    Parameters
    ----------
    check : what :func:`gbtm.linearity_check` returns

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["z"] = data["id"] % 7
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2, risk=["z"]).fit(n_starts=2)
    >>> figure = gbtm.plot_dependence(gbtm.linearity_check(res, hidden=2, ridge=1.0, folds=2))
    >>> [ax.get_xlabel() for ax in figure.axes]
    ['z']
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    table = check.dependence
    names = list(dict.fromkeys(table.index.get_level_values("covariate")))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=figsize or (1.0 + 2.6 * columns, 0.7 + 2.3 * rows), sharey=True, squeeze=False,
        layout="constrained")
    for ax in axes.flat[len(names):]:
        ax.set_axis_off()
    for name, ax in zip(names, axes.flat, strict=False):
        of_one = table.loc[name]
        marker = "o" if len(of_one) <= FEW else None
        for group in table.columns.unique("group"):
            color = color_of(int(group))
            ax.plot(of_one.index, of_one[("multinomial logit", group)], color=color, linewidth=1, linestyle=(0, (4, 2)),
                    marker=marker, markersize=3, markerfacecolor="white")
            ax.plot(of_one.index, of_one[("network", group)], color=color, linewidth=1.6, marker=marker, markersize=4,
                    label=f"Group {group}")
        ax.set_xlabel(str(name), fontsize=LABEL_SIZE)
        ax.set_ylim(0, min(1.0, 1.08 * float(np.nanmax(table.to_numpy()))))
        dress(ax)
    axes[0][0].set_ylabel("Mean probability", fontsize=LABEL_SIZE)
    handles, labels = axes[0][0].get_legend_handles_labels()
    both = [Line2D([], [], color="black", linewidth=1.6),
            Line2D([], [], color="black", linewidth=1, linestyle=(0, (4, 2)))]
    figure.legend([*handles, *both], [*labels, "network", "multinomial logit"], loc="outside lower center",
                  ncols=min(6, len(labels) + 2), frameon=False, fontsize=LABEL_SIZE - 1)
    return figure
