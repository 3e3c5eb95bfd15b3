"""Numbers that users give: what passes, what is refused, and by which code."""

from __future__ import annotations

import numpy as np
import pytest

from gbtm import SpecificationError
from gbtm.checks import check_count, check_level, check_seconds, check_seed, is_count


@pytest.mark.parametrize(("value", "counts"), [
    (1, True), (np.int64(7), True), (0, False), (-1, False), (True, False), (1.0, False), ("1", False), (None, False),
])
def test_counts(value, counts):
    assert is_count(value) is counts


@pytest.mark.parametrize("level", [0.95, 0.5, np.float32(0.5), 1e-12])
def test_levels_inside(level):
    assert check_level(level) == level


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, float("nan"), "0.95", None, True, [0.9]])
def test_levels_outside(level):
    with pytest.raises(SpecificationError, match=r"level: .* is not between 0 and 1.*level=0\.95") as caught:
        check_level(level)
    assert (caught.value.code, caught.value.argument) == ("bad_level", "level")
    with pytest.raises(SpecificationError, match=r"alpha: .*alpha=0\.05") as caught:
        check_level(level, "alpha", 0.05)
    assert (caught.value.code, caught.value.argument) == ("bad_alpha", "alpha")


@pytest.mark.parametrize("rng", [0, 3, np.int32(5), 2**63])
def test_seeds(rng):
    assert check_seed(rng) == rng


@pytest.mark.parametrize("rng", [-1, 1.0, True, None, "0"])
def test_no_seeds(rng):
    with pytest.raises(SpecificationError, match="whole number") as caught:
        check_seed(rng)
    assert caught.value.code == "bad_seed"


@pytest.mark.parametrize(("value", "least"), [(1, 1), (np.int64(7), 2), (0, 0)])
def test_counts_of_at_least(value, least):
    assert check_count(value, "n", 200, least) == value


@pytest.mark.parametrize(("value", "least"), [(0, 1), (1, 2), (-1, 0), (True, 1), (2.0, 1), ("3", 1), (None, 0)])
def test_counts_too_small_or_none_at_all(value, least):
    with pytest.raises(SpecificationError, match=rf"lags: .* whole number, {least} or more.*lags=5") as caught:
        check_count(value, "lags", 5, least)
    assert (caught.value.code, caught.value.argument) == ("bad_lags", "lags")


@pytest.mark.parametrize("seconds", [0, 2, 0.5, None])
def test_seconds(seconds):
    assert check_seconds(seconds) == seconds


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), True, "9"])
def test_no_seconds(seconds):
    with pytest.raises(SpecificationError, match=r"time_budget: .*seconds") as caught:
        check_seconds(seconds)
    assert caught.value.code == "bad_time_budget"
