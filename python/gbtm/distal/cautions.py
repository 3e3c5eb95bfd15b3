"""What is doubtful about step three, in sentences with a way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..columns.reading import require_columns
from ..errors import DataError, SpecificationError
from ..findings.data_checks import Finding
from ..step_three.classification import classification_table
from ..step_three.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from ..fit.fit import Fit
    from ..step_three.step_one import StepOne

MOST_CONDITION = 10.0
LEAST_DIAGONAL = 0.5
# People known for certain, who a group's people count as: below so many intervals hold the truth too seldom, and where
# the mean probability of the people is not SURE, below MORE_PEOPLE. Found by simulation: docs/distal-coverage.md
LEAST_PEOPLE, MORE_PEOPLE, SURE = 30.0, 50.0, 0.8
LEAST_ENTROPY = 0.4  # of what was simulated


def examine(fit: Fit, problem: Problem) -> list[Finding]:
    """All warnings that need no estimates."""
    found = [] if problem.method in ("naive", "two-step") else _classification(problem)
    found += _sizes(problem) + ([] if problem.method == "naive" else _entropy(fit))
    if fit.dropout is not None:
        found.append(Finding(
            "dropout_defines_groups", None, "The groups of this fit are made of dropout too: an outcome that goes with "
            "leaving the study differs between them by their making. Fit without dropout to see how far.",
        ))
    if fit.event is not None:
        found.append(Finding(
            "event_defines_groups", None, "The groups of this fit are made of the time to an event too: an outcome "
            "that goes with it differs between them by their making. Fit without event to see how far.",
        ))
    return found


def known_note(rows: np.ndarray, one: StepOne) -> list[str]:
    """Of how many people of step three the group is known."""
    n = int(one.known[rows].sum())
    return [f"The group of {n} of these people is known: they have no errors of classification."] if n else []


def _classification(problem: Problem) -> list[Finding]:
    one = problem.step_one
    d = classification_table(one.posterior, one.weight, problem.assignment, one.known)
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
    """Groups whose people are too few, or too few for how surely they are known.

    Of sampling weights w the effective number of a group is (sum w p)^2 / sum w^2 p; times the mean probability with
    which its people belong to it, sum w p^2 / sum w p, it is the number of people known for certain that they count as.
    """
    p, w = problem.step_one.posterior[problem.rows], problem.weight[:, None]
    size, squares = (w * p).sum(axis=0), (w**2 * p).sum(axis=0)
    people = size**2 / np.maximum(squares, 1e-300)
    sure = (w * p**2).sum(axis=0) / np.maximum(size, 1e-300)
    certain = people * sure
    found = []
    for t in np.flatnonzero(certain < MORE_PEOPLE):
        counts = (f"Group {t + 1} has about {people[t]:.0f} people with a known outcome, who belong to it with a "
                  f"probability of {sure[t]:.2f} on average")
        if certain[t] < LEAST_PEOPLE:
            found.append(Finding(
                "small_group", int(t) + 1, f"{counts}: its standard errors and intervals are rough. Join it with "
                "another by fitting fewer groups, or say so.",
            ))
        elif sure[t] < SURE:
            found.append(Finding(
                "uncertain_group", int(t) + 1, f"{counts}, so that they count as {certain[t]:.0f} known for certain: "
                f"below {MORE_PEOPLE:.0f} intervals held the truth too seldom in simulations. More waves tell groups "
                "apart better; else bootstrap both steps, fit fewer groups, or say so.",
            ))
    return found


def _entropy(fit: Fit) -> list[Finding]:
    if fit.entropy < LEAST_ENTROPY:
        return [Finding(
            "low_entropy", None, f"The groups are told apart poorly (entropy {fit.entropy:.2f}): lower than in any "
            "simulation that these intervals were tested by. More waves tell groups apart better; else bootstrap both "
            "steps, or fit fewer groups.",
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
