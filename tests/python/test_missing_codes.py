"""Which numbers look like codes for missing values: constructed lists, and none in honest data."""


import numpy as np
import pytest

from conftest import TRUTH, build
from gbtm.data.missing_codes import CODES, listed, missing_codes

SCALE = [0.0, 1, 2, 3, 5, 10]


@pytest.mark.parametrize(
    ("y", "found"),
    [
        ([*SCALE, 999, 999], {999.0: 2}),
        ([*SCALE, -9, -9, -9, -8, -8], {-9.0: 3, -8.0: 2}),
        ([*SCALE, 99, 99], {99.0: 2}),
        ([-2.5, 0.5, 4, -99, -99], {-99.0: 2}),  # far from what is negative itself
        ([*SCALE, -9], {}),  # once
        ([*SCALE, 12, 12], {}),  # no code
        ([*SCALE, -20, -9, -9], {}),  # negative, but among others
        ([20.0, 40, 60, 99, 99], {}),  # a mark of 99
        ([95.0, 96, 97, 97, 98, 98, 99, 99, 100], {}),
        ([0.0, 30, 99, 99], {}),  # less than three ranges away
        ([5.0, 5, 99, 99], {}),  # one other value has no range
        ([99.0, 99, -9, -9], {}),
    ],
)
def test_found_and_not_found(y, found):
    assert missing_codes(np.array(y)) == found


def test_one_will_do_where_the_family_refuses_it():
    assert missing_codes(np.array([*SCALE, -9]), least=1) == {-9.0: 1}
    assert listed({-9.0: 1}) == "-9 (once)"
    assert listed({-99.0: 2, -9.0: 1, -8.0: 4}) == "-99 (2 times), -9 (once) and -8 (4 times)"


def test_rescaled_codes_are_no_codes():
    """The rule is about written numbers: the same data in another unit say nothing."""
    y = np.array([*SCALE, 999, 999])
    assert missing_codes(y / 7) == {}
    assert sorted(np.abs(CODES))[:3] == [7, 8, 9]


@pytest.mark.parametrize("name", TRUTH)
def test_honest_data_have_none(name):
    for seed in range(100, 120):
        y = build(name, seed=seed).panel.outcomes[0].y
        assert missing_codes(y) == missing_codes(np.round(y)) == {}


def test_heavy_tailed_counts_have_none():
    """Negative binomial counts of mean 1 and size 0.1 reach into the tens and hundreds."""
    for seed in range(20):
        y = np.random.default_rng(seed).negative_binomial(0.1, 0.1 / 1.1, 2000).astype(float)
        assert missing_codes(y) == {}


@pytest.mark.parametrize(
    ("y", "found"),
    [
        ([*SCALE, -1, -1], {-1.0: 2}),  # the only negative one, and no rarer than 0
        ([1.0, 2, 2, 3, 3, 4, 5, -1, -1, -3], {}),  # two kinds of negative values
        ([0.0, 0, 0, 1, 1, 2, 2, 3, -1, -1], {}),  # the tail of a distribution
        ([1.0, 1, 1, 2, 2, 3, 4, 5, -1, -1], {-1.0: 2}),  # two steps away
        ([0.0, 1, 1, 0, -1, -1, -1], {}),  # a scale of three
        ([*SCALE, -1.5, -1.5], {}),  # no whole number
    ],
)
def test_the_only_negative_value(y, found):
    assert missing_codes(np.array(y)) == found


def test_the_only_negative_value_is_a_code_where_the_family_refuses_it():
    assert missing_codes(np.array([0.0, 0, 0, 1, 1, -1]), least=1) == {-1.0: 1}
