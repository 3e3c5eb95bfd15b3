"""The mixture likelihood as a torch module.

log L_i = log sum_k pi_k(z_i) prod_t f_k(y_it), with pi(z) = softmax(z' theta), theta = 0 for the reference group.

Given the groups, each family's log density is linear in a few statistics of y per design cell, so that all N x K group
log-likelihoods are one product: statistics (N, C S) times cell terms (C S, K). A leading batch axis B carries many
parameter vectors (starting values) at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .membership import Membership
from .outcome import Part
from .panel import Measures, Panel
from .parameters import MEMBERSHIP, Layout
from .threads import in_order

DENSE_FILL = 0.1  # share of (subject, cell) pairs observed from which a full matrix beats a list of rows
DENSE_SMALL = 200_000  # entries below which a full matrix is always fine
PRIVATE_SHARE = 0.5  # of cells per row above which rows do not share cells
COLLAPSE_LOOK = 20_000  # subjects looked at before all are compared
COLLAPSE_SHARE = 0.8  # of distinct subjects above which collapsing does not pay
SHARD = 32_768  # subjects per block


class CellStatistics(nn.Module):
    """Statistics of one outcome per subject and design cell: the data as the likelihood sees them.

    A cell is a distinct row of time, covariates and exposure (and of y, for families by value). There are C cells with
    S statistics, and three products with the N subjects: :meth:`spread`, :meth:`collect`, :meth:`scores`. They are held
    as a full matrix where most subjects were seen in most cells, and else as a list of rows.

    Attributes
    ----------
    n_subjects, n_cells, n_stats : N, C, S
    listed : the statistics are a list of rows (n_obs, S) with their subject and cell
    private : every row is its own cell, so that a block of subjects has cells of its own
    """

    stats: Tensor
    subject: Tensor
    cell: Tensor
    shift: Tensor

    def __init__(self, part: Part, measures: Measures, n_subjects: int) -> None:
        super().__init__()
        y = (measures.y - part.centre) / part.scale
        self.family = part.internal_family.seen_in(y)
        stats = self.family.statistics(y)
        folded = measures.exposure is not None and self.family.folds_exposure
        if folded:
            stats[:, 0] *= measures.exposure
        first, cell = measures.cells(by_value=self.family.by_value, by_exposure=not folded)
        self.listed = is_irregular(measures, n_subjects, first.size)
        self.private = self.listed and first.size > PRIVATE_SHARE * measures.nobs
        if self.private:
            first = np.arange(measures.nobs)
        self.n_subjects, self.n_cells, self.n_stats = n_subjects, first.size, stats.shape[1]
        w = measures.covariates[first] if measures.covariate_names else np.zeros((first.size, 0))
        for predictor in self.family.predictors:
            columns = part.columns(predictor, measures.time[first], w)
            self.register_buffer(f"columns_{predictor}", torch.as_tensor(columns, dtype=torch.float64).contiguous())
        shift = np.zeros(1) if measures.exposure is None or folded else np.log(measures.exposure[first])
        self.register_buffer("shift", torch.from_numpy(shift))
        known = part.known(y[first], w)
        self.known_names = tuple(known)
        for name, values in known.items():
            self.register_buffer(f"known_{name}", torch.from_numpy(values))
        if self.listed:
            self.register_buffer("stats", torch.from_numpy(stats))
            self.register_buffer("subject", torch.from_numpy(measures.subject))
            self.register_buffer("cell", torch.from_numpy(cell if not self.private else np.zeros(0, dtype=np.int64)))
        else:
            full = np.zeros((n_subjects, first.size, stats.shape[1]))
            if measures.is_binned:
                np.add.at(full, (measures.subject, cell), stats)
            else:
                full[measures.subject, cell] = stats
            self.register_buffer("stats", torch.from_numpy(full.reshape(n_subjects, -1)))

    def take(self, rows: slice | np.ndarray) -> CellStatistics:
        """The data of some of the subjects; of a block of them (a slice) where the statistics are a list."""
        part = CellStatistics.__new__(CellStatistics)
        nn.Module.__init__(part)
        part.family, part.n_cells, part.n_stats = self.family, self.n_cells, self.n_stats
        part.listed, part.private = self.listed, self.private
        own = slice(None)
        if self.listed:
            assert isinstance(rows, slice)
            start, stop = rows.start, min(rows.stop, self.n_subjects)
            at = torch.searchsorted(self.subject, torch.tensor([start, stop], device=self.subject.device)).tolist()
            block = slice(*at)
            part.register_buffer("stats", self.stats[block])
            part.register_buffer("subject", self.subject[block] - start)
            part.register_buffer("cell", self.cell if self.private else self.cell[block])
            part.n_subjects = stop - start
            if self.private:
                own, part.n_cells = block, block.stop - block.start
        else:
            part.register_buffer("stats", self.stats[rows])
            part.n_subjects = part.stats.shape[0]
        for predictor in self.family.predictors:
            part.register_buffer(f"columns_{predictor}", self.columns(predictor)[own])
        part.known_names = self.known_names
        for name in self.known_names:
            part.register_buffer(f"known_{name}", getattr(self, f"known_{name}")[..., own])
        part.register_buffer("shift", self.shift[own] if self.shift.numel() == self.n_cells else self.shift)
        return part

    def columns(self, predictor: str) -> Tensor:
        """(C, q) internal design columns."""
        return getattr(self, f"columns_{predictor}")

    def predictors(self, coefficients: dict[str, Tensor], offsets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Coefficients (B, K, q) and offsets (K,) -> linear predictors (B, K, C), and what else the family is told."""
        u = {name: c @ self.columns(name).T + offsets[name][:, None] for name, c in coefficients.items()}
        if "mean" in u:
            u["mean"] = u["mean"] + self.shift
        return u | self.known

    @property
    def known(self) -> dict[str, Tensor]:
        """What the family is told of the cells (.., C) besides its predictors."""
        return {name: getattr(self, f"known_{name}") for name in self.known_names}

    def _at_rows(self, cells: Tensor) -> Tensor:
        """(..., C, S) -> times the statistics, summed over S, per row (..., n_obs)."""
        return ((cells if self.private else cells[..., self.cell, :]) * self.stats).sum(-1)

    def _sum_rows(self, rows: Tensor) -> Tensor:
        """(..., n_obs) -> sums per subject (..., N)."""
        out = rows.new_zeros(*rows.shape[:-1], self.n_subjects)
        return out.index_add(-1, self.subject, rows)

    def spread(self, terms: Tensor) -> Tensor:
        """Cell terms (..., C, S) -> sums per subject (..., N)."""
        if self.listed:
            return self._sum_rows(self._at_rows(terms))
        out = terms.reshape(-1, self.n_cells * self.n_stats) @ self.stats.T
        return out.reshape(*terms.shape[:-2], self.n_subjects)

    def collect(self, weight: Tensor) -> Tensor:
        """Weights of subjects (..., N) -> weighted statistics per cell (..., C, S)."""
        if self.listed:
            rows = weight[..., self.subject, None] * self.stats
            if self.private:
                return rows
            return rows.new_zeros(*weight.shape[:-1], self.n_cells, self.n_stats).index_add(-2, self.cell, rows)
        out = weight.reshape(-1, self.n_subjects) @ self.stats
        return out.reshape(*weight.shape[:-1], self.n_cells, self.n_stats)

    def scores(self, u: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Log densities per subject (B, K, N) and their derivatives in the coefficients (B, K, Q, N).

        Q runs over the predictors' columns in the family's order.
        """
        terms, slopes = self.family.terms(u), self.family.slopes(u)
        if self.listed:
            local = []
            for name, slope in slopes.items():
                columns = self.columns(name) if self.private else self.columns(name)[self.cell]
                local.append(self._at_rows(slope)[:, :, None] * columns.T)
            return self._sum_rows(self._at_rows(terms)), self._sum_rows(torch.cat(local, dim=2))
        local = [d[:, :, None] * self.columns(n).T[:, :, None] for n, d in slopes.items()]
        return self.spread(terms), self.spread(torch.cat(local, dim=2))


class Mixture(nn.Module):
    """Group-based trajectory mixture.

    ``forward()`` returns the subject log-likelihoods (N,) at the module's parameters: one vector of mean
    coefficients (all groups), and where the family has them ``zero``, ``log_sigma``, and ``theta``. Train it with any
    optimiser; :func:`gbtm.estimate.estimate` fits this same module.

    Parameters
    ----------
    layout : Layout
    panel : Panel

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

    def __init__(self, layout: Layout, panel: Panel) -> None:
        super().__init__()
        self.layout = layout
        self.outcomes = nn.ModuleList(
            CellStatistics(part, measures, panel.n_subjects)
            for part, measures in zip(layout.parts, panel.sources, strict=True)
        )
        constant = np.zeros(panel.n_subjects)
        for part, measures in zip(layout.parts, panel.sources, strict=True):
            free = part.family.constant(measures.y)
            if measures.exposure is not None and part.family.folds_exposure:
                free = free + measures.y * np.log(measures.exposure)
            if part.scale != 1.0:
                free = free - np.log(part.scale) * _is_density(part, measures.y)
            constant += np.bincount(measures.subject, free, minlength=panel.n_subjects)
        known = panel.subjects
        weight = known.relative_weights
        z = torch.ones((1, 1), dtype=torch.float64)
        if known.risk_names:
            z = torch.from_numpy(layout.membership.internal(known.risk))
        self.first, self.expand = self._collapse(panel.n_subjects, z)
        if self.expand is not None:
            self.outcomes = nn.ModuleList(c.take(self.first) for c in self.cells)
            weight = np.bincount(self.expand, weight)
            z = z[self.first] if known.risk_names else z
        self.membership = Membership(layout, z)
        self.register_buffer("constant", torch.from_numpy(constant[self.first]))
        self.register_buffer("weight", torch.from_numpy(weight))
        self._register_layout()
        self.free = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(width, dtype=torch.float64)) for name, width in self._sections()}
        )
        self._shards: list[Mixture] | None = None

    def _collapse(self, n_subjects: int, z: Tensor) -> tuple[np.ndarray, np.ndarray | None]:
        """Subjects with the same statistics in every cell become one with a weight: exact, and huge for 0/1 data.

        Returns the first of each kind (U,), and each subject's kind (N,) or None where all differ.
        """
        alone = np.arange(n_subjects), None
        if any(c.listed for c in self.cells):
            return alone
        kinds = identical_rows([c.stats for c in self.cells] + ([z] if z.shape[0] == n_subjects else []))
        return alone if kinds is None else kinds

    def _register_layout(self) -> None:
        layout = self.layout
        for m in range(len(layout.parts)):
            for predictor, table in layout.index[m].items():
                self.register_buffer(f"index_{m}_{predictor}", torch.from_numpy(table))
                self.register_buffer(f"offset_{m}_{predictor}", torch.from_numpy(layout.offset[m][predictor]))
        # (K, Q, p): 1 where a group's q-th own coefficient is entry p of the flat vector
        own = np.concatenate([table for index in layout.index for table in index.values()], axis=1)
        select = (own[:, :, None] == np.arange(layout.size)).astype(float)
        self.register_buffer("select", torch.from_numpy(select))

    @property
    def cells(self) -> list[CellStatistics]:
        """The data of each outcome."""
        return list(self.outcomes)  # type: ignore[arg-type]

    @property
    def device(self) -> torch.device:
        return self.constant.device

    def _sections(self) -> list[tuple[str, int]]:
        """(name, width) of the runs of the flat vector that one predictor of one outcome takes up."""
        widths: dict[str, int] = {}
        for b in self.layout.blocks:
            plain = len(self.layout.parts) == 1 or b.outcome == MEMBERSHIP
            name = b.predictor if plain else f"{b.predictor}_{b.outcome}"
            widths[name] = widths.get(name, 0) + b.width
        return list(widths.items())

    @property
    def shards(self) -> list[Mixture]:
        """The module in blocks of subjects, sharing its memory; itself when there are few."""
        if self._shards is None:
            n = self.weight.numel()
            # lists of rows are several times as wide as a matrix's rows
            size = SHARD // 4 if any(c.listed for c in self.cells) else SHARD
            whole = n <= 1.5 * size
            self._shards = [self] if whole else [self._take(slice(i, i + size)) for i in range(0, n, size)]
        return self._shards

    def _take(self, rows: slice) -> Mixture:
        part = Mixture.__new__(Mixture)
        nn.Module.__init__(part)
        part.layout, part.first, part.expand, part._shards = self.layout, self.first[rows], None, None
        part.outcomes = nn.ModuleList(c.take(rows) for c in self.cells)
        z = self.membership.z
        part.membership = Membership(self.layout, z[rows] if self.membership.has_covariates else z)
        part.register_buffer("constant", self.constant[rows])
        part.register_buffer("weight", self.weight[rows])
        part._register_layout()
        part.to(self.device)
        return part

    def _apply(self, fn: Any, recurse: bool = True) -> Mixture:
        self._shards = None  # they share memory that is about to move
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def flat(self) -> Tensor:
        """The module's parameters as one vector (p,)."""
        return torch.cat([self.free[name] for name, _ in self._sections()])

    def set_flat(self, flat: np.ndarray | Tensor) -> None:
        """Set the module's parameters from one vector (p,)."""
        values = torch.as_tensor(flat, dtype=torch.float64)
        start = 0
        with torch.no_grad():
            for name, width in self._sections():
                self.free[name].copy_(values[start : start + width])
                start += width

    def index(self, m: int, predictor: str) -> Tensor:
        return getattr(self, f"index_{m}_{predictor}")

    def coefficients(self, flat: Tensor, m: int, predictor: str) -> Tensor:
        """(B, p) -> (B, K, q), zeros where absent."""
        padded = torch.nn.functional.pad(flat, (0, 1))
        return padded[:, self.index(m, predictor)]

    def predictors(self, flat: Tensor, m: int = 0) -> dict[str, Tensor]:
        """(B, p) -> linear predictors of outcome m, each (B, K, C)."""
        names = self.cells[m].family.predictors
        return self.cells[m].predictors(
            {n: self.coefficients(flat, m, n) for n in names}, {n: getattr(self, f"offset_{m}_{n}") for n in names}
        )

    def own_columns(self, m: int) -> dict[str, slice]:
        """Where outcome m's predictors are among a group's own coefficients, the Q of ``select``."""
        at, out = 0, {}
        for j, cells in enumerate(self.cells):
            for name in cells.family.predictors:
                width = cells.columns(name).shape[1]
                if j == m:
                    out[name] = slice(at, at + width)
                at += width
        return out

    def group_loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> sum_t log f_k(y_it), (B, K, N), without the constant."""
        total = None
        for m, cells in enumerate(self.cells):
            part = cells.spread(cells.family.terms(self.predictors(flat, m)))
            total = part if total is None else total + part
        assert total is not None
        return total

    def log_shares(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi (B, K, U), or (B, K, 1) without membership covariates."""
        return self.membership.log_shares(flat)

    def joint(self, flat: Tensor) -> Tensor:
        """(B, p) -> log pi_k + sum_t log f_k(y_it), (B, K, N)."""
        return self.group_loglik(flat) + self.log_shares(flat)

    def subject_loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> log L_i, (B, N)."""
        return torch.logsumexp(self.joint(flat), dim=1) + self.constant

    def loglik(self, flat: Tensor) -> Tensor:
        """(B, p) -> weighted total log-likelihood (B,)."""
        return self.subject_loglik(flat) @ self.weight

    def forward(self) -> Tensor:
        """Subject log-likelihoods (N,) at the module's own parameters."""
        own = self.subject_loglik(self.flat()[None])[0]
        return own if self.expand is None else own[torch.as_tensor(self.expand, device=own.device)]

    def posterior(self, flat: Tensor) -> Tensor:
        """(B, p) -> P_ik, (B, K, U) over the distinct subjects."""
        return torch.cat(in_order(lambda s: torch.softmax(s.joint(flat), dim=1), self.shards), dim=2)

    def total_loglik(self, flat: Tensor) -> Tensor:
        """:meth:`loglik` by blocks of subjects."""
        return torch.stack(in_order(lambda s: s.loglik(flat), self.shards)).sum(0)


