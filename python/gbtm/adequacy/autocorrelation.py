"""Are a subject's outcomes correlated beyond what its group says? If so, would K be another with AR(1) errors?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from ..arguments import checked
from ..checks import check_count, check_seed
from ..errors import GBTMError, SpecificationError
from ..families import family_named
from .fitted import Fitted

if TYPE_CHECKING:
    from ..compute.progress import Progress
    from ..data.panel import Panel
    from ..design.time_basis import TimeBasis
    from ..fit.fit import Fit
    from ..specification.spec import ModelSpec

MOST_LAGS = 5
NOTABLE_CORRELATION = 0.1
NOTABLE_Z = 3.0
SMALL_RHO = 0.05  # to start from
Z = float(stats.norm.isf(0.025))


def residual_autocorrelation(fitted: Fitted, lags: int = MOST_LAGS) -> pd.DataFrame:
    """Correlation of a subject's standardized residuals, by lag.

    r_l = sum s_i P_ik e_itk e_i,t+l,k / sum s_i P_ik (e_itk^2 + e_i,t+l,k^2)/2 over subjects, groups and pairs of
    observations l apart; 0 on average where errors are independent given the group. The interval is from the spread
    between subjects (delta method for a ratio), so that it holds although a subject's pairs depend on each other; the
    parameters are taken as known.

    Parameters
    ----------
    lags : the most lags. They count waves where most observations follow the last one by one wave, else observations;
        ``.attrs["unit"]`` says which. Where observations of a subject share a time, that is lag 0

    Returns
    -------
    DataFrame with columns lag, pairs (their number), correlation, lower, upper; lags without pairs are left out
    """
    check_count(lags, "lags", MOST_LAGS)
    e, n = fitted.standardized, fitted.y.size
    place, shared = fitted.place, fitted.has_shared
    after = np.flatnonzero((place > 0) & np.append(True, np.diff(fitted.occasion) != 0) if shared else place > 0)
    by_wave = after.size > 0 and float(np.median(np.diff(fitted.wave)[after - 1])) == 1
    position = fitted.wave if by_wave else fitted.occasion if shared else place
    most = int(np.bincount(fitted.subject).max()) if shared else 0
    rows = []
    for lag in range(0 if shared else 1, lags + 1):
        first, second = _pairs(fitted.subject, position, lag, n, most)
        if not first.size:
            continue
        who, p = fitted.subject[first], fitted.share[:, first]
        product = np.bincount(who, (p * e[:, first] * e[:, second]).sum(axis=0), fitted.n_subjects)
        square = np.bincount(who, (p * (e[:, first] ** 2 + e[:, second] ** 2) / 2).sum(axis=0), fitted.n_subjects)
        r = product.sum() / square.sum()
        subjects = np.unique(who).size
        factor = subjects / (subjects - 1) if subjects > 1 else np.nan
        se = np.sqrt(factor * ((product - r * square) ** 2).sum()) / square.sum()
        rows.append((lag, first.size, r, r - Z * se, r + Z * se))
    table = pd.DataFrame(rows, columns=["lag", "pairs", "correlation", "lower", "upper"])
    table.attrs["unit"] = "wave" if by_wave else "observation"
    return table


def _pairs(subject: np.ndarray, position: np.ndarray, lag: int, n: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the same subject whose positions are ``lag`` apart; rows are in the order of subject and position.

    ``most`` is the number of a subject's rows where several have one position, else 0.
    """
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    for ahead in range(1, min(max(lag, most), n - 1) + 1):  # distinct positions are no further ahead than the lag
        a = np.arange(n - ahead)
        here = (subject[a] == subject[a + ahead]) & (position[a + ahead] - position[a] == lag)
        first.append(a[here])
        second.append(a[here] + ahead)
    return (np.concatenate(first), np.concatenate(second)) if first else (np.empty(0, int), np.empty(0, int))


def said_of(table: pd.DataFrame, fitted: Fitted, *, has_ar1: bool) -> list[str]:
    """The autocorrelation in words; ``has_ar1``: the family has a version with AR(1) errors."""
    if table.empty:
        return ["No subject has two observations, so that nothing can be said of correlation within subjects."]
    return [_said_of_lag(row, table.attrs["unit"], fitted, has_ar1)
            for row in table.head(2 if table["lag"].iloc[0] == 0 else 1).itertuples(index=False)]


