"""Ordered factors as outcomes: their levels as numbers 1, 2, .. in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import DataError


def numbers_of_ordered(
    data: pd.DataFrame, columns: Sequence[str], known: Sequence[str] | None = None
) -> tuple[pd.DataFrame, tuple[str, ...] | None]:
    """The table with ordered categoricals among ``columns`` as numbers of their levels, and what these are called.

    ``known`` are the levels of a fit, which new data have to keep to; None where there is none.

    Raises
    ------
    DataError
        ``other_levels``, for columns of which some have other levels, or in another order.

    Examples
    --------
    >>> import pandas as pd
    >>> pain = pd.Categorical(["none", "much", "none"], categories=["none", "some", "much"], ordered=True)
    >>> table, levels = numbers_of_ordered(pd.DataFrame({"pain": pain}), ["pain"])
    >>> table["pain"].tolist(), levels
    ([1.0, 3.0, 1.0], ('none', 'some', 'much'))
    """
    levels: tuple[str, ...] | None = None if known is None else tuple(known)
    for column in columns:
        kind = data[column].dtype if column in data else None
        if not isinstance(kind, pd.CategoricalDtype) or not kind.ordered:
            continue
        own = tuple(str(c) for c in data[column].cat.categories)
        if levels is not None and own != levels:
            raise DataError(
                f"{column}: its levels are {', '.join(own)}, and those of the outcome {', '.join(levels)}.",
                code="other_levels", argument=str(column), way_out="Give all of them the same levels in one order.")
        levels = own
        codes = data[column].cat.codes.to_numpy()
        data = data.assign(**{column: np.where(codes < 0, np.nan, codes + 1.0)})
    return data, levels
