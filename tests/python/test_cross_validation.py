"""Held-out log-likelihood against splits done by hand; crimCV's absolute error against its formula in numpy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import gbtm
import oracle
from conftest import NO_REFERENCE, TRUTH, arguments, long_table, reference_root, true_data
from parts import draw


def quietly(model, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return model.fit(rng=0, **options)


def held_out(drawn, keep):
    """The oracle's data for the subjects at positions ``keep`` (bool, of those with an outcome)."""
    subject, time, y = drawn.data
    names = list(dict.fromkeys(subject.tolist()))
    rows = np.isin(subject, [names[i] for i in np.flatnonzero(keep)])
    own = {}
    for field in ("w", "exposure"):
        values = getattr(drawn.beside, field)
        own[field] = None if values is None else values[rows]
    for field in ("z", "weights", "history", "v", "at_random"):
        values = getattr(drawn.beside, field)
        own[field] = None if values is None else values[keep]
    return (subject[rows], time[rows], y[rows]), oracle.Beside(**own)


@pytest.mark.parametrize(
    "name", ["risk", "tcov", "exposure_zip", "exposure_negbin", "weights", "beta", "dropout1", "everything"]
)
def test_a_split_done_by_hand(name):
    """Fit the user's table without one half, and let the oracle say how likely the other half is."""
    drawn = draw(name)
    res = quietly(drawn.built(), n_starts=6)
    n = res.n_subjects
    half = np.arange(n) % 2 == 0
    cv = gbtm.cross_validate(res, folds=half, n_starts=6)
    assert cv.by_subject.index.equals(res.ids)
    for keep in (half, ~half):
        train = drawn.table[~drawn.table["id"].isin(res.ids[keep])]
        by_hand = quietly(drawn.built(data=train), n_starts=12)
        data, beside = held_out(drawn, keep)
        wanted = oracle.subject_loglik(drawn.truth.model, by_hand.params.to_numpy(), *data, beside)
        np.testing.assert_allclose(cv.by_subject[keep], wanted, rtol=1e-5, atol=1e-5)
    weights = np.ones(n) if drawn.beside.weights is None else drawn.beside.weights / drawn.beside.weights.mean()
    assert cv.loglik == pytest.approx(weights @ cv.by_subject)
    assert cv.se == pytest.approx(np.sqrt(n) * np.std(weights * cv.by_subject, ddof=1))
    assert not cv.failures
    assert not cv.sentences


def direct_error(model, params, data, beside=oracle.NOTHING):
    """crimCV's error of each subject: mean over t of |y - sum_k P_k E_k|, for Poisson and ZIP, in plain numpy."""
    subject, time, y = data
    p = oracle.read(model, params)
    posterior = oracle.posterior(model, params, subject, time, y, beside)
    names = list(dict.fromkeys(subject.tolist()))
    out = []
    for i, who in enumerate(names):
        rows = subject == who
        yhat = np.zeros(rows.sum())
        for k in range(model.n_groups):
            mean = np.exp(oracle.polynomial(time[rows], p.mean[k]))
            if p.zero[k] is not None:
                mean = mean / (1 + np.exp(oracle.polynomial(time[rows], p.zero[k])))
            yhat += posterior[i, k] * mean
        out.append(np.mean(np.abs(y[rows] - yhat)))
    return np.array(out)


def test_one_subject_at_a_time_and_crimcvs_error():
    """Every tenth subject left out is fitted anew by scipy on the oracle's likelihood, from the estimates on all."""
    model, _, _, _ = TRUTH["zip_common"]
    subject, time, y = true_data("zip_common")
    subject, time, y = (v[subject < 60] for v in (subject, time, y))
    res = quietly(gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **arguments(model)))
    cv = gbtm.cross_validate(res, folds="subject")
    assert cv.n_folds == res.n_subjects
    for i in range(0, 60, 10):
        own = subject == i
        rest = (subject[~own], time[~own], y[~own])
        found = optimize.minimize(
            lambda x, d: -oracle.loglik(model, x, *d), res.params.to_numpy(), args=(rest,), method="BFGS",
            options={"gtol": 1e-5},
        )
        data = (subject[own], time[own], y[own])
        assert cv.by_subject[i + 1] == pytest.approx(oracle.subject_loglik(model, found.x, *data)[0], abs=1e-4)
        assert cv.errors[i + 1] == pytest.approx(direct_error(model, found.x, data)[0], abs=1e-4)
    assert cv.absolute_error == pytest.approx(np.average(cv.errors, weights=np.bincount(subject)))


