"""The look that all figures share: colours, marks, axes. No figure touches matplotlib's global settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..constants import SHARED
from ..families import family_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..fit.fit import Fit

# Okabe and Ito's colours, told apart by colour-blind readers; their yellow, too faint on white, gives way to grey.
PALETTE: tuple[str, ...] = tuple(SHARED["palette"])
# What tells groups apart in grey print
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "p")
DASHES: tuple[Any, ...] = (
    "-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)), "-", (0, (5, 1.5)),
)

GREY = 0.6  # of white
UNSEEN = (0, (1, 1.2))  # of a curve where the group was not seen
GREY_SHARE: float = SHARED["grey_share"]

INK = "#333333"
NOTE = "#595959"
FAINT = "#B3B3B3"
GRIDLINE = "#E6E6E6"
SHADE = "#EBEBEB"
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, NOTE_SIZE = 9, 9, 8, 7.5
TITLE_CHARACTERS = 34  # beyond this a name is broken into lines


def color_of(group: int, colors: Sequence[str] | None = None) -> str:
    """Colour of a group (from 1); colours begin anew where there are more groups than colours."""
    own = colors or PALETTE
    return own[(group - 1) % len(own)]


def colors_of_outcome(res: Fit, number: int, colors: Sequence[str] | None = None) -> list[str]:
    """Colour of each group of outcome ``number``, counted from 0. Where outcomes have groups of their own, those of the
    second go on where the first's end, so that no two groups have one colour as long as the colours last."""
    sets = res.group_sets
    own = number if len(sets) > 1 else 0
    first = sum(s.n_groups for s in sets[:own])
    return [color_of(first + g, colors) for g in range(1, sets[own].n_groups + 1)]


def marker_of(group: int) -> str:
    return MARKERS[(group - 1) % len(MARKERS)]


def mark_size(group: int, size: float) -> float:
    """Triangles and crosses look smaller than they are."""
    return size * (1.0 if marker_of(group) in "osD" else 1.25)


def dash_of(group: int) -> Any:
    return DASHES[(group - 1) % len(DASHES)]


def group_names(res: Fit, labels: Sequence[str] | None = None) -> list[str]:
    """Names of the groups: the user's, or "Group 1", ..."""
    from ..errors import SpecificationError

    if labels is None:
        return [f"Group {g}" for g in res.group_names]
    if isinstance(labels, str) or len(labels) != res.n_groups:
        raise SpecificationError(
            f"labels: {labels!r} does not name {res.n_groups} groups.", code="bad_labels", argument="labels",
            way_out="Give one name per group, in the order of the groups.",
        )
    return [str(name) for name in labels]


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def drawn_groups(res: Fit, groups: Sequence[int] | int | None) -> list[int]:
    """Numbers of the groups that are drawn: those asked for, in their order, or all.

    Raises
    ------
    SpecificationError
        ``unknown_group``.
    """
    from ..errors import SpecificationError

    asked: list[Any] = list(res.group_names) if groups is None else np.atleast_1d(np.asarray(groups)).tolist()
    wrong = [g for g in asked if isinstance(g, bool) or g not in res.group_names]
    if wrong or not asked or len(set(asked)) < len(asked):
        raise SpecificationError(
            f"groups: {groups!r} are not groups of this fit, each named once.", code="unknown_group",
            argument="groups", way_out=f"Give some of {', '.join(map(str, res.group_names))}, or leave groups out.",
        )
    return [int(g) for g in asked]


def outcome_label(res: Fit) -> str:
    """What curves and points are, whatever draws them: the mean of the outcome."""
    family = family_named(res.family)
    if family.takes_trials:
        return f"share of {res.outcome_name} among the trials"
    return f"P({res.outcome_name} = 1)" if family.is_binary else f"mean of {res.outcome_name}"


def broken(text: str, inches: float, size: float) -> str:
    """A text in lines that have room on so many inches, in letters of this size in points."""
    from textwrap import fill

    width = max(int(inches * 72 / (0.52 * size)), 8)
    return "\n".join(fill(line, width) for line in text.split("\n"))


