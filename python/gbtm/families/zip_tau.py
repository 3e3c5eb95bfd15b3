"""Zero-inflated Poisson whose zeros are tied to the rate by one number tau (Lambert 1992; crimCV's ``"ZIPt"``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import CountFamily, Predictors
from .zip import ZeroInflatedPoisson

if TYPE_CHECKING:
    from torch import Tensor

ZIP = ZeroInflatedPoisson()
LEAST_ETA = 0.2  # of an observed log rate that says something of tau
MOST_TAU = 3.0  # to start from


class TiedZeroInflatedPoisson(CountFamily):
    """As :class:`~gbtm.families.zip.ZeroInflatedPoisson`, with logit p = -tau log lambda: p = 1 / (1 + lambda^tau).

    With tau above 0 zeros by nature are rare where the rate is high; at a rate of 1 they are half of all.
    """

    name = "zip_tau"
    label = "zero-inflated Poisson, zeros tied to the rate"
    predictors = ("mean", "tau")
    takes_exposure: ClassVar[bool] = False  # a rate per unit of exposure would move with the unit

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return ZIP.statistics(y)

    def constant(self, y: np.ndarray) -> np.ndarray:
        return ZIP.constant(y)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        return ZIP.terms({"mean": u["mean"], "zero": -u["tau"] * u["mean"]})

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        eta, tau = u["mean"][..., None], u["tau"][..., None]
        of_zip = ZIP.slopes({"mean": u["mean"], "zero": -u["tau"] * u["mean"]})
        return {"mean": of_zip["mean"] - tau * of_zip["zero"], "tau": -eta * of_zip["zero"]}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        eta, tau = u["mean"][..., None], u["tau"][..., None]
        at = {"mean": u["mean"], "zero": -u["tau"] * u["mean"]}
        bend, slope = ZIP.curvatures(at), ZIP.slopes(at)["zero"]
        mean, cross, zero = bend["mean", "mean"], bend["mean", "zero"], bend["zero", "zero"]
        return {
            ("mean", "mean"): mean - 2 * tau * cross + tau**2 * zero,
            ("mean", "tau"): eta * (tau * zero - cross) - slope,
            ("tau", "tau"): eta**2 * zero,
        }

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        start = ZIP.initial(totals)
        eta = start["mean"]
        tau = -start["zero"] / np.where(np.abs(eta) < LEAST_ETA, np.where(eta < 0, -LEAST_ETA, LEAST_ETA), eta)
        return {"mean": eta, "tau": np.clip(tau, -MOST_TAU, MOST_TAU)}

    def expected(self, u: Predictors) -> np.ndarray:
        return ZIP.expected(_as_zip(u))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        of_zip = ZIP.expected_gradient(_as_zip(u))
        return {"mean": of_zip["mean"] - u["tau"] * of_zip["zero"], "tau": -u["mean"] * of_zip["zero"]}

    def variance(self, u: Predictors) -> np.ndarray:
        return ZIP.variance(_as_zip(u))

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        return ZIP.cumulative(y, _as_zip(u))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return ZIP.simulate(_as_zip(u), rng)


def _as_zip(u: Predictors) -> dict[str, np.ndarray]:
    """The predictors that a zero-inflated Poisson with the same zeros has."""
    return {"mean": u["mean"], "zero": -u["tau"] * u["mean"]}
