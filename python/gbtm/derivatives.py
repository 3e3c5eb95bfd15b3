"""Gradient and Hessian of the log-likelihood for a batch of parameter vectors.

The families give the derivatives of their terms with respect to the linear predictors on cells; the rest is matrix
products:

    gradient  = sum_i sum_k P_ik a_ik
    Hessian   = sum_i [sum_k P_ik (H_ik + a_ik a_ik') - S_i S_i'],   S_i = sum_k P_ik a_ik   (Louis 1982)

with a_ik, H_ik the derivatives of log pi_k + log f_k(y_i). Dropping all but sum P H gives the Hessian of EM's Q.
A group's derivatives are local, in its own Q coefficients; ``Mixture.select`` (K, Q, p) puts them in their places.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .likelihood import Mixture
from .threads import in_order


def complete_data(
    module: Mixture, flat: Tensor, collected: list[Tensor], *, safe: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Value (B,), gradient (B, p) and Hessian (B, p, p) of EM's Q without its membership part.

    ``collected[m]`` (B, K, C, S) are the posterior-weighted statistics of outcome m. With ``safe`` the Hessian is
    bounded where a family knows that a Newton step would overshoot.
    """
    batch, (groups, width, size) = flat.shape[0], module.select.shape
    value = flat.new_zeros(batch)
    local_gradient = []
    local_hessian = flat.new_zeros(batch, groups, width, width)
    at = 0
    for m, cells in enumerate(module.cells):
        u = module.predictors(flat, m)
        value = value + (cells.family.terms(u) * collected[m]).sum((1, 2, 3))
        place = {}
        for name, slope in cells.family.slopes(u).items():
            columns = cells.columns(name)
            local_gradient.append((slope * collected[m]).sum(-1) @ columns)
            place[name] = slice(at, at + columns.shape[1])
            at += columns.shape[1]
        for (a, b), bend in cells.family.curvatures(u).items():
            curvature = (bend * collected[m]).sum(-1)
            if safe:
                curvature = cells.family.safe_curvature(a, b, curvature, collected[m])
            block = (curvature[:, :, None, :] * cells.columns(a).T) @ cells.columns(b)
            local_hessian[:, :, place[a], place[b]] = block
            if a != b:
                local_hessian[:, :, place[b], place[a]] = block.transpose(2, 3)
    select = module.select.reshape(groups * width, size)
    gradient = torch.cat(local_gradient, dim=2).reshape(batch, -1) @ select
    return value, gradient, _placed(module, local_hessian)


def _placed(module: Mixture, local: Tensor) -> Tensor:
    """Local matrices (B, K, Q, Q) summed into (B, p, p)."""
    groups, width, size = module.select.shape
    right = (local @ module.select).reshape(local.shape[0], groups * width, size)
    return module.select.reshape(groups * width, size).T @ right


def group_scores(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor]:
    """log f_k(y_i) (B, K, N) and its derivatives in each group's own coefficients (B, K, Q, N)."""
    parts = [cells.scores(module.predictors(flat, m)) for m, cells in enumerate(module.cells)]
    if len(parts) == 1:
        return parts[0]
    return torch.stack([p[0] for p in parts]).sum(0), torch.cat([p[1] for p in parts], dim=2)


def observed(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-likelihood (B,), gradient (B, p) and exact Hessian (B, p, p) of the observed data, by blocks of subjects."""
    parts = in_order(lambda shard: _block(shard, flat), module.shards)
    value, gradient, hessian, *collected = (torch.stack(p).sum(0) if len(p) > 1 else p[0] for p in zip(*parts))
    _, _, hessian_q = complete_data(module, flat, collected)
    return value, gradient, hessian + hessian_q


def _block(module: Mixture, flat: Tensor) -> tuple[Tensor, ...]:
    """A block's log-likelihood, gradient, Hessian without sum P H, and posterior-weighted statistics by outcome."""
    group_ll, local = group_scores(module, flat)
    log_pi = module.log_shares(flat)
    joint = group_ll + log_pi[:, :, None]
    subject = torch.logsumexp(joint, dim=1)
    value = (subject + module.constant) @ module.weight
    posterior = torch.exp(joint - subject[:, None])
    weighted = posterior * module.weight
    collected = [cells.collect(weighted) for cells in module.cells]
    mean_score, products = _score_products(module, local, log_pi.exp(), posterior, weighted)
    weighted_score = mean_score * module.weight
    return value, weighted_score.sum(-1), products - weighted_score @ mean_score.transpose(1, 2), *collected


def _score_products(
    module: Mixture, local: Tensor, pi: Tensor, posterior: Tensor, weighted: Tensor
) -> tuple[Tensor, Tensor]:
    """S_i (B, p, N) and sum_i [sum_k P_ik a_ik a_ik' + the membership's own Hessian] (B, p, p).

    local (B, K, Q, N) are the derivatives of log f_k(y_i) in group k's own coefficients.
    """
    batch, groups, width, n = local.shape
    size = module.layout.size
    select = module.select.reshape(groups * width, size)
    mean_score = select.T @ (posterior[:, :, None] * local).reshape(batch, groups * width, n)
    pa = weighted[:, :, None] * local
    products = _placed(module, pa @ local.transpose(2, 3))
    if groups > 1:
        theta = module.layout.theta
        # derivative of log pi_k in theta, (B, K, K - 1)
        e = torch.eye(groups, dtype=pi.dtype, device=pi.device)[:, 1:] - pi[:, None, 1:]
        cross = (pa.sum(-1)[:, :, :, None] * e[:, :, None, :]).reshape(batch, groups * width, groups - 1)
        cross = select.T @ cross
        products[:, :, theta] += cross
        products[:, theta, :] += cross.transpose(1, 2)
        rest, totals = pi[:, 1:], weighted.sum(2)
        own = e.transpose(1, 2) @ (totals[:, :, None] * e)
        information = torch.diag_embed(rest) - rest[:, :, None] * rest[:, None, :]
        products[:, theta, theta] += own - module.weight.sum() * information
        mean_score[:, theta] = posterior[:, 1:] - rest[:, :, None]
    return mean_score, products
