"""Bias and coverage of step three on simulated data: entropy by number of people, with and without a warning.

    python scripts/distal_coverage.py 200 sets.csv docs/distal-coverage.md

The number is how many data sets a cell has; one that is in the first file already is not drawn again, so that a run
that was cut off goes on. The second file is the table of them. Three groups on five waves with lines for means; a
distal outcome that is normal (BCH, ML), binary, a count and a time to an event (ML), and a membership covariate
(two-step). Seeds are counted from 0 in each cell. One process.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gbtm

TIMES = np.linspace(-1, 1, 5)
CURVES = np.array([[0.0, 0.5], [1.6, 0.0], [3.2, -0.5]])
SIGMAS = {0.8: 1.21, 0.6: 1.70, 0.45: 2.19}  # of the errors, by the entropy that they lead to
CELLS = (*((e, n) for e in SIGMAS for n in (300, 500, 2000)), (0.8, 100), (0.8, 150), (0.6, 1000), (0.45, 1000))
SLOPES = (0.5, -0.6)
THETA = (0.1, -0.1)
MEANS, SDS = np.array([0.0, 1.0, 2.0]), np.array([0.7, 1.0, 1.3])
LOGITS, RATES, HAZARDS = np.array([-1.5, 0.0, 1.5]), np.log([1.0, 2.0, 4.0]), np.array([0.0, 0.7, 1.4])
GROUPS = [f"group[{k}]" for k in (1, 2, 3)]
KINDS: dict[str, tuple[str, dict[str, Any], list[str], np.ndarray]] = {
    "normal, BCH": ("o ~ group", {"method": "bch"}, GROUPS, MEANS),
    "normal, ML": ("o ~ group", {"method": "ml"}, GROUPS, MEANS),
    "binary, ML": ("b ~ group", {"method": "ml"}, GROUPS, LOGITS),
    "count, ML": ("c ~ group", {"method": "ml", "family": "poisson"}, GROUPS, RATES),
    "Cox, ML": ("Surv(t, d) ~ group", {"method": "ml"}, GROUPS[1:], HAZARDS[1:]),
    "membership, two-step": ("~ z", {}, ["theta_z[2]", "theta_z[3]"], np.array(SLOPES)),
}


def drawn(seed: int, n: int, sigma: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Trajectories of n people in three groups (long), and what leads to the groups and follows from them."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    eta = np.column_stack([np.zeros(n), THETA[0] + SLOPES[0] * z, THETA[1] + SLOPES[1] * z])
    p = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    g = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    y = CURVES[g, 0][:, None] + CURVES[g, 1][:, None] * TIMES + rng.normal(0, sigma, (n, len(TIMES)))
    long = pd.DataFrame({"id": np.repeat(np.arange(n), len(TIMES)), "t": np.tile(TIMES, n), "y": y.ravel()})
    event, censored = rng.exponential(np.exp(-HAZARDS[g])), rng.exponential(2.0, n)
    people = pd.DataFrame({
        "id": np.arange(n), "z": z, "o": rng.normal(MEANS[g], SDS[g]),
        "b": (rng.random(n) < 1 / (1 + np.exp(-LOGITS[g]))) * 1, "c": rng.poisson(np.exp(RATES[g])),
        "t": np.minimum(event, censored), "d": (event <= censored) * 1,
    })
    return long, people


def fitted(long: pd.DataFrame, sigma: float) -> Any:
    """Step one, from the truth: label switching and searches are the engine's business, not step three's."""
    model = gbtm.GBTM.from_formula("y ~ t", long, id="id", groups=3, order=1)
    start = dict(zip(model.layout.names, [*CURVES.ravel(), sigma, *THETA], strict=True))
    return model.fit(start=start, n_starts=1)


def one_set(seed: int, n: int, sigma: float) -> list[dict[str, Any]]:
    """A row a kind of outcome and parameter: error, standard error, whether the interval holds, whether it warned."""
    long, people = drawn(seed, n, sigma)
    rows: list[dict[str, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = fitted(long, sigma)
        for kind, (formula, options, names, truth) in KINDS.items():
            common = {"seed": seed, "kind": kind, "entropy": res.entropy, "fit_warned": len(res.warnings) > 0}
            try:
                out = res.predictors(formula, people) if kind.startswith("membership") else (
                    res.distal(formula, people, **options))
            except gbtm.DataError as error:
                rows.append({**common, "codes": f"refused: {error.code}"})
                continue
            ci, codes = out.conf_int().loc[names].to_numpy(), sorted({f.code for f in out.findings})
            for j, name in enumerate(names):
                rows.append({
                    **common, "parameter": name, "error": out.params[name] - truth[j], "se": out.bse[name],
                    "holds": float(ci[j, 0] < truth[j] < ci[j, 1]), "codes": " ".join(codes),
                })
    return rows


def table_of(sets: pd.DataFrame) -> pd.DataFrame:
    """A row a cell and kind: data sets, refused, warned; bias, standard error / SD; coverage, warned or not."""
    rows = []
    for (entropy, n, kind), here in sets.groupby(["cell", "n", "kind"], sort=False):
        refused = here["codes"].fillna("").str.startswith("refused")
        seen = here[~refused]
        quiet = seen["codes"].fillna("") == ""
        by_name = seen.groupby("parameter")
        row = {
            "entropy": entropy, "people": n, "outcome": kind, "sets": here["seed"].nunique(),
            "refused": int(here.loc[refused, "seed"].nunique()),
            "warned": int(seen.loc[~quiet, "seed"].nunique()),
            "mean abs bias": by_name["error"].mean().abs().mean(),
            "SE / SD": (by_name["se"].median() / by_name["error"].std()).mean(),
        }
        for name, part in (("quiet", seen[quiet]), ("warned", seen[~quiet])):
            share = part.groupby("seed")["holds"].mean()
            row[f"coverage {name}"] = 100 * share.mean()
            row[f"its error {name}"] = 100 * share.std() / np.sqrt(max(len(share), 1))
        rows.append(row)
    return pd.DataFrame(rows)


def overall(sets: pd.DataFrame) -> list[str]:
    """Coverage of all outcomes of a data set together, by cell, of those without a warning and of those with one."""
    seen = sets[sets["holds"].notna()].assign(quiet=lambda d: d["codes"].fillna("") == "")
    by_set = 100 * seen.groupby(["cell", "n", "seed", "quiet"])["holds"].mean()
    lines = ["| entropy | people | sets | coverage, no warning | warned |", "|---:|---:|---:|---:|---:|"]
    for entropy, n in sorted(sets.groupby(["cell", "n"]).groups, key=lambda c: (-c[0], c[1])):
        shown = []
        for quiet in (True, False):
            share = by_set.loc[entropy, n].xs(quiet, level="quiet") if quiet in by_set.loc[entropy, n].index.unique(
                "quiet") else by_set.iloc[:0]
            error = share.std() / np.sqrt(max(len(share), 1))
            shown.append(f"{share.mean():.1f} ({error:.1f}) of {len(share)}" if len(share) > 1 else "")
        count = sets[(sets["cell"] == entropy) & (sets["n"] == n)]["seed"].nunique()
        lines.append(f"| {entropy:g} | {n} | {count} | {shown[0]} | {shown[1]} |")
    return lines


def page(sets: pd.DataFrame) -> str:
    """docs/distal-coverage.md."""
    table = table_of(sets).sort_values(["entropy", "people"], ascending=[False, True], kind="stable")
    of_fits = sets.groupby("cell")["entropy"].mean()
    least, most = table["sets"].min(), table["sets"].max()
    lines = [
        "# Bias and coverage of distal outcomes and membership covariates", "",
        f"Written by `python scripts/distal_coverage.py {most} sets.csv docs/distal-coverage.md` from "
        f"{least if least == most else f'{least} to {most}'} simulated data sets a cell: three groups, lines over "
        "five waves, sizes and curves as in the script, errors of the "
        f"trajectories so that entropies of the fits are {', '.join(f'{e:.2f}' for e in of_fits[::-1])} on average. "
        "Means 0, 1, 2 "
        "with SDs .7, 1, 1.3; log odds -1.5, 0, 1.5; rates 1, 2, 4; log hazard ratios .7, 1.4; membership slopes .5, "
        "-.6. Bias is the mean over the parameters of the absolute value of the mean error; coverage is of 95 % "
        "intervals, by whether the result had a warning, with its standard error over data sets; some warnings are of "
        "some methods alone, so that a data set may be on both sides. The thresholds of the warnings were chosen on a "
        "part of these sets.", "",
        *overall(sets), "",
        "| entropy | people | outcome, method | sets | refused | warned | bias | SE / SD | coverage, no warning "
        "| warned |",
        "|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for _, r in table.iterrows():
        shown = [
            "" if np.isnan(r[f"coverage {c}"]) else
            f"{r[f'coverage {c}']:.1f}" + ("" if np.isnan(r[f"its error {c}"]) else f" ({r[f'its error {c}']:.1f})")
            for c in ("quiet", "warned")
        ]
        lines.append(f"| {r['entropy']:g} | {r['people']} | {r['outcome']} | {r['sets']} | {r['refused']} | "
                     f"{r['warned']} | {r['mean abs bias']:.3f} | {r['SE / SD']:.2f} | {shown[0]} | {shown[1]} |")
    return "\n".join(lines) + "\n"


def main(count: int, path: Path, docs: Path | None = None) -> None:
    """Draw what the file lacks, cell by cell in rounds, and write after each round; then the table."""
    done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["cell", "n", "seed"])
    begun = time.perf_counter()
    for seed in range(count):
        new = []
        for entropy, n in CELLS:
            if not ((done["cell"] == entropy) & (done["n"] == n) & (done["seed"] == seed)).any():
                new += [{"cell": entropy, "n": n, **row} for row in one_set(seed, n, SIGMAS[entropy])]
        if new:
            done = pd.concat([done, pd.DataFrame(new)], ignore_index=True) if len(done) else pd.DataFrame(new)
            done.to_csv(path, index=False, float_format="%.6g")
            print(f"{seed + 1} sets a cell, {time.perf_counter() - begun:.0f} s", flush=True)
    if docs is not None:
        docs.write_text(page(done[done["seed"] < count]), encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
