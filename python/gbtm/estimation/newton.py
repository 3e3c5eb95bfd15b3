"""Maximisers on a batch of parameter vectors: damped Newton on EM's Q, EM, and damped Newton on the likelihood.

All of them climb: a step that does not raise its objective is refused and the damping of that batch member grows
(Levenberg-Marquardt, scaled by the diagonal of the Hessian). Next to the maximum the log-likelihood is the same number
at both ends of a step, up to rounding, while the gradient still tells them apart: there the step is not damped, and one
that would be refused is taken where the gradient is smaller at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..compute.damped_newton import DAMPING_FLOOR, damped_step
from ..compute.threads import in_order
from ..likelihood.derivatives import Collected, complete_data, gathered, observed
from ..likelihood.mixture import Mixture
from ..likelihood.over_groups import over_groups
from .fence import Fence, projected

DAMPING_START = 1e-3
DAMPING_ROUNDING = 1e-7  # damping that rounding alone can ask for where the Hessian is singular
ARRIVED = 1e-9  # decrement from which on steps are not damped, and may be judged by their gradient
POOR, FORESEEN, GOOD, AS_FORESEEN = 0.25, 0.5, 0.75, 0.95  # what a step gained, as a share of what was foreseen
VALUE_ROUNDING = 1e-12  # of what a log-likelihood is summed from, which cancels in part: differences below say nothing
LATE_STEPS = 20  # enough from where EM ends, where there is a maximum
M_STEPS = 1  # Newton steps on Q per M-step: as good as more (Lange 1995), and calls are what small data cost
EM_ENOUGH = 0.05  # log-likelihood gain of an EM step below which Newton takes over


def _q_value(flat: Tensor, collected: list[Collected]) -> Tensor:
    def of(c: Collected) -> Tensor:
        terms = c.owner.cells[c.outcome].terms(c.owner.predictors(flat, c.outcome))
        return (terms * c.statistics).sum((1, 2, 3))

    return torch.stack(in_order(of, collected)).sum(0)


def maximise_q(
    module: Mixture, flat: Tensor, collected: list[Collected], steps: int, *, constrained: bool = True
) -> Tensor:
    """A few damped Newton steps on Q given the posterior-weighted statistics, and a prior's; theta stays.

    They keep to the model's constraints, unless these are to be met later.
    """
    free, prior = module.layout.theta.start, module.log_prior
    constraints = module.layout.constraints if constrained else None
    directions = None if constraints is None else torch.as_tensor(constraints.of_curves, device=flat.device)
    if directions is not None and not directions.shape[1]:
        return flat
    damping = torch.full((flat.shape[0],), DAMPING_START, dtype=flat.dtype, device=flat.device)
    for _ in range(steps):
        value, gradient, hessian = complete_data(module, flat, collected, safe=True)
        if prior is not None:
            more = prior.derivatives(flat)
            value, gradient, hessian = value + more[0], gradient + more[1], hessian + more[2]
        along = _Along(hessian[:, :free, :free], gradient[:, :free], flat[:, :free], directions)
        step, damping, _ = along.step(damping)
        trial = flat.clone()
        trial[:, :free] += step
        trial = trial if constraints is None else projected(module.layout, trial)
        reached = _q_value(trial, collected)
        better = (reached if prior is None else reached + prior.value(trial)) >= value
        flat = torch.where(better[:, None], trial, flat)
        damping = torch.where(better, (damping / 10).clamp(min=DAMPING_FLOOR), (damping * 10).clamp(min=1e-3))
    return flat


def em(
    module: Mixture, flat: Tensor, steps: int, enough: float = EM_ENOUGH, late: Callable[[], bool] | None = None
) -> tuple[Tensor, Tensor]:
    """EM with a Newton step on Q as M-step; (B, p) -> (B, p), and what the last step gained (B,).

    A run ends early once a step gains less than ``enough``, or it is ``late``.
    """
    flat = flat.clone()
    if any(cells.apart for cells in module.cells):
        steps = 0  # rows stay in their blocks: Newton alone, which climbs as well
    active = torch.arange(flat.shape[0], device=flat.device)
    before = torch.full((flat.shape[0],), -torch.inf, dtype=flat.dtype, device=flat.device)
    gain = torch.full_like(before, torch.inf)
    for _ in range(steps):
        if late is not None and late():
            break
        x = flat[active]
        value, membership, collected = expectation(module, x)
        gain[active] = value - before[active]
        more = ~(gain[active] < enough)
        before[active] = value
        active = active[more]
        if active.numel() == 0:
            break
        flat[active] = _m_step(module, x[more], tuple(t[more] for t in membership), [c.take(more) for c in collected])
    return flat, gain


def expectation(module: Mixture, flat: Tensor) -> tuple[Tensor, tuple[Tensor, ...], list[Collected]]:
    """E-step, by blocks of subjects: log-likelihood (B,) without constants, what the M-steps of theta and of the
    groups need; of a prior its log density, and its pseudo-people in all groups."""
    prior = module.log_prior
    extra = 0.0 if prior is None else prior.extra
    classes = module.layout.n_groups

    def block(shard: Mixture) -> tuple[Tensor, tuple[Tensor, ...], list[Tensor]]:
        subject, posterior = over_groups(shard.joint(flat))
        weighted = posterior * shard.weight
        if extra:
            members = weighted + extra * shard.weight, shard.weight * (1 + classes * extra)
        else:
            members = weighted, shard.weight
        membership = shard.membership.gather(flat, *members)
        return subject @ shard.weight, membership, [cells.collect(weighted) for cells in shard.cells]

    parts = in_order(block, module.shards)
    value = torch.stack([p[0] for p in parts]).sum(0)
    value = value if prior is None else value + prior.value(flat)
    membership = tuple(torch.stack(t).sum(0) for t in zip(*(p[1] for p in parts)))
    return value, membership, gathered(module, [p[2] for p in parts])


def _m_step(
    module: Mixture, flat: Tensor, membership: tuple[Tensor, ...], collected: list[Collected]
) -> Tensor:
    """M-step given what the E-step gathered."""
    theta = module.membership.m_step(flat, membership) if module.layout.n_groups > 1 else None
    flat = maximise_q(module, flat, collected, M_STEPS)
    if theta is not None:
        flat[:, module.layout.theta] = theta
    return projected(module.layout, flat)


@dataclass(frozen=True)
class Climb:
    """Where a batch of Newton runs ended.

    Attributes
    ----------
    flat : (B, p)
    loglik : (B,)
    decrement : (B,) Newton decrement g' (-H)^-1 g / 2 at the last step: the log-likelihood still to be gained
    converged : (B,) bool
    """

    flat: Tensor
    loglik: Tensor
    decrement: Tensor
    converged: Tensor


def newton(
    module: Mixture, flat: Tensor, *, steps: int, tolerance: float, stop: Callable[[Tensor], Tensor] | None = None,
    directions: Tensor | None = None, late: Callable[[], bool] | None = None,
    known: tuple[Tensor, Tensor, Tensor] | None = None,
) -> Climb:
    """Damped Newton with the exact Hessian until the decrement is below ``tolerance``.

    ``stop`` (B, p) -> (B,) bool ends runs that head for a place with no maximum (a collapsed sigma). ``directions``
    (p, q), orthonormal columns, are those that a step may take; default all that the model's constraints leave free,
    and then runs stay within its bounds. Once it is ``late``, the best run alone goes on, for ``LATE_STEPS`` steps at
    most. ``known`` are :func:`observed` of ``flat``, where somebody has them.
    """
    fence, constraints = None, module.layout.constraints if directions is None else None
    if constraints is not None:
        fence = Fence(constraints, flat)
        directions = fence.directions
    batch = flat.shape[0]
    flat = flat.clone()
    loglik = torch.full((batch,), -torch.inf, dtype=flat.dtype, device=flat.device)
    decrement = torch.full_like(loglik, torch.inf)
    damping = torch.full_like(loglik, DAMPING_START)
    converged = torch.zeros(batch, dtype=torch.bool, device=flat.device)
    refused = torch.zeros_like(converged)  # the last step
    active = torch.arange(batch, device=flat.device)
    size = module.constant.abs() @ module.weight  # of log y! and the like, with which the rest cancels
    left = steps
    while left > 0:
        if late is not None and late():
            left = min(left, LATE_STEPS)
            active = _leader(module, flat, loglik, active)
        left -= 1
        if stop is not None:
            ending = stop(flat[active])
            if ending.any():
                loglik[active[ending]] = module.objective(flat[active[ending]])
            active = active[~ending]
        if active.numel() == 0:
            break
        x = flat[active]
        value, gradient, hessian = observed(module, x) if known is None else known
        known = None
        along = _Along(hessian, gradient, x, directions, None if fence is None else fence.within(active))
        step, used, gain, done = _newton_step(along, damping[active], tolerance)
        if fence is not None:
            step, ending_at, stuck, done = fence.kept(active, x, step, gradient, done)
        loglik[active], decrement[active] = value, gain
        trial = x + step
        trial_value = module.objective(trial)
        better = trial_value >= value
        if fence is not None:
            better |= stuck
            fence.held[active] |= ending_at & better[:, None]
        even = ~better & ~done & (gain < ARRIVED) & (used <= DAMPING_ROUNDING)
        even = torch.nonzero(even & (value - trial_value < VALUE_ROUNDING * (1 + size + value.abs())))[:, 0]
        if even.numel():
            better[even] = along.at(even).gain_of(observed(module, trial[even])[1]) < gain[even]
        flat[active] = torch.where(better[:, None], trial, x)
        loglik[active] = torch.where(better, trial_value, value)
        quality = (trial_value - value) / gain.clamp(min=1e-300)
        damping[active] = _next_damping(used, quality, better, refused[active])
        refused[active] = ~better
        converged[active[done]] = True
        active = active[~(done | ~torch.isfinite(value))]
    stopped = torch.isneginf(loglik)  # before their first step
    if stopped.any():
        loglik[stopped] = module.objective(flat[stopped])
    return Climb(flat, loglik, decrement, converged)


def _next_damping(used: Tensor, quality: Tensor, better: Tensor, refused: Tensor) -> Tensor:
    """Damping (B,) of the next step, from that of this one, what it gained as a share of what was foreseen, whether it
    was ``better`` at all, and whether the step before was ``refused``.

    After a refusal it falls slowly: at a tenth of what was just good enough every other step would be refused.
    """
    shrink = torch.where(quality > FORESEEN, 1 / 3, torch.where(quality < POOR, 2.0, 1.0))
    shrink = torch.where(refused, torch.where(quality > GOOD, 0.5, shrink.clamp(min=1.0)), shrink)
    shrink = torch.where(~refused & (quality > AS_FORESEEN), 0.1, shrink)
    return torch.where(better, (used * shrink).clamp(min=DAMPING_FLOOR), (used * 4).clamp(min=1e-4))


def _leader(module: Mixture, flat: Tensor, loglik: Tensor, active: Tensor) -> Tensor:
    """The one of the active runs that stands highest."""
    if active.numel() < 2:
        return active
    unknown = active[torch.isneginf(loglik[active])]
    if unknown.numel():
        loglik[unknown] = module.objective(flat[unknown])
    return active[torch.argmax(torch.nan_to_num(loglik[active], nan=-torch.inf))][None]


@dataclass(frozen=True)
class _Along:
    """The derivatives of a batch, in the ``directions`` (p, q) that steps may take; None for all."""

    hessian: Tensor
    gradient: Tensor
    x: Tensor
    directions: Tensor | None
    within: Tensor | None = None  # (B, q, q): projection onto what bounds leave free of them

    def at(self, which: Tensor) -> _Along:
        """Some members of the batch."""
        within = None if self.within is None else self.within[which]
        return replace(
            self, hessian=self.hessian[which], gradient=self.gradient[which], x=self.x[which], within=within)

    def step(self, damping: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step (B, p), damping used (B,) and decrement (B,)."""
        return self._solved(self.gradient, damping)

    def gain_of(self, gradient: Tensor) -> Tensor:
        """(B,) the decrement that another gradient (B, p) would have here."""
        return self._solved(gradient, torch.full_like(gradient[:, 0], DAMPING_FLOOR))[2]

    def _solved(self, gradient: Tensor, damping: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d = self.directions
        if d is None:
            step, used = damped_step(self.hessian, gradient, damping, self.x)
        else:
            gradient, hessian, w = gradient @ d, d.T @ self.hessian @ d, self.within
            if w is not None:  # what is held gets a curvature of its own, and no gradient
                size = hessian.diagonal(dim1=1, dim2=2).abs().amax(1)[:, None, None] + 1.0
                gradient = (w @ gradient[:, :, None])[:, :, 0]
                hessian = w @ hessian @ w - size * (torch.eye(w.shape[1], dtype=w.dtype, device=w.device) - w)
            step, used = damped_step(hessian, gradient, damping, self.x @ d)
        gain = 0.5 * (gradient * step).sum(1)
        return step if d is None else step @ d.T, used, gain


def _newton_step(
    along: _Along, damping: Tensor, tolerance: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Step (B, p), damping used, decrement and whether it is below ``tolerance`` without damping, (B,) each.

    Damping hides what is still to be gained along flat directions, so the last word is had by an undamped step.
    """
    step, used, gain = along.step(damping)
    done = torch.zeros_like(gain, dtype=torch.bool)
    near = torch.nonzero(gain < max(tolerance, ARRIVED))[:, 0]
    if near.numel():
        step[near], used[near], gain[near] = along.at(near).step(torch.full_like(gain[near], DAMPING_FLOOR))
        done[near] = (gain[near] < tolerance) & (used[near] <= DAMPING_ROUNDING)
    return step, used, gain, done
