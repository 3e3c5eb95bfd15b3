"""An independent likelihood: docs/model.md written out with numpy and scipy, one group at a time.

Nothing here comes from the package. Parameters are in the user's time and units and in the order of traj's e(b): for
each group the coefficients of its curve and of its time-varying covariates; zero-inflation coefficients; dropout by
group; sigma, psi or phi; theta by group, the reference group left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import numpy as np
from scipy import stats
from scipy.special import expit, gammaln, log_expit, logsumexp

COUNTS = ("poisson", "zip", "negbin", "zinb", "hurdle", "hurdle_negbin", "zip_tau")


@dataclass(frozen=True)
class Model:
    """What is to be evaluated; ``iorder`` of length 1 is common to all groups.

    ``reference`` counts from 0. ``dropout`` holds an order per group, -1 for a group without; () for no dropout model.
    """

    family: str
    order: tuple[int, ...]
    iorder: tuple[int, ...] = ()
    sigma_by_group: bool = False
    lower: float = -np.inf
    upper: float = np.inf
    dispersion_by_group: bool = False
    n_tcov: int = 0
    n_risk: int = 0
    reference: int = 0
    dropout: tuple[int, ...] = ()
    n_dcov: int = 0

    @property
    def n_groups(self) -> int:
        return len(self.order)

    @property
    def n_scales(self) -> int:
        by_group = {
            "normal": self.sigma_by_group, "cnorm": self.sigma_by_group, "negbin": self.dispersion_by_group,
            "zinb": self.dispersion_by_group, "hurdle_negbin": self.dispersion_by_group, "beta": True, "gamma": True,
            "lognormal": self.sigma_by_group, "zip_tau": False,
        }
        if self.family not in by_group:
            return 0
        return self.n_groups if by_group[self.family] else 1

    @property
    def size(self) -> int:
        curves = sum(o + 1 + self.n_tcov for o in self.order if o >= 0)
        leaving = sum(o + 1 + self.n_dcov for o in self.dropout if o >= 0)
        theta = (self.n_groups - 1) * (1 + self.n_risk)
        return curves + sum(o + 1 for o in self.iorder) + leaving + self.n_scales + theta


@dataclass(frozen=True)
class Beside:
    """What is known besides subject, time and y; None where the model has no such part.

    w (n, q) and exposure (n,), for the binomial the trials, are of the observations, z (N, r) and weights (N,) of the
    subjects in order of their first appearance. For dropout: history (N, T) holds the outcome at every wave, NaN where
    it was not seen, v (N, T, c) the dropout covariates, and ``at_random`` (N,) marks those whose missing waves say
    nothing.
    """

    w: np.ndarray | None = None
    exposure: np.ndarray | None = None
    z: np.ndarray | None = None
    weights: np.ndarray | None = None
    history: np.ndarray | None = None
    v: np.ndarray | None = None
    at_random: np.ndarray | None = None


NOTHING = Beside()


@dataclass(frozen=True)
class Parameters:
    """One entry per group: coefficients (None: the group has no such part), the scale parameter, theta (K, 1 + r)."""

    mean: list
    tcov: list
    zero: list
    dropout: list
    scale: list
    theta: np.ndarray


def read(model, params):
    """Flat parameters -> :class:`Parameters`."""
    values = list(np.asarray(params, dtype=float))
    assert len(values) == model.size, (len(values), model.size)

    def take(n):
        head = np.array(values[:n])
        del values[:n]
        return head

    k = model.n_groups
    curves = [(take(o + 1), take(model.n_tcov)) if o >= 0 else (None, None) for o in model.order]
    zero = [take(o + 1) if o >= 0 else None for o in model.iorder]
    if len(zero) == 1:
        zero = zero * k
    zero = zero or [None] * k
    zero = [None if mean is None else z for (mean, _), z in zip(curves, zero, strict=True)]
    leaving = [take(o + 1 + model.n_dcov) if o >= 0 else None for o in model.dropout] or [None] * k
    scale = {0: lambda: [None] * k, 1: lambda: [take(1)[0]] * k}.get(model.n_scales, lambda: list(take(k)))()
    theta = np.zeros((k, 1 + model.n_risk))
    for g in range(k):
        if g != model.reference:
            theta[g] = take(1 + model.n_risk)
    return Parameters([c[0] for c in curves], [c[1] for c in curves], zero, leaving, scale, theta)


def unpack(model, params):
    """Of a model without covariates: per group mean and zero coefficients and scale parameter; log shares."""
    p = read(model, params)
    return p.mean, p.zero, p.scale, p.theta[:, 0] - logsumexp(p.theta[:, 0])


def log_density(family, y, eta, *, sigma=None, psi=None, phi=None, zeta=None, tau=None, lower=-np.inf,
                upper=np.inf, trials=None):
    """Log density of each y given its linear predictor; ``zeta`` None: no zero inflation; eta None: rate zero."""
    if family == "normal":
        return stats.norm.logpdf(y, eta, sigma)
    if family == "cnorm":
        out = stats.norm.logpdf(y, eta, sigma)
        out = np.where(y <= lower, stats.norm.logcdf(lower, eta, sigma), out)
        return np.where(y >= upper, stats.norm.logsf(upper, eta, sigma), out)
    if family == "logit":
        return np.where(y == 1, log_expit(eta), log_expit(-eta))
    if family == "binomial":
        return stats.binom.logpmf(y, 1 if trials is None else trials, expit(eta))
    if family == "gamma":
        return stats.gamma.logpdf(y, phi, scale=np.exp(eta) / phi)
    if family == "lognormal":
        return stats.lognorm.logpdf(y, sigma, scale=np.exp(eta))
    if family == "beta":
        return stats.beta.logpdf(y, phi * expit(eta), phi * expit(-eta))
    if eta is None:
        count = np.where(y == 0, 0.0, -np.inf)
    elif family in ("negbin", "zinb", "hurdle_negbin"):
        # stats.nbinom is told p = 1 / (1 + psi mu), which loses the digits of a small mu
        r, odds = 1 / psi, psi * np.exp(eta)
        count = gammaln(y + r) - gammaln(r) - gammaln(y + 1) + y * np.log(odds) - (y + r) * np.log1p(odds)
    else:
        count = stats.poisson.logpmf(y, np.exp(eta))
    if family == "zip_tau" and eta is not None:
        zeta = -tau * eta
    if family in ("hurdle", "hurdle_negbin"):
        zeta = -np.inf if zeta is None else zeta
        none = np.exp(-np.exp(eta)) if psi is None else (1 + psi * np.exp(eta)) ** (-1 / psi)
        return np.where(y == 0, log_expit(zeta), log_expit(-zeta) + count - np.log(1 - none))
    if zeta is None:
        return count
    return np.where(y == 0, np.logaddexp(log_expit(zeta), log_expit(-zeta) + count), log_expit(-zeta) + count)


def polynomial(t, coefficients):
    return sum(c * t**j for j, c in enumerate(coefficients))


def linear_predictor(p, k, time, beside=NOTHING, family=None):
    """eta (n,) of group k, log exposure added; None for a group that never happens."""
    if p.mean[k] is None:
        return None
    eta = polynomial(time, p.mean[k]) + 0.0 * time
    if beside.w is not None:
        eta = eta + beside.w @ p.tcov[k]
    if beside.exposure is not None and family != "binomial":
        eta = eta + np.log(beside.exposure)
    return eta


def log_shares(model, params, n_subjects, z=None):
    """log pi_k(z_i), (N, K)."""
    theta = read(model, params).theta
    columns = np.ones((n_subjects, 1)) if z is None else np.hstack([np.ones((n_subjects, 1)), z])
    logits = columns @ theta.T
    return logits - logsumexp(logits, axis=1, keepdims=True)


def log_dropout(coefficients, order, y, v):
    """What one subject's waves y (T,) and dropout covariates v (T, c) say of its dropout, in one group.

    First seen at wave f, last at wave l: it stayed at f+1 .. l, those missed in between included, and left at l+1 if
    there is such a wave. A wave counts only where its lags and the covariates one wave earlier are known.
    """
    waves = len(y)
    seen = [t for t in range(waves) if not isnan(y[t])]
    total = 0.0
    for t in range(seen[0] + 1, min(seen[-1] + 1, waves - 1) + 1):
        lags = [y[t - 1], y[t - 2] if t >= 2 else np.nan][:order]
        needed = [1.0, *lags, *v[t - 1]]
        if any(isnan(x) for x in needed):
            continue
        eta = sum(c * x for c, x in zip(coefficients, needed, strict=True))
        leaves = t == seen[-1] + 1
        total -= np.logaddexp(0.0, -eta if leaves else eta)  # log of h = 1 / (1 + exp(-eta)), or of 1 - h
    return total


def joint(model, params, subject, time, y, beside=NOTHING):
    """log pi_k(z_i) + sum_t log f_k(y_it) + dropout, for each subject and group (N, K)."""
    p = read(model, params)
    subjects = list(dict.fromkeys(np.asarray(subject).tolist()))
    where = {who: i for i, who in enumerate(subjects)}
    rows = [where[who] for who in np.asarray(subject).tolist()]
    out = log_shares(model, params, len(subjects), beside.z)
    name = {"negbin": "psi", "zinb": "psi", "hurdle_negbin": "psi", "beta": "phi", "gamma": "phi",
            "zip_tau": "tau"}.get(model.family, "sigma")
    for k in range(model.n_groups):
        eta = linear_predictor(p, k, time, beside, model.family)
        zeta = None if p.zero[k] is None else polynomial(time, p.zero[k])
        lf = log_density(
            model.family, y, eta, zeta=zeta, lower=model.lower, upper=model.upper, **{name: p.scale[k]},
            **({"trials": beside.exposure} if model.family == "binomial" else {})
        )
        out[:, k] += np.bincount(rows, lf, minlength=len(subjects))
        if p.dropout[k] is None:
            continue
        for i, waves in enumerate(beside.history):
            if beside.at_random is None or not beside.at_random[i]:
                v = np.zeros((len(waves), 0)) if beside.v is None else beside.v[i]
                out[i, k] += log_dropout(p.dropout[k], model.dropout[k], waves, v)
    return out


def subject_loglik(model, params, subject, time, y, beside=NOTHING):
    """(N,), without the weights."""
    return logsumexp(joint(model, params, subject, time, y, beside), axis=1)


def loglik(model, params, subject, time, y, beside=NOTHING):
    """The total, with weights of mean 1."""
    own = subject_loglik(model, params, subject, time, y, beside)
    return float(own.sum() if beside.weights is None else own @ (beside.weights / beside.weights.mean()))


def posterior(model, params, subject, time, y, beside=NOTHING):
    """(N, K)"""
    lf = joint(model, params, subject, time, y, beside)
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


def sandwich(scores, information, weights=None, cluster=None, stratum=None):
    """A^-1 B A^-1 by loops, from scores g_i (N, p) without weights.

    B = sum_i s_i^2 g_i g_i' with weights s_i of mean 1. With clusters (numbered anew in each stratum), their sums of
    s_i g_i in place of single subjects', about their mean in the stratum, each stratum's part times n_h / (n_h - 1).
    """
    n = len(scores)
    s = np.ones(n) if weights is None else weights / weights.mean()
    if cluster is None and stratum is None:
        middle = sum(s[i] ** 2 * np.outer(scores[i], scores[i]) for i in range(n))
    else:
        sums: dict = {}
        for i in range(n):
            unit = (0 if stratum is None else stratum[i], i if cluster is None else cluster[i])
            sums[unit] = sums.get(unit, 0.0) + s[i] * scores[i]
        middle = 0.0
        for h in {unit[0] for unit in sums}:
            own = np.array([total for unit, total in sums.items() if unit[0] == h])
            middle = middle + len(own) / (len(own) - 1) * sum(np.outer(u, u) for u in own - own.mean(axis=0))
    bread = np.linalg.inv(information)
    return bread @ middle @ bread


def of_results(res):
    """The oracle's model of a fitted result, read from its specification."""
    stored, groups = res.document["outcomes"][0], res.document["group_sets"][0]
    o, leaving = stored["spec"], stored["dropout"] or {}
    return Model(
        o["family"], tuple(o["orders"]), tuple(o["zero_orders"] or ()), bool(o["sigma_by_group"]),
        -np.inf if o["lower"] is None else o["lower"], np.inf if o["upper"] is None else o["upper"],
        bool(o["dispersion_by_group"]), len((stored["covariates"] or {"names": []})["names"]),
        len(groups["membership"]["names"]) - 1, int(groups["reference"]), tuple(leaving.get("orders") or ()),
        len((leaving.get("covariates") or {"names": []})["names"]),
    )


