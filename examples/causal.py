"""The effect of a first event among people of like trajectories: joining a gang at 14 and offences at 15.

    python examples/causal.py

Simulated data in which the truth is known: boys of high trajectories join more often and offend more afterwards in any
case, and joining adds 1 to the offences of those who join. Trajectories are fitted to the waves before 14, of boys who
had not joined by then; within their groups joiners are weighed against others by a propensity score of the covariates,
of what they did before and of the probabilities of the groups (Haviland and Nagin 2005, Psychometrika 70). Where
pymatchit-causal is installed the same table is handed over to it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

import gbtm

EFFECT = 1.0
AGES = np.arange(10, 16)  # at 14 some join, at 15 the outcome is measured
START = 14
CURVES = np.array([[0.5, 0.0], [2.5, 0.1], [4.5, 0.2]])


def simulated(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """A row a boy and age: id, age, offences y, impulsiveness x, and joined, the age at which he joined."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    x = rng.normal(0.5 * (group - 1), 1.0)
    y = CURVES[group, :1] + CURVES[group, 1:] * (AGES - 12) + 0.3 * x[:, None] + rng.normal(0, 0.8, (n, AGES.size))
    propensity = 1 / (1 + np.exp(-(-2.2 + 0.9 * group + 0.5 * x)))
    joins = rng.random(n) < propensity
    early = rng.random(n) < 0.04  # had joined before 14
    joined = np.where(early, 12.0, np.where(joins, float(START), np.nan))
    y[:, AGES > START] += EFFECT * (joins | early)[:, None]
    return pd.DataFrame({
        "id": np.repeat(np.arange(n), AGES.size), "age": np.tile(AGES, n), "y": y.ravel(),
        "x": np.repeat(x, AGES.size), "joined": np.repeat(joined, AGES.size),
    })


def matching_table(data: pd.DataFrame, groups: int = 3) -> pd.DataFrame:
    """Groups of the trajectories before 14, with what is known of each boy; the outcome at 15 as ``later``."""
    before = gbtm.untreated_history(data, "joined", time="age", id="id", start=START)
    res = gbtm.GBTM.from_formula("y ~ age", before, id="id", groups=groups, order=1).fit(rng=0)
    print(res.group_shares.round(3).to_string())
    people = data.groupby("id", as_index=False).agg(x=("x", "first"), joined=("joined", "first"))
    people["gang"] = people["joined"].eq(START).astype(int)
    people["later"] = data.loc[data["age"] == AGES[-1]].set_index("id")["y"].reindex(people["id"]).to_numpy()
    return res.matching_frame(people[["id", "gang", "x", "later"]], treatment="gang")


def known_before(m: pd.DataFrame) -> list[str]:
    """What balance is asked of: the covariate, the probabilities but for the first, the offences at each age."""
    return ["x", "prob_2", "prob_3", *(c for c in m.columns if c.startswith("y@"))]


def weights(m: pd.DataFrame) -> pd.Series:
    """Of the effect on those who joined: 1 for them, e / (1 - e) for the others, e the probability to join by a logit
    of the group and of all that is known before; the others of a group weigh as much as its joiners."""
    terms = " + ".join(f"Q('{c}')" for c in known_before(m))
    e = smf.logit(f"gang ~ C(group) + {terms}", m).fit(disp=False).predict(m)
    out = m["gang"].where(m["gang"] == 1, e / (1 - e)).astype(float)
    others = m["gang"] == 0
    size = m.groupby("group")["gang"].sum() / out[others].groupby(m["group"]).sum()
    return out.where(~others, out * m["group"].map(size))


def effects(m: pd.DataFrame) -> pd.DataFrame:
    """A row a way: effect on those who joined, with a 95 % interval."""
    ways = {
        "naive": smf.ols("later ~ gang", m).fit(cov_type="HC1"),
        "adjusted for x": smf.ols("later ~ gang + x", m).fit(cov_type="HC1"),
        "weighted within groups": smf.wls("later ~ gang + C(group)", m, weights=m["w"]).fit(cov_type="HC1"),
    }
    return pd.DataFrame({
        name: dict(zip(("effect", "lower", "upper"), (fit.params["gang"], *fit.conf_int().loc["gang"]), strict=True))
        for name, fit in ways.items()
    }).T


def by_group(m: pd.DataFrame) -> pd.DataFrame:
    """The effect in each group; a description of where it is, and no cause of its differences."""
    rows = {}
    for g, here in m.groupby("group"):
        fit = smf.wls("later ~ gang", here, weights=here["w"]).fit(cov_type="HC1")
        rows[g] = {"joined": int(here["gang"].sum()), "effect": fit.params["gang"], "std err": fit.bse["gang"]}
    return pd.DataFrame(rows).T


def matched(m: pd.DataFrame) -> pd.Series | None:
    """Weights of pymatchit-causal: nearest neighbours within groups, with a caliper. None where it is not installed."""
    try:
        from pymatchit import MatchIt
    except ImportError:
        print("pymatchit-causal is not installed: pip install pymatchit-causal to match with it.")
        return None
    frame = m.reset_index()
    made = MatchIt(frame, method="nearest", distance="glm", exact="group", caliper=0.2, ratio=1)
    made.fit("gang ~ x + prob_2 + prob_3")
    return pd.Series(np.asarray(made.weights, dtype=float), index=m.index)


def main(folder: Path | None = None) -> pd.DataFrame:
    """All of it, printed; pictures are written to a folder. Returns the effects."""
    m = matching_table(simulated())
    m["w"] = weights(m)
    table = gbtm.balance(m, "gang", known_before(m), weights="w")
    print(table[["smd before", "smd", "variance ratio", "ess control", "balanced"]].round(3).to_string())
    pairs = matched(m)
    out = effects(m)
    if pairs is not None:
        m["pairs"] = pairs
        kept = m[m["pairs"] > 0]
        fit = smf.wls("later ~ gang + C(group)", kept, weights=kept["pairs"]).fit(cov_type="HC1")
        out.loc["matched by pymatchit"] = [fit.params["gang"], *fit.conf_int().loc["gang"]]
        print(f"pymatchit kept {int(kept['gang'].sum())} of {int(m['gang'].sum())} who joined.")
    print(f"\nThe true effect is {EFFECT:g}.\n{out.round(3)}\n\nBy group\n{by_group(m).round(3)}")
    if folder is not None:
        gbtm.plot_balance(table)[0].figure.savefig(folder / "balance.png", dpi=150)
        m.to_csv(folder / "matching.csv")  # for MatchIt in R
    return out


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
