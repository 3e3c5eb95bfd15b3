"""All groups in one picture: fitted curves with bands, and the observed means."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import checked
from ..constants import SHARED
from .drawn import LEVEL, Drawn, band_level, drawn, evenly, subject_lines
from .style import NOTE, NOTE_SIZE, color_of, dash_of, dress, group_names, mark_size, marker_of, outcome_label, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..fit.fit import Fit

INDIVIDUALS_MOST: int = SHARED["individuals_most"]


@checked
def plot_curves(
    res: Fit, ax: Axes | None = None, *, level: float | None = LEVEL, individuals: bool = False,
    observed: bool = True, labels: Sequence[str] | None = None, colors: Sequence[str] | None = None,
    figsize: tuple[float, float] = (7.2, 4.6),
) -> Axes:
    """Fitted curves with confidence bands, posterior-weighted observed means, shares in the legend.

    Parameters
    ----------
    ax : axes to draw on; new ones, of ``figsize`` inches, when absent
    level : of the bands (pointwise, delta method on the outcome's scale); None for none
    individuals : draw subjects' own lines behind, in the colour of the group they are assigned to (300 at most, evenly
        chosen); :func:`gbtm.figures.groups.plot_groups` has a panel per group
    observed : draw the posterior-weighted means of the outcome, by wave or, with more than 60 distinct times, in 20
        bins of time
    labels, colors : one per group

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> ax = res.plot(labels=["rising", "curved"])
    >>> ax.get_xlabel()
    't'
    """
    import matplotlib.pyplot as plt

    level = band_level(level)
    names, shares, what = group_names(res, labels), res.group_shares["share"], drawn(res, level)
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    for k, g in enumerate(res.group_names):
        color = color_of(g, colors)
        if individuals:
            _individuals(ax, res, g, color)
        draw_curve(ax, what, g, color, band=level is not None, dashed=not observed)
        if observed:
            draw_means(ax, what, g, color)
        ax.plot(
            [], [], color=color, linewidth=2.2, marker=marker_of(g) if observed else None, markersize=mark_size(g, 5.5),
            markeredgecolor="white", markeredgewidth=0.6, linestyle="-" if observed else dash_of(g),
            label=f"{names[k]} ({percent(shares[g])})",
        )
    _finish(ax, res, what, individuals=individuals, observed=observed, level=level)
    return ax


def draw_curve(
    ax: Axes, what: Drawn, group: int, color: str, *, band: bool = True, dashed: bool = False, width: float = 2.2
) -> None:
    """Curve and band of one group."""
    k = group - 1
    if band:
        ax.fill_between(what.time, what.lower[k], what.upper[k], color=color, alpha=0.18, linewidth=0, zorder=2)
    ax.plot(what.time, what.estimate[k], color=color, linewidth=width, linestyle=dash_of(group) if dashed else "-",
            zorder=3)


def draw_means(ax: Axes, what: Drawn, group: int, color: str, *, size: float = 5.0) -> None:
    """Observed means of one group, in a mark of its own so that grey print tells the groups apart."""
    own = what.means[group - 1]
    ax.plot(
        own.time, own.mean, marker_of(group), color=color, markersize=mark_size(group, size), markeredgecolor="white",
        markeredgewidth=0.5, zorder=4,
    )


def _individuals(ax: Axes, res: Fit, group: int, color: str) -> None:
    from matplotlib.collections import LineCollection

    chosen = evenly(np.arange(res.n_subjects), INDIVIDUALS_MOST)
    lines = subject_lines(res, chosen[res.assignment.to_numpy()[chosen] == group])
    ax.add_collection(LineCollection(lines, colors=color, linewidths=0.5, alpha=0.18, zorder=1), autolim=True)


def _finish(
    ax: Axes, res: Fit, what: Drawn, *, individuals: bool, observed: bool, level: float | None
) -> None:
    dress(ax)
    ax.set_xlabel(res.time_name)
    ax.set_ylabel(outcome_label(res))
    if individuals:
        ax.autoscale_view()
    else:
        ax.set_ylim(*what.limits(band=level is not None, observed=observed))
    if res.curves.range[0] == 0.0:
        ax.set_ylim(bottom=0.0 - 0.02 * ax.get_ylim()[1])
    crowded = res.n_groups > 4
    ax.legend(
        loc="center left" if crowded else "best", bbox_to_anchor=(1.0, 0.5) if crowded else None, framealpha=0.85,
        edgecolor="none", fontsize=NOTE_SIZE + 1,
    )
    said = f"Lines: fitted mean with pointwise {100 * level:g} % band." if level is not None else "Lines: fitted mean."
    if observed:
        said += " Points: observed mean, weighted by the posterior."
    first = res.outcomes[0]
    if first.profile is not None:
        said += "\n" + textwrap.fill(f"Curves at {first.profile.words(first.covariate_names)}.", 90)
    ax.set_title(said, fontsize=8, loc="left", color=NOTE)
