"""What the data determine though its parts run to infinity: against closed forms of the counts behind it."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from scipy.stats import chi2

import gbtm
from gbtm.compute.determined import determined, sandwich_is_empty
from gbtm.record.document import from_json, to_json


def test_what_loads_on_a_direction_without_information_or_has_no_bound_is_not_determined():
    gradient = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1e-4, 1, 0], [0.1, 1, 0], [0, 0, 0]])
    blind = np.eye(3)[:, :1]
    variance = np.array([0.0, 1.0, 901.0, 1.0, 1.0, 0.0])
    assert determined(gradient, variance, blind).tolist() == [False, True, False, True, False, True]
    # as a function, not by its units
    assert determined(1e6 * gradient, 1e12 * variance, blind).tolist() == [False, True, False, True, False, True]
    assert determined(gradient, variance, np.zeros((3, 0)))[0]


def test_a_sandwich_without_filling():
    assert sandwich_is_empty(np.array([0.0, 1e-11, 0.5, 0.0]), np.array([1.0, 1, 1, 0])).tolist() == [
        True, True, False, False]


def _separated(**more) -> gbtm.GBTMResults:
    """Where x is 0 one group has ones alone and the other zeros alone, so that everybody's group is plain; where it is
    1 both have both."""
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"id": np.repeat(np.arange(80), 12), "t": np.tile(np.arange(12.0), 80)})
    d["x"] = d["t"] % 2
    second = d["id"] % 2 == 1
    chance = np.where(second, np.where(d["x"] == 1, 0.4, 1.0), np.where(d["x"] == 1, 0.7, 0.0))
    d["y"] = (rng.random(len(d)) < chance).astype(float)
    d["psu"] = d["id"] // 4
    with pytest.warns(gbtm.GBTMWarning):
        return gbtm.GBTM.from_formula(
            "y ~ t", d, id="id", groups=2, order=0, family="logit", tcov=["x"], **more).fit(rng=0, n_starts=3)


@pytest.fixture(scope="module")
def separated():
    return _separated()


def _of_group(res, second: int) -> np.ndarray:
    data = res.outcomes[0].data
    subject = np.asarray(data.subject, dtype=int)
    of_group = np.argmax(res.group_sets[0].posterior[subject], axis=1) == second
    return data.y[of_group & (data.covariates[:, 0] == 1)]


@pytest.mark.parametrize("k", [1, 2])
def test_a_sum_whose_terms_run_to_opposite_infinities_is_a_logit_of_counts(separated, k):
    assert np.isnan(separated.bse[[f"intercept[{k}]", f"x[{k}]"]]).all()
    y = _of_group(separated, k - 1)
    p, both = y.mean(), f"intercept[{k}] + x[{k}]"
    se = 1 / np.sqrt(y.size * p * (1 - p))
    got = separated.delta(both)
    assert got.estimate.iloc[0] == pytest.approx(logit(p), rel=1e-9)
    assert got.bse.iloc[0] == pytest.approx(se, rel=1e-9)
    assert separated.wald_test(f"{both} = 0.25").statistic == pytest.approx(((logit(p) - 0.25) / se) ** 2, rel=1e-9)
    assert separated.t_test(f"{both} = 0").sd.item() == pytest.approx(se, rel=1e-9)
    chance = separated.delta(lambda b: 1 / (1 + np.exp(-b[f"intercept[{k}]"] - b[f"x[{k}]"])))
    assert chance.bse.iloc[0] == pytest.approx(np.sqrt(p * (1 - p) / y.size), rel=1e-7)
    for lost in (f"intercept[{k}]", f"intercept[{k}] - x[{k}]", f"{both} + 0.5 * x[{k}]"):
        with pytest.raises(gbtm.SpecificationError) as error:
            separated.delta(lost)
        assert error.value.code == "no_standard_error"


def test_joint_tests_of_determined_rows(separated):
    """Groups share no person, so that the two logits and the share are independent."""
    sums = [f"intercept[{k}] + x[{k}]" for k in (1, 2)]
    parts = [_of_group(separated, k) for k in (0, 1)]
    p, n = np.array([y.mean() for y in parts]), np.array([y.size for y in parts])
    variance = 1 / (n * p * (1 - p))
    want = (logit(p) ** 2 / variance).sum()
    test = separated.wald_test(f"{sums[0]} = 0, {sums[1]} = 0, {sums[0]} + {sums[1]} = 0")
    assert (test.df, len(test.notes)) == (2, 1)
    assert test.statistic == pytest.approx(want, rel=1e-8)
    difference = separated.wald_test(f"{sums[0]} = {sums[1]}, theta[2] = 0.1")
    theta, half = separated.params["theta[2]"] - 0.1, separated.bse["theta[2]"]
    want = (logit(p[0]) - logit(p[1])) ** 2 / variance.sum() + (theta / half) ** 2
    assert difference.statistic == pytest.approx(want, rel=1e-8)
    assert difference.pvalue == pytest.approx(chi2.sf(want, 2), rel=1e-7)
    nonlinear = separated.wald_test_nonlinear(f"exp({sums[0]}) = exp({sums[1]})")
    odds = p / (1 - p)
    assert nonlinear.statistic == pytest.approx((odds[0] - odds[1]) ** 2 / (odds**2 * variance).sum(), rel=1e-8)
    with pytest.raises(gbtm.SpecificationError) as error:
        separated.wald_test(f"{sums[0]} = 0, x[2] = 0")
    assert error.value.code == "no_standard_error"
    assert "standard error of x[2]," in str(error.value)


def test_sas_names_for_a_sum_have_traj_s_variance(separated):
    """The macro's covariance is N / (N - k + 1) times the inverse information."""
    y = _of_group(separated, 0)
    p, n, k = y.mean(), separated.nobs, separated.df_model
    names = dict(zip(separated.params.index, separated.traj_names, strict=True))
    test = separated.trajtest(f"{names['intercept[1]']} + {names['x[1]']} = 0")
    w = logit(p) ** 2 * y.size * p * (1 - p) * (n - k + 1) / n
    assert f"W = {w:.4f}" in test.notes[-1]
    turned = separated.trajtest(f"{names['intercept[2]']} + {names['x[2]']} = 0", group_order=[2, 1])
    assert f"W = {w:.4f}" in turned.notes[-1]


