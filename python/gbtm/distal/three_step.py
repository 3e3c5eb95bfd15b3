"""What the user holds of step three, whichever way round: estimates, standard errors, tables in statsmodels' look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, quantile, two_sided
from ..findings.data_checks import Finding
from ..step_three.estimates import Estimates
from ..step_three.influence import covariance
from .response import jacobian

METHODS = {"naive": "naive (errors of classification ignored)", "bch": "BCH", "ml": "ML", "two-step": "two-step"}
COVARIANCE_WORDS = {
    "stacked": "stacked", "robust": "robust (step 1 known)", "bov": "Bakk, Oberski & Vermunt", "bakk-kuha":
    "Bakk & Kuha", "model": "inverse Hessian",
}


@checked
@dataclass(frozen=True, eq=False)
class ThreeStepResult:
    """Estimates of step three with standard errors that carry step one.

    Attributes
    ----------
    formula : what was asked for
    found : the estimates and what they rest on
    covariance : kind of standard errors, "stacked" unless another was asked for
    notes : what was done, in sentences
    findings : what is doubtful, with codes
    again : the same model by another method
    n_step_one : people of step one, of whom ``nobs`` are in step three
    df_inference : degrees of freedom of t, infinite for the normal distribution
    undetermined : positions of parameters that the data do not determine
    """

    formula: str
    found: Estimates
    covariance: str
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    again: Callable[[str], Any]
    df_inference: float
    undetermined: tuple[int, ...] = ()

    @property
    def method(self) -> str:
        """"naive", "bch", "ml" or "two-step"."""
        return self.found.problem.method

    @property
    def assignment(self) -> str:
        """"modal" or "proportional"; "none" for two-step, which assigns nobody."""
        return "none" if self.method == "two-step" else self.found.problem.assignment

    @property
    def warnings(self) -> list[str]:
        """What has to be known before these numbers are used, in plain sentences."""
        return [f.message for f in self.findings]

    @property
    def nobs(self) -> int:
        """People of step three."""
        return len(self.found.problem.rows)

    @property
    def n_step_one(self) -> int:
        """People of step one."""
        return len(self.found.problem.step_one.weight)

    @cached_property
    def names(self) -> list[str]:
        """Names of the parameters."""
        return self.found.problem.structure.names

    @cached_property
    def internal(self) -> np.ndarray:
        """(q,) parameters on scales without bounds, as they were estimated."""
        return self.found.parameters[: len(self.names)]

    @cached_property
    def internal_cov(self) -> np.ndarray:
        """(q, q) their covariance, NaN where the data do not determine one."""
        cov = np.array(covariance(self.found.problem, self.found.influence, self.covariance))
        at = list(self.undetermined)
        cov[at, :] = np.nan
        cov[:, at] = np.nan
        return cov

    @cached_property
    def params(self) -> pd.Series:
        """Estimates by name."""
        import torch

        values = self.found.problem.structure.reported(torch.as_tensor(self.internal))
        return pd.Series(values.numpy().copy(), index=self.names, name="estimate")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the estimates (q, q)."""
        _, slope = jacobian(self.found.problem.structure.reported, self.internal)
        at = list(self.undetermined)
        kept = np.setdiff1d(np.arange(len(self.names)), at)
        cov = np.full((len(self.names),) * 2, np.nan)
        part = slope[np.ix_(kept, kept)]
        cov[np.ix_(kept, kept)] = part @ self.internal_cov[np.ix_(kept, kept)] @ part.T
        return pd.DataFrame(cov, index=self.names, columns=self.names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov_params())), index=self.names, name="std err")

    @property
    def tvalues(self) -> pd.Series:
        """Estimate / standard error: z, or t where standard errors rest on clusters."""
        return (self.params / self.bse).rename(letter(self.df_inference))

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided."""
        return pd.Series(two_sided(self.tvalues, self.df_inference), self.names, name=p_label(self.df_inference))

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Wald intervals (q, 2) of level 1 - alpha."""
        z = quantile(check_level(alpha, "alpha", 0.05) / 2, self.df_inference)
        return pd.DataFrame({0: self.params - z * self.bse, 1: self.params + z * self.bse})

    # -- printing ------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Heading of the summary."""
        raise NotImplementedError

    def _left(self) -> list[tuple[str, str]]:
        return [("Formula:", self.formula)]

    def _tables(self) -> list[Any]:
        return []

    def summary(self) -> Any:
        """Tables in the look of statsmodels; ``print()`` them."""
        from statsmodels.iolib.summary import Summary

        out = Summary()
        kind = COVARIANCE_WORDS[self.covariance]
        if np.isfinite(self.df_inference):
            kind += f", t({self.df_inference:g})"
        right = [
            ("Method:", METHODS[self.method]), ("Assignment:", self.assignment), ("Covariance:", kind),
            ("People:", f"{self.nobs} of {self.n_step_one}"),
        ]
        left = self._left()
        head = two_columns(left + [("", "")] * (len(right) - len(left)), self.title)
        head.extend_right(two_columns(right + [("", "")] * (len(left) - len(right)), None))
        out.tables = [head, coefficient_table(self), *self._tables()]
        out.add_extra_txt([*self.notes, *(f"Warning: {w}" for w in self.warnings)])
        return out

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.formula}, {METHODS[self.method]}, {self.nobs} people>"


def two_columns(rows: list[tuple[str, str]], title: str | None) -> Any:
    """Half of a summary's head."""
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_2cols

    return SimpleTable([[value] for _, value in rows], None, [name for name, _ in rows], title=title, txt_fmt=fmt_2cols)


def coefficient_table(result: ThreeStepResult) -> Any:
    """A row a parameter."""
    ci = result.conf_int()
    columns = [result.params, result.bse, result.tvalues, result.pvalues, ci[0], ci[1]]
    rows = [[number(c.iloc[i], 3 if j in (2, 3) else 4) for j, c in enumerate(columns)]
            for i in range(len(result.names))]
    header = ["coef", "std err", letter(result.df_inference), p_label(result.df_inference), "[0.025", "0.975]"]
    return frame_table(rows, header, result.names, None)


def frame_table(rows: list[list[str]], header: list[str], stubs: list[str], title: str | None) -> Any:
    """A table of a summary."""
    from statsmodels.iolib.table import SimpleTable
    from statsmodels.iolib.tableformatting import fmt_params

    width = max(len(s) for s in [*stubs, title or ""])
    return SimpleTable(rows, header, [s.ljust(width) for s in stubs], txt_fmt=fmt_params, title=title)


def number(value: float, decimals: int = 4) -> str:
    """With so many decimals; NA for what there is not."""
    return f"{value:.{decimals}f}" if np.isfinite(value) else "NA"
