"""True models with covariates, exposure, weights and dropout; data drawn from them; the ways to hold the data."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import torch

import gbtm
import oracle
from conftest import arguments
from gbtm.likelihood.mixture import CellStatistics, Mixture


@dataclass(frozen=True)
class Truth:
    """A true model and the data it is to be drawn with; ``discrete`` covariates are 0 or 1, so that cells are few."""

    model: oracle.Model
    params: tuple[float, ...]
    n: int = 80
    waves: int = 5
    weights: bool = False
    exposure: bool = False
    trials: bool = False  # in the place of exposure, 1 to 9
    discrete: bool = False
    at_random: bool = False


M = oracle.Model
PARTS = {
    "risk": Truth(
        M("normal", (1, 0, 1), n_risk=2), (0, 0.5, 3, 6, -0.5, 0.8, 0.2, 0.7, -0.5, -0.3, -0.6, 0.8), n=120,
    ),
    "risk_reference": Truth(
        M("normal", (1, 0, 1), n_risk=2, reference=2), (0, 0.5, 3, 6, -0.5, 0.8, 0.3, 0.6, -0.8, 0.5, 1.3, -1.3), n=120,
    ),
    "tcov": Truth(
        M("poisson", (1, 2), n_tcov=2), (-0.8, 0.1, 0.3, -0.4, 1.2, 0.4, -0.15, -0.2, 0.5, -0.3),
    ),
    "tcov_cells": Truth(
        M("logit", (0, 1), n_tcov=1, n_risk=1), (-1.5, 0.8, 1.2, 0.2, -0.7, 0.2, 0.6), n=400, waves=3, discrete=True,
    ),
    "exposure": Truth(M("poisson", (1, 1)), (-0.8, 0.1, 1, 0.1, 0.2), exposure=True),
    "exposure_zip": Truth(
        M("zip", (0, 1), (0, 1)), (0.2, 1.4, 0.1, -0.3, -1.2, 0.2, 0.2), n=120, exposure=True, discrete=True,
    ),
    "zip_tau": Truth(
        M("zip_tau", (1, 1), n_tcov=1, n_risk=1), (-0.5, 0.2, 0.3, 1.2, -0.1, -0.3, 0.8, 0.2, 0.5), n=120, weights=True,
    ),
    "exposure_negbin": Truth(
        M("negbin", (1, 1), dispersion_by_group=True), (-0.5, 0.1, 1.4, 0.1, 0.3, 0.6, 0.2), n=120, exposure=True,
    ),
    "never": Truth(
        M("poisson", (-1, 1), n_tcov=1, n_risk=1), (0.6, 0.1, 0.3, 0.2, 0.5), exposure=True, discrete=True,
    ),
    "weights": Truth(M("cnorm", (1, 1), lower=0.0), (0.5, 0.6, 4, -0.5, 1, 0.2), weights=True),
    "zinb": Truth(
        M("zinb", (0, 1), (0,), n_tcov=1, n_risk=1), (0, 0.4, 1.5, 0.1, -0.3, -0.8, 0.4, 0.2, 0.6), n=150, weights=True,
    ),
    "hurdle": Truth(
        M("hurdle", (0, 1), (0, 1), n_tcov=1, n_risk=1), (0, 0.4, 1.5, 0.1, -0.3, 0.8, -1.2, 0.2, 0.2, 0.6), n=150,
        weights=True,
    ),
    "exposure_hurdle": Truth(
        M("hurdle", (0, 1), (0,)), (0.2, 1.4, 0.1, -0.3, 0.2), n=120, exposure=True, discrete=True,
    ),
    "hurdle_negbin": Truth(
        M("hurdle_negbin", (1, 1), (0,), n_tcov=1), (0, 0.1, 0.4, 1.5, 0.1, -0.3, -0.5, 0.7, 0.2), n=200, weights=True,
    ),
    "beta": Truth(
        M("beta", (1, 1), n_tcov=1), (-1, 0.1, 0.4, 0.8, -0.2, -0.3, 8, 15, 0.2), weights=True,
    ),
    "gamma": Truth(
        M("gamma", (1, 1), n_tcov=1), (5, 0.2, 0.4, 7, -0.2, -0.3, 3, 8, 0.2), weights=True,
    ),
    "lognormal": Truth(
        M("lognormal", (1, 1), n_tcov=1, n_risk=1), (2, 0.2, 0.4, 5, -0.2, -0.3, 0.6, 0.2, 0.5), n=100, weights=True,
    ),
    "binomial": Truth(
        M("binomial", (1, 1), n_tcov=1, n_risk=1), (-1, 0.3, 0.4, 0.9, -0.4, -0.3, 0.3, 0.5), n=120, weights=True,
        trials=True,
    ),
    "dropout0": Truth(M("normal", (1, 1), dropout=(0, 0)), (1, 0.5, 4, -0.5, -1.5, -0.8, 0.8, 0.2)),
    "dropout1": Truth(M("normal", (1, 1), dropout=(1, 1)), (1, 0.5, 4, -0.5, -2, 0.4, -0.5, -0.2, 0.8, 0.2), n=120),
    "dropout2": Truth(
        M("normal", (1, 1), dropout=(2, 2)), (1, 0.5, 4, -0.5, -2, 0.3, 0.2, -0.5, -0.2, 0.1, 0.8, 0.2), n=150, waves=7,
    ),
    "dropout_mixed": Truth(
        M("normal", (0, 1, 0), dropout=(-1, 2, 1), n_dcov=1),
        (0, 3, 0.3, 7, -2, 0.2, 0.1, 0.4, -1, -0.1, 0.6, 0.8, 0.2, 0.1), n=150, waves=6, at_random=True,
    ),
    "everything": Truth(
        M("zip", (1, 0), (0,), n_tcov=1, n_risk=1, dropout=(1, 0), n_dcov=1),
        (-0.4, 0.1, 0.4, 1.5, -0.3, -1, -2, 0.3, 0.5, -1.5, -0.4, 0.3, 0.6), n=150, weights=True, exposure=True,
    ),
    "everything_censored": Truth(
        M("cnorm", (1, 0, 1), sigma_by_group=True, lower=0.0, n_tcov=2, n_risk=2, reference=1, dropout=(2, -1, 1),
          n_dcov=1),
        (0.5, 0.3, 0.5, -0.4, 4, 0.3, 0.2, 8, -0.3, -0.6, 0.3, -2, 0.3, 0.1, 0.5, -1.5, -0.1, -0.4, 0.8, 1, 0.6,
         0.2, 0.7, -0.5, -0.3, -0.6, 0.8), n=200, waves=6, weights=True, at_random=True,
    ),
}


@dataclass(frozen=True)
class Drawn:
    """One data set: the user's table and arguments, and the same as the oracle takes it."""

    truth: Truth
    table: pd.DataFrame
    options: dict
    data: tuple[np.ndarray, np.ndarray, np.ndarray]
    beside: oracle.Beside
    group: np.ndarray

    def built(self, **change):
        """The package's model."""
        table = change.pop("data", self.table)
        return gbtm.GBTM.from_formula("y ~ t", table, id="id", **{**self.options, **change})

    def loglik(self, params):
        return oracle.loglik(self.truth.model, params, *self.data, self.beside)

    def subject_loglik(self, params):
        return oracle.subject_loglik(self.truth.model, params, *self.data, self.beside)


