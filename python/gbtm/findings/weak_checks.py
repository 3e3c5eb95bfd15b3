"""Fits whose log-likelihood is no parabola within the Wald intervals, which may then hold the truth too seldom.

Each parameter's measure is |log(fall / 1.92)|, fall being that of the log-likelihood at an end of its 95 % interval, as
a mean over both ends. A fit is weak where the mean over all parameters, or over those of one group, is large. A single
parameter's is not enough: a slope of a group whose probabilities come near 1 has a skew profile in fits whose intervals
all cover. The bounds are set by simulation, see docs/coverage.md.
"""

from __future__ import annotations

import numpy as np

from ..estimation.covariance import Covariance, free_directions
from ..estimation.parabola import PARABOLA, falls
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from .data_checks import Finding

WEAK = 0.3  # mean over all parameters; a parameter beyond it is named
WEAK_GROUP = 0.7  # mean over one group's parameters
MOST = 10.0  # times that a fall is as large, or as small, as a parabola's; what is beyond counts as this
LISTED = 6
HIGHER = 0.05  # log-likelihood beside the estimates above that at them, from which on they are no global maximum
FIXED = 1e-9  # share of a parameter's gradient that is free to move, below which it is not


def examine_weakness(
    module: Mixture, flat: np.ndarray, cov: Covariance, *, weighted: bool, no_bound: bool = False
) -> list[Finding]:
    """One sentence that names the parameters whose Wald intervals are not to be trusted; none of a fit that is sound.

    ``weighted``: there are sampling weights, with which no profile has a known law. ``no_bound``: places where the
    likelihood has none are known, and what is higher nearby may be the way to one of these.
    """
    layout = module.layout
    fall = _falls(module, flat, cov)
    looked = np.isfinite(fall).all(axis=0)
    if not looked.any():
        return []
    if float(np.nanmin(fall)) < -HIGHER:
        return [_fell_short(layout, -float(np.nanmin(fall)), no_bound)]
    off = np.abs(np.log(np.clip(fall / PARABOLA, 1 / MOST, MOST)))
    each = off.mean(axis=0)
    owner = np.full(layout.size, -1)
    for b in layout.blocks:
        owner[b.entries] = -1 if b.group is None or layout.spec.is_dual else b.group
    of_groups = [each[looked & (owner == g)] for g in range(layout.n_groups)]
    if each[looked].mean() <= WEAK and not any(mine.size and mine.mean() > WEAK_GROUP for mine in of_groups):
        return []
    named = looked & (each > WEAK)
    groups = set(owner[named].tolist())
    # what is too flat is told first: the interval is too short there
    shallow = int(np.nanargmin(np.where(looked, fall, np.nan)))
    flat_enough = off.flat[shallow] > WEAK and fall.flat[shallow] < PARABOLA
    side, worst = np.unravel_index(shallow if flat_enough else int(np.nanargmax(off)), off.shape)
    names = [n for n, is_mine in zip(layout.names, named, strict=True) if is_mine]
    listed = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
    deep = float(fall[side, worst])
    only = " only" if flat_enough else ""
    lower = f"is{only} {deep:.2g} lower than" if deep > 0 else "is no lower than"
    prior = layout.spec.prior
    maximised = "log-likelihood" if prior is None else "penalised log-likelihood"
    finite = ", or use prior='weak' where parameters run to infinity" if flat_enough and prior is None else ""
    instead = "gbtm.bootstrap()" if weighted or layout.constraints is not None else "profile_int() or gbtm.bootstrap()"
    return [
        Finding(
            "weak_fit", groups.pop() + 1 if len(groups) == 1 and groups != {-1} else None,
            f"The data determine this fit weakly: Wald intervals and tests of {listed} are not to be trusted, and "
            "those of shares and curves may hold the truth too seldom. 1.96 standard errors "
            f"{'above' if side else 'below'} {layout.names[worst]} the {maximised} {lower} at the "
            f"estimates, where standard errors take it to be {PARABOLA:.3g} lower. Use {instead}, or fit fewer "
            f"groups or lower orders{finite}.",
        )
    ]


def _fell_short(layout: Layout, higher: float, no_bound: bool) -> Finding:
    what = "log-likelihood" if layout.spec.prior is None else "penalised log-likelihood"
    if no_bound:
        return Finding(
            "weak_fit", None,
            f"Within the intervals of these estimates lies a {what} {higher:.3g} higher than theirs: the way to a "
            "place without bound, or another optimum, which more starts may find. Wald intervals and tests are not to "
            "be trusted; use gbtm.bootstrap(), or fit fewer groups.",
        )
    return Finding(
        "fell_short", None,
        f"The search fell short: within the intervals of these estimates lies a {what} {higher:.3g} higher than "
        "theirs, so that another optimum is better. Fit again with the default search (n_starts=None) or with more "
        "starts.",
    )


def _falls(module: Mixture, flat: np.ndarray, cov: Covariance) -> np.ndarray:
    """(2, p) as :func:`falls` has them, NaN for what has no standard error or was not looked at."""
    jacobian = module.layout.report_jacobian(flat)
    information = cov.internal if cov.by_information is None else cov.by_information
    variance = np.einsum("rp,pq,rq->r", jacobian, information, jacobian)
    known = cov.identified(jacobian) & (variance > 0)
    free = free_directions(module.layout, flat)
    if free is not None:  # what constraints fix has no interval
        known &= np.linalg.norm(jacobian @ free, axis=1) > FIXED * np.linalg.norm(jacobian, axis=1)
    out = np.full((2, flat.size), np.nan)
    if known.any() and not cov.negative:
        out[:, known] = falls(module, flat, information, jacobian[known])
    return np.where(np.isposinf(out), MOST * PARABOLA, out)
