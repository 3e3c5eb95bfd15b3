"""Random effects: the terms against scipy's multivariate normal, their closed derivatives against autograd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import gbtm
from gbtm.likelihood.mixture import Mixture

SUBJECTS, WAVES = 14, 5


def cells(rorder, missing, covariate=False, correlated=False):
    """The room's statistics of random data, and the table."""
    rng = np.random.default_rng(rorder)
    table = pd.DataFrame({
        "id": np.repeat(np.arange(SUBJECTS), WAVES), "t": np.tile(np.arange(float(WAVES)), SUBJECTS),
        "y": rng.normal(size=SUBJECTS * WAVES), "w": rng.normal(size=SUBJECTS * WAVES),
    })
    table = table[rng.random(len(table)) >= missing]
    model = gbtm.GBTM.from_formula(
        "y ~ t", table, id="id", groups=2, order=[1, 2], rorder=rorder, rcorr=correlated,
        tcov=["w"] if covariate else None)
    return Mixture(model.layout, model.panel).cells[0], model


CASES = pytest.mark.parametrize(
    ("rorder", "missing", "covariate", "correlated"),
    [(0, 0.0, False, False), (1, 0.0, False, False), (1, 0.4, False, False), (0, 0.3, True, False),
     (1, 0.3, True, False), (1, 0.0, False, True), (1, 0.4, True, True)])


def coefficients(room, rorder, correlated, seed=0):
    size = room.design.shape[2] + 2 + rorder + correlated
    return {"coefficients": torch.as_tensor(0.6 * np.random.default_rng(seed).normal(size=(3, 2, size)))}


@CASES
def test_terms_are_the_multivariate_normal(rorder, missing, covariate, correlated):
    room, model = cells(rorder, missing, covariate, correlated)
    u = coefficients(room, rorder, correlated)
    got = room.spread(room.terms(u))
    measures, q = model.panel.outcomes[0], room.design.shape[2]
    for i in range(model.panel.n_subjects):
        own, part = measures.subject == i, model.layout.outcomes[0]
        y = (measures.y[own] - part.centre) / part.scale
        x = room.design[i if room.private else int(room.cell[i])].numpy()[: y.size]
        z = np.vander(measures.time[own] / part.time_scale, 1 + rorder, increasing=True)
        for b, k in np.ndindex(3, 2):
            beta, log_sigma, r, atanh = np.split(u["coefficients"][b, k].numpy(), [q, q + 1, q + 2 + rorder])
            c = np.tanh(atanh[0]) if correlated else 0.0
            effects = np.outer(r, r) * (c + (1 - c) * np.eye(r.size))
            cov = np.exp(2 * log_sigma) * np.eye(y.size) + z @ effects @ z.T
            assert float(got[b, k, i]) == pytest.approx(stats.multivariate_normal(x @ beta, cov).logpdf(y), abs=1e-9)


@CASES
def test_derivatives_are_those_of_autograd(rorder, missing, covariate, correlated):
    room, _ = cells(rorder, missing, covariate, correlated)
    u = coefficients(room, rorder, correlated)
    weights = torch.as_tensor(np.random.default_rng(1).random((3, 2, room.n_subjects)))
    collected = room.collect(weights)
    value, gradient, hessian = room.complete_data(u, collected, safe=False)
    density, scores = room.scores(u)
    np.testing.assert_allclose(value, (density * weights).sum((1, 2)), rtol=1e-10)
    for b, k in np.ndindex(3, 2):

        def q(own, b=b, k=k):
            return (room.terms({"coefficients": own})[0, 0] * collected[b, k]).sum()

        own = u["coefficients"][b : b + 1, k : k + 1]
        first = torch.autograd.functional.jacobian(q, own).flatten()
        second = torch.autograd.functional.hessian(q, own).reshape(first.numel(), -1)
        torch.testing.assert_close(gradient[b, k], first, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(hessian[b, k], second, rtol=1e-9, atol=1e-10)
        each = torch.autograd.functional.jacobian(lambda v: room.spread(room.terms({"coefficients": v}))[0, 0], own)
        torch.testing.assert_close(scores[b, k], each[:, 0, 0].T, rtol=1e-9, atol=1e-10)


def long_table(people=250, seed=2, missing=0.33):
    """One group whose intercepts and slopes are correlated by .5, a share of the waves missing."""
    rng = np.random.default_rng(seed)
    subject, t = np.repeat(np.arange(people), 6), np.tile(np.arange(4.0, 10.0), people)
    b = rng.multivariate_normal([0, 0], [[1.0, 0.15], [0.15, 0.09]], people)
    y = 2 + 0.4 * t + b[subject, 0] + b[subject, 1] * (t - 7) + 0.6 * rng.normal(size=t.size)
    return pd.DataFrame({"id": subject, "t": t, "y": y})[rng.random(t.size) >= missing]


def test_one_group_is_the_linear_mixed_model():
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = long_table()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=1, rcorr=True).fit(rng=0)
    theirs = MixedLM.from_formula("y ~ t", data, groups="id", re_formula="~t").fit(reml=False)
    assert res.llf == pytest.approx(theirs.llf, abs=1e-6)
    np.testing.assert_allclose(res.params[["intercept[1]", "t[1]"]], theirs.fe_params, rtol=1e-5)
    np.testing.assert_allclose(res.bse[["intercept[1]", "t[1]"]], theirs.bse_fe, rtol=1e-4)
    p, cov = res.params, theirs.cov_re.to_numpy()
    r0, r1 = p["r0_sigma[1]"], p["r1_sigma[1]"]
    ours = np.array([[r0**2, p["r01_corr[1]"] * r0 * r1], [p["r01_corr[1]"] * r0 * r1, r1**2]])
    np.testing.assert_allclose(ours, cov, rtol=1e-3)