# crimCV 1.0.0 on its own data: dpolyp = 2, dpolyl = 2, rcv = TRUE, default starts: log-likelihood and cv
CRIMCV = {2: (-12133.3940800834, 0.990043162506676), 3: (-11555.0594321701, 0.973705565862922)}


@pytest.mark.slow
@pytest.mark.parametrize("groups", CRIMCV)
def test_crimcvs_error_on_crimcvs_data(groups):
    """TO1adj, ZIP with quadratics in both parts: the leave-one-out error that R's crimCV prints, to ten digits.

    A few subjects are refitted by scipy as well, from the estimates on all data, and the error worked out by
    :func:`direct_error`.
    """
    if reference_root() is None:
        pytest.skip(NO_REFERENCE)
    data = pd.read_csv(reference_root() / "to1adj" / "data.csv")
    res = quietly(gbtm.GBTM.from_formula(
        "y ~ a", data, id="id", groups=groups, order=2, iorder=[2] * groups, family="zip",
        wide={"y": "Offense*", "a": "A*"}))
    loglik, error = CRIMCV[groups]
    assert res.llf == pytest.approx(loglik, abs=1e-7)
    cv = gbtm.cross_validate(res, folds="subject")
    assert cv.absolute_error == pytest.approx(error, abs=1e-9)
    if groups > 2:
        return
    assert cv.loglik == pytest.approx(-12203.861, abs=0.01)
    model = oracle.of_results(res)
    subject, time, y = oracle.data_of(res)
    for i in (0, 190, 377):
        own = subject == i
        rest = (subject[~own], time[~own], y[~own])
        found = optimize.minimize(
            lambda x, d: -oracle.loglik(model, x, *d), res.params.to_numpy(), args=(rest,), method="BFGS")
        left = (subject[own], time[own], y[own])
        assert cv.errors.iloc[i] == pytest.approx(direct_error(model, found.x, left)[0], abs=2e-3)
        assert cv.by_subject.iloc[i] == pytest.approx(oracle.subject_loglik(model, found.x, *left)[0], abs=2e-2)


@pytest.fixture(scope="module")
def pair():
    """Data and fits with one, two and three groups."""
    data = gbtm.datasets.two_groups(rng=0)
    return data, {
        k: quietly(gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=k, order=1)) for k in (1, 2, 3)
    }


def test_order_of_the_subjects_does_not_matter(pair):
    data, fits = pair
    ids = data["id"].unique()
    fold = pd.Series(np.arange(ids.size) % 4, index=ids)
    cv = gbtm.cross_validate(fits[2], folds=fold[fits[2].ids].to_numpy())
    turned = pd.concat([data[data["id"] == who] for who in np.random.default_rng(1).permutation(ids)])
    res = quietly(gbtm.GBTM.from_formula("y ~ t", turned, id="id", groups=2, order=1))
    again = gbtm.cross_validate(res, folds=fold[res.ids].to_numpy(), rng=5)
    np.testing.assert_allclose(again.by_subject[ids], cv.by_subject[ids], atol=1e-6)
    assert again.absolute_error == pytest.approx(cv.absolute_error, abs=1e-7)


def test_it_tells_two_groups_from_one_and_from_three(pair):
    _, fits = pair
    cv = {k: gbtm.cross_validate(fit, folds=5, rng=3) for k, fit in fits.items()}
    assert (cv[1].folds == cv[2].folds).all()
    gain, se = cv[2].difference(cv[1])
    assert gain == pytest.approx(cv[2].loglik - cv[1].loglik)
    assert gain > 5 * se > 0
    gap = cv[2].by_subject - cv[1].by_subject
    assert se == pytest.approx(np.sqrt(len(gap)) * gap.std())
    assert fits[3].llf - fits[2].llf > cv[3].loglik - cv[2].loglik  # the third group follows noise
    assert cv[2].absolute_error < cv[1].absolute_error
    for k, fit in fits.items():
        assert cv[k].loglik < fit.llf


def test_workers_do_not_change_the_digits(pair):
    _, fits = pair
    here, there = (gbtm.cross_validate(fits[2], folds=3, n_starts=2, n_jobs=n) for n in (1, 2))
    assert (here.by_subject == there.by_subject).all()
    assert (here.errors == there.errors).all()


def test_a_model_is_fitted_first_and_gives_the_same(pair):
    data, fits = pair
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1)
    own, of_fit = (gbtm.cross_validate(m, folds=4) for m in (model, fits[2]))
    np.testing.assert_allclose(own.by_subject, of_fit.by_subject, atol=1e-7)


