"""Membership covariates by three steps: what :func:`gbtm.distal.predictors.predictors` returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, reach, two_sided
from ..errors import SpecificationError
from ..step_three.problem import MembershipStructure
from .comparisons import GroupTest, covariance_of, joint_test
from .three_step import ThreeStepResult

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
@dataclass(frozen=True, eq=False, repr=False)
class PredictorsResult(ThreeStepResult):
    """What leads to the groups of a fit.

    ``params`` are multinomial logits, named as in a fit with ``risk=``: ``theta_sex[2]`` is what a unit of sex adds to
    the log odds of group 2 against the reference.

    Attributes
    ----------
    one_step : fits the trajectories again, with the covariates in the model
    """

    one_step: Callable[[], Fit] | None = None

    @property
    def structure(self) -> MembershipStructure:
        """The model of membership."""
        structure = self.found.problem.structure
        assert isinstance(structure, MembershipStructure)
        return structure

    def _slopes(self, ref: int) -> np.ndarray:
        """(K, R, q): the logits of each group against ``ref``, from 0, in the parameters."""
        s, q = self.structure, len(self.names)
        out = np.zeros((s.n_groups, q // len(s.others), q))
        for j, t in enumerate(s.others):
            for r in range(out.shape[1]):
                out[t, r, j * out.shape[1] + r] = 1.0
        return np.asarray(out - out[ref])

    def odds_ratios(self, ref: int | None = None, *, level: float = 0.95) -> pd.DataFrame:
        """What a unit of each covariate does to the odds of a group against the reference.

        Parameters
        ----------
        ref : reference group, from 1; by default that of the estimates
        level : of the intervals

        Returns
        -------
        DataFrame indexed by group and term: theta, estimate = exp(theta), lower, upper, std err of theta, z, p-value.
        ``attrs["reference"]`` is the reference group

        Raises
        ------
        SpecificationError
            ``bad_ref``, ``bad_level``.
        """
        check_level(level)
        s = self.structure
        base = s.reference if ref is None else ref - 1
        if not 0 <= base < s.n_groups:
            raise SpecificationError(
                f"ref: there is no group {ref}.", code="bad_ref", argument="ref",
                way_out=f"The groups are 1 to {s.n_groups}.",
            )
        others = [t for t in range(s.n_groups) if t != base]
        terms = ["intercept", *s.covariates]
        rows = self._slopes(base)[others].reshape(len(others) * len(terms), -1)
        theta = rows @ self.internal
        se = np.sqrt(np.maximum(np.diag(covariance_of(rows, self.internal_cov)), 0.0))
        z, df = reach(level, self.df_inference), self.df_inference
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            table = pd.DataFrame({
                "theta": theta, "estimate": np.exp(theta), "lower": np.exp(theta - z * se),
                "upper": np.exp(theta + z * se), "std err": se, letter(df): theta / se,
                p_label(df): two_sided(theta / se, df),
            }, index=pd.MultiIndex.from_product([[t + 1 for t in others], terms], names=["group", "term"]))
        table.attrs["reference"] = base + 1
        return table

    def test(self, term: str | Sequence[str] | None = None) -> GroupTest:
        """Wald test that a covariate, several (the columns of a category), or all of them say nothing of membership.

        Raises
        ------
        SpecificationError
            ``unknown_term``.
        """
        s = self.structure
        asked = [] if term is None else [term] if isinstance(term, str) else list(term)
        unknown = [t for t in asked if t not in s.covariates]
        if unknown:
            raise SpecificationError(
                f"term: '{unknown[0]}' is none of the covariates.", code="unknown_term", argument="term",
                way_out=f"They are {', '.join(s.covariates)}.",
            )
        slopes = self._slopes(s.reference)[s.others]
        at = slice(1, None) if term is None else [1 + s.covariates.index(t) for t in asked]
        rows = slopes[:, at].reshape(-1, slopes.shape[2])
        verb = "says" if len(asked) == 1 else "say"
        words = "covariates say nothing" if term is None else f"{', '.join(asked)} {verb} nothing"
        return joint_test(rows, self.internal, self.internal_cov, self.df_inference, words)

    def beside_naive(self) -> pd.DataFrame:
        """The estimates beside those where errors of classification are ignored: shows the attenuation."""
        naive = self.again("naive")
        return pd.DataFrame({
            "estimate": self.params, "std err": self.bse, "naive": naive.params, "naive std err": naive.bse,
            "naive - corrected": naive.params - self.params,
        })

    def beside_one_step(self) -> pd.DataFrame:
        """The estimates beside those of one step, in which covariates and trajectories are fitted together.

        Where the two differ by much, the covariates have moved the groups themselves: these are no longer the groups
        that the fit describes. One step is fitted from the estimates here; its starts are not searched again.

        Returns
        -------
        DataFrame indexed by parameter. ``attrs["agreement"]`` is the share of people whose most probable group is the
        same
        """
        if self.one_step is None:
            raise SpecificationError(
                "groups_of: of a dual model there is no one-step fit to put beside.", code="no_one_step",
                argument="groups_of", way_out="Fit it with risk or risk2.",
            )
        other = self.one_step()
        out = pd.DataFrame({
            "estimate": self.params, "std err": self.bse, "one step": other.params.reindex(self.names),
            "one step std err": other.bse.reindex(self.names),
        })
        rows = self.found.problem.rows
        before = self.found.problem.step_one.posterior[rows].argmax(axis=1)
        out.attrs["agreement"] = float(np.mean(before + 1 == other.assignment.to_numpy()))
        return out

    @property
    def title(self) -> str:
        """Heading of the summary."""
        return f"Membership covariates after the fact (reference: group {self.structure.reference + 1})"
