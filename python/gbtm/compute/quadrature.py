"""Gauss-Legendre and Gauss-Hermite rules, and how many nodes to take."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from torch import Tensor

RULES = (12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192)


def legendre(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes on (-1, 1) and log weights of the Gauss-Legendre rule, (n,) each, of the kind and device of ``like``."""
    nodes, weights = _leggauss(n)
    return like.new_tensor(nodes), like.new_tensor(np.log(weights))


_leggauss = lru_cache(np.polynomial.legendre.leggauss)


def hermite(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Nodes and log weights (n,) of an integral over all numbers, exact where the integrand is the normal density times
    a polynomial of degree 2n - 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return like.new_tensor(nodes), like.new_tensor(np.log(weights) + 0.5 * nodes**2)


def enough_nodes(needed: float) -> int:
    """The smallest rule with that many nodes, or the largest there is."""
    return next((n for n in RULES if n >= needed), RULES[-1])
