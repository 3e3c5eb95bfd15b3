"""The maximisers climb, stop where the gradient vanishes, and do not lie about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from conftest import TRUTH, build
from gbtm.estimation.newton import _next_damping, em, newton
from gbtm.estimation.starts import StartingPlan
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture


def _starts(name: str, count: int = 4, seed: int = 0):
    built = build(name)
    module = Mixture(built.layout, built.panel)
    return module, StartingPlan(module, built.panel, np.random.default_rng(seed)).next(count)


@pytest.mark.parametrize("name", TRUTH)
def test_em_never_goes_down(name):
    module, flat = _starts(name)
    value = module.loglik(flat)
    for _ in range(12):
        flat, _ = em(module, flat, steps=1, enough=-np.inf)
        after = module.loglik(flat)
        assert (after >= value - 1e-8 * value.abs()).all()
        value = after


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip_common", "logit"])
def test_em_has_the_optimum_as_its_fixed_point(name, fitted):
    built = build(name)
    module = Mixture(built.layout, built.panel)
    at = torch.as_tensor(built.layout.unreport(fitted(name).params.to_numpy()))[None]
    moved, _ = em(module, at, steps=1, enough=-np.inf)
    np.testing.assert_allclose(moved.numpy(), at.numpy(), atol=2e-5)


@pytest.mark.parametrize("name", ["normal", "cnorm_sbg", "poisson", "zip_common", "logit"])
def test_newton_ends_where_the_gradient_vanishes(name):
    module, starts = _starts(name)
    done = newton(module, em(module, starts, 10)[0], steps=100, tolerance=1e-12)
    assert done.converged.all()
    value, gradient, _hessian = observed(module, done.flat)
    np.testing.assert_allclose(value.numpy(), done.loglik.numpy(), rtol=1e-12)
    assert gradient.abs().max() < 1e-4
    assert (done.decrement < 1e-12).all()


def test_newton_never_goes_down_and_says_when_it_has_not_arrived():
    module, starts = _starts("zip_own")
    before = module.loglik(starts)
    done = newton(module, starts, steps=1, tolerance=1e-12)
    assert (done.loglik >= before).all()
    assert not done.converged.any()
    np.testing.assert_allclose(module.loglik(done.flat).numpy(), done.loglik.numpy(), rtol=1e-12)


def test_newton_converges_quadratically_near_the_optimum(fitted):
    built = build("normal")
    module = Mixture(built.layout, built.panel)
    best = built.layout.unreport(fitted("normal").params.to_numpy())
    errors = []
    flat = torch.as_tensor(best + 1e-2)[None]
    for _ in range(4):
        errors.append(float((flat[0] - torch.as_tensor(best)).norm()))
        flat = newton(module, flat, steps=1, tolerance=0.0).flat
    assert errors[3] < 1e-7
    assert errors[2] < 1e-2 * errors[1]


def test_batch_members_run_as_if_alone():
    module, starts = _starts("cnorm")
    together = newton(module, em(module, starts, 5)[0], steps=60, tolerance=1e-10)
    for b in range(starts.shape[0]):
        alone = newton(module, em(module, starts[b : b + 1], 5)[0], steps=60, tolerance=1e-10)
        np.testing.assert_allclose(alone.flat[0].numpy(), together.flat[b].numpy(), atol=1e-6)


def test_stop_ends_a_run():
    module, starts = _starts("normal")
    done = newton(module, starts, steps=50, tolerance=1e-12, stop=lambda x: torch.ones(x.shape[0], dtype=torch.bool))
    np.testing.assert_array_equal(done.flat.numpy(), starts.numpy())
    assert not done.converged.any()


def test_separation_reaches_its_supremum():
    """All ones after time 2, all zeros before: the likelihood tends to 1, the coefficients to infinity."""
    t = np.tile(np.arange(6.0), 40)
    table = pd.DataFrame({"id": np.repeat(np.arange(40), 6), "t": t, "y": (t > 2).astype(float)})
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family="logit").fit()
    assert res.llf == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ["normal", "cnorm_sbg", "zip_common", "logit"])
def test_newton_along_some_directions_leaves_the_others_where_they_are(name, fitted):
    built = build(name)
    module = Mixture(built.layout, built.panel)
    best = torch.as_tensor(built.layout.unreport(fitted(name).params.to_numpy()))
    basis = torch.linalg.qr(torch.as_tensor(np.random.default_rng(2).normal(size=(best.numel(), best.numel()))))[0]
    held, free = basis[:, :1], basis[:, 1:]
    start = (best + 0.2 * held[:, 0])[None]
    done = newton(module, start, steps=100, tolerance=1e-12, directions=free)
    assert done.converged.all()
    np.testing.assert_allclose((done.flat @ held).numpy(), (start @ held).numpy(), atol=1e-12)
    _, gradient, hessian = observed(module, done.flat)
    assert (gradient @ free).abs().max() < 1e-4
    assert torch.linalg.eigvalsh(free.T @ hessian @ free).max() < 0
    assert module.loglik(start) < done.loglik < module.loglik(best[None])


def test_damping_that_was_refused_is_not_tried_again_after_one_good_step():
    refused = torch.tensor([1e-2, 1e-1, 1.0], dtype=torch.float64)
    none, yes = torch.zeros(3, dtype=torch.bool), torch.ones(3, dtype=torch.bool)
    raised = _next_damping(refused, torch.full_like(refused, -1.0), none, none)
    assert (raised > refused).all()
    after = _next_damping(raised, torch.tensor([0.6, 0.8, 1.0], dtype=torch.float64), yes, yes)
    assert (after > refused).all()
    onward = _next_damping(after, torch.ones_like(after), yes, none)  # and then falls fast where all goes as foreseen
    torch.testing.assert_close(onward, after / 10)


def test_damping_grows_where_a_step_gains_little_of_what_was_foreseen():
    used = torch.tensor([1e-2], dtype=torch.float64)
    yes, none = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)
    quality = torch.tensor([0.1], dtype=torch.float64)
    assert float(_next_damping(used, quality, yes, none)) > 1e-2
    assert float(_next_damping(used, quality, yes, yes)) > 1e-2
