"""Which starts are climbed from: one at each place, and of rearrangements those that may come to something better."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gbtm
from gbtm.estimation.ledger import Ledger, Optimum
from gbtm.estimation.newton import em, newton
from gbtm.estimation.sift import AT_ONE_PLACE, HEADROOM, HEADROOM_STEPS, sift
from gbtm.likelihood.mixture import Mixture
from tables import two_halves

N = 60


@pytest.fixture(scope="module")
def model() -> gbtm.GBTM:
    return gbtm.GBTM.from_formula("y ~ t", two_halves("normal", N), id="id", groups=2, order=1)


@pytest.fixture(scope="module")
def module(model: gbtm.GBTM) -> Mixture:
    return Mixture(model.layout, model.panel)


@pytest.fixture(scope="module")
def best(model: gbtm.GBTM, module: Mixture) -> Optimum:
    ledger = Ledger(module)
    start = torch.as_tensor(model.layout.unreport(model.fit(rng=0).params.to_numpy()))[None]
    ledger.add(newton(module, start, steps=20, tolerance=1e-12), np.array([False]), hits=1)
    return ledger.usable[0]


def _moved(module: Mixture, best: Optimum, far: float) -> torch.Tensor:
    """(p,) parameters whose densities are as ``far`` from the best's as asked, along the first axis."""
    flat = torch.tensor(best.flat)

    def away(step: float) -> float:
        there = flat.clone()
        there[0] += step
        gone = module.subject_logliks(there[None])[0].numpy() - best.densities
        return float(np.sqrt(gone**2 @ module.weight.numpy()))

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if away(middle) < far else (low, middle)
    flat[0] += high
    return flat


def test_starts_at_one_place_are_climbed_from_once(module: Mixture, best: Optimum) -> None:
    near, far = (_moved(module, best, d) for d in (0.5 * AT_ONE_PLACE, 20.0))
    flat = torch.stack([far, near, torch.tensor(best.flat), far])
    some = sift(module, flat, torch.zeros(4), [], only_better=False)
    assert some.climbing.tolist() == [2, 0]  # the highest first
    assert some.standing == [[1], [3]]
    assert some.returned.size == 0


def test_starts_that_came_back_to_a_known_optimum_are_counted(module: Mixture, best: Optimum) -> None:
    inside, outside = (_moved(module, best, d * AT_ONE_PLACE) for d in (0.9, 1.1))
    some = sift(module, torch.stack([inside, outside, inside]), torch.zeros(3), [best], only_better=False)
    assert some.returned.tolist() == [2]
    assert some.climbing.tolist() == [1]


@pytest.mark.parametrize("gain", [0.0, 2.0])
def test_rearrangements_far_below_the_best_are_left(module: Mixture, best: Optimum, gain: float) -> None:
    """Left where what is missing is more than N / 2 and thirty times the last gain; as starts they are climbed from."""
    room = HEADROOM * N + HEADROOM_STEPS * gain
    steps = np.linspace(0.05, 8, 400)
    line = torch.tensor(best.flat)[None].repeat(steps.size, 1)
    line[:, 0] += torch.as_tensor(steps)
    missing = best.loglik - module.total_loglik(line).numpy()
    inside, outside = (int(np.argmax(missing > part * room)) for part in (0.8, 1.0))
    assert missing[inside] < room < missing[outside]
    flat, gains = line[[inside, outside]], torch.full((2,), gain, dtype=torch.float64)
    assert sift(module, flat, gains, [best], only_better=True).climbing.tolist() == [0]
    assert sift(module, flat, gains, [best], only_better=False).climbing.tolist() == [0, 1]
    assert sift(module, flat, gains, [], only_better=True).climbing.tolist() == [0, 1]


def test_a_start_without_a_likelihood_stands_for_itself(module: Mixture, best: Optimum) -> None:
    flat = torch.tensor(best.flat)[None].repeat(2, 1)
    flat[1, 0] = torch.nan
    some = sift(module, flat, torch.tensor([0.0, torch.nan]), [best], only_better=False)
    assert some.returned.tolist() == [1]
    assert some.climbing.tolist() == [1]


def test_em_tells_what_its_last_step_gained(module: Mixture, best: Optimum) -> None:
    start = torch.tensor(best.flat)[None] + 0.3
    one, two = (em(module, start, steps, enough=0.0) for steps in (1, 2))
    assert float(one[1]) == np.inf  # from nothing
    assert float(two[1]) == pytest.approx(float(module.total_loglik(one[0]) - module.total_loglik(start)), rel=1e-9)
