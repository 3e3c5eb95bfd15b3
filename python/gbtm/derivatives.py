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
    """Log-likelihood (B,), gradient (B, p) and exact Hessian (B, p, p) of the observed data."""
    batch, size = flat.shape
    groups = module.layout.n_groups
    group_ll, local = group_scores(module, flat)
    log_pi = module.log_shares(flat)
    joint = group_ll + log_pi[:, :, None]
    subject = torch.logsumexp(joint, dim=1)
    value = (subject + module.constant) @ module.weight
    posterior = torch.exp(joint - subject[:, None])
    weighted = posterior * module.weight

    collected = [cells.collect(weighted) for cells in module.cells]
    _, _, hessian_q = complete_data(module, flat, collected)
    hessian = torch.nn.functional.pad(hessian_q, (0, 1, 0, 1))

    local_index = [
        torch.cat([module.index(m, a)[k] for m, c in enumerate(module.cells) for a in c.family.predictors])
        for k in range(groups)
    ]
    pi = log_pi.exp()
    theta = torch.arange(module.layout.theta.start, module.layout.theta.stop, device=flat.device)
    mean_score = flat.new_zeros(batch, size + 1, module.weight.numel())
    for k in range(groups):
        index = local_index[k]
        p_k = weighted[:, k, None]
        a = local[:, k]
        pa = p_k * a
        mean_score[:, index] += posterior[:, k, None] * a
        hessian[:, index[:, None], index[None, :]] += pa @ a.transpose(1, 2)
        if groups > 1:
            e = -pi[:, 1:].clone()
            if k:
                e[:, k - 1] += 1.0
            cross = pa.sum(-1)[:, :, None] * e[:, None, :]
            hessian[:, index[:, None], theta[None, :]] += cross
            hessian[:, theta[:, None], index[None, :]] += cross.transpose(1, 2)
            hessian[:, theta[:, None], theta[None, :]] += p_k.sum(-1)[:, :, None] * (e[:, :, None] * e[:, None, :])
    if groups > 1:
        rest = pi[:, 1:]
        mean_score[:, theta] = posterior[:, 1:] - rest[:, :, None]
        information = torch.diag_embed(rest) - rest[:, :, None] * rest[:, None, :]
        hessian[:, theta[:, None], theta[None, :]] -= module.weight.sum() * information
    weighted_score = mean_score * module.weight
    gradient = weighted_score.sum(-1)
    hessian = hessian - weighted_score @ mean_score.transpose(1, 2)
    return value, gradient[:, :size], hessian[:, :size, :size]
