"""A small recurrent network (GRU) as a rival: it reads a person's outcomes one after the other and foretells the next.

Its head are the predictors of the same family as the other rivals' (mean by wave, spread common to all), so that it is
scored on the same distributions. Trained by Adam on training people; a sixth of these say when to stop and how many
hidden units are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.panel import Panel
from ..families import Family
from .predictive import Predictive
from .rivals import Fitted, transformed
from .rolling import place_of

if TYPE_CHECKING:
    from torch import Tensor

VALIDATION = 6  # one person in so many says when to stop
BATCH = 64
EPOCHS = 300
PATIENCE = 25
RATE = 0.01


class _Sequences:
    """Padded sequences (N, T) of a panel: what the network reads, and what it foretells."""

    def __init__(self, panel: Panel, family: Family, scaling: dict[str, float] | None = None) -> None:
        m = panel.outcomes[0]
        place = place_of(m.subject)
        f = transformed(family, m.y)
        self.scaling = scaling or {
            "f": float(f.mean()), "f_sd": float(f.std()) or 1.0, "t": float(m.time.mean()),
            "t_sd": float(m.time.std()) or 1.0}
        s = self.scaling
        shape = (panel.n_subjects, int(place.max(initial=0)) + 1)
        self.y, self.mask = np.zeros(shape), np.zeros(shape, dtype=bool)
        self.log_exposure, self.x = np.zeros(shape), np.zeros((*shape, 2))
        at = m.subject, place
        self.y[at], self.mask[at] = m.y, place > 0
        self.x[(*at, 1)] = (m.time - s["t"]) / s["t_sd"]
        if m.exposure is not None:
            self.log_exposure[at] = np.log(m.exposure)
        later = np.flatnonzero(place > 0)
        self.x[m.subject[later], place[later], 0] = (f[m.previous[later]] - s["f"]) / s["f_sd"]
        self.rows, self.place = later, (m.subject[later], place[later])


def recurrent(train: Panel, test: Panel, family: Family, hidden: Sequence[int], rng: int) -> Fitted:
    """The network fitted to training people, and what it foretells of those held out."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rng)
        order = np.random.default_rng(rng).permutation(train.n_subjects)
        n_valid = max(1, train.n_subjects // VALIDATION)
        fit, valid = train.subset(np.sort(order[n_valid:])), train.subset(np.sort(order[:n_valid]))
        learn = _Sequences(fit, family)
        stop = _Sequences(valid, family, learn.scaling)
        found = [(*_trained(_network(h, family, learn), family, learn, stop, rng), h) for h in hidden]
    _, network, size = min(found, key=lambda f: f[0])
    ahead = _Sequences(test, family, learn.scaling)
    with torch.no_grad():
        u = {k: v.numpy()[ahead.place][None] for k, v in network(ahead).items()}
    n = sum(p.numel() for p in network.parameters())
    return Fitted(f"GRU({size})", n, Predictive(family, np.ones((1, ahead.rows.size)), u), ahead.rows)


def _network(hidden: int, family: Family, learn: _Sequences) -> Any:
    import torch
    from torch import nn

    scale = [p for p in family.predictors if p.startswith("log_")]
    unit = learn.scaling["f_sd"] if family.link == "identity" else 1.0
    shown = learn.y[learn.mask]

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(2, hidden, batch_first=True, dtype=torch.float64)
            self.head = nn.Linear(hidden, 1, dtype=torch.float64)
            spread = [np.log(max(float(family.on_eta(shown).std()), 1e-6)) if s == "log_sigma" else 0.0 for s in scale]
            self.spread = nn.Parameter(torch.tensor(spread, dtype=torch.float64))
            with torch.no_grad():
                mean = float(shown.mean()) if shown.size else 0.0
                start = {"identity": mean / unit, "log": np.log(max(mean, 1e-3)),
                         "logit": np.log(np.clip(mean, 0.01, 0.99) / (1 - np.clip(mean, 0.01, 0.99)))}
                self.head.bias.fill_(float(start[family.link]))

        def forward(self, given: _Sequences, people: np.ndarray | None = None) -> dict[str, Tensor]:
            some = slice(None) if people is None else people
            out = self.head(self.gru(torch.from_numpy(given.x[some]))[0])[..., 0] * unit
            u = {"mean": out + torch.from_numpy(given.log_exposure[some])}
            return u | {s: self.spread[j].expand(out.shape) for j, s in enumerate(scale)}

    return Network()


def _loss(u: dict[str, Tensor], family: Family, given: _Sequences, people: np.ndarray | None = None) -> Tensor:
    """Minus the mean log density of what is foretold."""
    import torch

    some = slice(None) if people is None else people
    mask, y = given.mask[some], given.y[some]
    at = torch.from_numpy(mask)
    flat = {k: v[at] for k, v in u.items()}
    known = y[mask]
    if family.by_value:
        flat["y"] = torch.from_numpy(known)
    terms = family.terms(flat)
    values = (terms * torch.from_numpy(family.statistics(known))).sum(-1) + torch.from_numpy(family.constant(known))
    return -values.mean()


def _trained(network: Any, family: Family, learn: _Sequences, stop: _Sequences, rng: int) -> tuple[float, Any]:
    """The loss on the validation people at its lowest, and the network there."""
    import copy

    import torch

    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    draw = np.random.default_rng([rng, 1])
    best, kept, waited = np.inf, copy.deepcopy(network), 0
    for _ in range(EPOCHS):
        order = draw.permutation(learn.y.shape[0])
        for i in range(0, order.size, BATCH):
            people = order[i : i + BATCH]
            if not learn.mask[people].any():
                continue
            optimiser.zero_grad()
            loss = _loss(network(learn, people), family, learn, people)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
        with torch.no_grad():
            now = float(_loss(network(stop), family, stop))
        if now < best - 1e-5:
            best, kept, waited = now, copy.deepcopy(network), 0
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    return best, kept
