"""How alike treated and untreated people are in what was known before, by group and in all, before and after weighting.

SMD = (mean of the treated - weighted mean of the others) / SD of the treated before weighting, as for the effect on the
treated; variance ratio = variance of the treated / weighted variance of the others; KS = the largest difference of the
two distribution functions. A weighted variance is sum w (x - mean)^2 times W / (W^2 - sum w^2), W = sum w.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.reading import numeric, require_columns
from ..constants import SHARED
from ..errors import DataError, warn

MOST: float = SHARED["balance_most"]  # standardised mean difference beyond which a covariate is out of balance
POOLED = "all"


@checked
def balance(
    frame: pd.DataFrame, treatment: str, covariates: Sequence[str] | None = None, *, weights: str | None = None,
    by: str | None = "group"
) -> pd.DataFrame:
    """Balance of covariates between treated and untreated people.

    Parameters
    ----------
    frame : a row a person, as :func:`gbtm.distal.matching_frame.matching_frame` makes it
    treatment : column of 1 and 0
    covariates : numeric columns; by default all but the treatment, the weights and ``by``
    weights : column of weights of matching or weighting; without it nothing is weighted
    by : column of the groups; None for everybody together only

    Returns
    -------
    DataFrame indexed by group ("all" for everybody) and covariate: ``treated``, ``control`` (means), ``smd``,
    ``variance ratio``, ``ks``, all with the weights; ``smd before`` without; ``n treated``, ``n control`` with values
    and weight, ``ess control`` = (sum w)^2 / sum w^2; ``balanced``, |smd| of 0.1 or less. NaN where a group has nobody
    treated or nobody untreated

    Raises
    ------
    DataError
        ``bad_treatment``, ``bad_weights``, ``unknown_column``.

    Warns
    -----
    GBTMWarning
        Of a group in which nobody is treated, or everybody.

    Examples
    --------
    >>> import pandas as pd
    >>> from gbtm.distal.balance import balance
    >>> frame = pd.DataFrame({"a": [1, 1, 0, 0], "x": [1.0, 3.0, 0.0, 2.0], "w": [1.0, 1.0, 0.0, 1.0]})
    >>> balance(frame, "a", ["x"], by=None)["smd"].round(3).tolist()
    [0.707]
    >>> balance(frame, "a", ["x"], weights="w", by=None)["smd"].tolist()
    [0.0]
    """
    require_columns(frame, [treatment, *([weights] if weights else []), *([by] if by else [])])
    treated = numeric(frame[treatment], treatment)
    if not np.isin(treated, (0, 1)).all():
        raise DataError(f"{treatment}: not 0 or 1 throughout.", code="bad_treatment", argument="treatment",
                        way_out="1 for those who had the event, 0 for those who had not; leave out the others.")
    w = np.ones(len(frame)) if weights is None else numeric(frame[weights], weights)
    if not (np.isfinite(w) & (w >= 0)).all():
        raise DataError(f"{weights}: weights that are negative or missing.", code="bad_weights", argument="weights",
                        way_out="Give 0 to those who are not matched.")
    if covariates is None:
        apart = {treatment, weights, by}
        covariates = [c for c in frame.select_dtypes("number").columns if c not in apart]
    require_columns(frame, list(covariates), "covariates")
    places = {POOLED: np.ones(len(frame), dtype=bool)}
    if by is not None:
        places = {g: (frame[by] == g).to_numpy() for g in sorted(frame[by].dropna().unique())} | places
    rows = {
        (g, c): _row(numeric(frame[c], c)[here], treated[here] == 1, w[here])
        for g, here in places.items() for c in covariates
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=[by or "group", "covariate"])
    for g, here in places.items():
        for what, some in (("treated", treated == 1), ("untreated", treated == 0)):
            if not (here & some & (w > 0)).any():
                warn(f"{treatment}: {'of all' if g == POOLED else f'in {by} {g}'} nobody is {what}, so that there is "
                     "nobody to compare. Leave the group out of the effect, and say so.")
    return table


def _row(x: np.ndarray, treated: np.ndarray, w: np.ndarray) -> dict[str, float | bool]:
    seen = ~np.isnan(x)
    x, treated, w = x[seen], treated[seen], w[seen]
    one, other = treated & (w > 0), ~treated & (w > 0)
    counts = {"n treated": int(one.sum()), "n control": int(other.sum())}
    if not (one.any() and other.any()):
        nothing = dict.fromkeys(("treated", "control", "smd", "variance ratio", "ks", "smd before"), float("nan"))
        return {**nothing, **counts, "ess control": float("nan"), "balanced": False}
    m1, m0 = (float(w[s] @ x[s] / w[s].sum()) for s in (one, other))
    sd = float(np.std(x[treated], ddof=1)) if treated.sum() > 1 else float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        smd = float(np.divide(m1 - m0, sd)) if m1 != m0 else 0.0
        before = float(np.divide(x[treated].mean() - x[~treated].mean(), sd))
        ratio = float(np.divide(_variance(x[one], w[one]), _variance(x[other], w[other])))
    return {
        "treated": m1, "control": m0, "smd": smd, "variance ratio": ratio, "ks": _ks(x, one, other, w),
        "smd before": before, **counts, "ess control": float(w[other].sum() ** 2 / (w[other] ** 2).sum()),
        "balanced": abs(smd) <= MOST,
    }


def _variance(x: np.ndarray, w: np.ndarray) -> float:
    total = w.sum()
    free = total**2 - (w**2).sum()
    return float(np.divide(w @ (x - w @ x / total) ** 2 * total, free)) if free > 0 else float("nan")


def _ks(x: np.ndarray, one: np.ndarray, other: np.ndarray, w: np.ndarray) -> float:
    order = np.argsort(x, kind="stable")
    last = np.append(np.diff(x[order]) > 0, True)  # of values that are the same
    steps = [np.cumsum(np.where(s, w, 0.0)[order]) / w[s].sum() for s in (one, other)]
    return float(np.abs(steps[0] - steps[1])[last].max())
