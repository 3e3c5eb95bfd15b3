"""What is doubtful about step three, in sentences with a way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.columns import require_columns
from ..errors import DataError, SpecificationError
from ..findings.data_checks import Finding
from ..step_three.classification import classification_table
from ..step_three.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from ..fit.fit import Fit

MOST_CONDITION = 10.0
LEAST_DIAGONAL = 0.5
LEAST_PEOPLE = 30.0
LOW_ENTROPY, VERY_LOW_ENTROPY, ENOUGH_PEOPLE = 0.55, 0.4, 1000  # coverage falls below: docs/distal.md


def examine(fit: Fit, problem: Problem) -> list[Finding]:
    """All warnings that need no estimates."""
    found = [] if problem.method in ("naive", "two-step") else _classification(problem)
    found += _sizes(problem) + ([] if problem.method == "naive" else _entropy(fit))
    if fit.dropout is not None:
        found.append(Finding(
            "dropout_defines_groups", None, "The groups of this fit are made of dropout too: an outcome that goes with "
            "leaving the study differs between them by their making. Fit without dropout to see how far.",
        ))
    return found


def _classification(problem: Problem) -> list[Finding]:
    one = problem.step_one
    d = classification_table(one.posterior, one.weight, problem.assignment)
    out = []
    condition = float(np.linalg.cond(d))
    if condition > MOST_CONDITION:
        out.append(Finding(
            "near_singular", None, f"The classification errors are nearly singular (condition number {condition:.3g}): "
            "corrections are loud and intervals too short. Use method='two-step', or fit fewer groups.",
        ))
    for t in np.flatnonzero(np.diag(d) < LEAST_DIAGONAL):
        out.append(Finding(
            "poorly_classified", int(t) + 1, f"Of group {t + 1} only {100 * d[t, t]:.0f} % are assigned to it: what is "
            "said of it rests on the correction more than on its people. Use method='two-step', or fit fewer groups.",
        ))
    return out


def _sizes(problem: Problem) -> list[Finding]:
    one = problem.step_one
    p, w = one.posterior[problem.rows], problem.weight[:, None]
    effective = (w * p).sum(axis=0) ** 2 / np.maximum((w**2 * p).sum(axis=0), 1e-300)
    return [
        Finding(
            "small_group", int(t) + 1, f"Group {t + 1} has about {effective[t]:.0f} people with a known outcome: its "
            "standard errors and intervals are rough. Join it with another by fitting fewer groups, or say so.",
        ) for t in np.flatnonzero(effective < LEAST_PEOPLE)
    ]


def _entropy(fit: Fit) -> list[Finding]:
    entropy, n = fit.entropy, fit.n_subjects
    if entropy < VERY_LOW_ENTROPY or (entropy < LOW_ENTROPY and n < ENOUGH_PEOPLE):
        return [Finding(
            "low_entropy", None, f"The groups are told apart poorly (entropy {entropy:.2f}, {n} people): in "
            "simulations of such data intervals of all methods hold the truth too seldom. Bootstrap both steps, or use "
            "fewer groups.",
        )]
    return []


def refuse_own_outcome(fit: Fit, columns: list[str]) -> None:
    """What the groups were made of is no distal outcome."""
    used = set(fit.outcome_names)
    for inputs in [fit.of_outcome(n).inputs for n in fit.outcome_names] if len(fit.outcomes) > 1 else [fit.inputs]:
        stored = (inputs or {}).get("outcome", ())
        used |= {stored} if isinstance(stored, str) else set(map(str, stored or ()))
    own = [c for c in columns if c in used]
    if own:
        raise SpecificationError(
            f"formula: the groups were made of '{own[0]}', so that they differ in it by their making.",
            code="own_outcome", argument="formula", way_out="Give an outcome that was measured after the trajectory.",
        )


def measured_too_early(
    fit: Fit, measured_at: float | str | None, people: pd.DataFrame, rows: np.ndarray
) -> list[Finding]:
    """An outcome from before the end of the trajectories that are to predict it."""
    if measured_at is None:
        return []
    end = max(float(o.data.time.max()) for o in fit.outcomes)
    if isinstance(measured_at, str):
        require_columns(people, [measured_at], "measured_at")
        when = float(np.nanmin(people[measured_at].to_numpy(dtype=float)[rows]))
    else:
        when = float(measured_at)
    if not np.isfinite(when):
        raise DataError(
            f"measured_at: {measured_at!r} is no time.", code="bad_measured_at", argument="measured_at",
            way_out="Give a number on the scale of the trajectory's time, or a column of such.",
        )
    if when >= end:
        return []
    return [Finding(
        "measured_early", None, f"The outcome was measured at {when:g}, before the trajectories end at {end:g}: the "
        "groups are made of what came after it. Fit the trajectories to the waves before it.",
    )]
