"""A dual model in the printed layout of Stata's traj: its joint model, with the tables of the groups given each other.

traj prints standard errors of the second model's groups given the first's alone, and as the entropy that of the first
model's groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..errors import SpecificationError
from ..fit.dual_fit import DualFit
from ..model.names import joint_order
from .traj_table import BASELINE, Row, TrajTable, printed_word

if TYPE_CHECKING:
    from ..fit.fit import Fit

SECOND = {"m2intr": "interc", "m2linr": "linear", "m2quad": "quadra", "m2cubc": "cubic", "m2quar": "quarti",
          "m2quin": "quinti"}
GIVEN = "  Group membership ({0} | {1}) "


@checked
class DualTrajTable(TrajTable):
    """A dual fit as Stata's traj shows it; ``text``, ``b``, ``V`` and ``table`` as of :class:`TrajTable`.

    Parameters
    ----------
    group_order : for each outcome the group that becomes group 1, 2, ..; two lists
    """

    def __init__(self, res: Fit, group_order: Sequence[Sequence[int]] | None = None) -> None:
        assert isinstance(res, DualFit)
        self.res, self.fit = res, res
        sizes = res.set_sizes
        orders = [list(range(1, n + 1)) for n in sizes] if group_order is None else [list(o) for o in group_order]
        if [sorted(o) for o in orders] != [list(range(1, n + 1)) for n in sizes]:
            raise SpecificationError(
                f"group_order: {orders} does not name each of {sizes[0]} and {sizes[1]} groups once.",
                code="bad_group_order", argument="group_order",
                way_out=f"For example {[list(range(n, 0, -1)) for n in sizes]}.",
            )
        layout = res.layout
        keys = [[layout.spec.group_key(g, s) for g in range(n)] for s, n in enumerate(sizes)]
        for own, order in zip(keys, orders, strict=True):
            if own != [own[g - 1] for g in order]:
                raise SpecificationError(
                    "group_order: groups of other orders cannot change places.", code="bad_group_order",
                    argument="group_order", way_out="Swap groups of one specification only.",
                )
        first, second = (np.array(o) - 1 for o in orders)
        self.classes = layout.class_order((first, second))
        self._order = np.array(joint_order(layout.blocks, sizes[0]), dtype=int)
        self._move = layout.permute(np.eye(len(res.names)), self.classes).T[self._order]

    @property
    def entropy(self) -> float:
        """Relative entropy of the first model's groups, which is what traj prints."""
        return TrajTable.entropy_of(self.fit.of_outcome(1), self.res.dropped)

    @cached_property
    def joint(self) -> np.ndarray:
        """(J, K) joint probabilities."""
        return self.fit.pairs.shares[self.classes].reshape(self.fit.set_sizes)

    @cached_property
    def _errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard errors of the first model's shares (J,), and of the second's groups given them (J, K)."""
        slopes = self.fit.pairs.jacobian[self.classes].reshape(*self.fit.set_sizes, -1)
        first, margin = self.joint.sum(axis=1), slopes.sum(axis=1)
        given = self.joint / first[:, None]
        conditional = (slopes - given[:, :, None] * margin[:, None]) / first[:, None, None]
        cov = self.res.internal.cov * self._inflation

        def se(g: np.ndarray) -> np.ndarray:
            return np.sqrt(np.maximum(np.einsum("...p,pq,...q->...", g, cov, g), 0.0))

        return se(margin), se(conditional)

    @property
    def _has_risk(self) -> bool:
        return self.res.group_sets[0].membership.basis.width > 1

    @property
    def _has_second_risk(self) -> bool:
        return bool(self.fit.pairs.basis.names)

    def _curves_of(self, outcome: int) -> list[list[Row]]:
        """The sections of a model: a curve for each group, zero inflation, scale parameters."""
        place = {int(i): n for n, i in enumerate(self._order)}
        sections: dict[tuple[int, int], list[Row]] = {}
        for b in self.res.blocks:
            if b.outcome != outcome:
                continue
            kind = "mean" if b.kind.startswith("level") else b.kind  # the curve of a further category
            by_group = kind in ("mean", "zero", "dropout")
            whose = b.group or (b.kind == "mean") * (self.res.spec.set_sizes[outcome] + 1)  # what all share: last
            key = (("mean", "zero", "dropout").index(kind) if by_group else 3, whose if by_group else 0)
            for i in range(b.start, b.start + b.width):
                rows = sections.setdefault(key, [])
                heading = str(b.group) if b.group and (not rows or not by_group) else ""
                rows.append(self._row(place[i], heading, b.group or 0))
        return [rows for _, rows in sorted(sections.items())]

    def _row(self, at: int, heading: str, group: int) -> Row:
        name = self._names[at]
        for second, first in SECOND.items():
            if name.startswith(second):
                name = first + name[len(second):]
        word = printed_word(name.removeprefix("m2"), group)
        variance = float(self.V.to_numpy()[at, at])
        return Row(heading, word, float(self.b.iloc[at]), float(np.sqrt(variance)))

    def _logits(self, kind: str) -> list[tuple[int, int, Row]]:
        """Membership coefficients: group, the place in its block, the row."""
        place = {int(i): n for n, i in enumerate(self._order)}
        return [
            (b.group or 0, j, self._row(place[b.start + j], "", b.group or 0))
            for b in self.res.blocks if b.kind == kind for j in range(b.width)
        ]

    @property
    def _first_membership(self) -> list[list[Row] | int]:
        """Of each group its rows, or its number where it is the reference."""
        if not self._has_risk:
            se = self._errors[0]
            return [[Row(str(j + 1), "(%)", 100 * float(p), 100 * float(se[j]))
                     for j, p in enumerate(self.joint.sum(axis=1))]]
        out: list[list[Row] | int] = []
        for g in range(1, self.fit.set_sizes[0] + 1):
            rows = [row for group, _, row in self._logits("theta") if group == g]
            out.append([Row(str(g) if not i else "", "Constant" if not i else r.name, r.estimate, r.se)
                        for i, r in enumerate(rows)] or g)
        return out

    @property
    def _given_rows(self) -> list[tuple[str, Row | None]]:
        """The second model's groups given the first's: ``k|j`` and its row, None for the reference."""
        rows: list[tuple[str, Row | None]] = []
        logits, (_, se) = self._logits("theta2"), self._errors
        for j in range(self.fit.set_sizes[0]):
            for k in range(self.fit.set_sizes[1]):
                name = f"{k + 1}|{j + 1}"
                if not self._has_second_risk:
                    p = 100 * float(self.joint[j, k] / self.joint[j].sum())
                    rows.append((name, Row(name, "(%)", p, 100 * float(se[j, k]))))
                    continue
                own = [r for g, at, r in logits if g == k + 1 and at == j]
                rows.append((name, Row(name, "Constant", own[0].estimate, own[0].se) if own else None))
        return rows

    @property
    def _slope_rows(self) -> list[Row]:
        """Slopes of the second model's covariates, the first of a group headed by it."""
        width = self.fit.set_sizes[0]
        return [
            Row(str(g) if at == width else "", self.fit.pairs.basis.names[at - width], r.estimate, r.se)
            for g, at, r in self._logits("theta2") if at >= width
        ]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The printed rows: model, group, parameter, estimate, standard error, t, p."""
        found: list[tuple[str, str, str, float, float]] = []
        for m, model in enumerate(("model 1", "model 2")):
            found += [(model, r.group or section[0].group, r.name, r.estimate, r.se)
                      for section in self._curves_of(m) for r in section]
            if m == 0:
                for rows in self._first_membership:
                    if isinstance(rows, int):
                        found.append((model, str(rows), "Baseline", 0.0, np.nan))
                    else:
                        found += [(model, r.group or rows[0].group, r.name, r.estimate, r.se) for r in rows]
        for name, row in self._given_rows:
            found.append(("model 2 | model 1", name, "Baseline", 0.0, np.nan) if row is None else
                         ("model 2 | model 1", name, row.name, row.estimate, row.se))
        found += [("model 2 | model 1", r.group, r.name, r.estimate, r.se) for r in self._slope_rows]
        table = pd.DataFrame(found, columns=["model", "group", "parameter", "estimate", "se"])
        return self._with_tests(table)

    @cached_property
    def text(self) -> str:
        """traj's printed table."""
        lines = self._head_lines()
        for m in range(2):
            lines += [" "] if not m else [" ", " "]
            lines.append(self._model_line(m).strip().replace("Model:", f"Model {m + 1}:"))
            lines += [" "] if m else [
                "", "\t\t\t       Standard       T for H0:",
                " Group   Parameter        Estimate        Error     Parameter=0   Prob > |T|", " "]
            for section in self._curves_of(m):
                lines += [*(self._line(row) for row in section), " "]
            if m == 0:
                lines.append("  Group membership ")
                for rows in self._first_membership:
                    lines += [" "] if self._has_risk else []
                    lines += [BASELINE.format(group=rows)] if isinstance(rows, int) else [self._line(r) for r in rows]
        lines += [" ", *self._table_lines(), self._criteria_line(), f" Entropy = {self.entropy:5.3f}"]
        return "\n".join(lines) + "\n"

    def _table_lines(self) -> list[str]:
        first, second = "model 1 group", "model 2 group"
        lines = [GIVEN.format(second, first), " "]
        n_from, n_to = self.fit.set_sizes
        for at, (name, row) in enumerate(self._given_rows):
            lines += [" "] if self._has_second_risk and at and at % n_to == 0 else []
            lines.append(BASELINE.format(group=name) if row is None else self._line(row))
        if self._has_second_risk:
            return [*lines, " ", *(self._line(row) for row in self._slope_rows)]
        joint, margin = self.joint, self.joint.sum(axis=0)
        pairs = [(j, k) for k in range(n_to) for j in range(n_from)]
        lines += [" ", GIVEN.format(first, second), " "]
        lines += [f" {j + 1}|{k + 1}    ({100 * joint[j, k] / margin[k]:4.1f}%)" for j, k in pairs]
        lines += [" ", f"  Group membership ({first} and {second}) ", " "]
        lines += [f" {j + 1} {k + 1}    ({100 * joint[j, k]:4.1f}%) " for j, k in pairs]
        lines += [" ", f"  Group membership ({second}) ", " "]
        return [*lines, *(f" {k + 1} ({100 * margin[k]:4.1f}%) " for k in range(n_to)), " "]
