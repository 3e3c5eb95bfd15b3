"""Does flexibility pay? One data set, from a module under Adam to forecasts, each step held against a simpler one.

400 simulated people, offences at ages 10 to 17, three groups; who is in which depends on self-control and deprivation.
Membership is linear in these and the curves are quadratics of the log rate, so that we know what each check should say.
docs/story.md tells the story. Run: python examples/occam.py [folder for the figure]
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import gbtm

PEOPLE, AGES = 400, np.arange(10.0, 18.0)
CURVES = np.array([[-1.6, 0.10, -0.06], [0.3, -0.10, -0.12], [1.1, 0.25, -0.05]])  # in powers of age - 13
EFFECTS = np.array([[0.0, 0.0, 0.0], [-0.3, -0.8, 0.3], [-1.0, -1.2, 0.8]])  # constant, self-control, deprivation
SPREAD = 0.5  # of the negative binomial: variance mu + mu^2 / 2


def people(seed: int = 1) -> pd.DataFrame:
    """A row a person and age: id, age, offences, self_control, deprivation."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(PEOPLE, 2))
    odds = np.exp(EFFECTS[:, :1] + EFFECTS[:, 1:] @ z.T).T
    group = (odds.cumsum(1) / odds.sum(1, keepdims=True) < rng.random((PEOPLE, 1))).sum(1)
    rate = np.exp(CURVES[group] @ np.vander(AGES - 13, 3, increasing=True).T)
    y = rng.poisson(rate * rng.gamma(1 / SPREAD, SPREAD, size=rate.shape))
    who = np.repeat(np.arange(PEOPLE), AGES.size)
    return pd.DataFrame({
        "id": who, "age": np.tile(AGES, PEOPLE), "offences": y.ravel(), "self_control": z[who, 0],
        "deprivation": z[who, 1]})


def described(data: pd.DataFrame, **options: object) -> gbtm.GBTM:
    return gbtm.GBTM.from_formula(
        "offences ~ age", data, id="id", groups=3, family="negbin", **{"order": 2, **options})


def optimisation(model: gbtm.GBTM, res: gbtm.GBTMResults) -> str:
    """The same likelihood by Adam over batches, until people held out say stop, beside the fit."""
    out = gbtm.train(
        model, optimiser=lambda p: torch.optim.Adam(p, lr=0.02), batch_size=100, held_out=0.2, epochs=100,
        start="random", rng=1, finish=False)
    return (
        f"Adam, {len(out.history)} epochs, stopped by 80 people held out: {res.llf - out.llf:.2f} of log-likelihood "
        f"below the maximum that fit() certifies ({res.llf:.4f}), and no standard errors.")


def held_out(models: dict[str, gbtm.GBTM]) -> pd.DataFrame:
    """Log-likelihood per person of people not fitted, in five folds, less the first model's."""
    checks = {name: gbtm.cross_validate(model, folds=5, n_starts=4, rng=0) for name, model in models.items()}
    first = next(iter(checks.values())).by_subject
    rows = {}
    for name, check in checks.items():
        gap = (check.by_subject - first).to_numpy()
        rows[name] = (models[name].layout.n_free, gap.mean(), gap.std(ddof=1) / np.sqrt(gap.size))
    return pd.DataFrame(rows, index=["parameters", "difference", "se"]).T.astype({"parameters": int})


def forecasts(data: pd.DataFrame, n_starts: int = 4) -> gbtm.ForecastCheck:
    """The next year's offences of people not fitted, from age 13 on."""
    models = {"groups": described(data), "groups, lagged": described(data, tcov="~ log1p(lag('offences', first=0))")}
    return gbtm.forecast_check(models, groups=[2, 3, 4], lags=(1, 2, 3), hidden=(8,), origin=13.0, n_starts=n_starts,
                               rng=0)


def main(folder: Path | None = None, quick: bool = False) -> list[object]:
    """Print each step and return what was printed; ``quick`` leaves out the networks."""
    shown: list[object] = []

    def show(what: object) -> None:
        shown.append(what)
        print(what, end="\n\n", flush=True)

    data = people()
    risk = ["self_control", "deprivation"]
    model = described(data, risk=risk)
    res = model.fit(rng=0)
    show(optimisation(model, res))
    weak = described(data, risk=risk, prior="weak").fit(rng=0)
    shift = float(np.abs(weak.group_shares["share"] - res.group_shares["share"]).max())
    show(f"Weak prior: shares move by {100 * shift:.2f} points at most.")
    models = {"quadratic": model, "cubic": described(data, risk=risk, order=3)}
    if not quick:
        models["3 hidden units of age"] = described(data, risk=risk, order=None, curve=gbtm.Network(3))
    models["quadratic, weak prior"] = described(data, risk=risk, prior="weak")
    models["no covariates"] = described(data)
    show(held_out(models).round(3))
    if not quick:
        show(gbtm.linearity_check(res, rng=0))
        check = forecasts(data)
        show(check)
        if folder is not None:
            gbtm.plot_forecast_check(check).figure.savefig(folder / "occam.png", dpi=110)
    return shown


if __name__ == "__main__":
    warnings.simplefilter("ignore", gbtm.GBTMWarning)
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
