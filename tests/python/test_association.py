"""Independence and association of a dual model's groups against the reference program and numeric derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from dual import fitted
from gbtm.inference.association import association
from several import EXPECTED


@pytest.mark.parametrize("which", ["dual", "dual_risk"])
def test_tests_of_independence_are_the_reference_s(which):
    test, want = fitted(which).independence(), EXPECTED[which]["independence"]
    assert test.table.loc["LR", "statistic"] == pytest.approx(want["lr"], abs=1e-6)
    assert test.table.loc["Wald", "statistic"] == pytest.approx(want["wald"], rel=1e-7)
    assert (test.table["df"] == want["df"]).all()
    assert test.table.loc["LR", "p-value"] == pytest.approx(want["p_lr"], rel=1e-5)
    assert test.table.loc["Wald", "p-value"] == pytest.approx(want["p_wald"], rel=1e-5)
    assert "depend on" in test.sentence


def test_a_sandwich_has_wald_alone():
    test = fitted().with_cov_type("robust").independence()
    assert list(test.table.index) == ["Wald"]


def measures(joint):
    first, second = joint.sum(1), joint.sum(0)
    expected = np.outer(first, second)
    return {
        "lift": joint / expected,
        "odds ratio": joint * joint[0, 0] / (joint[:, :1] * joint[:1]),
        "cramers_v": np.sqrt(((joint - expected) ** 2 / expected).sum() / (min(joint.shape) - 1)),
    }


def test_measures_and_their_standard_errors_by_numeric_derivatives():
    res = fitted("dual_risk")
    table = association(res)
    layout, flat, cov = res.layout, res.internal.params, res.internal.cov

    def at(x):
        return measures(layout.shares(x).reshape(3, 2))

    steps = np.eye(flat.size) * 1e-6
    slopes = {m: np.stack([(at(flat + h)[m] - at(flat - h)[m]) / 2e-6 for h in steps], -1) for m in at(flat)}
    for (measure, j, k), row in table.iterrows():
        value, gradient = at(flat)[measure], slopes[measure]
        if j != "":
            value, gradient = value[j - 1, k - 1], gradient[j - 1, k - 1]
        assert row["estimate"] == pytest.approx(value, rel=1e-9)
        assert row["std err"] == pytest.approx(np.sqrt(gradient @ cov @ gradient), rel=1e-4)


def test_kappa_where_both_have_as_many_groups():
    from dual import model

    res = model(groups=[2, 2]).fit(n_starts=4)
    joint = res.pairs.shares.reshape(2, 2)
    agreed, chance = np.trace(joint), joint.sum(1) @ joint.sum(0)
    table = res.association().sort_index()
    assert table.loc["kappa", "estimate"].iloc[0] == pytest.approx((agreed - chance) / (1 - chance), abs=1e-10)
    assert table.loc["kappa", "std err"].iloc[0] > 0
