"""Panels of several outcomes made into one: who is in it, what is known of them, what was left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gbtm import DataError, Panel
from gbtm.data.joined_panels import joined_panels

A = pd.DataFrame({"who": ["p", "p", "q", "r"], "t": [1, 2, 1, 1], "y": [1.0, 2.0, 3.0, np.nan], "z": [5, 5, 6, 7]})
B = pd.DataFrame({"who": ["s", "q", "q"], "u": [4, 3, 1], "w": [0.5, 0.3, 0.1]})


def _a(**more):
    return Panel.from_long(A, id="who", time="t", outcome="y", **more)


def _b(**more):
    return Panel.from_long(B, id="who", time="u", outcome="w", **more)


def test_people_in_the_order_of_the_tables_and_their_measures_by_id():
    both = joined_panels([_a(), _b()], [True, False])
    assert list(both.ids) == ["p", "q", "s"]
    assert [(m.name, m.subject.tolist(), m.time.tolist()) for m in both.outcomes] == [
        ("y", [0, 0, 1], [1, 2, 1]), ("w", [1, 1, 2], [1, 3, 4])]
    assert both.nobs == 6
    assert both.dropped.subjects == ("r",)
    assert (both.dropped.observations_read, both.dropped.missing_outcome, both.dropped.subjects_read) == (7, 1, 4)


def test_what_is_known_of_people_is_of_the_first_table():
    both = joined_panels([_a(risk=["z"]), _b()], [True, False])
    assert list(both.ids) == ["p", "q"]
    assert both.subjects.risk[:, 0].tolist() == [5, 6]
    assert both.outcomes[1].subject.tolist() == [1, 1]
    assert both.dropped.incomplete_subjects == ("s",)


def test_people_with_another_outcome_only_keep_what_is_known_of_them():
    """r has no y but is in the table: an outcome of the same table brings his covariates."""
    again = Panel.from_long(A.assign(v=[1.0, np.nan, np.nan, 2.0]), id="who", time="t", outcome="v", risk=["z"])
    both = joined_panels([_a(risk=["z"]), again], [True, True])
    assert list(both.ids) == ["p", "q", "r"]
    assert both.subjects.risk[:, 0].tolist() == [5, 6, 7]
    assert both.dropped.subjects == ()


def test_those_without_any_observation_are_unobserved():
    both = joined_panels([_a(unobserved=True), _b(unobserved=True)], [True, False])
    assert list(both.unobserved.ids) == ["r"]
    assert both.unobserved.place.tolist() == [3]
    assert joined_panels([_a(), _b()], [True, False]).unobserved is None


def test_tables_without_a_common_person():
    other = Panel.from_long(B.assign(who=["x", "y", "y"]), id="who", time="u", outcome="w")
    with pytest.raises(DataError, match="w: none of its 2 people") as caught:
        joined_panels([_a(), other], [True, False])
    assert caught.value.code == "no_common_id"
