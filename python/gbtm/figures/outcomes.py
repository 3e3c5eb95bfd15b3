"""The curves of several outcomes that share their groups: a panel each, a group in one colour throughout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..families.levels import refuse_categories_among
from .curves import plot_curves
from .style import colors_of_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from ..fit.fit import Fit

PANEL = (4.6, 3.6)  # inches
COLUMNS_MOST = 3


@checked
def plot_outcomes(
    res: Fit, *, columns: int | None = None, colors: Sequence[str] | None = None,
    figsize: tuple[float, float] | None = None, **options: Any,
) -> Figure:
    """Curves with bands and observed means, a panel for each outcome.

    Where the outcomes have groups of their own (a dual model) no two groups have one colour as long as the colours
    last: those of the second outcome go on where the first's end.

    Parameters
    ----------
    columns : panels side by side; default all up to three
    colors : one per group, of a dual model those of the first outcome and then those of the second; they begin anew
        where there are too few
    figsize : in inches
    options : as for :func:`gbtm.figures.curves.plot_curves`

    Returns
    -------
    matplotlib Figure, one Axes per outcome; the first has the legend, with the groups' shares, and each one where the
    outcomes have groups of their own
    """
    import matplotlib.pyplot as plt

    refuse_categories_among({o.name: o.spec.traits for o in res.outcomes})
    n = len(res.outcomes)
    across = min(n, COLUMNS_MOST) if columns is None else max(1, min(columns, n))
    down = -(-n // across)
    fig, axes = plt.subplots(
        down, across, figsize=figsize or (PANEL[0] * across, PANEL[1] * down), squeeze=False, layout="constrained")
    for i, ax in enumerate(axes.flat):
        if i >= n:
            ax.set_axis_off()
            continue
        plot_curves(res.of_outcome(i + 1), ax, colors=colors_of_outcome(res, i, colors), **options)
        legend = ax.get_legend()
        if i:  # what the first panel says holds for all
            ax.set_title("", loc="left")
            if legend is not None and len(res.group_sets) == 1:
                legend.remove()
    return fig
