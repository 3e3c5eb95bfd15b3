"""Gauss-Legendre rules, and how many nodes to take."""

from __future__ import annotations

import numpy as np
from torch import Tensor

RULES = (12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192)


def legendre(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes on (-1, 1) and log weights of the Gauss-Legendre rule, (n,) each, of the kind and device of ``like``."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return like.new_tensor(nodes), like.new_tensor(np.log(weights))


def enough_nodes(needed: float) -> int:
    """The smallest rule with that many nodes, or the largest there is."""
    return next((n for n in RULES if n >= needed), RULES[-1])
