"""Falls of the log-likelihood at the ends of Wald intervals: exact parabolas, formulas, and independent maxima."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import gbtm
from gbtm.estimation.parabola import PARABOLA, REACH, falls
from gbtm.record.rebuild import module_of
from weak_data import weak_loglik, weak_table


def falls_of(res, entries=slice(None)):
    module, flat = module_of(res), res.internal.params
    return falls(module, flat, res.internal.cov, module.layout.report_jacobian(flat)[entries])


def test_a_normal_regression_is_a_parabola_in_its_coefficients_given_sigma():
    """One group, its sigma all but known: with sigma at its best for each slope the fall is n/2 log(1 + z^2 / n)."""
    n = 60
    y = np.random.default_rng(0).normal(0, 1, (n, 5))
    res = gbtm.GBTM(y, range(5), groups=1, order=1).fit()
    np.testing.assert_allclose(falls_of(res, [0, 1]), 5 * n / 2 * np.log1p(REACH**2 / (5 * n)), rtol=1e-6)
    many = gbtm.GBTM(np.tile(y, (200, 1)), range(5), groups=1, order=1).fit()
    np.testing.assert_allclose(falls_of(many, [0, 1]), PARABOLA, rtol=4e-5)  # but for z^2 / 2n


def test_one_parameter_has_no_others_to_let_go():
    """A Poisson rate: the log-likelihood is S eta - n exp(eta)."""
    y = np.random.default_rng(1).poisson(1.5, (20, 3))
    res = gbtm.GBTM(y, range(3), groups=1, order=0, family="poisson").fit()
    total, n = y.sum(), y.size
    ends = np.array([-1, 1]) * REACH / np.sqrt(total)
    expected = -(total * ends - total * np.expm1(ends))
    assert n * np.exp(res.params["intercept[1]"]) == pytest.approx(total)
    np.testing.assert_allclose(falls_of(res)[:, 0], expected, rtol=1e-9)


def test_the_others_are_at_their_best_in_a_weak_mixture():
    """By scipy from the formula: the maximum given the end, from where the parabola would have it."""
    res = gbtm.GBTM.from_formula("y ~ t", data=weak_table(), id="id", groups=3, order=1, family="logit").fit(n_starts=2)
    j = res.names.index("theta[3]")
    found = falls_of(res, [j])[:, 0]
    information = -torch.autograd.functional.hessian(weak_loglik, torch.tensor(res.params.to_numpy())).numpy()
    cov = np.linalg.inv(information)
    for side, fall in zip((-1, 1), found, strict=True):
        end = res.params.iloc[j] + side * REACH * np.sqrt(cov[j, j])

        def given(rest, end=end):
            x = torch.tensor(np.insert(rest, j, end), requires_grad=True)
            value = -weak_loglik(x)
            value.backward()
            return float(value.detach()), np.delete(x.grad.numpy(), j)

        path = res.params.to_numpy() + side * REACH * cov[j] / np.sqrt(cov[j, j])
        climbs = [minimize(given, np.delete(x, j), jac=True, method="BFGS") for x in (path, res.params.to_numpy())]
        assert fall == pytest.approx(res.llf + min(c.fun for c in climbs), abs=0.05)


def test_of_very_many_subjects_the_least_certain_parameters_are_looked_at(monkeypatch):
    y = np.random.default_rng(2).normal(np.repeat([0.0, 4.0], [20, 180])[:, None], 1, (200, 4))
    res = gbtm.GBTM(y, range(4), groups=2, order=0).fit(n_starts=1)
    whole = falls_of(res)
    monkeypatch.setattr("gbtm.estimation.parabola.IN_ALL", 2 * 200 * 2 * 2)
    some = falls_of(res)
    scaled = np.sqrt(np.diag(res.internal.cov))
    assert np.flatnonzero(np.isfinite(some[0])).tolist() == sorted(np.argsort(-scaled)[:2].tolist())
    there = np.isfinite(some)
    np.testing.assert_allclose(some[there], whole[there], rtol=1e-12)
    monkeypatch.setattr("gbtm.estimation.parabola.IN_ALL", 40_000_000)
    monkeypatch.setattr("gbtm.estimation.parabola.AT_ONCE", 1)  # a point at a time
    np.testing.assert_allclose(falls_of(res), whole, rtol=1e-10)
