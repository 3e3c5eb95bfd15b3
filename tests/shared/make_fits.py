"""Write tests/shared/fits/*.json: small fits, made by the engine, that the tests of both languages read.

    python tests/shared/make_fits.py        (with tests/shared/make_cases.py: `make cases`)

Between them they have every family, membership and time-varying covariates, weights, exposure, a basis of time, missing
values, random effects, AR(1) errors, dropout, groups of rate zero and without zero inflation, one group only, and
parameters that the data do not determine. Times are small and groups overlap, so that what is worked out from the
documents in make_cases.py has its digits.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gbtm

FITS = Path(__file__).parent / "fits"
N, TIMES = 36, np.arange(4.0)


def long(rng: np.random.Generator, times: np.ndarray = TIMES, n: int = N) -> tuple[pd.DataFrame, np.ndarray]:
    """People by times, and the group (0, 1, ..) that each row's person was drawn from: every third in the second."""
    table = pd.DataFrame({"id": np.repeat(np.arange(1, n + 1), times.size), "t": np.tile(times, n)})
    return table, (table["id"].to_numpy() % 3 == 0).astype(int)


def fitted(formula: str, data: pd.DataFrame, **model: Any) -> gbtm.GBTMResults:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.GBTM.from_formula(formula, data, id="id", **model).fit(rng=0, n_starts=6, progress=False)


def normal() -> gbtm.GBTMResults:
    """Membership and time-varying covariates, sampling weights; a name that begins like another's."""
    rng = np.random.default_rng(1)
    d, g = long(rng)
    d["x"], d["x2"] = rng.normal(size=len(d)), rng.integers(0, 2, len(d))
    d["male"] = np.repeat((np.arange(N) % 2).astype(float), TIMES.size)
    d["w"] = np.repeat(rng.uniform(0.5, 2, N), TIMES.size)
    d["y"] = np.where(g, 2.5 - 0.5 * d.t + 0.2 * d.t**2, 1 + 0.3 * d.t) + 0.4 * d.x - 0.3 * d.x2
    d["y"] += rng.normal(0, 0.9, len(d))
    return fitted("y ~ t", d, groups=2, order=[1, 2], tcov=["x", "x2"], risk="male", weights="w")


def normal_sigma() -> gbtm.GBTMResults:
    """Three groups of other orders, a sigma each, times of people's own, missing values."""
    rng = np.random.default_rng(2)
    d, _ = long(rng, n=48)
    k = d["id"].to_numpy() % 3
    d["t"] += rng.integers(-1, 2, len(d)) / 4
    d["y"] = np.choose(k, [1.0 + 0 * d.t, 2.5 + 0.6 * d.t, 5 - 0.3 * d.t + 0.2 * d.t**2])
    d["y"] += rng.normal(0, np.choose(k, [1.0, 0.8, 1.3]))
    d.loc[rng.uniform(size=len(d)) < 0.15, "y"] = np.nan
    return fitted("y ~ t", d, groups=3, order=[0, 1, 2], sigma_by_group=True)


def normal_basis() -> gbtm.GBTMResults:
    """A basis of time: a cubic B-spline, known at the observed times."""
    rng = np.random.default_rng(3)
    d, g = long(rng, np.arange(7.0), 24)
    d["y"] = np.where(g, 1 + np.sin(d.t), 3 - 0.2 * d.t) + rng.normal(0, 0.9, len(d))
    return fitted("y ~ bs(t, df=4)", d, groups=2)


def normal_times() -> gbtm.GBTMResults:
    """Hardly two people seen at one time: observed means are drawn by bins of time, one of them empty."""
    rng = np.random.default_rng(16)
    d, g = long(rng)
    d["t"] += rng.integers(0, 64, len(d)) / 64
    d.loc[(d.t > 1.6) & (d.t < 2), "t"] -= 0.5
    d["y"] = np.where(g, 3.0, 1.0) + 0.3 * d.t + rng.normal(0, 0.9, len(d))
    return fitted("y ~ t", d.drop_duplicates(["id", "t"]), groups=2, order=1)


