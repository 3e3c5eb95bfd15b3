"""Traj's table with its section on the outcome: traj's ``outcome()`` as it prints it.

Under a logit or logarithm each group has the interval of its mean at 95 %: for counts exp(gamma -/+ 1.96 se), for 0 and
1 Wilson's interval of a proportion among as many people as the group has by the posteriors. traj's e(b) has ``Group1``
.., the covariates by their names, and ``oSigma``. What traj prints of several categories, and of covariates beside a
logit or logarithm, is not at hand: rows here go by category, named ``Group1_c``, and means have no interval.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from .traj_table import Row, TrajTable

if TYPE_CHECKING:
    from ..distal.traj_outcome import TrajOutcome
    from ..fit.fit import Fit

Z = 1.959963984540054


@checked
class OutcomeTrajTable(TrajTable):
    """The joint fit as Stata's traj shows it; ``text``, ``b``, ``V`` and ``table`` as of :class:`TrajTable`."""

    def __init__(self, out: TrajOutcome) -> None:
        self.out = out
        super().__init__(_moved(out))

    @cached_property
    def _own(self) -> list[tuple[str, str]]:
        """Of each parameter of the outcome: its name in e(b), and the group it is of, or ''."""
        found, k = [], self.res.n_groups
        for name in self.out.names[self.res.df_model :]:
            *equation, bare = name.removeprefix(f"{self.out.outcome}: ").split(": ")
            end = f"_{equation[0]}" if equation else ""
            group = bare.removeprefix("group[").removesuffix("]") if bare in _groups(k) else ""
            word = f"Group{group}" if group else "oSigma" if bare == "sigma" else bare
            found.append((word + end, group))
        return found

    @cached_property
    def b(self) -> pd.Series:
        """Estimates, named as traj's e(b)."""
        own = pd.Series(self.out.estimates[self.res.df_model :], index=[n for n, _ in self._own])
        return pd.concat([super().b, own]).rename("b")

    @cached_property
    def V(self) -> pd.DataFrame:
        """Covariance in traj's convention."""
        move = np.eye(len(self.out.names))
        move[: len(self._move), : len(self._move)] = self._move
        names = list(self.b.index)
        return pd.DataFrame(move @ self.out.cov @ move.T, index=names, columns=names)

    @cached_property
    def _outcome_rows(self) -> list[Row]:
        at, se = self.res.df_model, np.sqrt(np.diag(self.V))
        means = self.out.family in ("logit", "poisson")
        rows = []
        for j, (name, group) in enumerate(self._own):
            shown = f"Group {group}" if group and means else name
            heading = group if group and not means else ""
            rows.append(Row(heading, shown, float(self.b.iloc[at + j]), float(se[at + j])))
        return rows

    def _mean_line(self, row: Row, group: int) -> str:
        """The interval of a group's mean."""
        if self.out.family == "poisson":
            low, mean, high = (np.exp(row.estimate + z * row.se) for z in (-Z, 0.0, Z))
            return f"95% CI (Mean): ({low:12.3f}, {mean:12.3f}, {high:12.3f})"
        p, n = 1 / (1 + np.exp(-row.estimate)), float(self.out.joint_posterior[:, group - 1].sum())
        a = Z**2 / n
        centre, half = (p + a / 2) / (1 + a), Z * np.sqrt(p * (1 - p) / n + a / (4 * n)) / (1 + a)
        return f"95% CI (Mean): ({centre - half:.3f}, {p:.3f}, {centre + half:.3f})"

    @cached_property
    def table(self) -> pd.DataFrame:
        """The printed rows: group, parameter, estimate, standard error, t, p."""
        own = pd.DataFrame([(r.group, r.name, r.estimate, r.se) for r in self._outcome_rows],
                           columns=["group", "parameter", "estimate", "se"])
        return pd.concat([super().table, self._with_tests(own)], ignore_index=True)

    @cached_property
    def text(self) -> str:
        """traj's printed table."""
        lines = super().text.split("\n")
        at = next(i for i, line in enumerate(lines) if line.startswith(" BIC(N="))
        own = ["Outcome  - two-step modeling" if self.out.two_step else "Outcome ", ""]
        for row, (_, group) in zip(self._outcome_rows, self._own, strict=True):
            own.append(self._line(row))
            if group and self.out.family in ("logit", "poisson"):
                own += [self._mean_line(row, int(group)), " "] if self._bare else []
        if self.out.two_step:
            k, n, ll = len(self._own), len(self.out.rows), self.out.outcome_llf
            own.append(f"Outcome Model            BIC={ll - k / 2 * np.log(n):12.2f} (N={n})  AIC={ll - k:12.2f}  "
                       f"ll={ll:12.2f}")
        return "\n".join([*lines[:at], *own, *lines[at:]])

    @property
    def _bare(self) -> bool:
        """Without covariates, on which a mean would depend."""
        return all(group for _, group in self._own)

    def _head_lines(self) -> list[str]:
        lines = super()._head_lines()
        if self.out.excluded:
            lines[3] = f"{self.res.dropped.subjects_read + self.out.excluded} observations read."
            why = "excluded by missing outcomes, missing risk variables, or if condition."
            lines.insert(4, f"{self.out.excluded} {why}")
        return lines

    def _criteria_line(self) -> str:
        out, n, people = self.out, self.res.nobs, self.res.n_subjects
        k = self.res.df_model + (0 if out.two_step else len(self._own))
        return (
            f" BIC(N={n}): {out.llf - k / 2 * np.log(n):<12.2f}BIC(N={people}): "
            f"{out.llf - k / 2 * np.log(people):<12.2f}AIC: {out.llf - k:<11.2f}ll: {out.llf:<11.2f}"
        )


def _groups(k: int) -> list[str]:
    return [f"group[{t + 1}]" for t in range(k)]


def _moved(out: TrajOutcome) -> Fit:
    """The fit of the trajectories at the joint estimates, for its part of the table."""
    from ..record.rebuild import module_of

    fit, p = out.fit, out.fit.df_model
    if out.two_step:
        return fit
    layout = module_of(fit).layout
    flat = layout.unreport(out.estimates[:p])
    slopes = layout.shares_jacobian(flat) @ np.linalg.inv(layout.report_jacobian(flat))
    cov = out.cov[:p, :p]
    own = {"shares": layout.shares(flat), "cov_shares": slopes @ cov @ slopes.T, "posterior": out.joint_posterior}
    document = fit.document | {
        "params": out.estimates[:p], "cov_params": cov, "cov_type": "traj",
        "group_sets": [fit.document["group_sets"][0] | own],
    }
    return fit.like(document)
