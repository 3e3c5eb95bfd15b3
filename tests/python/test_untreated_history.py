"""Waves before an event: which stay, who is left out, and what is said of it, in tables and panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError, GBTMWarning, SpecificationError
from gbtm.data.panel import Panel

EVENT = {"a": np.nan, "b": 3.0, "c": 1.0, "d": 9.0}  # never; at the third wave; at the first; after all


@pytest.fixture
def table():
    d = pd.DataFrame([(i, t, 10 * j + t) for j, i in enumerate(EVENT) for t in (1, 2, 3, 4)], columns=["id", "t", "y"])
    d["event"] = d["id"].map(EVENT).where(d["t"] == 2)  # known from one row of each
    return d.sample(frac=1, random_state=0)


def rows(d):
    return sorted(zip(d["id"], d["t"], strict=True))


@pytest.mark.parametrize(("start", "stay", "words"), [
    (None, {"a": 4, "b": 2, "d": 4}, "1 people had it too early and are left out; 2 later observations"),
    (3, {"a": 2, "b": 2, "d": 2}, "1 people had it too early and are left out; 6 later observations"),
    (4, {"a": 3, "d": 3}, "2 people had it too early and are left out; 2 later observations"),
])
def test_what_comes_before_stays_and_the_rest_is_counted(table, start, stay, words):
    with pytest.warns(GBTMWarning, match=words):
        found = gbtm.untreated_history(table, "event", time="t", id="id", start=start)
    assert rows(found) == [(i, t) for i, n in stay.items() for t in range(1, n + 1)]
    pd.testing.assert_frame_equal(found, table.loc[found.index])
    panel = Panel.from_long(table, id="id", time="t", outcome="y")
    with pytest.warns(GBTMWarning, match=words):
        cut = panel.before(pd.Series(EVENT)[::-1], start)
    same = Panel.from_long(found, id="id", time="t", outcome="y")
    assert list(cut.ids) == sorted(stay)
    order = [list(same.ids).index(i) for i in cut.ids]
    for k, j in enumerate(order):
        np.testing.assert_array_equal(cut.outcomes[0].y[cut.outcomes[0].subject == k],
                                      same.outcomes[0].y[same.outcomes[0].subject == j])


def test_where_nobody_has_it_all_stays_in_silence(table, recwarn):
    found = gbtm.untreated_history(table.assign(event=np.nan), "event", time="t", id="id")
    assert len(found) == len(table)
    assert not recwarn


def test_what_cannot_be_cut_is_said(table):
    for change, options, code in (({}, {"start": 0}, "nobody"), ({"event": table["t"]}, {}, "not_constant")):
        with pytest.raises(DataError) as error:
            gbtm.untreated_history(table.assign(**change), "event", time="t", id="id", **options)
        assert error.value.code == code
    with pytest.raises(DataError, match="nowhere"):
        gbtm.untreated_history(table, "nowhere", time="t", id="id")
    panel = Panel.from_long(table, id="id", time="t", outcome="y")
    with pytest.raises(DataError) as error:
        panel.before({"nobody": 3.0})
    assert error.value.code == "no_id_matches"
    with pytest.raises(SpecificationError, match="dropout"):
        Panel.from_long(table, id="id", time="t", outcome="y", dropout=True).before(EVENT)
