"""The middle of a sandwich for people on disk: sums of products of scores, by block."""

from __future__ import annotations

import numpy as np

from ..data.subjects import Subjects
from ..errors import SpecificationError
from ..likelihood.block_mixture import BlockMixture, BlockOfPeople
from ..specification.covariance_kinds import COVARIANCE_KINDS
from .score_variance import between_clusters, by_person, cluster_units, distinct_scores


def block_score_variance(
    module: BlockMixture, flat: np.ndarray, cov_type: str, *, weighted: bool
) -> tuple[np.ndarray | None, float | None]:
    """As :func:`.score_variance.score_variance`, and the degrees of freedom of t, None for the normal distribution.

    Raises
    ------
    SpecificationError
        ``not_on_disk`` for kinds that correct for leverage, ``single_cluster``.
    """
    kind, n, k = COVARIANCE_KINDS[cov_type], module.people, flat.size
    if kind.leverage:
        raise SpecificationError(
            f"cov_type: '{cov_type}' corrects the score of each unit, which data that stay on disk do not keep.",
            code="not_on_disk", argument="cov_type",
            way_out=f"Use '{'cluster' if kind.units == 'clusters' else 'robust'}': with so many units the correction "
            "is nothing.",
        )
    df = float(n - k) if kind.reference == "people" else None
    if cov_type == "hessian" or (cov_type == "traj" and not weighted):
        return None, df
    if kind.units != "clusters":
        parts = module.of_blocks(lambda block: _products(block, flat))
        return np.sum(parts, axis=0) * (n / (n - k) if kind.few else 1.0), df
    found = module.of_blocks(lambda block: _cluster_sums(block, flat))
    units = np.concatenate([u for u, _ in found], axis=1)
    stratum, cluster = (np.unique(u, return_inverse=True)[1].ravel() for u in units)
    subjects = Subjects(risk=np.zeros((units.shape[1], 0)), stratum=stratum, cluster=cluster)
    scores = np.concatenate([s for _, s in found])
    strata, _ = cluster_units(subjects)
    meat = between_clusters(scores, subjects) * ((n - 1) / (n - k) if kind.few else 1.0)
    return meat, float(strata.size - np.unique(strata).size)


def _products(block: BlockOfPeople, flat: np.ndarray) -> np.ndarray:
    scores = distinct_scores(block, flat)
    return (scores * block.square.numpy()[:, None]).T @ scores


def _cluster_sums(block: BlockOfPeople, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strata and clusters of a block (2, C), and the summed scores (C, p) of each; people are their own clusters
    where none are named."""
    assert block.units is not None
    scores = by_person(block, distinct_scores(block, flat))
    if block.people_weight is not None:
        scores = scores * block.people_weight[:, None]
    units, own = np.unique(block.units, axis=1, return_inverse=True)
    out = np.zeros((units.shape[1], scores.shape[1]))
    np.add.at(out, own.ravel(), scores)
    return units, out
