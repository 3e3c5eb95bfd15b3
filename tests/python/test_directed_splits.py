"""Splits of a group along the directions in which its members differ most."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp

import gbtm
from conftest import TRUTH, arguments, long_table, true_data
from gbtm.estimation.directed_splits import DIRECTIONS, REACH, SPREAD, DirectedSplits, directions, losses
from gbtm.estimation.ledger import Optimum
from gbtm.estimation.rearrange import copied
from gbtm.likelihood.mixture import Mixture


def _mixture(name: str, groups: int) -> Mixture:
    model = TRUTH[name][0]
    kw = {**arguments(model), "order": 1, "groups": groups}
    if model.iorder and len(model.iorder) > 1:
        kw["iorder"] = [1] * groups
    asked = gbtm.GBTM.from_formula("y ~ t", long_table(*true_data(name)), id="id", **kw)
    return Mixture(asked.layout, asked.panel)


def _optimum(module: Mixture, flat: np.ndarray) -> Optimum:
    densities = module.subject_loglik(torch.as_tensor(flat)[None])[0].detach().numpy()
    loglik = float(densities @ module.weight.numpy())
    return Optimum(flat=flat, loglik=loglik, hits=1, converged=True, collapsed=False, densities=densities)


def test_of_counts_it_is_their_overdispersion():
    """One Poisson rate: a subject's score is sum y - T rate, its information T rate."""
    y = np.random.default_rng(3).poisson(np.random.default_rng(4).gamma(2.0, 1.5, size=(80, 1)), size=(80, 5))
    module = Mixture(*(lambda m: (m.layout, m.panel))(gbtm.GBTM(y, groups=1, order=0, family="poisson")))
    rate = y.mean()
    flat = module.layout.unreport(np.array([np.log(rate)]))
    (steps,) = directions(module, flat)
    excess = ((y.sum(1) - 5 * rate) ** 2).mean() / (5 * rate) - 1
    assert excess > SPREAD[0] ** 2
    along = module.layout.report(flat + steps[0]) - module.layout.report(flat)  # in log(rate)
    want = min(np.sqrt(excess), SPREAD[1]) / np.sqrt(5 * rate)
    assert abs(along[0]) == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("name", ["normal_sbg", "poisson", "zip_own", "logit"])
def test_the_gain_of_a_small_split_is_half_the_excess(name):
    """Two copies of a group moved apart by +-s v: the log-likelihood's second derivative in s, by differences."""
    module = _mixture(name, 3)
    layout = module.layout
    flat = copied(layout, layout.inside(np.random.default_rng(1).normal(0, 0.3, layout.size)), 0, 1)
    select = module.select.numpy()
    steps = directions(module, flat)[0]
    assert 1 <= len(steps) <= DIRECTIONS
    posterior = module.posterior(torch.as_tensor(flat)[None])[0]
    members = float((posterior[0] * module.weight).sum())
    gains = []
    for step in steps:
        out = select[0].T @ step - select[1].T @ step
        h = 1e-3
        three = torch.as_tensor(np.stack([flat - h * out, flat, flat + h * out]))
        low, mid, high = module.loglik(three).detach().numpy()
        gains.append((low + high - 2 * mid) / h**2 / (2 * members))
    # along a step of length sqrt(excess) in units of the information the second derivative is excess * excess, or
    # what the limits make of the length; its sign is the excess's
    for gain, step in zip(gains, steps, strict=True):
        length = _length(module, flat, step)
        excess = gain / length**2
        assert length == pytest.approx(np.clip(np.sqrt(max(excess, 0.0)), *SPREAD), rel=2e-3)
    assert gains == sorted(gains, reverse=True) or min(gains) < 0


def _length(module: Mixture, flat: np.ndarray, step: np.ndarray) -> float:
    """A step in group 1's own coefficients, in units of the information per member: by differences of EM's Q."""
    at = torch.as_tensor(flat)[None]
    posterior = module.posterior(at)[0, 0] * module.weight
    out = module.select.numpy()[0].T @ step

    def q(s: float) -> float:
        return float(module.group_loglik(torch.as_tensor(flat + s * out)[None])[0, 0] @ posterior)

    h = 1e-3
    return float(np.sqrt(-(q(h) + q(-h) - 2 * q(0)) / h**2 / float(posterior.sum())))


def test_the_cheapest_group_goes_first_along_the_first_direction_and_none_is_made_twice():
    module = _mixture("normal", 3)
    rng = np.random.default_rng(0)
    flats = [module.layout.inside(rng.normal(size=module.layout.size)) for _ in range(2)]
    splits = DirectedSplits(module, np.random.default_rng(0))
    optima = [_optimum(module, flat) for flat in flats]
    first = splits.next(optima, 2)
    cheapest = int(np.argmin(losses(module, flats[0])))
    select = module.select.numpy()
    for start in first:  # the third group is as it was
        moved = [k for k in range(3) if np.abs(select[k] @ (start - flats[0])).max() > 1e-9]
        assert cheapest in moved
        assert len(moved) == 2
    rest = splits.next(optima, 1000)
    assert not len(splits.next(optima, 10))
    n_directions = sum(len(s) for flat in flats for s in directions(module, flat))
    assert len(first) + len(rest) == n_directions * 2 * len(REACH)
    together = np.vstack([first, rest])
    assert len(np.unique(together.round(9), axis=0)) == len(together)
    # the best optimum again, a rounding error higher: the same optimum
    assert not len(splits.next([_optimum(module, flats[0] + 1e-9)], 10))


def test_a_loss_is_what_is_left_without_the_group():
    """By the likelihood of the mixture without that group, its share left out."""
    module = _mixture("poisson", 3)
    flat = module.layout.inside(np.random.default_rng(2).normal(size=module.layout.size))
    shares, whole = module.layout.shares(flat), module.group_loglik(torch.as_tensor(flat)[None])[0].detach().numpy()
    both = logsumexp(whole + np.log(shares)[:, None], axis=0)
    want = [
        (both - logsumexp(np.delete(whole, b, 0) + np.log(np.delete(shares, b))[:, None], axis=0)).sum()
        for b in range(3)
    ]
    assert losses(module, flat) == pytest.approx(want, rel=1e-10)


def test_an_empty_group_is_not_split():
    module = _mixture("normal", 2)
    flat = module.layout.inside(np.random.default_rng(0).normal(size=module.layout.size))
    module.layout.set_membership(flat, np.array([[0.0], [-60.0]]))
    assert [len(s) for s in directions(module, flat)][1] == 0


def test_a_direction_the_data_do_not_know_is_not_taken():
    """A second group's curve has order 0: its slope is no coefficient of its own."""
    d = pd.DataFrame({"id": np.repeat(np.arange(40), 4), "t": np.tile(np.arange(4), 40)})
    d["y"] = np.random.default_rng(0).normal(size=160)
    m = gbtm.GBTM.from_formula("y ~ t", d, id="id", groups=2, order=[1, 0], sigma_by_group=False)
    module = Mixture(m.layout, m.panel)
    flat = m.layout.inside(np.zeros(m.layout.size))
    steps = directions(module, flat)
    assert len(steps[1]) == len(steps[0]) - 1
