"""The pseudo-people of a weak prior: the observations of all people, gathered in design cells, as parts of one.

Whatever a group is like, pseudo-observations come from all groups together: their outcome in a cell is the mean of what
was observed there, and a cell weighs as much as it was observed. So they are the same people in any time basis, and as
many for any number of waves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..model.layout import Layout
from ..model.outcome import OutcomePart, Part


@dataclass(frozen=True, eq=False)
class PseudoPeople:
    """One person's worth of observations of one part of a model, in C design cells; sums over the cells are means.

    Attributes
    ----------
    time, covariates : (C,), (C, w) of the cells
    share : (C,) of the observations
    y, mass : (C,) sums of the outcome, in the part's internal units, and of exposure, 1 an observation without
    mean, variance : of the outcome, in internal units; like y of its log where the family is one ``of_log``
    levels : (C, S) shares of the levels of an outcome that has some, which add up to ``share``; else (C, 0)
    """

    time: np.ndarray
    covariates: np.ndarray
    share: np.ndarray
    y: np.ndarray
    mass: np.ndarray
    mean: float
    variance: float
    levels: np.ndarray

    @classmethod
    def of(cls, part: Part, measures: Measures, weight: np.ndarray) -> PseudoPeople:
        """From the observations of people with sampling weights (N,)."""
        first, cell = measures.cells(by_exposure=False)
        sums = pseudo_sums(part, measures, weight[measures.subject], cell, first.size)
        covariates = measures.covariates[first] if measures.covariate_names else np.zeros((first.size, 0))
        return cls.of_sums(measures.time[first], covariates, sums)

    @classmethod
    def of_sums(cls, time: np.ndarray, covariates: np.ndarray, sums: np.ndarray) -> PseudoPeople:
        """From what :func:`pseudo_sums` gathered (4 + S, C)."""
        total = max(float(sums[0].sum()), np.finfo(float).tiny)
        mean = float(sums[2].sum()) / total
        variance = float(sums[3].sum()) / total - mean**2
        return cls(
            time, covariates, sums[0] / total, sums[2] / total, sums[1] / total, mean, variance, sums[4:].T / total)


def pseudo_sums(part: Part, measures: Measures, weight: np.ndarray, cell: np.ndarray, n_cells: int) -> np.ndarray:
    """Weighted sums (4 + S, C) in design cells of 1, of exposure, of y and of y^2, y in internal units, and of each of
    the S levels of an outcome that has some.

    weight, cell (n_obs,) are the sampling weight of each observation's person, and its cell.
    """
    y = (measures.y - part.centre) / part.scale
    if isinstance(part, OutcomePart) and part.family.of_log:
        y = part.family.on_eta(measures.y)
    exposed = measures.exposure is not None and part.internal_family.has_denominator
    exposure = measures.exposure if exposed and measures.exposure is not None else np.ones_like(y)
    if isinstance(part, OutcomePart) and part.family.is_hurdle:  # whose curves are of what is above 0
        exposure = np.where(y > 0, exposure, 0.0)
    columns = [weight, weight * exposure, weight * y, weight * y * y]
    if isinstance(part, OutcomePart) and part.family.has_levels:
        columns += list(weight * part.family.statistics(measures.y).T)
    return np.stack([np.bincount(cell, c, minlength=n_cells) for c in columns])


def pseudo_people(layout: Layout, panel: Panel) -> list[PseudoPeople]:
    """Those of each part of a model, of the people of a panel."""
    sources = panel.sources if layout.spec.dropout is not None else panel.outcomes
    weight = panel.subjects.relative_weights
    return [PseudoPeople.of(part, m, weight) for part, m in zip(layout.parts, sources, strict=True)]


def reach_of(part: Part, people: PseudoPeople) -> np.ndarray | None:
    """(G, C) which pseudo-observations count for a group, where not all do: those of dropout whose lags are known."""
    if isinstance(part, OutcomePart):
        return None
    return part.cell_data(people.y, people.covariates, None)["mask"]
