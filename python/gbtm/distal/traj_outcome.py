"""Traj's own distal outcome, ``outcome()``: a regression on the posterior probabilities, fitted with the trajectories.

    log L_i = log f(y_i; theta) + log g(o_i; sum_k P_ik(theta) gamma_k + c'v_i)

gamma_k is what the linear predictor would be of somebody who is in group k for certain. It is no mean of group k: where
the outcome says something of who is where, P does not know it, and for a logit or logarithm the average over people who
are partly in a group is not that of the link. Its regression is consistent for linear means only. Offered to reproduce
what was published; ``ml``, ``bch`` and ``two-step`` estimate what groups differ by. Traj's ``twostep`` is
``method="two-step"`` with ``shares="fixed"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, quantile, two_sided
from ..errors import SpecificationError
from ..estimation.score_variance import between_clusters, degrees_of_freedom
from ..step_three.cox import CoxStructure
from ..step_three.linear_predictor import Design
from ..step_three.outcome_models import OUTCOME_MODELS, OutcomeModel
from ..step_three.root import maximum
from .outcome import SURVIVAL, Outcome
from .three_step import frame_table, number, two_columns

if TYPE_CHECKING:
    from ..data.subjects import Subjects
    from ..fit.fit import Fit
    from ..likelihood.mixture import Mixture
    from .distal_result import DistalResult


@checked
@dataclass(frozen=True, eq=False)
class TrajOutcome:
    """A joint fit of trajectories and of an outcome regressed on their posterior probabilities.

    Attributes
    ----------
    formula : what was asked for
    names : trajectory parameters as in the fit, then the outcome's, ``prison: group[1]``
    estimates : their values, as reported
    cov : (k, k) their covariance
    llf : log-likelihood of trajectories and outcome together
    df_inference : degrees of freedom of t, infinite for the normal distribution
    family, outcome : of the outcome, and its name
    fit : the trajectories before the outcome moved them
    joint_posterior : (N, K) P at these estimates
    expected : (n, R) mean of the outcome of those who have one, or the probabilities of its categories, by P
    rows : (n,) their positions among the people of the fit
    two_step : the trajectories are those of ``fit``
    outcome_llf : with ``two_step`` the outcome's part of the log-likelihood, which ``llf`` goes without
    excluded : people without an outcome or a covariate of it, whom traj leaves out of the trajectories too
    """

    formula: str
    names: list[str]
    estimates: np.ndarray
    cov: np.ndarray
    llf: float
    df_inference: float
    family: str
    outcome: str
    fit: Fit
    joint_posterior: np.ndarray
    expected: np.ndarray
    rows: np.ndarray
    two_step: bool = False
    outcome_llf: float = np.nan
    excluded: int = 0

    @cached_property
    def params(self) -> pd.Series:
        """Estimates by name."""
        return pd.Series(self.estimates, index=self.names, name="estimate")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the estimates (k, k)."""
        return pd.DataFrame(self.cov, index=self.names, columns=self.names)

    @property
    def bse(self) -> pd.Series:
        """Standard errors."""
        return pd.Series(np.sqrt(np.diag(self.cov)), index=self.names, name="std err")

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided."""
        values = two_sided(self.params / self.bse, self.df_inference)
        return pd.Series(values, index=self.names, name=p_label(self.df_inference))

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Wald intervals (k, 2) of level 1 - alpha."""
        z = quantile(check_level(alpha, "alpha", 0.05) / 2, self.df_inference)
        return pd.DataFrame({0: self.params - z * self.bse, 1: self.params + z * self.bse})

    @property
    def posterior(self) -> pd.DataFrame:
        """P (N, K) at these estimates, indexed by id."""
        return pd.DataFrame(self.joint_posterior, index=self.fit.ids, columns=self.fit.group_names)

    def traj_data(self) -> pd.DataFrame:
        """Groups and probabilities under traj's names, and ``_traj_Outcome``, what is expected of the outcome.

        Of several categories ``_traj_Outcome1``, .., their probabilities, the base category's first.
        """
        out = pd.DataFrame({"_traj_Group": self.joint_posterior.argmax(axis=1) + 1}, index=self.fit.ids)
        for k, g in enumerate(self.fit.group_names):
            out[f"_traj_ProbG{g}"] = self.joint_posterior[:, k]
        for r in range(self.expected.shape[1]):
            column = np.full(len(out), np.nan)
            column[self.rows] = self.expected[:, r]
            out[f"_traj_Outcome{r + 1 if self.expected.shape[1] > 1 else ''}"] = column
        return out

    def summary(self) -> Any:
        """Tables in the look of statsmodels; ``print()`` them."""
        from statsmodels.iolib.summary import Summary

        out, ci, se, p = Summary(), self.conf_int(), self.bse, self.pvalues
        head = two_columns([("Formula:", self.formula), ("Family:", self.family)], "Outcome regressed on posteriors")
        head.extend_right(two_columns([("Method:", "traj"), ("Log-likelihood:", number(self.llf))], None))
        rows = [
            [number(self.params[n]), number(se[n]), number(self.params[n] / se[n], 3), number(p[n], 3),
             number(ci[0][n]), number(ci[1][n])] for n in self.names
        ]
        header = ["coef", "std err", letter(self.df_inference), p_label(self.df_inference), "[0.025", "0.975]"]
        out.tables = [head, frame_table(rows, header, self.names, None)]
        out.add_extra_txt(["Traj's outcome(): a regression on posterior probabilities. Its group coefficients are no "
                           "means of the groups; method='ml', 'bch' and 'two-step' estimate those."])
        return out

    def __repr__(self) -> str:
        return f"<TrajOutcome: {self.formula}, log-likelihood {self.llf:.4f}>"


