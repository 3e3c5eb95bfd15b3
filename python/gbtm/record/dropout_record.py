"""The dropout model of a fit, as the fit document has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..data.measures import Measures
from ..design.covariate_basis import CovariateBasis
from ..design.time_basis import TimeBasis, lag_basis_from_document
from .on_disk import not_kept


@dataclass(frozen=True, eq=False)
class DropoutRecord:
    """A model of leaving the study.

    Attributes
    ----------
    orders : of each group (K): 0, a constant; 1, the last outcome too; 2, the last two; -1, none
    basis : of the constant and the lags
    covariates : basis of the dropout covariates, or None
    n_waves : length of a complete history
    waves : what tells the waves of long data apart, ascending: times, or values of the column that counts them; None
        where they are columns, or where the document is older
    n_records : person-waves at risk
    n_dropped : of them, those after which the person was not seen again
    """

    orders: tuple[int, ...]
    basis: TimeBasis
    covariates: CovariateBasis | None
    n_waves: int
    n_records: int
    n_dropped: int
    stored_records: dict[str, Any] | None
    waves: np.ndarray | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> DropoutRecord:
        """The ``dropout`` of an outcome of the document."""
        covariates = stored["covariates"]
        return cls(
            orders=tuple(int(o) for o in stored["orders"]), basis=lag_basis_from_document(stored["basis"]),
            covariates=None if covariates is None else CovariateBasis.from_document(covariates),
            n_waves=int(stored["n_waves"]), n_records=int(stored["n_records"]), n_dropped=int(stored["n_dropped"]),
            stored_records=stored.get("records"),
            waves=None if stored.get("waves") is None else np.asarray(stored["waves"], dtype=float),
        )

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Of the dropout covariates."""
        return () if self.covariates is None else self.covariates.names

    @cached_property
    def records(self) -> Measures:
        """Who was at risk when: ``subject`` (n,) among the fit's ids, ``wave`` (n,), ``y`` (n,) 1 for those who left,
        ``covariates`` (n, q): the lags and the dropout covariates."""
        if self.stored_records is None:
            raise not_kept("records")
        stored = self.stored_records
        subject = np.asarray(stored["subject"]).astype(np.int64, copy=False)
        return Measures(
            subject=subject, time=np.zeros(subject.size), y=np.asarray(stored["y"]),
            wave=np.asarray(stored["wave"]).astype(np.int64, copy=False), row=np.arange(subject.size), name="dropout",
            covariates=np.asarray(stored["covariates"]), covariate_names=tuple(stored["names"]), is_binned=True,
        )
