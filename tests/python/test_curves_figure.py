"""Pictures hold the numbers they should."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import gbtm
from conftest import TRUTH
from gbtm.figures.drawn import means

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _lines(ax, label=None):
    return [x for x in ax.get_lines() if x.get_linestyle() == "-" and len(x.get_xdata()) > 20]


def _points(ax):
    return [x for x in ax.get_lines() if x.get_linestyle() == "None"]


@pytest.mark.parametrize("name", TRUTH)
def test_lines_and_points(name, fitted):
    res = fitted(name)
    ax = res.plot()
    lines, points = _lines(ax), _points(ax)
    assert len(lines) == len(points) == 2
    for k, line in enumerate(lines):
        at = np.asarray(line.get_xdata())
        want = res.predict(at)
        np.testing.assert_allclose(line.get_ydata(), want[want["group"] == k + 1]["estimate"])
        seen = res.observed_means
        seen = seen[(seen["group"] == k + 1) & (seen["weight"] > 0)]
        np.testing.assert_allclose(points[k].get_ydata(), seen["mean"])
        np.testing.assert_allclose(points[k].get_xdata(), seen["t"])
        assert lines[k].get_color() == points[k].get_color()
    assert points[0].get_marker() != points[1].get_marker()  # in grey print
    text = [t.get_text() for t in ax.get_legend().get_texts()]
    assert text == [f"Group {g} ({100 * res.group_shares.loc[g, 'share']:.1f} %)" for g in (1, 2)]
    assert ax.get_xlabel() == "t"
    assert "y" in ax.get_ylabel()


def test_bands(fitted):
    res = fitted("normal")
    band = res.plot(level=0.8).collections[0].get_paths()[0].vertices
    table = res.predict(np.unique(band[:, 0]), level=0.8)
    first = table[table["group"] == 1]
    assert band[:, 1].min() == pytest.approx(first["lower"].min(), abs=1e-9)
    assert band[:, 1].max() == pytest.approx(first["upper"].max(), abs=1e-9)
    assert len(res.plot(level=None).collections) == len(res.plot(level=0).collections) == 0


def test_options(fitted):
    res = fitted("logit")
    _, ax = plt.subplots()
    assert res.plot(ax, observed=False, labels=["low", "high"], colors=["red", "blue"], individuals=True) is ax
    assert not _points(ax)
    long = [x for x in ax.get_lines() if len(x.get_xdata()) > 20]
    assert [x.get_color() for x in long] == ["red", "blue"]
    assert long[0].get_linestyle() != long[1].get_linestyle()  # no points that tell them apart in grey print
    assert ax.get_legend().get_texts()[0].get_text().startswith("low (")
    assert "P(y = 1)" in ax.get_ylabel()
    drawn = sum(len(c.get_segments()) for c in ax.collections if hasattr(c, "get_segments"))
    assert drawn == res.n_subjects


def test_many_individuals_are_thinned_evenly(fitted, monkeypatch):
    from gbtm.figures import curves

    monkeypatch.setattr(curves, "INDIVIDUALS_MOST", 20)
    res = fitted("normal")
    lines = [s.tolist() for c in res.plot(individuals=True, level=None).collections for s in c.get_segments()]
    chosen = [j * res.n_subjects // 20 for j in range(20)]
    group = res.assignment.to_numpy()[chosen]
    in_order = [i for g in res.group_names for i in np.array(chosen)[group == g]]
    data = res.document["outcomes"][0]["data"]
    subject = np.asarray(data["subject"]).astype(int)
    for line, i in zip(lines, in_order, strict=True):
        np.testing.assert_array_equal(np.array(line)[:, 1], np.asarray(data["y"])[subject == i])


def test_it_draws_to_a_file(fitted, tmp_path):
    fitted("zip_own").plot().figure.savefig(tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 5000


def test_a_band_that_explodes_does_not_squash_the_curves(fitted):
    from dataclasses import replace

    from gbtm.figures.drawn import drawn

    what = drawn(fitted("normal"))
    low, high = what.limits()
    wild = replace(what, upper=what.upper + 1e6)
    assert wild.limits()[1] < high + (high - low)
    assert wild.limits()[1] > what.estimate.max()
    assert low < min(m.mean.min() for m in what.means)


def test_a_curve_that_explodes_leaves_the_axis_which_is_the_datas(fitted):
    """The axis holds the observed means, and no more than half their height beyond; the picture says so."""
    from dataclasses import replace

    from gbtm.figures.drawn import drawn

    res = fitted("normal")
    what = drawn(res)
    wild = replace(what, estimate=what.estimate.copy(), upper=what.upper.copy())
    wild.estimate[1, -40:] *= np.linspace(1, 60, 40)
    wild.upper[1, -40:] *= np.linspace(1, 900, 40)
    seen = np.concatenate([m.mean for m in what.means])
    height = max(np.ptp(seen), what.spread)
    low, high = wild.limits()
    assert low <= seen.min()
    assert seen.max() <= high <= seen.max() + 0.6 * height < wild.estimate.max()
    assert wild.beyond((low, high))
    assert not what.beyond(what.limits())
    line = np.array([[0.0, seen.max() + 9 * height]])
    assert wild.limits(lines=[line])[1] > line[0, 1]  # what was observed is always there
    import gbtm.figures.curves as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "drawn", lambda *_: wild)
        ax = res.plot()
        assert "leaves the axis" in ax.get_title(loc="left").replace("\n", " ")
        assert ax.get_ylim()[1] == pytest.approx(high)
    assert "leaves the axis" not in res.plot().get_title(loc="left").replace("\n", " ")


def test_some_groups_alone(fitted):
    res = fitted("normal")
    ax, whole = res.plot(groups=2), res.plot()
    assert len(_lines(ax)) == len(_points(ax)) == 1
    np.testing.assert_array_equal(_lines(ax)[0].get_ydata(), _lines(whole)[1].get_ydata())
    assert _lines(ax)[0].get_color() == _lines(whole)[1].get_color()
    assert [t.get_text()[:7] for t in ax.get_legend().get_texts()] == ["Group 2"]
    own = _points(ax)[0].get_ydata()
    assert ax.get_ylim()[0] < own.min() < own.max() < ax.get_ylim()[1]
    both = res.plot(groups=[2, 1], individuals=True)
    assert [t.get_text()[:7] for t in both.get_legend().get_texts()] == ["Group 2", "Group 1"]
    for wrong in (3, [0], [], [1, 1], [True]):
        with pytest.raises(gbtm.SpecificationError, match="groups"):
            res.plot(groups=wrong)


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_a_logarithmic_axis(name, fitted):
    _, ax = plt.subplots()
    ax.set_yscale("log")
    res = fitted(name)
    res.plot(ax, individuals=True)
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    seen = np.concatenate([m.mean for m in map(lambda g: means(res, g), res.group_names)])
    assert 0 < low <= seen[seen > 0].min() <= seen.max() <= high


def test_long_names_stay_on_a_small_figure(fitted, monkeypatch):
    res = fitted("logit")
    name = "an outcome that was named by a committee of many members over three long meetings"
    monkeypatch.setattr(type(res), "outcome_name", name)
    monkeypatch.setattr(type(res), "time_name", name)
    ax = res.plot(figsize=(4, 3), labels=[f"{name} {j}" for j in (1, 2)])
    ax.figure.canvas.draw()
    whole = ax.figure.bbox
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts(), ax.get_legend()]
    for text in texts:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text
    assert ax.get_ylabel().replace("\n", " ") == f"P({name} = 1)"


def test_the_outcome_is_called_the_same_everywhere(fitted):
    res = fitted("normal")
    assert res.plot().get_ylabel() == res.plot_groups().get_supylabel() == "mean of y"


def test_global_settings_stay(fitted):
    before = dict(matplotlib.rcParams)
    fitted("normal").plot()
    assert dict(matplotlib.rcParams) == before


def test_names_that_do_not_fit(fitted):
    from gbtm import SpecificationError

    with pytest.raises(SpecificationError, match="does not name 2 groups"):
        fitted("normal").plot(labels=["one"])


def test_labels_are_spread_apart_as_little_as_need_be():
    from gbtm.figures.style import spread_apart

    at = np.array([0.5, 0.5, 0.9, 0.1])
    moved = spread_apart(at, 0.1, 0.0, 1.0)
    assert np.diff(np.sort(moved)).min() >= 0.1 - 1e-12
    np.testing.assert_allclose(moved[2:], at[2:])
    assert moved[:2].mean() == pytest.approx(0.5)
    crowded = spread_apart(np.full(8, 0.99), 0.3, 0.0, 1.0)
    assert crowded.min() >= 0
    assert crowded.max() <= 1
    assert np.diff(np.sort(crowded)).min() > 0.1


def test_no_point_for_a_time_at_which_nobody_of_the_group_was_seen():
    rng = np.random.default_rng(0)
    subject, time = np.repeat(np.arange(40), 4), np.tile(np.arange(4.0), 40)
    time[1] = 1.3  # subject 0, of the first group, alone at a time of its own
    y = np.where(subject < 20, 0.0, 9.0) + rng.normal(0, 0.3, subject.size)
    res = gbtm.GBTM(y, time, subject, groups=2, order=0).fit(n_starts=2)
    own, other = (means(res, 1 + int(g)) for g in np.argsort(res.params[:2].to_numpy()))
    assert 1.3 in own.time
    assert 1.3 not in other.time
    assert len(other.time) == 4
