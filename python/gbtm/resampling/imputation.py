"""Rubin's rules over fits of one model to multiply imputed data, groups matched.

With m fits, estimates Q_j and covariances U_j: Q = mean Q_j, U = mean U_j, B = sum (Q_j - Q)(Q_j - Q)' / (m - 1),
T = U + (1 + 1/m) B (Rubin 1987, Multiple Imputation for Nonresponse in Surveys). Per quantity, riv = (1 + 1/m) B / U,
lambda = (1 + 1/m) B / T; degrees of freedom are Barnard and Rubin's (1999, Biometrika 86, 948-955):
1 / (lambda^2 / (m - 1) + 1 / ((d + 1) / (d + 3) d (1 - lambda))) with d those of complete data;
fmi = (riv + 2 / (df + 3)) / (1 + riv).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from ..arguments import checked
from ..checks import check_level
from ..errors import SpecificationError
from ..fit.curves import around_logit
from ..fit.hidden_units import refuse_networks
from ..fit.outcome_view import number_of
from ..fit.predictions import below_each_other, predictions
from ..likelihood.matching import is_crossed, match_curves, match_posteriors

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..model.layout import Layout


@dataclass(frozen=True)
class Pooled:
    """Rubin's rules for r quantities: each (r,), the covariance (r, r)."""

    estimate: np.ndarray
    cov: np.ndarray
    riv: np.ndarray
    df: np.ndarray
    fmi: np.ndarray

    @property
    def se(self) -> np.ndarray:
        return np.sqrt(np.diag(self.cov))

    def interval(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limit of level 1 - alpha, by t with ``df``."""
        reach = stats.t.isf(check_level(alpha, "alpha", 0.05) / 2, self.df) * self.se
        return self.estimate - reach, self.estimate + reach


def rubin(estimates: np.ndarray, covariances: np.ndarray, df_complete: float) -> Pooled:
    """Rubin's rules for estimates (m, r) with covariances (m, r, r); NaN where a fit has no standard error."""
    m = estimates.shape[0]
    within, mean = covariances.mean(axis=0), estimates.mean(axis=0)
    deviation = estimates - mean
    between = deviation.T @ deviation / (m - 1)
    total = within + (1 + 1 / m) * between
    u, b, t = np.diag(within), (1 + 1 / m) * np.diag(between), np.diag(total)
    with np.errstate(divide="ignore", invalid="ignore"):
        riv, share = b / u, b / t
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
        df = 1 / (share**2 / (m - 1) + 1 / observed)
        fmi = (riv + 2 / (df + 3)) / (1 + riv)
    return Pooled(mean, total, riv, df, fmi)


@checked
@dataclass(frozen=True)
class PooledResults:
    """Fits pooled over imputations. Groups are those of the first fit.

    Attributes
    ----------
    fits : the fits, as given
    orders : (m, K) group ``orders[j, k]`` of fit j is group k here, counted from 0
    notes : what has to be known of these numbers, in sentences
    """

    fits: tuple[Fit, ...]
    orders: np.ndarray
    pooled: Pooled
    shares: Pooled
    df_complete: float
    notes: tuple[str, ...]

    @property
    def _index(self) -> pd.Index:
        return self.fits[0].params.index

    @property
    def params(self) -> pd.Series:
        """Mean of the estimates."""
        return pd.Series(self.pooled.estimate, self._index, name="estimate")

    @property
    def bse(self) -> pd.Series:
        """Square root of the total variance."""
        return pd.Series(self.pooled.se, self._index, name="std err")

    @property
    def df(self) -> pd.Series:
        """Barnard and Rubin's degrees of freedom."""
        return pd.Series(self.pooled.df, self._index, name="df")

    @property
    def fmi(self) -> pd.Series:
        """Fraction of missing information."""
        return pd.Series(self.pooled.fmi, self._index, name="fmi")

    @property
    def riv(self) -> pd.Series:
        """Relative increase in variance by the missing values."""
        return pd.Series(self.pooled.riv, self._index, name="riv")

    @property
    def tvalues(self) -> pd.Series:
        """Estimate / standard error."""
        return (self.params / self.bse).rename("t")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided, from t with ``df``."""
        return pd.Series(2 * stats.t.sf(np.abs(self.tvalues), self.pooled.df), self._index, name="P>|t|")

    def cov_params(self) -> pd.DataFrame:
        """Total covariance (k, k)."""
        return pd.DataFrame(self.pooled.cov, self._index, self._index)

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Intervals (k, 2) of level 1 - alpha, by t with ``df``."""
        lower, upper = self.pooled.interval(alpha)
        return pd.DataFrame({0: lower, 1: upper}, index=self._index)

    def group_shares(self, alpha: float = 0.05) -> pd.DataFrame:
        """Shares pooled on the logit scale and taken back, with their intervals and fmi, index group.

        The estimates are then divided by their sum, so that they add to 1.
        """
        index = pd.Index(self.fits[0].group_names, name="group")
        if len(index) == 1:
            return pd.DataFrame({"share": [1.0], "lower": [np.nan], "upper": [np.nan], "fmi": [np.nan]}, index=index)
        share = expit(self.shares.estimate)
        lower, upper = self.shares.interval(alpha)
        return pd.DataFrame(
            {"share": share / share.sum(), "lower": expit(lower), "upper": expit(upper), "fmi": self.shares.fmi},
            index=index,
        )

    def predict(
        self, times: Any = None, *, level: float = 0.95, tcov: Any = None, outcome: str | int | None = None
    ) -> pd.DataFrame:
        """Expected outcome of each group, pooled on the outcome's scale; as :meth:`GBTMResults.predict`.

        ``times`` default to all that were observed in some imputation.
        """
        names = self.fits[0].outcome_names
        if len(names) == 1 or outcome is not None:
            return self._predict(0 if outcome is None else number_of(names, outcome), times, level, tcov)
        return below_each_other({name: self._predict(m, times, level, tcov) for m, name in enumerate(names)})

    def _predict(self, m: int, times: Any, level: float, tcov: Any) -> pd.DataFrame:
        fits = [f.of_outcome(m + 1) for f in self.fits]
        first = fits[0]
        asked = times is not None
        if times is None:
            times = np.unique(np.concatenate([f.outcome.data.time for f in fits]))
        curves = [predictions(f.curves, f.outcome, f.observed_ranges, times, level, tcov, warned=asked and f is first)
                  for f in fits]
        k, c = first.n_groups, len(curves[0]) // first.n_groups

        def matched(column: str) -> np.ndarray:
            return np.stack([
                d[column].to_numpy().reshape(k, c)[order].ravel() for d, order in zip(curves, self.orders, strict=True)
            ])

        estimate, se = matched("estimate"), matched("std err")
        # one by one: covariances between times are of no use here
        pooled = [rubin(e[:, None], s[:, None, None] ** 2, self.df_complete) for e, s in zip(estimate.T, se.T)]
        limits = np.array([np.concatenate(p.interval(1 - level)) for p in pooled])
        mean = np.array([p.estimate[0] for p in pooled])
        family = first.curves.family
        if family.link == "logit" or not family.has_mean:  # on the link's scale, as the bands of one fit
            lower, upper = around_logit(logit(mean), limits[:, 1] - mean)
        else:
            lower, upper = np.clip(limits, *first.curves.range).T
        out = curves[0].copy()
        out["estimate"], out["std err"] = mean, [p.se[0] for p in pooled]
        out["lower"], out["upper"] = lower, upper
        return out

    def summary(self, alpha: float = 0.05) -> pd.DataFrame:
        """Estimate, standard error, t, df, p, interval and fmi of each parameter; ``attrs["notes"]`` are sentences."""
        limits = self.conf_int(alpha).set_axis(["lower", "upper"], axis=1)
        out = pd.concat([self.params, self.bse, self.tvalues, self.df, self.pvalues, limits, self.fmi], axis=1)
        out.attrs["notes"] = list(self.notes)
        return out

    def __repr__(self) -> str:
        first = self.fits[0]
        families = ", ".join(o.family for o in first.outcomes)
        return f"<PooledResults: {families}, {first.n_groups} groups, {len(self.fits)} imputations>"


@checked
def pool(fits: Sequence[Fit], *, df_complete: float | None = None) -> PooledResults:
    """Pool fits of the same model to multiply imputed data by Rubin's rules.

    Groups are matched to those of the first fit by the posterior probabilities of the people that both have; where
    they have none in common, by their curves and shares.

    Parameters
    ----------
    fits : two or more
    df_complete : degrees of freedom if nothing were missing; default subjects minus parameters, or
        ``df_inference`` of the fits where that is less

    Raises
    ------
    SpecificationError
        ``one_fit``, ``different_models``.

    Examples
    --------
    >>> import gbtm
    >>> data = [gbtm.datasets.two_groups(rng=0).assign(y=lambda d: d["y"] + 0.01 * j) for j in range(3)]
    >>> fits = [gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=1, family="normal").fit() for d in data]
    >>> gbtm.pool(fits).params.shape
    (6,)
    """
    given = tuple(fits)
    for fit in given:
        refuse_networks(fit, "fits", "pooled coefficients", "Pool fits with polynomials or splines.")
    if len(given) < 2:
        raise SpecificationError(
            f"fits: {len(given)} given; the variance between imputations needs at least two.", code="one_fit",
            argument="fits", way_out="Fit the model to each imputed data set.",
        )
    _refuse_different(given)
    from ..record.rebuild import layout_of

    first = given[0]
    layout = layout_of(first)
    matches = [_match(first, f, layout) for f in given]
    orders, crossed = np.stack([order for order, _ in matches]), sum(crossed for _, crossed in matches)
    moved = [_in_order(f, order, layout) for f, order in zip(given, orders, strict=True)]
    df = float(df_complete) if df_complete is not None else _complete(first)
    pooled = rubin(np.stack([q for q, _ in moved]), np.stack([u for _, u in moved]), df)
    shares = [f.group_set.shares for f in given]
    notes = _notes(given, pooled, layout, crossed)
    return PooledResults(given, orders, pooled, _pooled_shares(given, shares, orders, df), df, notes)


def _complete(fit: Fit) -> float:
    """Degrees of freedom of a fit to data without gaps."""
    return min(max(float(fit.n_subjects - fit.df_model), 1.0), fit.df_inference)


def _refuse_different(fits: Sequence[Fit]) -> None:
    first = fits[0]
    for j, fit in enumerate(fits[1:], start=2):
        same = fit.spec == first.spec
        if not same or fit.names != first.names:
            raise SpecificationError(
                f"fits: fit {j} ({fit!r}) is not of the same model as the first ({first!r}).", code="different_models",
                argument="fits",
                way_out="Fit one model, with the same groups, orders and covariates, to each data set.",
            )


def _match(first: Fit, fit: Fit, layout: Layout) -> tuple[np.ndarray, bool]:
    """Group k of the first fit is group order[k] of this one; and whether another order would fit the people better."""
    common = first.ids.intersection(fit.ids)
    if len(common):
        weights = first.weights
        weight = None if weights is None else weights[first.ids.get_indexer(common)]
        here, there = (f.posterior.loc[common].to_numpy() for f in (first, fit))
        order = match_posteriors(here, there, layout.spec, weight)
        return order, is_crossed(here, there, order, weight)
    mine, theirs, counted = [], [], []  # curves in standard deviations of their outcome, which counts once
    for m in range(1, len(first.outcomes) + 1):
        one, other = first.of_outcome(m), fit.of_outcome(m)
        times, counts = np.unique(one.outcome.data.time, return_counts=True)
        here, there = (f.curves.shown(times) for f in (one, other))
        sd = float(np.std(one.outcome.data.y)) if one.curves.family.has_mean else 1.0
        mine.append(here.reshape(len(here), -1) / sd)
        theirs.append(there.reshape(len(there), -1) / sd)
        counted.append(np.repeat(counts / counts.sum(), here.shape[-1]))
    order = match_curves(
        np.hstack(mine), np.hstack(theirs), first.group_set.shares, fit.group_set.shares, layout.spec, 1.0,
        np.concatenate(counted))
    return order, False


def _in_order(fit: Fit, order: np.ndarray, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and covariance in the user's units with the groups in that order; NaN stays where it belongs."""
    move = layout.permute(np.eye(layout.size), order).T  # permute is linear
    cov = fit.cov_params().to_numpy()
    unknown = np.isnan(np.diag(cov))
    out = move @ np.where(np.isnan(cov), 0.0, cov) @ move.T
    lost = np.abs(move) @ unknown > 0
    out[lost, :] = out[:, lost] = np.nan
    return move @ fit.params.to_numpy(), out


def _pooled_shares(
    fits: Sequence[Fit], shares: Sequence[Any], orders: np.ndarray, df_complete: float
) -> Pooled:
    """Logits of the shares, each pooled by itself."""
    estimates, variances = [], []
    for fit, share, order in zip(fits, shares, orders, strict=True):
        p = np.asarray(share)[order]
        variance = np.diag(fit.group_set.cov_shares)[order]
        with np.errstate(divide="ignore", invalid="ignore"):
            estimates.append(logit(p))
            variances.append(np.diag(variance / (p * (1 - p)) ** 2))
    with np.errstate(invalid="ignore"):
        return rubin(np.stack(estimates), np.stack(variances), df_complete)


def _notes(fits: Sequence[Fit], pooled: Pooled, layout: Layout, crossed: int) -> tuple[str, ...]:
    notes = []
    if crossed:
        notes.append(
            f"In {crossed} of {len(fits)} fits groups of unlike orders have changed places: the people of one group of "
            "the first fit are in another whose curve has another order, and the two cannot be matched. Pool fits with "
            "one order for all groups."
        )
    lost = [n for n, v in zip(layout.names, np.diag(pooled.cov), strict=True) if np.isnan(v)]
    if lost:
        notes.append(
            f"{', '.join(lost)}: at least one fit has no standard error for it, and so there is no pooled one.")
    bad = [str(j) for j, f in enumerate(fits, start=1) if not f.converged]
    if bad:
        notes.append(f"Fit {', '.join(bad)} did not converge.")
    ids = {len(f.ids.intersection(fits[0].ids)) for f in fits}
    if 0 in ids:
        notes.append("Some fits have nobody in common with the first; their groups were matched by curves and shares.")
    return tuple(notes)
