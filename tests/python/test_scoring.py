"""Scoring new people: the columns that are asked for are told apart from others, whoever named them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm


@pytest.fixture(scope="module")
def table():
    found = gbtm.datasets.two_groups(rng=0)
    found["region"] = found["id"].map(lambda i: ("north", "east", "south")[i % 3])
    return found


@pytest.fixture
def res(table):
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, risk="~ region").fit(n_starts=2)


def named(res, *names: str):
    res.document["group_sets"][0]["membership"]["names"] = ["constant", *names]
    return gbtm.GBTMResults(res.document)


def test_levels_may_be_named_as_in_r(res, table):
    ours = res.classify(table)
    for names in (("regionnorth", "regionsouth"), ("factor(region)north", "factor(region)south")):
        pd.testing.assert_frame_equal(named(res, *names).classify(table), ours)
    np.testing.assert_allclose(ours["probability"].to_numpy().reshape(-1, 2), res.posterior, atol=1e-10)


def test_other_levels_are_refused(res, table):
    with pytest.raises(gbtm.DataError, match="membership covariates"):
        named(res, "regionnorth", "regionwest").classify(table)
