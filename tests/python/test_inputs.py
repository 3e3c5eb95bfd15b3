"""How a table was read: split over document, outcome and groups, and joined again."""

from __future__ import annotations

import pytest

from gbtm.record.inputs import joined_inputs, split_inputs

LONG = {
    "form": "long", "id": "who", "time": "t", "outcome": "y", "tcov": ["w"], "exposure": None, "dcov": ["v"],
    "risk": "~ x", "dropout": True, "levels": {"x": ["a", "b"]},
    "design": {"weights": "s", "cluster": None, "stratum": None, "out_of_sample": None, "obsmar": "mar"},
}
WIDE = {**LONG, "form": "wide", "outcome": "y*", "time": [1.0, 2.0], "name": "y", "time_name": "t"}


TWO = {
    "form": "long", "id": "who", "levels": {}, "design": {"weights": "s"}, "risk": "~ x",
    "outcomes": [{"outcome": "y", "time": "t"}, {"outcome": "z", "time": "u"}],
}


@pytest.mark.parametrize("inputs", [LONG, WIDE, TWO, {k: v for k, v in LONG.items() if k != "design"}])
def test_joined_is_what_was_split(inputs):
    assert joined_inputs(*split_inputs(inputs)) == inputs


def test_each_part_goes_where_it_belongs():
    whole, (outcome,), groups = split_inputs(LONG)
    assert set(whole) == {"form", "id", "levels", "design"}
    assert groups == {"risk": "~ x"}
    assert outcome["obsmar"] == "mar"
    assert "obsmar" not in whole["design"]
    assert LONG["design"]["obsmar"] == "mar"  # what was given is let be


def test_fits_of_arrays_have_none():
    assert split_inputs(None, 2) == (None, [None, None], None)
    assert joined_inputs(None, [None, None], None) is None
