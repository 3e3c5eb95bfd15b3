"""One side of a comparison: the rows and the footer of a traj table, from a fit or from a printout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..traj_table import TrajTable
from .families import as_printed
from .printout import Printout
from .rows import Row, kind_of

if TYPE_CHECKING:
    from ...fit.fit import Fit


@dataclass(frozen=True)
class Side:
    """Estimates and footer of one side.

    Attributes
    ----------
    rows : all estimates, group sizes last
    cov : (p, p) covariance of the estimates, empty for a printout
    place : for each row its place in ``cov``, -1 where it has none
    loglik : None where it can neither be read nor be worked out
    worked_out : where the log-likelihood comes from when it is not printed: "AIC", "BIC", else ""
    n_parameters : number of free parameters
    n_subjects, nobs : None where not printed
    bic : (n, value) on traj's scale, larger is better
    """

    family: str
    n_groups: int
    rows: tuple[Row, ...]
    cov: np.ndarray
    place: tuple[int, ...]
    loglik: float | None
    worked_out: str
    n_parameters: int
    n_subjects: int | None
    nobs: int | None
    bic: tuple[tuple[int | None, float], ...]
    aic: float | None
    entropy: float | None

    def of_kind(self, *kinds: str) -> list[Row]:
        """Rows of these kinds, in order."""
        return [r for r in self.rows if r.kind in kinds]

    @cached_property
    def groups(self) -> tuple[int, ...]:
        return tuple(range(1, self.n_groups + 1))

    @cached_property
    def orders(self) -> tuple[int, ...]:
        """Polynomial order of each group; -1 for a group without a curve."""
        return tuple(max((r.power for r in self.of_kind("mean") if r.group == g), default=-1) for g in self.groups)

    @cached_property
    def shares(self) -> np.ndarray | None:
        """(K,) group sizes as proportions, or None with membership covariates."""
        rows = self.of_kind("share")
        return np.array([r.estimate for r in rows]) / 100 if rows and len(rows) == self.n_groups else None

    @property
    def polynomial(self) -> bool:
        """Curves are polynomials of time (and covariates perhaps)."""
        return bool(self.of_kind("mean"))

    @cached_property
    def complete(self) -> bool:
        """Every polynomial has all its powers, each once."""
        for kind in ("mean", "zero"):
            for group in {r.group for r in self.of_kind(kind)}:
                powers = sorted(r.power for r in self.of_kind(kind) if r.group == group)
                if powers != list(range(len(powers))):
                    return False
        return bool(self.of_kind("mean"))

    def coefficients(self, group: int, kind: str = "mean") -> np.ndarray:
        """Coefficients of a group's polynomial, constant first; a common one counts for every group."""
        rows = [r for r in self.of_kind(kind) if r.group in (group, None)]
        values = np.zeros(1 + max((r.power for r in rows), default=-1))
        for row in rows:
            values[row.power] = row.estimate
        return values


def of_results(res: Fit) -> Side:
    """The fit's side. Standard errors are the fit's own, whatever its ``cov_type``."""
    shown = TrajTable(res)
    cov = res.cov_params().to_numpy(dtype=float)
    rows, place = _own_rows(res, shown.b.to_numpy(), cov)
    family = as_printed(res.family)
    bic = [(n, float(res.criteria[w]["traj_bic"])) for w, n in
           (("observations", res.nobs), ("subjects", res.n_subjects))]
    return Side(
        family=family, n_groups=res.n_groups, rows=rows, cov=cov, place=place, loglik=res.llf, worked_out="",
        n_parameters=res.df_model, n_subjects=res.n_subjects, nobs=res.nobs, bic=tuple(bic),
        aic=res.llf - res.df_model, entropy=None if res.n_groups == 1 else float(shown.entropy),
    )


def _own_rows(res: Fit, b: np.ndarray, cov: np.ndarray) -> tuple[tuple[Row, ...], tuple[int, ...]]:
    """Rows of traj's table of this fit with their places among the parameters, found by value."""
    variance, share_variance = np.diag(cov), np.diag(res.group_set.cov_shares)
    free = list(range(b.size))
    rows: list[Row] = []
    place: list[int] = []
    above = Row(None, "", "", "", float("nan"))
    section = "curves"
    for line in TrajTable(res).table.to_dict("records"):
        word, label, value = str(line["parameter"]), str(line["group"]), float(line["estimate"])
        section = "membership" if word.lower() in ("(%)", "baseline", "constant") else section
        kind = kind_of(word, section, above)
        at = next((j for j in free if b[j] == value), -1) if kind != "share" else -1
        if kind == "theta" and word.lower() == "baseline":
            at = -1
        if at >= 0:
            free.remove(at)
        var = variance[at] if at >= 0 else float("nan")
        if kind == "share":
            var = 1e4 * share_variance[int(label) - 1] if res.n_groups > 1 else 0.0
        above = Row(int(label) if label else None, label, word, kind, value, float(np.sqrt(var)))
        rows.append(above)
        place.append(at)
    return tuple(rows), tuple(place)


