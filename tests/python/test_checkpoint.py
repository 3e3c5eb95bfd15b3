"""Keys that follow the content, files that are whole or absent, folders of other searches refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import gbtm
from gbtm.selection.checkpoint import HEADER, Checkpoint, data_digest, digest


def _panel(**change):
    data = gbtm.datasets.two_groups(rng=0)
    for column, values in change.items():
        data[column] = values
    return gbtm.Panel.from_long(data, id="id", time="t", outcome="y")


def test_digests_follow_the_content():
    x = np.arange(6.0)
    assert digest(x, "a", None) == digest(x.copy(), "a", None)
    others = [digest(x, "a", 0), digest(x.reshape(2, 3), "a", None), digest(x.astype(int), "a", None),
              digest(x, ["a"], None), digest(x, "a"), digest([x, "a"], None), digest(x, b"a", None)]
    assert len({digest(x, "a", None), *others}) == 1 + len(others)
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(np.float64(1.5)) == digest(np.float64(1.5))


def test_the_same_data_have_the_same_digest_and_others_do_not():
    panel = _panel()
    assert data_digest(panel) == data_digest(_panel())
    y = gbtm.datasets.two_groups(rng=0)["y"].to_numpy(copy=True)
    y[3] = np.nextafter(y[3], np.inf)
    assert data_digest(_panel(y=y)) != data_digest(panel)
    assert data_digest(replace(panel, ids=panel.ids[::-1])) != data_digest(panel)
    assert data_digest(panel.weighted(np.ones(panel.n_subjects, dtype=int))) != data_digest(panel)


def test_what_is_written_is_read(tmp_path):
    kept = Checkpoint.open(tmp_path / "new" / "folder", {"data": "x", "rng": 0})
    assert kept.read("k") is None
    kept.write("k", '{"a": 1}')
    assert kept.read("k") == '{"a": 1}'
    again = Checkpoint.open(tmp_path / "new" / "folder", {"data": "x", "rng": 0})
    assert again.read("k") == '{"a": 1}'
    assert not list((tmp_path / "new" / "folder").glob("*.tmp"))


def test_a_torn_file_counts_as_none(tmp_path):
    kept = Checkpoint.open(tmp_path, {})
    (tmp_path / "k.json").write_text('{"a": [1, 2', encoding="utf-8")
    assert kept.read("k") is None


@pytest.mark.parametrize("other", [{"data": "y", "rng": 0}, {"data": "x", "rng": 1}])
def test_another_searchs_folder_is_refused_by_name(tmp_path, other):
    Checkpoint.open(tmp_path, {"data": "x", "rng": 0})
    changed = "data" if other["data"] == "y" else "rng"
    with pytest.raises(gbtm.SpecificationError, match=f"another search \\({changed} differ") as caught:
        Checkpoint.open(tmp_path, other)
    assert caught.value.code == "other_checkpoint"


@pytest.mark.parametrize("text", ["not json", "[1]", json.dumps({"format": "something else"})])
def test_a_strange_header_is_refused(tmp_path, text):
    (tmp_path / HEADER).write_text(text, encoding="utf-8")
    with pytest.raises(gbtm.SpecificationError, match="another search"):
        Checkpoint.open(tmp_path, {"data": "x"})


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(gbtm.SpecificationError, match="checkpoint"):
        Checkpoint.open(tmp_path / "file", {})
