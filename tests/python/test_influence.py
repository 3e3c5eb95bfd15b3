"""Standard errors of step three: a person's influence is what his weight moves the estimates by, both steps redone."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import distal_cases as cases
import gbtm
from gbtm import SpecificationError
from gbtm.data.subjects import Subjects
from gbtm.step_three.estimates import estimates
from gbtm.step_three.influence import covariance, person_influence
from gbtm.step_three.step_one import StepOne

DATA, PERSON, STEP = "d1_normal_k2", 7, 2e-3


@functools.cache
def moved(by: float) -> StepOne:
    """Step one where one person's sampling weight is 1 + ``by``."""
    table, said = cases.long_table(DATA), cases.step_one_of(DATA)
    weight = np.where(table["id"] == cases.people(DATA)["id"][PERSON], 1 + by, 1.0)
    model = gbtm.GBTM.from_formula("y ~ time", table.assign(w=weight), id="id", groups=2, order=1, weights="w")
    return StepOne.of(model.fit(start=said["params"]))


@pytest.mark.parametrize(("model", "method", "assignment", "shares"), [
    ("binary_covariates", "naive", "proportional", "free"), ("binary_covariates", "bch", "modal", "free"),
    ("normal", "bch", "proportional", "free"), ("binary_covariates", "ml", "modal", "free"),
    ("binary_covariates", "ml", "modal", "fixed"), ("binary_covariates", "ml", "proportional", "free"),
    ("normal", "two-step", "none", "free"), ("normal", "two-step", "none", "fixed"),
    ("membership", "ml", "modal", "free"), ("membership", "two-step", "none", "free"), ("cox", "bch", "modal", "free"),
    ("cox", "ml", "modal", "free"), ("cox", "two-step", "none", "fixed"),
])
def test_influence_is_the_derivative_in_a_persons_weight(model, method, assignment, shares):
    if model == "cox":
        problem = cases.cox_problem(DATA, method, "modal" if assignment == "none" else assignment, shares)
    else:
        problem = cases.problem_of(DATA, model, method, assignment, shares)
    q = len(problem.structure.names)
    up, down = (estimates(replace(problem, step_one=moved(sign * STEP))).parameters[:q] for sign in (1, -1))
    psi = person_influence(problem, estimates(problem).influence)[PERSON]
    assert np.abs(psi).max() > 1e-4
    np.testing.assert_allclose((up - down) / (2 * STEP), psi, rtol=2e-4, atol=2e-7)


def test_a_survey_design_sums_within_clusters_and_centres_within_strata():
    problem = cases.problem_of(DATA, "binary", "bch", "modal")
    found = estimates(problem).influence
    psi = person_influence(problem, found)
    rng = np.random.default_rng(0)
    n = len(psi)
    cluster, stratum = rng.integers(0, 25, n), rng.integers(0, 2, n)
    subjects = Subjects(risk=np.zeros((n, 0)), cluster=cluster, stratum=stratum)
    v = covariance(replace(problem, step_one=replace(problem.step_one, subjects=subjects)), found)
    expected = np.zeros_like(v)
    for h in (0, 1):
        sums = np.stack([psi[(stratum == h) & (cluster == c)].sum(axis=0) for c in range(25)])
        expected += 25 * np.cov(sums.T, ddof=1)
    np.testing.assert_allclose(v, expected, rtol=1e-9)
    alone = replace(problem.step_one, subjects=Subjects(risk=np.zeros((n, 0)), cluster=np.arange(n)))
    v = covariance(replace(problem, step_one=alone), found)
    np.testing.assert_allclose(v, n / (n - 1) * (psi - psi.mean(axis=0)).T @ (psi - psi.mean(axis=0)), rtol=1e-9)


@pytest.mark.parametrize("kind", ["model", "bakk-kuha"])
def test_an_inverse_hessian_is_refused_under_bch(kind):
    problem = cases.problem_of(DATA, "binary", "bch", "modal")
    with pytest.raises(SpecificationError, match="no meaning") as error:
        covariance(problem, estimates(problem).influence, kind)
    assert error.value.code == "bad_covariance"


def test_an_unknown_covariance_is_refused():
    problem = cases.problem_of(DATA, "binary", "naive", "modal")
    with pytest.raises(SpecificationError, match="'sandwich' is none"):
        covariance(problem, estimates(problem).influence, "sandwich")


@functools.cache
def dual_data() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two outcomes with groups of their own, and people with a distal outcome that goes with the second's."""
    rng = np.random.default_rng(0)
    n = 120
    first = rng.integers(0, 2, n)
    second = (rng.random(n) < np.where(first == 1, 0.7, 0.25)).astype(int)
    long = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(np.arange(4.0), n)})
    long["y1"] = first[long["id"]] * 1.5 + rng.normal(size=len(long))
    long["y2"] = second[long["id"]] * 1.3 - 0.3 * long["t"] + rng.normal(size=len(long))
    high = (rng.random(n) < np.where(second == 1, 0.8, 0.2)).astype(int)
    return long, pd.DataFrame({"id": np.arange(n), "high": high})


@functools.cache
def dual_fit(by: float):
    long, _ = dual_data()
    weight = np.where(long["id"] == PERSON, 1 + by, 1.0)
    outcomes = [gbtm.Outcome("y1 ~ t", order=0), gbtm.Outcome("y2 ~ t", order=1)]
    model = gbtm.GBTM.from_formula(outcomes, long.assign(w=weight), id="id", groups=[2, 2], weights="w")
    return model.fit(rng=0, n_starts=2)


@pytest.mark.parametrize("groups_of", ["y1", "y2"])
@pytest.mark.parametrize("method", ["bch", "two-step"])
def test_of_a_dual_model_either_outcomes_groups_may_be_meant(groups_of, method):
    _, people = dual_data()
    out = dual_fit(0.0).distal("high ~ group", people, method=method, groups_of=groups_of)
    one = out.found.problem.step_one
    np.testing.assert_allclose(one.posterior, dual_fit(0.0).of_outcome(groups_of).posterior, atol=1e-10)
    up, down = (dual_fit(sign * STEP).distal("high ~ group", people, method=method, groups_of=groups_of).internal
                for sign in (1, -1))
    psi = person_influence(out.found.problem, out.found.influence)[PERSON]
    np.testing.assert_allclose((up - down) / (2 * STEP), psi, rtol=5e-4, atol=1e-6)


def test_a_dual_model_wants_to_know_whose_groups():
    _, people = dual_data()
    res = dual_fit(0.0)
    for ask in (lambda: res.distal("high ~ group", people), lambda: res.predictors("~ high", people)):
        with pytest.raises(SpecificationError, match="groups_of='y1'") as error:
            ask()
        assert error.value.code == "two_group_sets"
