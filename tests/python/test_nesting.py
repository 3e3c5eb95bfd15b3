"""Models inside models: the embedded starts have the smaller model's likelihood."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

import dual
import gbtm
import oracle
from conftest import TRUTH, arguments, long_table, true_data
from gbtm.likelihood.mixture import Mixture
from gbtm.model.layout import make_layout
from gbtm.model.nesting import embed, lowered, nested
from gbtm.specification.spec import ModelSpec, make_spec
from parts import draw

PAIRS = 12  # random pairs of specifications for each family


def _loglik(panel, layout, flats):
    return Mixture(layout, panel).loglik(torch.as_tensor(np.atleast_2d(flats))).numpy()


def _random_spec(rng, family, like=None):
    """A random model; ``like`` a smaller one, made larger."""
    k = int(rng.integers(1, 4)) + (0 if like is None else like.n_groups - 1)
    kw = {"groups": k, "order": rng.integers(0, 4, k).tolist(), "family": family}
    if family in ("zip", "zinb"):
        kw["iorder"] = rng.integers(0, 3, k).tolist() if rng.random() < 0.5 else int(rng.integers(0, 3))
    if family in ("normal", "cnorm"):
        kw["sigma_by_group"] = bool(rng.random() < 0.5)
    if family in ("negbin", "zinb"):
        kw["dispersion_by_group"] = bool(rng.random() < 0.5)
    if family == "poisson" and k > 1 and rng.random() < 0.4:
        kw["order"] = [-1, *kw["order"][1:]]
    if family == "cnorm":
        kw["min"] = 0.0
    return make_spec(**kw)


def _brute_force(small, big):
    """Nested by trying every way to place the groups; written from the definition, one outcome, no dropout."""
    a, b = small.outcomes[0], big.outcomes[0]
    if small.n_groups > big.n_groups:
        return False
    if small.n_groups > 1:
        if (a.sigma_by_group and not b.sigma_by_group) or (a.dispersion_by_group and not b.dispersion_by_group):
            return False
        if a.zero_orders is not None and len(b.zero_orders) == 1 and len(a.zero_orders) > 1:
            return False

    def zero(o, g):
        return 0 if o.zero_orders is None else o.zero_orders[0] if len(o.zero_orders) == 1 else o.zero_orders[g]

    return any(
        all(a.orders[i] <= b.orders[g] and zero(a, i) <= zero(b, g) for i, g in enumerate(places))
        for places in itertools.permutations(range(big.n_groups), small.n_groups)
    )


@pytest.mark.parametrize("family", ["normal", "cnorm", "poisson", "zip", "negbin", "zinb", "logit"])
def test_embedding_keeps_the_likelihood_for_random_pairs(family):
    name = {"normal": "normal", "cnorm": "cnorm", "logit": "logit"}.get(family, "zip_own")
    subject, time, y = true_data(name)
    panel = gbtm.Panel.from_long(long_table(subject, time, y), id="id", time="t", outcome="y")
    rng = np.random.default_rng(3)
    found = tried = 0
    while found < PAIRS:
        tried += 1
        small, big = _random_spec(rng, family), None
        big = _random_spec(rng, family, small)
        layout, larger = make_layout(panel, small), make_layout(panel, big)
        flat = rng.normal(0, 0.4, layout.size)
        starts = embed(layout, flat, larger)
        assert nested(small, big) == _brute_force(small, big) == bool(len(starts))
        if len(starts):
            found += 1
            want = _loglik(panel, layout, flat)[0]
            np.testing.assert_allclose(_loglik(panel, larger, starts), want, rtol=0, atol=1e-9 * max(1, abs(want)))
    assert tried > found  # some of the pairs are not nested


@pytest.mark.parametrize("name", ["risk", "tcov", "weights", "exposure", "never", "everything", "dropout1"])
@pytest.mark.parametrize("reference", [1, 3])
def test_with_covariates_and_dropout(name, reference):
    drawn = draw(name)
    truth = drawn.truth.model
    shape = {"dropout": truth.dropout[0] if truth.dropout else None}
    small = drawn.built(groups=2, order=1, refgroup=2 if reference == 3 else 1, **shape)
    big = drawn.built(groups=4, order=[1, 3, 2, 1], refgroup=reference, **shape)
    flat = np.random.default_rng(5).normal(0, 0.3, small.layout.size)
    starts = embed(small.layout, flat, big.layout)
    assert len(starts) > 1
    want = _loglik(small.panel, small.layout, flat)[0]
    np.testing.assert_allclose(_loglik(big.panel, big.layout, starts), want, rtol=1e-11)


def test_against_the_formula():
    """By the oracle, which knows no layouts: a straight line inside a cubic, one group's share split in three."""
    subject, time, y = true_data("normal")
    table = long_table(subject, time, y)
    small = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1)
    big = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=4, order=[3, 1, 2, 1])
    params = np.array([1, 0.3, 4, -0.2, 0.8, 0.4])
    start = embed(small.layout, small.layout.unreport(params), big.layout)[0]
    want = oracle.loglik(oracle.Model("normal", (1, 1)), params, subject, time, y)
    got = oracle.loglik(oracle.Model("normal", (3, 1, 2, 1)), big.layout.report(start), subject, time, y)
    assert got == pytest.approx(want, abs=1e-8)


