"""The curves of many models in small panels on common axes: what another number of groups or other shapes change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..constants import SHARED
from ..errors import SpecificationError
from .criteria import best_model, best_per_group, table_of
from .curves import draw_curve, draw_means, unseen_words
from .drawn import LEVEL, Drawn, band_level, drawn
from .measures import criterion_name, is_larger_better
from .style import NOTE_SIZE, axis_names, color_of, dress, note, panels, spread_apart, title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

LABEL_ROOM: float = SHARED["label_room"]  # of the panel's width, for the shares at the curves' ends
LABEL_GAP: float = SHARED["label_gap"]  # of the panel's height, between neighbouring shares
BAND_ROOM: float = SHARED["models_band_room"]  # of the height of all curves: how far beyond them a band is shown


@checked
def plot_models(
    search: Any, *, which: str | Sequence[str] = "best", outcome: str | int | None = None,
    criterion: str = "bic_subjects", level: float | None = LEVEL, observed: bool = True, columns: int | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Curves of several models, one panel each, with the shares in % at the ends of the curves.

    Parameters
    ----------
    search : what :func:`gbtm.search` returns: has ``table``, ``fits`` and ``choices``
    which : "best": the best model by ``criterion`` for each number of groups; "all": every model, by number of groups
        and then best first; or labels of models, in the order wanted
    outcome : of several, by name or number from 1: whose curves are drawn
    criterion : a column of the table; the model that it chooses has a bold title
    level : of the pointwise bands; None for none
    observed : draw the posterior-weighted observed means
    columns : panels side by side

    Returns
    -------
    matplotlib Figure, one Axes per model, all with the same axes

    Raises
    ------
    SpecificationError
        "unknown_model" for a label that is not in the search, "unknown_criterion", "bad_table"; "several_outcomes"
        where ``outcome`` is needed.
    """
    level = band_level(level)
    table, choices = table_of(search, criterion)
    chosen = best_model(table, choices, criterion)
    labels = _labels(table, search.fits if hasattr(search, "fits") else {}, which, criterion)
    fits = _of_one(search.fits, labels, outcome)
    curves = [drawn(fit, level) for fit in fits]
    side = columns or _columns(len(labels))
    fig, axes = panels(len(labels), columns=side, size=(2.7, 2.35), figsize=figsize, sharex=True, sharey=True)
    low, high = _limits(curves, fits[0], band=level is not None)
    axes[0].set_ylim(low, high)
    first, last = float(curves[0].time.min()), float(curves[0].time.max())
    axes[0].set_xlim(first - 0.03 * (last - first), last + LABEL_ROOM * (last - first))
    for ax, label, fit, what in zip(axes, labels, fits, curves, strict=True):
        _panel(ax, fit, what, (low, high), band=level is not None, observed=observed)
        value = f"{criterion_name(criterion).split(' (')[0]} {table[criterion][label]:,.1f}"
        title(ax, f"{_heading(label, fit)}\n{value}", strong=label == chosen)
    axis_names(fig, axes[-min(side, len(axes)):], fits[0])
    unseen = {unseen_words(what, fit.group_names) for what, fit in zip(curves, fits, strict=True)}
    note(fig, _said(criterion, level, observed, bold=chosen in labels) + max(unseen))
    return fig


def _labels(
    table: pd.DataFrame, fits: Mapping[str, Fit], which: str | Sequence[str], criterion: str
) -> list[str]:
    if which == "best":
        wanted = list(best_per_group(table, criterion))
    elif which == "all":
        by = table.assign(_rank=table[criterion].astype(float) * (-1 if is_larger_better(criterion) else 1))
        wanted = list(by.sort_values([*(c for c in ("groups", "groups2") if c in by), "_rank"]).index)
    else:
        wanted = [which] if isinstance(which, str) else list(which)
    missing = [label for label in wanted if label not in fits]
    if missing or not wanted:
        raise SpecificationError(
            f"which: no fit is called {', '.join(map(repr, missing)) or 'so'}.", code="unknown_model", argument="which",
            way_out=f"Give 'best', 'all', or labels such as {next(iter(fits), '2: 2 2')!r}; search.table lists them.",
        )
    return wanted


def _of_one(fits: Mapping[str, Fit], labels: Sequence[str], outcome: str | int | None) -> list[Fit]:
    """The fits, of several outcomes as those of one of them."""
    own = [fits[label] for label in labels]
    if outcome is None and len(own[0].outcomes) > 1:
        names = own[0].outcome_names
        raise SpecificationError(
            f"outcome: the models are of {', '.join(names)}, and these panels have the curves of one.",
            code="several_outcomes", argument="outcome", way_out=f"Give outcome='{names[0]}', or another of them.",
        )
    return own if outcome is None else [fit.of_outcome(outcome) for fit in own]


def _columns(n: int) -> int:
    """Panels side by side: few places stay empty, and a long list is not a tower."""
    if n < 5:
        return n
    return min((4, 5, 3) if n < 13 else (5, 6), key=lambda c: (-n) % c)


def _heading(label: str, fit: Fit) -> str:
    """ "3: 2 1 0" as "3 groups: 2 1 0"."""
    count, _, orders = label.partition(":")
    if not count.strip().isdigit():
        return label
    return f"{fit.n_groups} group{'s' if fit.n_groups > 1 else ''}, orders {orders.strip()}"


def _limits(curves: list[Drawn], fit: Fit, *, band: bool) -> tuple[float, float]:
    """Axis of the outcome that holds every model's observed means; a curve or band that explodes in one is cut."""
    each = np.array([what.limits(band=False) for what in curves])
    low, high = each[:, 0].min(), each[:, 1].max()
    if band:
        with_band = np.array([what.limits(band=True) for what in curves])
        room = BAND_ROOM * (high - low)
        low, high = max(with_band[:, 0].min(), low - room), min(with_band[:, 1].max(), high + room)
    floor, ceiling = fit.curves.range
    margin = 0.04 * (high - low)
    return max(low, floor - margin), min(high, ceiling + margin)


def _panel(
    ax: Axes, fit: Fit, what: Drawn, limits: tuple[float, float], *, band: bool, observed: bool
) -> None:
    dress(ax)
    for g in fit.group_names:
        draw_curve(ax, what, g, color_of(g), band=band, dashed=not observed, width=1.8)
        if observed:
            draw_means(ax, what, g, color_of(g), size=3.2)
    height = limits[1] - limits[0]
    ends = np.clip(what.estimate[:, -1], limits[0] + 0.03 * height, limits[1] - 0.03 * height)
    at = spread_apart(ends, LABEL_GAP * height, limits[0] + 0.03 * height, limits[1] - 0.03 * height)
    end = what.time[-1] + 0.03 * (what.time[-1] - what.time[0])
    for g, y in zip(fit.group_names, at, strict=True):
        share = 100 * fit.group_shares["share"][g]
        text = f"{share:.0f}" if share >= 0.95 else f"{share:.1f}"
        ax.text(end, y, text, color=color_of(g), fontsize=NOTE_SIZE, va="center", fontweight="bold", gid=f"share {g}")


def _said(criterion: str, level: float | None, observed: bool, *, bold: bool) -> str:
    said = ["Lines: fitted means" + (f" with pointwise {100 * level:g} % bands." if level is not None else ".")]
    if observed:
        said.append("Points: observed means weighted by the posterior.")
    said.append("Numbers: group shares in %.")
    if bold:
        said.append(f"Bold: the model chosen by {criterion_name(criterion)}.")
    return " ".join(said)
