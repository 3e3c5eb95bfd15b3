"""Coverage of 95 % intervals of models of two and three outcomes over simulated data sets; writes its part of
docs/coverage.md. Minutes long.

Three outcomes (normal, logit, ZIP) that share three groups, and a dual model of a normal outcome in two groups and a
Poisson one in two; 300 and 1,000 people. Averaged over curves, shares and transitions, 93 to 97 % of intervals hold the
truth.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
from conftest import ROOT

DATA_SETS = 300
Z = stats.norm.ppf(0.975)
TITLE = "## Several outcomes"
HEAD = """

Written by `pytest -m slow tests/python/test_several_coverage.py`: {n} data sets each. *shared*: a normal outcome at six
waves, a logit at six and a ZIP at five share three groups; *dual*: a normal outcome in two groups, a Poisson one in
two, whose groups depend on the first's. Coverage in % of Wald intervals, by kind of parameter.

| model | people | curves | sigma and zero part | shares | transitions |
|---|---:|---:|---:|---:|---:|
"""
SHARED = {
    "a": ([(0.0, 0.5), (1.5, -0.5), (3.0, 0.3)], 1.0), "b": ([(-1.5, 0.4), (0.0, -0.3), (1.5, 0.2)], None),
    "c": ([(-0.3, 0.2), (0.8, 0.1), (1.4, -0.2)], -1.0),
}
SHARES = np.array([0.4, 0.35, 0.25])
DUAL_SHARES = np.array([0.6, 0.4])
GIVEN = np.array([[0.75, 0.25], [0.3, 0.7]])
DUAL = {"a": ([(0.0, 0.4), (2.0, -0.4)], 1.0), "b": ([(-0.2, 0.1), (1.2, -0.1)], None)}
TIMES = {"a": np.linspace(-1, 1, 6), "b": np.linspace(-1, 1, 6), "c": np.linspace(-1, 1, 5)}


def outcome(name, curves, group, rng, family, further):
    t = TIMES[name]
    eta = np.array(curves)[group] @ np.stack([np.ones(t.size), t])
    if family == "normal":
        y = eta + further * rng.standard_normal(eta.shape)
    elif family == "logit":
        y = (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float)
    else:
        y = rng.poisson(np.exp(eta)).astype(float)
        if family == "zip":
            y[rng.random(eta.shape) < 1 / (1 + np.exp(-further))] = 0.0
    return pd.DataFrame(y, columns=[f"{name}{j + 1}" for j in range(t.size)])


def model(kind: str, n: int, rng):
    families = {"a": "normal", "b": "logit" if kind == "shared" else "poisson", "c": "zip"}
    truth = SHARED if kind == "shared" else DUAL
    first = rng.choice(len(SHARES) if kind == "shared" else 2, n, p=SHARES if kind == "shared" else DUAL_SHARES)
    second = first if kind == "shared" else (rng.random(n) < GIVEN[first, 1]).astype(int)
    groups = {"a": first, "b": second, "c": second}
    table = pd.concat([outcome(o, c, groups[o], rng, families[o], f) for o, (c, f) in truth.items()], axis=1)
    wide = {**{o: [c for c in table if c[0] == o] for o in truth}, **{f"t{o}": TIMES[o] for o in truth}}
    made = [gbtm.Outcome(f"{o} ~ t{o}", family=families[o], order=1) for o in truth]
    built = gbtm.GBTM.from_formula(
        made, table.assign(id=np.arange(n)), id="id", wide=wide, groups=3 if kind == "shared" else [2, 2])
    return built, truth


def true_params(names, truth, kind):
    values = {}
    for o, (curves, further) in truth.items():
        for g, (a, b) in enumerate(curves, start=1):
            values |= {f"{o}: intercept[{g}]": a, f"{o}: t{o}[{g}]": b}
        values |= {f"{o}: sigma": further, f"{o}: zero_intercept": further}
    shares = SHARES if kind == "shared" else DUAL_SHARES
    values |= {f"theta[{g + 1}]": np.log(s / shares[0]) for g, s in enumerate(shares)}
    values |= {f"theta2[2|{j + 1}]": np.log(GIVEN[j, 1] / GIVEN[j, 0]) for j in range(2)}
    return np.array([values[n] for n in names])


def kind_of(name: str) -> str:
    if name.startswith("theta2"):
        return "transitions"
    if name.startswith("theta"):
        return "shares"
    return "sigma and zero part" if "sigma" in name or "zero" in name else "curves"


def held(kind: str, n: int, seed: int) -> list[tuple[str, bool]]:
    """Of one data set, whether each interval holds the truth."""
    built, truth = model(kind, n, np.random.default_rng(seed))
    want = true_params(built.layout.names, truth, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = built.fit(start=want)
    out = [(kind_of(name), bool(abs(b - t) <= Z * se))
           for name, b, se, t in zip(res.names, res.params, res.bse, want, strict=True)]
    if kind == "shared":
        table = res.group_shares
        return out + [("shares", bool(lo <= t <= up))
                      for t, lo, up in zip(SHARES, table["lower"], table["upper"], strict=True)]
    table = res.transitions()
    return out + [("transitions", bool(lo <= t <= up))
                  for t, lo, up in zip(GIVEN.ravel(), table["lower"], table["upper"], strict=True)]


@pytest.mark.slow
def test_intervals_of_several_outcomes_hold_the_truth():
    lines = []
    for kind in ("shared", "dual"):
        for n in (300, 1000):
            every = [x for seed in range(DATA_SETS) for x in held(kind, n, seed)]
            found = pd.DataFrame(every, columns=["kind", "held"])
            share = 100 * found.groupby("kind")["held"].mean()
            cells = [f"{share[k]:.1f}" if k in share else "" for k in
                     ("curves", "sigma and zero part", "shares", "transitions")]
            lines.append(f"| {kind} | {n} | {' | '.join(cells)} |")
            assert ((share > 93) & (share < 97)).all(), (kind, n, share)
    page = ROOT / "docs" / "coverage.md"
    text = page.read_text(encoding="utf-8")
    before = text.split(f"\n{TITLE}")[0].rstrip()
    page.write_text(f"{before}\n\n{TITLE}{HEAD.format(n=DATA_SETS)}" + "\n".join(lines) + "\n", encoding="utf-8")


def test_one_data_set_is_fitted_near_its_truth():
    for kind in ("shared", "dual"):
        assert np.mean([ok for _, ok in held(kind, 300, 1)]) > 0.7
