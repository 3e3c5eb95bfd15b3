"""The mixture likelihood against the written-out formula, and what it must be invariant to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.special
import torch

import gbtm
import oracle
from conftest import TRUTH, arguments, build, expand, long_table, subject_loglik, true_data
from gbtm.compute.threads import workers
from gbtm.likelihood.mixture import Mixture
from gbtm.likelihood.over_groups import over_groups
from parts import PARTS, PATHS, away, draw, hold, in_blocks, is_held, mixture

REL = 1e-10


def _away(name: str, seed: int = 1) -> np.ndarray:
    """Parameters off the truth, in the user's units."""
    _model, params, *_ = TRUTH[name]
    x = np.array(params, dtype=float)
    free = np.random.default_rng(seed).uniform(0.8, 1.2, x.size)
    return x * free


@pytest.mark.parametrize("name", TRUTH)
@pytest.mark.parametrize("keep", [1.0, 0.6], ids=["complete", "missing"])
def test_subject_loglik_is_the_formula(name, keep):
    built = build(name, keep=keep)
    module = Mixture(built.layout, built.panel)
    params = _away(name)
    got = subject_loglik(module, built.layout.unreport(params))
    want = oracle.subject_loglik(TRUTH[name][0], params, *true_data(name, keep=keep))
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=REL, atol=1e-12)


@pytest.mark.parametrize("name", TRUTH)
def test_posterior_is_bayes_rule(name):
    built = build(name, keep=0.7)
    module = Mixture(built.layout, built.panel)
    params = _away(name)
    got = expand(module, module.posterior(torch.as_tensor(built.layout.unreport(params))[None]))[0].T
    np.testing.assert_allclose(
        got, oracle.posterior(TRUTH[name][0], params, *true_data(name, keep=0.7)), rtol=1e-9, atol=1e-14
    )


def test_forward_uses_the_modules_own_parameters_and_trains():
    built = build("normal")
    module = built.module()
    params = _away("normal")
    module.set_flat(built.layout.unreport(params))
    want = oracle.subject_loglik(TRUTH["normal"][0], params, *true_data("normal"))
    np.testing.assert_allclose(module().detach().numpy(), want, rtol=REL)
    before = float(module().detach().sum())
    (-module().sum()).backward()
    optimiser = torch.optim.SGD(module.parameters(), lr=1e-5)
    optimiser.step()
    assert float(module().detach().sum()) > before


def test_module_starts_finite_and_flat_round_trips():
    module = build("zip_own").module()
    assert np.isfinite(module().detach().numpy()).all()
    flat = module.flat().detach().numpy().copy()
    module.set_flat(flat + 0.25)
    np.testing.assert_array_equal(module.flat().detach().numpy(), flat + 0.25)


@pytest.mark.parametrize("name", ["normal_sbg", "cnorm", "zip_own", "zip_common", "poisson_never", "logit"])
def test_batch_axis_equals_one_at_a_time(name):
    built = build(name, keep=0.8)
    module = Mixture(built.layout, built.panel)
    rows = np.stack([built.layout.unreport(_away(name, seed)) for seed in (1, 2, 3)])
    together = module.subject_loglik(torch.as_tensor(rows)).numpy()
    for b in range(3):
        alone = module.subject_loglik(torch.as_tensor(rows[b])[None])[0].numpy()
        np.testing.assert_allclose(together[b], alone, rtol=1e-13)


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip_common", "logit"])
def test_own_times_for_every_observation(name):
    """Irregular times on many subjects take the row-by-row path; the number stays the formula's."""
    model, params, *_ = TRUTH[name]
    rng = np.random.default_rng(3)
    n = 300
    subject = np.repeat(np.arange(n), 3)
    time = rng.uniform(0, 4, subject.size)
    _, _, y, _ = oracle.simulate(model, params, n, [0.5, 2, 3.5], rng)
    built = gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(model))
    module = Mixture(built.layout, built.panel)
    assert module.cells[0].listed
    order = np.lexsort((time, subject))
    got = subject_loglik(module, built.layout.unreport(np.array(params)))
    want = oracle.subject_loglik(model, params, subject[order], time[order], y[order])
    np.testing.assert_allclose(got, want, rtol=REL, atol=1e-12)


def test_row_path_and_cell_path_agree_on_the_same_data(monkeypatch):

    for name in ("cnorm_sbg", "zip_own"):
        built = build(name, keep=0.5)
        at = torch.as_tensor(built.layout.unreport(_away(name)))[None]
        dense = Mixture(built.layout, built.panel)
        monkeypatch.setattr("gbtm.densities.cells.DENSE_SMALL", 0)
        monkeypatch.setattr("gbtm.densities.cells.DENSE_FILL", 1.1)
        by_row = Mixture(built.layout, built.panel)
        monkeypatch.undo()
        assert by_row.cells[0].listed
        assert not dense.cells[0].listed
        np.testing.assert_allclose(
            expand(dense, dense.subject_loglik(at)), expand(by_row, by_row.subject_loglik(at)), rtol=1e-12
        )
        totals = [
            m.cells[0].collect((m.posterior(at) * m.weight)[0]).sum(1).numpy() for m in (dense, by_row)
        ]
        np.testing.assert_allclose(totals[0], totals[1], rtol=1e-12)


