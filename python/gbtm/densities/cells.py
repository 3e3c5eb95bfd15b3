"""The data of one outcome as the likelihood sees them: statistics per subject and design cell."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ..data.measures import Measures
from ..families import Family
from ..model.outcome import OutcomePart, Part

DENSE_FILL = 0.05  # share of (subject, cell) pairs observed from which a full matrix beats a list of rows
DENSE_SMALL = 200_000  # entries below which a full matrix is always fine
MEANS = ("mean", "lag_mean")
PRIVATE_SHARE = 0.5  # of cells per row above which rows do not share cells


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
    centred : the statistics are of deviations from a curve in each group, one set of them for each, the groups first:
        (K, ..). Products then have the groups second, (B, K, ..). Sums of squares about 0 would lose
        2 log10(|y| / sigma) digits.
    about, level : (K, q) coefficients of these curves, and the curves (K, C) in the cells
    """

    stats: Tensor
    about: Tensor
    level: Tensor
    subject: Tensor
    cell: Tensor
    place: tuple[Tensor, int] | None = None  # of each cell among the cells of all blocks, and how many these are
    apart: bool = False  # blocks on disk share no cells of it: each sums the derivatives of its own
    log_exposure: Tensor

    def __init__(
        self, part: Part, measures: Measures, n_subjects: int, about: np.ndarray | None = None
    ) -> None:
        super().__init__()
        y = (measures.y - part.centre) / part.scale
        # a block of people has the statistics of all, whatever it holds itself
        extent = part.extent if isinstance(part, OutcomePart) else None
        seen = y if extent is None else (np.asarray(extent) - part.centre) / part.scale
        self.family: Family = part.internal_family.seen_in(seen)
        previous, lagged = measures.previous, self.family.lagged
        last = np.where(previous >= 0, y[previous], 0.0)
        stats = self.family.pairs(y, last) if lagged else self.family.statistics(y)
        folded = measures.exposure is not None and self.family.folds_exposure
        if measures.exposure is not None and folded:
            stats = self.family.folded(stats, measures.exposure)
        first, cell = measures.cells(by_value=self.family.by_value, by_exposure=not folded, by_lag=lagged)
        self.listed = is_irregular(measures, n_subjects, first.size)
        self.private = self.listed and first.size > PRIVATE_SHARE * measures.nobs
        if self.private:
            first = np.arange(measures.nobs)
        self.n_subjects, self.n_cells, self.n_stats = n_subjects, first.size, stats.shape[-1]
        for predictor in self.family.predictors:
            of = previous[first] if predictor == "lag_mean" else first
            w = measures.covariates[of] if measures.covariate_names else np.zeros((first.size, 0))
            columns = part.columns(predictor, measures.time[of], w)
            self.register_buffer(f"columns_{predictor}", torch.as_tensor(columns, dtype=torch.float64).contiguous())
        self.centred = about is not None
        if about is not None:
            self._centre(about)
            own = cell if not self.private else first
            stats = self.family.deviations(y, self.level.numpy()[:, own])
            if lagged:
                before = (about @ self.columns("lag_mean").numpy().T)[:, own]
                stats = self.family.pairs(y - self.level.numpy()[:, own], np.where(previous >= 0, last - before, 0.0))
        log_exposure = np.zeros(1) if measures.exposure is None or folded else np.log(measures.exposure[first])
        self.register_buffer("log_exposure", torch.from_numpy(log_exposure))
        w = measures.covariates[first] if measures.covariate_names else np.zeros((first.size, 0))
        cell_data = part.cell_data(y[first], w, measures.gaps[first] if lagged else None)
        self.cell_data_names = tuple(cell_data)
        for name, values in cell_data.items():
            self.register_buffer(f"cell_data_{name}", torch.from_numpy(values))
        if self.listed:
            self.register_buffer("stats", torch.from_numpy(stats))
            self.register_buffer("subject", torch.from_numpy(measures.subject))
            self.register_buffer("cell", torch.from_numpy(cell if not self.private else np.zeros(0, dtype=np.int64)))
        elif _is_full(measures, cell, n_subjects, first.size):
            full = stats.reshape(*stats.shape[:-2], n_subjects, -1)
            self.register_buffer("stats", torch.from_numpy(full))
        else:
            full = np.zeros((*stats.shape[:-2], n_subjects, first.size, stats.shape[-1]))
            if measures.is_binned or measures.n_shared:  # several of a subject in a cell
                np.add.at(full, (..., measures.subject, cell, slice(None)), stats)  # type: ignore[arg-type]
            else:
                full[..., measures.subject, cell, :] = stats
            self.register_buffer("stats", torch.from_numpy(full.reshape(*full.shape[:-2], -1)))

    def _centre(self, about: np.ndarray) -> None:
        """From now on the mean is that of deviations from the curves with coefficients ``about`` (K, q)."""
        self.register_buffer("about", torch.as_tensor(about, dtype=torch.float64))
        self.register_buffer("level", self.about @ self.columns("mean").T)

    def take(self, rows: slice | np.ndarray) -> CellStatistics:
        """The data of some of the subjects: a block of them, or those at positions (n,), each once."""
        part = CellStatistics.__new__(CellStatistics)
        nn.Module.__init__(part)
        part.family, part.n_cells, part.n_stats = self.family, self.n_cells, self.n_stats
        part.listed, part.private, part.centred = self.listed, self.private, self.centred
        part.place, part.apart = self.place, self.apart
        cells: slice | Tensor = slice(None)
        if self.listed:
            part.n_subjects, block, subject = self._rows_of(rows)
            part.register_buffer("stats", self.stats[..., block, :])
            part.register_buffer("subject", subject)
            part.register_buffer("cell", self.cell if self.private else self.cell[block])
            if self.private:
                cells, part.n_cells = block, subject.numel()
        else:
            part.register_buffer("stats", self.stats[..., rows, :])
            part.n_subjects = part.stats.shape[-2]
        if self.centred:
            part.register_buffer("about", self.about)
            part.register_buffer("level", self.level[:, cells])
        for predictor in self.family.predictors:
            part.register_buffer(f"columns_{predictor}", self.columns(predictor)[cells])
        part.cell_data_names = self.cell_data_names
        for name in self.cell_data_names:
            part.register_buffer(f"cell_data_{name}", getattr(self, f"cell_data_{name}")[..., cells])
        own_exposure = self.log_exposure[cells] if self.log_exposure.numel() == self.n_cells else self.log_exposure
        part.register_buffer("log_exposure", own_exposure)
        return part

    def _rows_of(self, subjects: slice | np.ndarray) -> tuple[int, slice | Tensor, Tensor]:
        """How many subjects these are, their rows in a list, and which of them has each row."""
        if isinstance(subjects, slice):
            start, stop = subjects.start, min(subjects.stop, self.n_subjects)
            at = torch.searchsorted(self.subject, torch.tensor([start, stop], device=self.subject.device)).tolist()
            return stop - start, slice(*at), self.subject[slice(*at)] - start
        wanted = torch.as_tensor(subjects, device=self.subject.device)
        begin = torch.searchsorted(self.subject, wanted)
        count = torch.searchsorted(self.subject, wanted, right=True) - begin
        subject = torch.repeat_interleave(torch.arange(wanted.numel(), device=wanted.device), count)
        within = torch.arange(subject.numel(), device=wanted.device) - (torch.cumsum(count, 0) - count)[subject]
        return wanted.numel(), begin[subject] + within, subject

    def columns(self, predictor: str) -> Tensor:
        """(C, q) internal design columns."""
        return getattr(self, f"columns_{predictor}")

    def predictors(self, coefficients: dict[str, Tensor], offsets: dict[str, Tensor]) -> dict[str, Tensor]:
        """Coefficients (B, K, q) and offsets (K,) -> linear predictors (B, K, C), and what else the family is told.

        Where the statistics are centred, the mean is that of deviations, and u["level"] (K, C) what it is added to.
        """
        if self.centred:
            moved = {name: coefficients[name] - self.about for name in MEANS if name in coefficients}
            coefficients = coefficients | moved
        u = {name: c @ self.columns(name).T + offsets[name][:, None] for name, c in coefficients.items()}
        if "mean" in u:
            u["mean"] = u["mean"] + self.log_exposure
        if self.centred:
            u["level"] = self.level
        return u | self.cell_data

    def tell_classes(self, groups: np.ndarray) -> None:
        """What is known of the cells for each group (K, C) is now known for classes, which have these ``groups``."""
        for name in self.cell_data_names:
            values = getattr(self, f"cell_data_{name}")
            if values.dim() == 2:
                self.register_buffer(f"cell_data_{name}", values[torch.from_numpy(groups)])

    @property
    def cell_data(self) -> dict[str, Tensor]:
        """What the family is told of the cells (.., C) besides its predictors."""
        return {name: getattr(self, f"cell_data_{name}") for name in self.cell_data_names}

    def _at_rows(self, cells: Tensor) -> Tensor:
        """(..., C, S) -> times the statistics, summed over S, per row (..., n_obs)."""
        stats = self.stats[:, None] if self.centred and cells.dim() == 5 else self.stats
        return ((cells if self.private else cells[..., self.cell, :]) * stats).sum(-1)

    def _sum_rows(self, rows: Tensor) -> Tensor:
        """(..., n_obs) -> sums per subject (..., N)."""
        out = rows.new_zeros(*rows.shape[:-1], self.n_subjects)
        return out.index_add(-1, self.subject, rows)

    def spread(self, terms: Tensor) -> Tensor:
        """Cell terms (..., C, S) -> sums per subject (..., N)."""
        if self.listed:
            return self._sum_rows(self._at_rows(terms))
        if self.centred:
            own = terms.flatten(-2)
            own = (own if own.dim() == 4 else own[:, :, None]) @ self.stats.mT
            return own.reshape(*terms.shape[:-2], self.n_subjects)
        # no -1 for the rows: there may be no cells, of dropout where everybody was seen once
        out = terms.reshape(terms.shape[:-2].numel(), self.n_cells * self.n_stats) @ self.stats.T
        return out.reshape(*terms.shape[:-2], self.n_subjects)

    def collect(self, weight: Tensor) -> Tensor:
        """Weights of subjects (..., N) -> weighted statistics per cell (..., C, S)."""
        if self.listed:
            rows = weight[..., self.subject, None] * self.stats
            if self.private:
                return rows
            out = rows.new_zeros(*weight.shape[:-1], self.n_cells, self.n_stats).index_add(-2, self.cell, rows)
            return self._among_all(out)
        if self.centred:
            out = (weight[:, :, None] @ self.stats)[:, :, 0]
        else:
            out = weight.reshape(-1, self.n_subjects) @ self.stats
        return self._among_all(out.reshape(*weight.shape[:-1], self.n_cells, self.n_stats))

    def _among_all(self, statistics: Tensor) -> Tensor:
        """Statistics (..., C, S) of a block's cells as those of the cells of all blocks."""
        if self.place is None:
            return statistics
        at, n_cells = self.place
        return statistics.new_zeros(*statistics.shape[:-2], n_cells, self.n_stats).index_copy(-2, at, statistics)

    def terms(self, u: dict[str, Tensor]) -> Tensor:
        """Predictors (B, K, C) -> what each statistic is multiplied with (B, K, C, S)."""
        return self.family.terms(u)

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

    def totals(self, statistics: Tensor) -> np.ndarray:
        """Weighted statistics (B, K, C, S) -> totals of the family's moments (B, K, S'), for starting values."""
        if "moments" in self.cell_data_names:  # of each cell, what its family has to start from
            return (statistics[..., 0] @ self.cell_data["moments"].T).cpu().numpy()
        if not self.family.by_value:
            return statistics.sum(2).cpu().numpy()
        return statistics[..., 0].cpu().numpy() @ self.family.moments(self.cell_data["y"].cpu().numpy())

    def curves(self, u: dict[str, Tensor]) -> dict[str, Tensor]:
        """Linear predictors (B, K, C) over the cells, from what :meth:`predictors` returns."""
        out = {name: u[name] for name in self.family.predictors}
        if self.centred:
            out |= {name: out[name] + self.about @ self.columns(name).T for name in MEANS if name in out}
        return out

    def complete_data(self, u: dict[str, Tensor], statistics: Tensor, safe: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Value (B,), and gradient (B, K, Q) and Hessian (B, K, Q, Q) of EM's Q in the groups' own coefficients.

        statistics (B, K, C, S) are posterior-weighted; with ``safe`` the Hessian is bounded where the family knows that
        a Newton step would overshoot.
        """
        value = (self.family.terms(u) * statistics).sum((1, 2, 3))
        batch, groups = statistics.shape[:2]
        at, width = {}, 0
        for name in self.family.predictors:
            at[name] = slice(width, width + self.columns(name).shape[1])
            width = at[name].stop
        gradient, hessian = value.new_zeros(batch, groups, width), value.new_zeros(batch, groups, width, width)
        for name, slope in self.family.slopes(u).items():
            gradient[:, :, at[name]] = (slope * statistics).sum(-1) @ self.columns(name)
        for (a, b), bend in self.family.curvatures(u).items():
            curvature = (bend * statistics).sum(-1)
            if safe:
                curvature = self.family.safe_curvature(a, b, curvature, statistics, u)
            block = (curvature[:, :, None, :] * self.columns(a).T) @ self.columns(b)
            hessian[:, :, at[a], at[b]] = block
            if a != b:
                hessian[:, :, at[b], at[a]] = block.transpose(2, 3)
        return value, gradient, hessian


def _is_full(measures: Measures, cell: np.ndarray, n_subjects: int, n_cells: int) -> bool:
    """Everybody was seen once in every cell, and the rows lie by subject and cell: they are the matrix."""
    if cell.size != n_subjects * n_cells or measures.is_binned:
        return False
    shape = (n_subjects, n_cells)
    in_order = (measures.subject.reshape(shape) == np.arange(n_subjects)[:, None]).all()
    return bool(in_order and (cell.reshape(shape) == np.arange(n_cells)).all())


def is_irregular(measures: Measures, n_subjects: int, n_cells: int | None = None) -> bool:
    """So few subjects were seen in each cell that a list of rows beats a matrix of subjects by cells.

    Cells are distinct times unless their number is given.
    """
    entries = n_subjects * (measures.distinct_times[0].size if n_cells is None else n_cells)
    return measures.nobs < DENSE_FILL * entries and entries > DENSE_SMALL
