"""Fit documents of version 1, and what the code that wrote them answered: to be read for ever.

    PYTHONPATH=OLD/python python tests/documents/make_v1.py            the fits and a search
    R_LIBS=OLDLIB Rscript tests/documents/make_v1.R                    a fit written by R, and R's answers of all
    PYTHONPATH=OLD/python python tests/documents/make_v1.py answers    Python's answers of all

where OLD is a checkout of commit 928a8de, the last whose own format version 1 was, and OLDLIB has its R package. Later
code does not write that version, so that the files are kept and not made anew; this says how they came about.

Of each fit there are NAME.json, the document, and NAME.answers.json, what the code made of it: estimates, curves,
posteriors, two new people, the printed summary, traj's table. Of the search: its table, choices and sentences.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gbtm

HERE = Path(__file__).parent / "v1"
N, T = 40, 5
AT = [0.0, 2.0, 4.0]


def people() -> pd.DataFrame:
    """Long data of two groups with an outcome for each family and columns for every part of a model."""
    rng = np.random.default_rng(928)
    group, t = np.arange(N) % 2, np.arange(T)
    level = -1.0 + 2.0 * group[:, None] + 0.3 * t[None] * (1 - 2 * group[:, None])
    size, w = level.shape, np.round(rng.normal(size=(N, T)), 2)
    e, half = np.round(rng.uniform(0.5, 2.0, size), 2), 0.5 * w
    mean = np.exp(0.5 + level + half)
    own = np.repeat(rng.normal(scale=0.6, size=(N, 1)), T, axis=1)
    table = pd.DataFrame({
        "id": np.repeat([f"p{i:02d}" for i in range(N)], T), "t": np.tile(t.astype(float), N),
        "normal": np.round(level + half + rng.normal(scale=0.6, size=size), 3).ravel(),
        "effects": np.round(level + own + rng.normal(scale=0.5, size=size), 3).ravel(),
        "count": rng.poisson(e * mean).ravel().astype(float),
        "zeros": (rng.poisson(np.exp(1.0 + 0.2 * t) * np.ones(size)) * (rng.random(size) < 0.7) * group[:, None]
                  ).ravel().astype(float),
        "wild": rng.poisson(3 * mean * rng.gamma(1.5, 1 / 1.5, size)).ravel().astype(float),
        "yes": (rng.random(size) < 1 / (1 + np.exp(-2 * level))).ravel() * 1.0,
        "share": np.round(rng.beta(6 / (1 + np.exp(-level)), 6 / (1 + np.exp(level))), 4).clip(0.001, 0.999).ravel(),
        "w": w.ravel(), "v": np.round(rng.normal(size=size), 2).ravel(), "e": e.ravel(),
        "x": np.repeat(np.round(rng.normal(size=N) + group, 2), T),
        "place": np.repeat(np.array(["north", "south", "west"])[rng.integers(0, 3, N)], T),
        "s": np.repeat(np.round(rng.uniform(0.5, 2.0, N), 2), T), "psu": np.repeat(np.arange(N) % 10, T),
        "held": np.repeat((np.arange(N) % 8 == 7) * 1, T),
    })
    last = np.where(rng.random(N) < 0.4, rng.integers(1, T - 1, N), T - 1)
    table["leaving"] = table["normal"].where(table["t"].to_numpy() <= np.repeat(last, T))
    return table


def wide_people(table: pd.DataFrame) -> pd.DataFrame:
    """Counts and exposure with one row per person, for a traj command."""
    out = pd.DataFrame({"id": table["id"].unique()})
    for name, column in (("y", "count"), ("t", "t"), ("e", "e")):
        for j in range(T):
            out[f"{name}{j + 1}"] = table.loc[table["t"] == j, column].to_numpy()
    return out


COMMAND = "traj, var(y1-y5) indep(t1-t5) expos(e1-e5) model(zip) order(1 1)"
FITS: dict[str, dict[str, Any]] = {
    "normal": {"formula": "normal ~ t", "order": [1, 2], "sigma_by_group": True},
    "zip": {"formula": "zeros ~ t", "order": [-1, 1], "iorder": [-1, 1], "family": "zip"},
    "parts": {
        "formula": "leaving ~ t", "order": 1, "risk": "~ x + C(place)", "tcov": ["w"], "weights": "s",
        "dropout": [1, 0], "dcov": ["v"], "refgroup": 2,
    },
    "cnorm": {"formula": "normal ~ t", "order": 1, "family": "cnorm", "min": -1.0, "max": 1.5, "censor_beyond": True},
    "basis": {"formula": "normal ~ bs(t, df=4)"},
    "undetermined": {"formula": "yes ~ bs(t, df=4)", "family": "logit"},
    "ar1": {"formula": "normal ~ t", "order": 1, "ar1": True},
    "rorder": {"formula": "effects ~ t", "order": 1, "rorder": [0, 1], "cluster": "psu"},
    "beta": {"formula": "share ~ t", "order": 1, "family": "beta"},
    "negbin": {"formula": "wild ~ t", "order": 1, "family": "negbin", "dispersion_by_group": True},
    "held_out": {"formula": "normal ~ t", "order": 1, "out_of_sample": "held", "tcov": ["w", "v"]},
    "command": {"command": COMMAND},
}


def numbers(values: Any) -> list[Any]:
    """Numbers for JSON, null for what is not there."""
    return [None if not np.isfinite(v) else float(v) for v in np.asarray(values, dtype=float).ravel()]


def columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table by column."""
    return {
        str(c): numbers(table[c]) if table[c].dtype.kind == "f" else [v.item() if hasattr(v, "item") else v
                                                                     for v in table[c]]
        for c in table
    }


