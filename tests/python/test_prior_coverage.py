"""Coverage of the intervals of fits with a weak prior, where maximum likelihood often has none; writes its table into
docs/priors.md. Minutes long.

Logit, two groups of one half each, one of which offends with probability p at all of five waves: so seldom that in many
data sets nobody of it does.
"""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from scipy.special import expit, logit

import gbtm
from conftest import ROOT

DATA_SETS = 100
AGE = np.arange(5) / 4
SETTINGS = ((80, 0.01), (80, 0.003))  # people, p
DOCS = ROOT / "docs" / "priors.md"
TABLE = re.compile(r"(<!-- coverage -->\n).*(<!-- end of coverage -->)", re.DOTALL)
HEAD = """| people | p | fits | with SE % | `intercept[1]` | `intercept[2]` | `age[2]` | `theta[2]` | share 2 | p(0.5) |
|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|
"""


def draw(seed, n, p):
    """Outcomes (n, 5)."""
    rng = np.random.default_rng(seed)
    second = rng.random(n) < 0.5
    return (rng.random((n, AGE.size)) < np.where(second[:, None], expit(0.3 + 0.8 * AGE), p)).astype(float)


def covered(y, p, prior):
    """Whether intercept[1] has a standard error, and which intervals (6,) hold the truth; none does not."""
    truth = np.array([logit(p), 0.3, 0.8, 0.0])
    model = gbtm.GBTM(y, AGE, groups=2, order=[0, 1], family="logit", prior=prior)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = model.fit(start=truth)
    low, high = res.conf_int().to_numpy().T
    share, curve = res.group_shares.loc[2], res.predict([0.5]).iloc[0]
    held = [*((low <= truth) & (truth <= high)), share["lower"] <= 0.5 <= share["upper"],
            curve["lower"] <= p <= curve["upper"]]
    return bool(np.isfinite(res.bse.iloc[0])), held


@pytest.mark.slow
def test_intervals_hold_where_maximum_likelihood_has_none():
    rows = []
    for n, p in SETTINGS:
        for name, prior in (("ML", None), ("weak", "weak")):
            found = [covered(draw(seed, n, p), p, prior) for seed in range(DATA_SETS)]
            finite, held = np.mean([f for f, _ in found]), np.mean([h for _, h in found], axis=0)
            rows.append((n, p, name, finite, held))
    lines = [f"| {n} | {p:g} | {name} | {100 * finite:.0f} | {' | '.join(f'{100 * h:.1f}' for h in held)} |"
             for n, p, name, finite, held in rows]
    DOCS.write_text(TABLE.sub(lambda m: m[1] + HEAD + "\n".join(lines) + "\n" + m[2], DOCS.read_text()))
    for _, _, name, finite, held in rows:
        if name == "weak":
            assert finite == 1.0
            assert (held[1:5] > 0.88).all()  # what the data determine, within three binomial errors
            assert held[0] > 0.85
        else:
            assert finite < 0.95
