"""Residual checks: every table against plain loops over the oracle, right models left in peace, wrong ones named."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import gbtm
import oracle
from conftest import TRUTH, arguments, long_table, other_groups
from gbtm.adequacy.fitted import Fitted
from gbtm.adequacy.residuals import residual_checks
from parts import draw


def fit(data, n_starts=4, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.GBTM.from_formula("y ~ t", data, id="id", **options).fit(rng=0, n_starts=n_starts)


def by_hand(res):
    """Means, standard deviations and log densities (K, n) of a fit without covariates, by the oracle."""
    model, (subject, time, y) = oracle.of_results(res), oracle.data_of(res)
    mean, zero, scale, log_share = oracle.unpack(model, res.params.to_numpy())
    eta = [None if b is None else oracle.polynomial(time, b) + 0 * time for b in mean]
    zeta = [None if a is None else oracle.polynomial(time, a) + 0 * time for a in zero]
    name = {"negbin": "psi", "zinb": "psi", "beta": "phi"}.get(model.family, "sigma")

    def log_density(values):
        return np.array([
            oracle.log_density(model.family, values, eta[k], zeta=zeta[k], lower=model.lower, upper=model.upper,
                               **{name: scale[k]})
            for k in range(model.n_groups)
        ])

    return SimpleNamespace(
        subject=subject.astype(int), time=time, y=y, eta=eta, zeta=zeta, scale=scale, log_share=log_share,
        log_density=log_density, posterior=res.group_sets[0].posterior,
    )


@pytest.mark.parametrize("name", ["poisson", "zip_own", "zip_never", "cnorm", "logit", "normal_sbg"])
def test_densities_are_the_oracles(fitted, name):
    res = fitted(name)
    hand = by_hand(res)
    got, wanted = Fitted.of(res).log_density(), hand.log_density(hand.y)
    np.testing.assert_allclose(np.exp(got), np.exp(wanted), rtol=1e-8, atol=1e-12)


def test_means_and_their_standard_errors(fitted):
    res = fitted("poisson")
    hand = by_hand(res)
    means = residual_checks(res).means
    for _, row in means.iterrows():
        k, total, top, low, between, model = int(row["group"]) - 1, 0.0, 0.0, 0.0, 0.0, 0.0
        here = np.flatnonzero(hand.time == row["time"])
        rate = np.exp(hand.eta[k][here])
        p = hand.posterior[hand.subject[here], k]
        total, top, low = p.sum(), p @ hand.y[here], p @ rate
        gap = (top - low) / total
        between, model = np.sum((p * (hand.y[here] - rate - gap)) ** 2), np.sum(p**2 * rate)
        assert row["n"] == pytest.approx(total)
        assert row["observed"] == pytest.approx(top / total)
        assert row["fitted"] == pytest.approx(low / total)
        assert row["se"] == pytest.approx(np.sqrt(max(between, model)) / total)
        assert row["upper"] - row["fitted"] == pytest.approx(stats.norm.isf(0.025) * row["se"])


def test_rootogram_by_hand(fitted):
    res = fitted("zip_own")
    hand = by_hand(res)
    table = residual_checks(res).distribution
    weight = hand.posterior[hand.subject].T
    for j, row in table.iloc[:-1].iterrows():
        assert row["observed"] == (hand.y == j).sum()
        chance = np.exp(hand.log_density(np.full(hand.y.size, float(j))))
        assert row["expected"] == pytest.approx((weight * chance).sum())
    assert table["value"].iloc[-1] == f"{int(hand.y.max()) + 1}+"
    assert table["observed"].sum() == res.nobs
    assert table["expected"].sum() == pytest.approx(res.nobs, rel=1e-13)  # a sum of 16 numbers is not exact


@pytest.mark.parametrize("name", ["cnorm", "normal_sbg", "logit"])
def test_quantile_residuals_leave_their_own_observation_out(fitted, name):
    res = fitted(name)
    hand = by_hand(res)
    lf = hand.log_density(hand.y)
    total = hand.log_share[:, None] + np.array([np.bincount(hand.subject, row) for row in lf])
    weight = total[:, hand.subject] - lf
    weight = np.exp(weight - logsumexp(weight, axis=0))
    if name == "logit":
        one = np.array([1 / (1 + np.exp(-e)) for e in hand.eta])
        below, upto = np.where(hand.y == 1, 1 - one, 0), np.where(hand.y == 1, 1, 1 - one)
    else:
        below = np.array([stats.norm.cdf(hand.y, hand.eta[k], hand.scale[k]) for k in range(2)])
        upto = below
        if name == "cnorm":
            below, upto = np.where(hand.y <= 0, 0, below), np.where(hand.y >= 6, 1, upto)
    point = stats.norm.cdf(residual_checks(res, rng=3).quantile_residuals)
    low, high = (weight * below).sum(axis=0), (weight * upto).sum(axis=0)
    assert (point >= low - 1e-9).all()
    assert (point <= high + 1e-9).all()
    if name == "normal_sbg":
        np.testing.assert_allclose(point, low, atol=1e-9)


def test_autocorrelation_by_hand(fitted):
    res = fitted("normal_sbg")
    hand = by_hand(res)
    error = np.array([(hand.y - hand.eta[k]) / hand.scale[k] for k in range(2)])
    table = residual_checks(res, lags=3).autocorrelation
    assert table.attrs["unit"] == "wave"
    for _, row in table.iterrows():
        top, low, pairs = np.zeros(res.n_subjects), np.zeros(res.n_subjects), 0
        for i in range(res.n_subjects):
            rows = np.flatnonzero(hand.subject == i)
            for a in rows:
                for b in rows:
                    if hand.time[b] - hand.time[a] == row["lag"]:
                        pairs += 1
                        for k in range(2):
                            top[i] += hand.posterior[i, k] * error[k, a] * error[k, b]
                            low[i] += hand.posterior[i, k] * (error[k, a] ** 2 + error[k, b] ** 2) / 2
        r = top.sum() / low.sum()
        n = res.n_subjects
        se = np.sqrt(n / (n - 1) * np.sum((top - r * low) ** 2)) / low.sum()
        assert row["pairs"] == pairs
        assert row["correlation"] == pytest.approx(r)
        assert row["upper"] == pytest.approx(r + stats.norm.isf(0.025) * se)


def correlated(rng, n=60, rho=0.0, sd=0.0, slope=0.0, uneven=False):
    """One group, 1 + 0.5 t, with AR(1) errors and random effects; one observation in five is missing."""
    rows = []
    for i in range(n):
        t = np.sort(rng.choice(np.arange(0, 12), 6, replace=False)).astype(float) if uneven else np.arange(6.0)
        error = rng.multivariate_normal(np.zeros(6), rho ** np.abs(t[:, None] - t))
        y = 1 + 0.5 * t + error + rng.normal(0, sd) + rng.normal(0, slope) * t
        keep = rng.random(6) < 0.8
        keep[0] = True
        rows.append(pd.DataFrame({"id": i, "t": t[keep], "y": y[keep]}))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("options", [{"ar1": True}, {"rorder": 0}, {"rorder": 1}])
def test_innovations_are_whitened_residuals(options):
    """L^-1 (y - X b) with L the Cholesky factor of the subject's covariance at the estimates."""
    rng = np.random.default_rng(5)
    data = correlated(rng, rho=0.6, uneven="ar1" in options, sd=0.8, slope=0.3)
    res = fit(data, groups=1, order=1, **options)
    b = res.params
    got = Fitted.of(res).standardized[0]
    at = 0
    for _, own in data.groupby("id"):
        t = own["t"].to_numpy()
        if "ar1" in options:
            cov = b["sigma"] ** 2 * b["rho"] ** np.abs(t[:, None] - t)
        else:
            cov = b["sigma"] ** 2 * np.eye(t.size) + b["r0_sigma[1]"] ** 2
            cov = cov + b.get("r1_sigma[1]", 0.0) ** 2 * np.outer(t, t)
        wanted = np.linalg.solve(np.linalg.cholesky(cov), own["y"].to_numpy() - b.iloc[0] - b.iloc[1] * t)
        np.testing.assert_allclose(got[at : at + t.size], wanted, rtol=1e-6, atol=1e-8)
        at += t.size


