"""That a climb has arrived: what is reported of the point where it ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Certificate:
    """Proof of convergence at the reported point.

    Attributes
    ----------
    gradient : largest absolute score, in internal (orthonormal) coordinates
    smallest_eigenvalue : of the negative Hessian, in internal coordinates
    decrement : Newton decrement, the log-likelihood still to be gained
    converged : there is nothing to gain
    """

    gradient: float
    smallest_eigenvalue: float
    decrement: float
    converged: bool
