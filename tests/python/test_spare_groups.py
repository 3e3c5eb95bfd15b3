"""Groups that add nothing: which they are, and that others are found in their place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gbtm
from gbtm.estimation.rearrange import copied
from gbtm.estimation.spare_groups import peopled, spare_group, spare_starts
from gbtm.estimation.starts import StartingPlan
from gbtm.likelihood.mixture import Mixture

WAVES = np.arange(5.0)


def _model(groups: int = 3, **options) -> gbtm.GBTM:
    rng = np.random.default_rng(3)
    level = np.repeat([0.0, 4.0, 9.0], 30)
    y = level[:, None] + 0.5 * WAVES + rng.normal(size=(90, WAVES.size))
    return gbtm.GBTM(y, WAVES, groups=groups, order=1, **options)


@pytest.fixture(scope="module")
def fitted() -> tuple[Mixture, np.ndarray]:
    model = _model()
    return Mixture(model.layout, model.panel), model.layout.unreport(model.fit(n_starts=4).params.to_numpy())


def test_no_group_of_three_that_are_apart_is_spare(fitted):
    assert spare_group(*fitted) is None
    assert spare_starts(*fitted, np.zeros((90, 2)), np.random.default_rng(0)).shape == (0, fitted[1].size)


@pytest.mark.parametrize(("a", "b"), [(0, 2), (2, 1), (1, 0)])
def test_of_two_groups_with_one_curve_one_is_spare(fitted, a, b):
    module, flat = fitted
    assert spare_group(module, copied(module.layout, flat, a, b)) in {a, b}


def test_a_group_far_from_everybody_is_spare_and_one_that_only_lost_its_share_is_not(fitted):
    module, flat = fitted
    away = copied(module.layout, flat, 0, 1)  # the people of 1 are with others now
    away[module.layout.blocks[1].entries] += 100.0
    assert spare_group(module, away) == 1
    without = flat.copy()
    module.layout.set_shares(without[None], np.array([[1e-9, 0.5, 0.5]]))
    assert spare_group(module, without) is None


def test_only_a_few_people_each_change_their_group(fitted):
    module, flat = fitted
    twins, rng = copied(module.layout, flat, 0, 2), np.random.default_rng(1)
    curves = rng.normal(size=(90, 2))
    weights = peopled(module, twins, 2, curves, rng)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    few = (weights[:, 2] > 0.5).sum(axis=1)
    assert set(few.tolist()) == {2, 4, 8, 16}
    for weight in weights:  # those who are nearest to one of them
        chosen = np.flatnonzero(weight[2] > 0.5)
        order = np.argsort(((curves[chosen][:, None] - curves[None]) ** 2).sum(axis=2), axis=1)
        assert any(set(row[: chosen.size]) == set(chosen) for row in order)


def test_from_twins_the_group_that_was_lost_is_found_again():
    """Two groups of three share a curve, and the third group's people count to one of the others."""
    model = _model()
    module = Mixture(model.layout, model.panel)
    best = model.fit(n_starts=8)
    flat = copied(model.layout, model.layout.unreport(best.params.to_numpy()), 0, 2)
    plan = StartingPlan(module, model.panel, np.random.default_rng(0))
    starts = spare_starts(module, flat, plan.curves, np.random.default_rng(0))
    assert starts.shape == (48, flat.size)
    reached = max(float(x) for x in module.loglik(starts))
    assert reached > float(module.loglik(torch.as_tensor(flat)[None])[0]) + 100
