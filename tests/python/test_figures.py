"""Figures of groups, models, posteriors and adequacy hold the numbers they should."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import gbtm
from conftest import ROOT, other_groups, other_outcome
from gbtm import SpecificationError
from gbtm.adequacy.groups import adequacy
from gbtm.figures.adequacy import plot_adequacy
from gbtm.figures.drawn import evenly, subject_lines
from gbtm.figures.panels import plot_models

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    before = dict(matplotlib.rcParams)
    yield
    plt.close("all")
    assert dict(matplotlib.rcParams) == before


def _curve(ax):
    return next(x for x in ax.get_lines() if x.get_linestyle() == "-" and len(x.get_xdata()) > 20)


def _behind(ax):
    return [s for c in ax.collections if isinstance(c, LineCollection) for s in c.get_segments()]


def _points(ax):
    """Offsets of the scatters, in order of time."""
    scatters = [c for c in ax.collections if isinstance(c, PathCollection)]
    found = [np.asarray(c.get_offsets()) for c in scatters if len(c.get_offsets())]
    points = np.vstack(found)
    return points[np.argsort(points[:, 0], kind="stable")]


# -- groups ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["normal", "logit", "zip_own", "cnorm", "poisson_never"])
def test_each_group_has_its_people_its_means_and_its_curve(name, fitted):
    res = fitted(name)
    fig = res.plot_groups()
    assert isinstance(fig, Figure)
    assert len(fig.axes) == 2
    for g, ax in enumerate(fig.axes, start=1):
        table = res.predict(np.asarray(_curve(ax).get_xdata()))
        np.testing.assert_allclose(_curve(ax).get_ydata(), table.loc[table["group"] == g, "estimate"])
        assert len(_behind(ax)) == (res.assignment == g).sum()
        seen = res.observed_means
        seen = seen[(seen["group"] == g) & (seen["weight"] > 0)]
        np.testing.assert_allclose(_points(ax)[:, 1], seen["mean"])
        heading = ax.get_title(loc="left")
        assert f"{100 * res.group_shares['share'][g]:.1f} %" in heading
        assert f"{(res.assignment == g).sum()} assigned" in heading
        assert ax.get_xlabel() == "t"
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()


def test_individual_lines_are_the_data(fitted):
    res = fitted("normal")
    data = res.outcomes[0].data
    table = pd.DataFrame({k: getattr(data, k) for k in ("subject", "time", "y")})
    ours = np.flatnonzero(res.assignment.to_numpy() == 1)
    lines = subject_lines(res, ours)
    assert len(lines) == len(ours)
    for subject, line in zip(ours, lines):
        own = table[table["subject"] == subject].sort_values("time")
        np.testing.assert_array_equal(line, own[["time", "y"]])


def test_counts_are_moved_but_little_and_it_is_said(fitted):
    res = fitted("poisson")
    mine = np.flatnonzero(res.assignment.to_numpy() == 2)
    plain, moved = subject_lines(res, mine), subject_lines(res, mine, jitter=True)
    gap = np.concatenate([m[:, 1] - p[:, 1] for p, m in zip(plain, moved)])
    assert 0.1 < np.abs(gap).max() <= 0.2
    assert all(np.ptp(m[:, 1] - p[:, 1]) < 1e-12 for p, m in zip(plain, moved))
    assert "moved by up to 0.2" in res.plot_groups().get_supxlabel().replace("\n", " ")
    assert "moved" not in fitted("normal").plot_groups().get_supxlabel()


def test_few_of_many_are_chosen_evenly(fitted):
    res = fitted("normal")
    mine = np.flatnonzero(res.assignment.to_numpy() == 1)
    ax = res.plot_groups(individuals=7).axes[0]
    for line, subject in zip(_behind(ax), mine[[j * mine.size // 7 for j in range(7)]], strict=True):
        np.testing.assert_array_equal(line, subject_lines(res, np.array([subject]))[0])
    assert evenly(np.arange(5), 5).tolist() == evenly(np.arange(5), 9).tolist() == [0, 1, 2, 3, 4]
    assert evenly(np.arange(10), 4).tolist() == [0, 2, 5, 7]
    assert "7 of each larger group, evenly chosen" in res.plot_groups(individuals=7).get_supxlabel().replace("\n", " ")
    assert not any(_behind(ax) for ax in res.plot_groups(individuals=False).axes)


def test_an_outlier_does_not_squash_the_curves(fitted):
    document = fitted("normal").document
    y = np.array(document["outcomes"][0]["data"]["y"], dtype=float)
    y[3] = 1e4
    res = gbtm.GBTMResults(other_outcome(document, data={**document["outcomes"][0]["data"], "y": y}))
    res.__dict__["observed_means"] = fitted("normal").observed_means
    fig = res.plot_groups()
    assert fig.axes[0].get_ylim()[1] < 100
    assert "beyond the axis" in fig.get_supxlabel().replace("\n", " ")


def test_names_colours_and_columns(fitted):
    fig = fitted("normal").plot_groups(labels=["low", "high"], colors=["red", "blue"], columns=1, level=None)
    assert [ax.get_title(loc="left").splitlines()[0] for ax in fig.axes] == ["low", "high"]
    assert [_curve(ax).get_color() for ax in fig.axes] == ["red", "blue"]
    assert "band" not in fig.get_supxlabel()
    with pytest.raises(SpecificationError, match="labels: 'ab'"):
        fitted("normal").plot_groups(labels="ab")


def test_none_means_no_band_and_so_does_the_zero_of_old(fitted):
    res = fitted("normal")
    bands = [sum(isinstance(c, PolyCollection) for ax in res.plot_groups(level=level).axes
                 for c in ax.collections) for level in (0.9, None, 0)]
    assert bands == [2, 0, 0]
    with pytest.raises(SpecificationError, match="not between 0 and 1"):
        res.plot_groups(level=-0.1)


# -- posteriors ------------------------------------------------------------------------------------------------------

def test_bars_are_the_shares_of_those_assigned_and_avepp_is_marked(fitted):
    res = fitted("logit")
    fig = res.plot_posteriors()
    table = adequacy(res)
    p = res.posterior.to_numpy()
    for g, ax in enumerate(fig.axes, start=1):
        own = p[res.assignment.to_numpy() == g, g - 1]
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)
        for bar in ax.patches[:-1]:
            inside = (own >= bar.get_x() - 1e-9) & (own < bar.get_x() + bar.get_width() - 1e-9)
            assert bar.get_height() == pytest.approx(100 * inside.mean(), abs=1e-6)
        marked = [x.get_xdata()[0] for x in ax.get_lines()]
        assert any(m == pytest.approx(own.mean()) for m in marked)
        assert f"AvePP {table['avepp'][g]:.2f}" in [t.get_text() for t in ax.texts]


def test_a_group_of_nobody_is_said(fitted):
    n = fitted("normal").n_subjects
    document = other_groups(fitted("normal").document, posterior=np.tile([0.6, 0.4], (n, 1)))
    fig = gbtm.GBTMResults(document).plot_posteriors()
    assert [t.get_text() for t in fig.axes[1].texts] == ["nobody is assigned"]
    assert "0 assigned" in fig.axes[1].get_title(loc="left")
    fig.canvas.draw()
    gbtm.GBTMResults(document).plot_groups().canvas.draw()


# -- models ----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def search():
    """Three models of one data set, in the shape of a search."""
    data = gbtm.datasets.two_groups(rng=0, n_per_group=20)
    fits = {}
    for label, order in {"1: 1": [1], "2: 1 2": [1, 2], "2: 2 2": [2, 2]}.items():
        model = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=len(order), order=order)
        fits[label] = model.fit(rng=0, n_starts=4)
    groups, bic = [f.n_groups for f in fits.values()], [f.bic for f in fits.values()]
    table = pd.DataFrame({"groups": groups, "bic_subjects": bic}, index=list(fits))
    return SimpleNamespace(table=table, fits=fits, choices=pd.Series({"bic_subjects": table["bic_subjects"].idxmin()}))


def test_a_panel_per_model_on_common_axes(search):
    fig = plot_models(search)
    assert len(fig.axes) == 2
    best = search.choices["bic_subjects"]
    for ax, label in zip(fig.axes, ["1: 1", best]):
        fit = search.fits[label]
        lines = [x for x in ax.get_lines() if x.get_linestyle() == "-" and len(x.get_xdata()) > 20]
        want = fit.predict(np.asarray(lines[0].get_xdata()))
        assert len(lines) == fit.n_groups
        for g, line in enumerate(lines, start=1):
            np.testing.assert_allclose(line.get_ydata(), want.loc[want["group"] == g, "estimate"])
        shares = {t.get_gid(): t.get_text() for t in ax.texts}
        assert shares == {f"share {g}": f"{100 * s:.0f}" for g, s in fit.group_shares["share"].items()}
        assert f"{fit.bic:,.1f}" in ax.get_title(loc="left")
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    weights = [ax._left_title.get_fontweight() for ax in fig.axes]
    assert weights == ["normal", "bold"]


def test_all_models_or_those_named(search):
    headings = [ax.get_title(loc="left").splitlines()[0] for ax in plot_models(search, which="all").axes]
    order = search.table.sort_values(["groups", "bic_subjects"]).index
    assert headings == [f"{k[0]} group{'s' * (k[0] != '1')}, orders {k[3:]}" for k in order]
    assert len(plot_models(search, which=["2: 2 2"]).axes) == 1
    with pytest.raises(SpecificationError, match="no fit is called '9: 9'"):
        plot_models(search, which=["9: 9"])
    with pytest.raises(SpecificationError, match="no values for 'icl'"):
        plot_models(search, criterion="icl")


# -- adequacy --------------------------------------------------------------------------------------------------------

def _checks(count: bool = True) -> SimpleNamespace:
    time = np.tile(np.arange(5.0), 2)
    fitted = np.linspace(1, 3, 10)
    means = pd.DataFrame(
        {
            "group": np.repeat([1, 2], 5), "time": time, "n": 30.0, "fitted": fitted,
            "observed": fitted + np.tile([0, 0.5, 0, 0, -0.05], 2),
            "lower": fitted - 0.1, "upper": fitted + 0.1, "se": 0.05,
        }
    )
    spread = (
        pd.DataFrame({"value": [0, 1, 2, 3], "observed": [64, 25, 9, 1], "expected": [49.0, 36, 9, 4]}) if count
        else pd.DataFrame({"theoretical": [-1.0, 0, 1], "sample": [-1.2, 0.1, 0.9]})
    )
    lags = pd.DataFrame(
        {"lag": [1, 2, 3], "pairs": [40, 30, 20], "correlation": [0.4, 0.1, 0.0], "lower": [0.2, -0.1, -0.2],
         "upper": [0.6, 0.3, 0.2]}
    )
    return SimpleNamespace(means=means, distribution=spread, autocorrelation=lags)


def test_means_outside_their_band_are_marked_and_counted():
    fig = plot_adequacy(_checks())
    assert len(fig.axes) == 4
    for g, ax in enumerate(fig.axes[:2], start=1):
        own = _checks().means.query("group == @g")
        line = next(x for x in ax.get_lines() if len(x.get_xdata()) == 5)
        np.testing.assert_allclose(line.get_ydata(), own["fitted"])
        np.testing.assert_allclose(_points(ax)[:, 1], own["observed"])
        assert ax.get_title(loc="left") == f"Group {g}"
    assert "2 of 10 lie outside" in fig.get_supxlabel()


def test_a_hanging_rootogram_hangs_from_the_expected():
    ax = plot_adequacy(_checks()).axes[2]
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(tops, [7, 6, 3, 2])
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], [8, 5, 3, 1])


@pytest.mark.parametrize("n", [1, 2, 4, 9, 12, 27])
def test_counts_under_a_rootogram_have_room_and_the_last_is_named(n):
    checks = _checks()
    names = [*map(str, range(n - 1)), f"{n - 1}+"]
    checks.distribution = pd.DataFrame({"value": names, "observed": np.arange(n, 0, -1), "expected": 5.0})
    fig = plot_adequacy(checks)
    fig.canvas.draw()
    labels = fig.axes[2].get_xticklabels()
    assert labels[-1].get_text() == names[-1]
    boxes = [label.get_window_extent() for label in labels]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_titles_of_the_residual_checks_are_inside_the_figure():
    fig = plot_adequacy(_checks())
    fig.canvas.draw()
    whole = fig.bbox
    for ax in fig.axes:
        for text in (ax._left_title, *ax.texts):
            box = text.get_window_extent()
            assert whole.x0 <= box.x0, text.get_text()
            assert box.x1 <= whole.x1, text.get_text()


def test_residuals_that_are_continuous_have_a_quantile_plot():
    ax = plot_adequacy(_checks(count=False)).axes[2]
    points = next(x for x in ax.get_lines() if x.get_marker() == "o")
    assert list(points.get_ydata()) == [-1.2, 0.1, 0.9]
    assert "normal quantile" in ax.get_xlabel()


def test_autocorrelation_has_its_intervals():
    ax = plot_adequacy(_checks()).axes[3]
    points = next(x for x in ax.get_lines() if x.get_marker() == "o")
    assert list(points.get_ydata()) == [0.4, 0.1, 0.0]
    ends = [c.get_segments() for c in ax.collections if isinstance(c, LineCollection)]
    assert any(np.allclose([s[:, 1] for s in seg], [[0.2, 0.6], [-0.1, 0.3], [-0.2, 0.2]]) for seg in ends)


def test_parts_that_are_missing_have_no_axes():
    checks = _checks()
    checks.autocorrelation = checks.autocorrelation.iloc[:0]
    assert len(plot_adequacy(checks).axes) == 3
    checks.distribution = None
    fig = plot_adequacy(checks, labels=["a", "b"])
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["a", "b"]
    with pytest.raises(SpecificationError, match="no table of means"):
        plot_adequacy(object())
    with pytest.raises(SpecificationError, match="does not name 2 groups"):
        plot_adequacy(_checks(), labels=["a"])


def test_no_two_groups_of_a_dual_model_have_one_colour_and_each_keeps_its_own():
    res = gbtm.load(ROOT / "inst" / "extdata" / "dual.json")

    def of_legend(ax):
        return [handle.get_color() for handle in ax.get_legend().legend_handles]

    fig = res.plot()
    first, second = (of_legend(ax) for ax in fig.axes)
    assert len({*first, *second}) == sum(res.set_sizes) == 4
    assert of_legend(res.plot(outcome=2)) == second
    assert of_legend(res.plot(outcome=1)) == first
    bars = res.plot_transitions().axes[0].containers
    drawn = [to_hex(c.patches[0].get_facecolor()) for c in bars if hasattr(c, "patches")]
    assert drawn == [color.lower() for color in second]
    given = res.plot(colors=["red", "blue", "black"])
    assert [of_legend(ax) for ax in given.axes] == [["red", "blue"], ["black", "red"]]
    assert of_legend(res.plot(outcome=2, colors=["red", "blue"])) == ["red", "blue"]
