"""One outcome of a fit, as the fit document has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..data.measures import Measures
from ..design.covariate_basis import CovariateBasis
from ..design.network import as_network
from ..design.stored_basis import basis_from_document
from ..design.time_basis import TimeBasis
from ..design.time_polynomials import TimePolynomials
from ..families import family_named
from ..lags.lagged import Lags
from ..specification.outcome_spec import OutcomeSpec
from .dropout_record import DropoutRecord
from .on_disk import not_kept


@dataclass(frozen=True, eq=False)
class Profile:
    """Time-varying covariates at which curves are drawn.

    Attributes
    ----------
    times : (T,), between which they run along a line
    values : (T, q); one row where they are the same at all times
    given : they are the user's; otherwise the means of the data at each time
    of_time : those that are polynomials of time and are these at any time, or None
    """

    times: np.ndarray
    values: np.ndarray
    given: bool
    of_time: TimePolynomials | None = None

    def words(self, names: Sequence[str]) -> str:
        """Where curves are drawn, as in "Curves are drawn at ..."; empty where time alone says it."""
        gone = () if self.of_time is None else self.of_time.columns
        names = [n for j, n in enumerate(names) if j not in gone]
        values = np.delete(self.values, np.array(gone, dtype=int), axis=1)
        if len(values) == 1 or not (values != values[0]).any():
            return ", ".join(f"{n} = {v:.4g}" for n, v in zip(names, values[0], strict=True))
        if self.given:
            return f"the values of {', '.join(names)} that were given for each wave"
        return f"the mean of {', '.join(names)} at each time"


@dataclass(frozen=True, eq=False)
class OutcomeRecord:
    """An outcome: its distribution, its groups' curves and its observations.

    Attributes
    ----------
    spec : family, orders by group, bounds, ..
    name, time_name : of the outcome and of its time
    group_set : number, from 0, of the set of groups whose curves these are
    centre, scale : y = centre + scale * (what the engine fitted)
    time_scale : likewise of time where it multiplies a random slope
    bases : of each predictor that varies with time: how its internal columns are made, as plain values
    coefficients : of each predictor (K, q), in internal coordinates
    positions : of each predictor (K, q) where its coefficients stand among the internal parameters, -1 where absent
    offsets : of each predictor (K,) what is added to it
    columns : the wide columns it was read from, if any
    covariates : basis of the time-varying covariates, or None
    profile : where its curves are drawn, or None without such covariates
    nobs : number of its observations
    dropout : model of leaving the study that is driven by this outcome, or None
    times : the distinct times, where the data are not with the fit
    inputs : how it was read, where the fit says so
    lags : how its covariates depend on earlier outcomes, or None
    n_shared : observations that share their time with another one of the same person
    """

    spec: OutcomeSpec
    name: str
    time_name: str
    group_set: int
    centre: float
    scale: float
    time_scale: float
    bases: dict[str, dict[str, Any]]
    coefficients: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]
    offsets: dict[str, np.ndarray]
    columns: tuple[str, ...]
    covariates: CovariateBasis | None
    profile: Profile | None
    nobs: int
    dropout: DropoutRecord | None
    stored_data: dict[str, Any] | None
    times: np.ndarray | None = None
    inputs: dict[str, Any] | None = None
    lags: Lags | None = None
    n_shared: int = 0

    @classmethod
    def of(cls, stored: dict[str, Any]) -> OutcomeRecord:
        """An entry of the document's ``outcomes``."""
        covariates, profile, dropout = stored["covariates"], stored["profile"], stored["dropout"]
        return cls(
            spec=outcome_spec(stored["spec"]), name=str(stored["name"]), time_name=str(stored["time_name"]),
            group_set=int(stored["group_set"]), centre=float(stored["centre"]), scale=float(stored["scale"]),
            time_scale=float(stored["time_scale"]), bases=stored["bases"],
            coefficients={p: np.asarray(c) for p, c in stored["coefficients"].items()},
            positions={p: np.asarray(at).astype(int) for p, at in stored["positions"].items()},
            offsets={p: np.asarray(o) for p, o in stored["offsets"].items()}, columns=tuple(stored["columns"]),
            covariates=None if covariates is None else CovariateBasis.from_document(covariates),
            profile=None if profile is None else Profile(
                np.asarray(profile["times"]), np.asarray(profile["values"]), bool(profile.get("given", True)),
                TimePolynomials.of(profile.get("of_time"), len(stored["covariates"]["names"])),
            ),
            nobs=int(stored["nobs"]), dropout=None if dropout is None else DropoutRecord.of(dropout),
            stored_data=stored.get("data"), times=None if "times" not in stored else np.asarray(stored["times"], float),
            inputs=stored.get("inputs"),
            lags=None if stored.get("lags") is None else Lags.of(stored["lags"]),
            n_shared=int(stored.get("n_shared", 0)),
        )

    @property
    def family(self) -> str:
        """Name of its distribution."""
        return self.spec.family

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Of the time-varying covariates."""
        return () if self.covariates is None else self.covariates.names

    @property
    def shared_sentence(self) -> str:
        """How many of its observations share a time, in a sentence; empty where a person has one at a time."""
        if not self.spec.repeated:
            return ""
        some = f"{self.n_shared} of {self.nobs}" if self.n_shared else "None of the"
        return (f"{some} observations of {self.name} share their {self.time_name} with another one of the same person; "
                "each counts.")

    @property
    def squeezed_sentence(self) -> str:
        """By what its values were squeezed, in a sentence; empty where they were not."""
        n = self.spec.squeezed_by
        return "" if n is None else (
            f"{self.name} is squeezed into (0, 1), (y * {n - 1} + 0.5) / {n}: curves, means and residuals are of these "
            "values.")

    @property
    def has_exposure(self) -> bool:
        """Its observations are of different times at risk."""
        return self.data.exposure is not None if self.times is None else bool((self.inputs or {}).get("exposure"))

    @property
    def trials(self) -> np.ndarray | None:
        """(n,) out of how many its observations count successes; None for families without trials."""
        return self.data.exposure if family_named(self.family).takes_trials else None

    @property
    def shown(self) -> np.ndarray:
        """(n,) its observations as they stand beside the curves: shares of successes where it has trials."""
        return self.data.y if self.trials is None else self.data.y / self.trials

    @property
    def bounds(self) -> tuple[float, float]:
        """Censoring bounds, infinite where there is none."""
        lower, upper = self.spec.lower, self.spec.upper
        return -np.inf if lower is None else float(lower), np.inf if upper is None else float(upper)

    @property
    def observed_times(self) -> np.ndarray | None:
        """(n,) its times; None where the observations are not with the fit: all fits of a search share them, or R has
        them."""
        if self.times is not None:
            return self.times
        stored = None if self.stored_data is None else self.stored_data["time"]
        return None if stored is None or isinstance(stored, dict) else np.asarray(stored, dtype=float)

    @property
    def seen_times(self) -> np.ndarray:
        """The times of its observations (n,), or the distinct ones where the observations are not with the fit."""
        return self.data.time if self.times is None else self.times

    @cached_property
    def data(self) -> Measures:
        """Its observations, n of them: ``subject`` (n,) among the fit's ids, ``time``, ``y``, ``wave`` (n,), and where
        the model has them ``covariates`` (n, q) and ``exposure`` (n,)."""
        if self.stored_data is None:
            raise not_kept("data")
        stored = self.stored_data
        w, exposure, source = stored["covariates"], stored["exposure"], stored.get("lag_source")
        subject = np.asarray(stored["subject"]).astype(np.int64, copy=False)
        return Measures(
            subject=subject, time=np.asarray(stored["time"], dtype=float), y=np.asarray(stored["y"], dtype=float),
            wave=np.asarray(stored["wave"]).astype(np.int64, copy=False), row=np.arange(subject.size), name=self.name,
            time_name=self.time_name, columns=self.columns,
            covariates=np.zeros((subject.size, 0)) if w is None else np.asarray(w),
            covariate_names=self.covariate_names, exposure=None if exposure is None else np.asarray(exposure),
            lags=self.lags, squeezed_by=self.spec.squeezed_by or 0,
            lag_source=None if source is None else np.asarray(source).astype(np.int64).reshape(subject.size, -1),
            lag_values=None if source is None else np.asarray(stored["lag_values"], float).reshape(subject.size, -1),
        )


def time_bases(outcome: OutcomeRecord, *, trust_formula: bool = False) -> dict[str, TimeBasis]:
    """Of each predictor its basis; code in the document is run only if it is trusted."""
    observed = None if outcome.stored_data is None else lambda: outcome.data.time
    return {
        p: basis_from_document(stored, outcome.time_name, trusted=trust_formula, observed=observed)
        for p, stored in outcome.bases.items()
    }


def outcome_spec(stored: dict[str, Any]) -> OutcomeSpec:
    """A specification from plain values."""
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
    if plain.get("curve") is not None:
        plain["curve"] = as_network(plain["curve"], "curve")
    return OutcomeSpec(**plain)
