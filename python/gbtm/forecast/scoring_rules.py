"""How good a predictive distribution was, once the outcome is known: log score and CRPS, observation by observation.

CRPS(F, y) = integral of (F(x) - 1[x >= y])^2 dx (Gneiting and Raftery 2007, JASA 102, 359-378), a sum for whole
numbers.
Both are strictly proper: nobody gains in expectation by saying anything but what he believes.
"""

from __future__ import annotations

import numpy as np

from .predictive import Predictive

TAIL = 1e-7  # of the distribution, and so about of a CRPS, beyond which nothing is summed
MOST_COUNTS = 20_000
NODES = 48  # of Gauss and Legendre's rule, on either side of the outcome
PIECES = 6


def crps(predictive: Predictive, y: np.ndarray) -> np.ndarray:
    """(n,) continuous ranked probability score of outcomes (n,); smaller is better, in units of y."""
    return _of_whole_numbers(predictive, y) if predictive.is_discrete else _of_reals(predictive, y)


def _of_whole_numbers(predictive: Predictive, y: np.ndarray) -> np.ndarray:
    last = np.minimum(np.maximum(predictive.quantile(1 - TAIL), y), np.maximum(y, MOST_COUNTS))
    out, here, x = np.zeros(y.size), np.arange(y.size), 0.0
    part = predictive
    while here.size:
        upto = part.cumulative(x)[1]
        out[here] += (upto - (x >= y[here])) ** 2
        x += 1
        left = x <= last[here]
        if not left.all():
            here, part = here[left], part.take(np.flatnonzero(left))
    return out


def _of_reals(predictive: Predictive, y: np.ndarray) -> np.ndarray:
    """On either side of y, where F is smooth, by Gauss and Legendre's rule in pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    low, high = predictive.quantile(TAIL / 2), predictive.quantile(1 - TAIL / 2)
    out = np.zeros(y.size)
    for start, end, above in ((np.minimum(low, y), y, False), (y, np.maximum(high, y), True)):
        width = (end - start) / PIECES
        for piece in range(PIECES):
            left = start + piece * width
            for node, weight in zip(nodes, weights, strict=True):
                f = predictive.cumulative(left + 0.5 * width * (node + 1))[1]
                out += 0.5 * width * weight * (1 - f if above else f) ** 2
    return out
