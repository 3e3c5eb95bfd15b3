"""Residual checks: do the curves run through the data, is the outcome distributed as the family says, is it all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from ..arguments import checked
from ..checks import check_seed
from ..families import family_named
from .autocorrelation import MOST_LAGS, residual_autocorrelation, said_of
from .distribution import (
    LEAST_TOTAL,
    normality,
    quantile_residuals,
    quantile_table,
    rootogram,
    said_of_counts,
    said_of_residuals,
    spread_of,
)
from .fitted import Fitted

if TYPE_CHECKING:
    from ..fit.fit import Fit

MOST_WAVES = 40  # above which times are taken together
BINS = 12
LEAST_MEMBERS = 2.0  # of a group, for a band
SHOWN = 4
Z = float(stats.norm.isf(0.025))


@dataclass(frozen=True)
class ResidualChecks:
    """What the residuals of a fit say.

    Attributes
    ----------
    means : one row per group and time: group, time, n (expected number of members observed: the sum of s_i P_ik),
        observed and fitted (posterior-weighted means of y and of E_k(y)), se (of observed - fitted), and lower, upper:
        the fitted mean -+ 1.96 se, where 95 % of observed means should lie. NaN for fewer than 2 members
    distribution : for counts the rootogram: value, observed, expected; else normal quantiles beside those of the
        quantile residuals: theoretical, sample, lower, upper
    quantile_residuals : (n,) of each observation, standard normal if the model is right
    normality : their moments: value, normal, se
    autocorrelation : lag, pairs, correlation, lower, upper
    sentences : the findings in words
    time_name, outcome_name : for labels
    """

    means: pd.DataFrame
    distribution: pd.DataFrame
    quantile_residuals: np.ndarray
    normality: pd.DataFrame
    autocorrelation: pd.DataFrame
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*self.sentences, "", self.autocorrelation.to_string(index=False)])
    time_name: str
    outcome_name: str


@checked
def residual_checks(res: Fit, *, lags: int = MOST_LAGS, rng: int = 0) -> ResidualChecks:
    """Means by group and time, the outcome's distribution, and correlation within subjects.

    Parameters
    ----------
    lags : the most lags of the autocorrelation
    rng : seed of the randomized quantile residuals

    Notes
    -----
    Everything is weighted with the posterior probabilities (and with sampling weights), so that nobody is assigned to
    a group. The standard errors allow for the spread between subjects, for several observations of one subject, and for
    doubt about who belongs to a group; not for the estimation of the parameters. As the curves were drawn to these very
    means, the bands are wider than need be: a mean outside is a sign, all within is not proof.

    Where there are more than 40 distinct times they are taken together in 12 bins of as many observations each.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.adequacy.residuals import residual_checks
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1).fit(rng=0)
    >>> checks = residual_checks(res)
    >>> checks.sentences[0][:47]  # one of the groups is a parabola
    'Group 1: the curve misses the observed means at'
    """
    check_seed(rng)
    fitted, family = Fitted.of(res), family_named(res.family)
    means = _means(fitted)
    residuals = quantile_residuals(res, fitted, rng)
    moments, counts = normality(residuals, fitted), family.is_count
    lagged = residual_autocorrelation(fitted, lags)
    sentences = _said_of_means(means, res.time_name, discrete=family.is_discrete, binary=family.is_binary)
    sentences += said_of_counts(fitted, family) if counts else said_of_residuals(moments, family)
    sentences += said_of(lagged, fitted, has_ar1=family.may_correlate)
    return ResidualChecks(
        means=means, distribution=rootogram(fitted) if counts else quantile_table(residuals),
        quantile_residuals=residuals, normality=moments, autocorrelation=lagged, sentences=tuple(sentences),
        time_name=res.time_name, outcome_name=res.outcome_name,
    )


def _cells(fitted: Fitted) -> tuple[np.ndarray, np.ndarray]:
    """The wave or bin of each observation (n,), and the mean time of each (C,)."""
    levels, cell = np.unique(fitted.wave, return_inverse=True)
    cell = cell.ravel()
    if levels.size > MOST_WAVES:
        rank = np.argsort(np.argsort(fitted.time, kind="stable"), kind="stable")
        first = np.unique(fitted.time, return_inverse=True)[1].ravel()
        lowest = np.full(int(first.max()) + 1, rank.size)
        np.minimum.at(lowest, first, rank)  # equal times stay together
        cell = np.unique(lowest[first] * BINS // rank.size, return_inverse=True)[1].ravel()
    return cell, np.bincount(cell, fitted.time) / np.bincount(cell)


def _means(fitted: Fitted) -> pd.DataFrame:
    cell, time = _cells(fitted)
    tables = []
    for k, share in enumerate(fitted.share):
        n = np.bincount(cell, share)
        total = np.maximum(n, 1e-300)
        observed = np.bincount(cell, share * fitted.y) / total
        mean = np.bincount(cell, share * fitted.expected[k]) / total
        se = spread_of(fitted, share, fitted.y - fitted.expected[k], fitted.variance[k], cell)
        se = np.where(n >= LEAST_MEMBERS, se, np.nan)
        observed = np.where(n > 0, observed, np.nan)
        tables.append(
            pd.DataFrame(
                {
                    "group": k + 1, "time": time, "n": n, "observed": observed, "fitted": mean, "lower": mean - Z * se,
                    "upper": mean + Z * se, "se": se,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _said_of_means(means: pd.DataFrame, time_name: str, *, discrete: bool, binary: bool) -> list[str]:
    banded = means[means["se"] > 0]
    gap = (banded["observed"] - banded["fitted"]).abs()
    limit = stats.norm.isf(0.025 / max(len(banded), 1))
    level, n = banded[["observed", "fitted"]].to_numpy(), banded["n"].to_numpy()
    events = n * level.max(axis=1, initial=0)
    if binary:
        events = np.minimum(events, n * (1 - level.min(axis=1, initial=1)))
    enough = (events >= LEAST_TOTAL) | (not (discrete or binary))
    off = banded[(gap > limit * banded["se"]) & enough]
    sentences = []
    for group, rows in off.groupby("group"):
        z = (rows["observed"] - rows["fitted"]).abs() / rows["se"]
        worst = rows.loc[z.nlargest(SHOWN).index].sort_values("time")
        listed = "; ".join(
            f"{t:.4g} ({o:.3g} observed, {f:.3g} fitted)"
            for t, o, f in zip(worst["time"], worst["observed"], worst["fitted"], strict=True)
        )
        more = f" and {len(rows) - len(worst)} more" if len(rows) > len(worst) else ""
        sentences.append(
            f"Group {group}: the curve misses the observed means at {time_name} {listed}{more}. A higher order or "
            "another basis may fit it."
        )
    outside = int((gap > Z * banded["se"]).sum())
    if not sentences:
        sentences.append(
            f"The curves run through the observed means: {outside} of {len(banded)} lie outside their 95 % bands, and "
            "none so far that it could not be chance."
        )
    few = means.loc[means["se"].isna(), "group"].value_counts().sort_index()
    sentences += [
        f"Group {g}: at {n} time{'s' if n > 1 else ''} fewer than {LEAST_MEMBERS:g} of its expected members were "
        "observed, so that there is no band." for g, n in few.items()
    ]
    return sentences
