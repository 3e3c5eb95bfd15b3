"""Dropout of people on disk: the numbers of those in memory, whether blocks share the cells of its records or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, Panel, SpecificationError
from gbtm.api.disk_results import DiskResults
from gbtm.densities import cells

pytest.importorskip("pyarrow")

N, WAVES = 300, 6


def people(family: str) -> pd.DataFrame:
    """Two groups that leave by what was last seen; waves missed in between; the first block is seen until wave 3."""
    rng = np.random.default_rng(11)
    high = np.arange(N) % 2 == 1
    e = rng.normal(size=(N, WAVES))
    u = np.where(high, 1.5, -1.5)[:, None] + 0.2 * np.arange(WAVES)
    y = {
        "normal": lambda: u + e, "logit": lambda: (u + e > 0) * 1.0,
        "poisson": lambda: rng.poisson(np.exp(u / 2)) * 1.0,
    }[family]()
    x = rng.integers(0, 3, (N, WAVES)) * 1.0
    rows = []
    for i in range(N):
        for t in range(WAVES):
            if t and rng.random() < 1 / (1 + np.exp(1.8 - 0.5 * y[i, t - 1] + 0.3 * x[i, t - 1] + high[i])):
                break
            if i < N // 3 and t > 3:
                break
            rows.append((i, t * 0.5, t + 1, y[i, t] if rng.random() < 0.9 else np.nan, x[i, t]))
    d = pd.DataFrame(rows, columns=["id", "t", "visit", "y", "x"])
    each = {"w": rng.uniform(0.5, 2.0, N), "town": rng.integers(0, 30, N), "exempt": (np.arange(N) % 7 == 0) * 1}
    return d.assign(**{k: v[d["id"]] for k, v in each.items()})


def written(d: pd.DataFrame, folder: Path) -> str:
    for i, mine in enumerate(np.array_split(np.arange(N), 3)):
        d[d["id"].isin(mine)].to_parquet(folder / f"{i}.parquet")
    return str(folder / "*.parquet")


def as_in_memory(disk: DiskResults, memory: gbtm.GBTMResults) -> None:
    assert isinstance(disk, DiskResults)
    assert disk.llf == pytest.approx(memory.llf, rel=1e-11)
    assert (np.abs(disk.params - memory.params) / memory.bse).max() < 1e-6
    np.testing.assert_allclose(disk.bse, memory.bse, rtol=1e-6)
    for name in ("group_shares", "adequacy", "criteria", "observed_means"):
        pd.testing.assert_frame_equal(getattr(disk, name), getattr(memory, name), rtol=1e-6, atol=1e-7)
    pd.testing.assert_frame_equal(disk.predict(), memory.predict(), rtol=1e-6, atol=1e-7)
    mine, theirs = disk.dropout, memory.dropout
    assert mine is not None
    assert theirs is not None
    assert (mine.n_records, mine.n_dropped, mine.n_waves) == (theirs.n_records, theirs.n_dropped, theirs.n_waves)
    assert (mine.waves is None) == (theirs.waves is None)
    if theirs.waves is not None:
        np.testing.assert_array_equal(mine.waves, theirs.waves)
    assert disk.warnings == memory.warnings


FITS: dict[str, tuple[str, dict[str, Any]]] = {
    "constant": ("normal", {"dropout": 0}),
    "last outcome, of which all differ": ("normal", {"dropout": 1, "weights": "w"}),
    "last two, covariate, exempt": ("normal", {"dropout": (2, 1), "dcov": ["x"], "obsmar": "exempt"}),
    "counted waves, 0/1, clusters": ("logit", {"dropout": 1, "wave": "visit", "cluster": "town"}),
    "counts, in one group only": ("poisson", {"dropout": (1, -1), "dcov": "~ C(x)"}),
}


@pytest.mark.parametrize("case", FITS)
def test_dropout_on_disk_is_that_in_memory(case: str, tmp_path: Path) -> None:
    family, options = FITS[case]
    d, asked = people(family), {"id": "id", "groups": 2, "order": 1, "family": family, **options}
    memory = GBTM.from_formula("y ~ t", data=d, **asked).fit(n_starts=2)
    disk = GBTM.from_formula("y ~ t", data=written(d, tmp_path), **asked).fit(n_starts=2)
    as_in_memory(disk, memory)


def test_dropout_of_wide_files(tmp_path: Path) -> None:
    long = people("normal")
    columns = [long.pivot(index="id", columns="visit", values=v).add_prefix(f"{v}_") for v in "yx"]
    wide = pd.concat(columns, axis=1).fillna({f"x_{t + 1}": 1.0 for t in range(WAVES)}).reset_index()
    wide.to_parquet(tmp_path / "w.parquet", row_group_size=100)
    where = {"y": "y_*", "t": [0.5 * t for t in range(WAVES)], "x": "x_*"}
    asked: dict[str, Any] = {"id": "id", "groups": 2, "order": 1, "wide": where, "dropout": 1, "dcov": "x"}
    memory = GBTM.from_formula("y ~ t", data=wide, **asked).fit(n_starts=2)
    disk = GBTM.from_formula(
        "y ~ t", data=gbtm.ParquetFiles(tmp_path / "w.parquet", block=100), **asked).fit(n_starts=2)
    assert disk.source.n_blocks == 3
    as_in_memory(disk, memory)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> GBTM:
    files = written(people("normal"), tmp_path_factory.mktemp("normal"))
    return GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=1, dropout=1)


@pytest.fixture(scope="module")
def fitted(model: GBTM) -> DiskResults:
    res: DiskResults = model.fit(n_starts=2)
    return res


def test_rows_that_are_listed_in_the_blocks(
    model: GBTM, fitted: DiskResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in blocks of many people, where a record is its own cell in a list."""
    monkeypatch.setattr(cells, "DENSE_SMALL", 0)
    res = model.fit(n_starts=2)
    assert res.llf == pytest.approx(fitted.llf, rel=1e-12)
    np.testing.assert_allclose(res.params, fitted.params, rtol=1e-7)
    np.testing.assert_allclose(res.bse, fitted.bse, rtol=1e-8)


