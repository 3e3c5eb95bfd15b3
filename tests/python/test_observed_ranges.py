"""When a group was seen: by hand, in tables, warnings, summaries and pictures; in memory and on disk."""

from __future__ import annotations

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.record.observed_ranges import observed_ranges

matplotlib.use("Agg")
AGES = (np.arange(8.0, 39, 2), np.arange(8.0, 23, 2), np.arange(16.0, 39, 2))  # of the people of three groups
WIDTH = 0.6


def people(n: int = 90, wide: float = 0.0, only: int | None = None) -> pd.DataFrame:
    """Each group seen at its own ages; ``wide`` moves everybody's ages a little."""
    rng, rows = np.random.default_rng(0), []
    for i in range(n):
        g = i % 3 if only is None else only
        age = AGES[g] + wide * rng.random()
        mean = (2 + 0.1 * (age - 8), 12 - 0.2 * (age - 8), 5.0 + 0.02 * age)[g]
        rows.append(pd.DataFrame({"id": i, "age": age, "y": mean + rng.normal(0, WIDTH, age.size)}))
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def fit():
    return gbtm.GBTM.from_formula("y ~ age", people(), id="id", groups=3, order=1).fit(rng=0, n_starts=6)


def own(fit) -> list[int]:
    """Number of the group whose people were seen at each of AGES."""
    members = fit.assignment.to_numpy()[:3]
    assert sorted(members) == [1, 2, 3]
    return list(members)


def test_at_most_half_a_per_cent_of_a_groups_weight_is_left_out_at_an_end():
    times = np.arange(1.0, 6)
    mass = np.array([[100, 0.4, 0.6, 100], [100, 60, 60, 100], [100, 60, 60, 0], [100, 60, 60, 0], [100, 0, 1, 0]])
    mass[:, 1:3] *= 100 / mass[:, 1:3].sum(axis=0)  # of group 2 0.22 per cent at 1; of group 3 0.33 and 0.55
    found = observed_ranges(times, mass)
    assert found.low.tolist() == [1, 2, 2, 1]
    assert found.high.tolist() == [5, 4, 5, 2]
    assert found.narrower.tolist() == [False, True, True, True]
    assert found.outside(np.array([0.5, 1, 1.5, 2, 4, 4.5, 6]))[1].tolist() == [True] * 3 + [False] * 2 + [True] * 2
    # in any order of the times
    order = np.array([3, 0, 4, 2, 1])
    again = observed_ranges(times[order], mass[order])
    assert (again.low.tolist(), again.high.tolist()) == (found.low.tolist(), found.high.tolist())


def test_ends_at_which_there_were_few_people_are_nobodys_own():
    """With ages of all kinds, chance alone leaves one group or another out of the very first and last."""
    rng = np.random.default_rng(1)
    times = np.sort(rng.normal(30, 8, 4000))
    p = rng.dirichlet([0.3, 0.3, 0.3], 4000)
    found = observed_ranges(times, p)
    assert not found.narrower.any()
    one = observed_ranges(times, np.ones((4000, 1)))
    assert (one.low[0], one.high[0]) == (times[0], times[-1])


def test_a_group_that_nobody_is_in_was_never_seen():
    found = observed_ranges(np.arange(3.0), np.column_stack([np.ones(3), np.zeros(3)]))
    assert found.outside(np.arange(3.0)).tolist() == [[False] * 3, [True] * 3]
    assert found.words(1) == "never"


def test_curves_are_marked_where_their_group_was_not_seen(fit):
    table = fit.predict()
    for group, ages in zip(own(fit), AGES, strict=True):
        mine = table[table["group"] == group]
        assert mine["outside"].dtype == bool
        assert mine["age"][~mine["outside"]].tolist() == ages.tolist()
    between = fit.predict(times=[15.0])  # between two times at which a group was seen it is inside
    assert between.set_index("group")["outside"][own(fit)].tolist() == [False, False, True]


