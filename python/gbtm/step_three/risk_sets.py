"""Who is at risk when events happen: sums over risk sets, and cumulative hazards of step functions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class RiskSets:
    """Of people with entry, exit and event, ``y`` (n, 3): at risk at u who has entry < u <= exit.

    Attributes
    ----------
    times : (J,) distinct times of events, ascending
    event : (n,) 1 where an event was seen
    at_event : (n,) which of ``times`` a person's exit is, where it is an event; else 0
    """

    def __init__(self, y: np.ndarray) -> None:
        entry, leave, event = y.T
        self.times = np.unique(leave[event == 1])
        self.event = torch.tensor(event)
        self.at_event = torch.as_tensor(np.where(event == 1, np.searchsorted(self.times, leave), 0))
        self._by_exit, self._from_exit = self._ordered(leave)
        self._late = bool((entry > 0).any())
        self._by_entry, self._from_entry = self._ordered(entry)
        # how many event times are up to exit, and up to entry
        self._until = torch.as_tensor(np.searchsorted(self.times, leave, side="right"))
        self._before = torch.as_tensor(np.searchsorted(self.times, entry, side="right"))

    def _ordered(self, when: np.ndarray) -> tuple[Tensor, Tensor]:
        order = np.argsort(when, kind="stable")
        return torch.as_tensor(order), torch.as_tensor(np.searchsorted(when[order], self.times, side="left"))

    def sums(self, value: Tensor) -> Tensor:
        """(n,) -> (J,) sums over the risk set of each event time."""
        total = _from_the_end(value[self._by_exit])[self._from_exit]
        return total - _from_the_end(value[self._by_entry])[self._from_entry] if self._late else total

    def at_events(self, value: Tensor) -> Tensor:
        """(n,) -> (J,) sums over those who have the event then."""
        return value.new_zeros(len(self.times)).index_add(0, self.at_event, value * self.event)

    def cumulative(self, jumps: Tensor) -> Tensor:
        """Jumps (J,) of a hazard -> what of it each person was exposed to (n,)."""
        total = torch.nn.functional.pad(jumps.cumsum(0), (1, 0))
        return total[self._until] - total[self._before] if self._late else total[self._until]


def _from_the_end(value: Tensor) -> Tensor:
    """(n,) -> (n + 1,) sums from each place to the end."""
    return torch.nn.functional.pad(value.flip(0).cumsum(0).flip(0), (0, 1))
