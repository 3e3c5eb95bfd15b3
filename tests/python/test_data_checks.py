"""Warnings that need no estimates, each by a constructed data set; and no false alarm on healthy ones."""

import warnings

import numpy as np
import pytest

import gbtm
from conftest import TRUTH, build
from findings import fit_and_codes, message_of
from parts import PARTS, draw

HEALTHY = ("normal", "normal_sbg", "cnorm", "poisson", "zip_common", "zip_own", "logit")
HEALTHY_PARTS = ("risk", "beta", "exposure_negbin")
SEEDS = 20


def _two(rng, n=120, waves=5, gap=6.0):
    return np.repeat([0.0, gap], n // 2)[:, None] + rng.normal(size=(n, waves))


@pytest.mark.parametrize(
    ("code", "clip", "bound"), [("ceiling", (-np.inf, 6.0), "max"), ("floor", (0.0, np.inf), "min")]
)
def test_a_ceiling_and_a_floor(code, clip, bound):
    y = np.clip(_two(np.random.default_rng(1)), *clip)
    end = clip[1] if code == "ceiling" else clip[0]
    share = round(100 * float((y == end).mean()))
    res, codes = fit_and_codes(y, groups=2, order=0)
    assert codes == [code]
    assert f"{share} % of the values" in message_of(res, code)
    assert f"cnorm with {bound} = {end:g}" in message_of(res, code)
    _, codes = fit_and_codes(y, groups=2, order=0, family="cnorm", **{bound: end})  # the way out that is offered
    assert codes == []


def test_the_other_end_of_a_censored_scale():
    y = np.clip(_two(np.random.default_rng(2)), 0.0, 6.0)
    res, codes = fit_and_codes(y, groups=2, order=0, family="cnorm", min=0)
    assert codes == ["ceiling"]
    assert message_of(res, "ceiling").endswith("Use max = 6.")


def test_a_scale_of_a_few_values_has_its_ends_by_right():
    rng = np.random.default_rng(3)
    y = np.clip(np.round(3 + np.repeat([-1.0, 1.0], 60)[:, None] + 0.7 * rng.normal(size=(120, 6))), 1, 5)
    assert 0.1 < (y == 5).mean() < 0.25
    _, codes = fit_and_codes(y, groups=2, order=0)
    assert codes == []


@pytest.mark.parametrize(
    ("family", "code"), [("normal", -99.0), ("normal", 999.0), ("poisson", 99.0)]
)
def test_a_code_for_a_missing_value_is_told_and_no_floor(family, code):
    """15 % of the values are a code: that it is the end of the scale is no floor, and the way out leaves no warning."""
    rng = np.random.default_rng(8)
    y = _two(rng) if family == "normal" else rng.poisson(np.repeat([0.5, 4.0], 60)[:, None], (120, 5)).astype(float)
    gone = rng.random(y.shape) < 0.15
    coded = np.where(gone, code, y)
    res, codes = fit_and_codes(coded, groups=2, order=0, family=family, fit={"n_starts": 8})
    assert "missing_code" in codes
    assert not {"floor", "ceiling"} & set(codes)
    said = message_of(res, "missing_code")
    assert said.startswith(f"y: {code:g} ({gone.sum()} times) stands apart from all other values, ")
    assert f"{y[~gone].min():g} to {y[~gone].max():g}" in said
    _, codes = fit_and_codes(np.where(gone, np.nan, y), groups=2, order=0, family=family, fit={"n_starts": 8})
    assert codes == []


@pytest.mark.parametrize("observed", [1, 2])
def test_too_few_waves(observed):
    rng = np.random.default_rng(4)
    y = _two(rng, waves=6)
    for row in y:
        row[rng.permutation(6)[observed:]] = np.nan
    res, codes = fit_and_codes(y, groups=2, order=1)
    assert codes == ["few_waves"]
    assert "100 % of the subjects have fewer than 3" in message_of(res, "few_waves")


def test_half_the_subjects_with_few_waves_is_not_most():
    y = _two(np.random.default_rng(5), waves=6)
    y[::2, 2:] = np.nan
    _, codes = fit_and_codes(y, groups=2, order=0)
    assert codes == []


def test_more_parameters_than_observations():
    y = _two(np.random.default_rng(6), n=4, waves=2)
    _, codes = fit_and_codes(y, groups=3, order=1, sigma_by_group=True)
    assert "more_parameters_than_data" in codes


def test_dropout_orders_that_differ():
    with pytest.warns(gbtm.GBTMWarning, match="dropout orders 1, 0 differ"):
        draw("everything").built().fit(n_starts=2)
    assert len(set(PARTS["dropout1"].model.dropout)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw("dropout1").built().fit(n_starts=2)


@pytest.mark.slow
def test_no_false_alarm_on_200_healthy_simulations():
    """7 models of one outcome and 3 with parts, 20 data sets each."""
    alarms = {}
    for name in (*HEALTHY, *HEALTHY_PARTS):
        for seed in range(100, 100 + SEEDS):
            model = build(name, seed=seed) if name in TRUTH else draw(name, seed).built()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                res = model.fit(n_starts=12)
            if res.warnings:
                alarms[name, seed] = res.warnings
    assert (len(HEALTHY) + len(HEALTHY_PARTS)) * SEEDS == 200
    assert alarms == {}


@pytest.mark.parametrize(("low", "high", "recode"), [(0.0, 1.0, False), (1.0, 2.0, True)])
def test_two_values_are_no_scale_with_a_floor_and_a_ceiling(low, high, recode):
    y = np.where(_two(np.random.default_rng(3), gap=2.0) > 1, high, low)
    res, codes = fit_and_codes(y, groups=2, order=0)
    assert "two_values" in codes
    assert not {"ceiling", "floor"} & set(codes)
    said = message_of(res, "two_values")
    assert f"{low:g} and {high:g}" in said
    assert "family 'logit'" in said
    assert ("Code them 0 and 1" in said) == recode
