"""Gradient and Hessian of the log-likelihood for a batch of parameter vectors.

The families give only their terms; first and second derivatives with respect to the linear predictors come from
autograd on cells (C is small), and the rest is matrix products:

    gradient  = sum_i sum_k P_ik a_ik
    Hessian   = sum_i [sum_k P_ik (H_ik + a_ik a_ik') - S_i S_i'],   S_i = sum_k P_ik a_ik   (Louis 1982)

with a_ik, H_ik the derivatives of log pi_k + log f_k(y_i). Dropping all but sum P H gives the Hessian of EM's Q.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .likelihood import CellStatistics, Mixture
from .threads import in_order


def weighted_curvature(
    cells: CellStatistics, u: dict[str, Tensor], collected: Tensor
) -> tuple[Tensor, dict[str, Tensor], dict[tuple[str, str], Tensor]]:
    """q = sum_s collected_s terms_s on cells (B, K, C), its gradient and Hessian by predictor, (B, K, C) each."""
    leaves = {name: value.detach().requires_grad_() for name, value in u.items()}
    names = list(leaves)
    with torch.enable_grad():
        q = (cells.family.terms(leaves) * collected).sum(-1)
        gradient = torch.autograd.grad(q.sum(), [leaves[n] for n in names], create_graph=True)
        curvature = {}
        for i, a in enumerate(names):
            if not gradient[i].requires_grad:
                continue
            row = torch.autograd.grad(
                gradient[i].sum(), [leaves[n] for n in names], retain_graph=True, allow_unused=True
            )
            curvature.update({(a, b): row[j] for j, b in enumerate(names) if row[j] is not None})
    return q.detach(), {n: g.detach() for n, g in zip(names, gradient, strict=True)}, curvature


def complete_data(
    module: Mixture, flat: Tensor, collected: list[Tensor], *, safe: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Value (B,), gradient (B, p) and Hessian (B, p, p) of EM's Q without its membership part.

    ``collected[m]`` (B, K, C, S) are the posterior-weighted statistics of outcome m. With ``safe`` the Hessian is
    bounded where a family knows that a Newton step would overshoot.
    """
    batch, size = flat.shape
    value = flat.new_zeros(batch)
    gradient = flat.new_zeros(batch, size + 1)
    hessian = flat.new_zeros(batch, size + 1, size + 1)
    for m, cells in enumerate(module.cells):
        u = module.predictors(flat, m)
        q, first, second = weighted_curvature(cells, u, collected[m])
        value = value + q.sum((1, 2))
        for a in first:
            da, ia = cells.columns(a), module.index(m, a)
            local = first[a] @ da
            for k in range(ia.shape[0]):
                gradient[:, ia[k]] += local[:, k]
            for b in first:
                if (a, b) not in second:
                    continue
                db, ib = cells.columns(b), module.index(m, b)
                curvature = second[a, b]
                if safe:
                    curvature = cells.family.safe_curvature(a, b, curvature, collected[m])
                block = torch.einsum("bkc,ci,cj->bkij", curvature, da, db)
                for k in range(ia.shape[0]):
                    hessian[:, ia[k][:, None], ib[k][None, :]] += block[:, k]
    return value, gradient[:, :size], hessian[:, :size, :size]


def group_scores(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor]:
    """log f_k(y_i) (B, K, N) and its derivatives in each group's own coefficients (B, K, Q, N)."""
    parts = [cells.scores(module.predictors(flat, m)) for m, cells in enumerate(module.cells)]
    total = torch.stack([p[0] for p in parts]).sum(0) if len(parts) > 1 else parts[0][0]
    return total, torch.cat([p[1] for p in parts], dim=2)


def observed(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-likelihood (B,), gradient (B, p) and exact Hessian (B, p, p) of the observed data, by blocks of subjects."""
    size = flat.shape[1]
    parts = in_order(lambda shard: _block(shard, flat), module.shards)
    value = torch.stack([p[0] for p in parts]).sum(0)
    gradient = torch.stack([p[1] for p in parts]).sum(0)
    hessian = torch.stack([p[2] for p in parts]).sum(0)
    collected = [torch.stack([p[3][m] for p in parts]).sum(0) for m in range(len(module.cells))]
    _, _, hessian_q = complete_data(module, flat, collected)
    return value, gradient[:, :size], hessian[:, :size, :size] + hessian_q


def _block(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """A block's log-likelihood, gradient (B, p + 1), Hessian without sum P H, and posterior-weighted statistics.

    The last entry of the gradient and the Hessian takes what belongs to absent coefficients.
    """
    group_ll, local = group_scores(module, flat)
    log_pi = module.log_shares(flat)
    joint = group_ll + log_pi[:, :, None]
    subject = torch.logsumexp(joint, dim=1)
    value = (subject + module.constant) @ module.weight
    posterior = torch.exp(joint - subject[:, None])
    weighted = posterior * module.weight
    collected = [cells.collect(weighted) for cells in module.cells]
    mean_score, hessian = _score_products(module, local, log_pi.exp(), posterior)
    weighted_score = mean_score * module.weight
    return value, weighted_score.sum(-1), hessian - weighted_score @ mean_score.transpose(1, 2), collected


def _score_products(module: Mixture, local: Tensor, pi: Tensor, posterior: Tensor) -> tuple[Tensor, Tensor]:
    """S_i (B, p + 1, N) and sum_i [sum_k P_ik a_ik a_ik' + the membership's own Hessian] (B, p + 1, p + 1).

    local (B, K, Q, N) are the derivatives of log f_k(y_i) in group k's own coefficients.
    """
    batch, groups, _, n = local.shape
    size = module.layout.size
    own = [
        torch.cat([module.index(m, a)[k] for m, c in enumerate(module.cells) for a in c.family.predictors])
        for k in range(groups)
    ]
    theta = torch.arange(module.layout.theta.start, module.layout.theta.stop, device=local.device)
    mean_score = local.new_zeros(batch, size + 1, n)
    products = local.new_zeros(batch, size + 1, size + 1)
    for k in range(groups):
        index, a = own[k], local[:, k]
        pa = posterior[:, k, None] * a
        mean_score[:, index] += pa
        pa = pa * module.weight
        products[:, index[:, None], index[None, :]] += pa @ a.transpose(1, 2)
        if groups > 1:
            e = -pi[:, 1:].clone()  # derivative of log pi_k in theta
            if k:
                e[:, k - 1] += 1.0
            cross = pa.sum(-1)[:, :, None] * e[:, None, :]
            products[:, index[:, None], theta[None, :]] += cross
            products[:, theta[:, None], index[None, :]] += cross.transpose(1, 2)
            total = posterior[:, k] @ module.weight
            products[:, theta[:, None], theta[None, :]] += total[:, None, None] * (e[:, :, None] * e[:, None, :])
    if groups > 1:
        rest = pi[:, 1:]
        mean_score[:, theta] = posterior[:, 1:] - rest[:, :, None]
        information = torch.diag_embed(rest) - rest[:, :, None] * rest[:, None, :]
        products[:, theta[:, None], theta[None, :]] -= module.weight.sum() * information
    return mean_score, products