def _loglik_at(table: pd.DataFrame, name: str, params: np.ndarray) -> float:
    built = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH[name][0]))
    return float(Mixture(built.layout, built.panel).loglik(torch.as_tensor(built.layout.unreport(params))[None])[0])


@pytest.mark.parametrize("name", ["normal", "cnorm", "zip_own", "logit"])
def test_subject_twice_counts_twice_and_row_order_does_not_count(name):
    table = long_table(*true_data(name, keep=0.8))
    params = _away(name)
    once = _loglik_at(table, name, params)
    copy = table.assign(id=table["id"] + 10_000)
    assert _loglik_at(pd.concat([table, copy]), name, params) == pytest.approx(2 * once, rel=1e-12)
    shuffled = table.sample(frac=1.0, random_state=5)
    assert _loglik_at(shuffled, name, params) == pytest.approx(once, rel=1e-12)


def test_extreme_parameters_stay_finite_or_minus_infinity():
    """A group that cannot have produced the data has probability zero and does not poison the others."""
    built = build("poisson_never")
    module = Mixture(built.layout, built.panel)
    params = np.array([0.5, 0.2, 0.4])
    lf = subject_loglik(module, built.layout.unreport(params))
    assert np.isfinite(lf).all()
    posterior = expand(module, module.posterior(torch.as_tensor(built.layout.unreport(params))[None]))[0]
    subject, _, y = true_data("poisson_never")
    ever = np.array([y[subject == i].sum() > 0 for i in range(80)])
    assert (posterior[0, ever] == 0).all()
    assert (posterior[0, ~ever] > 0).all()


def test_cnorm_far_in_the_tail_matches_scipy():
    """log Phi at -35 and beyond is not minus infinity."""
    model = oracle.Model("cnorm", (0,), lower=0.0)
    y = np.array([0.0, 0.0, 1.0, 3.0])
    subject, time = np.arange(4), np.zeros(4)
    built = gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(model))
    module = Mixture(built.layout, built.panel)
    for params in ([35.0, 1.0], [3.0, 0.05], [-30.0, 1.0]):
        got = subject_loglik(module, built.layout.unreport(np.array(params)))
        np.testing.assert_allclose(got, oracle.subject_loglik(model, params, subject, time, y), rtol=1e-9, atol=1e-100)


def test_identical_subjects_are_kept_once():
    """0/1 data at 6 waves: at most 64 kinds of subjects, whatever their number; the likelihood is that of all."""
    model = TRUTH["logit"][0]
    rng = np.random.default_rng(2)
    subject, time, y, _ = oracle.simulate(model, TRUTH["logit"][1], 2000, range(6), rng)
    built = gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(model))
    module = Mixture(built.layout, built.panel)
    kinds = {tuple(row) for row in y.reshape(-1, 6)}
    assert module.weight.numel() == len(kinds)
    assert float(module.weight.sum()) == 2000
    params = np.array(TRUTH["logit"][1])
    want = oracle.subject_loglik(model, params, subject, time, y)
    np.testing.assert_allclose(subject_loglik(module, built.layout.unreport(params)), want, rtol=REL)
    total = module.loglik(torch.as_tensor(built.layout.unreport(params))[None])
    assert total.item() == pytest.approx(want.sum(), rel=1e-12)


def test_subjects_with_the_same_values_at_other_times_are_not_identical():
    table = pd.DataFrame({"id": np.repeat(range(50), 2), "t": np.tile([0, 1, 0, 2], 25), "y": np.tile([1.0, 0.0], 50)})
    built = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family="logit")
    module = Mixture(built.layout, built.panel)
    assert module.weight.tolist() == [25, 25]


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_blocks_of_subjects_add_up(name, monkeypatch):
    import gbtm.likelihood.mixture as likelihood

    built = build(name, keep=0.8)
    at = torch.as_tensor(np.stack([built.layout.unreport(_away(name, s)) for s in (1, 2)]))
    whole = Mixture(built.layout, built.panel)
    assert len(whole.shards) == 1
    monkeypatch.setattr(likelihood, "SHARD", 7)
    parts = Mixture(built.layout, built.panel)
    assert len(parts.shards) > 3
    np.testing.assert_allclose(parts.total_loglik(at).numpy(), whole.loglik(at).numpy(), rtol=1e-13)
    np.testing.assert_allclose(parts.posterior(at).numpy(), whole.posterior(at).numpy(), rtol=1e-12)


