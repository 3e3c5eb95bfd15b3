"""Standard errors of step three that carry step one and the estimated classification errors.

Parameters gamma solve S(gamma; s, D, theta) = 0, S the derivative of the objective. What person i moves them by is

    psi_i = A^-1 { s_i dS/ds_i + sum_ts dS/dD_ts s_i P_it (A_is - D_ts) / n_t + dS/dtheta psi1_i },  A = -dS/dgamma

with n_t = sum_i s_i P_it and psi1_i what he moves step one's theta by: the first term is his own score, the second his
part in the estimate of D, the third his part in step one, by which D, the posteriors and, for ``two-step``, the
densities f_t are known. V = sum_i psi_i psi_i', summed within clusters and centred within strata as for any fit. The
modal assignment is held fixed: a person who changes sides takes D with him, which has no first-order effect.

As D is a function of the sampling weights, the first two terms together are s_i times the derivative of S in s_i
through both, so that autograd gives them without a formula for D.

Others, for comparison: ``robust`` takes theta and D as known; ``bov`` is that plus the variance of theta (Bakk, Oberski
and Vermunt 2014, doi 10.1093/pan/mpu003); ``bakk-kuha`` is the inverse Hessian plus the variance of theta (Bakk and
Kuha 2018, doi 10.1007/s11336-017-9592-7); ``model`` is the inverse Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..errors import SpecificationError
from ..estimation.score_variance import between_clusters
from .problem import Problem
from .root import about_inverse, conjugate_gradients

NEAR = 1e-10  # of the residual, to which the columns of A^-1 are found: an influence has as many digits
COVARIANCES = ("stacked", "robust", "bov", "bakk-kuha", "model")


@dataclass(frozen=True, eq=False)
class Influence:
    """How estimates (q,) depend on people and on step one.

    Attributes
    ----------
    curvature : (q, q) A = -dS/dgamma
    own : (N, q) s_i dS/ds_i, his own score
    through_d : (N, q) his part in the estimate of D
    by_theta : (q, p) dS/dtheta
    """

    curvature: np.ndarray
    own: np.ndarray
    through_d: np.ndarray
    by_theta: np.ndarray


def influence(problem: Problem, parameters: np.ndarray) -> Influence:
    """At parameters that solve the problem; those without names, which follow the q others, are taken out.

    With X the columns of A^-1 of the q, psi is X' times the scores of all parameters, so that C X' is their effective
    score and C, the inverse of the first rows of X, its curvature.
    """
    one, q = problem.step_one, len(problem.structure.names)
    gamma = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
    weight, of_d, log_f, log_pi = (
        torch.tensor(x, dtype=torch.float64, requires_grad=True)
        for x in (problem.weight, one.weight, one.log_f, one.log_pi)
    )
    value = problem.structure.objective(gamma, problem.evidence(of_d, log_f, log_pi), weight)
    (score,) = torch.autograd.grad(value, gamma, create_graph=True)
    rest = problem.structure.nuisance(problem.weight)
    if rest.size:
        times = problem.structure.curvature_times(parameters, problem.evidence(), torch.as_tensor(problem.weight))
        roughly = about_inverse(times, q, rest)
        columns = np.stack([conjugate_gradients(times, u, roughly, NEAR) for u in np.eye(q, len(parameters))])
        curvature = np.linalg.inv(columns[:, :q])
        scores = list(torch.as_tensor(curvature @ columns) @ score)
    else:
        scores = list(score)
    inputs = (gamma, weight, of_d, log_f, log_pi)
    rows = [torch.autograd.grad(s, inputs, retain_graph=True, allow_unused=True) for s in scores]
    by_gamma, by_weight, by_weight_of_d, by_log_f, by_log_pi = (
        np.stack([(torch.zeros_like(x) if r[j] is None else r[j]).detach().numpy() for r in rows])
        for j, x in enumerate(inputs)
    )
    if not rest.size:
        curvature = -by_gamma
    own = np.zeros((len(one.weight), q))
    own[problem.rows] = (by_weight * problem.weight).T
    return Influence(curvature, own, (by_weight_of_d * one.weight).T, one.in_parameters(by_log_f, by_log_pi))


def person_influence(problem: Problem, found: Influence, kind: str = "stacked") -> np.ndarray:
    """psi (N, q), what each person moves the estimates by: all of it, or with ``robust`` by his own score alone."""
    total = found.own
    if kind == "stacked":
        total = total + found.through_d + problem.step_one.influence @ found.by_theta.T
    return np.asarray(np.linalg.solve(found.curvature, total.T).T)


def covariance(problem: Problem, found: Influence, kind: str = "stacked") -> np.ndarray:
    """(q, q) of a kind of ``COVARIANCES``.

    Raises
    ------
    SpecificationError
        ``bad_covariance``: no such kind, or one that the method has not.
    """
    check_covariance(kind, problem.method)
    if kind in ("stacked", "robust"):
        return spread(problem, person_influence(problem, found, kind))
    inverse = np.linalg.inv(found.curvature)
    plain = 0.5 * (inverse + inverse.T)
    if kind == "model":
        return plain
    of_step_one = found.by_theta @ problem.step_one.inverse_information @ found.by_theta.T
    added = inverse @ of_step_one @ inverse.T
    return added + (plain if kind == "bakk-kuha" else spread(problem, person_influence(problem, found, "robust")))


def spread(problem: Problem, psi: np.ndarray) -> np.ndarray:
    """Influences (N, q) -> covariance (q, q): squared by person, or by cluster as the survey's design has it."""
    subjects = problem.step_one.subjects
    if subjects.cluster is None and subjects.stratum is None:
        return np.asarray(psi.T @ psi)
    return between_clusters(psi, subjects)


def check_covariance(kind: str, method: str) -> None:
    """Refuse a covariance that does not exist, or that says nothing of a method."""
    if kind not in COVARIANCES:
        raise SpecificationError(
            f"covariance: '{kind}' is none.", code="bad_covariance", argument="covariance",
            way_out=f"Use one of {', '.join(COVARIANCES)}; 'stacked' is right.",
        )
    if method == "bch" and kind in ("model", "bakk-kuha"):
        raise SpecificationError(
            f"covariance: '{kind}' has no meaning under method='bch', whose objective is no likelihood.",
            code="bad_covariance", argument="covariance", way_out="Use 'stacked', which is right, or 'robust'.",
        )
