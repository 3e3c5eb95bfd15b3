"""Random intercept and slope: subjects of a group differ from its curve by a normal deviation of their own.

y_i | k ~ N(X_i beta_k, sigma^2 V_i), V_i = I + Z_i A Z_i', Z = 1, a (``rorder`` 0: the intercept alone), A the
covariance of the effects in units of sigma^2 (:mod:`.effect_covariance`). With A = W W', C = I + W' Z'Z W and
M = W C^-1 W', as small as the random effects are few,

    V^-1 = I - Z M Z',  |V| = |C|

(Woodbury), so that the log density is linear in y'y, X'y, Z'y and Z'y y'Z. As A moves by dA, M moves by K' dA K and
log |V| by tr(Z' V^-1 Z dA), K = I - Z'Z M. Subjects with the same times share X and Z: such a pattern is the design
cell here, and a subject is one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .cells import CellStatistics
from .effect_covariance import EffectCovariance

if TYPE_CHECKING:
    from ..data.measures import Measures
    from ..model.outcome import OutcomePart

LOG_2PI = log(2 * pi)
OF_PATTERNS = ("design", "seen", "n_times", "xx", "xz", "zz")


class PatternStatistics(CellStatistics):
    """Statistics 1, y'y, X'y, Z'y, Z'y y'Z of each subject, with one design cell for each pattern of observation times.

    Attributes
    ----------
    design : (P, T, q) internal mean columns of each pattern, 0 where a pattern has fewer than T times
    seen : (P, T) 1 for a pattern's times
    n_times : (P,)
    xx, xz, zz : (P, q, q), (P, q, L), (P, L, L) X'X, X'Z, Z'Z; Z are the columns of the random effects
    """

    design: Tensor
    seen: Tensor
    n_times: Tensor
    xx: Tensor
    xz: Tensor
    zz: Tensor

    def __init__(
        self, part: OutcomePart, measures: Measures, n_subjects: int, about: np.ndarray | None = None
    ) -> None:
        nn.Module.__init__(self)
        self.family, self.cell_data_names = part.internal_family, ()
        self.predictor_names = part.family.predictors
        y = (measures.y - part.centre) / part.scale
        first, cell = measures.cells()
        w = measures.covariates[first] if measures.covariate_names else np.zeros((first.size, 0))
        columns = part.columns("mean", measures.time[first], w)
        effects = np.vander(measures.time[first] / part.time_scale, part.n_random, increasing=True)
        place = np.arange(measures.nobs) - np.searchsorted(measures.subject, measures.subject)
        width = int(place.max()) + 1
        table = np.full((n_subjects, width), -1)
        table[measures.subject, place] = cell
        full = np.zeros((n_subjects, width))
        full[measures.subject, place] = y
        patterns, pattern = np.unique(table, axis=0, return_inverse=True)
        pattern, seen = pattern.ravel(), patterns >= 0
        x, z = columns[patterns] * seen[:, :, None], effects[patterns] * seen[:, :, None]
        self.centred = about is not None
        if about is not None:
            self.register_buffer("about", torch.as_tensor(about, dtype=torch.float64))
            full = full - np.einsum("ntq,kq->knt", x[pattern], about)
        xy, zy = (np.einsum("ntq,...nt->...nq", v[pattern], full) for v in (x, z))
        products = (zy[..., :, None] * zy[..., None, :]).reshape(*zy.shape[:-1], -1)
        squares = (full**2).sum(-1)[..., None]
        stats = np.concatenate([np.ones_like(squares), squares, xy, zy, products], axis=-1)
        self.listed, self.private = True, patterns.shape[0] > 0.5 * n_subjects
        pick = pattern if self.private else slice(None)
        x, z, seen = x[pick], z[pick], seen[pick].astype(float)
        self.n_subjects, self.n_stats, self.n_cells = n_subjects, stats.shape[-1], x.shape[0]
        self.register_buffer("stats", torch.from_numpy(stats))
        self.register_buffer("subject", torch.arange(n_subjects))
        self.register_buffer("cell", torch.from_numpy(np.zeros(0, dtype=np.int64) if self.private else pattern))
        self.register_buffer("log_exposure", torch.zeros(1, dtype=torch.float64))
        xt, zt = x.transpose(0, 2, 1), z.transpose(0, 2, 1)
        for name, values in zip(OF_PATTERNS, (x, seen, seen.sum(1), xt @ x, xt @ z, zt @ z), strict=True):
            self.register_buffer(name, torch.from_numpy(values))

    def take(self, rows: slice | np.ndarray) -> PatternStatistics:
        part = PatternStatistics.__new__(PatternStatistics)
        nn.Module.__init__(part)
        part.family, part.cell_data_names, part.predictor_names = self.family, (), self.predictor_names
        part.listed, part.private, part.n_stats = True, self.private, self.n_stats
        part.register_buffer("stats", self.stats[..., rows, :])
        part.n_subjects = part.stats.shape[-2]
        part.centred = self.centred
        if self.centred:
            part.register_buffer("about", self.about)
        part.n_cells = part.n_subjects if self.private else self.n_cells
        part.register_buffer("subject", torch.arange(part.n_subjects, device=self.stats.device))
        part.register_buffer("cell", self.cell if self.private else self.cell[rows])
        part.register_buffer("log_exposure", self.log_exposure)
        for name in OF_PATTERNS:
            part.register_buffer(name, getattr(self, name)[rows] if self.private else getattr(self, name))
        return part

    def columns(self, predictor: str) -> Tensor:
        """(1, q) placeholder for the number of a predictor's columns; a pattern has many rows of them."""
        return self.design[0, :1] if predictor == "mean" else self.design.new_ones(1, 1)

    def predictors(self, coefficients: dict[str, Tensor], offsets: dict[str, Tensor]) -> dict[str, Tensor]:
        """The groups' own coefficients (B, K, Q), side by side: they enter a pattern's density all at once."""
        if self.centred:
            coefficients = coefficients | {"mean": coefficients["mean"] - self.about}
        return {"coefficients": torch.cat([coefficients[name] for name in self.predictor_names], dim=2)}

    def totals(self, statistics: Tensor) -> np.ndarray:
        q = self.xx.shape[1]
        n = statistics[..., 0] @ self.n_times
        return torch.stack([n, statistics[..., 2 + q].sum(2), statistics[..., 1].sum(2)], dim=-1).cpu().numpy()

    def curves(self, u: dict[str, Tensor]) -> dict[str, Tensor]:
        coefficients, q = u["coefficients"], self.design.shape[2]
        beta = coefficients[:, :, :q] + self.about if self.centred else coefficients[:, :, :q]
        mean = beta @ self.design[self.seen > 0].T
        return {"mean": mean, "log_sigma": coefficients[:, :, q, None].expand_as(mean)}

    def _at(self, coefficients: Tensor) -> _Law:
        """What groups' own coefficients (.., Q) say of each pattern."""
        q, n_random = self.xz.shape[1:]
        beta, log_sigma = coefficients[..., :q], coefficients[..., q]
        covariance = EffectCovariance.of(coefficients[..., q + 1 :], log_sigma, n_random)
        root = covariance.root[..., None, :, :]
        eye = torch.eye(n_random, dtype=coefficients.dtype, device=coefficients.device)
        factor = torch.linalg.cholesky(eye + root.mT @ self.zz @ root)
        inverse = torch.linalg.solve_triangular(factor, root.mT.expand_as(factor), upper=False)
        m = inverse.mT @ inverse
        return _Law(
            beta=beta, log_sigma=log_sigma[..., None], covariance=covariance, m=m, shrinkage=eye - self.zz @ m,
            level=torch.einsum("pql,...q->...pl", self.xz, beta), mean=torch.einsum("pqr,...r->...pq", self.xx, beta),
            log_determinant=2 * torch.log(factor.diagonal(dim1=-2, dim2=-1)).sum(-1),
        )

    def terms(self, u: dict[str, Tensor]) -> Tensor:
        return self._terms(self._at(u["coefficients"]))

    def _terms(self, law: _Law) -> Tensor:
        precision = torch.exp(-2 * law.log_sigma)
        pulled = _times(law.m, law.level)
        square = torch.einsum("...q,...pq->...p", law.beta, law.mean) - (pulled * law.level).sum(-1)
        one = -0.5 * (self.n_times * (LOG_2PI + 2 * law.log_sigma) + law.log_determinant + precision * square)
        beta = (precision * law.beta)[..., None, :].expand_as(law.mean)
        p = precision[..., None]
        return torch.cat([one[..., None], (-0.5 * p).expand_as(one[..., None]), beta, -p * pulled,
                          0.5 * p * law.m.flatten(-2)], dim=-1)

    def scores(self, u: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        law = self._at(u["coefficients"])
        q = self.xz.shape[1]
        p = torch.exp(-2 * law.log_sigma)[..., None]  # (.., 1, 1)
        pulled = _times(law.m, law.level)  # (.., P, L)
        zero = torch.zeros_like(law.level[..., 0])

        def side_by_side(one: Tensor, squares: Tensor, xy: Tensor, zy: Tensor, products: Tensor) -> Tensor:
            return torch.cat([one[..., None], squares[..., None], xy, zy, products.flatten(-2)], dim=-1)

        by_beta = []
        level = law.mean - torch.einsum("pql,...pl->...pq", self.xz, pulled)
        for j in range(q):
            unit = torch.zeros_like(law.mean)
            unit[..., j] = 1.0
            cross = -p * _times(law.m, self.xz[:, j].expand_as(law.level))
            by_beta.append(side_by_side(-p[..., 0] * level[..., j], zero, p * unit, cross, torch.zeros_like(law.m)))
        square = torch.einsum("...q,...pq->...p", law.beta, law.mean) - (pulled * law.level).sum(-1)
        by_sigma = side_by_side(
            p[..., 0] * square - self.n_times, p[..., 0] + zero, (-2 * p * law.beta[..., None, :]).expand_as(law.mean),
            2 * p * pulled, -p[..., None] * law.m,
        )
        by_own = []
        within = self.zz - self.zz @ law.m @ self.zz
        for j in range(law.covariance.size):
            direction = law.covariance.first[..., j, :, :][..., None, :, :]  # (.., 1, L, L) how A moves
            moved = law.shrinkage.mT @ direction @ law.shrinkage  # how M moves
            met = _times(moved, law.level)
            one = 0.5 * (p[..., 0] * (met * law.level).sum(-1) - (direction * within).sum((-2, -1)))
            by_own.append(side_by_side(one, zero, torch.zeros_like(law.mean), -p * met, 0.5 * p[..., None] * moved))
        in_sigma, own = law.covariance.in_users(by_own)
        return self.spread(self._terms(law)), self.spread(torch.stack([*by_beta, by_sigma + in_sigma, *own], dim=-3))

    def complete_data(self, u: dict[str, Tensor], statistics: Tensor, safe: bool) -> tuple[Tensor, Tensor, Tensor]:
        """With e = y - X beta, h = Z'e and K = I - Z'Z M, so that Z' V^-1 e = K h, all that the derivatives need are
        sums over the subjects of e'e, X'e, h and h h'.
        """
        law = self._at(u["coefficients"])
        q, n_random = self.xz.shape[1:]
        p, ways = torch.exp(-2 * law.log_sigma), law.covariance.first
        n, squares = statistics[..., 0], statistics[..., 1]
        xy, zy = statistics[..., 2 : 2 + q], statistics[..., 2 + q : 2 + q + n_random]
        h = zy - n[..., None] * law.level
        xe = xy - n[..., None] * law.mean
        cross = zy[..., :, None] * law.level[..., None, :]
        hh = statistics[..., 2 + q + n_random :].reshape(law.m.shape) - cross - cross.transpose(-2, -1)
        hh = hh + n[..., None, None] * law.level[..., :, None] * law.level[..., None, :]
        ee = squares - torch.einsum("...q,...pq->...p", law.beta, 2 * xy - n[..., None] * law.mean)
        distance = (ee - (law.m * hh).sum((-2, -1))).sum(-1)[..., None]
        count = (n @ self.n_times)[..., None]
        determinant = (n * law.log_determinant).sum(-1)[..., None]
        value = -0.5 * (count * (LOG_2PI + 2 * law.log_sigma) + determinant + p * distance)
        within = self.zz - self.zz @ law.m @ self.zz  # Z' V^-1 Z
        beyond = law.shrinkage @ hh @ law.shrinkage.transpose(-2, -1)  # sum of Z' V^-1 e e' V^-1 Z
        by_beta = p * (xe - torch.einsum("pql,...pl->...pq", self.xz, _times(law.m, h))).sum(-2)
        pull = (p[..., None, None] * beyond - n[..., None, None] * within).sum(-3)
        gradient = torch.cat([by_beta, p * distance - count, 0.5 * torch.einsum("...jab,...ab->...j", ways, pull)], -1)

        across = self.xz @ law.shrinkage.transpose(-2, -1)  # X' V^-1 Z
        beta_beta = -p[..., None] * torch.einsum("...p,...pqr->...qr", n, self.xx - self.xz @ law.m @ self.xz.mT)
        towards = torch.einsum("...pql,...pm->...qlm", across, _times(law.shrinkage, h))
        beta_own = -p[..., None] * torch.einsum("...qlm,...jlm->...qj", towards, ways)
        sigma_own = -p * torch.einsum("...jab,...ab->...j", ways, beyond.sum(-3))
        squared = torch.einsum("...p,...pab,...pcd->...abcd", n, within, within)
        crossed = torch.einsum("...pab,...pcd->...abcd", within.expand_as(beyond), beyond)
        pairs = 0.5 * squared - p[..., None, None, None] * crossed
        own_own = torch.einsum("...jda,...abcd,...lbc->...jl", ways, pairs, ways)
        own_own = own_own + 0.5 * torch.einsum("...jlab,...ab->...jl", law.covariance.second, pull)
        beta_sigma = -2 * by_beta[..., None]
        lines = [
            torch.cat([beta_beta, beta_sigma, beta_own], -1),
            torch.cat([beta_sigma.mT, -2 * (p * distance)[..., None], sigma_own[..., None, :]], -1),
            torch.cat([beta_own.mT, sigma_own[..., None], own_own], -1),
        ]
        return value[..., 0].sum(1), *law.covariance.derivatives_in_users(gradient, torch.cat(lines, -2))


@dataclass(frozen=True)
class _Law:
    """Attributes
    ----------
    beta : (.., q)
    log_sigma : (.., 1)
    covariance : of the effects, A
    m : (.., P, L, L) M
    shrinkage : (.., P, L, L) K = I - Z'Z M
    level : (.., P, L) Z'X beta
    mean : (.., P, q) X'X beta
    log_determinant : (.., P) log |V|
    """

    beta: Tensor
    log_sigma: Tensor
    covariance: EffectCovariance
    m: Tensor
    shrinkage: Tensor
    level: Tensor
    mean: Tensor
    log_determinant: Tensor


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector[..., None])[..., 0]

