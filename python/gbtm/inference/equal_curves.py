"""Whether groups share one curve, or have parallel ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import checked
from ..errors import SpecificationError
from ..families.levels import names_in_parameters
from ..fit.hidden_units import refuse_networks
from ..fit.outcome_view import number_of, prefix_of
from .hypotheses import covariance_of, linear_hypotheses, quadratic_form, refuse_undetermined
from .wald import WaldTest, joint_test

if TYPE_CHECKING:
    from ..fit.fit import Fit

Coefficient = tuple[int, str, int, int]  # outcome, predictor, group, column

ONE_GROUP_NOTE = (
    "Were the curves equal and nothing else told these groups apart (sigma, {zeros}, time-varying covariates), "
    "they would be one group, and chi-square is not the reference then: to choose the number of groups, compare fits "
    "by BIC or a bootstrap."
)


@checked
def equal_curves(
    res: Fit, groups: Sequence[int] | None = None, *, include_intercept: bool = True, outcome: str | int | None = None
) -> WaldTest:
    """Joint test that groups share one curve; of a fit of several outcomes, that they share that of each.

    All coefficients of time are compared; where a group's order is lower, what it lacks is 0. The curve is that of the
    mean's linear predictor, where there are time-varying covariates at 0 of each: not their effects, nor the zero
    part (zero inflation, or a hurdle) or sigma.

    Parameters
    ----------
    groups : the groups to compare, 1..K; by default all
    include_intercept : False compares shapes only, as :func:`equal_slopes` does
    outcome : of several outcomes the one whose curves are compared, by name or number from 1; by default all together.
        Curves of one that are alike leave groups that the others tell apart: whether it has a part in them at all

    Returns
    -------
    WaldTest

    Raises
    ------
    SpecificationError
        ``bad_groups``, ``unknown_outcome``; ``no_curve`` for a group whose rate is zero; ``no_slopes`` where there is
        nothing to compare; otherwise as :func:`wald_test`.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.equal_curves import equal_curves
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> test = equal_curves(res, groups=[1, 2])
    >>> test.df, test.hypotheses[2]
    (3, 't^2[1] = t^2[2]')
    """
    refuse_networks(res, "groups", "a Wald test of the curves", "Compare the bands of gbtm.bootstrap(res).curves().")
    chosen = _groups(res, groups)
    numbers = range(len(res.outcomes)) if outcome is None else [number_of(res.outcome_names, outcome)]
    equalities = [e for m in numbers for p in _predictors(res, m)
                  for e in _equalities(res, m, p, chosen, include_intercept)]
    if not equalities:
        raise SpecificationError(
            "groups: their curves are constant, so that there are no slopes to compare.", code="no_slopes",
            argument="groups", way_out="equal_curves() compares the levels too.",
        )
    labels = [
        " = ".join([f"{_stems(res, m, p)[j]}[{g}]" for m, p, g, j in pair] + ["0"] * (len(pair) == 1))
        for pair in equalities
    ]
    covariates = any(
        res.outcomes[m].positions["mean"].shape[1] > len(_stems(res, m, "mean")) for m in numbers)
    # the engine centres covariates, and the user's intercepts are those at 0
    if include_intercept and covariates:
        difference, cov = _reported(res, labels)
    else:
        difference, cov = _internal(res, equalities, labels)
    others = len(numbers) < len(res.outcomes) or res.part_of  # outcomes that tell the groups apart all the same
    notes = (ONE_GROUP_NOTE.format(zeros=_zero_part(res, numbers)),) if include_intercept and not others else ()
    return joint_test(res, quadratic_form(difference, cov, labels, "groups"), labels, notes)


@checked
def equal_slopes(
    res: Fit, groups: Sequence[int] | None = None, *, outcome: str | int | None = None
) -> WaldTest:
    """Joint test that the curves of groups are parallel: every coefficient of time but the intercept is equal.

    Parameters, errors and result as :func:`equal_curves`.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.inference.equal_curves import equal_slopes
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(rng=0)
    >>> equal_slopes(res).hypotheses
    ['t[1] = t[2]', 't^2[1] = t^2[2]']
    """
    return equal_curves(res, groups, include_intercept=False, outcome=outcome)


def _groups(res: Fit, groups: Sequence[int] | None) -> list[int]:
    chosen = list(res.group_names if groups is None else np.atleast_1d(np.asarray(groups)).tolist())
    if len(chosen) < 2 or len(set(chosen)) < len(chosen) or not set(chosen) <= set(res.group_names):
        raise SpecificationError(
            f"groups: {chosen} are not two or more different groups of this fit.", code="bad_groups",
            argument="groups", way_out=f"The groups are {', '.join(map(str, res.group_names))}.",
        )
    return [int(g) for g in chosen]


def _zero_part(res: Fit, numbers: Iterable[int]) -> str:
    """What the zero part of these outcomes is called: a hurdle's is no inflation."""
    hurdles = {res.outcomes[m].spec.traits.is_hurdle for m in numbers if res.outcomes[m].spec.traits.has_zero_part}
    return {frozenset([True]): "the zero part", frozenset([True, False]): "zero parts"}.get(
        frozenset(hurdles), "zero inflation")


