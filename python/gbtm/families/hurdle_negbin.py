"""Negative binomial hurdle: all zeros come from one part, and what is above 0 is negative binomial truncated at 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import betainc, expit

from .base import Predictors
from .hurdle import HUGE, LOG_TINY, cumulative_of_hurdle, rate_of_mean
from .negbin import (
    LEAST_LOG_PSI,
    START_PSI,
    NegativeBinomial,
    count_curvatures,
    count_log_density,
    count_slopes,
    log1p_ratio,
    turned_down,
)

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS = 30  # in which mu and psi of counts above 0 are told from their moments


class HurdleNegativeBinomial(NegativeBinomial):
    """P(0) = p, P(y) = (1-p) NB(y; mu, psi)/(1 - exp(-h)) for y > 0, mu = exp(eta), logit p = ``zero``,

    h = log(1 + psi mu)/psi. By value, as the negative binomial: u["y"] (C,) holds the y of each cell.
    """

    name = "hurdle_negbin"
    label = "hurdle negative binomial"
    without_dispersion = "hurdle"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "zero", "log_psi")
    is_hurdle: ClassVar[bool] = True
    may_be_never: ClassVar[bool] = False  # at a mean of 0, what is above 0 is 1

    def moments(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, 4): 1, y, y^2, zero or not, whose weighted sums :meth:`initial` takes."""
        return np.stack([np.ones_like(y), y, y * y, (y == 0).astype(float)], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        zero = u["y"] == 0
        positive = count_log_density(u) - log_some(u["mean"], u["log_psi"])
        return (logsigmoid(torch.where(zero, u["zero"], -u["zero"])) + torch.where(zero, 0.0, positive))[..., None]

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        zero, some = u["y"] == 0, log_some_slopes(u["mean"], u["log_psi"])
        out = {name: torch.where(zero, 0.0, value - some[name]) for name, value in count_slopes(u).items()}
        out["zero"] = torch.where(zero, torch.sigmoid(-u["zero"]), -torch.sigmoid(u["zero"])) + 0 * out["mean"]
        return {name: out[name][..., None] for name in self.predictors}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        zero, some = u["y"] == 0, log_some_curvatures(u["mean"], u["log_psi"])
        out = {pair: torch.where(zero, 0.0, value - some[pair]) for pair, value in count_curvatures(u).items()}
        out["zero", "zero"] = 0 * out["mean", "mean"] - torch.sigmoid(u["zero"]) * torch.sigmoid(-u["zero"])
        return {pair: value[..., None] for pair, value in out.items()}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """Totals of the :meth:`moments` (..., 4): E(y^2)/E(y) = 1 + mu (1 + psi), of counts above 0 too."""
        n, total, square, zero = (totals[..., j] for j in range(4))
        positive = np.maximum(n - zero, 0.0)
        mean = (total + 0.2) / (positive + 0.1)
        rate = rate_of_mean(mean)
        for _ in range(ROUNDS):
            psi = np.clip((square / np.maximum(total, 1e-8) - 1) / rate - 1, *START_PSI)
            rate = np.maximum(-mean * np.expm1(-np.log1p(psi * rate) / psi), 0.01)
        return {"mean": np.log(rate), "zero": np.log(zero + 0.1) - np.log(positive + 0.1), "log_psi": np.log(psi)}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """As in the negative binomial, but with the mixed derivatives: truncation ties the mean to psi."""
        import torch

        if a == b == "log_psi":
            return turned_down(curvature)
        if u is None or (a, b) != ("mean", "mean"):
            return curvature
        return curvature.minimum(-collected[..., 0] * torch.sigmoid(-u["zero"]) * truncated_information(u))

    def expected(self, u: Predictors) -> np.ndarray:
        return np.asarray(expit(-u["zero"]) * _Truncated(u).mean)

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        law, chance = _Truncated(u), expit(-u["zero"])
        mean = chance * law.mean
        by_mean, by_psi = law.slopes
        in_psi = -np.minimum(mean, HUGE) * by_psi
        return {"mean": mean * (1 - by_mean), "zero": -expit(u["zero"]) * mean, "log_psi": in_psi}

    def variance(self, u: Predictors) -> np.ndarray:
        """(1-p) m (1 + (1 + psi) mu - (1-p) m), m the mean of what is above 0."""
        law = _Truncated(u)
        mean = expit(-u["zero"]) * law.mean
        return np.asarray(mean * (1 + (1 + law.psi) * law.mu - mean))

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        law = _Truncated(u)
        size, odds = 1 / law.psi, u["mean"] + np.log(law.psi)
        return cumulative_of_hurdle(y, u["zero"], law.some, lambda k: (
            betainc(size, k + 1.0, expit(-odds)), betainc(k + 1.0, size, expit(odds))))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        """Of a Poisson process on (0, 1) whose rate is a gamma draw, with at least one event: when the first was, and
        how many came after it, from the gamma that is left once that is known."""
        law = _Truncated(u)
        first = np.expm1(-law.psi * np.log1p(-rng.random(np.shape(law.mu)) * law.some)) / (law.psi * law.mu)
        first = np.clip(first, 0.0, 1.0)
        shape = 1 / law.psi
        rate = rng.gamma(shape + 1, 1 / (shape + law.mu * first)) * law.mu
        y = 1.0 + rng.poisson(rate * (1 - first))
        return np.where(rng.random(np.shape(law.mu)) < expit(u["zero"]), 0.0, y)


class _Truncated:
    """What counts above 0 are like at predictors (...,), in numpy.

    Attributes
    ----------
    mu, psi : of the count before truncation
    cost, some, mean : -log P(0) of it, P(> 0) and the mean of what is above 0
    """

    def __init__(self, u: Predictors) -> None:
        self.mu = np.exp(np.maximum(u["mean"], LOG_TINY))
        self.psi = np.exp(np.maximum(u["log_psi"], LEAST_LOG_PSI)) + np.zeros_like(self.mu)
        self.cost = np.log1p(self.psi * self.mu) / self.psi
        self.some = -np.expm1(-self.cost)
        self.mean = self.mu / self.some

    @property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of log P(> 0) in eta and in log psi."""
        by_mean = 1 / (1 / self.mu + self.psi)
        odds = np.exp(-self.cost) / self.some
        return odds * by_mean, odds * (by_mean - np.minimum(self.cost, HUGE))


# -- log P(> 0) of the count before truncation, and its derivatives --------------------------------------------------


def log_some(eta: Tensor, log_psi: Tensor) -> Tensor:
    """log(1 - exp(-h)) with h = log(1 + psi mu)/psi; near eta where mu is small."""
    import torch

    log_h = eta + torch.log(log1p_ratio(eta + log_psi)[0])
    small = log_h < 0
    low = torch.exp(torch.where(small, log_h, 0.0).clamp(min=LOG_TINY))
    high = torch.exp(torch.where(small, 0.0, log_h))
    return torch.where(small, log_h + torch.log(-torch.expm1(-low) / low), torch.log1p(-torch.exp(-high)))


def _parts(eta: Tensor, log_psi: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor], Tensor]:
    """h, h/(exp(h) - 1), the slopes of log h by predictor, and -mu psi/(1 + mu psi)^2 over what h/mu is."""
    import torch

    v = eta + log_psi
    ratio, _, below_slope = log1p_ratio(v)
    h = torch.exp(eta.clamp(min=LOG_TINY)) * ratio
    slopes = {"mean": torch.sigmoid(-v) / ratio, "log_psi": -below_slope / ratio}
    return h, h / torch.expm1(h), slopes, torch.sigmoid(v) * torch.sigmoid(-v) / ratio


def log_some_slopes(eta: Tensor, log_psi: Tensor) -> dict[str, Tensor]:
    """First derivatives of :func:`log_some` by predictor: h/(exp(h) - 1) times those of log h."""
    _, weight, slopes, _ = _parts(eta, log_psi)
    return {name: weight * slope for name, slope in slopes.items()}


def log_some_curvatures(eta: Tensor, log_psi: Tensor) -> dict[tuple[str, str], Tensor]:
    """Second derivatives of :func:`log_some` by pair of predictors."""
    h, weight, slopes, bend = _parts(eta, log_psi)
    a, b = slopes["mean"], slopes["log_psi"]
    # second derivatives of h over h itself, as in zero_cost_curvatures()
    second = {("mean", "mean"): a - bend, ("mean", "log_psi"): -bend, ("log_psi", "log_psi"): -b - bend}
    return {(i, j): weight * (value - (h + weight) * slopes[i] * slopes[j]) for (i, j), value in second.items()}


def truncated_information(u: Mapping[str, Tensor]) -> Tensor:
    """What a count above 0 is expected to say of its eta."""
    import torch

    eta, log_psi = u["mean"], u["log_psi"]
    v = eta + log_psi
    mu, rest = torch.exp(eta), torch.sigmoid(-v)
    some = torch.exp(log_some(eta, log_psi))
    own = mu * rest * (torch.sigmoid(v) / some + rest)
    return (own + log_some_curvatures(eta, log_psi)["mean", "mean"]).clamp(min=0.0)
