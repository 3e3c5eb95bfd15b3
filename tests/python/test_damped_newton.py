"""The damped step is Newton's where it can be, goes uphill elsewhere, and is bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gbtm.compute.damped_newton import DAMPING_FLOOR, damped_step


def test_damped_step_is_newtons_where_the_hessian_is_negative_definite():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(5, 5))
    hessian = torch.as_tensor(-(a @ a.T + np.eye(5)))[None]
    gradient = torch.as_tensor(rng.normal(size=(1, 5)))
    step, used = damped_step(hessian, gradient, torch.tensor([DAMPING_FLOOR], dtype=torch.float64), torch.zeros(1, 5))
    want = np.linalg.solve(-hessian[0].numpy(), gradient[0].numpy())
    np.testing.assert_allclose(step[0].numpy(), want, rtol=1e-8)
    assert used[0] == DAMPING_FLOOR


@pytest.mark.parametrize("kind", ["indefinite", "zero", "nan"])
def test_damped_step_goes_uphill_whatever_the_hessian(kind):
    hessian = {
        "indefinite": torch.diag(torch.tensor([-1.0, 2.0, -3.0], dtype=torch.float64)),
        "zero": torch.zeros(3, 3, dtype=torch.float64), "nan": torch.full((3, 3), torch.nan, dtype=torch.float64),
    }[kind][None]
    gradient = torch.tensor([[1.0, -1.0, 0.5]], dtype=torch.float64)
    step, _ = damped_step(hessian, gradient, torch.tensor([1e-3], dtype=torch.float64), torch.zeros(1, 3))
    assert torch.isfinite(step).all()
    if kind != "nan":
        assert (step * gradient).sum() > 0


def test_steps_are_bounded_but_grow_on_the_way_to_infinity():
    hessian = -1e-12 * torch.eye(2, dtype=torch.float64)[None]
    gradient = torch.ones(1, 2, dtype=torch.float64)
    damping = torch.tensor([DAMPING_FLOOR], dtype=torch.float64)
    near, _ = damped_step(hessian, gradient, damping, torch.zeros(1, 2, dtype=torch.float64))
    far, _ = damped_step(hessian, gradient, damping, torch.full((1, 2), 100.0, dtype=torch.float64))
    assert near.abs().max() == pytest.approx(6.0)
    assert far.abs().max() == pytest.approx(50.0)
