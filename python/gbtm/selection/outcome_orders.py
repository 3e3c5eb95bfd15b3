"""A search of several outcomes that share their groups: numbers of groups, and orders outcome by outcome.

With K groups, M outcomes and L orders there are L^(K M) shapes, and a fit of each step of a backward pass over them all
would be too many. With the posterior probabilities held fixed the outcomes come apart: the expected complete-data
log-likelihood is sum_m sum_ik s_i P_ik log f_km, and the orders of each outcome are lowered by themselves, by weighted
fits that take no time. What comes of it is fitted jointly, and has posterior probabilities of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import SpecificationError
from ..model.layout import make_layout
from ..specification.option import options_of
from ..specification.option_values import as_orders
from ..specification.outcome import Outcome
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec
from .candidates import Candidate, Number, Space, is_model, numbers_of_groups, orders_to_try
from .runner import Fitted

PASSES_MOST = 6  # of orders and posteriors, each given the other


@dataclass(frozen=True)
class SeveralSpace(Space):
    """All models of several outcomes that a search may consider.

    A candidate's ``orders`` are those of its first group in all outcomes, of its second, ..; 0 stands for an outcome
    with a basis formula.

    Attributes
    ----------
    orders_of : allowed orders of each outcome, ascending; None with a basis formula
    names : of the outcomes
    """

    orders_of: tuple[tuple[int, ...] | None, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def searches_orders(self) -> bool:
        return any(o is not None and len(o) > 1 for o in self.orders_of)

    def top(self, n_groups: Any) -> Candidate:
        """All groups at the highest order in each outcome."""
        return Candidate(n_groups, tuple(0 if o is None else o[-1] for o in self.orders_of) * n_groups)

    def candidate(self, orders: Sequence[Sequence[int]]) -> Candidate:
        """From the orders of each outcome (M, K); groups in the order of their shapes, highest first."""
        shapes = sorted(zip(*orders, strict=True), reverse=True)
        return Candidate(len(shapes), tuple(o for shape in shapes for o in shape))

    def of_outcomes(self, candidate: Candidate) -> list[tuple[int, ...]]:
        """Orders of each outcome (M, K)."""
        assert candidate.orders is not None
        return [candidate.orders[m :: len(self.names)] for m in range(len(self.names))]

    def reductions(self, candidate: Candidate) -> list[Candidate]:
        """The models with the order of one group in one outcome one step lower."""
        out: dict[Candidate, None] = {}
        orders = self.of_outcomes(candidate)
        for m, own in enumerate(orders):
            for lower in lower_by_one(own, self.orders_of[m]):
                out[self.candidate([*orders[:m], lower, *orders[m + 1 :]])] = None
        return list(out)

    def steps(self, candidate: Candidate) -> int:
        orders = self.of_outcomes(candidate)
        return sum(
            len(allowed) - 1 - allowed.index(o)
            for own, allowed in zip(orders, self.orders_of, strict=True) if allowed is not None for o in own
        )

    def spec(self, candidate: Candidate) -> ModelSpec:
        k = candidate.n_groups
        outcomes = tuple(
            replace(
                one, orders=None if self.orders_of[m] is None else own,
                random_orders=None if one.random_orders is None else one.random_orders * k,
            )
            for m, (one, own) in enumerate(zip(self.template.outcomes, self.of_outcomes(candidate), strict=True))
        )
        return ModelSpec(
            k, outcomes, reference=self.reference if self.reference < k else 0,
            dropout=None if self.template.dropout is None else self.template.dropout * k, prior=self.template.prior,
            event=self.template.event,
        )

    def shape(self, candidate: Candidate) -> str:
        """``"bmi 2 1 0, smokes 1 1 1"``."""
        return ", ".join(
            f"{name} {one.basis or ' '.join(str(o) for o in own)}"
            for name, one, own in zip(self.names, self.template.outcomes, self.of_outcomes(candidate), strict=True)
        )

    def grid_size(self) -> int:
        return len(self.groups)


def lower_by_one(orders: Sequence[int], allowed: tuple[int, ...] | None) -> list[tuple[int, ...]]:
    """The orders (K,) of an outcome with that of one group one step lower."""
    out = []
    for g, order in enumerate(orders):
        step = -1 if allowed is None else allowed.index(order) - 1
        if step >= 0 and allowed is not None:
            lower = (*orders[:g], allowed[step], *orders[g + 1 :])
            if is_model(lower):
                out.append(lower)
    return out


def make_several_space(
    template: ModelSpec, groups: int | Iterable[int], orders: Sequence[Any], names: Sequence[str], reference: int
) -> SeveralSpace:
    """The candidates of several outcomes; ``orders`` has of each outcome what users gave."""
    return SeveralSpace(
        template, numbers_of_groups(groups), None, "common", reference,
        tuple(orders_to_try(given, o.traits, o.basis) for given, o in zip(orders, template.outcomes, strict=True)),
        tuple(names),
    )


def outcomes_of(
    formula: Sequence[str | Outcome], order: Any, model: Mapping[str, Any]
) -> tuple[list[Outcome], list[Any], dict[str, Any]]:
    """The outcomes of a search, the orders to try of each, and what is left of the model's arguments.

    An outcome's own order is the highest to try, or the orders to try; those without go by ``order``.
    """
    of_outcomes = {n: v for n, v in model.items() if n in options_of(Outcome)}
    rest = {n: v for n, v in model.items() if n not in of_outcomes}
    made = [Outcome(o, **of_outcomes) if isinstance(o, str) else o for o in formula]
    orders: list[Any] = []
    for o in made:
        own = getattr(o, "order", None)  # what is no outcome is refused where the table is read
        if own is None:
            orders.append(order)
        else:
            values = as_orders(own, "order")
            orders.append(values[0] if len(values) == 1 else values)
    if not any(isinstance(o, str) for o in formula) and of_outcomes:
        name = next(iter(of_outcomes))
        raise SpecificationError(
            f"{name}: belongs to an outcome, and each has its own here.", code="whose_option", argument=name,
            way_out=f"Write gbtm.Outcome('...', {name}=...).",
        )
    return made, orders, rest


def next_shapes(
    space: SeveralSpace, n_groups: Number, criterion: str, fits: Mapping[Candidate, Fitted], panel: Panel,
    bases: Sequence[TimeBasis | None], known: dict[tuple[Candidate, float], Candidate],
) -> list[Candidate]:
    """The model whose orders the posterior probabilities of the last fit ask for; none where it is there already.

    ``known`` keeps what a fit, by its log-likelihood, has asked for before.
    """
    current = space.top(n_groups)
    for _ in range(PASSES_MOST):
        fit = fits.get(current)
        if fit is None or not fit.usable:
            return []
        asked = (current, fit.loglik)
        if asked not in known:
            known[asked] = proposal(space, fit, criterion, panel, bases)
        proposed = known[asked]
        if proposed not in fits:
            return [proposed]
        if proposed == current:
            return []
        current = proposed
    return []


def proposal(
    space: SeveralSpace, fit: Fitted, criterion: str, panel: Panel, bases: Sequence[TimeBasis | None]
) -> Candidate:
    """The best orders of each outcome by the criterion, the posterior probabilities being those of the fit.

    Orders are lowered one group and one step at a time from the highest, as long as -2 Q + c p falls, with Q the
    expected complete-data log-likelihood of the outcome, p its parameters and c the penalty of the criterion.
    """
    record = fit.record
    n = panel.nobs if criterion.endswith("observations") else panel.n_subjects
    each = 2.0 if criterion in ("aic", "traj_aic") else float(np.log(n))
    orders = []
    for m, allowed in enumerate(space.orders_of):
        posterior = record.group_sets[record.spec.set_of(m)].posterior
        own: tuple[int, ...] = (0 if allowed is None else allowed[-1],) * posterior.shape[1]
        if allowed is not None and len(allowed) > 1:
            alone = _Alone(replace(panel, outcomes=(panel.outcomes[m],), departures=None, history=None),
                           space.template.outcomes[m], bases[m], posterior, each)
            value = alone.value(own)
            while lower := lower_by_one(own, allowed):
                best = min(lower, key=alone.value)
                if not alone.value(best) < value:
                    break
                own, value = best, alone.value(best)
        orders.append(own)
    return space.candidate(orders)


class _Alone:
    """One outcome with posterior probabilities given: what orders cost."""

    def __init__(
        self, panel: Panel, outcome: OutcomeSpec, basis: TimeBasis | None, posterior: np.ndarray, each: float
    ) -> None:
        # weights and membership have had their say in the posteriors
        self.panel, self.outcome, self.basis, self.posterior, self.each = panel, outcome, basis, posterior, each
        self.known: dict[tuple[int, ...], float] = {}

    def value(self, orders: tuple[int, ...]) -> float:
        """-2 Q + c p at orders (K,), the smaller the better; groups of one outcome keep their places."""
        if orders not in self.known:
            self.known[orders] = self._value(orders)
        return self.known[orders]

    def _value(self, orders: tuple[int, ...]) -> float:
        import torch

        from ..compute.threads import workers
        from ..estimation.starts import from_partition
        from ..likelihood.mixture import Mixture

        k = len(orders)
        random = self.outcome.random_orders
        outcome = replace(self.outcome, orders=orders, random_orders=None if random is None else random * k)
        layout = make_layout(self.panel, ModelSpec(k, (outcome,)), (self.basis,))
        module = Mixture(layout, self.panel)
        share = self.posterior * self.panel.subjects.relative_weights[:, None]
        if module.expand is not None:  # people alike in this outcome are one, and may belong elsewhere by the others
            share = np.stack([np.bincount(module.expand, s) for s in share.T], axis=1)
        weight = module.weight.numpy()[:, None]
        soft = np.where(weight > 0, share / np.where(weight > 0, weight, 1.0), 0.0).T[None]
        with workers(), torch.no_grad():
            flat = from_partition(module, soft, np.random.default_rng(0), np.zeros(1, dtype=bool))
            log_f = module.group_loglik(flat)[0]
        total = float((torch.as_tensor(share.T) * torch.nan_to_num(log_f, nan=-np.inf)).nan_to_num(nan=0.0).sum())
        n_own = sum(b.width for b in layout.blocks if b.predictor != "theta")
        return -2 * total + self.each * n_own

