"""The membership part of a dual likelihood: derivatives against autograd, EM's ascent, blocks of people."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dual import DATA, model
from gbtm.compute.threads import with_gradients
from gbtm.estimation.newton import em
from gbtm.likelihood.derivatives import observed, posterior_gradient, subject_scores
from gbtm.likelihood.mixture import Mixture


@pytest.fixture(params=["dual", "dual_risk"])
def at(request):
    m = model(request.param, data=DATA.iloc[:150])
    module = Mixture(m.layout, m.panel)
    rng = np.random.default_rng(3)
    flat = np.zeros(m.layout.size)
    flat[: m.layout.theta.start] = rng.normal(size=m.layout.theta.start)
    flat[m.layout.theta] = 0.7 * rng.normal(size=m.layout.size - m.layout.theta.start)
    return module, torch.as_tensor(flat)


@with_gradients()
def by_autograd(module, flat):
    def total(x):
        return module.loglik(x[None])[0]

    return (torch.autograd.functional.jacobian(total, flat), torch.autograd.functional.hessian(total, flat))


def test_gradient_and_hessian(at):
    module, flat = at
    gradient, hessian = by_autograd(module, flat)
    value, own_gradient, own_hessian = observed(module, flat[None])
    assert float(value[0]) == pytest.approx(float(module.loglik(flat[None])[0]), rel=1e-13)
    torch.testing.assert_close(own_gradient[0], gradient, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(own_hessian[0], hessian, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(subject_scores(module, flat).T @ module.weight, gradient, rtol=1e-9, atol=1e-9)


def test_em_never_falls(at):
    module, flat = at
    before = -np.inf
    for _ in range(12):
        value = float(module.loglik(flat[None])[0])
        assert value >= before - 1e-9
        before = value
        flat = em(module, flat[None], 1)[0][0]


def test_posterior_gradient_by_numeric_derivatives(at):
    module, flat = at
    cov = torch.eye(flat.numel(), dtype=torch.float64)
    posterior, variance = posterior_gradient(module, flat, cov)
    h = 1e-6
    slopes = torch.stack([
        (module.posterior((flat + h * e)[None]) - module.posterior((flat - h * e)[None]))[0] / (2 * h) for e in cov])
    torch.testing.assert_close(variance, (slopes**2).sum(0).T, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(posterior, module.posterior(flat[None])[0].T)


def test_some_of_the_people_have_their_own_covariates(at):
    module, flat = at
    rows = slice(20, 70)
    part = module._take(rows)
    torch.testing.assert_close(part.subject_loglik(flat[None]), module.subject_loglik(flat[None])[:, rows])


def test_class_scores_of_the_layout_are_those_of_the_module(at):
    module, flat = at
    own = module.membership.class_scores(flat[None])[0].permute(2, 0, 1).numpy()
    layout = module.layout
    theirs = layout.class_scores(flat.numpy())[:, :, layout.theta]
    np.testing.assert_allclose(np.broadcast_to(own, theirs.shape), theirs, atol=1e-12)
