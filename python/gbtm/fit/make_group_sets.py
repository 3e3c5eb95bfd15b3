"""The sets of groups of a fit as the fit document has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..design.covariate_basis import membership_basis
from ..estimation.covariance import Covariance
from ..model.layout import Layout
from ..model.prepared import Prepared

Posteriors = tuple[np.ndarray, np.ndarray | None]


def group_sets(
    prepared: Prepared, flat: np.ndarray, cov: Covariance, posteriors: Posteriors, inputs: dict[str, Any] | None,
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The document's ``group_sets``, and its ``dual`` where there are two.

    Parameters
    ----------
    posteriors : (N, C) of the people fitted and (N', C) of those held out, of the classes
    inputs : how the membership covariates were read
    """
    layout, subjects = prepared.layout, prepared.panel.subjects
    posterior, held_out = posteriors
    jacobian = layout.shares_jacobian(flat)
    sets = []
    for s, size in enumerate(layout.spec.set_sizes):
        own = layout.marginal(jacobian, s, axis=0)
        cov_shares = cov.reported(own)[0] if size > 1 else np.zeros((1, 1))
        sets.append({
            "n_groups": size, "reference": layout.reference if s == 0 else layout.spec.second_reference,
            "inputs": inputs if s == 0 or inputs is None else {"risk": None},
            "membership": _margins(layout, flat) if s else _membership(
                layout, flat, subjects.risk if subjects.risk_names else None),
            "shares": layout.marginal(layout.shares(flat), s), "cov_shares": cov_shares,
            "posterior": layout.marginal(posterior, s),
            "out_of_sample": None if held_out is None else layout.marginal(held_out, s),
        })
    if layout.transitions is None:
        return sets, None
    t = layout.transitions
    return sets, {
        "basis": t.basis.document, "coefficients": t.coefficients(flat), "positions": positions(t.index, layout),
        "risk": subjects.risk2 if subjects.risk2_names else None, "shares": layout.shares(flat),
        "jacobian": jacobian, "posterior": posterior,
        "out_of_sample": held_out,
    }


def _membership(layout: Layout, flat: np.ndarray, risk: np.ndarray | None) -> dict[str, Any]:
    return {
        **layout.membership.document, "positions": positions(layout.theta_index, layout),
        "coefficients": layout.membership_coefficients(flat), "risk": risk,
    }


def _margins(layout: Layout, flat: np.ndarray) -> dict[str, Any]:
    """The second set's shares in all as logits, which are no parameters of a dual model."""
    log_shares = np.log(np.maximum(layout.marginal(layout.shares(flat), 1), 1e-300))
    relative = log_shares - log_shares[layout.spec.second_reference]
    basis = membership_basis(np.zeros((1, 0)), ())
    return {
        **basis.document, "positions": np.full((relative.size, 1), -1.0),
        "coefficients": (relative / basis.mix[0, 0])[:, None], "risk": None,
    }


def positions(index: np.ndarray, layout: Layout) -> np.ndarray:
    """Places among the internal parameters, -1 where there is none."""
    return np.where(index == layout.size, -1, index).astype(float)
