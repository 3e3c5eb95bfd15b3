"""Training a membership network: with the groups' curves as they are, then with the curves too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..compute.torch_optimisers import ready_optimisers
from ..likelihood.mixture import Mixture
from .membership_network import MembershipNetwork

ROUNDS = 300  # of L-BFGS
GRADIENT = 1e-7  # of the mean objective at which it ends
ROUGH_ROUNDS, ROUGH_GRADIENT = 100, 1e-5  # where ridges or starts are compared
STOP_SHARE = 1 / 6  # of the people by whom early stopping stops
STOP_EPOCHS, STOP_RATE, STOP_PATIENCE = 600, 0.02, 30
INNER_FOLDS = 3  # by which the ridge is chosen


@dataclass(frozen=True, eq=False)
class People:
    """Those trained on, or judged: their likelihood, covariates and weights.

    Attributes
    ----------
    module : of a model without membership covariates
    z : (N, r)
    weight : (N,) with mean 1
    unit : (N,) codes of the clusters, or of the people
    """

    module: Mixture
    z: np.ndarray
    weight: np.ndarray
    unit: np.ndarray

    def group_loglik(self, flat: Tensor) -> Tensor:
        """Parameters (p,) -> log f_k(y_i) (K, N), and the constant that all groups share."""
        values = self.module.group_loglik(flat[None])[0] + self.module.constant
        return values if self.module.expand is None else values[:, torch.as_tensor(self.module.expand)]


def logliks(network: MembershipNetwork, x: Tensor, group_loglik: Tensor) -> Tensor:
    """log sum_k pi_k(z_i) f_k(y_i), (N,)."""
    return torch.logsumexp(network(x) + group_loglik, dim=0)


def climb(
    network: MembershipNetwork, people: People, ridge: float, flat: Tensor, group_loglik: Tensor | None = None
) -> tuple[Tensor, float]:
    """Maximise the penalised log-likelihood over the network, and over the curves' parameters (p,) too unless
    ``group_loglik`` (K, N) is given; the parameters reached, and the objective."""
    x, weight = network.standardised(people.z), torch.as_tensor(people.weight)
    flat = flat.clone().requires_grad_(group_loglik is None)
    free = [p for p in network.parameters() if p.numel()] + ([flat] if group_loglik is None else [])
    rounds, gradient = (ROUNDS, GRADIENT) if group_loglik is None else (ROUGH_ROUNDS, ROUGH_GRADIENT)
    ready_optimisers()
    optimiser = torch.optim.LBFGS(
        free, max_iter=rounds, max_eval=2 * rounds, tolerance_grad=gradient, tolerance_change=1e-13, history_size=30,
        line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        given = people.group_loglik(flat) if group_loglik is None else group_loglik
        return (network.penalty(ridge) - logliks(network, x, given) @ weight) / weight.sum()

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = objective()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return flat.detach(), -float(objective() * weight.sum())


def fresh(people: People, names: tuple[str, ...], hidden: int, shares: np.ndarray, seed: int) -> MembershipNetwork:
    """A network before training."""
    return MembershipNetwork(names, people.z, shares.size, hidden, shares, np.random.default_rng(seed))


def best_start(
    people: People, names: tuple[str, ...], hidden: int, shares: np.ndarray, flat: Tensor, ridge: float,
    seeds: list[int],
) -> MembershipNetwork:
    """The best of several networks trained with the curves as they are."""
    with torch.no_grad():
        given = people.group_loglik(flat)
    found = []
    for seed in seeds:
        network = fresh(people, names, hidden, shares, seed)
        found.append((climb(network, people, ridge, flat, given)[1], network))
    return max(found, key=lambda f: f[0])[1]


def choose_ridge(
    people: People, names: tuple[str, ...], hidden: int, shares: np.ndarray, flat: Tensor, ridges: tuple[float, ...],
    seed: int,
) -> float:
    """The ridge that predicts best by cross-validation within these people, whose curves stay as they are."""
    if len(ridges) == 1:
        return ridges[0]
    with torch.no_grad():
        given = people.group_loglik(flat)
    units = np.random.default_rng(seed).permutation(np.unique(people.unit))
    score = np.zeros(len(ridges))
    for held_units in np.array_split(units, INNER_FOLDS):
        held = np.isin(people.unit, held_units)
        rest = torch.as_tensor(~held)
        train = People(people.module, people.z[~held], people.weight[~held], people.unit[~held])
        for j, ridge in enumerate(ridges):
            network = fresh(train, names, hidden, shares, seed)
            climb(network, train, ridge, flat, given[:, rest])
            with torch.no_grad():
                out = logliks(network, network.standardised(people.z[held]), given[:, ~rest])
            score[j] += float(out @ torch.as_tensor(people.weight[held]))
    return ridges[int(np.argmax(score))]


def stop_early(
    people: People, names: tuple[str, ...], hidden: int, shares: np.ndarray, flat: Tensor, seed: int
) -> tuple[MembershipNetwork, Tensor]:
    """The alternative to a ridge: Adam until people of these who were set aside are predicted no better; the network
    and the curves' parameters then."""
    units = np.random.default_rng(seed).permutation(np.unique(people.unit))
    aside = torch.as_tensor(np.isin(people.unit, units[: max(1, round(STOP_SHARE * units.size))]))
    network, flat = fresh(people, names, hidden, shares, seed), flat.clone().requires_grad_()
    ready_optimisers()
    optimiser = torch.optim.Adam([*network.parameters(), flat], lr=STOP_RATE)
    x, weight = network.standardised(people.z), torch.as_tensor(people.weight)
    best, since = (-np.inf, network.state_dict(), flat.detach()), 0
    for _ in range(STOP_EPOCHS):
        values = logliks(network, x, people.group_loglik(flat)) * weight
        judged = float(values[aside].detach().sum())
        since += 1
        if judged > best[0]:
            best, since = (judged, {k: v.clone() for k, v in network.state_dict().items()}, flat.detach().clone()), 0
        if since >= STOP_PATIENCE:
            break
        optimiser.zero_grad()
        (-values[~aside].sum() / weight[~aside].sum()).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    network.load_state_dict(best[1])
    return network, best[2]
