"""The one fitting routine: search, polish to rounding level, certify, and report what the starts found.

It knows the module's likelihood and the parameter layout, and no family by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..compute.threads import workers
from ..data.panel import Panel
from ..errors import DataError
from ..likelihood.derivatives import observed
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.random_effects import without_signs
from .certificate import Certificate
from .collapse import refuse_no_bound
from .control import Control
from .covariance import information_units
from .fence import within
from .labellings import labellings
from .ledger import Optimum
from .multistart import Run, search
from .newton import newton
from .tiny_sigma import climb_tiny_sigmas

NOTHING_TO_GAIN = 1e-6  # decrement at which a run that ended early had arrived all the same
FLAT = 1e-6  # of the largest eigenvalue of the information, or of the number of subjects: no polishing below
REPORTED_OPTIMA = 8


@dataclass(frozen=True)
class Search:
    """What the starts found, best usable optimum first.

    Attributes
    ----------
    n_starts : starts from partitions (or the user's values)
    n_moves : further starts made by rearranging the groups of the optima found
    found_by_move : the best optimum was reached by such a start only
    start_subjects : size of the random subsample on which starts were tried; None when all subjects were used
    """

    optima: tuple[Optimum, ...]
    n_starts: int
    n_moves: int
    n_failed: int
    found_by_move: bool
    out_of_time: bool
    user_start: bool
    start_subjects: int | None = None


@dataclass(frozen=True)
class Estimate:
    """The outcome of :func:`estimate`: internal parameters (p,), groups in their final order.

    ``module`` is the likelihood to go on with, at these: the one that was given, or one for tiny sigmas. ``loglik`` is
    without the ``log_prior``, which is 0 where there is none.
    """

    flat: np.ndarray
    loglik: float
    search: Search
    certificate: Certificate
    seconds: float
    module: Mixture
    log_prior: float = 0.0

    @property
    def objective(self) -> float:
        """What was maximised."""
        return self.loglik + self.log_prior


def estimate(
    module: Mixture, panel: Panel, control: Control, *, user_starts: np.ndarray | None = None,
    smaller: tuple[Layout, np.ndarray] | None = None, exact_growth: bool = False, further: np.ndarray | None = None,
) -> Estimate:
    """Fit: find the best optimum and prove that it is one.

    Parameters
    ----------
    user_starts : (B, p) internal parameters to start from; then no other starts are made
    smaller : layout and parameters of a fit with one group less, each of whose groups is split to make further starts
    exact_growth : among those starts are copies of the smaller fit itself, so that the result is never worse
    further : (B, p) internal parameters that the search starts from besides its own starts; the result is no worse

    Returns
    -------
    Estimate
        With the module's parameters set to the optimum.
    """
    module.to(control.device)
    with workers():
        run = search(module, panel, control, user_starts, smaller, exact_growth, further)
        ledger = run.ledger
        if not ledger.optima:
            raise DataError(
                "outcome: no start gave a finite log-likelihood.", code="no_finite_start", argument="outcome",
                way_out="Look for outliers, or fit fewer groups or lower orders.",
            )
        module = climb_tiny_sigmas(run)
        best = ledger.optima[0]
        refuse_no_bound(run.collapse, best)
        flat, certificate = polish(module, best)
        flat = _as_reported(module, flat)
        if module is not run.module:
            module = Mixture.near(module.layout, panel, flat).to(control.device)
        module.set_flat(flat)
        loglik = float(module.total_loglik(torch.as_tensor(flat, device=module.device)[None])[0])
    optima = tuple(
        replace(o, flat=_as_reported(module, o.flat), log_prior=log_prior(module, o.flat))
        for o in _told(run)
    )
    search_record = Search(
        optima=optima, n_starts=run.n_starts, n_moves=run.n_moves, n_failed=ledger.n_failed,
        found_by_move=best.hits == 0, out_of_time=run.cut_short, user_start=user_starts is not None,
        start_subjects=run.start_subjects,
    )
    return Estimate(flat, loglik, search_record, certificate, run.elapsed(), module, log_prior(module, flat))


def _told(run: Run) -> list[Optimum]:
    """The best optima, and the best of those that a Weibull shape without bound has set aside, however many there
    are: data with events at one time have many of either kind."""
    best, rest = run.ledger.optima[:REPORTED_OPTIMA], run.ledger.optima[REPORTED_OPTIMA:]
    if any(run.collapse.is_steep(o.flat) for o in best):
        return best
    return best + [o for o in rest if run.collapse.is_steep(o.flat)][:1]


def _as_reported(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Parameters (p,) with the groups in their order, and no sd negative."""
    return without_signs(module.layout, module.layout.permute(flat, group_order(module, flat)))


def log_prior(module: Mixture, flat: np.ndarray) -> float:
    """Log density of the prior at parameters (p,), 0 where there is none."""
    if module.log_prior is None:
        return 0.0
    return float(module.log_prior.value(torch.as_tensor(flat, device=module.device)[None])[0])


def polish(module: Mixture, optimum: Optimum) -> tuple[np.ndarray, Certificate]:
    """Newton to rounding level, and the certificate of convergence there."""
    flat = torch.as_tensor(optimum.flat, device=module.device)[None]
    known = observed(module, flat)
    hessian = known[2]
    _refuse_broken(hessian)
    inside = -within(module.layout, flat, hessian)
    eigenvalues = torch.linalg.eigvalsh(_in_units(inside)[0]) if len(inside) else flat.new_ones(1)
    # of curves with a tiny sigma or large counts the data say so much that all else would look flat beside it
    if optimum.converged and float(eigenvalues[0]) > FLAT * min(float(eigenvalues[-1]), float(module.weight.sum())):
        flat = newton(module, flat, steps=4, tolerance=1e-20, known=known).flat
        known = observed(module, flat)
    _, gradient, hessian = known
    _refuse_broken(hessian)
    information, units = _in_units(-within(module.layout, flat, hessian))
    values, vectors = torch.linalg.eigh(information)
    slopes = within(module.layout, flat, gradient)
    along = vectors.T @ (slopes / units)
    decrement = float(0.5 * (along**2 / values.clamp(min=1e-12)).sum())
    certificate = Certificate(
        gradient=float(slopes.abs().max()), smallest_eigenvalue=float(values[0]), decrement=decrement,
        converged=optimum.converged or (not optimum.collapsed and 0 <= decrement < NOTHING_TO_GAIN),
    )
    return flat[0].cpu().numpy(), certificate


def _in_units(information: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(p, p) in units (p,) in which its eigenvalues are right to their last digits, see :func:`information_units`."""
    units = torch.as_tensor(information_units(information.diagonal().cpu().numpy()), device=information.device)
    return information / torch.outer(units, units), units


def _refuse_broken(hessian: torch.Tensor) -> None:
    if not torch.isfinite(hessian).all():
        raise DataError(
            "outcome: the log-likelihood has no finite derivatives where the search ended.", code="not_finite",
            argument="outcome", way_out="Look for enormous values of the outcome, and give it in other units.",
        )


def group_order(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Order of the classes (C,): groups of one specification by their mean fitted outcome, lowest first.

    The groups' first outcome counts; of a dual model the groups of each set go by that set's outcome. Groups that
    constraints tell apart change places where these hold of them all the same; those of known people never do.
    """
    layout, levels = module.layout, _levels(module, flat)
    if layout.constraints is None or layout.spec.has_known:
        return layout.class_order(_lowest_first(layout, levels))
    found: list[tuple[list[float], np.ndarray]] = []
    for order in labellings(layout):
        moved = layout.permute(flat, order)
        if layout.constraints.satisfied(moved):
            parts = layout.set_orders(order)
            sorted_ = _lowest_first(layout, [x[part] for x, part in zip(levels, parts, strict=True)])
            in_order = tuple(part[own] for part, own in zip(parts, sorted_, strict=True))
            heights = [float(h) for x, own in zip(levels, in_order, strict=True) for h in x[own]]
            found.append((heights, layout.class_order(in_order)))
    return min(found, key=lambda f: f[0])[1] if found else np.arange(layout.n_groups)


def _levels(module: Mixture, flat: np.ndarray) -> list[np.ndarray]:
    """Mean fitted outcome of each group, (K,) of each set of groups."""
    layout = module.layout
    levels = []
    for s in range(len(layout.spec.set_sizes)):
        first = next(m for m in range(len(layout.outcomes)) if layout.spec.set_of(m) == s)
        with np.errstate(over="ignore"):
            level = layout.outcomes[first].internal_family.expected(module.curves(flat, first))
        levels.append(level.mean(axis=1)[layout.rows_of(s)])
    return levels


def _lowest_first(layout: Layout, levels: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Order of each set's groups, of which exchangeable ones change places."""
    orders = []
    for s, level in enumerate(levels):
        order = np.arange(level.size)
        keys = [layout.spec.group_key(g, s) for g in range(level.size)]
        for key in dict.fromkeys(keys):
            members = np.array([g for g in range(level.size) if keys[g] == key])
            order[members] = members[np.argsort(level[members], kind="stable")]
        orders.append(order)
    return tuple(orders)
