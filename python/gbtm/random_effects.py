"""Random intercept and slope: subjects of a group differ from its curve by a normal deviation of their own.

y_i | k ~ N(X_i beta_k, sigma^2 I + Z_i diag(r_k^2) Z_i'), with Z = 1, a (``rorder`` 0: the intercept alone). The
subjects of one pattern of times share that covariance, and their log density is linear in y and y y': a pattern is
the design cell here, and a subject is one row. Derivatives come from ``torch.func``.
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from .cells import CellStatistics

if TYPE_CHECKING:
    from .measures import Measures
    from .outcome import OutcomePart

LOG_2PI = log(2 * pi)


class PatternStatistics(CellStatistics):
    """Statistics 1, y, y y' of each subject, with one design cell for each pattern of observation times.

    Attributes
    ----------
    design : (P, T, q) internal mean columns of each pattern, 0 where a pattern has fewer than T times
    effects : (P, T, L) columns of the random effects
    seen : (P, T) 1 for a pattern's times
    """

    design: Tensor
    effects: Tensor
    seen: Tensor

    def __init__(self, part: OutcomePart, measures: Measures, n_subjects: int) -> None:
        nn.Module.__init__(self)
        self.family, self.known_names = part.internal_family, ()
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
        patterns, own = np.unique(table, axis=0, return_inverse=True)
        seen = patterns >= 0
        stats = [np.ones((n_subjects, 1)), full, (full[:, :, None] * full[:, None, :]).reshape(n_subjects, -1)]
        self.listed, self.private = True, patterns.shape[0] > 0.5 * n_subjects
        pick = own.ravel() if self.private else slice(None)
        self.n_subjects, self.n_stats = n_subjects, 1 + width + width * width
        self.n_cells = n_subjects if self.private else patterns.shape[0]
        self.register_buffer("stats", torch.from_numpy(np.hstack(stats)))
        self.register_buffer("subject", torch.arange(n_subjects))
        self.register_buffer("cell", torch.from_numpy(np.zeros(0, dtype=np.int64) if self.private else own.ravel()))
        self.register_buffer("design", torch.from_numpy((columns[patterns] * seen[:, :, None])[pick]))
        self.register_buffer("effects", torch.from_numpy((effects[patterns] * seen[:, :, None])[pick]))
        self.register_buffer("log_exposure", torch.zeros(1, dtype=torch.float64))
        self.register_buffer("seen", torch.from_numpy(seen.astype(float)[pick]))

    def take(self, rows: slice | np.ndarray) -> PatternStatistics:
        assert isinstance(rows, slice)
        part = PatternStatistics.__new__(PatternStatistics)
        nn.Module.__init__(part)
        part.family, part.known_names, part.predictor_names = self.family, (), self.predictor_names
        part.listed, part.private, part.n_stats = True, self.private, self.n_stats
        part.register_buffer("stats", self.stats[rows])
        part.n_subjects = part.stats.shape[0]
        part.n_cells = part.n_subjects if self.private else self.n_cells
        part.register_buffer("subject", torch.arange(part.n_subjects, device=self.stats.device))
        part.register_buffer("cell", self.cell if self.private else self.cell[rows])
        part.register_buffer("log_exposure", self.log_exposure)
        for name in ("design", "effects", "seen"):
            part.register_buffer(name, getattr(self, name)[rows] if self.private else getattr(self, name))
        return part

    def columns(self, predictor: str) -> Tensor:
        """(1, q) placeholder for the number of a predictor's columns; a pattern has many rows of them."""
        return self.design[0, :1] if predictor == "mean" else self.design.new_ones(1, 1)

    def predictors(self, coefficients: dict[str, Tensor], offsets: dict[str, Tensor]) -> dict[str, Tensor]:
        """The groups' own coefficients (B, K, Q), side by side: they enter a pattern's density all at once."""
        return {"own": torch.cat([coefficients[name] for name in self.predictor_names], dim=2)}

    def totals(self, statistics: Tensor) -> np.ndarray:
        width = self.seen.shape[1]
        products = statistics[..., 1 + width :]
        square = products.reshape(*products.shape[:-1], width, width).diagonal(dim1=-2, dim2=-1)
        n = statistics[..., 0] @ self.seen.sum(1)
        total = statistics[..., 1 : 1 + width].sum((2, 3))
        return torch.stack([n, total, square.sum((2, 3))], dim=-1).cpu().numpy()

    def curves(self, u: dict[str, Tensor]) -> dict[str, Tensor]:
        own, q = u["own"], self.design.shape[2]
        mean = own[:, :, :q] @ self.design[self.seen > 0].T
        return {"mean": mean, "log_sigma": own[:, :, q, None].expand_as(mean)}

    def _covariance(self, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Groups' own coefficients (.., Q) -> mean (.., P, T), precision (.., P, T, T), log determinant (.., P)."""
        q = self.design.shape[2]
        mean = torch.einsum("ptq,...q->...pt", self.design, own[..., :q])
        scaled = self.effects * own[..., None, None, q + 1 :]
        # times that a pattern lacks get variance 1 and no covariance, which adds nothing to the determinant
        alone = torch.exp(2 * own[..., q, None, None]) * self.seen + (1 - self.seen)
        factor = torch.linalg.cholesky(scaled @ scaled.transpose(-2, -1) + torch.diag_embed(alone))
        eye = torch.eye(self.seen.shape[1], dtype=own.dtype, device=own.device)
        inverse = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
        inside = self.seen[:, :, None] * self.seen[:, None, :]
        precision = inverse.transpose(-2, -1) @ inverse * inside
        return mean, precision, 2 * torch.log(factor.diagonal(dim1=-2, dim2=-1)).sum(-1)

    def _moves(self, own: Tensor) -> tuple[Tensor, Tensor]:
        """First derivatives of the covariance by log sigma and each r, and the second ones (the mixed are 0).

        (.., J, P, T, T) each.
        """
        q = self.design.shape[2]
        noise = torch.exp(2 * own[..., q, None, None, None]) * torch.diag_embed(self.seen)
        squares = torch.einsum("ptl,pul->lptu", self.effects, self.effects)
        first = 2 * own[..., q + 1 :, None, None, None] * squares
        second = (2 * squares).expand_as(first)
        return torch.cat([2 * noise[..., None, :, :, :], first], -4), torch.cat(
            [4 * noise[..., None, :, :, :], second], -4)

    def terms(self, u: dict[str, Tensor]) -> Tensor:
        mean, precision, log_determinant = self._covariance(u["own"])
        weighted = (precision @ mean[..., None])[..., 0]
        one = -0.5 * (log_determinant + LOG_2PI * self.seen.sum(1) + (weighted * mean).sum(-1))
        return torch.cat([one[..., None], weighted, -0.5 * precision.flatten(-2)], dim=-1)

    def scores(self, u: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        mean, precision, _ = self._covariance(u["own"])
        weighted = (precision @ mean[..., None])[..., 0]
        columns = torch.einsum("...ptu,puq->...qpt", precision, self.design)
        level = -torch.einsum("...pt,ptq->...qp", weighted, self.design)
        flat = columns.new_zeros(*columns.shape, columns.shape[-1]).flatten(-2)
        by_mean = torch.cat([level[..., None], columns, flat], dim=-1)
        turned = precision[..., None, :, :, :] @ self._moves(u["own"])[0]
        pulled = (turned @ weighted[..., None, :, :, None])[..., 0]
        level = 0.5 * ((pulled * mean[..., None, :, :]).sum(-1) - turned.diagonal(dim1=-2, dim2=-1).sum(-1))
        square = 0.5 * (turned @ precision[..., None, :, :, :])
        by_spread = torch.cat([level[..., None], -pulled, square.flatten(-2)], dim=-1)
        return self.spread(self.terms(u)), self.spread(torch.cat([by_mean, by_spread], dim=-3))

    def complete_data(self, u: dict[str, Tensor], statistics: Tensor, safe: bool) -> tuple[Tensor, Tensor, Tensor]:
        """With W the precision, D_j the derivatives of the covariance, r = sum of y - mean and S the sum of
        (y - mean)(y - mean)': X'Wr and (tr W D_j W S - n tr W D_j) / 2 (Jennrich and Schluchter 1986, Biometrics 42).
        """
        mean, w, log_determinant = self._covariance(u["own"])
        width = self.seen.shape[1]
        n, total = statistics[..., 0], statistics[..., 1 : 1 + width]
        cross = total[..., :, None] * mean[..., None, :]
        products = statistics[..., 1 + width :].reshape(cross.shape) - cross - cross.transpose(-2, -1)
        products = products + n[..., None, None] * mean[..., :, None] * mean[..., None, :]
        rest = (w @ (total - n[..., None] * mean)[..., None])[..., 0]
        whitened = w @ products
        first, second = self._moves(u["own"])
        moved, bent = w[..., None, :, :, :] @ first, w[..., None, :, :, :] @ second

        def spread(d: Tensor) -> Tensor:
            """(tr d W S - n tr d) / 2, over the patterns."""
            own = torch.einsum("...p,...jptt->...j", n, d)
            return 0.5 * (torch.einsum("...jptu,...put->...j", d, whitened) - own)

        size = n * (log_determinant + LOG_2PI * self.seen.sum(1))
        value = -0.5 * (size.sum(-1) + whitened.diagonal(dim1=-2, dim2=-1).sum((-2, -1)))
        gradient = torch.cat([torch.einsum("ptq,...pt->...q", self.design, rest), spread(moved)], dim=-1)
        by_mean = -torch.einsum("ptq,...p,...ptu,puk->...qk", self.design, n, w, self.design)
        mixed = -torch.einsum("ptq,...jptu,...pu->...qj", self.design, moved, rest)
        pairs = torch.einsum("...p,...jptu,...kput->...jk", n, moved, moved)
        carried = torch.einsum("...jptu,...kput->...jk", moved, moved @ whitened[..., None, :, :, :])
        by_spread = 0.5 * pairs - carried + torch.diag_embed(spread(bent))
        upper, lower = torch.cat([by_mean, mixed], -1), torch.cat([mixed.transpose(-2, -1), by_spread], -1)
        return value.sum(1), gradient, torch.cat([upper, lower], -2)
