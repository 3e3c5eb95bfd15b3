"""Coverage of 95 % intervals over simulated data sets; writes docs/coverage.md. Minutes long.

Per family: two groups, 200 subjects at six waves, 1000 data sets from one truth; 300 for each part that joins the
likelihood (membership covariates, time-varying covariates with exposure, dropout). Averaged over a block of parameters,
the share of intervals that hold the truth is between 93 and 97 %; for a single parameter it is within binomial error
(99.99 %) of that.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import ROOT, arguments

DATA_SETS = 1000
DATA_SETS_OF_PARTS = 300
SUBJECTS = 200
WAVES = np.arange(6.0) / 5
Z = stats.norm.ppf(0.975)

FAMILIES = {
    "normal": (oracle.Model("normal", (1, 1)), [1.0, 1.0, 3.0, -1.0, 1.0, 0.3]),
    "cnorm": (oracle.Model("cnorm", (1, 1), lower=0.0, upper=5.0), [0.5, 0.8, 4.0, -0.8, 1.0, 0.3]),
    "poisson": (oracle.Model("poisson", (1, 1)), [-0.5, 0.5, 1.2, 0.3, -0.3]),
    "zip": (oracle.Model("zip", (1, 1), (0,)), [0.2, 0.5, 1.6, 0.3, -0.8, -0.3]),
    "logit": (oracle.Model("logit", (1, 1)), [-2.0, 0.8, 1.2, 1.0, 0.2]),
}
# normal with membership covariates; Poisson with a time-varying one and exposure; normal with dropout by the last y
PARTS = {
    "risk": (oracle.Model("normal", (1, 1), n_risk=2), [1.0, 1.0, 3.0, -1.0, 1.0, 0.3, 0.8, -0.6]),
    "tcov": (oracle.Model("poisson", (1, 1), n_tcov=1), [-0.5, 0.5, 0.4, 1.2, 0.3, -0.2, -0.3]),
    "dropout": (
        oracle.Model("normal", (1, 1), dropout=(1, 1)), [1.0, 1.0, 3.0, -1.0, -2.0, 0.4, -1.0, -0.3, 1.0, 0.3],
    ),
}
HEAD = """# Coverage of the 95 % intervals

Written by `pytest -m slow tests/python/test_coverage.py`: {n} simulated data sets per family, two groups, {subjects}
subjects at six waves (times 0, 0.2 .. 1). Coverage is the share of Wald intervals that hold the true value (binomial
error of one entry: 0.7 points); the last column compares the mean standard error with the empirical standard deviation
of the estimates. Every group share's interval is the delta method's. The last models, of {parts} data sets each, have
membership covariates (risk), a time-varying covariate and exposure (tcov), and dropout by the last outcome.

| model | parameter | truth | mean estimate | coverage % | mean SE / empirical SD |
|---|---|---:|---:|---:|---:|
"""


def _simulate_and_fit(name: str) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Names, truth (p + 1,), estimates and standard errors (data sets, p + 1); the last is the share of group 2."""
    model, truth = (FAMILIES | PARTS)[name]
    rng = np.random.default_rng(2024)
    estimates, errors = [], []
    for _ in range(DATA_SETS if name in FAMILIES else DATA_SETS_OF_PARTS):
        beside, given = _known(model, rng) if name in PARTS else (oracle.NOTHING, {})
        _, _, y, _ = oracle.simulate(model, truth, SUBJECTS, WAVES, rng, beside)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gbtm.GBTMWarning)
            res = gbtm.GBTM(y.reshape(SUBJECTS, -1), WAVES, **arguments(model), **given).fit(n_starts=4)
        assert res.converged
        # groups are sorted by mean fitted outcome, and so are the truths: labels match
        shares = res.group_shares
        estimates.append([*res.params, shares.loc[2, "share"]])
        errors.append([*res.bse, shares.loc[2, "std err"]])
    # with membership covariates the share is the mean over the subjects at hand: no one truth
    keep = slice(None) if model.n_risk == 0 else slice(-1)
    truths = np.array([*truth, 1 / (1 + np.exp(-truth[-1]))])
    names = [*res.params.index, "share[2]"]
    return names[keep], truths[keep], np.array(estimates)[:, keep], np.array(errors)[:, keep]


def _known(model: oracle.Model, rng: np.random.Generator) -> tuple[oracle.Beside, dict]:
    """Covariates and exposure of one data set: for the oracle, and as the package's arguments."""
    waves = WAVES.size
    z = np.column_stack([rng.normal(size=SUBJECTS), rng.integers(0, 2, SUBJECTS)])[:, : model.n_risk]
    w, e = rng.normal(size=(SUBJECTS, waves)), rng.uniform(0.5, 2, (SUBJECTS, waves))
    if model.n_risk:
        return oracle.Beside(z=z), {"risk": z}
    if model.n_tcov:
        return oracle.Beside(w=w.reshape(-1, 1), exposure=e.ravel()), {"tcov": w, "exposure": e}
    return oracle.NOTHING, {}


def _block(parameter: str) -> str:
    for start in ("zero_", "sigma", "theta_", "theta", "share", "drop", "w1"):
        if parameter.startswith(start):
            return start
    return "curve"


@pytest.fixture(scope="module")
def report():
    lines: list[str] = []
    yield lines
    if len(lines) == len(FAMILIES) + len(PARTS):
        path = ROOT / "docs" / "coverage.md"
        head = HEAD.format(n=DATA_SETS, subjects=SUBJECTS, parts=DATA_SETS_OF_PARTS)
        path.write_text(head + "".join(lines), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FAMILIES, *PARTS])
def test_coverage(name, report):
    names, truth, estimates, errors = _simulate_and_fit(name)
    assert np.isfinite(errors).all()
    inside = np.abs(estimates - truth) <= Z * errors
    coverage = inside.mean(axis=0)
    ratio = errors.mean(axis=0) / estimates.std(axis=0, ddof=1)
    report.append(
        "".join(
            f"| {name} | `{n}` | {t:.3g} | {e:.4f} | {100 * c:.1f} | {r:.3f} |\n"
            for n, t, e, c, r in zip(names, truth, estimates.mean(axis=0), coverage, ratio, strict=True)
        )
    )
    sets = len(estimates)
    low, high = stats.binom.ppf([0.00005, 0.99995], sets, 0.95) / sets
    assert ((coverage >= low) & (coverage <= high)).all(), dict(zip(names, coverage, strict=True))
    blocks = np.array([_block(n) for n in names])
    for block in np.unique(blocks):
        mean = coverage[blocks == block].mean()
        assert 0.93 <= mean <= 0.97, (block, mean)
    # the standard errors are those of the estimates, and these are on target
    assert (np.abs(ratio - 1) < 0.1 * np.sqrt(DATA_SETS / sets)).all(), dict(zip(names, ratio, strict=True))
    bias = (estimates.mean(axis=0) - truth) / (estimates.std(axis=0, ddof=1) / np.sqrt(sets))
    assert (np.abs(bias) < 5).all(), dict(zip(names, bias, strict=True))
