"""Counts of who was observed when: those of all people, whatever the blocks in which they were made."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, SpecificationError
from gbtm.record.wave_counts import PATTERNS_MOST, Moments, WaveCounts
from gbtm.report.attrition import Attrition, attrition


def test_moments_are_those_of_all_values_however_they_are_split() -> None:
    rng = np.random.default_rng(0)
    cell, value = rng.integers(0, 5, 300), rng.normal(1e6, 1.0, 300)
    cell[cell == 3] = 2
    cut = [0, 7, 8, 150, 300]
    found = Moments.total([Moments.of(cell[a:b], value[a:b], 5) for a, b in pairwise(cut)])
    by_cell = pd.Series(value).groupby(cell)
    there = by_cell.size().index.to_numpy()
    assert found.count[3] == 0
    assert np.isnan(found.sd[3])
    np.testing.assert_array_equal(found.count[there], by_cell.size())
    np.testing.assert_allclose(found.mean[there], by_cell.mean(), rtol=1e-14)
    np.testing.assert_allclose(found.sd[there], by_cell.std(), rtol=1e-11)
    same = Moments.total([Moments.of(np.zeros(3, dtype=int), np.full(3, 0.1), 1)] * 7)
    assert same.squares[0] == 0.0


@pytest.mark.parametrize("waves", [5, 60])
def test_counts_of_blocks_are_those_of_all(waves: int) -> None:
    """With more kinds of patterns than are kept, people who were never seen, and a wave at which nobody was."""
    rng = np.random.default_rng(1)
    n = 90
    seen = rng.random((n, waves)) < rng.uniform(0.1, 0.9, n)[:, None]
    seen[:4] = seen[:, 1] = False
    subject, wave = np.nonzero(seen)
    time, y = wave + rng.uniform(0, 0.2, wave.size), rng.integers(0, 4, wave.size) * 1.0
    parts = []
    for a, b in ((0, 30), (30, 31), (31, n)):
        mine = (subject >= a) & (subject < b)
        parts.append(WaveCounts.of(subject[mine] - a, wave[mine], time[mine], y[mine], n=b - a, waves=waves,
                                   bounds=(1.0, 3.0)))
    found = WaveCounts.total(parts)
    count = seen.sum(axis=1)
    np.testing.assert_array_equal(found.sizes, np.bincount(count, minlength=found.sizes.size))
    assert (found.zeros, found.ones) == ((y == 0).sum(), (y == 1).sum())
    assert (found.lower, found.upper) == ((y <= 1).sum(), (y >= 3).sum())
    assert (found.least, found.most) == (y.min(), y.max())
    np.testing.assert_allclose([found.values.mean[0], found.values.sd[0]], [y.mean(), y.std(ddof=1)])
    if waves == 60:
        assert not found.common
        np.testing.assert_array_equal(found.time.count, [(count > j).sum() for j in range(count.max())])
        return
    there = seen[:, [0, 2, 3, 4]]
    words = pd.Series(["".join("X" if s else "." for s in row) for row in there]).value_counts()
    order = sorted(zip(-words.to_numpy(), words.index, strict=True))[:PATTERNS_MOST]
    assert len(words) > PATTERNS_MOST
    shown = ["".join("X" if p >> j & 1 else "." for j in range(4)) for p in found.patterns]
    assert list(zip(-found.having, shown, strict=True)) == order
    again = WaveCounts.from_document(found.document)
    np.testing.assert_array_equal(again.patterns, found.patterns)
    np.testing.assert_array_equal(again.time.mean, found.time.mean)


def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    n, waves = 120, 4
    d = pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": np.tile(np.arange(waves), n) * 1.0})
    group = np.where(d["id"] % 2 == 0, 1.0, -1.0)
    d["y"] = np.where(rng.random(len(d)) < 0.2, np.nan, group + 0.3 * d["t"] + rng.normal(0, 0.5, len(d)))
    d["c"] = np.where((d["id"] < 12) | (rng.random(len(d)) < 0.1), np.nan, rng.poisson(np.exp(group)))
    d["w"], d["e"] = 1.0 + (d["id"] % 3) / 2, 1.0 + d["t"] % 2
    return d


def written(d: pd.DataFrame, folder: Path) -> str:
    pytest.importorskip("pyarrow")
    for i, mine in enumerate(np.array_split(np.sort(d["id"].unique()), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet")
    return str(folder / "*.parquet")


def same(disk: Attrition, memory: Attrition) -> None:
    for name in ("waves", "patterns", "per_subject", "dropped"):
        pd.testing.assert_frame_equal(getattr(disk, name), getattr(memory, name), rtol=1e-12, check_dtype=False)
    assert disk.sentences == memory.sentences


OUTCOMES = [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("c ~ t", family="poisson", order=0, exposure="e")]


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, gbtm.GBTMResults]:
    """The same two outcomes on disk and in memory."""
    d, folder = people(), tmp_path_factory.mktemp("attrition")
    files = written(d, folder)
    return {k: GBTM.from_formula(OUTCOMES, data=data, id="id", groups=2, weights="w").fit(n_starts=2)
            for k, data in (("disk", files), ("memory", d))}


def test_attrition_of_people_on_disk_is_that_of_people_in_memory(fits: dict[str, gbtm.GBTMResults]) -> None:
    for outcome in ("y", "c"):
        same(*(attrition(fits[k].of_outcome(outcome)) for k in ("disk", "memory")))
    assert "Never" in attrition(fits["disk"].of_outcome("c")).waves


def test_wide_files_and_times_of_ones_own(tmp_path: Path) -> None:
    d = people()
    for folder in ("w", "o"):
        (tmp_path / folder).mkdir()
    wide = d.pivot(index="id", columns="t", values="y").add_prefix("y").assign(ynever=np.nan).reset_index()
    asked: dict[str, Any] = {"id": "id", "groups": 1, "order": 0}
    at = {"wide": {"y": ["y0.0", "y1.0", "y2.0", "ynever", "y3.0"], "t": [0, 1, 2, 2.5, 3]}}
    same(*(attrition(GBTM.from_formula("y ~ t", data=data, **asked, **at).fit())
           for data in (written(wide, tmp_path / "w"), wide)))
    d["t"] += np.round(np.random.default_rng(0).uniform(0, 0.9, len(d)), 1)
    disk, memory = (attrition(GBTM.from_formula("y ~ t", data=data, **asked).fit())
                    for data in (written(d.dropna(), tmp_path / "o"), d.dropna()))
    assert disk.common
    same(disk, memory)


def test_more_times_than_waves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gbtm.record.wave_counts.WAVES_MOST", 3)
    d = people()
    disk, memory = (attrition(GBTM.from_formula("y ~ t", data=data, id="id", groups=1, order=0).fit())
                    for data in (written(d, tmp_path), d))
    assert not disk.common
    same(disk, memory)


def test_report_of_people_on_disk_says_what_that_of_memory_says(
    fits: dict[str, gbtm.GBTMResults], tmp_path: Path
) -> None:
    from gbtm.report.grolts import grolts

    def said(res: gbtm.GBTMResults) -> list[tuple[str, str]]:
        return [(re.sub(r"absolute score \S+", "", a.text), a.prompt) for a in grolts(res)]

    answers = {k: said(res) for k, res in fits.items()}
    assert answers["disk"] == answers["memory"]
    assert any("xposure enters as its logarithm; sampling weights" in text for text, _ in answers["disk"])
    path = gbtm.grolts_report(fits["disk"], tmp_path / "r.md")
    text = path.read_text()
    assert "Observed subjects by wave" in text
    assert "Most frequent patterns" in text
    assert "Estimated mean trajectories" in text
    stored = tmp_path / "fit.json"
    fits["disk"].save(stored)
    again = gbtm.load(stored)
    assert gbtm.grolts_report(again, tmp_path / "s.md").read_text() == text.replace("r_files", "s_files")
    del again.document["on_disk"]["counts"]
    old = gbtm.GBTMResults.like(again, again.document)
    with pytest.raises(SpecificationError, match="attrition") as e:
        attrition(old.of_outcome("y"))
    assert e.value.code == "on_disk"


def test_residual_checks_of_people_on_disk_are_refused(fits: dict[str, gbtm.GBTMResults]) -> None:
    with pytest.raises(SpecificationError, match="keeps sums"):
        gbtm.residual_checks(fits["disk"].of_outcome("y"))


def test_code_of_a_fit_on_disk_makes_it_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gbtm.recipes.code import code_for

    files = written(people(), tmp_path)
    res = GBTM.from_formula("y ~ t", data=files, id="id", groups=1, order=0, weights="w").fit()
    made: dict[str, Any] = {}
    exec(code_for(res, "Python", files), made)
    assert "Log-likelihood" in capsys.readouterr().out
    np.testing.assert_array_equal(made["res"].params, res.params)
    assert made["res"].on_disk is not None
    assert 'data <- "data/*.parquet"' in code_for(res, "R")
    assert "lacks data that stay on disk" in code_for(res, "Stata")
