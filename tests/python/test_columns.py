"""Columns of the user's table, by name and by pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
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


def test_names_that_are_no_columns_are_looked_for_elsewhere():
    table = pd.DataFrame({"id": [1, 1], "t": [0.0, 1.0], "y": [1.0, 2.0]})
    with pytest.raises(DataError, match=r"no column named 't'\. It is in the index of the table"):
        gbtm.GBTM.from_formula("y ~ t", table.set_index("t"), id="id", groups=1)
    with pytest.raises(DataError, match=r"no column named 'id'\. It is in the index of the table"):
        gbtm.GBTM.from_formula("y ~ t", table.set_index("id"), id="id", groups=1)
    with pytest.raises(DataError, match="Names of columns are text, and those of this table are not"):
        gbtm.GBTM.from_formula("y ~ 7", table.rename(columns={"t": 7}), id="id", groups=1, order=1, tcov=["7"])
    with pytest.raises(DataError, match=r"no column named 'u'\. The columns are"):
        gbtm.GBTM.from_formula("y ~ u", table, id="id", groups=1)


def test_arrays_that_are_none():
    with pytest.raises(DataError, match="y: not an array, but a list of others of several lengths"):
        gbtm.GBTM([[1.0, 2, 3], [4.0, 5]], [0, 1, 2], groups=1)
    with pytest.raises(DataError, match="exposure: complex numbers"):
        number_array(np.array([1 + 2j]), "exposure")
    with pytest.raises(DataError, match="w: complex numbers"):
        numeric(pd.Series([1 + 0j]), "w")


def test_tensors_are_arrays_whether_or_not_they_keep_gradients():
    plain, kept = torch.arange(3.0), torch.arange(3.0, requires_grad=True)
    assert number_array(kept, "y").tolist() == number_array(plain, "y").tolist() == [0.0, 1.0, 2.0]


def test_a_table_without_rows_says_so():
    table = pd.DataFrame({"id": [1], "t": [0.0], "y": [1.0]}).iloc[:0]
    with pytest.raises(DataError, match=r"y: there are no rows\. Check"):
        gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1)
