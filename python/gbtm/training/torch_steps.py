"""Steps of a torch optimiser on mini-batches, with its learning-rate schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

from ..compute.torch_optimisers import ready_optimisers
from ..errors import SpecificationError
from ..likelihood.mixture import Mixture

MakeOptimiser = Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer]
MakeSchedule = Callable[[torch.optim.Optimizer], Any]


class TorchSteps:
    """An optimiser on the module's parameters; its objective is minus the mean log-likelihood of a batch's people.

    Raises
    ------
    SpecificationError
        ``bad_optimiser``, ``bad_schedule``.
    """

    def __init__(self, module: Mixture, make: MakeOptimiser, schedule: MakeSchedule | None) -> None:
        ready_optimisers()
        optimiser = make(module.parameters()) if callable(make) else make
        if not isinstance(optimiser, torch.optim.Optimizer):
            raise SpecificationError(
                f"optimiser: {make!r} makes no torch optimiser of parameters.", code="bad_optimiser",
                argument="optimiser", way_out="For example optimiser=lambda p: torch.optim.Adam(p, lr=0.02).",
            )
        self.optimiser = optimiser
        self.scheduler = None if schedule is None else schedule(optimiser)
        if schedule is not None and not hasattr(self.scheduler, "step"):
            raise SpecificationError(
                f"schedule: {schedule!r} makes no learning-rate scheduler of an optimiser.", code="bad_schedule",
                argument="schedule",
                way_out="For example schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9).",
            )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimiser.param_groups[0]["lr"])

    def step(self, batch: Mixture) -> float:
        """One step; the batch's mean log-likelihood before it."""
        weight = batch.weight / batch.weight.sum()

        def loss() -> torch.Tensor:
            self.optimiser.zero_grad()
            value = -(batch.subject_loglik(batch.flat()[None])[0] @ weight)
            value.backward()  # type: ignore[no-untyped-call]
            return value

        return -float(self.optimiser.step(loss).detach())  # type: ignore[arg-type, attr-defined]

    def end_epoch(self, held_out: float | None) -> None:
        """The schedule's step; one that waits for a plateau is told the held-out log-likelihood."""
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            if held_out is None:
                raise SpecificationError(
                    "schedule: ReduceLROnPlateau goes by people who are held out, and none are.", code="bad_schedule",
                    argument="schedule", way_out="Give held_out=0.1, or another schedule.",
                )
            self.scheduler.step(-held_out)
        elif self.scheduler is not None:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """All that a later run needs to go on."""
        return {
            "optimiser": self.optimiser.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state_dict`."""
        self.optimiser.load_state_dict(state["optimiser"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
