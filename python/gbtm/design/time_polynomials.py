"""Covariates that are polynomials of time: what they are at times that nobody was seen at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_ORDER = 5
EXACT = 1e-9  # of a column's length, what may be left beside the polynomial
SPARE = 2  # distinct times more than coefficients, without which anything is a polynomial


@dataclass(frozen=True, eq=False)
class TimePolynomials:
    """Which columns are polynomials of time, and their coefficients (c, 6) in powers of (t - centre) / scale."""

    columns: tuple[int, ...]
    coefficients: np.ndarray
    centre: float
    scale: float

    @classmethod
    def among(cls, times: np.ndarray, values: np.ndarray, candidates: Sequence[int]) -> TimePolynomials | None:
        """Those of the ``candidates`` among columns (n, q) at times (n,); None where there is none."""
        distinct, first, where = np.unique(times, return_index=True, return_inverse=True)
        order = min(MAX_ORDER, distinct.size - 1 - SPARE)
        if order < 1 or not candidates:
            return None
        centre = float(distinct.mean())
        scale = float(np.abs(distinct - centre).max())
        powers = np.vander((distinct - centre) / scale, order + 1, increasing=True)
        columns, found = [], []
        for j in candidates:
            known = values[first, j]
            near = EXACT * float(np.abs(values[:, j]).max(initial=0.0))
            if np.abs(values[:, j] - known[where]).max(initial=0.0) > near:
                continue  # not the same for all at a time
            coefficients = np.linalg.lstsq(powers, known, rcond=None)[0]
            if np.abs(powers @ coefficients - known).max() <= near:
                columns.append(j)
                found.append(np.pad(coefficients, (0, MAX_ORDER - order)))
        return cls(tuple(columns), np.array(found), centre, scale) if columns else None

    def fill(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Columns (n, q) with these at times (n,) in their places."""
        out = np.array(values, dtype=float)
        powers = np.vander((times - self.centre) / self.scale, MAX_ORDER + 1, increasing=True)
        out[:, list(self.columns)] = powers @ self.coefficients.T
        return out

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"columns": list(self.columns), "coefficients": self.coefficients, "centre": self.centre,
                "scale": self.scale}

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None, width: int) -> TimePolynomials | None:
        """The inverse of :attr:`document`, for ``width`` columns; refuses what it never is."""
        if stored is None:
            return None
        columns = tuple(int(j) for j in stored["columns"])
        coefficients = np.asarray(stored["coefficients"], dtype=float).reshape(len(columns), MAX_ORDER + 1)
        centre, scale = float(stored["centre"]), float(stored["scale"])
        if not all(0 <= j < width for j in columns) or not np.isfinite([*coefficients.ravel(), centre]).all() or (
                not 0 < scale < np.inf):
            raise ValueError("polynomials of time")
        return cls(columns, coefficients, centre, scale)
