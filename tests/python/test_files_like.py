"""People in files under a fit that was read from a file, and new people under a fit of people on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, ParquetFiles
from gbtm.fit_on_disk.files_like import files_like

pytest.importorskip("pyarrow")

N, WAVES = 120, 4
OPTIONS = {"id": "id", "groups": 2, "family": "logit", "order": 1, "risk": "~ C(sex)"}
LONG = OPTIONS | {"tcov": ["x"]}
WIDE = OPTIONS | {"wide": {"y": "y*", "t": [0, 1, 2, 3]}}


def people() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    d = pd.DataFrame({"id": np.repeat(np.arange(N), WAVES), "t": np.tile(np.arange(WAVES), N)})
    d["sex"] = np.array(["f", "m"])[rng.integers(0, 2, N)][d["id"]]
    d["x"] = rng.integers(0, 3, len(d))
    u = np.where(d["id"] % 2 == 1, 1.5, -1.5) + 0.2 * d["t"]
    d["y"] = (rng.random(len(d)) < 1 / (1 + np.exp(-u))) * 1.0
    return d


def spread(d: pd.DataFrame) -> pd.DataFrame:
    wide = d.pivot(index="id", columns="t", values="y").add_prefix("y").reset_index()
    return wide.assign(sex=d.groupby("id")["sex"].first().to_numpy())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("people")
    people().to_parquet(place / "long.parquet")
    spread(people()).to_parquet(place / "wide.parquet")
    return place


@pytest.mark.parametrize("form", ["long", "wide"])
def test_new_people_are_read_as_those_in_files_were(form: str, folder: Path) -> None:
    options, table = (LONG, people()) if form == "long" else (WIDE, spread(people()))
    disk = GBTM.from_formula("y ~ t", data=str(folder / f"{form}.parquet"), **options).fit(n_starts=2)
    memory = GBTM.from_formula("y ~ t", data=table, **options).fit(n_starts=2)
    new = table[table["id"] < 12]
    pd.testing.assert_frame_equal(disk.classify(new), memory.classify(new), rtol=1e-6, atol=1e-8)
    with pytest.raises(DataError, match="did not occur") as e:
        disk.classify(new.assign(sex="x"))
    assert e.value.code == "new_level"
    disk.save(folder / f"{form}.json")
    again = gbtm.load(folder / f"{form}.json")
    disk.posterior_to(folder / f"{form}-p")
    again.posterior_to(folder / f"{form}-q", panel=str(folder / f"{form}.parquet"))
    written = [pd.read_parquet(folder / f"{form}-{x}") for x in "pq"]
    pd.testing.assert_frame_equal(*written, check_exact=True)
    table.assign(sex="x").to_parquet(folder / "strange.parquet")
    with pytest.raises(DataError, match=r"strange\.parquet.*did not occur") as e:
        again.posterior_to(folder / "r", panel=folder / "strange.parquet")
    assert e.value.code == "new_level"
    assert not (folder / "r").exists()


def test_how_files_are_read_goes_with_them(folder: Path) -> None:
    files = ParquetFiles(folder / "wide.parquet", block=30, memory=1e6)
    assert files.reading == {"block": 30, "memory": 1e6}
    model = GBTM.from_formula("y ~ t", data=files, **WIDE)
    assert model.on_disk is not None
    assert model.on_disk.panel.memory == 1_000_000
    res = model.fit(n_starts=1)
    panel = files_like(res, files)
    assert (panel.memory, panel.n_subjects) == (1_000_000, N)
    with pytest.raises(TypeError):
        ParquetFiles(folder, blocks=3)
