"""Survival curves of the groups of a model with a time to an event, with bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..inference.event_curves import survival
from .style import LABEL_SIZE, color_of, dash_of, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..fit.fit import Fit


@checked
def plot_survival(
    res: Fit, ax: Axes | None = None, *, at: Mapping[str, Any] | None = None, cause: int | None = None,
    level: float | None = 0.95,
) -> Axes:
    """Share without an event over time, by group, with pointwise bands; with ``cause`` the share with one of it.

    Parameters
    ----------
    ax : axes to draw into; a new figure without
    at, cause, level : as for :func:`gbtm.inference.event_curves.survival`; level=None draws no bands
    """
    import matplotlib.pyplot as plt

    table = survival(res, at=at, cause=cause, level=0.95 if level is None else level)
    what = table.columns[2]
    if ax is None:
        ax = plt.subplots(figsize=(5, 3.4), layout="constrained")[1]
    shares = 100 * res.group_sets[0].shares
    for group in range(1, shares.size + 1):
        own = table[table["group"] == group]
        if level is not None:
            t, low, high = (own[name].to_numpy() for name in ("time", "lower", "upper"))
            ax.fill_between(t, low, high, color=color_of(group), alpha=0.18, linewidth=0)
        ax.plot(own["time"], own[what], color=color_of(group), linestyle=dash_of(group), linewidth=1.8,
                label=f"Group {group} ({shares[group - 1]:.1f} %)")
    ax.set(ylim=(0, 1.02), xlim=(0, float(table["time"].max())))
    ax.set_xlabel("Time", fontsize=LABEL_SIZE)
    of_cause = "" if cause is None else f" of cause {cause}"
    ax.set_ylabel("Share without the event" if cause is None else f"Share with the event{of_cause}",
                  fontsize=LABEL_SIZE)
    dress(ax)
    ax.legend(frameon=False, fontsize=LABEL_SIZE - 1)
    return ax