def test_standard_errors_are_those_of_a_numerical_hessian():
    """Of the log-likelihood written out in the reported parameters, by central differences."""
    data = long_table(people=120, missing=0.0)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=1, rcorr=True).fit(rng=0)
    wide = data.pivot(index="id", columns="t", values="y")
    t = wide.columns.to_numpy()
    z = np.vander(t, 2, increasing=True)

    def loglik(p):
        b0, b1, sigma, r0, r1, c = p
        effects = np.array([[r0**2, c * r0 * r1], [c * r0 * r1, r1**2]])
        cov = sigma**2 * np.eye(t.size) + z @ effects @ z.T
        return stats.multivariate_normal(b0 + b1 * t, cov).logpdf(wide.to_numpy()).sum()

    names = ["intercept[1]", "t[1]", "sigma", "r0_sigma[1]", "r1_sigma[1]", "r01_corr[1]"]
    at, h = res.params[names].to_numpy(), 0.05 * res.bse[names].to_numpy()
    assert loglik(at) == pytest.approx(res.llf, abs=1e-8)
    hessian, step = np.empty((6, 6)), np.diag(h)
    for a, b in np.ndindex(6, 6):
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        hessian[a, b] = sum(i * j * loglik(at + i * step[a] + j * step[b]) for i, j in signs) / (4 * h[a] * h[b])
    np.testing.assert_allclose(res.bse[names], np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-3)


def test_profile_interval_of_the_correlation_ends_where_the_likelihood_has_fallen():
    """At each end the best fit with the correlation held there is half the 95 % quantile of chi-square lower."""
    data = long_table(people=80, missing=0.0)

    def fit(**more):
        return gbtm.GBTM.from_formula(
            "y ~ t", data, id="id", groups=1, order=1, rorder=1, rcorr=True, **more).fit(rng=0)

    res = fit()
    for end in np.asarray(res.profile_int("r01_corr[1]")):
        held = fit(constraints=[f"r01_corr[1] = {end:.12g}"])
        assert res.llf - held.llf == pytest.approx(stats.chi2.ppf(0.95, 1) / 2, abs=1e-4)


@pytest.mark.parametrize("more", [{"rcorr": True}, {"rcommon": True}, {"rcorr": True, "rcommon": True}])
def test_of_two_groups_the_log_likelihood_is_the_mixture_written_out(more, tmp_path):
    data = long_table(people=80)
    data["y"] += np.where(data["id"] % 3 == 0, 8.0, 0.0)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=1, **more).fit(rng=0)
    p, total = res.params, 0.0
    number = ["", ""] if "rcommon" in more else ["[1]", "[2]"]
    for _, own in data.groupby("id"):
        t, y = own["t"].to_numpy(), own["y"].to_numpy()
        z, each = np.vander(t, 2, increasing=True), []
        for k, n in enumerate(number):
            r = np.array([p[f"r0_sigma{n}"], p[f"r1_sigma{n}"]])
            c = p[f"r01_corr{n}"] if "rcorr" in more else 0.0
            cov = p["sigma"] ** 2 * np.eye(t.size) + z @ (np.outer(r, r) * (c + (1 - c) * np.eye(2))) @ z.T
            mean = p[f"intercept[{k + 1}]"] + p[f"t[{k + 1}]"] * t
            each.append(np.log(res.group_set.shares[k]) + stats.multivariate_normal(mean, cov).logpdf(y))
        total += np.logaddexp(*each)
    assert res.llf == pytest.approx(total, abs=1e-7)
    assert ("r0_sigma" in p.index) == ("rcommon" in more)
    res.save(tmp_path / "fit.json")
    pd.testing.assert_series_equal(gbtm.load(tmp_path / "fit.json").params, p)


def test_what_does_not_go_together_is_refused():
    data = long_table(people=30)

    def model(**more):
        return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, **more)

    with pytest.raises(gbtm.SpecificationError, match="no group has two random effects"):
        model(rorder=0, rcorr=True)
    with pytest.raises(gbtm.SpecificationError, match="no random effects"):
        model(rcommon=True)
    with pytest.raises(gbtm.SpecificationError, match="independent of each other"):
        model(family="cnorm", max=5, rorder=1, rcorr=True, censor_beyond=True)
    with pytest.raises(gbtm.SpecificationError, match="rcorr: goes with random effects"):
        gbtm.GBTM.from_formula("y ~ t", data.assign(y=1.0), id="id", groups=1, order=1, family="poisson", rcorr=True)


def test_data_drawn_from_a_fit_have_its_covariance():
    data = long_table()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=1, rcorr=True).fit(rng=0)
    drawn = pd.concat([res.simulate(rng=seed) for seed in range(20)])
    wide = drawn.assign(who=np.repeat(np.arange(20), len(drawn) // 20)).pivot(
        index=["who", "id"], columns="t", values="y")
    p, t = res.params, np.array(wide.columns, dtype=float)
    z, r = np.vander(t, 2, increasing=True), np.array([p["r0_sigma[1]"], p["r1_sigma[1]"]])
    correlations = np.array([[1, p["r01_corr[1]"]], [p["r01_corr[1]"], 1]])
    model = p["sigma"] ** 2 * np.eye(t.size) + z @ (np.outer(r, r) * correlations) @ z.T
    np.testing.assert_allclose(wide.cov().to_numpy(), model, rtol=0.15, atol=0.06)
