"""Tables in Parquet files: the survey of their blocks beside pandas, people split over blocks, files that change."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gbtm import Panel
from gbtm.disk.disk_panel import SAMPLE
from gbtm.disk.parquet_source import label_numbers
from gbtm.errors import DataError, SpecificationError

pytest.importorskip("pyarrow")

N, WAVES = 240, 5
LONG = {"id": "id", "time": "t", "outcome": "y"}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    d = pd.DataFrame({
        "id": np.repeat(np.arange(N), WAVES), "t": np.tile(np.arange(WAVES), N) * 0.5, "y": rng.normal(size=N * WAVES),
        "male": np.repeat(rng.integers(0, 2, N), WAVES), "town": np.repeat(rng.choice(list("abcd"), N), WAVES),
        "w": np.repeat(rng.uniform(0.5, 2.0, N), WAVES), "x": rng.normal(size=N * WAVES),
    })
    d.loc[rng.choice(len(d), 60, replace=False), "y"] = np.nan
    d.loc[d["id"] == 7, "y"] = np.nan
    return d


@pytest.fixture(scope="module")
def register(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files, in row groups that end within people."""
    folder = tmp_path_factory.mktemp("register")
    for i, people in enumerate(np.array_split(np.arange(N), 4)):
        table[table["id"].isin(people)].to_parquet(folder / f"{i}.parquet", row_group_size=37)
    return folder


def test_survey_sums_what_the_table_in_memory_has(table: pd.DataFrame, register: Path) -> None:
    options = {"risk": ["male"], "weights": "w", "tcov": ["x"]}
    panel = Panel.from_parquet(str(register / "*.parquet"), **LONG, **options, block=100)
    whole = Panel.from_long(table, **LONG, **options)
    assert panel.n_blocks > 4
    assert (panel.n_subjects, panel.nobs) == (whole.n_subjects, whole.nobs)
    s, m = panel.survey, whole.outcomes[0]
    (seen,) = s.seen
    by_time = table.dropna(subset="y").groupby("t")
    np.testing.assert_array_equal(seen.times, np.unique(m.time))
    np.testing.assert_array_equal(seen.counts, by_time["y"].size())
    np.testing.assert_allclose(seen.outcomes, by_time["y"].sum(), rtol=1e-12)
    np.testing.assert_allclose(seen.covariates[:, 0], by_time["x"].sum(), rtol=1e-12)
    assert seen.extent == (m.y.min(), m.y.max())
    weights = whole.subjects.weights
    assert weights is not None
    np.testing.assert_allclose((s.weight, s.squares), (weights.sum(), (weights**2).sum()), rtol=1e-12)
    of_kind = [weights[whole.subjects.risk[:, 0] == v].sum() for v in (0, 1)]
    np.testing.assert_allclose(s.risk_weight, of_kind, rtol=1e-12)
    assert replace(s.dropped, subjects=()) == replace(whole.dropped, subjects=())
    assert list(s.dropped.subjects) == [7]


def test_people_of_the_blocks_are_those_of_the_table(table: pd.DataFrame, register: Path) -> None:
    panel = Panel.from_parquet(register, **LONG, block=100)
    blocks = [panel.source.read(i) for i in range(panel.n_blocks)]
    ids = np.concatenate([b.ids for b in blocks])
    np.testing.assert_array_equal(ids, [i for i in range(N) if i != 7])
    y = np.concatenate([b.outcomes[0].y for b in blocks])
    np.testing.assert_array_equal(y, table["y"].dropna())


def test_a_file_of_people_without_an_outcome_is_left_out(table: pd.DataFrame, tmp_path: Path) -> None:
    d = table.assign(y=table["y"].where(table["id"] % 2 == 0))
    for i in (0, 1):
        d[d["id"] % 2 == i].to_parquet(tmp_path / f"{i}.parquet")
    panel, whole = Panel.from_parquet(tmp_path, **LONG), Panel.from_long(d, **LONG)
    assert (panel.n_blocks, panel.n_subjects, panel.nobs) == (1, whole.n_subjects, whole.nobs)
    assert replace(panel.survey.dropped, subjects=()) == replace(whole.dropped, subjects=())
    assert sorted(panel.survey.dropped.subjects) == sorted(whole.dropped.subjects)
    with pytest.raises(DataError, match="in any of the files") as e:
        Panel.from_parquet(tmp_path / "1.parquet", **LONG)
    assert (e.value.code, e.value.argument) == ("no_data", "y")


