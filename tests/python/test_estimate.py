"""The search: its report, its certificate, its limits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import gbtm
from conftest import TRUTH, build, searched
from gbtm import SpecificationError
from gbtm.estimation.control import Control
from gbtm.estimation.estimate import estimate
from gbtm.likelihood.mixture import Mixture


def _run(name: str, **control):
    built = build(name)
    return estimate(Mixture(built.layout, built.panel), built.panel, Control(**control))


@pytest.mark.parametrize("name", TRUTH)
def test_certificate_of_a_plain_problem(name, fitted):
    certificate = fitted(name).document["certificate"]
    assert certificate["converged"]
    assert certificate["decrement"] < 1e-9
    if fitted(name).warnings == []:
        assert certificate["gradient"] < 1e-5
        assert certificate["smallest_eigenvalue"] > 0


def test_report_counts_every_start():
    result = _run("zip_own", n_starts=12)
    search = result.search
    assert search.n_starts == 12
    assert search.n_moves == 0
    assert sum(o.hits for o in search.optima) <= 12
    assert sum(o.hits for o in search.optima if o.converged) >= 10
    logliks = [o.loglik for o in search.optima if o.converged and not o.collapsed]
    assert logliks == sorted(logliks, reverse=True)
    assert np.diff(logliks).size == 0 or (np.abs(np.diff(logliks)) > 1e-3).all()
    assert result.loglik == pytest.approx(search.optima[0].loglik, abs=1e-6)


@pytest.mark.parametrize("name", searched(["logit_2grp", "sim_cnorm5_cens0"]))
def test_number_of_starts_follows_the_hit_rate(name, reference):
    rng = np.random.default_rng(0)
    plain = np.repeat([0.0, 9.0], 40)[:, None] + rng.normal(size=(80, 4))
    easy, hard = gbtm.GBTM(plain, range(4), groups=2, order=0).fit(), reference(name).fit()
    assert easy.start_report.attrs["n_starts"] <= 24
    assert 16 < hard.start_report.attrs["n_starts"] <= 256


def test_max_starts_is_a_cap():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(60, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = gbtm.GBTM(y, range(4), groups=4, order=1).fit(max_starts=20)
    assert res.start_report.attrs["n_starts"] <= 20


def test_one_group_needs_no_search():
    res = gbtm.GBTM(np.random.default_rng(0).normal(size=(30, 4)), range(4), groups=1, order=1).fit()
    assert res.start_report.attrs["n_starts"] <= 2
    assert res.start_report.attrs["n_moves"] == 0
    assert len(res.start_report) == 1


def test_sentence_tells_the_hits(fitted):
    res = fitted("logit")
    sentence = res.start_report.attrs["sentence"]
    best = res.start_report.iloc[0]
    n = res.start_report.attrs["n_starts"]
    assert f"{best['hits']} of {n} starts reached the best optimum" in sentence
    assert sentence.endswith(".")


def test_a_common_sigma_is_not_taken_for_collapsed():
    """Very little noise, but on all observations: an honest small sigma."""
    data = gbtm.datasets.two_groups(rng=0, noise=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbtm.GBTMWarning)
        res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit()
    assert res.params["sigma"] == pytest.approx(1e-3 / np.sqrt(3), rel=0.1)


def test_groups_keep_their_place_where_orders_differ():
    """Order [2, 0]: the quadratic group stays first although it lies higher."""
    rng = np.random.default_rng(0)
    t = np.arange(5.0)
    y = np.vstack([
        10 + t - 0.5 * t**2 + rng.normal(0, 0.3, (40, 5)), rng.normal(0, 0.3, (40, 5)),
    ])
    res = gbtm.GBTM(y, t, groups=2, order=[2, 0]).fit()
    assert list(res.params.index[:4]) == ["intercept[1]", "time[1]", "time^2[1]", "intercept[2]"]
    np.testing.assert_allclose(res.params[:4], [10, 1, -0.5, 0], atol=0.25)


def test_control_refuses_bad_numbers():
    with pytest.raises(SpecificationError, match="n_starts"):
        Control(n_starts=0)


def test_many_subjects_are_searched_on_a_part_and_fitted_on_all():
    import oracle

    rng = np.random.default_rng(0)
    model = oracle.Model("logit", (1, 1))
    subject, time, y, _ = oracle.simulate(model, [-2.0, 0.3, 1.5, 0.3, 0.2], 12_000, range(5), rng)
    res = gbtm.GBTM(y.reshape(-1, 5), range(5), groups=2, order=1, family="logit").fit()
    assert res.n_subjects == 12_000
    want = oracle.loglik(model, res.params.to_numpy(), subject, time, y)
    assert res.llf == pytest.approx(want, rel=1e-10)
    np.testing.assert_allclose(res.params, [-2.0, 0.3, 1.5, 0.3, 0.2], atol=0.25)
    assert res.document["certificate"]["gradient"] < 1e-4
