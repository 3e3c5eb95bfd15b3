"""Which covariates are polynomials of time, and what they are between and beyond the times that were seen."""

import numpy as np
import pytest

from gbtm.design.time_polynomials import TimePolynomials


@pytest.fixture
def values():
    times = np.tile([1.0, 2.0, 4.0, 7.0, 11.0], 3)
    person = np.repeat([0.0, 1.0, 2.0], 5)
    return times, np.column_stack([times, person, times**2 - 3, person * times, times >= 4, np.log(times)])


def test_powers_are_found_and_nothing_else(values):
    times, w = values
    found = TimePolynomials.among(times, w, range(6))
    assert found is not None
    assert found.columns == (0, 2)
    at = np.array([-5.0, 3.3, 40.0])
    filled = found.fill(at, np.zeros((3, 6)))
    np.testing.assert_allclose(filled[:, [0, 2]], np.column_stack([at, at**2 - 3]), rtol=1e-10)
    assert not filled[:, [1, 3, 4, 5]].any()


def test_only_candidates_and_only_with_times_to_spare(values):
    times, w = values
    assert TimePolynomials.among(times, w, [1, 3]) is None
    assert TimePolynomials.among(times, w, []) is None
    two = times < 3
    assert TimePolynomials.among(times[two], w[two], [0]) is None


def test_what_is_stored_is_read_again_or_refused(values):
    found = TimePolynomials.among(*values, range(6))
    stored = {**found.document, "coefficients": found.document["coefficients"].tolist()}
    again = TimePolynomials.of(stored, 6)
    at = np.linspace(-1, 20, 7)
    np.testing.assert_array_equal(again.fill(at, np.zeros((7, 6))), found.fill(at, np.zeros((7, 6))))
    assert TimePolynomials.of(None, 6) is None
    for wrong in ({"columns": [0, 9]}, {"scale": 0.0}, {"centre": np.inf}):
        with pytest.raises(ValueError, match="polynomials of time"):
            TimePolynomials.of({**stored, **wrong}, 6)
