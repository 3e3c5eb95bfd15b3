"""The law of a likelihood ratio with effects at zero: against known weights, differences, and simulated data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from gbtm.inference.effects_at_zero import ConeLaw, _Cone, cone_law
from gbtm.likelihood.mixture import Mixture
from gbtm.model.nesting import embed
from gbtm.record.rebuild import layout_of, panel_of

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def drawn(people, waves, groups=1, seed=0, effect=0.0):
    rng = np.random.default_rng(seed)
    subject, t = np.repeat(np.arange(people), waves), np.tile(np.linspace(-1, 1, waves), people)
    y = np.where(subject % groups == 0, 1.0, 9.0) + t + rng.normal(size=t.size)
    return pd.DataFrame({"id": subject, "t": t, "y": y + effect * rng.normal(size=people)[subject]})


def fit(data, groups=1, **more):
    return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=groups, order=1, **more).fit(rng=0)


@pytest.fixture(scope="module")
def long_panel():
    data = drawn(300, 80)
    return fit(data), {name: fit(data, **more) for name, more in {
        "independent": {"rorder": 1}, "correlated": {"rorder": 1, "rcorr": True}}.items()}


def test_two_independent_effects_have_a_quarter_a_half_and_a_quarter(long_panel):
    law = cone_law(long_panel[1]["independent"], long_panel[0])
    np.testing.assert_allclose(law.weights, [0.25, 0.5, 0.25], atol=0.03)
    assert law.free == 0


def test_two_correlated_effects_have_the_weights_of_a_round_cone(long_panel):
    """Where waves are many, the metric is Frobenius' norm, in which matrices 2 x 2 that are positive semidefinite are
    a circular cone of 45 degrees: its solid angle is (1 - cos 45) / 2, and the weights of odd and even dimension add up
    to one half each."""
    corner = (1 - np.sqrt(0.5)) / 2
    law = cone_law(long_panel[1]["correlated"], long_panel[0])
    np.testing.assert_allclose(law.weights, [corner, 0.5 - corner, 0.5 - corner, corner], atol=0.03)


def test_three_correlated_effects_have_the_law_of_a_projection_on_positive_matrices():
    """Where all is known, the metric is Frobenius', in which the projection of a random symmetric matrix keeps its
    positive eigenvalues."""
    data = drawn(300, 60)
    law = cone_law(fit(data, rorder=2, rcorr=True), fit(data))
    rng = np.random.default_rng(1)
    matrices = rng.standard_normal((40_000, 3, 3))
    values = np.linalg.eigvalsh(0.5 * (matrices + np.swapaxes(matrices, 1, 2)))
    squared = (np.maximum(values, 0) ** 2).sum(axis=1)
    assert law.free == 0
    for statistic in (1.0, 3.0, 6.0, 10.0):
        assert law.pvalue(statistic) == pytest.approx(np.mean(squared > statistic), abs=0.025)


def test_a_third_effect_beside_two_adds_its_covariances():
    """Its variance is at its bound, its covariances with the two are free."""
    data = drawn(240, 9, effect=1.0)
    data["y"] += np.random.default_rng(5).normal(size=240)[data["id"]] * data["t"]
    law = cone_law(fit(data, rorder=2, rcorr=True), fit(data, rorder=1, rcorr=True))
    np.testing.assert_allclose(law.weights, [0, 0, 0.5, 0.5], atol=0.03)
    assert law.free == 0


def test_slope_and_correlation_in_groups_apart_are_binomial():
    """Each of two groups far apart adds a correlation and, half the time, a sd."""
    data = drawn(240, 8, groups=2, effect=1.0)
    law = cone_law(fit(data, 2, rorder=1, rcorr=True), fit(data, 2, rorder=0))
    np.testing.assert_allclose(law.weights, [0, 0, 0.25, 0.5, 0.25], atol=0.04)


def test_scores_are_those_of_small_effects():
    """The log-likelihood at a small covariance, less that at none, by the size of the covariance."""
    data = drawn(60, 5, groups=2, effect=0.5)
    big, small = fit(data, 2, rorder=1, rcorr=True), fit(data, 2)
    layout, panel = layout_of(big), panel_of(big)
    flat = embed(layout_of(small), small.internal.params, layout)[0]
    module, cone = Mixture.near(layout, panel, flat), _Cone.of(layout, flat)
    scores = cone.scores(module, layout, panel, flat)[0]
    place = {(b.predictor, b.group): b.start for b in layout.blocks}

    def loglik(h, correlation):
        at = flat.copy()
        for name in ("r0_sigma", "r1_sigma"):
            at[place[name, 1]] = h
        at[place["atanh_r01", 1]] = np.arctanh(correlation)
        with torch.no_grad():
            values = module.subject_loglik(torch.as_tensor(at)[None])[0].numpy()
        return values if module.expand is None else values[module.expand]

    for correlation in (0.0, 0.5, -0.8):
        h = 1e-4
        slope = (loglik(h, correlation) - loglik(0.0, correlation)) / h**2
        np.testing.assert_allclose(
            slope, scores[:, 3] + scores[:, 4] + correlation * scores[:, 5], rtol=1e-3, atol=1e-3)


def test_scores_are_those_of_small_effects_where_values_are_censored():
    """The same of the integral over the effects, of which the smaller model has none."""
    data = drawn(40, 4, effect=0.7, seed=3)
    data["y"] = data["y"].clip(0.3, 2.2)
    more = {"family": "cnorm", "min": 0.3, "max": 2.2}
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=1, rcorr=True, **more)
    small = fit(data, **more)
    layout, panel = model.layout, model.panel
    flat = embed(layout_of(small), small.internal.params, layout)[0]
    module, cone = Mixture.near(layout, panel, flat), _Cone.of(layout, flat)
    scores = cone.scores(module, layout, panel, flat)[0]
    place = {b.predictor: b.start for b in layout.blocks}

    def loglik(h, correlation):
        at = flat.copy()
        at[[place["r0_sigma"], place["r1_sigma"], place["atanh_r01"]]] = h, h, np.arctanh(correlation)
        with torch.no_grad():
            values = module.subject_loglik(torch.as_tensor(at)[None])[0].numpy()
        return values if module.expand is None else values[module.expand]

    for correlation in (0.0, 0.5, -0.8):
        slope = (loglik(0.01, correlation) - loglik(0.0, correlation)) / 1e-4
        np.testing.assert_allclose(
            slope, scores[:, 0] + scores[:, 1] + correlation * scores[:, 2], rtol=1e-3, atol=5e-3)


def test_a_covariance_common_to_the_groups_counts_once():
    data = drawn(120, 6, groups=2)
    plain = fit(data, 2)
    test = fit(data, 2, rorder=0, rcommon=True).compare_lr_test(plain)
    assert (test.df, "Half chi2(0), half chi2(1)" in test.note) == (1, True)
    law = cone_law(fit(data, 2, rorder=0), plain)
    np.testing.assert_allclose(law.weights, [0.25, 0.5, 0.25], atol=0.03)


def test_what_is_at_no_bound_is_chi_square():
    data = drawn(90, 6, groups=2, effect=1.0)
    own, common = fit(data, 2, rorder=0), fit(data, 2, rorder=0, rcommon=True)
    test = own.compare_lr_test(common)
    assert (test.df, test.note) == (1, "")
    both = fit(data, 2, rorder=1, rcorr=True).compare_lr_test(fit(data, 2, rorder=1))
    assert (both.df, both.note) == (2, "")


def test_pvalues_are_sums_of_tails():
    law = ConeLaw(np.array([0.25, 0.5, 0.25]), 0)
    assert law.pvalue(0.0) == pytest.approx(1.0)
    assert law.pvalue(2.706) == pytest.approx(0.5 * 0.1 + 0.25 * np.exp(-2.706 / 2), abs=1e-4)
    assert "0.50 chi2(1)" in str(law)


@pytest.mark.slow
def test_the_law_holds_in_data_without_effects():
    """Of 300 data sets without random effects, five in a hundred are below .05, ten below .10."""
    pvalues = []
    for seed in range(300):
        data = drawn(100, 5, seed=seed + 1)
        pvalues.append(fit(data, rorder=1, rcorr=True).compare_lr_test(fit(data)).pvalue)
    for level in (0.05, 0.10, 0.25):
        share = np.mean(np.array(pvalues) < level)
        assert abs(share - level) < 3 * np.sqrt(level * (1 - level) / 300)
