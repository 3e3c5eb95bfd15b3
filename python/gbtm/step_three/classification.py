"""How surely people are classified: D_ts = P(assigned to s | in t), and the weights that undo its errors.

With posteriors P, sampling weights s_i and A the assignment, one-hot by the largest posterior (modal) or P itself
(proportional): D_ts = sum_i s_i P_it A_is / sum_i s_i P_it. The weights of Bolck, Croon and Hagenaars (2004,
doi 10.1093/pan/mph001) are b_i = A_i D^-1: the row of D^-1 that a person is assigned to. They sum to 1 for each person
and, times s_i, over people to the size of each group; some are negative. Where the group of some people is known these
have no errors, and D is that of the others; :mod:`.information` has more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..data.known_groups import group_weights
from ..errors import SpecificationError
from .information import MOST_CONDITION, alike, singular, undone

if TYPE_CHECKING:
    from ..fit.fit import Fit

ASSIGNMENTS = ("modal", "proportional")


def assigned(posterior: np.ndarray, assignment: str) -> np.ndarray:
    """A (N, K): one-hot by the largest posterior, or the posteriors themselves."""
    check_assignment(assignment)
    if assignment == "proportional":
        return posterior
    return np.eye(posterior.shape[1])[posterior.argmax(axis=1)]


def check_assignment(assignment: str) -> str:
    """One of ``ASSIGNMENTS``, or ``bad_assignment``."""
    if assignment not in ASSIGNMENTS:
        raise SpecificationError(
            f"assignment: '{assignment}' is none.", code="bad_assignment", argument="assignment",
            way_out="Use 'modal' (the most probable group) or 'proportional' (the posterior probabilities).",
        )
    return assignment


@checked
@dataclass(frozen=True, eq=False)
class ClassificationError:
    """The errors of classification of a fit.

    Attributes
    ----------
    assignment : "modal" or "proportional"
    table : (K, K) D, rows the true groups, columns those assigned; rows sum to 1
    shares : (K,) sizes of the groups by the posteriors, as shares
    n_known : people whose group is known: they have no errors, and ``table`` is of the others
    """

    assignment: str
    table: pd.DataFrame
    shares: pd.Series
    n_known: int = 0

    @cached_property
    def inverse(self) -> pd.DataFrame:
        """D^-1 (K, K), whose rows are the BCH weights of those assigned to each group.

        Raises
        ------
        DataError
            ``singular_classification`` where the groups cannot be told apart by the assignment.
        """
        if not self.condition < MOST_CONDITION:
            raise singular(self.condition)
        return pd.DataFrame(np.linalg.inv(self.table.to_numpy()), index=self.table.columns, columns=self.table.index)

    @property
    def condition(self) -> float:
        """Condition number of D: 1 for no errors; beyond 10 what corrects them is loud."""
        return float(np.linalg.cond(self.table.to_numpy()))

    @property
    def logits(self) -> pd.DataFrame:
        """log(D_ts / D_tK) (K, K), which Mplus' manual third step fixes; -inf and inf where D has zeros."""
        d = self.table.to_numpy()
        with np.errstate(divide="ignore"):
            return pd.DataFrame(np.log(d) - np.log(d[:, -1:]), index=self.table.index, columns=self.table.columns)

    def __repr__(self) -> str:
        """D with the condition number under it."""
        head = f"P(assigned | true group), {self.assignment} assignment"
        if self.n_known:
            head += f"\nOf those whose group is not known: that of {self.n_known} people is"
        return f"{head}\n{self.table.round(4).to_string()}\nCondition number {self.condition:.3g}"


def classification_table(
    posterior: np.ndarray, weight: np.ndarray, assignment: str, known: np.ndarray | None = None
) -> np.ndarray:
    """D (K, K) of posteriors (N, K) and sampling weights (N,); those ``known`` (N,) bool are left out. A group in which
    then is nobody has no errors."""
    a = assigned(posterior, assignment)
    weighted = posterior * weight[:, None]
    if known is not None and known.any():
        size, d = weighted[~known].sum(axis=0), weighted[~known].T @ a[~known]
        return np.where(size[:, None] > 0, d / np.where(size > 0, size, 1.0)[:, None], np.eye(len(size)))
    return np.asarray(weighted.T @ a / weighted.sum(axis=0)[:, None])


@checked
def classification_error(res: Fit, assignment: str = "modal") -> ClassificationError:
    """The errors of classification of a fit.

    Parameters
    ----------
    assignment : "modal" by the largest posterior, "proportional" to the posteriors

    Raises
    ------
    SpecificationError
        ``bad_assignment``, ``one_group``, ``membership_covariates``.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.step_three.classification import classification_error
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> classification_error(res).table.sum(axis=1).tolist()
    [1.0, 1.0]
    """
    refuse(res)
    posterior, weight = res.posterior.to_numpy(), _weight(res)
    groups = pd.Index(res.group_names, name="group")
    known = _possible(res).sum(axis=1) == 1
    d = classification_table(posterior, weight, assignment, known)
    return ClassificationError(
        assignment, pd.DataFrame(d, index=groups, columns=groups.rename("assigned")),
        pd.Series(weight @ posterior / weight.sum(), index=groups, name="share"), int(known.sum()),
    )


@checked
def bch_weights(res: Fit, assignment: str = "modal") -> pd.DataFrame:
    """s_i b_it (N, K), indexed by id: what other software weights a person's row for each group with.

    Other software needs standard errors that allow negative weights, and takes the weights as known.

    Raises
    ------
    SpecificationError, DataError
        As :func:`classification_error`; ``singular_classification``.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.step_three.classification import bch_weights
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> bool((bch_weights(res).sum(axis=1).round(12) == 1).all())
    True
    """
    error, weight, posterior = classification_error(res, assignment), _weight(res), res.posterior.to_numpy()
    a, classes = assigned(posterior, assignment), alike(_possible(res))
    if classes:
        import torch

        b = undone(torch.tensor(posterior * weight[:, None]), torch.tensor(a), classes).numpy()
    else:
        b = a @ error.inverse.to_numpy()
    return pd.DataFrame(b * weight[:, None], index=res.posterior.index, columns=res.posterior.columns)


def _possible(res: Fit) -> np.ndarray:
    """The groups that each person may be in (N, K) bool."""
    weights = group_weights(res.known_groups, res.n_groups)
    return np.ones((res.n_subjects, res.n_groups), dtype=bool) if weights is None else np.asarray(weights > 0)


def _weight(res: Fit) -> np.ndarray:
    return np.ones(res.n_subjects) if res.weights is None else res.weights / res.weights.mean()


def refuse(res: Fit) -> None:
    """Refuse fits whose errors of classification are none that one table could hold."""
    if res.dual is not None and res.dual.risk is not None:
        raise SpecificationError(
            "res: the groups of the second outcome were fitted with membership covariates, which its posteriors hold.",
            code="membership_covariates", argument="res", way_out="Fit without risk2, and ask res.predictors().",
        )
    if res.n_groups < 2:
        raise SpecificationError(
            "res: with one group there is nothing to compare.", code="one_group", argument="res",
            way_out="Fit two groups or more.",
        )
    covariates = res.group_sets[0].membership.covariate_names
    if covariates:
        raise SpecificationError(
            f"res: its groups were fitted with membership covariates ({', '.join(covariates)}), so that its posteriors "
            "hold what these say, and the errors of classification are not the same for everybody.",
            code="membership_covariates", argument="res",
            way_out="Fit without risk, and ask res.predictors() what the covariates say of the groups.",
        )
