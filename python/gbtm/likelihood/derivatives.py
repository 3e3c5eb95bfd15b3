"""Gradient and Hessian of the log-likelihood for a batch of parameter vectors.

The families give the derivatives of their terms with respect to the linear predictors on cells; the rest is matrix
products:

    gradient  = sum_i sum_k P_ik a_ik
    Hessian   = sum_i [sum_k P_ik (H_ik + a_ik a_ik') - S_i S_i'],   S_i = sum_k P_ik a_ik   (Louis 1982)

with a_ik, H_ik the derivatives of log pi_k + log f_k(y_i). Dropping all but sum P H gives the Hessian of EM's Q.
A group's derivatives are local, in its own Q coefficients; ``Mixture.select`` (K, Q, p) puts them in their places.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..compute.threads import in_order
from .mixture import Mixture
from .over_groups import over_groups


@dataclass(frozen=True)
class Collected:
    """Posterior-weighted statistics (B, K, C, S) of one outcome: of all subjects, or of a block with its own cells."""

    owner: Mixture
    outcome: int
    statistics: Tensor

    def take(self, batch: Tensor) -> Collected:
        """Some members of the batch."""
        return replace(self, statistics=self.statistics[batch])


def gathered(module: Mixture, blocks: list[list[Tensor]]) -> list[Collected]:
    """Statistics by block and outcome -> summed over the blocks where these share their cells."""
    out = []
    for m, cells in enumerate(module.cells):
        statistics = [b[m] for b in blocks]
        if cells.apart:
            continue
        if cells.private:
            out += [Collected(shard, m, s) for shard, s in zip(module.shards, statistics, strict=True)]
        else:
            out.append(Collected(module, m, torch.stack(statistics).sum(0) if len(statistics) > 1 else statistics[0]))
    return out


def complete_data(
    module: Mixture, flat: Tensor, collected: list[Collected], *, safe: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Value (B,), gradient (B, p) and Hessian (B, p, p) of EM's Q without its membership part.

    With ``safe`` the Hessian is bounded where a family knows that a Newton step would overshoot.
    """
    parts = in_order(lambda c: _of_outcome(c, flat, safe), collected)
    value, gradient, hessian = (torch.stack(p).sum(0) if len(p) > 1 else p[0] for p in zip(*parts))
    select = module.select.flatten(0, 1)
    return value, gradient.flatten(1) @ select, _placed(module, hessian)


def _of_outcome(c: Collected, flat: Tensor, safe: bool) -> tuple[Tensor, Tensor, Tensor]:
    """One outcome's value (B,), and gradient (B, K, Q) and Hessian (B, K, Q, Q) in all own coefficients of a group."""
    groups, width, _ = c.owner.select.shape
    value, own_gradient, own_hessian = c.owner.cells[c.outcome].complete_data(
        c.owner.predictors(flat, c.outcome), c.statistics, safe
    )
    at = c.owner.own_columns(c.outcome)
    gradient = flat.new_zeros(flat.shape[0], groups, width)
    hessian = flat.new_zeros(flat.shape[0], groups, width, width)
    gradient[:, :, at], hessian[:, :, at, at] = own_gradient, own_hessian
    return value, gradient, hessian


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
    """Log-likelihood (B,), gradient (B, p) and exact Hessian (B, p, p) of the observed data, by blocks of subjects, and
    of the log prior where there is one."""
    value, gradient, hessian = _remembered(module, flat)
    if module.log_prior is not None:
        more = module.log_prior.derivatives(flat)
        return value + more[0], gradient + more[1], hessian + more[2]
    return value, gradient, hessian


