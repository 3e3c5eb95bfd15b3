"""AR(1) errors of values some of which are censored.

The latent values of a subject, y*_t = eta_t + e_t with corr(e_t, e_s) = rho^|a_t - a_s|, are a Markov chain, so that
values seen on either side of a run of censored ones make that run independent of the rest. The density of a subject is
the product of normal densities of neighbours that were both seen, and for each run of

    int .. int f(y_1 | y_0) f(y_2 | y_1) .. f(y_{m+1} | y_m) dy_1 .. dy_m

over what the censored y_1..y_m may be, where y_0 and y_{m+1} are the values seen before and after (the first factor is
f(y_1) and the last is left out where there are none). It is summed forward over Gauss-Legendre nodes y_t of each
censored value: a_t(y_t) = w(y_t) sum_{y_{t-1}} f(y_t | y_{t-1}) a_{t-1}(y_{t-1}).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..compute.quadrature import enough_nodes, legendre
from ..families.ar1 import AutoregressiveNormal, power_of_rho
from .normal_chain import (
    Rows,
    at_nodes,
    carried,
    log_kernel,
    log_kernels,
    mode_within,
    slope_at,
    tridiagonal,
)
from .subject_integral import WholeSubjects

if TYPE_CHECKING:
    from ..data.measures import Measures
    from ..model.outcome import OutcomePart

NEGLIGIBLE = 24.5  # fall of the log density from the mode beyond which nothing counts: 7 sds of a normal
PER_SD = 1.2  # nodes per sd of a value given its neighbours, in the middle of the rule


@dataclass(frozen=True)
class Runs:
    """Runs of m censored values, R of them. Rows are those of the (N T) observations of the block.

    Attributes
    ----------
    subject : (R,)
    rows : (R, m + 1) rows of the censored values and of the one seen after them (any row where there is none)
    closed : (R,) a value was seen after them
    """

    subject: Tensor
    rows: Tensor
    closed: Tensor

    @property
    def m(self) -> int:
        return self.rows.shape[1] - 1


class CensoredChain(WholeSubjects):
    """Censored normal outcomes with AR(1) errors.

    Attributes
    ----------
    gap : (N, T) time since the observation before, infinite for the first
    """

    gap: Tensor
    padded = ("y", "side", "seen", "design", "moments", "gap")

    def __init__(self, part: OutcomePart, measures: Measures, n_subjects: int) -> None:
        super().__init__(part, measures, n_subjects)
        self._pad("gap", measures.gaps)
        self.gap[self.seen == 0] = torch.inf

    # -- the data ---------------------------------------------------------------------------------------------------

    def _lagged(self, x: Tensor) -> Tensor:
        """(N, T, ..) -> (N T, ..), of the observation before; 0 for the first."""
        return torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1).flatten(0, 1)

    def _plain(self) -> Tensor:
        """Rows of values that were seen, as were those before them."""
        observed = (self.side == 0) & (self.seen > 0)
        return torch.nonzero(observed.flatten() & (self._lagged(self.side) == 0))[:, 0]

    def _runs(self) -> list[Runs]:
        """All runs of censored values, by their length."""
        width = self.y.shape[1]
        censored = (self.side != 0).cpu().numpy()
        edge = np.diff(np.pad(censored, ((0, 0), (1, 1))).astype(int), axis=1)
        subject, start = np.nonzero(edge == 1)
        stop = np.nonzero(edge == -1)[1]
        count = self.seen.sum(1).long().cpu().numpy()
        out = []
        for m in np.unique(stop - start):
            of_length = np.flatnonzero(stop - start == m)
            who, first = subject[of_length], start[of_length]
            closed = first + m < count[who]
            place = np.minimum(first[:, None] + np.arange(m + 1), width - 1)
            arrays = who, who[:, None] * width + place, closed
            out.append(Runs(*(torch.as_tensor(a, device=self.y.device) for a in arrays)))
        return out

    @property
    def data(self) -> tuple[Tensor, list[Runs]]:
        """Rows seen in pairs, and the runs."""
        if "_data" not in self.__dict__:
            self.__dict__["_data"] = self._plain(), self._runs()
        return self.__dict__["_data"]

    # -- the density ------------------------------------------------------------------------------------------------

    def _rows(self, coefficients: Tensor) -> Rows:
        q, at = self.design.shape[2], self._sigma
        eta = coefficients[:, :q] @ self.design.flatten(0, 1).T
        last = coefficients[:, :q] @ self._lagged(self.design).T
        c = power_of_rho(torch.tanh(coefficients[:, at + 1, None]), self.gap.flatten())
        return Rows(eta, last, c, torch.exp(coefficients[:, at, None]).expand_as(eta))

    def log_density(self, coefficients: Tensor) -> Tensor:
        rows, (plain, runs) = self._rows(coefficients), self.data
        y, last = self.y.flatten(), self._lagged(self.y)
        width = self.y.shape[1]
        out = coefficients.new_zeros(coefficients.shape[0], self.n_subjects)
        pairs = log_kernel(rows, plain, y[plain], last[plain])
        out = out.index_add(1, plain // width, pairs)
        for run in runs:
            nodes, log_weight = self._nodes(rows, run)
            at = run.rows[:, 0]
            forward = log_kernel(rows, at, nodes[:, :, 0], last[at, None]) + log_weight[:, :, 0]
            for t in range(1, run.m):
                forward = torch.logsumexp(
                    log_kernels(rows, run.rows[:, t], nodes[:, :, t], nodes[:, :, t - 1]) + forward[:, :, None], dim=3
                ) + log_weight[:, :, t]
            close = run.rows[:, -1]
            forward = forward + log_kernel(rows, close, y[close, None], nodes[:, :, -1]) * run.closed[:, None]
            out = out.index_add(1, run.subject, torch.logsumexp(forward, dim=2))
        return out

    def _nodes(self, rows: Rows, run: Runs) -> tuple[Tensor, Tensor]:
        """Nodes and log weights (G, R, m, n) of each censored value, on what it may be within reach of its mode.

        At a distance d from the mode of the run, the log density of a value, the others at their best for it, has
        fallen by g d + d^2 / (2 s^2) at least: g is its slope at the mode (not 0 only at a bound), s the value's sd
        without the bounds.
        """
        with torch.no_grad():
            eta, sigma = rows.eta[:, run.rows[:, :-1]], rows.sigma[:, run.rows[:, :-1]]
            side = self.side.flatten()[run.rows[:, :-1]]
            infinite = torch.full_like(side, torch.inf)
            low = (torch.where(side > 0, self.upper, -infinite) - eta) / sigma
            high = (torch.where(side < 0, self.lower, infinite) - eta) / sigma
            diagonal, across, pull = self._precision(rows, run)
            spread = torch.linalg.inv(tridiagonal(diagonal, across)).diagonal(dim1=2, dim2=3).sqrt()
            mode = mode_within(diagonal, across, pull, low, high)
            fall = slope_at(diagonal, across, pull, mode)
            reach = 2 * NEGLIGIBLE / (fall + torch.sqrt(fall**2 + 2 * NEGLIGIBLE / spread**2))
            start, stop = (mode - reach).maximum(low), (mode + reach).minimum(high)
            needed = float(((stop - start) * diagonal.sqrt()).max()) * 0.5 * pi * PER_SD
            x, log_weight = legendre(enough_nodes(needed), eta)
            half = 0.5 * (stop - start) * sigma
            middle = eta + 0.5 * (start + stop) * sigma
            return middle[..., None] + half[..., None] * x, torch.log(half)[..., None] + log_weight

    def _precision(self, rows: Rows, run: Runs) -> tuple[Tensor, Tensor, Tensor]:
        """Given the values seen on either side, a run is normal in units of sigma: precision (diagonal (G, R, m) and
        off it (G, R, m - 1)) and linear term (G, R, m)."""
        c = rows.c[:, run.rows]
        c = torch.cat([c[..., :-1], c[..., -1:] * run.closed[:, None]], dim=2)
        innovation_variance = 1 - c * c
        diagonal = 1 / innovation_variance[..., :-1] + c[..., 1:] ** 2 / innovation_variance[..., 1:]
        across = -(c / innovation_variance)[..., 1:-1]
        y, last = self.y.flatten(), self._lagged(self.y)
        first, close = run.rows[:, 0], run.rows[:, -1]
        pull = torch.zeros_like(diagonal)
        before = (last[first] - rows.last_eta[:, first]) / rows.sigma[:, first]
        after = (y[close] - rows.eta[:, close]) / rows.sigma[:, close]
        pull[..., 0] += (c / innovation_variance)[..., 0] * before
        pull[..., -1] += (c / innovation_variance)[..., -1] * after
        return diagonal, across, pull

    # -- its derivatives --------------------------------------------------------------------------------------------

    def derivatives(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log of each factor is linear in 1, y_t, y_t^2, y_{t-1}, y_{t-1}^2, y_t y_{t-1}. With s and h the first
        and second derivatives of its sum over a run, those of the log integral are E(s) and E(h) + Var(s) over what the
        censored values may have been; E(s) and E(h + s s') given the last value are carried forward with its density.
        """
        with torch.no_grad():
            rows, (plain, runs) = self._rows(coefficients), self.data
            first, second = self._factors(coefficients, rows)
            y, last = self.y.flatten(), self._lagged(self.y)
            groups, n, size = coefficients.shape[0], self.n_subjects, first.shape[2]
            value = coefficients.new_zeros(groups, n)
            gradient, hessian = coefficients.new_zeros(groups, n, size), coefficients.new_zeros(groups, n, size, size)
            stats = AutoregressiveNormal().pairs(y[plain].cpu().numpy(), last[plain].cpu().numpy())
            z = torch.as_tensor(stats, device=coefficients.device)
            who = plain // self.y.shape[1]
            value.index_add_(1, who, log_kernel(rows, plain, y[plain], last[plain]))
            gradient.index_add_(1, who, torch.einsum("grjs,rs->grj", first[:, plain], z))
            hessian.index_add_(1, who, torch.einsum("grjks,rs->grjk", second[:, plain], z))
            for run in runs:
                at = self._run_derivatives(rows, run, first, second)
                for total, part in zip((value, gradient, hessian), at, strict=True):
                    total.index_add_(1, run.subject, part)
        return value, *self._in_own_places(gradient, hessian)

    def _in_own_places(self, gradient: Tensor, hessian: Tensor) -> tuple[Tensor, Tensor]:
        """From (mean, log sigma, atanh rho) to a group's own coefficients, where the mean's are named twice."""
        q = self.design.shape[2]
        width = 2 * q + 2
        place = torch.as_tensor([*range(q), 2 * q, 2 * q + 1], device=gradient.device)
        out = gradient.new_zeros(*gradient.shape[:2], width)
        out[..., place] = gradient
        square = gradient.new_zeros(*gradient.shape[:2], width, width)
        square[..., place[:, None], place] = hessian
        return out, square

    def _factors(self, coefficients: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """Derivatives of what multiplies the six statistics: (G, n, J, 6) and (G, n, J, J, 6)."""
        q, at = self.design.shape[2], self._sigma
        family = AutoregressiveNormal()
        u = {
            "mean": rows.eta, "lag_mean": rows.last_eta, "log_sigma": coefficients[:, at, None].expand_as(rows.eta),
            "atanh_rho": coefficients[:, at + 1, None].expand_as(rows.eta), "gap": self.gap.flatten(),
        }
        names = family.predictors
        jacobian = coefficients.new_zeros(rows.eta.shape[1], q + 2, 4)  # of the predictors in the coefficients
        jacobian[:, :q, 0], jacobian[:, :q, 1] = self.design.flatten(0, 1), self._lagged(self.design)
        jacobian[:, q, 2] = jacobian[:, q + 1, 3] = 1.0
        slopes = family.slopes(u)
        slope = torch.stack([slopes[a] for a in names], dim=2)
        bends = family.curvatures(u)
        pairs = [[bends[(a, b) if (a, b) in bends else (b, a)] for b in names] for a in names]
        bend = torch.stack([torch.stack(line, dim=2) for line in pairs], dim=2)
        first = torch.einsum("gnps,njp->gnjs", slope, jacobian)
        half = torch.einsum("gnpos,njp->gnjos", bend, jacobian)
        return first, torch.einsum("gnjos,nko->gnjks", half, jacobian)

    def _run_derivatives(
        self, rows: Rows, run: Runs, first: Tensor, second: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log integral (G, R), gradient (G, R, J), Hessian (G, R, J, J)."""
        y, last = self.y.flatten(), self._lagged(self.y)
        nodes, log_weight = self._nodes(rows, run)
        at, close = run.rows[:, 0], run.rows[:, -1]
        start = last[at, None]
        forward = log_kernel(rows, at, nodes[:, :, 0], start) + log_weight[:, :, 0]
        s, h = at_nodes(first[:, at], nodes[:, :, 0]), at_nodes(second[:, at], nodes[:, :, 0])
        begun = start[None]
        score = s[0] + s[1] * begun[..., None] + s[2] * begun[..., None] ** 2
        bend = h[0] + (h[1] + h[2] * begun[..., None, None]) * begun[..., None, None]
        bend = bend + score[..., :, None] * score[..., None, :]
        for t in range(1, run.m + 1):
            final = t == run.m
            row = close if final else run.rows[:, t]
            here = y[close, None].expand(nodes.shape[0], -1, 1) if final else nodes[:, :, t]
            joint = log_kernels(rows, row, here, nodes[:, :, t - 1])
            one, two = first[:, row], second[:, row]
            if final:
                joint = joint * run.closed[:, None, None]
                one, two = one * run.closed[:, None, None], two * run.closed[:, None, None, None]
            joint = joint + forward[:, :, None]
            forward = torch.logsumexp(joint, dim=3)
            back = torch.exp(joint - forward[..., None])  # law of the value before, given this one
            score, bend = carried(back, nodes[:, :, t - 1], score, bend, at_nodes(one, here), at_nodes(two, here))
            if not final:
                forward = forward + log_weight[:, :, t]
        score, bend = score[:, :, 0], bend[:, :, 0]
        return forward[:, :, 0], score, bend - score[..., :, None] * score[..., None, :]
