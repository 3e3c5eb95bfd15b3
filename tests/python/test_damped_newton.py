"""The damped step is Newton's where it can be, goes uphill elsewhere, and is bounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gbtm.compute.damped_newton import DAMPING_FLOOR, DAMPING_MOST, STEP_GROWTH, STEP_MOST, damped_step


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


def _batch(size=4, p=3):
    """Hessians from definite to indefinite, one of them nearly flat in a direction; gradients; places near and far."""
    rng = np.random.default_rng(4)
    turn = np.linalg.qr(rng.normal(size=(size, p, p)))[0]
    eigenvalues = np.array([[-1.0, -2.0, -5.0], [-1.0, 3.0, -0.5], [-4.0, 1e-9, -1.0], [0.2, 1.0, 6.0]])[:size]
    hessian = np.einsum("bij,bj,bkj->bik", turn, eigenvalues, turn)
    at = rng.normal(size=(size, p)) * np.array([1.0, 100.0, 1.0, 40.0])[:size, None]
    return torch.as_tensor(hessian), torch.as_tensor(rng.normal(size=(size, p))), torch.as_tensor(at)


def _marquardt(hessian, gradient, damping, at):
    """The formula for one member: damping times three until definite, Levenberg-Marquardt's equation, the bound."""
    diagonal = np.abs(np.diag(hessian))
    scale = np.diag(diagonal + 1e-8 * diagonal.max() + 1e-12)
    while np.linalg.eigvalsh(-hessian + damping * scale).min() <= 0:
        damping = max(3 * damping, 1e-6)
    step = np.linalg.solve(-hessian + damping * scale, gradient)
    return step * min(1.0, max(STEP_MOST, STEP_GROWTH * np.abs(at).max()) / np.abs(step).max()), damping


def test_each_member_of_a_batch_takes_the_step_of_the_formula():
    hessian, gradient, at = _batch()
    start = torch.tensor([DAMPING_FLOOR, 1e-4, 0.0, 0.3], dtype=torch.float64)
    step, used = damped_step(hessian, gradient, start, at)
    for b in range(4):
        want, damping = _marquardt(hessian[b].numpy(), gradient[b].numpy(), float(start[b]), at[b].numpy())
        assert float(used[b]) == pytest.approx(damping, rel=1e-12)
        np.testing.assert_allclose(step[b].numpy(), want, rtol=1e-6)
    assert start.tolist() == [DAMPING_FLOOR, 1e-4, 0.0, 0.3]  # the caller's damping is left alone


def test_a_parameter_without_curvature_moves_by_the_bound_and_no_more():
    """A direction in which both the Hessian and its diagonal are zero, beside an ordinary one."""
    hessian = torch.diag(torch.tensor([-2.0, 0.0], dtype=torch.float64))[None]
    gradient = torch.tensor([[1.0, 1e-3]], dtype=torch.float64)
    step, _ = damped_step(hessian, gradient, torch.tensor([1e-3], dtype=torch.float64), torch.zeros(1, 2))
    assert torch.isfinite(step).all()
    assert float(step[0, 1]) == pytest.approx(STEP_MOST)


def test_a_hessian_that_is_no_number_moves_nothing_and_holds_up_no_other():
    hessian, gradient, at = _batch(2)
    alone, _ = damped_step(hessian[:1], gradient[:1], torch.zeros(1, dtype=torch.float64), at[:1])
    hessian[1] = torch.nan
    step, used = damped_step(hessian, gradient, torch.zeros(2, dtype=torch.float64), at)
    torch.testing.assert_close(step[0], alone[0])
    assert step[1].tolist() == [0.0, 0.0, 0.0]
    assert float(used[0]) == 0.0
    assert float(used[1]) >= DAMPING_MOST
