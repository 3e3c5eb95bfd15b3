"""Identical subjects become one with a weight: exact, and invisible from outside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from gbtm.densities.identical_rows import identical_rows
from gbtm.likelihood import mixture as likelihood
from tables import two_halves, two_halves_model


@pytest.mark.parametrize("family", ["logit", "poisson"])
def test_collapsed_is_the_same_likelihood(family, monkeypatch):
    small = two_halves_model(family).module()
    assert small.expand is not None
    assert small.weight.numel() < 600
    assert small.weight.sum().item() == 600
    monkeypatch.setattr(likelihood, "identical_rows", lambda statistics: None)
    full = two_halves_model(family).module()
    assert full.weight.numel() == 600
    flat = full.flat().detach()
    assert small.loglik(flat[None]).item() == pytest.approx(full.loglik(flat[None]).item(), rel=1e-13)
    small.set_flat(flat)
    torch.testing.assert_close(small(), full(), rtol=1e-13, atol=0)


def test_fit_of_collapsed_subjects_reports_each(monkeypatch):
    collapsed = two_halves_model("logit").fit(rng=0)
    monkeypatch.setattr(likelihood, "identical_rows", lambda statistics: None)
    each = two_halves_model("logit").fit(rng=0)
    assert collapsed.llf == pytest.approx(each.llf, abs=1e-9)
    np.testing.assert_allclose(collapsed.bse, each.bse, rtol=1e-8)
    np.testing.assert_allclose(collapsed.posterior, each.posterior, atol=1e-8)
    assert list(collapsed.ids) == list(range(600))


def test_identical_rows_finds_exactly_the_kinds():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 7, size=200)
    rows = torch.from_numpy(rng.standard_normal((7, 4))[kinds])
    found = identical_rows([rows])
    assert found is not None
    first, kind = found
    assert first.size == 7
    assert torch.equal(rows[first][kind], rows)
    assert identical_rows([torch.from_numpy(rng.standard_normal((200, 4)))]) is None


def test_doubled_subjects_double_the_loglikelihood():
    data = two_halves("poisson", 200)
    twice = pd.concat([data, data.assign(id=data["id"] + 1000)])
    once = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family="poisson").fit(rng=0)
    both = gbtm.GBTM.from_formula("y ~ t", twice, id="id", groups=2, order=1, family="poisson").fit(rng=0)
    assert both.llf == pytest.approx(2 * once.llf, rel=1e-12)
    np.testing.assert_allclose(both.bse, once.bse / np.sqrt(2), rtol=1e-6)
