"""From an estimate to the fit document: everything a reader of the fit will want, as plain values and arrays."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from .._version import __version__
from ..constants import SHARED
from ..data.measures import Measures
from ..data.panel import Panel
from ..design.time_polynomials import TimePolynomials
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate, Search
from ..estimation.score_variance import degrees_of_freedom
from ..findings.data_checks import Finding
from ..findings.fit_checks import examine
from ..findings.near_ties import Difference, difference, examine_near_ties
from ..likelihood.mixture import Mixture
from ..model.blocks import MEMBERSHIP
from ..model.layout import Layout
from ..model.outcome import OutcomePart, prepare
from ..model.prepared import Prepared
from ..record.constraint_record import constraint_document
from ..record.document import FORMAT, FORMAT_VERSION
from ..record.event_record import event_document
from ..record.inputs import split_inputs
from ..record.parameters import internal_document
from ..record.shared_data import IF_THERE, shared_fields
from .make_group_sets import group_sets, positions
from .scoring import ids_of_scored

WAVES_MOST: int = SHARED["waves_most"]
BINS: int = SHARED["bins"]
SMALL_GAP = 5e-4  # between log-likelihoods, which three decimals do not show
DRIVER = 0  # the outcome whose lags drive dropout


def make_document(prepared: Prepared, module: Mixture, estimate: Estimate, cov: Covariance) -> dict[str, Any]:
    """The fit document as a dict of plain values and numpy arrays; see docs/fit-document.md for its fields."""
    layout, panel = prepared.layout, prepared.panel
    posteriors = _posteriors(prepared, module, estimate)
    ties = examine_near_ties(layout, panel, module, estimate, cov)
    findings = examine(layout, panel, estimate, cov, posteriors[0], module) + ties
    df = degrees_of_freedom(cov.cov_type, panel.subjects, layout.n_free)
    return document_of(prepared, estimate, cov, posteriors, findings, near_tie=bool(ties), df=df)


def document_of(
    prepared: Prepared, estimate: Estimate, cov: Covariance, posteriors: tuple[np.ndarray, np.ndarray | None],
    findings: list[Finding], *, near_tie: bool, df: float | None,
) -> dict[str, Any]:
    """The fit document of what was found.

    Parameters
    ----------
    posteriors : of the people fitted, and of those held out
    df : degrees of freedom of t; None for the normal distribution
    """
    layout, panel = prepared.layout, prepared.panel
    cov = cov.without(layout.given_units)
    jacobian = layout.report_jacobian(estimate.flat)
    cov_params, identified = cov.reported(jacobian)
    shared, (inputs, of_outcomes, of_groups) = shared_fields(panel), split_inputs(prepared.inputs, len(panel.outcomes))
    held_out = prepared.held_out
    groups, dual = group_sets(prepared, estimate.flat, cov, posteriors, of_groups)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_by": f"gbtm {__version__}",
        "formula": prepared.formula,
        "inputs": inputs,
        "id_name": str(panel.ids.name or "id"),
        "ids": shared["ids"],
        "out_of_sample_ids": None if held_out is None else ids_of_scored(held_out).tolist(),
        "outcomes": _outcomes(prepared, estimate, shared, of_outcomes),
        "group_sets": groups,
        **({} if dual is None else {"dual": dual}),
        **event_document(layout.parts[-1], panel.subjects.event),
        "names": layout.names,
        "traj_names": layout.traj_names,
        "blocks": _blocks(layout),
        **constraint_document(layout, estimate.flat, cov_params),
        "cov_type": cov.cov_type,
        **({} if df is None else {"df_inference": df}),
        "identified": identified.tolist(),
        "internal": internal_document(estimate.flat, cov, jacobian),
        "loglik": estimate.loglik,
        **prior_document(layout, estimate),
        "nobs": panel.nobs,
        "n_subjects": panel.n_subjects,
        "weights": shared["weights"],
        "cluster": shared["cluster"],
        "stratum": shared["stratum"],
        **{name: shared[name] for name in IF_THERE if name in shared},
        "search": _search_document(layout, panel, estimate, near_tie=near_tie),
        "certificate": asdict(estimate.certificate),
        "warnings": [asdict(f) for f in findings],
        "dropped": shared["dropped"],
        "seconds": estimate.seconds,
    }


def prior_document(layout: Layout, estimate: Estimate) -> dict[str, Any]:
    """The prior and its log density at the estimates; nothing for maximum likelihood."""
    prior = layout.spec.prior
    return {} if prior is None else {"prior": {"strengths": prior.document, "log_prior": estimate.log_prior}}


def _outcomes(
    prepared: Prepared, estimate: Estimate, shared: dict[str, Any], inputs: list[dict[str, Any] | None]
) -> list[dict[str, Any]]:
    layout, panel = prepared.layout, prepared.panel
    rows = [layout.rows_of(layout.spec.set_of(m)) for m in range(len(layout.outcomes))]
    return [
        {
            "name": part.name, "time_name": m.time_name, "group_set": layout.spec.set_of(i), "spec": asdict(part.spec),
            "inputs": inputs[i],
            "centre": part.centre, "scale": part.scale, "time_scale": part.time_scale,
            "bases": {p: b.document for p, b in part.bases.items()},
            "coefficients": {p: layout.coefficients(estimate.flat, i, p)[rows[i]] for p in part.reported},
            "positions": {p: positions(layout.index[i][p][rows[i]], layout) for p in part.reported},
            "offsets": {p: layout.offset[i][p][rows[i]] for p in part.reported},
            "columns": list(m.columns),
            "covariates": None if part.covariates is None else part.covariates.document,
            "profile": with_polynomials(
                _profile(m, prepared.profile), part, m.time, m.covariates) if m.covariate_names else None,
            "nobs": m.nobs, "data": shared["outcomes"][i]["data"],
            "dropout": None if i != DRIVER else _dropout(prepared, shared["outcomes"][i]["records"]),
            **({} if m.lags is None else {"lags": m.lags.document}),
            **({"n_shared": m.n_shared} if part.spec.repeated else {}),
        }
        for i, (part, m) in enumerate(zip(layout.outcomes, panel.outcomes, strict=True))
    ]


def _dropout(prepared: Prepared, records: dict[str, Any] | None) -> dict[str, Any] | None:
    """The dropout model."""
    layout, panel = prepared.layout, prepared.panel
    if panel.departures is None:
        return None
    part = layout.parts[-1]
    return {
        "orders": layout.spec.dropout, "basis": part.bases["dropout"].document,
        "covariates": None if part.covariates is None else part.covariates.document,
        "n_waves": 0 if panel.history is None else panel.history.n_waves,
        "waves": None if panel.history is None else panel.history.levels,
        "n_records": panel.departures.nobs, "n_dropped": int(panel.departures.y.sum()), "records": records,
    }


def _posteriors(
    prepared: Prepared, module: Mixture, estimate: Estimate
) -> tuple[np.ndarray, np.ndarray | None]:
    """(N, C) of the people fitted, and (N', C) of those held out, if any."""
    with torch.no_grad():
        at = torch.as_tensor(estimate.flat, device=module.device)[None]
        held_out = None
        if prepared.held_out is not None:
            held_out = _scored(prepared.held_out, prepared, estimate.flat, at)
        return _posterior(module, at), held_out


def _scored(panel: Panel, prepared: Prepared, flat: np.ndarray, at: torch.Tensor) -> np.ndarray:
    """(N', K) of people held out, as :func:`ids_of_scored` has them: posteriors, and the prior without observation."""
    observed = np.zeros((0, prepared.layout.n_groups))
    if panel.n_subjects:
        scored = prepare(panel, prepared.spec, check_size=False)
        observed = _posterior(Mixture.near(prepared.layout, scored, flat).to(at.device), at)
    if panel.unobserved is None:
        return observed
    known = panel.unobserved.known
    prior = prepared.layout.shares_given(flat, known.risk, known.risk2)
    return np.concatenate([observed, prior])[panel.unobserved.order]


def _posterior(module: Mixture, at: torch.Tensor) -> np.ndarray:
    """(N, K) at internal parameters (1, p)."""
    posterior = module.posterior(at)[0].T.cpu().numpy()
    return np.ascontiguousarray(posterior if module.expand is None else posterior[module.expand])


def _blocks(layout: Layout) -> list[dict[str, Any]]:
    """What each run of parameters is, groups counted from 1 (None: common to all)."""
    return [
        {
            "kind": b.predictor, "outcome": {MEMBERSHIP: None, len(layout.outcomes): DRIVER}.get(b.outcome, b.outcome),
            "group_set": int(b.predictor == "theta2") if b.outcome == MEMBERSHIP else layout.spec.set_of(b.outcome),
            "group": None if b.group is None else b.group + 1, "start": b.start, "width": b.width,
        }
        for b in layout.blocks
    ]


def _profile(measures: Measures, given: np.ndarray | None) -> dict[str, Any]:
    """Covariates at which curves are drawn: those given for each wave (T, q), or their mean at each time.

    A covariate that rises with time has no single mean at which any curve is anybody's. Where more times than waves
    can be told apart occur, means are those of bins of equal width.
    """
    time = measures.distinct_times
    at = measures.wave if given is not None else time[1]
    if given is None and time[0].size > WAVES_MOST:
        edges = np.linspace(time[0][0], time[0][-1], BINS + 1)
        at = np.searchsorted(edges[1:-1], measures.time, side="right")
    count = np.bincount(at, minlength=0 if given is None else len(given)).astype(float)
    there = count > 0
    times = np.bincount(at, measures.time, minlength=count.size)[there] / count[there]
    if given is not None:
        return {"times": times, "values": given[there], "given": True}
    values = np.column_stack([np.bincount(at, w)[there] / count[there] for w in measures.covariates.T])
    mean = measures.covariates.mean(axis=0)
    if np.allclose(values, mean, rtol=1e-12, atol=1e-12 * np.abs(measures.covariates).max(initial=0.0)):
        times, values = np.zeros(1), mean[None]  # the same at all times, as what is known once of a person
    return {"times": times, "values": values, "given": False}


def with_polynomials(
    profile: dict[str, Any], part: OutcomePart, times: np.ndarray, values: np.ndarray
) -> dict[str, Any]:
    """The profile with the covariates (n, q) of common effects that are polynomials of times (n,): curves between."""
    found = None if profile["given"] else TimePolynomials.among(times, values, part.common_columns)
    return profile if found is None else {**profile, "of_time": found.document}


def _search_document(layout: Layout, panel: Panel, estimate: Estimate, *, near_tie: bool) -> dict[str, Any]:
    """Start report: the distinct optima, how often each was reached, and how it differs from the best."""
    search, top = estimate.search, estimate.objective
    optima = []
    for rank, o in enumerate(search.optima):
        flat = estimate.flat if rank == 0 else o.flat
        optima.append(
            {
                "rank": rank + 1, "loglik": estimate.loglik if rank == 0 else o.loglik - o.log_prior,
                "difference": 0.0 if rank == 0 else o.loglik - top, "hits": o.hits, "converged": o.converged,
                "collapsed": o.collapsed, "shares": [layout.shares(flat).tolist()], "params": layout.report(flat),
                "how": "best" if rank == 0 else _in_words(difference(layout, panel, estimate.flat, flat), layout),
            }
        )
    return {
        "optima": optima, "n_starts": search.n_starts, "n_moves": search.n_moves, "n_failed": search.n_failed,
        "found_by_move": search.found_by_move, "out_of_time": search.out_of_time, "user_start": search.user_start,
        "sentence": _search_sentence(search, top, near_tie=near_tie),
    }


def _in_words(d: Difference, layout: Layout) -> str:
    """How an optimum differs from the best: which group's curve most, and the shares."""
    by, of = abs(d.mean - d.other_mean), f" of {layout.outcomes[d.outcome].name}" if len(layout.outcomes) > 1 else ""
    curve = f"curve{of} of group {d.group + 1} differs by up to {by:.3g} (time {d.time:g})"
    return f"{curve}; shares by up to {100 * d.share_gap:.1f} points"


def _search_sentence(search: Search, top: float, *, near_tie: bool) -> str:
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
        gap = top - rivals[0].loglik
        lower = f"{gap:.3f} lower" if gap >= SMALL_GAP else "less than 0.001 lower"
        reached += f"; the next best is {lower} ({rivals[0].hits} of {n})"
    elif n > 1:
        reached += "; no other optimum was found"
    return reached + (". There is a near tie with other groups, see the warnings." if near_tie else ".")
