"""Wald tests between groups against the reference's, under each covariance; adjusted p-values; redundant hypotheses."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import distal_cases as cases
from gbtm.distal.comparisons import adjusted, comparison_table, joint_test
from gbtm.step_three.estimates import estimates
from gbtm.step_three.influence import covariance

TESTED = [m for m in cases.MODELS if m not in ("nominal", "nominal_covariates", "ordinal", "ordinal_covariates",
                                               "membership")]


@functools.cache
def reference():
    table = pd.read_csv(cases.FOLDER / "step3_tests.csv")
    return table.replace({"method": {"twostep": "two-step"}, "cov": {"bakk_kuha": "bakk-kuha"}}).fillna(
        {"shares": "free"})


@pytest.mark.parametrize("data", cases.DATA)
@pytest.mark.parametrize("model", TESTED)
def test_every_test_between_groups_is_the_references(data, model):
    table = reference()
    table = table[(table["data"] == data) & (table["model"] == model)]
    assert len(table)
    for (method, assignment, shares), rows in table.groupby(["method", "assignment", "shares"]):
        problem = cases.problem_of(data, model, method, assignment, {"fixed": "known"}.get(shares, shares))
        found = estimates(problem)
        names, k = cases.reference_names(problem), cases.step_one_of(data)["K"]
        unit = {f"group{t + 1}": np.eye(len(names))[names.index(f"group{t + 1}")] for t in range(k)}
        for kind, of_kind in rows.groupby("cov"):
            if method == "bch" and kind == "model":
                continue
            v = covariance(problem, found.influence, kind)
            for row in of_kind.itertuples():
                if row.test == "all equal":
                    contrast = np.stack([unit[f"group{t + 1}"] - unit["group1"] for t in range(1, k)])
                    said = joint_test(contrast, found.parameters, v, np.inf, row.test)
                    np.testing.assert_allclose((said.statistic, said.df), (row.chi2, row.df), rtol=1e-6)
                    continue
                a, b = row.test.split(" - ")
                said = comparison_table({row.test: unit[a] - unit[b]}, found.parameters, v, np.inf, ratio=None,
                                        adjust="none", level=0.95).iloc[0]
                np.testing.assert_allclose(said[["difference", "std err"]], (row.difference, row.se), rtol=1e-6)


def test_hypotheses_that_follow_from_others_count_once():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    b, v = rng.normal(size=3), root @ root.T
    c = np.array([[1.0, -1, 0], [0, 1, -1], [1, 0, -1]])
    all_three, two = (joint_test(x, b, v, np.inf, "") for x in (c, c[:2]))
    np.testing.assert_allclose(all_three.statistic, two.statistic, rtol=1e-9)
    assert all_three.df == 2
    clustered = joint_test(c, b, v, 30.0, "")
    np.testing.assert_allclose(clustered.statistic, two.statistic / 2, rtol=1e-9)
    np.testing.assert_allclose(clustered.pvalue, stats.f.sf(two.statistic / 2, 2, 30), rtol=1e-12)


def test_what_has_no_variance_has_no_test():
    v = np.diag([1.0, np.nan, 4.0])
    v[1, :] = v[:, 1] = np.nan
    table = comparison_table({"a": np.array([1.0, 0, -1]), "b": np.array([1.0, -1, 0])}, np.array([1.0, 30, 2]), v,
                             np.inf, ratio="odds ratio", adjust="none", level=0.95)
    np.testing.assert_allclose(table["std err"], [np.sqrt(5), np.nan])
    assert np.isnan(joint_test(np.array([[1.0, -1, 0]]), np.ones(3), v, np.inf, "").statistic)


def test_holm_never_falls_and_never_exceeds_one():
    p = np.array([0.01, 0.04, 0.03, 0.8])
    np.testing.assert_allclose(adjusted(p, "holm"), [0.04, 0.09, 0.09, 0.8])
    np.testing.assert_allclose(adjusted(p, "bonferroni"), [0.04, 0.16, 0.12, 1.0])
