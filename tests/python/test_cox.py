"""Cox regression on groups known with error, against R's coxph and an EM of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import distal_cases as cases
from gbtm.step_three.estimates import estimates
from gbtm.step_three.influence import covariance

REFERENCE = {
    "naive modal": ("naive", "modal"), "naive proportional": ("naive", "proportional"), "BCH modal": ("bch", "modal"),
    "ML modal, shares fixed (EM, Breslow)": ("ml", "modal"),
}


@pytest.mark.parametrize("data", cases.DATA)
@pytest.mark.parametrize("words", list(REFERENCE))
def test_hazard_ratios_are_the_references(data, words):
    table = pd.read_csv(cases.FOLDER / "cox_estimates.csv")
    mine = table[(table["data"] == data) & (table["method"] == words)]
    problem = cases.cox_problem(data, *REFERENCE[words], shares="fixed")
    found = estimates(problem)
    q = len(problem.structure.names)
    np.testing.assert_allclose(found.parameters[:q], mine["estimate"], atol=1e-7)
    if mine["se_robust"].notna().all():
        se = np.sqrt(np.diag(covariance(problem, found.influence, "robust")))
        np.testing.assert_allclose(se, mine["se_robust"], rtol=1e-7)


def test_the_curvature_of_a_mixture_without_its_jumps_is_that_of_all_parameters():
    """Conjugate gradients against the whole Hessian."""
    import torch

    problem = cases.cox_problem("d1_normal_k2", "ml", "modal")
    found = estimates(problem)
    evidence, weight = problem.evidence(), torch.as_tensor(problem.weight)
    hessian = torch.autograd.functional.hessian(
        lambda x: problem.structure.objective(x, evidence, weight), torch.as_tensor(found.parameters)).numpy()
    q = len(problem.structure.names)
    np.testing.assert_allclose(
        np.linalg.inv(found.influence.curvature), np.linalg.inv(-hessian)[:q, :q], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("entry", [0.0, 0.5])
@pytest.mark.parametrize(("method", "assignment", "shares"), [
    ("ml", "modal", "free"), ("ml", "proportional", "free"), ("ml", "proportional", "fixed"),
    ("two-step", "none", "free"),
])
def test_products_with_a_mixtures_curvature_are_autograds(method, assignment, shares, entry):
    """At any parameters, with weights, with late entry."""
    import torch

    given = cases.cox_problem("d2_zip_k3", method, assignment, shares)
    y, rng = given.structure.y.copy(), np.random.default_rng(0)
    y[::2, 0] = entry * y[::2, 1]
    structure = type(given.structure)(y, given.structure.predictor, mixes=True, free_shares=shares == "free")
    evidence, weight = given.evidence(), torch.as_tensor(rng.uniform(0.5, 1.5, len(y)))
    jumps = np.log(np.full(len(structure.risk.times), 0.01))
    at = np.concatenate([rng.normal(0, 0.5, len(structure.names)), jumps])
    times = structure.curvature_times(at, evidence, weight)
    x = torch.tensor(at, requires_grad=True)
    (score,) = torch.autograd.grad(structure.objective(x, evidence, weight), x, create_graph=True)
    for u in rng.normal(size=(3, len(at))):
        (product,) = torch.autograd.grad(score @ torch.as_tensor(u), x, retain_graph=True)
        np.testing.assert_allclose(times(u), -product.numpy(), rtol=1e-9, atol=1e-9)


def test_late_entry_leaves_the_risk_sets_before_it():
    """Who enters after all events of the others says nothing, and entry at zero is no entry."""
    problem = cases.cox_problem("d1_normal_k2", "naive", "modal")
    plain = estimates(problem).parameters
    y = problem.structure.y
    late = y.copy()
    late[:, 0] = np.where(np.arange(len(y)) % 2 == 0, 0.5 * y[:, 1], 0.0)
    structure = type(problem.structure)(late, problem.structure.predictor, mixes=False, free_shares=False)
    from dataclasses import replace

    other = estimates(replace(problem, structure=structure)).parameters
    eta = problem.structure.predictor(__import__("torch").as_tensor(other))[:, :, 0].numpy()
    eta = eta[np.arange(len(y)), problem.one_hot.argmax(axis=1)]
    x = np.column_stack([problem.one_hot[:, 1], cases.people("d1_normal_k2")["v1"]])
    score = np.zeros(2)
    for i in np.flatnonzero(y[:, 2] == 1):
        at_risk = (late[:, 0] < y[i, 1]) & (y[:, 1] >= y[i, 1])
        w = np.exp(eta[at_risk])
        score += x[i] - w @ x[at_risk] / w.sum()
    np.testing.assert_allclose(score, 0, atol=1e-7)
    assert np.abs(other - plain).max() > 1e-3
