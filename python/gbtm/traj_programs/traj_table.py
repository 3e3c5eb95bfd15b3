"""A fit in the printed layout of Stata's traj, with its conventions.

t = estimate / SE with two-sided p from t with N_obs degrees of freedom; V = N_obs/(N_obs - k + 1) H^-1;
AIC = ll - k, BIC = ll - (k/2) log n for both n; entropy over all subjects read, those without data at their priors.
Parameters without a standard error show Stata's missing value, a dot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from ..arguments import checked
from ..errors import SpecificationError
from ..families import family_named
from ..families.random_normal import RANDOM_PART
from ..fit.known_words import known_sentence

if TYPE_CHECKING:
    from ..data.dropped import Dropped
    from ..fit.fit import Fit
    from ..record.parameters import InternalEstimates, ParameterBlock

POWER_WORDS = ("Intercept", "Linear", "Quadratic", "Cubic", "Quartic", "Quintic")
SECTIONS = ("mean", "zero", "dropout")  # kinds of parameters with a section per group; the others share the last
BASELINE = " {group:<8}Baseline         (0.00000)           .               .            . "
ROW = " {group:<8}{name:<10} {b:>14} {se:>12} {t:>15} {p:>12}"


@dataclass(frozen=True)
class Row:
    """One printed line: the group it is headed by (or none), the parameter, its entry in b."""

    group: str
    name: str
    estimate: float
    se: float


@checked
class TrajTable:
    """The fit as Stata's traj shows it.

    Attributes
    ----------
    text : the printed table
    b : Series named as traj's e(b)
    V : DataFrame, traj's covariance convention
    table : DataFrame of the printed rows
    """

    def __init__(self, res: Fit, group_order: list[int] | None = None) -> None:
        if res.part_of:
            raise SpecificationError(
                f"outcome: traj has one table of {', '.join(res.part_of)} together, none of one of them.",
                code="part_of_a_fit", argument="outcome", way_out="See summary() of the whole fit.",
            )
        self.res = res
        self.group_order = _check_order(res, group_order)
        places = [range(b.start, b.start + b.width) for b in _in_traj_order(res)]
        self._order = np.array([i for at in places for i in at], dtype=int)
        self._move = _relabelling(res, self.group_order)[self._order]

    @cached_property
    def b(self) -> pd.Series:
        """Estimates, named as traj's e(b)."""
        values = self._move @ self.res.params.to_numpy()
        return pd.Series(values, index=self._names, name="b")

    @property
    def _names(self) -> list[str]:
        return [self.res.traj_names[i] for i in self._order]

    @cached_property
    def V(self) -> pd.DataFrame:
        """Covariance in traj's convention; NaN where there is none."""
        names = self._names
        cov = self.res.cov_params().to_numpy() * self._inflation
        lost = np.isnan(np.diag(cov))
        moved = self._move @ np.where(np.isnan(cov), 0.0, cov) @ self._move.T
        gone = (np.abs(self._move) @ lost.astype(float)) > 0
        moved[gone, :] = np.nan
        moved[:, gone] = np.nan
        return pd.DataFrame(moved, index=names, columns=names)

    @property
    def internal(self) -> InternalEstimates:
        """The estimates that ``V`` is of, for combinations of parameters that have no variance alone."""
        return self.res.internal.scaled(self._inflation, self._move)

    @property
    def _inflation(self) -> float:
        n, k = self.res.nobs, self.res.df_model
        return n / (n - k + 1) if self.res.cov_type == "hessian" else 1.0

    @property
    def entropy(self) -> float:
        """Relative entropy as traj counts it: with the subjects without data, at their prior probabilities."""
        return self.entropy_of(self.res, self.res.dropped)

    @staticmethod
    def entropy_of(res: Fit, dropped: Dropped) -> float:
        """That of a set of groups."""
        share, without = res.group_set.shares, len(dropped.subjects)
        if not without or res.n_groups == 1:
            return res.entropy
        prior = -(share * np.log(share)).sum() / np.log(res.n_groups)
        return 1 - ((1 - res.entropy) * res.n_subjects + without * float(prior)) / (res.n_subjects + without)

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Group membership in percent with traj's standard errors."""
        pick = np.asarray(self.group_order) - 1
        share = self.res.group_set.shares[pick]
        cov = self.res.group_set.cov_shares[np.ix_(pick, pick)] * self._inflation
        se = np.sqrt(np.diag(cov)) if self.res.n_groups > 1 else np.zeros(1)
        return pd.DataFrame({"percent": 100 * share, "se": 100 * se}, index=pd.RangeIndex(1, len(pick) + 1))

    @cached_property
    def _rows(self) -> list[tuple[int, str, int, Row]]:
        """Every parameter with its outcome (from 0), kind and group (0: common to all)."""
        se, several, out = np.sqrt(np.diag(self.V)), len(self.res.outcomes) > 1, []
        blocks = [(b, i) for b in _in_traj_order(self.res) for i in range(b.width)]
        for j, (block, _) in enumerate(blocks):
            group, outcome = block.group or 0, block.outcome or 0
            name = self._names[j]
            if several and block.kind != "theta":
                name = name.removesuffix(f"M{outcome + 1}")
            row = Row("", printed_word(name, group), float(self.b.iloc[j]), float(se[j]))
            out.append((outcome, block.kind, group, row))
        return out

    @cached_property
    def _sections(self) -> list[list[Row]]:
        """Rows as printed: one section per group's curve, then zero inflation, dropout, scale parameters."""
        return [section for m in range(len(self.res.outcomes)) for section in self._sections_of(m)]

    def _sections_of(self, outcome: int) -> list[list[Row]]:
        sections: dict[tuple[int, int], list[Row]] = {}
        for m, kind, group, row in self._rows:
            if kind == "theta" or m != outcome:
                continue
            kind = "mean" if kind.startswith("level") else kind  # the curve of a further category
            by_group = kind in SECTIONS or kind in RANDOM_PART
            place = SECTIONS.index(kind) if kind in SECTIONS else len(SECTIONS) + (kind in RANDOM_PART)
            whose = group if group or kind != "mean" else self.res.n_groups + 1  # covariates of all groups come last
            rows = sections.setdefault((place, whose if by_group else 0), [])
            heading = str(group) if group and (not rows or not by_group) else ""
            rows.append(replace(row, group=heading))
        return [rows for _, rows in sorted(sections.items())]

    @cached_property
    def _membership_sections(self) -> list[list[Row]]:
        """With membership covariates: theta by group, an empty list for the reference group."""
        out: dict[int, list[Row]] = {g: [] for g in range(1, self.res.n_groups + 1)}
        for _, kind, group, row in self._rows:
            if kind == "theta":
                out[group].append(replace(row, group="" if out[group] else str(group)))
        return list(out.values())

    def _model_line(self, outcome: int) -> str:
        family = family_named(self.res.outcomes[outcome].family)
        name = family.traj_heading or f"{family.label.title().replace('-', ' ')} ({family.name})"
        return f"\t\tModel: {name} Mixed Effects" if self._is_mixed(outcome) else f"\t\t\tModel: {name}"

    def _is_mixed(self, outcome: int) -> bool:
        return any(kind in RANDOM_PART for m, kind, _, _ in self._rows if m == outcome)

    @property
    def _has_risk(self) -> bool:
        return bool(self.res.group_set.membership.covariate_names)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The printed rows: group, parameter, estimate, standard error, t, p."""
        rows: list[tuple[str, str, float, float]] = []
        for section in self._sections:
            rows += [(r.group or section[0].group, r.name, r.estimate, r.se) for r in section]
        if self._has_risk:
            for g, section in enumerate(self._membership_sections, start=1):
                reference = "Baseline" if len(self.res.outcomes) == 1 else "Constant"
                rows += [(str(g), r.name, r.estimate, r.se) for r in section] or [(str(g), reference, 0.0, np.nan)]
        else:
            rows += [(r.group, r.name, r.estimate, r.se) for r in self._share_rows]
        return self._with_tests(pd.DataFrame(rows, columns=["group", "parameter", "estimate", "se"]))

    def _with_tests(self, table: pd.DataFrame) -> pd.DataFrame:
        """With t and p of each row."""
        with np.errstate(divide="ignore", invalid="ignore"):
            table["t"] = np.where(table["se"] > 0, table["estimate"] / table["se"], np.nan)
        table["p"] = 2 * stats.t.sf(np.abs(table["t"]), self.res.nobs)
        return table

    @cached_property
    def text(self) -> str:
        """traj's printed table."""
        res, lines = self.res, self._head_lines()
        several = len(res.outcomes) > 1
        for m in range(len(res.outcomes)):
            lines += [" "] if several and not m else []
            lines += [
                self._model_line(m), "", "\t\t\t       Standard       T for H0:",
                " Group   Parameter        Estimate        Error     Parameter=0   Prob > |T|", " ",
            ]
            for section in self._sections_of(m):
                lines += [self._line(row) for row in section] + [" "]
            has_scale = any(kind not in (*SECTIONS, "theta") and not kind.startswith("level")
                            for of, kind, _, _ in self._rows if of == m)
            lines += [] if has_scale and not self._is_mixed(m) else [" "]
        lines += ["  Group membership", " "] if several else ["  Group membership "]
        if self._has_risk:
            baseline = BASELINE.replace("Baseline", "Constant") if several else BASELINE
            for g, section in enumerate(self._membership_sections, start=1):
                lines += [" ", *(self._line(row) for row in section)] if section else [" ", baseline.format(group=g)]
        else:
            lines += [self._share_line(row) for row in self._share_rows]
        lines += [" ", self._criteria_line()]
        if res.n_groups > 1:
            lines.append(f" Entropy = {self.entropy:5.3f}")
        return "\n".join(lines) + ("\n" if res.n_groups > 1 else "")

    def _head_lines(self) -> list[str]:
        """What stands above the models."""
        res, dropped = self.res, self.res.dropped
        waves = 0 if res.dropout is None else res.dropout.n_waves
        return [
            " ", "==== gbtm ====  group-based trajectory model in the layout of Stata's traj", " ",
            f"{dropped.subjects_read} observations read.",
            *([f"{len(dropped.subjects)} had no trajectory data."] if dropped.subjects else []),
            f"{res.n_subjects} observations used in the trajectory model.",
            *([f"Complete data length is {waves} for dropout model 1."] if waves else []),
            *([] if res.constraints is None else [res.constraints.sentence]),
            *([known_sentence(res)] if known_sentence(res) else []), " ",
            "\t\t\tMaximum Likelihood Estimates" if res.prior is None else
            "\t\t\tMaximum a Posteriori Estimates (weak prior)",
        ]

    def _line(self, row: Row) -> str:
        t = row.estimate / row.se if row.se > 0 else float("nan")
        p = 2 * stats.t.sf(abs(t), self.res.nobs)
        return ROW.format(
            group=row.group, name=row.name, b=_stata(row.estimate, 12, 5), se=_stata(row.se, 12, 5), t=_stata(t, 12, 3),
            p=_stata(p, 12, 4),
        )

    @cached_property
    def _share_rows(self) -> list[Row]:
        columns = (self.shares["percent"].to_numpy(), self.shares["se"].to_numpy())
        return [Row(str(k + 1), "(%)", float(p), float(s)) for k, (p, s) in enumerate(zip(*columns, strict=True))]

    def _share_line(self, row: Row) -> str:
        if self.res.n_groups > 1:
            return self._line(row)
        text = ROW.format(
            group=row.group, name=row.name, b=_stata(row.estimate, 12, 5), se=_stata(row.se, 12, 5), t="", p=""
        )
        return text.rstrip() + " " * 9

    def _criteria_line(self) -> str:
        res = self.res
        by_subject, by_obs = (float(res.criteria[n]["traj_bic"]) for n in ("subjects", "observations"))
        return (
            f" BIC(N={res.nobs}): {by_obs:<12.2f}BIC(N={res.n_subjects}): {by_subject:<12.2f}"
            f"AIC: {res.llf - res.df_model:<11.2f}ll: {res.llf:<11.2f}"
        )

    def __str__(self) -> str:
        return self.text


