"""How a fit searches: the settings of :func:`gbtm.estimation.estimate.estimate`."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_count, check_seconds
from ..compute.progress import Progress
from ..errors import SpecificationError


@dataclass(frozen=True)
class Control:
    """Settings of the search for the best optimum.

    Attributes
    ----------
    n_starts : number of starts, or None to let the hit rate decide
    max_starts : cap on starts when the hit rate decides
    time_budget : seconds after which no further round of starts begins, and of those that climb the best alone goes on,
        for a few steps more; None for no limit. With a budget that bites, the digits can depend on the machine's speed,
        and the start report says so
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
        if self.n_starts is not None:  # None lets the hit rate decide
            check_count(self.n_starts, "n_starts", 20)
        check_count(self.max_starts, "max_starts", 256)
        check_seconds(self.time_budget)
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
