"""Censored outcomes with correlated errors: panels of them, and their density by scipy's integrals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import multivariate_normal

import gbtm
from gbtm.likelihood.derivatives import observed, subject_scores
from gbtm.likelihood.mixture import Mixture

LOWER, UPPER = -0.4, 1.1


def outcomes(covariance, n=12, waves=4, *, uneven=False, missing=0.0, bounds=(LOWER, UPPER), seed=0):
    """Outcomes (n, waves), NaN where missing, and times (n, waves); ``covariance`` takes a subject's times."""
    rng = np.random.default_rng(seed)
    time = np.tile(np.arange(waves, dtype=float), (n, 1))
    if uneven:
        time += rng.uniform(-0.4, 0.4, time.shape)
    y = np.stack([rng.multivariate_normal(0.3 * np.sin(t), covariance(t)) for t in time])
    y = np.clip(y, *bounds)
    y[rng.random(y.shape) < missing] = np.nan
    return y, time


def ar1(rho, sigma=1.0):
    """Covariance of AR(1) errors at times (T,)."""
    def covariance(t):
        gap = np.abs(t[:, None] - t)
        return sigma**2 * np.abs(rho) ** gap * np.where(gap % 2 == 1, np.sign(rho), 1.0)

    return covariance


def effects(sds, sigma=1.0):
    """Covariance of outcomes with random effects at times (T,)."""
    def covariance(t):
        z = np.vander(t, len(sds), increasing=True)
        return sigma**2 * np.eye(t.size) + z @ np.diag(np.square(sds)) @ z.T

    return covariance


def model(y, time, bounds=(LOWER, UPPER), **options):
    lower, upper = (b if np.isfinite(b) else None for b in bounds)
    return gbtm.GBTM(y, time, family="cnorm", min=lower, max=upper, **{"groups": 1, "order": 1, **options})


def subject_loglik(built, params):
    """By the engine (N,), at the user's parameters."""
    module = Mixture(built.layout, built.panel)
    assert module.by_integral
    with torch.no_grad():
        return module.subject_loglik(torch.as_tensor(built.layout.unreport(np.asarray(params, float)))[None])[0].numpy()


def reference_loglik(y, time, eta, covariance, bounds=(LOWER, UPPER)):
    """By the multivariate normal probability of the censored values given the others (N,); eta (N, T)."""
    return np.array([
        _log_density(y_i[s], eta_i[s], covariance(t_i[s]), *bounds)
        for y_i, t_i, eta_i in zip(y, time, eta, strict=True) for s in [~np.isnan(y_i)] if s.any()
    ])


def _log_density(y, eta, cov, lower, upper):
    censored = (y <= lower) | (y >= upper)
    seen = ~censored
    mean, value = eta, 0.0
    if seen.any():
        value = multivariate_normal(eta[seen], cov[np.ix_(seen, seen)]).logpdf(y[seen])
        weight = np.linalg.solve(cov[np.ix_(seen, seen)], cov[np.ix_(seen, censored)]).T
        mean = eta[censored] + weight @ (y[seen] - eta[seen])
        cov = cov[np.ix_(censored, censored)] - weight @ cov[np.ix_(seen, censored)]
    if not censored.any():
        return value
    sign = np.where(y[censored] >= upper, -1.0, 1.0)
    z = sign * (y[censored] - mean)
    cov = cov * np.outer(sign, sign)
    return value + (log_ndtr(z[0] / np.sqrt(cov[0, 0])) if z.size == 1 else np.log(_orthant(z, cov)))


def _orthant(z, cov):
    """P(x <= z): scipy's bivariate probability, integrated over a third value by scipy's quad, and so on."""
    if z.size <= 2:
        return multivariate_normal.cdf(z, np.zeros(z.size), cov, abseps=1e-13, releps=1e-12)
    sd, slope = np.sqrt(cov[0, 0]), cov[1:, 0] / cov[0, 0]
    rest = cov[1:, 1:] - np.outer(slope, cov[0, 1:])
    density = lambda x: np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi)) * _orthant(z[1:] - slope * x, rest)  # noqa: E731
    return quad(density, min(z[0], 0.0) - 9 * sd, z[0], epsabs=1e-14, epsrel=1e-11, limit=200)[0]


def check_derivatives(module, flat):
    """Value, gradient and Hessian of the engine at internal parameters, against finite differences and autograd."""
    value, gradient, hessian = (x[0] for x in observed(module, flat[None]))
    assert float(value) == pytest.approx(float(module.loglik(flat[None])[0]), abs=1e-10)
    step = 1e-5
    ends = torch.cat([flat + step * torch.eye(flat.numel()), flat - step * torch.eye(flat.numel())])
    with torch.no_grad():
        up, down = module.loglik(ends).chunk(2)
    torch.testing.assert_close(gradient, (up - down) / (2 * step), rtol=1e-6, atol=1e-6)
    up, down = observed(module, ends)[1].chunk(2)
    torch.testing.assert_close(hessian, (up - down) / (2 * step), rtol=1e-6, atol=1e-5)
    by_autograd = torch.autograd.functional.hessian(lambda x: module.loglik(x[None])[0], flat)
    torch.testing.assert_close(hessian, by_autograd, rtol=1e-9, atol=1e-9)
    own = torch.autograd.functional.jacobian(lambda x: module.subject_loglik(x[None])[0], flat)
    torch.testing.assert_close(subject_scores(module, flat), own, rtol=1e-9, atol=1e-9)
