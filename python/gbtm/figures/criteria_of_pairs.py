"""The fit-criteria figure of dual models: each criterion over both numbers of groups, one small table a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .measures import MEASURES, N_NAMES, Measure, criterion_name, is_larger_better
from .style import INK, LABEL_SIZE, NOTE, NOTE_SIZE, TITLE_SIZE, color_of, note, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAIR = ["groups", "groups2"]
DARK = 0.6  # of the way to the best, from which a number is written in white
LIGHT = 0.12  # of the colour map, that of the worst


def draw_pairs(
    table: pd.DataFrame, shown: list[Measure], best: dict[str, Any], criterion: str, *, columns: int | None,
    figsize: tuple[float, float] | None,
) -> Figure:
    """A panel a column of the table: the first outcome's number of groups down, the second's across.

    Parameters
    ----------
    table : models that can be chosen
    best : label of the model that each criterion chooses
    criterion : whose best model for each pair of numbers stands for it where the column is no criterion
    """
    drawn = [(m, c) for m in shown for c in m.columns if c in table and table[c].notna().any()]
    side = columns or min((4, 5, 3), key=lambda c: (-len(drawn)) % c)
    first, second = (sorted(table[p].unique()) for p in PAIR)
    size = (max(1.0 + 0.55 * len(second), 2.1), max(0.9 + 0.32 * len(first), 1.7))
    fig, axes = panels(len(drawn), columns=side, size=size, figsize=figsize)
    for i, (ax, (measure, column)) in enumerate(zip(axes, drawn, strict=True)):
        cells = _cells(table, column if measure.own else criterion)
        chosen = best.get(column if measure.own else criterion)
        _panel(ax, table, cells, measure, column, chosen)
        if i >= len(drawn) - side:
            ax.set_xlabel("groups of the second", fontsize=LABEL_SIZE)
        if i % side == 0:
            ax.set_ylabel("groups of the first", fontsize=LABEL_SIZE)
    note(fig, "Criteria and log-likelihoods: how far from the best, which is 0 and stands in the title. Measures of "
              f"adequacy: of the model that is best by {criterion_name(criterion)} for its numbers of groups. Frame: "
              "the numbers chosen. The darker, the better.")
    return fig


def _cells(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Label of the best model by a column for each pair of numbers, first outcome down, second across."""
    own = table[np.isfinite(table[column].to_numpy(dtype=float))]
    grouped = own.groupby(PAIR)[column]
    labels = grouped.idxmax() if is_larger_better(column) else grouped.idxmin()
    return labels.unstack("groups2").reindex(
        index=sorted(table["groups"].unique()), columns=sorted(table["groups2"].unique()))


def _panel(
    ax: Axes, table: pd.DataFrame, cells: pd.DataFrame, measure: Measure, column: str, chosen: Any
) -> None:
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    of_models = table[column].astype(float)
    known = {label: float(of_models[label]) for label in cells.to_numpy().ravel() if isinstance(label, str)}
    values = cells.map(lambda label: known.get(label, np.nan)).to_numpy(dtype=float)
    finite = values[np.isfinite(values)]
    good = values if is_larger_better(column) or column == "smallest_group" else -values
    inside = good[np.isfinite(good)]
    span = float(np.ptp(inside)) or 1.0
    shade = LIGHT + (1 - LIGHT) * np.clip((good - inside.min()) / span, 0, 1) if inside.size else good
    ax.imshow(np.where(np.isposinf(good), 1.0, shade), cmap=mpl.colormaps["Blues"], vmin=0, vmax=1.2, aspect="auto")
    at_best = (finite.max() if is_larger_better(column) else finite.min()) if finite.size else np.nan
    relative = measure.own or column in ("loglik", "cv_loglik")
    for (j, k), value in np.ndenumerate(values):
        label = cells.iloc[j, k]
        text = _text(value, at_best if relative else None, column)
        dark = np.isfinite(shade[j, k]) and shade[j, k] > DARK
        ax.text(k, j, text, ha="center", va="center", fontsize=NOTE_SIZE, color="white" if dark else INK)
        if isinstance(label, str) and label == chosen:
            ax.add_patch(Rectangle((k - 0.48, j - 0.46), 0.96, 0.92, fill=False, edgecolor=color_of(2), linewidth=2.0,
                                   gid=f"chosen {column}"))
    n = column.rpartition("_")[2]
    name = measure.name + (f" ({N_NAMES[n]})" if n in N_NAMES else "")
    ax.set_title(name, loc="left", fontsize=TITLE_SIZE, color=INK, pad=15)
    says = f"best {at_best:,.1f}" if relative and np.isfinite(at_best) else measure.says.split("; dotted")[0]
    ax.annotate("" if says.startswith("dotted") else says, (0, 1), xycoords="axes fraction", xytext=(0, 4),
                textcoords="offset points", fontsize=NOTE_SIZE - 0.5, color=NOTE)
    ax.set_xticks(range(cells.shape[1]), [str(k) for k in cells.columns], fontsize=NOTE_SIZE)
    ax.set_yticks(range(cells.shape[0]), [str(j) for j in cells.index], fontsize=NOTE_SIZE)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _text(value: float, best: float | None, column: str) -> str:
    if np.isnan(value):
        return "NA"
    if best is not None:
        return "0" if value == best else f"{value - best:+,.1f}"
    if column == "occ_min":
        return "inf" if np.isinf(value) else f"{value:,.1f}"
    return f"{value:.2f}"


def measures_of_pairs() -> list[str]:
    """The panels that are drawn where none are asked for: those that model choice looks at first."""
    return [name for name in MEASURES if name not in ("sabic", "caic", "p", "mismatch_max")]
