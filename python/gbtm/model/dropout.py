"""Dropout that depends on group and on what was last seen (Haviland, Jones and Nagin 2011).

A subject first seen at wave f and last at wave l of T contributes (1 - h_t) for t = f+1..l, waves missed in between
counting as stayed, and h_{l+1} when l < T, with

    logit h_t = d0_k + d1_k y_{t-1} + d2_k y_{t-2} + v_{t-1}' c_k

A wave whose needed lag or covariate is missing contributes nothing. Each wave at risk is a record with a 0/1 outcome,
so that dropout joins the likelihood as one more outcome, of logit family, that shares the groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..data.measures import History, Measures
from ..design.covariate_basis import CovariateBasis, time_varying_basis
from ..design.time_basis import TimeBasis, lag_basis
from ..errors import SpecificationError
from ..families.logit import Logit

if TYPE_CHECKING:
    from torch import Tensor


LEAST_SEEN = 0.5  # share of the waves from a subject's first to its last at which it is in the table


class Hazard(Logit):
    """Logit of dropping out; ``mask`` (K, C) is 0 where a record does not count for a group."""

    name = "dropout"
    label = "Dropout"
    predictors = ("dropout",)

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        return super().terms({"mean": u["dropout"]}) * u["mask"][..., None]

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"dropout": super().slopes({"mean": u["dropout"]})["mean"] * u["mask"][..., None]}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        logit_curvature = super().curvatures({"mean": u["dropout"]})["mean", "mean"]
        return {("dropout", "dropout"): logit_curvature * u["mask"][..., None]}

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        return {"dropout": super().initial(totals)["mean"]}


@dataclass(frozen=True)
class DropoutPart:
    """Dropout as the engine needs to know it.

    The records' covariates are the number of lags known, the lags y_{t-1}, y_{t-2} as far as some group needs them,
    and the dropout covariates v_{t-1}.

    Attributes
    ----------
    groups : order of each group: 0, 1 or 2; -1 for a group without a dropout model
    bases : the constant and the lags
    covariates : the dropout covariates
    """

    groups: tuple[int, ...]
    bases: dict[str, TimeBasis]
    covariates: CovariateBasis | None
    family: Hazard
    name: str = "dropout"
    centre: float = 0.0
    scale: float = 1.0

    @property
    def internal_family(self) -> Hazard:
        return self.family

    @property
    def lags(self) -> int:
        return max(self.groups)

    def orders(self, predictor: str) -> tuple[int, ...]:
        return self.groups

    def common(self, predictor: str) -> bool:
        return False

    def width(self, predictor: str) -> int:
        return self.bases["dropout"].width + (0 if self.covariates is None else self.covariates.width)

    def columns(self, predictor: str, times: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Internal columns (C, q) of the records' covariates."""
        lag_columns = self.bases["dropout"].internal(covariates[:, 1 : 1 + self.lags])
        if self.covariates is None:
            return lag_columns
        return np.hstack([lag_columns, self.covariates.internal(covariates[:, 1 + self.lags :])])

    def constant(self, predictor: str) -> np.ndarray:
        return np.eye(self.width(predictor))[0]

    n_random = 0

    def cell_data(self, y: np.ndarray, covariates: np.ndarray, gaps: np.ndarray | None) -> dict[str, np.ndarray]:
        """Whether a record (C,) counts for a group: its lags are known."""
        orders = np.array(self.groups)[:, None]
        return {"mask": ((covariates[:, 0] >= orders) & (orders >= 0)).astype(float)}


def make_dropout(records: Measures, orders: tuple[int, ...]) -> DropoutPart:
    """The dropout part of a model for these records."""
    lags = max(orders)
    w = records.covariates
    basis = lag_basis(w[:, 1 : 1 + lags])
    names = records.covariate_names[1 + lags :]
    covariates = None
    if names:
        covariates = time_varying_basis(w[:, 1 + lags :], names, basis.internal(w[:, 1 : 1 + lags]), "dcov")
    return DropoutPart(groups=orders, bases={"dropout": basis}, covariates=covariates, family=Hazard())


