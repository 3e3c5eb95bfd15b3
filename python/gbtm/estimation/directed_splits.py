"""Splits of a group along the directions in which its members differ most.

With a_i a member's score and I the group's information per member, both in the group's own coefficients, members who
all have the group's coefficients make E[a a'] = I. Where they have a variance V of their own, E[a a'] = I + I V I. The
eigenvectors of the excess relative to I are the directions in which two groups can replace one with the largest gain
(the second derivative of the log-likelihood in the size of a symmetric split), its eigenvalues the variance there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch

from ..likelihood.derivatives import group_information
from ..likelihood.mixture import Mixture
from .ledger import Optimum, same
from .rearrange import copied

DIRECTIONS = 3  # of each group, those in which its members differ most
REACH = (0.5, 1.0, 2.0)  # how far apart the halves are put, in standard deviations of the members
SPREAD = (0.3, 2.0)  # of members, least and most, in standard errors of one member's coefficients
KNOWN = 1e-8  # share of the largest information below which the data know nothing of a direction
MEMBERS_LEAST = 2.0  # of a group that is split


@dataclass
class Splits:
    """What can be made of one optimum: steps per group (see :func:`directions`), and the splits not made yet."""

    optimum: Optimum
    steps: list[np.ndarray]
    left: list[tuple[int, int, int, int, float]]  # turn, direction, group split, group replaced, reach


class DirectedSplits:
    """Splits of the best optima's groups: group a is split in two, of which one takes group b's place.

    First come those that look best: at the best optimum, along the first direction, in place of the group whose loss
    costs least. Each step down in one of these waits one turn more.
    """

    def __init__(self, module: Mixture, rng: np.random.Generator) -> None:
        self.module, self.rng = module, rng
        self._known: list[Splits] = []

    def next(self, optima: list[Optimum], count: int) -> np.ndarray:
        """Up to ``count`` starts (B, p) that were not made before."""
        starts: list[np.ndarray] = []
        queues = [self._of(o) for o in optima]
        last = max((split[0] + rank for rank, q in enumerate(queues) for split in q.left), default=-1)
        for turn in range(last + 1):
            for rank, splits in enumerate(queues):
                for split in [s for s in splits.left if s[0] == turn - rank][: count - len(starts)]:
                    splits.left.remove(split)
                    starts.append(self._start(splits, *split[1:]))
        return np.stack(starts) if starts else np.zeros((0, self.module.layout.size))

    def _of(self, optimum: Optimum) -> Splits:
        for known in self._known:
            if same(known.optimum, optimum, self.module):
                return known
        steps = directions(self.module, optimum.flat)
        place = np.argsort(np.argsort(losses(self.module, optimum.flat)))
        left = [
            (int(d + place[b] + turn), d, a, b, float(reach))
            for a, b in permutations(range(len(steps)), 2) for d in range(len(steps[a]))
            for turn, reach in enumerate(self.rng.permutation(REACH))
        ]
        left = [left[i] for i in self.rng.permutation(len(left))]
        self._known.append(Splits(optimum, steps, left))
        return self._known[-1]

    def _start(self, splits: Splits, direction: int, a: int, b: int, reach: float) -> np.ndarray:
        start = copied(self.module.layout, splits.optimum.flat, a, b)
        step = splits.steps[a][direction] * reach * self.rng.choice([-1.0, 1.0])
        select = self.module.select.cpu().numpy()
        return start + select[a].T @ step - select[b].T @ step


def losses(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """The log-likelihood (K,) that would be lost if each group's members had to do with the others; parameters (p,)."""
    joint = joint_densities(module, flat)
    groups = range(joint.shape[0])
    others = torch.stack([torch.logsumexp(joint[[k for k in groups if k != b]], 0) for b in groups])
    return ((torch.logsumexp(joint, 0) - others) @ module.weight).cpu().numpy()


def joint_densities(module: Mixture, flat: np.ndarray) -> torch.Tensor:
    """Log shares plus log densities (K, U) of the distinct subjects; parameters (p,)."""
    with torch.no_grad():
        at = torch.as_tensor(flat, device=module.device)[None]
        return torch.cat([s.joint(at)[0] for s in module.shards], dim=1)


def directions(module: Mixture, flat: np.ndarray) -> list[np.ndarray]:
    """For each group, steps (D, Q) in its own coefficients, each one standard deviation of its members long.

    Parameters (p,). Directions of large differences come first; D is at most ``DIRECTIONS``, less where the data know
    nothing of a direction, and 0 in a group with hardly a member.
    """
    with torch.no_grad():
        products, information, members = (
            x.cpu().numpy() for x in group_information(module, torch.as_tensor(flat, device=module.device))
        )
    # not the coefficients that groups share: moved apart, the halves would pull them both ways
    own = (module.select @ (module.select.sum((0, 1)) == 1).to(module.select.dtype)).cpu().numpy() > 0
    steps = []
    for k, n in enumerate(members):
        at = np.ix_(own[k], own[k])
        few = n < MEMBERS_LEAST
        inside = np.zeros((0, own[k].sum())) if few else _steps(products[k][at] / n, information[k][at] / n)
        steps.append(np.zeros((len(inside), own.shape[1])))
        steps[-1][:, own[k]] = inside
    return steps


def _steps(products: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Steps (D, Q) from the two matrices (Q, Q) per member."""
    none = np.zeros((0, len(information)))
    if not (np.isfinite(products).all() and np.isfinite(information).all()):
        return none
    values, vectors = np.linalg.eigh(information)
    known = values > KNOWN * np.abs(values).max(initial=0.0)
    if not known.any():
        return none
    root = vectors[:, known] / np.sqrt(values[known])
    excess, along = np.linalg.eigh(root.T @ products @ root - np.eye(root.shape[1]))
    first = np.argsort(-excess)[:DIRECTIONS]
    length = np.sqrt(np.maximum(excess[first], 0.0)).clip(*SPREAD)
    return (root @ along[:, first] * length).T
