"""The formulas written out in numpy and scipy, in the parameters as reported. Nothing here comes from the package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import stats
from scipy.interpolate import BSpline
from scipy.special import expit, logit

from stored import Stored

COUNTS = ("poisson", "zip", "negbin", "zinb")


# -- the mean of a group, with its derivative in the parameters (p,) ---------------------------------------------------


def time_columns(fit: Stored, t: np.ndarray) -> np.ndarray:
    """(C, q) powers of time, or the cubic B-spline of four columns beside a constant over the fit's times."""
    if not fit.columns[-1].startswith("bs("):
        return np.vander(t, len(fit.columns), increasing=True)
    inner, ends = np.median(fit.time), (fit.time.min(), fit.time.max())
    knots = np.r_[[ends[0]] * 4, inner, [ends[1]] * 4]
    splines = BSpline.design_matrix(t, knots, 3).toarray()
    return np.column_stack([np.ones(t.size), splines[:, 1:]])


def predictor(fit: Stored, k: int, names: Sequence[str], columns: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Linear predictor (C,) of group k and its derivative (C, p); None for a group that has none of the parameters."""
    slope, found = np.zeros((len(columns), fit.b.size)), False
    for j, name in enumerate(names):
        for full in (f"{name}[{k}]", name):
            if full in fit.names:
                slope[:, fit.names.index(full)], found = columns[:, j], True
    with np.errstate(invalid="ignore"):
        return (slope @ fit.b, slope) if found else None


def scale(fit: Stored, k: int, stem: str) -> tuple[float, np.ndarray]:
    """A positive parameter of group k, or common to all, as reported, and its derivative (p,); 0 where it has none."""
    slope = np.zeros(fit.b.size)
    for full in (f"{stem}[{k}]", stem):
        if full in fit.names:
            slope[fit.names.index(full)] = 1.0
    return float(slope @ fit.b), slope


def mean_predictor(
    fit: Stored, k: int, t: np.ndarray, w: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """The linear predictor (C,) of the mean, and its derivative (C, p)."""
    columns = time_columns(fit, t)
    if fit.covariates:
        columns = np.hstack([columns, np.broadcast_to(fit.profile if w is None else w, (t.size, len(fit.covariates)))])
    return predictor(fit, k, [*fit.columns, *fit.covariates], columns)


def expected(fit: Stored, k: int, t: np.ndarray, w: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """E(y) (C,) of group k at times t (C,) and covariates w (C, q), exposure 1, and its derivative (C, p)."""
    found = mean_predictor(fit, k, t, w)
    if found is None:
        return np.zeros(t.size), np.zeros((t.size, fit.b.size))
    eta, slope = found
    if fit.family == "normal":
        return eta, slope
    if fit.family == "cnorm":
        return censored(fit, k, t, eta, slope)
    if fit.family not in COUNTS:
        mean = expit(eta)
        return mean, (mean * expit(-eta))[:, None] * slope
    mean, slope = np.exp(eta), np.exp(eta)[:, None] * slope
    powers = [n.replace("zero_", "") for n in zero_names(fit)]
    zero = predictor(fit, k, zero_names(fit), np.vander(t, len(powers), increasing=True)) if powers else None
    if zero is not None:
        p = expit(zero[0])
        mean, slope = (1 - p) * mean, (1 - p)[:, None] * slope - (p * (1 - p) * mean)[:, None] * zero[1]
    return mean, slope


def zero_names(fit: Stored) -> list[str]:
    """zero_intercept, zero_t, ..: those that some group has, in the order of the powers."""
    return list(dict.fromkeys(n.split("[")[0] for n in fit.names if n.startswith("zero_")))


def censored(
    fit: Stored, k: int, t: np.ndarray, eta: np.ndarray, slope: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mean of min(max(y*, L), U), y* normal with the variance of errors and random effects together."""
    (sigma, d_sigma), (r0, d_r0), (r1, d_r1) = (scale(fit, k, s) for s in ("sigma", "r0_sigma", "r1_sigma"))
    s = np.sqrt(sigma**2 + r0**2 + (r1 * t) ** 2)
    d_s = (sigma * d_sigma + r0 * d_r0 + (r1 * t**2)[:, None] * d_r1) / s[:, None]
    low, high = fit.bounds
    a, b = (low - eta) / s, (high - eta) / s
    inside, edge = stats.norm.cdf(b) - stats.norm.cdf(a), stats.norm.pdf(a) - stats.norm.pdf(b)
    mean = eta * inside + s * edge
    mean = mean + (low * stats.norm.cdf(a) if np.isfinite(low) else 0) + (high * stats.norm.sf(b) if np.isfinite(high)
                                                                          else 0)
    return mean, inside[:, None] * slope + edge[:, None] * d_s


def outcome_range(fit: Stored) -> tuple[float, float]:
    """Smallest and largest possible mean."""
    if fit.family in ("logit", "beta"):
        return 0.0, 1.0
    return (0.0, np.inf) if fit.family in COUNTS else fit.bounds if fit.family == "cnorm" else (-np.inf, np.inf)


def curve(fit: Stored, t: np.ndarray, level: float, w: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Estimates and bands of all groups, one after another; se is NaN where the data do not determine it."""
    estimate, se = [], []
    for k in range(1, fit.n_groups + 1):
        mean, slope = expected(fit, k, t, w)
        estimate.append(mean)
        se.append(standard_error(fit, k, t, slope))
    e, s = np.concatenate(estimate), np.concatenate(se)
    half = stats.norm.isf((1 - level) / 2) * s
    if fit.family in ("logit", "beta"):  # formed for eta = logit E(y), of which the mean's derivative is slope
        found = [mean_predictor(fit, k, t, w) for k in range(1, fit.n_groups + 1)]
        eta = np.concatenate([eta for eta, _ in found])
        half = half / (expit(eta) * expit(-eta))
        return {"estimate": e, "se": s, "lower": expit(eta - half), "upper": expit(eta + half)}
    return {"estimate": e, "se": s, "lower": np.clip(e - half, *outcome_range(fit)),
            "upper": np.clip(e + half, *outcome_range(fit))}


def standard_error(fit: Stored, k: int, t: np.ndarray, slope: np.ndarray) -> np.ndarray:
    used = (slope != 0).any(axis=0)
    if np.isfinite(np.diag(fit.cov)[used]).all():
        return np.sqrt(np.einsum("cp,pq,cq->c", slope[:, used], fit.cov[np.ix_(used, used)], slope[:, used]))
    return undetermined_error(fit, k, t)


def undetermined_error(fit: Stored, k: int, t: np.ndarray) -> np.ndarray:
    """Of a logit curve some of whose coefficients the data do not determine, in the engine's own coefficients.

    The covariance there is that of the directions the data determine; NaN where the mean changes by more than 1e-4 per
    unit along one that they do not.
    """
    basis, position = fit.outcome["bases"]["mean"], np.asarray(fit.outcome["positions"]["mean"]).astype(int)[k - 1]
    columns = np.vander((t - basis["centre"]) / basis["scale"], len(basis["names"]), increasing=True) @ basis["mix"]
    cov, blind = (np.asarray(fit.internal[name]) for name in ("cov", "undetermined"))
    eta = predictor(fit, k, fit.columns, time_columns(fit, t))[0]
    slope = np.zeros((t.size, len(cov)))
    slope[:, position[position >= 0]] = (expit(eta) * expit(-eta))[:, None] * columns[:, position >= 0]
    variance = np.einsum("cp,pq,cq->c", slope, cov, slope)
    return np.sqrt(np.where(np.linalg.norm(slope @ blind, axis=1) > 1e-4, np.nan, variance))


def fitted(fit: Stored) -> np.ndarray:
    """(n,) sum over k of P_ik E_k(y_it), times the exposure."""
    means = np.column_stack([expected(fit, k + 1, fit.time, fit.w)[0] for k in range(fit.n_groups)])
    exposure = 1.0 if fit.exposure is None else fit.exposure
    return (means * fit.posterior[fit.subject]).sum(axis=1) * exposure


# -- functions of the parameters ---------------------------------------------------------------------------------------

Function = Callable[[Callable[[str], Any]], Any]


def differentiated(fit: Stored, functions: Sequence[Function]) -> tuple[np.ndarray, np.ndarray]:
    """Values (r,) and derivative (r, p), by the complex step, which has no rounding of differences."""
    p, step = fit.b.size, 1e-30

    def at(values: np.ndarray) -> np.ndarray:
        return np.array([g(lambda name: values[fit.names.index(name)]) for g in functions], dtype=complex)

    moved = [at(fit.b + 1j * step * np.eye(p)[j]).imag / step for j in range(p)]
    return at(fit.b.astype(complex)).real, np.column_stack(moved)


def variance_of(fit: Stored, jacobian: np.ndarray) -> np.ndarray:
    used = (jacobian != 0).any(axis=0)
    assert np.isfinite(np.diag(fit.cov)[used]).all(), "a parameter without a standard error"
    return jacobian[:, used] @ fit.cov[np.ix_(used, used)] @ jacobian[:, used].T


def delta(fit: Stored, functions: Sequence[Function], level: float) -> dict[str, np.ndarray]:
    value, jacobian = differentiated(fit, functions)
    se = np.sqrt(np.diag(variance_of(fit, jacobian)))
    z = stats.norm.isf((1 - level) / 2)
    return {"estimate": value, "se": se, "lower": value - z * se, "upper": value + z * se}


def wald(fit: Stored, functions: Sequence[Function], df: float | None = None) -> dict[str, Any]:
    """Of the hypotheses that the functions are 0: chi-square, or F with ``df`` denominator degrees of freedom."""
    value, jacobian = differentiated(fit, functions)
    w, m = value @ np.linalg.solve(variance_of(fit, jacobian), value), value.size
    if df is None:
        return {"statistic": w, "df": m, "p": stats.chi2.sf(w, m)}
    return {"statistic": w / m, "df": m, "p": stats.f.sf(w / m, m, df)}


def log_odds_of_counts(members: int, others: int) -> tuple[float, float]:
    """Estimate and standard error where everybody's group is plain and the odds have a parameter of their own."""
    return float(np.log(members / others)), float(np.sqrt(1 / members + 1 / others))


# -- classification and criteria ---------------------------------------------------------------------------------------


def entropy(fit: Stored) -> float:
    p = fit.posterior
    if fit.n_groups == 1:
        return np.nan
    return 1 + float(np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum()) / (len(p) * np.log(p.shape[1]))


def criteria(fit: Stored) -> dict[str, float]:
    k, ll, p = fit.b.size, fit.loglik, fit.posterior
    s = np.ones(len(p)) if fit.weight is None else fit.weight
    doubt = -2 * float((s[:, None] * np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)).sum())
    found = {"loglik": ll, "parameters": k, "aic": -2 * ll + 2 * k, "traj_aic": ll - k, "entropy": entropy(fit)}
    for label, n in (("subjects", fit.n_subjects), ("observations", fit.nobs)):
        found |= {
            f"bic_{label}": -2 * ll + k * np.log(n), f"sabic_{label}": -2 * ll + k * np.log((n + 2) / 24),
            f"caic_{label}": -2 * ll + k * (np.log(n) + 1), f"icl_{label}": -2 * ll + k * np.log(n) + doubt,
            f"traj_bic_{label}": ll - k / 2 * np.log(n),
        }
    return found


def assigned(fit: Stored) -> np.ndarray:
    return fit.posterior.argmax(axis=1)


def group_shares(fit: Stored) -> dict[str, np.ndarray]:
    se = np.sqrt(np.diag(fit.cov_shares)) if fit.n_groups > 1 else np.array([np.nan])
    z = stats.norm.isf(0.025)
    return {
        "share": fit.shares, "se": se, "lower": np.maximum(fit.shares - z * se, 0),
        "upper": np.minimum(fit.shares + z * se, 1),
        "assigned": np.bincount(assigned(fit), minlength=fit.n_groups) / fit.n_subjects,
    }


def adequacy(fit: Stored) -> dict[str, np.ndarray]:
    """Nagin (2005), section 5.6; with sampling weights all but n_assigned are weighted."""
    s = np.full(fit.n_subjects, 1 / fit.n_subjects) if fit.weight is None else fit.weight / fit.weight.sum()
    share, one = fit.shares, fit.n_groups == 1
    se = group_shares(fit)["se"]
    rows = []
    for k in range(fit.n_groups):
        mine = assigned(fit) == k
        avepp = np.average(fit.posterior[mine, k], weights=s[mine])
        gap = mine - fit.posterior[:, k]
        half = stats.norm.isf(0.025) * se[k] / (share[k] * (1 - share[k])) if not one else np.nan
        centre = logit(share[k]) if not one else np.nan
        rows.append({
            "share": share[k], "share_lower": expit(centre - half), "share_upper": expit(centre + half),
            "n_assigned": mine.sum(), "assigned": s[mine].sum(), "avepp": avepp,
            "occ": np.nan if one else avepp / (1 - avepp) / (share[k] / (1 - share[k])),
            "mismatch": s[mine].sum() - share[k],
            "mismatch_se": np.nan if one else np.sqrt((s**2 * (gap - s @ gap) ** 2).sum()),
        })
    return {name: np.array([r[name] for r in rows]) for name in rows[0]}


def odds_ratios(fit: Stored, level: float) -> dict[str, Any]:
    at = [i for i, n in enumerate(fit.names) if n.startswith("theta")]
    theta, se = fit.b[at], np.sqrt(np.diag(fit.cov)[at])
    z = stats.norm.isf((1 - level) / 2)
    return {"theta": theta, "estimate": np.exp(theta), "se": np.exp(theta) * se, "lower": np.exp(theta - z * se),
            "upper": np.exp(theta + z * se), "z": theta / se, "p": 2 * stats.norm.sf(abs(theta / se)),
            "reference": fit.reference}


def observed_means(fit: Stored) -> dict[str, np.ndarray]:
    """By group, and wave within: mean time of the wave, mean of y weighted by the posterior, the sum of the weights."""
    found: dict[str, list[float]] = {"time": [], "mean": [], "weight": []}
    for k in range(fit.n_groups):
        for wave in np.unique(fit.wave):
            here = fit.wave == wave
            weight = fit.posterior[fit.subject[here], k]
            found["time"].append(fit.time[here].mean())
            found["mean"].append((weight * fit.y[here]).sum() / weight.sum())
            found["weight"].append(weight.sum())
    return {name: np.array(values) for name, values in found.items()}


def drawn_means(fit: Stored) -> dict[str, np.ndarray]:
    """What a figure shows of the means: more than 60 waves are gathered into 20 bins [a, b) of equal width over all
    times, the last one closed; then time is the mean of all of a bin's times. Half a subject's weight is too little."""
    wave = fit.wave
    if np.unique(wave).size > 60:
        width = (fit.time.max() - fit.time.min()) / 20
        wave = np.minimum(((fit.time - fit.time.min()) / width + 1e-9).astype(int), 19)
    found = observed_means(replace(fit, wave=wave))
    shown = found["weight"] > 0.5
    waves = np.unique(wave).size
    group = np.repeat(np.arange(1, fit.n_groups + 1), waves)
    return {name: values[shown] for name, values in {"group": group, **found}.items()}


def drawn_lines(fit: Stored, most: int) -> dict[str, np.ndarray]:
    """The values of the subjects' lines in a figure by group, by group, subject and time: every n / most-th of those
    assigned, and 0/1 outcomes and counts moved by up to 0.04 and 0.2, by the golden section."""
    found: dict[str, list[float]] = {"subject": [], "y": []}
    move = 0.04 if fit.family == "logit" else 0.2 if fit.family in COUNTS else 0.0
    for k in range(fit.n_groups):
        mine = np.flatnonzero(assigned(fit) == k)
        for i in mine if mine.size <= most else mine[[j * mine.size // most for j in range(most)]]:
            own = np.flatnonzero(fit.subject == i)
            own = own[np.argsort(fit.time[own])]
            found["subject"] += [i + 1] * own.size
            found["y"] += list(fit.y[own] + move * (2 * ((i + 1) * 0.6180339887 % 1) - 1))
    return {name: np.array(values) for name, values in found.items()}


def posterior(fit: Stored, subject: Sequence[int], t: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, K) of people seen at t with outcomes y; NaN is not seen. Families whose density is scipy's."""
    n = max(subject) + 1
    log_f = np.tile(np.log(fit.shares), (n, 1))
    for k in range(1, fit.n_groups + 1):
        for i, time, value in zip(subject, t, y, strict=True):
            if np.isfinite(value):
                log_f[i, k - 1] += log_density(fit, k, time, value)
    p = np.exp(log_f - log_f.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def log_density(fit: Stored, k: int, t: float, y: float) -> float:
    found = predictor(fit, k, fit.columns, time_columns(fit, np.array([t])))
    if found is None:
        return 0.0 if y == 0 else -np.inf
    eta, sigma = float(found[0][0]), scale(fit, k, "sigma")[0]
    if fit.family == "logit":
        return -float(np.logaddexp(0, -eta if y else eta))
    if fit.family == "normal":
        return float(stats.norm.logpdf(y, eta, sigma))
    if fit.family == "cnorm":
        if y <= fit.bounds[0]:
            return float(stats.norm.logcdf(fit.bounds[0], eta, sigma))
        return float(stats.norm.logsf(y, eta, sigma) if y >= fit.bounds[1] else stats.norm.logpdf(y, eta, sigma))
    zero = predictor(fit, k, zero_names(fit), np.vander([t], len(zero_names(fit)), increasing=True))
    p = 0.0 if zero is None else float(expit(zero[0][0]))
    return float(np.log(p * (y == 0) + (1 - p) * stats.poisson.pmf(y, np.exp(eta))))
