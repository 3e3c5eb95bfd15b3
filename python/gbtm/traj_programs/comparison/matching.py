"""Which group of one table is which of another: groups whose curves lie closest, by the best assignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ...families import family_named
from .rows import Row
from .side import Side, renamed

GRID = 25
OTHER_ORDER = 100.0  # cost of a pair of groups of different orders where a pairing without such pairs exists
SHARE_COST = 0.1
STAGES = {
    "mean": 0, "covariate": 0, "drop": 1, "drop_covariate": 1, "zero": 2, "sigma": 3, "phi": 4, "rho": 5, "random": 6,
    "share": 7, "theta": 8,
}
STEEPEST = 50.0  # linear predictors beyond this are as good as infinite


def match_groups(ours: Side, theirs: Side, times: np.ndarray) -> dict[int, int]:
    """Our group -> their group; with unequal numbers of groups some have no partner.

    The cost of a pair is the root mean square distance of the curves on the outcome's scale, in units of the spread of
    all curves, plus a little for the distance of the shares.
    """
    if not theirs.n_groups:
        return {}
    our_means, their_means = (means(s, times) for s in (ours, theirs))
    spread = float(np.std(np.vstack([our_means, their_means]))) or 1.0
    cost = np.sqrt(((our_means[:, None, :] - their_means[None, :, :]) ** 2).mean(axis=2)) / spread
    if ours.shares is not None and theirs.shares is not None:
        cost = cost + SHARE_COST * np.abs(ours.shares[:, None] - theirs.shares[None, :])
    if sorted(ours.orders) == sorted(theirs.orders):
        cost = cost + OTHER_ORDER * (np.array(ours.orders)[:, None] != np.array(theirs.orders)[None, :])
    return assignment(cost)


def assignment(cost: np.ndarray) -> dict[int, int]:
    """Row -> column (both counted from 1) of the cheapest assignment."""
    rows, columns = linear_sum_assignment(np.nan_to_num(cost, nan=1e9, posinf=1e9))
    return {int(i) + 1: int(j) + 1 for i, j in zip(rows, columns, strict=True)}


def means(side: Side, times: np.ndarray) -> np.ndarray:
    """(K, GRID) mean of each group's outcome along the observed times, counts as square roots."""
    grid = np.linspace(times.min(), times.max(), GRID)
    eta = np.vstack([predictor(side, g, grid) for g in side.groups])
    link = family_named(side.family).link if side.family else "identity"
    if link == "identity":
        return eta
    eta = np.clip(eta, -STEEPEST, STEEPEST)
    if link == "logit":
        return np.asarray(1 / (1 + np.exp(-eta)))
    rate = np.vstack([np.exp(eta[g - 1]) if side.orders[g - 1] >= 0 else 0 * grid for g in side.groups])
    zero = np.vstack([predictor(side, g, grid, "zero") for g in side.groups])
    none = np.array([not side.coefficients(g, "zero").size for g in side.groups])
    p = np.where(none[:, None], 0.0, 1 / (1 + np.exp(-np.clip(zero, -STEEPEST, STEEPEST))))
    return np.asarray(np.sqrt((1 - p) * np.minimum(rate, 1e9)))


def predictor(side: Side, group: int, times: np.ndarray, kind: str = "mean") -> np.ndarray:
    """A group's polynomial at these times; 0 where it has none."""
    return np.polynomial.polynomial.polyval(times, np.append(side.coefficients(group, kind), 0.0))


@dataclass(frozen=True)
class Line:
    """One parameter on both sides; either may be missing. Groups are None for what all groups share."""

    own_group: int | None
    group: int | None
    kind: str
    parameter: str
    ours: Row | None
    printed: Row | None


def line_up(ours: Side, theirs: Side, pairs: dict[int, int]) -> list[Line]:
    """The rows of both sides, parameter by parameter, in the printout's order; what only we have ends its section."""
    reference = next((r.group for r in theirs.of_kind("theta") if r.parameter.lower() == "baseline"), None)
    moved = renamed(ours, pairs, reference)
    back = {their_group: our_group for our_group, their_group in pairs.items()}
    left = [r for r in moved.rows if not _baseline(r)]
    lines: list[Line] = []
    for row in theirs.rows:
        if _baseline(row) or row.kind == "outcome":
            continue
        partner = _partner(row, left, theirs)
        if partner is not None:
            left.remove(partner)
        group = row.group
        lines.append(Line(back.get(group) if group else None, group, row.kind, row.parameter, partner, row))
    for row in left:
        lines.append(Line(back[row.group] if row.group else None, row.group, row.kind, row.parameter, row, None))
    alone = [r for r in ours.rows if r.group is not None and r.group not in pairs and not _baseline(r)]
    lines += [Line(r.group, None, r.kind, r.parameter, r, None) for r in alone]
    return sorted(lines, key=lambda line: (STAGES[line.kind], line.group or line.own_group or 0))


def _baseline(row: Row) -> bool:
    return row.kind == "theta" and row.parameter.lower() == "baseline"


def _partner(row: Row, left: list[Row], theirs: Side) -> Row | None:
    """Our row of the same parameter: by its word; covariates also by their place, since names differ."""
    same = [r for r in left if r.kind == row.kind and r.group == row.group]
    named = [r for r in same if r.parameter.lower() == row.parameter.lower()]
    if named:
        return named[0]
    if row.kind in ("covariate", "drop_covariate") or (row.kind == "theta" and row.parameter.lower() != "constant"):
        printed_words = {r.parameter.lower() for r in theirs.of_kind(row.kind) if r.group == row.group} | {"constant"}
        unnamed = [r for r in same if r.parameter.lower() not in printed_words]
        return unnamed[0] if unnamed else None
    return None