def risk_set(
    history: History, orders: tuple[int, ...], exempt: np.ndarray | None, *, still_here: bool = False,
    may_be_empty: bool = False,
) -> Measures:
    """One record per subject and wave at risk, y = 1 where the subject was never seen again.

    Parameters
    ----------
    history : what was seen of each subject, wave by wave
    orders : dropout order of each group
    exempt : (N,) bool, subjects whose missing waves are missing at random and who contribute nothing (``obsmar``)
    may_be_empty : the records are to score subjects by, not to estimate from
    still_here : nobody has dropped out yet: the waves after the last are still to come

    Raises
    ------
    SpecificationError
        When nobody drops out, or nobody can; ``no_waves`` where times are people's own.
    """
    if not (still_here or may_be_empty):
        _refuse_own_times(history)
    y, v = history.table()
    n, waves = y.shape
    if waves < 2 and not (still_here or may_be_empty):
        raise SpecificationError(
            "dropout: there is one wave only.", code="no_dropout", argument="dropout", way_out="Leave dropout out.",
        )
    seen = ~np.isnan(y)
    first, last = seen.argmax(axis=1), waves - 1 - seen[:, ::-1].argmax(axis=1)
    taking_part = seen.any(axis=1) & ~(exempt if exempt is not None else np.zeros(n, dtype=bool))
    at_risk = np.arange(waves)[None] > first[:, None]
    until = last if still_here else last + 1
    at_risk &= (np.arange(waves)[None] <= until[:, None]) & taking_part[:, None]
    subject, wave = np.nonzero(at_risk)
    lags = [y[subject, wave - 1], np.where(wave >= 2, y[subject, np.maximum(wave - 2, 0)], np.nan)][: max(orders)]
    # the second lag is of use only with the first
    n_lags = np.cumprod([~np.isnan(lag) for lag in lags], axis=0).sum(axis=0) if lags else np.zeros(subject.size)
    dcov = v[subject, wave - 1]
    usable = ~np.isnan(dcov).any(axis=1) & (n_lags >= min(o for o in orders if o >= 0))
    event = (wave == last[subject] + 1).astype(float)
    # what stands for an unknown lag does not matter: its record counts for no group that needs it
    filled = [np.where(np.isnan(lag), 0.0 if np.isnan(lag).all() else np.nanmean(lag), lag) for lag in lags]
    covariates = np.column_stack([n_lags, *filled, dcov])[usable]
    if not still_here and not may_be_empty and (not event[usable].any() or event[usable].all()):
        raise no_dropout(not event[usable].any())
    return Measures(
        subject=subject[usable], time=np.zeros(int(usable.sum())), y=event[usable], wave=wave[usable],
        row=np.arange(int(usable.sum())), name="dropout", covariates=covariates,
        covariate_names=("lags known", *(f"drop{j + 1}" for j in range(len(lags))), *history.covariate_names),
        is_binned=True,  # a subject may have several records in one cell
    )


def no_dropout(nobody: bool) -> SpecificationError:
    """The error where nobody drops out, or everybody does."""
    return SpecificationError(
        f"dropout: {'nobody drops out' if nobody else 'everybody drops out at once'}.", code="no_dropout",
        argument="dropout", way_out="Leave dropout out: there is nothing to model.",
    )


def _refuse_own_times(history: History) -> None:
    """Raise where most distinct times between people's first and last are those of others: they are no waves.

    A wave that was missed in between counts as stayed at, so that each of them would lower the hazard.
    """
    if not history.by_time or not history.subject.size:
        return
    first = np.full(history.n_subjects, history.n_waves)
    last = np.full(history.n_subjects, -1)
    np.minimum.at(first, history.subject, history.wave)
    np.maximum.at(last, history.subject, history.wave)
    rows = np.bincount(history.subject, minlength=history.n_subjects)
    several = rows > 1
    seen, due = int(rows[several].sum()), int((last - first + 1)[several].sum())
    if seen < LEAST_SEEN * due:
        raise SpecificationError(
            f"dropout: {history.n_waves} distinct times, of which people have {seen / several.sum():.1f} on average "
            f"among the {due / several.sum():.1f} from their first to their last. So times are people's own, and no "
            "waves at which all were due.", code="no_waves", argument="dropout",
            way_out="Give wave=, the column that counts the waves, or round the times to waves.",
        )