def _said_of_lag(row: Any, unit: str, fitted: Fitted, has_ar1: bool) -> str:
    apart = f"{row.lag:d} {unit}{'' if row.lag == 1 else 's'} apart" if row.lag else "at one time"
    r, low, high = row.correlation, row.lower, row.upper
    what = f"Residuals of one subject {apart} correlate by {r:.2f} (95 % interval {low:.2f} to {high:.2f})"
    if fitted.correlated and fitted.censored:
        return (f"{what}. That is before the model's own correlated errors, which cannot be taken out of censored "
                "values one by one.")
    left = " that the model's correlated errors leave" if fitted.correlated else ""
    if not (low > 0 or high < 0) or abs(r) < NOTABLE_CORRELATION:
        return f"{what}: no correlation{left or ' left by the groups'} to speak of."
    if abs(r) < NOTABLE_Z * (high - low) / (2 * Z):
        return f"{what}: that may still be chance."
    if r < 0:
        return f"{what}: they {'alternate' if row.lag else 'differ'} more than the model says."
    effects = ", or random effects, rorder=0" if has_ar1 else ""
    if row.lag == 0:
        more = f" They say less than as many of different people: use cov_type='robust'{effects}."
    elif fitted.has_shared:
        more = f" Try more groups, higher orders or time-varying covariates{effects}."
    else:
        more = (
            " Subjects keep above or below their group's curve for a while, which extra groups may have to make up "
            "for: " + ("see ar1_check, which fits AR(1) errors." if has_ar1 else "try more groups, higher orders or "
               "time-varying covariates; this family has no version with AR(1) errors.")
        )
    return f"{what}: the groups leave correlation within subjects.{'' if fitted.correlated else more}"


@dataclass(frozen=True)
class AR1Check:
    """Whether the number of groups survives AR(1) errors.

    Attributes
    ----------
    table : one row for each number of groups and each kind of errors: groups, ar1, loglik, params, bic (n = subjects),
        rho, converged, problem; empty where the family has no version with AR(1) errors
    chosen, chosen_ar1 : the number of groups with the smallest BIC among independent and among AR(1) errors; None where
        there is none
    survives : they are the same; None where that cannot be said
    autocorrelation : what the fit leaves, as :func:`residual_autocorrelation` has it
    sentences : the answer in words
    """

    table: pd.DataFrame
    chosen: int | None
    chosen_ar1: int | None
    survives: bool | None
    autocorrelation: pd.DataFrame
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        tables = [] if self.table.empty else [self.table.to_string(index=False, na_rep=""), ""]
        return "\n".join([*tables, *self.sentences])


def _refuse_several(res: Fit) -> None:
    """Of several outcomes one has no likelihood of its own by which fits with and without AR(1) errors compare."""
    names = list(res.part_of) or res.outcome_names
    if len(names) > 1:
        raise SpecificationError(
            f"res: the fit is of {', '.join(names)}, and this fits the model of one outcome again.",
            code="several_outcomes", argument="res",
            way_out=f"See residual_checks(res.of_outcome('{res.outcome_names[0]}')).autocorrelation, and compare by "
            "BIC with a fit in which the outcome has ar1=True.",
        )


