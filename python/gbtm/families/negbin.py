"""Negative binomial (NB2): a Poisson whose rate varies as a gamma of mean mu = exp(eta) and variance psi mu^2.

The density as usually written, lgamma(y + 1/psi) - lgamma(1/psi) - .., loses all its digits as psi -> 0, where the
family becomes the Poisson. Here it is put together from three pieces that keep them, each a function of log psi that
autograd can differentiate twice: :func:`log_rising`, :func:`zero_cost`, and y (eta - log(1 + psi mu)).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import betainc, expit, gammaln

from .base import CountFamily, Predictors

if TYPE_CHECKING:
    from torch import Tensor

LOG_SERIES = log(0.1)  # log x below which log(1 + x)/x is summed as a series
SHIFT = 10  # from here on Stirling's series is exact; a smaller 1/psi is moved up by as much
LOG_SHIFT = log(SHIFT)
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
START_PSI = (0.01, 20.0)
LEAST_SHARE = 0.01  # of the sum of absolute second derivatives that is left where they cancel
LEAST_LOG_PSI = -30.0  # a gamma this narrow is a constant to the last digit that a draw could show


class NegativeBinomial(CountFamily):
    """log f = R(y) + y (eta - log(1 + psi mu)) - log(1 + psi mu)/psi - log y!, with mu = exp(eta) and

    R(y) = lgamma(y + 1/psi) - lgamma(1/psi) + y log psi = sum_{j < y} log(1 + j psi); so Var(y) = mu + psi mu^2.

    R is linear in no few statistics of y, so that the density is taken by value: u["y"] (C,) holds the y of each cell,
    and the only statistic is the number of observations. As log psi -> -inf the density is the Poisson's, and all
    derivatives in log psi go to 0.
    """

    name = "negbin"
    label = "negative binomial"
    without_dispersion: ClassVar[str | None] = "poisson"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "log_psi")
    by_value: ClassVar[bool] = True

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.ones((y.size, 1))

    def moments(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, 3): 1, y, y^2, whose weighted sums :meth:`initial` takes."""
        return np.stack([np.ones_like(y), y, y * y], axis=-1)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return -gammaln(y + 1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        return count_log_density(u)[..., None]

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value[..., None] for name, value in count_slopes(u).items()}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        return {pair: value[..., None] for pair, value in count_curvatures(u).items()}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """Totals of the :meth:`moments` (..., 3)."""
        n, total, square = totals[..., 0], totals[..., 1], totals[..., 2]
        rate = (total + 0.1) / (n + 0.1)
        return {"mean": np.log(rate), "log_psi": np.log(psi_by_moments(rate, total, square))}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Mean and log psi as separate blocks, between which no information is expected anyway.

        The mean has at least its expected curvature, mu/(1 + psi mu): where mu is far above the data the observed one
        all but vanishes, and Newton's step runs off to 0.
        """
        if a != b:
            return 0 * curvature
        if a == "log_psi":
            return turned_down(curvature)
        return curvature if u is None else curvature.minimum(-collected[..., 0] * count_information(u))

    def expected(self, u: Predictors) -> np.ndarray:
        return np.exp(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"mean": np.exp(u["mean"]), "log_psi": np.zeros_like(u["mean"])}

    def variance(self, u: Predictors) -> np.ndarray:
        """mu + psi mu^2."""
        mean = np.exp(u["mean"])
        return mean * (1 + np.exp(u["log_psi"]) * mean)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        size, none = np.exp(-u["log_psi"]), expit(-(u["mean"] + u["log_psi"]))
        return np.where(y > 0, betainc(size, np.maximum(y, 1.0), none), 0.0), betainc(size, y + 1.0, none)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return simulate_counts(u, rng)


def psi_by_moments(rate: np.ndarray, total: np.ndarray, square: np.ndarray) -> np.ndarray:
    """psi from E(y^2)/E(y) = 1 + mu (1 + psi), which holds with zero inflation as well."""
    psi = (square / np.maximum(total, 1e-8) - 1) / rate - 1
    return np.clip(psi, *START_PSI)


def simulate_counts(u: Predictors, rng: np.random.Generator) -> np.ndarray:
    """Poisson draws whose rates are gamma draws."""
    psi = np.exp(np.maximum(u["log_psi"], LEAST_LOG_PSI))
    return rng.poisson(np.exp(u["mean"]) * rng.gamma(1 / psi, psi, np.shape(u["mean"]))).astype(float)


def turned_down(curvature: Tensor) -> Tensor:
    """The second derivatives in log psi (B, K, C), moved so that their sum over the cells is negative.

    While psi is small the log density is linear in psi, so that in log psi it curves upwards wherever the data ask for
    a larger psi, and Newton's own step points away from it. There the first and the second derivative are equal, so
    that minus the absolute curvature makes a step of 1; at the optimum it is Newton's. A group has one log psi, or
    shares it: only the sum matters, and a sum over cells near zero is kept off it.
    """
    total = curvature.sum(-1, keepdim=True)
    size = total.abs().maximum(LEAST_SHARE * curvature.abs().sum(-1, keepdim=True))
    return curvature - (total + size) / curvature.shape[-1]


# -- the log density and its derivatives ---------------------------------------------------------------------------


def count_log_density(u: Mapping[str, Tensor]) -> Tensor:
    """The log density without -log y!, (..., C)."""
    from torch.nn.functional import logsigmoid

    eta, log_psi, y = u["mean"], u["log_psi"], u["y"]
    return log_rising(y, log_psi) + y * (eta + logsigmoid(-(eta + log_psi))) - zero_cost(eta, log_psi)


def count_slopes(u: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """First derivatives of :func:`count_log_density` by predictor."""
    import torch

    eta, log_psi, y = u["mean"], u["log_psi"], u["y"]
    v = eta + log_psi
    cost, rising = zero_cost_slopes(eta, log_psi), log_rising_derivatives(y, log_psi)[0]
    return {"mean": y * torch.sigmoid(-v) - cost["mean"], "log_psi": rising - y * torch.sigmoid(v) - cost["log_psi"]}


def count_curvatures(u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
    """Second derivatives of :func:`count_log_density` by pair of predictors."""
    import torch

    eta, log_psi, y = u["mean"], u["log_psi"], u["y"]
    v = eta + log_psi
    bend, cost = y * torch.sigmoid(v) * torch.sigmoid(-v), zero_cost_curvatures(eta, log_psi)
    out = {pair: -bend - value for pair, value in cost.items()}
    out["log_psi", "log_psi"] = out["log_psi", "log_psi"] + log_rising_derivatives(y, log_psi)[1]
    return out


def count_information(u: Mapping[str, Tensor]) -> Tensor:
    """What an observation is expected to say of its eta: mu/(1 + psi mu)."""
    import torch

    return torch.exp(u["mean"]) * torch.sigmoid(-(u["mean"] + u["log_psi"]))


def zero_cost(eta: Tensor, log_psi: Tensor) -> Tensor:
    """-log P(0) = log(1 + psi mu)/psi; mu as psi -> 0."""
    import torch

    return torch.exp(eta) * log1p_ratio(eta + log_psi)[0]


def zero_cost_slopes(eta: Tensor, log_psi: Tensor) -> dict[str, Tensor]:
    """First derivatives of :func:`zero_cost` by predictor."""
    import torch

    mu, v = torch.exp(eta), eta + log_psi
    return {"mean": mu * torch.sigmoid(-v), "log_psi": -mu * log1p_ratio(v)[2]}


def zero_cost_curvatures(eta: Tensor, log_psi: Tensor) -> dict[tuple[str, str], Tensor]:
    """Second derivatives of :func:`zero_cost` by pair of predictors."""
    import torch

    mu, v = torch.exp(eta), eta + log_psi
    p, rest = torch.sigmoid(v), torch.sigmoid(-v)
    return {
        ("mean", "mean"): mu * rest * rest,
        ("mean", "log_psi"): -mu * p * rest,
        ("log_psi", "log_psi"): mu * (log1p_ratio(v)[2] - p * rest),
    }


def log1p_ratio(v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """With x = exp(v): log(1 + x)/x, how far it is below 1, and the derivative of the latter in v.

    All to full relative precision. For small x, log(1 + x) = 2 artanh z = 2 (z + z^3/3 + ..) with z = x/(2 + x).
    """
    import torch
    from torch.nn.functional import logsigmoid

    small = v < LOG_SERIES
    x = torch.exp(torch.where(small, v, LOG_SERIES))
    z = x / (2 + x)
    square = z * z
    series = torch.zeros_like(z)
    for odd in range(13, 1, -2):
        series = square * (1 / odd + series)
    below = z - 2 / (2 + x) * series
    large = torch.where(small, 0.0, v)  # so that the branch not taken sends no NaN into a derivative
    ratio = -logsigmoid(-large) * torch.exp(-large)
    return (
        torch.where(small, 1 - below, ratio),
        torch.where(small, below, 1 - ratio),
        torch.where(small, torch.sigmoid(v) - below, ratio - torch.sigmoid(-v)),
    )


def stirling(t: Tensor, derivative: int = 0) -> Tensor:
    """lgamma(1/t) less its leading part, or that many derivatives of it in log t; for t up to 1/SHIFT."""
    import torch

    out = torch.zeros_like(t)
    for k in range(len(STIRLING) - 1, -1, -1):
        out = out * t * t + STIRLING[k] * (2 * k + 1) ** derivative
    return out * t


def log_rising(y: Tensor, log_psi: Tensor) -> Tensor:
    """R(y) = sum_{j < y} log(1 + j psi), (..., C).

    Stirling's series for lgamma(y + r) - lgamma(r) - y log r with r = 1/psi, its leading part put in terms of
    :func:`log1p_ratio` at y/r. Where r < SHIFT it is taken at r + SHIFT, and the factors between are put back.
    """
    import torch
    from torch.nn.functional import logsigmoid

    shifted, s, log_t = _shift(log_psi)
    v = torch.log(y) + log_t
    log_1p = -logsigmoid(-v)
    out = y * (log_1p - log1p_ratio(v)[1]) - 0.5 * log_1p + stirling(torch.exp(log_t - log_1p))
    out = out - stirling(torch.exp(log_t))
    r = torch.exp(-s)
    factors = 1 + y / (r + 1)
    for i in range(2, SHIFT):
        factors = factors * (1 + y / (r + i))
    between = logsigmoid(-(torch.log(y) + s)) - torch.log(factors) - y * logsigmoid(-(s + LOG_SHIFT))
    return out + torch.where(shifted, between, 0.0)


def log_rising_derivatives(y: Tensor, log_psi: Tensor) -> tuple[Tensor, Tensor]:
    """First and second derivative of :func:`log_rising` in log psi, (..., C) each.

    They are sum_j j psi/(1 + j psi) and sum_j j psi/(1 + j psi)^2: differences of digammas and trigammas.
    """
    import torch

    shifted, s, log_t = _shift(log_psi)
    v = torch.log(y) + log_t
    p, rest = torch.sigmoid(v), torch.sigmoid(-v)
    t, t_above = torch.exp(log_t), torch.exp(log_t) * rest
    _, below, below_slope = log1p_ratio(v)
    first = y * below - 0.5 * p + rest * stirling(t_above, 1) - stirling(t, 1)
    second = y * below_slope - p * rest * (0.5 + stirling(t_above, 1))
    second = second + rest * rest * stirling(t_above, 2) - stirling(t, 2)
    # .. in log t; now in log psi
    moved, stay = torch.sigmoid(s + LOG_SHIFT), torch.sigmoid(-(s + LOG_SHIFT))
    log_y_psi = torch.log(y) + s
    between = y * moved - torch.sigmoid(log_y_psi)
    between_slope = y * moved * stay - torch.sigmoid(log_y_psi) * torch.sigmoid(-log_y_psi)
    r = torch.exp(-s)
    for i in range(1, SHIFT):
        a = r + i
        share = y / (a * (a + y))
        between = between - r * share
        between_slope = between_slope + r * share * (a * (i - r) + i * y) / (a * (a + y))
    return (
        torch.where(shifted, stay * first + between, first),
        torch.where(shifted, stay * stay * second - stay * moved * first + between_slope, second),
    )


def _shift(log_psi: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where 1/psi < SHIFT; there log psi and elsewhere 0; log of 1/(1/psi + SHIFT) there and elsewhere log psi."""
    import torch
    from torch.nn.functional import logsigmoid

    shifted = log_psi > -LOG_SHIFT
    s = torch.where(shifted, log_psi, 0.0)
    return shifted, s, torch.where(shifted, logsigmoid(s + LOG_SHIFT) - LOG_SHIFT, log_psi)
