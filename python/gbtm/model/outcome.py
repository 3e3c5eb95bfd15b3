"""One outcome as the engine needs to know it: its family, its columns, how it is shifted and scaled inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..data.measures import Measures
from ..data.missing_codes import listed, missing_codes
from ..data.panel import Panel
from ..design.covariate_basis import CovariateBasis, time_varying_basis
from ..design.network_basis import first_units, network_basis
from ..design.time_basis import TimeBasis, formula_basis, polynomial_basis
from ..errors import DataError, SpecificationError
from ..families import Family, having, make_family
from ..families.ar1 import AutoregressiveNormal
from ..families.precision import PRECISION
from ..families.random_normal import CORRELATION, RANDOM, random_normal
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec
from .dropout import DropoutPart, make_dropout, risk_set
from .event import EventPart, make_event, records_of
from .squeezed import squeezed


@dataclass(frozen=True)
class OutcomePart:
    """One outcome with what the engine needs to know of it.

    Attributes
    ----------
    bases : time basis of each predictor that has a curve (scale parameters have none)
    covariates : time-varying covariates, which add to the mean's predictor and to further curves
    centre, scale : inside, the outcome is (y - centre) / scale
    time_scale : inside, a random slope is per this much of time
    extent : smallest and largest outcome of all people, where their data come in blocks
    """

    spec: OutcomeSpec
    bases: dict[str, TimeBasis]
    centre: float
    scale: float
    name: str = "y"
    covariates: CovariateBasis | None = None
    time_scale: float = 1.0
    extent: tuple[float, float] | None = None

    @cached_property
    def family(self) -> Family:
        """The family on the user's scale."""
        if self.spec.ar1:
            return AutoregressiveNormal()
        if self.spec.random_orders is not None:
            return random_normal(self.n_random, self.spec.random_correlated)
        return _family_of(self.spec)

    def on_columns(self, mean: TimeBasis) -> OutcomePart:
        """The same outcome with other columns of time for its curves."""
        return replace(self, bases={**self.bases, **dict.fromkeys(self.family.curve_predictors, mean)})

    @property
    def reported(self) -> tuple[str, ...]:
        """Predictors with parameters of their own."""
        return tuple(p for p in self.family.predictors if p != "lag_mean")

    @property
    def n_random(self) -> int:
        """Number of random effects of the group that has most: 0, 1 or 2."""
        return max(self.spec.random_orders, default=-1) + 1 if self.spec.random_orders is not None else 0

    @cached_property
    def internal_family(self) -> Family:
        return self.family.scaled(self.centre, self.scale)

    def orders(self, predictor: str) -> tuple[int, ...] | None:
        """Polynomial order of each group, or of all where :meth:`common`; None for all columns of a basis.

        For the sd of a random effect: 0 in groups that have it, -1 in others.
        """
        needed = {**{name: power for power, name in enumerate(RANDOM)}, CORRELATION: 1}
        if predictor in needed and self.spec.random_orders is not None:
            return tuple(0 if o >= needed[predictor] else -1 for o in self.spec.random_orders)
        if predictor == PRECISION:
            return None
        return self.spec.zero_orders if predictor == "zero" else self.spec.orders

    def common(self, predictor: str) -> bool:
        """All groups share the predictor's coefficients."""
        predictor = "mean" if predictor == "lag_mean" else predictor
        if predictor in self.bases:
            return predictor == "zero" and self.spec.zero_common
        return not self.spec.by_group(predictor)

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the outcome is censored; infinite where it is not."""
        low, high = self.spec.lower, self.spec.upper
        return -np.inf if low is None else low, np.inf if high is None else high

    def side(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n,): -1 for values at the lower bound, 1 at the upper, 0 between them."""
        low, high = self.bounds
        return (y >= high).astype(float) - (y <= low)

    def correlated_and_censored(self, y: np.ndarray) -> bool:
        """Values are censored whose errors are correlated: a subject's density is an integral."""
        return (self.spec.ar1 or self.n_random > 0) and bool(self.side(y).any())

    def cell_data(self, y: np.ndarray, covariates: np.ndarray, gaps: np.ndarray | None) -> dict[str, np.ndarray]:
        """What the family is told of each design cell (C,) besides its predictors.

        y (C,) for families by value, the time since the last observation (C,) for AR(1) errors.
        """
        out = {"y": y} if self.family.by_value else {}
        return out if gaps is None else {**out, "gap": gaps}

    @cached_property
    def common_columns(self) -> tuple[int, ...]:
        """Places of the covariates that have one coefficient for all groups."""
        names = () if self.covariates is None else self.covariates.names
        return tuple(j for j, name in enumerate(names) if name in self.spec.common)

    @cached_property
    def own_columns(self) -> tuple[int, ...]:
        """Places of the other covariates."""
        return tuple(j for j in range(0 if self.covariates is None else self.covariates.width)
                     if j not in self.common_columns)

    def width(self, predictor: str) -> int:
        """Number of internal columns of a predictor."""
        predictor = "mean" if predictor == "lag_mean" else predictor
        if predictor not in self.bases:
            return 1
        more = self.covariates.width if predictor != "zero" and self.covariates is not None else 0
        return self.bases[predictor].width + more

    def columns(self, predictor: str, times: np.ndarray, covariates: np.ndarray) -> np.ndarray:
        """Internal columns (C, q) of a predictor at times (C,) and covariates (C, w)."""
        predictor = "mean" if predictor == "lag_mean" else predictor
        if predictor not in self.bases:
            return np.ones((times.size, 1))
        time_columns = self.bases[predictor].internal(times)
        if predictor == "zero" or self.covariates is None:
            return time_columns
        return np.hstack([time_columns, self.covariates.internal(covariates)])

    def constant(self, predictor: str) -> np.ndarray:
        """Internal coefficients (q,) of a predictor that is 1 throughout."""
        predictor = "mean" if predictor == "lag_mean" else predictor
        out = np.zeros(self.width(predictor))
        coefficients = self.bases[predictor].constant if predictor in self.bases else np.ones(1)
        out[: coefficients.size] = coefficients
        return out