def test_row_groups_that_share_a_person_are_one_block(table: pd.DataFrame, tmp_path: Path) -> None:
    table[table["id"] < 4].to_parquet(tmp_path / "a.parquet", row_group_size=3)
    panel = Panel.from_parquet(tmp_path / "a.parquet", **LONG, block=1)
    assert panel.n_blocks == 1 + sum(a % 3 == 0 for a in (5, 10, 15))


def test_rows_of_a_file_in_any_order(table: pd.DataFrame, tmp_path: Path) -> None:
    table.sample(frac=1, random_state=2).to_parquet(tmp_path / "a.parquet", row_group_size=50)
    panel = Panel.from_parquet(tmp_path / "a.parquet", **LONG, block=50)
    assert (panel.n_blocks, panel.n_subjects) == (1, N - 1)


def test_wide_table(table: pd.DataFrame, tmp_path: Path) -> None:
    wide = table.pivot(index="id", columns="t", values="y").set_axis([f"y_{c}" for c in "abcde"], axis=1).reset_index()
    wide.to_parquet(tmp_path / "w.parquet", row_group_size=40)
    panel = Panel.from_parquet(tmp_path / "w.parquet", id="id", time=[0, 0.5, 1, 1.5, 2], outcome="y_*", block=50)
    assert (panel.n_blocks, panel.n_subjects, panel.nobs) == (6, N - 1, int(table["y"].notna().sum()))
    np.testing.assert_allclose(panel.survey.seen[0].outcomes, table.groupby("t")["y"].sum(), rtol=1e-12)


@pytest.mark.parametrize("as_text", [False, True])
def test_people_split_over_files_are_refused_and_mended(table: pd.DataFrame, tmp_path: Path, as_text: bool) -> None:
    d = table.assign(id=table["id"].map("p{:03d}".format)) if as_text else table
    files = [str(tmp_path / f"{t}.parquet") for t in range(WAVES)]
    for path, (_, rows) in zip(files, d.groupby("t"), strict=True):
        rows.to_parquet(path)
    told = r"240 of 240 people have rows in more than one block; id .*0.parquet.*and in.*1.parquet"
    with pytest.raises(DataError, match=told.replace("240", str(N - 1))) as e:
        Panel.from_parquet(files, **LONG)
    assert e.value.code == "split_person"
    for written in ("data=gbtm.ParquetFiles(..,", "Panel.from_parquet(..,"):
        assert f"{written} repartition='folder')" in e.value.way_out
    pytest.importorskip("duckdb")
    panel = Panel.from_parquet(files, **LONG, repartition=tmp_path / "anew", block=300)
    assert panel.n_blocks == 4
    assert (panel.n_subjects, panel.nobs) == (N - 1, int(table["y"].notna().sum()))
    again = Panel.from_parquet(tmp_path / "anew", **LONG)
    assert (again.n_blocks, again.nobs) == (panel.n_blocks, panel.nobs)
    with pytest.raises(DataError, match="is there already"):
        Panel.from_parquet(files, **LONG, repartition=tmp_path / "anew")
    assert [p.name for p in tmp_path.glob("*.tmp")] == []


def test_files_that_are_gone_or_have_changed(table: pd.DataFrame, tmp_path: Path) -> None:
    for i in (0, 1):
        table[table["id"] % 2 == i].to_parquet(tmp_path / f"{i}.parquet")
    panel = Panel.from_parquet(tmp_path, **LONG)
    table[table["id"] % 2 == 0].head(50).to_parquet(tmp_path / "0.parquet")
    with pytest.raises(DataError, match=r"0\.parquet' has changed") as changed:
        panel.source.read(0)
    assert changed.value.code == "changed_file"
    (tmp_path / "1.parquet").unlink()
    with pytest.raises(DataError, match=r"1\.parquet' cannot be read") as gone:
        panel.source.read(1)
    assert gone.value.code == "missing_file"
    (tmp_path / "0.parquet").write_text("no table")
    with pytest.raises(DataError, match="is no Parquet file"):
        Panel.from_parquet(tmp_path, **LONG)
    with pytest.raises(DataError, match="no Parquet file at"):
        Panel.from_parquet(str(tmp_path / "*.pq"), **LONG)


