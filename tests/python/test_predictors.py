"""``res.predictors()``: membership covariates after the fact, against the reference, one step and regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import distal_cases as cases
import gbtm
from gbtm import DataError, GBTMWarning, SpecificationError

OURS = {"const": "theta", "z1": "theta_z1", "z2": "theta_z2"}


@pytest.fixture(scope="module")
def fit():
    return cases.fit_of("d2_zip_k3")


@pytest.fixture(scope="module")
def people():
    return cases.people("d2_zip_k3")


@pytest.mark.parametrize("method", ["two-step", "ml", "bch", "naive"])
def test_estimates_and_errors_are_the_references(fit, people, method):
    table = pd.read_csv(cases.FOLDER / "step3_estimates.csv")
    said = table[(table["data"] == "d2_zip_k3") & (table["model"] == "membership")
                 & (table["method"] == method.replace("-", "")) & table["assignment"].isin(["modal", "none"])]
    names = [f"{OURS[p.split(':')[0]]}[{p[-1]}]" for p in said["parameter"]]
    out = fit.predictors("~ z1 + z2", people.sample(frac=1, random_state=0), method=method)
    np.testing.assert_allclose(out.params[names], said["estimate"], atol=1e-9)
    np.testing.assert_allclose(out.bse[names], said["se_stacked"], rtol=1e-7)


def test_two_step_is_the_default_and_columns_may_be_named(fit, people):
    out = fit.predictors(["z1", "z2"], people)
    assert (out.method, out.assignment) == ("two-step", "none")
    pd.testing.assert_series_equal(out.params, fit.predictors("~ z1 + z2", people).params)
    assert "reference: group 1" in str(out.summary())


def test_another_reference_is_the_same_model(fit, people):
    out, other = (fit.predictors("~ z1 + z2", people, ref=r) for r in (None, 3))
    assert other.names[0] == "theta[1]"
    np.testing.assert_allclose(out.odds_ratios(ref=3)["theta"], other.odds_ratios()["theta"], atol=1e-8)
    np.testing.assert_allclose(out.odds_ratios(ref=3)["std err"], other.odds_ratios()["std err"], rtol=1e-6)
    np.testing.assert_allclose(out.test().statistic, other.test().statistic, rtol=1e-6)
    assert out.odds_ratios(ref=3).attrs["reference"] == 3
    np.testing.assert_allclose(
        out.odds_ratios().loc[(2, "z1"), "upper"], np.exp(out.conf_int().loc["theta_z1[2]", 1]), rtol=1e-12)


def test_a_wald_test_of_one_covariate(fit, people):
    out = fit.predictors("~ z1 + z2", people)
    names = ["theta_z2[2]", "theta_z2[3]"]
    b, v = out.params[names].to_numpy(), out.cov_params().loc[names, names].to_numpy()
    np.testing.assert_allclose(out.test("z2").statistic, b @ np.linalg.solve(v, b), rtol=1e-9)
    assert (out.test("z2").df, out.test().df) == (2, 4)
    with pytest.raises(SpecificationError, match="none of the covariates"):
        out.test("age")


def test_naive_is_a_regression_on_the_assigned_group(fit, people):
    import statsmodels.api as sm

    out = fit.predictors("~ z1 + z2", people, method="naive")
    plain = sm.MNLogit(fit.assignment.loc[people["id"]].to_numpy(), sm.add_constant(people[["z1", "z2"]])).fit(disp=0)
    np.testing.assert_allclose(out.params, plain.params.to_numpy().T.ravel(), atol=1e-7)
    beside = fit.predictors("~ z1 + z2", people).beside_naive()
    np.testing.assert_allclose(beside["naive"], out.params, atol=1e-9)


def test_one_step_is_a_fit_with_the_covariates(fit, people):
    """Of those who have them: as a model with ``risk`` leaves the others out."""
    some = people.assign(z1=people["z1"].where(people["id"] % 50 != 0))
    beside = fit.predictors("~ z1 + z2", some).beside_one_step()
    table = cases.long_table("d2_zip_k3").merge(some[["id", "z1", "z2"]])
    model = gbtm.GBTM.from_formula("y ~ time", table, id="id", groups=3, order=1, family="zip", iorder=0,
                                   risk="~ z1 + z2")
    said = model.fit(rng=0, n_starts=2)
    np.testing.assert_allclose(beside["one step"], said.params[beside.index], atol=1e-5)
    np.testing.assert_allclose(beside["one step std err"], said.bse[beside.index], rtol=1e-4)
    assert 0.9 < beside.attrs["agreement"] <= 1


def test_who_lacks_a_covariate_is_counted(fit, people):
    out = fit.predictors("~ z1", people.assign(z1=people["z1"].where(people["id"] > 20)))
    assert (out.nobs, out.n_step_one) == (480, 500)
    assert any("20 people" in n for n in out.notes)


def test_a_covariate_that_separates_groups_is_said(fit, people):
    group = fit.assignment.loc[people["id"]].to_numpy()
    with pytest.warns(GBTMWarning, match="separates group"):
        out = fit.predictors("~ sure", people.assign(sure=(group == 3).astype(int)), method="naive")
    assert np.isnan(out.bse["theta_sure[3]"])


@pytest.mark.parametrize(("covariates", "options", "code"), [
    ("~ nothing_here", {}, "no_covariates"), (["nothing"], {}, "unknown_column"), ("~ z1 + z1b", {}, "collinear"),
    ("~ z1", {"ref": 4}, "bad_ref"), ("~ z1", {"method": "R3STEP"}, "bad_method"), ("~ empty", {}, "nobody"),
])
def test_what_cannot_be_done_is_said(fit, people, covariates, options, code):
    with pytest.raises((DataError, SpecificationError)) as error:
        fit.predictors(covariates, people.assign(z1b=3 * people["z1"], empty=np.nan), **options)
    assert error.value.code == code
    assert error.value.way_out