def test_a_group_that_can_copy_no_other_has_no_share():
    subject, time, y = true_data("normal")
    panel = gbtm.Panel.from_long(long_table(subject, time, y), id="id", time="t", outcome="y")
    small, big = make_spec(groups=2, order=3, family="normal"), make_spec(groups=3, order=[3, 3, 1], family="normal")
    layout, larger = make_layout(panel, small), make_layout(panel, big)
    flat = np.random.default_rng(0).normal(0, 0.5, layout.size)
    starts = embed(layout, flat, larger)
    assert (larger.shares(starts)[:, 2] < 1e-100).all()
    np.testing.assert_allclose(_loglik(panel, larger, starts), _loglik(panel, layout, flat)[0], atol=1e-9)


def test_bases_of_other_coordinates_meet_in_the_users():
    """Orthonormal over other observations: coefficients go by way of the user's powers of time."""
    table = long_table(*true_data("normal"))
    panel = gbtm.Panel.from_long(table, id="id", time="t", outcome="y")
    other = gbtm.Panel.from_long(table[table["t"] < 3], id="id", time="t", outcome="y")
    small, big = make_spec(groups=1, order=1, family="normal"), make_spec(groups=2, order=2, family="normal")
    basis = make_layout(other, big).parts[0].bases["mean"]
    layout, larger = make_layout(panel, small), make_layout(panel, big, [basis])
    flat = np.array([0.3, -0.4, 0.1])
    assert not np.allclose(basis.to_user[:2, :2], layout.parts[0].bases["mean"].to_user)
    starts = embed(layout, flat, larger)
    np.testing.assert_allclose(_loglik(panel, larger, starts), _loglik(panel, layout, flat)[0], rtol=1e-11)


def test_what_does_not_nest():
    one = make_spec(groups=2, order=2, family="normal")
    assert not nested(one, make_spec(groups=1, order=2, family="normal"))
    assert not nested(one, make_spec(groups=3, order=[2, 1, 1], family="normal"))
    assert not nested(make_spec(groups=2, order=1, family="poisson"), make_spec(groups=2, order=1, family="zip"))
    assert not nested(make_spec(groups=2, order=1, family="normal", sigma_by_group=True), one)
    assert nested(one, make_spec(groups=2, order=2, family="normal", sigma_by_group=True))
    assert not nested(replace(one, dropout=(1, 1)), replace(one, dropout=(2, 2)))
    assert not nested(one, replace(one, dropout=(1, 1)))
    assert nested(one, make_spec(groups=2, order=2, family="normal", ar1=True))


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_lowered_starts_drop_the_coefficient(name):
    model = TRUTH[name][0]
    table = long_table(*true_data(name))
    kw = {**arguments(model), "groups": 3, "order": [3, 3, 2]}
    if model.iorder:
        kw["iorder"] = [1, 1, 1]
    high = gbtm.GBTM.from_formula("y ~ t", table, id="id", **kw)
    low = gbtm.GBTM.from_formula("y ~ t", table, id="id", **{**kw, "order": [3, 2, 2]})
    flat = np.random.default_rng(1).normal(size=high.layout.size)
    starts = lowered(high.layout, flat, low.layout)
    c = high.layout.coefficients(flat, 0, "mean")
    kept = {tuple(np.round(row, 12)) for start in starts
            for row in low.layout.coefficients(start, 0, "mean")[:, :3]}
    assert kept == {tuple(np.round(row, 12)) for row in c[:, :3]}  # orthonormal: what stays is as it was
    assert len(starts) == 2  # the first or the second group gives up its cube
    assert len(lowered(low.layout, starts[0], high.layout)) == 0
    assert len(embed(high.layout, flat, low.layout)) == 0


