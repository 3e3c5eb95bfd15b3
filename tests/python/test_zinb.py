"""Zero-inflated negative binomial: against scipy, its two limits, and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit
from statsmodels.discrete.count_model import ZeroInflatedNegativeBinomialP

import oracle
from closed_forms import COUNTS, assert_closed_forms, log_density, tensors, traced
from gbtm.families import ZeroInflatedPoisson
from gbtm.families.base import Family
from gbtm.families.negbin import NegativeBinomial
from gbtm.families.zinb import ZeroInflatedNegativeBinomial
from gbtm.model.layout import NO_ZERO_INFLATION, RATE_ZERO
from single_group import climb, covariate, one_group

FAMILY = ZeroInflatedNegativeBinomial()


@pytest.mark.parametrize("eta", [-3.0, 0.0, 1.1, 4.5])
@pytest.mark.parametrize("zeta", [-2.0, 0.7])
@pytest.mark.parametrize("psi", [1e-3, 0.4, 7.0])
def test_log_density(eta, zeta, psi):
    p, count = expit(zeta), stats.nbinom.pmf(COUNTS, 1 / psi, 1 / (1 + psi * np.exp(eta)))
    with np.errstate(divide="ignore"):
        count_log = np.log1p(-p) + stats.nbinom.logpmf(COUNTS, 1 / psi, 1 / (1 + psi * np.exp(eta)))
        want = np.where(COUNTS == 0, np.log(p + (1 - p) * count), count_log)
    got = log_density(FAMILY, COUNTS, mean=eta, zero=zeta, log_psi=np.log(psi))
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)


def test_probabilities_add_to_one():
    y = np.arange(3000.0)
    p = np.exp(log_density(FAMILY, y, mean=0.9, zero=-0.4, log_psi=0.3))
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    u = {"mean": np.array(0.9), "zero": np.array(-0.4), "log_psi": np.array(0.3)}
    assert (p * y).sum() == pytest.approx(float(FAMILY.expected(u)), rel=1e-11)


def test_shapes_are_those_of_the_engine():
    u = tensors(mean=np.zeros((2, 3, 6)), zero=np.zeros((2, 3, 6)), log_psi=np.zeros((2, 3, 6)), y=COUNTS)
    assert FAMILY.terms(u).shape == (2, 3, 6, 1)
    assert {v.shape for v in FAMILY.slopes(u).values()} == {(2, 3, 6, 1)}
    assert {v.shape for v in FAMILY.curvatures(u).values()} == {(2, 3, 6, 1)}
    assert FAMILY.statistics(COUNTS).shape == (6, 1)
    assert FAMILY.moments(COUNTS).shape == (6, 4)
    assert FAMILY.by_value


@pytest.mark.parametrize("log_psi", [-20.0, -4.0, -2.3, 0.4, 3.0])
@pytest.mark.parametrize("zeta", [-30.0, -1.2, 0.8, 6.0])
def test_closed_form_derivatives_are_those_of_autograd(zeta, log_psi):
    eta = torch.linspace(-3.0, 4.0, 4, dtype=torch.float64)[:, None].expand(4, COUNTS.size)
    u = {"mean": eta, "zero": zeta + 0.1 * eta, "log_psi": torch.full_like(eta, log_psi), "y": torch.from_numpy(COUNTS)}
    assert_closed_forms(FAMILY, u)


def test_derivatives_are_those_of_finite_differences():
    at = {"mean": 1.2, "zero": -0.6, "log_psi": -0.4}
    u = tensors(y=COUNTS, **{p: np.full(COUNTS.size, v) for p, v in at.items()})
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    assert list(curvatures) == [
        ("mean", "mean"), ("mean", "zero"), ("mean", "log_psi"), ("zero", "zero"), ("zero", "log_psi"),
        ("log_psi", "log_psi"),
    ]
    for p in FAMILY.predictors:
        fd = oracle.fd_gradient(lambda x, p=p: log_density(FAMILY, COUNTS, **{**at, p: x[0]}), np.array([at[p]]))
        np.testing.assert_allclose(slopes[p][:, 0], fd[:, 0], rtol=1e-8, atol=1e-9)
    for (a, b), value in curvatures.items():

        def slope(x, a=a, b=b):
            full = {p: np.full(COUNTS.size, v) for p, v in {**at, b: x[0]}.items()}
            return FAMILY.slopes(tensors(y=COUNTS, **full))[a][:, 0].numpy()

        fd = oracle.fd_gradient(slope, np.array([at[b]]))
        np.testing.assert_allclose(value[:, 0], fd[:, 0], rtol=1e-8, atol=1e-9)


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [-2.0, 0.7, 3.0])
def test_no_zero_inflation_is_the_negative_binomial(eta):
    both = {"mean": np.full(6, eta), "log_psi": np.full(6, -0.2)}
    plain, u = tensors(y=COUNTS, **both), tensors(y=COUNTS, zero=np.full(6, NO_ZERO_INFLATION), **both)
    torch.testing.assert_close(FAMILY.terms(u), NegativeBinomial().terms(plain), rtol=1e-15, atol=0)
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    for key, value in NegativeBinomial().slopes(plain).items():
        torch.testing.assert_close(slopes.pop(key), value, rtol=1e-14, atol=0)
    for key, value in NegativeBinomial().curvatures(plain).items():
        torch.testing.assert_close(curvatures.pop(key), value, rtol=1e-14, atol=0)
    for vanishing in (*slopes.values(), *curvatures.values()):
        assert vanishing.abs().max() == 0


@pytest.mark.parametrize("log_psi", [-40.0, -800.0, -np.inf])
@pytest.mark.parametrize("zeta", [-1.0, 2.0])
def test_small_psi_is_the_zip(zeta, log_psi):
    zip_family, eta = ZeroInflatedPoisson(), np.full(6, 0.7)
    u = tensors(mean=eta, zero=np.full(6, zeta), log_psi=np.full(6, log_psi), y=COUNTS)
    v, counts = {p: u[p] for p in zip_family.predictors}, torch.from_numpy(zip_family.statistics(COUNTS))
    torch.testing.assert_close(FAMILY.terms(u)[:, 0], (zip_family.terms(v) * counts).sum(-1), rtol=1e-13, atol=1e-14)
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    for key, value in zip_family.slopes(v).items():
        torch.testing.assert_close(slopes.pop(key)[:, 0], (value * counts).sum(-1), rtol=1e-12, atol=1e-14)
    for key, value in zip_family.curvatures(v).items():
        torch.testing.assert_close(curvatures.pop(key)[:, 0], (value * counts).sum(-1), rtol=1e-12, atol=1e-14)
    for vanishing in (*slopes.values(), *curvatures.values()):
        assert vanishing.abs().max() < 1e-10


@pytest.mark.parametrize("log_psi", [-800.0, 0.0, 5.0])
def test_a_group_that_never_happens(log_psi):
    u = tensors(
        mean=np.full(6, RATE_ZERO), zero=np.full(6, NO_ZERO_INFLATION), log_psi=np.full(6, log_psi), y=COUNTS
    )
    value = FAMILY.terms(u)[:, 0].numpy()
    assert value[0] == 0.0
    assert (value[1:] < -1e7).all()
    assert np.isfinite(value).all()
    for slopes, curvatures in ((FAMILY.slopes(u), FAMILY.curvatures(u)), traced(FAMILY, u)):
        for derivative in (*slopes.values(), *curvatures.values()):
            assert derivative[0] == 0.0
            assert torch.isfinite(derivative).all()


@pytest.mark.parametrize("log_psi", [-np.inf, -800.0, 0.0, 40.0])
@pytest.mark.parametrize("zeta", [-800.0, 0.0, 800.0])
@pytest.mark.parametrize("eta", [-800.0, 0.0, 300.0])
def test_nothing_is_nan_however_far_out(eta, zeta, log_psi):
    u = tensors(mean=np.full(6, eta), zero=np.full(6, zeta), log_psi=np.full(6, log_psi), y=COUNTS)
    assert torch.isfinite(FAMILY.terms(u)).all()
    for slopes, curvatures in ((FAMILY.slopes(u), FAMILY.curvatures(u)), traced(FAMILY, u)):
        for derivative in (*slopes.values(), *curvatures.values()):
            assert torch.isfinite(derivative).all()


def test_hessian_of_a_mixture_by_autograd():
    y = torch.from_numpy(COUNTS[:5])

    def loglik(x):
        eta = torch.stack([x[0], x[1], 0 * x[0] + RATE_ZERO])[:, None].expand(3, 5)
        zeta = torch.stack([x[2], x[3], 0 * x[0] + NO_ZERO_INFLATION])[:, None].expand(3, 5)
        log_psi = torch.stack([x[4], 0 * x[4] - 60.0, x[4]])[:, None].expand(3, 5)
        terms = FAMILY.terms({"mean": eta, "zero": zeta, "log_psi": log_psi, "y": y})[..., 0]
        return torch.logsumexp(terms - np.log(3), 0).sum()

    at = np.array([0.4, 1.9, -0.7, -1.5, 0.1])
    got = torch.autograd.functional.hessian(loglik, torch.from_numpy(at)).numpy()
    want = oracle.fd_gradient(
        lambda x: torch.autograd.functional.jacobian(loglik, torch.from_numpy(x)).numpy(), at
    )
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)


# -- the rest of a family ------------------------------------------------------------------------------------------


def test_problem_marks_only_what_is_no_count():
    assert FAMILY.problem(np.array([0.0, 3.0, -1.0, 0.5]))[0].tolist() == [False, False, True, True]


def test_expected_and_its_gradient():
    u = {"mean": np.array([-0.3, 1.2]), "zero": np.array([0.5, -1.1]), "log_psi": np.array([0.4, -1.0])}
    gradient = FAMILY.expected_gradient(u)
    assert set(gradient) == set(FAMILY.predictors)
    for p in FAMILY.predictors:
        fd = oracle.fd_gradient(lambda h, p=p: FAMILY.expected({**u, p: u[p] + h[0]}), np.zeros(1))
        np.testing.assert_allclose(gradient[p], fd[:, 0], rtol=1e-9, atol=1e-12)


def test_simulate():
    n = 400_000
    one = {"mean": 0.8, "zero": -0.4, "log_psi": -0.5}
    y = FAMILY.simulate({p: np.full(n, v) for p, v in one.items()}, np.random.default_rng(1))
    p, mu, psi = expit(-0.4), np.exp(0.8), np.exp(-0.5)
    assert y.mean() == pytest.approx((1 - p) * mu, abs=4.5 * y.std() / np.sqrt(n))
    variance = (1 - p) * (mu + psi * mu**2 + mu**2) - ((1 - p) * mu) ** 2
    assert y.var() == pytest.approx(variance, rel=0.02)
    for value in (0.0, 1.0, 4.0):
        chance = np.exp(log_density(FAMILY, np.array([value]), **one))[0]
        assert (y == value).mean() == pytest.approx(chance, abs=4.5 * np.sqrt(chance * (1 - chance) / n))


def test_initial():
    n = 100_000
    u = {"mean": np.full(n, 1.2), "zero": np.full(n, 0.3), "log_psi": np.full(n, -0.7)}
    y = FAMILY.simulate(u, np.random.default_rng(3))
    start = FAMILY.initial(np.stack([FAMILY.moments(y).sum(0), np.zeros(4), [5.0, 0.0, 0.0, 5.0]]))
    assert set(start) == set(FAMILY.predictors)
    for values in start.values():
        assert values.shape == (3,)
        assert np.isfinite(values).all()
    assert start["mean"][0] == pytest.approx(1.2, abs=0.5)
    assert start["zero"][0] == pytest.approx(0.3, abs=0.8)
    assert start["log_psi"][0] == pytest.approx(-0.7, abs=0.8)


@pytest.mark.parametrize("psi", [1e-12, 0.5])
@pytest.mark.parametrize("off", [-1.5, 1.5])
@pytest.mark.parametrize("zeta", [-2.0, 2.0])
@pytest.mark.parametrize("log_psi", [-4.0, 2.0])
def test_m_steps_climb_from_afar(psi, off, zeta, log_psi):
    rng = np.random.default_rng(4)
    time, x = covariate(rng, 400)
    u = {"mean": 1.2 + 0.4 * time, "zero": -1.0 + 0.3 * time, "log_psi": np.full(400, np.log(psi))}
    y = FAMILY.simulate(u, rng)
    columns, weight = {"mean": x, "zero": x, "log_psi": np.ones((400, 1))}, rng.choice([0.01, 0.3, 1.0], 400)
    values = climb(FAMILY, y, columns, weight, [2.0 + off, 0.0, zeta, 0.0, log_psi], 60)
    assert (np.diff(values) >= 0).all()
    assert values[20] > values[-1] - 1.5


# -- one group against statsmodels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("psi", "zeta"), [(0.3, -0.5), (0.8, 0.6)])
def test_one_group_is_statsmodels(psi, zeta):
    rng = np.random.default_rng(12)
    time, x = covariate(rng, 3000)
    u = {"mean": 1.0 + 0.35 * time, "zero": zeta - 0.4 * time, "log_psi": np.full(time.size, np.log(psi))}
    y = FAMILY.simulate(u, rng)
    columns = {"mean": x, "zero": x, "log_psi": np.ones((y.size, 1))}
    estimate, loglik, covariance = one_group(FAMILY, y, columns, [1.0, 0.0, 0.0, 0.0, 0.0])
    model = ZeroInflatedNegativeBinomialP(y, x, exog_infl=x, p=2)
    mine = np.concatenate([estimate[2:4], estimate[:2], np.exp(estimate[4:])])
    assert model.loglike(mine) == pytest.approx(loglik, abs=1e-6)
    other = model.fit(start_params=mine, method="bfgs", maxiter=500, gtol=1e-8, disp=False)
    assert loglik == pytest.approx(other.llf, abs=1e-6)
    np.testing.assert_allclose(mine, other.params, rtol=1e-4, atol=1e-5)
    # statsmodels differentiates its score numerically; at its own estimates, so that only the Hessians are compared
    order = [2, 3, 0, 1, 4]
    se = np.sqrt(np.diag(covariance))[order] * [1, 1, 1, 1, np.exp(estimate[4])]
    np.testing.assert_allclose(se, np.sqrt(np.diag(np.linalg.inv(-model.hessian(mine)))), rtol=1e-4)
    np.testing.assert_allclose(se, other.bse, rtol=1e-3)


def test_interface_of_the_base_class():
    assert isinstance(FAMILY, Family)
    assert (FAMILY.name, FAMILY.label, FAMILY.has_scale) == ("zinb", "zero-inflated negative binomial", False)
