"""Nested fits with constraints: known by what these allow, however they are written."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import gbtm
from gbtm import GBTM, SpecificationError
from gbtm.inference.constrained_pairs import ConstrainedPair

DATA = gbtm.datasets.two_groups(rng=0)


def fit(*constraints, order=1, **options):
    told = {"constraints": list(constraints)} if constraints else {}
    model = GBTM.from_formula("y ~ t", DATA, id="id", **{"groups": 2, "order": order, **told, **options})
    return model.fit(n_starts=2)


@pytest.mark.parametrize(("one", "other"), [
    (["t[1] = t[2]"], ["t[2]=t[1]"]),
    (["t[1] = 0"], ["2*t[1] = 0"]),
    (["t[1] = 0", "t[2] = 1"], ["t[2] - 1 = 0, t[1] = 0"]),
    (["t[1] = t[2]", "t[2] = 0"], ["t[1] = 0", "t[2] = 0"]),
    (["sigma < 0.5"], ["0.5 > sigma"]),
    (["sigma = 0.5"], ["2 * sigma = 1"]),
])
def test_one_model_written_in_two_ways(one, other):
    a, b = fit(*one), fit(*other)
    for larger, smaller in ((a, b), (b, a)):
        pair = ConstrainedPair.of(larger, smaller)
        assert (pair.nested, pair.bounds) == (True, 0)
    with pytest.raises(SpecificationError, match="the same model") as caught:
        a.compare_lr_test(b)
    assert caught.value.code == "not_nested"


@pytest.mark.parametrize(("larger", "smaller"), [
    (lambda: fit("t[2] = t[1]"), lambda: fit("t[1] = 0", "t[2] = 0")),
    (lambda: fit("t[2] = 2 * t[1]"), lambda: fit("t[1] = 0", "0 = t[2]")),
    (lambda: fit("t[2] = 0"), lambda: fit(order=0)),
    (lambda: fit("t[1] = t[2]"), lambda: fit(order=0)),
    (lambda: fit("t^2[1] = t^2[2]", order=2), lambda: fit(order=1)),
    (lambda: fit("sigma[1] = sigma[2]", sigma_by_group=True), lambda: fit("2 * t[1] = 0")),
    (fit, lambda: fit("t[1] = 0", order=[1, 0])),
])
def test_nesting_is_that_of_the_linear_map(larger, smaller):
    larger, smaller = larger(), smaller()
    test = larger.compare_lr_test(smaller)
    assert test.df == larger.df_model - smaller.df_model > 0
    assert test.statistic == pytest.approx(max(2 * (larger.llf - smaller.llf), 0.0))
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, test.df))
    with pytest.raises(SpecificationError) as caught:
        smaller.compare_lr_test(larger)
    assert caught.value.code == "not_nested"


@pytest.mark.parametrize(("larger", "smaller"), [
    (lambda: fit("t[1] = t[2]"), lambda: fit("t[1] = 0", "t[2] = 1")),
    (lambda: fit("t[1] = 1"), lambda: fit("t[1] = 0", "t[2] = 0")),
    (lambda: fit("t[1] = 1"), lambda: fit(order=0)),
    (lambda: fit("sigma < 0.4"), lambda: fit("sigma < 0.5", "t[1] = 0")),
    (lambda: fit("sigma[1] = 2 * sigma[2]", sigma_by_group=True), lambda: fit("t[1] = 0")),
])
def test_what_does_not_nest_is_refused(larger, smaller):
    larger, smaller = larger(), smaller()
    assert not ConstrainedPair.of(larger, smaller).nested
    with pytest.raises(SpecificationError) as caught:
        larger.compare_lr_test(smaller)
    assert caught.value.code == "not_nested"


def test_bounds():
    tight, wide = fit("sigma < 0.5"), fit("sigma < 0.9")
    half = wide.compare_lr_test(tight)  # the wider bound decides nothing where the truth is on the tight one
    assert half.pvalue == pytest.approx(0.5 * stats.chi2.sf(half.statistic, 1) + 0.5 * (half.statistic <= 0))
    both = tight.compare_lr_test(fit("sigma < 0.5", "t[1] = t[2]"))
    assert both.pvalue == pytest.approx(stats.chi2.sf(both.statistic, 1))
    flat = fit(order=0)
    up = fit("t[1] > 0").compare_lr_test(flat)  # two slopes at 0, of which one at its bound
    assert up.pvalue == pytest.approx(0.5 * stats.chi2.sf(up.statistic, 1) + 0.5 * stats.chi2.sf(up.statistic, 2))
    lower = fit().compare_lr_test(fit("sigma < 0.5", order=[0, 1]))
    assert lower.df == 2
    assert lower.pvalue == pytest.approx(
        0.5 * stats.chi2.sf(lower.statistic, 1) + 0.5 * stats.chi2.sf(lower.statistic, 2))
    with pytest.raises(SpecificationError, match="2 parameters lie at bounds"):
        fit().compare_lr_test(fit("t[1] > 0", "t[2] > 0"))


def test_membership_covariates_find_their_place():
    data = DATA.assign(z=np.random.default_rng(1).normal(size=100)[DATA["id"].to_numpy() - DATA["id"].min()])
    models = [GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, constraints=["t[1] = t[2]"], **risk).fit(
        n_starts=2) for risk in ({}, {"risk": "z"})]
    assert models[1].compare_lr_test(models[0]).df == 1