def answers(res: gbtm.GBTMResults, new: pd.DataFrame) -> dict[str, Any]:
    """What a fit says."""
    report = res.start_report.reset_index()
    return {
        "names": list(res.params.index), "params": numbers(res.params), "bse": numbers(res.bse), "llf": res.llf,
        "nobs": res.nobs, "aic": res.aic, "bic": res.bic, "criteria": numbers(res.criteria.to_numpy()),
        "shares": columns(res.group_shares), "ids": list(res.ids),
        "posterior": [numbers(row) for row in res.posterior.to_numpy()[:5]],
        "assignment": [int(g) for g in res.assignment], "at": AT, "curves": columns(res.predict(AT)),
        "observed_means": columns(res.observed_means), "fittedvalues": numbers(res.fittedvalues),
        "out_of_sample": [numbers(row) for row in res.out_of_sample.to_numpy()],
        "new": columns(new), "classified": columns(res.classify(new)), "warnings": res.warnings,
        "starts": columns(report), "sentence": res.start_report.attrs["sentence"],
        "summary": str(res.summary()), "traj": res.to_traj().text,
    }


def write(name: str, value: Any) -> None:
    """One small JSON file."""
    (HERE / name).write_text(json.dumps(value, allow_nan=False, indent=1) + "\n", encoding="utf-8")


def newcomers(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Two people as a fit's data were, at their first waves."""
    if name == "command":
        return wide_people(table).iloc[[0, 1]]
    return table[table["id"].isin(["p00", "p01"]) & (table["t"] < 3)]


def write_fits() -> None:
    """The data, the fits and the search."""
    HERE.mkdir(exist_ok=True)
    table = people()
    table.to_csv(HERE / "people.csv", index=False)
    for name, asked in FITS.items():
        given = dict(asked)
        if "command" in given:
            res = gbtm.traj(given["command"], wide_people(table))
        else:
            res = gbtm.GBTM.from_formula(given.pop("formula"), table, id="id", groups=2, **given).fit(n_starts=4, rng=0)
        assert res.document["format_version"] == 1, "this needs the old code: see above"
        res.save(HERE / f"{name}.json")
    found = gbtm.search(
        "leaving ~ t", table, id="id", groups=2, order=1, risk="~ x", tcov=["w"], weights="s", dropout=0, n_starts=4,
        n_jobs=1,
    )
    found.save(HERE / "search.json")


def write_answers() -> None:
    """What the files say, R's fit among them."""
    table = people()
    for path in sorted(HERE.glob("*.json")):
        name = path.name.removesuffix(".json")
        if "." not in name and name != "search":
            res = gbtm.load(path, trust_formula=name in ("basis", "undetermined"))
            write(f"{name}.answers.json", answers(res, newcomers(name, table)))
    found = gbtm.load_search(HERE / "search.json")
    best = found.best()
    write("search.answers.json", {
        "table": columns(found.table.reset_index()), "choices": {str(k): str(v) for k, v in found.choices.items()},
        "sentences": found.sentences, "summary": found.summary(), "params": numbers(best.params),
        "bse": numbers(best.bse), "posterior": [numbers(row) for row in best.posterior.to_numpy()[:5]],
        "curves": columns(best.predict(AT)),
    })


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        write_answers() if sys.argv[1:] == ["answers"] else write_fits()
