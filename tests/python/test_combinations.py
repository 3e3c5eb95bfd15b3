"""Every family with every part, and every two parts together: a fit that holds, or a refusal in a sentence."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.errors import SpecificationError
from gbtm.families import FAMILIES, having
from gbtm.record.document import from_json, to_json
from gbtm.record.rebuild import module_of

N, T = 90, 5


def _table() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    group = rng.random(N) < 0.5
    t = np.arange(T)
    n = N * T
    w = rng.normal(size=(N, T))
    level = np.where(group[:, None], 1.0 - 0.1 * t, -0.6 + 0.15 * t) + 0.2 * w
    mu = np.exp(level)
    table = pd.DataFrame(
        {
            "id": np.repeat(np.arange(N), T), "t": np.tile(t.astype(float), N),
            "normal": (level + 0.7 * rng.normal(size=level.shape)).ravel(),
            "count": 1.0 * (rng.poisson(mu * rng.gamma(2.0, 0.5, mu.shape)) * (rng.random(mu.shape) > 0.2)).ravel(),
            "logit": (rng.random(mu.shape) < 1 / (1 + np.exp(-2 * level))).ravel() * 1.0,
            "binomial": rng.binomial(6, 1 / (1 + np.exp(-level))).ravel() * 1.0, "n": rng.integers(6, 9, n) * 1.0,
            "ordinal": 1.0 * (rng.logistic(size=mu.shape) + level > 0).ravel()
            + (rng.logistic(size=mu.shape) + level > 1.5).ravel(),
            "gamma": rng.gamma(4.0, mu / 4).ravel(),
            "lognormal": np.exp(level + 0.4 * rng.normal(size=mu.shape)).ravel(),
            "beta": rng.beta(6 / (1 + np.exp(-level)), 6 / (1 + np.exp(level))).ravel(),
            "w": w.ravel(), "e": rng.uniform(0.5, 2.0, n), "x": np.repeat(rng.normal(size=N) + group, T),
            "s": np.repeat(rng.uniform(0.5, 2.0, N), T), "psu": np.repeat(np.arange(N) % 15, T),
            "held": np.repeat((np.arange(N) < 8) * 1, T),
            "told": np.repeat(np.where(np.arange(N) % 4 == 3, 1.0 + group, np.nan), T),
            "mar": np.repeat((np.arange(N) % 10 == 0) * 1, T),
        }
    )
    table["multinomial"] = 1.0 * (table["ordinal"] == 0) + 2.0 * (np.random.default_rng(12).random(n) < 0.3)
    # dropout: some are not seen again after a wave
    last = np.where(rng.random(N) < 0.3, rng.integers(1, T - 1, N), T - 1)
    gone = table["t"].to_numpy() > np.repeat(last, T)
    gone_columns = ["normal", "count", "logit", "beta", "binomial", "ordinal", "multinomial", "gamma", "lognormal"]
    table.loc[gone, gone_columns] = np.nan
    return table


TABLE = _table()
PARTS = {
    "risk": {"risk": ["x"]},
    "refgroup": {"refgroup": 2},
    "tcov": {"tcov": ["w"]},
    "common": {"common": "~ x * t"},
    "exposure": {"exposure": "e"},
    "trials": {"trials": "n"},
    "weights": {"weights": "s"},
    "cluster": {"cluster": "psu"},
    "out_of_sample": {"out_of_sample": "held"},
    "dropout0": {"dropout": 0},
    "dropout1": {"dropout": [1, 0], "dcov": ["w"], "obsmar": "mar"},
    "ar1": {"ar1": True},
    "rorder": {"rorder": 0},
    "rorder1": {"rorder": [1, 0]},
    "sigma_by_group": {"sigma_by_group": True},
    "dispersion_by_group": {"dispersion_by_group": True},
    "never": {"order": [-1, 1]},
    "iorder": {"iorder": [0, -1]},
    "censored": {"min": -0.5, "censor_beyond": True},
    "basis": {"formula": "bs(t, df=4)"},
    "constraints": {"constraints": ["intercept[2] = 0.1"]},
    "known": {"known": "told"},
}
GOES_WITH = {
    "exposure": having("takes_exposure"), "trials": having("takes_trials"),
    "ar1": having("may_correlate"), "rorder": having("may_correlate"),
    "rorder1": having("may_correlate"), "sigma_by_group": having("has_sigma"),
    "dispersion_by_group": having("has_dispersion"), "dropout1": having("has_mean"),
    "common": having("has_mean"), "never": having("may_be_never"), "iorder": having("has_zero_part"),
    "censored": having("has_bounds"),
}
NO_MODEL = {
    frozenset(p)
    for p in [("ar1", "rorder"), ("ar1", "rorder1"), ("never", "basis")]
}


def _model(family: str, parts: tuple[str, ...]) -> gbtm.GBTM:
    traits = FAMILIES[family]
    outcome = "count" if traits.is_count else "normal" if traits.has_sigma and not traits.of_log else family
    arguments: dict = {"groups": 2, "order": 1, "family": family}
    if traits.takes_trials:
        arguments["trials"] = "n"
    for part in parts:
        arguments |= PARTS[part]
    if not traits.has_mean and "constraints" in arguments:
        arguments["constraints"] = ["intercept:2[2] = 0.1"]
    rhs = arguments.pop("formula", "t")
    if rhs != "t" and "never" not in parts:
        arguments["order"] = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.GBTM.from_formula(f"{outcome} ~ {rhs}", TABLE, id="id", **arguments)


def _fit(family: str, parts: tuple[str, ...]) -> gbtm.GBTMResults:
    model = _model(family, parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return model.fit(n_starts=2, rng=0)


def _is_model(family: str, parts: tuple[str, ...]) -> bool:
    fits = all(family in GOES_WITH.get(part, FAMILIES) for part in parts)
    return fits and not any(pair <= set(parts) for pair in NO_MODEL)


def _check(family: str, parts: tuple[str, ...]) -> None:
    if not _is_model(family, parts):
        with pytest.raises(SpecificationError) as caught:
            _fit(family, parts)
        assert caught.value.way_out
        assert caught.value.argument
        return
    res = _fit(family, parts)
    assert np.isfinite(res.llf)
    assert np.isfinite(res.params).all()
    # the stored fit is the same model, and has the same likelihood
    stored = gbtm.GBTMResults(from_json(to_json(res.document)), trust_formula=True)
    module = module_of(stored)
    assert float(module.total_loglik(module.flat()[None]).detach()) == pytest.approx(res.llf, abs=1e-8)
    str(res.summary())
    assert res.to_traj().text
    assert np.isfinite(res.predict([0.0, 1.5])["estimate"]).all()
    assert not FAMILIES[family].has_mean or np.isfinite(res.resid).all()
    np.testing.assert_allclose(res.posterior.sum(axis=1), 1.0)
    scored = stored.classify(TABLE[TABLE["id"].isin(res.ids[:3])])
    if not any(p.startswith("dropout") for p in parts):  # new people have not dropped out, those fitted may have
        np.testing.assert_allclose(
            scored["probability"].to_numpy().reshape(-1, 2), res.posterior.to_numpy()[:3], atol=1e-8
        )


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("part", list(PARTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_with_a_part(family, part):
    _check(family, (part,))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("pair", [p for p in itertools.combinations(PARTS, 2)], ids="-".join)
@pytest.mark.parametrize("family", FAMILIES)
def test_two_parts_together(family, pair):
    _check(family, pair)


def _check_names(family: str, parts: tuple[str, ...]) -> None:
    """The torch module holds under each name the coefficients of that name, all of them and no others."""
    if not _is_model(family, parts):
        return
    model = _model(family, parts)
    module, layout = model.module(), model.layout
    flat = 1.0 + np.arange(layout.size)
    module.set_flat(flat)
    np.testing.assert_array_equal(module.flat().detach().numpy(), flat)
    held = {name: values.detach().numpy() for name, values in module.free.items()}
    assert sum(values.size for values in held.values()) == layout.size
    for m, part in enumerate(layout.parts):
        for predictor in set(part.family.predictors) - {"lag_mean"}:  # that is the curve again
            want = layout.coefficients(flat, m, predictor).ravel()
            want = list(dict.fromkeys(want[want > 0]))  # group after group, once where common to all
            if predictor == "mean":
                want.sort()  # effects common to all groups come last
            name = predictor if len(layout.parts) == 1 else f"{predictor}_{m}"
            np.testing.assert_array_equal(held.pop(name, []), want)
    theta = layout.membership_coefficients(flat)
    np.testing.assert_array_equal(held.pop("theta"), theta[theta > 0])
    assert not held


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("part", list(PARTS))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_module_holds_under_a_name_the_coefficients_of_that_name(family, part):
    _check_names(family, (part,))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("pair", [p for p in itertools.combinations(PARTS, 2)], ids="-".join)
def test_names_of_two_parts_together(pair):
    for family in FAMILIES:
        _check_names(family, pair)
