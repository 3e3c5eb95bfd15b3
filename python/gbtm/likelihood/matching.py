"""Which group of one fit is which of another: labels are arbitrary, and resampling would mix groups up.

Only groups of one specification (:meth:`~gbtm.specification.spec.ModelSpec.group_key`) may change places.
``order`` (K,) says that group k of the reference is group ``order[k]`` of the other fit, as
:meth:`~gbtm.model.layout.Layout.permute` takes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..specification.spec import ModelSpec

if TYPE_CHECKING:
    from .mixture import Mixture

FARTHEST = 1e3  # standard deviations of the outcome; curves may run off to infinity
FORBIDDEN = 1e9
ROUNDING = 1e-9
NOBODY = 0.5  # people below which a group is anything


def match_posteriors(
    reference: np.ndarray, other: np.ndarray, spec: ModelSpec, weight: np.ndarray | None = None
) -> np.ndarray:
    """The order that puts most people into the same groups.

    Maximises sum_i w_i sum_k P_ik Q_i,order[k] over the orders allowed (assignment problem, solved exactly).

    Parameters
    ----------
    reference, other : (N, K) posterior probabilities of the same people
    weight : (N,), ones by default

    Returns
    -------
    order : (K,) int
    """
    if not spec.is_dual:
        return _assign(-_shared(reference, other, weight), spec)
    first, second = (
        _assign(-_shared(_margin(reference, spec, s), _margin(other, spec, s), weight), spec, s) for s in (0, 1)
    )
    return np.asarray((first[:, None] * spec.set_sizes[1] + second).ravel())


def _margin(posterior: np.ndarray, spec: ModelSpec, group_set: int) -> np.ndarray:
    """(N, C) of the pairs of groups -> (N, K) of the groups of a set."""
    return posterior.reshape(len(posterior), *spec.set_sizes).sum(axis=2 - group_set)


def is_crossed(
    reference: np.ndarray, other: np.ndarray, order: np.ndarray, weight: np.ndarray | None = None
) -> bool:
    """Whether an order that the specification forbids would put more people into the same groups.

    The people of one group are then found in a group of other shape, in whose place it cannot be put: a fit with
    orders 0 and 2, say, whose flat curve is now that of the others.
    """
    shared = _shared(reference, other, weight)
    agreement = shared[np.arange(len(order)), order].sum()
    return bool(shared[linear_sum_assignment(-shared)].sum() > agreement + ROUNDING)


def same_people(reference: np.ndarray, other: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Whether each group is that of the reference: liker to it than to any other, and no other group liker to that.

    Two groups are as like as the cosine of their posterior probabilities, sum_i w_i P_ik Q_ij over the root of the
    product of their sums of squares, which does not ask how large they are. Stricter than an order that is the same: of
    two groups that have become halves of one, one has taken another's place in either order. Groups that hold nobody in
    either are left out.

    Parameters
    ----------
    reference, other : (B, N, K) posterior probabilities of the same people
    weight : (N,), ones by default

    Returns
    -------
    (B,) bool
    """
    root = np.ones((reference.shape[1], 1)) if weight is None else np.sqrt(weight)[:, None]
    p, q = np.nan_to_num(reference) * root, np.nan_to_num(other) * root
    squares = (p**2).sum(1)[:, :, None] * (q**2).sum(1)[:, None]  # (B, K, K)
    like = np.swapaxes(p, 1, 2) @ q / np.sqrt(np.maximum(squares, 1e-300))
    nobody = ((p * root).sum(1) < NOBODY) & ((q * root).sum(1) < NOBODY)
    like[nobody[:, :, None] | nobody[:, None]] = 0.0
    own = np.diagonal(like, axis1=1, axis2=2)
    kept = (own > 0) & (own >= like.max(2)) & (own >= like.max(1))
    return np.asarray((kept | nobody).all(1))


