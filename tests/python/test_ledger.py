"""Distinct optima: what is taken out is gone, and what is one optimum is told by what the subjects are like there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

import gbtm
from gbtm.estimation.ledger import SAME_OPTIMUM, Ledger, Optimum, distance
from gbtm.estimation.newton import Climb, newton
from gbtm.likelihood.mixture import Mixture

N, WAVES = 16, 4


def three_clusters() -> np.ndarray:
    """(3 N, T) around -3, 0 and 3, with every person's mirror image: what is true of y is true of -y."""
    rng = np.random.default_rng(4)
    high, middle = rng.normal(3, 1, (N, WAVES)), rng.normal(0, 1, (N // 2, WAVES))
    return np.concatenate([high, -high, middle, -middle])


@pytest.fixture(scope="module")
def model() -> gbtm.GBTM:
    return gbtm.GBTM(three_clusters(), np.arange(WAVES), groups=2, order=0, family="normal")


@pytest.fixture(scope="module")
def module(model: gbtm.GBTM) -> Mixture:
    return Mixture(model.layout, model.panel)


def _at(module: Mixture, *flats: np.ndarray) -> Climb:
    """Where climbs would be that ended at these places."""
    flat = torch.as_tensor(np.stack(flats))
    loglik = module.total_loglik(flat)
    return Climb(flat, loglik, torch.zeros_like(loglik), torch.ones_like(loglik, dtype=torch.bool))


def _flat(model: gbtm.GBTM, means: tuple[float, ...], sigma: float, shares: tuple[float, ...]) -> np.ndarray:
    theta = np.log(np.array(shares[1:]) / shares[0])
    return model.layout.unreport(np.array([*means, sigma, *theta]))


def _noted(module: Mixture, *flats: np.ndarray) -> Ledger:
    ledger = Ledger(module)
    for flat in flats:  # one by one, as starts end in different lots
        ledger.add(_at(module, flat), np.array([False]), hits=1)
    return ledger


def test_an_optimum_that_another_would_replace_is_taken_first(module: Mixture) -> None:
    """Two unfinished runs, of which the first ends where the second stands."""
    place = np.zeros(module.layout.size)
    here = float(_at(module, place).loglik)
    densities = module.subject_logliks(torch.as_tensor(place)[None])[0].numpy()
    first, second = (Optimum(place, here - lower, 1, False, False, densities) for lower in (5.0, 0.0))
    ledger = Ledger(module, [first, second])
    done = _at(module, place)
    unfinished = Climb(done.flat, done.loglik, done.decrement, torch.tensor([False]))
    for o in ledger.taken([first, second]):
        ledger.add(unfinished, np.array([False]), hits=o.hits)
    assert [(o.loglik, o.hits) for o in ledger.optima] == [(here, 2)]


def test_mirror_images_are_two_optima_of_one_height(model: gbtm.GBTM, module: Mixture) -> None:
    low, high = _flat(model, (-3.0, 1.5), 1.5, (0.4, 0.6)), _flat(model, (-1.5, 3.0), 1.5, (0.6, 0.4))
    climbs = _at(module, low, high)
    assert abs(float(climbs.loglik[0] - climbs.loglik[1])) < 1e-9
    ledger = _noted(module, low, high, low)
    assert [o.hits for o in ledger.optima] == [2, 1]


def test_the_distance_is_that_of_the_densities_written_out(model: gbtm.GBTM, module: Mixture) -> None:
    places = (-3.0, 1.5), 1.5, (0.4, 0.6)
    others = (-2.5, 1.0), 1.2, (0.5, 0.5)
    y = three_clusters()
    log_l = [
        np.log(sum(s * stats.norm.pdf(y, mu, sigma).prod(1) for mu, s in zip(means, shares, strict=True)))
        for means, sigma, shares in (places, others)
    ]
    ledger = _noted(module, _flat(model, *places), _flat(model, *others))
    expected = np.sqrt(((log_l[0] - log_l[1]) ** 2).sum())
    assert distance(*ledger.optima, ledger.module) == pytest.approx(expected, rel=1e-10)


def test_labels_do_not_make_another_optimum(model: gbtm.GBTM, module: Mixture) -> None:
    ledger = _noted(
        module, _flat(model, (-3.0, 1.5), 1.5, (0.4, 0.6)), _flat(model, (1.5, -3.0), 1.5, (0.6, 0.4)))
    assert [o.hits for o in ledger.optima] == [2]


@pytest.mark.parametrize(
    "places",
    [
        ([(-1.0, 4.0), (1 - 1e-13, 1e-13)], [(-1.0, -9.0), (1 - 1e-14, 1e-14)]),  # an empty group's curve is any
        ([(0.5, 0.5), (0.4, 0.6)], [(0.5, 0.5), (0.9, 0.1)]),  # and so are the shares of two groups with one curve
    ],
)
def test_what_the_data_do_not_feel_does_not_make_another_optimum(
    model: gbtm.GBTM, module: Mixture, places: tuple[list[tuple[float, ...]], ...]
) -> None:
    ledger = _noted(module, *(_flat(model, means, 3.0, shares) for means, shares in places))
    assert [o.hits for o in ledger.optima] == [2]


def test_places_within_the_tolerance_of_a_maximum_are_one(model: gbtm.GBTM, module: Mixture) -> None:
    """As far off on either side as log-likelihoods of one optimum may be, along every axis."""
    start = torch.as_tensor(_flat(model, (-3.0, 1.5), 1.5, (0.4, 0.6)))[None]
    top = newton(module, start, steps=50, tolerance=1e-16).flat[0].numpy()
    best = float(_at(module, top).loglik)
    for axis in np.eye(top.size):
        lost = best - float(_at(module, top + 1e-3 * axis).loglik)
        step = 1e-3 * np.sqrt(0.9 * SAME_OPTIMUM / lost)
        ledger = _noted(module, top - step * axis, top + step * axis)
        assert [o.hits for o in ledger.optima] == [2]


def test_a_fit_holds_both_of_two_symmetric_optima_and_says_so(model: gbtm.GBTM) -> None:
    with pytest.warns(gbtm.GBTMWarning, match="Near tie: another optimum, .* as high a log-likelihood"):
        res = model.fit(rng=0)
    first, second = res.start_report.iloc[0], res.start_report.iloc[1]
    assert second["difference"] == pytest.approx(0.0, abs=1e-8)
    assert first["hits"] + second["hits"] <= res.start_report.attrs["n_starts"]
    assert min(first["hits"], second["hits"]) > 0
    assert first["shares"] == pytest.approx(second["shares"][::-1], abs=1e-5)
    assert res.optimum(2)["intercept[1]"] == pytest.approx(-res.params["intercept[2]"], abs=1e-4)


def test_starts_that_run_to_infinity_end_at_one_optimum() -> None:
    """A group that begins to offend at time 3: its coefficients stop anywhere, its probabilities do not."""
    rng = np.random.default_rng(1)
    steps = np.tile((np.arange(6) >= 3).astype(float), (20, 1))
    others = rng.binomial(1, 0.5, (40, 6)).astype(float)
    model = gbtm.GBTM(np.concatenate([steps, others]), np.arange(6), groups=2, order=[1, 0], family="logit")
    with pytest.warns(gbtm.GBTMWarning, match="run to infinity"):
        res = model.fit(rng=0)
    usable = res.start_report[res.start_report["converged"]]
    assert usable["hits"].iloc[0] == usable["hits"].sum()
    assert len(usable.query("difference > -0.5")) == 1
    # from other starts it stops elsewhere on its way
    far = res.params.copy()
    far.iloc[:2] *= 1.5
    with pytest.warns(gbtm.GBTMWarning):
        again = model.fit(start=far)
    assert again.llf == pytest.approx(res.llf, abs=1e-6)
    assert abs(again.params.iloc[1] - res.params.iloc[1]) > 1.0
