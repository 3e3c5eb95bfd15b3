"""All groups in one picture: fitted curves with bands, and the observed means."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import checked
from ..constants import SHARED
from .drawn import LEVEL, Drawn, band_level, drawn, evenly, subject_lines
from .style import (
    LABEL_SIZE,
    NOTE,
    NOTE_SIZE,
    TITLE_CHARACTERS,
    UNSEEN,
    broken,
    color_of,
    dash_of,
    drawn_groups,
    dress,
    greyed,
    group_names,
    mark_size,
    marker_of,
    outcome_label,
    percent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ..fit.fit import Fit

INDIVIDUALS_MOST: int = SHARED["individuals_most"]


@checked
def plot_curves(
    res: Fit, ax: Axes | None = None, *, groups: Sequence[int] | int | None = None, level: float | None = LEVEL,
    individuals: bool = False, observed: bool = True, labels: Sequence[str] | None = None,
    colors: Sequence[str] | None = None, figsize: tuple[float, float] = (7.2, 4.6),
) -> Axes:
    """Fitted curves with confidence bands, posterior-weighted observed means, shares in the legend.

    The axis of the outcome is scaled by the data, the observed means and the subjects' lines: a curve or band that goes
    far beyond them leaves it, and the picture says so. Where next to nobody of a group was seen its curve is grey.

    Parameters
    ----------
    ax : axes to draw on; new ones, of ``figsize`` inches, when absent. Where its scale is logarithmic, what is not
        above zero has no place
    groups : numbers of the groups to draw, in this order; default all. Colours and marks stay those of all groups
    level : of the bands (pointwise, by the delta method, as ``predict`` has them); None for none
    individuals : draw subjects' own lines behind, in the colour of the group they are assigned to (300 at most, evenly
        chosen); :func:`gbtm.figures.groups.plot_groups` has a panel per group
    observed : draw the posterior-weighted means of the outcome, by wave or, with more than 60 distinct times, in 20
        bins of time
    labels, colors : one per group of the fit

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    SpecificationError
        ``unknown_group``, ``bad_labels``, ``bad_level``.

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
    chosen, lines = drawn_groups(res, groups), []
    for g in chosen:
        color = color_of(g, colors)
        if individuals:
            lines += _individuals(ax, res, g, color)
        draw_curve(ax, what, g, color, band=level is not None, dashed=not observed)
        if observed:
            draw_means(ax, what, g, color)
        ax.plot(
            [], [], color=color, linewidth=2.2, marker=marker_of(g) if observed else None, markersize=mark_size(g, 5.5),
            markeredgecolor="white", markeredgewidth=0.6, linestyle="-" if observed else dash_of(g),
            label=fill(f"{names[g - 1]} ({percent(shares[g])})", TITLE_CHARACTERS),
        )
    limits = what.limits(band=level is not None, groups=chosen, lines=lines, log=ax.get_yscale() == "log")
    ax.set_ylim(*limits)
    if res.curves.range[0] == 0.0 and ax.get_yscale() != "log":
        ax.set_ylim(bottom=0.0 - 0.02 * limits[1])
    _finish(ax, res, _said(res, level, observed) + unseen_words(what, chosen) + left_axis(
        what, ax.get_ylim(), chosen), len(chosen))
    return ax


def draw_curve(
    ax: Axes, what: Drawn, group: int, color: str, *, band: bool = True, dashed: bool = False, width: float = 2.2
) -> None:
    """Curve and band of one group, greyed and dotted where the group was not seen."""
    k, outside = group - 1, what.outside_of(group)
    seen, beyond = _reaching(~outside), _reaching(outside) & outside.any()
    for part, shade, style in ((seen, color, dash_of(group) if dashed else "-"), (beyond, greyed(color), UNSEEN)):
        if not part.any():
            continue
        if band:
            ax.fill_between(what.time, what.lower[k], what.upper[k], where=part, color=shade, alpha=0.18, linewidth=0,
                            zorder=2)
        ax.plot(what.time, np.where(part, what.estimate[k], np.nan), color=shade, linewidth=width, linestyle=style,
                zorder=3)


def _reaching(part: np.ndarray) -> np.ndarray:
    """A part of the times (T,) with the next time on its right, so that the parts of a curve meet."""
    return part | np.concatenate([[False], part[:-1]]) if not part.all() else part


def unseen_words(what: Drawn, groups: Sequence[int]) -> str:
    """The sentence on what is drawn where a group was not seen."""
    return " Dotted, greyed: next to nobody of the group was seen then." if any(
        what.outside_of(g).any() for g in groups) else ""


def draw_means(ax: Axes, what: Drawn, group: int, color: str, *, size: float = 5.0) -> None:
    """Observed means of one group, in a mark of its own so that grey print tells the groups apart."""
    own = what.means[group - 1]
    ax.plot(
        own.time, own.mean, marker_of(group), color=color, markersize=mark_size(group, size), markeredgecolor="white",
        markeredgewidth=0.5, zorder=4,
    )


def left_axis(what: Drawn, limits: tuple[float, float], groups: Sequence[int] | None = None) -> str:
    """The sentence for a curve that leaves the axis."""
    return " A curve leaves the axis, which is scaled by the data." if what.beyond(limits, groups) else ""


def _individuals(ax: Axes, res: Fit, group: int, color: str) -> list[np.ndarray]:
    from matplotlib.collections import LineCollection

    chosen = evenly(np.arange(res.n_subjects), INDIVIDUALS_MOST)
    lines = subject_lines(res, chosen[res.assignment.to_numpy()[chosen] == group])
    ax.add_collection(LineCollection(lines, colors=color, linewidths=0.5, alpha=0.18, zorder=1), autolim=True)
    return lines


def _said(res: Fit, level: float | None, observed: bool) -> str:
    band = "" if level is None or res.spec.has_networks else f" with pointwise {100 * level:g} % band"
    said = f"Lines: fitted mean{band}."
    if observed:
        said += " Points: observed mean, weighted by the posterior."
    first = res.outcome
    at = "" if first.profile is None else first.profile.words(first.covariate_names)
    if at:
        said += f"\nCurves at {at}."
    return said


def _finish(ax: Axes, res: Fit, said: str, n_drawn: int) -> None:
    dress(ax)
    fig: Any = ax.get_figure()
    box = ax.get_position()
    width, height = box.width * fig.get_figwidth(), box.height * fig.get_figheight()
    ax.set_xlabel(broken(res.time_name, width, LABEL_SIZE))
    ax.set_ylabel(broken(outcome_label(res), height, LABEL_SIZE))
    crowded = n_drawn > 4
    ax.legend(
        loc="center left" if crowded else "best", bbox_to_anchor=(1.0, 0.5) if crowded else None, framealpha=0.85,
        edgecolor="none", fontsize=NOTE_SIZE + 1,
    )
    ax.set_title(broken(said, width, 8), fontsize=8, loc="left", color=NOTE)
