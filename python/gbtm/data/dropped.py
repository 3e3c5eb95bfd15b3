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
        raise _nothing_left(m, known, some, dropped)
    return keep, dropped


def _nothing_left(m: Measures, known: Subjects | None, some: np.ndarray, dropped: Dropped) -> DataError:
    """The error where missing values leave nothing: named after what is missing, which need not be the outcome."""
    counts = {
        m.name: dropped.missing_outcome, m.time_name: dropped.missing_time, "id": dropped.missing_id,
        "tcov": dropped.missing_covariate, "exposure": dropped.missing_exposure,
    }
    argument, way_out = max(counts, key=lambda name: counts[name]), "Check the column names"
    if known is not None and some.any():  # outcomes there are, of people of whom something else is not known
        missing: dict[str, tuple[str, np.ndarray]] = {
            name: ("risk", np.isnan(z)) for name, z in zip(known.risk_names, known.risk.T, strict=True)
        }
        if known.weights is not None:
            missing["weights"] = ("weights", np.isnan(known.weights))
        missing |= {name: (name, codes < 0) for name, codes in (("cluster", known.cluster), ("stratum", known.stratum))
                    if codes is not None}
        gone = {name: int(none[some].sum()) for name, (_, none) in missing.items()}
        worst = [name for name, n in gone.items() if n == max(gone.values())]
        argument = missing[worst[0]][0]
        lead = "" if worst[0] == argument else f"{argument}: "
        return DataError(
            f"{lead}{', '.join(worst)} {'is' if len(worst) == 1 else 'are'} missing for {gone[worst[0]]} of the "
            f"{int(some.sum())} people with an outcome, and nobody is left.", code="no_data", argument=argument,
            way_out=f"{way_out}, and what a missing value is written as; or leave {argument} out.",
        )
    return DataError(
        f"{argument}: no observation is left once missing values are dropped. {dropped.sentence()}", code="no_data",
        argument=argument, way_out=f"{way_out} and the coding of missing values.",
    )
