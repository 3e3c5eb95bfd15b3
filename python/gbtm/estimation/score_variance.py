"""The middle of a sandwich: the variance of the total score, over people or clusters.

``robust``: B = sum_i s_i^2 g_i g_i', g_i the score of subject i and s_i his weight. ``cluster``: the scores s_i g_i
of a cluster are summed to G_c first, and these sums centred within strata, each stratum's part times n_h / (n_h - 1).
``HC1`` is ``robust`` times N / (N - k), ``CR1S`` is ``cluster`` times (N - 1) / (N - k).

At the estimates scores are too small, for the fit follows each unit's data: with A the information and I_c that of a
unit, E G_c G_c' = (1 - I_c A^-1) I_c where the model is right. CR2 (HC2 of people) puts (1 - I_c A^-1)^-1/2 G_c in the
place of G_c, which makes that I_c (Bell and McCaffrey 2002; Kauermann and Carroll 2001 for likelihoods). CR3 (HC3)
puts (1 - I_c A^-1)^-1 G_c, which makes A^-1 B A^-1 the jackknife over units of one Newton step each. I_c is the unit's
observed information in internal coordinates (log sigma, logits). For the coefficients of a linear predictor with
canonical link I_c A^-1 is X_c' W_c X_c (X'W X)^-1, and both are those of regression.
"""

from __future__ import annotations

import numpy as np
import torch

from ..data.subjects import Subjects
from ..errors import SpecificationError
from ..likelihood.derivatives import subject_scores
from ..likelihood.mixture import Mixture
from ..specification.covariance_kinds import COVARIANCE_KINDS

STEP = 1e-3  # of a standard error, and of a unit of an internal parameter: scores are differenced at four points
MOST_LEVERAGE = 0.99  # of a unit that holds more, or all, of what is known of some combination of parameters


def score_variance(
    module: Mixture, flat: np.ndarray, cov_type: str, subjects: Subjects, root: np.ndarray
) -> np.ndarray | None:
    """The middle of the sandwich (p, p); None where ``cov_type`` has no sandwich.

    ``root`` (p, m) is the root of the inverse of the information: root root' = A^-1.

    Raises
    ------
    SpecificationError
        ``single_cluster`` where a stratum has one cluster.
    """
    if cov_type == "hessian" or (cov_type == "traj" and subjects.weights is None):
        return None
    kind, weight = COVARIANCE_KINDS[cov_type], subjects.relative_weights
    n, k = weight.size, flat.size
    if kind.leverage:
        return _corrected(module, flat, kind.leverage, subjects, root, by_cluster=kind.units == "clusters")
    scores = distinct_scores(module, flat)
    if kind.units != "clusters":
        square = weight**2 if module.expand is None else np.bincount(module.expand, weight**2)
        return (scores * square[:, None]).T @ scores * (n / (n - k) if kind.few else 1.0)
    scores = by_person(module, scores) * weight[:, None]
    return between_clusters(scores, subjects) * ((n - 1) / (n - k) if kind.few else 1.0)


def cluster_units(subjects: Subjects) -> tuple[np.ndarray, np.ndarray]:
    """The stratum of each cluster (C,), and the cluster of each subject (N,); clusters may be numbered anew in each
    stratum, and without clusters each subject is one."""
    n = subjects.n_subjects
    stratum = np.zeros(n, dtype=np.int64) if subjects.stratum is None else subjects.stratum
    cluster = np.arange(n) if subjects.cluster is None else subjects.cluster
    units, unit = np.unique(np.stack([stratum, cluster]), axis=1, return_inverse=True)
    return units[0], unit.ravel()


def degrees_of_freedom(cov_type: str, subjects: Subjects, n_parameters: int) -> float | None:
    """Those of t in intervals and tests: clusters less strata, or people less parameters; None for the normal."""
    reference = COVARIANCE_KINDS[cov_type].reference
    if reference == "clusters":
        strata, _ = cluster_units(subjects)
        return float(strata.size - np.unique(strata).size)
    return float(subjects.n_subjects - n_parameters) if reference == "people" else None


def distinct_scores(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Scores (U, p) of the distinct subjects."""
    with torch.no_grad():
        return subject_scores(module, torch.as_tensor(flat, dtype=torch.float64, device=module.device)).cpu().numpy()


def by_person(module: Mixture, of_distinct: np.ndarray) -> np.ndarray:
    return of_distinct if module.expand is None else of_distinct[module.expand]


def _sums(values: np.ndarray, unit: np.ndarray, n_units: int) -> np.ndarray:
    """Rows (N, p) summed by unit."""
    out = np.zeros((n_units, values.shape[1]))
    np.add.at(out, unit, values)
    return out


def between_clusters(scores: np.ndarray, subjects: Subjects) -> np.ndarray:
    strata, unit = cluster_units(subjects)
    _refuse_single(strata, subjects)
    sums = _sums(scores, unit, strata.size)
    out = np.zeros((scores.shape[1], scores.shape[1]))
    for h in np.unique(strata):
        cluster_scores = sums[strata == h]
        centred = cluster_scores - cluster_scores.mean(axis=0)
        out += cluster_scores.shape[0] / (cluster_scores.shape[0] - 1) * centred.T @ centred
    return out


def _refuse_single(strata: np.ndarray, subjects: Subjects) -> None:
    alone = np.flatnonzero(np.bincount(strata) == 1)
    if alone.size:
        where = "the data" if subjects.stratum is None else f"stratum {alone[0] + 1}"
        raise SpecificationError(
            f"cluster: {where} has one cluster, which says nothing of the variance between clusters.",
            code="single_cluster", argument="cluster",
            way_out="Join strata, or use cov_type='robust'.",
        )


def _corrected(
    module: Mixture, flat: np.ndarray, power: float, subjects: Subjects, root: np.ndarray, *, by_cluster: bool
) -> np.ndarray:
    """B with each unit's score corrected for its leverage, (1 - I_c A^-1)^power G_c.

    In coordinates in which A is the identity, I_c is P_c = root' I_c root, symmetric. What has no information at all
    is left out, as it is of A^-1.
    """
    weight = subjects.relative_weights
    strata, unit = cluster_units(subjects) if by_cluster else (np.zeros(weight.size), np.arange(weight.size))
    if by_cluster:
        _refuse_single(strata, subjects)

    def sums(at: np.ndarray) -> np.ndarray:
        weighted = by_person(module, distinct_scores(module, at)) * weight[:, None]
        return _sums(weighted, unit, strata.size) if by_cluster else weighted

    share = np.empty((strata.size, root.shape[1], root.shape[1]))
    for j, direction in enumerate(root.T):
        # the derivative of the scores along a direction in which the estimates have variance 1
        length = STEP / max(1.0, float(np.abs(direction).max()))
        step = length * direction
        near, far = sums(flat + step) - sums(flat - step), sums(flat + 2 * step) - sums(flat - 2 * step)
        share[:, :, j] = -(8 * near - far) @ root / (12 * length)
    values, axes = np.linalg.eigh(0.5 * (share + share.transpose(0, 2, 1)))
    factor = (1 - values.clip(max=MOST_LEVERAGE)) ** power
    scores = sums(flat) @ root
    corrected = np.einsum("cij,cj,ckj,ck->ci", axes, factor, axes, scores, optimize=True)
    back = np.linalg.pinv(root)  # from these coordinates to scores
    return back.T @ (corrected.T @ corrected) @ back