def test_correlation_is_found_and_gone_once_it_is_modelled():
    data = correlated(np.random.default_rng(6), n=150, rho=0.6)
    plain, ar1 = fit(data, groups=1, order=1), fit(data, groups=1, order=1, ar1=True)
    left = residual_checks(plain)
    assert left.autocorrelation["lower"][0] > 0.3
    assert any("the groups leave correlation within subjects" in s and "ar1_check" in s for s in left.sentences)
    r = residual_checks(ar1).autocorrelation.iloc[0]
    assert r["lower"] < 0 < r["upper"]
    assert not any("leave correlation" in s for s in residual_checks(ar1).sentences)


@pytest.mark.parametrize("name", ["poisson", "logit", "cnorm"])
def test_right_models_are_left_in_peace(name):
    """20 samples of the truth: few means outside their bands, residuals standard normal, nothing named."""
    model, params, times, n = TRUTH[name]
    outside = total = named = 0
    moments, said = [], []
    for seed in range(20):
        subject, time, y, _ = oracle.simulate(model, params, n, times, np.random.default_rng(seed))
        checks = residual_checks(fit(long_table(subject, time, y), n_starts=2, **arguments(model)), rng=seed)
        means = checks.means
        outside += ((means["observed"] < means["lower"]) | (means["observed"] > means["upper"])).sum()
        total += len(means)
        moments.append((checks.normality["value"] - checks.normality["normal"]) / checks.normality["se"])
        words = ("misses", "too many", "too few", "than the model", "times (standard", "the groups leave", "alternate")
        named += sum(any(w in s for w in words) for s in checks.sentences)
        said += [s for s in checks.sentences if any(w in s for w in words)]
    assert outside / total < 0.06
    assert named <= 1, said
    assert (np.abs(np.mean(moments, axis=0)) < 4 / np.sqrt(20)).all()


