"""Coordinates of coefficients: what they are called, and how those inside become the user's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Coordinates:
    """How the coefficients of some columns are called and reported.

    Attributes
    ----------
    names : the q column names in the user's terms
    to_user : (q, q), the user's coefficients = to_user @ internal coefficients
    constant : (q,), internal coefficients of the constant 1
    """

    names: tuple[str, ...]
    to_user: np.ndarray
    constant: np.ndarray

    @property
    def width(self) -> int:
        return len(self.names)


def orthonormal_mix(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(q, q) with mean over observations of (x mix)'(x mix) = 1; raises LinAlgError when columns are dependent."""
    r = np.linalg.qr(np.sqrt(counts / counts.sum())[:, None] * x, mode="r")
    diagonal = np.diag(r)
    if x.shape[0] < x.shape[1] or np.abs(diagonal).min() <= 1e-10 * np.abs(diagonal).max():
        raise np.linalg.LinAlgError("dependent columns")
    return np.linalg.solve(r * np.sign(diagonal)[:, None], np.eye(x.shape[1]))
