"""Fitted curves and their bands."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import TRUTH

AT = np.array([0.0, 0.7, 2.0, 3.9])


def _expected(model, params, t):
    """E(y) of each group at t, from the density alone."""
    mean, zero, sigma, _ = oracle.unpack(model, params)
    out = []
    for k in range(model.n_groups):
        if mean[k] is None:
            out.append(np.zeros(t.size))
            continue
        eta = oracle.polynomial(t, mean[k]) + 0 * t
        if model.family == "normal":
            value = eta
        elif model.family == "logit":
            value = 1 / (1 + np.exp(-eta))
        elif model.family in ("poisson", "zip"):
            stays = 1.0 if zero[k] is None else 1 / (1 + np.exp(oracle.polynomial(t, zero[k])))
            value = stays * np.exp(eta)
        else:
            a, b = (model.lower - eta) / sigma[k], (model.upper - eta) / sigma[k]
            value = (
                (model.lower * stats.norm.cdf(a) if np.isfinite(model.lower) else 0)
                + (model.upper * stats.norm.sf(b) if np.isfinite(model.upper) else 0)
                + eta * (stats.norm.cdf(b) - stats.norm.cdf(a)) + sigma[k] * (stats.norm.pdf(a) - stats.norm.pdf(b))
            )
        out.append(value)
    return np.array(out)


@pytest.mark.parametrize("name", TRUTH)
def test_curve_is_the_mean_of_the_outcome(name, fitted):
    res = fitted(name)
    want = _expected(TRUTH[name][0], res.params.to_numpy(), AT)
    np.testing.assert_allclose(res.curves.expected(AT), want, rtol=1e-8, atol=1e-10)
    table = res.predict(AT)
    np.testing.assert_allclose(table["estimate"].to_numpy().reshape(want.shape), want, rtol=1e-8, atol=1e-10)
    assert list(table.columns) == ["group", "t", "estimate", "std err", "lower", "upper"]
    assert table["group"].tolist() == np.repeat([1, 2], 4).tolist()


@pytest.mark.parametrize("name", TRUTH)
def test_band_is_the_delta_method(name, fitted):
    res = fitted(name)
    model = TRUTH[name][0]
    jac = oracle.fd_gradient(lambda x: _expected(model, x, AT), res.params.to_numpy(), step=2e-4)
    cov = res.cov_params().to_numpy()
    assert np.isfinite(cov).all()
    want = np.sqrt(np.einsum("kti,ij,ktj->kt", jac, cov, jac))
    np.testing.assert_allclose(res.curves.standard_error(AT), want, rtol=1e-5, atol=1e-8)
    table = res.predict(AT, level=0.9)
    z = stats.norm.ppf(0.95)
    half = (z * want).ravel()
    low, high = res.curves.range
    np.testing.assert_allclose(table["lower"], np.clip(table["estimate"] - half, low, high), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(table["upper"], np.clip(table["estimate"] + half, low, high), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("name", "low", "high"), [("logit", 0, 1), ("poisson", 0, np.inf), ("cnorm", 0, 6)])
def test_bands_stay_in_the_outcomes_range(name, low, high, fitted):
    band = fitted(name).predict(np.linspace(-20, 25, 40), level=0.999)
    assert (band["lower"] >= low).all()
    assert (band["upper"] <= high).all()


def test_default_times_are_the_observed_ones(fitted):
    table = fitted("normal").predict()
    assert table["t"].tolist() == [0, 1, 2, 3, 4] * 2


def test_a_group_that_never_happens_is_flat_zero(fitted):
    table = fitted("poisson_never").predict(AT)
    first = table[table["group"] == 1]
    assert (first[["estimate", "std err", "lower", "upper"]] == 0).all(axis=None)


def test_separated_curve_has_an_estimate_and_no_invented_band():
    """Identified at the probability of one: the curve is certain there although its coefficients are not."""
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((50, 8)), rng.random((70, 8)) < 0.4])
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM(y, range(8), groups=2, order=0, family="logit").fit()
    band = res.predict([3.0])
    assert band["estimate"].iloc[1] == pytest.approx(1.0, abs=1e-6)
    assert np.isfinite(band.iloc[0]).all()
    assert 0 <= band["std err"].iloc[1] < 1e-3 or np.isnan(band["std err"].iloc[1])


def test_curves_from_a_loaded_fit_are_the_same(tmp_path, fitted):
    for name in ("zip_own", "cnorm"):
        fitted(name).save(tmp_path / "fit.json")
        again = gbtm.load(tmp_path / "fit.json")
        np.testing.assert_array_equal(again.predict(AT).to_numpy(), fitted(name).predict(AT).to_numpy())


def test_coverage_of_the_band_narrows_with_level(fitted):
    res = fitted("normal")
    bands = [res.predict(AT, level=p) for p in (0.5, 0.9, 0.99)]
    width = [float((b["upper"] - b["lower"]).sum()) for b in bands]
    assert width == sorted(width)
    ratio = width[2] / width[0]
    assert ratio == pytest.approx(stats.norm.ppf(0.995) / stats.norm.ppf(0.75), rel=1e-9)
