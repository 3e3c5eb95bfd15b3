"""Jobs come back in their order from any number of workers, and joblib's own settings decide who works."""

from __future__ import annotations

import joblib
import numpy as np
import pytest

import gbtm
from gbtm.compute.parallel import spread, workers_of


def square(x, power=2):
    if x < 0:
        raise ValueError("below zero")
    return x**power


def test_answers_come_in_order_and_one_by_one():
    answers = spread(square, [(i,) for i in range(5)])
    assert next(answers) == 0
    assert list(answers) == [1, 4, 9, 16]
    assert list(spread(square, [(2, 3)], n_jobs=2)) == [8]
    assert list(spread(square, [])) == []


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblibs_settings_take_over(backend):
    assert workers_of(None) == 1
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert workers_of(None) == 2
        assert list(spread(square, [(i,) for i in range(6)])) == [0, 1, 4, 9, 16, 25]
    assert workers_of(-1) == joblib.cpu_count()


def test_a_fault_of_a_job_is_not_swallowed():
    for n_jobs in (1, 2):
        with pytest.raises(ValueError, match="below zero"):
            list(spread(square, [(1,), (-1,)], n_jobs=n_jobs))


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, True, "all"])
def test_what_is_no_number_of_workers_is_refused(n_jobs):
    with pytest.raises(gbtm.SpecificationError) as caught:
        workers_of(n_jobs)
    assert caught.value.code == "bad_n_jobs"


def test_another_backend_changes_no_digit():
    data = gbtm.datasets.two_groups(rng=0)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(rng=0, n_starts=2)
    here = gbtm.cross_validate(res, folds=3, n_starts=1)
    with joblib.parallel_config(backend="threading", n_jobs=2):
        there = gbtm.cross_validate(res, folds=3, n_starts=1)
    np.testing.assert_array_equal(here.by_subject, there.by_subject)
