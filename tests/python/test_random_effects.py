"""Random effects: the terms against scipy's multivariate normal, their closed derivatives against autograd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import gbtm
from gbtm.likelihood.mixture import Mixture
from gbtm.model.random_effects import without_signs

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
     (1, 0.3, True, False), (1, 0.0, False, True), (1, 0.4, True, True), (2, 0.3, False, False), (2, 0.3, True, True)])


def coefficients(room, rorder, correlated, seed=0):
    size = room.design.shape[2] + 2 + rorder + correlated * (rorder * (rorder + 1)) // 2
    return {"coefficients": torch.as_tensor(0.6 * np.random.default_rng(seed).normal(size=(3, 2, size)))}


def correlations(z):
    """Of two effects, or of three: the last z is that of the second and third given the first."""
    c = np.eye(1 if not len(z) else 2 if len(z) == 1 else 3)
    if len(z):
        c[0, 1] = c[1, 0] = np.tanh(z[0])
    if len(z) == 3:
        c[0, 2] = c[2, 0] = np.tanh(z[1])
        c[1, 2] = c[2, 1] = c[0, 1] * c[0, 2] + np.tanh(z[2]) * np.sqrt((1 - c[0, 1] ** 2) * (1 - c[0, 2] ** 2))
    return c


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
            effects = np.outer(r, r) * (correlations(atanh) if correlated else np.eye(r.size))
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


def curved_table(people=150, seed=5):
    """One group whose intercepts, slopes and squares are correlated, a fifth of the waves missing."""
    rng = np.random.default_rng(seed)
    subject, t = np.repeat(np.arange(people), 7), np.tile(np.arange(-3.0, 4.0), people)
    sd = np.array([1.0, 0.4, 0.15])
    effects = np.outer(sd, sd) * [[1, 0.4, -0.3], [0.4, 1, 0.2], [-0.3, 0.2, 1]]
    b = rng.multivariate_normal(np.zeros(3), effects, people)[subject]
    y = 2 + 0.4 * t + (b * np.vander(t, 3, increasing=True)).sum(1) + 0.6 * rng.normal(size=t.size)
    return pd.DataFrame({"id": subject, "t": t, "y": y})[rng.random(t.size) >= 0.2]


CURVED = ["intercept[1]", "t[1]", "t^2[1]", "sigma", "r0_sigma[1]", "r1_sigma[1]", "r2_sigma[1]"]


def written_out(data, p):
    """The log-likelihood of one group in the reported parameters, by scipy."""
    r, total = p[4:7], 0.0
    c = np.eye(3)
    c[[0, 0, 1], [1, 2, 2]] = c[[1, 2, 2], [0, 0, 1]] = p[7:] if len(p) > 7 else 0.0
    for _, own in data.groupby("id"):
        z = np.vander(own["t"], 3, increasing=True)
        cov = p[3] ** 2 * np.eye(len(own)) + z @ (np.outer(r, r) * c) @ z.T
        total += stats.multivariate_normal(z @ p[:3], cov).logpdf(own["y"])
    return total


@pytest.mark.parametrize("correlated", [False, True])
def test_three_effects_by_the_log_likelihood_written_out(correlated):
    """Its value, that it is a maximum, and standard errors from its Hessian by differences."""
    data = curved_table()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=2, rorder=2, rcorr=correlated).fit(rng=0)
    names = [*CURVED, *(["r01_corr[1]", "r02_corr[1]", "r12_corr[1]"] if correlated else [])]
    assert list(res.params.index) == names
    at, n = res.params.to_numpy(), len(names)
    step = np.diag(0.05 * res.bse.to_numpy())
    assert written_out(data, at) == pytest.approx(res.llf, abs=1e-7)
    up, down = (np.array([written_out(data, at + sign * s) for s in step]) for sign in (1, -1))
    np.testing.assert_allclose((up - down) / 0.1, 0, atol=1e-3)  # per standard error
    hessian = np.diag((up + down - 2 * res.llf) / np.diag(step) ** 2)
    for a, b in np.ndindex(n, n):
        if a < b:
            corners = [i * j * written_out(data, at + i * step[a] + j * step[b]) for i in (1, -1) for j in (1, -1)]
            hessian[a, b] = hessian[b, a] = sum(corners) / (4 * step[a, a] * step[b, b])
    np.testing.assert_allclose(res.bse[names], np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=2e-3)


def test_orders_by_group_nest_and_are_stored(tmp_path):
    """Three effects in one group and one in another, from a file too; more of them never fit worse."""
    data = curved_table(people=60)
    data["y"] += np.where(data["id"] % 2 == 0, 9.0, 0.0)

    def fit(rorder, **more):
        return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=rorder, **more).fit(
            n_starts=3, rng=0)

    few, more = fit([0, 1], rcorr=True), fit([0, 2], rcorr=True)
    assert more.llf > few.llf
    assert [n for n in more.params.index if n[0] == "r"] == [
        "r0_sigma[1]", *(f"r{a}_sigma[2]" for a in range(3)), *(f"r{p}_corr[2]" for p in ("01", "02", "12"))]
    test = more.compare_lr_test(few)
    half = 0.5 * (stats.chi2.sf(test.statistic, 2) + stats.chi2.sf(test.statistic, 3))
    assert (test.df, test.pvalue) == (3, pytest.approx(half, rel=1e-9))
    more.save(tmp_path / "fit.json")
    pd.testing.assert_series_equal(gbtm.load(tmp_path / "fit.json").params, more.params)
    again = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=[0, 2], rcorr=True).fit(
        start=more.params, n_starts=1, rng=0)
    assert again.llf == pytest.approx(more.llf, abs=1e-6)
    none = more.params.copy()
    none[["r01_corr[2]", "r02_corr[2]", "r12_corr[2]"]] = 0.9, 0.9, -0.9
    with pytest.raises(gbtm.SpecificationError, match="correlations of no random effects"):
        gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=[0, 2], rcorr=True).fit(start=none)
    with pytest.raises(gbtm.SpecificationError, match="random intercept"):
        more.profile_int("r12_corr[2]")
    with pytest.raises(gbtm.SpecificationError, match="not linear"):
        fit([0, 2], rcorr=True, constraints=["r12_corr[2] = 0.1"])
    held = fit([0, 2], rcorr=True, constraints=["r02_corr[2] = 0.1"])
    assert held.params["r02_corr[2]"] == pytest.approx(0.1)
    assert held.llf < more.llf


def test_a_singular_matrix_of_correlations_is_told():
    """People have no slopes of their own: the correlation of slope and square runs as far as the others let it."""
    rng = np.random.default_rng(4)
    subject, t = np.repeat(np.arange(100), 6), np.tile(np.linspace(-1, 1, 6), 100)
    b = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], 100)[subject]
    data = pd.DataFrame({"id": subject, "t": t})
    data["y"] = b[:, 0] + b[:, 1] * t**2 + 0.3 * rng.normal(size=t.size)
    with pytest.warns(gbtm.GBTMWarning, match="given the intercept is 1"):
        res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=2, rcorr=True).fit(rng=0)
    c = res.params[["r01_corr[1]", "r02_corr[1]", "r12_corr[1]"]].to_numpy()
    matrix = np.array([[1, c[0], c[1]], [c[0], 1, c[2]], [c[1], c[2], 1]])
    assert np.linalg.eigvalsh(matrix)[0] == pytest.approx(0, abs=1e-6)


def test_an_effect_that_is_none_leaves_the_others_as_they_are():
    """Signs and correlations with an effect of sd 0 say nothing; the density is the same without them."""
    data = curved_table(people=20)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=2, rorder=2, rcorr=True)
    module = Mixture(model.layout, model.panel)
    flat = np.array([0.1, 0.2, 0.1, -0.5, -0.7, 0.4, -0.6, 0.5, -0.3, 0.8])
    for none in ([], [4], [5], [6]):
        flat_of = flat.copy()
        flat_of[none] = 0.0
        plain = without_signs(model.layout, flat_of)
        assert (plain[4:7] >= 0).all()
        values = [float(module.total_loglik(torch.as_tensor(x)[None])[0].detach()) for x in (flat_of, plain)]
        assert values[0] == pytest.approx(values[1], abs=1e-9)
        assert (plain == 0).sum() == 3 * len(none)


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
    with pytest.raises(gbtm.SpecificationError, match="3 is outside"):
        model(rorder=3)
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