def test_clusters_stay_together(pair):
    data, _ = pair
    data = data.assign(site=data["id"] // 7)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, cluster="site")
    cv = gbtm.cross_validate(model, folds=3)
    site = data.groupby("id", sort=False)["site"].first()
    assert (cv.folds.groupby(site.to_numpy()).nunique() == 1).all()
    assert cv.n_folds == 3
    totals = cv.by_subject.groupby(site.to_numpy()).sum()
    assert cv.se == pytest.approx(np.sqrt(len(totals)) * totals.std())
    assert gbtm.cross_validate(model, folds="subject").n_folds == site.nunique()
    stored = gbtm.cross_validate(quietly(model), folds=3)
    assert (stored.folds == cv.folds).all()
    assert not stored.sentences
    alone = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1)
    again = gbtm.cross_validate(alone, folds=3, cluster=site.to_numpy())
    np.testing.assert_allclose(again.by_subject, cv.by_subject, atol=1e-6)
    assert not gbtm.cross_validate(model, folds=cv.folds.to_numpy()).sentences
    split = gbtm.cross_validate(model, folds=np.arange(len(site)) % 2)  # as asked, and said
    assert split.sentences[0].startswith("The folds given split sampling clusters")


def test_an_old_fit_that_does_not_hold_its_clusters_says_so(pair):
    document = {**pair[1][1].document, "cov_type": "cluster", "cluster": None}
    cv = gbtm.cross_validate(gbtm.GBTMResults(document, trust_formula=True), folds=2)
    assert any("its file does not hold" in s for s in cv.sentences)


@pytest.mark.parametrize("options", [{"ar1": True}, {"rorder": 0}])
def test_correlated_errors(options):
    """The held-out half is multivariate normal at the estimates of the other half."""
    rng = np.random.default_rng(4)
    n, times = 60, np.arange(5.0)
    common = rng.normal(0, 0.7, (n, 1)) if "rorder" in options else 0
    y = 1 + 0.5 * times + common + rng.normal(0, 1, (n, 5))
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 5), "t": np.tile(times, n), "y": y.ravel()})
    half = np.arange(n) < 30
    res = quietly(gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, **options))
    cv = gbtm.cross_validate(res, folds=half)
    train = gbtm.GBTM.from_formula("y ~ t", data[data["id"] >= 30], id="id", groups=1, order=1, **options)
    b = quietly(train).params
    intercept, slope, sigma = b.iloc[0], b.iloc[1], b["sigma"]
    extra = b.iloc[2:].drop("sigma").iloc[0]
    gap = np.abs(times[:, None] - times)
    cov = sigma**2 * extra**gap if "ar1" in options else sigma**2 * np.eye(5) + extra**2
    wanted = stats.multivariate_normal(intercept + slope * times, cov).logpdf(y[half])
    np.testing.assert_allclose(cv.by_subject[half], wanted, rtol=1e-6, atol=1e-6)


def test_a_basis_keeps_its_knots(pair):
    data, _ = pair
    res = quietly(gbtm.GBTM.from_formula("y ~ bs(t, df=4)", data, id="id", groups=2))
    cv = gbtm.cross_validate(res, folds=3, n_starts=4)
    assert np.isfinite(cv.loglik)
    assert cv.loglik < res.llf


def test_a_fold_that_cannot_be_fitted_is_named():
    """Without subject 5, who alone varies, nothing is left to model."""
    data = pd.DataFrame({"id": np.repeat(np.arange(6), 3), "t": np.tile(np.arange(3.0), 6), "y": 2.0})
    data.loc[data["id"] == 5, "y"] = [1.0, 2.5, 3.0]
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=0)
    cv = gbtm.cross_validate(model, folds=[0, 0, 0, 1, 1, 2])
    assert len(cv.failures) == 1
    assert "id 5" in cv.failures[0]
    assert "all values are equal" in cv.failures[0]
    assert np.isnan([cv.loglik, cv.se, cv.absolute_error]).all()
    assert cv.by_subject.notna().sum() == 5
    rest = cv.by_subject.sum()
    assert f"over the other 5 subjects the held-out log-likelihood is {rest:.4f}" in cv.sentences[0]


@pytest.mark.parametrize("family", ["poisson", "logit", "negbin"])
def test_a_subject_that_could_not_be_is_named(family):
    """Nobody else ever offended: the rate of the fit without the one who did tends to 0, and her likelihood with it."""
    data = pd.DataFrame({"id": np.repeat(np.arange(8), 3), "t": np.tile(np.arange(3.0), 8), "y": 0.0})
    data.loc[data["id"] == 7, "y"] = [0.0, 0.0, 1.0]
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=0, family=family)
    cv = gbtm.cross_validate(model, folds=np.arange(8) == 7, n_starts=2)
    said = " ".join(cv.sentences)
    assert "(id 7)" in said
    assert "impossible" in said or "could not be used" in said
    assert ("impossible" in said) == (not cv.failures)