def _predictors(res: Fit, m: int) -> tuple[str, ...]:
    """Those that are curves."""
    return tuple(p for p in res.outcomes[m].bases if p != "zero")


def _stems(res: Fit, m: int, predictor: str) -> list[str]:
    """Names of the coefficients of a curve of an outcome without the group."""
    prefix = prefix_of(res.outcome_names[m]) if len(res.outcomes) > 1 else ""
    spec = res.outcomes[m].spec
    level = "" if spec.traits.has_mean else (
        ":" + names_in_parameters(spec.codes, spec.levels)[1 + _predictors(res, m).index(predictor)])
    return [f"{prefix}{s}{level}" for s in res.outcomes[m].bases["mean"]["names"]]


def _equalities(
    res: Fit, m: int, predictor: str, groups: list[int], include_intercept: bool
) -> list[list[Coefficient]]:
    """The coefficients that are to be equal; one alone is to be 0."""
    stems, names = _stems(res, m, predictor), set(res.params.index)
    columns = res.outcomes[m].bases["mean"]["names"]
    without = [g for g in groups if not any(f"{s}[{g}]" in names for s in stems)]
    if len(res.outcomes) > 1 and len(without) == len(groups):
        return []  # they are alike in never happening
    if without:
        of = f" of {res.outcome_names[m]}" if len(res.outcomes) > 1 else ""
        raise SpecificationError(
            f"groups: group {without[0]} has no curve{of}, its rate is zero.", code="no_curve", argument="groups",
            way_out="Leave it out." if not of else "Leave it out, or compare the other outcomes, outcome=.",
        )
    equalities: list[list[Coefficient]] = []
    for j, stem in enumerate(stems):
        owners = [(m, predictor, g, j) for g in groups if f"{stem}[{g}]" in names]
        if columns[j] == "intercept" and not include_intercept:
            continue
        # a group without this coefficient has it at 0, and so must all the others
        equalities += [[o] for o in owners] if len(owners) < len(groups) else [[owners[0], o] for o in owners[1:]]
    return equalities


def _reported(res: Fit, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Differences (m,) and covariance (m, m) of the equalities among the parameters as reported."""
    h = linear_hypotheses(labels, list(res.params.index))
    return h.matrix @ res.params.to_numpy(), covariance_of(res, h.matrix, labels, "groups")


def _internal(
    res: Fit, equalities: list[list[Coefficient]], labels: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Differences (m,) and covariance (m, m) of the same equalities among the engine's orthonormal coefficients.

    These are the user's times a triangular matrix common to all groups, so that the hypothesis and its statistic are
    the same; but over calendar years the user's own are correlated beyond what double precision can tell.
    """
    inside, names = res.internal, list(res.params.index)
    rows, difference = np.zeros((len(equalities), len(names))), np.zeros(len(equalities))
    for i, pair in enumerate(equalities):
        for sign, (m, p, g, j) in zip((1.0, -1.0), pair, strict=False):
            outcome = res.outcomes[m]
            rows[i, outcome.positions[p][g - 1, j]] += sign
            difference[i] += sign * outcome.coefficients[p][g - 1, j]
    withheld = (linear_hypotheses(labels, names).matrix != 0) & ~np.isfinite(res.bse.to_numpy())
    lost = withheld.any(axis=1) if inside.jacobian is None else ~inside.determined(rows)
    refuse_undetermined(lost, withheld, names, labels, "groups")
    return difference, inside.covariance(rows)
