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
