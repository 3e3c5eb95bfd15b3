"""One step: the trajectories fitted again with membership covariates in the model, for comparison with three steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..step_three.problem import MembershipStructure

if TYPE_CHECKING:
    from ..fit.fit import Fit


def one_step(fit: Fit, structure: MembershipStructure, rows: np.ndarray) -> Fit:
    """The fit with the covariates of ``structure`` as ``risk``, of the people at ``rows`` (n,), from where it is."""
    from ..data.subjects import Subjects
    from ..estimation.control import Control
    from ..fit.fit_model import fit_model
    from ..model.prepared import Prepared
    from ..record.rebuild import panel_of, parts_of

    if any("theta" in text for text in fit.spec.constraints):
        fit.spec.refuse_constraints(
            "method", "which name membership logits; with covariates these mean something else.",
            "Give the covariates to the fit itself, as risk.")
    z = np.zeros((fit.n_subjects, len(structure.covariates)))
    z[rows] = structure.z.numpy()[:, 1:]
    out = np.ones(fit.n_subjects, dtype=bool)
    out[rows] = False
    known = Subjects(
        risk=z, risk_names=structure.covariates, weights=fit.weights, cluster=fit.cluster, stratum=fit.stratum,
        held_out=out if out.any() else None, known_groups=fit.known_groups,
    )
    bases = [p.bases["mean"] for p in parts_of(fit) if "mean" in p.bases]
    spec = replace(fit.spec, reference=structure.reference)
    prepared = Prepared.of(replace(panel_of(fit), known=known), spec, bases, formula=fit.formula)
    layout = prepared.layout
    curves = {n: fit.params[n] for b in fit.blocks if b.kind != "theta" for n in fit.names[b.entries]}
    shares = fit.group_sets[0].shares
    theta = {f"theta[{k + 1}]": float(np.log(s / shares[structure.reference])) for k, s in enumerate(shares)}
    start = np.array([curves.get(n, theta.get(n, 0.0)) for n in layout.names])
    kind = None if fit.cov_type in ("hessian", "robust", "cluster") else fit.cov_type
    document = fit_model(prepared, Control(n_starts=1), cov_type=kind, user_starts=layout.unreport(start)[None])
    return fit.like(document)
