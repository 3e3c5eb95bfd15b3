"""Learning curves of a training by mini-batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import INK, LABEL_SIZE, NOTE, NOTE_SIZE, PALETTE, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_learning(history: pd.DataFrame, best_epoch: int, *, ax: Axes | None = None) -> Axes:
    """Log-likelihood per person by epoch: of the people trained on, and of those held out, by whom it is stopped.

    Parameters
    ----------
    history : of a :class:`gbtm.Training`
    best_epoch : whose parameters are kept; a ring marks it

    Returns
    -------
    matplotlib Axes
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        ax = plt.subplots(figsize=(5.2, 3.2), layout="constrained")[1]
    # what an epoch's batches average was reached half way through it
    ax.plot(history["epoch"] - 0.5, history["training"], color=NOTE, linewidth=1, linestyle=(0, (4, 2)),
            label="people trained on, while the epoch ran")
    held_out = history["held_out"]
    if held_out.notna().any():
        ax.plot(history["epoch"], held_out, color=PALETTE[0], linewidth=1.4, marker=".", markersize=4,
                label="people held out, after it")
        best = held_out.iloc[best_epoch]
        ax.plot([best_epoch], [best], marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
        ax.annotate(f"kept: epoch {best_epoch}", (best_epoch, best), textcoords="offset points", xytext=(0, -14),
                    ha="center", va="top", fontsize=NOTE_SIZE, color=INK)
        ax.margins(y=0.15)
    ax.set_xlabel("Epoch", fontsize=LABEL_SIZE)
    ax.set_ylabel("Log-likelihood per person", fontsize=LABEL_SIZE)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize=LABEL_SIZE - 1, loc="best")
    dress(ax)
    return ax
