"""Where a folder is written until it is whole."""

from __future__ import annotations

import pytest

from gbtm.disk.new_folder import beside_new
from gbtm.errors import DataError


def test_it_is_written_beside_its_place_under_a_name_of_its_own(tmp_path):
    place, beside = beside_new(tmp_path / "out", "folder", "Another.")
    assert place == tmp_path / "out"
    assert beside.parent == place.parent
    assert beside != beside_new(place, "folder", "Another.")[1]
    assert not place.exists()
    assert not beside.exists()


def test_what_is_there_is_not_written_over(tmp_path):
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="is there already") as caught:
        beside_new(tmp_path / "out", "repartition", "Another.")
    said = caught.value
    assert (said.code, said.argument, said.way_out) == ("folder_exists", "repartition", "Another.")
