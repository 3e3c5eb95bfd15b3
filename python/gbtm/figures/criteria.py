"""The fit-criteria figure (F-CAP): everything that speaks for a number of groups, in small panels against it.

After Klijn, Weijenberg, Lemmens, van den Brandt and Lima Passos (2017), Introducing the fit-criteria assessment plot as
a visualisation tool to assist class enumeration in group-based trajectory modelling, Statistical Methods in Medical
Research 26, 2424-2436.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..constants import SHARED
from ..errors import SpecificationError
from .criteria_of_pairs import draw_pairs, measures_of_pairs
from .measures import MEASURES, N_NAMES, SERIES, Measure, criterion_name, is_larger_better
from .style import DASHES, FAINT, INK, NOTE, NOTE_SIZE, PALETTE, SHADE, TITLE_SIZE, dress, note, panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OFF_LINE: float = SHARED["off_line"]  # other models are shown up to so many heights of the line beyond it
OFF_FIRST: float = SHARED["off_first"]  # heights of K >= 2 beyond which K = 1 does not scale the axis
HUGE = 1e5  # odds from here on are written as powers of ten


@checked
def plot_criteria(
    search: Any, *, criterion: str = "bic_subjects", show: Sequence[str] | None = None, columns: int | None = None,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """All criteria against the number of groups K.

    The line of a fit criterion joins the models that are best by it for each K; other models (other shapes of the
    curves) are faint dots, and a ring marks the model that it chooses. The line of a measure of adequacy joins the
    models that are best by ``criterion``; the K which that criterion chooses is shaded in every panel. One group that
    is so far from the others that they could not be told apart on its axis is off the scale: an arrow has its value.

    Of dual models each panel is a small table: the first outcome's number of groups down, the second's across.

    Parameters
    ----------
    search : what :func:`gbtm.search` returns, or its table: a DataFrame, one row per model, indexed by label
    criterion : a column; which model stands for its K where a panel's own value cannot say
    show : panels, of "bic", "sabic", "caic", "icl", "aic", "loglik", "cv_loglik", "p", "entropy", "smallest_group",
        "avepp_min", "occ_min", "mismatch_max"; default all that the table has values for
    columns : panels side by side; default 3 to 5, so that few places stay empty

    Returns
    -------
    matplotlib Figure, one Axes per panel

    Raises
    ------
    SpecificationError
        "bad_table", "unknown_criterion", "unknown_panel".

    Examples
    --------
    >>> import pandas as pd
    >>> from gbtm.figures.criteria import plot_criteria
    >>> table = pd.DataFrame(
    ...     {"groups": [1, 2, 3], "bic_subjects": [420.0, 380.5, 384.0]}, index=["1: 2", "2: 2 2", "3: 2 2 2"]
    ... )
    >>> [ax.get_title(loc="left") for ax in plot_criteria(table).axes]
    ['BIC']
    """
    table, choices = table_of(search, criterion)
    pairs = "groups2" in table
    shown = _shown(table, measures_of_pairs() if pairs and show is None else show)
    if pairs:
        best = {c: best_model(table, choices, c) for c in {criterion, *choices, *(c for m in shown for c in m.columns)}
                if _has(table, c)}
        return draw_pairs(table[usable(table)], shown, best, criterion, columns=columns, figsize=figsize)
    per_group = best_per_group(table, criterion)
    k_best = int(table["groups"][best_model(table, choices, criterion)])
    side = columns or min((4, 5, 3), key=lambda c: (-len(shown)) % c)
    fig, axes = panels(len(shown), columns=side, size=(2.6, 2.15), figsize=figsize)
    hidden = 0
    for ax, measure in zip(axes, shown, strict=True):
        hidden += _draw(ax, measure, _informative(table, measure), choices, per_group)
        _finish(ax, measure, table, k_best)
    for ax in axes[-min(side, len(axes)):]:
        ax.set_xlabel("number of groups K")
    _legend(fig, shown, table)
    off = any(text.get_gid() == "off scale" for ax in axes for text in ax.texts)
    note(fig, _said(shown, table, criterion, k_best, hidden) + " Arrow: K = 1 is off the scale." * off)
    return fig


def usable(table: pd.DataFrame) -> np.ndarray:
    """(n,) models that a search lets be chosen: those without a flag; all of them where every one has a flag."""
    if "flag" not in table:
        return np.ones(len(table), dtype=bool)
    fine = table["flag"].fillna("").eq("").to_numpy()
    return fine if fine.any() else ~fine


def best_model(table: pd.DataFrame, choices: dict[str, Any], criterion: str) -> Any:
    """Label of the model that a criterion chooses."""
    if criterion in choices:
        return choices[criterion]
    values = table[criterion][usable(table)].astype(float)
    return values.idxmax() if is_larger_better(criterion) else values.idxmin()


def best_per_group(table: pd.DataFrame, column: str) -> pd.Series:
    """Label of the model that is best by a column for each number of groups that has a value, indexed by it."""
    own = table[usable(table) & np.isfinite(table[column].to_numpy(dtype=float))]
    grouped = own.groupby([c for c in ("groups", "groups2") if c in own])[column]
    return (grouped.idxmax() if is_larger_better(column) else grouped.idxmin()).sort_index()


def table_of(search: Any, criterion: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table of a search, and the label of the model that each criterion chooses (none from a bare table)."""
    table = search if isinstance(search, pd.DataFrame) else getattr(search, "table", None)
    if not isinstance(table, pd.DataFrame) or "groups" not in table or table.empty:
        raise SpecificationError(
            f"search: {type(search).__name__} is neither a search nor a table of models with a column 'groups'.",
            code="bad_table", argument="search", way_out="Give what gbtm.search() returned, or its .table.",
        )
    if criterion not in table or not np.isfinite(table[criterion][usable(table)].to_numpy(dtype=float)).any():
        raise SpecificationError(
            f"criterion: the table has no values for {criterion!r}.", code="unknown_criterion", argument="criterion",
            way_out="Give one of its columns, such as criterion='bic_subjects'.",
        )
    given = None if search is table else getattr(search, "choices", None)
    choices = {} if given is None else {str(k): v for k, v in dict(given).items() if v in table.index}
    return table, choices


