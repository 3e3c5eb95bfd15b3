"""The mode of a normal chain between bounds against scipy's bounded optimiser, and the slope there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import optimize

from gbtm.likelihood import bounded_chain

M = 5


def chain(seed):
    """A precision (diagonal and off it), a linear term, and bounds some of which bind."""
    rng = np.random.default_rng(seed)
    own, across = rng.uniform(2.2, 4.0, M), rng.uniform(-1.0, 1.0, M - 1)
    low = np.where(rng.random(M) < 0.5, rng.normal(size=M), -np.inf)
    high = np.where(np.isinf(low), rng.normal(size=M), np.inf)
    return own, across, 3 * rng.normal(size=M), low, high


@pytest.mark.parametrize("seed", range(6))
def test_mode_is_the_bounded_maximum(seed):
    own, across, pull, low, high = chain(seed)
    precision = np.diag(own) + np.diag(across, 1) + np.diag(across, -1)
    tensors = [torch.as_tensor(v) for v in (own, across, pull, low, high)]
    np.testing.assert_array_equal(bounded_chain.tridiagonal(*tensors[:2]), precision)
    found = optimize.minimize(
        lambda x: 0.5 * x @ precision @ x - pull @ x, np.clip(0, low, high), jac=lambda x: precision @ x - pull,
        bounds=list(zip(low, high, strict=True)), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-10},
    )
    got = bounded_chain.mode_within(*tensors)
    np.testing.assert_allclose(got, found.x, atol=2 * bounded_chain.NEAR_MODE)
    slope = np.abs(pull - precision @ found.x)
    free = (found.x > low + 1e-6) & (found.x < high - 1e-6)
    of_ours = bounded_chain.slope_at(*tensors[:3], torch.as_tensor(found.x)).numpy()
    assert not of_ours[free].any()  # flat at a mode inside
    np.testing.assert_allclose(of_ours[~free], np.maximum(slope - np.sqrt(own), 0)[~free], atol=1e-5)


def test_one_value_is_its_own_mean_or_the_nearer_bound():
    own, pull = torch.tensor([[2.0], [2.0]]).double(), torch.tensor([[1.0], [1.0]]).double()
    low, high = torch.tensor([[-1.0], [0.7]]).double(), torch.tensor([[1.0], [2.0]]).double()
    got = bounded_chain.mode_within(own, own[:, :0], pull, low, high)
    np.testing.assert_allclose(got[:, 0], [0.5, 0.7])
