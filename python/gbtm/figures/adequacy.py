"""Does the fitted model look like the data? Means by group, distribution of the outcome, correlation that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..errors import SpecificationError
from .style import FAINT, INK, NOTE, NOTE_SIZE, PALETTE, SHADE, TITLE_SIZE, color_of, dress, marker_of, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINT, OUT = 20, "#000000"


@checked
def plot_adequacy(
    checks: Any, *, labels: Sequence[str] | None = None, colors: Sequence[str] | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Observed against fitted means per group, distribution of the outcome or the residuals, autocorrelation by lag.

    Parameters
    ----------
    checks : what :func:`gbtm.adequacy.residuals.residual_checks` returns: ``means``, ``distribution``,
        ``autocorrelation``
    labels, colors : one per group

    Returns
    -------
    matplotlib Figure: one Axes per group on common axes, then the distribution (a hanging rootogram of counts, or a
    normal quantile plot of the residuals), then the autocorrelation. A part that has no rows has no Axes.

    Notes
    -----
    A hanging rootogram (Tukey 1977; Kleiber and Zeileis 2016, The American Statistician 70, 296-303) hangs bars of
    height sqrt(observed) from the curve sqrt(expected): where bars end above zero the model expects too many, where
    they end below too few.
    """
    means = _part(checks, "means", ("group", "time", "observed", "fitted"))
    if means is None:
        raise SpecificationError(
            f"checks: {type(checks).__name__} has no table of means by group.", code="bad_checks", argument="checks",
            way_out="Give what gbtm.adequacy.residuals.residual_checks(res) returned.",
        )
    means = means[means["observed"].notna()]
    spread = _part(checks, "distribution", ())
    lags = _part(checks, "autocorrelation", ("lag", "correlation"))
    groups = [int(g) for g in pd.unique(means["group"])]
    if labels is not None and len(labels) != len(groups):
        raise SpecificationError(
            f"labels: {labels!r} does not name {len(groups)} groups.", code="bad_labels", argument="labels",
            way_out="Give one name per group, in the order of the groups.",
        )
    draws_spread = spread is not None and _kind(spread) is not None
    fig, upper, lower = _layout(len(groups), draws_spread + (lags is not None), figsize)
    outside = 0
    for j, (ax, g) in enumerate(zip(upper, groups, strict=True)):
        name = labels[j] if labels is not None else f"Group {g}"
        outside += _means(ax, means[means["group"] == g].sort_values("time"), g, color_of(g, colors), name)
    upper[0].set_ylabel(f"mean of {getattr(checks, 'outcome_name', 'the outcome')}")
    for ax in upper[-_side(len(groups)):]:
        ax.set_xlabel(str(getattr(checks, "time_name", "time")))
    if draws_spread and spread is not None:
        _distribution(lower[0], spread)
    if lags is not None:
        _autocorrelation(lower[-1], lags)
    note(fig, _said(means, outside))
    return fig


def _part(checks: Any, name: str, columns: Sequence[str]) -> pd.DataFrame | None:
    table = getattr(checks, name, None)
    if not isinstance(table, pd.DataFrame) or table.empty or not set(columns) <= set(table.columns):
        return None
    return table


