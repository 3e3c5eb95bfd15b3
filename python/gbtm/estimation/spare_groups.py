"""A group that adds nothing gets people of its own: new starts from an optimum with one group too many.

Where two groups are the same, or one is empty, the optimum is one of fewer groups, and a step of any size along a
group's own directions leads back to it. What else the spare group could be is a few people's curve (Lindsay 1983: a
mixture is at its maximum if no further curve would explain some people better at the others' expense).
"""

from __future__ import annotations

import numpy as np
import torch

from ..likelihood.mixture import Mixture
from .directed_splits import joint_densities
from .labellings import partitions_of_known
from .starts import from_partition

SPARE = 0.01  # of the log-likelihood, what a group adds at most that is spare
MOST = 48  # starts
FEW = (2, 4, 8, 16)  # people who are most like one another
WEIGHT = 0.9  # of them in their new group
SHARE = 0.02  # of all others there


def spare_group(module: Mixture, flat: np.ndarray) -> int | None:
    """A group whose members would be explained as well by another's curve; parameters (p,)."""
    joint = joint_densities(module, flat)
    groups = range(len(joint))
    here, weight = torch.logsumexp(joint, 0), module.weight
    shares = (torch.softmax(joint, 0) @ weight).clamp_min(1e-300)
    for b in reversed(groups):
        for a in groups:
            if a != b:
                instead = joint.clone()
                # b's curve is a's: a's joint density with the shares of both
                instead[a] += torch.log1p(shares[b] / shares[a])
                instead[b] = -torch.inf
                if float((here - torch.logsumexp(instead, 0)) @ weight) < SPARE:
                    return b
    return None


def spare_starts(module: Mixture, flat: np.ndarray, curves: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Starts (B, p) from parameters (p,): the spare group is some person and those most like them by ``curves`` (U, q).

    None where no group is spare. In dual models, whose pairs of groups have no shares of their own, there is none.
    """
    spare = None if module.layout.spec.is_dual else spare_group(module, flat)
    if spare is None:
        return torch.zeros((0, module.layout.size), dtype=torch.float64)
    weights = partitions_of_known(module, peopled(module, flat, spare, curves, rng))
    return from_partition(module, weights, rng, np.zeros(len(weights), dtype=bool))


def peopled(module: Mixture, flat: np.ndarray, spare: int, curves: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Soft partitions (B, K, U): those of the optimum, but for a few people each."""
    share = torch.softmax(joint_densities(module, flat), 0).cpu().numpy()
    share[spare] = 0.0
    share = (1 - SHARE) * share / share.sum(axis=0)
    share[spare] = SHARE
    people = rng.permutation(curves.shape[0])[:MOST]
    weights = np.repeat(share[None], len(people), axis=0)
    for turn, person in enumerate(people):
        few = FEW[turn % len(FEW)]
        near = np.argsort(((curves - curves[person]) ** 2).sum(axis=1), kind="stable")[:few]
        weights[turn][:, near] *= 1 - WEIGHT
        weights[turn, spare, near] = WEIGHT
    return weights / weights.sum(axis=1, keepdims=True)
