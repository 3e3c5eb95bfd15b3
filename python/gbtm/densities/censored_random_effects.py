"""Random intercept and slope of values some of which are censored.

Given a group and the subject's effects b = r v, v ~ N(0, I), the observations are independent, each with the density of
a censored normal of mean eta_t + z_t' b, z = 1, time. The density of the subject is the integral over v,

    int phi(v) prod_t f(y_t | eta_t + z_t' r v, sigma) dv,

summed over Gauss-Legendre nodes (their product rule for two effects) on the box that holds the integrand.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..compute.quadrature import enough_nodes, legendre
from ..errors import SpecificationError
from ..families.cnorm import FAR_INSIDE
from ..families.normal import HALF_LOG_2PI
from .subject_integral import WholeSubjects

if TYPE_CHECKING:
    from ..data.measures import Measures
    from ..model.outcome import OutcomePart

REACH = 7.0  # from the mode, in sds of the effects given the values that were seen
LOOK = {1: 57, 2: 23}  # points along each axis at which the integrand is looked at to find where it is
NEGLIGIBLE = 24.0  # log of the integrand, below its largest value there, that counts for nothing
PER_SD = {1: 1.2, 2: 1.15}  # nodes per sd of an effect, in the middle of the rule
MODE_STEPS = 30


class CensoredEffects(WholeSubjects):
    """Censored normal outcomes with random effects.

    Attributes
    ----------
    effects : (N, T, L) columns of the random effects
    """

    effects: Tensor
    padded = ("y", "side", "seen", "design", "moments", "effects")

    def __init__(self, part: OutcomePart, measures: Measures, n_subjects: int) -> None:
        if part.n_random > len(LOOK):
            raise SpecificationError(
                f"rorder: {int((part.side(measures.y) != 0).sum())} values of {part.name} are censored, and the "
                "density of a person then is an integral over the effects: over three of them it takes too long.",
                code="bad_rorder", argument="rorder",
                way_out="Use rorder=1, or give limits that no value lies at.",
            )
        super().__init__(part, measures, n_subjects)
        self._pad("effects", np.vander(measures.time / part.time_scale, part.n_random, increasing=True))
        self.block = 128 if part.n_random == 1 else 32

    def take(self, rows: slice | np.ndarray) -> WholeSubjects:
        part = super().take(rows)
        part.block = self.block
        return part

    # -- the density ------------------------------------------------------------------------------------------------

    def log_density(self, coefficients: Tensor) -> Tensor:
        nodes, log_weight = self._nodes(coefficients)
        joint = self._log_prior(nodes) + log_weight
        for t in range(self.y.shape[1]):
            joint = joint + self._log_factor(coefficients, t, nodes)[0]
        return torch.logsumexp(joint, dim=2)

    def _split(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coefficients (G, q), log sigma (G,), sds of the effects (G, L)."""
        q = self.design.shape[2]
        return coefficients[:, :q], coefficients[:, q], coefficients[:, q + 1 :]

    def _log_prior(self, v: Tensor) -> Tensor:
        return -0.5 * (v * v).sum(3) - v.shape[3] * HALF_LOG_2PI

    def _residual(self, coefficients: Tensor, t: int, v: Tensor) -> tuple[Tensor, Tensor]:
        """(y_t - mean) / sigma at nodes v (G, N, n, L): (G, N, n); and sigma (G, 1, 1)."""
        beta, log_sigma, _ = self._split(coefficients)
        eta = beta @ self.design[:, t].T
        sigma = torch.exp(log_sigma)[:, None, None]
        return (self.y[:, t, None] - eta[..., None] - self._shift(coefficients, t, v)) / sigma, sigma

    def _shift(self, coefficients: Tensor, t: int, v: Tensor) -> Tensor:
        """What the effects at nodes v (G, N, n, L) add to the mean at t (G, N, n)."""
        return torch.einsum("gnil,nl,gl->gni", v, self.effects[:, t], self._split(coefficients)[2])

    def _loading(self, coefficients: Tensor, t: int) -> Tensor:
        """(G, N, L) the derivative of (y_t - mean) / sigma in v."""
        _, log_sigma, spread = self._split(coefficients)
        return -self.effects[:, t] * (spread * torch.exp(-log_sigma)[:, None])[:, None]

    def _gram(self, coefficients: Tensor, counted: Tensor) -> Tensor:
        """(G, N, L, L) products of the loadings on v, of the observations counted (N, T), in the outcome's units."""
        spread = self._split(coefficients)[2]
        z = self.effects * counted[:, :, None]
        return (z.transpose(1, 2) @ z)[None] * (spread[:, None, :, None] * spread[:, None, None, :])

    def _log_factor(self, coefficients: Tensor, t: int, v: Tensor, *, slopes: bool = False) -> tuple[Tensor, ...]:
        """log f(y_t | v) (G, N, n); with ``slopes`` also its first two derivatives in z = (y_t - mean) / sigma."""
        z, sigma = self._residual(coefficients, t, v)
        side, seen = self.side[:, t, None], self.seen[:, t, None]
        inside = seen * (side == 0)
        outside = seen - inside
        # at the lower bound Phi(z), at the upper 1 - Phi(z)
        signed = torch.where(side > 0, -z, z).clamp(max=FAR_INSIDE)
        tail = torch.special.log_ndtr(signed)
        value = inside * (-torch.log(sigma) - HALF_LOG_2PI - 0.5 * z * z) + outside * tail
        if not slopes:
            return (value,)
        mills = torch.exp(-0.5 * signed * signed - HALF_LOG_2PI - tail)
        sign = torch.where(side > 0, -1.0, 1.0)
        return value, -inside * z + outside * sign * mills, -inside - outside * mills * (signed + mills)

    # -- where the nodes are ----------------------------------------------------------------------------------------

    def _nodes(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Nodes (G, N, n, L) and their log weights (G, N, n).

        The integrand is log-concave, and falls off from its mode no slower than the normal law of v given the values
        that were seen. In coordinates in which that is N(0, I), turned to the axes of the curvature at the mode, it is
        looked at on a grid, and the rule laid over where it is not negligible.
        """
        with torch.no_grad():
            coefficients = coefficients.detach()
            mode, curvature = self._mode(coefficients)
            seen = self._curvature_seen(coefficients)
            factor = torch.linalg.cholesky(seen)  # v = mode + factor^-T turn x
            inner = torch.linalg.solve_triangular(factor, curvature, upper=False)
            inner = torch.linalg.solve_triangular(factor, inner.transpose(2, 3), upper=False)
            turn = torch.linalg.eigh(0.5 * (inner + inner.transpose(2, 3)))[1]
            axes = torch.linalg.solve_triangular(factor.transpose(2, 3), turn, upper=True)
            low, high = self._extent(coefficients, mode, axes)
            # the integrand's sharpest bend is that with every value seen
            all_seen = self._curvature_seen(coefficients, every=True)
            sharpest = (axes.transpose(2, 3) @ all_seen @ axes).diagonal(dim1=2, dim2=3)
            needed = ((high - low) * sharpest.sqrt()).amax((0, 1)) * 0.5 * pi * PER_SD[axes.shape[3]]
            x, log_weight = self._product([enough_nodes(float(n)) for n in needed], coefficients)
            half = 0.5 * (high - low)
            at = 0.5 * (high + low)[:, :, None] + half[:, :, None] * x
            log_volume = torch.log(half).sum(2) + torch.linalg.slogdet(axes)[1]
            return mode[:, :, None] + at @ axes.transpose(2, 3), log_volume[..., None] + log_weight

    @staticmethod
    def _product(counts: list[int], like: Tensor) -> tuple[Tensor, Tensor]:
        """Product rule on (-1, 1)^L: (n, L) nodes and (n,) log weights."""
        rules = [legendre(n, like) for n in counts]
        x = torch.cartesian_prod(*(r[0] for r in rules)).reshape(-1, len(rules))
        w = torch.cartesian_prod(*(r[1] for r in rules)).reshape(-1, len(rules))
        return x, w.sum(1)

    def _curvature_seen(self, coefficients: Tensor, *, every: bool = False) -> Tensor:
        """Precision (G, N, L, L) of v given the values that were seen, or if every one had been."""
        _, log_sigma, _ = self._split(coefficients)
        gram = self._gram(coefficients, self.seen if every else self.seen * (self.side == 0))
        return gram * torch.exp(-2 * log_sigma)[:, None, None, None] + torch.eye(gram.shape[3]).to(coefficients)

    def _bend(self, coefficients: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log integrand at v (G, N, L): value (G, N), gradient (G, N, L), negative Hessian (G, N, L, L)."""
        value = self._log_prior(v[:, :, None])[..., 0]
        gradient = -v
        bend = torch.eye(v.shape[2]).to(coefficients).expand(*v.shape, v.shape[2])
        for t in range(self.y.shape[1]):
            f, first, second = (x[..., 0] for x in self._log_factor(coefficients, t, v[:, :, None], slopes=True))
            along = self._loading(coefficients, t)
            value = value + f
            gradient = gradient + first[..., None] * along
            bend = bend - second[..., None, None] * along[..., :, None] * along[..., None, :]
        return value, gradient, bend

    def _mode(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """Mode (G, N, L) of the log-concave integrand and its negative Hessian there, by damped Newton."""
        v = coefficients.new_zeros(coefficients.shape[0], self.n_subjects, self.effects.shape[2])
        value, gradient, bend = self._bend(coefficients, v)
        size = torch.ones_like(value)
        for _ in range(MODE_STEPS):
            step = torch.linalg.solve(bend, gradient[..., None])[..., 0]
            if float(step.abs().max()) < 1e-3:  # near it will do
                break
            trial = v + size[..., None] * step
            new = self._bend(coefficients, trial)
            better = new[0] >= value
            v = torch.where(better[..., None], trial, v)
            value, gradient = torch.where(better, new[0], value), torch.where(better[..., None], new[1], gradient)
            bend = torch.where(better[..., None, None], new[2], bend)
            size = torch.where(better, (2 * size).clamp(max=1.0), 0.5 * size)
        return v, bend

    def _extent(self, coefficients: Tensor, mode: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
        """Smallest and largest coordinate (G, N, L) along each axis at which the integrand counts."""
        width = axes.shape[3]
        line = torch.linspace(-REACH, REACH, LOOK[width]).to(coefficients)
        x = torch.cartesian_prod(*[line] * width).reshape(-1, width)
        v = mode[:, :, None] + x @ axes.transpose(2, 3)
        height = self._log_prior(v)
        for t in range(self.y.shape[1]):
            height = height + self._log_factor(coefficients, t, v)[0]
        counts = height > height.amax(2, keepdim=True) - NEGLIGIBLE
        apart = float(line[1] - line[0])
        places = x.expand(*counts.shape, width)
        low = torch.where(counts[..., None], places, torch.inf).amin(2) - apart
        high = torch.where(counts[..., None], places, -torch.inf).amax(2) + apart
        return low, high

    # -- its derivatives --------------------------------------------------------------------------------------------

    def derivatives(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """E(s) and E(h) + Var(s), with s and h the derivatives of the log of the product over t, over v given the data.

        z_t = (y_t - mean) / sigma has the derivatives -x_t / sigma, -z_t, -w_t v / sigma in beta, log sigma, r: a few
        features of the node, 1, z_t, v, times what does not depend on it.
        """
        with torch.no_grad():
            v, log_weight = self._nodes(coefficients)
            joint = self._log_prior(v) + log_weight
            score = v.new_zeros(*v.shape[:3], coefficients.shape[1])
            by_wave = []
            for t in range(self.y.shape[1]):
                value, first, second = self._log_factor(coefficients, t, v, slopes=True)
                joint = joint + value
                z = self._residual(coefficients, t, v)[0]
                features = torch.cat([torch.ones_like(first)[..., None], z[..., None], v], 3)
                place = self._place(coefficients, t)
                moved = first[..., None] * features
                score += moved @ place
                score[..., self._sigma] -= (self.seen[:, t] * (self.side[:, t] == 0))[:, None]
                by_wave.append((features, place, moved, second, t))
            total = torch.logsumexp(joint, dim=2)
            law = torch.exp(joint - total[..., None])[..., None]
            gradient = (law * score).sum(2)
            hessian = (law * score).transpose(2, 3) @ score - gradient[..., :, None] * gradient[..., None, :]
            for features, place, moved, second, t in by_wave:
                square = (law * second[..., None] * features).transpose(2, 3) @ features
                hessian += place.transpose(2, 3) @ square @ place
                # the second derivatives of z itself are those with log sigma
                pull = (law * moved).sum(2)
                bend = -(pull[:, :, None] @ place)[:, :, 0]
                hessian[..., self._sigma, :] += bend
                hessian[..., :, self._sigma] += bend
                hessian[..., self._sigma, self._sigma] -= bend[..., self._sigma]
                self._bend_of_root(hessian, coefficients, t, pull)
            return total, gradient, hessian

    def _place(self, coefficients: Tensor, t: int) -> Tensor:
        """(G, N, 2 + L, Q): dz_t / d(beta, log sigma, ..) per unit of 1, z_t, v."""
        q, width = self.design.shape[2], self.effects.shape[2]
        inverse = torch.exp(-coefficients[:, q])[:, None, None]
        place = coefficients.new_zeros(coefficients.shape[0], self.n_subjects, 2 + width, coefficients.shape[1])
        place[:, :, 0, :q] = -self.design[:, t] * inverse
        place[:, :, 1, q] = -1.0
        place[:, :, 2:, q + 1 :] = self._own_place(coefficients, t)
        return place

    def _own_place(self, coefficients: Tensor, t: int) -> Tensor:
        """(G, N, L, D) the derivatives of :meth:`_loading` in the effects' own parameters, their sds."""
        q = self.design.shape[2]
        return torch.diag_embed(-self.effects[:, t] * torch.exp(-coefficients[:, q])[:, None, None])

    def _bend_of_root(self, hessian: Tensor, coefficients: Tensor, t: int, pull: Tensor) -> None:
        """Add what comes of second derivatives of the loadings in these, of which there are none in sds; ``pull``
        (G, N, 2 + L) is the mean of d log f / dz_t times 1, z_t, v."""

    # -- tests of effects that are at zero ----------------------------------------------------------------------------

    def effect_scores(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        """With g and H the derivatives of the log of the product over t in the effects b themselves, E(g g' + H) and
        E(-H) given the data (G, N, L, L). The former is twice the score of b's covariance (Louis 1982)."""
        with torch.no_grad():
            found = [b._effect_scores(coefficients) for b in self.blocks if isinstance(b, CensoredEffects)]
            both, information = (self.in_order(list(p)) for p in zip(*found, strict=True))
        return both, information

    def _effect_scores(self, coefficients: Tensor) -> tuple[Tensor, Tensor]:
        v, log_weight = self._nodes(coefficients)
        joint, slope, bend = self._log_prior(v) + log_weight, [], []
        for t in range(self.y.shape[1]):
            value, first, second = self._log_factor(coefficients, t, v, slopes=True)
            joint = joint + value
            slope.append(first)
            bend.append(second)
        law = torch.exp(joint - torch.logsumexp(joint, dim=2, keepdim=True))
        inverse = torch.exp(-self._split(coefficients)[1])[:, None, None]
        g = -torch.einsum("tgni,ntl->gnil", torch.stack(slope), self.effects) * inverse[..., None]
        mean_bend = torch.einsum("tgni,gni->gnt", torch.stack(bend), law) * inverse**2
        information = -torch.einsum("gnt,ntl,ntm->gnlm", mean_bend, self.effects, self.effects)
        return (law[..., None] * g).transpose(2, 3) @ g - information, information
