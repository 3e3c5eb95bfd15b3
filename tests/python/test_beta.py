"""Beta: against scipy, mpmath and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import betaln, digamma, expit, gammaln
from statsmodels.othermod.betareg import BetaModel

import oracle
from closed_forms import assert_closed_forms, tensors
from gbtm.families.base import Family
from gbtm.families.beta import Beta, trigamma
from single_group import climb, covariate, one_group

FAMILY = Beta()
SHARES = np.array([1e-7, 0.02, 0.3, 0.5, 0.81, 0.9999])


def log_density(y, eta, phi):
    terms = FAMILY.terms(tensors(mean=eta, log_phi=np.log(phi))).numpy()
    return FAMILY.statistics(y) @ terms + FAMILY.constant(y)


@pytest.mark.parametrize("eta", [-3.0, -0.4, 0.0, 1.1, 4.5])
@pytest.mark.parametrize("phi", [0.05, 1.0, 7.0, 300.0])
def test_log_density(eta, phi):
    a, b = expit(eta) * phi, expit(-eta) * phi
    got = log_density(SHARES, eta, phi)
    np.testing.assert_allclose(got, stats.beta.logpdf(SHARES, a, b), rtol=1e-10, atol=1e-11)
    formula = gammaln(phi) - gammaln(a) - gammaln(b) + (a - 1) * np.log(SHARES) + (b - 1) * np.log1p(-SHARES)
    np.testing.assert_allclose(got, formula, rtol=1e-11, atol=1e-11)


def test_density_integrates_to_one_with_the_stated_mean_and_variance():
    eta, phi = 0.6, 5.0
    moment = [
        integrate.quad(lambda y, j=j: y**j * np.exp(log_density(np.array([y]), eta, phi))[0], 0, 1, epsabs=1e-12)[0]
        for j in range(3)
    ]
    mu = expit(eta)
    np.testing.assert_allclose(moment, [1, mu, mu * (1 - mu) / (1 + phi) + mu**2], rtol=1e-9)


@pytest.mark.parametrize("log_phi", [-3.0, 0.3, 2.5, 7.0])
def test_closed_form_derivatives_are_those_of_autograd(log_phi):
    eta = torch.linspace(-4.0, 4.0, 9, dtype=torch.float64)[None].expand(2, 9)
    u = {"mean": eta, "log_phi": torch.full_like(eta, log_phi)}
    assert_closed_forms(FAMILY, u, rtol=1e-7, atol=1e-7)  # torch's own trigamma has 9 digits


@pytest.mark.parametrize("log_phi", [-6.0, -0.7, 0.0, 1.5, 5.0, 12.0])
def test_terms_and_derivatives_keep_their_digits(log_phi):
    mp = pytest.importorskip("mpmath")
    eta = np.array([-6.0, -2.0, -0.5, 0.0, 0.3, 4.0])
    u = tensors(mean=eta, log_phi=np.full(6, log_phi))
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    got = [FAMILY.terms(u), slopes["mean"], slopes["log_phi"], *curvatures.values()]
    for i in range(6):
        with mp.workdps(60):
            mu, phi = 1 / (1 + mp.exp(-mp.mpf(eta[i]))), mp.exp(mp.mpf(log_phi))
            a, b = mu * phi, (1 - mu) * phi
            turn, bend = a * (1 - mu), a * (1 - mu) * (1 - 2 * mu)
            d, e, f = mp.digamma(a), mp.digamma(b), mp.digamma(phi)
            d2, e2, f2 = mp.psi(1, a), mp.psi(1, b), mp.psi(1, phi)
            want = [
                mp.loggamma(phi) - mp.loggamma(a) - mp.loggamma(b), turn * (e - d), phi * f - a * d - b * e,
                bend * (e - d) - turn**2 * (d2 + e2), turn * (e - d + b * e2 - a * d2),
                phi * f - a * d - b * e + phi**2 * f2 - a**2 * d2 - b**2 * e2,
            ]
            for value, exact in zip(got, want, strict=True):
                assert float(abs(mp.mpf(value[i, 0].item()) - exact)) <= 1e-10 * (1e-3 + float(abs(exact)))


def test_trigamma():
    x = np.logspace(-6, 6, 60)
    mp = pytest.importorskip("mpmath")
    np.testing.assert_allclose(trigamma(torch.from_numpy(x)), [float(mp.psi(1, v)) for v in x], rtol=1e-13)


def test_derivatives_are_those_of_finite_differences():
    at = {"mean": 0.7, "log_phi": 1.4}
    u = tensors(**at)
    slopes, curvatures = FAMILY.slopes(u), FAMILY.curvatures(u)
    for p in FAMILY.predictors:
        fd = oracle.fd_gradient(lambda x, p=p: FAMILY.terms(tensors(**{**at, p: x[0]})), np.array([at[p]]))
        np.testing.assert_allclose(slopes[p], fd[:, 0], rtol=1e-8, atol=1e-9)
    for (a, b), value in curvatures.items():
        fd = oracle.fd_gradient(lambda x, a=a, b=b: FAMILY.slopes(tensors(**{**at, b: x[0]}))[a], np.array([at[b]]))
        np.testing.assert_allclose(value, fd[:, 0], rtol=1e-8, atol=1e-9)


def test_hessian_of_a_mixture_by_autograd():
    statistics = torch.from_numpy(FAMILY.statistics(SHARES))

    def loglik(x):
        u = {"mean": x[:2, None].expand(2, 1), "log_phi": x[2:, None].expand(2, 1)}
        return torch.logsumexp(FAMILY.terms(u)[:, 0] @ statistics.T, 0).sum()

    at = np.array([-1.0, 1.5, 0.4, 1.2])
    got = torch.autograd.functional.hessian(loglik, torch.from_numpy(at)).numpy()
    want = oracle.fd_gradient(
        lambda x: torch.autograd.functional.jacobian(loglik, torch.from_numpy(x)).numpy(), at
    )
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


# -- the rest of a family ------------------------------------------------------------------------------------------


def test_problem_refuses_the_ends_and_says_how_to_squeeze():
    mask, sentence, way_out = FAMILY.problem(np.array([0.0, 1e-300, 0.5, 1.0, 1.2, -0.1, np.nan]))
    assert mask.tolist() == [True, False, False, True, True, True, True]
    assert "strictly between 0 and 1" in sentence
    assert "(y * (n - 1) + 0.5) / n" in way_out


def test_expected_and_its_gradient():
    u = {"mean": np.array([-0.3, 1.2]), "log_phi": np.array([0.4, -1.0])}
    np.testing.assert_allclose(FAMILY.expected(u), expit(u["mean"]))
    gradient = FAMILY.expected_gradient(u)
    assert set(gradient) == set(FAMILY.predictors)
    for p in FAMILY.predictors:
        fd = oracle.fd_gradient(lambda h, p=p: FAMILY.expected({**u, p: u[p] + h[0]}), np.zeros(1))
        np.testing.assert_allclose(gradient[p], fd[:, 0], rtol=1e-9, atol=1e-12)


def test_variance_and_cumulative_are_scipys():
    """Var(y) = mu (1 - mu)/(1 + phi); F(y) from both sides, as the distribution has no atoms."""
    eta, phi = np.array([-3.0, -0.4, 0.0, 1.1, 4.5, 1.1]), np.array([0.05, 1.0, 7.0, 300.0, 2.0, 0.3])
    u = {"mean": eta, "log_phi": np.log(phi)}
    law = stats.beta(expit(eta) * phi, expit(-eta) * phi)
    np.testing.assert_allclose(FAMILY.variance(u), law.var(), rtol=1e-11)
    for share in SHARES:
        below, up_to = FAMILY.cumulative(share, u)
        np.testing.assert_allclose(below, law.cdf(share), rtol=1e-10, atol=1e-15)
        np.testing.assert_array_equal(up_to, below)


@pytest.mark.parametrize("phi", [0.01, 0.7, 20.0])
def test_simulate(phi):
    n, mu = 200_000, expit(0.8)
    y = FAMILY.simulate({"mean": np.full(n, 0.8), "log_phi": np.full(n, np.log(phi))}, np.random.default_rng(1))
    assert y.shape == (n,)
    assert not FAMILY.problem(y)[0].any()
    assert np.isfinite(FAMILY.statistics(y)).all()
    assert y.mean() == pytest.approx(mu, abs=4.5 * y.std() / np.sqrt(n))
    assert y.var() == pytest.approx(mu * (1 - mu) / (1 + phi), rel=0.02)


@pytest.mark.parametrize(("eta", "phi"), [(0.0, 1.0), (-1.5, 6.0), (2.0, 40.0), (0.5, 3000.0)])
def test_initial_is_near_the_truth(eta, phi):
    n = 100_000
    y = FAMILY.simulate({"mean": np.full(n, eta), "log_phi": np.full(n, np.log(phi))}, np.random.default_rng(2))
    start = FAMILY.initial(FAMILY.statistics(y).sum(0))
    assert float(start["mean"]) == pytest.approx(eta, abs=0.2)
    assert float(start["log_phi"]) == pytest.approx(np.log(phi), abs=0.5)


def test_initial_is_finite_even_without_data():
    some = FAMILY.statistics(SHARES).sum(0)
    same = FAMILY.statistics(np.full(50, 0.3)).sum(0)
    start = FAMILY.initial(np.stack([some, np.zeros(3), same]))
    assert set(start) == set(FAMILY.predictors)
    for values in start.values():
        assert values.shape == (3,)
        assert np.isfinite(values).all()


def test_initial_is_the_formula_of_the_geometric_means():
    """With G and H those of y and 1 - y: a = 1/2 + G/(2 (1 - G - H)), b = 1/2 + H/(2 (1 - G - H)).

    A tenth of an observation with log y = log(1 - y) = -1 is added; values that do not differ give phi near 10,000.
    """
    for y in (SHARES, SHARES[:0], SHARES[2:3]):
        g, h = (np.exp((np.log(x).sum() - 0.1) / (x.size + 0.1)) for x in (y, 1 - y))
        a, b = (0.5 * (1 + x / (1 - g - h)) for x in (g, h))
        start = FAMILY.initial(np.array([y.size, np.log(y).sum(), np.log1p(-y).sum()]))
        np.testing.assert_allclose([start["mean"], start["log_phi"]], [np.log(a / b), np.log(a + b)], rtol=1e-9)
    n = 1e9
    start = FAMILY.initial(n * FAMILY.statistics(np.array([0.3]))[0])
    assert np.exp(start["log_phi"]) == pytest.approx(1 + 0.5 / 5e-5, rel=1e-6)
    assert expit(start["mean"]) == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize("phi", [0.5, 5.0, 100.0])
@pytest.mark.parametrize("off", [-3.0, 3.0])
@pytest.mark.parametrize("log_phi", [-2.0, 1.0, 5.0])
def test_m_steps_climb_from_afar(phi, off, log_phi):
    rng = np.random.default_rng(4)
    time, x = covariate(rng, 400)
    y = FAMILY.simulate({"mean": 0.2 + 0.4 * time, "log_phi": np.full(400, np.log(phi))}, rng)
    columns, weight = {"mean": x, "log_phi": np.ones((400, 1))}, rng.choice([0.01, 0.3, 1.0], 400)
    values = climb(FAMILY, y, columns, weight, [1.0 + off, 0.0, log_phi], 60)
    assert (np.diff(values) >= 0).all()
    assert values[15] > values[-1] - 1.5


def test_safe_curvature_is_the_expected_information():
    """Minus the mean of the observed curvature over draws at the predictors themselves."""
    n = 200_000
    u = tensors(mean=np.full((1, 1, 1), 0.9), log_phi=np.full((1, 1, 1), 1.1))
    y = FAMILY.simulate({"mean": np.full(n, 0.9), "log_phi": np.full(n, 1.1)}, np.random.default_rng(6))
    collected = torch.from_numpy(FAMILY.statistics(y).sum(0))[None, None, None]
    for (a, b), bend in FAMILY.curvatures(u).items():
        raw = (bend * collected).sum(-1)
        assert float(FAMILY.safe_curvature(a, b, raw, collected, u)) == pytest.approx(float(raw), rel=0.02)
        assert FAMILY.safe_curvature(a, b, raw, collected) is raw


def test_expected_information_is_the_variance_of_the_score():
    """Var of the derivatives of log f in eta and log phi, by quadrature over the density."""
    pairs = (("mean", "mean"), ("mean", "log_phi"), ("log_phi", "log_phi"))
    for eta, phi in ((0.9, 3.0), (-1.3, 8.0), (0.0, 40.0)):
        mu = expit(eta)
        a, b = mu * phi, (1 - mu) * phi

        def score(y, mu=mu, phi=phi, a=a, b=b):
            in_a, in_b = np.log(y) - digamma(a) + digamma(phi), np.log1p(-y) - digamma(b) + digamma(phi)
            return {"mean": phi * mu * (1 - mu) * (in_a - in_b), "log_phi": a * in_a + b * in_b}

        def density(y, a=a, b=b):
            return np.exp((a - 1) * np.log(y) + (b - 1) * np.log1p(-y) - betaln(a, b))

        u = tensors(mean=np.full((1, 1, 1), eta), log_phi=np.full((1, 1, 1), np.log(phi)))
        collected = torch.tensor([[[[2.5, -9.0, -7.0]]]], dtype=torch.float64)
        for p, q in pairs:
            want = integrate.quad(lambda y, p=p, q=q: score(y)[p] * score(y)[q] * density(y), 0, 1)[0]
            got = FAMILY.safe_curvature(p, q, torch.zeros(1), collected, u)
            assert float(got) == pytest.approx(-2.5 * want, rel=1e-6)


# -- one group against statsmodels ---------------------------------------------------------------------------------


@pytest.mark.parametrize("phi", [0.8, 6.0, 80.0])
def test_one_group_is_statsmodels(phi):
    rng = np.random.default_rng(13)
    time, x = covariate(rng)
    y = FAMILY.simulate({"mean": -0.5 + 0.35 * time, "log_phi": np.full(time.size, np.log(phi))}, rng)
    y = np.clip(y, 1e-6, 1 - 1e-6)
    estimate, loglik, covariance = one_group(FAMILY, y, {"mean": x, "log_phi": np.ones((y.size, 1))}, [0.0, 0.0, 0.0])
    model = BetaModel(y, x)
    other = model.fit(start_params=estimate, cov_type="nonrobust", disp=False)
    assert loglik == pytest.approx(other.llf, abs=1e-6)
    np.testing.assert_allclose(estimate, other.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), other.bse, rtol=1e-4)


def test_interface_of_the_base_class():
    assert isinstance(FAMILY, Family)
    assert (FAMILY.name, FAMILY.label, FAMILY.has_scale) == ("beta", "beta (proportion)", False)
    assert not getattr(FAMILY, "by_value", False)