def _remembered(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What was computed at these parameters (B, p) a moment ago, or now: where a climb ends three readers ask again."""
    for at, derivatives in module.remembered:
        if torch.equal(at, flat):
            return derivatives
    value, gradient, hessian = module.recalled("observed", flat, lambda: _observed(module, flat))
    derivatives = (value, gradient, hessian)
    module.remembered = (*module.remembered[-1:], (flat.clone(), derivatives))
    return derivatives


def _observed(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    parts = in_order(lambda shard: _block(shard, flat), module.shards)
    value, gradient, hessian = (torch.stack(p).sum(0) if len(p) > 1 else p[0] for p in list(zip(*parts))[:3])
    _, _, hessian_q = complete_data(module, flat, gathered(module, [p[3] for p in parts]))
    return value, gradient, hessian + hessian_q


def _block(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """A block's log-likelihood, gradient, Hessian without sum P H, and posterior-weighted statistics by outcome."""
    group_ll, local = group_scores(module, flat)
    joint = group_ll + module.membership.log_weights(flat)
    subject, posterior = over_groups(joint)
    value = (subject + module.constant) @ module.weight
    weighted = posterior * module.weight
    collected = [cells.collect(weighted) for cells in module.cells]
    mean_score, products = _score_products(module, flat, local, posterior)
    for m, cells in enumerate(module.cells):
        if cells.apart:
            own = Collected(module, m, collected[m])
            products = products + _placed(module, _of_outcome(own, flat, False)[2])
            collected[m] = value.new_zeros(0)
    weighted_score = mean_score * module.weight
    return value, weighted_score.sum(-1), products - weighted_score @ mean_score.transpose(1, 2), collected


def _score_products(module: Mixture, flat: Tensor, local: Tensor, posterior: Tensor) -> tuple[Tensor, Tensor]:
    """S_i (B, p, N) and sum_i [sum_k P_ik a_ik a_ik' + the membership's own Hessian] (B, p, p).

    local (B, K, Q, N) are the derivatives of log f_k(y_i) in group k's own coefficients.
    """
    select = module.select.flatten(0, 1)
    mean_score = select.T @ (posterior[:, :, None] * local).flatten(1, 2)
    pa = (posterior * module.weight)[:, :, None] * local
    products = _placed(module, pa @ local.transpose(2, 3))
    if module.layout.n_groups > 1:
        membership = module.membership
        mean_score[:, module.layout.theta] = membership.add_products(
            flat, products, select, pa, posterior, module.weight
        )
    return mean_score, products


def subject_scores(module: Mixture, flat: Tensor) -> Tensor:
    """Derivatives of log L_i, unweighted, in the parameters (p,) -> (U, p) over the distinct subjects."""

    def block(shard: Mixture) -> Tensor:
        group_ll, local = group_scores(shard, flat[None])
        posterior = torch.softmax(group_ll + shard.membership.log_weights(flat[None]), dim=1)
        return _score_products(shard, flat[None], local, posterior)[0][0].T

    return torch.cat(in_order(block, module.shards))


def group_information(module: Mixture, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Per group, in its own coefficients: sum_i P_ik a_ik a_ik' and -sum_i P_ik H_ik, (K, Q, Q) each; sum_i P_ik (K,).

    Parameters are one vector (p,). The two matrices are equal in expectation where a group's members do not differ in
    their coefficients.
    """

    def block(shard: Mixture) -> tuple[Tensor, Tensor, list[Tensor]]:
        group_ll, local = group_scores(shard, flat[None])
        weighted = torch.softmax(group_ll + shard.membership.log_weights(flat[None]), dim=1) * shard.weight
        products = (weighted[:, :, None] * local) @ local.transpose(2, 3)
        return products[0], weighted[0].sum(-1), [cells.collect(weighted) for cells in shard.cells]

    parts = in_order(block, module.shards)
    products, members = (torch.stack(p).sum(0) for p in list(zip(*parts))[:2])
    hessians = in_order(lambda c: _of_outcome(c, flat[None], False)[2][0], gathered(module, [p[2] for p in parts]))
    return products, -torch.stack(hessians).sum(0), members


def posterior_gradient(module: Mixture, flat: Tensor, cov: Tensor) -> tuple[Tensor, Tensor]:
    """Posteriors (U, K) at parameters (p,), and their variance (U, K) when these have covariance (p, p).

    d P_ik = P_ik (a_ik - sum_l P_il a_il), with a_ik the derivative of log pi_k + log f_k(y_i).
    """

    def block(shard: Mixture) -> tuple[Tensor, Tensor]:
        group_ll, local = group_scores(shard, flat[None])
        posterior = torch.softmax(group_ll + shard.membership.log_weights(flat[None]), dim=1)[0]
        scores = torch.einsum("kqn,kqp->nkp", local[0], shard.select)
        shard.membership.add_scores(flat, scores)  # what is common to all groups drops out below
        gradient = posterior.T[:, :, None] * (scores - torch.einsum("kn,nkp->np", posterior, scores)[:, None])
        return posterior.T, torch.einsum("nkp,pq,nkq->nk", gradient, cov, gradient)

    parts = in_order(block, module.shards)
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])
