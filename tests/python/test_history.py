"""The benchmark's history: a line a timing, the ratio from its own numbers, and the commit that was timed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pandas as pd
import pytest

from conftest import ROOT

SPEC = importlib.util.spec_from_file_location("history", ROOT / "benchmarks" / "history.py")
history = importlib.util.module_from_spec(SPEC)
sys.modules["history"] = history
SPEC.loader.exec_module(history)


def _git(folder, *words):
    done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


def test_a_line_for_each_timing_below_one_header(tmp_path):
    file = tmp_path / "HISTORY.csv"
    run = history.Run("2026-11-22", "abc1234", 2, file)
    run.note("normal K=4", 1000, 20, 0.25, 0.36, "flexmix, 10 starts", 6.5)
    run.note("zip K=3, 10 waves", 100_000, 0, 1.33)
    table = pd.read_csv(file)
    assert tuple(table.columns) == history.COLUMNS
    assert len(table) == 2
    first, second = table.iloc[0], table.iloc[1]
    assert first["ratio"] == pytest.approx(6.5 / 0.25)
    assert (first["date"], first["commit"], first["cores"]) == ("2026-11-22", "abc1234", 2)
    assert (first["n"], first["starts"], first["peak_gb"]) == (1000, 20, 0.36)
    assert second["case"] == "zip K=3, 10 waves"  # the comma is quoted
    assert second[["peak_gb", "other", "seconds_other", "ratio"]].isna().all()


def test_a_file_with_other_columns_is_left_alone(tmp_path):
    file = tmp_path / "HISTORY.csv"
    file.write_text("date,commit\n2026-01-01,abc\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has the columns date,commit"):
        history.Run("2026-11-22", "abc1234", 2, file).note("normal K=4", 1000, 20, 0.25)
    assert file.read_text(encoding="utf-8") == "date,commit\n2026-01-01,abc\n"


def test_the_commit_has_a_plus_where_files_were_changed(tmp_path):
    assert history.commit_of(tmp_path / "nowhere") == "unknown"
    repository = tmp_path / "r"
    repository.mkdir()
    _git(repository, "init", "-q")
    (repository / "a").write_text("1", encoding="utf-8")
    _git(repository, "add", "a")
    _git(repository, "commit", "-qm", "a")
    commit = _git(repository, "rev-parse", "--short", "HEAD")
    (repository / "untracked").write_text("1", encoding="utf-8")
    assert history.commit_of(repository) == commit
    (repository / "a").write_text("2", encoding="utf-8")
    assert history.commit_of(repository) == commit + "+"


def test_a_run_knows_the_day_and_the_machine(tmp_path):
    run = history.Run.now(tmp_path / "HISTORY.csv")
    assert run.cores == os.cpu_count()
    assert pd.Timestamp(run.date) <= pd.Timestamp.today()


def test_the_history_there_is_can_be_read():
    table = pd.read_csv(history.FILE)
    assert tuple(table.columns) == history.COLUMNS
    assert (table["seconds_ours"] > 0).all()
    both = table.dropna(subset=["seconds_other"])
    assert ((both["ratio"] - both["seconds_other"] / both["seconds_ours"]).abs() <= 1e-3 * both["ratio"]).all()
