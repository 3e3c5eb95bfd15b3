"""Stacked probabilities of the levels of an ordinal or multinomial outcome, a panel per group, and observed shares."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import checked
from ..fit.level_probabilities import level_probabilities
from .drawn import LEAST_WEIGHT, WAVES_MOST, bin_of
from .style import INK, LABEL_SIZE, PALETTE, TITLE_CHARACTERS, broken, dress, note, panels, percent, side_by_side, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit
    from ..record.on_disk import OnDisk

FINE = 101  # times that an area is drawn through
SHADES = "Blues"  # from light to dark as the levels rise
REFERENCE = "#d9d9d9"  # of the first category without an order
HUES = PALETTE[:-1]  # of the others; the last is a grey too
POINT = 5.0


@checked
def plot_levels(res: Fit, *, observed: bool = True) -> Figure:
    """Draw P(y = level) over time, the levels on top of each other, lowest first, and the observed shares as points.

    The shares are weighted by the posterior and added up as the areas are: the point of a level stands where its area
    would end, and is of the area below it. They are drawn by wave or, with more than 60 distinct times, in 20 bins of
    time, where somebody of the group was seen.

    Parameters
    ----------
    res : a fit of one outcome with family ``ordinal`` or ``multinomial``
    observed : draw the observed shares

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
    seen = res.outcome.seen_times
    times = np.linspace(seen.min(), seen.max(), FINE) if res.curves.everywhere else np.unique(seen)
    table = level_probabilities(res, times)
    names = list(table["level"].cat.categories)
    colors = level_colors(res, len(names))
    side = side_by_side(res.n_groups)
    figure, axes = panels(res.n_groups, columns=side, size=(3.0, 2.9), sharex=True, sharey=True)
    for group, axis in zip(res.group_names, axes, strict=True):
        own = table.loc[table["group"] == group, "probability"].to_numpy().reshape(times.size, -1)
        axis.stackplot(times, own.T, labels=names, colors=colors, edgecolor="white", linewidth=0.4)
        if observed:
            _points(axis, *observed_shares(res, group), colors)
        dress(axis, grid=False)
        title(axis, f"Group {group} ({percent(res.class_shares.loc[group])})")
    margin = 0.03 * max(float(np.ptp(seen)), 1e-8) if observed else 0.0  # in which a point at either end is whole
    axes[0].set(xlim=(seen.min() - margin, seen.max() + margin), ylim=(0, 1))
    for axis in axes[-side:]:
        axis.set_xlabel(broken(res.time_name, 2.6, LABEL_SIZE))
    figure.supylabel(
        broken(f"probability of {res.outcome_name}", 0.8 * figure.get_figheight(), LABEL_SIZE), fontsize=LABEL_SIZE,
        color=INK)
    handles, _ = axes[0].get_legend_handles_labels()
    figure.legend(
        handles[::-1], [fill(name, TITLE_CHARACTERS) for name in names[::-1]], loc="outside right center",
        frameon=False, fontsize=LABEL_SIZE)
    if observed:
        note(figure, "Points: observed shares weighted by the posterior, added up as the areas are: each is where the "
             "area of its colour, below it, would end.")
    return figure


def level_colors(res: Fit, n: int) -> list[Any]:
    """Colours of n levels: of one hue that darkens where they have an order, else the groups' own with grey first."""
    import matplotlib.pyplot as plt

    if res.curves.family.has_mean:
        return list(plt.get_cmap(SHADES)(np.linspace(0.2, 0.95, n)))
    return [REFERENCE, *(HUES[c % len(HUES)] for c in range(n - 1))]


def observed_shares(res: Fit, group: int) -> tuple[np.ndarray, np.ndarray]:
    """Times (M,) and posterior-weighted shares of the levels (M, C), where somebody of the group was seen."""
    if res.on_disk is not None:
        return _shares_of_sums(res.on_disk, group)
    data = res.outcome.data
    at = bin_of(data.time) if np.unique(data.wave).size > WAVES_MOST else np.unique(
        data.wave, return_inverse=True)[1].ravel()
    p = res.group_set.posterior[data.subject, group - 1]
    weight = np.bincount(at, p)
    sums = np.stack([np.bincount(at, p * (data.y == code)) for code in res.outcome.spec.codes or ()], axis=-1)
    enough = weight > LEAST_WEIGHT
    return (np.bincount(at, data.time) / np.bincount(at))[enough], sums[enough] / weight[enough, None]


def _shares_of_sums(disk: OnDisk, group: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from the sums at each wave."""
    assert disk.shares is not None
    at = bin_of(disk.waves) if disk.waves.size > WAVES_MOST else np.arange(disk.waves.size)
    people, own = disk.mass.sum(axis=1), disk.mass[:, group - 1]
    weight = np.bincount(at, own)
    parts = np.where(own[:, None] > 0, own[:, None] * disk.shares[:, group - 1], 0.0)
    sums = np.stack([np.bincount(at, column) for column in parts.T], axis=-1)
    enough = weight > LEAST_WEIGHT
    time = np.bincount(at, people * disk.waves) / np.bincount(at, people)
    return time[enough], sums[enough] / weight[enough, None]


def _points(axis: Axes, times: np.ndarray, shares: np.ndarray, colors: list[Any]) -> None:
    """Of each level but the last, which ends at 1 whatever was observed."""
    for color, height in zip(colors, np.cumsum(shares, axis=-1).T[:-1], strict=False):
        axis.plot(times, height, "o", color="white", markersize=POINT + 1.8, clip_on=False, zorder=4)
        axis.plot(times, height, "o", markerfacecolor=color, markeredgecolor=INK, markeredgewidth=0.7,
                  markersize=POINT, clip_on=False, zorder=4.1)
