"""What is doubtful about step three: groups whose people are too few for how surely they are known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gbtm.distal.cautions import LEAST_ENTROPY, examine


def problem_of(n_first: int, sure: float, weight: np.ndarray | None = None, rows: np.ndarray | None = None):
    """So many people who are in group 1 with probability ``sure``, and 400 who are in group 2 for certain."""
    p = np.array([[sure, 1 - sure]] * n_first + [[0.0, 1.0]] * 400)
    w = np.ones(len(p)) if weight is None else weight
    rows = np.arange(len(p)) if rows is None else rows
    return SimpleNamespace(method="two-step", weight=w[rows], rows=rows,
                           step_one=SimpleNamespace(posterior=p, weight=w, n_groups=2))


def codes_of(problem, entropy=0.7, **about):
    fit = SimpleNamespace(entropy=entropy, dropout=None, event=None, n_subjects=len(problem.weight), **about)
    return [(f.code, f.group) for f in examine(fit, problem)]


@pytest.mark.parametrize(("n_first", "sure", "codes"), [
    (29, 1.0, [("small_group", 1)]), (31, 1.0, []),
    (45, 0.81, [("small_group", 1)]), (47, 0.81, []),  # sure: from 30 on
    (58, 0.71, [("small_group", 1)]), (60, 0.71, [("uncertain_group", 1)]),
    (98, 0.71, [("uncertain_group", 1)]), (100, 0.71, []),  # less sure: from 50 on
    (199, 0.5, [("uncertain_group", 1)]), (201, 0.5, []),
])
def test_people_count_by_how_surely_they_are_known(n_first, sure, codes):
    """n people who belong to a group with probability p count as n p^2."""
    assert codes_of(problem_of(n_first, sure)) == codes


def test_weights_and_missing_outcomes_leave_fewer():
    n = 60
    assert codes_of(problem_of(n, 1.0)) == []
    uneven = np.concatenate([np.where(np.arange(n) % 10 == 0, 10.0, 0.2), np.ones(400)])
    effective = uneven[:n].sum() ** 2 / (uneven[:n] ** 2).sum()
    assert effective < 30
    assert codes_of(problem_of(n, 1.0, uneven)) == [("small_group", 1)]
    assert codes_of(problem_of(n, 1.0, 7 * np.ones(n + 400))) == []
    assert codes_of(problem_of(n, 1.0, rows=np.arange(35, n + 400))) == [("small_group", 1)]


def test_an_entropy_lower_than_was_ever_tested_is_doubted():
    large = problem_of(5000, 1.0)
    assert codes_of(large, LEAST_ENTROPY + 0.01) == []
    assert codes_of(large, LEAST_ENTROPY - 0.01) == [("low_entropy", None)]
