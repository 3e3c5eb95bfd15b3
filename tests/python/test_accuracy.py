"""Right digits of log-likelihood, estimates and standard errors, against mpmath; writes docs/accuracy.md. A minute."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import exact
import gbtm
import oracle
from conftest import ROOT, arguments

pytestmark = pytest.mark.slow

WAVES = np.arange(6.0)
YEARS = np.array([1990.0, 1993, 1996, 1999, 2002, 2006, 2010])
# digits of the log-likelihood, of the worst estimate and of the worst standard error
GOAL = np.array([8.0, 7.0, 7.0])
SUBJECTS = 40


def _years(level, slope, bend, twist):
    """Coefficients of a cubic in (year - 2000) / 10 as one in the year itself."""
    return np.polynomial.Polynomial([level, slope, bend, twist])(np.polynomial.Polynomial([-200.0, 0.1])).coef


# what it is, model, times, the truth that is drawn from
CASES = {
    "logit": ("logit, orders 1 and 1", oracle.Model("logit", (1, 1)), WAVES, [-2.5, 0.2, 1.0, 0.4, 0.3]),
    "poisson": ("Poisson, orders 2 and 1", oracle.Model("poisson", (2, 1)), WAVES,
                [-0.5, 0.4, -0.05, 1.8, -0.1, -0.3]),
    "zip": ("ZIP, one zero inflation", oracle.Model("zip", (1, 1), (0,)), WAVES, [0.2, 0.1, 1.9, 0.05, -0.8, -0.3]),
    "beta": ("beta, orders 1 and 1", oracle.Model("beta", (1, 1)), WAVES, [-1.0, 0.1, 0.8, -0.1, 8.0, 15.0, 0.4]),
    "negbin": ("negative binomial, counts of 1e4 to 1e5", oracle.Model("negbin", (1, 1)), WAVES,
               [9.2, 0.06, 11.3, 0.03, 0.02, 0.3]),
    "zinb": ("ZINB, counts of 1e3 to 1e4", oracle.Model("zinb", (1, 1), (0,)), WAVES,
             [7.0, 0.1, 9.2, -0.05, -1.2, 0.1, 0.3]),
    "normal_4": ("normal, sigma/sd = 1e-4", oracle.Model("normal", (1, 2)), WAVES,
                 [1.0, 0.3, 4.0, -0.2, 0.05, 1.5e-4, 0.3]),
    "normal_8": ("normal, sigma/sd = 1e-8", oracle.Model("normal", (1, 2)), WAVES,
                 [1.0, 0.3, 4.0, -0.2, 0.05, 1.5e-8, 0.3]),
    "years": ("normal, years 1990 to 2010 as they are, order 3", oracle.Model("normal", (3, 3)), YEARS,
              [*_years(1.0, 0.8, -0.5, 0.3), *_years(4.0, -0.7, 0.4, 0.6), 0.7, 0.3]),
    "cnorm": ("censored normal, 80 % at the bounds", oracle.Model("cnorm", (1, 1), lower=0.0, upper=5.0), WAVES,
              [-2.0, 0.3, 7.0, -0.3, 1.5, 0.3]),
    "cnorm_6": ("censored normal, sigma/sd = 1e-6, half at the bounds", oracle.Model("cnorm", (1, 1), lower=0.0),
                WAVES, [-1.2, 0.5, 3.0, -1.0, 2e-6, 0.3]),
    "sigmas": ("normal, a sigma for each group, 1e-2 and 1e-7 of the sd", oracle.Model(
        "normal", (1, 1), sigma_by_group=True), WAVES, [1.0, 0.3, 4.0, -0.2, 1.5e-2, 1.5e-7, 0.3]),
}

HEAD = """# How many digits are right

Written by `make accuracy` (`tests/python/test_accuracy.py`). Each small data set ({subjects} people, two groups) is
fitted by default. The likelihood of [model.md](model.md) is written out once more in mpmath at {digits} digits, its
maximum found from the fit's estimates by Newton's method, and the standard errors taken from the Hessian there
(`tests/python/exact.py`). Digits are log relative errors, -log10 |x - exact|/|exact|, at most 16: of the
log-likelihood, the worst estimate and the worst standard error. Goal: {goal}.

| data | log-likelihood | estimates | standard errors |
|---|---:|---:|---:|
"""


@pytest.fixture(scope="module")
def report():
    lines: dict[str, str] = {}
    yield lines
    if len(lines) == len(CASES):
        goal = "at least {:.0f}, {:.0f} and {:.0f}".format(*GOAL)
        head = HEAD.format(subjects=SUBJECTS, digits=exact.DIGITS, goal=goal)
        (ROOT / "docs" / "accuracy.md").write_text(head + "".join(lines[name] for name in CASES))


def _fit(name):
    _, model, times, truth = CASES[name]
    rng = np.random.default_rng(13)
    _, _, y, _ = oracle.simulate(model, truth, SUBJECTS, times, rng)
    y = y.reshape(SUBJECTS, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return y, gbtm.GBTM(y, times, **arguments(model)).fit(rng=0)


@pytest.mark.parametrize("name", CASES)
def test_digits(name, report):
    what, model, times, _ = CASES[name]
    y, res = _fit(name)
    assert res.converged
    params, errors = res.params.to_numpy(), res.bse.to_numpy()
    best = exact.maximum(model, y, times, params, errors)
    found = np.array([
        exact.digits(res.llf, best.loglik),
        min(map(exact.digits, params, best.params)),
        min(map(exact.digits, errors, best.errors)),
    ])
    with exact.mpmath.workdps(exact.DIGITS):  # no lower optimum: the truth is near the best one
        assert best.loglik > exact.Likelihood(model, y, times)([exact.mpf(float(v)) for v in CASES[name][3]])
    report[name] = "| {} | {:.1f} | {:.1f} | {:.1f} |\n".format(what, *found)
    assert (found >= GOAL).all(), found
