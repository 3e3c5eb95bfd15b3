"""From a fit document back to the model it came from: layout, panel, likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.measures import Measures
from ..data.panel import Panel
from ..data.subjects import Subjects
from ..design.covariate_basis import CovariateBasis
from ..design.time_basis import basis_from_document, lag_basis_from_document
from ..model.dropout import DropoutPart, Hazard
from ..model.layout import Layout
from ..model.outcome import OutcomePart, Part
from ..model.prepared import Prepared
from ..model.spec import ModelSpec, OutcomeSpec
from .fit import Fit

if TYPE_CHECKING:
    from ..likelihood.mixture import Mixture


def spec_of(document: dict[str, Any]) -> ModelSpec:
    """The specification of a fit."""
    stored = dict(document["spec"])
    outcomes = tuple(OutcomeSpec(**{k: _frozen(v) for k, v in o.items()}) for o in stored.pop("outcomes"))
    return ModelSpec(outcomes=outcomes, **{k: _frozen(v) for k, v in stored.items()})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def parts_of(document: dict[str, Any], *, trust_formula: bool = False) -> tuple[Part, ...]:
    """The outcomes of a fit with their bases, and dropout."""
    spec = spec_of(document)
    times = np.asarray(document["data"]["time"]) if trust_formula else None
    parts: list[Part] = []
    for outcome, stored in zip(spec.outcomes, document["outcomes"], strict=True):
        covariates = stored.get("covariates")
        parts.append(
            OutcomePart(
                spec=outcome, centre=stored["centre"], scale=stored["scale"], name=stored["name"],
                bases={p: basis_from_document(d, times, stored["time_name"]) for p, d in stored["bases"].items()},
                covariates=None if covariates is None else CovariateBasis.from_document(covariates),
                time_scale=stored.get("time_scale", 1.0),
            )
        )
    dropout = document.get("dropout")
    if dropout is not None and spec.dropout is not None:
        covariates = dropout["covariates"]
        parts.append(
            DropoutPart(
                groups=spec.dropout, bases={"dropout": lag_basis_from_document(dropout["basis"])}, family=Hazard(),
                covariates=None if covariates is None else CovariateBasis.from_document(covariates),
            )
        )
    return tuple(parts)


def layout_of(document: dict[str, Any], *, trust_formula: bool = False) -> Layout:
    """The parameter layout of a fit."""
    membership = CovariateBasis.from_document(document["membership"])
    risk, weights = document["membership"]["risk"], document.get("weights")
    z = None if risk is None else membership.internal(np.asarray(risk))
    return Layout(
        spec_of(document), parts_of(document, trust_formula=trust_formula), membership, z,
        None if weights is None or z is None else np.asarray(weights),
    )


def panel_of(document: dict[str, Any]) -> Panel:
    """The subjects and observations that were fitted."""
    data, stored = document["data"], document["outcomes"][0]
    n = int(document["n_subjects"])
    w, exposure = data.get("covariates"), data.get("exposure")
    subject = np.asarray(data["subject"]).astype(np.int64)
    names = () if stored.get("covariates") is None else tuple(stored["covariates"]["names"])
    measures = Measures(
        subject=subject, time=np.asarray(data["time"]), y=np.asarray(data["y"]),
        wave=np.asarray(data["wave"]).astype(np.int64), row=np.arange(subject.size), name=stored["name"],
        time_name=stored["time_name"], covariates=np.zeros((subject.size, 0)) if w is None else np.asarray(w),
        covariate_names=names, exposure=None if exposure is None else np.asarray(exposure),
    )
    risk, weights = document["membership"]["risk"], document.get("weights")
    known = Subjects(
        risk=np.zeros((n, 0)) if risk is None else np.asarray(risk),
        risk_names=tuple(document["membership"]["names"][1:]),
        weights=None if weights is None else np.asarray(weights), cluster=_codes(document.get("cluster")),
        stratum=_codes(document.get("stratum")),
    )
    return Panel(
        ids=pd.Index(document["ids"], name=document["id_name"]), outcomes=(measures,), known=known,
        departures=_departures(document),
    )


def _codes(values: Any) -> np.ndarray | None:
    return None if values is None else np.asarray(values).astype(np.int64)


def _departures(document: dict[str, Any]) -> Measures | None:
    dropout = document.get("dropout")
    if dropout is None:
        return None
    records = dropout["records"]
    subject = np.asarray(records["subject"]).astype(np.int64)
    return Measures(
        subject=subject, time=np.zeros(subject.size), y=np.asarray(records["y"]),
        wave=np.asarray(records["wave"]).astype(np.int64), row=np.arange(subject.size), name="dropout",
        covariates=np.asarray(records["covariates"]), covariate_names=tuple(records["names"]), is_binned=True,
    )


def prepared_of(fit: Fit) -> Prepared:
    """The model of a fit on the data it was fitted to, ready for another fit."""
    document = fit.document
    parts = parts_of(document, trust_formula=fit.trust_formula)
    bases = [p.bases["mean"] for p in parts if "mean" in p.bases]
    return Prepared.of(
        panel_of(document), spec_of(document), bases, formula=document["formula"], inputs=document.get("inputs")
    )


def module_of(document: dict[str, Any], *, trust_formula: bool = False) -> Mixture:
    """The likelihood of a fit on its own data, at its estimates."""
    from ..likelihood.mixture import Mixture

    module = Mixture(layout_of(document, trust_formula=trust_formula), panel_of(document))
    module.set_flat(np.asarray(document["internal"]["params"]))
    return module


def for_scoring(panel: Panel, spec: ModelSpec) -> Panel:
    """A panel of new people made ready like the one that was fitted; nobody among them has dropped out yet."""
    from ..model.dropout import risk_set
    from ..model.outcome import prepare

    single = replace(spec, n_groups=1, reference=0, dropout=None, outcomes=tuple(_one_group(o) for o in spec.outcomes))
    panel = prepare(panel, single)
    if spec.dropout is None or panel.history is None:
        return panel
    return replace(panel, departures=risk_set(panel.history, spec.dropout, None, still_here=True))


def _one_group(outcome: OutcomeSpec) -> OutcomeSpec:
    """The outcome's checks without its groups' orders."""
    return replace(
        outcome, orders=None if outcome.orders is None else (0,), zero_orders=None if outcome.zero_orders is None else
        (0,), random_orders=None, ar1=False, rho_by_group=False, dispersion_by_group=False,
    )