# -- covariates, exposure, weights, dropout ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PARTS)
def test_parts_are_the_formula(name, path, monkeypatch):
    hold(monkeypatch, path)
    drawn = draw(name)
    built = drawn.built()
    module = mixture(built)
    assert is_held(module, path)
    for seed in (1, 2):
        flat = away(built, name, seed)
        want = drawn.subject_loglik(built.layout.report(flat))
        np.testing.assert_allclose(subject_loglik(module, flat), want, rtol=REL, atol=1e-12)
    total = float(module.total_loglik(torch.as_tensor(flat)[None])[0])
    assert total == pytest.approx(drawn.loglik(built.layout.report(flat)), rel=1e-12)
    got = expand(module, module.posterior(torch.as_tensor(flat)[None]))[0].T
    want = oracle.posterior(drawn.truth.model, built.layout.report(flat), *drawn.data, drawn.beside)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["tcov_cells", "zinb", "dropout_mixed", "everything", "everything_censored"])
def test_blocks_of_subjects_with_parts_add_up(name, path, monkeypatch):
    hold(monkeypatch, path)
    built = draw(name).built()
    at = torch.as_tensor(np.stack([away(built, name, s) for s in (1, 2)]))
    whole = mixture(built)
    assert len(whole.shards) == 1
    in_blocks(monkeypatch, 40)
    parts = mixture(built)
    assert len(parts.shards) > 3
    np.testing.assert_allclose(parts.total_loglik(at).numpy(), whole.loglik(at).numpy(), rtol=1e-13)
    np.testing.assert_allclose(parts.posterior(at).numpy(), whole.posterior(at).numpy(), rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["everything", "everything_censored"])
def test_any_number_of_threads_gives_the_same_digits(name, path, monkeypatch):
    hold(monkeypatch, path)
    in_blocks(monkeypatch, 40)
    built = draw(name).built()
    module, at = mixture(built), torch.as_tensor(np.stack([away(built, name, s) for s in (1, 2)]))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            with workers():
                found.append((module.total_loglik(at), module.posterior(at)))
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)


def test_subjects_with_other_membership_covariates_are_not_identical():
    """Identical ones become one with the sum of their weights, and the likelihood stays that of all."""
    drawn = draw("tcov_cells")
    built = drawn.built(weights="wt")
    module = mixture(built)
    table = drawn.table.dropna(subset="y").assign(z=drawn.table["z1"])
    kinds = {tuple(map(tuple, rows[["t", "w1", "z1", "y"]].to_numpy())) for _, rows in table.groupby("id")}
    assert module.weight.numel() == len(kinds) < built.panel.n_subjects
    weight = table.groupby("id")["wt"].first().to_numpy()
    np.testing.assert_allclose(module.weight.sum(), weight.size, rtol=1e-13)
    flat = away(built, "tcov_cells")
    own = drawn.subject_loglik(built.layout.report(flat))
    np.testing.assert_allclose(subject_loglik(module, flat), own, rtol=REL)
    total = float(module.loglik(torch.as_tensor(flat)[None])[0])
    assert total == pytest.approx(own @ weight / weight.mean(), rel=1e-12)


def test_a_group_that_never_happens_stays_impossible_whatever_the_covariates_and_the_exposure():
    drawn = draw("never")
    built = drawn.built(data=drawn.table.assign(e=drawn.table["e"] * 1e6, w1=drawn.table["w1"] * 50))
    module = mixture(built)
    flat = np.random.default_rng(0).normal(size=built.layout.size)
    assert np.isfinite(subject_loglik(module, flat)).all()
    posterior = expand(module, module.posterior(torch.as_tensor(flat)[None]))[0]
    ever = drawn.table.groupby("id")["y"].sum().to_numpy() > 0
    assert 0 < ever.sum() < ever.size
    assert (posterior[0, ever] == 0).all()


def test_a_tiny_exposure_loses_no_digits():
    """As small as 2e-7 of a year: log exposure joins eta, or multiplies the statistic of the Poisson."""
    drawn = draw("exposure")
    table = drawn.table.assign(e=drawn.table["e"] * 1e-7)
    for family, more in (("poisson", {}), ("zip", {"iorder": 0}), ("negbin", {})):
        built = drawn.built(data=table, family=family, dispersion_by_group=False, **more)
        module = mixture(built)
        flat = np.random.default_rng(3).normal(size=built.layout.size)
        model = oracle.Model(family, (1, 1), (0,) if more else ())
        beside = oracle.Beside(exposure=drawn.beside.exposure * 1e-7)
        want = oracle.subject_loglik(model, built.layout.report(flat), *drawn.data, beside)
        np.testing.assert_allclose(subject_loglik(module, flat), want, rtol=1e-10)


def test_sums_over_groups_and_posteriors_are_those_of_scipy():
    rng = np.random.default_rng(0)
    joint = rng.normal(0, 30, (2, 3, 50)) - 2000
    joint[0, 1, :10] = -np.inf  # a group that cannot have them
    total, posterior = over_groups(torch.as_tensor(joint))
    np.testing.assert_allclose(total.numpy(), scipy.special.logsumexp(joint, axis=1), rtol=1e-14)
    np.testing.assert_allclose(posterior.numpy(), scipy.special.softmax(joint, axis=1), rtol=1e-12, atol=1e-300)
    assert torch.isneginf(over_groups(torch.full((1, 3, 2), -torch.inf, dtype=torch.float64))[0]).all()
