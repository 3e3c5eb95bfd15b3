"""Events of many people at one time: the likelihood of a Weibull group of these alone has no bound, and is held off."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import event_data as hand
import gbtm
from gbtm.families.hazards import WeibullTimes

DATA = hand.people(150)
EVENT = gbtm.Event(time="T", status="d")
CODE = "collapsed_event_rival"


def fit(data, groups, formula="y ~ t", event=EVENT, **more):
    options = {k: more.pop(k) for k in ("n_starts", "start", "rng") if k in more}
    model = gbtm.GBTM.from_formula(formula, data, id="id", groups=groups, order=1, event=event, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return model.fit(**options)


def codes(res):
    return [w["code"] for w in res.document["warnings"]]


def in_whole_years(data=DATA):
    return data.assign(T=np.ceil(data["T"]), b=(data["y"] > 1).astype(int),
                       n=np.random.default_rng(1).poisson(np.exp(0.3 + 0.3 * data["y"].clip(-2, 3))),
                       c=np.where(data["y"] < 0.5, "low", np.where(data["y"] < 2, "mid", "high")))


@pytest.mark.parametrize(("formula", "family"), [
    ("y ~ t", "normal"), ("n ~ t", "poisson"), ("b ~ t", "logit"), ("c ~ t", "multinomial")])
def test_times_in_whole_years_lead_to_an_optimum_that_is_one(formula, family):
    res = fit(in_whole_years(), 3, formula, family=family, n_starts=24)
    assert res.converged
    assert (res.params.filter(like="event_shape") < 100).all()
    aside = [o for o in res.search.optima if o.collapsed and o.loglik > res.llf]
    assert (CODE in codes(res)) == bool(aside)
    assert family != "normal" or aside
    assert not (aside and "fell_short" in codes(res))
    assert np.isfinite(res.survival([1, 5, 40]).drop(columns=["lower", "upper", "std err"]).to_numpy()).all()


def test_the_optimum_is_that_of_the_likelihood_written_out():
    data = in_whole_years()
    people = hand.once(data)
    res = fit(data, 3)
    assert CODE in codes(res)

    def loglik(b):
        """Lines (6), log sigma, two logits, log scales (3), log shapes (3)."""
        logits = np.array([0.0, b[7], b[8]])
        parts = [
            hand.log_normal_curve(data, b[2 * k : 2 * k + 2], np.exp(b[6])) + hand.log_times(
                hand.weibull_hazard(np.exp(b[9 + k]), np.exp(b[12 + k])), 0.0, people["T"], people["d"]).to_numpy()
            for k in range(3)]
        return hand.mixture(logits - np.log(np.exp(logits).sum()), parts)

    def named(stem):
        return res.params[[f"{stem}[{k}]" for k in (1, 2, 3)]].to_numpy()

    curves = np.column_stack([named("intercept"), named("t")]).ravel()
    at = np.array([*curves, np.log(res.params["sigma"]), *res.params[["theta[2]", "theta[3]"]],
                   *np.log(named("event_scale")), *np.log(named("event_shape"))])
    assert loglik(at) == pytest.approx(res.llf, abs=1e-8)
    climbed = minimize(lambda b: -loglik(b), at + 0.01, method="BFGS", options={"gtol": 1e-5})
    assert -climbed.fun == pytest.approx(res.llf, abs=1e-5)


def test_broken_ties_have_nearly_the_same_fit():
    data = in_whole_years()
    broken = data.assign(T=data["T"] + 1e-3 * (np.random.default_rng(3).random(150)[data["id"]] - 0.5))
    tied, other = fit(data, 2), fit(broken, 2)
    np.testing.assert_allclose(tied.params, other.params, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("groups", [1, 2])
def test_where_there_is_no_other_optimum_a_sentence_says_so(groups):
    far = DATA["id"] % 2 == 0
    one = DATA.assign(T=3.0, d=1) if groups == 1 else DATA.assign(
        y=DATA["y"] + 20 * far, T=np.where(far, 3.0, DATA["T"]), d=np.where(far, 1, DATA["d"]))
    with pytest.raises(gbtm.DataError, match="all its events are at one time") as caught:
        fit(one, groups, n_starts=4)
    assert caught.value.code == "collapsed_event"
    piecewise = fit(one, groups, event=gbtm.Event(time="T", status="d", hazard="piecewise", cuts=1), n_starts=4)
    assert piecewise.converged


def test_shapes_that_constraints_make_equal_have_an_optimum():
    data = DATA.assign(T=2 * np.ceil(DATA["T"] / 2))
    with pytest.raises(gbtm.DataError, match="tie the shapes"):
        fit(data, 5, n_starts=4)
    tied = fit(data, 5, n_starts=4, constraints=[f"event_shape[{k}] = event_shape[{k + 1}]" for k in range(1, 5)])
    assert tied.params.filter(like="event_shape").max() < 100


def test_a_group_all_of_whom_have_it_between_the_same_two_times_is_told_of():
    far = DATA["id"] % 2 == 0
    data = DATA.assign(y=DATA["y"] + 20 * far, low=np.where(far, 3.0, DATA["low"]),
                       high=np.where(far, 4.0, DATA["high"]))
    res = fit(data, 2, event=gbtm.Event(time="low", upper="high"), n_starts=4)
    said = next(w["message"] for w in res.document["warnings"] if w["code"] == "event_at_bound")
    assert said.startswith("In group 2 all events lie between the same two times: event_scale[2], event_shape[2]")


def test_replicates_and_searches_go_on_without_such_a_fit():
    far = DATA["id"] % 2 == 0
    data = DATA.assign(y=DATA["y"] + 20 * far, T=np.where(far, 3.0, DATA["T"]), d=np.where(far, 1, DATA["d"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        found = gbtm.search("y ~ t", data, id="id", groups=[1, 2], order=1, event=EVENT, n_starts=2)
    assert found.best().n_groups == 1


def test_far_past_its_scale_a_steep_hazard_has_numbers_for_all():
    """Values and derivatives, with and without entry, where exp() of them has none; nobody is left there."""
    family = WeibullTimes(1, 1, False)
    time, entry = torch.tensor([2.0, 3.0, 9.0, 9.0]), torch.tensor([0.0, 0.0, 0.0, 8.0])
    u = {"causes": torch.ones(1, 4), "in_interval": torch.zeros(4), "log_t": time.log(), "has_t": torch.ones(4),
         "log_u": time.log(), "has_u": torch.ones(4), "log_entry": entry.clamp(min=1.0).log(),
         "has_entry": (entry > 0).double(), "event_log_scale": torch.full((4,), np.log(3.0)),
         "event_log_shape": torch.full((4,), np.log(5e4))}
    u = {name: value.double() for name, value in u.items()}
    terms = family.terms(u)[:, 0]
    assert terms[1] == pytest.approx(np.log(5e4) - np.log(3) - 1, abs=1e-6)
    assert (terms[2:] < -1e100).all()
    for values in (*family.slopes(u).values(), *family.curvatures(u).values()):
        assert torch.isfinite(values).all()
