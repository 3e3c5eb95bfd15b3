"""People with repeated outcomes and a time to an event, and the log densities of such times by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import logsumexp

SCALES, SHAPES, EFFECT = (8.0, 3.0), (1.3, 1.8), 0.6


def people(n=300, seed=1, waves=4):
    """A row for each person and wave: id, t, y, T, d, entry, low, high, sex, z."""
    rng = np.random.default_rng(seed)
    g = (rng.random(n) < 0.4).astype(int)
    sex, z = rng.integers(0, 2, n), rng.normal(size=n)
    scale, shape = np.array(SCALES)[g], np.array(SHAPES)[g]
    time = scale * (-np.log(rng.random(n)) * np.exp(-EFFECT * sex)) ** (1 / shape)
    end = rng.uniform(1, 12, n)
    died = (time <= end).astype(int)
    stop = np.minimum(time, end).round(3) + 0.001
    entry = np.where(rng.random(n) < 0.5, 0.0, 0.4 * stop).round(4)
    low, high = np.floor(stop), np.where(died == 1, np.floor(stop) + 1, np.nan)
    i, t = np.repeat(np.arange(n), waves), np.tile(np.arange(float(waves)), n)
    y = 2.0 * g[i] + 0.3 * t + rng.normal(size=i.size)
    return pd.DataFrame({"id": i, "t": t, "y": y, "T": stop[i], "d": died[i], "entry": entry[i], "low": low[i],
                         "high": high[i], "sex": sex[i], "z": z[i]})


def once(data):
    """A row for each person."""
    return data.drop_duplicates("id").reset_index(drop=True)


def weibull_hazard(scale, shape):
    """H and log h of a Weibull distribution."""
    return lambda t: (t / scale) ** shape, lambda t: np.log(shape / scale) + (shape - 1) * np.log(t / scale)


def piecewise_hazard(rates, cuts):
    """H and log h of rates between cuts, by sums over intervals; an interval has its end and not its start."""
    ends = [0.0, *cuts, np.inf]

    def total(t):
        return sum(r * np.clip(t - a, 0, b - a) for r, a, b in zip(rates, ends[:-1], ends[1:], strict=True))

    def log_h(t):
        return np.log(np.array(rates)[np.searchsorted(cuts, t, side="left")])

    return total, log_h


def log_times(hazard, x, time, status, entry=0.0, upper=None):
    """Log density (N,) of times under one hazard times exp(x)."""
    total, log_h = hazard
    out = -np.exp(x) * (total(time) - total(entry))
    if upper is None:
        return out + status * (log_h(np.where(time > 0, time, 1.0)) + x)
    had = np.isfinite(upper)
    gap = np.where(had, np.exp(x) * (total(np.where(had, upper, 1.0)) - total(time)), 1.0)
    return out + np.where(had, np.log(1 - np.exp(-gap)), 0.0)


def log_normal_curve(data, coefficients, sigma):
    """Log density (N,) of each person's outcomes about a line."""
    r = (data["y"] - coefficients[0] - coefficients[1] * data["t"]) / sigma
    each = -0.5 * r**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    return each.groupby(data["id"]).sum().to_numpy()


def mixture(log_shares, parts):
    """Log-likelihood of groups whose log densities are ``parts``, a list of (N,)."""
    return float(logsumexp(np.stack([s + p for s, p in zip(log_shares, parts, strict=True)]), axis=0).sum())
