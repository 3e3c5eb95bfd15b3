"""Outcomes of levels on disk: the numbers of the same people in memory, levels agreed over the blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, Outcome, SpecificationError
from gbtm.api.disk_results import DiskResults
from gbtm.figures.levels import observed_shares
from gbtm.model.prepared_blocks import PreparedBlocks

pytest.importorskip("pyarrow")
matplotlib.use("Agg")

N, WAVES = 150, 4
FAMILIES = ("ordinal", "multinomial")
pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def people() -> pd.DataFrame:
    """Levels 1, 2, 3 and 7 of two groups. Nobody of the first file is at level 2, and nobody of the last at 7."""
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), WAVES), "t": np.tile(np.arange(WAVES), N) * 1.0})
    high = (d["id"] % 2 == 1).to_numpy()
    d["x"] = rng.integers(0, 2, len(d)) * 1.0
    d["w"], d["male"] = (a[d["id"]] for a in (rng.uniform(0.5, 2.0, N), rng.integers(0, 2, N)))
    eta = np.where(high, 1.2, -1.2) + 0.2 * d["t"] - 0.3 * d["x"]
    at = (rng.logistic(size=len(d)) + eta).to_numpy()[:, None] > np.array([0.0, 0.8, 2.0])
    level = np.array([1.0, 2.0, 3.0, 7.0])[at.sum(-1)]
    level[(d["id"] < N // 3) & (level == 2)] = 3
    level[(d["id"] >= N - N // 3) & (level == 7)] = 3
    return d.assign(y=level, z=rng.poisson(1.0 + high) * 1.0)[rng.random(len(d)) < 0.9]


def written(d: pd.DataFrame, folder: Path) -> str:
    for i, mine in enumerate(np.array_split(np.arange(N), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet", row_group_size=100 if i else None)
    return str(folder / "*.parquet")


def both(folder: Path, outcome: Any = "y ~ t", **options: Any) -> tuple[Any, Any]:
    d, asked = people(), {"id": "id", "groups": 2, **options}
    memory = GBTM.from_formula(outcome, data=d, **asked).fit(n_starts=2, rng=0)
    disk = GBTM.from_formula(outcome, data=written(d, folder), **asked).fit(n_starts=2, rng=0)
    assert isinstance(disk, DiskResults)
    return memory, disk


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("options", [
    {"order": 1}, {"order": 1, "tcov": ["x"], "risk": ["male"], "weights": "w", "prior": "weak"}])
def test_a_fit_on_disk_is_that_in_memory(family: str, options: dict[str, Any], tmp_path: Path) -> None:
    memory, disk = both(tmp_path, family=family, **options)
    assert disk.spec.outcomes[0].codes == memory.spec.outcomes[0].codes == (1.0, 2.0, 3.0, 7.0)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-9)
    assert disk.log_prior == pytest.approx(memory.log_prior, rel=1e-8)
    assert list(disk.params.index) == list(memory.params.index)
    assert (np.abs(disk.params - memory.params) / memory.bse).max() < 1e-6
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    pd.testing.assert_frame_equal(disk.group_shares, memory.group_shares, rtol=1e-6)
    pd.testing.assert_frame_equal(disk.predict(), memory.predict(), rtol=1e-6, atol=1e-7)
    pd.testing.assert_frame_equal(
        gbtm.level_probabilities(disk), gbtm.level_probabilities(memory), rtol=1e-6, atol=1e-8)
    assert disk.warnings == memory.warnings


@pytest.mark.parametrize("family", FAMILIES)
def test_its_figure_and_its_file_have_the_observed_shares(family: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    memory, disk = both(tmp_path / "d", family=family, order=1)
    disk.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    for group in (1, 2):
        times, shares = observed_shares(memory, group)
        for res in (disk, again):
            np.testing.assert_allclose(observed_shares(res, group)[0], times, rtol=1e-12)
            np.testing.assert_allclose(observed_shares(res, group)[1], shares, atol=1e-6)
    assert len(gbtm.plot_levels(again).axes) == 2
    gbtm.grolts_report(disk, tmp_path / "report.md")
    gbtm.grolts_report(memory, tmp_path / "own.md")
    told = [next(line for line in (tmp_path / f"{name}.md").read_text(encoding="utf-8").splitlines()
                 if "y is 1 in" in line or "y: mean" in line) for name in ("report", "own")]
    assert told[0] == told[1]
    disk.posterior_to(tmp_path / "p")
    p = pd.read_parquet(tmp_path / "p").sort_values("id")
    np.testing.assert_allclose(p[["p1", "p2"]], memory.posterior, atol=1e-6)
    if family == "multinomial":
        with pytest.raises(SpecificationError, match="no mean"):
            _ = disk.observed_means
    else:
        pd.testing.assert_frame_equal(disk.observed_means, memory.observed_means, rtol=1e-6)


def test_beside_another_outcome_it_is_that_in_memory(tmp_path: Path) -> None:
    outcomes = [Outcome("z ~ t", family="poisson", order=0), Outcome("y ~ t", family="multinomial", order=1)]
    memory, disk = both(tmp_path, outcomes)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-9)
    np.testing.assert_allclose(observed_shares(disk.of_outcome("y"), 2)[1],
                               observed_shares(memory.of_outcome("y"), 2)[1], atol=1e-6)


def test_what_are_no_levels_is_refused_over_all_blocks(tmp_path: Path) -> None:
    d = people()
    far = (d["id"] == N - 1).to_numpy()
    for i, (y, word) in enumerate([
            (np.where(far, 1.5, d["y"]), "whole numbers"), (d["t"] * 0 + 1.0, "at one level"),
            (d["id"] % 30 + 0.0, "more than 20")]):
        (tmp_path / str(i)).mkdir()
        files = written(d.assign(y=y), tmp_path / str(i))
        with pytest.raises(DataError, match=word) as caught:
            GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=1, family="ordinal")
        assert caught.value.way_out


def test_a_level_that_the_sample_lacks_is_refused(tmp_path: Path) -> None:
    """Starts are tried on the sample, whose curve of it would be at infinity."""
    d = people()
    files = written(d, tmp_path)
    asked = GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=1, family="ordinal")
    panel: Any = gbtm.Panel.from_parquet(files, id="id", time="t", outcome="y")
    few = np.flatnonzero(~panel.survey.sample.ids.isin(d.loc[d["y"] == 7, "id"]))
    object.__setattr__(panel.survey, "sample", panel.survey.sample.subset(few))
    with pytest.raises(DataError, match=r"nobody of a sample of \d+ people.* at level 7"):
        PreparedBlocks.of(panel, asked.spec)


@pytest.mark.parametrize("kind", ["text", "factor"])
def test_texts_are_refused(kind: str, tmp_path: Path) -> None:
    y = people()["y"].map({1.0: "none", 2.0: "some", 3.0: "more", 7.0: "most"})
    files = written(people().assign(y=y if kind == "text" else pd.Categorical(y, ordered=True)), tmp_path)
    for family in FAMILIES:
        with pytest.raises(SpecificationError, match="are numbers where data stay on disk") as caught:
            GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=1, family=family)
        assert caught.value.code == "not_on_disk"