@dataclass(frozen=True, eq=False)
class _Joint:
    module: Mixture
    subjects: Subjects
    model: OutcomeModel
    common: Tensor
    rows: Tensor

    def trajectories(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """log L_i (N,) and P (N, K)."""
        joint = self.module.joint(theta[None])[0]
        total, p = torch.logsumexp(joint, dim=0) + self.module.constant, torch.softmax(joint, dim=0).T
        if self.module.expand is None:
            return total, p
        at = torch.as_tensor(self.module.expand)
        return total[at], p[at]

    def predictor(self, p: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Linear predictors (n, 1, E) of those who have the outcome, and the shape, of the parameters x."""
        k, e = p.shape[1], len(self.model.equations)
        width = k + self.common.shape[1]
        by_equation = x[: e * width].view(e, width)
        eta = torch.stack([p[self.rows] @ b[:k] + self.common @ b[k:] for b in by_equation], dim=1)
        return eta[:, None], x[e * width :]

    def log_g(self, p: Tensor, x: Tensor) -> Tensor:
        """log g of those who have the outcome (n,); x are the coefficients by equation, then the shape."""
        return self.model.log_density(*self.predictor(p, x))[:, 0]

    def expected(self, p: Tensor, x: Tensor) -> np.ndarray:
        """(n, R) means, or probabilities."""
        return self.model.response(*self.predictor(p, x))[:, 0].numpy()

    def value(self, x: Tensor, weight: Tensor) -> Tensor:
        n = self.module.layout.size
        total, p = self.trajectories(x[:n])
        return weight @ total + weight[self.rows] @ self.log_g(p, x[n:])


def traj_outcome(
    fit: Fit, formula: str, name: str, outcome: Outcome, design: Design, rows: np.ndarray, exposure: np.ndarray | None
) -> TrajOutcome:
    """Climb from the fit's estimates to the joint maximum.

    Raises
    ------
    SpecificationError
        ``not_with_traj`` for times to an event, ordered categories and coefficients that differ between groups.
    """
    if fit.dual is not None:
        raise SpecificationError(
            "method: traj has no outcome() in joint models.", code="not_with_traj", argument="method",
            way_out="Use method='ml', 'bch' or 'two-step'.",
        )
    if outcome.family in (*SURVIVAL, "ordinal") or len(design.own_names) > 1:
        what = f"family '{outcome.family}'" if len(design.own_names) == 1 else "covariates that interact with the group"
        raise SpecificationError(
            f"method: traj's regression on posteriors has no {what}.", code="not_with_traj", argument="method",
            way_out="Use method='ml', 'bch' or 'two-step'.",
        )
    from ..compute.threads import with_gradients
    from ..record.rebuild import module_of, panel_of

    options: dict[str, Any] = {"categories": outcome.categories} if outcome.categories else {"exposure": exposure}
    model = OUTCOME_MODELS[outcome.family](outcome.y, 1, **options)
    module, subjects = module_of(fit), panel_of(fit).subjects
    joint = _Joint(module, subjects, model, torch.tensor(design.common), torch.as_tensor(rows))
    with with_gradients():
        at, value = _climbed(joint, fit)
        cov = _covariance(joint, at, fit)
    layout, n = module.layout, module.layout.size
    x = torch.tensor(at[n:])
    shape = torch.as_tensor(at[len(at) - len(model.shape_names) :])
    slope = np.eye(len(at))
    slope[:n, :n] = layout.report_jacobian(at[:n])
    reported = np.concatenate([layout.report(at[:n]), x.numpy()])
    if shape.numel():
        reported[-shape.numel() :] = model.reported_shape(shape).numpy()
        slope[-shape.numel() :, -shape.numel() :] = np.diag(model.reported_shape(shape).numpy())
    bare = [*(f"group[{k + 1}]" for k in range(fit.n_groups)), *design.common_names]
    names = [f"{name}: {f'{e}: ' if e else ''}{b}" for e in model.equations for b in bare]
    names += [f"{name}: {s}" for s in model.shape_names]
    with torch.no_grad():
        _, p = joint.trajectories(torch.as_tensor(at[:n]))
        expected = joint.expected(p, x)
    return TrajOutcome(formula, [*layout.names, *names], reported, slope @ cov @ slope.T, value, fit.df_inference,
                       outcome.family, name, fit, p.numpy(), expected, rows)


def traj_two_step(fit: Fit, out: DistalResult, name: str) -> TrajOutcome:
    """Traj's ``twostep``: the trajectories as they were fitted, then sum log sum_k P_ik g(o_i; gamma_k).

    ``out`` is the two-step estimate with fixed shares and the inverse Hessian; traj's covariance has the factor
    N / (N - k + 1) of the outcome's own k, and nothing between trajectories and outcome.
    """
    n, k = out.nobs, len(out.names)
    posterior = fit.posterior.to_numpy()
    cov = np.zeros((len(fit.names) + k,) * 2)
    cov[: -k, : -k], cov[-k:, -k:] = fit.cov_params().to_numpy(), out.cov_params().to_numpy() * n / (n - k + 1)
    here, gamma = posterior[out.found.problem.rows], out.params.to_numpy()
    eta, structure = here @ gamma, out.structure
    assert not isinstance(structure, CoxStructure)
    chosen = np.where(structure.model.y.numpy()[:, None] == 1, gamma, -gamma)
    log_g = np.log((here / (1 + np.exp(-chosen))).sum(axis=1))
    names = [*fit.params.index, *(f"{name}: {p}" for p in out.names)]
    return TrajOutcome(
        out.formula, names, np.concatenate([fit.params.to_numpy(), out.params.to_numpy()]), cov, fit.llf,
        fit.df_inference, out.family, name, fit, posterior, 1 / (1 + np.exp(-eta))[:, None], out.found.problem.rows,
        two_step=True, outcome_llf=float(out.found.problem.weight @ log_g),
    )


def _climbed(joint: _Joint, fit: Fit) -> tuple[np.ndarray, float]:
    weight = torch.as_tensor(joint.subjects.relative_weights)
    theta = torch.as_tensor(fit.internal.params)
    with torch.no_grad():
        _, p = joint.trajectories(theta)
    intercepts, shape = joint.model.start(weight[joint.rows].numpy())
    wide = np.zeros((len(joint.model.equations), fit.n_groups + joint.common.shape[1]))
    wide[:, : fit.n_groups] = intercepts[:, None]
    start, _ = maximum(lambda x: weight[joint.rows] @ joint.log_g(p, x), np.concatenate([wide.ravel(), shape]))
    return maximum(lambda x: joint.value(x, weight), np.concatenate([theta.numpy(), start]))


def _covariance(joint: _Joint, at: np.ndarray, fit: Fit) -> np.ndarray:
    """Of the kind that the fit has: inverse information, times traj's factor, or a sandwich by person or cluster."""
    x = torch.tensor(at, requires_grad=True)
    weight = torch.tensor(joint.subjects.relative_weights, requires_grad=True)
    (score,) = torch.autograd.grad(joint.value(x, weight), x, create_graph=True)
    rows = [torch.autograd.grad(s, (x, weight), retain_graph=True) for s in score]
    inverse = np.linalg.inv(-torch.stack([r[0] for r in rows]).numpy())
    inverse = 0.5 * (inverse + inverse.T)
    if fit.cov_type == "hessian":
        return inverse
    if fit.cov_type == "traj" and joint.subjects.weights is None:
        return inverse * fit.nobs / (fit.nobs - len(at) + 1)
    psi = (torch.stack([r[1] for r in rows]).numpy() * weight.detach().numpy()).T @ inverse
    clustered = degrees_of_freedom("cluster", joint.subjects, len(at)) if fit.cov_type == "cluster" else None
    return psi.T @ psi if clustered is None else between_clusters(psi, joint.subjects)
