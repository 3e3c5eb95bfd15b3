"""Pictures hold the numbers they should."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from conftest import TRUTH

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _lines(ax, label=None):
    return [x for x in ax.get_lines() if x.get_linestyle() == "-" and len(x.get_xdata()) > 20]


def _points(ax):
    return [x for x in ax.get_lines() if x.get_marker() == "o"]


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
    assert len(res.plot(level=0).collections) == 0


def test_options(fitted):
    res = fitted("logit")
    _, ax = plt.subplots()
    assert res.plot(ax, observed=False, labels=["low", "high"], colors=["red", "blue"], individuals=True) is ax
    assert not _points(ax)
    assert [x.get_color() for x in _lines(ax)] == ["red", "blue"]
    assert ax.get_legend().get_texts()[0].get_text().startswith("low (")
    assert "P(y = 1)" in ax.get_ylabel()
    drawn = sum(len(c.get_segments()) for c in ax.collections if hasattr(c, "get_segments"))
    assert drawn == res.n_subjects


def test_many_individuals_are_thinned_reproducibly(fitted):
    from gbtm import plotting

    before, plotting.INDIVIDUALS_MOST = plotting.INDIVIDUALS_MOST, 20
    try:
        count = []
        for _ in range(2):
            ax = fitted("normal").plot(individuals=True, level=0)
            count.append([s.tolist() for c in ax.collections for s in c.get_segments()])
            plt.close("all")
        assert count[0] == count[1]
        assert 0 < len(count[0]) <= 20
    finally:
        plotting.INDIVIDUALS_MOST = before


def test_it_draws_to_a_file(fitted, tmp_path):
    fitted("zip_own").plot().figure.savefig(tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 5000
