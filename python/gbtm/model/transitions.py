"""The second set of groups given the first, of a dual model: pi_k|j(z) = softmax_k(gamma_kj + z' delta_k).

gamma and delta are 0 in the reference group of the second set; the slopes delta_k are the same for all j (Jones and
Nagin 2007, Sociological Methods & Research 35).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..design.coordinates import Coordinates
from ..design.covariate_basis import spread_of
from ..errors import SpecificationError
from ..specification.spec import ModelSpec
from .blocks import MEMBERSHIP, Block

DEPENDENT = 1e-10  # of the largest singular value of the standardised covariates, the constant among them


@dataclass(frozen=True, eq=False)
class TransitionBasis:
    """Columns of the logits of the second set: one for each group of the first, and covariates, standardised inside.

    Attributes
    ----------
    n_from : J, groups of the first set
    names : the r covariates' names
    centre, scale : of the covariates (r,)
    """

    n_from: int
    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, n_from: int, z: np.ndarray, names: tuple[str, ...]) -> TransitionBasis:
        """For covariates z (N, r).

        Raises
        ------
        SpecificationError
            When a covariate is constant, or they are linearly dependent.
        """
        if not names:
            return cls(n_from, (), np.zeros(0), np.ones(0))
        centre, scale = spread_of(z, names, "risk2")
        together = np.hstack([np.ones((len(z), 1)), (z - centre) / scale])
        singular = np.linalg.svd(together, compute_uv=False)
        if singular[-1] <= DEPENDENT * singular[0] or together.shape[0] < together.shape[1]:
            raise SpecificationError(
                f"risk2: {', '.join(names)} are linearly dependent over the subjects.", code="dependent_covariates",
                argument="risk2", way_out="Leave one of them out (of a factor's levels, all but one can be used).",
            )
        return cls(n_from, names, centre, scale)

    @property
    def width(self) -> int:
        """J + r."""
        return self.n_from + len(self.names)

    def covariates(self, z: np.ndarray) -> np.ndarray:
        """(N, r) -> internal columns (N, r)."""
        return (z - self.centre) / self.scale

    @property
    def coordinates(self) -> Coordinates:
        """Of the coefficients of one group."""
        j, r = self.n_from, len(self.names)
        to_user = np.eye(j + r)
        to_user[:j, j:] = -self.centre / self.scale
        to_user[j:, j:] = np.diag(1 / self.scale)
        return Coordinates(
            (*(f"{i + 1}" for i in range(j)), *self.names), to_user, np.concatenate([np.ones(j), np.zeros(r)]))

    @property
    def document(self) -> dict[str, Any]:
        """What makes the basis again."""
        return {"n_from": self.n_from, "names": list(self.names), "centre": self.centre.tolist(),
                "scale": self.scale.tolist()}

    @classmethod
    def from_document(cls, stored: dict[str, Any]) -> TransitionBasis:
        return cls(int(stored["n_from"]), tuple(stored["names"]), np.asarray(stored["centre"], dtype=float),
                   np.asarray(stored["scale"], dtype=float))


class Transitions:
    """Where the coefficients of the second set of groups stand, and the probabilities that they make.

    Attributes
    ----------
    n_from, n_to : J, K
    reference : the group of the second set, from 0, whose coefficients are 0
    basis : TransitionBasis
    z : (N, r) internal covariates of the subjects that averages go over; (1, 0) where there are none
    index : (K, J + r) positions of the coefficients, the model's ``size`` for the reference group
    """

    def __init__(self, n_to: int, reference: int, basis: TransitionBasis, z: np.ndarray | None = None) -> None:
        self.n_from, self.n_to, self.reference, self.basis = basis.n_from, n_to, reference, basis
        self.z = np.zeros((1, 0)) if z is None else z
        self.index = np.zeros((n_to, basis.width), dtype=np.int64)

    @property
    def others(self) -> list[int]:
        """The groups of the second set but the reference."""
        return [k for k in range(self.n_to) if k != self.reference]

    def blocks(self, start: int) -> Iterator[Block]:
        """One for each group but the reference."""
        for k in self.others:
            yield Block(MEMBERSHIP, "theta2", k, start, self.basis.coordinates, tuple(range(self.basis.width)))
            start += self.basis.width

    def place(self, blocks: list[Block], size: int) -> None:
        """Note where the coefficients stand."""
        self.index[:] = size
        for b in blocks:
            if b.predictor == "theta2":
                assert b.group is not None
                self.index[b.group] = np.arange(b.start, b.start + b.width)

    def coefficients(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., K, J + r), zeros for the reference group."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return np.asarray(padded[..., self.index])

    def set_coefficients(self, flat: np.ndarray, values: np.ndarray) -> None:
        """Put coefficients (..., K, J + r), known up to a constant of each column, into ``flat`` (..., p), in place."""
        relative = values - values[..., self.reference : self.reference + 1, :]
        for k in self.others:
            flat[..., self.index[k]] = relative[..., k, :]

    def conditional(self, flat: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """(..., p) -> pi_k|j(z_i), (..., N, J, K), at internal covariates z (N, r)."""
        z = self.z if z is None else z
        values = self.coefficients(flat)
        own, slopes = values[..., : self.n_from], values[..., self.n_from :]
        u = np.moveaxis(own, -1, -2)[..., None, :, :] + np.einsum("nr,...kr->...nk", z, slopes)[..., None, :]
        e = np.exp(u - u.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))

    def scores(self, conditional: np.ndarray, size: int, z: np.ndarray | None = None) -> np.ndarray:
        """d log pi_k|j / d flat, (N, J, K, p), of ``conditional`` (N, J, K)."""
        z = self.z if z is None else z
        n = conditional.shape[0]
        out = np.zeros((n, self.n_from, self.n_to, size + 1))
        for k in self.others:
            slope = (np.arange(self.n_to) == k) - conditional[..., k : k + 1]  # (N, J, K)
            for j in range(self.n_from):
                out[:, j, :, self.index[k, j]] = slope[:, j].reshape(n, self.n_to)
            at = self.index[k, self.n_from :]
            out[..., at] = slope[..., None] * z[:, None, None, :]
        return out[..., :-1]

    def permuted(self, values: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Coefficients (..., K, J + r) with the groups of both sets in another order."""
        own = values[..., second, : self.n_from][..., first]
        return np.concatenate([own, values[..., second, self.n_from :]], axis=-1)


def transitions_of(spec: ModelSpec, basis: TransitionBasis, risk2: np.ndarray | None) -> Transitions:
    """The second set of groups given the first, for subjects with covariates ``risk2`` (N, r)."""
    z = None if risk2 is None or not basis.names else basis.covariates(risk2)
    return Transitions(spec.set_sizes[1], spec.second_reference, basis, z)
