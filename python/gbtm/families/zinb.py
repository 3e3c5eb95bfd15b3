"""Zero-inflated negative binomial: a zero by nature with probability p, else negative binomial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import expit

from .base import Predictors
from .negbin import (
    NegativeBinomial,
    count_curvatures,
    count_information,
    count_log_density,
    count_slopes,
    psi_by_moments,
    simulate_counts,
    turned_down,
    zero_cost,
    zero_cost_curvatures,
    zero_cost_slopes,
)

if TYPE_CHECKING:
    from torch import Tensor


class ZeroInflatedNegativeBinomial(NegativeBinomial):
    """P(0) = p + (1-p) exp(-h), P(y) = (1-p) NB(y; mu, psi), with mu = exp(eta), logit p = ``zero``,

    h = log(1 + psi mu)/psi. By value, as the negative binomial: u["y"] (C,) holds the y of each cell.
    """

    name = "zinb"
    label = "zero-inflated negative binomial"
    without_zeros = "negbin"
    without_dispersion = "zip"
    predictors: ClassVar[tuple[str, ...]] = ("mean", "zero", "log_psi")

    def moments(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, 4): 1, y, y^2, zero or not, whose weighted sums :meth:`initial` takes."""
        return np.stack([np.ones_like(y), y, y * y, (y == 0).astype(float)], axis=-1)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch
        from torch.nn.functional import logsigmoid

        zeta, cost = u["zero"], zero_cost(u["mean"], u["log_psi"])
        # log(p + (1-p) exp(-h)) as in the ZIP, with h for its lambda
        zero = -cost - logsigmoid(-(zeta + cost))
        return (logsigmoid(-zeta) + torch.where(u["y"] == 0, zero, count_log_density(u)))[..., None]

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        import torch

        eta, zeta, log_psi, zero = u["mean"], u["zero"], u["log_psi"], u["y"] == 0
        chance = torch.sigmoid(-(zeta + zero_cost(eta, log_psi)))  # of a zero that is the negative binomial's
        cost, p = zero_cost_slopes(eta, log_psi), torch.sigmoid(zeta)
        out = {name: torch.where(zero, -chance * cost[name], value) for name, value in count_slopes(u).items()}
        out["zero"] = torch.where(zero, 1 - chance - p, -p)
        return {name: out[name][..., None] for name in self.predictors}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        import torch

        eta, zeta, log_psi, zero = u["mean"], u["zero"], u["log_psi"], u["y"] == 0
        by_nature = zeta + zero_cost(eta, log_psi)
        chance = torch.sigmoid(-by_nature)
        doubt = chance * torch.sigmoid(by_nature)
        cost, bend, count = zero_cost_slopes(eta, log_psi), zero_cost_curvatures(eta, log_psi), count_curvatures(u)
        out = {
            (a, b): torch.where(zero, doubt * cost[a] * cost[b] - chance * bend[a, b], value)
            for (a, b), value in count.items()
        }
        for a, b in (("mean", "zero"), ("zero", "log_psi")):
            out[a, b] = torch.where(zero, doubt * cost["mean" if a == "mean" else "log_psi"], 0.0)
        out["zero", "zero"] = torch.where(zero, doubt, 0.0) - torch.sigmoid(zeta) * torch.sigmoid(-zeta)
        names = self.predictors
        return {(a, b): out[a, b][..., None] for i, a in enumerate(names) for b in names[i:]}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """Totals of the :meth:`moments` (..., 4)."""
        n, total, square, zero = (totals[..., j] for j in range(4))
        positive = n - zero
        rate = (total + 0.1) / (positive + 0.1 + 0.3 * zero)
        share = np.clip((zero - 0.5 * positive) / (n + 1e-8), 0.1, 0.8)
        return {
            "mean": np.log(rate), "zero": np.log(share / (1 - share)),
            "log_psi": np.log(psi_by_moments(rate, total, square)),
        }

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """As in the negative binomial, but with the mixed derivatives.

        Zeros by nature and zeros by a large psi take each other's place: blocks of their own would creep.
        """
        import torch

        if a == b == "log_psi":
            return turned_down(curvature)
        if u is None or (a, b) != ("mean", "mean"):
            return curvature
        return curvature.minimum(-collected[..., 0] * torch.sigmoid(-u["zero"]) * count_information(u))

    def expected(self, u: Predictors) -> np.ndarray:
        return expit(-u["zero"]) * np.exp(u["mean"])

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        mean = self.expected(u)
        return {"mean": mean, "zero": -expit(u["zero"]) * mean, "log_psi": np.zeros_like(mean)}

    def variance(self, u: Predictors) -> np.ndarray:
        """(1-p) (mu + psi mu^2) + p (1-p) mu^2."""
        mean = np.exp(u["mean"])
        return expit(-u["zero"]) * mean * (1 + (np.exp(u["log_psi"]) + expit(u["zero"])) * mean)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        p, below_and_upto = expit(u["zero"]), NegativeBinomial().cumulative(y, u)
        below, upto = (p + (1 - p) * part for part in below_and_upto)
        return np.where(y > 0, below, 0.0), upto

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        structural = rng.random(np.shape(u["mean"])) < expit(u["zero"])
        return np.where(structural, 0.0, simulate_counts(u, rng))
