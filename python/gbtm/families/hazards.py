"""Times to an event: the log density of a person's time given the hazards of a group.

With causes c = 1..C, H_c(t) = exp(x'b_c) H0_c(t) the cumulative hazard of each:

    log f = sum_c [d_c log h_c(T) - (H_c(T) - H_c(entry))]                                        a time, or censored
    log f = log(S(T) - S(U)) - log S(entry) = -(H(T) - H(entry)) + log(1 - exp(-(H(U) - H(T))))   in (T, U]
    log f = -(H(T) - H(entry)) + log integral of h_c(s) exp(-(H(s) - H(T))) over (T, U]           of cause c in (T, U]

Weibull: H0(t) = (t / scale)^shape. Piecewise constant: log h0 = a_j in the j-th interval, each of which is open at its
start and closed at its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Family, Link, Predictors

if TYPE_CHECKING:
    from torch import Tensor

MOST_CAUSES = 5
STEMS = ("event_", *(f"event{c + 1}_" for c in range(MOST_CAUSES)))  # what the parameters of a cause begin with
MOST_INTERVALS = 20
EVENT_LOGS = tuple(f"{s}{p}" for s in STEMS for p in ("log_scale", "log_shape"))
EVENT_LOG_HAZARDS = tuple(f"{s}log_hazard{j + 1}" for s in STEMS for j in range(MOST_INTERVALS))
SOME = 0.5  # events that are added where a rate is started from, so that none is 0
MOST_LOG = 300.0  # log H from which on nobody is left; its square and derivatives are still numbers
LEAST = 1e-300  # of what is taken a logarithm of
NEVER = -1e300  # its logarithm, where it is none at all
NODES = 24  # of each piece of an integral over an interval
NARROW = 1.0  # log(U / T) up to which an interval is one piece
PIECES = (0.0, 0.0125, 0.05, 0.15, 0.4, 1.0)  # ends of those of a wide one
NOTHING = 40.0  # exp(-40) of what is integrated is left out


def _nodes(ends: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights of pieces of [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    low, width = np.array(ends[:-1])[:, None], np.diff(ends)[:, None]
    return (low + width * (x + 1) / 2).ravel(), (width * w / 2).ravel()


def stem(cause: int, n_causes: int) -> str:
    """What the parameters of a cause, from 0, begin with."""
    return STEMS[0 if n_causes == 1 else cause + 1]


class EventTimes(Family):
    """What both hazards share. ``u`` has, besides the predictors, what is known of each cell (.., C):

    causes : (n_causes, C) 1 where the event was of that cause, and has a time
    in_interval : (C,) 1 where it was in an interval, (T, U]
    cause_within : (n_causes, C) the cause of these; only where there are several
    """

    name: ClassVar[str] = "event"
    label: ClassVar[str] = "time to an event"
    link: ClassVar[Link] = "log"
    of_hazard: ClassVar[tuple[str, ...]]

    def __init__(self, n_causes: int, n_intervals: int, has_effects: bool) -> None:
        self.n_causes, self.n_intervals = n_causes, n_intervals
        self.stems = [stem(c, n_causes) for c in range(n_causes)]
        effects = [f"{s}effects" for s in self.stems if has_effects]
        self.predictors = (*effects, *(f"{s}{p}" for s in self.stems for p in self.own))  # type: ignore[misc]

    @property
    def own(self) -> tuple[str, ...]:
        """What a group's hazard of one cause is made of."""
        raise NotImplementedError

    def of_cause(self, u: Mapping[str, Tensor], c: int) -> tuple[list[Tensor], Tensor | float]:
        """The predictors of the hazard of cause c, and x'b."""
        effects = u.get(f"{self.stems[c]}effects")
        return [u[f"{self.stems[c]}{p}"] for p in self.own], 0.0 if effects is None else effects

    def log_hazard(self, u: Mapping[str, Tensor], of: list[Tensor]) -> Tensor:
        """log h0 (.., C) at T."""
        raise NotImplementedError

    def gone_by(self, u: Mapping[str, Tensor], of: list[Tensor], span: str) -> Tensor:
        """H0 (.., C) from entry to T ("seen"), or from T to U ("after")."""
        raise NotImplementedError

    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        import torch

        total: Tensor | float = 0.0
        after: Tensor | float = 0.0
        some = bool((u["in_interval"] > 0).any())
        for c in range(self.n_causes):
            of, risk = self.of_cause(u, c)
            times = 1.0 if isinstance(risk, float) else torch.exp(risk)
            total = total + u["causes"][c] * (self.log_hazard(u, of) + risk) - times * self.gone_by(u, of, "seen")
            if some and self.n_causes == 1:
                after = after + times * self.gone_by(u, of, "after")
        if some and not isinstance(after, float):
            within = u["in_interval"] > 0
            gone = torch.where(within, after, 1.0).clamp(min=LEAST)
            total = total + torch.where(within, torch.log(-torch.expm1(-gone)), 0.0)
        assert not isinstance(total, float)
        if some and self.n_causes > 1:
            at = torch.nonzero(u["in_interval"] > 0)[:, 0]
            own = self.log_incidence({name: values[..., at] for name, values in u.items()})
            total = total + torch.zeros_like(total).index_copy(-1, at, own)
        return total[..., None]

    def log_incidence(self, u: Mapping[str, Tensor]) -> Tensor:
        """log P (.., C) of an event of the cause that it had in (T, U], of people without one up to T."""
        raise NotImplementedError

    def statistics(self, y: np.ndarray) -> np.ndarray:
        return np.ones((y.size, 1))

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return np.zeros(y.size, dtype=bool), "", ""

    def _unasked(self, *_: object) -> np.ndarray:
        raise NotImplementedError("of a time to an event there are curves of survival")

    def expected(self, u: Predictors) -> np.ndarray:
        return self._unasked(u)

    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        return {"event": self._unasked(u)}

    def variance(self, u: Predictors) -> np.ndarray:
        return self._unasked(u)

    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        return self._unasked(y), self._unasked(u)

    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        return self._unasked(u)