@pytest.mark.parametrize("kind", ["robust", "cluster"])
def test_sandwiches_of_a_sum(kind):
    """The score of a group's logit where x is 1 is sum (y - p) of a person, and its information n p (1 - p)."""
    res = _separated(cov_type=kind, **({"cluster": "psu"} if kind == "cluster" else {}))
    data = res.outcomes[0].data
    subject = np.asarray(data.subject, dtype=int)
    there = (subject % 2 == 0) & (data.covariates[:, 0] == 1)
    y = data.y[there]
    p = y.mean()
    unit = subject[there] // (4 if kind == "cluster" else 1)
    scores = np.bincount(unit, y - p, minlength=20 if kind == "cluster" else 80)
    meat = (scores**2).sum() * (20 / 19 if kind == "cluster" else 1)
    group = 1 if abs(res.delta("intercept[1] + x[1]").estimate.iloc[0] - logit(p)) < 1e-6 else 2
    got = res.delta(f"intercept[{group}] + x[{group}]").bse.iloc[0]
    assert got == pytest.approx(np.sqrt(meat) / (y.size * p * (1 - p)), rel=1e-8)
    with pytest.raises(gbtm.SpecificationError):
        res.delta(f"intercept[{group}]")
    plain = res.with_cov_type("hessian").delta(f"intercept[{group}] + x[{group}]")
    assert plain.bse.iloc[0] == pytest.approx(1 / np.sqrt(y.size * p * (1 - p)), rel=1e-9)


def test_curves_are_compared_where_their_differences_are_determined():
    """A covariate that separates a group takes its level with it, not its slope."""
    rng = np.random.default_rng(8)
    d = pd.DataFrame({"id": np.repeat(np.arange(120), 8), "t": np.tile(np.arange(8.0), 120)})
    d["x"] = (rng.random(len(d)) < 0.5) * 1.0
    first = d["id"] % 2 == 0
    eta = np.where(first, -1 + 0.3 * d["t"], 2 - 0.3 * d["t"])
    d["y"] = (rng.random(len(d)) < 1 / (1 + np.exp(-eta))) * np.where(first & (d["x"] == 0), 0.0, 1.0)
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula(
            "y ~ t", d, id="id", groups=2, order=1, family="logit", tcov=["x"]).fit(rng=0, n_starts=3)
    withheld = next(k for k in (1, 2) if np.isnan(res.bse[f"intercept[{k}]"]))
    assert np.isfinite(res.bse[["t[1]", "t[2]"]]).all()
    want = res.wald_test("t[1] = t[2]").statistic
    difference = res.params["t[1]"] - res.params["t[2]"]
    v = res.cov_params().loc[["t[1]", "t[2]"], ["t[1]", "t[2]"]].to_numpy()
    assert want == pytest.approx(difference**2 / (v[0, 0] + v[1, 1] - 2 * v[0, 1]), rel=1e-9)
    assert res.equal_slopes().statistic == pytest.approx(want, rel=1e-6)
    with pytest.raises(gbtm.SpecificationError) as error:
        res.equal_curves()
    assert f"standard error of intercept[{withheld}]," in str(error.value)


def test_a_file_from_before_refuses_as_it_did_and_a_new_one_answers_alike(separated):
    again = gbtm.GBTMResults(from_json(to_json(separated.document)))
    both = "intercept[1] + x[1]"
    assert again.delta(both).bse.iloc[0] == separated.delta(both).bse.iloc[0]
    old = copy.deepcopy(separated.document)
    for name in ("jacobian", "root"):
        del old["internal"][name]
    before = gbtm.GBTMResults(from_json(to_json(old)))
    with pytest.raises(gbtm.SpecificationError) as error:
        before.delta(both)
    assert error.value.code == "no_standard_error"
    assert before.delta("theta[2]").bse.iloc[0] == pytest.approx(separated.bse["theta[2]"])
    with pytest.raises(gbtm.SpecificationError):
        before.equal_curves()


@pytest.mark.parametrize("kind", ["hessian", "traj", "robust"])
def test_the_root_is_that_of_the_covariance(kind):
    res = gbtm.GBTM.from_formula(
        "y ~ t", gbtm.datasets.two_groups(rng=0), id="id", groups=2, order=1).fit(rng=0, n_starts=2, cov_type=kind)
    inside = res.internal
    np.testing.assert_allclose(inside.root @ inside.root.T, inside.cov, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        inside.jacobian @ inside.cov @ inside.jacobian.T, res.cov_params(), rtol=1e-9, atol=1e-12)
    if kind == "robust":
        plain, root = res.with_cov_type("hessian").internal, inside.information_root
        np.testing.assert_allclose(root @ root.T, plain.cov, rtol=1e-9, atol=1e-12)
    else:
        assert inside.information_root is None
