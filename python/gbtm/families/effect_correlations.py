"""Correlations of random effects by parameters that may have any value.

z_ab = atanh p_ab, with p_0b the correlation of effect b with the first and p_ab its correlation with effect a given the
effects before a. Every z then gives a matrix of correlations, and every such matrix inside its bounds has one z
(Lewandowski, Kurowicka and Joe 2009, Journal of Multivariate Analysis 100, 1989-2001). Its lower triangular root has
the entries

    L_ba = p_ab prod_{k<a} s_kb,   L_bb = prod_{k<b} s_kb,   s = sqrt(1 - p^2),

each a product of functions of one z.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

Pair = tuple[int, int]


def pairs_of(n: int) -> list[Pair]:
    """Pairs a < b of n effects in the order of their parameters: those of fewer effects come first."""
    return [(a, b) for b in range(n) for a in range(b)]


def root_entries(n: int, factors: Mapping[Pair, tuple[Any, Any]], having: Collection[Pair] = ()) -> dict[Pair, Any]:
    """The entries (row, column) of L that depend on all pairs of ``having``, from the ``factors`` (p, s) of each pair.

    A derivative of L is that with the derivatives of some factors in their place.
    """
    out = {}
    for b in range(n):
        for a in range(b + 1):
            within = [(k, b) for k in range(min(a + 1, b))]
            if not set(having) <= set(within):
                continue
            product = 1.0
            for pair in within:
                product = product * factors[pair][0 if pair[0] == a else 1]
            out[b, a] = product
    return out


def _matrix(entries: Mapping[Pair, Any], n: int, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros((*shape, n, n))
    for (b, a), values in entries.items():
        out[..., b, a] = values
    return out


def correlation_root(n: int, atanh: Mapping[Pair, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """(.., n, n) L; pairs that are not there have z = 0."""
    none = np.zeros(shape)
    factors = {pair: (np.tanh(z), np.sqrt(1 - np.tanh(z) ** 2)) for pair, z in atanh.items()}
    return _matrix(root_entries(n, {pair: factors.get(pair, (none, none + 1)) for pair in pairs_of(n)}), n, shape)


def correlation_root_slopes(n: int, atanh: Mapping[Pair, np.ndarray], shape: tuple[int, ...]) -> dict[Pair, np.ndarray]:
    """The derivatives (.., n, n) of :func:`correlation_root` in each z."""
    out, none = {}, np.zeros(shape)
    p = {pair: np.tanh(atanh.get(pair, none)) for pair in pairs_of(n)}
    factors = {pair: (v, np.sqrt(1 - v**2)) for pair, v in p.items()}
    for pair, v in p.items():
        s = factors[pair][1]
        moved = {**factors, pair: (1 - v**2, -v * s)}
        out[pair] = _matrix(root_entries(n, moved, [pair]), n, shape)
    return out


def correlations(z: np.ndarray) -> np.ndarray:
    """z (P,) of all pairs -> their correlations (P,)."""
    pairs, n = pairs_of(_effects(z)), _effects(z)
    root = correlation_root(n, dict(zip(pairs, z, strict=True)), ())
    return np.array([root[a] @ root[b] for a, b in pairs])


def correlations_jacobian(z: np.ndarray) -> np.ndarray:
    """(P, P) of :func:`correlations`."""
    pairs, n = pairs_of(_effects(z)), _effects(z)
    given = dict(zip(pairs, z, strict=True))
    root, slopes = correlation_root(n, given, ()), correlation_root_slopes(n, given, ())
    moved = [slopes[pair] @ root.T + root @ slopes[pair].T for pair in pairs]
    return np.array([[m[a, b] for m in moved] for a, b in pairs])


def atanh_partial(r: np.ndarray) -> np.ndarray:
    """Correlations (P,) of all pairs -> z (P,): NaN or infinite where they are those of no matrix."""
    n = _effects(r)
    z, root = np.zeros(r.size), np.eye(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        for at, (a, b) in enumerate(pairs_of(n)):
            left = np.sqrt(1 - (root[b, :a] ** 2).sum())
            partial = (r[at] - root[a, :a] @ root[b, :a]) / (root[a, a] * left)
            z[at] = np.arctanh(partial)
            root[b, a] = partial * left
            root[b, b] = np.sqrt(1 - (root[b, : a + 1] ** 2).sum())
    return z


def _effects(z: np.ndarray) -> int:
    """The number of effects that have that many pairs."""
    return round((1 + np.sqrt(1 + 8 * z.size)) / 2)
