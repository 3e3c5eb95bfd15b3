"""Group membership: pi_k(z_i) = softmax_k(z_i' theta_k), theta = 0 for the reference group.

Without covariates z is one constant for all subjects and everything has a closed form in the groups' totals; that
case is kept apart because it costs nothing.

People whose group is known have weights m_ik of the groups, which go with pi_k wherever groups are summed over, and
nowhere else: given the posteriors theta does not know of them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..compute.damped_newton import damped_step
from ..data.known_groups import group_weights
from ..data.subjects import Subjects
from ..model.layout import Layout

SHARE_FLOOR = 1e-10
NEWTON_DAMPING = 1e-6


class Membership(nn.Module):
    """The membership part of the likelihood.

    Attributes
    ----------
    z : (U, R) internal membership columns of the distinct subjects, or (1, 1) without covariates
    index : (K, R) positions of theta in the flat vector, ``size`` for the reference group
    m : (U, K) weights of the groups of those whose group is known; (0, K) where nobody's is
    """

    z: Tensor
    index: Tensor
    others: Tensor
    m: Tensor

    def __init__(self, layout: Layout, z: Tensor, m: Tensor | None = None) -> None:
        super().__init__()
        self.layout, self.theta, self.size = layout, layout.theta, layout.size
        self.register_buffer("z", z)
        self.register_buffer("m", z.new_zeros((0, layout.n_groups)) if m is None else m)
        self.register_buffer("index", torch.from_numpy(layout.theta_index))
        self.reach = float(z.norm(dim=1).max())  # longest z
        groups = [g for g in range(layout.n_groups) if g != layout.reference]
        self.register_buffer("others", torch.tensor(groups, dtype=torch.int64))

    @classmethod
    def of(cls, layout: Layout, subjects: Subjects) -> Membership:
        """For all subjects of a panel."""
        weights = group_weights(subjects.known_groups, layout.n_groups)
        m = None if weights is None else torch.from_numpy(weights)
        if not subjects.risk_names:
            return cls(layout, torch.ones((1, 1), dtype=torch.float64), m)
        return cls(layout, torch.from_numpy(layout.membership.internal(subjects.risk)), m)

    @property
    def has_covariates(self) -> bool:
        return self.z.shape[1] > 1

    @property
    def columns(self) -> list[Tensor]:
        """What is known of each subject, (U, .) each."""
        return [*([self.z] if self.has_covariates else []), *([self.m] if self.has_known else [])]

    @property
    def has_known(self) -> bool:
        return len(self.m) > 0

    def take(self, rows: object) -> Membership:
        """That of some of the subjects."""
        if not self.has_covariates and not self.has_known:
            return self
        z = self.z[rows] if self.has_covariates else self.z  # type: ignore[index]
        return Membership(self.layout, z, self.m[rows] if self.has_known else None)  # type: ignore[index]

    def log_shares(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi_k(z_i), (B, K, U), or (B, K, 1) without covariates."""
        theta = torch.nn.functional.pad(flat, (0, 1))[:, self.index]
        return torch.log_softmax(theta @ self.z.T, dim=1)

    def log_weights(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi_k(z_i) + log m_ik, by which groups are summed over; of shape as :meth:`log_shares`, and
        (B, K, U) where the group of some is known."""
        shares = self.log_shares(flat)
        return shares + self.m.log().T if self.has_known else shares

    # -- for EM ------------------------------------------------------------------------------------------------

    def gather(self, flat: Tensor, weighted: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """What the M-step of theta needs of a block of subjects, to be summed over blocks.

        weighted (B, K, U) are weight times posterior.
        """
        totals = weighted.sum(2)
        if not self.has_covariates:
            return (totals,)
        pi = self.log_shares(flat).exp()[:, self.others]
        gradient = (weighted[:, self.others] - weight * pi) @ self.z
        return totals, gradient.flatten(1), self._information(pi, weight)

    def _information(self, pi: Tensor, weight: Tensor) -> Tensor:
        """sum_i w_i (diag pi - pi pi') x z_i z_i', (B, J, J), with pi (B, K - 1, U)."""
        wide = self._times_z(pi)
        out = -(wide * weight) @ wide.transpose(1, 2)
        for j in range(pi.shape[1]):
            place = slice(j * self.z.shape[1], (j + 1) * self.z.shape[1])
            out[:, place, place] += (self.z.T * (weight * pi[:, j])[:, None]) @ self.z
        return out

    def _times_z(self, x: Tensor) -> Tensor:
        """(B, K - 1, U) -> x_ij z_ir, (B, J, U)."""
        return (x[:, :, None] * self.z.T).flatten(1, 2)

    def m_step(self, flat: Tensor, gathered: tuple[Tensor, ...]) -> Tensor:
        """theta (B, J) that raises EM's Q: its maximum without covariates, else a Newton step of the logit.

        The step is shortened to log(1 + r)/r of its length, r the most that it changes a difference of logits: the
        logit's third derivative is at most r times its second, so that Q cannot fall (Bach 2010, Electronic Journal
        of Statistics 4).
        """
        if not self.has_covariates:
            totals = gathered[0]
            log_shares = (totals / totals.sum(1, keepdim=True)).clamp(min=SHARE_FLOOR).log()
            reference = [g for g in range(totals.shape[1]) if g not in self.others.tolist()]
            return log_shares[:, self.others] - log_shares[:, reference]
        _, gradient, information = gathered
        at = flat[:, self.theta]
        damping = torch.full((flat.shape[0],), NEWTON_DAMPING, dtype=flat.dtype, device=flat.device)
        step = damped_step(-information, gradient, damping, at)[0]
        longest = step.unflatten(1, (-1, self.z.shape[1])).norm(dim=2).amax(1)  # type: ignore[no-untyped-call]
        r = (2 * self.reach * longest).clamp(min=1e-12)
        return at + (torch.log1p(r) / r)[:, None] * step

    # -- for a prior --------------------------------------------------------------------------------------------

    def evenly(self, flat: Tensor, weight: Tensor, slopes: bool) -> tuple[Tensor, Tensor, Tensor]:
        """sum_i w_i mean_k log pi_k(z_i) (B,), its gradient (B, J) and Hessian (B, J, J) in theta.

        weight (U,) are of people who are in all groups in equal parts; without ``slopes`` the value alone counts.
        """
        log_pi = self.log_shares(flat)
        value = (log_pi.mean(1) * weight).sum(1)
        pi = log_pi.exp()[:, self.others]
        if not slopes:
            return value, value, value
        gradient = ((1 / self.index.shape[0] - pi) * weight) @ self.z
        return value, gradient.flatten(1), -self._information(pi, weight)

    def information(self, flat: Tensor, weight: Tensor) -> Tensor:
        """That of theta (B, J, J), were the groups of people with ``weight`` (U,) known."""
        return self._information(self.log_shares(flat).exp()[:, self.others], weight)

    # -- for the observed information --------------------------------------------------------------------------

    def add_products(
        self, flat: Tensor, products: Tensor, select: Tensor, pa: Tensor, posterior: Tensor, weight: Tensor
    ) -> Tensor:
        """Add the membership's part of sum_i [sum_k P a a' + H] to ``products`` (B, p, p), in place.

        pa (B, K, Q, U) are weight times posterior times the groups' own scores, select (K Q, p) puts those in their
        places. Returns the scores of theta (B, J, U).
        """
        theta, others = self.theta, self.others
        batch, groups, width, _ = pa.shape
        pi = self.log_shares(flat).exp()
        weighted = posterior * weight
        # first factor of the cross products: the derivative of log pi_k in theta_j is (1[j = k] - pi_j) z
        if self.has_covariates:
            wide, expected = self._times_z(posterior[:, others]), self._times_z(pi[:, others])
            cross = torch.zeros(batch, groups, width, expected.shape[1], dtype=flat.dtype, device=flat.device)
            r = self.z.shape[1]
            for j, g in enumerate(others.tolist()):
                cross[:, g, :, j * r : (j + 1) * r] = pa[:, g] @ self.z
            cross -= (pa.flatten(1, 2) @ expected.transpose(1, 2)).view_as(cross)
            mixed = (wide * weight) @ expected.transpose(1, 2)
            theta_products = 2 * (expected * weight) @ expected.transpose(1, 2) - mixed - mixed.transpose(1, 2)
            for j, g in enumerate(others.tolist()):
                place = slice(j * r, (j + 1) * r)
                theta_products[:, place, place] += (self.z.T * (weighted[:, g] - weight * pi[:, g])[:, None]) @ self.z
            scores = wide - expected
        else:
            e = torch.eye(groups, dtype=flat.dtype, device=flat.device)[:, others] - pi[:, None, others, 0]
            cross = pa.sum(-1)[:, :, :, None] * e[:, :, None, :]
            rest, totals = pi[:, others, 0], weighted.sum(2)
            information = torch.diag_embed(rest) - rest[:, :, None] * rest[:, None, :]
            theta_products = e.transpose(1, 2) @ (totals[:, :, None] * e) - weight.sum() * information
            scores = posterior[:, others] - rest[:, :, None]
        placed = select.T @ cross.reshape(batch, groups * width, -1)
        products[:, :, theta] += placed
        products[:, theta, :] += placed.transpose(1, 2)
        products[:, theta, theta] += theta_products
        return scores

    def add_scores(self, flat: Tensor, scores: Tensor) -> None:
        """Add the derivatives of the log shares to ``scores`` (N, K, p) at parameters (p,), but for what is common to
        all groups; in place.

        The derivative of log pi_k in theta_j is (1[j = k] - pi_j) z, of which the second term is common.
        """
        for k in range(self.index.shape[0]):
            here = self.index[k] < flat.numel()
            if here.any():
                scores[:, k, self.index[k][here]] += self.z[:, here]
