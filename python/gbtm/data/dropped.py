"""What was left out of a table, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import DataError
from .columns import MAX_SHOWN
from .declared_missing import Declared
from .measures import Measures
from .subjects import Subjects


@dataclass(frozen=True)
class Dropped:
    """What was left out, and why; ``declared`` are the values of each column that its file declares missing."""

    observations_read: int = 0
    subjects_read: int = 0
    missing_outcome: int = 0
    missing_time: int = 0
    missing_id: int = 0
    missing_covariate: int = 0
    missing_exposure: int = 0
    subjects: tuple[object, ...] = ()
    incomplete_subjects: tuple[object, ...] = ()
    declared: Declared = ()

    @property
    def observations(self) -> int:
        return (
            self.missing_outcome + self.missing_time + self.missing_id + self.missing_covariate + self.missing_exposure
        )

    def sentence(self) -> str:
        """One sentence for summaries; empty when nothing was dropped."""
        parts = [
            f"{count} observation{'s' if count != 1 else ''} with a missing {what}"
            for count, what in (
                (self.missing_outcome, "outcome"),
                (self.missing_time, "time"),
                (self.missing_id, "id"),
                (self.missing_covariate, "time-varying covariate"),
                (self.missing_exposure, "exposure"),
            )
            if count
        ]
        for subjects, what in (
            (self.incomplete_subjects, "a missing membership covariate, weight or cluster"),
            (self.subjects, "no observation left"),
        ):
            if subjects:
                shown = ", ".join(str(s) for s in subjects[:MAX_SHOWN])
                more = ", ..." if len(subjects) > MAX_SHOWN else ""
                parts.append(f"{len(subjects)} subject{'s' if len(subjects) != 1 else ''} with {what} ({shown}{more})")
        said = [f"Dropped: {'; '.join(parts)}."] if parts else []
        if self.declared:
            columns = ", ".join(f"{count} of {name}" for name, count in self.declared[:MAX_SHOWN])
            said.append(f"Missing as the data declare: {columns}{', ...' if len(self.declared) > MAX_SHOWN else ''}.")
        return " ".join(said)


def usable(measures: Measures, ids: pd.Index, known: Subjects | None) -> tuple[np.ndarray, Dropped]:
    """Mask (n,) of the observations that can be used, and what is dropped; each for the first reason that applies."""
    m = measures
    if not len(ids) and m.subject.size:
        raise DataError(
            "id: no row has an id.", code="no_data", argument="id", way_out="Check the column that tells people apart.",
        )
    keep = m.subject >= 0
    counts = {"missing_id": int((~keep).sum())}
    reasons = [("missing_outcome", np.isnan(m.y)), ("missing_time", np.isnan(m.time))]
    if m.covariate_names:
        reasons.append(("missing_covariate", np.isnan(m.covariates).any(axis=1)))
    if m.exposure is not None:
        reasons.append(("missing_exposure", np.isnan(m.exposure)))
    for reason, missing in reasons:
        gone = keep & missing
        counts[reason] = int(gone.sum())
        keep &= ~gone
    some = np.zeros(len(ids), dtype=bool)
    some[m.subject[keep]] = True
    incomplete = np.zeros(len(ids), dtype=bool)
    if known is not None:
        incomplete = some & ~known.complete
        keep = keep & ~incomplete[m.subject]
    dropped = Dropped(
        observations_read=m.nobs, subjects_read=len(ids), **counts,  # type: ignore[arg-type]
        subjects=tuple(ids[~some & np.asarray(ids.notna())]), incomplete_subjects=tuple(ids[incomplete]),
    )
    if not keep.any():
        raise DataError(
            f"{m.name}: no observation is left once missing values are dropped.", code="no_data", argument=m.name,
            way_out="Check the column names and the coding of missing values.",
        )
    return keep, dropped
