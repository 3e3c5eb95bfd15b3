"""Fits with a weak prior: finite where the likelihood has no maximum, the same in any coordinates, told as MAP."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from conftest import case_folder
from gbtm.errors import SpecificationError
from gbtm.likelihood.mixture import Mixture
from gbtm.recipes.code import code_for
from gbtm.record.rebuild import module_of

QUICK = {"n_starts": 4, "rng": 0}


def separated(n=60, waves=5, seed=0):
    """0/1 data of two groups, one of which is 0 throughout and the other is 1 at three or four waves."""
    rng = np.random.default_rng(seed)
    ones = (rng.permuted(np.tile(np.arange(waves), (n, 1)), axis=1) < rng.integers(3, waves, n)[:, None]).astype(float)
    y = np.where(np.arange(n)[:, None] < n // 2, 0.0, ones)
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "age": np.tile(np.arange(waves) + 10.0, n),
                         "y": y.ravel(), "sex": np.repeat(rng.integers(0, 2, n), waves),
                         "w": np.repeat(rng.uniform(0.5, 2, n), waves)})


def model(data=None, formula="y ~ age", **options):
    data = separated() if data is None else data
    options = {"groups": 2, "order": [0, 1], "family": "logit", **options}
    return gbtm.GBTM.from_formula(formula, data=data, id="id", **options)


@pytest.fixture(scope="module")
def plain():
    return model().fit(**QUICK)


@pytest.fixture(scope="module")
def weak():
    return model(prior="weak").fit(**QUICK)


# -- Cambridge, on whose separated group the prototype was made ------------------------------------------------------


@pytest.fixture(scope="module")
def cambridge():
    return pd.read_csv(case_folder("cam_logit_2222") / "data.csv")


def boys(data, prior, formula="C ~ T", start=None, **fit):
    wide = {"C": "C*", "T": "T*"}
    asked = gbtm.GBTM.from_formula(formula, data=data, wide=wide, groups=3, order=2, family="logit", prior=prior)
    return asked.fit(n_starts=12, rng=0, start=start, **fit)


# of the prototype in numpy: log-likelihood without the prior, the separated group's coefficients
FIGURES = {
    "weak": ("weak", -775.335, (-13.5, 3.0, 5.2)),
    "tenth": (gbtm.Prior(shares=0.1, curves=0.1), -775.177, (-53, 81, -33)),
    "ridge": (gbtm.Prior(shares=0, curves=0, zero=0, sigma=0, ridge=2.5), -775.565, (-10.4, 1.8, 3.7)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_cambridge_is_as_in_the_prototype(cambridge, name):
    prior, loglik, group = FIGURES[name]
    res = boys(cambridge, prior)
    assert res.llf == pytest.approx(loglik, abs=1e-3)
    np.testing.assert_allclose(res.params.iloc[:3], group, atol=0.6 if name == "tenth" else 0.06)
    if name == "weak":
        likely = boys(cambridge, None)
        assert likely.llf == pytest.approx(-775.014, abs=1e-3)
        np.testing.assert_allclose(res.group_shares["share"], likely.group_shares["share"], atol=0.005)
        assert res.bse.notna().all()
        assert likely.bse.isna().sum() == 3
        assert any("prior='weak'" in w for w in likely.warnings)
        assert not any("infinity" in w for w in res.warnings)


# -- coordinates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "scale"), [(10.0, 1.0), (0.0, 0.1), (12.0, 5.0)])
def test_another_time_is_the_same_fit_in_other_coefficients(weak, shift, scale):
    """b0 + b1 age = (b0 + b1 shift) + b1 / scale * (age - shift) * scale."""
    res = model(separated().assign(age=lambda d: (d.age - shift) * scale), prior="weak").fit(**QUICK)
    assert res.llf == pytest.approx(weak.llf, abs=1e-8)
    b0, b1 = weak.params[["intercept[2]", "age[2]"]]
    np.testing.assert_allclose(res.params[["intercept[2]", "age[2]"]], [b0 + b1 * shift, b1 / scale], rtol=1e-5)
    assert res.params["intercept[1]"] == pytest.approx(weak.params["intercept[1]"], rel=1e-6)
    assert res.bse["age[2]"] == pytest.approx(weak.bse["age[2]"] / scale, rel=1e-5)


def test_units_of_a_continuous_outcome_do_not_matter():
    data = gbtm.datasets.two_groups(rng=0)
    options = {"family": "normal", "prior": "weak", "sigma_by_group": True}
    res, other = (model(d, "y ~ t", **options).fit(**QUICK) for d in (data, data.assign(y=100 + 7 * data.y)))
    assert other.params["t[2]"] == pytest.approx(7 * res.params["t[2]"], rel=1e-7)
    assert other.params["sigma[1]"] == pytest.approx(7 * res.params["sigma[1]"], rel=1e-7)
    assert other.log_prior == pytest.approx(res.log_prior, rel=1e-7)


def test_the_prior_is_one_person_however_many_waves_there_are(weak):
    """Each wave seen twice doubles what the data say of a curve and leaves the prior as it was."""
    data = separated()
    asked = model(pd.concat([data, data.assign(age=data.age + 1e-7)]), prior="weak")
    module = Mixture(asked.layout, asked.panel)
    flat = torch.as_tensor(asked.layout.unreport(weak.params.to_numpy()))[None]
    assert float(module.total_loglik(flat)[0]) < 1.5 * weak.llf
    assert float(module.log_prior.value(flat)[0]) == pytest.approx(weak.log_prior, rel=1e-6)


def test_a_prior_that_vanishes_is_maximum_likelihood():
    data = gbtm.datasets.two_groups(rng=0)
    options = {"family": "normal", "sigma_by_group": True, "order": 1}
    likely = model(data, "y ~ t", **options).fit(**QUICK)
    for strength, tolerance in ((1e-3, 1e-4), (1e-7, 1e-8)):
        prior = gbtm.Prior(shares=strength, curves=strength, zero=strength, sigma=strength)
        res = model(data, "y ~ t", prior=prior, **options).fit(**QUICK)
        np.testing.assert_allclose(res.params, likely.params, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(res.bse, likely.bse, rtol=10 * tolerance)
    nothing = model(data, "y ~ t", prior=gbtm.Prior(shares=0, curves=0, zero=0, sigma=0), **options).fit(**QUICK)
    assert nothing.prior is None
    assert nothing.params.tolist() == likely.params.tolist()


# -- each boundary ---------------------------------------------------------------------------------------------------


def test_what_has_no_maximum_of_the_likelihood_has_one_with_the_prior(plain, weak):
    assert plain.bse.isna().any()
    assert weak.bse.notna().all()
    assert weak.converged
    assert np.abs(weak.params).max() < 20
    np.testing.assert_allclose(weak.group_shares["share"], plain.group_shares["share"], atol=0.01)
    np.testing.assert_allclose(
        weak.predict([10, 12, 14])["estimate"], plain.predict([10, 12, 14])["estimate"], atol=0.02)


def counts(seed=0, n=60):
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n)[:, None] < n // 2, 0, rng.poisson(2.0, (n, 4)))
    return pd.DataFrame({"id": np.repeat(np.arange(n), 4), "age": np.tile(np.arange(4.0), n),
                         "y": y.ravel().astype(float)})


def repeated(seed=0):
    """Two people with the very same values, and others without."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((40, 4))
    y[:2] = 5.0
    return pd.DataFrame({"id": np.repeat(np.arange(40), 4), "age": np.tile(np.arange(4.0), 40), "y": y.ravel()})


