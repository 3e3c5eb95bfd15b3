"""Fitted curves with bands, from a fit document: numpy only.

The band is the delta method on the outcome's scale: Var E(y) = g' V g with g the derivative of E(y) in the internal
parameters, cut to the outcome's range.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from .design import TimeBasis, basis_from_document
from .errors import SpecificationError
from .families import Family, make_family

LOADING_MOST = 1e-4  # of the outcome's scale, per unit of a direction the data do not determine


@dataclass(frozen=True)
class Curves:
    """The curves of one outcome of a fit.

    ``positions`` maps a predictor to (K, q) entries of the internal parameter vector, -1 where absent.
    """

    family: Family
    bases: dict[str, TimeBasis]
    coefficients: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]
    offsets: dict[str, np.ndarray]
    centre: float
    scale: float
    cov: np.ndarray
    undetermined: np.ndarray

    @classmethod
    def from_document(cls, document: dict[str, Any], outcome: int = 0, *, trust_formula: bool = False) -> Curves:
        """The curves that a document describes; only with ``trust_formula`` is a basis formula in it evaluated."""
        spec, stored = document["spec"]["outcomes"][outcome], document["outcomes"][outcome]
        data = document.get("data")
        times = np.asarray(data["time"]) if trust_formula and data is not None else None
        return cls(
            family=make_family(spec["family"], spec["lower"], spec["upper"]),
            bases={p: basis_from_document(d, times, stored["time_name"]) for p, d in stored["bases"].items()},
            coefficients={p: np.asarray(c) for p, c in stored["coefficients"].items()},
            positions={p: np.asarray(t).astype(int) for p, t in stored["positions"].items()},
            offsets={p: np.asarray(o) for p, o in stored["offsets"].items()},
            centre=stored["centre"], scale=stored["scale"],
            cov=np.asarray(document["internal"]["cov"]), undetermined=np.asarray(document["internal"]["undetermined"]),
        )

    @property
    def everywhere(self) -> bool:
        """The curves can be drawn at any time, not only at the observed ones."""
        return all(b.everywhere for b in self.bases.values())

    @property
    def n_groups(self) -> int:
        return self.coefficients["mean"].shape[0]

    def _columns(self, predictor: str, times: np.ndarray) -> np.ndarray:
        return self.bases[predictor].internal(times) if predictor in self.bases else np.ones((times.size, 1))

    def predictors(self, times: np.ndarray) -> dict[str, np.ndarray]:
        """Linear predictors on the user's scale, each (K, C)."""
        u = {
            p: c @ self._columns(p, times).T + self.offsets[p][:, None] for p, c in self.coefficients.items()
        }
        if self.family.has_scale:
            u["mean"] = self.centre + self.scale * u["mean"]
            u["log_sigma"] = u["log_sigma"] + np.log(self.scale)
        return u

    def expected(self, times: np.ndarray) -> np.ndarray:
        """E(y) per group and time (K, C)."""
        with np.errstate(over="ignore"):
            return self.family.expected(self.predictors(times))

    def standard_error(self, times: np.ndarray) -> np.ndarray:
        """Standard error of E(y) (K, C); NaN where the data do not determine it."""
        u = self.predictors(times)
        with np.errstate(over="ignore"):
            slopes = self.family.expected_gradient(u)
        gradient = np.zeros((self.n_groups, times.size, self.cov.shape[0] + 1))
        for p, slope in slopes.items():
            columns = self._columns(p, times) * (self.scale if p == "mean" else 1.0)
            for k in range(self.n_groups):
                gradient[k][:, self.positions[p][k]] += slope[k][:, None] * columns
        gradient = gradient[..., :-1]
        variance = np.einsum("kcp,pq,kcq->kc", gradient, self.cov, gradient)
        if self.undetermined.size:
            loading = np.linalg.norm(gradient @ self.undetermined, axis=-1)
            variance[loading > LOADING_MOST * self.scale] = np.nan
        return np.sqrt(variance)

    def band(self, times: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Estimate, standard error, lower and upper limit, each (K, C)."""
        if not 0 < level < 1:
            raise SpecificationError(
                f"level: {level!r} is not between 0 and 1.", code="bad_level", argument="level",
                way_out="For example level=0.95.",
            )
        z = NormalDist().inv_cdf(0.5 + level / 2)
        estimate, se = self.expected(times), self.standard_error(times)
        low, high = self.range
        return estimate, se, np.clip(estimate - z * se, low, high), np.clip(estimate + z * se, low, high)

    @cached_property
    def range(self) -> tuple[float, float]:
        """Smallest and largest possible mean."""
        name = self.family.name
        if name == "cnorm":
            return self.family.lower, self.family.upper  # type: ignore[attr-defined]
        return {"logit": (0.0, 1.0), "poisson": (0.0, np.inf), "zip": (0.0, np.inf)}.get(name, (-np.inf, np.inf))
