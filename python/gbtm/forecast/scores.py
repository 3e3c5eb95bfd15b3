"""Scores of forecasts with standard errors that allow for people's repeated observations.

Each score is a mean, a root of a mean or a rank statistic; its influence function, summed over a person's observations,
gives the standard error, and that of a difference between models on the same observations (paired). Of the area under
the curve these are the placement values of DeLong et al. (1988, Biometrics 44, 837-845), by person as in Obuchowski
(1997, Biometrics 53, 567-578).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from .predictive import Predictive
from .scoring_rules import crps

LARGER_IS_BETTER = {"log score": True, "crps": False, "rmse": False, "brier": False, "auc": True}
NOTHING_BELOW = -700.0  # log of a probability; below it a model has said "impossible"


@dataclass(frozen=True, eq=False)
class Score:
    """A score and the influence (n,) of each observation on it."""

    value: float
    influence: np.ndarray

    def se(self, person: np.ndarray) -> float:
        """Standard error, observations of a person summed first."""
        return clustered(self.influence, person)

    def minus(self, other: Score, person: np.ndarray) -> tuple[float, float]:
        """The difference to another model's score of the same observations, and its standard error."""
        return self.value - other.value, clustered(self.influence - other.influence, person)


def clustered(influence: np.ndarray, person: np.ndarray) -> float:
    """Square root of the sum over people of squared sums, with N / (N - 1)."""
    codes = np.unique(person, return_inverse=True)[1]
    sums = np.bincount(codes, influence)
    return float(np.sqrt((sums**2).sum() * sums.size / max(sums.size - 1, 1)))


def mean_score(values: np.ndarray) -> Score:
    """The mean of values (n,)."""
    mean = float(values.mean())
    return Score(mean, (values - mean) / values.size)


def root_mean_square(errors: np.ndarray) -> Score:
    """sqrt(mean e^2), by the delta method."""
    square = mean_score(errors**2)
    root = float(np.sqrt(square.value))
    return Score(root, square.influence / (2 * root) if root > 0 else 0 * square.influence)


def area_under_curve(p: np.ndarray, event: np.ndarray) -> Score:
    """P(p of an event > p of none), ties counting half; NaN where there are only events, or none."""
    event = event.astype(bool)
    n1, n0 = int(event.sum()), int((~event).sum())
    if not n1 or not n0:
        return Score(float("nan"), np.zeros(p.size))
    rank = rankdata(p)
    placement = np.empty(p.size)
    placement[event] = (rank[event] - rankdata(p[event])) / n0
    placement[~event] = 1 - (rank[~event] - rankdata(p[~event])) / n1
    value = float(placement[event].mean())
    return Score(value, (placement - value) / np.where(event, n1, n0))


def all_scores(predictive: Predictive, y: np.ndarray) -> tuple[dict[str, Score], np.ndarray]:
    """The scores of n distributions once the outcomes (n,) are known, and the log scores (n,).

    Brier's score and the area under the curve are of y > 0, and are there where that is in doubt for an outcome with
    point masses. Of categories without an order the log score is the only one.
    """
    log_score = np.maximum(predictive.log_density(y), NOTHING_BELOW)
    if not predictive.family.has_mean:
        return {"log score": mean_score(log_score)}, log_score
    out = {"log score": mean_score(log_score), "crps": mean_score(crps(predictive, y)),
           "rmse": root_mean_square(y - predictive.mean())}
    event = y > 0
    if (predictive.is_discrete or predictive.family.has_bounds) and event.any() and not event.all():
        p = predictive.positive()
        out |= {"brier": mean_score((p - event) ** 2), "auc": area_under_curve(p, event)}
    return out, log_score