def dress(ax: Axes, *, grid: bool = True) -> None:
    """Two spines, small ticks, and faint lines across."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(labelsize=TICK_SIZE, colors=INK, length=3, width=0.7)
    ax.xaxis.label.set_fontsize(LABEL_SIZE)
    ax.yaxis.label.set_fontsize(LABEL_SIZE)
    if grid:
        ax.grid(axis="y", color=GRIDLINE, linewidth=0.6)
        ax.set_axisbelow(True)


def title(ax: Axes, text: str, *, strong: bool = False, color: str = INK) -> None:
    """A panel's title on the left, broken into lines where it is long."""
    from textwrap import fill

    broken = "\n".join(fill(line, TITLE_CHARACTERS) for line in text.split("\n"))
    ax.set_title(broken, loc="left", fontsize=TITLE_SIZE, color=color, fontweight="bold" if strong else "normal")


def greyed(color: str) -> Any:
    """A colour drawn towards grey, for what is said of a group where it was not seen."""
    from matplotlib.colors import to_rgb

    return tuple(GREY_SHARE * GREY + (1 - GREY_SHARE) * part for part in to_rgb(color))


def note(fig: Figure, text: str) -> None:
    """What the marks mean, below the panels, broken to the figure's width."""
    fig.supxlabel(broken(text, fig.get_figwidth(), NOTE_SIZE), fontsize=NOTE_SIZE, color=NOTE, x=0.01, ha="left")


def axis_names(fig: Figure, axes: Sequence[Axes], res: Fit) -> None:
    """Names of time and outcome at the axes of panels that share them, in lines where they are long."""
    height = fig.get_figheight()
    fig.supylabel(broken(outcome_label(res), 0.8 * height, LABEL_SIZE), fontsize=LABEL_SIZE, color=INK)
    for ax in axes:
        ax.set_xlabel(broken(res.time_name, 2.6, LABEL_SIZE))


def side_by_side(n: int, columns: int | None = None) -> int:
    """Panels in a row, unless ``columns`` says: up to three in one row, up to six in two, rows of four beyond."""
    return min(columns or (2 if n == 4 else 3 if n < 7 else 4), n)


def panels(
    n: int, *, columns: int, size: tuple[float, float], figsize: tuple[float, float] | None = None,
    sharex: bool = False, sharey: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A figure of n panels in rows of ``columns``, each ``size`` inches; panels that are left over are taken away."""
    import matplotlib.pyplot as plt

    columns = min(columns, n)
    rows = -(-n // columns)
    fig, axes = plt.subplots(
        rows, columns, figsize=figsize or (max(columns * size[0], 4.6), rows * size[1] + 0.4), layout="constrained",
        sharex=sharex, sharey=sharey, squeeze=False,
    )
    flat = list(np.ravel(axes))
    for ax in flat[n:]:
        ax.remove()
    if sharex and n < rows * columns:
        for ax in flat[n - columns:n]:
            ax.tick_params(labelbottom=True)
    return fig, flat[:n]


def spread_apart(at: np.ndarray, least: float, low: float, high: float) -> np.ndarray:
    """Heights (n,) of labels moved as little as need be so that neighbours are ``least`` apart within low..high."""
    order = np.argsort(at, kind="stable")
    gap = min(least, (high - low) / max(at.size - 1, 1))
    base = at[order] - gap * np.arange(at.size)
    # Non-decreasing least squares: pool neighbours that are out of order
    means: list[float] = []
    sizes: list[int] = []
    for value in base:
        means.append(float(value))
        sizes.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            total = sizes[-2] + sizes[-1]
            means[-2:] = [(means[-2] * sizes[-2] + means[-1] * sizes[-1]) / total]
            sizes[-2:] = [total]
    moved = np.repeat(means, sizes)
    moved = np.clip(moved, low, high - gap * (at.size - 1)) + gap * np.arange(at.size)
    heights = np.empty_like(moved)
    heights[order] = moved
    return heights
