"""How the groups of a dual model's two outcomes hang together: tables of probabilities with standard errors.

With pi_jk the joint probability of group j of the first and group k of the second outcome: conditional pi_jk / pi_j.,
reverse pi_jk / pi_.k, joint pi_jk, and the margins. Standard errors by the delta method, from the derivative of pi_jk
in all parameters. With covariates pi_jk is the mean over the people, or that at a profile.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import quantile
from ..errors import SpecificationError
from ..fit.dual_fit import DualFit
from ..fit.fit import Fit

TABLES = ("conditional", "reverse", "joint", "margins")


def dual_of(res: Fit) -> DualFit:
    """The fit of a dual model.

    Raises
    ------
    SpecificationError
        ``no_dual``, for any other.
    """
    if isinstance(res, DualFit):
        return res
    raise SpecificationError(
        "model: the fit has one set of groups, and transitions are between the groups of two outcomes.",
        code="no_dual", argument="model",
        way_out="Fit a dual model: two outcomes and two numbers of groups, groups=[3, 2].",
    )


@checked
def transitions(
    res: Fit, table: str = "conditional", *, at: Mapping[str, float] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Probabilities of the groups of two outcomes, given each other, together or each by itself.

    Parameters
    ----------
    table : "conditional", group k of the second outcome given group j of the first; "reverse", the other way round;
        "joint", both; "margins", each outcome's groups
    at : covariates of ``risk`` and ``risk2`` by name; default the mean over the people, with their weights. Those that
        are left out stand at their means
    level : of the intervals, which are cut at 0 and 1

    Returns
    -------
    DataFrame with estimate, std err, lower, upper; its index is the pair (``group1``, ``group2``), of "margins" the
    outcome and the group. A standard error is NaN
    where the data do not determine the probability, as at 0 and 1

    Raises
    ------
    SpecificationError
        ``no_dual`` for a model with one set of groups; ``unknown_table``; ``unknown_covariate``.

    References
    ----------
    Nagin and Tremblay 2001, Psychological Methods 6; Jones and Nagin 2007, Sociological Methods & Research 35.

    Examples
    --------
    >>> import gbtm, numpy as np
    >>> data = gbtm.datasets.two_groups(rng=0).rename(columns={"y": "first"})
    >>> data["second"] = np.roll(data["first"], len(data) // 4)  # groups that do not depend on the first's
    >>> model = gbtm.GBTM.from_formula(["first ~ t", "second ~ t"], data=data, id="id", groups=[2, 2], order=2)
    >>> transitions = model.fit(rng=0).transitions()
    >>> round(float(transitions["estimate"].loc[1, 1]), 3)
    0.5
    """
    fit = dual_of(res)
    if table not in TABLES:
        raise SpecificationError(
            f"table: {table!r} is not one of {', '.join(TABLES)}.", code="unknown_table", argument="table",
            way_out="'conditional' is the second outcome's groups given the first's.",
        )
    joint, slopes = joint_table(fit, at)
    values, gradient = probabilities(joint, slopes, table)
    if table == "margins":
        index = pd.MultiIndex.from_tuples(
            [(name, g + 1) for name, size in zip(fit.outcome_names, fit.set_sizes, strict=True) for g in range(size)],
            names=["outcome", "group"],
        )
    else:
        index = fit.pair_names
    return _with_errors(fit, values.ravel(), gradient.reshape(values.size, -1), index, check_level(level))


def joint_table(fit: DualFit, at: Mapping[str, float] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """pi_jk (J, K) and its derivative (J, K, p) in the internal parameters."""
    sizes = fit.set_sizes
    if at is None:
        return fit.pairs.shares.reshape(sizes), fit.pairs.jacobian.reshape(*sizes, -1)
    layout, flat = fit.layout, fit.internal.params
    risk, risk2 = _profile(fit, at)
    shares = layout.shares_given(flat, risk, risk2)[0]
    scores = layout.class_scores_given(flat, risk, risk2)[0]
    return shares.reshape(sizes), (shares[:, None] * scores).reshape(*sizes, -1)


def _profile(fit: DualFit, at: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Covariates (1, r) of the first and (1, r2) of the second set of groups."""
    first, dual = fit.group_sets[0].membership, fit.pairs
    names = (first.covariate_names, dual.basis.names)
    unknown = [n for n in at if n not in {*names[0], *names[1]}]
    if unknown:
        known = ", ".join(dict.fromkeys([*names[0], *names[1]])) or "none: the model has no risk and no risk2"
        raise SpecificationError(
            f"at: '{unknown[0]}' is no covariate of the groups.", code="unknown_covariate", argument="at",
            way_out=f"They are {known}.",
        )
    for name, value in at.items():
        try:
            fine = np.isfinite(float(value))
        except (TypeError, ValueError):
            fine = False
        if not fine:
            raise SpecificationError(
                f"at: {value!r} for '{name}' is not a finite number.", code="bad_at", argument="at",
                way_out="Give a number for each covariate; a factor's levels are columns of 0 and 1.",
            )
    weights = fit.weights
    rows = []
    for own, values in zip(names, (first.risk, dual.risk), strict=True):
        means = np.zeros(0) if values is None else np.average(values, axis=0, weights=weights)
        rows.append(np.array([[float(at.get(n, m)) for n, m in zip(own, means, strict=True)]]).reshape(1, len(own)))
    return rows[0], rows[1]


def probabilities(joint: np.ndarray, slopes: np.ndarray, table: str) -> tuple[np.ndarray, np.ndarray]:
    """Of pi_jk (J, K) and its derivative (J, K, p): what a table holds, (J, K) or (J + K,), and its derivative."""
    if table == "joint":
        return joint, slopes
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    first_slopes, second_slopes = slopes.sum(axis=1), slopes.sum(axis=0)
    if table == "margins":
        return np.concatenate([first, second]), np.concatenate([first_slopes, second_slopes])
    given, given_slopes = (first[:, None], first_slopes[:, None]) if table == "conditional" else (
        second[None], second_slopes[None])
    values = joint / given
    return values, (slopes - values[:, :, None] * given_slopes) / given[:, :, None]


def _with_errors(
    fit: DualFit, values: np.ndarray, gradient: np.ndarray, index: pd.MultiIndex, level: float
) -> pd.DataFrame:
    internal = fit.internal
    variance = np.einsum("rp,pq,rq->r", gradient, internal.cov, gradient)
    se = np.where(internal.determined(gradient), np.sqrt(np.maximum(variance, 0.0)), np.nan)
    z = quantile((1 - level) / 2, fit.df_inference)
    return pd.DataFrame({
        "estimate": values, "std err": se, "lower": np.clip(values - z * se, 0, 1),
        "upper": np.clip(values + z * se, 0, 1),
    }, index=index)
