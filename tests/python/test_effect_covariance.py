"""The covariance of random effects: against its formula, and its derivatives against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gbtm.densities.effect_covariance import EffectCovariance


def written_out(own, log_sigma, n_random):
    r = own[:n_random] * torch.exp(-log_sigma)
    c = torch.tanh(own[n_random]) if len(own) > n_random else torch.zeros((), dtype=torch.float64)
    correlations = torch.eye(n_random, dtype=torch.float64) * (1 - c) + c
    return r[:, None] * correlations * r[None]


@pytest.mark.parametrize(("n_random", "size"), [(1, 1), (2, 2), (2, 3)])
def test_root_and_derivatives(n_random, size):
    rng = np.random.default_rng(size)
    own, log_sigma = torch.as_tensor(rng.normal(size=size)), torch.tensor(0.0, dtype=torch.float64)
    got = EffectCovariance.of(own, log_sigma, n_random)
    assert got.size == size
    a = written_out(own, log_sigma, n_random)
    torch.testing.assert_close(got.root @ got.root.T, a)
    first = torch.autograd.functional.jacobian(lambda v: written_out(v, log_sigma, n_random), own)
    torch.testing.assert_close(got.first, first.movedim(2, 0))
    for j in range(n_random):
        for k in range(n_random):
            second = torch.autograd.functional.hessian(lambda v, j=j, k=k: written_out(v, log_sigma, n_random)[j, k],
                                                       own)
            torch.testing.assert_close(got.second[..., j, k], second)
