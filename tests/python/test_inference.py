"""Standard errors, scores and the delta method against differences of the written-out likelihood."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gbtm
import oracle
from conftest import TRUTH, build, true_data
from gbtm.inference import Covariance, covariance, information
from gbtm.likelihood import Mixture

IDENTIFIED = ("normal", "normal_sbg", "cnorm", "cnorm_sbg", "poisson", "poisson_never", "zip_common", "zip_own",
              "zip_partly", "zip_never", "logit")


@pytest.mark.parametrize("name", IDENTIFIED)
def test_standard_errors_are_those_of_the_formula(name, fitted):
    """The inverse of the negative Hessian of the independent likelihood in the user's own parameters."""
    res = fitted(name)
    assert np.isfinite(res.bse).all()
    data = true_data(name)
    step = np.asarray(res.bse)  # steps of standard errors: the parameters' scales differ by orders
    scaled = -oracle.fd_hessian(
        lambda z: oracle.loglik(TRUTH[name][0], res.params.to_numpy() + step * z, *data), np.zeros(len(res.params)),
        step=2e-2,
    )
    cov = np.linalg.inv(scaled) * np.outer(step, step)
    np.testing.assert_allclose(res.bse, np.sqrt(np.diag(cov)), rtol=2e-6)
    np.testing.assert_allclose(res.cov_params() / np.outer(step, step), cov / np.outer(step, step), atol=5e-6)


@pytest.mark.parametrize("name", IDENTIFIED)
def test_the_score_vanishes_at_the_estimates(name, fitted):
    res = fitted(name)
    data = true_data(name)
    score = oracle.fd_gradient(
        lambda z: oracle.loglik(TRUTH[name][0], res.params.to_numpy() + res.bse.to_numpy() * z, *data),
        np.zeros(len(res.params)),
    )
    assert np.abs(score).max() < 1e-5  # per standard error


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_information_is_minus_the_hessian(name):
    built = build(name)
    module = Mixture(built.layout, built.panel)
    flat = built.layout.unreport(np.array(TRUTH[name][1], dtype=float))
    info = information(module, flat)
    np.testing.assert_array_equal(info, info.T)
    auto = torch.autograd.functional.hessian(lambda x: -module.loglik(x[None])[0], torch.as_tensor(flat)).numpy()
    np.testing.assert_allclose(info, auto, rtol=1e-9, atol=1e-9 * np.abs(auto).max())


@pytest.mark.parametrize("name", ["normal", "zip_own"])
def test_traj_covariance_is_inflated(name, fitted):
    base, res = fitted(name), build(name).fit(cov_type="traj")
    n, k = base.nobs, base.df_model
    np.testing.assert_allclose(res.cov_params(), base.cov_params() * n / (n - k + 1), rtol=1e-12)
    np.testing.assert_allclose(res.to_traj().V, base.to_traj().V, rtol=1e-12)
    assert res.document["cov_type"] == "traj"


def test_share_errors_by_the_delta_method(fitted):
    res = fitted("logit")
    theta, se = res.params["theta[2]"], res.bse["theta[2]"]
    p = 1 / (1 + np.exp(-theta))
    np.testing.assert_allclose(res.group_shares["share"], [1 - p, p], rtol=1e-10)
    np.testing.assert_allclose(res.group_shares["std err"], [p * (1 - p) * se] * 2, rtol=1e-9)


def test_share_errors_with_three_groups():
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 3.0, 6.0], [20, 30, 40])[:, None] + rng.normal(size=(90, 3))
    res = gbtm.GBTM(y, range(3), groups=3, order=0).fit()
    shares = lambda th: np.exp([0, *th]) / np.exp([0, *th]).sum()  # noqa: E731
    theta = res.params[["theta[2]", "theta[3]"]].to_numpy()
    jac = oracle.fd_gradient(shares, theta)
    cov = jac @ res.cov_params().loc[["theta[2]", "theta[3]"], ["theta[2]", "theta[3]"]].to_numpy() @ jac.T
    np.testing.assert_allclose(res.group_shares["std err"], np.sqrt(np.diag(cov)), rtol=1e-8)


# -- what is not identified -------------------------------------------------------------------------------------------


def test_covariance_of_a_regular_matrix_is_its_inverse():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    info = a @ a.T + np.eye(6)
    cov = covariance(info, "hessian", 100)
    np.testing.assert_allclose(cov.internal, np.linalg.inv(info), rtol=1e-10)
    assert cov.undetermined.shape == (6, 0)
    assert not cov.negative
    jac = rng.normal(size=(2, 6))
    got, identified = cov.reported(jac)
    np.testing.assert_allclose(got, jac @ np.linalg.inv(info) @ jac.T, rtol=1e-10)
    assert identified.tolist() == [True, True]


def test_a_flat_direction_costs_only_what_loads_on_it():
    info = np.diag([4.0, 9.0, 1e-9])
    cov = covariance(info, "hessian", 100)
    got, identified = cov.reported(np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 1.0, 1.0], [0, 0, 1.0]]))
    assert identified.tolist() == [True, True, False, False]
    np.testing.assert_allclose(got[:2, :2], np.diag([1 / 4, 1 / 9]))
    assert np.isnan(got[2:]).all()
    assert np.isnan(got[:, 2:]).all()


def test_a_saddle_is_told():
    assert covariance(np.diag([5.0, -1.0]), "hessian", 10).negative
    assert not covariance(np.diag([5.0, -1e-9]), "hessian", 10).negative


def test_no_parameters_at_all():
    cov = Covariance(np.zeros((0, 0)), np.zeros((0, 0)), False, "hessian")
    got, identified = cov.reported(np.zeros((0, 0)))
    assert got.shape == (0, 0)
    assert identified.shape == (0,)


def test_separated_group_leaves_the_others_errors_alone():
    """One group of all ones: its intercept has no error; the other group's errors are those of fitting it alone."""
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((60, 12)), (rng.random((60, 12)) < 0.3).astype(float)])
    with pytest.warns(gbtm.GBTMWarning, match="probability is 1"):
        res = gbtm.GBTM(y, range(12), groups=2, order=0, family="logit").fit()
    alone = gbtm.GBTM(y[60:], range(12), groups=1, order=0, family="logit").fit()
    assert res.params["intercept[1]"] == pytest.approx(alone.params.iloc[0], abs=1e-4)
    assert res.bse["intercept[1]"] == pytest.approx(alone.bse.iloc[0], rel=1e-4)
    assert np.isnan(res.bse["intercept[2]"])
    assert np.isfinite(res.bse["theta[2]"])
    assert np.isnan(res.cov_params().loc["intercept[2]"]).all()
    assert np.isnan(res.pvalues["intercept[2]"])
