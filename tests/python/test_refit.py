"""A model again on other data: against fits of their own, and likelihoods summed by hand."""

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.fit.refit import refit, subject_loglik
from gbtm.record.rebuild import prepared_of
from parts import draw


@pytest.fixture(scope="module")
def fit():
    return gbtm.GBTM.from_formula(
        "y ~ t", data=gbtm.datasets.two_groups(rng=0), id="id", groups=2, order=2, family="normal").fit(rng=0)


def test_from_its_own_estimates_it_ends_where_the_fit_did(fit):
    model = prepared_of(fit)
    again = refit(model.panel, model.spec, start=fit.params.to_numpy(), n_starts=0)
    assert again.loglik == pytest.approx(fit.llf, abs=1e-9)
    np.testing.assert_allclose(again.params, fit.params, rtol=1e-7, atol=1e-9)
    assert again.converged
    assert not again.collapsed


def test_a_bad_start_does_no_harm_when_the_search_goes_on(fit):
    model = prepared_of(fit)
    bad = fit.params.to_numpy().copy()
    bad[:6] = 0.0
    again = refit(model.panel, model.spec, start=bad, n_starts=4)
    assert again.loglik == pytest.approx(fit.llf, abs=1e-9)


@pytest.mark.parametrize("name", ["risk", "tcov", "weights", "dropout1", "everything"])
def test_subject_loglik_sums_to_the_fit(name):
    model = draw(name).built()
    res = model.fit(rng=0, n_starts=4)
    model = prepared_of(res)
    again = refit(model.panel, model.spec, start=res.params.to_numpy(), n_starts=0)
    own = subject_loglik(again, model.panel)
    weights = model.panel.subjects.relative_weights
    assert own.shape == (res.n_subjects,)
    assert weights @ own == pytest.approx(res.llf, abs=1e-6)
    half = np.arange(0, res.n_subjects, 2)
    np.testing.assert_allclose(subject_loglik(again, model.panel.subset(half)), own[half], rtol=1e-10)


def test_a_subject_that_stands_twice_counts_twice(fit):
    model = prepared_of(fit)
    count = np.random.default_rng(1).multinomial(100, np.full(100, 0.01))
    some = model.panel.weighted(count)
    assert some.n_subjects == (count > 0).sum()
    again = refit(some, model.spec, n_starts=4)
    data = gbtm.datasets.two_groups(rng=0)
    ids = data["id"].unique()
    rows = [data[data["id"] == who].assign(id=f"{who}-{j}") for who, n in zip(ids, count) for j in range(n)]
    res = gbtm.GBTM.from_formula("y ~ t", data=pd.concat(rows), id="id", groups=2, order=2, family="normal").fit(rng=0)
    np.testing.assert_allclose(again.params, res.params, rtol=1e-6, atol=1e-8)
    assert again.loglik * 100 / some.n_subjects == pytest.approx(res.llf, abs=1e-6)
