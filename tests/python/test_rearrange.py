"""Rearranged and grown starts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gbtm
import oracle
from conftest import TRUTH, arguments, build, long_table, true_data
from gbtm.estimation.rearrange import grown, rearranged
from gbtm.likelihood.mixture import Mixture
from parts import PARTS, draw, mixture


def _layouts(name: str, k: int, **change):
    model = TRUTH[name][0]
    table = long_table(*true_data(name))
    kw = {**arguments(model), "order": 1, **change}
    if model.iorder:
        kw["iorder"] = model.iorder[0] if len(model.iorder) == 1 else [1] * k
    small_kw = {**kw, "groups": k - 1}
    if model.iorder and len(model.iorder) > 1:
        small_kw["iorder"] = [1] * (k - 1) if k > 2 else 1
    large = gbtm.GBTM.from_formula("y ~ t", table, id="id", **{**kw, "groups": k})
    small = gbtm.GBTM.from_formula("y ~ t", table, id="id", **small_kw)
    return large, small


@pytest.mark.parametrize("name", ["normal", "normal_sbg", "cnorm", "poisson", "zip_common", "zip_own", "logit"])
def test_exact_splits_are_the_smaller_model(name):
    """A group split into two copies of itself (up to a jitter of 1e-3) has the same likelihood."""
    large, small = _layouts(name, 3)
    flat = small.layout.unreport(small.fit(n_starts=2).params.to_numpy())
    starts = grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=True)
    assert starts.shape == (2 * 3, large.layout.size)
    before = float(Mixture(small.layout, small.panel).loglik(torch.as_tensor(flat)[None])[0])
    after = Mixture(large.layout, large.panel).loglik(torch.as_tensor(starts)).numpy()
    exact = after[[0, 3]]  # one exact split per group, then two jittered ones
    np.testing.assert_allclose(exact, before, atol=0.5)
    shares = large.layout.shares(starts)
    old = small.layout.shares(flat)
    for a in range(2):
        for row in shares[3 * a : 3 * a + 3]:
            want = np.append(old, old[a] / 2)
            want[a] /= 2
            np.testing.assert_allclose(row, want, rtol=1e-12)


def test_without_exact_there_are_two_splits_per_group():
    large, small = _layouts("normal", 3)
    flat = np.random.default_rng(0).normal(size=small.layout.size)
    assert grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=False).shape[0] == 4


def test_common_parts_carry_over():
    for name in ("normal", "zip_common"):
        large, small = _layouts(name, 3)
        flat = np.random.default_rng(1).normal(size=small.layout.size)
        starts = grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=False)
        common = next(b for b in large.layout.blocks if b.group is None)
        source = next(b for b in small.layout.blocks if b.group is None)
        for row in starts:
            np.testing.assert_allclose(row[common.entries], flat[source.entries], atol=2.0 if name != "normal" else 0)
        if name == "normal":
            assert (starts[:, common.entries] == flat[source.entries]).all()


def test_growth_to_a_group_of_another_order():
    table = long_table(*true_data("normal"))
    large = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=[1, 2, 0])
    small = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2])
    flat = np.random.default_rng(0).normal(size=small.layout.size)
    starts = grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=True)
    kept = small.layout.blocks[0].entries  # group 1 is unchanged (up to its jitter) where group 2 is split
    np.testing.assert_allclose(starts[3][kept], flat[kept])
    assert np.isfinite(starts).all()


@pytest.mark.parametrize("name", ["normal_sbg", "zip_own", "zip_common", "poisson_never", "logit"])
def test_rearranged_starts(name):
    built = build(name)
    layout = built.layout
    optima = np.stack([layout.unreport(np.array(TRUTH[name][1], dtype=float))] * 2)
    starts = rearranged(layout, optima, np.random.default_rng(0), 20)
    assert starts.shape == (20, layout.size)
    assert np.isfinite(starts).all()
    np.testing.assert_array_equal(starts, rearranged(layout, optima, np.random.default_rng(0), 20))
    np.testing.assert_allclose(layout.shares(starts).sum(axis=1), 1.0)
    assert len(np.unique(np.round(starts, 8), axis=0)) == 20
    module = Mixture(layout, built.panel)
    assert np.isfinite(module.loglik(torch.as_tensor(starts)).numpy()).any()
    assert (np.abs(starts - optima[0]) > 1e-6).any(axis=1).all()  # none is where it came from


def test_rearranging_finds_what_the_starts_missed():
    """From an optimum with two groups on one cluster and one on two, moving a group gains the rest."""
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 5.0, 10.0], 30)[:, None] + rng.normal(0, 0.4, (90, 4))
    built = gbtm.GBTM(y, range(4), groups=3, order=0)
    with pytest.warns(gbtm.GBTMWarning):
        stuck = built.fit(start=[-0.05, 0.05, 7.5, 2.2, 0.0, 0.7])
    free = built.fit()
    assert free.llf > stuck.llf + 50
    want = oracle.loglik(oracle.of_results(free), free.params.to_numpy(), *oracle.data_of(free))
    assert free.llf == pytest.approx(want, rel=1e-10)
    np.testing.assert_allclose(free.params[:3], [0, 5, 10], atol=0.2)


# -- with covariates and dropout --------------------------------------------------------------------------------------


def _grown_parts(name, reference=1):
    """Two groups fitted, and the layout of three of the same specification."""
    drawn = draw(name)
    shape = {"order": 1, "refgroup": reference, "dropout": 1 if drawn.truth.model.dropout else None}
    large, small = drawn.built(groups=3, **shape), drawn.built(groups=2, **{**shape, "refgroup": min(reference, 2)})
    flat = small.layout.unreport(small.fit(n_starts=2).params.to_numpy())
    return large, small, flat


def _subject_shares(built, flat):
    return mixture(built).log_shares(torch.as_tensor(flat)[None])[0].exp().numpy()


@pytest.mark.parametrize("reference", [1, 2, 3])
@pytest.mark.parametrize("name", ["risk", "everything"])
def test_an_exact_split_halves_each_subjects_share(name, reference):
    """Two copies of a group with all their covariates' effects: the likelihood of the smaller model."""
    large, small, flat = _grown_parts(name, reference)
    starts = grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=True)
    before = float(mixture(small).loglik(torch.as_tensor(flat)[None])[0])
    after = mixture(large).loglik(torch.as_tensor(starts)).numpy()
    np.testing.assert_allclose(after[[0, 3]], before, atol=0.5)  # up to a jitter of 1e-3
    old = _subject_shares(small, flat)
    for a in range(2):
        for start in starts[3 * a : 3 * a + 3]:
            want = np.vstack([old, old[a] / 2])
            want[a] /= 2
            np.testing.assert_allclose(_subject_shares(large, start), want, rtol=1e-10)