def test_what_a_table_in_memory_is_refused_for_names_the_file(table: pd.DataFrame, tmp_path: Path) -> None:
    pd.concat([table, table.dropna().head(1)]).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet.*repeat the id and time") as e:
        Panel.from_parquet(tmp_path, **LONG)
    assert e.value.code == "duplicate_time"


@pytest.mark.parametrize("argument", ["out_of_sample", "risk2"])
def test_what_is_not_taken_from_disk_says_so(register: Path, argument: str) -> None:
    with pytest.raises(SpecificationError, match="stay on disk") as e:
        Panel.from_parquet(register, **LONG, **{argument: "male"})
    assert e.value.code == "not_on_disk"


@pytest.mark.parametrize("package", ["pyarrow", "duckdb"])
def test_missing_packages_are_named(
    register: Path, tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == package] + [package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SpecificationError, match=rf"pip install {package}, or pip install 'gbtm\[disk\]'") as e:
        Panel.from_parquet(register, **LONG, repartition=tmp_path / "r")
    assert e.value.code == "missing_package"


def test_clusters_have_one_number_in_all_blocks(table: pd.DataFrame, register: Path) -> None:
    panel = Panel.from_parquet(register, **LONG, cluster="town", block=100)
    of_people = pd.concat([
        pd.Series(b.subjects.cluster, index=b.ids) for b in (panel.source.read(i) for i in range(panel.n_blocks))])
    towns = table.groupby("id")["town"].first().reindex(of_people.index)
    assert of_people.groupby(towns).nunique().eq(1).all()
    assert of_people.nunique() == towns.nunique()


def test_numbers_of_labels() -> None:
    whole = label_numbers(pd.Series([3, 4]))
    np.testing.assert_array_equal(label_numbers(pd.Series([4.0, np.nan, 3.0])), [whole[1], -1, whole[0]])
    text = label_numbers(pd.Series(["a", None, "b"]))
    np.testing.assert_array_equal(label_numbers(pd.Series(["b", "a"], dtype="category")), text[[2, 0]])
    assert (whole >= 0).all()


def test_sample_keeps_the_proportions_of_waves(tmp_path: Path) -> None:
    """Of people with 1, 2 and 3 waves, in blocks of different sizes."""
    n = 4 * SAMPLE
    waves = np.arange(n) % 3 + 1
    d = pd.DataFrame({"id": np.repeat(np.arange(n), waves)})
    d["t"] = d.groupby("id").cumcount()
    d["y"] = d["id"] / n
    for i, (low, high) in enumerate([(0, 0.1), (0.1, 1.0)]):
        d[d["y"].between(low, high, inclusive="left")].to_parquet(tmp_path / f"{i}.parquet")
    some = Panel.from_parquet(tmp_path, **LONG).survey.sample
    assert abs(some.n_subjects - SAMPLE) <= 2
    count = np.bincount(np.bincount(some.outcomes[0].subject), minlength=4)[1:]
    assert np.abs(count / some.n_subjects - 1 / 3).max() < 2e-3
    assert abs((np.asarray(some.ids, dtype=float) < 0.1 * n).mean() - 0.1) < 2e-3


def test_factors_have_the_levels_of_all_blocks(table: pd.DataFrame, tmp_path: Path) -> None:
    for i, people in enumerate(np.array_split(np.arange(N), 2)):
        table[table["id"].isin(people)].to_parquet(tmp_path / f"{i}.parquet")
    whole = Panel.from_long(table, **LONG, risk="~ C(town)")
    panel = Panel.from_parquet(tmp_path, **LONG, risk="~ C(town)")
    mine = np.concatenate([panel.source.read(i).subjects.risk for i in (0, 1)])
    np.testing.assert_array_equal(mine, whole.subjects.risk)
    other = table.assign(town=table["town"].where(table["id"] > N // 2, "a"))
    for i, people in enumerate(np.array_split(np.arange(N), 2)):
        other[other["id"].isin(people)].to_parquet(tmp_path / f"{i}.parquet")
    whole = Panel.from_long(other, **LONG, risk="~ C(town) + male")  # there is one level in the first file
    panel = Panel.from_parquet(tmp_path, **LONG, risk="~ C(town) + male")
    read = [panel.source.read(i).subjects for i in (0, 1)]
    assert read[0].risk_names == whole.subjects.risk_names
    np.testing.assert_array_equal(np.concatenate([s.risk for s in read]), whole.subjects.risk)