class WeibullTimes(EventTimes):
    """H0(t) = (t / scale)^shape; log_t, log_u and log_entry (C,) are logarithms, 0 where has_.. is 0."""

    @property
    def own(self) -> tuple[str, ...]:
        return "log_scale", "log_shape"

    def log_hazard(self, u: Mapping[str, Tensor], of: list[Tensor]) -> Tensor:
        return of[1] + of[1].exp() * (u["log_t"] - of[0]) - u["log_t"]

    def gone_by(self, u: Mapping[str, Tensor], of: list[Tensor], span: str) -> Tensor:
        # where both are past the last number, something is between them all the same
        spans = (("t", MOST_LOG), ("entry", MOST_LOG - 1)) if span == "seen" else (
            ("u", MOST_LOG), ("t", MOST_LOG - 1))
        at_end, at_start = (
            (of[1].exp() * (u[f"log_{which}"] - of[0])).clamp(max=most).exp() * u[f"has_{which}"]
            for which, most in spans)
        return at_end - at_start

    def log_incidence(self, u: Mapping[str, Tensor]) -> Tensor:
        """By quadrature, in one piece where U is not far above T, else in pieces that are short next to U."""
        import torch

        wide = (u["has_t"] == 0) | (u["log_u"] - u["log_t"] > NARROW)
        out = torch.zeros_like(u[self.predictors[0]])
        for which, ends in ((wide, PIECES), (~wide, (0.0, 1.0))):
            at = torch.nonzero(which)[:, 0]
            if at.numel():
                own = self._integral({name: values[..., at] for name, values in u.items()}, ends)
                out = out.index_copy(-1, at, own)
        return out

    def _integral(self, u: Mapping[str, Tensor], ends: tuple[float, ...]) -> Tensor:
        """In x = shape_c log(U / s), in which h_c ds = H_c(U) e^-x dx: smooth for any shapes, where T = 0 up to
        infinity, that is to where next to nothing of H_c is left."""
        import torch

        of = [self.of_cause(u, c) for c in range(self.n_causes)]
        log_shape, log_scale, risk = (
            torch.stack([u["cause_within"][c] * values for c, values in enumerate(each)]).sum(0)
            for each in ([o[1] for o, _ in of], [o[0] for o, _ in of], [r for _, r in of]))
        shape = log_shape.exp()
        own = shape * (u["log_u"] - log_scale) + risk
        back, longest = shape * (u["log_u"] - u["log_t"]), NOTHING + own.clamp(min=0.0)
        reach = torch.where(u["has_t"] > 0, torch.minimum(back, longest), longest)
        first = torch.zeros_like(own)
        for (scale, other), of_risk in of:  # where H - H(T) of any cause is more than that, next to nobody is left
            at_end = other.exp() * (u["log_u"] - scale) + of_risk
            at_start = torch.where(u["has_t"] > 0, other.exp() * (u["log_t"] - scale) + of_risk, NEVER)
            most = torch.logaddexp(at_start, torch.full_like(own, np.log(NOTHING)))
            first = torch.maximum(first, shape * (at_end - most) / other.exp())
        first = torch.minimum(first, reach)
        length = reach - first
        nodes, weights = (torch.as_tensor(values, dtype=own.dtype, device=own.device).reshape(-1, *[1] * own.dim())
                          for values in _nodes(ends))
        x = first + length * nodes
        log_s = u["log_u"] - x / shape
        value = own - x
        for (scale, other), of_risk in of:
            z = other.exp() * (log_s - scale) + of_risk
            before = (other.exp() * (u["log_t"] - scale) + of_risk).clamp(max=MOST_LOG - 1).exp() * u["has_t"]
            value = value - (z.clamp(max=MOST_LOG).exp() - before)
        return torch.logsumexp(value + weights.log(), dim=0) + length.clamp(min=LEAST).log()

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """From the totals of a cause's events, which come first, and of the time at risk, as of a constant rate."""
        n = self.n_causes
        out = {}
        for c, s in enumerate(self.stems):
            out[f"{s}log_scale"] = np.log(totals[..., n] / (totals[..., c] + SOME))
            out |= {f"{s}log_shape": np.zeros(totals.shape[:-1]), f"{s}effects": np.zeros(totals.shape[:-1])}
        return {p: out[p] for p in self.predictors}


