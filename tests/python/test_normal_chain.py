"""One step of the chain against scipy's normal density and moments summed out, and its mode between bounds against
scipy's bounded optimiser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import optimize
from scipy.stats import norm

from gbtm.densities.normal_chain import (
    NEAR_MODE,
    Rows,
    at_nodes,
    carried,
    log_kernel,
    log_kernels,
    mode_within,
    slope_at,
    tridiagonal,
)


def rows(groups=2, n=3, seed=0):
    rng = np.random.default_rng(seed)
    eta, last, c, sigma = rng.normal(size=(4, groups, n))
    values = eta, last, np.tanh(c), np.exp(sigma)
    return values, Rows(*(torch.as_tensor(v) for v in values))


def test_kernel_is_the_conditional_normal_density():
    (eta, last_eta, c, sigma), given = rows()
    rng = np.random.default_rng(1)
    y, last = rng.normal(size=(2, 3))  # values seen, the same for both groups
    at = torch.tensor([0, 1, 2])
    want = norm.logpdf(y, eta + c * (last - last_eta), sigma * np.sqrt(1 - c**2))
    np.testing.assert_allclose(log_kernel(given, at, *map(torch.as_tensor, (y, last))), want, rtol=1e-12)
    here, before = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 5))
    mean = eta[..., None, None] + c[..., None, None] * (before[:, :, None] - last_eta[..., None, None])
    want = norm.logpdf(here[..., None], mean, (sigma * np.sqrt(1 - c**2))[..., None, None])
    np.testing.assert_allclose(log_kernels(given, at, *map(torch.as_tensor, (here, before))), want, rtol=1e-12)


def test_expectations_are_carried_forward():
    """E(s) and E(h + s s') when the value before has a law over nodes, by sums written out."""
    rng = np.random.default_rng(2)
    groups, runs, here, before, size = 1, 2, 3, 4, 2
    back = rng.dirichlet(np.ones(before), (groups, runs, here))
    x, y = rng.normal(size=(groups, runs, before)), rng.normal(size=(groups, runs, here))
    one, two = rng.normal(size=(groups, runs, size, 6)), rng.normal(size=(groups, runs, size, size, 6))
    score = rng.normal(size=(groups, runs, before, size))
    bend = rng.normal(size=(groups, runs, before, size, size))
    of_one, of_two = (at_nodes(torch.as_tensor(f), torch.as_tensor(y)) for f in (one, two))
    got = carried(*(torch.as_tensor(v) for v in (back, x, score, bend)), of_one, of_two)
    for i in np.ndindex(groups, runs, here):
        g, r, j = i
        first, second = np.zeros(size), np.zeros((size, size))
        for k in range(before):
            a, b = y[g, r, j], x[g, r, k]
            z = np.array([1, a, a * a, b, b * b, a * b])
            s = score[g, r, k] + one[g, r] @ z
            first += back[i][k] * s
            # the new factor adds its own h and s s', and its products with what was carried
            own = one[g, r] @ z
            cross = np.outer(own, score[g, r, k])
            second += back[i][k] * (bend[g, r, k] + cross + cross.T + np.outer(own, own) + two[g, r] @ z)
        np.testing.assert_allclose(got[0][i], first, rtol=1e-10)
        np.testing.assert_allclose(got[1][i], second, rtol=1e-10)


M = 5


def bounded(seed):
    """A precision (diagonal and off it), a linear term, and bounds some of which bind."""
    rng = np.random.default_rng(seed)
    own, across = rng.uniform(2.2, 4.0, M), rng.uniform(-1.0, 1.0, M - 1)
    low = np.where(rng.random(M) < 0.5, rng.normal(size=M), -np.inf)
    high = np.where(np.isinf(low), rng.normal(size=M), np.inf)
    return own, across, 3 * rng.normal(size=M), low, high


@pytest.mark.parametrize("seed", range(6))
def test_mode_is_the_bounded_maximum(seed):
    own, across, pull, low, high = bounded(seed)
    precision = np.diag(own) + np.diag(across, 1) + np.diag(across, -1)
    tensors = [torch.as_tensor(v) for v in (own, across, pull, low, high)]
    np.testing.assert_array_equal(tridiagonal(*tensors[:2]), precision)
    found = optimize.minimize(
        lambda x: 0.5 * x @ precision @ x - pull @ x, np.clip(0, low, high), jac=lambda x: precision @ x - pull,
        bounds=list(zip(low, high, strict=True)), method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-10},
    )
    got = mode_within(*tensors)
    np.testing.assert_allclose(got, found.x, atol=2 * NEAR_MODE)
    slope = np.abs(pull - precision @ found.x)
    free = (found.x > low + 1e-6) & (found.x < high - 1e-6)
    of_ours = slope_at(*tensors[:3], torch.as_tensor(found.x)).numpy()
    assert not of_ours[free].any()  # flat at a mode inside
    np.testing.assert_allclose(of_ours[~free], np.maximum(slope - np.sqrt(own), 0)[~free], atol=1e-5)


def test_one_value_is_its_own_mean_or_the_nearer_bound():
    own, pull = torch.tensor([[2.0], [2.0]]).double(), torch.tensor([[1.0], [1.0]]).double()
    low, high = torch.tensor([[-1.0], [0.7]]).double(), torch.tensor([[1.0], [2.0]]).double()
    got = mode_within(own, own[:, :0], pull, low, high)
    np.testing.assert_allclose(got[:, 0], [0.5, 0.7])