def _stata(value: float, width: int, decimals: int) -> str:
    """Stata's %w.df: fewer decimals when the number would not fit, a dot for missing."""
    if not np.isfinite(value):
        return "."
    for d in range(decimals, -1, -1):
        text = f"{value:.{d}f}"
        if len(text) <= width:
            return text
    return f"{value:.{width - 7}e}"


def printed_word(name: str, group: int) -> str:
    """Name in e(b) -> the printed word."""
    stem = name
    for power, word in zip(("interc", "linear", "quadra", "cubic", "quarti", "quinti"), POWER_WORDS, strict=True):
        if name in (f"{power}{group}", f"{power}G{group}"):
            return word
    for ending in (f"G{group}_dcov", f"G{group}", str(group)):
        if group and name.endswith(ending):
            stem = name[: -len(ending)]
            break
    words = {"alpha": "Alpha", "drop": "Drop", "sigma": "Sigma", "phi": "Phi", "psi": "Psi", "rho": "Rho"}
    if stem == "const":
        return "Constant"
    for low, word in words.items():
        if stem.rstrip("0123456789") == low:
            return word + stem[len(low):]
    return stem.rstrip("_").capitalize() if stem.startswith("basis") else stem


def _in_traj_order(res: Fit) -> list[ParameterBlock]:
    """The runs of parameters as traj has them: all of an outcome before the next, and the membership last."""
    return sorted(res.blocks, key=lambda b: len(res.outcomes) if b.outcome is None else b.outcome)


