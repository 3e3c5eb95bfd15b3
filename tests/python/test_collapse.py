"""Identical subjects become one with a weight: exact, and invisible from outside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gbtm
from gbtm import estimate, likelihood
from gbtm.likelihood import identical_rows
from test_threads import _model, _panel


@pytest.mark.parametrize("family", ["logit", "poisson"])
def test_collapsed_is_the_same_likelihood(family, monkeypatch):
    small = _model(family).module()
    assert small.expand is not None
    assert small.weight.numel() < 600
    assert small.weight.sum().item() == 600
    monkeypatch.setattr(likelihood, "identical_rows", lambda statistics: None)
    full = _model(family).module()
    assert full.weight.numel() == 600
    flat = full.flat().detach()
    assert small.loglik(flat[None]).item() == pytest.approx(full.loglik(flat[None]).item(), rel=1e-13)
    small.set_flat(flat)
    torch.testing.assert_close(small(), full(), rtol=1e-13, atol=0)


def test_fit_of_collapsed_subjects_reports_each(monkeypatch):
    collapsed = _model("logit").fit(rng=0)
    monkeypatch.setattr(likelihood, "identical_rows", lambda statistics: None)
    each = _model("logit").fit(rng=0)
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


def test_starts_on_a_subsample_reach_the_optimum_of_all(monkeypatch):
    data = _panel("normal", 3000)
    whole = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(rng=0)
    monkeypatch.setattr(estimate, "START_SUBJECTS", 300)
    some = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(rng=0)
    assert some.document["search"]["n_starts"] >= 1
    assert "random 300 subjects" in some.start_report.attrs["sentence"]
    assert "random" not in whole.start_report.attrs["sentence"]
    assert some.llf == pytest.approx(whole.llf, abs=1e-8)
    assert some.document["certificate"]["decrement"] < 1e-9
    np.testing.assert_allclose(some.bse, whole.bse, rtol=1e-6)


def test_doubled_subjects_double_the_loglikelihood():
    data = _panel("poisson", 200)
    twice = pd.concat([data, data.assign(id=data["id"] + 1000)])
    once = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, family="poisson").fit(rng=0)
    both = gbtm.GBTM.from_formula("y ~ t", twice, id="id", groups=2, order=1, family="poisson").fit(rng=0)
    assert both.llf == pytest.approx(2 * once.llf, rel=1e-12)
    np.testing.assert_allclose(both.bse, once.bse / np.sqrt(2), rtol=1e-6)


def test_starts_on_binned_times_reach_the_exact_optimum(monkeypatch):
    rng = np.random.default_rng(5)
    subject = np.repeat(np.arange(200), 4)
    time = rng.uniform(0, 10, size=subject.size)  # every observation has a time of its own
    y = np.where(subject < 100, 1 + 0.5 * time, 6 - 0.3 * time) + rng.normal(size=subject.size)
    data = pd.DataFrame({"id": subject, "t": time, "y": y})
    monkeypatch.setattr(likelihood, "DENSE_SMALL", 1000)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1)
    binned = model.panel.outcomes[0].binned(64)
    assert np.unique(binned.time).size == 64
    assert binned.nobs == model.panel.nobs
    assert np.abs(binned.time - time[np.lexsort((time, subject))]).max() < 0.5
    irregular = model.fit(rng=0)
    assert likelihood.is_irregular(model.panel.outcomes[0], 200)
    monkeypatch.setattr(likelihood, "DENSE_SMALL", 10**9)
    exact = model.fit(rng=0)
    assert irregular.llf == pytest.approx(exact.llf, abs=1e-8)
    np.testing.assert_allclose(irregular.params, exact.params, atol=1e-6)
    np.testing.assert_allclose(irregular.bse, exact.bse, rtol=1e-6)


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip", "logit"])
def test_closed_form_derivatives_are_those_of_autograd(name):
    from gbtm.families import Family, make_family

    torch.manual_seed(0)
    family = make_family(name, -0.5, 1.5)
    u = {p: 0.7 * torch.randn(3, 5, dtype=torch.float64) for p in family.predictors}
    for closed, traced in (
        (family.slopes(u), Family.slopes(family, u)), (family.curvatures(u), Family.curvatures(family, u)),
    ):
        assert closed.keys() == traced.keys()
        for key, value in closed.items():
            torch.testing.assert_close(value, traced[key], rtol=1e-9, atol=1e-11)
