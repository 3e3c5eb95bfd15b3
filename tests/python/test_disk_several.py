"""Several outcomes that share their groups, in the same files: the numbers of the same table in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, Outcome, SpecificationError
from gbtm.api.disk_results import DiskResults

pytest.importorskip("pyarrow")

N, WAVES = 240, 5


def people() -> pd.DataFrame:
    """Two groups; the second outcome lacks waves and people, and somebody has the second outcome alone."""
    rng = np.random.default_rng(21)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), WAVES), "t": np.tile(np.arange(WAVES), N) * 1.0})
    high = (d["id"] % 2 == 1) * 1.0
    d["x"] = rng.integers(0, 3, len(d)) * 1.0
    d["y"] = np.where(high, 1.0, -1.0) + 0.2 * d["t"] - 0.2 * d["x"] + rng.normal(size=len(d))
    d["z"] = rng.poisson(np.exp(0.3 + 0.6 * high)) * 1.0
    each = {"male": rng.integers(0, 2, N), "w": rng.uniform(0.5, 2.0, N), "town": rng.integers(0, 40, N)}
    d = d.assign(**{k: v[d["id"]] for k, v in each.items()})
    left = rng.integers(2, 9, N)
    d.loc[d["t"] >= left[d["id"]], "y"] = np.nan
    d.loc[(d["id"] % 5 == 0) | (d["t"] == 1), "z"] = np.nan
    d.loc[d["id"] == 7, "y"] = np.nan
    return d


def written(d: pd.DataFrame, folder: Path) -> str:
    for i, mine in enumerate(np.array_split(np.arange(N), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet")
    return str(folder / "*.parquet")


OUTCOMES = [Outcome("y ~ t", order=1, tcov=["x"]), Outcome("z ~ t", order=0, family="poisson")]
SPLINE = [Outcome("y ~ bs(t, df=4)"), Outcome("z ~ t", order=1, family="zip", iorder=0)]
FITS: dict[str, tuple[list[Outcome], dict[str, Any]]] = {
    "covariates and weights": (OUTCOMES, {"risk": ["male"], "weights": "w"}),
    "dropout and clusters": (OUTCOMES, {"dropout": 1, "cluster": "town"}),
    "a basis and zeros": (SPLINE, {}),
}


@pytest.mark.parametrize("case", FITS)
def test_several_outcomes_on_disk_are_those_in_memory(case: str, tmp_path: Path) -> None:
    outcomes, options = FITS[case]
    d, asked = people(), {"id": "id", "groups": 2, **options}
    memory = GBTM.from_formula(outcomes, data=d, **asked).fit(n_starts=2)
    disk = GBTM.from_formula(outcomes, data=written(d, tmp_path), **asked).fit(n_starts=2)
    assert isinstance(disk, DiskResults)
    assert (disk.n_subjects, disk.nobs) == (memory.n_subjects, memory.nobs)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-11)
    assert (np.abs(disk.params - memory.params) / memory.bse).max() < 1e-6
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    assert list(disk.params.index) == list(memory.params.index)
    for name in ("group_shares", "adequacy", "criteria", "observed_means"):
        pd.testing.assert_frame_equal(getattr(disk, name), getattr(memory, name), rtol=1e-6, atol=1e-7)
    pd.testing.assert_frame_equal(disk.predict(), memory.predict(), rtol=1e-6, atol=1e-7)
    assert disk.entropy == pytest.approx(memory.entropy, abs=1e-7)
    assert disk.warnings == memory.warnings
    assert [len(t.data) for t in disk.summary().tables] == [len(t.data) for t in memory.summary().tables]
    one, other = disk.of_outcome("z"), memory.of_outcome("z")
    pd.testing.assert_frame_equal(one.observed_means, other.observed_means, rtol=1e-6, atol=1e-7)
    assert one.nobs == other.nobs
    assert disk.document["on_disk"]["further"][0]["sd"] == pytest.approx(other.outcome.data.y.std(), rel=1e-9)


def test_a_block_may_lack_an_outcome_or_have_it_of_others_alone(tmp_path: Path) -> None:
    d = people()
    d.loc[d["id"] < N // 3, "z"] = np.nan
    last = d["id"] >= 2 * N // 3
    d.loc[last & (d["id"] % 3 == 0), "y"] = np.nan
    d.loc[last & (d["id"] % 3 > 0), "z"] = np.nan
    memory = GBTM.from_formula(OUTCOMES, data=d, id="id", groups=2).fit(n_starts=2)
    disk = GBTM.from_formula(OUTCOMES, data=written(d, tmp_path), id="id", groups=2).fit(n_starts=2)
    assert (disk.n_subjects, disk.nobs) == (memory.n_subjects, memory.nobs)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-11)
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    pd.testing.assert_frame_equal(disk.observed_means, memory.observed_means, rtol=1e-6, atol=1e-7)


def test_wide_files(tmp_path: Path) -> None:
    d = people()
    wide = d.pivot(index="id", columns="t", values=["y", "z"])
    wide.columns = [f"{v}_{int(t)}" for v, t in wide.columns]
    wide = wide.reset_index()
    wide.to_parquet(tmp_path / "w.parquet")
    where = {"y": "y_*", "z": "z_*", "t": [float(t) for t in range(WAVES)]}
    asked: dict[str, Any] = {"id": "id", "groups": 2, "wide": where, "order": 1, "dropout": 0}
    memory = GBTM.from_formula(["y ~ t", "z ~ t"], data=wide, **asked).fit(n_starts=2)
    disk = GBTM.from_formula(["y ~ t", "z ~ t"], data=str(tmp_path / "w.parquet"), **asked).fit(n_starts=2)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-11)
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GBTM:
    files = written(people(), tmp_path_factory.mktemp("several"))
    return GBTM.from_formula(OUTCOMES, data=files, id="id", groups=2, risk=["male"])


@pytest.fixture(scope="module")
def fitted(model: GBTM) -> DiskResults:
    res: DiskResults = model.fit(n_starts=2)
    return res


def test_posteriors_of_the_fit_and_of_its_file(fitted: DiskResults, tmp_path: Path) -> None:
    d = people()
    memory = GBTM.from_formula(OUTCOMES, data=d, id="id", groups=2, risk=["male"]).fit(n_starts=2)
    mine = pd.read_parquet(fitted.posterior_to(tmp_path / "p")).set_index("id").sort_index()
    np.testing.assert_allclose(mine[["p1", "p2"]], memory.posterior.sort_index(), atol=1e-9)
    fitted.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.summary().as_text() == fitted.summary().as_text()
    pd.testing.assert_frame_equal(again.observed_means, fitted.observed_means)
    again.plot()
    again.of_outcome("z").plot()
    assert fitted.source is not None
    files = [p.file.path for b in fitted.source.source.blocks for p in b.pieces]
    theirs = pd.read_parquet(again.posterior_to(tmp_path / "q", panel=files)).set_index("id").sort_index()
    pd.testing.assert_frame_equal(theirs, mine, rtol=1e-12)
    new = again.classify(d[d["id"] < 9]).sort_values(["id", "group"])["probability"].to_numpy().reshape(9, 2)
    np.testing.assert_allclose(new, mine.loc[:8, ["p1", "p2"]], atol=1e-9)


def test_two_sets_of_groups_are_refused_in_words(tmp_path: Path) -> None:
    files = written(people(), tmp_path)
    with pytest.raises(SpecificationError, match="one set of groups") as e:
        GBTM.from_formula(OUTCOMES, data=files, id="id", groups=[2, 2])
    assert (e.value.code, e.value.argument) == ("not_on_disk", "groups")


def test_a_table_of_its_own_is_refused_in_words(tmp_path: Path) -> None:
    d = people()
    own = [OUTCOMES[0], Outcome("z ~ t", order=0, family="poisson", data=d)]
    with pytest.raises(SpecificationError, match="same files") as e:
        GBTM.from_formula(own, data=written(d, tmp_path), id="id", groups=2)
    assert (e.value.code, e.value.argument) == ("not_on_disk", "data")


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_workers_give_the_same_bits(model: GBTM, fitted: DiskResults, count: int) -> None:
    res = model.fit(n_starts=2, executor=count)
    np.testing.assert_array_equal(res.document["params"], fitted.document["params"])
    np.testing.assert_array_equal(res.document["cov_params"], fitted.document["cov_params"])
    for mine, theirs in ((res.document["on_disk"], fitted.document["on_disk"]),
                         (res.document["on_disk"]["further"][0], fitted.document["on_disk"]["further"][0])):
        np.testing.assert_array_equal(mine["means"], theirs["means"])
    assert res.llf == fitted.llf