def test_a_curve_of_too_low_an_order_is_named():
    rng = np.random.default_rng(1)
    t = np.tile(np.arange(7.0), 200)
    y = np.where(np.repeat(np.arange(200) < 100, 7), 5 + 0.3 * (t - 3) ** 2, 0.2 * t) + rng.normal(0, 1, t.size)
    res = fit(pd.DataFrame({"id": np.repeat(np.arange(200), 7), "t": t, "y": y}), groups=2, order=[1, 1])
    said = [s for s in residual_checks(res).sentences if "misses" in s]
    assert len(said) == 1
    assert said[0].startswith("Group 2: the curve misses the observed means at t 0 (")


def test_zeros_and_overdispersion_are_named():
    rng = np.random.default_rng(2)
    n = 300
    y = np.where(rng.random((n, 5)) < 0.4, 0, rng.poisson(np.where(np.arange(n) < 150, 2.0, 8.0)[:, None], (n, 5)))
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 5), "t": np.tile(np.arange(5.0), n), "y": y.ravel()})
    plain = residual_checks(fit(data, groups=2, order=0, family="poisson")).sentences
    assert sum("too many zeros" in s for s in plain) >= 1
    assert any("times (standard error" in s and "negbin" in s for s in plain)
    right = residual_checks(fit(data, groups=2, order=0, iorder=0, family="zip")).sentences
    assert any("as the model says" in s for s in right)


def test_heavy_tails_are_named():
    rng = np.random.default_rng(3)
    data = pd.DataFrame(
        {"id": np.repeat(np.arange(200), 5), "t": np.tile(np.arange(5.0), 200), "y": rng.standard_t(3, 1000)})
    checks = residual_checks(fit(data, groups=1, order=0))
    assert any("have heavier tails than the model says" in s for s in checks.sentences)
    assert checks.normality.loc["excess kurtosis", "value"] > 1


def test_many_times_are_taken_together():
    rng = np.random.default_rng(4)
    t = np.sort(rng.uniform(0, 10, (80, 5)), axis=1).round(3)
    data = pd.DataFrame({"id": np.repeat(np.arange(80), 5), "t": t.ravel(), "y": rng.normal(t.ravel(), 1)})
    checks = residual_checks(fit(data, groups=1, order=1))
    assert len(checks.means) == 12
    assert checks.means["n"].sum() == pytest.approx(400)
    assert checks.autocorrelation.attrs["unit"] == "observation"
    assert checks.autocorrelation["pairs"].tolist() == [320, 240, 160, 80]


