"""Distal outcomes: how the groups of a fit differ in what was measured after the trajectory.

Groups are known with error, and to treat an assignment as the truth shrinks what they differ by. Formulas: Vermunt
(2010, doi 10.1093/pan/mpq025), Bakk, Tekle and Vermunt (2013, doi 10.1177/0081175012470644), Bakk and Kuha (2018, doi
10.1007/s11336-017-9592-7); standard errors: :mod:`gbtm.step_three.influence`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.reading import numeric, require_columns
from ..errors import DataError, SpecificationError, warn
from ..estimation.score_variance import degrees_of_freedom
from ..findings.data_checks import Finding
from ..fit.outcome_view import number_of
from ..step_three.classification import check_assignment
from ..step_three.cox import CoxStructure
from ..step_three.estimates import estimates
from ..step_three.evidence import MIXTURES
from ..step_three.influence import check_covariance
from ..step_three.linear_predictor import Design, LinearPredictor
from ..step_three.outcome_models import OUTCOME_MODELS
from ..step_three.problem import DistalStructure, Problem
from ..step_three.step_one import StepOne
from .cautions import examine, known_note, measured_too_early, refuse_own_outcome
from .distal_result import DistalResult
from .formula import DistalFormula, design_of_formula, read_formula, variables_of
from .outcome import Outcome, read_outcome
from .people import complete_rows, of_rows, people_of
from .three_step import METHODS
from .traj_outcome import TrajOutcome, traj_outcome

if TYPE_CHECKING:
    from ..fit.fit import Fit

BOUNDARY = 12.0  # a logit, or difference of log rates, beyond which a group has all or nothing


@checked
def distal(
    res: Fit, formula: str, data: pd.DataFrame, *, family: str | None = None, method: str | None = None,
    assignment: str = "modal", shares: str = "free", sigma_by_group: bool | None = None, exposure: str | None = None,
    id: str | Sequence[str] | None = None, measured_at: float | str | None = None, covariance: str = "stacked",
    groups_of: str | int | None = None,
) -> DistalResult | TrajOutcome:
    """A distal outcome by group.

    Parameters
    ----------
    formula : ``"prison ~ group + age0"``; ``group`` stands for the groups of the fit. ``"~ group * v"`` has a slope of
        v in each group. Times to an event: ``"Surv(time, event) ~ group"``, or ``Surv(entry, time, event)``
    data : people, a row each, or rows of a person that agree; joined by id, never by the order of the rows. Who lacks
        something that the formula needs is left out of step three and counted
    family : "normal", "logit", "poisson", "negbin", "nominal", "ordinal", "exponential", "weibull", "cox"; by default
        what the values say: 0/1 logit, text or categories nominal or ordinal, fractions normal, Surv() cox
    method : "ml" (default but for normal outcomes), "bch" (default for those: it holds whatever their distribution
        within groups), "two-step" (least variance, and needs the distribution most), "naive"; "traj" for the
        regression on posteriors of Stata's traj, see :mod:`.traj_outcome`
    assignment : "modal", or "proportional" to the posteriors
    shares : "free" to estimate the shares again with the outcome, "fixed" at step one's; for "ml" and "two-step"
    sigma_by_group : each group has its own sigma, psi or shape; by default sigma does, but for BCH, whose means do not
        depend on it without covariates
    exposure : column of the time at risk of counts
    id : column or columns of the ids; by default as in the data of the fit
    measured_at : when the outcome was measured, on the scale of the trajectory's time: a number or a column
    covariance : "stacked", which carries step one and the estimated classification errors; for comparison "robust"
        (both known), "bov", "bakk-kuha", "model"
    groups_of : of a dual model the outcome whose groups are meant, by name or number from 1

    Returns
    -------
    DistalResult; with ``method="traj"`` a :class:`~gbtm.distal.traj_outcome.TrajOutcome`

    Raises
    ------
    SpecificationError
        ``membership_covariates``, ``one_group``, ``no_group``, ``bad_formula``, ``bad_family``, ``no_family``,
        ``bad_method``, ``own_outcome``, ``part_of_a_fit`` and others.
    DataError
        ``no_id_matches``, ``bad_outcome``, ``negative_variance``, ``proportion_outside``, ``no_solution``,
        ``singular_classification``.

    Warns
    -----
    GBTMWarning
        What is doubtful; also in ``warnings`` of the result.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.distal.distal_outcome import distal
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> people = data.groupby("id", as_index=False).agg(late=("y", "last"))
    >>> out = distal(res, "late ~ group", people)
    >>> out.method, out.names
    ('bch', ['group[1]', 'group[2]', 'sigma'])
    """
    refuse_part(res)
    part, group_set = groups_asked(res, groups_of)
    request = _Request(res, part, group_set, formula, data, family, method, assignment, shares, sigma_by_group,
                       exposure, id, measured_at, covariance)
    result = request.answer()
    if isinstance(result, TrajOutcome):
        return result
    for finding in result.findings:
        warn(finding.message)
    return result


@dataclass(frozen=True, eq=False)
class _Request:
    """What was asked for: of ``fit``, which of a dual model is the outcome whose groups are meant, of ``whole``."""

    whole: Fit
    fit: Fit
    group_set: int
    formula: str
    data: pd.DataFrame
    family: str | None
    method: str | None
    assignment: str
    shares: str
    sigma_by_group: bool | None
    exposure: str | None
    id: str | Sequence[str] | None
    measured_at: float | str | None
    covariance: str

    def answer(self) -> DistalResult | TrajOutcome:
        check_assignment(self.assignment)
        if self.shares not in ("free", "fixed"):
            raise SpecificationError(
                f"shares: '{self.shares}' is none.", code="bad_shares", argument="shares",
                way_out="Use 'free' or 'fixed'.",
            )
        if self.method is not None and self.method != "traj":
            check_method(self.method)
            check_covariance(self.covariance, self.method)
        parsed = read_formula(self.formula, [str(c) for c in self.data.columns])
        refuse_own_outcome(self.whole, parsed.outcome_columns)
        people, rows = self._people(parsed)
        here = of_rows(people, rows)
        outcome = read_outcome(parsed, here, self.family)
        design = design_of_formula(parsed.own, parsed.common, here)
        at_risk = None if self.exposure is None else _exposure(here[self.exposure], self.exposure, outcome.family)
        if self.method == "traj":
            return traj_outcome(self.whole, parsed.text, parsed.outcome, outcome, design, rows, at_risk)
        method = self.method or ("bch" if outcome.family == "normal" else "ml")
        check_covariance(self.covariance, method)
        one = StepOne.of(self.whole, self.group_set)
        early = measured_too_early(self.fit, self.measured_at, people, rows)
        notes = (*self._notes(outcome, method, len(people) - len(rows), design), *known_note(rows, one))

        def by(other: str) -> DistalResult:
            structure = self._structure(outcome, design, other, at_risk)
            problem = Problem(structure, one, rows, other, self.assignment)
            findings = early + examine(self.fit, problem)
            found = estimates(problem)
            lost, bounds = boundary(structure, found.parameters, problem.weight)
            kind = self.covariance if other == method else "stacked"
            return DistalResult(
                parsed.text, found, kind, notes if other == method else (), tuple(findings + bounds), by,
                degrees(one, len(structure.names)), tuple(lost),
            )

        return by(method)

    def _people(self, parsed: DistalFormula) -> tuple[pd.DataFrame, np.ndarray]:
        covariates = variables_of(parsed.right, [str(c) for c in self.data.columns], self.data)
        extra = [] if self.exposure is None else [self.exposure]
        require_columns(self.data, parsed.outcome_columns, "formula")
        require_columns(self.data, extra, "exposure")
        when = [self.measured_at] if isinstance(self.measured_at, str) else []
        needed = list(dict.fromkeys([*parsed.outcome_columns, *covariates, *extra]))
        people = people_of(self.fit, self.data, list(dict.fromkeys([*needed, *when])), self.id)
        rows = complete_rows(people, needed)
        if rows.size == 0:
            raise DataError(
                f"data: nobody has all of {', '.join(needed)}.", code="nobody", argument="data",
                way_out="Look for a column without values.",
            )
        return people, rows

    def _structure(
        self, outcome: Outcome, design: Design, method: str, at_risk: np.ndarray | None
    ) -> DistalStructure | CoxStructure:
        k = self.fit.n_groups
        mixes, free = method in MIXTURES, self.shares == "free"
        if outcome.family == "cox":
            return CoxStructure(outcome.y, LinearPredictor(design, k, ("",), True), mixes=mixes, free_shares=free)
        by_group = self.sigma_by_group
        if by_group is None:
            by_group = outcome.family == "normal" and (method != "bch")
        options: dict[str, Any] = {"categories": outcome.categories} if outcome.categories else {"exposure": at_risk}
        model = OUTCOME_MODELS[outcome.family](outcome.y, k, by_group=by_group, **options)
        predictor = LinearPredictor(design, k, model.equations, model.first_is_zero)
        return DistalStructure(model, predictor, mixes=mixes, free_shares=free)

    def _notes(self, outcome: Outcome, method: str, left_out: int, design: Design) -> tuple[str, ...]:
        notes = []
        if outcome.inferred:
            notes.append(f"Family {outcome.family}, as the values say; family='..' for another.")
        if self.method is None:
            why = "it holds whatever the distribution within groups" if method == "bch" else (
                "it stays within bounds and has the smaller variance")
            notes.append(f"Method {METHODS[method]}, the default for this family: {why}.")
        if left_out:
            notes.append(f"{left_out} people of the fit lack the outcome or a covariate: they are in step one "
                         "and not in step three.")
        if "group" in self.data.columns:
            notes.append("The table's own column 'group' is not used: in the formula it stands for the fit's groups.")
        if not design.saturated:
            notes.append("Numbers by group are averaged over the covariates of everybody in step three.")
        if self.covariance == "stacked":
            notes.append("Standard errors carry step 1 and the estimated errors of classification.")
        return tuple(notes)


def refuse_part(res: Fit) -> None:
    """One outcome of several says who is probably where, and not how sure the estimates behind that are.

    Raises
    ------
    SpecificationError
        ``part_of_a_fit``.
    """
    if res.part_of:
        name = res.outcome_names[0]
        raise SpecificationError(
            f"res: {name} was fitted together with others, and standard errors of step three carry those of all.",
            code="part_of_a_fit", argument="res",
            way_out=f"Ask the whole fit, of {', '.join(res.part_of)}; of a dual model with groups_of='{name}'.",
        )


def groups_asked(res: Fit, groups_of: str | int | None) -> tuple[Fit, int]:
    """A fit with the groups that are meant, and which set of groups they are.

    Raises
    ------
    SpecificationError
        ``two_group_sets`` where a dual model does not know which; ``one_group_set`` where there is nothing to choose;
        ``unknown_outcome``.
    """
    if res.dual is None:
        if groups_of is not None:
            raise SpecificationError(
                "groups_of: the fit has one set of groups.", code="one_group_set", argument="groups_of",
                way_out="Leave it out: it is for dual models.",
            )
        return res, 0
    if groups_of is None:
        raise SpecificationError(
            "groups_of: a dual model has two sets of groups.", code="two_group_sets", argument="groups_of",
            way_out=f"Say whose groups are meant: groups_of='{res.outcome_names[0]}' or '{res.outcome_names[1]}'.",
        )
    return res.of_outcome(groups_of), number_of(res.outcome_names, groups_of)


def check_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method not in METHODS:
        raise SpecificationError(
            f"method: '{method}' is none.", code="bad_method", argument="method",
            way_out=f"Use one of {', '.join(METHODS)}, or 'traj' for a distal outcome.",
        )


def degrees(one: StepOne, n_parameters: int) -> float:
    """Of t in intervals and tests: clusters less strata, infinite without a survey's design."""
    if one.subjects.cluster is None and one.subjects.stratum is None:
        return np.inf
    found = degrees_of_freedom("cluster", one.subjects, n_parameters)
    return np.inf if found is None else found


