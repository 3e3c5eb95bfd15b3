"""The flat vector: positions, names, and the way to the user's units and back."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

import gbtm
import oracle
from conftest import TRUTH, arguments, build, long_table, true_data
from parts import PARTS, draw


@pytest.mark.parametrize("name", TRUTH)
def test_report_and_unreport_are_inverse(name):
    layout = build(name).layout
    params = np.array(TRUTH[name][1], dtype=float)
    assert layout.size == TRUTH[name][0].size == len(layout.names)
    np.testing.assert_allclose(layout.report(layout.unreport(params)), params, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", TRUTH)
def test_report_jacobian_is_its_derivative(name):
    layout = build(name).layout
    flat = layout.unreport(np.array(TRUTH[name][1], dtype=float))
    np.testing.assert_allclose(layout.report_jacobian(flat), oracle.fd_gradient(layout.report, flat), atol=1e-8)


def test_shares_and_their_jacobian():
    built = gbtm.GBTM(np.random.default_rng(0).normal(size=(30, 4)), [0, 1, 2, 3], groups=4, order=0)
    layout = built.layout
    flat = np.random.default_rng(1).normal(size=layout.size)
    theta = np.concatenate([[0.0], flat[-3:]])
    np.testing.assert_allclose(layout.shares(flat), np.exp(theta) / np.exp(theta).sum(), rtol=1e-14)
    np.testing.assert_allclose(layout.shares_jacobian(flat), oracle.fd_gradient(layout.shares, flat), atol=1e-9)
    flat[-3:] = [800.0, -800.0, 0.0]
    assert layout.shares(flat) == pytest.approx([0, 1, 0, 0])


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("normal", "intercept[1] t[1] intercept[2] t[2] t^2[2] sigma theta[2]"),
        ("cnorm_sbg", "intercept[1] intercept[2] t[2] sigma[1] sigma[2] theta[2]"),
        ("poisson_never", "intercept[2] t[2] theta[2]"),
        ("zip_common", "intercept[1] t[1] intercept[2] t[2] zero_intercept zero_t theta[2]"),
        ("zip_own", "intercept[1] t[1] intercept[2] t[2] zero_intercept[1] zero_intercept[2] zero_t[2] theta[2]"),
        ("zip_partly", "intercept[1] intercept[2] t[2] zero_intercept[2] theta[2]"),
    ],
)
def test_names(name, names):
    assert build(name).layout.names == names.split()


@pytest.mark.parametrize("name", ["normal", "normal_sbg", "zip_common", "logit"])
def test_permuted_groups_are_the_same_model(name):
    model = TRUTH[name][0]
    same = oracle.Model(model.family, (2, 2), model.iorder, model.sigma_by_group, model.lower, model.upper)
    subject, time, y = true_data(name)
    layout = gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(same)).layout
    flat = np.random.default_rng(2).normal(0, 0.3, size=layout.size)
    swapped = layout.permute(flat, np.array([1, 0]))
    assert not np.allclose(flat, swapped)
    np.testing.assert_allclose(layout.shares(swapped), layout.shares(flat)[::-1], rtol=1e-12)
    a = oracle.loglik(same, layout.report(flat), subject, time, y)
    b = oracle.loglik(same, layout.report(swapped), subject, time, y)
    assert a == pytest.approx(b, rel=1e-12)
    np.testing.assert_allclose(layout.permute(swapped, np.array([1, 0])), flat, atol=1e-14)


def test_absent_parts_point_nowhere():
    layout = build("zip_never").layout
    assert (layout.index[0]["mean"][0] == layout.size).all()
    assert (layout.index[0]["zero"][0] == layout.size).all()  # a group that never happens has no zero part either
    assert layout.never(0).tolist() == [True, False]
    assert layout.coefficients(np.ones(layout.size), 0, "mean")[0].tolist() == [0.0, 0.0]



# -- covariates, exposure, weights, dropout ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
def test_report_and_unreport_are_inverse_with_parts(name):
    layout = draw(name).built().layout
    params = np.array(PARTS[name].params, dtype=float)
    assert layout.size == PARTS[name].model.size == len(layout.names) == len(layout.traj_names)
    assert len(set(layout.names)) == len(set(layout.traj_names)) == layout.size
    flat = layout.unreport(params)
    np.testing.assert_allclose(layout.report(flat), params, rtol=1e-10, atol=1e-11)
    jacobian = layout.report_jacobian(flat)
    np.testing.assert_allclose(jacobian, oracle.fd_gradient(layout.report, flat), atol=1e-8)


@pytest.mark.parametrize("name", ["risk", "risk_reference", "everything_censored", "zinb"])
def test_shares_with_covariates_are_weighted_means(name):
    drawn = draw(name)
    layout = drawn.built().layout
    weight = np.ones(len(drawn.beside.z)) if drawn.beside.weights is None else drawn.beside.weights

    def shares(flat):
        log_pi = oracle.log_shares(drawn.truth.model, layout.report(flat), len(weight), drawn.beside.z)
        return weight @ np.exp(log_pi) / weight.sum()

    rng = np.random.default_rng(0)
    flats = layout.unreport(np.array(PARTS[name].params, dtype=float)) + rng.normal(0, 0.3, (3, layout.size))
    for flat, row in zip(flats, layout.shares(flats), strict=True):
        np.testing.assert_allclose(row, shares(flat), rtol=1e-11)
        np.testing.assert_allclose(layout.shares_jacobian(flat), oracle.fd_gradient(shares, flat), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "names", "traj"),
    [
        ("risk_reference",
         "intercept[1] t[1] intercept[2] intercept[3] t[3] sigma theta[1] theta_z1[1] theta_z2[1] theta[2] theta_z1[2] "
         "theta_z2[2]",
         "interc1 linear1 interc2 interc3 linear3 sigma const1 z1G1 z2G1 const2 z1G2 z2G2"),
        ("tcov",
         "intercept[1] t[1] w1[1] w2[1] intercept[2] t[2] t^2[2] w1[2] w2[2] theta[2]",
         "interc1 linear1 w1G1 w2G1 interc2 linear2 quadra2 w1G2 w2G2 theta2"),
        ("never", "intercept[2] t[2] w1[2] theta[2] theta_z1[2]", "interc2 linear2 w1G2 const2 z1G2"),
        ("zinb",
         "intercept[1] w1[1] intercept[2] t[2] w1[2] zero_intercept psi theta[2] theta_z1[2]",
         "interc1 w1G1 interc2 linear2 w1G2 alpha0 psi const2 z1G2"),
        ("beta",
         "intercept[1] t[1] w1[1] intercept[2] t[2] w1[2] phi[1] phi[2] theta[2]",
         "interc1 linear1 w1G1 interc2 linear2 w1G2 phi1 phi2 theta2"),
        ("dropout_mixed",
         "intercept[1] intercept[2] t[2] intercept[3] drop0[2] drop1[2] drop2[2] drop_v1[2] drop0[3] drop1[3] "
         "drop_v1[3] sigma theta[2] theta[3]",
         "interc1 interc2 linear2 interc3 drop0G2 drop1G2 drop2G2 v1G2_dcov drop0G3 drop1G3 v1G3_dcov sigma theta2 "
         "theta3"),
    ],
)
def test_names_of_parts(name, names, traj):
    layout = draw(name).built().layout
    assert layout.names == names.split()
    assert layout.traj_names == traj.split()


@pytest.mark.parametrize("name", ["intercept", "t^2"])
def test_names_are_told_apart(name):
    table = draw("tcov").table.assign(**{name: draw("tcov").table["w1"]})
    with pytest.raises(gbtm.SpecificationError, match=re.escape(name)):
        draw("tcov").built(data=table, tcov=[name])


def _exchangeable(reference=1, **change):
    """Three groups of one specification with covariates, dropout and weights."""
    drawn = draw("everything_censored")
    return drawn, drawn.built(**{"order": 1, "dropout": 1, "refgroup": reference, **change})


@pytest.mark.parametrize("reference", [1, 2, 3])
@pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0], [0, 2, 1]])
def test_permuted_groups_with_parts_are_the_same_model(reference, order):
    """Whatever the reference group, which stays the group of that number."""
    drawn, built = _exchangeable(reference)
    layout = built.layout
    model = dataclasses.replace(drawn.truth.model, order=(1, 1, 1), dropout=(1, 1, 1), reference=reference - 1)
    flats = np.random.default_rng(2).normal(0, 0.3, (2, layout.size))
    swapped = layout.permute(flats, np.array(order))
    np.testing.assert_allclose(layout.shares(swapped), layout.shares(flats)[:, order], rtol=1e-12)
    for before, after in zip(flats, swapped, strict=True):
        a, b = (oracle.joint(model, layout.report(x), *drawn.data, drawn.beside) for x in (before, after))
        np.testing.assert_allclose(b, a[:, order], rtol=1e-11, atol=1e-11)
    back = layout.permute(swapped, np.argsort(order))
    np.testing.assert_allclose(back, flats, atol=1e-12)
    # linear: the covariance of the estimates moves by the same map
    unit = layout.permute(np.eye(layout.size), np.array(order))
    np.testing.assert_allclose(flats @ unit, swapped, atol=1e-12)


@pytest.mark.parametrize("reference", [1, 2, 3])
def test_theta_is_known_up_to_a_constant_of_each_column(reference):
    _, built = _exchangeable(reference)
    layout = built.layout
    rng = np.random.default_rng(1)
    flat, theta = rng.normal(size=(4, layout.size)), rng.normal(size=(4, 3, 3))
    kept = flat.copy()
    layout.set_membership(flat, theta)
    got = layout.membership_coefficients(flat)
    np.testing.assert_allclose(got - got[:, :1], theta - theta[:, :1], atol=1e-12)
    assert (got[:, reference - 1] == 0).all()
    outside = np.setdiff1d(np.arange(layout.size), np.arange(layout.size)[layout.theta])
    np.testing.assert_array_equal(flat[:, outside], kept[:, outside])


def test_theta_moves_with_the_reference():
    """The same model with another reference: unreport of moved user parameters gives the same shares."""
    _, one = _exchangeable(1)
    _, two = _exchangeable(2)
    flat = np.random.default_rng(0).normal(0, 0.4, one.layout.size)
    other = flat.copy()
    two.layout.set_membership(other, one.layout.membership_coefficients(flat))
    np.testing.assert_allclose(two.layout.shares(other), one.layout.shares(flat), rtol=1e-12)
    assert one.layout.names[-6:] == [f"theta{s}[{g}]" for g in (2, 3) for s in ("", "_z1", "_z2")]
    assert two.layout.names[-6:] == [f"theta{s}[{g}]" for g in (1, 3) for s in ("", "_z1", "_z2")]
    user = two.layout.report(other)[-6:].reshape(2, 3)
    base = np.vstack([np.zeros((1, 3)), one.layout.report(flat)[-6:].reshape(2, 3)])
    np.testing.assert_allclose(user, (base - base[1])[[0, 2]], rtol=1e-10, atol=1e-11)