def prepare(panel: Panel, spec: ModelSpec, *, check_size: bool = True) -> Panel:
    """Check the outcomes against their families; values beyond the bounds are moved to them where the user said so."""
    outcomes = []
    for given, outcome in zip(panel.outcomes, spec.outcomes, strict=True):
        measures = squeezed(given, outcome, panel)
        y = measures.y
        if outcome.censor_beyond:
            y = np.clip(y, outcome.lower, outcome.upper)
            measures = replace(measures, y=y)
        if measures.exposure is not None and not outcome.traits.has_denominator:
            raise SpecificationError(
                f"exposure: goes with counts, not with family '{outcome.family}'.", code="bad_exposure",
                argument="exposure",
                way_out=f"Use one of {', '.join(having('takes_exposure'))}, or leave exposure out.",
            )
        family = _family_of(outcome)
        bad, sentence, way_out = family.problem(y)
        if outcome.traits.takes_trials and not bad.any():
            bad, sentence, way_out = family.problem_of_trials(y, _trials_of(measures))
        if bad.any():
            codes = {value: n for value, n in missing_codes(y, least=1).items() if value in y[bad]}
            if codes:
                looks = "looks like a code" if len(codes) == 1 else "look like codes"
                way_out = f"{listed(codes)} {looks} for a missing value: make it missing. Otherwise: {way_out}"
            raise DataError(
                f"{measures.name}: {sentence} for family '{outcome.family}'; {int(bad.sum())} values are not, "
                f"first {panel.describe_rows(np.flatnonzero(bad), measures)}.",
                code="bad_outcome", argument=measures.name, way_out=way_out,
            )
        outcomes.append(measures)
    most = max(spec.set_sizes)
    if check_size and panel.n_subjects < most:
        raise SpecificationError(
            f"groups: {most} groups for {panel.n_subjects} subjects.", code="too_few_subjects",
            argument="groups", way_out="Ask for fewer groups.",
        )
    panel = replace(panel, outcomes=tuple(outcomes))
    if spec.dropout is None:
        return panel
    if panel.history is None and panel.departures is not None:  # from a stored fit
        return panel
    if panel.history is None:
        raise SpecificationError(
            "dropout: the panel was made without its history.", code="no_history", argument="dropout",
            way_out="Make it with dropout=True.",
        )
    return replace(panel, departures=risk_set(
        panel.history, spec.dropout, panel.subjects.missing_at_random, may_be_empty=not check_size))


