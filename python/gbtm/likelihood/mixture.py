"""The mixture likelihood as a torch module.

log L_i = log sum_k pi_k(z_i) prod_t f_k(y_it), with pi(z) = softmax(z' theta), theta = 0 for the reference group.

Given the groups, each family's log density is linear in a few statistics of y per design cell, so that all N x K group
log-likelihoods are one product: statistics (N, C S) times cell terms (C S, K). A leading batch axis B carries many
parameter vectors (starting values) at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ..checks import positions
from ..compute.threads import in_order, with_gradients
from ..data.panel import Panel
from ..densities.cells import CellStatistics
from ..densities.identical_rows import identical_rows
from ..densities.make_cells import make_cells
from ..densities.subject_integral import WholeSubjects
from ..model.blocks import MEMBERSHIP
from ..model.layout import Layout
from ..model.outcome import OutcomePart, Part, sources_of
from .dual_membership import DualMembership
from .log_prior import LogPrior
from .membership import Membership
from .pseudo_people import pseudo_people
from .tiny_sigma import has_tiny_sigma

Tensors = tuple[Tensor, ...]
SHARD = 32_768  # subjects per block


class Mixture(nn.Module):
    """Group-based trajectory mixture.

    ``forward()`` returns the subject log-likelihoods (N,) at the module's parameters: one vector of mean
    coefficients (all groups), and where the family has them ``zero``, ``log_sigma``, and ``theta``. Train it with any
    optimiser; :func:`gbtm.estimation.estimate.estimate` fits this same module.

    Parameters
    ----------
    layout : Layout
    panel : Panel
    surrogate : take censored values whose errors are correlated for seen at the bound; that density has a closed form,
        by which a search finds places to climb from
    about : (p,) parameters; sums of squares are then taken about each group's curve at these, see :meth:`near`

    Examples
    --------
    >>> import gbtm, torch
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> model = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=2, family="normal")
    >>> module = model.module()
    >>> loss = -module().sum()
    >>> loss.backward()
    """

    constant: Tensor
    weight: Tensor
    select: Tensor
    place: Tensor
    remembered: tuple[tuple[Tensor, tuple[Tensor, Tensor, Tensor]], ...] = ()  # the last derivatives, and where

    @with_gradients()
    def __init__(
        self, layout: Layout, panel: Panel, *, surrogate: bool = False, about: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.layout = layout
        sources = sources_of(panel, layout.parts)
        self.outcomes = nn.ModuleList(
            make_cells(part, measures, panel.n_subjects, surrogate,
                       None if about is None or not part.family.has_scale else layout.coefficients(about, m, "mean"))
            for m, (part, measures) in enumerate(zip(layout.parts, sources, strict=True))
        )
        if layout.spec.is_dual:
            for m, cells in enumerate(self.cells):
                cells.tell_classes(layout.class_groups[layout.spec.set_of(m)])
        constant = np.zeros(panel.n_subjects)
        for part, measures in zip(layout.parts, sources, strict=True):
            free = part.family.constant(measures.y)
            if measures.exposure is not None and part.family.folds_exposure:
                free = part.family.folded_constant(measures.y, measures.exposure)
            if part.scale != 1.0:
                free = free - np.log(part.scale) * _is_density(part, measures.y)
            constant += np.bincount(measures.subject, free, minlength=panel.n_subjects)
        subjects = panel.subjects
        self.person_weight = weight = subjects.relative_weights
        self.membership = (DualMembership if layout.spec.is_dual else Membership).of(layout, subjects)
        self.first, self.expand = self._collapse(panel.n_subjects)
        if self.expand is not None:
            self.outcomes = nn.ModuleList(c.take(self.first) for c in self.cells)
            weight = np.bincount(self.expand, weight)
            self.membership = self.membership.take(self.first)
        self.register_buffer("constant", torch.from_numpy(constant[self.first]))
        self.register_buffer("weight", torch.from_numpy(weight))
        self._register_layout()
        positions = self._positions()
        self.free = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(at.size, dtype=torch.float64)) for name, at in positions.items()}
        )
        # where each entry of the flat vector is among the named ones, one name after the other
        order = np.argsort(np.concatenate([np.empty(0), *positions.values()]))
        self.register_buffer("place", torch.from_numpy(order))
        self._shards: list[Mixture] | None = None
        self._set_people(panel)

    def _set_people(self, panel: Panel | None) -> None:
        """Those of whom the pseudo-people of the prior are made, None for none; it is made when it is asked for."""
        self._people = None if self.layout.spec.prior is None else panel
        self._log_prior: list[LogPrior] = []  # a list, as it is no part of the module

    @property
    def log_prior(self) -> LogPrior | None:
        """What is added to the log-likelihood; None for maximum likelihood, and in a block of the subjects."""
        if self._people is not None and not self._log_prior:
            people = pseudo_people(self.layout, self._people)
            self._log_prior = [LogPrior(self.layout, people, float(self.weight.sum())).to(self.device)]
        return self._log_prior[0] if self._log_prior else None

    @classmethod
    def near(cls, layout: Layout, panel: Panel, flat: np.ndarray) -> Mixture:
        """The likelihood to be asked near parameters (p,): about their curves where a sigma there is tiny."""
        return cls(layout, panel, about=flat if has_tiny_sigma(layout, panel, flat) else None)

    def _collapse(self, n_subjects: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Subjects with the same statistics in every cell become one with a weight: exact, and huge for 0/1 data.

        Returns the first of each kind (U,), and each subject's kind (N,) or None where all differ.
        """
        alone = np.arange(n_subjects), None
        if any(c.listed for c in self.cells):
            return alone
        stats = [c.stats.transpose(0, 1).flatten(1) if c.centred else c.stats for c in self.cells]
        kinds = identical_rows(stats + self.membership.columns)
        return alone if kinds is None else kinds

    def _register_layout(self) -> None:
        layout = self.layout
        for m in range(len(layout.parts)):
            for predictor, table in layout.index[m].items():
                self.register_buffer(f"index_{m}_{predictor}", torch.from_numpy(table))
                self.register_buffer(f"offset_{m}_{predictor}", torch.from_numpy(layout.offset[m][predictor]))
        # (K, Q, p): 1 where a group's q-th own coefficient is entry p of the flat vector
        entries = np.concatenate([table for index in layout.index for table in index.values()], axis=1)
        select = (entries[:, :, None] == np.arange(layout.size)).astype(float)
        self.register_buffer("select", torch.from_numpy(select))
        self._of_layout = [name for name in self._buffers if name == "select" or name.startswith(("index_", "offset_"))]

    @property
    def cells(self) -> list[CellStatistics]:
        """The data of each outcome."""
        return list(self.outcomes)  # type: ignore[arg-type]

    @property
    def by_integral(self) -> bool:
        """A subject's density is an integral, at many times the cost of a closed form."""
        return any(isinstance(c, WholeSubjects) for c in self.cells)

    @property
    def n_distinct(self) -> int:
        """Number of distinct subjects U."""
        return self.weight.numel()

    @property
    def judged(self) -> Tensor:
        """Weights (U,) of the subjects of :meth:`subject_logliks`."""
        return self.weight

    def recalled(self, what: str, flat: Tensor, compute: Callable[[], Tensors]) -> Tensors:
        """What ``compute`` makes at ``flat`` (B, p); likelihoods of data on disk can have it from a file."""
        return compute()

    @property
    def device(self) -> torch.device:
        return self.constant.device

    def _positions(self) -> dict[str, np.ndarray]:
        """By name, where one predictor's coefficients of one outcome are in the flat vector: not always a run of it."""
        blocks: dict[str, list[np.ndarray]] = {}
        for b in self.layout.blocks:
            plain = len(self.layout.parts) == 1 or b.outcome == MEMBERSHIP
            name = b.predictor if plain else f"{b.predictor}_{b.outcome}"
            blocks.setdefault(name, []).append(np.arange(b.start, b.start + b.width))
        return {name: np.concatenate(entries) for name, entries in blocks.items()}

    @property
    def shards(self) -> list[Mixture]:
        """The module in blocks of subjects, sharing its memory; itself when there are few."""
        if self._shards is None:
            n = self.weight.numel()
            # lists of rows are several times as wide as a matrix's rows
            size = SHARD // 4 if any(c.listed for c in self.cells) else SHARD
            size = min([size, *(c.block for c in self.cells if isinstance(c, WholeSubjects))])
            is_small = n <= 1.5 * size
            self._shards = [self] if is_small else [self._take(slice(i, i + size)) for i in range(0, n, size)]
        return self._shards

    def _take(self, rows: slice | np.ndarray) -> Mixture:
        part = Mixture.__new__(Mixture)
        nn.Module.__init__(part)
        part.layout, part.first, part.expand, part._shards = self.layout, self.first[rows], None, None
        part._of_layout = self._of_layout
        part._set_people(None)
        part.outcomes = nn.ModuleList(c.take(rows) for c in self.cells)
        part.membership = self.membership.take(rows)
        part.register_buffer("constant", self.constant[rows])
        part.register_buffer("weight", self.weight[rows])
        for name in self._of_layout:
            part.register_buffer(name, getattr(self, name))
        return part

    def batch(self, rows: ArrayLike) -> Mixture:
        """The likelihood of some of the people, at the parameters of this module: a mini-batch.

        Parameters
        ----------
        rows : (n,) positions of people in the order of the panel's ids, each once; or (N,) bool

        Returns
        -------
        A module with the same parameters. ``module.batch(rows)()`` are the log-likelihoods (n,) of these people, in the
        order of ``rows``; their derivatives go to ``module.parameters()``.

        Examples
        --------
        >>> import gbtm, torch
        >>> data = gbtm.datasets.two_groups(rng=0)
        >>> module = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=2).module()
        >>> torch.allclose(module.batch([3, 1])(), module()[[3, 1]])
        True
        """
        people = positions(rows, self.person_weight.size)
        kinds, expand = people, None
        if self.expand is not None:
            kinds, expand = np.unique(self.expand[people], return_inverse=True)
        part = self._take(kinds)
        part.person_weight, part.expand = self.person_weight[people], expand
        if expand is not None:
            part.weight = torch.from_numpy(np.bincount(expand, part.person_weight)).to(self.device)
        part.free, part.place = self.free, self.place
        return part

    def _apply(self, fn: Any, recurse: bool = True) -> Mixture:
        self._shards = None  # they share memory that is about to move
        for log_prior in self._log_prior:
            log_prior._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def flat(self) -> Tensor:
        """The module's parameters as one vector (p,)."""
        return torch.cat([self.free[name] for name in self._positions()])[self.place]

    def set_flat(self, flat: np.ndarray | Tensor) -> None:
        """Set the module's parameters from one vector (p,)."""
        values = torch.as_tensor(flat, dtype=torch.float64)
        with torch.no_grad():
            for name, at in self._positions().items():
                self.free[name].copy_(values[torch.from_numpy(at)])

    def index(self, m: int, predictor: str) -> Tensor:
        return getattr(self, f"index_{m}_{predictor}")

    def coefficients(self, flat: Tensor, m: int, predictor: str) -> Tensor:
        """(B, p) -> (B, K, q), zeros where absent."""
        padded = torch.nn.functional.pad(flat, (0, 1))
        return padded[:, self.index(m, predictor)]

    def predictors(self, flat: Tensor, m: int = 0) -> dict[str, Tensor]:
        """(B, p) -> linear predictors of outcome m, each (B, K, C)."""
        names = list(self.layout.index[m])
        return self.cells[m].predictors(
            {n: self.coefficients(flat, m, n) for n in names}, {n: getattr(self, f"offset_{m}_{n}") for n in names}
        )

    def curves(self, flat: np.ndarray, m: int = 0) -> dict[str, np.ndarray]:
        """(p,) -> linear predictors of outcome m over the cells, each (K, C)."""
        with torch.no_grad():
            u = self.cells[m].curves(self.predictors(torch.as_tensor(flat, device=self.device)[None], m))
        return {name: value[0].cpu().numpy() for name, value in u.items()}

    def own_columns(self, m: int) -> slice:
        """Where outcome m's coefficients are among a group's own, the Q of ``select``."""
        widths = [sum(table.shape[1] for table in index.values()) for index in self.layout.index]
        return slice(sum(widths[:m]), sum(widths[: m + 1]))

    def group_loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> sum_t log f_k(y_it), (B, K, N), without the constant."""
        total = None
        for m, cells in enumerate(self.cells):
            part = cells.spread(cells.terms(self.predictors(flat, m)))
            total = part if total is None else total + part
        assert total is not None
        return total

    def log_shares(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi (B, K, U), or (B, K, 1) without membership covariates."""
        return self.membership.log_shares(flat)

    def joint(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi_k m_ik + sum_t log f_k(y_it), (B, K, N); m is 1 for those whose group is not known."""
        return self.group_loglik(flat) + self.membership.log_weights(flat)

    def subject_loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> log L_i, (B, N)."""
        return torch.logsumexp(self.joint(flat), dim=1) + self.constant

    def subject_logliks(self, flat: Tensor) -> Tensor:
        """:meth:`subject_loglik` by blocks of subjects."""
        return torch.cat(in_order(lambda s: s.subject_loglik(flat), self.shards), dim=1)

    def loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> weighted total log-likelihood (B,)."""
        return self.subject_loglik(flat) @ self.weight

    def forward(self) -> Tensor:
        """Subject log-likelihoods (N,) at the module's own parameters."""
        loglik = self.subject_loglik(self.flat()[None])[0]
        return loglik if self.expand is None else loglik[torch.as_tensor(self.expand, device=loglik.device)]

    def posterior(self, flat: Tensor) -> Tensor:
        """(B, p) -> P_ik, (B, K, U) over the distinct subjects."""
        return torch.cat(in_order(lambda s: torch.softmax(s.joint(flat), dim=1), self.shards), dim=2)

    def total_loglik(self, flat: Tensor) -> Tensor:
        """:meth:`loglik` by blocks of subjects."""
        return self.recalled("loglik", flat, lambda: (self._total_loglik(flat),))[0]

    def objective(self, flat: Tensor) -> Tensor:
        """What is maximised, (B, p) -> (B,): :meth:`total_loglik`, and the log prior where there is one."""
        loglik = self.total_loglik(flat)
        return loglik if self.log_prior is None else loglik + self.log_prior.value(flat)

    def _total_loglik(self, flat: Tensor) -> Tensor:
        return torch.stack(in_order(lambda s: s.loglik(flat), self.shards)).sum(0)


def _is_density(part: Part, y: np.ndarray) -> np.ndarray:
    """1 where an observation contributes a density (which scales with y), 0 where a probability (censored)."""
    if isinstance(part, OutcomePart):
        return (part.side(y) == 0).astype(float)
    return np.ones_like(y)