def is_irregular(measures: Measures, n_subjects: int, n_cells: int | None = None) -> bool:
    """So few subjects were seen in each cell that a list of rows beats a matrix of subjects by cells.

    Cells are distinct times unless their number is given.
    """
    entries = n_subjects * (measures.distinct_times[0].size if n_cells is None else n_cells)
    return measures.nobs < DENSE_FILL * entries and entries > DENSE_SMALL


def identical_rows(statistics: list[Tensor]) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows equal in all matrices (N, ..): the first of each kind (U,) and the kind of each row (N,); None if few are.

    Rows are told apart by a random projection, and equality is then checked entry by entry.
    """
    rng = np.random.default_rng(0)
    draws = [torch.from_numpy(rng.standard_normal(s.shape[1])) for s in statistics]
    n = statistics[0].shape[0]
    look = min(n, COLLAPSE_LOOK)
    sample = sum((s[:look] @ d).numpy() for s, d in zip(statistics, draws, strict=True))
    if len(np.unique(sample)) > COLLAPSE_SHARE * look:
        return None
    key = sum((s @ d).numpy() for s, d in zip(statistics, draws, strict=True))
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    kind = kind.ravel()
    if first.size > COLLAPSE_SHARE * n or not all(torch.equal(s[first][kind], s) for s in statistics):
        return None
    return first, kind


def _is_density(part: Part, y: np.ndarray) -> np.ndarray:
    """1 where an observation contributes a density (which scales with y), 0 where a probability (censored)."""
    return part.family.statistics(y)[:, 0]