def test_start_values_and_a_smaller_fit(model: GBTM, fitted: DiskResults) -> None:
    assert fitted.source is not None
    files = [p.file.path for b in fitted.source.source.blocks for p in b.pieces]
    one = GBTM.from_formula("y ~ t", data=files, id="id", groups=1, order=1, dropout=1).fit()
    for start in (fitted.params * 1.02, one):
        assert model.fit(start=start).llf == pytest.approx(fitted.llf, rel=1e-11)


def test_posteriors_of_the_fit_and_of_its_file(fitted: DiskResults, tmp_path: Path) -> None:
    memory = GBTM.from_formula("y ~ t", data=people("normal"), id="id", groups=2, order=1, dropout=1).fit(n_starts=2)
    mine = pd.read_parquet(fitted.posterior_to(tmp_path / "p")).set_index("id").sort_index()
    np.testing.assert_allclose(mine[["p1", "p2"]], memory.posterior, atol=1e-9)
    fitted.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.summary().as_text() == fitted.summary().as_text()
    assert fitted.source is not None
    files = [p.file.path for b in fitted.source.source.blocks for p in b.pieces]
    theirs = pd.read_parquet(again.posterior_to(tmp_path / "q", panel=files)).set_index("id").sort_index()
    pd.testing.assert_frame_equal(theirs, mine, rtol=1e-12)
    # files of some of the people, seen until an early wave alone, have the waves of the fit
    theirs = pd.read_parquet(again.posterior_to(tmp_path / "r", panel=files[:1])).set_index("id").sort_index()
    pd.testing.assert_frame_equal(theirs, mine.loc[theirs.index], rtol=1e-12)


def test_records_are_refused_in_words(fitted: DiskResults) -> None:
    assert fitted.dropout is not None
    with pytest.raises(SpecificationError, match=r"posterior_to\('folder'\)"):
        fitted.dropout.records  # noqa: B018


def test_nobody_leaves_is_told(tmp_path: Path) -> None:
    d = pd.DataFrame({"id": np.repeat(np.arange(N), 4), "t": np.tile(np.arange(4), N)}).assign(
        y=np.random.default_rng(0).normal(size=4 * N))
    with pytest.raises(SpecificationError, match="nobody drops out") as e:
        GBTM.from_formula("y ~ t", data=written(d, tmp_path), id="id", groups=2, order=1, dropout=0)
    assert e.value.code == "no_dropout"


def test_times_of_their_own_are_no_waves(tmp_path: Path) -> None:
    d = people("normal")
    d["t"] += np.round(np.random.default_rng(0).uniform(0, 0.4, len(d)), 2)
    with pytest.raises(SpecificationError, match="distinct times") as e:
        GBTM.from_formula("y ~ t", data=written(d, tmp_path), id="id", groups=2, order=1, dropout=0)
    assert e.value.code == "no_waves"


@pytest.mark.parametrize(("options", "code"), [
    ({"dcov": ["x"]}, "no_dropout"), ({"obsmar": "exempt"}, "no_dropout"), ({"dropout": True, "dcov": ["no"]}, None),
])
def test_what_goes_with_dropout_alone(options: dict[str, Any], code: str | None, tmp_path: Path) -> None:
    files = written(people("normal"), tmp_path)
    with pytest.raises((SpecificationError, gbtm.DataError)) as e:
        Panel.from_parquet(files, id="id", time="t", outcome="y", **options)
    assert e.value.code == (code or "unknown_column")


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_workers_give_the_same_bits(model: GBTM, fitted: DiskResults, count: int) -> None:
    res = model.fit(n_starts=2, executor=count)
    np.testing.assert_array_equal(res.document["params"], fitted.document["params"])
    np.testing.assert_array_equal(res.document["cov_params"], fitted.document["cov_params"])
    assert res.llf == fitted.llf
