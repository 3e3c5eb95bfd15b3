"""The attrition table against the same counts made by pandas from the user's table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
import parts
from gbtm.report.attrition import attrition


@pytest.fixture(scope="module")
def drawn():
    data = parts.draw("dropout1")
    return data.table, data.built().fit(n_starts=3, rng=0)


def seen_matrix(table: pd.DataFrame) -> pd.DataFrame:
    """(N, T) True where an outcome was observed; people never observed are no subjects."""
    seen = table.assign(seen=table["y"].notna()).pivot(index="id", columns="t", values="seen").fillna(False)
    seen = seen.astype(bool)
    return seen[seen.any(axis=1)]


def test_waves_count_who_is_there_who_came_later_and_who_left(drawn):
    table, res = drawn
    waves, seen = attrition(res).waves, seen_matrix(table)
    assert waves["Observed"].tolist() == seen.sum().tolist()
    np.testing.assert_allclose(waves["share"], seen.mean().to_numpy())
    later = seen.iloc[:, ::-1].cummax(axis=1).iloc[:, ::-1]  # seen now or later
    before = seen.cummax(axis=1)
    assert waves["Gone"].tolist() == (~later).sum().tolist()
    assert waves["Not yet"].tolist() == (~before).sum().tolist()
    assert waves["Missed"].tolist() == (before & later & ~seen).sum().tolist()
    assert (waves[["Observed", "Not yet", "Missed", "Gone"]].sum(axis=1) == res.n_subjects).all()
    by_time = table.groupby("t")["y"]
    np.testing.assert_allclose(waves["Mean y"], by_time.mean())
    np.testing.assert_allclose(waves["SD of y"], by_time.std())
    np.testing.assert_allclose(waves["Mean t"], sorted(table["t"].unique()))
    assert (waves["SD of time"] == 0).all()


def test_patterns_and_observations_per_subject(drawn):
    table, res = drawn
    found, seen = attrition(res), seen_matrix(table)
    words = seen.apply(lambda row: "".join("X" if s else "." for s in row), axis=1).value_counts()
    assert found.patterns["Subjects"].tolist() == words.head(10).tolist()
    assert all(words[p] == n for p, n in zip(found.patterns["Pattern"], found.patterns["Subjects"], strict=True))
    sizes = seen.sum(axis=1).value_counts().sort_index()
    assert found.per_subject["Observations"].tolist() == sizes.index.tolist()
    assert found.per_subject["Subjects"].tolist() == sizes.tolist()


def test_what_was_dropped_is_counted_with_its_reason(drawn):
    table, res = drawn
    found = attrition(res).dropped.set_index("Why")["Left out"]
    assert found["missing outcome"] == table["y"].isna().sum()
    with_rows = table.groupby("id")["y"].apply(lambda y: y.notna().any())
    assert found.get("no observation left", 0) == (~with_rows).sum()


def test_times_of_ones_own_are_counted_by_occasion():
    rng = np.random.default_rng(3)
    size = rng.integers(2, 7, 40)
    subject = np.repeat(np.arange(40), size)
    time = rng.uniform(0, 10, subject.size)
    y = np.where(subject < 20, 0.0, 5.0) + 0.2 * time + rng.normal(0, 0.5, subject.size)
    table = pd.DataFrame({"id": subject, "t": time, "y": y})
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=3)
    found = attrition(res)
    assert not found.common
    assert found.waves["Observed"].tolist() == [int((size > j).sum()) for j in range(size.max())]
    first = table.sort_values("t").groupby("id")["t"].first()
    assert found.waves["Mean t"].iloc[0] == pytest.approx(first.mean())
    assert found.waves["SD of time"].iloc[0] == pytest.approx(first.std())
    assert found.patterns.empty
    assert "is not dropout alone" in " ".join(found.tables[0].notes)
    assert len(found.tables) == len(found.names)


def test_nothing_dropped_is_said():
    data = gbtm.datasets.two_groups(rng=0)
    found = attrition(gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=2).fit(n_starts=1))
    assert "Nothing was dropped before the fit." in found.sentences
    assert found.dropped.empty
    assert "dropped" not in found.names


def test_people_who_lack_an_outcome_altogether_are_neither_late_nor_gone():
    table = gbtm.datasets.two_groups(rng=0)
    table["z"] = table["y"].where((table["id"] > 4) & ~((table["id"] == 7) & (table["t"] == table["t"].max())))
    res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], table, id="id", groups=1, order=0).fit(n_starts=1)
    found = attrition(res.of_outcome("z"))
    lacking = int((table["id"] <= 4).groupby(table["id"]).first().sum())
    assert lacking > 0
    assert (found.waves["Never"] == lacking).all()
    assert found.waves["Gone"].tolist() == [0] * (len(found.waves) - 1) + [1]
    assert (found.waves[["Not yet", "Missed"]] == 0).all(axis=None)
    columns = ["Observed", "Not yet", "Missed", "Gone", "Never"]
    assert (found.waves[columns].sum(axis=1) == res.n_subjects).all()
    assert any(f"{lacking + 1} were not observed at the last one" in s for s in found.sentences)
    assert any("Never" in note for note in found.tables[0].notes)
    assert "Never" not in attrition(res.of_outcome("y")).waves
