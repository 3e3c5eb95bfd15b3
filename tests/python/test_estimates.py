"""Estimates of step three and their standard errors against the reference, every row of it."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

import distal_cases as cases
from gbtm import DataError
from gbtm.step_three.estimates import estimates
from gbtm.step_three.influence import covariance

KINDS = {"se_model": "model", "se_robust": "robust", "se_stacked": "stacked", "se_bov": "bov",
         "se_bakk_kuha": "bakk-kuha"}
NO_SOLUTION = ("d1_normal_k2", "normal_covariates")


@functools.cache
def reference():
    table = pd.read_csv(cases.FOLDER / "step3_estimates.csv")
    return table.replace({"method": {"twostep": "two-step"}}).fillna({"shares": "free"})


@pytest.mark.parametrize("data", cases.DATA)
@pytest.mark.parametrize("model", list(cases.MODELS))
def test_every_estimate_and_standard_error_is_the_references(data, model):
    """The reference takes step one's shares as known where they are fixed; ours move them, which test_influence shows
    to be right."""
    table = reference()
    mine = table[(table["data"] == data) & (table["model"] == model)]
    assert len(mine)
    for (method, assignment, shares), rows in mine.groupby(["method", "assignment", "shares"]):
        problem = cases.problem_of(data, model, method, assignment, {"fixed": "known"}.get(shares, shares))
        found = estimates(problem)
        names, rows = cases.reference_names(problem), rows.set_index("parameter")
        assert sorted(names) == sorted(rows.index)
        np.testing.assert_allclose(pd.Series(found.parameters, names)[rows.index], rows["estimate"], atol=1e-9)
        for column, kind in KINDS.items():
            if rows[column].isna().any() or (method == "bch" and kind == "model"):
                continue
            se = np.sqrt(np.diag(covariance(problem, found.influence, kind)))
            np.testing.assert_allclose(pd.Series(se, names)[rows.index], rows[column], rtol=1e-7, err_msg=str(kind))


@pytest.mark.parametrize("data", cases.DATA)
def test_the_reference_has_every_model_and_method(data):
    mine = reference()[lambda t: t["data"] == data]
    assert set(mine["model"]) == set(cases.MODELS)
    variants = mine[["model", "method", "assignment", "shares"]].drop_duplicates()
    assert variants["model"].value_counts().min() >= 6


@pytest.mark.parametrize("assignment", ["modal", "proportional"])
def test_a_negative_corrected_variance_is_said(assignment):
    problem = cases.problem_of(NO_SOLUTION[0], NO_SOLUTION[1], "bch", assignment)
    with pytest.raises(DataError, match="corrected variance of group 1") as error:
        estimates(problem)
    assert error.value.code == "negative_variance"
    assert "method='ml'" in error.value.way_out


@pytest.mark.parametrize("model", ["binary", "nominal"])
@pytest.mark.parametrize("assignment", ["modal", "proportional"])
def test_ml_is_bch_where_the_outcome_is_saturated(model, assignment):
    bch = estimates(cases.problem_of("d2_zip_k3", model, "bch", assignment)).parameters
    free = estimates(cases.problem_of("d2_zip_k3", model, "ml", assignment)).parameters
    fixed = estimates(cases.problem_of("d2_zip_k3", model, "ml", assignment, "fixed")).parameters
    np.testing.assert_allclose(free[2:], bch, atol=1e-8)
    np.testing.assert_allclose(fixed, bch, atol=1e-8)


def test_bch_means_and_variances_have_a_closed_form():
    table = pd.read_csv(cases.FOLDER / "bch_closed_form.csv")
    for (data, assignment), rows in table[table["outcome"] == "o_normal"].groupby(["data", "assignment"]):
        problem = cases.problem_of(data, "normal", "bch", assignment)
        found = estimates(problem)
        k = len(rows)
        np.testing.assert_allclose(found.parameters[:k], rows["bch_mean"], rtol=1e-10)
        np.testing.assert_allclose(np.exp(2 * found.parameters[k:]), rows["bch_variance"], rtol=1e-9)
        se = np.sqrt(np.diag(covariance(problem, found.influence, "robust")))[:k]
        np.testing.assert_allclose(se, rows["se_mean_robust"], rtol=1e-9)


def test_all_methods_agree_where_groups_are_known():
    """Densities a million times apart: D is the identity, and every method is the naive one."""
    from dataclasses import replace

    one = cases.one_of("d1_normal_k2")
    group = one.posterior.argmax(axis=1)
    sure = replace(one, log_f=np.where(np.eye(2)[group] == 1, 0.0, -800.0))
    found = {
        method: estimates(replace(cases.problem_of("d1_normal_k2", "binary_covariates", method, "modal", "fixed"),
                                  step_one=sure)).parameters
        for method in ("naive", "bch", "ml", "two-step")
    }
    for method in ("bch", "ml", "two-step"):
        np.testing.assert_allclose(found[method], found["naive"], atol=1e-9)


@pytest.mark.parametrize("method", ["naive", "bch", "ml"])
def test_a_group_to_which_nobody_is_assigned_is_said(method):
    from dataclasses import replace

    problem = cases.problem_of("d2_zip_k3", "binary", method, "modal", "fixed")
    without = replace(problem, rows=problem.rows[problem.one_hot[problem.rows, 1] == 0])
    with pytest.raises(DataError, match="nobody is assigned to group 2") as error:
        estimates(without)
    assert error.value.code == "empty_group"


@pytest.mark.parametrize(("formula", "options", "hint"), [
    ("Surv(o_time, none) ~ group", {"method": "bch"}, "method='ml'"),
    ("split ~ group + v1", {}, "foretells the outcome"),
    ("even ~ group", {"family": "negbin"}, "family='poisson'"),
    ("flat ~ group", {"method": "ml"}, "sigma_by_group=False"),
])
def test_where_estimates_run_away_the_way_out_is_of_that_case(formula, options, hint):
    res, people = cases.fit_of("d2_zip_k3"), cases.people("d2_zip_k3")
    first = res.assignment.loc[people["id"]].to_numpy() == 1
    people = people.assign(
        none=np.where(first, 0, people["o_event"]), split=(people["v1"] > 0).astype(int), even=2 + people["id"] % 2,
        flat=np.where(first, 1.5, people["o_normal"]))
    with pytest.raises(DataError) as error:
        res.distal(formula, people, **options)
    assert error.value.code == "no_solution"
    assert hint in error.value.way_out


@pytest.mark.parametrize("model", ["normal_covariates", "count_covariates", "ordinal_covariates", "membership", "cox"])
def test_many_people_are_solved_from_a_part_of_them(model, monkeypatch):
    """To the digits that the whole way leads to, by every method."""
    import gbtm.step_three.estimates as module

    def problem(method):
        return cases.cox_problem("d3_logit_k3", method, "modal") if model == "cox" else (
            cases.problem_of("d3_logit_k3", model, method, "modal"))

    taken = []
    whole_way = module._from_scratch
    for method in ("naive", "ml", "two-step", "bch"):
        whole = estimates(problem(method))
        with monkeypatch.context() as few:
            few.setattr(module, "MANY", 100)
            few.setattr(module, "PART", len(whole.problem.rows) * 2 // 3)
            few.setattr(module, "_from_scratch", lambda p: taken.append(len(p.rows)) or whole_way(p))
            found = estimates(problem(method))
        np.testing.assert_allclose(found.parameters, whole.parameters, atol=1e-11)
        np.testing.assert_allclose(*(np.linalg.inv(e.influence.curvature) for e in (found, whole)), atol=1e-11)
    closed_form = 1 if model == "normal_covariates" else 0  # of BCH, by everybody
    assert sum(n == len(whole.problem.rows) for n in taken) == closed_form
    assert len(taken) == 4


def test_where_a_part_has_no_solution_the_whole_way_is_gone(monkeypatch):
    import gbtm.step_three.estimates as module

    whole = estimates(cases.problem_of("d1_normal_k2", "binary_covariates", "ml", "modal"))
    monkeypatch.setattr(module, "MANY", 100)
    monkeypatch.setattr(module, "PART", 4)
    found = estimates(cases.problem_of("d1_normal_k2", "binary_covariates", "ml", "modal"))
    np.testing.assert_allclose(found.parameters, whole.parameters, atol=1e-11)