@cache
def draw(name: str, seed: int = 7, keep: float = 0.85) -> Drawn:
    """Data of a true model, some outcomes missing; a row is missing altogether for every second subject."""
    truth = PARTS[name]
    model, n, waves = truth.model, truth.n, truth.waves
    rng = np.random.default_rng(seed)
    size = n * waves

    def covariates(rows, columns):
        x = rng.integers(0, 2, (rows, columns)) if truth.discrete else rng.normal(0.5, 1.5, (rows, columns)).round(3)
        return x.astype(float)

    w, z, v = covariates(size, model.n_tcov), covariates(n, model.n_risk), covariates(size, model.n_dcov)
    exposure = rng.choice([0.5, 1.0, 2.0] if truth.discrete else np.linspace(0.2, 3, 40), size)
    if truth.trials:
        exposure = rng.integers(1, 10, size).astype(float)
    has_denominator = truth.exposure or truth.trials
    weights = rng.uniform(0.2, 3, n).round(2)
    at_random = rng.random(n) < 0.2
    subject, time, y, group = oracle.simulate(
        model, truth.params, n, np.arange(waves), rng,
        oracle.Beside(w=w, z=z, exposure=exposure if has_denominator else None, v=v.reshape(n, waves, -1)),
    )
    seen = ~np.isnan(y) & (rng.random(size) < keep)
    no_row = ~seen & (subject % 2 == 1)
    columns = {
        **{f"w{j + 1}": column for j, column in enumerate(w.T)},
        **{f"z{j + 1}": column[subject] for j, column in enumerate(z.T)},
        **{f"v{j + 1}": column for j, column in enumerate(v.T)},
        "e": exposure, "wt": weights[subject], "mar": at_random[subject].astype(float),
    }
    table = pd.DataFrame({"id": subject + 1, "t": time, "y": np.where(seen, y, np.nan), **columns})[~no_row]
    left = seen.reshape(n, waves).any(axis=1)
    beside = oracle.Beside(
        w=w[seen] if model.n_tcov else None, exposure=exposure[seen] if has_denominator else None,
        z=z[left] if model.n_risk else None, weights=weights[left] if truth.weights else None,
        history=np.where(seen, y, np.nan).reshape(n, waves)[left] if model.dropout else None,
        v=np.where(no_row[:, None], np.nan, v).reshape(n, waves, -1)[left] if model.dropout else None,
        at_random=at_random[left] if truth.at_random else None,
    )
    options = {
        **arguments(model),
        "tcov": [f"w{j + 1}" for j in range(model.n_tcov)] or None,
        "risk": [f"z{j + 1}" for j in range(model.n_risk)] or None,
        "dcov": [f"v{j + 1}" for j in range(model.n_dcov)] or None,
        "exposure": "e" if truth.exposure else None,
        "trials": "e" if truth.trials else None, "weights": "wt" if truth.weights else None,
        "obsmar": "mar" if truth.at_random else None,
    }
    return Drawn(truth, table, options, (subject[seen], time[seen].astype(float), y[seen]), beside, group[left])


