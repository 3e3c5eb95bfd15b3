"""How the two sets of groups of a dual model hang together, as the fit document has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..model.transitions import TransitionBasis


@dataclass(frozen=True, eq=False)
class DualRecord:
    """The document's ``dual``. Pairs of groups are in the order (1, 1), (1, 2), .., (2, 1), ..

    Attributes
    ----------
    basis : of the logits of the second set given the first
    coefficients : (K, J + r), in internal coordinates
    positions : (K, J + r) where they stand among the internal parameters, -1 in the reference group
    risk : (N, r) covariates of the second set, or None
    shares : (C,) joint shares of the pairs; with covariates, their means over the subjects
    jacobian : (C, p), their derivative in the internal parameters
    out_of_sample : (N', C) posteriors of those who were scored but not fitted, or None
    separate_logliks, separate_sizes : log-likelihood and number of parameters of each set by itself
    two_step_loglik, two_step_shares : at the curves of the separate fits
    two_step_errors : derivative of those shares (C, t) in the membership coefficients, covariance (t, t) of these with
        the curves taken as known, and directions (t, d) without information; None in older files
    """

    basis: TransitionBasis
    coefficients: np.ndarray
    positions: np.ndarray
    risk: np.ndarray | None
    shares: np.ndarray
    jacobian: np.ndarray
    out_of_sample: np.ndarray | None
    separate_logliks: tuple[float, ...]
    separate_sizes: tuple[int, ...]
    two_step_loglik: float
    two_step_shares: np.ndarray
    two_step_errors: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    stored_posterior: Any

    @classmethod
    def of(cls, stored: dict[str, Any]) -> DualRecord:
        """The ``dual`` of a document."""
        risk, held, apart = stored.get("risk"), stored["out_of_sample"], stored["separate"]
        return cls(
            basis=TransitionBasis.from_document(stored["basis"]),
            coefficients=np.asarray(stored["coefficients"], dtype=float),
            positions=np.asarray(stored["positions"]).astype(int),
            risk=None if risk is None else np.asarray(risk, dtype=float),
            shares=np.asarray(stored["shares"], dtype=float), jacobian=np.asarray(stored["jacobian"], dtype=float),
            out_of_sample=None if held is None else np.asarray(held, dtype=float),
            separate_logliks=tuple(float(x) for x in apart["logliks"]),
            separate_sizes=tuple(int(x) for x in apart["n_parameters"]),
            two_step_loglik=float(stored["two_step"]["loglik"]),
            two_step_shares=np.asarray(stored["two_step"]["shares"], dtype=float),
            two_step_errors=_errors(stored["two_step"]), stored_posterior=stored["posterior"],
        )

    @cached_property
    def posterior(self) -> np.ndarray:
        """(N, C) probability of each pair of groups for each subject."""
        return np.asarray(self.stored_posterior, dtype=float)


def _errors(stored: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    if "cov" not in stored:
        return None
    size = len(np.atleast_2d(stored["cov"]))
    jacobian, cov = (np.asarray(stored[k], dtype=float).reshape(-1, size) for k in ("jacobian", "cov"))
    return jacobian, cov, np.asarray(stored["undetermined"], dtype=float).reshape(size, -1)