def test_a_lowered_start_that_gives_nothing_up_keeps_the_likelihood():
    """Where the dropped coefficients are zero the two models are one."""
    subject, time, y = true_data("normal")
    panel = gbtm.Panel.from_long(long_table(subject, time, y), id="id", time="t", outcome="y")
    high = make_layout(panel, make_spec(groups=2, order=[3, 2], family="normal"))
    low = make_layout(panel, make_spec(groups=2, order=[2, 2], family="normal"))
    flat = np.random.default_rng(2).normal(0, 0.4, high.size)
    flat[3] = 0.0
    np.testing.assert_allclose(
        _loglik(panel, low, lowered(high, flat, low)), _loglik(panel, high, flat)[0], rtol=1e-12)


@pytest.mark.parametrize("which", ["dual", "dual_risk"])
def test_a_dual_model_in_one_with_more_groups_of_either_outcome(which):
    """Copies of both sets' groups at once, with other references and higher orders."""
    small = dual.model(which, groups=[2, 2])
    outcomes = [gbtm.Outcome("a ~ ta", order=[2, 1, 1]), gbtm.Outcome("b ~ tb", order=[1, 2, 1], family="poisson")]
    big = gbtm.GBTM.from_formula(outcomes, dual.DATA, id="id", wide=dual.WIDE, groups=[3, 3], refgroup=3, refgroup2=2,
                                 **dual.RISK[which])
    flat = np.random.default_rng(6).normal(0, 0.4, small.layout.size)
    starts = embed(small.layout, flat, big.layout)
    want = _loglik(small.panel, small.layout, flat)[0]
    assert len(starts) > 4
    np.testing.assert_allclose(_loglik(big.panel, big.layout, starts), want, rtol=1e-11)
    tables = big.layout.shares(starts).reshape(-1, 3, 3)
    assert {(t.sum(axis=1) < 1e-9).sum() + (t.sum(axis=0) < 1e-9).sum() for t in tables} == {0}  # all take a part


def test_which_dual_models_nest():
    both = (make_spec(groups=2, order=2, family="normal").outcomes[0], make_spec(groups=2, order=1, family="logit"))
    two = ModelSpec(2, (both[0], both[1].outcomes[0]), second_groups=2)
    wider = ModelSpec(2, (both[0], replace(two.outcomes[1], orders=(1, 1, 0))), second_groups=3)
    assert nested(two, wider)
    assert not nested(wider, two)
    assert not nested(two, replace(wider, outcomes=(replace(both[0], orders=(2, 1)), wider.outcomes[1])))
    assert not nested(two, replace(wider, outcomes=(both[0], replace(wider.outcomes[1], orders=(1, 0, 0)))))
    assert not nested(ModelSpec(2, two.outcomes), two)  # groups that are shared are other groups


def test_a_lowered_dual_model_starts_from_the_curves_and_the_table_of_the_higher():
    high = dual.model("dual_risk")
    outcomes = [gbtm.Outcome("a ~ ta", order=[1, 0, 1]), gbtm.Outcome("b ~ tb", order=[0, 1], family="poisson")]
    low = gbtm.GBTM.from_formula(outcomes, dual.DATA, id="id", wide=dual.WIDE, groups=[3, 2], **dual.RISK["dual_risk"])
    flat = np.random.default_rng(7).normal(0, 0.4, high.layout.size)
    starts = lowered(high.layout, flat, low.layout)
    assert len(starts) == 3 * 2  # which of the groups gives up its slope, of each outcome
    want = np.sort(high.layout.shares(flat))
    np.testing.assert_allclose(np.sort(low.layout.shares(starts), axis=1), np.tile(want, (6, 1)), rtol=1e-12)
    assert len(lowered(low.layout, starts[0], high.layout)) == 0
