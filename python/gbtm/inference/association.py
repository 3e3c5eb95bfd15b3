"""Whether, and how strongly, the groups of a dual model's two outcomes hang together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import quantile
from ..fit.dual_fit import DualFit
from ..fit.fit import Fit
from .transitions import dual_of, joint_table


@dataclass(frozen=True)
class IndependenceTest:
    """Whether the groups of the second outcome do not depend on those of the first: pi_k|j = pi_k.

    Attributes
    ----------
    table : one row a test (LR, Wald): statistic, df, p-value
    loglik, loglik_independent : of the model, and of independent outcomes: the sum of the two separate fits
    sentence : what it says
    """

    table: pd.DataFrame
    loglik: float
    loglik_independent: float
    sentence: str

    def with_bootstrap(self, p_value: float, draws: int, failures: int) -> IndependenceTest:
        """With the p-value of the likelihood ratio by draws under independence, which then has the last word."""
        lr = 2 * (self.loglik - self.loglik_independent)
        row = pd.DataFrame({"statistic": max(lr, 0.0), "df": self.table["df"].iloc[0], "p-value": p_value},
                           index=["LR, bootstrap"])
        gone = f", {failures} further ones failed" if failures else ""
        sentence = f"{self.sentence} By {draws} draws under independence{gone}: p = {p_value:.2g}."
        return replace(self, table=pd.concat([self.table, row]), sentence=sentence)

    def __repr__(self) -> str:
        return f"{self.table.to_string(float_format=lambda x: f'{x:.4g}')}\n{self.sentence}"


@checked
def independence(res: Fit) -> IndependenceTest:
    """Whether the groups of a dual model's two outcomes are independent: likelihood ratio and Wald tests.

    Under independence the log-likelihood is the sum of the two separate fits, (J - 1)(K - 1) parameters fewer.
    With sampling weights, clusters or a robust covariance the likelihood ratio has no chi-square law: Wald alone is
    given then.

    Returns
    -------
    IndependenceTest

    Raises
    ------
    SpecificationError
        ``no_dual`` for a model with one set of groups.

    References
    ----------
    Nagin and Tremblay 2001, Psychological Methods 6.
    """
    fit = dual_of(res)
    fit.spec.refuse_constraints(
        "fit", "and the separate fits that it would be compared with have none.",
        "Fit without them, or test what you mean by compare_lr_test() of two constrained fits.")
    rows: dict[str, dict[str, float]] = {}
    together = float(sum(fit.pairs.separate_logliks))
    df = fit.df_model - sum(fit.pairs.separate_sizes)
    sandwich = fit.cov_type not in ("hessian", "traj") or fit.weighted
    if df and not sandwich:
        statistic = max(2 * (fit.llf - together), 0.0)
        rows["LR"] = {"statistic": statistic, "df": df, "p-value": float(stats.chi2.sf(statistic, df))}
    wald = _wald(fit)
    rows["Wald"] = {"statistic": wald, "df": df, "p-value": float(stats.chi2.sf(wald, df)) if df else np.nan}
    table = pd.DataFrame(rows).T.astype({"df": int})
    return IndependenceTest(table, fit.llf, together, _sentence(fit, table, empty=not np.isfinite(wald)))


def _wald(fit: DualFit) -> float:
    """gamma_kj = gamma_k1 for all j and k; NaN where one of them has no variance."""
    at = fit.pairs.positions[:, : fit.set_sizes[0]]
    rows = []
    for own in at:
        if own[0] >= 0:
            for j in range(1, own.size):
                row = np.zeros(len(fit.names))
                row[own[j]], row[own[0]] = 1.0, -1.0
                rows.append(row)
    gradient = np.array(rows).reshape(-1, len(fit.names))
    if not fit.internal.determined(gradient).all() or not len(rows):
        return float("nan")
    value = gradient @ fit.internal.params
    return float(value @ np.linalg.solve(fit.internal.covariance(gradient), value))


def _sentence(fit: DualFit, table: pd.DataFrame, *, empty: bool) -> str:
    first, second = fit.outcome_names
    if empty and "LR" not in table.index:
        return (f"A pair of groups holds nobody, so that there is no Wald test of whether the groups of {second} "
                f"depend on those of {first}: fit fewer groups.")
    p = float(table["p-value"].iloc[0])
    note = ""
    if empty:
        note = " A pair of groups holds nobody: there is no Wald test, and the chi-square law is approximate."
    if p < 0.05:
        return f"The groups of {second} depend on those of {first} (p = {p:.2g}).{note}"
    return f"The data do not show that the groups of {second} depend on those of {first} (p = {p:.2g}).{note}"


@checked
def association(res: Fit, *, level: float = 0.95) -> pd.DataFrame:
    """How strongly the groups of a dual model's two outcomes hang together, with standard errors.

    Returns
    -------
    DataFrame with rows by measure and pair, and columns estimate, std err, lower, upper:

    ``lift`` pi_jk / (pi_j pi_k), 1 for independence; ``odds ratio`` of the pair against the first groups of both
    outcomes (intervals on the log scale); ``cramers_v`` of the table of probabilities, 0 to 1; ``kappa``, agreement
    beyond chance, where both outcomes have as many groups: it means something where group k of the one corresponds to
    group k of the other

    Raises
    ------
    SpecificationError
        ``no_dual`` for a model with one set of groups.
    """
    fit = dual_of(res)
    joint, slopes = joint_table(fit)
    z = quantile((1 - check_level(level)) / 2, fit.df_inference)
    rows: list[dict[str, Any]] = []
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    for j in range(joint.shape[0]):
        for k in range(joint.shape[1]):
            value = joint[j, k] / (first[j] * second[k])
            gradient = value * (
                slopes[j, k] / max(joint[j, k], 1e-300) - slopes[j].sum(0) / first[j] - slopes[:, k].sum(0) / second[k])
            rows.append(_row(fit, "lift", (j, k), value, gradient, z))
    for j in range(1, joint.shape[0]):
        for k in range(1, joint.shape[1]):
            rows.append(_odds_ratio(fit, joint, slopes, j, k, z))
    rows.append(_cramers_v(fit, joint, slopes, z))
    if joint.shape[0] == joint.shape[1]:
        rows.append(_kappa(fit, joint, slopes, z))
    return pd.DataFrame(rows).set_index(["measure", "group1", "group2"])


def _row(
    fit: DualFit, measure: str, pair: tuple[int, int] | None, value: float, gradient: np.ndarray, z: float, *,
    log: bool = False,
) -> dict[str, Any]:
    """A row; with ``log``, ``gradient`` is that of the logarithm, on whose scale the interval is made."""
    known = bool(fit.internal.determined(gradient[None])[0])
    variance = float(fit.internal.covariance(gradient[None])[0, 0])
    se = float(np.sqrt(max(variance, 0.0))) if known else np.nan
    interval = (value * np.exp(-z * se), value * np.exp(z * se)) if log else (value - z * se, value + z * se)
    return {
        "measure": measure, "group1": "" if pair is None else pair[0] + 1,
        "group2": "" if pair is None else pair[1] + 1, "estimate": value, "std err": value * se if log else se,
        "lower": interval[0], "upper": interval[1],
    }


def _odds_ratio(fit: DualFit, joint: np.ndarray, slopes: np.ndarray, j: int, k: int, z: float) -> dict[str, Any]:
    cells = ((j, k, 1.0), (0, 0, 1.0), (j, 0, -1.0), (0, k, -1.0))
    log_odds = sum(sign * np.log(max(joint[a, b], 1e-300)) for a, b, sign in cells)
    gradient = sum((sign * slopes[a, b] / max(joint[a, b], 1e-300) for a, b, sign in cells), np.zeros(slopes.shape[2]))
    return _row(fit, "odds ratio", (j, k), float(np.exp(np.clip(log_odds, -700, 700))), gradient, z, log=True)


def _cramers_v(fit: DualFit, joint: np.ndarray, slopes: np.ndarray, z: float) -> dict[str, Any]:
    """V = sqrt(phi^2 / (min(J, K) - 1)), phi^2 = sum_jk pi_jk^2 / (pi_j pi_k) - 1."""
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    expected = np.outer(first, second)
    phi2 = max(float((joint**2 / expected).sum() - 1), 0.0)
    size = min(joint.shape) - 1
    if not size:
        return _row(fit, "cramers_v", None, float("nan"), np.zeros(slopes.shape[2]), z)
    by_cell = 2 * joint / expected
    by_first = -(joint**2 / expected).sum(axis=1) / first
    by_second = -(joint**2 / expected).sum(axis=0) / second
    total = by_cell + by_first[:, None] + by_second[None]
    value = float(np.sqrt(phi2 / size))
    gradient = np.einsum("jk,jkp->p", total, slopes) / max(2 * value * size, 1e-300)
    return _row(fit, "cramers_v", None, value, gradient, z)


def _kappa(fit: DualFit, joint: np.ndarray, slopes: np.ndarray, z: float) -> dict[str, Any]:
    """kappa = (sum_k pi_kk - sum_k pi_k. pi_.k) / (1 - sum_k pi_k. pi_.k)."""
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    agreed, chance = float(np.trace(joint)), float(first @ second)
    by_agreed, by_chance = 1 / (1 - chance), (agreed - 1) / (1 - chance) ** 2
    weights = by_agreed * np.eye(len(joint)) + by_chance * (second[:, None] + first[None, :])
    return _row(fit, "kappa", None, (agreed - chance) / (1 - chance), np.einsum("jk,jkp->p", weights, slopes), z)
