"""Standard errors, scores and the delta method against differences of the written-out likelihood."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
import oracle
from conftest import FEW_STARTS, TRUTH, build, true_data
from gbtm.estimation.covariance import Covariance, covariance, information
from gbtm.likelihood.mixture import Mixture
from parts import draw

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
    base, res = fitted(name), build(name).fit(cov_type="traj", n_starts=FEW_STARTS)
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


# -- sandwiches -------------------------------------------------------------------------------------------------------

SANDWICHED = ("tcov_cells", "weights", "exposure_negbin", "beta", "zinb", "dropout0")


@functools.cache
def _by_differences(name):
    """A model, its fit with robust errors, and from the oracle in the user's parameters: scores and information."""
    drawn = draw(name)
    built = drawn.built()
    res = built.fit(n_starts=4, cov_type="robust")
    at, step = res.params.to_numpy(), res.bse.to_numpy()
    scores = oracle.fd_gradient(lambda z: drawn.subject_loglik(at + step * z), np.zeros(at.size)) / step
    info = -oracle.fd_hessian(lambda z: drawn.loglik(at + step * z), np.zeros(at.size), step=2e-2)
    return built, res, scores, info / np.outer(step, step)


def _assert_cov(res, want):
    spread = np.outer(*[np.sqrt(np.diag(want))] * 2)
    np.testing.assert_allclose(res.cov_params() / spread, want / spread, atol=2e-5)


@pytest.mark.parametrize("name", SANDWICHED)
def test_robust_errors_are_the_sandwich_of_the_formula(name):
    built, res, scores, info = _by_differences(name)
    weights = draw(name).beside.weights
    _assert_cov(res, oracle.sandwich(scores, info, weights))
    assert res.document["cov_type"] == "robust"
    plain = built.fit(n_starts=4, cov_type="hessian")
    _assert_cov(plain, np.linalg.inv(info))
    assert np.abs(plain.bse / res.bse - 1).max() > 0.01


@pytest.mark.parametrize("name", ["tcov_cells", "weights", "zinb"])
def test_clusters_and_strata_are_those_of_the_formula(name):
    """Clusters numbered anew in each stratum; as the tables' own labels."""
    built, res, scores, info = _by_differences(name)
    n = len(scores)
    weights, rng = draw(name).beside.weights, np.random.default_rng(0)
    stratum, cluster = rng.integers(0, 3, n), rng.integers(0, 12, n)
    known = built.panel.subjects
    for given in ({"cluster": cluster}, {"stratum": stratum}, {"cluster": cluster, "stratum": stratum}):
        model = gbtm.GBTM.from_panel(dataclasses.replace(built.panel, known=dataclasses.replace(known, **given)),
                                     built.spec)
        of_clusters = model.fit(start=res)
        assert of_clusters.document["cov_type"] == "cluster"
        _assert_cov(of_clusters, oracle.sandwich(scores, info, weights, **given))
        assert np.abs(of_clusters.bse / res.bse - 1).max() > 1e-3


def test_identical_subjects_of_other_weights_keep_their_own_scores():
    """They are one subject to the likelihood, with the sum of their weights; to the sandwich that of the squares."""
    drawn = draw("tcov_cells")
    built = drawn.built(weights="wt")
    assert Mixture(built.layout, built.panel).expand is not None
    res = built.fit(n_starts=4)
    weight = drawn.table.dropna(subset="y").groupby("id")["wt"].first().to_numpy()
    relative = weight / weight.mean()
    at, step = res.params.to_numpy(), res.bse.to_numpy()
    own = lambda z: drawn.subject_loglik(at + step * z)  # noqa: E731
    scores = oracle.fd_gradient(own, np.zeros(at.size)) / step
    info = -oracle.fd_hessian(lambda z: float(own(z) @ relative), np.zeros(at.size), step=2e-2) / np.outer(step, step)
    _assert_cov(res, oracle.sandwich(scores, info, weight))


