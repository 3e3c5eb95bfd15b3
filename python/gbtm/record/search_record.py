"""What a fit says of the search for its optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SpecificationError


@dataclass(frozen=True)
class OptimumRecord:
    """One of the distinct optima.

    Attributes
    ----------
    rank : from 1, the best
    loglik, difference : log-likelihood, and what it is to the best one's
    hits : starts that ended here
    collapsed : a sigma went to zero, so that it is no maximum
    shares : group shares (K), of each set of groups
    how : in words, how it differs from the best
    params : (p,) its parameters in the user's time and units, groups from the lowest curve up; None in older files
    """

    rank: int
    loglik: float
    difference: float
    hits: int
    converged: bool
    collapsed: bool
    shares: tuple[tuple[float, ...], ...]
    how: str
    params: np.ndarray | None = None


@dataclass(frozen=True)
class SearchRecord:
    """The start report.

    Attributes
    ----------
    optima : best first
    n_starts : starts from partitions, or the user's values
    n_moves : further starts made by rearranging the groups of the optima found
    n_failed : starts that came to nothing
    found_by_move : the best optimum was reached by such a start only
    out_of_time : the search ended early
    user_start : the only starts were the user's
    sentence : all of it in words
    rng : the seed; None where it is not told
    n_starts_asked : as the user wished; None where the hit rate decided
    """

    optima: tuple[OptimumRecord, ...]
    n_starts: int
    n_moves: int
    n_failed: int
    found_by_move: bool
    out_of_time: bool
    user_start: bool
    sentence: str
    rng: int | None
    n_starts_asked: int | None

    def params_of(self, rank: int) -> np.ndarray:
        """Parameters (p,) of one of the optima, in the user's time and units.

        Raises
        ------
        SpecificationError
            ``bad_rank``, where there is none or the file of the fit is older than they are.
        """
        known = {o.rank: o.params for o in self.optima if o.params is not None}
        if rank not in known:
            older = bool(self.optima) and self.optima[0].params is None
            raise SpecificationError(
                f"rank: {rank!r} is none of the {len(self.optima)} optima in the start report." if not older else
                f"rank: the file of this fit is older than the parameters of optimum {rank!r}.", code="bad_rank",
                argument="rank", way_out="Fit the model again." if older else f"Give 1 to {len(self.optima)}.",
            )
        return known[rank]

    @classmethod
    def of(cls, stored: dict[str, Any]) -> SearchRecord:
        """The document's ``search``."""
        plain = {k: stored[k] for k in cls.__dataclass_fields__ if k != "optima"}
        return cls(optima=tuple(_optimum(o) for o in stored["optima"]), **plain)


def _optimum(stored: dict[str, Any]) -> OptimumRecord:
    plain = {k: stored[k] for k in OptimumRecord.__dataclass_fields__ if k not in ("shares", "params")}
    params = None if stored.get("params") is None else np.asarray(stored["params"], dtype=float)
    return OptimumRecord(shares=tuple(tuple(shares) for shares in stored["shares"]), params=params, **plain)
