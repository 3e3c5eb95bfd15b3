"""Lists that are paired by place are looked at: numbers that do not rise, or disagree, and columns of another kind."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.data.wave_order import doubts, wave_numbers

WAVES = range(1, 12)


@pytest.mark.parametrize(("names", "numbers"), [
    (["y1", "y2", "y10"], [1, 2, 10]),
    (["y_w1_total", "y_w3_total", "y_w2_total"], [1, 3, 2]),
    (["q7_2010", "q7_2012"], [2010, 2012]),
    (["y98", "y99", "y00", "y01"], [98, 99, 100, 101]),
    (["y01", "y02", "y10"], [1, 2, 10]),
    (["base", "m3", "m12"], [None, 3, 12]),
    (["first", "second"], [None, None]),
    (["y1"], [None]),
])
def test_the_number_of_a_wave_is_read_from_its_name(names, numbers):
    assert wave_numbers(names) == numbers


RIGHT = {
    "in order": {"y": ["y1", "y2", "y10"], "t": ["t1", "t2", "t10"]},
    "other numbering": {"y": ["y2010", "y2012", "y2014"], "t": ["t1", "t2", "t3"]},
    "no numbers": {"y": ["before", "during", "after"]},
    "a baseline that was written down": {"y": ["base", "m3", "m12"]},
    "two-digit years": {"y": ["y98", "y99", "y00"], "t": ["t98", "t99", "t00"]},
}
WRONG = {
    "alphabetical": ({"y": ["y1", "y10", "y2"]}, None, "wave_order", "do not rise"),
    "time alphabetical": ({"y": ["y1", "y2", "y10"], "t": ["t1", "t10", "t2"]}, None, "wave_order", "t: the columns"),
    "another wave": ({"y": ["y1", "y2", "y3"], "w": ["w2", "w3", "w4"]}, None, "wave_order", "w2 stands beside y1"),
    "a wave left out": ({"y": ["y1", "y2", "y4"], "w": ["w1", "w2", "w3"]}, None, "wave_order", "w3 stands beside y4"),
    "times that fall": ({"y": ["y1", "y2", "y3"]}, [0, 2, 1], "wave_order", "0, 2, 1"),
    "times of words": ({"y": ["after", "before"]}, [1, 0], "wave_order", "1, 0"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_lists_in_order_raise_no_doubt(case):
    names = RIGHT[case]
    assert doubts(names, np.arange(3), [n for own in names.values() for n in own]) == ()


@pytest.mark.parametrize("case", WRONG)
def test_lists_out_of_order_are_told(case):
    lists, times, code, words = WRONG[case]
    found = doubts(lists, times)
    assert any(c == code and words in s for c, s in found), found


def test_a_wildcard_that_takes_in_another_column_is_told():
    found = doubts({"y": ["y1", "y2", "year", "y3", "y3_flag"]}, written=["y1"])
    assert [c for c, _ in found] == ["other_columns"]
    assert "year, y3_flag" in found[0][1]


def _wide(order=sorted):
    rng = np.random.default_rng(14)
    y = np.where(np.arange(60)[:, None] % 2, 2 + 0.5 * np.array(WAVES), 6 - 0.4 * np.array(WAVES))
    d = pd.DataFrame(y + rng.normal(size=y.shape), columns=[f"y{j}" for j in WAVES])
    d = d[order(d.columns)]
    for stem in "twv":
        for j in WAVES:
            d[f"{stem}{j}"] = float(j) if stem == "t" else rng.normal(size=60)
    return d


SCRAMBLED = {
    "a wildcard and numbers": lambda d: gbtm.GBTM.from_formula(
        "y ~ t", d, groups=1, order=1, wide={"y": "y*", "t": list(WAVES)}),
    "two wildcards": lambda d: gbtm.GBTM.from_formula("y ~ t", d, groups=1, order=1, wide={"y": "y*", "t": "t*"}),
    "a covariate": lambda d: gbtm.GBTM.from_formula(
        "y ~ t", d, groups=1, order=1, tcov="w",
        wide={"y": [f"y{j}" for j in WAVES], "t": "t*", "w": sorted(c for c in d if c[0] == "w")}),
    "dropout's covariate": lambda d: gbtm.GBTM.from_formula(
        "y ~ t", d.assign(y11=d["y11"].where(d.index % 3 > 0)), groups=1, order=1, dropout=0, dcov="v",
        wide={"y": [f"y{j}" for j in WAVES], "t": "t*", "v": sorted(c for c in d if c[0] == "v")}),
    "exposure": lambda d: gbtm.GBTM.from_formula(
        "y ~ t", d.abs().round(), groups=1, order=1, exposure="w", family="poisson",
        wide={"y": [f"y{j}" for j in WAVES], "t": "t*", "w": sorted(c for c in d if c[0] == "t")}),
    "tables": lambda d: gbtm.GBTM(d[[c for c in d if c[0] == "y"]], list(WAVES), groups=1, order=1),
}


@pytest.mark.parametrize("case", SCRAMBLED)
def test_scrambled_waves_are_told_with_the_fit(case):
    with pytest.warns(gbtm.GBTMWarning, match="rise|stands beside"):
        res = SCRAMBLED[case](_wide()).fit()
    assert any(f.code == "wave_order" for f in res.findings)


def test_waves_in_order_are_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbtm.GBTMWarning)
        gbtm.GBTM.from_formula("y ~ t", _wide(list), groups=1, order=1, wide={"y": "y*", "t": list(WAVES)}).fit()


STEP = "proc traj data=d; var y1--y9; indep t1-t11; model cnorm; min -99; max 99; ngroups 1; order 1; run;"
TEXTS = {
    "wildcards": (gbtm.traj, "traj, var(y*) indep(t*) model(cnorm) min(-99) max(99) order(1)", "wave_order"),
    "a range": (gbtm.traj, "traj, var(y1-y9) indep(t1-t11) model(cnorm) min(-99) max(99) order(1)", "wave_order"),
    "SAS": (gbtm.proc_traj, STEP, "wave_order"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_scrambled_waves_of_a_command_are_told(case):
    run, text, code = TEXTS[case]
    with pytest.warns(gbtm.GBTMWarning, match="do not rise"):
        res = run(text, _wide())
    assert any(f.code == code for f in res.findings)


def test_a_range_of_a_command_that_takes_in_another_column_is_told():
    d = _wide(list)
    d.insert(3, "year", 2000.0)
    d.insert(list(d.columns).index("t11") + 1, "t12", 12.0)
    with pytest.warns(gbtm.GBTMWarning, match="takes in year"):
        gbtm.traj("traj, var(y1-y11) indep(t1-t12) model(cnorm) min(-99) max(9999) order(1)", d)


@pytest.mark.parametrize(("named", "times", "code"), [
    (None, [1, 2, 3, 4], "counted_waves"), (["y1", "y2", "y3", "y4"], [1, 2, 3, 4], "counted_waves"),
    (["10", "12", "13", "20"], [10, 12, 13, 20], "times_of_names"),
    ([10, 12, 13, 20], [10, 12, 13, 20], "times_of_names"),
])
def test_outcomes_without_times_count_their_waves_or_have_them_as_names(named, times, code):
    y = np.random.default_rng(4).normal(size=(30, 4)) + np.arange(4)
    given = y if named is None else pd.DataFrame(y, columns=named)
    with pytest.warns(gbtm.GBTMWarning, match=r"^time: not given"):
        bare = gbtm.GBTM(given, groups=1, order=1).fit(n_starts=1)
    assert any(code == w["code"] for w in bare.document["warnings"])
    told = gbtm.GBTM(y, np.array(times, dtype=float), groups=1, order=1).fit(n_starts=1)
    np.testing.assert_allclose(bare.params, told.params)


def test_long_outcomes_without_times_are_refused():
    with pytest.raises(gbtm.SpecificationError, match=r"^time: not given"):
        gbtm.GBTM(np.zeros(6), id=np.repeat([1, 2], 3), groups=1)