def _has(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())


def _shown(table: pd.DataFrame, show: Sequence[str] | None) -> list[Measure]:
    unknown = [name for name in show or () if name not in MEASURES]
    if isinstance(show, str) or unknown:
        raise SpecificationError(
            f"show: no panel is called {repr(show) if isinstance(show, str) else ', '.join(map(repr, unknown))}.",
            code="unknown_panel", argument="show", way_out=f"Give a list of some of {', '.join(MEASURES)}.",
        )
    wanted = [MEASURES[name] for name in (MEASURES if show is None else show)]
    there = [m for m in wanted if any(_has(_informative(table, m), c) for c in m.columns)]
    if not there:
        raise SpecificationError(
            "show: the table has no values for these panels.", code="unknown_panel", argument="show",
            way_out="Leave `show` out, or compute the columns first, for example by search.cross_validate().",
        )
    return there


def _informative(table: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Without the one-group model where its value says nothing: a share of 1, an AvePP of 1."""
    return table[table["groups"] > 1] if measure.trivial else table


def _draw(ax: Axes, measure: Measure, table: pd.DataFrame, choices: dict[str, Any], per_group: pd.Series) -> int:
    """Dots, lines, rings; how many models lie beyond the axis."""
    drawn: list[np.ndarray] = []  # pairs (K, value) that the axis has to hold, each (n, 2)
    ringed = False
    for j, column in enumerate(measure.columns):
        if not _has(table, column):
            continue
        values, color = table[column].astype(float), PALETTE[j]
        labels = _on_line(table, measure, column, per_group)
        for fine, mark in ((True, "."), (False, "x")):
            rest = values[np.isfinite(values) & (usable(table) == fine)].drop(labels, errors="ignore")
            ax.plot(table["groups"][rest.index], rest, mark, color=FAINT, markersize=4.5, zorder=1)
        x, y = table["groups"][labels].to_numpy(dtype=float), values[labels].to_numpy()
        drawn.append(np.column_stack([x, y]))
        if measure.error and _has(table, measure.error):
            se = table[measure.error][labels].astype(float).fillna(0).to_numpy()
            ax.errorbar(x, y, yerr=se, fmt="none", ecolor=color, elinewidth=1, capsize=2.5, zorder=2)
            drawn += [np.column_stack([x, y - se]), np.column_stack([x, y + se])]
        ax.plot(
            x, np.where(np.isfinite(y), y, np.nan), color=color, marker="os"[j], markersize=4, linewidth=1.5,
            linestyle=DASHES[j], zorder=3,
        )
        best: Any = best_model(table, choices, column) if measure.own else choices.get(column.removesuffix("_p"))
        if best in values.index and np.isfinite(values.loc[best]):
            drawn.append(np.array([[table["groups"][best], values.loc[best]]], dtype=float))
            ringed |= bool(table["groups"][best] == 1)
            ax.plot(
                table.loc[[best], "groups"], values.loc[[best]], "o", markersize=10, markerfacecolor="none",
                markeredgecolor=color, markeredgewidth=1.4, zorder=4, label=f"chosen by {column}",
            )
    pairs = np.concatenate(drawn)
    pairs = pairs[np.isfinite(pairs[:, 1])]
    off = not ringed and not measure.log and measure.threshold is None and _first_is_far(pairs)
    if not off:
        return _limits(ax, measure, table, pairs[:, 1])
    hidden = _limits(ax, measure, table[table["groups"] > 1], pairs[pairs[:, 0] > 1, 1])
    _off_scale(ax, table, measure, pairs)
    return hidden


def _first_is_far(pairs: np.ndarray) -> bool:
    """Whether the axis of one group (K, value) would squeeze the models of more groups into a line."""
    first, rest = pairs[pairs[:, 0] == 1, 1], pairs[pairs[:, 0] > 1, 1]
    if first.size == 0 or np.unique(pairs[:, 0]).size < 3:
        return False
    return bool(max(rest.min() - first.min(), first.max() - rest.max()) > OFF_FIRST * np.ptp(rest))


def _off_scale(ax: Axes, table: pd.DataFrame, measure: Measure, pairs: np.ndarray) -> None:
    """An arrow to where one group is, and its values on the line."""
    up = bool(pairs[pairs[:, 0] == 1, 1].mean() > pairs[pairs[:, 0] > 1, 1].mean())
    own = table.loc[table["groups"] == 1, [c for c in measure.columns if _has(table, c)]].astype(float)
    best = own.max() if is_larger_better(measure.columns[0]) else own.min()
    text = "K = 1:\n" + "\n".join(dict.fromkeys(f"{value:,.0f}" for value in best if np.isfinite(value)))
    ax.annotate(
        text, (1, 1.0 if up else 0.0), xycoords=("data", "axes fraction"), xytext=(0, -18 if up else 18),
        textcoords="offset points", ha="center", va="top" if up else "bottom", fontsize=NOTE_SIZE - 0.5, color=NOTE,
        arrowprops={"arrowstyle": "->", "color": NOTE, "linewidth": 0.9}, gid="off scale",
    )


def _on_line(table: pd.DataFrame, measure: Measure, column: str, per_group: pd.Series) -> pd.Index:
    """Labels of the models that the line joins, one per K, in the order of K."""
    if measure.own:
        return pd.Index(best_per_group(table, column))
    known = table[usable(table) & table[column].notna()]
    if measure.columns == MEASURES["p"].columns:  # computed for few models, not always the best of their K
        first = known.groupby("groups", sort=True).head(1).set_index("groups", append=True).reset_index(level=0)
        labels = first.iloc[:, 0].sort_index()
        own = per_group[per_group.isin(known.index)]
        labels.update(own)
        return pd.Index(labels)
    return pd.Index(per_group[per_group.isin(known.index)])


def _limits(ax: Axes, measure: Measure, table: pd.DataFrame, line: np.ndarray) -> int:
    """Set the outcome's axis by the lines; models far worse than these are left beyond it, and counted."""
    values = table[[c for c in measure.columns if _has(table, c)]].astype(float).to_numpy().ravel()
    infinite = np.isposinf(values).any()
    values, line = values[np.isfinite(values)], line[np.isfinite(line)]
    if measure.log:
        _log_axis(ax, np.concatenate([values, [measure.threshold or 1.0]]), bool(infinite))
        return 0
    if line.size == 0:
        return 0
    if measure.own or measure.threshold is None:
        reach = OFF_LINE * np.ptp(line) or np.ptp(values)
        low = min(line.min(), max(values.min(), line.min() - reach))
        high = max(line.max(), min(values.max(), line.max() + reach))
    else:
        low, high = min(values.min(), measure.threshold), max(values.max(), measure.threshold)
    lacking = measure.span - (high - low)
    if lacking > 0:
        low, high = low - lacking / 2, high + lacking / 2
    margin = 0.09 * ((high - low) or max(abs(high), 1.0))
    low, high = low - margin, high + margin
    if measure.floor is not None:
        low = max(low, measure.floor - margin)
    if measure.ceiling is not None:
        high = min(high, measure.ceiling + margin)
    ax.set_ylim(low, high)
    return int(((values < low) | (values > high)).sum())


def _log_axis(ax: Axes, values: np.ndarray, infinite: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, NullFormatter

    values = values[values > 0]
    ax.set_yscale("log")
    low, high = values.min() / 1.6, values.max() * 1.6
    ax.set_ylim(low, high)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 200 else (1,), numticks=7))
    ax.yaxis.set_major_formatter(LogFormatterSciNotation() if high > HUGE else FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    if infinite:
        ax.text(0.99, 0.97, "infinite odds are not drawn", transform=ax.transAxes, ha="right", va="top",
                fontsize=NOTE_SIZE - 0.5, color=NOTE)


def _finish(ax: Axes, measure: Measure, table: pd.DataFrame, k_best: int) -> None:
    from matplotlib.ticker import MaxNLocator

    dress(ax)
    ax.axvspan(k_best - 0.3, k_best + 0.3, color=SHADE, linewidth=0, zorder=0)
    if measure.threshold is not None:
        ax.axhline(measure.threshold, color=NOTE, linewidth=1, linestyle=":", zorder=1)
    groups = np.unique(table["groups"])
    ax.set_xlim(groups.min() - 0.5, groups.max() + 0.5)
    ax.set_xticks(groups if groups.size <= 10 else groups[:: -(-groups.size // 10)])
    if not measure.log:
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.ticklabel_format(axis="y", style="plain", useOffset=False)
    ax.set_title(measure.name, loc="left", fontsize=TITLE_SIZE, color=INK, pad=15)
    ax.annotate(
        measure.says, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
        fontsize=NOTE_SIZE - 0.5, color=NOTE,
    )


def _legend(fig: Figure, shown: list[Measure], table: pd.DataFrame) -> None:
    """One legend above the panels for what they have in common."""
    from matplotlib.lines import Line2D

    def line(j: int, name: str) -> Line2D:
        return Line2D([], [], color=PALETTE[j], marker="os"[j], markersize=4, lw=1.5, linestyle=DASHES[j], label=name)

    def mark(name: str, marker: str, size: float, color: str) -> Line2D:
        return Line2D([], [], color=color, marker=marker, markersize=size, mfc="none" if size > 7 else color,
                      linestyle="none", label=name)

    pairs = any(all(_has(table, c) for c in m.columns) and len(m.columns) == 2 and m.own for m in shown)
    handles = [line(j, name) for j, name in enumerate(N_NAMES.values())] if pairs else []
    handles += [
        mark("other models of that K", ".", 6, FAINT), mark("chosen by the criterion", "o", 9, INK),
        Line2D([], [], color=SHADE, linewidth=8, label="K chosen"),
    ]
    fig.legend(
        handles=handles, loc="outside upper left", ncols=len(handles) if fig.get_figwidth() > 7 else 3, frameon=False,
        fontsize=NOTE_SIZE + 0.5, handletextpad=0.5, columnspacing=1.4,
    )


def _said(shown: list[Measure], table: pd.DataFrame, criterion: str, k_best: int, hidden: int) -> str:
    said = [
        "Line of a fit criterion: for each K the best model by that criterion. Other lines: for each K the best model "
        f"by {criterion_name(criterion)}, which chooses K = {k_best} (shaded)."
    ]
    if any(m.threshold is not None and m.own is False for m in shown):
        said.append("Dotted lines are rules of thumb.")
    if any(m.trivial for m in shown) and (table["groups"] == 1).any():
        said.append("Measures of classification begin with two groups.")
    tests = [c for c in SERIES if _has(table, c)]
    if tests and any(m.columns[0] in SERIES for m in shown):
        marks = {"blrt_p": "circles", "lmr_p": "squares"}
        said.append("p values: " + ", ".join(f"{SERIES[c]} ({marks[c]})" for c in tests) + ".")
    barred = int((~usable(table)).sum())
    if barred:
        said.append(f"Crosses: {barred} of {len(table)} models that cannot be chosen; the table's flag says why.")
    if hidden:
        said.append(f"{hidden} value{'s' if hidden > 1 else ''} far worse than the lines lie beyond the axes.")
    return " ".join(said)
