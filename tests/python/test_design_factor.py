"""Factors: their documents come back as they were, and levels are found by value."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.columns.design_factor import Factor, inside_category, known_state, plain_level, plain_state, run

CODINGS = {"full": np.eye(2), "reduced": np.array([[0.0], [1.0]])}


def test_states_come_back_from_json():
    state = {"poly(x, 2)": {"alpha": {0: np.float64(1.5)}, "knots": [1.0, 2.0], "c": np.eye(2), "none": None}}
    again = known_state(json.loads(json.dumps(plain_state(state))))
    assert again["poly(x, 2)"]["alpha"] == {0: 1.5}
    assert again["poly(x, 2)"]["knots"] == [1.0, 2.0]
    assert again["poly(x, 2)"]["none"] is None
    np.testing.assert_array_equal(again["poly(x, 2)"]["c"], np.eye(2))


def test_a_state_that_no_file_can_hold_is_told():
    with pytest.raises(TypeError):
        plain_state({"a": object()})


@pytest.mark.parametrize(("values", "levels"), [
    (pd.Series(["b", "a"]), ("a", "b")), (pd.Series([2.0, 1.0]), (1, 2)), (pd.Series([True, False]), (False, True)),
    (pd.Series(pd.Categorical(["b", "a"])), ("a", "b")),
    (pd.Series(pd.to_datetime(["2020-02-01", "2020-01-01"])), ("2020-01-01 00:00:00", "2020-02-01 00:00:00")),
])
def test_levels_are_found_by_value(values, levels):
    factor = Factor("`z`", {}, levels, CODINGS)
    table = pd.DataFrame({"z": values})
    np.testing.assert_array_equal(factor.columns(table, "reduced", "risk", False), [[1.0], [0.0]])
    np.testing.assert_array_equal(factor.columns(table, "full", "risk", False), [[0.0, 1.0], [1.0, 0.0]])


def test_another_level_is_refused():
    with pytest.raises(gbtm.DataError, match="'c' did not occur in the fit") as caught:
        Factor("`z`", {}, ("a", "b"), CODINGS).columns(pd.DataFrame({"z": ["c"]}), "full", "risk", True)
    assert caught.value.code == "new_level"


def test_code_is_run_only_if_it_is_trusted():
    factor = Factor("x.abs()", {}, arithmetic=False)
    table = pd.DataFrame({"x": [-1.0, 2.0]})
    with pytest.raises(gbtm.SpecificationError, match="trust_formula=True") as caught:
        factor.columns(table, "number", "risk", False)
    assert caught.value.code == "untrusted_formula"
    np.testing.assert_array_equal(factor.columns(table, "number", "risk", True), [[1.0], [2.0]])
    np.testing.assert_array_equal(run("x.abs()", table, {}), [1.0, 2.0])


def test_documents_are_plain_and_come_back():
    factor = Factor("x > 3", {"scale(x)": {"center": np.float64(2)}}, (False, True), CODINGS, pointwise=True)
    again = Factor.from_document(json.loads(json.dumps(factor.document)))
    assert again.document == factor.document
    assert (again.levels, again.arithmetic) == ((False, True), True)


@pytest.mark.parametrize(("text", "inside"), [
    ("C(z)", "z"), ("C(x > 3, contr.sum)", "x > 3"), ("z", "z"), ("log(z)", "log(z)"), ("C(z", "C(z"),
    ("C(z, levels=['b', 'a'])", "z"),
])
def test_the_expression_inside_a_category(text, inside):
    assert inside_category(text) == inside


@pytest.mark.parametrize(("level", "plain"), [
    (np.int64(3), 3), (2.0, 2), (2.5, 2.5), ("a", "a"), (np.bool_(True), True), (pd.Timestamp("2020-01-01"),
                                                                                 "2020-01-01 00:00:00"),
])
def test_levels_are_plain(level, plain):
    assert plain_level(level) == plain
    assert type(plain_level(level)) is type(plain)