@checked
def ar1_check(
    res: Fit, groups: Sequence[int] | None = None, *, n_starts: int = 8, rng: int = 0,
    n_jobs: int | None = None, progress: Progress | bool | None = None,
) -> AR1Check:
    """Would another number of groups be chosen if errors within a subject were allowed to be correlated?

    Positive correlation within subjects looks like groups: subjects stay above the curve for a while, and further
    groups at other levels make up for it. So K-1, K and K+1 groups are fitted with independent and with AR(1) errors,
    each shape being that of the fit (its last group's for the group added), and the smallest BIC (n = subjects) of
    either row is held against the other.

    Parameters
    ----------
    groups : numbers of groups to fit; default K-1, K, K+1
    n_starts : random starts of each fit; AR(1) fits start from the independent one besides
    n_jobs : worker processes, as for :func:`gbtm.cross_validate`

    Returns
    -------
    AR1Check
        For other families than normal and cnorm only the residual autocorrelation, and a sentence saying so.

    Examples
    --------
    >>> import gbtm, numpy as np, pandas as pd
    >>> from gbtm.adequacy.autocorrelation import ar1_check
    >>> y = np.random.default_rng(0).normal(np.repeat([0.0, 5.0], 100))
    >>> data = pd.DataFrame({"id": np.arange(200) // 5, "t": np.arange(200) % 5, "y": y})
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=0).fit(rng=0)
    >>> check = ar1_check(res, [1, 2], n_starts=1)
    >>> check.chosen, check.chosen_ar1
    (2, 2)
    """
    from ..compute.parallel import spread
    from ..compute.progress import reporter
    from ..record.rebuild import prepared_of

    check_seed(rng)
    check_count(n_starts, "n_starts", 8)
    _refuse_several(res)
    fitted, may_correlate = Fitted.of(res), family_named(res.family).may_correlate
    left = residual_autocorrelation(fitted)
    sentences = said_of(left, fitted, has_ar1=may_correlate)
    empty = pd.DataFrame(columns=["groups", "ar1", "loglik", "params", "bic", "rho", "converged", "problem"])
    model = prepared_of(res)
    outcome = model.spec.outcomes[0]
    if not may_correlate or outcome.random_orders is not None or model.spec.constraints or outcome.repeated or (
            res.known_groups is not None):
        why = (
            "known people are in groups of this model" if may_correlate and res.known_groups is not None
            else "observations at one time have no order, as AR(1) errors have" if may_correlate and outcome.repeated
            else "constraints name the groups and parameters of this model" if may_correlate and model.spec.constraints
            else "random effects and AR(1) errors together are not to be had" if may_correlate
            else f"family '{res.family}' has no version with AR(1) errors"
        )
        tried = f"Whether K survives AR(1) errors was not tried: {why}."
        return AR1Check(empty, None, None, None, left, (*sentences, tried))
    wanted = _groups(groups, res.n_groups)
    bases = [part.bases["mean"] for part in model.layout.outcomes]
    tell, started, rows = reporter(progress), time.monotonic(), []
    fitted_ar1 = model.spec.outcomes[0].ar1
    least: dict[int, float | None] = dict.fromkeys(wanted)
    starts: dict[int, pd.Series | None] = dict.fromkeys(wanted)
    for ar1 in (False, True):
        if ar1 == fitted_ar1 and res.n_groups in wanted:
            starts[res.n_groups] = res.params
        jobs = [
            (model.panel, _with_groups(model.spec, k, ar1=ar1), bases, starts[k], least[k], n_starts, rng)
            for k in wanted
        ]
        for k, (row, starts[k]) in zip(wanted, spread(_fit, jobs, n_jobs=n_jobs), strict=True):
            rows.append({"groups": k, "ar1": ar1, **row})
            least[k] = None if row["problem"] else row["loglik"]
            if tell is not None:
                tell(f"{k} groups, {'AR(1)' if ar1 else 'independent'} errors", time.monotonic() - started)
    table = pd.DataFrame(rows)[list(empty.columns)]
    plain, with_ar1 = (_smallest([r for r in rows if r["ar1"] == ar1]) for ar1 in (False, True))
    unknown = plain is None or with_ar1 is None or len(wanted) == 1
    survives = None if unknown else plain == with_ar1
    return AR1Check(
        table, plain, with_ar1, survives, left, (*sentences, *_verdict(rows, wanted, res.n_groups, plain, with_ar1))
    )


def _groups(groups: Sequence[int] | None, k: int) -> list[int]:
    if groups is None:
        return [g for g in (k - 1, k, k + 1) if g >= 1]
    wanted = sorted({int(g) for g in groups})
    if not wanted or wanted[0] < 1:
        raise SpecificationError(
            f"groups: {groups!r} are not numbers of groups.", code="bad_groups", argument="groups",
            way_out="For example groups=[2, 3, 4].",
        )
    return wanted


