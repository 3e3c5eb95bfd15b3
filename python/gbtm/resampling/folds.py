"""Who is held out together: folds of people, whose clusters stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..data.panel import Panel
from ..errors import SpecificationError
from ..fit.fit import Fit
from ..model.prepared import Prepared
from ..specification.covariance_kinds import COVARIANCE_KINDS


class Model(Protocol):
    """A :class:`gbtm.GBTM`: a model on its data, not fitted."""

    @property
    def prepared(self) -> Prepared: ...


def units_of(
    panel: Panel, model: Fit | Model, cluster: Sequence[Any] | np.ndarray | None
) -> tuple[np.ndarray, list[str]]:
    """(N,) codes 0.. of what a fold holds whole: subjects, or clusters; and what has to be said of that."""
    if cluster is not None:
        codes = np.asarray(cluster)
        if codes.shape != (panel.n_subjects,) or pd.isna(codes).any():
            raise SpecificationError(
                f"cluster: {codes.size} values for {panel.n_subjects} subjects, or some are missing.",
                code="bad_cluster", argument="cluster", way_out="Give the cluster of each subject that was fitted.",
            )
        return pd.factorize(codes)[0], []
    subjects = panel.subjects
    if subjects.cluster is not None:
        from ..estimation.score_variance import cluster_units

        return cluster_units(subjects)[1], []
    if isinstance(model, Fit) and COVARIANCE_KINDS[model.cov_type].units == "clusters":
        return np.arange(panel.n_subjects), [
            "The fit's standard errors allow for sampling clusters, but its file does not hold them: subjects of one "
            "cluster may be on both sides of a split. Give cluster=, or the model itself."
        ]
    return np.arange(panel.n_subjects), []


def folds_of(folds: int | str | Sequence[Any] | np.ndarray, units: np.ndarray, rng: int) -> np.ndarray:
    """(N,) fold of each subject, from 0."""
    n_units = int(units.max()) + 1
    if isinstance(folds, str):
        if folds == "subject":
            return units
    elif isinstance(folds, (int, np.integer)) and not isinstance(folds, bool):
        if 2 <= folds <= n_units:
            order = np.random.default_rng(np.random.SeedSequence(rng)).permutation(n_units)
            of_unit = np.empty(n_units, dtype=np.int64)
            of_unit[order] = np.arange(n_units) % int(folds)
            return np.asarray(of_unit[units])
    else:
        given = np.asarray(folds)
        codes = pd.factorize(given, sort=True)[0] if given.ndim == 1 else np.empty(0)
        if codes.shape == units.shape and codes.min() >= 0 and codes.max() >= 1:
            return codes
    raise SpecificationError(
        f"folds: {folds if isinstance(folds, (int, str)) else 'these values'} cannot split {n_units} "
        f"{'subjects' if n_units == units.size else 'clusters'}.", code="bad_folds", argument="folds",
        way_out="Give a number from 2 to that many, 'subject' to leave out one at a time, or the fold of each subject.",
    )
