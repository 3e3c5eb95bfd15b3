"""Outcomes whose density is that of a whole subject: nothing in it is a sum over design cells.

Values that are censored and whose errors are correlated (:mod:`gbtm.densities.censored_ar1`,
:mod:`gbtm.densities.censored_random_effects`): the probability of the censored values of a subject is an integral
over what they might have been. A subject is its own cell with the statistic 1, which is
multiplied with the log of its density.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from .cells import CellStatistics

if TYPE_CHECKING:
    from ..data.measures import Measures
    from ..model.outcome import OutcomePart


class WholeSubjects(CellStatistics):
    """Log density of each subject in each group, with its derivatives.

    The integrals are sums over nodes. These lie where the integrand is at the parameters asked for, but count as fixed
    under differentiation, so that the derivatives of the sum are the sums for the derivatives of the integral.

    Attributes
    ----------
    y : (N, T) outcomes, at the bound where censored, 0 where a subject has fewer than T
    side : (N, T) -1 at the lower bound, 1 at the upper, 0 inside
    seen : (N, T) 1 for a subject's observations
    design : (N, T, q) internal mean columns
    moments : (N, 3) number, sum and sum of squares of a subject's outcomes
    block : number of subjects that are worked on at once
    """

    y: Tensor
    side: Tensor
    seen: Tensor
    design: Tensor
    moments: Tensor
    block = 48
    padded: tuple[str, ...] = ("y", "side", "seen", "design", "moments")

    def __init__(self, part: OutcomePart, measures: Measures, n_subjects: int) -> None:
        nn.Module.__init__(self)
        self.family, self.cell_data_names = part.internal_family, ()
        self.predictor_names = part.family.predictors
        self.lower, self.upper = ((b - part.centre) / part.scale for b in part.bounds)
        self.listed = self.private = True
        self.centred = False  # the density is that of deviations already
        self.n_stats = 1
        place = np.arange(measures.nobs) - np.searchsorted(measures.subject, measures.subject)
        self._at = measures.subject, place, n_subjects, int(place.max()) + 1
        y = (measures.y - part.centre) / part.scale
        w = measures.covariates if measures.covariate_names else np.zeros((measures.nobs, 0))
        self._pad("y", y)
        self._pad("side", part.side(measures.y))
        self._pad("seen", np.ones(measures.nobs))
        self._pad("design", part.columns("mean", measures.time, w))
        sums = [np.bincount(measures.subject, v, minlength=n_subjects) for v in (np.ones_like(y), y, y * y)]
        self.register_buffer("moments", torch.from_numpy(np.stack(sums, axis=1)))
        self.register_buffer("log_exposure", torch.zeros(1, dtype=torch.float64))
        self._count(n_subjects)

    def _pad(self, name: str, values: np.ndarray) -> None:
        """Values of the observations (n_obs, ..) as a buffer (N, T, ..)."""
        subject, place, n, width = self._at
        full = np.zeros((n, width, *values.shape[1:]))
        full[subject, place] = values
        self.register_buffer(name, torch.from_numpy(full))

    def _count(self, n_subjects: int) -> None:
        device = self.y.device
        self.n_subjects = self.n_cells = n_subjects
        self.register_buffer("stats", torch.ones(n_subjects, 1, dtype=torch.float64, device=device))
        self.register_buffer("subject", torch.arange(n_subjects, device=device))
        self.register_buffer("cell", torch.zeros(0, dtype=torch.int64, device=device))

    def take(self, rows: slice | np.ndarray) -> WholeSubjects:
        part = type(self).__new__(type(self))
        nn.Module.__init__(part)
        for name in ("family", "cell_data_names", "predictor_names", "lower", "upper", "listed", "private", "n_stats",
                     "centred"):
            setattr(part, name, getattr(self, name))
        for name in self.padded:
            part.register_buffer(name, getattr(self, name)[rows])
        part.register_buffer("log_exposure", self.log_exposure)
        part._count(part.y.shape[0])
        return part

    def _apply(self, fn: Any, recurse: bool = True) -> WholeSubjects:
        for attribute in ("_last", "_data", "_blocks"):  # on a device that may be left
            self.__dict__.pop(attribute, None)
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def columns(self, predictor: str) -> Tensor:
        """(1, q) placeholder for the number of a predictor's columns; a subject has many rows of them."""
        return self.design[0, :1] if predictor in ("mean", "lag_mean") else self.design.new_ones(1, 1)

    def predictors(self, coefficients: dict[str, Tensor], offsets: dict[str, Tensor]) -> dict[str, Tensor]:
        """The groups' own coefficients (B, K, Q), side by side: they enter a subject's density all at once."""
        return {"coefficients": torch.cat([coefficients[name] for name in self.predictor_names], dim=2)}

    def totals(self, statistics: Tensor) -> np.ndarray:
        return (statistics[..., 0] @ self.moments).cpu().numpy()

    def curves(self, u: dict[str, Tensor]) -> dict[str, Tensor]:
        coefficients, q = u["coefficients"], self.design.shape[2]
        mean = coefficients[:, :, :q] @ self.design[self.seen > 0].T
        return {"mean": mean, "log_sigma": coefficients[:, :, self._sigma, None].expand_as(mean)}

    @property
    def _sigma(self) -> int:
        """Place of log sigma among a group's own coefficients."""
        before = self.predictor_names[: self.predictor_names.index("log_sigma")]
        return self.design.shape[2] * len(before)

    @abstractmethod
    def log_density(self, coefficients: Tensor) -> Tensor:
        """Coefficients (G, Q) of G groups -> log densities (G, N); by torch operations that can be differentiated."""

    @abstractmethod
    def derivatives(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(G, Q) -> log densities (G, N), their gradients (G, N, Q) and Hessians (G, N, Q, Q)."""

    @property
    def blocks(self) -> list[WholeSubjects]:
        """Lots of subjects small enough to work on at once; itself when there are few."""
        if self.n_subjects <= 1.5 * self.block:
            return [self]
        if "_blocks" not in self.__dict__:
            starts = range(0, self.n_subjects, self.block)
            self.__dict__["_blocks"] = [self.take(slice(i, i + self.block)) for i in starts]
        blocks: list[WholeSubjects] = self.__dict__["_blocks"]
        return blocks

    def in_order(self, parts: list[Tensor]) -> Tensor:
        """What was found for each of :attr:`blocks` (G, N_b, ..), for all subjects in their order (G, N, ..)."""
        return torch.cat(parts, dim=1)

    def terms(self, u: dict[str, Tensor]) -> Tensor:
        coefficients = u["coefficients"].flatten(0, 1)
        log_densities = self.in_order([b.log_density(coefficients) for b in self.blocks])
        return log_densities.reshape(*u["coefficients"].shape[:2], -1, 1)

    def scores(self, u: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        value, gradient, _ = self._derivatives(u["coefficients"])
        return value, gradient.transpose(2, 3)

    def complete_data(self, u: dict[str, Tensor], statistics: Tensor, safe: bool) -> tuple[Tensor, Tensor, Tensor]:
        value, gradient, hessian = self._derivatives(u["coefficients"])
        weight = statistics[..., 0]
        return (
            (value * weight).sum((1, 2)), torch.einsum("bkn,bknq->bkq", weight, gradient),
            torch.einsum("bkn,bknqr->bkqr", weight, hessian),
        )

    def _derivatives(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """:meth:`derivatives` for (B, K, Q). The last answer is kept: gradient and Hessian are asked for in turn."""
        last = self.__dict__.get("_last")
        if last is None or last[0].shape != coefficients.shape or not torch.equal(last[0], coefficients):
            parts = [b.derivatives(coefficients.detach().flatten(0, 1)) for b in self.blocks]
            value, gradient, hessian = (self.in_order(list(p)) for p in zip(*parts))
            by_group = (x.reshape(*coefficients.shape[:2], *x.shape[1:]) for x in (value, gradient, hessian))
            last = coefficients.detach().clone(), *by_group
            self.__dict__["_last"] = last
        return last[1], last[2], last[3]
