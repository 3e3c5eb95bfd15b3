"""One set of groups of a dual model by itself: its layout, its data, and what a dual's parameters say of it.

The log-likelihood of a dual model in which the second set does not depend on the first, pi_k|j = pi_k, is the sum of
those of its two sets by themselves. People without an observation of an outcome stay: their density of it is 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data.panel import Panel
from ..specification.spec import ModelSpec
from .blocks import MEMBERSHIP
from .layout import Layout, make_layout
from .prepared import Prepared


def panel_of_set(panel: Panel, spec: ModelSpec, group_set: int) -> Panel:
    """The panel with the outcomes of one set; its membership covariates are those of that set."""
    outcomes = tuple(o for m, o in enumerate(panel.outcomes) if spec.set_of(m) == group_set)
    known = panel.known
    if known is not None and group_set:
        known = replace(known, risk=known.second_risk, risk_names=known.risk2_names, risk_design=known.risk2_design,
                        risk_levels=(), known_groups=known.known_groups2)
    if known is not None:
        known = replace(known, risk2=None, risk2_names=(), risk2_design=None, known_groups2=None)
    if group_set:
        return replace(panel, outcomes=outcomes, known=known, history=None, departures=None)
    return replace(panel, outcomes=outcomes, known=known)


def prepared_of_set(prepared: Prepared, group_set: int) -> Prepared:
    """The model of one set of groups by itself."""
    spec = prepared.spec
    panel = panel_of_set(prepared.panel, spec, group_set)
    bases = prepared.bases
    if bases is not None:
        bases = [b for m, b in enumerate(bases) if spec.set_of(m) == group_set]
    own = spec.of_set(group_set)
    return Prepared(panel, own, make_layout(panel, own, bases), bases)


def marginal_layout(layout: Layout, group_set: int) -> Layout:
    """The layout of one set of groups with the shares that it has in all: those of the second set are averages over the
    first set's groups and the subjects, without covariates."""
    spec = layout.spec
    parts = tuple(p for m, p in enumerate(layout.parts) if spec.set_of(m) == group_set)
    if group_set:
        return Layout(spec.of_set(1), parts)
    has_covariates = layout.membership.width > 1
    return Layout(spec.of_set(0), parts, layout.membership, layout.z if has_covariates else None,
                  layout.weights if has_covariates else None)


def marginal(layout: Layout, flat: np.ndarray, group_set: int) -> tuple[np.ndarray, np.ndarray]:
    """Parameters (q,) of :func:`marginal_layout` at those of a dual model (p,), and their derivative (q, p)."""
    own = marginal_layout(layout, group_set)
    out, jacobian = np.zeros(own.size), np.zeros((own.size, layout.size))
    parts = [m for m in range(len(layout.parts)) if layout.spec.set_of(m) == group_set]
    place = {m: i for i, m in enumerate(parts)} | {MEMBERSHIP: MEMBERSHIP}
    there = {
        (place[b.outcome], b.predictor, b.group): b
        for b in layout.blocks if b.predictor != "theta2" and b.outcome in place
    }
    for b in own.blocks:
        if b.outcome == MEMBERSHIP and group_set:
            continue
        source = there[b.outcome, b.predictor, b.group]
        out[b.entries] = flat[source.entries]
        jacobian[b.entries, source.entries] = np.eye(b.width)
    if group_set:
        shares = layout.marginal(layout.shares(flat), 1)
        slopes = layout.marginal(layout.shares_jacobian(flat), 1, axis=0) / shares[:, None]
        own.set_shares(out, shares)
        for g, at in enumerate(own.theta_index[:, 0]):
            if g != own.reference:
                jacobian[at] = slopes[g] - slopes[own.reference]
    return out, jacobian
