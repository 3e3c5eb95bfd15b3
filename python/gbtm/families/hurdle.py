"""Poisson hurdle: all zeros come from one part, and what is above 0 is Poisson truncated at 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit, lambertw, pdtr, pdtrc

from .base import CountFamily, Predictors
from .zip import ZeroInflatedPoisson

if TYPE_CHECKING:
    from torch import Tensor

LOG_SERIES = log(0.25)  # log rate below which 1 + rate - mean is summed as a series
SERIES = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)  # of the mean, 1 + rate/2 + rate^2/12 - ..
LOG_TINY = -700.0  # of a rate that no count above 1 is ever drawn from, and whose exponential is no 0
ZIP = ZeroInflatedPoisson()
HUGE = 1e300  # so that an overflow times 0 is 0
LEAST_MEAN = 1.05  # of counts above 0, to start from: at 1 the rate is 0


class HurdlePoisson(CountFamily):
    """P(0) = p, P(y) = (1-p) Poisson(y; lambda)/(1 - exp(-lambda)) for y > 0, lambda = exp(eta), logit p = ``zero``.

    Statistics: zero or not, positive or not, y. Given the group the two parts have nothing in common, and each of them
    is an exponential family in its own predictor, so that a group has one optimum. Mullahy 1986.
    """

    name = "hurdle"
    label = "hurdle Poisson"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "zero")
    is_hurdle: ClassVar[bool] = True
    may_be_never: ClassVar[bool] = False  # at a rate of 0, what is above 0 is 1

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return ZIP.statistics(y)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return ZIP.constant(y)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        eta, zeta = u["mean"], u["zero"]
        return torch.stack([logsigmoid(zeta), logsigmoid(-zeta) - log_expm1(eta), eta + 0 * zeta], dim=-1)

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        mean, _ = truncated_moments(u["mean"])
        p, zero = torch.sigmoid(u["zero"]), torch.zeros_like(u["mean"])
        return {
            "mean": torch.stack([zero, -mean, zero + 1], dim=-1),
            "zero": torch.stack([torch.sigmoid(-u["zero"]) + zero, zero - p, zero], dim=-1),
        }

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        _, variance = truncated_moments(u["mean"])
        zero = torch.zeros_like(u["mean"])
        spread = torch.sigmoid(u["zero"]) * torch.sigmoid(-u["zero"]) + zero
        return {
            ("mean", "mean"): torch.stack([zero, -variance, zero], dim=-1),
            ("zero", "zero"): torch.stack([-spread, -spread, zero], dim=-1),
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        zero, positive, total = totals[..., 0], totals[..., 1], totals[..., 2]
        return {"mean": np.log(rate_of_mean((total + 0.2) / (positive + 0.1))),
                "zero": np.log(zero + 0.1) - np.log(positive + 0.1)}

    def expected(self, u: Predictors) -> np.ndarray:
        return np.asarray(expit(-u["zero"]) * _mean(np.exp(u["mean"])))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        rate = np.exp(u["mean"])
        mean, chance = _mean(rate), expit(-u["zero"])
        slope = mean * (1 - np.minimum(mean, HUGE) * np.exp(-rate))
        return {"mean": chance * slope, "zero": -expit(u["zero"]) * chance * mean}

    def variance(self, u: Predictors) -> np.ndarray:
        """(1-p) m (1 + lambda - (1-p) m), m the mean of what is above 0."""
        rate = np.exp(u["mean"])
        mean = expit(-u["zero"]) * _mean(rate)
        return np.asarray(mean * (1 + rate - mean))

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        rate = np.exp(np.maximum(u["mean"], LOG_TINY))
        return cumulative_of_hurdle(y, u["zero"], -np.expm1(-rate), lambda k: (pdtr(k, rate), pdtrc(k, rate)))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        """Of a Poisson process on (0, 1) with at least one event: when the first was, and how many came after it."""
        rate = np.exp(np.maximum(u["mean"], LOG_TINY))
        first = -np.log1p(rng.random(np.shape(rate)) * np.expm1(-rate)) / rate
        y = 1.0 + rng.poisson(rate * np.clip(1 - first, 0.0, 1.0))
        return np.where(rng.random(np.shape(rate)) < expit(u["zero"]), 0.0, y)


def log_expm1(eta: Tensor) -> Tensor:
    """log(exp(rate) - 1) at rate = exp(eta): minus the log of exp(-rate)/(1 - exp(-rate)), at all rates.

    At small rates it is near eta, at large ones near the rate.
    """
    import torch

    small = eta < 0
    low = torch.exp(torch.where(small, eta, 0.0).clamp(min=LOG_TINY))
    high = torch.exp(torch.where(small, 0.0, eta))
    return torch.where(small, eta + torch.log(torch.expm1(low) / low), high + torch.log(-torch.expm1(-high)))


def truncated_moments(eta: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of a Poisson count above 0, the derivatives of :func:`log_expm1`.

    mean = rate/(1 - exp(-rate)), variance = mean (1 + rate - mean); the last is rate/2 - rate^2/12 + .. of small rates.
    """
    import torch

    rate = torch.exp(eta.clamp(min=LOG_TINY))
    mean = rate / -torch.expm1(-rate)
    small = eta < LOG_SERIES
    low = torch.where(small, rate, 0.0)
    square = low * low
    series = torch.zeros_like(low)
    for coefficient in reversed(SERIES):
        series = coefficient + square * series
    series = low * (0.5 - low * series)
    return mean, mean * torch.where(small, series, 1 - mean * torch.exp(-rate))


def rate_of_mean(mean: np.ndarray) -> np.ndarray:
    """The rate at which counts above 0 have this mean (Lambert's W)."""
    mean = np.maximum(mean, LEAST_MEAN)
    return np.asarray(mean + lambertw(-mean * np.exp(-mean)).real)


def cumulative_of_hurdle(
    y: np.ndarray, zero: np.ndarray, some: np.ndarray, law: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """P(Y < y) and P(Y <= y), ``some`` being P(N > 0) of the count N that is truncated, ``law(k)`` its P(N <= k) and
    P(N > k). Of few that are above 0 it is the upper tail that has the digits."""
    p, rest = expit(zero), expit(-zero)

    def upto(k: np.ndarray) -> np.ndarray:
        low, high = law(np.maximum(k, 0.0))
        inside = np.where(some > 0.5, p + rest * np.maximum(low - (1 - some), 0.0) / some, 1 - rest * high / some)
        return np.where(k < 0, 0.0, np.where(k < 1, p, inside))

    y = np.floor(y)
    return upto(y - 1), upto(y)


def _mean(rate: np.ndarray) -> np.ndarray:
    """Of counts above 0."""
    rate = np.maximum(rate, np.exp(LOG_TINY))
    return np.asarray(rate / -np.expm1(-rate))