def _side(n_groups: int) -> int:
    """Panels side by side."""
    return n_groups if n_groups < 5 else -(-n_groups // 2) if n_groups < 13 else 6


def _layout(
    n_groups: int, n_below: int, figsize: tuple[float, float] | None
) -> tuple[Figure, list[Axes], list[Axes]]:
    import matplotlib.pyplot as plt

    side = _side(n_groups)
    rows = -(-n_groups // side)
    height = 2.3 * rows + (2.5 if n_below else 0) + 0.4
    fig = plt.figure(figsize=figsize or (max(2.6 * side, 6.4), height), layout="constrained")
    outer = fig.add_gridspec(1 + bool(n_below), 1, height_ratios=[2.3 * rows, 2.5][: 1 + bool(n_below)])
    above = outer[0].subgridspec(rows, side)
    upper: list[Axes] = []
    for j in range(n_groups):
        shared = upper[0] if upper else None
        upper.append(fig.add_subplot(above[j // side, j % side], sharex=shared, sharey=shared))
        if j % side:
            upper[-1].tick_params(labelleft=False)
    below = outer[1].subgridspec(1, n_below) if n_below else None
    return fig, upper, [fig.add_subplot(below[0, j]) for j in range(n_below)] if below is not None else []


def _name(ax: Axes, text: str, says: str = "") -> None:
    ax.set_title(text, loc="left", fontsize=TITLE_SIZE, color=INK, pad=15 if says else 6)
    if says:
        ax.annotate(
            says, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", fontsize=NOTE_SIZE - 0.5,
            color=NOTE,
        )


def _means(ax: Axes, own: pd.DataFrame, group: int, color: str, name: str) -> int:
    """Band, fitted line, observed points; how many points lie outside the band."""
    time, observed, fitted = (own[c].to_numpy(dtype=float) for c in ("time", "observed", "fitted"))
    outside = np.zeros(time.size, dtype=bool)
    if {"lower", "upper"} <= set(own.columns):
        lower, upper = own["lower"].to_numpy(dtype=float), own["upper"].to_numpy(dtype=float)
        ax.fill_between(time, lower, upper, color=color, alpha=0.2, linewidth=0, zorder=1)
        outside = (observed < lower) | (observed > upper)
    ax.plot(time, fitted, color=color, linewidth=1.8, zorder=2)
    n = own["n"].to_numpy(dtype=float) if "n" in own else np.ones(time.size)
    area = POINT * np.clip(n / max(np.nanmax(n), 1e-8), 0.25, 1)
    for mine, face in ((~outside, "white"), (outside, OUT)):
        ax.scatter(
            time[mine], observed[mine], s=area[mine], marker=marker_of(group), facecolors=face,
            edgecolors=color if face == "white" else OUT, linewidths=1.0, zorder=3,
        )
    dress(ax)
    _name(ax, name)
    return int(outside.sum())


def _kind(table: pd.DataFrame) -> str | None:
    if {"value", "observed", "expected"} <= set(table.columns):
        return "rootogram"
    return "quantiles" if {"theoretical", "sample"} <= set(table.columns) else None


def _distribution(ax: Axes, table: pd.DataFrame) -> None:
    if _kind(table) == "rootogram":
        _rootogram(ax, table)
    else:
        _quantiles(ax, table)
    dress(ax)


def _rootogram(ax: Axes, table: pd.DataFrame) -> None:
    at = np.arange(len(table))
    expected = np.sqrt(table["expected"].to_numpy(dtype=float))
    observed = np.sqrt(table["observed"].to_numpy(dtype=float))
    ax.bar(at, observed, bottom=expected - observed, width=0.8, color=FAINT, edgecolor="white", linewidth=0.5, zorder=2)
    ax.plot(at, expected, color=PALETTE[1], marker="o", markersize=3, linewidth=1.4, zorder=3)
    ax.axhline(0, color=INK, linewidth=0.9, zorder=4)
    every = max(1, -(-len(table) // 9))
    shown = np.r_[at[: len(at) - every : every], at[-1]]  # the last, "11+", always
    names = [_plain(v) for v in table["value"]]
    ax.set_xticks(shown, [names[j] for j in shown])
    ax.set_xlabel("count")
    ax.set_ylabel("square root of frequency")
    _name(ax, "Hanging rootogram", "line: expected; bars: observed, should end at zero")


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float, np.integer, np.floating)) else str(value)


def _quantiles(ax: Axes, table: pd.DataFrame) -> None:
    x, y = table["theoretical"].to_numpy(dtype=float), table["sample"].to_numpy(dtype=float)
    if {"lower", "upper"} <= set(table.columns):
        ax.fill_between(x, table["lower"].to_numpy(), table["upper"].to_numpy(), color=SHADE, linewidth=0, zorder=1)
    reach = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
    ax.plot(reach, reach, color=NOTE, linewidth=1, linestyle="--", zorder=2)
    ax.plot(x, y, "o", color=PALETTE[0], markersize=2.8, zorder=3)
    ax.set_xlabel("standard normal quantile")
    ax.set_ylabel("quantile residual")
    _name(ax, "Quantile residuals", "on the dashed line if the model is right")


def _autocorrelation(ax: Axes, table: pd.DataFrame) -> None:
    from matplotlib.ticker import MaxNLocator

    lag, r = table["lag"].to_numpy(dtype=float), table["correlation"].to_numpy(dtype=float)
    ax.axhline(0, color=INK, linewidth=0.9, zorder=1)
    ax.vlines(lag, 0, r, color=FAINT, linewidth=2, zorder=2)
    if {"lower", "upper"} <= set(table.columns):
        lower, upper = table["lower"].to_numpy(dtype=float), table["upper"].to_numpy(dtype=float)
        error = np.clip(np.vstack([r - lower, upper - r]), 0, None)
        ax.errorbar(lag, r, yerr=error, fmt="none", ecolor=PALETTE[0], elinewidth=1.2, capsize=2.5, zorder=3)
    ax.plot(lag, r, "o", color=PALETTE[0], markersize=4.5, zorder=4)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -0.1), max(high, 0.1))
    if (lag == np.round(lag)).all():
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("lag")
    ax.set_ylabel("correlation")
    dress(ax)
    _name(ax, "Residual autocorrelation", "within subjects; zero if groups explain it; bars: 95 %")


def _said(means: pd.DataFrame, outside: int) -> str:
    if "lower" not in means:
        return "Line: fitted mean. Points: observed means; smaller where less is observed."
    return (
        "Line: fitted mean with the band in which 95 % of observed means should lie. Points: observed means; smaller "
        f"where less is observed. {outside} of {int(means['lower'].notna().sum())} lie outside (filled black)."
    )
