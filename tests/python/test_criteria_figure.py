"""The fit-criteria figure holds the table's numbers, and marks what each criterion chooses."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from gbtm import SpecificationError
from gbtm.figures.criteria import best_per_group, plot_criteria, table_of
from gbtm.figures.measures import MEASURES, criterion_name

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _table() -> pd.DataFrame:
    """Two shapes for each of two, three and four groups, one for one group."""
    table = pd.DataFrame(
        {
            "groups": [1, 2, 2, 3, 3, 4, 4],
            "loglik": [-900.0, -800, -810, -770, -790, -765, -766],
            "aic": [1806.0, 1612, 1630, 1558, 1596, 1554, 1560],
            "bic_subjects": [1820.0, 1640, 1650, 1600, 1630, 1611, 1609],
            "bic_observations": [1830.0, 1655, 1660, 1660, 1670, 1690, 1680],
            "entropy": [np.nan, 0.9, 0.95, 0.8, 0.85, 0.7, 0.72],
            "smallest_group": [1.0, 0.4, 0.3, 0.2, 0.25, 0.04, 0.1],
            "avepp_min": [1.0, 0.95, 0.96, 0.9, 0.91, 0.6, 0.65],
            "occ_min": [np.nan, 20, 25, 12, np.inf, 4, 4.5],
            "mismatch_max": [0.0, 0.01, 0.02, 0.03, 0.02, 0.1, 0.2],
            "cv_loglik": [-905.0, np.nan, -815, -780, np.nan, np.nan, -790],
            "cv_se": [10.0, np.nan, 9, 8, np.nan, np.nan, 8.5],
            "blrt_p": [np.nan, np.nan, 0.005, 0.01, np.nan, 0.3, np.nan],
            "lmr_p": np.nan,
            "converged": True,
        },
        index=["1: 2", "2: 2 2", "2: 1 1", "3: 2 2 2", "3: 1 1 1", "4: 2 2 2 2", "4: 1 1 1 1"],
    )
    return table


def _panel(fig, name):
    return next(ax for ax in fig.axes if ax.get_title(loc="left") == MEASURES[name].name)


def _joined(ax):
    """The lines that join models: x and y of each, in order."""
    found = [x for x in ax.get_lines() if x.get_marker() in ("o", "s") and x.get_linestyle() != "None"]
    return [(np.asarray(x.get_xdata()), np.asarray(x.get_ydata())) for x in found]


def _rings(ax):
    return {
        x.get_label(): (float(x.get_xdata()[0]), float(x.get_ydata()[0]))
        for x in ax.get_lines() if str(x.get_label()).startswith("chosen by")
    }


def _dots(ax):
    dots = [x for x in ax.get_lines() if x.get_marker() == "."]
    return sorted((float(a), float(b)) for d in dots for a, b in zip(d.get_xdata(), d.get_ydata()))


def test_a_fit_criterion_joins_its_own_best_models_and_rings_the_chosen():
    fig = plot_criteria(_table())
    assert isinstance(fig, Figure)
    ax = _panel(fig, "bic")
    (x, subjects), (_, observations) = _joined(ax)
    assert x.tolist() == [1, 2, 3, 4]
    assert subjects.tolist() == [1820, 1640, 1600, 1609]
    assert observations.tolist() == [1830, 1655, 1660, 1680]
    assert _rings(ax) == {"chosen by bic_subjects": (3, 1600), "chosen by bic_observations": (2, 1655)}
    assert _dots(ax) == sorted([(2, 1650), (3, 1630), (4, 1611), (2, 1660), (3, 1670), (4, 1690)])


def test_measures_of_adequacy_join_the_models_that_the_criterion_prefers():
    fig = plot_criteria(_table())
    x, y = _joined(_panel(fig, "avepp_min"))[0]
    assert x.tolist() == [2, 3, 4]  # with one group it is 1 whatever the data
    assert y.tolist() == [0.95, 0.9, 0.65]
    other = plot_criteria(_table(), criterion="aic")
    assert _joined(_panel(other, "avepp_min"))[0][1].tolist() == [0.95, 0.9, 0.6]
    assert _joined(_panel(fig, "loglik"))[0][1].tolist() == [-900, -800, -770, -766]
    assert _rings(_panel(fig, "entropy")) == {}


def test_the_choices_of_a_search_come_before_the_tables_least_value():
    search = SimpleNamespace(table=_table(), choices=pd.Series({"bic_subjects": "4: 1 1 1 1", "aic": "gone"}))
    fig = plot_criteria(search)
    assert _rings(_panel(fig, "bic"))["chosen by bic_subjects"] == (4, 1609)
    assert _rings(_panel(fig, "aic")) == {"chosen by aic": (4, 1554)}
    assert "chooses K = 4" in fig.get_supxlabel().replace("\n", " ")


def test_cross_validation_has_error_bars_and_larger_is_better():
    ax = _panel(plot_criteria(_table()), "cv_loglik")
    x, y = _joined(ax)[0]
    assert dict(zip(x, y)) == {1: -905, 2: -815, 3: -780, 4: -790}
    assert _rings(ax) == {"chosen by cv_loglik": (3, -780)}
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, 1, 1] - segments[:, 0, 1], 2 * np.array([10, 9, 8, 8.5]))
    low, high = ax.get_ylim()
    assert low < -915
    assert high > -772


def test_p_values_are_drawn_where_they_are():
    fig = plot_criteria(_table())
    x, y = _joined(_panel(fig, "p"))[0]
    assert dict(zip(x, y)) == {2: 0.005, 3: 0.01, 4: 0.3}
    assert len(_joined(_panel(fig, "p"))) == 1  # no LMR
    both = _table().assign(lmr_p=_table()["blrt_p"] / 2)
    assert len(_joined(_panel(plot_criteria(both), "p"))) == 2


def test_odds_are_on_a_log_scale_and_infinite_ones_are_said():
    ax = _panel(plot_criteria(_table()), "occ_min")
    assert ax.get_yscale() == "log"
    assert "infinite" in " ".join(t.get_text() for t in ax.texts)
    finite = _table().replace(np.inf, 30.0)
    assert "infinite" not in " ".join(t.get_text() for t in _panel(plot_criteria(finite), "occ_min").texts)


def test_directions_are_said():
    fig = plot_criteria(_table())
    for ax in fig.axes:
        assert any("better" in t.get_text() or "dotted" in t.get_text() for t in ax.texts), ax.get_title(loc="left")
    assert [t.get_text() for t in _panel(fig, "bic").texts] == ["smaller is better"]


def test_panels_without_values_are_left_out():
    table = _table().drop(columns=["cv_loglik", "cv_se"]).assign(blrt_p=np.nan)
    titles = [ax.get_title(loc="left") for ax in plot_criteria(table).axes]
    assert MEASURES["p"].name not in titles
    assert MEASURES["cv_loglik"].name not in titles
    assert [ax.get_title(loc="left") for ax in plot_criteria(table, show=["aic", "bic"]).axes] == ["AIC", "BIC"]


def test_models_far_worse_are_beyond_the_axis_and_counted():
    table = _table()
    table.loc["3: 1 1 1", "aic"] = 1e6
    fig = plot_criteria(table)
    assert _panel(fig, "aic").get_ylim()[1] < 5000
    assert "far worse" in fig.get_supxlabel()
    assert "far worse" not in plot_criteria(_table()).get_supxlabel()


def test_models_that_cannot_be_chosen_are_crosses_and_off_the_line():
    table = _table().assign(flag="")
    table.loc["3: 2 2 2", "flag"] = "a sigma ran to zero"
    fig = plot_criteria(table)
    ax = _panel(fig, "bic")
    assert _joined(ax)[0][1].tolist() == [1820, 1640, 1630, 1609]
    assert _rings(ax)["chosen by bic_subjects"] == (4, 1609)
    crosses = [(x.get_xdata().tolist(), x.get_ydata().tolist()) for x in ax.get_lines() if x.get_marker() == "x"]
    assert ([3], [1600.0]) in crosses
    assert "1 of 7 models that cannot be chosen" in fig.get_supxlabel().replace("\n", " ")
    plot_criteria(table.assign(flag="all of them")).canvas.draw()


def test_what_the_bootstrap_test_chooses_is_ringed():
    search = SimpleNamespace(table=_table(), choices=pd.Series({"blrt": "3: 2 2 2"}))
    assert _rings(_panel(plot_criteria(search), "p")) == {"chosen by blrt_p": (3, 0.01)}


@pytest.mark.parametrize("rows", [["1: 2"], ["3: 2 2 2"], ["1: 2", "4: 1 1 1 1"]])
def test_few_models(rows):
    fig = plot_criteria(_table().loc[rows])
    fig.canvas.draw()
    assert _joined(_panel(fig, "bic"))[0][0].size == len(rows)


def test_noise_in_the_fourth_digit_does_not_look_like_a_finding():
    table = _table().assign(entropy=[np.nan] + [0.99991, 0.9999, 0.99992] * 2)
    low, high = _panel(plot_criteria(table), "entropy").get_ylim()
    assert high - low > 0.05


def test_global_settings_stay_and_it_draws_to_a_file(tmp_path):
    before = dict(matplotlib.rcParams)
    plot_criteria(_table()).savefig(tmp_path / "f.pdf")
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "f.pdf").stat().st_size > 5000


def test_wrong_arguments():
    with pytest.raises(SpecificationError, match="neither a search nor a table"):
        plot_criteria({"groups": [1]})
    with pytest.raises(SpecificationError, match="no values for 'dic'"):
        plot_criteria(_table(), criterion="dic")
    with pytest.raises(SpecificationError, match="no panel is called 'BIC'"):
        plot_criteria(_table(), show=["BIC"])
    with pytest.raises(SpecificationError, match="no values for these"):
        plot_criteria(_table()[["groups", "bic_subjects"]], show=["entropy"])


def test_names_of_criteria():
    assert criterion_name("bic_subjects") == "BIC (n = subjects)"
    assert criterion_name("sabic_observations") == "Sample-size adjusted BIC (n = observations)"
    assert criterion_name("aic") == "AIC"
    assert criterion_name("traj_bic_subjects") == "traj bic (n = subjects)"


def test_best_per_group_knows_the_direction():
    assert best_per_group(_table(), "cv_loglik").to_dict() == {1: "1: 2", 2: "2: 1 1", 3: "3: 2 2 2", 4: "4: 1 1 1 1"}
    assert best_per_group(_table(), "loglik")[4] == "4: 2 2 2 2"
    table, choices = table_of(_table(), "aic")
    assert choices == {}
    assert len(table) == 7


def _off(ax):
    return [text for text in ax.texts if text.get_gid() == "off scale"]


@pytest.mark.parametrize(("name", "columns", "value"), [
    ("aic", ["aic"], 5806.0), ("bic", ["bic_subjects", "bic_observations"], 5820.0), ("loglik", ["loglik"], -2900.0),
])
def test_one_group_far_off_does_not_squeeze_the_others(name, columns, value):
    table = _table()
    alone = table.loc[table["groups"] > 1]
    table.loc["1: 2", columns] = value
    fig = plot_criteria(table)
    ax = _panel(fig, name)
    assert ax.get_ylim() == _panel(plot_criteria(alone), name).get_ylim()  # as if it were not there
    low, high = ax.get_ylim()
    assert not low < value < high
    arrow, = _off(ax)
    assert f"{value:,.0f}" in arrow.get_text()
    assert arrow.xy == (1, 1.0 if value > high else 0.0)  # it points to where one group is
    assert _joined(ax)[0][0][0] == 1  # the line runs off the axis towards it
    assert "Arrow: K = 1 is off the scale" in fig.get_supxlabel().replace("\n", " ")
    assert "far worse" not in fig.get_supxlabel()


def test_one_group_that_is_near_or_chosen_stays_on_the_axis():
    table = _table()
    table.loc["1: 2", ["aic", "bic_subjects", "bic_observations", "loglik"]] = [1640.0, 1680.0, 1700.0, -830.0]
    fig = plot_criteria(table)
    assert not any(_off(ax) for ax in fig.axes)
    assert "Arrow" not in fig.get_supxlabel()
    assert _panel(fig, "aic").get_ylim()[1] > 1640
    table.loc["1: 2", "aic"] = 500.0  # far, and the one that the criterion chooses
    ax = _panel(plot_criteria(table), "aic")
    assert ax.get_ylim()[0] < 500
    assert not _off(ax)
    two = _table().loc[["1: 2", "2: 2 2"]]
    assert not any(_off(ax) for ax in plot_criteria(two).axes)
