"""Do the groups differ? All at once, and two by two.

Both use the covariance between groups: one person counts in several groups, so that these are no independent samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, reach, two_sided
from ..errors import SpecificationError

RANK = 1e-10  # of the largest eigenvalue, below which a hypothesis follows from the others
UNKNOWN = 1e-9  # share of a parameter without a variance in a function, from which it has none
ADJUSTMENTS = ("holm", "bonferroni", "none")


@dataclass(frozen=True)
class GroupTest:
    """A joint Wald test.

    Attributes
    ----------
    statistic : chi-square, or F where standard errors rest on clusters
    df : number of independent hypotheses
    pvalue : probability of a larger statistic
    df_denom : denominator degrees of freedom of F, else None
    hypothesis : in words
    """

    statistic: float
    df: int
    pvalue: float
    df_denom: float | None
    hypothesis: str

    def __str__(self) -> str:
        head = f"chi2({self.df})" if self.df_denom is None else f"F({self.df}, {self.df_denom:g})"
        p = "< 0.0001" if self.pvalue < 1e-4 else f"= {self.pvalue:.4f}"
        return f"{self.hypothesis}: {head} = {self.statistic:.4f}, p {p}"

    __repr__ = __str__


def covariance_of(gradient: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """(r, r) of functions with gradients (r, q); NaN for those that load on a parameter without a variance."""
    unknown = np.isnan(np.diag(cov))
    out = np.asarray(gradient @ np.where(np.isnan(cov), 0.0, cov) @ gradient.T)
    length = np.linalg.norm(gradient, axis=1, keepdims=True)
    lost = (np.abs(gradient[:, unknown]) > UNKNOWN * length).any(axis=1)
    out[lost, :] = np.nan
    out[:, lost] = np.nan
    return out


def joint_test(contrast: np.ndarray, parameters: np.ndarray, cov: np.ndarray, df: float, hypothesis: str) -> GroupTest:
    """Contrasts (r, q) are all zero; those that follow from others count once, by a pseudo-inverse."""
    difference, variance = contrast @ parameters, covariance_of(contrast, cov)
    if not np.isfinite(variance).all():
        return GroupTest(np.nan, len(contrast), np.nan, None if not np.isfinite(df) else float(df), hypothesis)
    values, vectors = np.linalg.eigh(0.5 * (variance + variance.T))
    kept = values > RANK * max(values.max(initial=0.0), 1e-300)
    rank = int(kept.sum())
    along = vectors[:, kept].T @ difference
    wald = float(np.sum(along**2 / values[kept]))
    if not np.isfinite(df):
        return GroupTest(wald, rank, float(stats.chi2.sf(wald, rank)), None, hypothesis)
    return GroupTest(wald / rank, rank, float(stats.f.sf(wald / rank, rank, df)), float(df), hypothesis)


def comparison_table(
    contrasts: dict[str, np.ndarray], parameters: np.ndarray, cov: np.ndarray, df: float, *, ratio: str | None,
    adjust: str, level: float
) -> pd.DataFrame:
    """A row a contrast (q,): the difference, its standard error and test; where ``ratio`` names it, exp of it.

    Intervals are of the level for one comparison; p-values are also adjusted for their number.
    """
    check_level(level)
    if adjust not in ADJUSTMENTS:
        raise SpecificationError(
            f"adjust: '{adjust}' is none.", code="bad_adjust", argument="adjust",
            way_out=f"Use one of {', '.join(ADJUSTMENTS)}.",
        )
    matrix = np.stack(list(contrasts.values()))
    difference = matrix @ parameters
    se = np.sqrt(np.maximum(np.diag(covariance_of(matrix, cov)), 0.0))
    z = reach(level, df)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = difference / se
    p = two_sided(statistic, df)
    table = pd.DataFrame({"difference": difference, "std err": se, letter(df): statistic, p_label(df): p},
                         index=pd.Index(list(contrasts), name="comparison"))
    if adjust != "none":
        table[f"p ({adjust})"] = adjusted(p, adjust)
    table["lower"], table["upper"] = difference - z * se, difference + z * se
    if ratio is not None:
        with np.errstate(over="ignore"):
            table[ratio], table["ratio lower"], table["ratio upper"] = (
                np.exp(x) for x in (difference, difference - z * se, difference + z * se))
    return table


def adjusted(p: np.ndarray, how: str) -> np.ndarray:
    """p-values (m,) for m comparisons: Holm's step-down, or Bonferroni's."""
    m = len(p)
    if how == "bonferroni":
        return np.minimum(1.0, m * p)
    order = np.argsort(p)
    out = np.empty(m)
    out[order] = np.minimum(1.0, np.maximum.accumulate((m - np.arange(m)) * p[order]))
    return out