def _shared(reference: np.ndarray, other: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """(K, K) share of the people who are in group k of the one and group j of the other."""
    weighted = reference if weight is None else reference * weight[:, None]
    return np.asarray(weighted.T @ other) / max(float(weighted.sum()), 1e-300)


def match_curves(
    reference: np.ndarray, other: np.ndarray, shares: np.ndarray, other_shares: np.ndarray, spec: ModelSpec,
    sd: float, weight: np.ndarray | None = None,
) -> np.ndarray:
    """The order that brings the curves closest; for fits that have no people in common.

    The cost of taking j for k is the root mean square difference of their curves in standard deviations of the
    outcome, plus the absolute difference of their shares.

    Parameters
    ----------
    reference, other : (K, C) expected outcomes at the same times
    shares, other_shares : (K,) group shares
    sd : standard deviation of the outcome
    weight : (C,) of the times, ones by default

    Returns
    -------
    order : (K,) int
    """
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.nan_to_num(np.abs(reference[:, None] - other[None]) / sd, nan=FARTHEST, posinf=FARTHEST)
    distance = np.sqrt(np.average(gap.clip(max=FARTHEST) ** 2, axis=2, weights=weight))
    return _assign(distance + np.abs(shares[:, None] - other_shares[None]), spec)


def _assign(cost: np.ndarray, spec: ModelSpec, group_set: int = 0) -> np.ndarray:
    """Cheapest order (K,) of costs (K, K) among groups of one specification."""
    keys = [spec.group_key(g, group_set) for g in range(spec.set_sizes[group_set])]
    apart = np.array([[a != b for b in keys] for a in keys])
    return np.asarray(linear_sum_assignment(np.where(apart, FORBIDDEN, cost))[1])


class Matcher:
    """Brings the estimates of replicates into the group order of one fit.

    A replicate's parameters are judged by the posterior probabilities that they give the people of the fit.

    Parameters
    ----------
    module : the likelihood of the fit's people
    flat : (p,) the fit's internal parameters
    """

    def __init__(self, module: Mixture, flat: np.ndarray) -> None:
        self.layout, self.module = module.layout, module
        self.weight = self.module.weight.cpu().numpy()
        self.reference = self._posteriors(flat[None])[0]

    def _posteriors(self, flats: np.ndarray) -> np.ndarray:
        """(B, p) -> (B, N, K)"""
        import torch

        with torch.no_grad():
            return self.module.posterior(torch.as_tensor(flats)).transpose(1, 2).cpu().numpy()

    def same_people(self, references: np.ndarray, flats: np.ndarray) -> np.ndarray:
        """Internal parameters (B, p) and (B, p) -> (B,) bool, whether each group is the same by its people
        (:func:`same_people`)."""
        return same_people(self._posteriors(references), self._posteriors(flats), self.weight)

    def order(self, flat: np.ndarray) -> tuple[np.ndarray, bool]:
        """Internal parameters (p,) -> order (K,), and whether it is crossed (:func:`is_crossed`)."""
        return self.order_of(self._posteriors(flat[None])[0])

    def order_of(self, other: np.ndarray) -> tuple[np.ndarray, bool]:
        """As :meth:`order`, from the posterior probabilities (N, K) that another model gives the same people."""
        order = match_posteriors(self.reference, other, self.layout.spec, self.weight)
        return order, is_crossed(self.reference, other, order, self.weight)

    def same_order(self, flat: np.ndarray) -> bool:
        """Whether no other order of the groups at internal parameters (p,) would put more people into the same groups;
        not where they have no posterior probabilities, beyond what can be computed."""
        if not np.isfinite(self._posteriors(flat[None])).all():
            return False
        order, crossed = self.order(flat)
        return not crossed and bool((order == np.arange(order.size)).all())

    def match(self, params: np.ndarray) -> tuple[np.ndarray, bool]:
        """As :meth:`order`, from parameters (p,) in the user's units."""
        return self.order(self.layout.unreport(params))

    def matched(self, params: np.ndarray) -> np.ndarray:
        """Parameters (p,) in the user's units, the groups in the order of the fit."""
        return self.layout.permute(params, self.match(params)[0])
