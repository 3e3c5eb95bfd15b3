"""The hazards of a fit's groups, and their derivatives in its parameters, from a fit document: without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.event_times import FIRST, TIME
from ..errors import SpecificationError
from ..families.hazards import MOST_LOG, stem
from ..model.event import EventPart

if TYPE_CHECKING:
    from .fit import Fit

NODES = 24  # of an integral over one piece of time
POWER = 3  # s = t v^3 within the first piece, at whose start a hazard may be infinite

Valued = tuple[np.ndarray, np.ndarray]  # values (K, n), and derivatives (K, n, p)


@dataclass(frozen=True, eq=False)
class EventHazards:
    """Hazards by group at given times and covariates.

    Attributes
    ----------
    part : hazard, cuts, causes, covariates
    params : (p,) of the fit, internal
    places : of each predictor (K, q) where its coefficients stand among these
    """

    part: EventPart
    params: np.ndarray
    places: dict[str, np.ndarray]

    @classmethod
    def of(cls, res: Fit) -> EventHazards:
        """Those of a fit.

        Raises
        ------
        SpecificationError
            ``no_event`` where it has no time to an event.
        """
        if res.event is None:
            raise SpecificationError(
                "res: the model has no time to an event.", code="no_event", argument="res",
                way_out="Fit it with event, which names the columns of the time and the status.",
            )
        k = res.group_sets[0].n_groups
        part = res.event.part(k)
        places = {p: np.zeros((k, part.width(p)), dtype=int) for p in part.family.predictors}
        for b in res.blocks:
            if b.kind in places:
                rows = slice(None) if b.group is None else b.group - 1
                places[b.kind][rows] = np.arange(b.start, b.start + b.width)
        return cls(part, res.internal.params, places)

    @property
    def n_causes(self) -> int:
        return self.part.spec.n_causes

    def check_cause(self, cause: int | None) -> None:
        """Raise ``bad_cause`` for what is none of the causes; None stands for all of them."""
        if cause is not None and cause not in range(1, self.n_causes + 1):
            raise SpecificationError(
                f"cause: {cause!r} is not one of the event's causes.", code="bad_cause", argument="cause",
                way_out=f"They are 1 to {self.n_causes}; leave cause out for all of them together.",
            )

    def covariates(self, x: np.ndarray) -> np.ndarray:
        """(n, q) the user's -> internal."""
        return x / np.array(self.part.spread) if self.part.names else np.zeros((len(x), 0))

    def _risk(self, cause: int, x: np.ndarray) -> Valued:
        """x'b (K, n) of the user's covariates (n, q), and its derivatives."""
        n, k = len(x), self.part.n_groups
        slope = np.zeros((k, n, self.params.size))
        if not self.part.names:
            return np.zeros((k, n)), slope
        at, inside = self.places[f"{stem(cause, self.n_causes)}effects"], self.covariates(x)
        for g in range(k):
            slope[g][:, at[g]] = inside
        return np.stack([inside @ self.params[own] for own in at]), slope

    def _own(self, cause: int, predictor: str) -> tuple[np.ndarray, np.ndarray]:
        """A predictor (K, 1) of a cause's hazard, and where it stands (K,)."""
        at = self.places[f"{stem(cause, self.n_causes)}{predictor}"][:, 0]
        return self.params[at][:, None], at

    def cumulative(self, cause: int, time: np.ndarray, x: np.ndarray) -> Valued:
        """H (K, n) from 0 to times (n,) of people with covariates (n, q)."""
        risk, slope = self._risk(cause, x)
        groups = np.arange(self.part.n_groups)
        if self.part.spec.hazard == "weibull":
            (scale, at_scale), (log_shape, at_shape) = (self._own(cause, p) for p in ("log_scale", "log_shape"))
            with np.errstate(divide="ignore"):
                z = np.exp(log_shape) * (np.log(time) - scale)
            value = np.exp(np.minimum(z + risk, MOST_LOG))
            slope = slope * value[:, :, None]
            slope[groups, :, at_scale] = -np.exp(log_shape) * value
            slope[groups, :, at_shape] = value * np.where(value > 0, z, 0.0)
            return value, slope
        spent = self.part.spent(np.zeros(time.size), time)
        value, own = np.zeros_like(risk), []
        for j in range(self.part.spec.n_intervals):
            a, at = self._own(cause, f"log_hazard{j + 1}")
            own.append((at, np.exp(a + risk) * spent[j]))
            value = value + own[-1][1]
        slope = slope * value[:, :, None]
        for at, part in own:
            slope[groups, :, at] = part
        return value, slope

    def log_hazard(self, cause: int, time: np.ndarray, x: np.ndarray) -> Valued:
        """log h (K, n) at times (n,) above 0."""
        risk, slope = self._risk(cause, x)
        groups = np.arange(self.part.n_groups)
        if self.part.spec.hazard == "weibull":
            (scale, at_scale), (log_shape, at_shape) = (self._own(cause, p) for p in ("log_scale", "log_shape"))
            z = np.exp(log_shape) * (np.log(time) - scale)
            slope[groups, :, at_scale] = -np.exp(log_shape)
            slope[groups, :, at_shape] = 1 + z
            return log_shape + z - np.log(time) + risk, slope
        inside, value = self.part.interval_of(time), np.zeros_like(risk)
        for j in range(self.part.spec.n_intervals):
            a, at = self._own(cause, f"log_hazard{j + 1}")
            value = value + a * inside[j]
            slope[groups, :, at] = inside[j]
        return value + risk, slope

    def all_causes(self, time: np.ndarray, x: np.ndarray) -> Valued:
        """H (K, n) of all causes together: S = exp(-H)."""
        each = [self.cumulative(c, time, x) for c in range(self.n_causes)]
        return sum(v for v, _ in each), sum(s for _, s in each)  # type: ignore[return-value]

    def incidence(self, cause: int, start: np.ndarray, end: np.ndarray, x: np.ndarray) -> Valued:
        """P (K, n) of an event of a cause between two times (n,), of people without an event up to the first: the
        integral of h_c S over these times, by S at the first."""
        before, before_slope = self.all_causes(start, x)
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        value = np.zeros((self.part.n_groups, end.size))
        slope = np.zeros((*value.shape, self.params.size))
        cuts = np.array([0.0, *self.part.spec.cuts, np.inf])
        for low, high in pairwise(cuts):
            first, last = np.clip(start, low, high), np.minimum(np.maximum(end, low), high)
            width = np.where(np.isfinite(last), last - first, 0.0)
            power = POWER if self.part.spec.hazard == "weibull" else 1
            for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
                s = first + width * node**power
                here = s > 0
                at = np.where(here, s, 1.0)
                times = weight * power * node ** (power - 1) * width * here
                (log_h, h_slope), (total, total_slope) = self.log_hazard(cause, at, x), self.all_causes(at, x)
                part = times * np.exp(log_h - total + before)
                value += part
                slope += part[:, :, None] * (h_slope - total_slope + before_slope)
        return value, slope


def covariates_at(res: Fit, at: Mapping[str, Any] | None) -> np.ndarray:
    """(q,) covariates of the event: those given, and of the others the mean of the people fitted."""
    assert res.event is not None
    names, given = res.event.names, dict(at or {})
    unknown = [n for n in given if n not in names]
    if unknown:
        raise SpecificationError(
            f"at: '{unknown[0]}' is not a covariate of the event.", code="unknown_covariate", argument="at",
            way_out=f"It has {', '.join(names)}." if names else "It has none.",
        )
    if len(given) == len(names):
        return np.array([float(given[n]) for n in names])
    known = res.event.known
    mean = known[~np.isnan(known[:, TIME]), FIRST:].mean(axis=0)
    return np.array([float(given.get(n, m)) for n, m in zip(names, mean, strict=True)])
