"""What was left out of a table, and why; and who of it has no observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..columns.declared_missing import Declared
from ..columns.reading import MAX_SHOWN, refuse_extreme, refuse_infinite
from ..errors import DataError
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


@dataclass(frozen=True)
class Unobserved:
    """People without a usable observation of whom all else is known that a model needs: the prior is for them.

    Attributes
    ----------
    ids : of the U people
    known : what is known of them, one row each
    place : (U,) their places among all people that were read; ``others`` (N,) are the places of those observed
    why : what their table lacks, where it is a column
    """

    ids: pd.Index
    known: Subjects
    place: np.ndarray
    others: np.ndarray
    why: str = ""

    @classmethod
    def of(
        cls, ids: pd.Index, known: Subjects | None, observed: np.ndarray, why: str = "",
        among: np.ndarray | bool = True,
    ) -> Unobserved | None:
        """Those who are not ``observed`` (n,) bool ``among`` the people of ``ids`` (n,); None where there are none."""
        mine = ~observed & among & np.asarray(ids.notna()) & (True if known is None else known.complete)
        if not mine.any():
            return None
        at = np.flatnonzero(mine)
        own = Subjects.nothing(at.size) if known is None else known.take(at)
        return cls(ids[at], own, at, np.flatnonzero(observed), why)

    @property
    def order(self) -> np.ndarray:
        """(N + U,) of those observed and then these, who comes first among all people that were read."""
        return np.argsort(np.concatenate([self.others, self.place]), kind="stable")

    def sentence(self) -> str:
        """One sentence for the user."""
        n = len(self.ids)
        shown = ", ".join(str(i) for i in self.ids[:MAX_SHOWN]) + (", ..." if n > MAX_SHOWN else "")
        they = f"{n} people have" if n > 1 else "1 person has"
        prior = "given their membership covariates" if self.known.risk_names else "the group shares, alike for all"
        return f"{self.why}{they} no usable observation ({shown}): their probabilities are the prior, {prior}."


def kept_apart(known: Subjects | None, n: int, unobserved: bool) -> np.ndarray:
    """(n,) bool: who is told the prior where there is no observation. All new people, and those held out of a fit."""
    if known is not None and known.held_out is not None and not unobserved:
        return known.held_out
    return np.full(n, unobserved)


def usable(
    measures: Measures, ids: pd.Index, known: Subjects | None, unobserved: bool = False, is_block: bool = False
) -> tuple[np.ndarray, Dropped]:
    """Mask (n,) of the observations that can be used, and what is dropped; each for the first reason that applies.

    With ``unobserved`` those without an observation are not dropped for that, and people held out never are. Of what
    ``is_block`` of a larger table nothing need be left.
    """
    apart = kept_apart(known, len(ids), unobserved)
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
    some, incomplete = np.zeros((2, len(ids)), dtype=bool)
    some[m.subject[keep]] = True
    if known is not None:
        incomplete = (some | apart) & ~known.complete & np.asarray(ids.notna())
        keep = keep & ~incomplete[m.subject]
    none = ~some & ~apart & np.asarray(ids.notna())
    dropped = Dropped(
        observations_read=m.nobs, subjects_read=len(ids), **counts,  # type: ignore[arg-type]
        subjects=tuple(ids[none]), incomplete_subjects=tuple(ids[incomplete]),
    )
    if not is_block and not keep.any() and not (unobserved and (np.asarray(ids.notna()) & ~incomplete).any()):
        raise _nothing_left(m, known, some, dropped)
    return keep, dropped


def _nothing_left(m: Measures, known: Subjects | None, some: np.ndarray, dropped: Dropped) -> DataError:
    """The error where missing values leave nothing: named after what is missing, which need not be the outcome."""
    counts = {
        m.name: dropped.missing_outcome, m.time_name: dropped.missing_time, "id": dropped.missing_id,
        "tcov": dropped.missing_covariate, "exposure": dropped.missing_exposure,
    }
    argument, way_out = max(counts, key=lambda name: counts[name]), "Check the column names"
    who, of_them = some, " with an outcome"
    if not some.any() and dropped.incomplete_subjects:  # nobody needs an outcome
        who, of_them = np.ones_like(some), ""
    if known is not None and who.any():  # people there are, of whom something else is not known
        missing: dict[str, tuple[str, np.ndarray]] = {
            name: ("risk", np.isnan(z)) for name, z in zip(known.risk_names, known.risk.T, strict=True)
        }
        if known.weights is not None:
            missing["weights"] = ("weights", np.isnan(known.weights))
        missing |= {name: (name, codes < 0) for name, codes in (("cluster", known.cluster), ("stratum", known.stratum))
                    if codes is not None}
        gone = {name: int(none[who].sum()) for name, (_, none) in missing.items()}
        worst = [name for name, n in gone.items() if n == max(gone.values())]
        argument = missing[worst[0]][0]
        lead = "" if worst[0] == argument else f"{argument}: "
        return DataError(
            f"{lead}{', '.join(worst)} {'is' if len(worst) == 1 else 'are'} missing for {gone[worst[0]]} of the "
            f"{int(who.sum())} people{of_them}, and nobody is left.", code="no_data", argument=argument,
            way_out=f"{way_out}, and what a missing value is written as; or leave {argument} out.",
        )
    said = dropped.sentence()
    why = f"no observation is left once missing values are dropped. {said}" if said else "there are no rows."
    return DataError(
        f"{argument}: {why}", code="no_data", argument=argument,
        way_out=f"{way_out} and the coding of missing values.",
    )


def refuse_unusable(measures: Measures, wave: np.ndarray | None, labels: pd.Index) -> None:
    """Infinite values, and exposures that are not positive."""
    m = measures
    columns = [(m.time, m.time_name), (m.y, m.name), *zip(m.covariates.T, m.covariate_names, strict=False)]
    for values, what in columns + ([(m.exposure, "exposure")] if m.exposure is not None else []):
        refuse_infinite(values, what, m.row, wave, m.columns, labels)
        refuse_extreme(values, what)
    if m.exposure is not None and (m.exposure <= 0).any():
        bad = np.flatnonzero(m.exposure <= 0)
        raise DataError(
            f"exposure, trials: {bad.size} values are zero or negative, first in row {labels[m.row[bad[0]]]}.",
            code="bad_exposure", argument="exposure",
            way_out="They are times at risk, or numbers of trials, above 0; where there were none, set the outcome to "
            "missing.",
        )
