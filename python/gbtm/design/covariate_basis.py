"""Covariates as columns: centred and scaled inside, the user's outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SpecificationError
from .coordinates import orthonormal_mix


@dataclass(frozen=True)
class CovariateBasis:
    """Covariate columns: centred, scaled, and for membership led by a constant and made orthonormal.

    Attributes
    ----------
    names : the q covariates' names, with the constant's in front where there is one
    centre, scale : of the covariates, without the constant
    mix : (q, q), internal columns = [1,] (x - centre) / scale @ mix
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    mix: np.ndarray

    @property
    def width(self) -> int:
        return len(self.names)

    def take(self, columns: Sequence[int]) -> CovariateBasis:
        """Some of the columns, of a basis that does not mix them."""
        at = list(columns)
        return CovariateBasis(
            tuple(self.names[j] for j in at), self.centre[at], self.scale[at], self.mix[np.ix_(at, at)])

    @property
    def has_constant(self) -> bool:
        return self.width > self.centre.size

    @property
    def constant(self) -> np.ndarray:
        return np.eye(self.width)[0]

    def internal(self, x: np.ndarray) -> np.ndarray:
        """Covariates (n, q) without the constant -> internal columns."""
        raw = (x - self.centre) / self.scale
        return (np.hstack([np.ones((raw.shape[0], 1)), raw]) if self.has_constant else raw) @ self.mix

    @property
    def to_user(self) -> np.ndarray:
        """(q, q): coefficients of the user's columns = to_user @ internal coefficients.

        Without a constant of its own, the centring is left to the columns that this basis joins.
        """
        expand = np.diag(np.concatenate([np.ones(self.width - self.scale.size), 1 / self.scale]))
        if self.has_constant:
            expand[0, 1:] = -self.centre / self.scale
        return expand @ self.mix

    @property
    def document(self) -> dict[str, Any]:
        """What makes the basis again."""
        return {
            "names": list(self.names), "centre": self.centre.tolist(), "scale": self.scale.tolist(),
            "mix": self.mix.tolist(),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CovariateBasis:
        centre, scale, mix = (np.asarray(document[k], dtype=float) for k in ("centre", "scale", "mix"))
        width = len(document["names"])
        return cls(tuple(document["names"]), centre, scale, mix.reshape(width, width))


def spread_of(x: np.ndarray, names: tuple[str, ...], argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of the columns of x (n, q); refuses those that do not vary."""
    centre, scale = x.mean(axis=0), x.std(axis=0)
    flat = [n for n, c, s in zip(names, centre, scale, strict=True) if not s > 1e-10 * max(abs(c), 1e-300)]
    if flat:
        raise SpecificationError(
            f"{argument}: {', '.join(flat)} is the same throughout.", code="constant_covariate", argument=argument,
            way_out="Leave it out: it has no effect that could be seen.",
        )
    return centre, scale


def membership_basis(z: np.ndarray, names: tuple[str, ...], argument: str = "risk") -> CovariateBasis:
    """Constant and membership covariates z (N, r), orthonormal over the subjects.

    Raises
    ------
    SpecificationError
        When a covariate is constant, or they are linearly dependent.
    """
    centre, scale = spread_of(z, names, argument) if names else (np.zeros(0), np.ones(0))
    raw = np.hstack([np.ones((z.shape[0], 1)), (z - centre) / scale])
    try:
        mix = orthonormal_mix(raw, np.ones(z.shape[0]))
    except np.linalg.LinAlgError:
        raise SpecificationError(
            f"{argument}: {', '.join(names)} are linearly dependent over the subjects.", code="dependent_covariates",
            argument=argument, way_out="Leave one of them out (of a factor's levels, all but one can be used).",
        ) from None
    return CovariateBasis(("constant", *names), centre, scale, mix)


def time_varying_basis(
    w: np.ndarray, names: tuple[str, ...], columns: np.ndarray, argument: str = "tcov"
) -> CovariateBasis:
    """Time-varying covariates w (n_obs, q), next to the time columns (n_obs, qt) that they must not repeat.

    Raises
    ------
    SpecificationError
        When a covariate is constant, or is a combination of the others and of time.
    """
    centre, scale = spread_of(w, names, argument)
    together = np.hstack([columns, (w - centre) / scale])
    try:
        orthonormal_mix(together, np.ones(w.shape[0]))
    except np.linalg.LinAlgError:
        raise SpecificationError(
            f"{argument}: {', '.join(names)} and the other columns are linearly dependent.",
            code="dependent_covariates", argument=argument,
            way_out="Leave out what time, the lagged outcome or another covariate says already.",
        ) from None
    return CovariateBasis(names, centre, scale, np.eye(len(names)))
