"""Zero-inflated Poisson with zeros tied to the rate: against scipy, autograd, and an EM written out here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

import gbtm
from gbtm.families.base import Family
from gbtm.families.zip_tau import TiedZeroInflatedPoisson

FAMILY = TiedZeroInflatedPoisson()
ETA, TAU = np.array([-6.0, -1.0, 0.0, 0.7, 4.0]), np.array([-2.0, 0.0, 0.5, 3.0])

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _tensors():
    eta, tau = (torch.from_numpy(a.ravel().copy()) for a in np.meshgrid(ETA, TAU))
    return {"mean": eta, "tau": tau}


def _log_density(y, eta, tau):
    p = expit(-tau * eta)
    return np.log(p * (y == 0) + (1 - p) * stats.poisson.pmf(y, np.exp(eta)))


def _table(n_people=250, waves=6, seed=3):
    rng = np.random.default_rng(seed)
    t = np.tile(np.arange(waves) / 2.0, n_people)
    high = np.repeat(rng.random(n_people) < 0.4, waves)
    eta = np.where(high, 1.3 + 0.2 * t, -0.4 + 0.3 * t)
    y = np.where(rng.random(t.size) < expit(-0.9 * eta), 0, rng.poisson(np.exp(eta)))
    return pd.DataFrame({"id": np.repeat(np.arange(n_people), waves), "t": t, "y": y})


def test_derivatives_are_autograds():
    u = _tensors()
    own, theirs = FAMILY.slopes(u), Family.slopes(FAMILY, u)
    for name in FAMILY.predictors:
        np.testing.assert_allclose(own[name], theirs[name], rtol=1e-10, atol=1e-10)
    own, theirs = FAMILY.curvatures(u), Family.curvatures(FAMILY, u)
    assert set(own) == set(theirs)
    for pair, value in own.items():
        np.testing.assert_allclose(value, theirs[pair], rtol=1e-9, atol=1e-9)


def test_means_variances_and_their_derivatives_are_sums_over_the_counts():
    u = {name: value.numpy() for name, value in _tensors().items()}
    y = np.arange(400.0)[:, None]
    p = np.exp(_log_density(y, u["mean"], u["tau"]))
    np.testing.assert_allclose(p.sum(0), 1.0, rtol=1e-12)
    mean = (y * p).sum(0)
    np.testing.assert_allclose(FAMILY.expected(u), mean, rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(FAMILY.variance(u), (y**2 * p).sum(0) - mean**2, rtol=1e-8, atol=1e-12)
    for name, slope in FAMILY.expected_gradient(u).items():
        up, down = ({**u, name: u[name] + h} for h in (1e-6, -1e-6))
        np.testing.assert_allclose(slope, (FAMILY.expected(up) - FAMILY.expected(down)) / 2e-6, rtol=1e-6, atol=1e-8)


def test_one_group_is_the_maximum_that_scipy_finds():
    data = _table()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, family="ZIPt").fit(rng=0)
    y, t = data["y"].to_numpy(), data["t"].to_numpy()
    found = minimize(lambda b: -_log_density(y, b[0] + b[1] * t, b[2]).sum(), [0.1, 0.1, 0.5], tol=1e-12)
    assert res.llf == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(res.params, found.x, atol=1e-4)
    assert res.family == "zip_tau"


def test_two_groups_are_those_of_an_em_written_out():
    data = _table()
    wide = data.pivot(index="id", columns="t", values="y")
    y, t = wide.to_numpy(), wide.columns.to_numpy()
    b, share = np.array([-0.2, 0.1, 1.0, 0.1, 0.5]), np.array([0.5, 0.5])

    def each(b):
        return np.stack([_log_density(y, b[2 * k] + b[2 * k + 1] * t, b[4]).sum(1) for k in range(2)])

    for _ in range(60):
        joint = each(b) + np.log(share)[:, None]
        posterior = np.exp(joint - logsumexp(joint, axis=0))
        share = posterior.mean(axis=1)
        b = minimize(lambda v, p=posterior: -(p * each(v)).sum(), b, tol=1e-10).x
    loglik = logsumexp(each(b) + np.log(share)[:, None], axis=0).sum()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family="zip_tau").fit(rng=0)
    assert res.llf == pytest.approx(loglik, abs=1e-5)
    assert res.params["tau"] == pytest.approx(b[4], abs=1e-3)


def test_exposure_is_refused():
    with pytest.raises(gbtm.SpecificationError, match="not with family 'zip_tau'"):
        gbtm.GBTM.from_formula("y ~ t", _table(20).assign(e=2.0), id="id", groups=1, family="zip_tau", exposure="e")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_default_call_reaches_the_best_of_a_thousand_starts(seed):
    data = _table(seed=seed)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=3, order=1, family="zip_tau")
    assert model.fit(rng=seed).llf >= model.fit(n_starts=1000, rng=seed).llf - 1e-6
