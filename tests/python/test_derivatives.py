"""Gradient and Hessian against finite differences of the written-out likelihood, and against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import oracle
from conftest import TRUTH, build, expand, true_data
from gbtm.compute.threads import workers
from gbtm.likelihood.derivatives import complete_data, gathered, group_scores, observed, subject_scores
from gbtm.likelihood.mixture import Mixture
from parts import PARTS, PATHS, away, draw, hold, in_blocks, is_held, mixture, own_posterior


def _setup(name: str, seed: int = 2, keep: float = 0.8):
    built = build(name, keep=keep)
    params = np.array(TRUTH[name][1]) * np.random.default_rng(seed).uniform(0.8, 1.2, len(TRUTH[name][1]))
    module = Mixture(built.layout, built.panel)
    return built, module, built.layout.unreport(params)


def _close(got, want, rel):
    """Relative to the largest entry: a derivative's small entries are differences of large terms."""
    np.testing.assert_allclose(got, want, rtol=0, atol=rel * np.abs(want).max())


@pytest.mark.parametrize("name", TRUTH)
def test_gradient_is_that_of_the_formula(name):
    built, module, flat = _setup(name)
    data = true_data(name, keep=0.8)
    value, gradient, _ = observed(module, torch.as_tensor(flat)[None])
    f = lambda x: oracle.loglik(TRUTH[name][0], built.layout.report(x), *data)  # noqa: E731
    assert float(value[0]) == pytest.approx(f(flat), rel=1e-10)
    _close(gradient[0].numpy(), oracle.fd_gradient(f, flat), 1e-7)


@pytest.mark.parametrize("name", TRUTH)
def test_hessian_is_that_of_the_formula(name):
    built, module, flat = _setup(name)
    data = true_data(name, keep=0.8)
    hessian = observed(module, torch.as_tensor(flat)[None])[2][0].numpy()
    want = oracle.fd_hessian(lambda x: oracle.loglik(TRUTH[name][0], built.layout.report(x), *data), flat)
    _close(hessian, want, 1e-6)


@pytest.mark.parametrize("name", TRUTH)
def test_hessian_equals_autograd(name):
    _, module, flat = _setup(name)
    at = torch.as_tensor(flat)
    _value, gradient, hessian = observed(module, at[None])
    x = at.clone().requires_grad_()
    module.loglik(x[None])[0].backward()
    _close(gradient[0].numpy(), x.grad.numpy(), 1e-11)
    auto = torch.autograd.functional.hessian(lambda z: module.loglik(z[None])[0], at)
    _close(hessian[0].numpy(), auto.numpy(), 1e-10)


@pytest.mark.parametrize("name", ["normal_sbg", "zip_common", "logit"])
def test_batch_members_do_not_mix(name):
    _built, module, flat = _setup(name)
    other = _setup(name, seed=9)[2]
    both = observed(module, torch.as_tensor(np.stack([flat, other])))
    for b, x in enumerate((flat, other)):
        alone = observed(module, torch.as_tensor(x)[None])
        for together, single in zip(both, alone, strict=True):
            np.testing.assert_allclose(together[b].numpy(), single[0].numpy(), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("name", ["normal", "cnorm_sbg", "zip_own", "poisson_never", "logit"])
def test_row_path_gives_the_same_derivatives(name, monkeypatch):

    built, module, flat = _setup(name)
    monkeypatch.setattr("gbtm.densities.cells.DENSE_SMALL", 0)
    monkeypatch.setattr("gbtm.densities.cells.DENSE_FILL", 1.1)
    rows = Mixture(built.layout, built.panel)
    assert rows.cells[0].listed
    for dense, by_row in zip(
        observed(module, torch.as_tensor(flat)[None]), observed(rows, torch.as_tensor(flat)[None]), strict=True
    ):
        _close(by_row.numpy(), dense.numpy(), 1e-11)


@pytest.mark.parametrize("name", TRUTH)
def test_complete_data_derivatives_are_those_of_q(name):
    """EM's Q at fixed posteriors, differentiated by autograd from the group log-likelihoods."""
    _, module, flat = _setup(name)
    at = torch.as_tensor(flat)
    weight = module.posterior(at[None]).detach() * module.weight

    def q(x):
        return (module.group_loglik(x[None]) * weight).nan_to_num(0.0).sum()

    collected = gathered(module, [[cells.collect(weight) for cells in module.cells]])
    value, gradient, hessian = complete_data(module, at[None], collected)
    assert float(value[0]) == pytest.approx(float(q(at)), rel=1e-11)
    x = at.clone().requires_grad_()
    q(x).backward()
    _close(gradient[0].numpy(), x.grad.numpy(), 1e-11)
    auto = torch.autograd.functional.hessian(q, at)
    _close(hessian[0].numpy(), auto.numpy(), 1e-10)


@pytest.mark.parametrize("name", ["normal_sbg", "cnorm", "zip_partly"])
def test_safe_hessian_of_q_is_negative_semidefinite_in_its_diagonal(name):
    _, module, flat = _setup(name)
    at = torch.as_tensor(flat)[None]
    collected = gathered(module, [[c.collect(module.posterior(at) * module.weight) for c in module.cells]])
    _, _, hessian = complete_data(module, at, collected, safe=True)
    free = module.layout.theta.start
    own = torch.diagonal(hessian[0])[:free]
    if name != "zip_partly":  # ZIP's own curvature can be positive away from the optimum
        assert (own <= 0).all()
    sigma = [b.start for b in module.layout.blocks if b.predictor == "log_sigma"]
    for s in sigma:  # sigma is taken apart from the mean
        off = hessian[0, s].clone()
        off[s] = 0
        assert (off == 0).all()


@pytest.mark.parametrize("name", ["cnorm", "zip_own", "logit"])
def test_group_scores_per_subject(name):
    """d log f_k(y_i) / d beta_k for every subject and group."""
    built, module, flat = _setup(name)
    _, scores = group_scores(module, torch.as_tensor(flat)[None])
    data = true_data(name, keep=0.8)
    layout = built.layout

    def group_logs(x):
        joint = oracle.joint(TRUTH[name][0], layout.report(x), *data)
        return joint - np.log(layout.shares(x))

    fd = oracle.fd_gradient(group_logs, flat)  # (N, K, p)
    for k in range(layout.n_groups):
        index = np.concatenate([layout.index[0][a][k] for a in module.cells[0].family.predictors])
        here = index < layout.size
        want = fd[:, k, :][:, index[here]]
        np.testing.assert_allclose(expand(module, scores)[0, k].T[:, here], want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["normal_sbg", "zip_common", "logit"])
def test_blocks_of_subjects_add_up(name, monkeypatch):
    import gbtm.likelihood.mixture as likelihood

    built, module, flat = _setup(name)
    assert len(module.shards) == 1
    monkeypatch.setattr(likelihood, "SHARD", 7)
    parts = Mixture(built.layout, built.panel)
    assert len(parts.shards) > 3
    at = torch.as_tensor(flat)[None]
    for together, blocks in zip(observed(module, at), observed(parts, at), strict=True):
        _close(blocks.numpy(), together.numpy(), 1e-12)


# -- covariates, exposure, weights, dropout ---------------------------------------------------------------------------


def _parts(name: str, seed: int = 2):
    drawn = draw(name)
    built = drawn.built()
    return drawn, built, mixture(built), away(built, name, seed)


@pytest.mark.parametrize("name", ["risk_reference", "tcov_cells", "never", "weights", "dropout0"])
def test_hessian_with_parts_is_that_of_the_formula(name):
    drawn, built, module, flat = _parts(name)
    hessian = observed(module, torch.as_tensor(flat)[None])[2][0].numpy()
    _close(hessian, oracle.fd_hessian(lambda x: drawn.loglik(built.layout.report(x)), flat), 1e-6)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PARTS)