def normal_dropout() -> gbtm.GBTMResults:
    """AR(1) errors, and people who leave."""
    rng = np.random.default_rng(4)
    d, g = long(rng, np.arange(5.0))
    d["y"] = np.where(g, 3.0, 1.0) + 0.3 * d.t + rng.normal(0, 0.8, len(d))
    last = np.repeat(np.where(rng.uniform(size=N) < 0.5, rng.integers(1, 5, N), 5), 5)
    d.loc[d.t > last, "y"] = np.nan
    return fitted("y ~ t", d, groups=2, order=1, ar1=True, dropout=1)


def cnorm() -> gbtm.GBTMResults:
    """Both bounds, a sigma each."""
    rng = np.random.default_rng(5)
    d, g = long(rng)
    latent = np.where(g, 3.5 - 0.5 * d.t + 0.3 * d.t**2, 0.4 + 0.5 * d.t) + rng.normal(0, np.where(g, 1.5, 1.0))
    d["y"] = latent.clip(0, 5)
    return fitted("y ~ t", d, groups=2, order=[1, 2], family="cnorm", min=0, max=5, sigma_by_group=True)


def cnorm_effects() -> gbtm.GBTMResults:
    """Random intercept and slope of a censored outcome: its mean is that among all subjects."""
    rng = np.random.default_rng(6)
    d, g = long(rng)
    own = np.repeat(rng.normal(0, 0.8, N), TIMES.size)
    d["y"] = (np.where(g, 4.0, 0.7) + 0.3 * d.t + own + rng.normal(0, 0.7, len(d))).clip(lower=0)
    return fitted("y ~ t", d, groups=2, order=1, family="cnorm", min=0, rorder=[0, -1])


def poisson() -> gbtm.GBTMResults:
    """Exposure, and a group whose rate is zero."""
    rng = np.random.default_rng(7)
    d, _ = long(rng, n=48)
    k = d["id"].to_numpy() % 3
    d["e"] = rng.uniform(0.5, 2, len(d))
    rate = np.choose(k, [0.0 * d.t, np.exp(-0.7 + 0.2 * d.t), np.exp(1 + 0.5 * d.t - 0.2 * d.t**2)])
    d["y"] = rng.poisson(d.e * rate)
    return fitted("y ~ t", d, groups=3, order=[-1, 1, 2], family="poisson", exposure="e")


def poisson_one(order: int = 2) -> gbtm.GBTMResults:
    """One group: no membership, no classification."""
    rng = np.random.default_rng(8)
    d, _ = long(rng, n=20)
    d["y"] = rng.poisson(np.exp(0.3 + 0.2 * d.t))
    return fitted("y ~ t", d, groups=1, order=order, family="poisson")


def poisson_level() -> gbtm.GBTMResults:
    """The same data and a constant: a special case of the model above."""
    return poisson_one(0)


def zip_own() -> gbtm.GBTMResults:
    """Zero inflation of its own in one group, none in the other."""
    rng = np.random.default_rng(9)
    d, g = long(rng, n=60)
    d["y"] = rng.poisson(np.exp(np.where(g, 1.2 - 0.2 * d.t, -0.2 + 0.3 * d.t)))
    d.loc[(g == 0) & (rng.uniform(size=len(d)) < 1 / (1 + np.exp(0.5 + 0.2 * d.t))), "y"] = 0
    return fitted("y ~ t", d, groups=2, order=1, family="zip", iorder=[1, -1])


def zip_common() -> gbtm.GBTMResults:
    """Zero inflation common to all groups."""
    rng = np.random.default_rng(10)
    d, g = long(rng, n=60)
    d["y"] = rng.poisson(np.exp(np.where(g, 1.4 - 0.1 * d.t, 0.1 + 0.3 * d.t)))
    d.loc[rng.uniform(size=len(d)) < 0.3, "y"] = 0
    return fitted("y ~ t", d, groups=2, order=[1, 2], family="zip", iorder=0)


