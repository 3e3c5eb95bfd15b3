"""Blocks over worker threads: the same digits on any number of them, and torch's setting restored."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from gbtm.compute import threads
from gbtm.estimation.covariance import information
from gbtm.likelihood import mixture as likelihood
from gbtm.likelihood.derivatives import observed
from tables import two_halves_model


def test_in_order_keeps_the_order_and_restores_torch():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads.workers():
            assert threads.in_order(lambda i: i * i, range(20)) == [i * i for i in range(20)]
            assert threads.in_order(lambda i: torch.get_num_threads(), range(4)) == [1, 1, 1, 1]
        assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError), threads.workers():
            threads.in_order(lambda i: 1 / i, range(3))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("family", ["normal", "logit"])
def test_one_and_two_threads_give_the_same_digits(family, monkeypatch):
    monkeypatch.setattr(likelihood, "SHARD", 64)
    model = two_halves_model(family)
    before = torch.get_num_threads()
    fits = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            fits.append(model.fit(n_starts=6, rng=1))
    finally:
        torch.set_num_threads(before)
    one, two = fits
    assert one.llf == two.llf
    np.testing.assert_array_equal(one.params.to_numpy(), two.params.to_numpy())
    np.testing.assert_array_equal(one.cov_params().to_numpy(), two.cov_params().to_numpy())
    np.testing.assert_array_equal(one.posterior.to_numpy(), two.posterior.to_numpy())


@pytest.mark.parametrize("family", ["normal", "poisson", "logit"])
def test_blocks_of_subjects_add_up(family, monkeypatch):
    whole = two_halves_model(family).module()
    assert len(whole.shards) == 1
    monkeypatch.setattr(likelihood, "SHARD", 10)
    blocks = two_halves_model(family).module()
    assert len(blocks.shards) > 2
    flat = whole.flat().detach()
    for a, b in zip(observed(whole, flat[None]), observed(blocks, flat[None]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-9)
    assert blocks.total_loglik(flat[None]).item() == pytest.approx(whole.loglik(flat[None]).item(), rel=1e-13)
    both = [information(module, flat.numpy()) for module in (whole, blocks)]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-11, atol=1e-8)
    torch.testing.assert_close(whole.posterior(flat[None]), blocks.posterior(flat[None]), rtol=1e-13, atol=0)


def test_a_worker_that_spreads_its_own_work_does_not_wait_for_itself():
    with threads.workers():
        out = threads.in_order(lambda i: sum(threads.in_order(lambda j: i * j, range(3))), range(8))
    assert out == [3 * i for i in range(8)]


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
@pytest.mark.parametrize("family", ["normal", "zip", "beta"])
def test_the_callers_mode_changes_nothing(mode, family):
    """Standard errors, profiles and scores need derivatives, which a caller's inference_mode would switch off."""
    rng, i = np.random.default_rng(0), np.repeat(np.arange(30), 4)
    data = pd.DataFrame({"id": i, "t": np.tile(np.arange(4.0), 30)})
    high = i % 2
    data["y"] = {
        "normal": high * 3 + rng.normal(size=i.size),
        "zip": rng.poisson(np.exp(2.0 * high)) * (rng.random(i.size) < 0.7),
        "beta": rng.beta(2 + 6 * high, 6 - 4 * high),
    }[family]

    def numbers():
        res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family=family).fit(n_starts=2)
        return [res.llf, *res.bse, *res.classify(data.head(9))[["probability", "lower"]].to_numpy().ravel()]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = numbers()
        with mode():
            np.testing.assert_array_equal(numbers(), want)