@pytest.mark.parametrize(("data", "options"), [
    (counts, {"family": "poisson"}), (counts, {"family": "zip", "iorder": [0, 0], "order": 0}),
    (counts, {"family": "negbin", "dispersion_by_group": True, "order": 0}),
    (repeated, {"family": "normal", "sigma_by_group": True, "order": 0}),
    (repeated, {"family": "normal", "rorder": [0, 0], "order": 0}),
])
def test_each_kind_of_boundary(data, options):
    res = model(data(), prior="weak", **options).fit(**QUICK)
    assert res.converged, res.warnings
    assert np.isfinite(res.params).all()
    assert res.bse.notna().all(), res.warnings
    assert not any("infinity" in w or "collapsed" in w for w in res.warnings)


def test_a_covariate_that_tells_groups_apart_and_firth():
    data = separated().assign(sex=lambda d: (d.id < 30).astype(int) * (d.id % 3 > 0))
    likely = model(data, risk=["sex"], order=0).fit(**QUICK)
    assert likely.bse.filter(like="sex").isna().all()
    for prior in ("weak", gbtm.Prior(firth=True)):
        res = model(data, risk=["sex"], order=0, prior=prior).fit(**QUICK)
        assert res.bse.notna().all()
        assert 0.5 < abs(res.params["theta_sex[2]"]) < 8


