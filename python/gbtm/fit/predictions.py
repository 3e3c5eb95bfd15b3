"""Tables over time: the groups' curves with their bands, and what was observed beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..columns.reading import number_array
from ..data.labels import by_names
from ..data.output_names import apart
from ..errors import DataError, SpecificationError
from ..families.levels import level_names, refuse_without_mean
from ..record.observed_ranges import ObservedRanges, warn_outside
from ..record.outcome_record import OutcomeRecord
from .curves import Curves


def below_each_other(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several outcomes in one, with a column ``outcome``; their second columns, the times, are ``time``."""
    alike = {
        name: table.set_axis(["time" if i == 1 else c for i, c in enumerate(table.columns)], axis=1)
        for name, table in tables.items()
    }
    return pd.concat(alike, names=["outcome"]).reset_index(level=0).reset_index(drop=True)


def fitted_values(curves: Curves, outcome: OutcomeRecord, posterior: np.ndarray) -> np.ndarray:
    """(n_obs,) sum_k P_ik E_k(y) of the observations, in their order in the fit."""
    data = outcome.data
    if not data.covariate_names:
        times, where = np.unique(data.time, return_inverse=True)
        expected = curves.expected(times)[:, where.ravel()]
    else:
        expected = curves.expected(data.time, data.covariates)
    if data.exposure is not None:
        expected = expected * data.exposure
    return np.asarray((expected.T * posterior[data.subject]).sum(axis=1))


def predictions(
    curves: Curves, outcome: OutcomeRecord, ranges: ObservedRanges | None, times: Any, level: float, tcov: Any, *,
    warned: bool = True,
) -> pd.DataFrame:
    """Curves of an outcome at ``times`` (T,): group, time, estimate, std err, lower, upper, outside; (K T) rows. Of
    categories without an order their probabilities, with a column ``level`` after the time, (K T C) rows.

    ``ranges`` are when its groups were seen; who asked for times at which one was not is ``warned``.
    """
    at = np.unique(outcome.seen_times) if times is None else number_array(times, "times").ravel()
    if times is not None and warned:
        warn_outside(at, ranges, outcome.observed_times)
    if not curves.family.has_mean:
        return _of_levels(curves, outcome, ranges, at, level, tcov)
    estimate, se, lower, upper = curves.band(at, level, profile_values(curves, tcov, at.size))
    time = apart([outcome.time_name], ["group", "estimate", "std err", "lower", "upper", "outside"])[0]
    groups = np.arange(1, len(estimate) + 1)
    return pd.DataFrame(
        {
            "group": np.repeat(groups, at.size), time: np.tile(at, groups.size),
            "estimate": estimate.ravel(), "std err": se.ravel(), "lower": lower.ravel(), "upper": upper.ravel(),
            "outside": _outside(ranges, at, estimate.size),
        }
    )


def _of_levels(
    curves: Curves, outcome: OutcomeRecord, ranges: ObservedRanges | None, at: np.ndarray, level: float, tcov: Any
) -> pd.DataFrame:
    made = curves.level_band(at, level, profile_values(curves, tcov, at.size))
    columns = dict(zip(("estimate", "std err", "lower", "upper"), (m.ravel() for m in made), strict=True))
    table = at_levels(outcome, at, len(made[0]), columns)
    n_levels = len(table) // (len(made[0]) * at.size)
    return table.assign(outside=_outside(ranges, at, len(made[0]) * at.size).repeat(n_levels))


def _outside(ranges: ObservedRanges | None, at: np.ndarray, size: int) -> Any:
    """(K T,) whether the group was not seen then; missing where the fit does not say."""
    return pd.array([pd.NA] * size, "boolean") if ranges is None else ranges.outside(at).ravel()


def at_levels(outcome: OutcomeRecord, at: np.ndarray, n_groups: int, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """A table of numbers (K T C,) of each level, by group and time (T,): group, the time's name, level, and these."""
    levels, ordered = level_names(outcome.spec.codes, outcome.spec.levels), outcome.spec.traits.has_mean
    time = apart([outcome.time_name], ["group", "level", *columns])[0]
    return pd.DataFrame({
        "group": np.repeat(np.arange(1, n_groups + 1), at.size * len(levels)),
        time: np.tile(np.repeat(at, len(levels)), n_groups),
        "level": pd.Categorical(list(levels) * (n_groups * at.size), categories=levels, ordered=ordered), **columns,
    })


def profile_values(curves: Curves, tcov: Any, n_times: int) -> np.ndarray | None:
    """Values of the time-varying covariates that curves are drawn at; None for their mean at each time.

    Those that are polynomials of time may be left out: NaN, for which curves have what time says.
    """
    if tcov is None:
        return None
    tcov, covariates = _with_time_open(curves, tcov), curves.covariates
    q = 0 if covariates is None else covariates.width
    try:
        w = np.asarray(tcov if covariates is None else by_names(tcov, "tcov", covariates.names), dtype=float)
        if q == 0 or w.shape not in ((), (q,), (n_times, q), (n_times,)):
            raise ValueError
        if not np.isfinite(w if curves.of_time is None else np.delete(w, curves.of_time.columns, axis=-1)).all():
            raise ValueError
    except DataError:
        raise
    except (TypeError, ValueError):
        names = ", ".join(covariates.names) if covariates is not None else "none"
        raise SpecificationError(
            f"tcov: not values for the time-varying covariates ({names}).", code="bad_profile", argument="tcov",
            way_out="Give one number per covariate, or one row of them per time.",
        ) from None
    return w[:, None] if w.shape == (n_times,) and q == 1 and n_times > 1 else w


def _with_time_open(curves: Curves, tcov: Any) -> Any:
    """Values of all covariates, where they were given without those that time decides."""
    if curves.of_time is None or curves.covariates is None:
        return tcov
    names = list(curves.covariates.names)
    free = [n for j, n in enumerate(names) if j not in curves.of_time.columns]
    if isinstance(tcov, (Mapping, pd.Series)) and set(map(str, dict(tcov))) == set(free):
        return pd.Series(dict(tcov)).reindex(names)
    if isinstance(tcov, pd.DataFrame):
        return tcov.reindex(columns=names) if set(map(str, tcov.columns)) == set(free) else tcov
    w = np.asarray(tcov, dtype=float) if np.ndim(tcov) in (1, 2) else np.zeros(0)
    if not free or w.shape[-1] != len(free):
        return tcov
    whole = np.full((*w.shape[:-1], len(names)), np.nan)
    whole[..., [names.index(n) for n in free]] = w
    return whole


def observed_means(outcome: OutcomeRecord, posterior: np.ndarray) -> pd.DataFrame:
    """Posterior-weighted mean of an outcome per group and wave: group, time (mean of the wave), mean, weight.

    ``posterior`` (N, K) are the subjects' probabilities of the groups. Of successes it is the share of the trials.
    """
    refuse_without_mean(outcome.spec.traits, "observed_means")
    data = outcome.data
    wave, subject = data.wave, data.subject
    count = np.maximum(np.bincount(wave), 1)
    time = np.bincount(wave, data.time) / count
    rows, time_column = [], apart([outcome.time_name], ["group", "mean", "weight"])[0]
    for k, p in enumerate(posterior.T):
        weight = np.bincount(wave, p[subject])
        tried = weight if outcome.trials is None else np.bincount(wave, p[subject] * outcome.trials)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(wave, p[subject] * data.y) / tried
        rows.append(pd.DataFrame({"group": k + 1, time_column: time, "mean": mean, "weight": weight}))
    return pd.concat(rows, ignore_index=True)