def of_printout(printed: Printout) -> Side:
    """The printout's side; a log-likelihood that is not printed is worked out from AIC or BIC where that is possible.

    Of a model with several outcomes only the first and its groups are kept.
    """
    joint = printed.kind == "joint"
    curves = tuple(r for r in printed.rows if r.outcome == 0 and r.kind != "outcome")
    membership = tuple(r for r in printed.membership if "|" not in r.label and not (joint and r.outcome))
    rows = (*curves, *membership)
    thetas = [r for r in membership if r.kind == "theta"]
    k = len(curves)
    k += sum(np.isfinite(r.se) for r in thetas) if thetas else max(printed.n_groups - 1, 0)
    if printed.loglik is not None and printed.aic is not None:
        between = printed.loglik - printed.aic
        k = round(between) if np.isfinite(between) else k
    loglik, worked_out = printed.loglik, ""
    sized = [(n, value) for n, value in printed.bic if n]
    if loglik is None and printed.aic is not None:
        loglik, worked_out = printed.aic + k, "AIC"
    elif loglik is None and sized:
        loglik, worked_out = sized[0][1] + 0.5 * k * float(np.log(sized[0][0])), "BIC"
    sizes = sorted({n for n, _ in sized})
    used = printed.subjects_used
    if used is None and len(sizes) > 1:
        used = sizes[0]
    others = [n for n in sizes if n != used]
    return Side(
        family=printed.family, n_groups=max((r.group or 0 for r in rows), default=0), rows=rows,
        cov=np.zeros((0, 0)), place=(-1,) * len(rows),
        loglik=loglik, worked_out=worked_out, n_parameters=k, n_subjects=used, nobs=others[-1] if others else None,
        bic=printed.bic, aic=printed.aic, entropy=printed.entropy,
    )


def renamed(ours: Side, pairs: dict[int, int], reference: int | None) -> Side:
    """Our side with the groups renamed as the other side calls them.

    Parameters
    ----------
    pairs : our group -> their group; groups without a partner are left out
    reference : the other side's reference group of the membership model, or None
    """
    rows: list[Row] = []
    place: list[int] = []
    for row, at in zip(ours.rows, ours.place, strict=True):
        if row.group is None or row.group in pairs:
            group = None if row.group is None else pairs[row.group]
            rows.append(replace(row, group=group, label="" if group is None else str(group)))
            place.append(at)
    moved = replace(ours, rows=tuple(rows), place=tuple(place))
    return moved if reference is None else _referred(moved, reference)


def _referred(side: Side, reference: int) -> Side:
    """Membership coefficients against another reference group: theta_k - theta_ref, with the delta method."""
    thetas = [(r, at) for r, at in zip(side.rows, side.place, strict=True) if r.kind == "theta"]
    old = next((r.group for r, at in thetas if r.parameter.lower() == "baseline"), None)
    if old is None or old == reference:
        return side
    base = {r.parameter.lower(): (r.estimate, at) for r, at in thetas if r.group == reference}
    other_rows = [(r, at) for r, at in zip(side.rows, side.place, strict=True) if r.kind != "theta"]
    rows = [r for r, _ in other_rows]
    place = [at for _, at in other_rows]
    for group in sorted({r.group for r, _ in thetas if r.group is not None}):
        if group == reference:
            rows.append(Row(group, str(group), "Baseline", "theta", 0.0))
            place.append(-1)
            continue
        group_thetas = {r.parameter.lower(): (r, at) for r, at in thetas if r.group == group}
        for word, (minus, j) in base.items():
            row, i = group_thetas.get(word, (None, -1))
            name = next(r.parameter for r, _ in thetas if r.parameter.lower() == word)
            move = np.zeros(side.cov.shape[0])
            move[[x for x in (i,) if x >= 0]] += 1.0
            move[[x for x in (j,) if x >= 0]] -= 1.0
            se = float(np.sqrt(move @ side.cov @ move))
            rows.append(Row(group, str(group), name, "theta", (row.estimate if row else 0.0) - minus, se))
            place.append(-1)
    return replace(side, rows=tuple(rows), place=tuple(place))

