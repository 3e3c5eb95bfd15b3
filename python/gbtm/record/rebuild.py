"""From a fit document back to the model it came from: layout, panel, likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..data.panel import Panel
from ..data.subjects import Subjects
from ..errors import SpecificationError
from ..model.dropout import DropoutPart, Hazard
from ..model.layout import Layout
from ..model.outcome import OutcomePart, Part
from ..model.prepared import Prepared
from ..model.transitions import transitions_of
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec
from .fit_record import FitRecord
from .outcome_record import time_bases

if TYPE_CHECKING:
    from ..likelihood.mixture import Mixture


def parts_of(fit: FitRecord) -> tuple[Part, ...]:
    """The outcomes of a fit with their bases, and dropout."""
    parts: list[Part] = [
        OutcomePart(
            spec=outcome.spec, centre=outcome.centre, scale=outcome.scale, name=outcome.name,
            bases=time_bases(outcome, trust_formula=fit.trust_formula), covariates=outcome.covariates,
            time_scale=outcome.time_scale,
        )
        for outcome in fit.outcomes
    ]
    dropout = fit.dropout
    if dropout is not None:
        parts.append(
            DropoutPart(
                groups=dropout.orders, bases={"dropout": dropout.basis}, family=Hazard(), covariates=dropout.covariates
            )
        )
    if fit.event is not None:
        parts.append(fit.event.part(fit.group_sets[0].n_groups))
    return tuple(parts)


def layout_of(fit: FitRecord) -> Layout:
    """The parameter layout of a fit."""
    membership = fit.group_sets[0].membership
    z = None if membership.risk is None else membership.basis.internal(membership.risk)
    dual, disk = fit.dual, fit.on_disk
    if disk is not None and membership.covariate_names:
        z = membership.basis.internal(disk.risk)
        return Layout(fit.spec, parts_of(fit), membership.basis, z, disk.risk_weight)
    transitions = None if dual is None else transitions_of(fit.spec, dual.basis, dual.risk)
    varies = z is not None or (dual is not None and dual.risk is not None)
    return Layout(fit.spec, parts_of(fit), membership.basis, z, fit.weights if varies else None, transitions)


def panel_of(fit: FitRecord) -> Panel:
    """The subjects and observations that were fitted."""
    membership, dual = fit.group_sets[0].membership, fit.dual
    subjects = Subjects(
        risk=np.zeros((fit.n_subjects, 0)) if membership.risk is None else membership.risk,
        risk_names=membership.covariate_names, weights=fit.weights, cluster=fit.cluster, stratum=fit.stratum,
        known_groups=fit.known_groups, known_groups2=fit.known_groups2,
        risk2=None if dual is None else dual.risk, risk2_names=() if dual is None else dual.basis.names,
        event=None if fit.event is None else fit.event.known, event_names=() if fit.event is None else fit.event.names,
    )
    return Panel(
        ids=fit.ids, outcomes=tuple(o.data for o in fit.outcomes), known=subjects,
        departures=None if fit.dropout is None else fit.dropout.records,
    )


def prepared_of(fit: FitRecord) -> Prepared:
    """The model of a fit on the data it was fitted to, ready for another fit."""
    _refuse_part(fit)
    bases = [p.bases["mean"] for p in parts_of(fit) if "mean" in p.bases]
    return Prepared.of(panel_of(fit), fit.spec, bases, formula=fit.formula, inputs=fit.inputs)


def module_of(fit: FitRecord) -> Mixture:
    """The likelihood of a fit on its own data, at its estimates."""
    _refuse_part(fit)
    from ..likelihood.mixture import Mixture

    module = Mixture.near(layout_of(fit), panel_of(fit), fit.internal.params)
    module.set_flat(fit.internal.params)
    return module


def _refuse_part(fit: FitRecord) -> None:
    """Of one outcome's likelihood alone, what was estimated from several is no maximum."""
    if fit.part_of:
        raise SpecificationError(
            f"outcome: {fit.outcomes[0].name} was fitted together with others, and its own likelihood is not what was "
            "maximised.", code="part_of_a_fit", argument="outcome",
            way_out=f"Ask the whole fit, of {', '.join(fit.part_of)}.",
        )


def for_scoring(panel: Panel, spec: ModelSpec) -> Panel:
    """A panel of new people made ready like the one that was fitted; nobody among them has dropped out yet."""
    from ..model.dropout import risk_set
    from ..model.outcome import prepare

    single = ModelSpec(1, tuple(_one_group(o) for o in spec.outcomes))
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
