"""Membership of a dual model: log pi_jk(i) = log pi_j(x_i) + log pi_k|j(z_i), for the class of each pair of groups.

Both factors are multinomial logits. With s_c the derivative of a class's log share in the membership coefficients, and
s1, s2 its entries in those of the first and of the second factor, the Hessian of log pi_jk is

    -sum_l pi_l s1_l s1_l' - sum_m pi_m|j s2_jm s2_jm',

so that all that is asked of it are sums over classes of s s' with weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..compute.damped_newton import damped_step
from ..data.known_groups import class_weights
from ..data.subjects import Subjects
from ..model.layout import Layout
from .membership import NEWTON_DAMPING, SHARE_FLOOR


class DualMembership(nn.Module):
    """The membership part of a dual model's likelihood; its methods are those of
    :class:`~gbtm.likelihood.membership.Membership`.

    Attributes
    ----------
    x : (U, R) internal membership columns of the distinct subjects, or (1, 1) without covariates
    z : (U, r) internal covariates of the second factor, or (1, 0)
    first : (J, R) positions of theta in the flat vector, ``size`` for the reference group
    second : (K, J + r) positions of the second factor's coefficients
    m : (U, C) weights of the pairs of groups of those of whom something is known; (0, C) where nothing is of anybody
    """

    x: Tensor
    z: Tensor
    first: Tensor
    second: Tensor
    m: Tensor

    def __init__(self, layout: Layout, x: Tensor, z: Tensor, m: Tensor | None = None) -> None:
        super().__init__()
        assert layout.transitions is not None
        self.layout, self.theta, self.size = layout, layout.theta, layout.size
        self.register_buffer("x", x)
        self.register_buffer("z", z)
        self.register_buffer("m", z.new_zeros((0, layout.n_groups)) if m is None else m)
        self.register_buffer("first", torch.from_numpy(layout.theta_index))
        self.register_buffer("second", torch.from_numpy(layout.transitions.index))
        self.n_from, self.n_to = layout.transitions.n_from, layout.transitions.n_to
        edge = int(sum(layout.theta_index[g, 0] < layout.size for g in range(self.n_from)) * layout.membership.width)
        self.of_first = slice(0, edge)  # among the membership coefficients
        self.of_second = slice(edge, layout.size - layout.theta.start)
        # longest x, and longest column of the second factor
        self.reach = float(x.norm(dim=1).max()), float((1 + (z**2).sum(1)).max().sqrt())

    @classmethod
    def of(cls, layout: Layout, subjects: Subjects) -> DualMembership:
        """For all subjects of a panel."""
        assert layout.transitions is not None
        x, z = torch.ones((1, 1), dtype=torch.float64), torch.zeros((1, 0), dtype=torch.float64)
        if subjects.risk_names:
            x = torch.from_numpy(layout.membership.internal(subjects.risk))
        if subjects.risk2_names:
            z = torch.from_numpy(layout.transitions.basis.covariates(subjects.second_risk))
        weights = class_weights(subjects.known_sets, layout.spec.set_sizes)
        return cls(layout, x, z, None if weights is None else torch.from_numpy(weights))

    @property
    def has_covariates(self) -> bool:
        return self.x.shape[1] > 1 or self.z.shape[1] > 0

    @property
    def columns(self) -> list[Tensor]:
        """What is known of each subject, (U, .) each."""
        covariates = [t for t, narrow in ((self.x, 1), (self.z, 0)) if t.shape[1] > narrow]
        return [*covariates, *([self.m] if self.has_known else [])]

    @property
    def has_known(self) -> bool:
        return len(self.m) > 0

    def take(self, rows: object) -> DualMembership:
        """That of some of the subjects."""
        x = self.x[rows] if self.x.shape[1] > 1 else self.x  # type: ignore[index]
        z = self.z[rows] if self.z.shape[1] else self.z  # type: ignore[index]
        return DualMembership(self.layout, x, z, self.m[rows] if self.has_known else None)  # type: ignore[index]

    def _factors(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        """(B, p) -> log pi_j (B, J, 1, U) and log pi_k|j (B, J, K, U), U being 1 without covariates."""
        padded = torch.nn.functional.pad(flat, (0, 1))
        first = torch.log_softmax(padded[:, self.first] @ self.x.T, dim=1)
        values = padded[:, self.second]
        own = values[:, :, : self.n_from].transpose(1, 2)  # (B, J, K)
        shift = values[:, :, self.n_from :] @ self.z.T  # (B, K, U)
        second = torch.log_softmax(own[..., None] + shift[:, None], dim=2)
        return first[:, :, None], second

    def log_shares(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi_jk(i), (B, C, U), or (B, C, 1) without covariates."""
        first, second = self._factors(flat)
        return (first + second).flatten(1, 2)

    def log_weights(self, flat: Tensor) -> Tensor:
        """By which classes are summed over: their shares, and the weights of those of whom something is known."""
        shares = self.log_shares(flat)
        return shares + self.m.log().T if self.has_known else shares

    def class_scores(self, flat: Tensor) -> Tensor:
        """(B, p) -> d log pi_jk(i) / d membership coefficients, (B, C, M, U), U being 1 without covariates."""
        first, second = self._factors(flat)
        pi, given = first[:, :, 0].exp(), second.exp()
        batch, start = flat.shape[0], self.theta.start
        n = max(pi.shape[-1], given.shape[-1])
        scores = flat.new_zeros(batch, self.n_from, self.n_to, self.size - start, n)
        for g in range(self.n_from):
            if self.first[g, 0] == self.size:
                continue
            at = self.first[g] - start
            indicator = (torch.arange(self.n_from, device=flat.device) == g).to(flat.dtype)
            slope = indicator[:, None] - pi[:, g, None]  # (B, J, U)
            scores[:, :, :, at] = (slope[:, :, None] * self.x.T)[:, :, None]
        for k in range(self.n_to):
            if self.second[k, 0] == self.size:
                continue
            at = self.second[k] - start
            indicator = (torch.arange(self.n_to, device=flat.device) == k).to(flat.dtype)
            slope = indicator[:, None] - given[:, :, k, None]  # (B, J, K, U)
            for j in range(self.n_from):
                scores[:, j, :, at[j]] = slope[:, j]
            if self.z.shape[1]:
                scores[:, :, :, at[self.n_from :]] = slope[:, :, :, None] * self.z.T
        return scores.flatten(1, 2)

    def _information(self, flat: Tensor, scores: Tensor, members: Tensor, weight: Tensor) -> Tensor:
        """Minus the weighted sum of the Hessians of the subjects' log shares, (B, M, M).

        ``members`` (B, J, U') are weight times the posterior of the first set's groups, summed over the subjects where
        these do not differ; so is ``weight`` (U').
        """
        first, second = self._factors(flat)
        out = flat.new_zeros(flat.shape[0], scores.shape[2], scores.shape[2])
        shape = (flat.shape[0], self.n_from, self.n_to, -1)
        of_first = (weight * (first + second).exp()).flatten(1, 2)  # sum_k pi_jk = pi_j
        of_second = (members[:, :, None] * second.exp()).expand(*shape[:3], scores.shape[-1]).flatten(1, 2)
        for at, w in ((self.of_first, of_first), (self.of_second, of_second)):
            own = scores[:, :, at]
            out[:, at, at] = ((own * w[:, :, None]) @ own.transpose(2, 3)).sum(1)
        return out

    def _members(self, weighted: Tensor) -> Tensor:
        """Weight times posterior of the classes (B, C, U) -> of the first set's groups (B, J, U)."""
        return weighted.unflatten(1, (self.n_from, self.n_to)).sum(2)  # type: ignore[no-untyped-call]

    # -- for EM ------------------------------------------------------------------------------------------------

    def gather(self, flat: Tensor, weighted: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        """What the M-step needs of a block of subjects; weighted (B, C, U) are weight times posterior."""
        if not self.has_covariates:
            return (weighted.sum(2),)
        scores = self.class_scores(flat)
        gradient = (scores * weighted[:, :, None]).sum((1, 3))
        return gradient, self._information(flat, scores, self._members(weighted), weight)

    def m_step(self, flat: Tensor, gathered: tuple[Tensor, ...]) -> Tensor:
        """Membership coefficients (B, M) that raise EM's Q, as those of one set of groups do; the two factors have no
        information in common, and the step is shortened for each alone."""
        if not self.has_covariates:
            totals = gathered[0]
            shares = (totals / totals.sum(1, keepdim=True)).clamp(min=SHARE_FLOOR)
            values = flat.cpu().numpy().copy()
            self.layout.set_shares(values, shares.cpu().numpy())
            return torch.as_tensor(values, device=flat.device)[:, self.theta]
        gradient, information = gathered
        at = flat[:, self.theta]
        damping = torch.full((flat.shape[0],), NEWTON_DAMPING, dtype=flat.dtype, device=flat.device)
        step = damped_step(-information, gradient, damping, at)[0]
        widths = (self.x.shape[1], self.n_from + self.z.shape[1])
        out = at.clone()
        for place, width, reach in zip((self.of_first, self.of_second), widths, self.reach, strict=True):
            if place.stop > place.start:
                longest = step[:, place].unflatten(1, (-1, width)).norm(dim=2).amax(1)  # type: ignore[no-untyped-call]
                r = (2 * reach * longest).clamp(min=1e-12)
                out[:, place] += (torch.log1p(r) / r)[:, None] * step[:, place]
        return out

    # -- for a prior --------------------------------------------------------------------------------------------

    def evenly(self, flat: Tensor, weight: Tensor, slopes: bool) -> tuple[Tensor, Tensor, Tensor]:
        """sum_i w_i mean_c log pi_c(i) (B,), its gradient (B, M) and Hessian (B, M, M) in the membership coefficients.

        weight (U,) are of people who are in all pairs of groups in equal parts.
        """
        log_pi = self.log_shares(flat)
        value = (log_pi.mean(1) * weight).sum(1)
        if not slopes:
            return value, value, value
        scores = self.class_scores(flat)
        gradient = (scores * weight).sum(3).mean(1)
        members = (weight / self.n_from).expand(flat.shape[0], self.n_from, weight.numel())
        return value, gradient, -self._information(flat, scores, members, weight)

    # -- for the observed information --------------------------------------------------------------------------

    def add_products(
        self, flat: Tensor, products: Tensor, select: Tensor, pa: Tensor, posterior: Tensor, weight: Tensor
    ) -> Tensor:
        """Add the membership's part of sum_i [sum_c P a a' + H] to ``products`` (B, p, p), in place; the scores of the
        membership coefficients (B, M, U).

        pa (B, C, Q, U) are weight times posterior times the classes' own scores, select (C Q, p) puts those in their
        places.
        """
        theta, scores = self.theta, self.class_scores(flat)
        batch, classes, width, _ = pa.shape
        weighted = posterior * weight
        if self.has_covariates:
            cross = pa @ scores.transpose(2, 3)
            own = (scores * weighted[:, :, None]) @ scores.transpose(2, 3)
            information = self._information(flat, scores, self._members(weighted), weight)
        else:
            totals = weighted.sum(2)
            cross = pa.sum(-1)[..., None] * scores.transpose(2, 3)
            own = (scores * totals[:, :, None, None]) @ scores.transpose(2, 3)
            information = self._information(flat, scores, self._members(totals[..., None]), weight.sum()[None])
        placed = select.T @ cross.reshape(batch, classes * width, -1)
        products[:, :, theta] += placed
        products[:, theta, :] += placed.transpose(1, 2)
        products[:, theta, theta] += own.sum(1) - information
        return (posterior[:, :, None] * scores).sum(1)

    def add_scores(self, flat: Tensor, scores: Tensor) -> None:
        """Add the derivatives of the log shares to ``scores`` (N, C, p) at parameters (p,), in place."""
        scores[:, :, self.theta] += self.class_scores(flat[None])[0].permute(2, 0, 1)
