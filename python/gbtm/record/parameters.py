"""The parameters of a fit: what each run of them is, and the engine's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compute.determined import determined, sandwich_is_empty

if TYPE_CHECKING:
    from ..estimation.covariance import Covariance


@dataclass(frozen=True)
class ParameterBlock:
    """A run of parameters: the coefficients of one predictor in one group.

    Attributes
    ----------
    kind : the predictor, ``mean``, ``zero``, ``log_sigma``, .., ``dropout``, or ``theta``
    outcome : whose, from 0; None for ``theta``
    group_set : whose groups, from 0
    group : from 1; None where they are common to all groups
    start, width : where they stand
    """

    kind: str
    outcome: int | None
    group_set: int
    group: int | None
    start: int
    width: int

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ParameterBlock:
        """An entry of the document's ``blocks``."""
        return cls(**{k: stored[k] for k in cls.__dataclass_fields__})

    @property
    def entries(self) -> slice:
        """Where they stand."""
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True, eq=False)
class InternalEstimates:
    """Estimates in the engine's orthonormal coordinates.

    Attributes
    ----------
    params : (p,)
    cov : (p, p)
    undetermined : (p, d) directions without information
    jacobian : (p, p), the derivative of the parameters as reported in these; None in files from before it was stored,
        as are the next two
    root : (p, m), a square root of ``cov``: root root' is it
    information_root : (p, m), that of the inverse information where ``cov`` is a sandwich, else None
    """

    params: np.ndarray
    cov: np.ndarray
    undetermined: np.ndarray
    jacobian: np.ndarray | None = None
    root: np.ndarray | None = None
    information_root: np.ndarray | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> InternalEstimates:
        """The document's ``internal``."""
        known = [k for k in cls.__dataclass_fields__ if stored.get(k) is not None]
        return cls(**{k: np.asarray(stored[k], dtype=float) for k in known})

    def determined(self, gradient: np.ndarray) -> np.ndarray:
        """(r, p) gradients of functions in these coordinates -> (r,) bool: which have a variance."""
        by_information = self.root if self.information_root is None else self.information_root
        assert self.root is not None
        assert by_information is not None
        plain, variance = (((gradient @ root) ** 2).sum(axis=1) for root in (by_information, self.root))
        known = determined(gradient, plain, self.undetermined)
        return known if self.information_root is None else known & ~sandwich_is_empty(variance, plain)

    def covariance(self, gradient: np.ndarray) -> np.ndarray:
        """(r, r) of functions with gradients (r, p) in these coordinates, by the root where there is one."""
        if self.root is None:
            return np.asarray(gradient @ self.cov @ gradient.T)
        factor = gradient @ self.root
        return np.asarray(factor @ factor.T)

    def scaled(self, by: float, move: np.ndarray) -> InternalEstimates:
        """With covariances times ``by``, and reported as ``move`` (p, p) times what is reported of these."""
        if self.jacobian is None or self.root is None:
            return replace(self, cov=self.cov * by)
        return replace(self, cov=self.cov * by, root=self.root * np.sqrt(by), jacobian=move @ self.jacobian)


def internal_document(flat: np.ndarray, cov: Covariance, jacobian: np.ndarray) -> dict[str, Any]:
    """The document's ``internal``, of parameters (p,) and the derivative (p, p) of what is reported of them."""
    stored = {
        "params": flat, "cov": cov.internal, "undetermined": cov.undetermined, "jacobian": jacobian, "root": cov.root,
        "information_root": cov.information_root,
    }
    return {k: v for k, v in stored.items() if v is not None}