def test_an_empty_pair_of_groups():
    data = separated().assign(other=lambda d: ((d.id < 30) & (d.age % 2 == 0)).astype(float))
    outcomes = [gbtm.Outcome("y ~ age", family="logit", order=0), gbtm.Outcome("other ~ age", family="logit", order=1)]

    def fit(prior):
        asked = gbtm.GBTM.from_formula(outcomes, data=data, id="id", groups=[2, 2], prior=prior)
        return asked.fit(n_starts=4, rng=0)

    likely, res = fit(None), fit("weak")
    assert likely.bse.filter(like="theta").isna().any()
    assert any("prior='weak'" in w for w in likely.warnings)
    assert res.bse.notna().all()
    assert (res.class_shares > 1e-3).all()


# -- what a fit says -------------------------------------------------------------------------------------------------


def test_criteria_are_without_the_prior_and_say_so(weak):
    assert weak.aic == pytest.approx(-2 * weak.llf + 2 * 4)
    assert weak.log_prior < 0
    assert float(module_of(weak)().sum().detach()) == pytest.approx(weak.llf, abs=1e-8)
    text = str(weak.summary())
    assert "MAP, weak prior" in text
    assert "Log-likelihood, AIC and BIC are without the prior" in " ".join(text.split())
    assert "MAP" in repr(weak)
    assert "Maximum a Posteriori" in weak.to_traj().text
    assert "MAP" in gbtm.to_table(weak, "markdown")
    assert not any("prior" in w for w in weak.warnings)


def test_the_default_says_nothing_of_priors(plain):
    assert plain.prior is None
    assert "prior" not in plain.document
    assert plain.log_prior == 0.0
    assert "MAP" not in str(plain.summary())


def test_the_remedy_is_named_at_the_boundary(plain):
    told = [f for f in plain.findings if f.code == "separated_group"]
    assert told
    assert all(f.message.endswith("With prior='weak' estimates are finite and have standard errors.") for f in told)


def test_save_and_load_keep_the_prior(weak, tmp_path):
    weak.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.prior == gbtm.Prior()
    assert again.spec == weak.spec
    assert again.log_prior == weak.log_prior
    assert again.with_cov_type("robust").bse.notna().all()
    np.testing.assert_allclose(again.with_cov_type("robust").with_cov_type("hessian").bse, weak.bse, rtol=1e-8)
    low, high = again.profile_int("intercept[1]")
    assert -25 < low < weak.params["intercept[1]"] < high < 0


def test_code_that_makes_the_fit_again_has_it(weak):
    made = {language: code_for(weak, language, "d.csv") for language in ("Python", "R", "Stata")}
    assert 'prior="weak"' in made["Python"]
    assert 'prior = "weak"' in made["R"]
    assert "weak prior" in made["Stata"]
    other = model(prior=gbtm.Prior(ridge=2.5, shares=0.5)).fit(**QUICK)
    assert f"prior=gbtm.{other.prior!r}" in code_for(other, "Python", "d.csv").replace("\n", " ")
    assert "gbtm_prior(shares = 0.5, curves = 1.0" in code_for(other, "R", "d.csv")


def test_fit_and_traj_take_it_too(weak):
    other = model().fit(prior="weak", **QUICK)
    np.testing.assert_allclose(other.params, weak.params, rtol=1e-10)
    wide = separated().pivot(index="id", columns="age", values="y")
    wide.columns = [f"y{j}" for j in range(1, 6)]
    for j in range(1, 6):
        wide[f"t{j}"] = j + 9.0
    res = gbtm.traj("traj, var(y1-y5) indep(t1-t5) model(logit) order(0 1)", wide, prior="weak", **QUICK)
    np.testing.assert_allclose(res.params, weak.params, rtol=1e-6)


