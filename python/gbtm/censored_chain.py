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

from .families.ar1 import AutoregressiveNormal, power_of_rho
from .families.normal import HALF_LOG_2PI
from .whole_subjects import WholeSubjects, enough_nodes, legendre

if TYPE_CHECKING:
    from .measures import Measures
    from .outcome import OutcomePart

NEGLIGIBLE = 24.5  # fall of the log density from the mode beyond which nothing counts: 7 sds of a normal
PER_SD = 1.2  # nodes per sd of a value given its neighbours, in the middle of the rule
SWEEPS = 60  # towards the mode of a run
NEAR_MODE = 0.01  # change in a sweep, in sds, at which it is near enough


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


@dataclass(frozen=True)
class Rows:
    """What G groups' coefficients say of each observation and of the one before it: (G, N T) each."""

    eta: Tensor
    last_eta: Tensor
    c: Tensor
    sigma: Tensor


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
        own = (self.side == 0) & (self.seen > 0)
        return torch.nonzero(own.flatten() & (self._lagged(self.side) == 0))[:, 0]

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
            own = np.flatnonzero(stop - start == m)
            who, first = subject[own], start[own]
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

    def _rows(self, own: Tensor) -> Rows:
        q, at = self.design.shape[2], self._sigma
        eta = own[:, :q] @ self.design.flatten(0, 1).T
        last = own[:, :q] @ self._lagged(self.design).T
        c = power_of_rho(torch.tanh(own[:, at + 1, None]), self.gap.flatten())
        return Rows(eta, last, c, torch.exp(own[:, at, None]).expand_as(eta))

    def log_density(self, own: Tensor) -> Tensor:
        rows, (plain, runs) = self._rows(own), self.data
        y, last = self.y.flatten(), self._lagged(self.y)
        width = self.y.shape[1]
        out = own.new_zeros(own.shape[0], self.n_subjects)
        pairs = _log_kernel(rows, plain, y[plain], last[plain])
        out = out.index_add(1, plain // width, pairs)
        for run in runs:
            nodes, log_weight = self._nodes(rows, run)
            at = run.rows[:, 0]
            forward = _log_kernel(rows, at, nodes[:, :, 0], last[at, None]) + log_weight[:, :, 0]
            for t in range(1, run.m):
                forward = torch.logsumexp(
                    _step(rows, run.rows[:, t], nodes[:, :, t], nodes[:, :, t - 1]) + forward[:, :, None], dim=3
                ) + log_weight[:, :, t]
            close = run.rows[:, -1]
            forward = forward + _log_kernel(rows, close, y[close, None], nodes[:, :, -1]) * run.closed[:, None]
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
            own, across, pull = self._precision(rows, run)
            spread = torch.linalg.inv(_tridiagonal(own, across)).diagonal(dim1=2, dim2=3).sqrt()
            mode = _mode(own, across, pull, low, high)
            fall = _slope(own, across, pull, mode)
            reach = 2 * NEGLIGIBLE / (fall + torch.sqrt(fall**2 + 2 * NEGLIGIBLE / spread**2))
            start, stop = (mode - reach).maximum(low), (mode + reach).minimum(high)
            needed = float(((stop - start) * own.sqrt()).max()) * 0.5 * pi * PER_SD
            x, log_weight = legendre(enough_nodes(needed), eta)
            half = 0.5 * (stop - start) * sigma
            middle = eta + 0.5 * (start + stop) * sigma
            return middle[..., None] + half[..., None] * x, torch.log(half)[..., None] + log_weight

    def _precision(self, rows: Rows, run: Runs) -> tuple[Tensor, Tensor, Tensor]:
        """Given the values seen on either side, a run is normal in units of sigma: precision (diagonal (G, R, m) and
        off it (G, R, m - 1)) and linear term (G, R, m)."""
        c = rows.c[:, run.rows]
        c = torch.cat([c[..., :-1], c[..., -1:] * run.closed[:, None]], dim=2)
        kept = 1 - c * c
        own = 1 / kept[..., :-1] + c[..., 1:] ** 2 / kept[..., 1:]
        across = -(c / kept)[..., 1:-1]
        y, last = self.y.flatten(), self._lagged(self.y)
        first, close = run.rows[:, 0], run.rows[:, -1]
        pull = torch.zeros_like(own)
        before = (last[first] - rows.last_eta[:, first]) / rows.sigma[:, first]
        after = (y[close] - rows.eta[:, close]) / rows.sigma[:, close]
        pull[..., 0] += (c / kept)[..., 0] * before
        pull[..., -1] += (c / kept)[..., -1] * after
        return own, across, pull

    # -- its derivatives --------------------------------------------------------------------------------------------

    def derivatives(self, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log of each factor is linear in 1, y_t, y_t^2, y_{t-1}, y_{t-1}^2, y_t y_{t-1}. With s and h the first
        and second derivatives of its sum over a run, those of the log integral are E(s) and E(h) + Var(s) over what the
        censored values may have been; E(s) and E(h + s s') given the last value are carried forward with its density.
        """
        with torch.no_grad():
            rows, (plain, runs) = self._rows(own), self.data
            first, second = self._factors(own, rows)
            y, last = self.y.flatten(), self._lagged(self.y)
            groups, n, size = own.shape[0], self.n_subjects, first.shape[2]
            value = own.new_zeros(groups, n)
            gradient, hessian = own.new_zeros(groups, n, size), own.new_zeros(groups, n, size, size)
            stats = AutoregressiveNormal().pairs(y[plain].cpu().numpy(), last[plain].cpu().numpy())
            z = torch.as_tensor(stats, device=own.device)
            who = plain // self.y.shape[1]
            value.index_add_(1, who, _log_kernel(rows, plain, y[plain], last[plain]))
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

    def _factors(self, own: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
        """Derivatives of what multiplies the six statistics: (G, n, J, 6) and (G, n, J, J, 6)."""
        q, at = self.design.shape[2], self._sigma
        family = AutoregressiveNormal()
        u = {
            "mean": rows.eta, "lag_mean": rows.last_eta, "log_sigma": own[:, at, None].expand_as(rows.eta),
            "atanh_rho": own[:, at + 1, None].expand_as(rows.eta), "gap": self.gap.flatten(),
        }
        names = family.predictors
        jacobian = own.new_zeros(rows.eta.shape[1], q + 2, 4)  # of the predictors in the coefficients
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
        forward = _log_kernel(rows, at, nodes[:, :, 0], start) + log_weight[:, :, 0]
        s, h = _at_nodes(first[:, at], nodes[:, :, 0]), _at_nodes(second[:, at], nodes[:, :, 0])
        begun = start[None]
        score = s[0] + s[1] * begun[..., None] + s[2] * begun[..., None] ** 2
        bend = h[0] + (h[1] + h[2] * begun[..., None, None]) * begun[..., None, None]
        bend = bend + score[..., :, None] * score[..., None, :]
        for t in range(1, run.m + 1):
            final = t == run.m
            row = close if final else run.rows[:, t]
            here = y[close, None].expand(nodes.shape[0], -1, 1) if final else nodes[:, :, t]
            joint = _step(rows, row, here, nodes[:, :, t - 1])
            one, two = first[:, row], second[:, row]
            if final:
                joint = joint * run.closed[:, None, None]
                one, two = one * run.closed[:, None, None], two * run.closed[:, None, None, None]
            joint = joint + forward[:, :, None]
            forward = torch.logsumexp(joint, dim=3)
            back = torch.exp(joint - forward[..., None])  # law of the value before, given this one
            score, bend = _carried(back, nodes[:, :, t - 1], score, bend, _at_nodes(one, here), _at_nodes(two, here))
            if not final:
                forward = forward + log_weight[:, :, t]
        score, bend = score[:, :, 0], bend[:, :, 0]
        return forward[:, :, 0], score, bend - score[..., :, None] * score[..., None, :]


def _log_kernel(rows: Rows, at: Tensor, y: Tensor, last: Tensor) -> Tensor:
    """log f(y_t | y_{t-1}) of rows ``at`` (R,), elementwise in y and last (G, R, ..)."""
    eta, before, c, sigma = (v[:, at] for v in (rows.eta, rows.last_eta, rows.c, rows.sigma))
    if max(y.dim(), last.dim()) > 1:
        eta, before, c, sigma = (v[..., None] for v in (eta, before, c, sigma))
    kept = 1 - c * c
    scale = sigma * torch.sqrt(kept)
    z = (y - eta - c * (last - before)) / scale
    return -torch.log(scale) - HALF_LOG_2PI - 0.5 * z * z


def _step(rows: Rows, at: Tensor, y: Tensor, last: Tensor) -> Tensor:
    """log f(y_t | y_{t-1}) for all pairs of nodes y (G, R, n') and last (G, R, n): (G, R, n', n)."""
    eta, before, c, sigma = (v[:, at, None] for v in (rows.eta, rows.last_eta, rows.c, rows.sigma))
    scale = sigma * torch.sqrt(1 - c * c)
    z = ((y - eta) / scale)[..., None] - (c * (last - before) / scale)[:, :, None]
    return -0.5 * z * z - (torch.log(scale) + HALF_LOG_2PI)[..., None]


def _at_nodes(factor: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Factors (G, R, .., 6) at nodes y (G, R, n): coefficients (G, R, n, ..) of 1, y_{t-1} and y_{t-1}^2."""
    f = factor[:, :, None]
    y = y.reshape(*y.shape, *([1] * (factor.dim() - 3)))
    return (
        f[..., 0] + (f[..., 1] + f[..., 2] * y) * y, f[..., 3] + f[..., 5] * y, f[..., 4] + 0 * y,
    )


def _carried(
    back: Tensor, x: Tensor, score: Tensor, bend: Tensor, s: tuple[Tensor, ...], h: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """E(s) (G, R, n', J) and E(h + s s') (G, R, n', J, J) given the value at n' nodes, from those given the one before.

    back (G, R, n', n) is the law of the value before, at nodes x (G, R, n); s and h are this factor's derivatives as
    coefficients of 1, x, x^2.
    """
    size = score.shape[-1]
    powers = torch.stack([x**d for d in range(1, 5)], dim=3)
    scores = [score, score * x[..., None], score * (x * x)[..., None]]
    mean = back @ torch.cat([powers, *scores, bend.flatten(3)], dim=3)
    moment = [torch.ones_like(mean[..., 0]), *mean[..., :4].unbind(3)]
    cross = [mean[..., 4 + d * size : 4 + (d + 1) * size] for d in range(3)]
    own = sum(s[d] * moment[d][..., None] for d in range(3))
    square = sum(
        s[d][..., :, None] * (s[e] * moment[d + e][..., None])[..., None, :] for d in range(3) for e in range(3)
    )
    mixed = sum(s[d][..., :, None] * cross[d][..., None, :] for d in range(3))
    more = sum(h[d] * moment[d][..., None, None] for d in range(3))
    before = mean[..., 4 + 3 * size :].reshape(*mean.shape[:3], size, size)
    return cross[0] + own, before + mixed + mixed.transpose(3, 4) + square + more  # type: ignore[union-attr]


def _tridiagonal(own: Tensor, across: Tensor) -> Tensor:
    out = torch.diag_embed(own)
    if across.shape[-1]:
        out = out + torch.diag_embed(across, offset=1) + torch.diag_embed(across, offset=-1)
    return out


def _mode(own: Tensor, across: Tensor, pull: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Where a normal with precision (own, across) and linear term ``pull`` is largest between low and high (.., m).

    By coordinates in turn. A point near the mode will do.
    """
    m = own.shape[-1]
    x = (torch.linalg.solve(_tridiagonal(own, across), pull[..., None])[..., 0]).maximum(low).minimum(high)
    for _ in range(SWEEPS if m > 1 else 0):
        moved = 0.0
        for t in [*range(m), *range(m - 2, 0, -1)]:
            target = pull[..., t]
            if t > 0:
                target = target - across[..., t - 1] * x[..., t - 1]
            if t < m - 1:
                target = target - across[..., t] * x[..., t + 1]
            new = (target / own[..., t]).maximum(low[..., t]).minimum(high[..., t])
            moved = max(moved, float((new - x[..., t]).abs().max()))
            x[..., t] = new
        if moved < NEAR_MODE:
            break
    return x


def _slope(own: Tensor, across: Tensor, pull: Tensor, x: Tensor) -> Tensor:
    """Size of the log density's slope at x (.., m), less what x may be off the mode by."""
    slope = pull - (_tridiagonal(own, across) @ x[..., None])[..., 0]
    return (slope.abs() - own.sqrt()).clamp(min=0.0)
