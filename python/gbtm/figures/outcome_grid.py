"""Groups by outcomes: a row for each group, a column for each outcome, so that a group is read across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import checked
from ..checks import check_count
from ..constants import SHARED
from ..errors import SpecificationError
from ..families.levels import refuse_categories_among
from .curves import draw_curve, draw_means, left_axis, unseen_words
from .drawn import LEVEL, Drawn, band_level, drawn, evenly, jitter_of, subject_lines
from .style import (
    FAINT,
    INK,
    LABEL_SIZE,
    TITLE_SIZE,
    broken,
    color_of,
    drawn_groups,
    dress,
    group_names,
    note,
    outcome_label,
    percent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

PANEL = (2.6, 1.9)  # inches
SIDE = 0.9  # inches for the groups' names
INDIVIDUALS_MOST: int = SHARED["individuals_per_group"]


@checked
def plot_outcome_grid(
    res: Fit, ax: Any = None, *, groups: Sequence[int] | int | None = None, level: float | None = LEVEL,
    individuals: int | bool = False, observed: bool = True, labels: Sequence[str] | None = None,
    colors: Sequence[str] | None = None, figsize: tuple[float, float] | None = None,
) -> Figure:
    """Curves with bands and observed means, a row of panels for each group and a column for each outcome.

    Stata's ``multtrajplot`` and the figure of Nagin, Jones, Passos and Tremblay (2018, Statistical Methods in Medical
    Research 27, 2015-2023), where a group is what its people do in all outcomes. Panels of an outcome have one axis.

    Parameters
    ----------
    ax : has no place here: the figure makes its own panels
    groups : numbers of the groups to draw, in this order from top to bottom; default all
    level : of the pointwise bands; None for none
    individuals : True, or the most lines of each group: the subjects' own lines behind, of those assigned to the group
    observed : draw the posterior-weighted means
    labels, colors : one per group of the fit

    Returns
    -------
    matplotlib Figure, one Axes per group and outcome, row by row

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["z"] = data["y"] ** 2
    >>> res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=2, order=2).fit(n_starts=4)
    >>> len(res.plot(grid=True).axes)
    4
    """
    import matplotlib.pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if ax is not None:
        raise SpecificationError(
            "ax: a grid has a panel for each group and outcome, and makes its own.", code="bad_ax",
            argument="ax", way_out="Leave out ax, or grid.",
        )
    refuse_categories_among({o.name: o.spec.traits for o in res.outcomes})
    level, names, chosen = band_level(level), group_names(res, labels), drawn_groups(res, groups)
    most = INDIVIDUALS_MOST if individuals is True else check_count(individuals or 0, "individuals", 200, least=0)
    n = len(res.outcomes)
    fig, axes = plt.subplots(
        len(chosen), n, figsize=figsize or (max(n * PANEL[0] + SIDE, 4.6), len(chosen) * PANEL[1] + 0.7),
        sharex="col", sharey="col", squeeze=False,
    )
    engine = ConstrainedLayoutEngine(wspace=0.05)  # the last tick of a column and the first of the next are apart
    fig.set_layout_engine(engine)
    said = []
    unseen = ""
    for m in range(n):
        one = res.of_outcome(m + 1)
        what = drawn(one, level)
        unseen = unseen or unseen_words(what, chosen)
        lines: list[np.ndarray] = []
        for g, ax in zip(chosen, axes[:, m], strict=True):
            lines += _panel(ax, one, what, g, color_of(g, colors), most=most, observed=observed, band=level is not None)
        _axis(list(axes[:, m]), one, what, chosen, lines, band=level is not None)
        if left_axis(what, axes[0, m].get_ylim(), chosen):
            said.append(f" A curve of {one.outcome_name} leaves the axis, which is scaled by the data.")
        if most and jitter_of(one):
            said.append(f" Lines of {one.outcome_name} are moved by up to {jitter_of(one):g}.")
        axes[0, m].set_title(broken(outcome_label(one), PANEL[0], TITLE_SIZE), fontsize=TITLE_SIZE, color=INK)
        axes[-1, m].set_xlabel(broken(one.time_name, PANEL[0], LABEL_SIZE))
    for g, ax in zip(chosen, axes[:, 0], strict=True):
        share = percent(res.group_shares["share"][g])
        ax.set_ylabel(broken(f"{names[g - 1]}\n{share}", PANEL[1], LABEL_SIZE), fontweight="bold",
                      color=color_of(g, colors))
    note(fig, _said(level, observed, most) + unseen + "".join(said))
    return fig


def _panel(
    ax: Axes, one: Fit, what: Drawn, group: int, color: str, *, most: int, observed: bool, band: bool
) -> list[np.ndarray]:
    """One group in one outcome; the subjects' lines that were drawn."""
    from matplotlib.collections import LineCollection

    assigned = np.flatnonzero(one.assignment.to_numpy() == group)
    lines = subject_lines(one, evenly(assigned, most), jitter=True) if most else []
    if lines:
        alpha = float(np.clip(12 / len(lines) ** 0.75, 0.22, 0.7))
        ax.add_collection(LineCollection(lines, colors=FAINT, linewidths=0.6, alpha=alpha, zorder=1), autolim=True)
    draw_curve(ax, what, group, color, band=band)
    if observed:
        draw_means(ax, what, group, color, size=4.0)
    dress(ax)
    return lines


def _axis(
    axes: Sequence[Axes], one: Fit, what: Drawn, groups: list[int], lines: list[np.ndarray], *, band: bool
) -> None:
    """The axes that the panels of an outcome share."""
    low, high = what.limits(band=band, groups=groups, lines=lines)
    axes[0].set_ylim(-0.02 * high if one.curves.range[0] == 0.0 and not lines else low, high)
    time = one.outcome.seen_times
    margin = 0.03 * max(float(np.ptp(time)), 1e-8)
    axes[0].set_xlim(time.min() - margin, time.max() + margin)


def _said(level: float | None, observed: bool, most: int) -> str:
    band = f" with pointwise {100 * level:g} % band" if level is not None else ""
    said = [f"Lines: fitted mean{band}."]
    if observed:
        said.append("Points: observed mean, weighted by the posterior.")
    if most:
        said.append(f"Grey: subjects assigned to the group (at most {most}, evenly chosen).")
    return " ".join(said)
