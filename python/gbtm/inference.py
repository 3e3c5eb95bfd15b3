"""Covariance of the estimates, and which of them have one.

V = A^-1 with A the observed information, the Hessian of the negative log-likelihood in internal (unconstrained,
orthonormal) coordinates, by ``torch.autograd.functional.hessian``; the delta method takes it to what is reported.
``traj`` multiplies by N_obs / (N_obs - k + 1), as Stata's traj does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .errors import SpecificationError
from .likelihood import Mixture

COV_TYPES = ("hessian", "traj")
# A direction whose standard error exceeds 30 on the scale of a linear predictor (log rate, log odds, or standard
# deviations of the outcome) is one the data do not determine: a probability of 0 or 1, a rate of 0, an empty group.
INFORMATION_LEAST = 1.0 / 30.0**2
LOADING_MOST = 1e-3  # share of such a direction in a parameter from which its standard error means nothing


@dataclass(frozen=True)
class Covariance:
    """Covariance in internal coordinates.

    Attributes
    ----------
    internal : (p, p), of the identified directions
    undetermined : (p, d), orthonormal directions the data do not determine
    negative : some eigenvalue of the information is clearly below zero: not a maximum
    """

    internal: np.ndarray
    undetermined: np.ndarray
    negative: bool
    cov_type: str

    def reported(self, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Delta method: (r, p) derivative -> covariance (r, r), NaN where not identified, and identified (r,)."""
        identified = self.identified(jacobian)
        cov = jacobian @ self.internal @ jacobian.T
        cov[~identified, :] = np.nan
        cov[:, ~identified] = np.nan
        return cov, identified

    def identified(self, jacobian: np.ndarray) -> np.ndarray:
        """(r, p) -> (r,) bool: the reported quantity does not load on an undetermined direction."""
        if self.undetermined.shape[1] == 0:
            return np.ones(jacobian.shape[0], dtype=bool)
        length = np.maximum(np.linalg.norm(jacobian, axis=1), 1e-300)
        return np.linalg.norm(jacobian @ self.undetermined, axis=1) <= LOADING_MOST * length


def information(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Observed information (p, p) at internal parameters (p,)."""
    at = torch.as_tensor(flat, dtype=torch.float64, device=module.device)

    def block(shard: Mixture) -> torch.Tensor:
        return torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
            lambda x: -shard.loglik(x[None])[0], at
        )

    # one after the other: autograd's many small steps gain nothing from threads
    matrix = torch.stack([block(s) for s in module.shards]).sum(0).cpu().numpy()
    return 0.5 * (matrix + matrix.T)


def covariance(info: np.ndarray, cov_type: str, nobs: int) -> Covariance:
    """Invert the information (p, p) where the data determine the parameters."""
    if cov_type not in COV_TYPES:
        raise SpecificationError(
            f"cov_type: '{cov_type}' is not known.", code="bad_cov_type", argument="cov_type",
            way_out=f"Use one of {', '.join(COV_TYPES)}.",
        )
    size = info.shape[0]
    values, vectors = np.linalg.eigh(info)
    good = values > INFORMATION_LEAST
    internal = (vectors[:, good] / values[good]) @ vectors[:, good].T
    if cov_type == "traj":
        internal = internal * nobs / (nobs - size + 1)
    negative = bool(size and values[0] < -1e-6 * max(values[-1], 1.0))
    return Covariance(internal, vectors[:, ~good], negative, cov_type)
