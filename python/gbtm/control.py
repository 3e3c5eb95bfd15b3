"""How a fit searches: the settings of :func:`gbtm.estimate.estimate`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import SpecificationError

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Control:
    """Settings of the search for the best optimum.

    Attributes
    ----------
    n_starts : number of starts, or None to let the hit rate decide
    max_starts : cap on starts when the hit rate decides
    time_budget : seconds after which no further round of starts begins; None for no limit. With a budget that bites,
        the digits can depend on the machine's speed, and the start report says so
    rng : seed (int)
    em_steps : EM steps before Newton
    tolerance : Newton decrement at which a start counts as converged, in units of log-likelihood
    device : torch device
    progress : called with a sentence and the seconds elapsed
    """

    n_starts: int | None = None
    max_starts: int = 256
    time_budget: float | None = 60.0
    rng: int = 0
    em_steps: int = 20
    newton_steps: int = 80
    tolerance: float = 1e-9
    device: str = "cpu"
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.n_starts is not None and (isinstance(self.n_starts, bool) or int(self.n_starts) < 1):
            raise SpecificationError(
                f"n_starts: {self.n_starts!r} is not a positive whole number.", code="bad_n_starts",
                argument="n_starts", way_out="Give a number of starts, or None to let the hit rate decide.",
            )
