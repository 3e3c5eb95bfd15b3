"""docs/model.md once more, at 60 digits: log-likelihood, its maximum and the standard errors there, by mpmath.

Nothing here comes from the package. A model is an :class:`oracle.Model` without covariates, its parameters in that
order and in the user's units. The maximum is Newton's, from a place near it; derivatives are central differences
whose steps are so small against the standard errors that 24 digits of them are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import mpmath
from mpmath import mpf

DIGITS = 60
STEP = mpf(10) ** -12  # of differences, in standard errors
ARRIVED = mpf(10) ** -30  # Newton step, in standard errors
MOST_STEPS = 12


@dataclass(frozen=True)
class Maximum:
    """Log-likelihood, estimates (p,) and standard errors (p,), each a number of mpmath's."""

    loglik: mpf
    params: list
    errors: list


def log_density(model, y, eta, scale, zeta):
    """Of one value, given its linear predictor, sigma, psi or phi, and the logit of the zero inflation or None."""
    if model.family in ("normal", "cnorm"):
        lower, upper = mpf(model.lower), mpf(model.upper)
        if model.family == "cnorm" and y <= lower:
            return mpmath.log(_ndtr((lower - eta) / scale))
        if model.family == "cnorm" and y >= upper:
            return mpmath.log(_ndtr((eta - upper) / scale))
        return -mpmath.log(scale) - mpmath.log(2 * mpmath.pi) / 2 - ((y - eta) / scale) ** 2 / 2
    if model.family == "logit":
        return -mpmath.log1p(mpmath.exp(-eta if y == 1 else eta))
    if model.family == "beta":
        a, b = scale / (1 + mpmath.exp(-eta)), scale / (1 + mpmath.exp(eta))
        beta = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(scale)
        return (a - 1) * mpmath.log(y) + (b - 1) * mpmath.log1p(-y) - beta
    count = _log_count(model, y, eta, scale)
    if zeta is None:
        return count
    p = 1 / (1 + mpmath.exp(-zeta))
    return mpmath.log((1 - p) * mpmath.exp(count) + (p if y == 0 else 0))


def _ndtr(z):
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def _log_count(model, y, eta, psi):
    mu = mpmath.exp(eta)
    if model.family in ("poisson", "zip"):
        return y * eta - mu - _log_factorial(y)
    r = 1 / psi
    rising = mpmath.loggamma(y + r) - _loggamma(r) - _log_factorial(y)
    return rising + y * mpmath.log(mu / (mu + r)) + r * mpmath.log(r / (mu + r))


@cache
def _log_factorial(y):
    return mpmath.loggamma(y + 1)


@cache
def _loggamma(x):
    return mpmath.loggamma(x)


class Likelihood:
    """The log-likelihood of outcomes (N, T), NaN where missing, at times (T,) as a function of parameters (p,)."""

    def __init__(self, model, y, times):
        self.model, self.n_subjects = model, len(y)
        self.rows = [(i, mpf(float(t)), mpf(float(v))) for i, own in enumerate(y)
                     for t, v in zip(times, own, strict=True) if v == v]
        self.known = {}  # a group's log densities by its own parameters: most differences move one group only

    def groups(self, params):
        """Per group (mean coefficients, zero coefficients, scale), and log shares."""
        model, values = self.model, list(params)

        def take(n):
            head = tuple(values[:n])
            del values[:n]
            return head

        means = [take(o + 1) for o in model.order]
        zeros = [take(o + 1) for o in model.iorder] or [()]
        scales = take(model.n_scales) or (None,)
        k = model.n_groups
        zeros, scales = (list(v) * k if len(v) == 1 else list(v) for v in (zeros, scales))
        theta = [*take(model.reference), mpf(0), *values]
        total = mpmath.log(sum(mpmath.exp(t) for t in theta))
        return list(zip(means, zeros, scales, strict=True)), [t - total for t in theta]

    def of_group(self, own):
        """log f_k(y_i) of each subject (N,)."""
        if own not in self.known:
            mean, zero, scale = own
            out = [mpf(0)] * self.n_subjects
            for i, t, v in self.rows:
                zeta = _polynomial(t, zero) if zero else None
                out[i] += log_density(self.model, v, _polynomial(t, mean), scale, zeta)
            self.known[own] = out
        return self.known[own]

    def __call__(self, params):
        groups, log_shares = self.groups(params)
        own = [self.of_group(g) for g in groups]
        total = mpf(0)
        for i in range(self.n_subjects):
            joint = [s + f[i] for s, f in zip(log_shares, own, strict=True)]
            top = max(joint)
            total += top + mpmath.log(sum(mpmath.exp(v - top) for v in joint))
        return total

    def gradient(self, params, steps):
        """Central differences (p,)."""
        out = []
        for j, h in enumerate(steps):
            out.append((self(_moved(params, (j, h))) - self(_moved(params, (j, -h)))) / (2 * h))
        return out

    def hessian(self, params, steps):
        """Central differences (p, p)."""
        p, here = len(params), self(params)
        out = mpmath.matrix(p, p)
        plus = [self(_moved(params, (j, h))) for j, h in enumerate(steps)]
        minus = [self(_moved(params, (j, -h))) for j, h in enumerate(steps)]
        for i in range(p):
            out[i, i] = (plus[i] - 2 * here + minus[i]) / steps[i] ** 2
            for j in range(i):
                both = self(_moved(params, (i, steps[i]), (j, steps[j])))
                neither = self(_moved(params, (i, -steps[i]), (j, -steps[j])))
                mixed = (both - plus[i] - plus[j] + 2 * here - minus[i] - minus[j] + neither) / 2
                out[i, j] = out[j, i] = mixed / (steps[i] * steps[j])
        return out


def maximum(model, y, times, params, errors):
    """The :class:`Maximum` near ``params`` (p,), whose standard errors are about ``errors`` (p,).

    Steps are by the inverse Hessian of the first place, whose error each of them shrinks by as many digits as are
    right there; standard errors are from the Hessian at the maximum.
    """
    with mpmath.workdps(DIGITS):
        at = [mpf(float(v)) for v in params]
        errors = [mpf(float(v)) for v in errors]
        loglik = Likelihood(model, y, times)
        steps = [STEP * e for e in errors]
        inverse = mpmath.inverse(-loglik.hessian(at, steps))
        for _ in range(MOST_STEPS):
            move = inverse * mpmath.matrix(loglik.gradient(at, steps))
            at = [v + m for v, m in zip(at, move, strict=True)]
            loglik.known.clear()
            if max(abs(m) / e for m, e in zip(move, errors, strict=True)) < ARRIVED:
                break
        else:
            raise ArithmeticError("no maximum near the place given")
        information = -loglik.hessian(at, steps)
        mpmath.cholesky(information)  # which fails where it is no maximum
        covariance = mpmath.inverse(information)
        return Maximum(loglik(at), at, [mpmath.sqrt(covariance[j, j]) for j in range(len(at))])


def digits(value, exact):
    """Log relative error, -log10 |value - exact| / |exact|; 16 at most."""
    with mpmath.workdps(DIGITS):
        apart = abs(mpf(float(value)) - exact) / abs(exact)
        return 16.0 if apart < mpf(10) ** -16 else float(-mpmath.log10(apart))


def _moved(params, *moves):
    out = list(params)
    for j, h in moves:
        out[j] = out[j] + h
    return out


def _polynomial(t, coefficients):
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * t + c
    return total
