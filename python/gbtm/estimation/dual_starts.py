"""Starts of a dual model from the fits of its two sets of groups by themselves.

With the curves fixed, the log-likelihood is concave in the joint probabilities of the groups, sum_i log sum_jk pi_jk
f_ij g_ik: what is found there is the one maximum, a start for the joint fit and a check of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..likelihood.mixture import Mixture
from ..model.blocks import MEMBERSHIP
from ..model.layout import Layout
from .estimate import Estimate
from .newton import expectation, newton

FROM_EACH = 3  # optima of each set
TABLE_STEPS = 25  # of EM, before Newton's
NEWTON_STEPS = 60
TOLERANCE = 1e-12
LEAST_SHARE = 1e-10


@dataclass(frozen=True)
class TwoStep:
    """The joint probabilities at the curves of the separate fits.

    Attributes
    ----------
    flats : (B, p) starts for the joint fit, from the best optima of each set; those of the two best come first
    loglik : of the dual model at the first of them
    """

    flats: np.ndarray
    loglik: float


def two_step(module: Mixture, separate: tuple[tuple[Layout, Estimate], ...]) -> TwoStep:
    """The dual's membership coefficients at the curves of ``separate`` fits, one of each set of groups."""
    layout = module.layout
    flats = []
    each = [
        [o.flat for o in e.search.optima if o.converged and not o.collapsed][:FROM_EACH] or [e.flat]
        for _, e in separate
    ]
    pairs = [(a, b) for a in range(len(each[0])) for b in range(len(each[1]))]
    for a, b in sorted(pairs, key=sum):
        flat, tables = np.zeros(layout.size), []
        for s, (own, at) in enumerate(((separate[0][0], each[0][a]), (separate[1][0], each[1][b]))):
            _copy_curves(layout, flat, own, at, s)
            tables.append(own.shares(at))
        layout.set_shares(flat, np.outer(*tables).ravel().clip(min=1e-12))
        flats.append(flat)
    x = torch.as_tensor(np.stack(flats), device=module.device)
    with torch.no_grad():
        for _ in range(TABLE_STEPS):
            gathered = expectation(module, x)[1]
            x = x.clone()
            x[:, layout.theta] = module.membership.m_step(x, gathered)
        directions = torch.eye(layout.size, dtype=x.dtype, device=x.device)[:, layout.theta]
        climbed = newton(module, x, steps=NEWTON_STEPS, tolerance=TOLERANCE, directions=directions)
    return TwoStep(climbed.flat.cpu().numpy(), float(module.total_loglik(climbed.flat[:1])[0]))


def of_one_set(layout: Layout, flat: np.ndarray, own: Layout, group_set: int) -> np.ndarray:
    """Parameters (q,) of one set of groups by itself, with the curves and shares that a dual's (p,) have."""
    out = np.zeros(own.size)
    for there, here in _same_blocks(layout, own, group_set):
        out[here] = flat[there]
    own.set_shares(out, np.maximum(layout.marginal(layout.shares(flat), group_set), LEAST_SHARE))
    return out


def _copy_curves(layout: Layout, flat: np.ndarray, own: Layout, values: np.ndarray, group_set: int) -> None:
    """The curves of one set of groups into a dual's parameters (p,), in place."""
    for there, here in _same_blocks(layout, own, group_set):
        flat[there] = values[here]


def _same_blocks(layout: Layout, own: Layout, group_set: int) -> Iterator[tuple[slice, slice]]:
    """Where the curves of one set of groups stand in a dual, and by themselves."""
    places = {(b.outcome, b.predictor, b.group): b for b in layout.blocks}
    for b in own.blocks:
        if b.outcome != MEMBERSHIP:
            # dropout comes after all outcomes
            m = len(layout.outcomes) if b.outcome == len(own.outcomes) else b.outcome + group_set
            yield places[m, b.predictor, b.group].entries, b.entries


def independent(layout: Layout, separate: tuple[tuple[Layout, np.ndarray], ...]) -> np.ndarray:
    """A dual's parameters (p,) at which the groups of the two outcomes do not depend on each other: those of the two
    ``separate`` fits, layout and parameters of each."""
    assert layout.transitions is not None
    flat = np.zeros(layout.size)
    for s, (own, at) in enumerate(separate):
        _copy_curves(layout, flat, own, at, s)
    (first, at), (second, second_at) = separate
    layout.set_membership(flat, first.membership_coefficients(at))
    in_users = second.membership_coefficients(second_at) @ second.membership.to_user.T  # (K, 1 + r)
    t = layout.transitions
    wanted = np.hstack([np.repeat(in_users[:, :1], t.n_from, axis=1), in_users[:, 1:]])
    t.set_coefficients(flat, np.linalg.solve(t.basis.coordinates.to_user, wanted.T).T)
    return flat
