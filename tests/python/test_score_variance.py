"""Corrections of sandwiches for few people and clusters, against statsmodels, a jackknife and the formulas."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import gbtm
import oracle
from gbtm.report.fit_tables import make_table
from gbtm.specification.covariance_kinds import COVARIANCE_KINDS

CORRECTED = ("HC1", "HC2", "HC3", "CR1S", "CR2", "CR3")


@functools.cache
def regression(family="poisson", weighted=False):
    """A fit of one group with one observation a person: a regression, by statsmodels too."""
    rng = np.random.default_rng(1)
    x, school = rng.normal(size=60), np.arange(60) % 9
    eta = 0.5 + 0.4 * x + 0.4 * rng.normal(size=9)[school]
    y = rng.poisson(np.exp(eta)) if family == "poisson" else (rng.uniform(size=60) < 1 / (1 + np.exp(-eta)))
    wt = rng.uniform(1, 3, 60)
    d = pd.DataFrame({"who": np.arange(60), "x": x, "y": y.astype(float), "school": school, "wt": wt})
    weights = {"weights": "wt"} if weighted else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM.from_formula(
            "y ~ x", d, id="who", groups=1, order=1, family=family, cluster="school", **weights).fit(n_starts=2)
    law = sm.families.Poisson() if family == "poisson" else sm.families.Binomial()
    s = d["wt"] / d["wt"].mean() if weighted else np.ones(60)
    return res, d, sm.GLM(d["y"], sm.add_constant(x), family=law, freq_weights=s), np.asarray(s)


@functools.cache
def mixture():
    """Two groups of people in eight schools, which differ."""
    rng = np.random.default_rng(3)
    school = np.arange(64) % 8
    level = 4.0 * (rng.uniform(size=64) < 0.5) + 0.5 * rng.normal(size=8)[school]
    y = level[:, None] + rng.normal(size=(64, 4))
    model = gbtm.GBTM(y, range(4), groups=2, order=0, cluster=school)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return model.fit(n_starts=2), y, school


@pytest.mark.parametrize("family", ["poisson", "logit"])
def test_factors_are_those_of_statsmodels(family):
    res, d, model, _ = regression(family)
    theirs = model.fit(tol=1e-13, cov_type="cluster", cov_kwds={"groups": d["school"], "use_correction": True})
    np.testing.assert_allclose(res.with_cov_type("CR1S").bse, theirs.bse, rtol=1e-6)
    theirs = model.fit(tol=1e-13, cov_type="HC0")
    np.testing.assert_allclose(res.with_cov_type("HC1").bse, theirs.bse * np.sqrt(60 / 58), rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("family", ["poisson", "logit"])
@pytest.mark.parametrize(("kind", "power"), [("HC2", -0.5), ("HC3", -1.0), ("CR2", -0.5), ("CR3", -1.0)])
def test_leverage_is_that_of_a_regression(kind, power, family, weighted):
    """X_c'(1 - H_cc)^power e_c with the hat matrix H = W X (X'WX)^-1 X', in statsmodels' estimates."""
    res, d, model, s = regression(family, weighted)
    mean = model.fit(tol=1e-13).mu
    x, w, e = model.exog, s * (mean if family == "poisson" else mean * (1 - mean)), s * (d["y"].to_numpy() - mean)
    bread = np.linalg.inv(x.T @ (w[:, None] * x))
    unit = np.arange(60) if kind.startswith("HC") else d["school"].to_numpy()
    meat = np.zeros((2, 2))
    for c in np.unique(unit):
        here = unit == c
        hat = w[here, None] * (x[here] @ bread @ x[here].T)
        values, vectors = np.linalg.eig(hat)
        score = x[here].T @ ((vectors * (1 - values) ** power) @ np.linalg.inv(vectors) @ e[here]).real
        meat += np.outer(score, score)
    np.testing.assert_allclose(res.cov_params(kind), bread @ meat @ bread, rtol=1e-6)


@pytest.mark.parametrize(("kind", "power"), [("CR2", -0.5), ("CR3", -1.0), ("HC3", -1.0)])
def test_of_a_mixture_by_differences_of_the_written_out_likelihood(kind, power):
    """The formula in log sigma: the information of a unit, whose score is not zero, depends on the coordinates."""
    res, y, school = mixture()
    model, at = oracle.Model("normal", (0, 0)), res.params.to_numpy()
    sigma = list(res.params.index).index("sigma")
    step = np.full(at.size, 0.05)
    who, when = np.repeat(np.arange(64), 4), np.tile(np.arange(4.0), 64)
    unit = school if kind.startswith("CR") else np.arange(64)

    def by_unit(z):
        moved = at + step * z
        moved[sigma] = at[sigma] * np.exp(step[sigma] * z[sigma])
        return np.bincount(unit, oracle.subject_loglik(model, moved, who, when, y.ravel()))

    p = step.size
    score = oracle.fd_gradient(by_unit, np.zeros(p))
    eye, h = np.eye(p), 0.02
    own = np.empty((score.shape[0], p, p))
    for i in range(p):
        for j in range(p):
            own[:, i, j] = -sum(
                a * b * by_unit(h * (a * eye[i] + b * eye[j])) for a in (-1, 1) for b in (-1, 1)) / (4 * h * h)
    bread = np.linalg.inv(own.sum(axis=0))
    meat = np.zeros((p, p))
    for g, i in zip(score, own, strict=True):
        values, vectors = np.linalg.eig(i @ bread)
        corrected = ((vectors * (1 - values) ** power) @ np.linalg.inv(vectors) @ g).real
        meat += np.outer(corrected, corrected)
    slope = np.where(np.arange(p) == sigma, at[sigma], 1.0) * step
    expected = bread @ meat @ bread * np.outer(slope, slope)
    np.testing.assert_allclose(res.with_cov_type(kind).bse, np.sqrt(np.diag(expected)), rtol=1e-5)


def test_cr3_is_the_jackknife_over_clusters():
    """Fits without each cluster in turn, each to convergence, where CR3 takes one step: in log sigma that shows."""
    res, y, school = mixture()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        left_out = [
            gbtm.GBTM(y[school != c], range(4), groups=2, order=0).fit(start=res.params).params - res.params
            for c in range(8)
        ]
    jackknife = np.sqrt(np.sum(np.square(left_out), axis=0))
    one_step, plain = ((res.with_cov_type(kind).bse / jackknife).drop("sigma") for kind in ("CR3", "cluster"))
    np.testing.assert_allclose(one_step, 1, atol=0.05)
    assert np.sqrt(np.mean((plain - 1) ** 2)) > 1.5 * np.sqrt(np.mean((one_step - 1) ** 2))


def test_a_cluster_that_alone_knows_a_parameter_leaves_the_covariance_finite():
    """A covariate that varies in one cluster: its leverage there is 1."""
    res, d, _, _ = regression()
    alone = d.assign(z=np.where(d["school"] == 0, np.arange(60), 0.0) / 30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM.from_formula("y ~ x", alone, id="who", groups=1, order=1, family="poisson", cluster="school",
                                     tcov="z").fit(n_starts=2)
    for kind in ("CR2", "CR3"):
        assert np.isfinite(res.with_cov_type(kind).bse.drop("z[1]")).all()


def test_intervals_and_tests_go_by_t():
    res, _, _ = mixture()
    assert res.cov_type == "cluster"
    assert res.df_inference == 7
    other = res.with_cov_type("HC1")
    assert other.df_inference == 64 - 4
    for fit, df in ((res, 7), (res.with_cov_type("CR3"), 7), (other, 60)):
        t = stats.t.isf(0.025, df)
        np.testing.assert_allclose(fit.conf_int()[1], fit.params + t * fit.bse, rtol=1e-12)
        np.testing.assert_allclose(fit.pvalues, 2 * stats.t.sf(np.abs(fit.tvalues), df), rtol=1e-12)
        assert (fit.tvalues.name, fit.pvalues.name) == ("t", "P>|t|")
        band = fit.predict()
        np.testing.assert_allclose(band["upper"], band["estimate"] + t * band["std err"], rtol=1e-10)
        share = fit.group_shares
        np.testing.assert_allclose(share["upper"], share["share"] + t * share["std err"], rtol=1e-12)
        odds = fit.odds_ratios()
        np.testing.assert_allclose(np.log(odds["upper"]), odds["theta"] + t * fit.bse[["theta[2]"]].to_numpy())
        assert list(odds.columns[-2:]) == ["t", "P>|t|"]
        moved = fit.delta("intercept[2] - intercept[1]")
        np.testing.assert_allclose(moved.conf_int()[1], moved.estimate + t * moved.bse)
        one, joint = fit.t_test("intercept[1] = 0.1"), fit.wald_test("intercept[1] = 0.1")
        assert (joint.distribution, joint.df_denom) == ("F", df)
        assert joint.pvalue == pytest.approx(float(one.pvalue), rel=1e-9)
        assert fit.wald_test("intercept[1] = 0.1", use_f=False).distribution == "chi2"
        assert fit.equal_curves().distribution == "F"
        assert f"{fit.cov_type}, t({df})" in str(fit.summary())


def test_plain_kinds_go_by_the_normal_distribution():
    res, _, _ = mixture()
    for kind in ("hessian", "robust", "traj"):
        fit = res.with_cov_type(kind)
        assert np.isinf(fit.df_inference)
        assert "df_inference" not in fit.document
        np.testing.assert_array_equal(fit.conf_int()[1], fit.params + stats.norm.isf(0.025) * fit.bse)
        assert fit.pvalues.name == "P>|z|"
        assert fit.wald_test("intercept[1] = 0").distribution == "chi2"


@pytest.mark.parametrize("kind", CORRECTED)
def test_asked_for_at_the_fit_kept_in_the_file_and_named(kind, tmp_path):
    res, y, school = mixture()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        asked = gbtm.GBTM(y, range(4), groups=2, order=0, cluster=school).fit(start=res.params, cov_type=kind.lower())
    assert asked.cov_type == kind
    np.testing.assert_allclose(asked.cov_params(), res.cov_params(kind), rtol=1e-6)
    asked.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    assert (back.cov_type, back.df_inference) == (kind, asked.df_inference)
    np.testing.assert_array_equal(back.conf_int(), asked.conf_int())
    assert f"({kind})" in " ".join(make_table(back).notes)
    assert back.with_cov_type("cluster").df_inference == 7


@pytest.mark.parametrize(("asked", "said"), [("HC0", "'robust'"), ("cr1", "'cluster'"), ("HC4", "HC1, HC2, HC3")])
def test_what_has_another_name_is_told(asked, said):
    with pytest.raises(gbtm.SpecificationError, match=said) as e:
        mixture()[0].with_cov_type(asked)
    assert e.value.code == "bad_cov_type"


def test_what_cannot_be_is_refused_before_the_fit():
    y, school = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 6
    for kind in ("CR1S", "CR2", "CR3"):
        with pytest.raises(gbtm.SpecificationError, match="needs to know the clusters") as e:
            gbtm.GBTM(y, range(3), groups=1, order=0, cov_type=kind)
        assert COVARIANCE_KINDS[kind].of_people in str(e.value)
    with pytest.raises(gbtm.SpecificationError, match="within strata"):
        gbtm.GBTM(y, range(3), groups=1, order=0, cluster=school, stratum=school % 2, cov_type="CR2")
    with pytest.raises(gbtm.SpecificationError, match="12 and 15") as e:
        gbtm.GBTM(y, range(3), groups=5, order=1, cov_type="HC1").fit(n_starts=1)
    assert e.value.code == "few_people"


def test_strata_cost_degrees_of_freedom():
    _, y, school = mixture()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM(y, range(4), groups=2, order=0, cluster=school, stratum=school % 2).fit(n_starts=2)
    assert res.df_inference == 8 - 2
    ratio = res.with_cov_type("CR1S").cov_params() / res.cov_params()
    np.testing.assert_allclose(ratio, 63 / 60, rtol=1e-9)
