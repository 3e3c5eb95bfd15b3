"""Negative binomial hurdle: against scipy, autograd, statsmodels, an optimiser, and the Poisson hurdle inside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from scipy import optimize, stats
from scipy.special import log_expit
from statsmodels.discrete.truncated_model import TruncatedLFNegativeBinomialP

import gbtm
import oracle
from closed_forms import traced
from gbtm.families.hurdle import HurdlePoisson
from gbtm.families.hurdle_negbin import HurdleNegativeBinomial, truncated_information

FAMILY = HurdleNegativeBinomial()
MODEL = oracle.Model("hurdle_negbin", (1, 1), (0, 0))
TRUTH = (0.2, 0.1, 2.0, -0.1, 0.6, -1.0, 0.5, -0.3)

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n=250, waves=6, seed=4):
    rng = np.random.default_rng(seed)
    subject, time, y, _ = oracle.simulate(MODEL, TRUTH, n, np.arange(waves), rng)
    return pd.DataFrame({"id": subject, "t": time, "y": y})


TABLE = _table()


def _fit(table=TABLE, **options):
    given = {"groups": 2, "order": 1, "family": "hurdle_negbin", **options}
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", **given).fit(n_starts=6, rng=0)


@pytest.fixture(scope="module")
def fit():
    return _fit(iorder=[0, 0])


@pytest.mark.parametrize("y", [0.0, 1.0, 2.0, 30.0])
def test_derivatives_are_autograds(y):
    eta, log_psi = (a.ravel() for a in np.meshgrid([-8.0, -2.0, 0.0, 1.5, 5.0], [-9.0, -2.5, -0.4, 1.2, 3.0]))
    u = {"mean": eta, "zero": np.linspace(-3, 3, eta.size), "log_psi": log_psi, "y": np.full(eta.size, y)}
    u = {name: torch.from_numpy(v) for name, v in u.items()}
    slopes, curvatures = traced(FAMILY, u)
    for name, value in FAMILY.slopes(u).items():
        torch.testing.assert_close(value, slopes[name], rtol=1e-7, atol=1e-10)
    own = FAMILY.curvatures(u)
    for pair, value in curvatures.items():
        torch.testing.assert_close(own.get(pair, torch.zeros_like(value)), value, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("log_psi", [-40.0, -20.0])
def test_without_psi_it_is_the_poisson_hurdle(log_psi):
    y = np.array([0.0, 1.0, 2.0, 9.0, 60.0])
    for eta in (-12.0, -1.0, 0.5, 3.0):
        u = {"mean": np.full((1, y.size), eta), "zero": np.full((1, y.size), -0.4)}
        here = {**u, "log_psi": np.full((1, y.size), log_psi)}
        np.testing.assert_allclose(FAMILY.log_density(y, here), HurdlePoisson().log_density(y, u), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(FAMILY.expected(here), HurdlePoisson().expected(u), rtol=1e-7)
        np.testing.assert_allclose(FAMILY.variance(here), HurdlePoisson().variance(u), rtol=1e-6)


def test_nothing_is_lost_at_extremes():
    u = {"mean": [-1e4, -700.0, 50.0, 300.0, -700.0], "zero": [-800.0, 0.0, 800.0, 0.0, 0.0],
         "log_psi": [0.0, -30.0, 5.0, -2.0, 20.0], "y": [1.0, 3.0, 0.0, 7.0, 2.0]}
    u = {name: torch.tensor(v, dtype=torch.float64) for name, v in u.items()}
    assert torch.isfinite(FAMILY.terms(u)).all()
    for values in (FAMILY.slopes(u), FAMILY.curvatures(u)):
        assert all(torch.isfinite(v).all() for v in values.values())
    far = {"mean": np.array([-1e3, 300.0, 720.0, 720.0]), "zero": np.zeros(4), "log_psi": np.array([0, 5.0, -3.0, 9.0])}
    with np.errstate(over="ignore"):
        assert not np.isnan([FAMILY.expected(far), *FAMILY.expected_gradient(far).values()]).any()


def test_the_gradient_of_the_mean_is_a_difference():
    u = {"mean": np.array([-6.0, -1.0, 0.0, 2.0, 5.0]), "zero": np.array([1.0, -2.0, 0.3, 0.0, -6.0]),
         "log_psi": np.array([-3.0, 0.0, 2.0, -1.0, 0.5])}
    for name in u:
        up, down = ({**u, name: u[name] + h} for h in (1e-6, -1e-6))
        np.testing.assert_allclose(
            FAMILY.expected_gradient(u)[name], (FAMILY.expected(up) - FAMILY.expected(down)) / 2e-6, rtol=1e-6,
            atol=1e-9)


@pytest.mark.parametrize(("mu", "psi"), [(0.05, 0.5), (1.0, 3.0), (8.0, 0.2)])
def test_draws_follow_the_law_and_information_is_minus_the_mean_curvature(mu, psi):
    u = {"mean": np.full(20_000, np.log(mu)), "zero": np.full(20_000, -0.5), "log_psi": np.full(20_000, np.log(psi))}
    y = FAMILY.simulate(u, np.random.default_rng(2))
    assert y.mean() == pytest.approx(FAMILY.expected(u)[0], abs=4 * y.std() / np.sqrt(y.size))
    law = stats.nbinom(1 / psi, 1 / (1 + psi * mu))
    for k in (0, 1, 2, 4):
        p = (1 / (1 + np.exp(0.5)) if k == 0 else law.pmf(k) / law.sf(0) / (1 + np.exp(-0.5)))
        assert (y == k).mean() == pytest.approx(p, abs=4 * np.sqrt(p / y.size))
    values = np.arange(1.0, 3000.0)
    at = {k: torch.full((values.size,), float(v[0]), dtype=torch.float64) for k, v in u.items()}
    bend = FAMILY.curvatures({**at, "y": torch.from_numpy(values)})["mean", "mean"][..., 0].numpy()
    assert float(truncated_information(at)[0]) == pytest.approx(-(law.pmf(values) / law.sf(0)) @ bend, rel=1e-6)


def test_starts_tell_mu_and_psi_apart():
    rng = np.random.default_rng(0)
    for mu, psi in ((1.5, 0.5), (4.0, 0.2), (6.0, 2.0)):
        u = {"mean": np.full(200_000, np.log(mu)), "zero": np.zeros(200_000), "log_psi": np.full(200_000, np.log(psi))}
        start = FAMILY.initial(FAMILY.moments(FAMILY.simulate(u, rng)).sum(axis=0))
        assert np.exp(start["mean"]) == pytest.approx(mu, rel=0.1)
        assert np.exp(start["log_psi"]) == pytest.approx(psi, rel=0.2)
        assert start["zero"] == pytest.approx(0, abs=0.05)
    assert np.isfinite(list(FAMILY.initial(np.zeros(4)).values())).all()


def test_one_group_is_its_formula_maximised_and_statsmodels():
    res = _fit(groups=1, iorder=1)
    y, x = TABLE["y"].to_numpy(), sm.add_constant(TABLE["t"].to_numpy().astype(float))

    def loglik(b):
        mu, zeta, psi = np.exp(x @ b[:2]), x @ b[2:4], b[4]
        law = stats.nbinom(1 / psi, 1 / (1 + psi * mu))
        above = log_expit(-zeta) + law.logpmf(y) - np.log(-np.expm1(-np.log1p(psi * mu) / psi))
        return float(np.where(y == 0, log_expit(zeta), above).sum())

    found = optimize.minimize(lambda b: -loglik(np.array([*b[:4], np.exp(b[4])])), np.array([1.0, 0, 0, 0, 0]),
                              method="BFGS", options={"gtol": 1e-5})
    assert res.llf == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(res.params, [*found.x[:4], np.exp(found.x[4])], atol=2e-3)
    errors = np.sqrt(np.diag(np.linalg.inv(-oracle.fd_hessian(loglik, res.params.to_numpy()))))
    np.testing.assert_allclose(res.bse, errors, rtol=1e-4)
    above = y > 0
    zero = sm.Logit(~above, x).fit(disp=0, tol=1e-12)
    count = TruncatedLFNegativeBinomialP(y[above], x[above]).fit(disp=0, method="bfgs", maxiter=500)
    assert res.llf == pytest.approx(zero.llf + count.llf, abs=1e-4)
    np.testing.assert_allclose(res.params.iloc[2:4], zero.params, rtol=1e-5)


def test_a_mixture_has_the_likelihood_of_its_formula_at_a_maximum(fit):
    subject, t, y = (TABLE[c].to_numpy() for c in ("id", "t", "y"))

    def loglik(b):
        return oracle.loglik(MODEL, b, subject, t, y)

    b = fit.params.to_numpy()
    assert fit.llf == pytest.approx(loglik(b), abs=1e-7)
    assert np.abs(oracle.fd_gradient(loglik, b)).max() < 1e-3
    errors = np.sqrt(np.diag(np.linalg.inv(-oracle.fd_hessian(loglik, b))))
    np.testing.assert_allclose(fit.bse, errors, rtol=1e-4)
    assert (np.abs(b - np.array(TRUTH)) < 3.5 * fit.bse).all()


def test_psi_is_tested_against_the_hurdle(fit):
    test = fit.dispersion_test(n_starts=6, rng=0)
    smaller = _fit(family="hurdle", iorder=[0, 0])
    assert test.statistic == pytest.approx(2 * (fit.llf - smaller.llf), abs=1e-6)
    assert "the family is 'hurdle'" in str(test)


def test_a_psi_of_none_is_named_with_the_hurdle_as_remedy():
    table = pd.DataFrame({"id": np.repeat(np.arange(60), 5), "t": np.tile(np.arange(5.0), 60)})
    res = _fit(table.assign(y=np.tile([0.0, 2, 3, 0, 2], 60)), groups=1, order=0, iorder=0)
    assert any("Use family 'hurdle'" in w["message"] for w in res.document["warnings"])
