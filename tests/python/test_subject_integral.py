"""Fits of censored outcomes with correlated errors, and what is made of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm

import censored
import gbtm
from gbtm.likelihood.mixture import Mixture
from gbtm.record.document import from_json, to_json
from gbtm.record.rebuild import module_of

TRUTH = {
    "ar1": [-0.4, 0.3, 2.4, -0.1, 1.0, 0.6], "rorder": [-0.4, 0.3, 2.4, -0.1, 0.7, 0.7, 0.7], "none": [0, 0, 2, 0, 1],
}
OPTIONS = {"ar1": {"ar1": True}, "rorder": {"rorder": 0}, "none": {}}


def draw(kind, n=90, waves=4, seed=0):
    """Two groups 4 to 6, censored at 0: a long table."""
    rng = np.random.default_rng(seed)
    t = np.arange(waves, dtype=float)
    group = rng.random(n) < 0.6
    cov = {"ar1": censored.ar1(0.6), "rorder": censored.effects([0.7], 0.7), "none": censored.effects([0.0])}[kind](t)
    low, high = np.reshape(TRUTH[kind][:4], (2, 2)) @ np.vander(t, 2, increasing=True).T
    y = np.where(group[:, None], low, high) + rng.multivariate_normal(np.zeros(waves), cov, n)
    return pd.DataFrame({
        "id": np.repeat(np.arange(n), waves), "t": np.tile(t, n), "y": np.maximum(y, 0.0).ravel(),
        "beyond": y.ravel(), "x": np.repeat(group + rng.normal(size=n), waves), "w": rng.normal(size=n * waves),
        "s": np.repeat(rng.uniform(0.5, 2.0, n), waves),
    })


@cache
def fit(kind, data=None, **options):
    model = gbtm.GBTM.from_formula(
        "y ~ t", draw(data or kind), id="id", groups=2, order=1, family="cnorm", min=0.0, **OPTIONS[kind], **options)
    return model.fit(n_starts=4)


@pytest.mark.parametrize("kind", ["ar1", "rorder"])
def test_the_truth_is_found(kind):
    res = fit(kind)
    assert (draw(kind)["y"] == 0).mean() > 0.2
    assert res.converged
    assert res.warnings == []
    z = (res.params.to_numpy()[:-1] - TRUTH[kind]) / res.bse.to_numpy()[:-1]
    assert np.abs(z).max() < 4
    assert (res.bse > 0).all()
    assert res.group_shares["share"].iloc[0] == pytest.approx(0.6, abs=0.15)


@pytest.mark.parametrize("kind", ["ar1", "rorder"])
def test_it_beats_independent_errors_where_they_are_not(kind):
    assert 2 * (fit(kind).llf - fit("none", data=kind).llf) > 40


def test_correlation_that_is_not_there_gains_next_to_nothing():
    gain = 2 * (fit("ar1", data="none").llf - fit("none").llf)
    assert -1e-6 < gain < 10.8  # a thousandth of chi-squared with one degree of freedom
    assert abs(fit("ar1", data="none").params["rho"]) < 0.25


@pytest.mark.parametrize("kind", ["ar1", "rorder"])
def test_a_stored_fit_and_new_people(kind):
    res = fit(kind)
    stored = gbtm.GBTMResults(from_json(to_json(res.document)))
    module = module_of(stored)
    assert module.by_integral
    assert float(module.total_loglik(module.flat()[None]).detach()) == pytest.approx(res.llf, abs=1e-9)
    table = draw(kind)
    # alone, with others, with nothing censored
    for ids in ([3], list(res.ids[:9]), table.groupby("id")["y"].min().loc[lambda y: y > 0].index[:4].tolist()):
        scored = stored.classify(table[table["id"].isin(ids)])["probability"].to_numpy().reshape(-1, 2)
        np.testing.assert_allclose(scored, res.posterior.loc[ids], atol=1e-9)


@pytest.mark.parametrize("kind", ["ar1", "rorder"])
def test_robust_errors_and_values_beyond_the_bound(kind):
    res = fit(kind)
    table = draw(kind).drop(columns="y").rename(columns={"beyond": "y"})
    model = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, family="cnorm", min=0.0,
                                   censor_beyond=True, **OPTIONS[kind])
    beyond = model.fit(start=res, cov_type="robust")
    assert beyond.llf == pytest.approx(res.llf, abs=1e-7)
    module = Mixture(model.layout, model.panel)
    flat = torch.as_tensor(model.layout.unreport(res.params.to_numpy()))
    own = torch.autograd.functional.jacobian(lambda x: module.subject_loglik(x[None])[0], flat)
    jacobian = model.layout.report_jacobian(flat.numpy())
    hessian = -torch.autograd.functional.hessian(lambda x: module.loglik(x[None])[0], flat)
    bread = jacobian @ np.linalg.inv(hessian.numpy())
    want = bread @ (own.T @ own).numpy() @ bread.T
    np.testing.assert_allclose(beyond.cov_params(), want, rtol=1e-4, atol=1e-7)


def _check_curve(res, times, group, mean, own):
    """Against the mean (C,) as a function of the group's own parameters, named ``own``, and its derivative by
    differences."""
    params = res.params[own].to_numpy()
    drawn = res.predict(times)
    drawn = drawn.iloc[(group - 1) * times.size : group * times.size]
    np.testing.assert_allclose(drawn["estimate"], mean(*params), rtol=1e-9)
    slope = np.array([(mean(*(params + h)) - mean(*(params - h))) / 2e-6 for h in 1e-6 * np.eye(len(own))])
    variance = np.einsum("pc,pq,qc->c", slope, res.cov_params().loc[own, own], slope)
    np.testing.assert_allclose(drawn["std err"] ** 2, variance, rtol=1e-5)


def _censored_mean(eta, sd):
    return eta * norm.cdf(eta / sd) + sd * norm.pdf(eta / sd)


@pytest.mark.parametrize("group", [1, 2])
def test_curves_with_a_random_intercept(group):
    """The mean over all of a group's subjects: their effects widen it."""
    times = np.array([0.0, 1.5, 4.0])
    own = [f"intercept[{group}]", f"t[{group}]", "sigma", f"r0_sigma[{group}]"]
    _check_curve(fit("rorder"), times, group, lambda a, b, sigma, r: _censored_mean(
        a + b * times, np.sqrt(sigma**2 + r**2)), own)


