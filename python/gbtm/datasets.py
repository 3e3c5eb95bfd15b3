"""Data for examples and tests: small simulations, and the data sets that R's packages ship. Nothing is downloaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .arguments import checked
from .checks import check_count, check_seed
from .errors import DataError


@checked
def two_groups(rng: int = 0, n_per_group: int = 50, periods: int = 11, noise: float = 0.05) -> pd.DataFrame:
    """Two groups of curves with a little uniform noise: 1 + 0.5 t and 1.5 t^2, t = (period - 5.5)/5.5.

    Parameters
    ----------
    rng : seed
    n_per_group : subjects in each group
    periods : number of periods, from 0
    noise : half-width of the uniform noise

    Returns
    -------
    DataFrame with columns id, t, y and the true group.

    Examples
    --------
    >>> from gbtm.datasets import two_groups
    >>> two_groups(rng=0).shape
    (1100, 4)
    """
    draw = np.random.default_rng(check_seed(rng))
    check_count(n_per_group, "n_per_group", 50)
    check_count(periods, "periods", 11)
    t = (np.arange(periods) - 5.5) / 5.5
    means = np.stack([1 + 0.5 * t, 1.5 * t**2])
    group = np.repeat([1, 2], n_per_group)
    y = means[group - 1] + draw.uniform(-noise, noise, size=(2 * n_per_group, periods))
    n = 2 * n_per_group
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(1, n + 1), periods), "t": np.tile(t, n), "y": y.ravel(),
            "group": np.repeat(group, periods),
        }
    )


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
