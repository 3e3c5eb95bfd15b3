"""Membership as odds: exp(theta) with intervals, per group and membership covariate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, quantile, two_sided
from ..errors import SpecificationError, warn

if TYPE_CHECKING:
    from ..fit.fit import Fit

THETA = re.compile(r"theta(?:_(?P<term>.+))?\[(?P<group>\d+)\]", re.DOTALL)


@checked
def odds_ratios(res: Fit, level: float = 0.95) -> pd.DataFrame:
    """What a membership covariate does to the odds of a group against the reference group.

    Parameters
    ----------
    level : of the intervals, which are symmetric in theta: exp(theta -/+ z se)

    Returns
    -------
    DataFrame with one row per theta, indexed by group and term: ``kind`` ("odds ratio" of a covariate per unit of it,
    "odds" for the intercept: of this group against the reference where all covariates are 0), ``theta``, ``estimate``
    = exp(theta), ``std err`` of the estimate by the delta method, ``lower``, ``upper``, and ``z`` and ``P>|z|`` of
    theta = 0. ``attrs["reference"]`` is the reference group

    Raises
    ------
    SpecificationError
        ``one_group`` where there is no membership to model; ``bad_level``.

    Warns
    -----
    GBTMWarning
        Names what has no standard error; its row has no interval (NaN).

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.odds_ratios import odds_ratios
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> odds_ratios(res)[["lower", "upper"]].round(3).loc[2].to_numpy().tolist()
    [[0.676, 1.48]]
    """
    check_level(level)
    thetas = {n: m for n in res.params.index if (m := THETA.fullmatch(str(n)))}
    if not thetas:
        raise SpecificationError(
            "res: with one group there are no odds of membership.", code="one_group", argument="res",
            way_out="Fit two groups or more.",
        )
    theta, se = res.params[list(thetas)].to_numpy(), res.bse[list(thetas)].to_numpy()
    without = [n for n, s in zip(thetas, se, strict=True) if not np.isfinite(s)]
    if without:
        warn(f"{', '.join(without)}: no standard error, so no interval.")
    z = quantile(0.5 - level / 2, res.df_inference)
    terms = [m["term"] for m in thetas.values()]
    groups = [int(m["group"]) for m in thetas.values()]
    with np.errstate(over="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "kind": ["odds" if t is None else "odds ratio" for t in terms], "theta": theta,
                "estimate": np.exp(theta), "std err": np.exp(theta) * se, "lower": np.exp(theta - z * se),
                "upper": np.exp(theta + z * se), letter(res.df_inference): theta / se,
                p_label(res.df_inference): two_sided(theta / se, res.df_inference),
            },
            index=pd.MultiIndex.from_arrays([groups, [t or "intercept" for t in terms]], names=["group", "term"]),
        )
    table.attrs["reference"] = next((g for g in res.group_names if g not in groups), None)
    return table