def _check_order(res: Fit, group_order: list[int] | None) -> list[int]:
    order = list(range(1, res.n_groups + 1)) if group_order is None else [int(g) for g in group_order]
    if sorted(order) != list(range(1, res.n_groups + 1)):
        raise SpecificationError(
            f"group_order: {order} does not name each of the {res.n_groups} groups once.", code="bad_group_order",
            argument="group_order", way_out=f"For example {list(range(res.n_groups, 0, -1))}.",
        )
    specs = [o.spec for o in res.outcomes]
    shapes = [res.spec.dropout, *(o for spec in specs for o in (spec.orders, spec.zero_orders, spec.random_orders))]
    per_group = [o for o in shapes if o is not None and len(o) == res.n_groups]
    for place, group in enumerate(order):
        if any(o[place] != o[group - 1] for o in per_group):
            raise SpecificationError(
                f"group_order: group {group} cannot become group {place + 1}, their orders differ.",
                code="bad_group_order", argument="group_order", way_out="Swap groups of one specification only.",
            )
    return order


def _relabelling(res: Fit, order: list[int]) -> np.ndarray:
    """(p, p) matrix that renames the groups in the reported parameters."""
    start = {(b.kind, b.outcome, b.group): b.start for b in res.blocks}
    move = np.zeros((len(res.names),) * 2)
    for b in res.blocks:
        if b.kind == "theta":
            continue
        source = b.start if b.group is None else start[b.kind, b.outcome, order[b.group - 1]]
        for j in range(b.width):
            move[b.start + j, source + j] = 1.0
    theta, reference = res.group_set.membership.positions, res.group_set.reference
    for g, positions in enumerate(theta):
        for j, at in enumerate(positions):
            if at < 0:
                continue
            for source, sign in ((order[g] - 1, 1.0), (order[reference] - 1, -1.0)):
                if theta[source, j] >= 0:
                    move[at, theta[source, j]] += sign
    return move
