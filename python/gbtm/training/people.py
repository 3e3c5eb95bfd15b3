"""Who is trained on, who is held out, and who is in which batch."""

from __future__ import annotations

import numpy as np

from ..data.subjects import Subjects
from ..errors import SpecificationError
from ..estimation.score_variance import cluster_units


def split(subjects: Subjects, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the people trained on and of those held out, who are about ``share`` of all; clusters stay whole.

    Raises
    ------
    SpecificationError
        ``bad_held_out``.
    """
    is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not is_number or not 0 <= share < 1:
        raise SpecificationError(
            f"held_out: {share!r} is no share of the people below 1.", code="bad_held_out", argument="held_out",
            way_out="For example held_out=0.1, or held_out=0 for a number of epochs without early stopping.",
        )
    unit = cluster_units(subjects)[1]
    units = np.unique(unit)
    n_out = round(share * units.size)
    if share > 0 and not 0 < n_out < units.size:
        raise SpecificationError(
            f"held_out: {share} of {units.size} people or clusters is {n_out}.", code="bad_held_out",
            argument="held_out", way_out="Hold out a larger share, or none with held_out=0.",
        )
    out = np.isin(unit, np.random.default_rng(seed).permutation(units)[:n_out])
    return np.flatnonzero(~out), np.flatnonzero(out)


def batches(people: np.ndarray, size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The batches of an epoch: all ``people`` once, in an order that seed and epoch decide, ``size`` or a few less."""
    shuffled = np.random.default_rng([seed, epoch]).permutation(people)
    return np.array_split(shuffled, -(-people.size // size))
