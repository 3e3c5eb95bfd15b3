"""Matching of labels: against all orders tried in turn, and on fits whose groups were exchanged by hand."""

from itertools import permutations

import numpy as np
import pytest

from conftest import TRUTH
from gbtm.likelihood.matching import Matcher, is_crossed, match_curves, match_posteriors, same_people
from gbtm.likelihood.mixture import Mixture
from gbtm.record.rebuild import prepared_of
from gbtm.specification.spec import make_spec
from parts import draw

RNG = np.random.default_rng(5)


def posteriors(n, k, sharp=3.0, rng=RNG):
    x = np.exp(sharp * rng.standard_normal((n, k)))
    return x / x.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_best_of_all_orders(k):
    spec = make_spec(groups=k, order=1, family="normal")
    reference, other, weight = posteriors(60, k), posteriors(60, k), RNG.uniform(0.1, 3, 60)
    order = match_posteriors(reference, other, spec, weight)
    value = {p: float((weight[:, None] * reference * other[:, list(p)]).sum()) for p in permutations(range(k))}
    assert value[tuple(order)] == pytest.approx(max(value.values()))


@pytest.mark.parametrize("true", list(permutations(range(4))))
def test_finds_the_exchange(true):
    spec = make_spec(groups=4, order=2, family="poisson")
    p = posteriors(80, 4)
    other = np.empty_like(p)
    other[:, list(true)] = p  # the reference's group k stands in place true[k]
    np.testing.assert_array_equal(match_posteriors(p, other, spec), true)
    curves, shares = RNG.normal(size=(4, 6)), np.array([0.1, 0.2, 0.3, 0.4])
    moved, moved_shares = np.empty_like(curves), np.empty_like(shares)
    moved[list(true)], moved_shares[list(true)] = curves, shares
    np.testing.assert_array_equal(match_curves(curves, moved, shares, moved_shares, spec, 1.0), true)


def test_only_groups_of_one_specification_change_places():
    spec = make_spec(groups=3, order=[1, 2, 1], family="normal")
    p = posteriors(50, 3)
    assert match_posteriors(p, p[:, [1, 0, 2]], spec)[1] == 1
    assert match_posteriors(p, p[:, [2, 1, 0]], spec).tolist() == [2, 1, 0]
    spec = make_spec(groups=2, order=1, family="zip", iorder=[0, 1])
    p = posteriors(50, 2)
    assert match_posteriors(p, p[:, ::-1], spec).tolist() == [0, 1]


def test_a_forbidden_exchange_is_known():
    """The same exchange is undone where the groups are alike, and crossed where they are not."""
    p = posteriors(50, 3)
    for orders, crossed in (([1, 2, 1], True), ([2, 2, 1], False), ([1, 1, 1], False)):
        spec = make_spec(groups=3, order=orders, family="normal")
        for other, is_so in ((p[:, [1, 0, 2]], crossed), (p, False)):
            assert is_crossed(p, other, match_posteriors(p, other, spec)) is is_so


def test_curves_that_run_off_and_equal_curves():
    spec = make_spec(groups=3, order=1, family="poisson")
    curves = np.array([[0.0, 1, 2], [5, 5, 5], [5, np.inf, np.nan]])
    order = match_curves(curves, curves[[2, 0, 1]], np.ones(3) / 3, np.ones(3) / 3, spec, 2.0)
    assert order[0] == 1
    assert sorted(order) == [0, 1, 2]
    same = np.zeros((2, 3))
    spec = make_spec(groups=2, order=1, family="poisson")
    assert match_curves(same, same, np.array([0.2, 0.8]), np.array([0.8, 0.2]), spec, 1.0).tolist() == [1, 0]


@pytest.mark.parametrize("name", ["normal_sbg", "zip_own", "poisson", "logit"])
def test_undoes_an_exchange_of_a_fits_groups(fitted, name):
    res = fitted(name)
    model = prepared_of(res)
    keys = {model.spec.group_key(g) for g in range(2)}
    params = res.params.to_numpy()
    flat = model.layout.unreport(params)
    matcher = Matcher(Mixture(model.layout, model.panel), flat)
    np.testing.assert_allclose(matcher.matched(params), params)
    if len(keys) == 1:
        swapped = model.layout.report(model.layout.permute(flat, np.array([1, 0])))
        assert not np.allclose(swapped, params)
        np.testing.assert_allclose(matcher.matched(swapped), params, rtol=1e-9, atol=1e-9)
    assert TRUTH[name][0].n_groups == 2


def test_with_membership_covariates_and_weights():
    """theta against another reference group is the same membership."""
    model = draw("risk").built()
    flat = model.layout.unreport(np.array(draw("risk").truth.params))
    matcher = Matcher(Mixture(model.layout, model.panel), flat)
    swapped = model.layout.report(model.layout.permute(flat, np.array([2, 1, 0])))
    np.testing.assert_allclose(matcher.matched(swapped), model.layout.report(flat), rtol=1e-9, atol=1e-9)


def test_people_of_groups_that_are_halves_of_one():
    """Of six people, two in each of three groups; then groups 1 and 2 share those of 1, and 3 takes those of 2."""
    apart = np.repeat(np.eye(3), 2, axis=0) * 0.94 + 0.02
    halves = np.array([[0.6, 0.38, 0.02]] * 2 + [[0.03, 0.03, 0.94]] * 4)
    emptied = np.array([[0.98, 1e-9, 0.02]] * 2 + [[0.03, 1e-9, 0.97]] * 4)
    given = np.stack([apart, halves, apart[:, [1, 0, 2]], emptied, apart * [1.0, 1e-3, 1.0]])
    same = same_people(np.tile(apart, (5, 1, 1)), given)
    assert same.tolist() == [True, False, False, False, True]
    # what holds nobody before and after may be anything
    other = emptied.copy()
    other[:, 1] = 1e-9 * np.arange(6)
    assert same_people(emptied[None], other[None]).tolist() == [True]
    # weights say who counts
    swapped = apart[[0, 3, 2, 1, 4, 5]]
    for weight, answer in (([1.0, 0, 1, 0, 1, 1], True), ([0.0, 1, 0, 1, 1, 1], False)):
        assert same_people(apart[None], swapped[None], np.array(weight)).tolist() == [answer]
