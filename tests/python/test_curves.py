"""Fitted curves and their bands."""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from scipy.special import expit, logit

import gbtm
import oracle
from conftest import TRUTH
from gbtm.constants import SHARED
from gbtm.fit.curves import Curves
from parts import PARTS, draw

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
    assert list(table.columns) == ["group", "t", "estimate", "std err", "lower", "upper", "outside"]
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
    mean = table["estimate"].to_numpy()
    low, high = np.clip(mean - half, *res.curves.range), np.clip(mean + half, *res.curves.range)
    plain = res.curves.band(AT, 0.9, symmetric=True)
    np.testing.assert_allclose(plain[2].ravel(), low, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(plain[3].ravel(), high, rtol=1e-5, atol=1e-8)
    if res.family in ("logit", "beta"):  # the same for logit E(y), taken back
        half /= mean * (1 - mean)
        low, high = expit(logit(mean) - half), expit(logit(mean) + half)
        assert ((low > 0) & (high < 1)).all()
    np.testing.assert_allclose(table["lower"], low, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(table["upper"], high, rtol=1e-5, atol=1e-8)


def test_a_band_of_probabilities_is_that_of_a_logistic_regression():
    """One group is a logistic regression; the band of its linear predictor, as statsmodels has it, taken back."""
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    t = np.tile(np.arange(5.0), 12)
    y = (rng.random(t.size) < expit(1.5 + 0.6 * t)).astype(float)
    y[(t == 4)] = 1  # near a probability of one, where limits at equal distances would leave (0, 1)
    res = gbtm.GBTM(y, t, np.repeat(np.arange(12), 5), groups=1, order=1, family="logit").fit(n_starts=1)
    band = res.predict(AT, level=0.9)
    x = sm.add_constant(AT)
    theirs = sm.Logit(y, sm.add_constant(t)).fit(disp=0)
    se = np.sqrt(np.einsum("ij,jk,ik->i", x, theirs.cov_params(), x))
    for column, sign in (("lower", -1), ("upper", 1)):
        want = expit(x @ theirs.params + sign * stats.norm.ppf(0.95) * se)
        np.testing.assert_allclose(band[column], want, rtol=1e-5)
    flat = res.curves.band(np.array([4.0]), 0.999, symmetric=True)
    assert flat[3][0, 0] == 1.0 > res.curves.band(np.array([4.0]), 0.999)[3][0, 0]


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
    assert np.isfinite(band.iloc[0, :6].astype(float)).all()
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


# -- the formula, at internal parameters of one's choice ---------------------------------------------------------------


def _covariance(size, seed=5):
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T / 50


def _by_differences(curves, expected):
    """Standard error of E(y) (K, C), by differences of ``expected`` in the internal parameters that curves hold."""
    at = np.zeros(curves.cov.shape[0])
    for p, where in curves.positions.items():
        at[where[where >= 0]] = curves.coefficients[p][where >= 0]

    def value(x):
        padded = np.append(x, 0.0)
        return expected({p: padded[where] for p, where in curves.positions.items()})

    jacobian = oracle.fd_gradient(value, at, step=1e-4)
    return np.sqrt(np.einsum("kti,ij,ktj->kt", jacobian, curves.cov, jacobian))


def _censored_mean(eta, sd, low, high):
    """E of a normal cut at both ends, by the integral of its distribution function: low + integral of P(Y > y)."""
    y = np.linspace(low, high, 4001)
    above = stats.norm.sf((y - eta[..., None]) / sd[..., None])
    return low + integrate.trapezoid(above, y)


@pytest.mark.parametrize("slope", [False, True], ids=["intercept", "slope"])
def test_a_censored_outcome_is_averaged_over_the_random_effects(slope, fitted):
    """Its sd among all is sqrt(sigma^2 + s0^2 + (s1 t)^2) on the user's scale; the band has all the parameters."""
    bare = fitted("cnorm").curves
    size = bare.cov.shape[0]
    effects = {"r0_sigma": np.array([[0.6], [0.9]]), **({"r1_sigma": np.array([[0.7], [-0.4]])} if slope else {})}
    curves = replace(
        bare, centre=2.0, scale=1.7, time_scale=2.5, cov=_covariance(size + 3),
        coefficients={**bare.coefficients, **effects},
        positions={**bare.positions, "r0_sigma": np.array([[size], [size + 1]]),
                   **({"r1_sigma": np.array([[size + 2], [size + 2]])} if slope else {})},
        offsets={**bare.offsets, **dict.fromkeys(effects, np.zeros(2))},
    )
    if slope:  # one sd of the slope for both groups
        curves.coefficients["r1_sigma"][1] = 0.7
    columns = bare.bases["mean"].internal(AT)

    def expected(c):
        eta = 2.0 + 1.7 * (c["mean"] @ columns.T)
        variance = (1.7 * np.exp(c["log_sigma"])) ** 2 + (1.7 * c["r0_sigma"]) ** 2 + 0 * AT
        if slope:
            variance = variance + (1.7 / 2.5 * c["r1_sigma"] * AT) ** 2
        return _censored_mean(eta, np.sqrt(variance), *curves.range)

    np.testing.assert_allclose(curves.expected(AT), expected(curves.coefficients), rtol=1e-6)
    alone = replace(curves, coefficients={p: c for p, c in curves.coefficients.items() if p not in effects})
    assert np.abs(curves.expected(AT) - alone.expected(AT)).max() > 0.01
    np.testing.assert_allclose(curves.standard_error(AT), _by_differences(curves, expected), rtol=1e-4)


def test_curves_of_a_record_have_all_that_it_says(fitted):
    """The unit of time of a random slope, the profile; a formula that is code is run where it is trusted only."""
    record, internal = fitted("cnorm").outcomes[0], fitted("cnorm").internal
    assert Curves.of(replace(record, time_scale=2.5), internal).time_scale == 2.5
    with_profile = _fit("tcov")
    curves = Curves.of(with_profile.outcomes[0], with_profile.internal)
    time, w = draw("tcov").data[1], draw("tcov").beside.w
    assert curves.profile_times.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(curves.profile, [w[time == t].mean(axis=0) for t in range(5)], rtol=1e-12)
    y = np.random.default_rng(0).normal(np.minimum(np.arange(5.0), 2.5), 0.1, (20, 5))
    table = pd.DataFrame({"id": np.repeat(range(20), 5), "t": np.tile(np.arange(5.0), 20), "y": y.ravel()})
    broken = gbtm.GBTM.from_formula("y ~ 1 + t.clip(0, 2.5)", table, id="id", groups=1).fit(n_starts=1)
    record, internal = broken.outcomes[0], broken.internal
    line = broken.params.to_numpy()
    trusted = Curves.of(record, internal, trust_formula=True)
    np.testing.assert_allclose(trusted.expected(np.array([2.25])), [[line[0] + 2.25 * line[1]]], rtol=1e-9)
    for wary in (Curves.of(record, internal), Curves.of(record, internal, trust_formula=False)):
        with pytest.raises(gbtm.SpecificationError) as caught:
            wary.expected(np.array([2.25]))
        assert caught.value.code == "unknown_time"


def test_without_bounds_random_effects_leave_the_mean_alone(fitted):
    bare = fitted("normal").curves
    size = bare.cov.shape[0]
    curves = replace(
        bare, cov=_covariance(size + 1), coefficients={**bare.coefficients, "r0_sigma": np.ones((2, 1))},
        positions={**bare.positions, "r0_sigma": np.full((2, 1), size)},
        offsets={**bare.offsets, "r0_sigma": np.zeros(2)},
    )
    np.testing.assert_array_equal(curves.expected(AT), bare.expected(AT))
    same = replace(bare, cov=curves.cov[:size, :size])
    np.testing.assert_allclose(curves.standard_error(AT), same.standard_error(AT), rtol=1e-12)


def test_scale_and_centre_of_the_outcome(fitted):
    """E(y) = centre + scale (x'b + offset), for a normal outcome; its standard error is that of x'b times the scale."""
    bare = fitted("normal").curves
    curves = replace(bare, centre=-7.0, scale=3.0, offsets={**bare.offsets, "mean": np.array([0.25, -1.0])})
    x, c, where = bare.bases["mean"].internal(AT), bare.coefficients["mean"], bare.positions["mean"]
    np.testing.assert_allclose(curves.expected(AT), -7 + 3 * (c @ x.T + [[0.25], [-1.0]]), rtol=1e-12)
    u = curves.predictors(AT)
    np.testing.assert_allclose(u["log_sigma"], bare.coefficients["log_sigma"] + np.log(3) + 0 * AT, rtol=1e-12)
    for k in range(2):
        rows = np.flatnonzero(where[k] >= 0)
        v = curves.cov[np.ix_(where[k][rows], where[k][rows])]
        want = 3 * np.sqrt(np.einsum("tp,pq,tq->t", x[:, rows], v, x[:, rows]))
        np.testing.assert_allclose(curves.standard_error(AT)[k], want, rtol=1e-10)


def test_no_standard_error_where_the_data_do_not_determine_the_curve(fitted):
    """The derivative's length along undetermined directions is above LOADING_MOST of the scale of the outcome."""
    bare = fitted("normal").curves
    size, least = bare.cov.shape[0], SHARED["loading_most"]
    x = bare.bases["mean"].internal(AT)

    def lost(*directions, scale=1.0):
        curves = replace(bare, scale=scale, undetermined=np.array(directions).T)
        return np.isnan(curves.standard_error(AT))

    def along(group, column, length):
        out = np.zeros(size)
        out[bare.positions["mean"][group, column]] = length
        return out

    np.testing.assert_array_equal(lost(along(1, 1, 1.0)), [[False] * 4, np.abs(x[:, 1]) > least])
    assert lost(along(0, 0, 1.0))[0].all()
    constant = np.abs(x[0, 0])  # the first column is the same at all times
    for scale in (0.01, 1.0, 50.0):
        for share, gone in ((0.98, False), (1.02, True)):
            assert (lost(along(0, 0, share * least / constant), scale=scale)[0] == gone).all()
            two = share / np.sqrt(2)
            both = along(0, 0, two * least / constant)
            assert (lost(both, both, scale=scale)[0] == gone).all()
            assert not lost(both, both, scale=scale)[1].any()


def test_covariates_between_waves_whatever_their_order():
    curves = _fit("tcov").curves
    known = np.array([3.0, 0, 1])
    values = np.array([[9.0, 1], [0, 2], [4, -2]])
    drawn = replace(curves, profile=values, profile_times=known)
    at = np.array([-1.0, 0, 0.25, 1, 2, 3, 8])
    want = np.array([[0, 2], [0, 2], [1, 1], [4, -2], [6.5, -0.5], [9, 1], [9, 1.0]])
    np.testing.assert_allclose(drawn._profile_at(at), want)
    np.testing.assert_allclose(drawn.expected(at), curves.expected(at, want), rtol=1e-12)


def test_what_has_no_limit_is_infinite_without_a_word(fitted):
    """exp of a line far out; and its standard error."""
    curves = fitted("poisson").curves
    far = np.array([1e4]) * np.sign(fitted("poisson").params["t[1]"])
    with np.errstate(over="raise", invalid="ignore"):
        assert np.isinf(curves.expected(far)[0]).all()
        assert not np.isfinite(curves.standard_error(far)[0]).any()


@pytest.mark.parametrize("times", [[], [0.0, np.nan], [np.inf, 1.0]])
def test_times_that_are_none(times, fitted):
    with pytest.raises(gbtm.SpecificationError) as caught:
        fitted("normal").curves.band(np.array(times))
    assert (caught.value.code, caught.value.argument) == ("bad_times", "times")
    assert str(caught.value) == "times: missing or infinite times. Give finite numbers."


def test_bands_are_normal_intervals_of_the_level(fitted):
    curves = fitted("normal").curves
    for level in (None, 0.5, 0.99):
        estimate, se, low, high = curves.band(AT) if level is None else curves.band(AT, level)
        z = stats.norm.ppf(0.5 + (level or 0.95) / 2)
        np.testing.assert_array_equal(se, curves.standard_error(AT))
        np.testing.assert_allclose(low, estimate - z * se, rtol=1e-12)
        np.testing.assert_allclose(high, estimate + z * se, rtol=1e-12)
    with pytest.raises(gbtm.SpecificationError) as caught:
        curves.band(AT, 95)
    assert caught.value.code == "bad_level"


# -- covariates and exposure ------------------------------------------------------------------------------------------

WITH_TCOV = ("tcov", "never", "zinb", "beta", "everything", "everything_censored")


@functools.cache
def _fit(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return draw(name).built().fit(n_starts=4)


def _with_covariates(name, params, t, w, exposure=None):
    """E(y) of each group (K, C) at covariates w (q,) or (C, q), from the density alone."""
    model, p = PARTS[name].model, oracle.read(PARTS[name].model, params)
    w = np.broadcast_to(w, (t.size, model.n_tcov))
    etas = [oracle.linear_predictor(p, k, t, oracle.Beside(w=w, exposure=exposure)) for k in range(model.n_groups)]
    out = []
    for k, eta in enumerate(etas):
        stays = 1.0 if p.zero[k] is None else 1 / (1 + np.exp(oracle.polynomial(t, p.zero[k])))
        if eta is None:
            out.append(np.zeros(t.size))
        elif model.family == "beta":
            out.append(1 / (1 + np.exp(-eta)))
        elif model.family == "cnorm":  # censored below only
            z = (eta - model.lower) / p.scale[k]
            out.append(model.lower + p.scale[k] * (z * stats.norm.cdf(z) + stats.norm.pdf(z)))
        else:
            out.append(stays * np.exp(eta))
    return np.array(out)


@pytest.mark.parametrize("name", WITH_TCOV)
def test_curves_are_drawn_at_the_means_of_the_covariates(name):
    """At each time that of the observations there, between them along a line, and for an exposure of 1."""
    res, data = _fit(name), draw(name).beside
    seen = res.outcomes[0].data
    times = np.unique(seen.time)
    at_times = np.array([seen.covariates[seen.time == t].mean(axis=0) for t in times])
    assert seen.covariates.shape == data.w.shape
    means = np.column_stack([np.interp(AT, times, w) for w in at_times.T])
    want = _with_covariates(name, res.params, AT, means)
    np.testing.assert_allclose(res.predict(AT)["estimate"], want.ravel(), rtol=1e-8, atol=1e-10)


def _dose(shift):
    """Doses that rise with time, by as much each year."""
    rng = np.random.default_rng(31)
    i, t = np.repeat(np.arange(60), 5), np.tile(np.arange(5.0), 60)
    dose = t * np.where(i % 2, 0.5, 1.0)
    y = np.array([2.0, 5.0])[i // 2 % 2] + 0.1 * t + 0.8 * dose + rng.normal(0, 0.5, i.size)
    return pd.DataFrame({"id": i, "t": t + shift(rng, i.size), "dose": dose, "y": y, "sex": i % 3 == 0})


def test_a_covariate_that_rises_with_time_rises_along_the_curve():
    d = _dose(lambda rng, n: 0.0)
    res = gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, tcov=["dose", "sex"]).fit(n_starts=2)
    b, means = res.params, d.groupby("t")[["dose", "sex"]].mean()
    want = [b[f"intercept[{k}]"] + b[f"t[{k}]"] * t + b[f"dose[{k}]"] * m.dose + b[f"sex[{k}]"] * m.sex
            for k in (1, 2) for t, m in means.iterrows()]
    np.testing.assert_allclose(res.predict()["estimate"], want, rtol=1e-10)
    assert "Curves are drawn at the mean of dose, sex at each time." in str(res.summary())


def test_times_of_ones_own_are_gathered_in_bins():
    """With more than 60 of them, in 20 bins of equal width."""
    d = _dose(lambda rng, n: rng.uniform(0, 0.9, n))
    res = gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, tcov=["dose"]).fit(n_starts=2)
    bins = pd.cut(d.t, np.linspace(d.t.min(), d.t.max(), 21), labels=False, include_lowest=True)
    profile = res.outcomes[0].profile
    np.testing.assert_allclose(profile.times, d.t.groupby(bins).mean())
    np.testing.assert_allclose(profile.values[:, 0], d.dose.groupby(bins).mean())


def test_a_covariate_that_does_not_move_has_one_value():
    d = _dose(lambda rng, n: 0.0)
    res = gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, tcov=["sex"]).fit(n_starts=2)
    assert "Curves are drawn at sex = 0.3333." in str(res.summary())


@pytest.mark.parametrize("name", WITH_TCOV)
def test_curves_at_covariates_of_ones_choice(name):
    res, q = _fit(name), PARTS[name].model.n_tcov
    rng = np.random.default_rng(0)
    for w in (rng.normal(size=q), rng.normal(size=(AT.size, q))):
        want = _with_covariates(name, res.params, AT, w)
        np.testing.assert_allclose(res.predict(AT, tcov=w)["estimate"], want.ravel(), rtol=1e-8, atol=1e-10)
    exposure = np.array([0.5, 1, 2, 4])
    if PARTS[name].exposure:
        want = _with_covariates(name, res.params, AT, w, exposure)
        np.testing.assert_allclose(res.curves.expected(AT, w, exposure), want, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", WITH_TCOV)
def test_band_with_covariates_is_the_delta_method(name):
    res = _fit(name)
    w = np.random.default_rng(1).normal(size=(AT.size, PARTS[name].model.n_tcov))
    step = res.bse.to_numpy()
    jac = oracle.fd_gradient(
        lambda z: _with_covariates(name, res.params.to_numpy() + step * z, AT, w), np.zeros(step.size), step=1e-2
    ) / step
    want = np.sqrt(np.einsum("kti,ij,ktj->kt", jac, res.cov_params().to_numpy(), jac))
    table = res.predict(AT, tcov=w)
    np.testing.assert_allclose(table["std err"], want.ravel(), rtol=1e-5, atol=1e-9)


def test_a_profile_by_wave_is_joined_by_lines():
    """Between the waves along a line, beyond them at the nearest wave's."""
    built = draw("tcov").built()
    profile = np.array([[0.0, 1], [2, 1], [2, 3], [0, 3], [0, 0]])
    res = gbtm.GBTM.from_panel(built.panel, built.spec, profile=profile).fit(n_starts=2)
    at = np.array([0.0, 1, 1.5, 3.25, 4, 9])
    w = np.array([[0.0, 1], [2, 1], [2, 2], [0, 2.25], [0, 0], [0, 0]])
    want = _with_covariates("tcov", res.params, at, w)
    np.testing.assert_allclose(res.predict(at)["estimate"], want.ravel(), rtol=1e-9)
    np.testing.assert_array_equal(res.predict(at)["std err"], res.predict(at, tcov=w)["std err"])


def test_one_covariate_at_one_value():
    res = _fit("beta")
    np.testing.assert_array_equal(res.predict(AT, tcov=0.5).to_numpy(), res.predict(AT, tcov=[0.5]).to_numpy())
    by_time = res.predict(AT, tcov=[0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(by_time.to_numpy(), res.predict(AT, tcov=np.c_[[0.1, 0.2, 0.3, 0.4]]).to_numpy())


@pytest.mark.parametrize("tcov", [[1.0, 2, 3], [[1.0, 2]] * 3, [np.nan, 1], "high", [np.inf, 0]])
def test_profiles_that_do_not_fit(tcov):
    with pytest.raises(gbtm.SpecificationError, match=r"tcov: .*w1, w2") as caught:
        _fit("tcov").predict(AT, tcov=tcov)
    assert (caught.value.code, caught.value.argument) == ("bad_profile", "tcov")


def test_a_profile_without_covariates(fitted):
    with pytest.raises(gbtm.SpecificationError, match="none"):
        fitted("normal").predict(AT, tcov=[1.0])


def test_curves_with_covariates_from_a_loaded_fit_are_the_same(tmp_path):
    for name in ("tcov", "everything_censored"):
        _fit(name).save(tmp_path / "fit.json")
        again = gbtm.load(tmp_path / "fit.json")
        w = np.ones(2)
        np.testing.assert_array_equal(again.predict(AT).to_numpy(), _fit(name).predict(AT).to_numpy())
        np.testing.assert_array_equal(again.predict(AT, tcov=w).to_numpy(), _fit(name).predict(AT, tcov=w).to_numpy())


@pytest.mark.parametrize("name", ["dropout1", "risk", "exposure", "weights"])
def test_other_parts_leave_the_curve_its_formula(name):
    """Membership, dropout, exposure and weights change estimates, not what a curve is."""
    res = _fit(name)
    model, t = PARTS[name].model, AT
    p = oracle.read(model, res.params)
    eta = np.array([oracle.polynomial(t, c) + 0 * t for c in p.mean])
    if model.family == "cnorm":
        want = _with_covariates(name, res.params, t, np.zeros((t.size, 0)))
    else:
        want = np.exp(eta) if model.family == "poisson" else eta
    np.testing.assert_allclose(res.predict(t)["estimate"], want.ravel(), rtol=1e-9)


@pytest.mark.parametrize(("times", "far"), [([0.0], None), ([40.0], "40 is"), ([-9, 0, 30.0], "-9, 30 are")])
def test_times_far_outside_what_was_seen_bring_a_warning_with_the_range(times, far):
    data = gbtm.datasets.two_groups(rng=0)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(n_starts=1)
    low, high = data.t.min(), data.t.max()
    if far is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            res.predict()
            res.predict([low, high, high + 0.24 * (high - low)])
        return
    with pytest.warns(gbtm.GBTMWarning, match=f"times: {far} far outside the observed ones, {low:g} to {high:g}"):
        table = res.predict(times)
    assert np.isfinite(table["estimate"]).all()
