"""Starts on part of the data, climbed to with all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.densities.cells import is_irregular
from gbtm.estimation import start_panel as part
from gbtm.estimation.control import Control
from parts import draw, hold
from tables import two_halves


def test_starts_on_a_subsample_reach_the_optimum_of_all(monkeypatch):
    data = two_halves("normal", 3000)
    whole = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(rng=0)
    monkeypatch.setattr(part, "START_SUBJECTS", 300)
    some = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(rng=0)
    assert some.search.n_starts >= 1
    assert "random 300 subjects" in some.start_report.attrs["sentence"]
    assert "random" not in whole.start_report.attrs["sentence"]
    assert some.llf == pytest.approx(whole.llf, abs=1e-8)
    assert some.document["certificate"]["decrement"] < 1e-9
    np.testing.assert_allclose(some.bse, whole.bse, rtol=1e-6)


def test_starts_on_binned_times_reach_the_exact_optimum(monkeypatch):
    rng = np.random.default_rng(5)
    subject = np.repeat(np.arange(200), 4)
    time = rng.uniform(0, 10, size=subject.size)  # every observation has a time of its own
    y = np.where(subject < 100, 1 + 0.5 * time, 6 - 0.3 * time) + rng.normal(size=subject.size)
    data = pd.DataFrame({"id": subject, "t": time, "y": y})
    monkeypatch.setattr("gbtm.densities.cells.DENSE_SMALL", 1000)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1)
    binned = model.panel.outcomes[0].binned(64)
    assert np.unique(binned.time).size == 64
    assert binned.nobs == model.panel.nobs
    assert np.abs(binned.time - time[np.lexsort((time, subject))]).max() < 0.5
    irregular = model.fit(rng=0)
    assert is_irregular(model.panel.outcomes[0], 200)
    monkeypatch.setattr("gbtm.densities.cells.DENSE_SMALL", 10**9)
    exact = model.fit(rng=0)
    assert irregular.llf == pytest.approx(exact.llf, abs=1e-8)
    np.testing.assert_allclose(irregular.params, exact.params, atol=1e-6)
    np.testing.assert_allclose(irregular.bse, exact.bse, rtol=1e-6)


# -- with covariates, exposure, weights and dropout -------------------------------------------------------------------


def test_a_subsample_takes_along_what_is_known_of_its_subjects(monkeypatch):
    monkeypatch.setattr(part, "START_SUBJECTS", 60)
    drawn = draw("everything")
    built = drawn.built()
    some = part.start_panel(built.panel, built.layout, Control(rng=0))
    assert some.n_subjects == 60
    where = {who: i for i, who in enumerate(built.panel.ids)}
    at = np.array([where[who] for who in some.ids])
    np.testing.assert_array_equal(some.subjects.risk, built.panel.subjects.risk[at])
    np.testing.assert_array_equal(some.subjects.weights, built.panel.subjects.weights[at])
    for mine, all_of_them in zip(some.sources, built.panel.sources, strict=True):
        rows = np.flatnonzero(np.isin(all_of_them.subject, at))
        np.testing.assert_array_equal(at[mine.subject], all_of_them.subject[rows])
        for name in ("y", "covariates"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(all_of_them, name)[rows])


@pytest.mark.parametrize("name", ["everything", "beta"])
def test_starts_on_a_subsample_reach_the_optimum_of_all_with_parts(name, monkeypatch):
    whole = draw(name).built().fit(rng=0, n_starts=8)
    number = int(0.6 * whole.n_subjects)
    monkeypatch.setattr(part, "START_SUBJECTS", number)
    some = draw(name).built().fit(rng=0, n_starts=8)
    assert f"random {number} subjects" in some.start_report.attrs["sentence"]
    assert some.llf == pytest.approx(whole.llf, abs=1e-8)
    np.testing.assert_allclose(some.params, whole.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(some.bse, whole.bse, rtol=1e-6)


@pytest.mark.parametrize("name", ["tcov", "beta", "everything"])
def test_starts_on_gathered_covariates_reach_the_exact_optimum(name, monkeypatch):
    """Where nearly every observation is a design cell of its own, starts are tried on a few values of each."""
    exact = draw(name).built().fit(rng=0, n_starts=8)
    hold(monkeypatch, "rows")
    monkeypatch.setattr(part, "START_ROWS", 100)
    built = draw(name).built()
    few = part.start_panel(built.panel, built.layout, Control()).outcomes[0]
    assert few.nobs == built.panel.nobs
    varying = [*few.covariates.T, *([few.exposure] if few.exposure is not None else [])]
    assert all(len(np.unique(column)) == part.COVARIATE_BINS for column in varying)
    res = built.fit(rng=0, n_starts=8)
    assert res.llf == pytest.approx(exact.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, exact.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse, exact.bse, rtol=1e-6)
