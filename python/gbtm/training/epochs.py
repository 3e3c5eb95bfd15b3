"""Epochs of mini-batches, with early stopping by the log-likelihood of people held out."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checks import check_count
from ..compute.progress import Progress
from ..compute.threads import workers
from ..errors import DataError, SpecificationError
from ..likelihood.mixture import Mixture
from ..model.prepared import Prepared
from .checkpoint import TrainingCheckpoint
from .people import batches, split
from .stochastic_em import StochasticEM
from .torch_steps import TorchSteps


@dataclass(frozen=True)
class Settings:
    """How the epochs run; see :func:`gbtm.train`."""

    optimiser: Any = None
    schedule: Any = None
    batch_size: int = 1000
    epochs: int = 50
    held_out: float = 0.1
    patience: int = 5
    rng: int = 0

    def __post_init__(self) -> None:
        check_count(self.batch_size, "batch_size", 1000)
        check_count(self.epochs, "epochs", 50)
        check_count(self.patience, "patience", 5)
        if self.schedule is not None and self.optimiser is None:
            raise SpecificationError(
                "schedule: EM by batches has no learning rate.", code="bad_schedule", argument="schedule",
                way_out="Give an optimiser too, such as optimiser=lambda p: torch.optim.Adam(p, lr=0.02).",
            )

    @property
    def key(self) -> str:
        """What a checkpoint of other settings differs in; the number of epochs may grow."""
        maker = getattr(self.optimiser, "__qualname__", repr(type(self.optimiser)))
        return f"{maker} {self.batch_size} {self.held_out} {self.rng}"


@dataclass
class Epochs:
    """What became of the epochs.

    Attributes
    ----------
    history : of each epoch its number, the mean log-likelihood per person while it ran (before each batch's step) and
        that of the people held out after it, and the learning rate; epoch 0 is the start
    best : the epoch whose parameters are kept, the last where nobody is held out
    flat : (p,) internal parameters of that epoch
    stopped_early : before the last epoch that was allowed
    """

    history: list[dict[str, float | int | None]] = field(default_factory=list)
    best: int = 0
    flat: np.ndarray = field(default_factory=lambda: np.empty(0))
    stopped_early: bool = False

    def note(self, flat: np.ndarray, entry: dict[str, float | int | None]) -> None:
        """Add an epoch; it is the best if no earlier one held out better."""
        self.history.append(entry)
        now, best = entry["held_out"], self.history[self.best]["held_out"]
        if now is None or best is None or now > best or len(self.history) == 1:
            self.best, self.flat = len(self.history) - 1, flat.copy()

    def has_waited(self, patience: int) -> bool:
        """So many epochs have gone by without a better one."""
        return self.history[-1]["held_out"] is not None and len(self.history) - 1 - self.best >= patience


def run_epochs(
    prepared: Prepared, module: Mixture, settings: Settings, *, checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Epochs:
    """Train the module from where its parameters are; they are those of the best epoch afterwards."""
    people, held = split(prepared.panel.subjects, settings.held_out, settings.rng)
    begun = time.monotonic()
    with workers():
        way = StochasticEM(module) if settings.optimiser is None else TorchSteps(
            module, settings.optimiser, settings.schedule)
        judge = module.batch(held) if held.size else None
        file = None if checkpoint is None else TrainingCheckpoint(checkpoint, _mark(prepared, settings, module))
        out = _resumed(file, module, way)
        if not out.history:
            out.note(_values(module), _entry(0, None, judge, way))
        for epoch in range(len(out.history), settings.epochs + 1):
            if out.has_waited(settings.patience):
                out.stopped_early = True
                break
            logliks = []
            for rows in batches(people, settings.batch_size, settings.rng, epoch):
                logliks.append(way.step(module.batch(rows)) * rows.size)
                _check_finite(logliks[-1], epoch)
            out.note(_values(module), _entry(epoch, sum(logliks) / people.size, judge, way))
            if isinstance(way, TorchSteps):
                way.end_epoch(out.history[-1]["held_out"])
            if file is not None:
                file.write({"history": out.history, "best": out.best, "best_flat": torch.from_numpy(out.flat),
                            "flat": module.flat().detach(), "way": way.state_dict()})
            if progress is not None:
                progress(_line(out, settings.epochs), time.monotonic() - begun)
    module.set_flat(out.flat)
    return out


def _values(module: Mixture) -> np.ndarray:
    return module.flat().detach().cpu().numpy()


def _entry(
    epoch: int, train: float | None, judge: Mixture | None, way: StochasticEM | TorchSteps
) -> dict[str, float | int | None]:
    held_out = None
    if judge is not None:
        with torch.no_grad():
            held_out = float(judge.total_loglik(judge.flat()[None])[0] / judge.weight.sum())
        _check_finite(held_out, epoch)
    rate = way.rate if isinstance(way, TorchSteps) else None
    return {"epoch": epoch, "training": train, "held_out": held_out, "learning_rate": rate}


def _check_finite(value: float, epoch: int) -> None:
    if not np.isfinite(value):
        raise DataError(
            f"optimiser: the log-likelihood is {value} in epoch {epoch}.", code="diverged", argument="optimiser",
            way_out="Give it a smaller learning rate, or leave it out: EM by batches has none.",
        )


def _mark(prepared: Prepared, settings: Settings, module: Mixture) -> str:
    """Tells this training from those of other models, data and settings."""
    digest = hashlib.sha256(f"{prepared.spec} {settings.key}".encode())
    for m in prepared.panel.outcomes:
        for values in (m.y, m.time, m.subject, m.covariates):
            digest.update(np.ascontiguousarray(values).tobytes())
    for values in (prepared.panel.subjects.risk, module.person_weight):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _resumed(file: TrainingCheckpoint | None, module: Mixture, way: StochasticEM | TorchSteps) -> Epochs:
    """What the file has of this training; nothing where there is none."""
    state = None if file is None else file.read()
    if state is None:
        return Epochs()
    module.set_flat(state["flat"])
    way.load_state_dict(state["way"])
    return Epochs(list(state["history"]), state["best"], state["best_flat"].numpy())


def _line(out: Epochs, epochs: int) -> str:
    last = out.history[-1]
    now = last["training"] if last["held_out"] is None else last["held_out"]
    whose = "training" if last["held_out"] is None else "held out"
    best = f", best {out.history[out.best]['held_out']:.5f} in epoch {out.best}" if last["held_out"] is not None else ""
    return f"epoch {last['epoch']} of {epochs}: log-likelihood per person, {whose}, {now:.5f}{best}"
