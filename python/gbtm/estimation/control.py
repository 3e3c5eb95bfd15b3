"""How a fit searches: the settings of :func:`gbtm.estimation.estimate.estimate`."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import is_count
from ..compute.progress import Progress
from ..errors import SpecificationError


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
        if self.n_starts is not None and not is_count(self.n_starts):
            raise SpecificationError(
                f"n_starts: {self.n_starts!r} is not a positive whole number.", code="bad_n_starts",
                argument="n_starts", way_out="Give a number of starts, or None to let the hit rate decide.",
            )
        if not is_count(self.max_starts):
            raise SpecificationError(
                f"max_starts: {self.max_starts!r} is not a positive whole number.", code="bad_max_starts",
                argument="max_starts", way_out="Give the largest number of starts, for example 256.",
            )
        budget = self.time_budget
        if budget is not None and (isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget >= 0):
            raise SpecificationError(
                f"time_budget: {budget!r} is not a number of seconds.", code="bad_time_budget",
                argument="time_budget", way_out="Give seconds, or None for no limit.",
            )
        self._check_device()

    def _check_device(self) -> None:
        import torch

        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError, TypeError) as error:
            raise SpecificationError(
                f"device: {self.device!r} cannot be used here ({str(error).splitlines()[0]}).", code="bad_device",
                argument="device", way_out="Use 'cpu', or 'cuda' where torch finds a GPU.",
            ) from None
