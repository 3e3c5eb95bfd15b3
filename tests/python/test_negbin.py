"""Negative binomial: against scipy, mpmath and statsmodels, and where the usual formulas lose their digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import gammaln
from statsmodels.discrete.discrete_model import NegativeBinomial as StatsmodelsNegativeBinomial

import oracle
from closed_forms import COUNTS, assert_closed_forms, log_density, tensors, traced
from gbtm.families.base import Family
from gbtm.families.negbin import NegativeBinomial
from gbtm.model.layout import RATE_ZERO
from single_group import climb, covariate, one_group

FAMILY = NegativeBinomial()


# -- density -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [-3.0, -0.4, 0.0, 1.1, 4.5])
@pytest.mark.parametrize("psi", [1e-3, 0.09, 0.11, 1.0, 7.0])
def test_log_density(eta, psi):
    got, mu = log_density(FAMILY, COUNTS, mean=eta, log_psi=np.log(psi)), np.exp(eta)
    np.testing.assert_allclose(got, stats.nbinom.logpmf(COUNTS, 1 / psi, 1 / (1 + psi * mu)), rtol=1e-10, atol=1e-12)
    r = 1 / psi
    formula = gammaln(COUNTS + r) - gammaln(r) - gammaln(COUNTS + 1)
    formula += r * np.log(r / (r + mu)) + COUNTS * np.log(mu / (r + mu))
    np.testing.assert_allclose(got, formula, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("psi", [0.05, 0.6, 2.5])
def test_probabilities_add_to_one_with_the_stated_mean_and_variance(psi):
    y, mu = np.arange(3000.0), np.exp(0.9)
    p = np.exp(log_density(FAMILY, y, mean=0.9, log_psi=np.log(psi)))
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert (p * y).sum() == pytest.approx(mu, rel=1e-11)
    assert (p * (y - mu) ** 2).sum() == pytest.approx(mu + psi * mu**2, rel=1e-11)


def test_shapes_are_those_of_the_engine():
    u = tensors(mean=np.zeros((2, 3, 6)), log_psi=np.zeros((2, 3, 6)), y=COUNTS)
    assert FAMILY.terms(u).shape == (2, 3, 6, 1)
    assert {v.shape for v in FAMILY.slopes(u).values()} == {(2, 3, 6, 1)}
    assert {v.shape for v in FAMILY.curvatures(u).values()} == {(2, 3, 6, 1)}
    assert FAMILY.statistics(COUNTS).shape == (6, 1)
    assert FAMILY.moments(COUNTS).shape == (6, 3)
    assert FAMILY.by_value


# -- accuracy ------------------------------------------------------------------------------------------------------


def exact(mpmath, y, eta, log_psi):
    """Value and derivatives of the terms in 80 digits, and the size of what adds up to each."""
    mp = mpmath
    y, eta, s = mp.mpf(float(y)), mp.mpf(float(eta)), mp.mpf(float(log_psi))
    r, mu, x = mp.exp(-s), mp.exp(eta), mp.exp(eta + s)
    p, log_1p = x / (1 + x), mp.log1p(x)
    digamma, trigamma = mp.digamma(y + r) - mp.digamma(r), mp.psi(1, y + r) - mp.psi(1, r)
    rising = mp.loggamma(y + r) - mp.loggamma(r) - y * mp.log(r)
    first, second, q = y - r * digamma, r * digamma + r * r * trigamma, r * log_1p - mu / (1 + x)
    parts = [
        [rising, y * (eta - log_1p), -r * log_1p], [y * (1 - p), -mu * (1 - p)], [first, -y * p, q],
        [-y * p * (1 - p), -mu * (1 - p) ** 2], [-y * p * (1 - p), mu * p * (1 - p)],
        [second, -y * p * (1 - p), mu * p * (1 - p), -q],
    ]
    return [mp.fsum(v) for v in parts], [mp.fsum(abs(w) for w in v) for v in parts]


@pytest.mark.parametrize("log10_psi", [-12, -8, -5, -3, -2, -1.05, -1, -0.95, 0, 1, 3, 6])
def test_value_and_derivatives_keep_their_digits(log10_psi):
    mpmath = pytest.importorskip("mpmath")
    y, eta = (v.ravel() for v in np.meshgrid([0, 1, 2, 3, 10, 100, 10_000], [-8.0, -0.5, 1.5, 4.0, 9.3]))
    log_psi = log10_psi * np.log(10)
    u = tensors(mean=eta, log_psi=np.full(y.size, log_psi), y=y.astype(float))
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    got = [FAMILY.terms(u), slopes["mean"], slopes["log_psi"], *curvatures.values()]
    with mpmath.workdps(80):
        for i in range(y.size):
            want, size = exact(mpmath, y[i], eta[i], log_psi)
            for j, limit in enumerate([1e-12, 1e-8, 1e-8, 1e-8, 1e-8, 1e-8]):
                error = abs(mpmath.mpf(got[j][i].item()) - want[j])
                assert error <= limit * abs(want[j]), (j, y[i], eta[i])
                assert error <= 1e-9 * size[j], (j, y[i], eta[i])


@pytest.mark.parametrize("log_psi", [-20.0, -4.0, -2.31, -2.30, -0.5, 1.0, 6.0])
def test_closed_form_derivatives_are_those_of_autograd(log_psi):
    eta = torch.linspace(-3.0, 4.0, 4, dtype=torch.float64)[:, None].expand(4, COUNTS.size)
    u = {"mean": eta, "log_psi": torch.full_like(eta, log_psi), "y": torch.from_numpy(COUNTS)}
    assert_closed_forms(FAMILY, u)


@pytest.mark.parametrize("log_psi", [-4.0, -0.5, 1.0])
def test_derivatives_are_those_of_finite_differences(log_psi):
    at = {"mean": 1.2, "log_psi": log_psi}
    u = tensors(y=COUNTS, **{p: np.full(COUNTS.size, v) for p, v in at.items()})
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)

    def along(p, f):
        return oracle.fd_gradient(lambda x: f({**at, p: x[0]}), np.array([at[p]]))[:, 0]

    for p in FAMILY.predictors:
        fd = along(p, lambda v: log_density(FAMILY, COUNTS, **v))
        np.testing.assert_allclose(slopes[p][:, 0], fd, rtol=1e-8, atol=1e-9)
    for (a, b), value in curvatures.items():

        def slope(v, a=a):
            full = {p: np.full(COUNTS.size, x) for p, x in v.items()}
            return FAMILY.slopes(tensors(y=COUNTS, **full))[a][:, 0].numpy()

        np.testing.assert_allclose(value[:, 0], along(b, slope), rtol=1e-8, atol=1e-9)


def test_hessian_of_a_mixture_by_autograd():
    """As inference takes it: through a logsumexp over groups, one of them Poisson, one of them never happening."""
    y = torch.from_numpy(COUNTS[:5])

    def loglik(x):
        eta = torch.stack([x[0], x[1], 0 * x[0] + RATE_ZERO])[:, None].expand(3, 5)
        log_psi = torch.stack([x[2], 0 * x[2] - 60.0, x[2]])[:, None].expand(3, 5)
        terms = FAMILY.terms({"mean": eta, "log_psi": log_psi, "y": y})[..., 0]
        return torch.logsumexp(terms + torch.log_softmax(torch.cat([x[3:], 0 * x[:1]]), 0)[:, None], 0).sum()

    at = np.array([0.4, 1.9, -0.7, 0.3, 0.1])
    got = torch.autograd.functional.hessian(loglik, torch.from_numpy(at)).numpy()
    gradient = oracle.fd_gradient(lambda x: float(loglik(torch.from_numpy(x))), at)
    np.testing.assert_allclose(torch.autograd.functional.jacobian(loglik, torch.from_numpy(at)), gradient, rtol=1e-7)
    want = oracle.fd_gradient(
        lambda x: torch.autograd.functional.jacobian(loglik, torch.from_numpy(x)).numpy(), at
    )
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log_psi", [-40.0, -300.0, -745.0, -1e4, -np.inf])
@pytest.mark.parametrize("eta", [-2.0, 1.3, 6.0])
def test_small_psi_is_poisson(log_psi, eta):
    got = log_density(FAMILY, COUNTS, mean=eta, log_psi=log_psi)
    np.testing.assert_allclose(got, stats.poisson.logpmf(COUNTS, np.exp(eta)), rtol=1e-12, atol=1e-12)
    u = tensors(mean=np.full(6, eta), log_psi=np.full(6, log_psi), y=COUNTS)
    for slopes, curvatures in ((FAMILY.slopes(u), FAMILY.curvatures(u)), traced(FAMILY, u)):
        np.testing.assert_allclose(slopes["mean"][:, 0], COUNTS - np.exp(eta), rtol=1e-11)
        np.testing.assert_allclose(curvatures["mean", "mean"][:, 0], -np.exp(eta), rtol=1e-11)
        for vanishing in (slopes["log_psi"], curvatures["mean", "log_psi"], curvatures["log_psi", "log_psi"]):
            assert vanishing.abs().max() < 1e-10


@pytest.mark.parametrize("log_psi", [-800.0, -3.0, 0.0, 5.0])
def test_a_group_that_never_happens(log_psi):
    u = tensors(mean=np.full(6, RATE_ZERO), log_psi=np.full(6, log_psi), y=COUNTS)
    value = FAMILY.terms(u)[:, 0].numpy()
    assert value[0] == 0.0
    assert (value[1:] < -1e7).all()
    assert np.isfinite(value).all()
    for slopes, curvatures in ((FAMILY.slopes(u), FAMILY.curvatures(u)), traced(FAMILY, u)):
        for derivative in (*slopes.values(), *curvatures.values()):
            assert derivative[0] == 0.0
            assert torch.isfinite(derivative).all()


@pytest.mark.parametrize("log_psi", [-np.inf, -800.0, -5.0, 0.0, 40.0, 600.0])
@pytest.mark.parametrize("eta", [RATE_ZERO, -800.0, 0.0, 700.0])
def test_nothing_is_nan_however_far_out(eta, log_psi):
    u = tensors(mean=np.full(6, eta), log_psi=np.full(6, log_psi), y=COUNTS)
    assert torch.isfinite(FAMILY.terms(u)).all()
    for slopes, curvatures in ((FAMILY.slopes(u), FAMILY.curvatures(u)), traced(FAMILY, u)):
        for derivative in (*slopes.values(), *curvatures.values()):
            assert torch.isfinite(derivative).all()


# -- the rest of a family ------------------------------------------------------------------------------------------


def test_problem_marks_only_what_is_no_count():
    mask, sentence, way_out = FAMILY.problem(np.array([0.0, 3.0, -1.0, 0.5]))
    assert mask.tolist() == [False, False, True, True]
    assert sentence
    assert way_out


def test_expected_and_its_gradient():
    u = {"mean": np.array([-0.3, 1.2]), "log_psi": np.array([0.4, -1.0])}
    np.testing.assert_allclose(FAMILY.expected(u), np.exp(u["mean"]))
    gradient = FAMILY.expected_gradient(u)
    for p in FAMILY.predictors:
        fd = oracle.fd_gradient(lambda h, p=p: FAMILY.expected({**u, p: u[p] + h[0]}), np.zeros(1))
        np.testing.assert_allclose(gradient[p], fd[:, 0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("psi", [0.3, 2.0])
def test_simulate(psi):
    n, mu = 400_000, np.exp(0.8)
    y = FAMILY.simulate({"mean": np.full(n, 0.8), "log_psi": np.full(n, np.log(psi))}, np.random.default_rng(1))
    assert y.shape == (n,)
    assert not FAMILY.problem(y)[0].any()
    assert y.mean() == pytest.approx(mu, abs=4.5 * y.std() / np.sqrt(n))
    assert y.var() == pytest.approx(mu + psi * mu**2, rel=0.03)
    for value in (0.0, 1.0, 4.0):
        p = np.exp(log_density(FAMILY, np.array([value]), mean=0.8, log_psi=np.log(psi)))[0]
        assert (y == value).mean() == pytest.approx(p, abs=4.5 * np.sqrt(p * (1 - p) / n))


def test_simulate_at_the_edges():
    u = {"mean": np.array([RATE_ZERO, 1.0, 1.0]), "log_psi": np.array([0.0, -800.0, 12.0])}
    draws = np.stack([FAMILY.simulate(u, np.random.default_rng(s)) for s in range(2000)])
    assert (draws[:, 0] == 0).all()
    assert draws[:, 1].var() == pytest.approx(np.e, rel=0.15)
    assert (draws[:, 2] == 0).mean() > 0.99


def test_initial_is_the_method_of_moments():
    rng = np.random.default_rng(2)
    for psi, wanted in ((0.5, 0.5), (1e-9, 0.01), (60.0, 20.0)):
        y = FAMILY.simulate({"mean": np.full(200_000, 1.0), "log_psi": np.full(200_000, np.log(psi))}, rng)
        start = FAMILY.initial(FAMILY.moments(y).sum(0))
        assert float(np.exp(start["mean"])) == pytest.approx(y.mean(), rel=1e-3)
        assert float(np.exp(start["log_psi"])) == pytest.approx(wanted, rel=0.1)


def test_initial_is_finite_even_without_data():
    start = FAMILY.initial(np.stack([FAMILY.moments(COUNTS).sum(0), np.zeros(3), [5.0, 0.0, 0.0]]))
    assert set(start) == set(FAMILY.predictors)
    for values in start.values():
        assert values.shape == (3,)
        assert np.isfinite(values).all()


@pytest.mark.parametrize("psi", [1e-12, 0.3, 3.0])
@pytest.mark.parametrize("off", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("log_psi", [-4.0, 0.0, 3.0])
def test_m_steps_climb_from_afar(psi, off, log_psi):
    rng = np.random.default_rng(4)
    time, x = covariate(rng, 400)
    y = FAMILY.simulate({"mean": 0.2 + 0.4 * time, "log_psi": np.full(400, np.log(psi))}, rng)
    columns, weight = {"mean": x, "log_psi": np.ones((400, 1))}, rng.choice([0.01, 0.3, 1.0], 400)
    values = climb(FAMILY, y, columns, weight, [1.0 + off, 0.0, log_psi], 60)
    assert (np.diff(values) >= 0).all()
    assert values[15] > values[-1] - 1.5


def test_safe_curvature_is_negative_and_newtons_at_the_optimum():
    rng = np.random.default_rng(5)
    time, x = covariate(rng)
    y = FAMILY.simulate({"mean": 0.2 + 0.4 * time, "log_psi": np.full(1500, -0.5)}, rng)
    best, _, _ = one_group(FAMILY, y, {"mean": x, "log_psi": np.ones((1500, 1))}, [0.0, 0.0, 0.0])
    collected = torch.ones(1, 1, 1500, 1, dtype=torch.float64)
    for shift in (-5.0, 0.0, 5.0):
        eta, log_psi = (x @ best[:2])[None, None], np.full((1, 1, 1500), best[2] + shift)
        u = tensors(mean=eta, log_psi=log_psi, y=y)
        for (a, b), bend in FAMILY.curvatures(u).items():
            raw = (bend * collected).sum(-1)
            for known in (u, None):
                safe = FAMILY.safe_curvature(a, b, raw, collected, known)
                assert float(safe.sum()) == 0 if a != b else float(safe.sum()) < 0
                if a == b == "log_psi" and shift == 0.0:
                    assert float(safe.sum()) == pytest.approx(float(raw.sum()), rel=1e-10)


# -- one group against statsmodels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("psi", [0.15, 0.8, 2.5])
def test_one_group_is_statsmodels(psi):
    rng = np.random.default_rng(11)
    time, x = covariate(rng)
    y = FAMILY.simulate({"mean": 0.3 + 0.35 * time, "log_psi": np.full(time.size, np.log(psi))}, rng)
    estimate, loglik, covariance = one_group(FAMILY, y, {"mean": x, "log_psi": np.ones((y.size, 1))}, [0.0, 0.0, 0.0])
    model = StatsmodelsNegativeBinomial(y, x, loglike_method="nb2")
    other = model.fit(start_params=[*estimate[:2], np.exp(estimate[2])], method="newton", tol=1e-12, disp=False)
    assert loglik == pytest.approx(other.llf, abs=1e-6)
    np.testing.assert_allclose([*estimate[:2], np.exp(estimate[2])], other.params, rtol=1e-5)
    se = np.sqrt(np.diag(covariance)) * [1, 1, np.exp(estimate[2])]  # delta method to psi
    np.testing.assert_allclose(se, other.bse, rtol=1e-4)


def test_interface_of_the_base_class():
    assert isinstance(FAMILY, Family)
    assert (FAMILY.name, FAMILY.label, FAMILY.has_scale) == ("negbin", "negative binomial", False)
    assert FAMILY.seen_in(COUNTS) is FAMILY
