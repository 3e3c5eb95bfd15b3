"""Beta and gamma whose precision phi moves with time: log phi is a curve of its own, as the mean is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Family, Predictors
from .beta import Beta
from .gamma import Gamma

if TYPE_CHECKING:
    from torch import Tensor

PRECISION = "precision"  # the predictor that stands for log phi


def _told(u: Mapping[str, Any]) -> dict[str, Any]:
    """Predictors as the family with a constant phi calls them."""
    return {"log_phi" if name == PRECISION else name: value for name, value in u.items()}


def _ours(name: str) -> str:
    return PRECISION if name == "log_phi" else name


class _MovingPrecision:
    """What a family, ``plain``, says in ``log_phi``, said in ``precision``."""

    plain: ClassVar[Family]

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        return self.plain.terms(_told(u))

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {_ours(name): value for name, value in self.plain.slopes(_told(u)).items()}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        return {(_ours(a), _ours(b)): value for (a, b), value in self.plain.curvatures(_told(u)).items()}

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        a, b = ("log_phi" if name == PRECISION else name for name in (a, b))
        return self.plain.safe_curvature(a, b, curvature, collected, None if u is None else _told(u))

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {_ours(name): value for name, value in self.plain.initial(totals).items()}

    def expected(self, u: Predictors) -> np.ndarray:
        return self.plain.expected(_told(u))

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {_ours(name): value for name, value in self.plain.expected_gradient(_told(u)).items()}

    def variance(self, u: Predictors) -> np.ndarray:
        return self.plain.variance(_told(u))

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        return self.plain.cumulative(y, _told(u))

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return self.plain.simulate(_told(u), rng)

    def far_out(self, u: Predictors) -> np.ndarray:
        return self.plain.far_out(_told(u))


class _BetaOverTime(_MovingPrecision, Beta):
    """Beta(mu phi, (1 - mu) phi), log phi = a curve of time."""

    plain = Beta()
    predictors = ("mean", PRECISION)


class _GammaOverTime(_MovingPrecision, Gamma):
    """Gamma of mean mu and shape phi, log phi = a curve of time."""

    plain = Gamma()
    predictors = ("mean", PRECISION)


OVER_TIME: dict[str, Family] = {family.name: family for family in (_BetaOverTime(), _GammaOverTime())}
