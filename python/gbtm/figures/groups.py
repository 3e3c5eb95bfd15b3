"""One panel per group: subjects' own lines, observed means, the curve with its band. GRoLTS asks for this figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arguments import checked
from ..checks import check_count
from ..constants import SHARED
from .curves import draw_curve, left_axis, unseen_words
from .drawn import LEVEL, Drawn, band_level, drawn, evenly, jitter_of, subject_lines
from .style import (
    FAINT,
    axis_names,
    color_of,
    dress,
    group_names,
    marker_of,
    note,
    panels,
    percent,
    side_by_side,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

INDIVIDUALS_MOST: int = SHARED["individuals_per_group"]
POINT = 20  # area of the largest point
SHOWN: float = SHARED["individuals_shown"]  # share of the drawn outcomes that the axis has to hold


@checked
def plot_groups(
    res: Fit, *, level: float | None = LEVEL, individuals: int | bool = INDIVIDUALS_MOST,
    labels: Sequence[str] | None = None, colors: Sequence[str] | None = None, columns: int | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Each group by itself: the lines of the subjects assigned to it, the observed means, the fitted curve.

    This is what GRoLTS items 14a to 14c ask to see (van de Schoot et al. 2017, Structural Equation Modeling 24,
    451-467): the fitted curves, and the observed individual trajectories behind them, split by group.

    Parameters
    ----------
    level : of the pointwise bands; None for none
    individuals : most subjects' lines per group, evenly chosen of those assigned when there are more; False or 0 for
        none. The lines of a 0/1 outcome or of counts are moved up or down by a little, so that equal lines do not hide
        each other
    labels, colors : one per group
    columns : panels side by side; default 2 to 4 by the number of groups

    Returns
    -------
    matplotlib Figure, one Axes per group in the order of the groups, all with the same axes

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> [ax.get_title(loc="left").splitlines()[0] for ax in res.plot_groups().axes]
    ['Group 1', 'Group 2']
    """
    level = band_level(level)
    names, what = group_names(res, labels), drawn(res, level)
    most = INDIVIDUALS_MOST if individuals is True else check_count(individuals or 0, "individuals", 200, least=0)
    side = side_by_side(res.n_groups, columns)
    fig, axes = panels(res.n_groups, columns=side, size=(3.0, 2.8), figsize=figsize, sharex=True, sharey=True)
    shown: list[np.ndarray] = []
    some_left_out = False
    for g, ax in zip(res.group_names, axes, strict=True):
        assigned = np.flatnonzero(res.assignment.to_numpy() == g)
        n, lines = assigned.size, subject_lines(res, evenly(assigned, most), jitter=True)
        shown += lines
        some_left_out |= bool(most) and n > most
        _individuals(ax, lines)
        color = color_of(g, colors)
        draw_curve(ax, what, g, color, band=level is not None)
        _means(ax, what, g, color)
        dress(ax)
        people = "nobody" if n == 0 else f"{n:,}"
        title(ax, f"{names[g - 1]}\n{percent(res.group_shares['share'][g])}, {people} assigned")
    beyond = _limits(axes[0], res, what, shown, level)
    axis_names(fig, axes[-side:], res)
    said = _said(res, level, most, some_left_out, beyond) + unseen_words(what, res.group_names)
    note(fig, said + left_axis(what, axes[0].get_ylim()))
    return fig


def _individuals(ax: Axes, lines: list[np.ndarray]) -> None:
    """Grey lines, fainter the more there are; someone seen once is a dot."""
    from matplotlib.collections import LineCollection

    if not lines:
        return
    alpha = float(np.clip(12 / len(lines) ** 0.75, 0.22, 0.7))
    ax.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.6, alpha=alpha, zorder=1), autolim=True)
    single = np.array([line[0] for line in lines if len(line) == 1])
    if single.size:
        ax.plot(single[:, 0], single[:, 1], ".", color=FAINT, markersize=2.5, alpha=alpha, zorder=1)


def _means(ax: Axes, what: Drawn, group: int, color: str) -> None:
    """White points, so that they stand out where the fit is good; their area follows the weight behind the mean."""
    own = what.means[group - 1]
    if own.weight.size:
        area = POINT * np.clip(own.weight / own.weight.max(), 0.25, 1)
        ax.scatter(
            own.time, own.mean, s=area, marker=marker_of(group), facecolors="white", edgecolors=color, linewidths=1.1,
            zorder=4,
        )


def _limits(ax: Axes, res: Fit, what: Drawn, lines: list[np.ndarray], level: float | None) -> float:
    """Set the common axes; the share of the drawn outcomes that lies beyond them."""
    low, high = what.limits(band=level is not None)
    time = res.outcome.seen_times
    margin = 0.03 * max(float(np.ptp(time)), 1e-8)
    ax.set_xlim(time.min() - margin, time.max() + margin)
    beyond = 0.0
    if lines:
        y = np.concatenate([line[:, 1] for line in lines])
        tail = (1 - SHOWN) / 2
        least, most = np.quantile(y, [tail, 1 - tail])
        room = 0.04 * max(most - least, 1e-8)
        # Where cutting the tail off would gain little, all of it is shown
        least = y.min() if least - y.min() < 0.25 * (most - least) else least
        most = y.max() if y.max() - most < 0.25 * (most - least) else most
        low, high = min(low, least - room), max(high, most + room)
        beyond = float(((y < low) | (y > high)).mean())
    ax.set_ylim(low, high)
    return beyond


def _said(res: Fit, level: float | None, most: int, some_left_out: bool, beyond: float) -> str:
    band = "" if level is None or res.spec.has_networks else f" with pointwise {100 * level:g} % band"
    said = [f"Coloured line: fitted mean{band}."]
    said.append("Points: observed means weighted by the posterior; smaller where less is observed.")
    if most:
        choice = f" ({most} of each larger group, evenly chosen)" if some_left_out else ""
        said.append(f"Grey: the subjects assigned to the group{choice}.")
    if most and jitter_of(res):
        said.append(f"Grey lines are moved by up to {jitter_of(res):g} so that they do not hide each other.")
    if beyond:
        said.append(f"{100 * beyond:.2g} % of the grey values lie beyond the axis.")
    return " ".join(said)
