"""An independent likelihood: docs/model.md written out with numpy and scipy, one group at a time.

Nothing here comes from the package. Parameters are in the user's time and units and in the order of traj's e(b): mean
coefficients by group, zero-inflation coefficients, sigma, theta.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import log_expit, logsumexp


@dataclass(frozen=True)
class Model:
    """What is to be evaluated; ``iorder`` of length 1 is common to all groups."""

    family: str
    order: tuple[int, ...]
    iorder: tuple[int, ...] = ()
    sigma_by_group: bool = False
    lower: float = -np.inf
    upper: float = np.inf

    @property
    def n_groups(self) -> int:
        return len(self.order)

    @property
    def size(self) -> int:
        n = sum(o + 1 for o in self.order) + sum(o + 1 for o in self.iorder) + self.n_groups - 1
        return n + (self.n_groups if self.sigma_by_group else 1) * (self.family in ("normal", "cnorm"))


def log_density(family, y, eta, *, sigma=None, zeta=None, lower=-np.inf, upper=np.inf):
    """Log density of each y given its linear predictor; ``zeta`` None: no zero inflation; eta None: rate zero."""
    if family == "normal":
        return stats.norm.logpdf(y, eta, sigma)
    if family == "cnorm":
        out = stats.norm.logpdf(y, eta, sigma)
        out = np.where(y <= lower, stats.norm.logcdf(lower, eta, sigma), out)
        return np.where(y >= upper, stats.norm.logsf(upper, eta, sigma), out)
    if family == "logit":
        return np.where(y == 1, log_expit(eta), log_expit(-eta))
    if eta is None:
        count = np.where(y == 0, 0.0, -np.inf)
    else:
        count = stats.poisson.logpmf(y, np.exp(eta))
    if zeta is None:
        return count
    return np.where(y == 0, np.logaddexp(log_expit(zeta), log_expit(-zeta) + count), log_expit(-zeta) + count)


def unpack(model, params):
    """Flat parameters -> per group (mean coefficients, zero coefficients or None, sigma or None), log shares."""
    values = list(np.asarray(params, dtype=float))
    assert len(values) == model.size, (len(values), model.size)

    def take(n):
        head = np.array(values[:n])
        del values[:n]
        return head

    k = model.n_groups
    mean = [take(o + 1) if o >= 0 else None for o in model.order]
    zero = [take(o + 1) if o >= 0 else None for o in model.iorder]
    if len(zero) == 1 and k > 1:
        zero = zero * k
    if not zero:
        zero = [None] * k
    zero = [None if m is None else z for m, z in zip(mean, zero, strict=True)]
    sigma = [None] * k
    if model.family in ("normal", "cnorm"):
        sigma = list(take(k)) if model.sigma_by_group else [take(1)[0]] * k
    theta = np.concatenate([[0.0], take(k - 1)])
    return mean, zero, sigma, theta - logsumexp(theta)


def polynomial(t, coefficients):
    return sum(c * t**j for j, c in enumerate(coefficients))


def joint(model, params, subject, time, y):
    """log pi_k + sum_t log f_k(y_it) for each subject and group (N, K)."""
    mean, zero, sigma, log_pi = unpack(model, params)
    subjects = list(dict.fromkeys(np.asarray(subject).tolist()))
    where = {who: i for i, who in enumerate(subjects)}
    out = np.tile(log_pi, (len(subjects), 1))
    for k in range(model.n_groups):
        eta = None if mean[k] is None else polynomial(time, mean[k])
        zeta = None if zero[k] is None else polynomial(time, zero[k])
        lf = log_density(model.family, y, eta, sigma=sigma[k], zeta=zeta, lower=model.lower, upper=model.upper)
        for who, value in zip(np.asarray(subject).tolist(), lf, strict=True):
            out[where[who], k] += value
    return out


def subject_loglik(model, params, subject, time, y):
    """(N,)"""
    return logsumexp(joint(model, params, subject, time, y), axis=1)


def loglik(model, params, subject, time, y):
    return float(subject_loglik(model, params, subject, time, y).sum())


def posterior(model, params, subject, time, y):
    """(N, K)"""
    lf = joint(model, params, subject, time, y)
    return np.exp(lf - logsumexp(lf, axis=1, keepdims=True))


def fd_gradient(f, x, step=1e-3):
    """Central differences, 6th order; ``f`` may return a scalar or an array (derivative axis last)."""
    x = np.asarray(x, dtype=float)
    out = []
    for j in range(x.size):
        h = step * max(1.0, abs(x[j]))
        e = np.zeros(x.size)
        e[j] = h
        d = [(np.asarray(f(x + m * e)) - np.asarray(f(x - m * e))) for m in (1, 2, 3)]
        out.append((45 * d[0] - 9 * d[1] + d[2]) / (60 * h))
    return np.stack(out, axis=-1)


def fd_hessian(f, x, step=4e-3):
    """Second differences of a scalar function, Richardson-extrapolated to 4th order."""
    x = np.asarray(x, dtype=float)

    def plain(h):
        p = x.size
        out = np.empty((p, p))
        e = np.eye(p) * h * np.maximum(1.0, np.abs(x))
        for i in range(p):
            for j in range(i + 1):
                four = f(x + e[i] + e[j]) - f(x + e[i] - e[j]) - f(x - e[i] + e[j]) + f(x - e[i] - e[j])
                out[i, j] = out[j, i] = four / (4 * e[i, i] * e[j, j])
        return out

    return (4 * plain(step / 2) - plain(step)) / 3


def of_results(res):
    """The oracle's model of a fitted result, read from its specification."""
    o = res.document["spec"]["outcomes"][0]
    return Model(
        o["family"], tuple(o["orders"]), tuple(o["zero_orders"] or ()), bool(o["sigma_by_group"]),
        -np.inf if o["lower"] is None else o["lower"], np.inf if o["upper"] is None else o["upper"],
    )


def data_of(res):
    d = res.document["data"]
    return np.asarray(d["subject"]), np.asarray(d["time"]), np.asarray(d["y"])


def simulate(model, params, n, times, rng):
    """Draw n subjects at ``times`` -> subject, time, y, group; plain loops."""
    mean, zero, sigma, log_pi = unpack(model, params)
    times = np.asarray(times, dtype=float)
    group = rng.choice(model.n_groups, size=n, p=np.exp(log_pi))
    rows = []
    for i in range(n):
        k = group[i]
        eta = None if mean[k] is None else polynomial(times, mean[k]) + 0 * times
        if model.family in ("normal", "cnorm"):
            v = np.clip(rng.normal(eta, sigma[k]), model.lower, model.upper)
        elif model.family == "logit":
            v = (rng.random(times.size) < 1 / (1 + np.exp(-eta))).astype(float)
        else:
            v = np.zeros(times.size) if eta is None else rng.poisson(np.exp(eta)).astype(float)
            if zero[k] is not None:
                v = np.where(rng.random(times.size) < 1 / (1 + np.exp(-polynomial(times, zero[k]))), 0.0, v)
        rows.append(v)
    return np.repeat(np.arange(n), times.size), np.tile(times, n), np.concatenate(rows), group
