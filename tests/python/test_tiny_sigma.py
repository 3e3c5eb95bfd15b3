"""Sigmas far below the spread of the outcome: maxima like any other, told from those that have no bound."""

from __future__ import annotations

import warnings

import mpmath
import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from gbtm.likelihood.derivatives import observed, subject_scores
from gbtm.likelihood.mixture import Mixture
from gbtm.record.rebuild import module_of
from parts import PATHS, hold, in_blocks, is_held

TIMES = np.arange(6.0)
# noise, its sd 1 and its people of either group
KINDS = {
    "normal": {"family": "normal"},
    "sigma_by_group": {"family": "normal", "sigma_by_group": True},
    "cnorm": {"family": "cnorm", "min": 0.0},
    "ar1": {"family": "normal", "ar1": True},
    "random_intercept": {"family": "normal", "rorder": [0, 0]},
    "random_slope": {"family": "normal", "rorder": [1, 1]},
}
SUBJECTS = 40


def _noise(rng, kind):
    """(N, T) of mean 0."""
    e = rng.normal(size=(SUBJECTS, TIMES.size))
    if kind == "ar1":
        for t in range(1, TIMES.size):
            e[:, t] = 0.6 * e[:, t - 1] + 0.8 * e[:, t]
    if kind.startswith("random"):
        e += 1.5 * rng.normal(size=(SUBJECTS, 1))
    if kind == "random_slope":
        e += 0.5 * rng.normal(size=(SUBJECTS, 1)) * TIMES
    return e


def _curves():
    """(N, T): two groups a hundred apart."""
    second = np.arange(SUBJECTS) % 5 < 2
    return np.where(second[:, None], 300 - 8 * TIMES, 100 + 5 * TIMES)


def _model(y, kind, times=TIMES):
    return gbtm.GBTM(y, times, groups=2, order=[1, 1], **KINDS[kind])


def _fit(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return model.fit(rng=0, n_starts=4)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
def test_about_a_curve_the_likelihood_is_the_same(kind, path, monkeypatch):
    if not kind.startswith("random"):
        hold(monkeypatch, path)
    in_blocks(monkeypatch)
    rng = np.random.default_rng(4)
    y = np.clip(_curves() / 100 + _noise(rng, kind), 0, None)
    y[rng.random(y.shape) < 0.1] = np.nan
    model = _model(y, kind)
    flat = rng.normal(0, 0.3, model.layout.size)
    about = flat + rng.normal(0, 0.2, flat.size)
    plain = Mixture(model.layout, model.panel)
    centred = Mixture(model.layout, model.panel, about=about)
    assert kind.startswith("random") or is_held(centred, path)
    at = torch.as_tensor(np.stack([flat, about, 0.5 * flat]))
    for got, want in zip(observed(centred, at), observed(plain, at), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11 * want.abs().max())
    for ask in ("total_loglik", "posterior"):
        np.testing.assert_allclose(*(getattr(m, ask)(at).detach() for m in (centred, plain)), rtol=1e-9, atol=1e-12)
    scores = [subject_scores(m, at[0]).detach() for m in (centred, plain)]
    np.testing.assert_allclose(*scores, rtol=1e-8, atol=1e-9)
    curves = [m.curves(flat) for m in (centred, plain)]
    for name, want in curves[1].items():
        np.testing.assert_allclose(curves[0][name], want, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("kind", ["normal", "sigma_by_group"])
def test_noise_a_million_times_smaller_has_estimates_a_million_times_smaller(kind):
    """y = curve + c e of groups that are far apart: shares stay, sigma and standard errors are c times as large."""
    noise, small = _noise(np.random.default_rng(8), kind), 1e-6
    one, other = (_fit(_model(_curves() + c * noise, kind)) for c in (1.0, small))
    assert other.converged
    assert not {w["code"] for w in other.document["warnings"]} - {w["code"] for w in one.document["warnings"]}
    assert other.llf == pytest.approx(one.llf - noise.size * np.log(small), rel=1e-9)
    scales = one.params.index.str.contains("sigma")
    assert scales.any()
    np.testing.assert_allclose(other.params[scales].abs(), small * one.params[scales].abs(), rtol=1e-6)
    same = one.params.index.str.contains("theta")
    np.testing.assert_allclose(other.params[same], one.params[same], rtol=1e-6)
    np.testing.assert_allclose(other.bse[same], one.bse[same], rtol=1e-6)
    np.testing.assert_allclose(other.bse[~same], small * one.bse[~same], rtol=1e-6)


def _least_squares(x, y):
    """Coefficients and sigma of one group, at 50 digits."""
    with mpmath.workdps(50):
        x, y = (mpmath.matrix(v.tolist()) for v in (x, y))
        beta = mpmath.lu_solve(x.T * x, x.T * y)
        rest = y - x * beta
        return [float(b) for b in beta], float(mpmath.sqrt((rest.T * rest)[0] / len(y)))


@pytest.mark.parametrize("formula", ["y ~ t", "y ~ 0 + t"])
@pytest.mark.parametrize("sigma", [1e-3, 1e-6, 1e-10])
def test_one_group_is_least_squares(formula, sigma):
    """Without an intercept the outcome is not even centred inside."""
    rng = np.random.default_rng(1)
    t = np.tile(np.arange(1.0, 7), 30)
    data = pd.DataFrame({"id": np.repeat(np.arange(30), 6), "t": t, "y": 3 * t + sigma * rng.normal(size=t.size)})
    x = np.column_stack([np.ones(t.size), t]) if formula == "y ~ t" else t[:, None]
    beta, want = _least_squares(x, data[["y"]].to_numpy())
    options = {"order": 1} if formula == "y ~ t" else {}
    res = gbtm.GBTM.from_formula(formula, data, id="id", groups=1, family="normal", **options).fit()
    assert res.converged
    np.testing.assert_allclose(res.params.iloc[:-1], beta, rtol=0, atol=1e-4 * sigma + 1e-14)
    assert res.params.iloc[-1] == pytest.approx(want, rel=max(1e-10, 1e-15 / sigma))


def test_no_deviation_at_all_has_no_bound():
    """Lines without noise: rounding is all that is left of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM(_curves() * 0.1, TIMES, groups=2, order=1, family="normal").fit(rng=0, n_starts=4)
    assert "collapsed_sigma" in {w["code"] for w in res.document["warnings"]}


def test_one_group_without_deviation_among_others_is_found_and_said():
    """With a sigma of its own that group's likelihood has no bound, however many people are in it."""
    noise = _noise(np.random.default_rng(8), "normal")
    noise[np.arange(SUBJECTS) % 5 < 2] = 0.0
    for c in (1.0, 1e-6):
        res = _fit(_model(_curves() + c * noise, "sigma_by_group"))
        codes = {w["code"] for w in res.document["warnings"]}
        assert codes & {"collapsed_sigma", "collapsed_rival"}, c
        assert ("collapsed_sigma" in codes) or res.params.filter(like="sigma").min() > 0.1 * c


def test_what_follows_from_a_fit_knows_its_people(tmp_path):
    """A stored fit, read again, has the same log-likelihood."""
    y = _curves() / 300 + 1e-8 * _noise(np.random.default_rng(8), "normal")
    res = _fit(_model(y, "normal"))
    assert (res.posterior.max(axis=1) > 1 - 1e-12).all()
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    module = module_of(again)
    assert module.cells[0].centred
    assert float(module().detach().sum()) == pytest.approx(res.llf, rel=1e-14)