def test_times_that_were_asked_for_bring_a_warning_and_those_of_the_fit_do_not(fit):
    first, early, late = own(fit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.predict()
        fit.predict(times=[16, 20.5])
    with pytest.warns(gbtm.GBTMWarning, match=rf"outside of what was seen at 30 of group {early} \(8 to 22\): what"):
        fit.predict(times=[20, 30])
    with pytest.warns(gbtm.GBTMWarning) as caught:
        fit.predict(times=[10, 40, 60])
    said = [str(w.message) for w in caught]
    assert len(said) == 2
    assert said[0].startswith("times: 60 is far outside the observed ones, 8 to 38")
    assert f"at 10, 40 of group {late} (16 to 38)" in said[1]
    assert f"at 40 of group {first} (8 to 38)" in said[1]
    assert "60" not in said[1]


def test_where_all_groups_were_seen_alike_the_warning_names_none():
    data = people(only=0)
    res = gbtm.GBTM.from_formula("y ~ age", data, id="id", groups=1, order=1).fit(rng=0)
    with pytest.warns(gbtm.GBTMWarning, match=r"outside of what was seen at 40 of all groups \(8 to 38\)"):
        table = res.predict(times=[38, 40])
    assert table["outside"].tolist() == [False, True]
    assert "Not seen over all" not in str(res.summary())


def test_the_summary_says_it(fit):
    _, early, late = own(fit)
    said = " ".join(str(fit.summary()).split())
    groups = sorted([(early, "8 to 22"), (late, "16 to 38")])
    assert "Not seen over all of age 8 to 38: " + ", ".join(f"group {g} ({r})" for g, r in groups) in said


def test_on_disk_and_in_a_file(fit, tmp_path):
    pytest.importorskip("pyarrow")
    people().to_parquet(tmp_path / "a.parquet")
    disk = gbtm.GBTM.from_formula("y ~ age", str(tmp_path / "a.parquet"), id="id", groups=3, order=1).fit(
        start=fit.params)
    mine, theirs = disk.observed_ranges, fit.observed_ranges
    np.testing.assert_array_equal(np.sort(mine.low), np.sort(theirs.low))
    np.testing.assert_array_equal(np.sort(mine.high), np.sort(theirs.high))
    fit.save(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(gbtm.load(tmp_path / "fit.json").predict(), fit.predict())


def test_several_outcomes_have_times_of_their_own():
    data = people()
    data["z"] = np.where(data["age"] < 30, data["y"] + 1, np.nan)
    outcomes = [gbtm.Outcome("y ~ age", order=1), gbtm.Outcome("z ~ age", order=1)]
    res = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=3).fit(rng=0, n_starts=6)
    assert res.of_outcome("y").observed_ranges.last == 38
    assert res.of_outcome("z").observed_ranges.last == 28
    assert "outside" in res.predict()
    said = " ".join(str(res.summary()).split())
    assert "y: Not seen over all of age 8 to 38" in said
    assert "z: Not seen over all of age 8 to 28" in said


def test_a_bootstrap_keeps_the_mark(fit):
    table = gbtm.bootstrap(fit, n=20, rng=0).curves(times=[16.0, 20.0])
    assert table["outside"].tolist() == fit.predict(times=[16.0, 20.0])["outside"].tolist()


def test_pictures_draw_that_part_greyed_and_dotted(fit):
    import matplotlib.pyplot as plt

    _, early, _ = own(fit)
    ax = fit.plot(groups=[early])
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 50]
    assert len(drawn) == 2
    seen, beyond = (line.get_xdata()[np.isfinite(line.get_ydata())] for line in drawn)
    step = np.diff(drawn[0].get_xdata()[:2])[0]
    assert seen.max() == pytest.approx(beyond.min())  # the parts meet
    assert 22 <= seen.max() <= 22 + step
    assert beyond.max() == 38
    assert drawn[0].get_color() != drawn[1].get_color()
    assert drawn[0].get_linestyle() == "-"
    assert drawn[1].get_linestyle() != "-"
    assert "Dotted, greyed" in " ".join(ax.get_title(loc="left").split())
    first = fit.plot(groups=[own(fit)[0]])
    assert len([line for line in first.lines if len(line.get_xdata()) > 50]) == 1
    assert "Dotted" not in first.get_title(loc="left")
    assert "Dotted, greyed" in " ".join(fit.plot_groups()._supxlabel.get_text().split())
    plt.close("all")
