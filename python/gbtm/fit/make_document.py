"""From an estimate to the fit document: everything a reader of the fit will want, as plain values and arrays."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from .._version import __version__
from ..data.measures import Measures
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate, Search
from ..findings.fit_checks import examine
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.outcome import prepare
from ..model.prepared import Prepared
from .shared_data import shared_fields

FORMAT_VERSION = 1


def make_document(prepared: Prepared, module: Mixture, estimate: Estimate, cov: Covariance) -> dict[str, Any]:
    """The fit document as a dict of plain values and numpy arrays; see docs/fit-document.md for its fields."""
    layout, panel = prepared.layout, prepared.panel
    with torch.no_grad():
        at = torch.as_tensor(estimate.flat, device=module.device)[None]
        posterior = module.posterior(at)[0].T.cpu().numpy()
        posterior = np.ascontiguousarray(posterior if module.expand is None else posterior[module.expand])
        held_out = _held_out(prepared, at)
    jacobian = layout.report_jacobian(estimate.flat)
    cov_params, identified = cov.reported(jacobian)
    cov_shares, _ = cov.reported(layout.shares_jacobian(estimate.flat)) if layout.n_groups > 1 else (
        np.zeros((1, 1)), None)
    findings = examine(layout, panel, estimate, cov)
    known = shared_fields(panel)
    return {
        "format": "gbtm-fit",
        "format_version": FORMAT_VERSION,
        "created_by": f"gbtm {__version__}",
        "formula": prepared.formula,
        "inputs": prepared.inputs,
        "spec": asdict(layout.spec),
        "outcomes": [
            {
                "name": part.name, "time_name": m.time_name, "centre": part.centre, "scale": part.scale,
                "bases": {p: b.document for p, b in part.bases.items()},
                "coefficients": {p: layout.coefficients(estimate.flat, i, p) for p in part.reported},
                "positions": {
                    p: np.where(layout.index[i][p] == layout.size, -1, layout.index[i][p]).astype(float)
                    for p in part.reported
                },
                "offsets": {p: layout.offset[i][p] for p in part.reported},
                "columns": list(m.columns),
                "time_scale": part.time_scale,
                "covariates": None if part.covariates is None else part.covariates.document,
                "profile": _profile(m, prepared.profile) if m.covariate_names else None,
            }
            for i, (part, m) in enumerate(zip(layout.outcomes, panel.outcomes, strict=True))
        ],
        "dropout": None if panel.departures is None else {
            "basis": layout.parts[-1].bases["dropout"].document,
            "covariates": None if layout.parts[-1].covariates is None else layout.parts[-1].covariates.document,
            "n_waves": 0 if panel.history is None else panel.history.n_waves,
            "n_records": panel.departures.nobs, "n_dropped": int(panel.departures.y.sum()),
            "records": known["records"],
        },
        "id_name": str(panel.ids.name or "id"),
        "ids": known["ids"],
        "names": layout.names,
        "traj_names": layout.traj_names,
        "blocks": layout.document,
        "params": layout.report(estimate.flat),
        "cov_params": cov_params,
        "cov_type": cov.cov_type,
        "identified": identified.tolist(),
        "internal": {"params": estimate.flat, "cov": cov.internal, "undetermined": cov.undetermined},
        "loglik": estimate.loglik,
        "nobs": panel.nobs,
        "n_subjects": panel.n_subjects,
        "shares": layout.shares(estimate.flat),
        "cov_shares": cov_shares,
        "posterior": posterior,
        "out_of_sample": held_out,
        "data": known["data"],
        "membership": {
            **layout.membership.document, "positions": np.where(
                layout.theta_index == layout.size, -1, layout.theta_index).astype(float),
            "coefficients": layout.membership_coefficients(estimate.flat),
            "risk": known["risk"],
        },
        "weights": known["weights"],
        "cluster": known["cluster"],
        "stratum": known["stratum"],
        "search": _search_document(layout, module, panel.outcomes[0].time, estimate.search, estimate.loglik),
        "certificate": asdict(estimate.certificate),
        "warnings": [asdict(f) for f in findings],
        "dropped": known["dropped"],
        "seconds": estimate.seconds,
    }


def _held_out(prepared: Prepared, at: torch.Tensor) -> dict[str, Any] | None:
    """Ids and posteriors (N', K) of the subjects that were left out of the fit to be scored."""
    panel = prepared.held_out
    if panel is None:
        return None
    module = Mixture(prepared.layout, prepare(panel, prepared.spec, check_size=False)).to(at.device)
    posterior = module.posterior(at)[0].T.cpu().numpy()
    return {"ids": panel.ids.tolist(), "posterior": posterior if module.expand is None else posterior[module.expand]}


def _profile(measures: Measures, given: np.ndarray | None) -> dict[str, Any]:
    """Covariates at which curves are drawn: those given for each wave (T, q), or their means."""
    if given is None:
        return {"times": np.zeros(1), "values": measures.covariates.mean(axis=0)[None]}
    count = np.bincount(measures.wave, minlength=len(given))
    times = np.bincount(measures.wave, measures.time, minlength=len(given))[count > 0] / count[count > 0]
    return {"times": times, "values": given[count > 0]}


def _search_document(
    layout: Layout, module: Mixture, times: np.ndarray, search: Search, loglik: float
) -> dict[str, Any]:
    """Start report: the distinct optima, how often each was reached, and how it differs from the best."""
    best = search.optima[0]
    reference = _curves(layout, module, best.flat)
    optima = []
    for rank, o in enumerate(search.optima):
        optima.append(
            {
                "rank": rank + 1, "loglik": loglik if rank == 0 else o.loglik,
                "difference": 0.0 if rank == 0 else o.loglik - loglik, "hits": o.hits, "converged": o.converged,
                "collapsed": o.collapsed, "shares": layout.shares(o.flat).tolist(),
                "how": "best" if rank == 0 else _difference(layout, reference, module, best.flat, o.flat),
            }
        )
    return {
        "optima": optima, "n_starts": search.n_starts, "n_moves": search.n_moves, "n_failed": search.n_failed,
        "found_by_move": search.found_by_move, "out_of_time": search.out_of_time, "user_start": search.user_start,
        "sentence": _search_sentence(search),
    }


def _curves(layout: Layout, module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Expected outcome of each group (K, C) in internal units."""
    with np.errstate(over="ignore"):
        return layout.outcomes[0].internal_family.expected(module.curves(flat))


def _difference(layout: Layout, reference: np.ndarray, module: Mixture, best: np.ndarray, other: np.ndarray) -> str:
    """In words: which group's curve or share differs most from the best optimum's."""
    gap = np.abs(_curves(layout, module, other) - reference).max(axis=1)
    share_gap = 100 * np.abs(layout.shares(other) - layout.shares(best))
    group, by = int(np.argmax(gap)) + 1, float(gap.max()) * layout.outcomes[0].scale
    return f"curve of group {group} differs by up to {by:.3g}; shares by up to {share_gap.max():.1f} points"


def _search_sentence(search: Search) -> str:
    best = search.optima[0]
    if search.user_start:
        return "Fitted from the start values given; no other starts were tried."
    n = search.n_starts
    where = "" if search.start_subjects is None else f" (tried on a random {search.start_subjects} subjects)"
    if search.found_by_move:
        reached = (
            f"None of {n} starts{where} reached the best optimum by itself; it was found by rearranging the groups "
            f"of the optima they found ({search.n_moves} further starts)"
        )
    else:
        reached = f"{best.hits} of {n} starts{where} reached the best optimum"
    rivals = [o for o in search.optima[1:] if o.converged and not o.collapsed]
    if rivals:
        reached += f"; the next best is {best.loglik - rivals[0].loglik:.3f} lower ({rivals[0].hits} of {n})"
    elif n > 1:
        reached += "; no other optimum was found"
    return reached + "."
