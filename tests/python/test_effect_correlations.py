"""Correlations of random effects by free parameters: against partial correlations by inversion, and differences."""

from __future__ import annotations

import numpy as np
import pytest

from gbtm.families.effect_correlations import (
    atanh_partial,
    correlation_root,
    correlation_root_slopes,
    correlations,
    correlations_jacobian,
    pairs_of,
)


def matrix(n, r):
    out = np.eye(n)
    for (a, b), value in zip(pairs_of(n), r, strict=True):
        out[a, b] = out[b, a] = value
    return out


def partial(whole, a, b):
    """Of effects a and b given those before a: from the inverse of their own matrix."""
    some = [*range(a), a, b]
    precision = np.linalg.inv(whole[np.ix_(some, some)])
    return -precision[-2, -1] / np.sqrt(precision[-2, -2] * precision[-1, -1])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_they_are_partial_correlations(n):
    z = np.random.default_rng(n).normal(size=n * (n - 1) // 2)
    whole = matrix(n, correlations(z))
    assert np.linalg.eigvalsh(whole)[0] > 0
    for (a, b), value in zip(pairs_of(n), z, strict=True):
        assert partial(whole, a, b) == pytest.approx(np.tanh(value), abs=1e-10)
    np.testing.assert_allclose(atanh_partial(correlations(z)), z, atol=1e-8)
    root = correlation_root(n, dict(zip(pairs_of(n), z, strict=True)), ())
    np.testing.assert_allclose(root, np.linalg.cholesky(whole), atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_derivatives_are_those_of_differences(n):
    z, h = np.random.default_rng(n).normal(size=n * (n - 1) // 2), 1e-6
    moved = np.array([(correlations(z + e) - correlations(z - e)) / (2 * h) for e in h * np.eye(z.size)]).T
    np.testing.assert_allclose(correlations_jacobian(z), moved, atol=1e-8)
    pairs = pairs_of(n)
    slopes = correlation_root_slopes(n, dict(zip(pairs, z, strict=True)), ())
    for e, pair in zip(h * np.eye(z.size), pairs, strict=True):
        up, down = (correlation_root(n, dict(zip(pairs, v, strict=True)), ()) for v in (z + e, z - e))
        np.testing.assert_allclose(slopes[pair], (up - down) / (2 * h), atol=1e-8)


def test_what_are_no_correlations_have_no_parameters():
    assert not np.isfinite(atanh_partial(np.array([0.9, 0.9, -0.9]))).all()
