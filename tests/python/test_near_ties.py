"""Other optima about as high as the best: what is said of them, and when nothing is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import gbtm
from gbtm.estimation.covariance import covariance, information
from gbtm.estimation.ledger import Optimum
from gbtm.findings import near_ties as room
from gbtm.likelihood.mixture import Mixture

TIMES = np.arange(5.0)


def _model(family: str, **options: Any) -> gbtm.GBTM:
    rng = np.random.default_rng(3)
    groups = np.repeat([0, 1], [30, 20])
    if family == "logit":
        y = rng.binomial(1, np.array([0.2, 0.7])[groups][:, None], (50, TIMES.size)).astype(float)
    else:
        y = rng.normal(np.array([0.0, 2.0])[groups][:, None], 1.0, (50, TIMES.size))
    return gbtm.GBTM(y, TIMES, groups=2, family=family, **options)


@pytest.fixture(scope="module")
def logit() -> gbtm.GBTM:
    return _model("logit", order=[0, 1])


def _optimum(model: gbtm.GBTM, params: list[float], loglik: float, *, hits: int = 3, **how: bool) -> Optimum:
    state = {"converged": True, "collapsed": False, **how}
    return Optimum(model.layout.unreport(np.array(params)), loglik, hits, densities=np.zeros(1), **state)


def _said(model: gbtm.GBTM, *optima: Optimum) -> list[tuple[str, str]]:
    """Findings of an estimate with these optima, the first the best: each judged by its own information."""
    search = SimpleNamespace(optima=optima, n_starts=24)
    estimate: Any = SimpleNamespace(
        flat=optima[0].flat, loglik=optima[0].loglik, objective=optima[0].loglik, search=search)
    module = Mixture(model.layout, model.panel)
    cov = covariance(information(module, estimate.flat), "hessian", model.panel.nobs)
    found = room.examine_near_ties(model.layout, model.panel, module, estimate, cov)
    return [(f.code, f.message) for f in found]


HERE = [-1.4, 0.85, 0.0, -0.4]  # logits of 0.2 and 0.7, a share of 0.4 for the second group
OTHER = [-1.0, 1.5, 0.0, -1.0]
SEPARATED = [-40.0, 0.85, 0.0, -0.4]  # 0.0 throughout in the first group


def test_a_near_tie_says_what_differs(logit):
    best = _optimum(logit, HERE, -100.0)
    (code, message), = _said(logit, best, _optimum(logit, OTHER, -100.3, hits=7))
    assert code == "near_tie"
    share = 100 / (1 + np.exp(np.array([0.4, 1.0])))
    shares = [f"{100 - s:.1f}/{s:.1f} %" for s in share]
    assert message == (
        "Near tie: another optimum, reached by 7 of 24 starts, has a log-likelihood only 0.3 lower with other groups: "
        f"shares of {shares[1]} instead of {shares[0]}, and at time 0 a mean of {1 / (1 + np.exp(-1.5)):.3g} instead "
        f"of {1 / (1 + np.exp(-0.85)):.3g} in group 2. The data do not choose between the two: report both, "
        "fit(start=res.optimum(2)) fits the other."
    )


@pytest.mark.parametrize(
    "second",
    [
        (OTHER, -100.51, {}),  # too far below
        (OTHER, -100.1, {"converged": False}), (OTHER, -99.0, {"collapsed": True}),
        ([-1.41, 0.86, 0.0, -0.41], -100.1, {}),  # another optimum by what else it has: groups and shares are the same
    ],
)
def test_nothing_is_said_of_what_is_no_tie(logit, second):
    params, loglik, how = second
    assert _said(logit, _optimum(logit, HERE, -100.0), _optimum(logit, params, loglik, **how)) == []


def test_a_regular_optimum_within_rounding_of_a_degenerate_one_is_named(logit):
    best = _optimum(logit, SEPARATED, -100.0)
    further = _optimum(logit, [*SEPARATED[:3], 0.4], -100.0005)  # as degenerate, nearer
    (code, message), = _said(logit, best, further, _optimum(logit, OTHER, -100.002))
    assert code == "regular_twin"
    assert message.startswith(
        "This optimum is degenerate (intercept[1] has no standard error), and a regular one is within rounding of it: "
        "another optimum, reached by 3 of 24 starts, has a log-likelihood only 0.002 lower")
    assert "prefer it, fit(start=res.optimum(3)) fits it. Optimum 2 of the start report is one too." in message


@pytest.mark.parametrize(
    ("first", "second", "gap", "said"),
    [
        (SEPARATED, OTHER, 0.02, "But here intercept[1] has no standard error, there all parameters have"),
        (OTHER, SEPARATED, 0.002, "fits the other. But there intercept[1] has no standard error."),
        (SEPARATED, [*SEPARATED[:3], 0.4], 0.0, "as high a log-likelihood"),
    ],
)
def test_which_of_two_is_degenerate_is_told(logit, first, second, gap, said):
    (code, message), = _said(logit, _optimum(logit, first, -100.0), _optimum(logit, second, -100.0 - gap))
    assert (code, said in message) == ("near_tie", True), message


def test_an_empty_group_is_degenerate_and_its_curve_is_not_compared(logit):
    empty = [-1.4, 9.0, 0.0, -30.0]
    (code, message), = _said(logit, _optimum(logit, empty, -100.0), _optimum(logit, HERE, -100.0))
    assert code == "regular_twin"
    assert "degenerate (group 2 is empty)" in message
    assert " a mean of " not in message.replace("another", "")  # that of the other group is the same


def test_groups_are_matched_by_their_curves_where_they_may_change_places():
    model = _model("normal", order=0)
    best, other = [0.0, 2.0, 1.0, -0.4], [2.0, 0.5, 1.0, 0.4]
    flats = [model.layout.unreport(np.array(p)) for p in (best, other)]
    d = room.difference(model.layout, model.panel, *flats)
    assert d.order.tolist() == [1, 0]
    assert d.share_gap == pytest.approx(0.0, abs=1e-12)
    assert (d.group, d.mean, d.other_mean) == (0, pytest.approx(0.0, abs=1e-12), pytest.approx(0.5))
    assert d.curve_gap == pytest.approx(0.5 / model.panel.outcomes[0].y.std())
    text = _said(model, _optimum(model, best, -100.0), _optimum(model, other, -100.1))[0][1]
    assert "(its groups 2, 1 in the place of these)" in text


def test_curves_that_overflow_are_compared_all_the_same():
    rng = np.random.default_rng(0)
    model = gbtm.GBTM(rng.poisson(2.0, (30, 5)).astype(float), TIMES, groups=2, order=1, family="poisson")
    flats = [model.layout.unreport(np.array([0.5, 0.0, 1.0, slope, 0.0])) for slope in (300.0, 400.0)]
    d = room.difference(model.layout, model.panel, *flats)
    assert np.isfinite([d.curve_gap, d.mean, d.other_mean]).all()
    assert d.curve_gap < 1e-9


# -- in a fit: two optima that are mirror images ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def mirrored() -> tuple[gbtm.GBTM, gbtm.GBTMResults]:
    rng = np.random.default_rng(4)
    high, middle = rng.normal(3, 1, (12, 4)), rng.normal(0, 1, (6, 4))
    model = gbtm.GBTM(
        np.concatenate([high, -high, middle, -middle]), np.arange(4), groups=2, order=0, family="normal")
    with pytest.warns(gbtm.GBTMWarning, match="Near tie"):
        return model, model.fit(n_starts=12)


def test_the_start_report_has_the_tie_and_its_parameters(mirrored, tmp_path):
    model, res = mirrored
    assert "near_tie" in {f.code for f in res.findings}
    assert res.start_report.attrs["sentence"].endswith("There is a near tie with other groups, see the warnings.")
    assert "less than 0.001 lower" in res.start_report.attrs["sentence"]
    res.save(tmp_path / "fit.json")
    for fit in (res, gbtm.load(tmp_path / "fit.json")):
        assert fit.optimum(1).equals(res.params.rename("optimum 1"))
        again = model.fit(start=fit.optimum(2))
        assert again.llf == pytest.approx(res.llf, abs=1e-8)
        np.testing.assert_allclose(again.params.iloc[:2], -res.params.iloc[1::-1], atol=1e-6)


def test_a_rank_that_is_not_there_is_refused(mirrored, tmp_path):
    _, res = mirrored
    with pytest.raises(gbtm.SpecificationError, match=r"rank: 99 is none of the \d+ optima"):
        res.optimum(99)
    res.save(tmp_path / "fit.json")
    document = json.loads((tmp_path / "fit.json").read_text())
    for o in document["search"]["optima"]:
        del o["params"]
    (tmp_path / "old.json").write_text(json.dumps(document))
    old = gbtm.load(tmp_path / "old.json")
    assert old.optimum(1).equals(res.optimum(1))
    with pytest.raises(gbtm.SpecificationError, match="older than the parameters of optimum 2"):
        old.optimum(2)
    document["search"]["optima"][1]["params"] = [1.0]
    (tmp_path / "bad.json").write_text(json.dumps(document))
    with pytest.raises(gbtm.DataError, match=r"search.optima\[1\].params"):
        gbtm.load(tmp_path / "bad.json")