def negbin() -> gbtm.GBTMResults:
    """A dispersion each."""
    rng = np.random.default_rng(11)
    d, g = long(rng, n=60)
    mean, psi = np.exp(np.where(g, 1.6 - 0.1 * d.t, 0.1 + 0.2 * d.t)), np.where(g, 0.4, 0.8)
    d["y"] = rng.poisson(mean * rng.gamma(1 / psi, psi))
    return fitted("y ~ t", d, groups=2, order=1, family="negbin", dispersion_by_group=True)


def zinb() -> gbtm.GBTMResults:
    rng = np.random.default_rng(12)
    d, g = long(rng, n=72)
    mean = np.exp(np.where(g, 2.2 - 0.1 * d.t, 0.6 + 0.2 * d.t))
    d["y"] = rng.poisson(mean * rng.gamma(2, 0.5, len(d)))
    d.loc[rng.uniform(size=len(d)) < 0.25, "y"] = 0
    return fitted("y ~ t", d, groups=2, order=1, family="zinb", iorder=0)


def logit() -> gbtm.GBTMResults:
    """Three groups and two membership covariates, the second group the reference."""
    rng = np.random.default_rng(13)
    d, _ = long(rng, np.arange(6.0), 60)
    d["age"] = np.repeat(rng.normal(30, 5, 60), 6)
    d["male"] = np.repeat((np.arange(60) % 2).astype(float), 6)
    k = d["id"].to_numpy() % 3
    eta = np.choose(k, [-2.0 + 0 * d.t, -2 + 0.8 * d.t, 2.5 - 0.3 * d.t])
    d["y"] = (rng.uniform(size=len(d)) < 1 / (1 + np.exp(-eta))).astype(float)
    return fitted("y ~ t", d, groups=3, order=[0, 1, 1], family="logit", risk=["age", "male"], refgroup=2)


def logit_separated() -> gbtm.GBTMResults:
    """A group that is 0 up to one time and 1 from the next on: the data determine neither its level nor its slope."""
    rng = np.random.default_rng(14)
    d, g = long(rng, np.arange(6.0))
    d["y"] = np.where(g, d.t > 2, rng.uniform(size=len(d)) < 0.35 + 0.05 * d.t).astype(float)
    return fitted("y ~ t", d, groups=2, order=1, family="logit")


def empty_cell() -> gbtm.GBTMResults:
    """Groups far apart, and of those without z nobody in the second: theta[2] and theta_z[2] run to opposite
    infinities, their sum is the log odds of those with z."""
    rng = np.random.default_rng(17)
    d, _ = long(rng, n=40)
    i = np.arange(40)
    d["z"] = np.repeat((i % 2).astype(float), TIMES.size)
    d["y"] = np.where(np.repeat((i % 2 == 1) & (i < 14), TIMES.size), 9.0, 0.0) + 0.2 * d.t + rng.normal(0, 0.5, len(d))
    return fitted("y ~ t", d, groups=2, order=1, risk="z")


def beta() -> gbtm.GBTMResults:
    rng = np.random.default_rng(15)
    d, g = long(rng)
    mu, phi = 1 / (1 + np.exp(-np.where(g, 1 - 0.3 * d.t, -1 + 0.1 * d.t))), np.where(g, 4, 8)
    d["y"] = rng.beta(mu * phi, (1 - mu) * phi)
    return fitted("y ~ t", d, groups=2, order=1, family="beta")


FITTED: tuple[Callable[[], gbtm.GBTMResults], ...] = (
    normal, normal_sigma, normal_basis, normal_times, normal_dropout, cnorm, cnorm_effects, poisson, poisson_one,
    poisson_level, zip_own, zip_common, negbin, zinb, logit, logit_separated, empty_cell,
    beta,
)


def main() -> None:
    FITS.mkdir(exist_ok=True)
    for make in FITTED:
        res = make()
        res.document["seconds"] = 0.0  # the same file from the same numbers
        res.save(FITS / f"{make.__name__}.json")
        print(f"{make.__name__:16} {res.llf:12.4f}  {len(res.params)} parameters", file=sys.stderr)


if __name__ == "__main__":
    main()