class PiecewiseTimes(EventTimes):
    """log h0 is a_j in interval j: at (J, C) is 1 in that of T, seen and after (J, C) the time spent in each."""

    @property
    def own(self) -> tuple[str, ...]:
        return tuple(f"log_hazard{j + 1}" for j in range(self.n_intervals))

    def log_hazard(self, u: Mapping[str, Tensor], of: list[Tensor]) -> Tensor:
        return sum((a * u["at"][j] for j, a in enumerate(of)), start=of[0] * 0.0)

    def gone_by(self, u: Mapping[str, Tensor], of: list[Tensor], span: str) -> Tensor:
        return sum((a.exp() * u[span][j] for j, a in enumerate(of)), start=of[0] * 0.0)

    def log_incidence(self, u: Mapping[str, Tensor]) -> Tensor:
        """In each interval the rates are constant: of those who go within it, a share by rate goes of the cause."""
        import torch

        of = [self.of_cause(u, c) for c in range(self.n_causes)]
        pieces: list[Tensor] = []
        before: Tensor | float = 0.0
        for j in range(self.n_intervals):
            logs = torch.stack([a[j] + risk for a, risk in of])
            total = torch.logsumexp(logs, dim=0)
            own = sum((u["cause_within"][c] * log_h for c, log_h in enumerate(logs)), start=total * 0.0)
            gone = total.exp() * u["after"][j]
            here = u["after"][j] > 0
            ended = torch.log(-torch.expm1(-torch.where(here, gone, 1.0).clamp(min=LEAST)))
            pieces.append(torch.where(here, own - total + ended - before, NEVER))
            before = before + gone
        return torch.logsumexp(torch.stack(pieces), dim=0)

    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """From the totals of events by cause and interval, and of the time at risk in each interval."""
        n, most = self.n_causes, self.n_intervals
        events = totals[..., : n * most].reshape(*totals.shape[:-1], n, most)
        at_risk = totals[..., n * most :]
        overall = (events.sum(axis=-1) + SOME) / at_risk.sum(axis=-1)[..., None]
        out = {}
        for c, s in enumerate(self.stems):
            prior = overall[..., c]
            for j in range(most):
                rate = (events[..., c, j] + SOME) / (at_risk[..., j] + SOME / prior)
                out[f"{s}log_hazard{j + 1}"] = np.log(rate)
            out[f"{s}effects"] = np.zeros(totals.shape[:-1])
        return {p: out[p] for p in self.predictors}
