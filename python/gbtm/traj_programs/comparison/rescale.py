"""Two tables that say the same on other scales: time shifted or in other units, the outcome likewise, 0/1 swapped.

With u = (t - a)/b and y' = c y + d, a polynomial sum_i beta_i t^i becomes gamma_j = c sum_i beta_i C(i,j) a^(i-j) b^j
(+ d for j = 0); sigma becomes |c| sigma. Time leaves the log-likelihood as it is; c takes log|c| from it for every
uncensored observation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb

import numpy as np
from scipy.optimize import least_squares

from ...families import family_named
from .matching import assignment
from .side import Side

CLOSE = 0.02  # standard errors within which all coefficients have to agree after the change of scale
UNITS = 0.75  # or units of the last printed digit
SAME_LOGLIK = 0.02
MOST_SE = 25.0  # a residual beyond this counts as this when candidates are ranked
NICE_DIGITS = range(1, 7)
TRIED = 6  # candidates refined
KNOWN_UNITS = (365.25, 12.0, 30.4375, 52.18)  # days, months and weeks


@dataclass(frozen=True)
class Scale:
    """Their time is (ours - ``shift``) / ``unit``, their outcome or predictor ``factor`` * ours + ``offset``."""

    shift: float = 0.0
    unit: float = 1.0
    factor: float = 1.0
    offset: float = 0.0

    @property
    def of_time(self) -> bool:
        return self.shift != 0 or self.unit != 1

    @property
    def of_outcome(self) -> bool:
        return self.factor != 1 or self.offset != 0

    def matrix(self, size: int, *, zero_part: bool = False) -> np.ndarray:
        """(size, size) matrix from our coefficients to theirs; the offset comes on top."""
        c = 1.0 if zero_part else self.factor
        m = np.zeros((size, size))
        for j in range(size):
            for i in range(j, size):
                m[j, i] = c * comb(i, j) * self.shift ** (i - j) * self.unit**j
        return m

    def convert(self, ours: Side) -> Side:
        """Our side on their scale, standard errors included."""
        new = list(ours.rows)
        for kind in ("mean", "zero"):
            for group in dict.fromkeys(r.group for r in ours.of_kind(kind)):
                at = [i for i, r in enumerate(ours.rows) if r.kind == kind and r.group == group]
                at.sort(key=lambda i: ours.rows[i].power)
                m = self.matrix(len(at), zero_part=kind == "zero")
                beta = m @ np.array([ours.rows[i].estimate for i in at])
                beta[0] += self.offset if kind == "mean" else 0.0
                se = self._errors(ours, at, m)
                for j, i in enumerate(at):
                    new[i] = replace(ours.rows[i], estimate=float(beta[j]), se=float(se[j]))
        for i, row in enumerate(ours.rows):
            if row.kind == "covariate":
                new[i] = replace(row, estimate=self.factor * row.estimate, se=abs(self.factor) * row.se)
            elif row.kind == "sigma":
                new[i] = replace(row, estimate=abs(self.factor) * row.estimate, se=abs(self.factor) * row.se)
            elif row.kind == "drop" and row.parameter.lower() != "drop0":  # slopes of earlier outcomes
                new[i] = replace(row, estimate=row.estimate / self.factor, se=row.se / abs(self.factor))
        return replace(ours, rows=tuple(new))

    @staticmethod
    def _errors(ours: Side, at: list[int], m: np.ndarray) -> np.ndarray:
        place = [ours.place[i] for i in at]
        if min(place) < 0:
            return np.full(len(at), np.nan)
        return np.sqrt(np.maximum(np.diag(m @ ours.cov[np.ix_(place, place)] @ m.T), 0.0))


@dataclass(frozen=True)
class Rescaled:
    """A change of scale that explains the printout, and which group is which under it."""

    scale: Scale
    pairs: dict[int, int]
    loglik_moves: float


def find_scale(ours: Side, theirs: Side, n_uncensored: int) -> Rescaled | None:
    """The simplest change of scale after which all coefficients agree, or None.

    The log-likelihoods have to agree too, up to n_uncensored * log|factor|.
    """
    if not (ours.complete and theirs.complete and ours.family == theirs.family):
        return None
    if sorted(ours.orders) != sorted(theirs.orders):
        return None
    for free in _free(ours.family):
        ranked: list[tuple[float, int, Scale, dict[int, int]]] = []
        for start in _starts(ours, theirs, free):
            if _same_loglik(ours, theirs, start, n_uncensored):
                pairs = _pairs(ours, theirs, start)
                ranked.append((_total(ours, theirs, start, pairs), len(ranked), start, pairs))
        for _, _, start, pairs in sorted(ranked, key=lambda r: r[:2])[:TRIED]:
            scale = _refined(ours, theirs, start, pairs, free)
            if scale is None or not _agrees(ours, theirs, scale, pairs):
                continue
            scale = _nice(ours, theirs, scale, pairs, free)
            told = theirs.loglik is not None or _misfit(ours, theirs, scale, pairs).size >= len(free) + 2
            if told and _same_loglik(ours, theirs, scale, n_uncensored):
                return Rescaled(scale, pairs, loglik_moves(ours, scale, n_uncensored))
    return None


def loglik_moves(ours: Side, scale: Scale, n_uncensored: int) -> float:
    """What a change of scale adds to the log-likelihood."""
    return -n_uncensored * float(np.log(abs(scale.factor))) + 0.0 if family_named(ours.family).has_scale else 0.0


def _same_loglik(ours: Side, theirs: Side, scale: Scale, n_uncensored: int) -> bool:
    """The log-likelihoods agree after the change of scale, given how coarsely sigma is printed."""
    if ours.loglik is None or theirs.loglik is None:
        return True
    coarse = max((r.unit / max(r.estimate, r.unit) for r in theirs.of_kind("sigma")), default=0.0)
    allowed = SAME_LOGLIK + (n_uncensored * coarse if scale.factor != 1 else 0.0)
    return abs(ours.loglik + loglik_moves(ours, scale, n_uncensored) - theirs.loglik) <= allowed


def _total(ours: Side, theirs: Side, scale: Scale, pairs: dict[int, int]) -> float:
    return float(np.minimum(np.abs(_misfit(ours, theirs, scale, pairs)), MOST_SE).sum())


def _free(family: str) -> list[tuple[str, ...]]:
    """Sets of what may differ, simplest first. For counts the offset is the unit of exposure."""
    time = ("shift", "unit")
    if family_named(family).has_scale:
        return [time, ("factor", "offset"), (*time, "factor", "offset")]
    if family_named(family).takes_exposure:
        return [time, ("offset",), (*time, "offset")]
    return [time, ("sign",), (*time, "sign")]


def _starts(ours: Side, theirs: Side, free: tuple[str, ...]) -> Iterator[Scale]:
    """Candidates from pairs of groups of one order: the leading coefficients give the unit, the next the shift."""
    signs = (1.0, -1.0) if "sign" in free or "factor" in free else (1.0,)
    if "sign" in free:
        signs = (-1.0,)
    size = _sigma_ratio(ours, theirs) if "factor" in free else 1.0
    for sign in signs:
        c = sign * size
        if "shift" not in free:
            for g in ours.groups:
                for h in theirs.groups:
                    beta, gamma = ours.coefficients(g), theirs.coefficients(h)
                    d = gamma[0] - c * beta[0] if "offset" in free and beta.size and gamma.size else 0.0
                    yield Scale(factor=c, offset=float(d))
            continue
        for g in ours.groups:
            for h in theirs.groups:
                if ours.orders[g - 1] == theirs.orders[h - 1] >= 1:
                    yield from _from_pair(c * ours.coefficients(g), theirs.coefficients(h), c, "offset" in free)


def _from_pair(beta: np.ndarray, gamma: np.ndarray, c: float, offset: bool) -> Iterator[Scale]:
    p = beta.size - 1
    ratio = gamma[p] / beta[p] if beta[p] else 0.0
    if not ratio > 0:
        return
    unit = ratio ** (1 / p)
    if p == 1:
        yield Scale(float((gamma[0] - beta[0]) / beta[1]), float(unit), c)
        return
    shift = (gamma[p - 1] / unit ** (p - 1) - beta[p - 1]) / (p * beta[p])
    yield Scale(float(shift), float(unit), c)
    if offset:
        d = gamma[0] - np.polynomial.polynomial.polyval(shift, beta)
        yield Scale(float(shift), float(unit), c, float(d))


def _sigma_ratio(ours: Side, theirs: Side) -> float:
    our_sigmas, their_sigmas = ([r.estimate for r in s.of_kind("sigma")] for s in (ours, theirs))
    if not our_sigmas or not their_sigmas:
        return 1.0
    return float(np.median(sorted(their_sigmas)) / np.median(sorted(our_sigmas)))


def _pairs(ours: Side, theirs: Side, scale: Scale) -> dict[int, int]:
    """Which group is which under a change of scale."""
    moved = scale.convert(ours)
    cost = np.full((ours.n_groups, theirs.n_groups), 1e6)
    for g in ours.groups:
        for h in theirs.groups:
            if ours.orders[g - 1] == theirs.orders[h - 1]:
                gap = (moved.coefficients(g) - theirs.coefficients(h)) / _yardstick(moved, theirs, h)
                cost[g - 1, h - 1] = np.minimum(np.abs(gap), MOST_SE).sum()
    if ours.shares is not None and theirs.shares is not None:
        cost += 10 * np.abs(ours.shares[:, None] - theirs.shares[None, :])
    return assignment(cost)


def _yardstick(moved: Side, theirs: Side, group: int, kind: str = "mean") -> np.ndarray:
    rows = sorted((r for r in theirs.of_kind(kind) if r.group in (group, None)), key=lambda r: r.power)
    values = [max(r.se if np.isfinite(r.se) else 0.0, r.unit, 1e-12) for r in rows]
    return np.array(values)


def _misfit(ours: Side, theirs: Side, scale: Scale, pairs: dict[int, int]) -> np.ndarray:
    """Our coefficients on their scale minus theirs, in their standard errors."""
    moved = scale.convert(ours)
    gaps = []
    for g, h in pairs.items():
        for kind in ("mean", "zero"):
            our_curve, their_curve = moved.coefficients(g, kind), theirs.coefficients(h, kind)
            if our_curve.size != their_curve.size:
                return np.full(1, np.inf)
            gaps.append((our_curve - their_curve) / _yardstick(moved, theirs, h, kind))
    sigmas = [moved.of_kind("sigma"), theirs.of_kind("sigma")]
    for row in sigmas[1]:
        mate = [r for r in sigmas[0] if (pairs[r.group] if r.group else None) == row.group]
        gap = (mate[0].estimate - row.estimate) / max(row.se, row.unit) if mate else np.inf
        gaps.append(np.array([gap]))
    return np.nan_to_num(np.concatenate(gaps), nan=np.inf)


def _refined(
    ours: Side, theirs: Side, start: Scale, pairs: dict[int, int], free: tuple[str, ...]
) -> Scale | None:
    """Least squares over what may differ, from a candidate."""
    names = [n for n in free if n != "sign"]
    if not names:
        return start
    x0 = np.array([getattr(start, n) for n in names])
    scales = np.array([max(abs(v), 1e-3) for v in x0])

    def gaps(x: np.ndarray) -> np.ndarray:
        values = dict(zip(names, (x * scales).tolist(), strict=True))
        if values.get("unit", 1.0) <= 0:
            return np.full(size, 1e6)
        return np.clip(np.nan_to_num(_misfit(ours, theirs, replace(start, **values), pairs), posinf=1e6), -1e6, 1e6)

    first = _misfit(ours, theirs, start, pairs)
    size = first.size
    if not np.isfinite(first).all():
        return None
    solution = least_squares(gaps, x0 / scales, method="trf", x_scale="jac", max_nfev=100)
    return replace(start, **dict(zip(names, (solution.x * scales).tolist(), strict=True)))


def _agrees(ours: Side, theirs: Side, scale: Scale, pairs: dict[int, int]) -> bool:
    gap = np.abs(_misfit(ours, theirs, scale, pairs))
    units = _unit_of(theirs, pairs, ours)
    return bool((gap <= np.maximum(CLOSE, UNITS * units)).all()) if gap.size == units.size else False


def _unit_of(theirs: Side, pairs: dict[int, int], ours: Side) -> np.ndarray:
    """One unit of the last printed digit in standard errors, in the order of :func:`_misfit`."""
    units = []
    for h in pairs.values():
        for kind in ("mean", "zero"):
            rows = sorted((r for r in theirs.of_kind(kind) if r.group in (h, None)), key=lambda r: r.power)
            units += [r.unit / max(r.se if np.isfinite(r.se) else 0.0, r.unit, 1e-12) for r in rows]
    units += [r.unit / max(r.se, r.unit) for r in theirs.of_kind("sigma")]
    return np.array(units)


def _nice(ours: Side, theirs: Side, scale: Scale, pairs: dict[int, int], free: tuple[str, ...]) -> Scale:
    """The roundest numbers that still agree, one after the other, the rest refitted."""
    left = [n for n in ("unit", "factor", "shift", "offset") if n in free]
    for name in list(left):
        left.remove(name)
        for value in _round_numbers(getattr(scale, name), name):
            trial = _refined(ours, theirs, replace(scale, **{name: value}), pairs, tuple(left)) if left else replace(
                scale, **{name: value})
            if trial is not None and _agrees(ours, theirs, trial, pairs):
                scale = trial
                break
    return scale


def _round_numbers(value: float, name: str) -> Iterator[float]:
    """0 or 1 first, then numbers (and their inverses) of more and more digits."""
    yield 0.0 if name in ("shift", "offset") else float(np.copysign(1.0, value))
    if not np.isfinite(value) or value == 0:
        return
    if name == "unit":
        for unit in KNOWN_UNITS:
            yield from (k for k in (unit, 1 / unit) if abs(value / k - 1) < 2e-3)
    for digits in NICE_DIGITS:
        yield float(f"{value:.{digits}g}")
        if name in ("unit", "factor"):
            yield 1 / float(f"{1 / value:.{digits}g}")