@pytest.mark.parametrize("name", ["weights", "risk"])
def test_everybody_a_cluster_is_robust_but_for_the_number(name):
    """B about the mean score, which is 0 at the maximum, times N / (N - 1)."""
    drawn = draw(name)
    robust = drawn.built().fit(n_starts=4, cov_type="robust")
    clusters = drawn.built(cluster="id").fit(n_starts=4)
    assert clusters.document["cov_type"] == "cluster"
    n = robust.n_subjects
    np.testing.assert_allclose(clusters.cov_params(), robust.cov_params() * n / (n - 1), rtol=1e-6, atol=1e-9)


def test_columns_of_labels_name_clusters_and_strata():
    """The same from a table as from codes; a cluster's label may come again in another stratum."""
    drawn = draw("weights")
    who = drawn.table["id"]
    table = drawn.table.assign(region=np.where(who <= 40, "north", "south"), school=[f"s{i % 5}" for i in who])
    same = drawn.built(data=table, cluster="school", stratum="region").fit(n_starts=4)
    one_number = table.assign(school=table["region"] + table["school"])
    other = drawn.built(data=one_number, cluster="school", stratum="region").fit(n_starts=4)
    np.testing.assert_array_equal(same.cov_params(), other.cov_params())
    without = drawn.built(data=table, cluster="school").fit(n_starts=4)
    assert np.abs(without.bse / same.bse - 1).max() > 0.01


def test_what_the_data_call_for_unless_asked_otherwise():
    weighted, plain = draw("weights"), draw("dropout0")
    assert weighted.built().fit(n_starts=2).document["cov_type"] == "robust"
    assert plain.built().fit(n_starts=2).document["cov_type"] == "hessian"
    assert plain.built(cluster="id").fit(n_starts=2).document["cov_type"] == "cluster"
    assert plain.built(stratum="mar").fit(n_starts=2).document["cov_type"] == "cluster"
    assert plain.built(cluster="id").fit(n_starts=2, cov_type="hessian").document["cov_type"] == "hessian"


def test_traj_is_the_plain_sandwich_with_weights_and_inflated_without():
    weighted = draw("weights").built()
    traj, robust = (weighted.fit(n_starts=4, cov_type=c) for c in ("traj", "robust"))
    np.testing.assert_array_equal(traj.cov_params(), robust.cov_params())
    plain = draw("dropout1").built()
    traj, hessian = (plain.fit(n_starts=4, cov_type=c) for c in ("traj", "hessian"))
    n, k = traj.nobs, traj.df_model
    np.testing.assert_allclose(traj.cov_params(), hessian.cov_params() * n / (n - k + 1), rtol=1e-12)


@pytest.mark.parametrize("cov_type", ["robust", "cluster"])
def test_shares_take_the_robust_covariance_by_the_delta_method(cov_type):
    drawn = draw("weights")
    res = drawn.built(cluster="id").fit(n_starts=4, cov_type=cov_type)
    p = res.group_shares.loc[2, "share"]
    assert res.group_shares.loc[2, "std err"] == pytest.approx(p * (1 - p) * res.bse["theta[2]"], rel=1e-9)


def test_one_cluster_says_nothing():
    drawn = draw("weights")
    built = drawn.built(data=drawn.table.assign(all=1), cluster="all")
    with pytest.raises(gbtm.SpecificationError, match="the data has one cluster") as e:
        built.fit(n_starts=2)
    assert (e.value.code, e.value.argument) == ("single_cluster", "cluster")
    table = drawn.table.assign(region=(drawn.table["id"] < 5).astype(int), psu=drawn.table["id"].clip(lower=5))
    with pytest.raises(gbtm.SpecificationError, match="stratum 1 has one cluster"):
        drawn.built(data=table, cluster="psu", stratum="region").fit(n_starts=2)


# -- weights ----------------------------------------------------------------------------------------------------------


def test_weights_twice_as_large_are_the_same_weights():
    drawn = draw("everything")
    base = drawn.built().fit(n_starts=4)
    twice = drawn.built(data=drawn.table.assign(wt=2 * drawn.table["wt"])).fit(n_starts=4)
    assert twice.llf == base.llf
    np.testing.assert_array_equal(twice.params.to_numpy(), base.params.to_numpy())
    np.testing.assert_array_equal(twice.cov_params().to_numpy(), base.cov_params().to_numpy())