def _trials_of(measures: Measures) -> np.ndarray:
    """(n_obs,), which a family of successes needs."""
    if measures.exposure is None:
        raise SpecificationError(
            f"trials: out of how many {measures.name} counts successes is not said.", code="no_trials",
            argument="trials", way_out="Give trials='column', or one number for all, such as trials=10.",
        )
    return measures.exposure


def _family_of(outcome: OutcomeSpec) -> Family:
    return make_family(outcome.family, outcome.lower, outcome.upper, outcome.codes,
                       moving_phi=outcome.phi_orders is not None)


Part = OutcomePart | DropoutPart | EventPart


def make_parts(panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None) -> tuple[Part, ...]:
    """Bases and scaling of each outcome for these data, and of dropout and the time to an event."""
    given = bases if bases is not None else [None] * len(spec.outcomes)
    parts: list[Part] = [
        _make_part(o, m, basis) for o, m, basis in zip(spec.outcomes, panel.outcomes, given, strict=True)
    ]
    if spec.dropout is not None and panel.departures is not None:
        parts.append(make_dropout(panel.departures, spec.dropout))
    if spec.event is not None:
        parts.append(make_event(panel, spec.event, spec.n_groups))
    return tuple(parts)


def sources_of(panel: Panel, parts: Sequence[Part]) -> list[Measures]:
    """What each part of a model is about: the outcomes, the records of dropout, those of the event.

    The panel of a model may be asked about its first groups alone, none of which has dropout.
    """
    sources = [*panel.outcomes]
    for part in parts[len(sources) :]:
        if isinstance(part, EventPart):
            sources.append(records_of(panel, part))
        elif panel.departures is not None:
            sources.append(panel.departures)
    return sources


def _make_part(outcome: OutcomeSpec, measures: Measures, given: TimeBasis | None) -> OutcomePart:
    if given is not None:
        mean = given
    elif outcome.curve is not None:
        mean = network_basis(measures.time, first_units(measures.time, outcome.curve.units))
    elif outcome.basis is not None:
        mean = formula_basis(measures.time, outcome.basis, measures.time_name)
    else:
        mean = polynomial_basis(
            measures.time, max(0, *(outcome.orders or (0,)), 0), measures.time_name, ranked=measures.distinct_times)
    bases = dict.fromkeys(_family_of(outcome).curve_predictors, mean)
    if outcome.zero_orders is not None:
        bases["zero"] = polynomial_basis(
            measures.time, max(0, *outcome.zero_orders, 0), measures.time_name, "iorder", measures.distinct_times)
    if outcome.phi_orders is not None:
        bases[PRECISION] = polynomial_basis(
            measures.time, max(0, *outcome.phi_orders, 0), measures.time_name, "phi_order", measures.distinct_times)
    covariates = None
    if measures.covariate_names:
        clash = [n for n in measures.covariate_names if n in mean.names]
        argument = "common" if set(measures.covariate_names) <= set(outcome.common) else "tcov"
        if clash:
            raise SpecificationError(
                f"{argument}: {', '.join(clash)} is the name of a column of time.", code="name_clash",
                argument=argument, way_out="Rename the covariate: two parameters would have one name.",
            )
        covariates = time_varying_basis(
            measures.covariates, measures.covariate_names, mean.internal(measures.time), argument)
    centre, scale = 0.0, 1.0
    traits = outcome.traits
    if traits.has_scale or traits.has_sigma or traits.has_precision:
        _refuse_constant(measures)
    if traits.has_scale:
        scale = float(measures.y.std())
        centre = float(measures.y.mean()) if mean.has_intercept else 0.0
    return OutcomePart(
        spec=outcome, bases=bases, centre=centre, scale=scale, name=measures.name, covariates=covariates,
        time_scale=float(np.abs(measures.time).max()) or 1.0,
    )


def _refuse_constant(measures: Measures) -> None:
    """What does not vary has no scale: sigma would run to 0, and a precision or shape to infinity."""
    if not float(measures.y.std()) > 1e-12 * float(np.abs(measures.y).max()):
        raise DataError(
            f"{measures.name}: all values are equal ({measures.y[0]:g}).", code="constant_outcome",
            argument=measures.name, way_out="There is nothing to model.",
        )
