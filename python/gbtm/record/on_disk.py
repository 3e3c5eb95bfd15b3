"""What a fit of people on disk keeps in the place of what is known of each of them: sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..errors import SpecificationError
from .wave_counts import WaveCounts


@dataclass(frozen=True, eq=False)
class SumsOfPeople:
    """What is summed of people, those of a block or all: how they are classified.

    Attributes
    ----------
    n_assigned : (K,) people for whom the group is the most probable
    assigned, certain : (K,) their weight, and that times their probability of it; weights have mean 1
    posterior : (K,) weighted sum of everybody's probability
    gap, gap_squares, squares : (K,), (K,) and a number: sums of 1(assigned) - P and of its square, weighted by squared
        weights, and of these
    uncertainty, weighted_uncertainty : sums of the people's entropies
    """

    n_assigned: np.ndarray
    assigned: np.ndarray
    certain: np.ndarray
    posterior: np.ndarray
    gap: np.ndarray
    gap_squares: np.ndarray
    squares: float
    uncertainty: float
    weighted_uncertainty: float

    @staticmethod
    def total(parts: Sequence[SumsOfPeople]) -> dict[str, Any]:
        """These sums over all parts, in their order, by name."""
        return {f.name: _sum([getattr(p, f.name) for p in parts]) for f in fields(SumsOfPeople)}


def _sum(values: list[Any]) -> Any:
    total = np.sum([np.asarray(v, dtype=float) for v in values], axis=0)
    return total if total.ndim else float(total)


@dataclass(frozen=True, eq=False)
class OutcomeSums:
    """What is summed of an outcome's observations.

    ``waves``, ``means``, ``mass`` : (T,) mean time of each wave, (T, K) mean outcome and summed probability of each
    group then; ``sd`` : standard deviation of the outcome; ``counts`` : who was observed when; ``shares`` : (T, K, S)
    of the levels of an outcome that has some
    """

    waves: np.ndarray
    means: np.ndarray
    mass: np.ndarray
    sd: float
    counts: WaveCounts | None = None
    shares: np.ndarray | None = None

    @property
    def document(self) -> dict[str, Any]:
        """As the document has it."""
        return _told({f.name: getattr(self, f.name) for f in fields(self)})


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """Without what there is none of."""
    counts, shares = values.pop("counts"), values.pop("shares")
    values |= {} if shares is None else {"shares": shares}
    return values if counts is None else {**values, "counts": counts.document}


def _shares(stored: dict[str, Any]) -> np.ndarray | None:
    return np.asarray(stored["shares"], dtype=float) if stored.get("shares") is not None else None


def _counts(stored: dict[str, Any]) -> WaveCounts | None:
    return WaveCounts.from_document(stored["counts"]) if stored.get("counts") is not None else None


@dataclass(frozen=True, eq=False)
class OnDisk(SumsOfPeople):
    """The document's ``on_disk``.

    Attributes
    ----------
    files : in which the data lay
    n_blocks : in which they were summed
    waves, means, mass, sd, counts, shares : of the first outcome, as in :class:`OutcomeSums`
    risk, risk_weight : (U, r) distinct rows of membership covariates and the weight (U,) of the people who have each
    weighted : there were sampling weights
    further : sums of the outcomes after the first
    """

    files: list[str]
    n_blocks: int
    waves: np.ndarray
    means: np.ndarray
    mass: np.ndarray
    risk: np.ndarray
    risk_weight: np.ndarray
    sd: float
    weighted: bool
    further: tuple[OutcomeSums, ...] = ()
    counts: WaveCounts | None = None
    shares: np.ndarray | None = None

    @classmethod
    def of(cls, stored: dict[str, Any]) -> OnDisk:
        """The document's field."""
        arrays = {f.name for f in fields(cls) if f.type == "np.ndarray"}
        values: dict[str, Any] = {
            f.name: np.asarray(stored[f.name], dtype=float) if f.name in arrays else stored[f.name]
            for f in fields(cls) if f.name not in ("further", "counts", "shares")}
        further = tuple(
            OutcomeSums(**{k: np.asarray(own[k], dtype=float) for k in ("waves", "means", "mass")}, sd=own["sd"],
                        counts=_counts(own), shares=_shares(own))
            for own in stored.get("further", ()))
        return cls(**values, further=further, counts=_counts(stored), shares=_shares(stored))

    @property
    def document(self) -> dict[str, Any]:
        """As the document has it: ``further`` of several outcomes alone."""
        own = _told({f.name: getattr(self, f.name) for f in fields(self) if f.name != "further"})
        return own | ({"further": [f.document for f in self.further]} if self.further else {})


def of_one(stored: dict[str, Any], number: int) -> dict[str, Any]:
    """The document's ``on_disk`` with the sums of outcome ``number``, counted from 0, alone."""
    own = {k: v for k, v in stored.items() if k != "further"}
    return own if number == 0 else own | stored["further"][number - 1]


def not_kept(what: str) -> SpecificationError:
    """The error for what a fit of people on disk does not have."""
    return SpecificationError(
        f"{what}: the people of this fit are on disk, and the fit keeps sums over them alone.", code="on_disk",
        argument=what,
        way_out="res.posterior_to('folder') writes the probabilities of all people, block by block, to Parquet files; "
        "for what asks for each person, fit a sample of them in memory.",
    )
