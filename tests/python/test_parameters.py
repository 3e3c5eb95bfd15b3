"""The flat vector: positions, names, and the way to the user's units and back."""

from __future__ import annotations

import numpy as np
import pytest

import gbtm
import oracle
from conftest import TRUTH, arguments, build, long_table, true_data


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

