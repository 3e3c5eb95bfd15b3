"""The figure of levels: its areas are the probabilities, its points the observed shares of the data, added up."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex

import gbtm
from gbtm.figures.levels import REFERENCE, level_colors, observed_shares
from gbtm.figures.style import PALETTE

matplotlib.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
FAMILIES = ("ordinal", "multinomial")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def drawn(levels=3, groups=2, waves=5, n=90, seed=3):
    """People of some groups, of which each has chances of its own of the levels 1, 2, .., or 7 for the last."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(levels, 0.8), groups)[np.arange(n) % groups]
    y = (rng.random((n, waves, 1)) > chances.cumsum(-1)[:, None, :-1]).sum(-1) + 1.0
    y[y == levels] = 7.0
    table = pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": np.tile(np.arange(waves) * 1.0, n)})
    table["y"] = y.ravel()
    return table[rng.random(len(table)) < 0.9]


def fitted(family, table=None, groups=2, **options):
    table = drawn() if table is None else table
    model = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=groups, order=1, family=family, **options)
    return model.fit(rng=0, n_starts=2)


def areas(axis):
    return [c for c in axis.collections if isinstance(c, PolyCollection)]


def points(axis):
    """What is marked: (M, 2) of each level with points, in its colour; the white behind them left out."""
    lines = [line for line in axis.get_lines() if to_hex(line.get_markerfacecolor()) != "#ffffff"]
    return [(line.get_xydata(), to_hex(line.get_markerfacecolor())) for line in lines]


def by_hand(table, res, group):
    """Shares (T, C) of the levels at each time, each person counted as far as they are of the group."""
    w = table["id"].map(res.posterior.iloc[:, group - 1])
    sums = w.groupby([table["t"], table["y"]]).sum().unstack(fill_value=0.0)
    return sums.div(sums.sum(axis=1), axis=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("levels", "groups"), [(2, 1), (3, 2), (6, 6)])
def test_points_are_the_weighted_shares_added_up_and_in_the_colour_of_the_area_below(family, levels, groups):
    table = drawn(levels, groups)
    res = fitted(family, table, groups)
    figure = gbtm.plot_levels(res)
    assert len(figure.axes) == groups
    for group, axis in enumerate(figure.axes, start=1):
        wanted = by_hand(table, res, group).cumsum(axis=1)
        marked = points(axis)
        assert len(marked) == levels - 1
        for c, (xy, color) in enumerate(marked):
            np.testing.assert_allclose(xy, np.column_stack([wanted.index, wanted.iloc[:, c]]), atol=1e-9)
            assert color == to_hex(areas(axis)[c].get_facecolor()[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_areas_are_the_probabilities_added_up(family):
    res = fitted(family)
    table = gbtm.level_probabilities(res, np.linspace(0, 4, 101))
    for group, axis in enumerate(gbtm.plot_levels(res).axes, start=1):
        own = table.loc[table["group"] == group, "probability"].to_numpy().reshape(101, 3).cumsum(axis=1)
        for c, area in enumerate(areas(axis)):
            at = area.get_paths()[0].vertices
            top = [at[np.isclose(at[:, 0], t), 1].max() for t in (0.0, 2.0, 4.0)]
            np.testing.assert_allclose(top, own[[0, 50, 100], c], atol=1e-12)


def test_a_fit_that_is_good_has_its_points_at_the_edges():
    """With one group the shares of all people, which a curve through every wave meets."""
    table = drawn(groups=1, waves=2)
    res = fitted("multinomial", table, 1)
    times, shares = observed_shares(res, 1)
    probabilities = gbtm.level_probabilities(res, times)["probability"].to_numpy().reshape(shares.shape)
    np.testing.assert_allclose(shares, probabilities, atol=1e-6)


def test_without_observed_there_are_none_and_no_word_of_them():
    res = fitted("multinomial")
    for figure in (gbtm.plot_levels(res, observed=False), res.plot(observed=False)):
        assert not any(axis.get_lines() for axis in figure.axes)
        assert figure.get_supxlabel() == ""
    assert "observed shares" in res.plot().get_supxlabel()
    with pytest.raises(gbtm.SpecificationError, match="no mean"):
        res.plot(observed=True, individuals=True)


def test_many_times_are_taken_together():
    table = drawn(waves=4)
    table["t"] = np.random.default_rng(0).uniform(0, 10, len(table)).round(3)
    res = fitted("ordinal", table)
    times, shares = observed_shares(res, 1)
    assert times.size == 20
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    edges = np.linspace(table["t"].min(), table["t"].max(), 21)
    first = table[table["t"] < edges[1]]
    w = first["id"].map(res.posterior.iloc[:, 0])
    assert times[0] == pytest.approx(first["t"].mean())
    assert shares[0, 0] == pytest.approx(w[first["y"] == 1].sum() / w.sum())


def test_a_time_at_which_nobody_of_the_group_was_seen_has_no_point():
    table = drawn()
    res = fitted("multinomial", table)
    sure = res.posterior.iloc[:, 0] > 0.5
    gone = table[~(table["id"].map(sure) & (table["t"] == 4))]
    again = fitted("multinomial", gone)
    low = int(np.argmin([observed_shares(again, g)[0].size for g in (1, 2)])) + 1
    w = gone["id"].map(again.posterior.iloc[:, low - 1])
    weight = w.groupby(gone["t"]).sum()
    assert list(observed_shares(again, low)[0]) == list(weight.index[weight > 0.5])


def test_colours_are_told_apart_by_colour_blind_readers():
    """Of levels in an order ever darker ones; of others the house's palette."""
    of_order = [matplotlib.colors.rgb_to_hsv(c[:3])[2] for c in level_colors(fitted("ordinal"), 6)]
    assert np.all(np.diff(of_order) < 0)
    colors = level_colors(fitted("multinomial"), 6)
    assert colors == [REFERENCE, *PALETTE[:5]]


@pytest.mark.parametrize(("levels", "groups"), [(2, 1), (6, 6)])
def test_the_legend_lies_beside_the_panels_and_names_every_level(levels, groups):
    figure = gbtm.plot_levels(fitted("multinomial", drawn(levels, groups), groups))
    figure.canvas.draw()
    legend = figure.legends[0]
    assert [t.get_text() for t in legend.get_texts()] == ["7", *(str(c) for c in range(levels - 1, 0, -1))]
    box = legend.get_window_extent()
    assert not any(axis.get_window_extent().overlaps(box) for axis in figure.axes)
    assert box.x1 <= figure.bbox.x1
