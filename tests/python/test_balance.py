"""Balance before and after weighting, and the frame that is handed on to matching."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import distal_cases as cases
from gbtm import DataError, GBTMWarning, SpecificationError
from gbtm.distal.balance import balance
from gbtm.distal.matching_frame import matching_frame
from gbtm.figures.balance import plot_balance


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 300
    x, group = rng.normal(size=n), rng.integers(1, 3, n)
    a = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int)
    return pd.DataFrame({"group": group, "a": a, "x": x, "b": rng.integers(0, 2, n)})


def test_unweighted_numbers_are_scipys(frame):
    table = balance(frame, "a")
    assert list(table.index.get_level_values(1).unique()) == ["x", "b"]
    for g in (1, 2, "all"):
        here = frame if g == "all" else frame[frame["group"] == g]
        one, other = here.loc[here["a"] == 1, "x"], here.loc[here["a"] == 0, "x"]
        row = table.loc[(g, "x")]
        np.testing.assert_allclose(row["smd"], (one.mean() - other.mean()) / one.std(), rtol=1e-12)
        np.testing.assert_allclose(row["variance ratio"], one.var() / other.var(), rtol=1e-12)
        np.testing.assert_allclose(row["ks"], stats.ks_2samp(one, other).statistic, rtol=1e-12)
        assert (row["n treated"], row["n control"], row["ess control"]) == (len(one), len(other), len(other))


def test_weights_that_repeat_people_are_people_repeated(frame):
    """And a propensity's odds as weights bring the treated and the others together."""
    times = np.where(frame["a"] == 0, np.arange(len(frame)) % 3, 1)
    table = balance(frame.assign(w=times), "a", ["x"], weights="w")
    again = balance(frame.loc[frame.index.repeat(times)], "a", ["x"])
    np.testing.assert_allclose(table["control"], again["control"], rtol=1e-12)
    np.testing.assert_allclose(table["ks"], again["ks"], atol=1e-12)
    np.testing.assert_allclose(table["smd before"], balance(frame, "a", ["x"])["smd"], rtol=1e-12)
    odds = np.where(frame["a"] == 1, 1.0, np.exp(frame["x"]))
    after = balance(frame.assign(w=odds), "a", ["x"], weights="w").loc[("all", "x")]
    assert abs(after["smd"]) < 0.35 * abs(after["smd before"])
    assert after["ess control"] < after["n control"]


def test_a_group_without_treated_people_has_no_numbers(frame):
    with pytest.warns(GBTMWarning, match="in group 1 nobody is treated") as said:
        table = balance(frame.assign(a=np.where(frame["group"] == 1, 0, frame["a"])), "a")
    assert len(said) == 1
    drawn = plot_balance(table)
    assert [t.get_text() for t in drawn[0].texts] == ["nobody to compare"]
    assert not drawn[1].texts
    plt.close("all")
    assert np.isnan(table.loc[(1, "x"), "smd"])
    assert not table.loc[(1, "x"), "balanced"]


@pytest.mark.parametrize(("change", "options", "code"), [
    ({"a": 2}, {}, "bad_treatment"), ({"w": -1.0}, {"weights": "w"}, "bad_weights"), ({}, {"weights": "w"},
                                                                                     "unknown_column"),
])
def test_what_cannot_be_weighed_is_said(frame, change, options, code):
    with pytest.raises(DataError) as error:
        balance(frame.assign(**change), "a", **options)
    assert error.value.code == code


def test_the_frame_has_groups_probabilities_and_earlier_outcomes():
    res, people = cases.fit_of("d1_normal_k2"), cases.people("d1_normal_k2")
    table = people[["id", "o_binary", "v1"]].sample(frac=1, random_state=0)
    table["o_binary"] = table["o_binary"].where(table["id"] != 3)
    with pytest.warns(GBTMWarning, match="1 people"):
        out = matching_frame(res, table, "o_binary")
    assert list(out.columns) == ["group", "prob_1", "prob_2", "y@-1", "y@-0.5", "y@0", "y@0.5", "y@1", "o_binary", "v1"]
    assert len(out) == 399
    same = people.set_index("id").loc[out.index]
    np.testing.assert_allclose(out["y@-0.5"], same["y2"])
    np.testing.assert_allclose(out["v1"], same["v1"])
    np.testing.assert_allclose(out["prob_2"], res.posterior.loc[out.index, 2])
    assert balance(out, "o_binary").loc[("all", "y@1"), "n treated"] == same["o_binary"].sum()
    with pytest.raises(DataError, match="not 0 or 1"):
        matching_frame(res, people[["id", "o_count"]], "o_count")
    with pytest.raises(SpecificationError, match="'group' has the name") as error:
        matching_frame(res, people[["id", "o_binary"]].assign(group=1), "o_binary")
    assert error.value.code == "taken_name"


def test_the_love_plot_has_each_difference_before_and_after(frame):
    table = balance(frame.assign(w=np.where(frame["a"] == 1, 1.0, np.exp(frame["x"]))), "a", weights="w")
    axes = plot_balance(table)
    assert [ax.get_title().split(":")[0] for ax in axes] == ["Group 1", "Group 2", "All"]
    for group, ax in zip((1, 2, "all"), axes, strict=True):
        before, after = (line for line in ax.lines if line.get_label() in ("before", "after"))
        np.testing.assert_array_equal(before.get_xdata(), table.loc[group]["smd before"])
        np.testing.assert_array_equal(after.get_xdata(), table.loc[group]["smd"])
    assert [t.get_text() for t in axes[0].get_yticklabels()] == ["x", "b"]
    plt.close("all")
    with pytest.raises(SpecificationError) as error:
        plot_balance(frame)
    assert error.value.code == "no_balance"


def test_what_is_far_stands_at_the_edge_of_the_love_plot_with_its_value():
    """Before, after, or both, on either side; the others keep their places and the axis does not go beyond."""
    smd = {"a": (0.5, 0.1), "b": (7.0, 3.0), "c": (4.0, 0.2), "d": (0.3, -2.5), "e": (-9.0, 9.0), "f": (2.0, 2.0),
           "g": (3.0, 3.0), "h": (np.nan, np.nan)}
    table = pd.DataFrame({"smd before": [v[0] for v in smd.values()], "smd": [v[1] for v in smd.values()],
                          "n treated": 5, "n control": 5},
                         index=pd.MultiIndex.from_product([["all"], list(smd)], names=["group", "covariate"]))
    (ax,) = plot_balance(table)
    before, after = (line.get_xdata() for line in ax.lines if line.get_label() in ("before", "after"))
    np.testing.assert_array_equal(before, [0.5, 2, 2, 0.3, -2, 2, 2, np.nan])
    np.testing.assert_array_equal(after, [0.1, 2, 0.2, -2, 2, 2, 2, np.nan])
    said = {(list(smd)[int(t.xy[1])], float(t.xy[0])): t.get_text() for t in ax.texts}
    assert said == {("b", 2): "7.0, 3.0", ("c", 2): "4.0", ("d", -2): "-2.5", ("e", -2): "-9.0", ("e", 2): "9.0",
                    ("g", 2): "3.0"}
    assert "beyond 2 at the edge" in ax.get_xlabel()
    assert max(map(abs, ax.get_xlim())) < 2.5
    plt.close("all")
