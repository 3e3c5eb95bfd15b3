"""A set of groups of a fit, as the fit document has it: how large they are, who belongs to them, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..design.covariate_basis import CovariateBasis
from .on_disk import not_kept


@dataclass(frozen=True, eq=False)
class Membership:
    """The model of the group shares: theta_k'z, a multinomial logit.

    Attributes
    ----------
    basis : of the constant and the membership covariates
    coefficients : (K, R), in internal coordinates
    positions : (K, R) where they stand among the internal parameters, -1 in the reference group
    risk : (N, R - 1) membership covariates, or None where there are none
    """

    basis: CovariateBasis
    coefficients: np.ndarray
    positions: np.ndarray
    risk: np.ndarray | None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Membership:
        """The ``membership`` of a group set of the document."""
        risk = stored.get("risk")
        return cls(
            CovariateBasis.from_document(stored), np.asarray(stored["coefficients"]),
            np.asarray(stored["positions"]).astype(int), None if risk is None else np.asarray(risk),
        )

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Of the membership covariates, without the constant."""
        return self.basis.names[1:]


@dataclass(frozen=True, eq=False)
class GroupSet:
    """Groups that share one membership model.

    Attributes
    ----------
    n_groups : K
    reference : the group, from 0, whose membership coefficients are 0
    shares : (K,) group shares pi; with membership covariates, their means over the subjects
    cov_shares : (K, K) covariance of the shares
    out_of_sample : (N', K) posteriors of those who were scored but not fitted, or None
    """

    n_groups: int
    reference: int
    shares: np.ndarray
    cov_shares: np.ndarray
    out_of_sample: np.ndarray | None
    membership: Membership
    stored_posterior: Any

    @classmethod
    def of(cls, stored: dict[str, Any]) -> GroupSet:
        """An entry of the document's ``group_sets``."""
        held = stored["out_of_sample"]
        return cls(
            n_groups=int(stored["n_groups"]), reference=int(stored["reference"]),
            shares=np.asarray(stored["shares"], dtype=float), cov_shares=np.asarray(stored["cov_shares"], dtype=float),
            out_of_sample=None if held is None else np.asarray(held), membership=Membership.of(stored["membership"]),
            stored_posterior=stored["posterior"],
        )

    @cached_property
    def posterior(self) -> np.ndarray:
        """(N, K) probability of each group for each subject."""
        if self.stored_posterior is None:
            raise not_kept("posterior")
        return np.asarray(self.stored_posterior, dtype=float)