def data_of(res):
    d = res.document["outcomes"][0]["data"]
    return np.asarray(d["subject"]), np.asarray(d["time"]), np.asarray(d["y"])


def simulate(model, params, n, times, rng, beside=NOTHING):
    """Draw n subjects at ``times`` -> subject, time, y, group; plain loops. After dropout y is NaN."""
    p = read(model, params)
    times = np.asarray(times, dtype=float)
    waves = times.size
    shares = np.exp(log_shares(model, params, n, beside.z))
    group = np.array([rng.choice(model.n_groups, p=row) for row in shares])
    rows = []
    for i in range(n):
        k, here = group[i], slice(i * waves, (i + 1) * waves)
        own = Beside(
            w=None if beside.w is None else beside.w[here],
            exposure=None if beside.exposure is None else beside.exposure[here],
        )
        y = _draw(model, p, k, times, own, rng)
        if p.dropout[k] is not None:
            y = _leave(p.dropout[k], model.dropout[k], y, None if beside.v is None else beside.v[i], rng)
        rows.append(y)
    return np.repeat(np.arange(n), waves), np.tile(times, n), np.concatenate(rows), group


def _draw(model, p, k, times, beside, rng):
    """One subject's outcomes (T,)."""
    eta = linear_predictor(p, k, times, beside, model.family)
    if model.family == "binomial":
        return rng.binomial(beside.exposure.astype(int), expit(eta)).astype(float)
    if model.family in ("normal", "cnorm"):
        return np.clip(rng.normal(eta, p.scale[k]), model.lower, model.upper)
    if model.family == "logit":
        return (rng.random(times.size) < expit(eta)).astype(float)
    if model.family == "gamma":
        return rng.gamma(p.scale[k], np.exp(eta) / p.scale[k])
    if model.family == "lognormal":
        return np.exp(rng.normal(eta, p.scale[k]))
    if model.family == "beta":
        return rng.beta(p.scale[k] * expit(eta), p.scale[k] * expit(-eta))
    if eta is None:
        return np.zeros(times.size)
    if model.family in ("hurdle", "hurdle_negbin"):
        return _draw_hurdle(p.scale[k], eta, polynomial(times, p.zero[k]) + 0 * times, rng)
    rate = np.exp(eta)
    if model.family in ("negbin", "zinb"):
        rate = rate * rng.gamma(1 / p.scale[k], p.scale[k], times.size)
    y = rng.poisson(rate).astype(float)
    if model.family == "zip_tau":
        y = np.where(rng.random(times.size) < expit(-p.scale[k] * eta), 0.0, y)
    if p.zero[k] is not None:
        y = np.where(rng.random(times.size) < expit(polynomial(times, p.zero[k])), 0.0, y)
    return y


def _draw_hurdle(psi, eta, zeta, rng):
    """Counts (T,) drawn again until they are above 0, where they are no zero."""
    out = np.zeros(eta.size)
    for t in np.flatnonzero(rng.random(eta.size) >= expit(zeta)):
        while out[t] == 0:
            out[t] = rng.poisson(np.exp(eta[t]) * (1.0 if psi is None else rng.gamma(1 / psi, psi)))
    return out


def _leave(coefficients, order, y, v, rng):
    """The same outcomes with NaN from the wave on at which the subject drops out."""
    for t in range(1, y.size):
        lags = [y[t - 1], y[t - 2] if t >= 2 else np.nan][:order]
        needed = [1.0, *lags, *([] if v is None else v[t - 1])]
        if not np.isnan(needed).any() and rng.random() < expit(np.dot(coefficients, needed)):
            return np.where(np.arange(y.size) < t, y, np.nan)
    return y
