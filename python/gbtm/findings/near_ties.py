"""Other optima about as high as the best: in what their groups are others, and whether one of them is the sounder.

Half a unit of log-likelihood is a relative likelihood of 0.6: no data choose between two such readings of themselves.
An optimum where parameters have run to infinity, or a group is empty, is often a hair higher than a regular one; what
is within the rounding of a printed log-likelihood is no reason to prefer it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..data.panel import Panel
from ..estimation.covariance import Covariance, constrained_covariance, free_directions, within
from ..estimation.estimate import Estimate
from ..estimation.ledger import Optimum
from ..families.levels import level_names
from ..likelihood.derivatives import observed
from ..likelihood.matching import match_curves
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.one_set import marginal, marginal_layout, panel_of_set
from .data_checks import Finding
from .group_curves import EMPTY_SUBJECTS, predictors_at_means

NEAR_TIE = 0.5  # log-likelihood
WITHIN_ROUNDING = 1e-2  # of log-likelihoods, which are printed with two or three decimals
EXACT = 1e-6
FARTHEST = 1e3  # of the outcome's sd; curves may run off to infinity
OTHER_SHARE = 0.01
OTHER_CURVE = 0.05  # of the outcome's sd
LISTED = 4


@dataclass(frozen=True)
class Difference:
    """What another optimum has otherwise than the best, its groups matched to those of the best.

    Attributes
    ----------
    order : (K,) which of the other's groups is in the place of each
    shares, other_shares : (K,)
    outcome, group, time : where the curves are farthest apart: index of the outcome, group from 0, time
    mean, other_mean : the outcome's expectations there; of categories without an order their probabilities
    curve_gap : their difference in standard deviations of the outcome, or as it is
    level : the category
    """

    order: np.ndarray
    shares: np.ndarray
    other_shares: np.ndarray
    outcome: int
    group: int
    time: float
    mean: float
    other_mean: float
    curve_gap: float
    level: str | None = None

    @property
    def share_gap(self) -> float:
        return float(np.abs(self.shares - self.other_shares).max())

    @property
    def is_other(self) -> bool:
        """The groups are others to who looks at them."""
        return self.share_gap >= OTHER_SHARE or self.curve_gap >= OTHER_CURVE


def difference(layout: Layout, panel: Panel, best: np.ndarray, other: np.ndarray) -> Difference:
    """Shares and curves of two optima (p,) each, groups matched by :func:`match_curves`.

    Curves are those at mean covariates, at the distinct times, and where one of two matched groups is empty they are
    not compared. Of a dual model it is the set of groups that differs more.
    """
    if layout.spec.is_dual:
        each = [difference(
            marginal_layout(layout, s), panel_of_set(panel, layout.spec, s), marginal(layout, best, s)[0],
            marginal(layout, other, s)[0],
        ) for s in (0, 1)]
        s = int(np.argmax([max(d.share_gap, d.curve_gap) for d in each]))
        return replace(each[s], outcome=s)
    mine, weight = _standardised(layout, panel, best)
    theirs, _ = _standardised(layout, panel, other)
    shares, other_shares = layout.shares(best), layout.shares(other)
    order = match_curves(mine, theirs, shares, other_shares, layout.spec, 1.0, weight)
    theirs, other_shares = theirs[order], other_shares[order]
    gap = np.abs(mine - theirs)
    gap[np.minimum(shares, other_shares) * panel.n_subjects < EMPTY_SUBJECTS] = 0.0
    group, at = (int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
    where = [(m, time, level) for m, measures in enumerate(panel.outcomes)
             for time in measures.distinct_times[0].tolist() for level in _levels(layout, m)]
    m, time, level = where[at]
    part, sd = layout.outcomes[m], _spread(layout, panel, m)
    mean, other_mean = (part.centre + part.scale * sd * float(curves[group, at]) for curves in (mine, theirs))
    return Difference(
        order, shares, other_shares, m, group, time, mean, other_mean, float(gap[group, at]), level
    )


def _levels(layout: Layout, m: int) -> list[str | None]:
    """Of categories without an order their names, as their curves stand side by side; else one that is none."""
    spec = layout.outcomes[m].spec
    return [None] if spec.traits.has_mean else [*level_names(spec.codes, spec.levels)]


def _spread(layout: Layout, panel: Panel, m: int) -> float:
    """Standard deviation of an outcome, inside; of categories without an order 1."""
    if not layout.outcomes[m].spec.traits.has_mean:
        return 1.0
    return max(float(panel.outcomes[m].y.std()) / layout.outcomes[m].scale, 1e-12)


def _standardised(layout: Layout, panel: Panel, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curves of all outcomes (K, C) in their standard deviations, inside, and the observations at each time (C,)."""
    curves, weight = [], []
    for m, part in enumerate(layout.outcomes):
        with np.errstate(over="ignore", invalid="ignore"):
            shown = part.internal_family.shown(predictors_at_means(layout, panel, flat, m))  # (K, T, V)
            mean = shown.reshape(len(shown), -1) / _spread(layout, panel, m)
        curves.append(np.nan_to_num(mean, nan=FARTHEST, posinf=FARTHEST).clip(-FARTHEST, FARTHEST))
        weight.append(np.repeat(np.bincount(panel.outcomes[m].distinct_times[1]).astype(float), shown.shape[2]))
    return np.concatenate(curves, axis=1), np.concatenate(weight)


