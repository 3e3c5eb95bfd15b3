"""Data sets that R's packages ship. Nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..errors import DataError


@checked
def from_r(name: str, package: str) -> pd.DataFrame:
    """A data frame that an installed R package ships, by way of rpy2.

    Parameters
    ----------
    name : of the data set, such as "bacteria"
    package : R package that ships it, such as "MASS"

    Raises
    ------
    DataError
        When rpy2, R, the package or the data set is not there.

    Examples
    --------
    >>> from gbtm.datasets import from_r
    >>> from_r("bacteria", "MASS").columns.tolist()  # doctest: +SKIP
    ['y', 'ap', 'hilo', 'week', 'ID', 'trt']
    """
    try:
        from rpy2 import robjects
        from rpy2.rinterface_lib.embedded import RRuntimeError
        from rpy2.robjects import conversion, pandas2ri
    except (ImportError, ValueError, OSError) as error:
        raise DataError(
            f"from_r: rpy2 cannot be used here ({error}).", code="no_rpy2", argument="name",
            way_out="Install R and `pip install gbtm[rpy2]`.",
        ) from error
    try:
        table = robjects.r("getExportedValue")(package, name)
    except RRuntimeError as error:
        raise DataError(
            f"from_r: R has no data set '{name}' in package '{package}'.", code="no_r_data", argument="name",
            way_out=f"In R, data(package = '{package}') lists what there is; install.packages('{package}') gets it.",
        ) from error
    with conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        data = conversion.get_conversion().rpy2py(table)
    return _with_missing(data, table)


def _with_missing(data: pd.DataFrame, table: Any) -> pd.DataFrame:
    """The data frame with R's missing integers and logicals, which rpy2 hands over as numbers, missing."""
    from rpy2 import robjects

    is_missing, r_type = robjects.r("function(x) which(is.na(x)) - 1L"), robjects.r("typeof")
    for j, column in enumerate(table.names):
        values = table[j]
        at = np.asarray(is_missing(values), dtype=int)
        if at.size and r_type(values)[0] in ("integer", "logical") and not isinstance(values, robjects.FactorVector):
            whole = np.asarray(values, dtype=float)
            whole[at] = np.nan
            is_flag = r_type(values)[0] == "logical"
            data[column] = pd.array(whole, dtype="boolean") if is_flag else whole
    return data
