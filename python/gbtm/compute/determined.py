"""Which functions of the parameters the data determine: each is judged by its own variance, whatever its parts have.

A function with gradient g in coordinates in which a unit is one of a linear predictor is determined where g does not
load on a direction without information, and where its standard error is at most ``SE_MOST`` times the length of g. Two
parameters that run to infinity in opposite directions are not determined; their sum may well be.
"""

from __future__ import annotations

import numpy as np

from ..constants import SHARED

# A quantity whose standard error exceeds 30 on the scale of a linear predictor (log rate, log odds, or standard
# deviations of the outcome) is one the data do not determine: a probability of 0 or 1, a rate of 0, an empty group.
SE_MOST: float = SHARED["se_most"]
# Share of a direction without information in a quantity, from which it has no standard error
UNDETERMINED_SHARE: float = SHARED["undetermined_share"]
NO_VARIANCE: float = SHARED["no_variance"]  # of the variance by the information, below which a sandwich's is rounding


def determined(gradient: np.ndarray, variance: np.ndarray, undetermined: np.ndarray) -> np.ndarray:
    """(r,) bool of functions with gradients (r, p) and variances (r,), by the directions (p, d) without information."""
    length = np.maximum(np.linalg.norm(gradient, axis=1), 1e-300)
    lost = np.linalg.norm(gradient @ undetermined, axis=1) > UNDETERMINED_SHARE * length
    return ~lost & (variance <= (SE_MOST * length) ** 2)


def sandwich_is_empty(sandwich: np.ndarray, by_information: np.ndarray) -> np.ndarray:
    """(r,) bool: of what all clusters agree in, the sandwich's variance is zero, and so there is no standard error."""
    return (sandwich <= NO_VARIANCE * by_information) & (by_information > 0)
