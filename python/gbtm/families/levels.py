"""What the families of levels share: an outcome that is one of a few values, which the data name."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import numpy as np

from ..errors import SpecificationError
from .base import Family, Predictors

MOST_LEVELS = 20
OF_TEXTS = re.compile(r"[\[\]=<>,:]")  # what texts on parameters use


class LevelFamily(Family):
    """A family of levels. ``codes`` are the values of y at the levels, ascending; statistics: at level c or not."""

    has_levels: ClassVar[bool] = True

    def __init__(self, codes: tuple[float, ...] = (1.0, 2.0, 3.0)) -> None:
        self.codes = tuple(float(c) for c in codes)
        self.values = np.array(self.codes)

    def having_codes(self, codes: tuple[float, ...] | None) -> Self:
        return self if codes is None else type(self)(codes)

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        shown = ", ".join(f"{c:g}" for c in self.codes)
        return ~np.isin(y, self.values), f"levels are {shown}", "Recode them, or make them missing."

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return (np.asarray(y)[..., None] == self.values).astype(float)

    @abstractmethod
    def probabilities(self, u: Predictors) -> np.ndarray:
        """P(Y = level c) (..., C)."""

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        p, y = self.probabilities(u), np.asarray(y)[..., None]
        return (p * (self.values < y)).sum(-1), np.minimum((p * (self.values <= y)).sum(-1), 1.0)


def refuse_without_mean(family: Family, argument: str) -> None:
    """Refuse what needs a mean where categories have no order.

    Raises
    ------
    SpecificationError
        ``no_mean``.
    """
    if not family.has_mean:
        raise SpecificationError(
            f"{argument}: categories without an order have no mean, nor what is made of one.", code="no_mean",
            argument=argument, way_out="See level_probabilities(), and plot_levels() for the figure.")


def refuse_categories_among(outcomes: Mapping[str, Family]) -> None:
    """Refuse a picture of the means of all outcomes, by name, where one has categories without an order.

    Raises
    ------
    SpecificationError
        ``no_mean``.
    """
    for name, family in outcomes.items():
        if not family.has_mean:
            raise SpecificationError(
                f"plot: '{name}' has categories without an order, and no mean to be drawn beside others.",
                code="no_mean", argument="outcome", way_out="Draw the outcomes one by one, with outcome=.")


def level_names(codes: Sequence[float] | None, levels: Sequence[str] | None) -> list[str]:
    """What the levels that occur are called.

    Examples
    --------
    >>> level_names((1.0, 3.0), None), level_names((1.0, 3.0), ("none", "some", "much"))
    (['1', '3'], ['none', 'much'])
    """
    return [f"{c:g}" if levels is None else levels[int(c) - 1] for c in codes or ()]


def names_in_parameters(codes: Sequence[float] | None, levels: Sequence[str] | None) -> list[str]:
    """What the levels that occur are called in names of parameters: by their numbers where a name has signs in it that
    hypotheses and constraints use, or two differ in blanks alone.

    Examples
    --------
    >>> names_in_parameters((1.0, 2.0), ("at work", "none")), names_in_parameters((1.0, 2.0), ("<18", "18+"))
    (['at work', 'none'], ['1', '2'])
    """
    names = level_names(codes, levels)
    bare = {"".join(n.split()) for n in names}
    return names if len(bare) == len(names) and not any(OF_TEXTS.search(n) for n in names) else level_names(codes, None)