# -- what goes with it -----------------------------------------------------------------------------------------------


def test_likelihood_ratios_are_of_one_prior(plain, weak):
    smaller = model(prior="weak", order=[0, 0]).fit(**QUICK)
    test = weak.compare_lr_test(smaller)
    assert test.statistic == pytest.approx(max(2 * (weak.llf - smaller.llf), 0.0))
    assert "MAP" in test.note
    with pytest.raises(SpecificationError) as error:
        weak.compare_lr_test(model(order=[0, 0]).fit(**QUICK))
    assert error.value.code == "other_prior"
    assert "prior" in error.value.way_out


def test_refits_keep_it(weak):
    boot = gbtm.bootstrap(weak, n=3, rng=0)
    assert np.abs(boot.params.to_numpy()).max() < 100
    held = gbtm.cross_validate(weak, folds=3, n_starts=2)
    assert np.isfinite(held.loglik)
    drawn = weak.simulate(rng=0)
    assert set(drawn["y"]) <= {0.0, 1.0}
    assert weak.classify(separated().head(5)).select_dtypes("float").notna().all(axis=None)


def test_a_search_has_one_prior(tmp_path):
    found = gbtm.search("y ~ age", separated(), id="id", groups=2, order=1, family="logit", prior="weak", rng=0)
    assert all(fit.prior == gbtm.Prior() for fit in found.fits.values())
    assert any("MAP" in s for s in found.sentences)
    found.save(tmp_path / "search.json")
    assert gbtm.load_search(tmp_path / "search.json").best("aic").prior == gbtm.Prior()


@pytest.mark.parametrize("value", ["strong", 1, {"share": 1}, {"shares": -1}, {"shares": float("nan")}, {"ridge": 0}])
def test_a_prior_that_is_none_is_refused(value):
    with pytest.raises(SpecificationError) as error:
        model(prior=value)
    assert error.value.code == "bad_prior"
    assert error.value.argument == "prior"


def test_a_dual_model_has_no_firth():
    with pytest.raises(SpecificationError, match="firth"):
        gbtm.GBTM.from_formula(["y ~ age", "w ~ age"], data=separated(), id="id", groups=[2, 2],
                               prior=gbtm.Prior(firth=True))


def test_weights_dropout_and_several_outcomes():
    data = separated()
    data = data[~((data.id % 7 == 0) & (data.age > 12))]
    one = model(data, weights="w", dropout=[0, 0], prior="weak").fit(**QUICK)
    assert one.cov_type == "robust"
    assert one.bse.notna().all()
    both = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ age", family="logit", order=1), gbtm.Outcome("w ~ age", order=0)], data=data, id="id",
        groups=2, prior="weak").fit(**QUICK)
    assert np.isfinite(both.params).all()
    assert both.prior == gbtm.Prior()


def test_people_on_disk_have_the_same_prior(tmp_path):
    """Their pseudo-people are sums over blocks."""
    data = separated()
    for i, part in enumerate(np.array_split(np.arange(60), 3)):
        data[data.id.isin(part)].to_parquet(tmp_path / f"part{i}.parquet")
    options = {"groups": 2, "order": 1, "family": "logit", "prior": "weak", "weights": "w", "risk": ["sex"]}
    here = gbtm.GBTM.from_formula("y ~ age", data=data, id="id", **options).fit(**QUICK)
    there = gbtm.GBTM.from_formula("y ~ age", data=str(tmp_path / "*.parquet"), id="id", **options).fit(**QUICK)
    np.testing.assert_allclose(there.params, here.params, rtol=1e-6)
    np.testing.assert_allclose(there.bse, here.bse, rtol=1e-6)
    assert there.log_prior == pytest.approx(here.log_prior, rel=1e-8)
    assert there.prior == here.prior


def test_training_by_batches_has_none():
    with pytest.raises(SpecificationError) as error:
        gbtm.train(model(prior="weak"), epochs=1)
    assert error.value.code == "no_prior_here"
