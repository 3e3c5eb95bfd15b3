"""Optima with a sigma far below the spread of the outcome: climbed to once more, without loss of digits.

The search takes sums of squares about 0, by which nothing can be said of a sigma near 1e-5 of the outcome's sd, let
alone below. From its best ends of that kind one goes on by deviations from the groups' curves there: to a regular
maximum, or on until sigma is no more than the rounding of the outcome itself, where the likelihood has no bound.
"""

from __future__ import annotations

import numpy as np
import torch

from ..likelihood.mixture import Mixture
from ..likelihood.tiny_sigma import has_tiny_sigma
from .collapse import SIGMA_FLOOR
from .ledger import Optimum
from .multistart import Run
from .newton import em

PLACES_MOST = 6  # that are climbed from
SAME_SHARES = 0.005  # places whose shares differ by less are one, however far each of them went
PASSES = 3  # each about the curves that the last one ended at
EM_STEPS = 15
ROUNDED = 4096 * np.finfo(float).eps  # sigma, of the largest |y|, that is due to rounding of y


def climb_tiny_sigmas(run: Run) -> Mixture:
    """Replace the run's best optima with tiny sigmas by what they lead to; the likelihood for the best of all."""
    if run.module.by_integral or not run.layout.has("log_sigma"):
        return run.module
    if run.panel.for_starts is not run.panel:  # on disk, where sums of squares are about 0
        return run.module
    places = _places(run)
    if not places:
        return run.module
    for rank, same in enumerate(places):
        if rank and run.out_of_time():  # the best place alone, as in the rest of the search
            break
        run.ledger.taken(same)
        _climb(run, same[0], sum(o.hits for o in same))
    best = run.ledger.optima[0].flat
    return Mixture.near(run.layout, run.panel, best).to(run.module.device)


def _places(run: Run) -> list[list[Optimum]]:
    """Optima with a tiny sigma, best first, those that the search could take for maxima before all others.

    Others are one place where they have the same shares and the same sigmas near zero: how far each of them went, and
    its log-likelihood there, says nothing.
    """
    out: list[list[Optimum]] = []
    signs: list[np.ndarray] = []
    for o in run.ledger.optima:
        if not has_tiny_sigma(run.layout, run.panel, o.flat):
            continue
        own = _sign(run, o)
        known = [i for i, other in enumerate(signs) if o.collapsed and np.abs(own - other).max() < SAME_SHARES]
        if known:
            out[known[0]].append(o)
        elif len(out) < PLACES_MOST:
            out.append([o])
            signs.append(own)
    return out


def _sign(run: Run, o: Optimum) -> np.ndarray:
    """Shares of the groups in ascending order, and 1 for those with a sigma near zero (K, 1 + outcomes)."""
    shares = run.layout.shares(o.flat)
    columns = [shares]
    for m, part in enumerate(run.layout.outcomes):
        if part.family.has_sigma:
            columns.append((run.layout.coefficients(o.flat, m, "log_sigma")[:, 0] < SIGMA_FLOOR).astype(float))
    return np.stack(columns, axis=1)[np.argsort(shares, kind="stable")]


def _sigmas(run: Run) -> list[int]:
    return [b.start for b in run.layout.blocks if b.predictor == "log_sigma"]


def _climb(run: Run, o: Optimum, hits: int) -> None:
    flat = o.flat.copy()
    flat[_sigmas(run)] = np.maximum(flat[_sigmas(run)], SIGMA_FLOOR)
    if run.layout.constraints is not None:
        flat = run.layout.constraints.project(flat)
    for turn in range(PASSES):
        exact = Run(Mixture(run.layout, run.panel, about=flat).to(run.module.device), run.panel, run.control)
        exact.begun, exact.collapse.floor = run.begun, _floor(run)
        at = torch.as_tensor(flat, device=run.module.device)[None]
        done = exact.climb_on(em(exact.module, at, EM_STEPS, late=run.late)[0] if turn == 0 else at)
        flat = done.flat[0].cpu().numpy()
        collapsed = exact.collapsed(done.flat)
        if collapsed.any():
            break
    run.ledger.add(done, collapsed, hits=hits)


def _floor(run: Run) -> float:
    """log sigma of the largest rounding error among the outcomes, in their internal units."""
    sizes = [
        np.abs(part.family.on_eta(measures.y)).max(initial=0.0) / part.scale
        for part, measures in zip(run.layout.outcomes, run.panel.outcomes, strict=True) if part.family.has_sigma
    ]
    return float(np.log(ROUNDED * max(sizes)))
