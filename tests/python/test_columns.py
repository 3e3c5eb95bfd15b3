"""Columns of the user's table, by name and by pattern."""

from __future__ import annotations

import pandas as pd
import pytest

from gbtm import DataError
from gbtm.columns.reading import expand_columns, number_array, numeric


def test_expand_columns_takes_the_tables_order_within_a_pattern():
    data = pd.DataFrame(columns=["y10", "y1", "x", "y2"])
    assert expand_columns(data, "y*", "outcome") == ["y10", "y1", "y2"]
    assert expand_columns(data, ["y2", "y1?"], "outcome") == ["y2", "y10"]


def test_numeric_reads_every_type_that_is_a_number():
    nan = float("nan")
    for column, want in (
        (pd.Series([1, None, 3], dtype="Int64"), [1.0, nan, 3.0]),
        (pd.Series([True, None, False], dtype="boolean"), [1.0, nan, 0.0]),
        (pd.Series(["1.5", None, "2"], dtype=object), [1.5, nan, 2.0]),
    ):
        pd.testing.assert_series_equal(pd.Series(numeric(column, "y")), pd.Series(want))
    with pytest.raises(DataError, match=r"y: the column is not numeric .*row 1: 'two'"):
        numeric(pd.Series(["1", "two"]), "y")
    with pytest.raises(DataError, match="time: not an array of numbers"):
        number_array(["a"], "time")