def examine_near_ties(
    layout: Layout, panel: Panel, module: Mixture, estimate: Estimate, cov: Covariance
) -> list[Finding]:
    """A finding ``near_tie``, or ``regular_twin`` where the fit is degenerate and a near tie within rounding is not."""
    best = estimate.search.optima[0]
    if not best.converged or best.collapsed:
        return []
    ties = []
    for rank, o in enumerate(estimate.search.optima[1:], start=2):
        if o.converged and not o.collapsed and estimate.objective - o.loglik < NEAR_TIE:
            d = difference(layout, panel, estimate.flat, o.flat)
            if d.is_other:
                ties.append((rank, o, d))
    if not ties:
        return []
    here = _degenerate(layout, panel, estimate.flat, cov)
    there = {r: _degenerate(layout, panel, o.flat, _covariance(layout, module, panel, o.flat)) for r, o, _ in ties}
    regular = [t for t in ties if not there[t[0]] and estimate.objective - t[1].loglik < WITHIN_ROUNDING]
    rank, o, d = regular[0] if here and regular else ties[0]
    text = _height(estimate, o) + _what_differs(layout, panel, d)
    get = f"fit(start=res.optimum({rank}))"
    others = [str(r) for r, _, _ in ties if r != rank]
    more = (f" {'Optima' if len(others) > 1 else 'Optimum'} {', '.join(others)} of the start report "
            f"{'are near ties' if len(others) > 1 else 'is one'} too.") if others else ""
    if here and regular:
        return [Finding(
            "regular_twin", None,
            f"This optimum is degenerate ({here}), and a regular one is within rounding of it: {text}. There all "
            f"parameters have standard errors: prefer it, {get} fits it.{more}",
        )]
    regular_there = "all parameters have standard errors" if here else ""
    sides = [f"{where} {what}" for where, what in (("here", here), ("there", there[rank] or regular_there)) if what]
    states = f" But {', '.join(sides)}." if sides else ""
    return [Finding(
        "near_tie", None,
        f"Near tie: {text}. The data do not choose between the two: report both, {get} fits the other.{states}{more}",
    )]


def _covariance(layout: Layout, module: Mixture, panel: Panel, flat: np.ndarray) -> Covariance:
    """That of another optimum, by its information."""
    _, _, hessian = observed(module, torch.as_tensor(flat, device=module.device)[None])
    info = within(-hessian[0].cpu().numpy(), free_directions(layout, flat))
    return constrained_covariance(layout, flat, info, "hessian", panel.nobs, None)


def _degenerate(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> str:
    """In words, why an optimum is not a regular one; empty where it is."""
    empty = [str(g + 1) for g in np.flatnonzero(layout.shares(flat) * panel.n_subjects < EMPTY_SUBJECTS)]
    if empty and not layout.spec.is_dual:
        return f"group {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty"
    if cov.negative:
        return "the Hessian is not negative definite"
    lost = [n for n, ok in zip(layout.names, cov.identified(layout.report_jacobian(flat)), strict=True) if not ok]
    if not lost:
        return ""
    shown = ", ".join(lost[:LISTED]) + (f" and {len(lost) - LISTED} more" if len(lost) > LISTED else "")
    return f"{shown} {'has' if len(lost) == 1 else 'have'} no standard error"


def _height(estimate: Estimate, o: Optimum) -> str:
    """How high the other is, and how many starts ended there."""
    search, gap = estimate.search, estimate.objective - o.loglik
    lower = "as high a log-likelihood" if gap < EXACT else f"a log-likelihood only {gap:.2g} lower"
    return f"another optimum, reached by {o.hits} of {search.n_starts} starts, has {lower} with other groups"


def _what_differs(layout: Layout, panel: Panel, d: Difference) -> str:
    """Shares, and where the curves are farthest apart."""
    swapped = "" if (d.order == np.arange(d.order.size)).all() else (
        f" (its groups {', '.join(str(g + 1) for g in d.order)} in the place of these)")
    shares, others = ("/".join(f"{100 * s:.1f}" for s in of) for of in (d.shares, d.other_shares))
    text = f"{swapped}: shares of {others} % instead of {shares} %"
    if d.curve_gap >= OTHER_CURVE:
        measures = panel.outcomes[d.outcome]
        of = f" of {measures.name}" if len(panel.outcomes) > 1 else ""
        what = "a mean" if d.level is None else f"a probability of {d.level}"
        text += (f", and at {measures.time_name} {d.time:g} {what}{of} of {d.other_mean:.3g} instead of {d.mean:.3g} "
                 f"in group {d.group + 1}")
    return text
