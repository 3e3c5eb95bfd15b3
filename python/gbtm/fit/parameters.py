"""The parameters of a fit: what each run of them is, and the engine's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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
    """

    params: np.ndarray
    cov: np.ndarray
    undetermined: np.ndarray

    @classmethod
    def of(cls, stored: dict[str, Any]) -> InternalEstimates:
        """The document's ``internal``."""
        return cls(*(np.asarray(stored[k], dtype=float) for k in ("params", "cov", "undetermined")))