def test_derivatives_with_parts_equal_autograd(name, path, monkeypatch):
    hold(monkeypatch, path)
    _, _, module, flat = _parts(name)
    assert is_held(module, path)
    at = torch.as_tensor(flat)
    value, gradient, hessian = observed(module, at[None])
    assert float(value[0]) == pytest.approx(float(module.loglik(at[None])[0]), rel=1e-13)
    auto = torch.autograd.functional.jacobian(lambda x: module.loglik(x[None])[0], at)
    _close(gradient[0].numpy(), auto.numpy(), 1e-11)
    auto = torch.autograd.functional.hessian(lambda x: module.loglik(x[None])[0], at)
    _close(hessian[0].numpy(), auto.numpy(), 1e-9)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["everything", "everything_censored", "zinb", "tcov_cells"])
def test_blocks_with_parts_add_up_on_any_number_of_threads(name, path, monkeypatch):
    hold(monkeypatch, path)
    _, built, whole, flat = _parts(name)
    in_blocks(monkeypatch, 40)
    module, at = mixture(built), torch.as_tensor(np.stack([flat, away(built, name, 5)]))
    assert len(module.shards) > 3
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with workers():
                found.append((*observed(module, at), subject_scores(module, at[0])))
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)
    for together, blocks in zip(observed(whole, at), found[0], strict=False):
        _close(blocks.numpy(), together.numpy(), 1e-12)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PARTS)
def test_complete_data_with_parts_are_those_of_q(name, path, monkeypatch):
    hold(monkeypatch, path)
    _, _, module, flat = _parts(name)
    at, weight = torch.as_tensor(flat), own_posterior(module, flat)

    def q(x):
        return (module.group_loglik(x[None]) * weight).nan_to_num(0.0).sum()

    value, gradient, hessian = complete_data(
        module, at[None], gathered(module, [[cells.collect(weight) for cells in module.cells]])
    )
    assert float(value[0]) == pytest.approx(float(q(at)), rel=1e-11)
    _close(gradient[0].numpy(), torch.autograd.functional.jacobian(q, at).numpy(), 1e-11)
    _close(hessian[0].numpy(), torch.autograd.functional.hessian(q, at).numpy(), 1e-9)


@pytest.mark.parametrize("name", PARTS)
def test_scores_and_gradient_are_those_of_the_formula(name):
    drawn, built, module, flat = _parts(name)
    want = oracle.fd_gradient(lambda x: drawn.subject_loglik(built.layout.report(x)), flat)
    scores = subject_scores(module, torch.as_tensor(flat)).numpy()
    scores = scores if module.expand is None else scores[module.expand]
    assert scores.shape == want.shape
    _close(scores, want, 1e-8)
    weight = np.ones(len(want)) if drawn.beside.weights is None else drawn.beside.weights
    value, gradient, _ = observed(module, torch.as_tensor(flat)[None])
    assert float(value[0]) == pytest.approx(drawn.loglik(built.layout.report(flat)), rel=1e-12)
    _close(gradient[0].numpy(), weight / weight.mean() @ want, 1e-8)
