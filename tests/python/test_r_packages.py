"""The data sets that R's packages ship."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import needs_r
from gbtm import DataError, datasets
from gbtm.datasets.r_packages import _with_missing


def test_from_r_is_rs_table():
    needs_r("MASS")
    data = datasets.from_r("bacteria", "MASS")
    assert data.columns.tolist() == ["y", "ap", "hilo", "week", "ID", "trt"]
    assert len(data) == 220
    assert (data["y"] == "y").sum() == 177
    assert sorted(data["week"].unique()) == [0, 2, 4, 6, 11]


def test_missing_integers_and_logicals_of_r_are_missing():
    """hepato of pbcseq is whole numbers with NA; R's NA is the smallest integer, which is a number elsewhere."""
    needs_r("survival")
    from rpy2 import robjects
    from rpy2.robjects import pandas2ri

    data = datasets.from_r("pbcseq", "survival")
    missing = np.asarray(robjects.r("colSums(is.na(survival::pbcseq))"))
    assert data.isna().sum().tolist() == missing.tolist()
    assert data["hepato"].dropna().isin([0, 1]).all()
    table = robjects.r("data.frame(a = c(1L, NA), b = c(NA, TRUE), f = factor(c('u', NA)), z = c(NA, 2.5))")
    with robjects.conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        frame = robjects.conversion.get_conversion().rpy2py(table)
    read = _with_missing(frame, table)
    assert read.isna().to_numpy().tolist() == [[False, True, False, True], [True, False, True, False]]
    assert read["b"].dtype == "boolean"


@pytest.mark.parametrize(("name", "package"), [("nothing", "MASS"), ("bacteria", "noSuchPackage")])
def test_from_r_without_the_data(name, package):
    needs_r("MASS")
    with pytest.raises(DataError, match=f"'{name}' in package '{package}'") as e:
        datasets.from_r(name, package)
    assert e.value.code == "no_r_data"


def test_from_r_without_rpy2(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rpy2", None)
    with pytest.raises(DataError, match="rpy2 cannot be used") as e:
        datasets.from_r("bacteria", "MASS")
    assert e.value.code == "no_rpy2"