@pytest.mark.parametrize("folds", [1, 0, 101, True, "each", [0, 1], np.zeros(100), 2.5])
def test_folds_that_are_none(pair, folds):
    with pytest.raises(gbtm.SpecificationError, match="folds"):
        gbtm.cross_validate(pair[1][2], folds=folds)


def test_another_models_subjects_and_clusters_are_refused(pair):
    _, fits = pair
    cv = gbtm.cross_validate(fits[1], folds=2)
    part = gbtm.cross_validate(
        quietly(gbtm.GBTM.from_formula("y ~ t", pair[0][pair[0]["id"] < 50], id="id", groups=1, order=1)), folds=2)
    with pytest.raises(gbtm.SpecificationError, match="other"):
        cv.difference(part)
    with pytest.raises(gbtm.SpecificationError, match="cluster"):
        gbtm.cross_validate(fits[1], folds=2, cluster=[1, 2])


def test_progress_is_told(pair):
    said = []
    gbtm.cross_validate(pair[1][1], folds=2, progress=lambda what, seconds: said.append(what))
    assert said == ["fold 1 of 2", "fold 2 of 2"]


# -- several outcomes -------------------------------------------------------------------------------------------------


def _several(n: int = 40):
    rng = np.random.default_rng(3)
    group, t = np.repeat(rng.integers(0, 2, n), 4), np.tile(np.arange(4.0), n)
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": t, "y": rng.normal(2.0 * group + 0.2 * t),
                         "c": rng.poisson(np.exp(0.4 + 0.8 * group)).astype(float), "w": rng.exponential(size=n)[
                             np.repeat(np.arange(n), 4)]})
    data.loc[data["id"] < 3, "c"] = np.nan
    return data, ["y ~ t", gbtm.Outcome("c ~ t", family="poisson", order=0)]


@pytest.mark.parametrize("weights", [None, "w"])
def test_with_one_group_outcomes_add_up(weights):
    """Nothing joins them then: held-out log-likelihoods add up, errors are those of each by itself."""
    data, outcomes = _several()
    folds = np.arange(40) % 4
    joint = gbtm.cross_validate(
        gbtm.GBTM.from_formula(outcomes, data, id="id", groups=1, order=1, weights=weights).fit(), folds=folds,
        n_starts=0)
    y = gbtm.cross_validate(gbtm.GBTM.from_formula(
        "y ~ t", data, id="id", groups=1, order=1, weights=weights).fit(), folds=folds, n_starts=0)
    c = gbtm.cross_validate(gbtm.GBTM.from_formula(
        "c ~ t", data, id="id", groups=1, order=0, family="poisson", weights=weights).fit(), folds=folds[3:],
        n_starts=0)
    want = y.by_subject.add(c.by_subject, fill_value=0)
    np.testing.assert_allclose(joint.by_subject, want, atol=1e-7)
    np.testing.assert_allclose(joint.errors["y"], y.errors, atol=1e-7)
    np.testing.assert_allclose(joint.errors["c"].iloc[3:], c.errors, atol=1e-7)
    assert joint.errors["c"].iloc[:3].isna().all()
    assert joint.absolute_error["y"] == pytest.approx(y.absolute_error, abs=1e-7)
    assert joint.absolute_error["c"] == pytest.approx(c.absolute_error, abs=1e-7)
    assert "y 0." in repr(joint) or "y 1." in repr(joint)


def test_folds_of_several_outcomes_are_of_people():
    """Each is foretold, in all outcomes together, by the fit to all others."""
    data, outcomes = _several()
    model = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2, order=1)
    found = gbtm.cross_validate(model, folds=np.arange(40) % 4, n_starts=2)
    assert found.failures == ()
    out = data["id"] % 4 == 1
    train = gbtm.GBTM.from_formula(outcomes, data[~out], id="id", groups=2, order=1).fit(n_starts=6)
    p, held = train.params, data[out]
    joint = []
    for k in (1, 2):
        mean = p[f"y: intercept[{k}]"] + p[f"y: t[{k}]"] * held["t"]
        log_f = stats.norm.logpdf(held["y"], mean, p["y: sigma"])
        log_f = log_f + np.nan_to_num(stats.poisson.logpmf(held["c"], np.exp(p[f"c: intercept[{k}]"])))
        joint.append(np.log(train.group_shares.loc[k, "share"]) + held.assign(f=log_f).groupby("id")["f"].sum())
    np.testing.assert_allclose(found.by_subject[joint[0].index], np.logaddexp(*joint), atol=1e-5)
