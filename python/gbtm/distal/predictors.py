"""Membership covariates after the fact: who is in which group, by three steps.

rho_t(z) = softmax_t(z'theta_t) in place of step one's shares, with the trajectories as they were fitted: the groups do
not move when covariates come or go, as they do where both are fitted at once (``risk=``). Vermunt (2010, doi
10.1093/pan/mpq025) for ``ml`` and ``bch``, Bakk and Kuha (2018, doi 10.1007/s11336-017-9592-7) for ``two-step``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.formula_design import covariate_columns
from ..columns.formula_variables import term_columns
from ..columns.reading import require_columns
from ..errors import DataError, SpecificationError, warn
from ..findings.data_checks import Finding
from ..step_three.classification import check_assignment
from ..step_three.estimates import estimates
from ..step_three.influence import check_covariance
from ..step_three.problem import MembershipStructure, Problem
from ..step_three.step_one import StepOne
from .cautions import examine, known_note
from .distal_outcome import check_method, degrees, groups_asked, refuse_part
from .formula import refuse_collinear
from .one_step import one_step
from .people import complete_rows, of_rows, people_of
from .predictors_result import PredictorsResult

if TYPE_CHECKING:
    from ..fit.fit import Fit

BOUNDARY = 15.0  # standard deviations of a covariate times its coefficient, from which it runs to infinity


@checked
def predictors(
    res: Fit, covariates: str | Sequence[str], data: pd.DataFrame, *, method: str = "two-step",
    assignment: str = "modal", ref: int | None = None, id: str | Sequence[str] | None = None,
    covariance: str = "stacked", groups_of: str | int | None = None
) -> PredictorsResult:
    """Membership covariates after the fact.

    Parameters
    ----------
    covariates : a formula, ``"~ sex + C(region)"``, or names of columns
    data : people, a row each, or rows of a person that agree; joined by id. Who lacks a covariate is left out of step
        three and counted
    method : "two-step" (default: least variance), "ml" (R3STEP), "bch", "naive"
    assignment : "modal", or "proportional" to the posteriors; not for "two-step", which assigns nobody
    ref : the reference group, from 1; by default that of the fit
    id : column or columns of the ids; by default as in the data of the fit
    covariance, groups_of : as for :func:`gbtm.distal.distal_outcome.distal`

    Returns
    -------
    PredictorsResult

    Raises
    ------
    SpecificationError, DataError
        As :func:`gbtm.distal.distal_outcome.distal`; ``bad_ref``, ``no_covariates``.

    Warns
    -----
    GBTMWarning
        What is doubtful; also in ``warnings`` of the result.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.distal.predictors import predictors
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> people = data[["id"]].drop_duplicates()
    >>> people["odd"] = people["id"] % 2
    >>> predictors(res, "~ odd", people).names
    ['theta[2]', 'theta_odd[2]']
    """
    check_assignment(assignment)
    check_method(method)
    check_covariance(covariance, method)
    refuse_part(res)
    whole, (res, group_set) = res, groups_asked(res, groups_of)
    if ref is not None and not 1 <= ref <= res.n_groups:
        raise SpecificationError(
            f"ref: there is no group {ref}.", code="bad_ref", argument="ref",
            way_out=f"The groups are 1 to {res.n_groups}.",
        )
    rows, z, names = _columns(res, covariates, data, id)
    one = StepOne.of(whole, group_set)
    reference = res.group_sets[0].reference if ref is None else ref - 1
    structure = MembershipStructure(z, names, res.n_groups, reference)
    notes = (*_notes(len(one.weight) - len(rows), covariance), *known_note(rows, one))
    formula = covariates if isinstance(covariates, str) else "~ " + " + ".join(covariates)

    def by(other: str) -> PredictorsResult:
        problem = Problem(structure, one, rows, other, assignment)
        findings = examine(res, problem)
        found = estimates(problem)
        lost, bounds = _boundary(structure, found.parameters)
        same = other == method
        return PredictorsResult(
            formula.strip(), found, covariance if same else "stacked", notes if same else (), tuple(findings + bounds),
            by, degrees(one, len(structure.names)), tuple(lost),
            None if whole.dual is not None else lambda: one_step(res, structure, rows),
        )

    result = by(method)
    for finding in result.findings:
        warn(finding.message)
    return result


def _columns(
    res: Fit, covariates: str | Sequence[str], data: pd.DataFrame, id: str | Sequence[str] | None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Who has all covariates (n,), the constant and the covariates (n, R), names of the latter."""
    used = term_columns(covariates, data)
    if not isinstance(covariates, str):
        require_columns(data, list(covariates), "covariates")
    if not used:
        raise SpecificationError(
            f"covariates: {covariates!r} names no column.", code="no_covariates", argument="covariates",
            way_out="For example '~ sex + C(region)', or ['sex', 'age'].",
        )
    people = people_of(res, data, used, id)
    rows = complete_rows(people, used)
    if rows.size == 0:
        raise DataError(f"data: nobody has all of {', '.join(used)}.", code="nobody", argument="data",
                        way_out="Look for a column without values.")
    x, names, _ = covariate_columns(covariates, of_rows(people, rows), "covariates")
    if not np.isfinite(x).all():
        raise DataError("covariates: infinite values.", code="infinite", argument="covariates", way_out="Recode them.")
    z = np.column_stack([np.ones(rows.size), x])
    refuse_collinear(z, ("intercept", *names))
    return rows, z, tuple(names)


def _notes(left_out: int, covariance: str) -> tuple[str, ...]:
    notes = []
    if left_out:
        notes.append(f"{left_out} people of the fit lack a covariate and are not in step three.")
    if covariance == "stacked":
        notes.append("Standard errors carry step 1 and the estimated errors of classification.")
    return tuple(notes)


def _boundary(structure: MembershipStructure, parameters: np.ndarray) -> tuple[list[int], list[Finding]]:
    """Covariates that separate a group from the reference."""
    theta = parameters.reshape(len(structure.others), -1)
    size = np.concatenate([[1.0], structure.z.numpy()[:, 1:].std(axis=0)])
    lost, found = [], []
    for j, t in enumerate(structure.others):
        for r in np.flatnonzero(np.abs(theta[j] * size) > BOUNDARY):
            lost.append(j * theta.shape[1] + int(r))
            if r:
                found.append(Finding(
                    "at_boundary", t + 1, f"{structure.covariates[r - 1]} separates group {t + 1} from group "
                    f"{structure.reference + 1}: its coefficient runs to infinity and has no standard error. Join "
                    "levels, or leave it out.",
                ))
    return lost, found
