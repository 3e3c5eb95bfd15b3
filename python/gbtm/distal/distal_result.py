"""A distal outcome by group: what :func:`gbtm.distal.distal_outcome.distal` returns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..errors import SpecificationError
from ..step_three.cox import CoxStructure
from ..step_three.problem import DistalStructure
from .comparisons import GroupTest, comparison_table, joint_test
from .response import group_table, mean_predictors
from .three_step import ThreeStepResult, frame_table, number


@checked
class DistalResult(ThreeStepResult):
    """A distal outcome within the groups of a fit.

    ``params`` are on the scale of the link: ``group[k]`` is group k's mean, logit or log rate where covariates are 0;
    of ordered categories and in Cox regression it is the difference to group 1. ``groups`` has means, probabilities,
    rates, median times or hazard ratios.
    """

    @property
    def structure(self) -> DistalStructure | CoxStructure:
        """The model of the outcome."""
        structure = self.found.problem.structure
        assert isinstance(structure, (DistalStructure, CoxStructure))
        return structure

    @property
    def n_groups(self) -> int:
        """K."""
        return self.structure.predictor.n_groups

    @property
    def family(self) -> str:
        """Of the outcome."""
        return "cox" if isinstance(self.structure, CoxStructure) else self.structure.model.name

    @property
    def _ratio(self) -> str | None:
        return "hazard ratio" if isinstance(self.structure, CoxStructure) else self.structure.model.contrast

    @cached_property
    def groups(self) -> pd.DataFrame:
        """A row a group: its mean, probability, rate, median time or hazard ratio, with a 95 % interval."""
        return self.group_table()

    def group_table(self, level: float = 0.95) -> pd.DataFrame:
        """:attr:`groups` with intervals of another level."""
        check_level(level)
        return group_table(self.structure, self.internal, self.internal_cov, self.found.problem.weight, level,
                           self.df_inference)

    # -- tests ---------------------------------------------------------------------------------------------------------

    def test(self, term: str | Sequence[str] | None = None) -> GroupTest:
        """Wald test that the groups are equal.

        Parameters
        ----------
        term : a covariate with coefficients in each group, or several such as the columns of a category: whether
            these are equal; by default all that differs between groups is equal, but for sigmas and the like

        Raises
        ------
        SpecificationError
            ``unknown_term``.
        """
        predictor = self.structure.predictor
        own = list(predictor.design.own_names)
        asked = [] if term is None else [term] if isinstance(term, str) else list(term)
        unknown = [t for t in asked if t not in own or t == ""]
        if unknown:
            known = ", ".join(own[1:]) or "there is none"
            raise SpecificationError(
                f"term: '{unknown[0]}' has no coefficients in each group ({known}).", code="unknown_term",
                argument="term", way_out="Give it some with a formula such as 'y ~ group * v', or leave term out.",
            )
        rows = []
        for column in range(len(own)) if term is None else [own.index(t) for t in asked]:
            for at in predictor.own_positions(column):
                rows += [self._unit(at[k]) - self._unit(at[0]) for k in range(1, self.n_groups)]
        words = "groups equal" if term is None else f"{', '.join(asked)} equal in all groups"
        return joint_test(np.stack(rows), self.internal, self.internal_cov, self.df_inference, words)

    def _unit(self, position: int) -> np.ndarray:
        out = np.zeros(len(self.names))
        if position >= 0:
            out[self.structure.n_shares + position] = 1.0
        return out

    def _contrasts(self, pairs: list[tuple[int, int]]) -> dict[str, np.ndarray]:
        mean = mean_predictors(self.structure, self.found.problem.weight)
        head = [f"{e}: " if e else "" for e in self.structure.predictor.equations]
        return {f"{head[e]}{a} - {b}": mean[e, a - 1] - mean[e, b - 1] for e in range(len(head)) for a, b in pairs}

    def compare(
        self, which: str = "pairs", *, ref: int = 1, adjust: str = "holm", level: float = 0.95
    ) -> pd.DataFrame:
        """Differences between groups on the scale of the link, with ratios where the link is a logit or logarithm.

        With interactions they are those at the mean of the covariates.

        Parameters
        ----------
        which : "pairs" for all, "reference" for each group against ``ref``
        ref : a group, from 1
        adjust : "holm", "bonferroni" or "none"
        level : of the intervals, which are of one comparison each

        Returns
        -------
        DataFrame indexed by comparison: difference, std err, z, its p-value, that adjusted, lower, upper; the ratio
        with its interval

        Raises
        ------
        SpecificationError
            ``bad_which``, ``bad_ref``, ``bad_adjust``, ``bad_level``.
        """
        groups = range(1, self.n_groups + 1)
        if which == "pairs":
            pairs = [(a, b) for b in groups for a in groups if a > b]
        elif which == "reference":
            pairs = [(a, self._group(ref)) for a in groups if a != ref]
        else:
            raise SpecificationError(
                f"which: '{which}' is none.", code="bad_which", argument="which",
                way_out="Use 'pairs' or 'reference'.",
            )
        return comparison_table(self._contrasts(pairs), self.internal, self.internal_cov, self.df_inference,
                                ratio=self._ratio, adjust=adjust, level=level)

    def _group(self, ref: int) -> int:
        if not 1 <= ref <= self.n_groups:
            raise SpecificationError(
                f"ref: there is no group {ref}.", code="bad_ref", argument="ref",
                way_out=f"The groups are 1 to {self.n_groups}.",
            )
        return ref

    def odds_ratios(self, ref: int = 1, *, level: float = 0.95) -> pd.DataFrame:
        """Odds ratios of each group against ``ref``, and per unit of each covariate; of counts rate ratios, of times to
        an event hazard ratios.

        Returns
        -------
        DataFrame indexed by comparison or covariate: the ratio, lower, upper, its logarithm, that one's standard
        error, z and p-value

        Raises
        ------
        SpecificationError
            ``no_ratio`` for a normal outcome; ``bad_ref``, ``bad_level``.
        """
        ratio = self._ratio
        if ratio is None:
            raise SpecificationError(
                "family: a normal outcome has differences and no ratios.", code="no_ratio", argument="family",
                way_out="Ask compare('reference', ref=..).",
            )
        rows = self._contrasts([(a, self._group(ref)) for a in range(1, self.n_groups + 1) if a != ref])
        predictor = self.structure.predictor
        slopes = [n for n in predictor.names if not n.rpartition(": ")[2].startswith("group[")]
        rows |= {n: self._unit(predictor.names.index(n)) for n in slopes}
        table = comparison_table(rows, self.internal, self.internal_cov, self.df_inference, ratio=ratio,
                                 adjust="none", level=level)
        statistic, p = table.columns[2:4]
        out = table[[ratio, "ratio lower", "ratio upper", "difference", "std err", statistic, p]]
        out = out.rename(columns={"ratio lower": "lower", "ratio upper": "upper", "difference": "log ratio"})
        out.attrs["reference"] = ref
        return out

    # -- beside --------------------------------------------------------------------------------------------------------

    def beside_naive(self) -> pd.DataFrame:
        """Each group's number beside what it is where errors of classification are ignored: shows the attenuation.

        Returns
        -------
        DataFrame indexed as ``groups``: the two estimates with standard errors, and their difference
        """
        mine, naive = self.groups, self.again("naive").groups
        measure = str(mine.columns[0])
        return pd.DataFrame({
            measure: mine[measure], "std err": mine["std err"], f"naive {measure}": naive[measure],
            "naive std err": naive["std err"], "naive - corrected": naive[measure] - mine[measure],
        })

    # -- printing ------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Heading of the summary."""
        name = "Cox regression" if isinstance(self.structure, CoxStructure) else self.structure.model.title
        return f"Distal outcome by group: {name}"

    def _left(self) -> list[tuple[str, str]]:
        rows = [("Formula:", self.formula), ("Family:", self.family), ("Groups:", str(self.n_groups))]
        if self.structure.mixes:
            rows.append(("Shares:", "estimated again" if self.structure.n_shares else "of step 1"))
        return rows

    def _tables(self) -> list[Any]:
        table = self.groups
        rows = [[number(v) for v in row] for row in table.to_numpy()]
        stubs = [f"group {i}" if not isinstance(i, tuple) else f"group {i[0]}: {i[1]}" for i in table.index]
        title = f"{str(table.columns[0]).capitalize()} by group"
        return [frame_table(rows, [str(c) for c in table.columns], stubs, title)]

    def summary(self) -> Any:
        """Tables in the look of statsmodels, with the test that the groups are equal; ``print()`` them."""
        out = super().summary()
        out.extra_txt = "\n".join([str(self.test()).capitalize(), out.extra_txt])
        return out