def away(built, name: str, seed: int = 1, sd: float = 0.15) -> np.ndarray:
    """Internal parameters at random around the truth."""
    flat = built.layout.unreport(np.array(PARTS[name].params, dtype=float))
    return flat + np.random.default_rng(seed).normal(0, sd, flat.size)


PATHS = ("dense", "cells", "rows")


def hold(monkeypatch, path: str) -> None:
    """From here on data are held as a full matrix, as a list of rows that share design cells, or rows that do not."""
    module = inspect.getmodule(CellStatistics)
    monkeypatch.setattr(module, "DENSE_SMALL", 10**9 if path == "dense" else 0)
    monkeypatch.setattr(module, "DENSE_FILL", 0.0 if path == "dense" else 1e9)
    monkeypatch.setattr(module, "PRIVATE_SHARE", 1.0 if path == "cells" else -1.0)


def in_blocks(monkeypatch, size: int = 7) -> None:
    """From here on subjects are taken in blocks of so many (a quarter of it where data are a list)."""
    monkeypatch.setattr(inspect.getmodule(Mixture), "SHARD", size)


def mixture(built) -> Mixture:
    return Mixture(built.layout, built.panel)


def is_held(module: Mixture, path: str) -> bool:
    """The module's data are held that way."""
    wanted = {"dense": (False, False), "cells": (True, False), "rows": (True, True)}[path]
    return all((c.listed, c.private) == wanted for c in module.cells)


def own_posterior(module: Mixture, flat: np.ndarray) -> torch.Tensor:
    """Weight times posterior (1, K, U) at internal parameters."""
    return module.posterior(torch.as_tensor(flat)[None]).detach() * module.weight