@pytest.mark.parametrize("group", [1, 2])
def test_curves_with_ar1_errors(group):
    times = np.array([0.0, 1.5, 4.0])
    own = [f"intercept[{group}]", f"t[{group}]", "sigma"]
    _check_curve(fit("ar1"), times, group, lambda a, b, sigma: _censored_mean(a + b * times, sigma), own)


@pytest.mark.slow
def test_curves_with_a_random_slope():
    y, time = censored.outcomes(censored.effects([0.7, 0.4], 0.7), 120, 5, bounds=(-0.4, np.inf), seed=8)
    res = censored.model(y, time, (-0.4, np.inf), rorder=1).fit()
    times = np.array([0.0, 1.5, 4.0])

    def mean(a, b, sigma, r0, r1):
        return -0.4 + _censored_mean(a + b * times + 0.4, np.sqrt(sigma**2 + r0**2 + (r1 * times) ** 2))

    _check_curve(res, times, 1, mean, list(res.params.index))
    z = (res.params.to_numpy()[2:] - [0.7, 0.7, 0.4]) / res.bse.to_numpy()[2:]
    assert np.abs(z).max() < 4


def test_in_other_units():
    table = draw("ar1")
    other = gbtm.GBTM.from_formula(
        "y ~ t", table.assign(y=50 + 1000 * table["y"]), id="id", groups=2, order=1, family="cnorm", min=50.0, ar1=True
    ).fit(n_starts=4)
    res = fit("ar1")
    seen = int((table["y"] > 0).sum())
    assert other.llf == pytest.approx(res.llf - seen * np.log(1000), abs=1e-6)
    np.testing.assert_allclose(other.params["sigma"], 1000 * res.params["sigma"], rtol=1e-5)
    np.testing.assert_allclose(other.params["rho"], res.params["rho"], rtol=1e-5)


def test_with_every_other_part():
    table = draw("ar1")
    gone = (table["t"] == 3) & (table["id"] % 4 == 0)
    model = gbtm.GBTM.from_formula(
        "y ~ t", table[~gone], id="id", groups=2, order=1, family="cnorm", min=0.0, ar1=True, risk="x", tcov="w",
        weights="s", dropout=1)
    res = model.fit(n_starts=2)
    assert res.converged
    assert np.isfinite(res.bse).all()


@pytest.mark.slow
def test_a_group_that_is_always_at_the_bound():
    """To the surrogate it has no spread; to the model it is far below the bound."""
    table = draw("ar1")
    never = table["id"] < 40
    table.loc[never, "y"] = 0.0
    model = gbtm.GBTM.from_formula(
        "y ~ t", table, id="id", groups=2, order=[0, 1], family="cnorm", min=0.0, ar1=True, sigma_by_group=False)
    res = model.fit(n_starts=4)
    assert np.isfinite(res.llf)
    assert np.isfinite(res.params).all()


def test_the_module_trains():
    model = gbtm.GBTM.from_formula("y ~ t", draw("ar1", n=20), id="id", groups=2, order=1, family="cnorm", min=0.0,
                                   ar1=True)
    module = model.module()
    before = module().sum()
    before.backward()
    gradient = torch.cat([p.grad for p in module.parameters()])
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