def _with_groups(spec: ModelSpec, k: int, *, ar1: bool) -> ModelSpec:
    """The specification with the first k groups, or with copies of the last one added."""

    def first(values: Any) -> Any:
        return None if values is None else tuple(values[min(g, len(values) - 1)] for g in range(k))

    outcomes = tuple(
        replace(o, orders=first(o.orders), ar1=ar1, rho_by_group=ar1 and o.rho_by_group) for o in spec.outcomes
    )
    return replace(
        spec, n_groups=k, outcomes=outcomes, reference=min(spec.reference, k - 1), dropout=first(spec.dropout),
    )


def _fit(
    panel: Panel, spec: ModelSpec, bases: list[TimeBasis | None], start: pd.Series | None, least: float | None,
    n_starts: int, rng: int,
) -> tuple[dict[str, Any], pd.Series | None]:
    """One row of the table and the estimates; a fit that is refused or fails says why.

    ``least`` is the log-likelihood of the same model with independent errors, which is the one with rho = 0: what AR(1)
    errors lose to it, rho being kept off its ends, is given back.
    """
    from ..fit.refit import refit
    from ..model.layout import make_layout

    row: dict[str, Any] = {"loglik": np.nan, "params": 0, "bic": np.nan, "rho": np.nan, "converged": False}
    try:
        names = make_layout(panel, spec, bases).names
        given = None if start is None else start.reindex(names, fill_value=SMALL_RHO).to_numpy()
        fit = refit(panel, spec, bases, start=given, n_starts=n_starts, rng=rng)
    except (GBTMError, ArithmeticError, RuntimeError) as error:
        return {**row, "problem": str(error)}, None
    correlations = [b.entries for b in fit.layout.blocks if b.predictor == "atanh_rho"]
    rho = [float(v) for at in correlations for v in fit.params[at]]
    loglik, size = fit.loglik, fit.layout.n_free
    if least is not None and least > loglik:
        loglik, rho = least, [0.0]
    problem = "sigma collapsed to zero" if fit.collapsed else "" if fit.converged else "did not converge"
    return {
        "loglik": loglik, "params": size, "bic": -2 * loglik + size * np.log(panel.n_subjects),
        "rho": float(np.mean(rho)) if rho else np.nan, "converged": not problem, "problem": problem,
    }, None if problem else pd.Series(fit.params, index=names)


def _smallest(rows: list[dict[str, Any]]) -> int | None:
    good = [r for r in rows if not r["problem"]]
    return min(good, key=lambda r: r["bic"])["groups"] if good else None


def _verdict(
    rows: list[dict[str, Any]], wanted: list[int], k: int, plain: int | None, with_ar1: int | None
) -> list[str]:
    sentences = [
        f"{row['groups']} groups with {'AR(1)' if row['ar1'] else 'independent'} errors: {row['problem'].rstrip('.')}."
        for row in rows if row["problem"]
    ]
    if plain is None or with_ar1 is None:
        return [*sentences, "So nothing can be said of K with AR(1) errors."]
    among = ", ".join(str(g) for g in wanted)
    if len(wanted) == 1:
        return [*sentences, f"Only {among} was tried for the number of groups, which cannot say whether it survives."]
    before = next(r for r in rows if not r["ar1"] and r["groups"] == plain)
    after = next(r for r in rows if r["ar1"] and r["groups"] == with_ar1)
    gain = before["bic"] - after["bic"]
    better = "lower" if gain > 0 else "higher"
    survival = f"{plain} {'groups survive' if plain > 1 else 'group survives'}."
    sentences.append(
        f"Among {among} groups BIC chooses {plain} with independent and {with_ar1} with AR(1) errors "
        f"(rho = {after['rho']:.2f}; BIC {abs(gain):.1f} {better} with them): "
        + (survival if plain == with_ar1 else "the number of groups does not survive.")
    )
    if plain != k:
        sentences.append(f"The fit itself has {k} groups, which is not BIC's choice here.")
    if with_ar1 in (wanted[0], wanted[-1]) and with_ar1 != plain and with_ar1 != 1:
        sentences.append(f"{with_ar1} is at the edge of what was tried: give more in groups=.")
    return sentences
