"""A row a group, a column an outcome: each panel has the curve, the means and the people of its own."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

import gbtm
from gbtm import SpecificationError

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def res():
    rng = np.random.default_rng(0)
    group, t = np.repeat(rng.integers(0, 3, 60), 4), np.tile(np.arange(4.0), 60)
    data = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "t": t, "y": rng.normal(3.0 * group + 0.2 * t),
                         "b": (rng.random(t.size) < 0.3 + 0.2 * group).astype(float), "u": 2010 + t})
    return gbtm.GBTM.from_formula(
        ["y ~ t", gbtm.Outcome("b ~ u", family="logit", order=0)], data, id="id", groups=3, order=1).fit(n_starts=4)


def _curve(ax):
    return next(x for x in ax.get_lines() if len(x.get_xdata()) > 20)


def test_every_panel_has_its_own_curve(res):
    fig = res.plot(grid=True, level=0.9)
    axes = np.reshape(fig.axes, (3, 2))
    for g in range(3):
        for m, name in enumerate(["y", "b"]):
            line = _curve(axes[g, m])
            want = res.predict(line.get_xdata(), outcome=name)
            np.testing.assert_allclose(line.get_ydata(), want[want["group"] == g + 1]["estimate"], rtol=1e-10)
            means = next(x for x in axes[g, m].get_lines() if x.get_linestyle() == "None")
            observed = res.observed_means.query("outcome == @name and group == @g + 1")
            np.testing.assert_allclose(means.get_ydata(), observed["mean"])
            assert axes[g, m].get_ylim() == axes[0, m].get_ylim()
    assert [ax.get_title() for ax in axes[0]] == ["mean of y", "P(b = 1)"]
    assert [ax.get_xlabel() for ax in axes[-1]] == ["t", "u"]
    shares = res.group_shares["share"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == [f"Group {g}\n{100 * shares[g]:.1f} %" for g in (1, 2, 3)]
    assert "90 % band" in fig._supxlabel.get_text()


def test_people_of_each_group_in_each_outcome(res):
    fig = res.plot(grid=True, individuals=True, groups=[3, 1])
    axes = np.reshape(fig.axes, (2, 2))
    for g, row in zip((3, 1), axes, strict=True):
        for m, ax in enumerate(row):
            lines = [s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]
            assert len(lines) == (res.assignment == g).sum()
            data = res.outcomes[m].data
            who = np.flatnonzero(res.assignment.to_numpy() == g)[0]
            y = data.y[data.subject == who]
            assert any(np.abs(line[:, 1] - y).max() <= 0.05 for line in lines)
    some = np.reshape(res.plot(grid=True, individuals=5).axes, (3, 2))
    assert all(len(s) == 5 for ax in some[:, 0] for c in ax.collections if isinstance(c, LineCollection)
               for s in [c.get_segments()])


def test_one_outcome_of_several(res):
    ax = res.plot(outcome="b", individuals=True)
    lines = [s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]
    assert len(lines) == 60
    assert ax.get_ylabel() == "P(b = 1)"
    assert len(res.plot(outcome=1, grid=True).axes) == 3
    for ask, code in (({"outcome": "z"}, "unknown_outcome"), ({"grid": True, "groups": [4]}, "unknown_group"),
                      ({"grid": True, "labels": ["a"]}, "bad_labels")):
        with pytest.raises(SpecificationError) as caught:
            res.plot(**ask)
        assert caught.value.code == code
    with pytest.raises(SpecificationError) as caught:
        res.plot(ax, grid=True)
    assert caught.value.code == "bad_ax"
