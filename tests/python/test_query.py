"""Queries as the source of people: read once into files in which nobody is split, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, Panel, SpecificationError
from gbtm.disk.query import query_files

pytest.importorskip("pyarrow")
N, WAVES = 300, 4
READ = {"id": "id", "time": "t", "outcome": "y"}


def people() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    d = pd.DataFrame({"id": np.tile(np.arange(N), WAVES), "t": np.repeat(np.arange(WAVES), N) * 1.0})
    d["y"] = rng.normal(size=len(d)) + np.where(d["id"] % 3 == 0, 2.0, -2.0)
    d.loc[5, "y"] = np.nan
    return d


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path_factory.mktemp("db") / "register.duckdb"
    table = people()
    with duckdb.connect(str(path)) as db:
        db.register("here", table)
        db.execute('CREATE TABLE r AS SELECT *, id AS "the {id}" FROM here')
    return path


def test_query_of_a_duckdb_file_is_the_table(database: Path, tmp_path: Path) -> None:
    files = query_files(
        "SELECT id, t, y FROM r WHERE y IS NULL OR y > -9; ", database, id="id", folder=tmp_path / "a", rows=250)
    written = sorted(Path(files.files).iterdir())
    assert len(written) == 5  # of 1,200 rows
    whose = [set(pd.read_parquet(p)["id"]) for p in written]
    assert sum(map(len, whose)) == len(set().union(*whose)) == N
    disk = GBTM.from_formula("y ~ t", data=files, id="id", groups=2, order=0).fit(n_starts=2)
    memory = GBTM.from_formula("y ~ t", data=people(), id="id", groups=2, order=0).fit(n_starts=2)
    np.testing.assert_allclose(disk.params, memory.params, rtol=1e-6)
    assert disk.nobs == N * WAVES - 1


def test_query_of_the_users_own_connection(database: Path, tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(database)) as db:
        db.execute("CREATE TEMP TABLE mine AS SELECT * FROM r")
        panel = Panel.from_query('SELECT "the {id}", t, y FROM mine', db, folder=tmp_path / "b", id="the {id}",
                                 time="t", outcome="y")
        assert db.execute("SELECT 1").fetchall() == [(1,)]
    assert panel.n_subjects == N
    assert panel.nobs == N * WAVES - 1




@pytest.mark.parametrize(("query", "id", "code"), [
    ("SELECT nothing FROM r", "id", "bad_query"), ("SELECT FROM", "id", "bad_query"),
    ("SELECT t, y FROM r", "id", "bad_query"), ("SELECT * FROM r WHERE id < 0", "id", "no_data"),
    ("SELECT id, t, CAST(CASE WHEN id < 299 THEN '1' ELSE 'x' END AS DOUBLE) AS y FROM r", "id", "bad_query"),
])
def test_what_fails_leaves_nothing(query: str, id: str, code: str, database: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as e:
        query_files(query, database, id=id, folder=tmp_path / "a", rows=100)
    assert e.value.code == code
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_had(database: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder, connection, code in (
        ("there", database, "folder_exists"), ("a", tmp_path / "no.duckdb", "missing_file"),
        ("a", tmp_path / "there", "missing_file"),
    ):
        with pytest.raises(DataError) as e:
            query_files("SELECT * FROM r", connection, id="id", folder=tmp_path / folder)
        assert e.value.code == code
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"no database" * 999)
    with pytest.raises(DataError, match="the database says"):
        query_files("SELECT * FROM r", broken, id="id", folder=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_sqlalchemy_says_what_to_install_or_reads(tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    table = people()
    with sqlite3.connect(file) as db:
        table.assign(note="a:b {c}", z=np.where(table["id"] < 200, np.nan, 1.0)).to_sql("r", db, index=False)
    url, query = f"sqlite:///{file}", "SELECT *, ':x' AS colon FROM r WHERE note = 'a:b {c}'"
    try:
        import sqlalchemy
    except ImportError:
        with pytest.raises(SpecificationError, match=r"pip install sqlalchemy, or pip install 'gbtm\[sql\]'") as e:
            query_files(query, url, id="id", folder=tmp_path / "a")
        assert e.value.code == "missing_package"
        assert not (tmp_path / "a").exists()
        return
    engine = sqlalchemy.create_engine(url)
    for number, connection in enumerate((url, engine)):
        panel = Panel.from_query(query, connection, folder=tmp_path / str(number), **READ)
        assert (panel.n_subjects, panel.nobs) == (N, N * WAVES - 1)
    with engine.connect() as connection:
        files = query_files(query, connection, id="id", folder=tmp_path / "c", rows=100)
    got = pd.read_parquet(files.files)
    pd.testing.assert_frame_equal(
        got[["id", "t", "y"]].sort_values(["id", "t"], ignore_index=True),
        table.sort_values(["id", "t"], ignore_index=True), check_dtype=False)
    with pytest.raises(DataError, match="the database says"):
        query_files("SELECT * FROM nowhere", url, id="id", folder=tmp_path / "d")
    with pytest.raises(SpecificationError, match="cannot be used"):
        query_files("SELECT 1", "nosuch://user:secret@host/db", id="id", folder=tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_no_connection_at_all(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    with pytest.raises(SpecificationError, match="is no connection") as e:
        gbtm.query_files("SELECT 1", 3, id="id", folder=tmp_path / "a")
    assert e.value.code == "bad_connection"