def test_common_and_own_parts_carry_over_with_dropout():
    large, small, flat = _grown_parts("everything")
    starts = grown(large.layout, small.layout, flat, np.random.default_rng(0), exact=True)
    split_second = starts[3]  # group 1 keeps its curve, its covariates' effects and its dropout
    for predictor in ("mean", "dropout"):
        a, b = (next(b for b in built.layout.blocks if b.predictor == predictor and b.group == 0).entries
                for built in (large, small))
        np.testing.assert_allclose(split_second[a], flat[b], rtol=1e-12)


@pytest.mark.parametrize("name", ["risk_reference", "everything_censored", "dropout_mixed", "beta"])
def test_rearranged_starts_with_parts(name):
    built = draw(name).built()
    layout = built.layout
    optima = np.stack([layout.unreport(np.array(PARTS[name].params, dtype=float))] * 2)
    starts = rearranged(layout, optima, np.random.default_rng(0), 20)
    np.testing.assert_array_equal(starts, rearranged(layout, optima, np.random.default_rng(0), 20))
    assert np.isfinite(mixture(built).loglik(torch.as_tensor(starts)).numpy()).all()
    np.testing.assert_allclose(layout.shares(starts).sum(axis=1), 1.0)
    assert (np.abs(starts - optima[0]) > 1e-6).any(axis=1).all()
    reference = layout.spec.reference
    assert (layout.membership_coefficients(starts)[:, reference] == 0).all()
