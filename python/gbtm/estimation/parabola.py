"""How far the log-likelihood falls at the ends of the Wald intervals, where the standard errors' parabola falls 1.92.

A standard error takes the log-likelihood, profiled on its parameter b, for a parabola: at b +- z SE it has fallen by
z^2 / 2. Where it has fallen by much less, values far outside the Wald interval fit about as well as those inside, and
where it has fallen by much more the interval holds what the data rule out. To third order the fall is
z^2 / 2 -+ z^3 / 6 l'''[u, u, u] with u = V d / SE along the path of conditional maxima (d the gradient of b, V the
inverse information): a skewness that goes to zero as 1 / sqrt(N), large where groups overlap or are small.
"""

from __future__ import annotations

import numpy as np
import torch

from ..compute.damped_newton import damped_step
from ..likelihood.derivatives import observed
from ..likelihood.mixture import Mixture

REACH = 1.959963984540054  # standard errors: half a 95 % interval
PARABOLA = REACH**2 / 2
STEPS = 8
NEARLY = 0.02  # log-likelihood still to be gained at which a conditional maximum is near enough
DAMPING = 1e-3
GROWTH = 10.0  # of the damping: few steps from far off are to stay in the basin of the start
WIDEST = 3.0  # standard error that a direction is taken to have at most, for the path of the others
AT_ONCE = 4_000_000  # subjects times groups times points that are computed together
IN_ALL = 1_000_000  # .. and that are computed at all; of larger data the least certain parameters


def falls(module: Mixture, flat: np.ndarray, cov: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Fall of the log-likelihood 1.96 standard errors below and above each of r parameters, the others at their best.

    Parameters
    ----------
    flat : (p,) internal parameters, a maximum
    cov : (p, p) inverse of the information there
    gradients : (r, p) of the reported parameters, each with a standard error

    Returns
    -------
    (2, r) : z^2 / 2 = 1.92 where the log-likelihood is a parabola. What the others have not gained in a few Newton
        steps makes a fall too large, never too small. NaN for parameters that were not looked at: of very many
        subjects only those with the largest standard errors on the scale of a linear predictor are.
    """
    variance = np.einsum("rp,pq,rq->r", gradients, cov, gradients)
    numbers = 2 * module.n_distinct * module.layout.n_groups
    most = max(1, IN_ALL // numbers)
    looked = np.argsort(-variance / (gradients**2).sum(axis=1), kind="stable")[:most]
    d = gradients[looked]
    # where the others go as the parameter moves; along what hardly any data speak of they stay near
    values, vectors = np.linalg.eigh(cov)
    towards = (d @ vectors * np.minimum(values, WIDEST**2)) @ vectors.T
    towards *= (REACH * np.sqrt(variance[looked]) / np.einsum("rp,rp->r", towards, d))[:, None]
    starts = torch.from_numpy(np.concatenate([flat - towards, flat + towards])).to(module.device)
    fixed = torch.from_numpy(np.concatenate([d, d])).to(module.device)
    with torch.no_grad():
        top = float(module.objective(torch.from_numpy(flat).to(module.device)[None])[0])
        size = max(1, 2 * AT_ONCE // numbers)
        blocks = zip(torch.split(starts, size), torch.split(fixed, size), strict=True)
        constraints = module.layout.constraints
        face = None if constraints is None else torch.from_numpy(constraints.face(flat)).to(module.device)
        highest = torch.cat([_conditional_maxima(module, x, along, face) for x, along in blocks])
    out = np.full((2, gradients.shape[0]), np.nan)
    out[:, looked] = top - highest.cpu().numpy().reshape(2, -1)
    return out


def _conditional_maxima(
    module: Mixture, flat: torch.Tensor, fixed: torch.Tensor, face: torch.Tensor | None
) -> torch.Tensor:
    """Log-likelihood (B,) after a few damped Newton steps from (B, p) that leave ``fixed`` (B, p) @ flat as it is.

    ``face`` (p, r) are the directions that constraints leave; None for all.
    """
    along = fixed if face is None else fixed @ face
    free = torch.linalg.qr(along[:, :, None], mode="complete").Q[:, :, 1:]  # (B, p, p - 1), orthonormal columns
    free = free if face is None else face @ free
    flat, value = flat.clone(), module.objective(flat)
    damping = torch.full_like(value, DAMPING)
    active = torch.arange(flat.shape[0] if free.shape[2] else 0, device=flat.device)
    for _ in range(STEPS):
        if not active.numel():
            break
        x, q = flat[active], free[active]
        _, gradient, hessian = observed(module, x)
        along, at = ((q.transpose(1, 2) @ v[:, :, None])[:, :, 0] for v in (gradient, x))
        step, used = damped_step(q.transpose(1, 2) @ hessian @ q, along, damping[active], at, GROWTH)
        trial = x + (q @ step[:, :, None])[:, :, 0]
        reached = module.objective(trial)
        better = reached >= value[active]
        gain = 0.5 * (along * step).sum(1)
        flat[active] = torch.where(better[:, None], trial, x)
        value[active] = torch.where(better, reached, value[active])
        damping[active] = torch.where(better, used / 10, used * 10)
        active = active[gain > NEARLY]
    return value
