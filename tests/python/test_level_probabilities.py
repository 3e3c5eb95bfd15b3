"""Probabilities of the levels of an ordinal outcome: by the formula, and what they add up to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import gbtm


@pytest.fixture(scope="module")
def fit():
    data = gbtm.datasets.symptoms()
    grade = pd.cut(data["score"], [-np.inf, 2, 5, 7, np.inf], labels=["none", "some", "much", "worst"])
    return gbtm.GBTM.from_formula(
        "grade ~ month", data.assign(grade=grade), id="id", groups=2, order=1, family="ordinal", tcov="female"
    ).fit(n_starts=3, rng=0)


def test_they_are_those_of_the_formula(fit):
    table = gbtm.level_probabilities(fit, [0.0, 3.0], tcov=1.0)
    p = fit.params
    for group in (1, 2):
        eta = p[f"intercept[{group}]"] + p[f"month[{group}]"] * np.array([0.0, 3.0]) + p[f"female[{group}]"]
        below = expit(np.array([0.0, p["cut2"], p["cut3"]])[:, None] - eta)
        wanted = np.diff(np.vstack([0 * eta, below, 0 * eta + 1]), axis=0).T
        got = table.loc[table["group"] == group, "probability"].to_numpy().reshape(2, 4)
        np.testing.assert_allclose(got, wanted, rtol=1e-8)
    assert list(table["level"].cat.categories) == ["none", "some", "much", "worst"]
    assert table["level"].cat.ordered


def test_the_expected_score_is_theirs(fit):
    table = gbtm.level_probabilities(fit)
    score = (table["level"].cat.codes + 1) * table["probability"]
    expected = score.groupby([table["group"], table["month"]]).sum()
    np.testing.assert_allclose(expected, fit.predict()["estimate"], rtol=1e-10)


def test_other_families_have_none():
    data = gbtm.datasets.offending()
    res = gbtm.GBTM.from_formula("offenses ~ age", data, id="id", groups=1, order=1, family="poisson").fit(n_starts=1)
    with pytest.raises(gbtm.SpecificationError, match="has no levels"):
        gbtm.level_probabilities(res)