def test_a_group_without_members_has_no_band_and_says_so(fitted):
    res = fitted("normal")
    document = other_groups(res.document, posterior=np.tile([1.0, 0.0], (80, 1)))
    checks = residual_checks(gbtm.GBTMResults(document, trust_formula=True))
    assert checks.means.query("group == 2")[["se", "lower", "observed"]].isna().all(axis=None)
    assert any("Group 2: at 5 times fewer than 2" in s for s in checks.sentences)


@pytest.mark.parametrize("name", ["exposure_negbin", "zinb", "beta", "never", "everything"])
def test_covariates_exposure_and_weights(name):
    """Observed and fitted means agree overall in each group, as the scores of intercepts and shares are zero."""
    drawn = draw(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = drawn.built().fit(rng=0, n_starts=4)
    checks = residual_checks(res)
    fitted = Fitted.of(res)
    w = np.ones(res.n_subjects) if drawn.beside.weights is None else res.weights
    assert checks.means["n"].sum() == pytest.approx(w[fitted.subject].sum())
    np.testing.assert_allclose((res.group_sets[0].posterior[fitted.subject].T * fitted.expected).sum(axis=0),
                               res.fittedvalues, rtol=1e-8, atol=1e-10)
    if name in ("never", "everything"):
        assert checks.distribution["observed"].sum() == pytest.approx(checks.distribution["expected"].sum())
    assert checks.normality["se"].notna().all()
    assert (np.abs(checks.quantile_residuals) < 6).all()


def test_checks_of_one_of_several_outcomes():
    """Of an outcome fitted beside a copy of noise they are nearly those of it alone; another outcome that tells the
    groups apart takes part in who belongs where."""
    rng = np.random.default_rng(4)
    group, t = np.repeat(np.arange(2), 200), np.tile(np.arange(4.0), 100)
    data = pd.DataFrame({"id": np.repeat(np.arange(100), 4), "t": t, "y": rng.normal(0.6 * group),
                         "z": rng.normal(6.0 * group)})
    res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=2, order=0).fit(n_starts=4)
    checks = residual_checks(res.of_outcome("y"))
    p, sigma = res.params, res.params["y: sigma"]
    mean = p[["y: intercept[1]", "y: intercept[2]"]].to_numpy()
    prob = res.posterior.to_numpy()[data["id"]]
    # z settles the group, with or without an observation of y
    want = (data["y"].to_numpy() - mean[prob.argmax(axis=1)]) / sigma
    np.testing.assert_allclose(checks.quantile_residuals, want, atol=1e-5)
    assert checks.outcome_name == "y"
    with pytest.raises(gbtm.SpecificationError) as caught:
        residual_checks(res)
    assert caught.value.code == "several_outcomes"


def test_checks_of_one_of_several_outcomes_take_the_observation_out():
    """The weight of an observation does not contain its own density."""
    rng = np.random.default_rng(5)
    group, t = np.repeat(np.arange(2), 150), np.tile(np.arange(3.0), 100)
    data = pd.DataFrame({"id": np.repeat(np.arange(100), 3), "t": t, "y": rng.normal(1.2 * group),
                         "z": rng.normal(1.5 * group)})
    res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=2, order=0).fit(n_starts=4)
    p = res.params
    mean = {m: p[[f"{m}: intercept[1]", f"{m}: intercept[2]"]].to_numpy() for m in "yz"}
    log_f = {m: stats.norm.logpdf(data[m].to_numpy()[:, None], mean[m], p[f"{m}: sigma"]) for m in "yz"}
    total = sum(np.stack([np.bincount(data["id"], log_f[m][:, k]) for k in (0, 1)], axis=1) for m in "yz")
    weight = np.log(res.group_shares["share"].to_numpy()) + total[data["id"]] - log_f["y"]
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    below = (weight * stats.norm.cdf(data["y"].to_numpy()[:, None], mean["y"], p["y: sigma"])).sum(axis=1)
    found = residual_checks(res.of_outcome("y")).quantile_residuals
    np.testing.assert_allclose(found, stats.norm.ppf(below), atol=1e-8)
