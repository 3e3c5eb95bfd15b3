"""Pictures: curves with bands and the observed means behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .results import GBTMResults

# Okabe and Ito's palette: told apart by colour-blind readers and in grey print
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
GRID_POINTS = 200
WAVES_MOST = 60  # more distinct times than this are averaged in bins
INDIVIDUALS_MOST = 300


def plot(
    res: GBTMResults, ax: Axes | None = None, *, level: float = 0.95, individuals: bool = False, observed: bool = True,
    labels: list[str] | None = None, colors: list[str] | None = None, rng: int = 0,
) -> Axes:
    """Fitted curves with confidence bands, posterior-weighted observed means, shares in the legend.

    Parameters
    ----------
    ax : axes to draw on; new ones when absent
    level : of the bands (delta method on the outcome's scale); 0 for none
    individuals : draw subjects' own lines behind, in the colour of the group they are assigned to (a random few
        hundred when there are more)
    observed : draw the posterior-weighted means of the outcome
    labels, colors : one per group

    Returns
    -------
    matplotlib Axes
    """
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    time = np.asarray(res.document["data"]["time"])
    grid = _grid(res, time)
    estimate, _, lower, upper = res.curves.band(grid, level or 0.95)
    names = labels or [f"Group {g}" for g in res.group_names]
    shares = res.group_shares["share"]
    for k, g in enumerate(res.group_names):
        color = (colors or PALETTE)[k % len(colors or PALETTE)]
        if individuals:
            _individuals(ax, res, g, color, rng)
        if level:
            ax.fill_between(grid, lower[k], upper[k], color=color, alpha=0.18, linewidth=0)
        ax.plot(grid, estimate[k], color=color, linewidth=2.2, label=f"{names[k]} ({100 * shares[g]:.1f} %)", zorder=3)
        if observed:
            x, y = _means(res, g)
            ax.plot(x, y, "o", color=color, markersize=4.5, markeredgecolor="white", markeredgewidth=0.6, zorder=4)
    _dress(ax, res, estimate, observed, level)
    return ax


def _grid(res: GBTMResults, time: np.ndarray) -> np.ndarray:
    """Times to draw the curve at: dense where the basis is known everywhere, else the observed ones."""
    return np.linspace(time.min(), time.max(), GRID_POINTS) if res.curves.everywhere else np.unique(time)


def _means(res: GBTMResults, group: int) -> tuple[np.ndarray, np.ndarray]:
    """Observed means of a group by wave, or by bins of time when there are many waves."""
    table = res.observed_means
    own = table[(table["group"] == group) & (table["weight"] > 0)]
    x, y, w = own[res.time_name].to_numpy(), own["mean"].to_numpy(), own["weight"].to_numpy()
    if x.size > WAVES_MOST:
        edges = np.linspace(x.min(), x.max(), 21)
        at = np.clip(np.digitize(x, edges) - 1, 0, 19)
        total = np.bincount(at, w, minlength=20)
        keep = total > 0
        x = np.bincount(at, w * x, minlength=20)[keep] / total[keep]
        y = np.bincount(at, w * y, minlength=20)[keep] / total[keep]
    return x, y


def _individuals(ax: Axes, res: GBTMResults, group: int, color: str, rng: int) -> None:
    from matplotlib.collections import LineCollection

    data = res.document["data"]
    mine = np.flatnonzero(res.assignment.to_numpy() == group)
    most = max(1, INDIVIDUALS_MOST // res.n_groups)
    if mine.size > most:
        mine = np.random.default_rng(rng).choice(mine, most, replace=False)
    subject = np.asarray(data["subject"]).astype(int)
    keep = np.isin(subject, mine)
    order = np.lexsort((np.asarray(data["time"])[keep], subject[keep]))
    points = np.column_stack([np.asarray(data["time"])[keep], np.asarray(data["y"])[keep]])[order]
    lines = np.split(points, np.flatnonzero(np.diff(subject[keep][order])) + 1)
    ax.add_collection(LineCollection(list(lines), colors=color, linewidths=0.5, alpha=0.18, zorder=1), autolim=True)


def _dress(ax: Axes, res: GBTMResults, estimate: np.ndarray, observed: bool, level: float) -> None:
    ax.set_xlabel(res.time_name)
    ylabel: dict[str, Any] = {"logit": f"P({res.outcome_name} = 1)"}
    ax.set_ylabel(ylabel.get(res.family, res.outcome_name))
    ax.autoscale_view()
    if res.family in ("logit", "poisson", "zip"):
        ax.set_ylim(bottom=min(0.0, float(np.nanmin(estimate))))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.85, edgecolor="none")
    if observed:
        note = f"Lines: fitted mean with {100 * level:g} % band. Points: observed mean."
        ax.set_title(note, fontsize=8, loc="left", color="#555555")
