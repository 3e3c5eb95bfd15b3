"""Errors of classification and the weights that undo them, against the reference and their identities."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import distal_cases as cases
import gbtm
from gbtm import DataError, SpecificationError
from gbtm.step_three.classification import ClassificationError, classification_table


@pytest.mark.parametrize("data", cases.DATA)
def test_tables_inverses_and_logits_are_the_references(data):
    said = json.loads((cases.FOLDER / "classification.json").read_text(encoding="utf-8"))["classification"][data]
    for assignment in ("modal", "proportional"):
        error = cases.fit_of(data).classification_error(assignment)
        np.testing.assert_allclose(error.table, said[assignment], atol=1e-10)
        np.testing.assert_allclose(error.inverse, said[f"inverse_{assignment}"], atol=1e-10)
    np.testing.assert_allclose(cases.fit_of(data).classification_error().logits, said["logits_modal"], atol=1e-9)
    np.testing.assert_allclose(error.shares, said["shares"], atol=1e-10)


@pytest.mark.parametrize("data", cases.DATA)
def test_posteriors_and_bch_weights_are_the_references(data):
    res = cases.fit_of(data)
    np.testing.assert_allclose(res.posterior, cases.posterior(data), atol=1e-10)
    said = pd.read_csv(cases.FOLDER / f"{data}_bch_weights.csv").set_index("id")
    np.testing.assert_allclose(res.bch_weights().loc[said.index], said, atol=1e-10)


@pytest.mark.parametrize("assignment", ["modal", "proportional"])
def test_weights_sum_to_one_and_to_the_size_of_each_group(assignment):
    res = cases.fit_of("d3_logit_k3")
    b = res.bch_weights(assignment)
    np.testing.assert_allclose(b.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(b.sum(axis=0), res.posterior.sum(axis=0), atol=1e-9)


def test_sampling_weights_enter_both_sums():
    table = cases.long_table("d1_normal_k2")
    weight = table["id"] % 5 + 1.0
    res = gbtm.GBTM.from_formula("y ~ time", table.assign(w=weight), id="id", groups=2, order=1, weights="w").fit(
        start=cases.step_one_of("d1_normal_k2")["params"])
    s = res.weights
    b, error = res.bch_weights(), res.classification_error()
    np.testing.assert_allclose(b.sum(axis=1), s, atol=1e-12)
    np.testing.assert_allclose(b.sum(axis=0), s @ res.posterior, atol=1e-9)
    p, a = res.posterior.to_numpy(), np.eye(2)[res.assignment - 1]
    np.testing.assert_allclose(error.table.iloc[0, 1], np.sum(s * p[:, 0] * a[:, 1]) / np.sum(s * p[:, 0]), atol=1e-12)


def test_proportional_is_a_product_of_the_posteriors():
    p = cases.posterior("d2_zip_k3")
    np.testing.assert_allclose(
        classification_table(p, np.ones(len(p)), "proportional"), np.diag(1 / p.sum(axis=0)) @ p.T @ p, atol=1e-13)


def test_a_group_to_which_nobody_is_assigned_is_said():
    d = pd.DataFrame([[1.0, 0.0], [1.0, 0.0]], index=[1, 2], columns=[1, 2])
    error = ClassificationError("modal", d, pd.Series([0.6, 0.4]))
    with pytest.raises(DataError, match="does not tell the groups apart") as said:
        _ = error.inverse
    assert said.value.code == "singular_classification"
    assert "two-step" in said.value.way_out


def test_refusals():
    data = gbtm.datasets.two_groups(rng=0, n_per_group=12, periods=5)
    data["z"] = data["id"] % 2
    one = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1).fit(rng=0)
    with_z = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, risk="~ z").fit(rng=0, n_starts=2)
    for res, code in ((one, "one_group"), (with_z, "membership_covariates")):
        for ask in (lambda r: r.classification_error(), lambda r: r.bch_weights(),
                    lambda r: r.distal("z ~ group", data), lambda r: r.predictors("~ z", data)):
            with pytest.raises(SpecificationError) as error:
                ask(res)
            assert error.value.code == code
            assert error.value.way_out
    with pytest.raises(SpecificationError, match="'soft' is none"):
        cases.fit_of("d1_normal_k2").classification_error("soft")