def _exposure(column: pd.Series, name: str, family: str) -> np.ndarray:
    if family not in ("poisson", "negbin"):
        raise SpecificationError(
            f"exposure: family '{family}' has none.", code="bad_exposure", argument="exposure",
            way_out="Leave it out, or use family='poisson' or 'negbin'.",
        )
    values = numeric(column, name)
    if not (values > 0).all():
        raise DataError(
            f"{name}: the exposure is not above 0 throughout.", code="bad_exposure", argument=name,
            way_out="Give the time at risk; missing where a person was not at risk.",
        )
    return values


def boundary(
    structure: DistalStructure | CoxStructure, parameters: np.ndarray, weight: np.ndarray
) -> tuple[list[int], list[Finding]]:
    """Parameters that ran to infinity: their positions, and what to know of them."""
    if isinstance(structure, DistalStructure) and structure.model.contrast is None:
        return [], []  # a mean
    from .response import mean_predictors

    q, lost, found = len(structure.names), set(), []
    mean = mean_predictors(structure, weight) @ parameters[:q]
    for e, name in enumerate(structure.predictor.equations):
        at = structure.predictor.own_positions(0)[e]
        logits = isinstance(structure, CoxStructure) or structure.model.response_scale == "logit"
        far = np.abs(mean[e]) > BOUNDARY if logits else mean[e] < mean[e].max() - BOUNDARY
        for t in np.flatnonzero(far):
            if at[t] < 0:
                continue
            lost.add(structure.n_shares + int(at[t]))
            of = f" of '{name}'" if name else ""
            found.append(Finding(
                "at_boundary", int(t) + 1, f"Group {t + 1}{of} has all or nothing, as far as the data say: its "
                f"coefficient runs to {'' if mean[e, t] > 0 else 'minus '}infinity and has no standard error. "
                "Report the group's number without an interval, or join groups.",
            ))
    return sorted(lost), found