@pytest.mark.parametrize("name", ["tcov", "dropout1", "everything"])
def test_whole_weights_are_repeated_subjects(name):
    """Weights w_i of N subjects have mean 1 after division by W/N, W their sum, so against W repeated subjects:

    log-likelihood and information are N/W times theirs, so that V of the Hessian is W/N times theirs; and the robust V
    is that of the W subjects clustered by the one they repeat, but for its N/(N-1).
    """
    drawn = draw(name)
    count = np.random.default_rng(0).integers(1, 4, drawn.table["id"].max() + 1)
    table = drawn.table.assign(wt=count[drawn.table["id"]])
    rows = pd.concat([
        table[table["wt"] > again].assign(copy=table["id"] + 1000 * again) for again in range(3)
    ])
    weighted = drawn.built(data=table, weights="wt")
    repeated = gbtm.GBTM.from_formula(
        "y ~ t", rows, id="copy", **{**drawn.options, "weights": None, "cluster": "id"})
    fits = {c: weighted.fit(n_starts=4, cov_type=c) for c in ("hessian", "robust")}
    theirs = {c: repeated.fit(n_starts=4, cov_type=c) for c in ("hessian", "cluster")}
    n, total = fits["robust"].n_subjects, theirs["hessian"].n_subjects
    assert total == count[np.asarray(fits["robust"].ids)].sum()
    assert fits["robust"].llf == pytest.approx(n / total * theirs["hessian"].llf, rel=1e-10)
    np.testing.assert_allclose(fits["robust"].params, theirs["hessian"].params, rtol=1e-5, atol=1e-6)
    for ours, want in (
        (fits["hessian"], theirs["hessian"].cov_params() * total / n),
        (fits["robust"], theirs["cluster"].cov_params() * (n - 1) / n),
    ):
        scale = np.outer(ours.bse, ours.bse)
        np.testing.assert_allclose(ours.cov_params() / scale, want / scale, atol=1e-5)


def test_weight_zero_leaves_a_subject_out():
    """But for the log-likelihood's scale: the mean of the weights counts those of 0."""
    drawn = draw("weights")
    gone = drawn.table["id"] % 5 == 0
    zero = drawn.built(data=drawn.table.assign(wt=drawn.table["wt"].where(~gone, 0.0))).fit(n_starts=4)
    without = drawn.built(data=drawn.table[~gone]).fit(n_starts=4)
    assert zero.n_subjects > without.n_subjects
    assert zero.llf == pytest.approx(without.llf * zero.n_subjects / without.n_subjects, rel=1e-10)
    np.testing.assert_allclose(zero.params, without.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(zero.bse, without.bse, rtol=1e-5)


def test_a_weakly_determined_direction_takes_a_standard_error_from_what_it_makes_boundless_and_from_nothing_else():
    """By the Hessian of the log-likelihood written out, at the same place."""
    import torch

    from weak_data import weak_loglik, weak_table

    res = gbtm.GBTM.from_formula("y ~ t", weak_table(), id="id", groups=3, order=1, family="logit").fit(rng=0)
    at = torch.tensor(res.params.to_numpy())
    assert float(weak_loglik(at)) == pytest.approx(res.llf, abs=1e-9)
    inverse = torch.linalg.inv(-torch.autograd.functional.hessian(weak_loglik, at)).numpy()
    se = np.sqrt(np.diag(inverse))
    boundless = res.params.index == "t[1]"
    assert se[boundless] > 100
    np.testing.assert_allclose(res.bse[~boundless], se[~boundless], rtol=1e-6)
    assert np.isnan(res.bse["t[1]"])
    pi = res.group_shares["share"].to_numpy()
    slopes = (np.diag(pi) - np.outer(pi, pi))[:, 1:]
    want = np.sqrt(np.diag(slopes @ inverse[6:, 6:] @ slopes.T))
    np.testing.assert_allclose(res.group_shares["std err"], want, rtol=1e-6)
    # the probabilities of group 1 are known where its slope matters little
    p = res.predict([0.0])["estimate"].iloc[0]
    assert res.predict([0.0])["std err"].iloc[0] == pytest.approx(p * (1 - p) * se[0], rel=1e-6)
