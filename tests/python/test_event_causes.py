"""Causes that compete and are known to have come within an interval: against scipy's quadrature, and limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import minimize

import event_data as hand
import gbtm
from gbtm.families.hazards import PiecewiseTimes, WeibullTimes
from gbtm.model.event import EventPart
from gbtm.specification.event import EventSpec

CUTS = (1.5, 4.0)
RISKS = (0.4, -0.7)
TIMES = [(0.0, 0.3), (0.0, 6.0), (0.7, 1.0), (1.0, 1.001), (2.0, 30.0), (3.0, 5.0), (1.5, 4.0)]


def terms(hazards, spec, known, risks=(0.0, 0.0)):
    """Log densities (n,) of what is known of people (n, 4), by the family; hazards are parameters by cause."""
    part = EventPart(spec, 1)
    family = (WeibullTimes if spec.hazard == "weibull" else PiecewiseTimes)(spec.n_causes, spec.n_intervals, True)
    u = {n: torch.as_tensor(v) for n, v in part.cell_data(np.zeros(len(known)), known, None).items()}
    one = torch.ones(len(known), dtype=torch.float64)
    for s, own, risk in zip(family.stems, hazards, risks, strict=False):
        u |= {f"{s}{p}": one * v for p, v in zip(family.own, own, strict=True)} | {f"{s}effects": one * risk}
    return family, u, family.terms(u)[:, 0]


def by_quad(hazards, cause, low, high, entry, risks):
    """The log of the integral of h_c S over (low, high], by S at entry; in log time where that starts at 0."""
    times = [np.exp(r) for r in risks]

    def at(t):
        total = sum(m * (h(t) - h(entry)) for m, (h, _) in zip(times, hazards, strict=True))
        return times[cause] * np.exp(hazards[cause][1](t) - total)

    options = {"epsabs": 0, "epsrel": 1e-12, "limit": 400}
    if low == 0:
        return np.log(quad(lambda y: at(high * np.exp(-y)) * high * np.exp(-y), 0, 500, points=[1, 5, 20, 60],
                           **options)[0])
    points = [c for c in CUTS if low < c < high] or None
    return np.log(quad(at, low, high, points=points, **options)[0])


@pytest.mark.parametrize("shapes", [
    (1.3, 1.8), (0.4, 2.5), (0.5, 0.7), (6.0, 1.0), (4.0, 0.5), (8.0, 7.0), (1.0, 1.0)])
@pytest.mark.parametrize("entry", [0.0, 0.2])
def test_a_weibull_cause_within_an_interval_is_the_integral(shapes, entry):
    scales, spec = (3.0, 2.0), EventSpec("weibull", n_causes=2)
    for cause in (0, 1):
        known = np.array([[low, cause + 1.0, entry, high] for low, high in TIMES if low >= entry])
        own = [(np.log(a), np.log(s)) for a, s in zip(scales, shapes, strict=True)]
        found = terms(own, spec, known, RISKS)[2].numpy()
        each = [hand.weibull_hazard(a, s) for a, s in zip(scales, shapes, strict=True)]
        want = [by_quad(each, cause, low, high, entry, RISKS) for low, _, _, high in known]
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("entry", [0.0, 0.2])
def test_a_piecewise_cause_within_an_interval_is_the_integral(entry):
    rates, spec = ((0.2, 0.9, 0.1), (0.4, 0.05, 0.6)), EventSpec("piecewise", CUTS, 3, n_causes=2)
    for cause in (0, 1):
        known = np.array([[low, cause + 1.0, entry, high] for low, high in TIMES if low >= entry])
        found = terms(np.log(rates), spec, known, RISKS)[2].numpy()
        want = [by_quad([hand.piecewise_hazard(r, CUTS) for r in rates], cause, low, high, entry, RISKS)
                for low, _, _, high in known]
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-9)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_limits(hazard):
    """Of one cause among others that hardly come, today's intervals; of a narrow one the density times its width; and
    the causes together make up all events."""
    cuts, n = ((), 1) if hazard == "weibull" else (CUTS, 3)
    one, never, other = {"weibull": ((0.9, 0.4), (80.0, 0.0), (0.3, -0.2)),
                         "piecewise": ((-1.0, -0.2, -2.0), (-80.0,) * 3, (-0.5, -1.5, -0.1))}[hazard]
    alone, two = EventSpec(hazard, cuts, n, 1), EventSpec(hazard, cuts, n, 2)
    known = np.array([[low, 1.0, 0.0, high] for low, high in TIMES])
    np.testing.assert_allclose(terms([one, never], two, known)[2], terms([one], alone, known)[2], rtol=0, atol=1e-9)
    second = known * [1, 2, 1, 1]
    both = np.logaddexp(*(terms([one, other], two, k)[2].numpy() for k in (known, second)))
    ends = [terms([one, other], two, np.column_stack([t, 0 * t, 0 * t, t]))[2].numpy()
            for t in (known[:, 0], known[:, 3])]
    np.testing.assert_allclose(both, np.log(np.exp(ends[0]) - np.exp(ends[1])), rtol=0, atol=1e-9)
    width = 1e-6
    exact, narrow = (np.array([[2.0, 2.0, 0.0, 2.0 + w]]) for w in (0.0, width))
    density, chance = (float(terms([one, other], two, k)[2][0]) for k in (exact, narrow))
    assert chance == pytest.approx(density + np.log(width), abs=1e-5)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_derivatives_are_those_of_the_values(hazard):
    cuts, n = ((), 1) if hazard == "weibull" else (CUTS, 3)
    spec = EventSpec(hazard, cuts, n, 2)
    hazards = ((0.9, 0.4), (0.3, -0.8)) if hazard == "weibull" else ((-1.0, -0.2, -2.0), (-0.5, -1.5, -0.1))
    known = np.array([[low, 1.0 + i % 2, 0.0, high] for i, (low, high) in enumerate(TIMES)])
    family, u, _ = terms(hazards, spec, known, RISKS)
    slopes, bends, step = family.slopes(u), family.curvatures(u), 1e-5
    for p in family.predictors:
        up, down = ({**u, p: u[p] + s} for s in (step, -step))
        rise = (family.terms(up) - family.terms(down))[:, 0] / (2 * step)
        np.testing.assert_allclose(slopes[p][:, 0], rise, atol=1e-7)
        change = (family.slopes(up)[p] - family.slopes(down)[p])[:, 0] / (2 * step)
        np.testing.assert_allclose(bends[p, p][:, 0], change, atol=1e-7)


def cause_data():
    data = hand.people(80)
    once = hand.once(data)
    cause = np.where(once["d"] == 1, np.random.default_rng(3).integers(1, 3, len(once)), 0)
    return data.merge(pd.DataFrame({"id": once["id"], "c": cause}))


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_a_fit_is_that_of_the_likelihood_written_out(hazard):
    data = cause_data()
    people = hand.once(data)
    more = {} if hazard == "weibull" else {"hazard": "piecewise", "cuts": CUTS}
    event = gbtm.Event(time="low", status="c", upper="high", **more)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, event=event).fit()
    alone = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1).fit()
    kinds = people.groupby(["low", "high", "c"], dropna=False).size().reset_index(name="n")

    def loglik(b):
        halves = np.split(b, 2)
        each = [hand.weibull_hazard(*np.exp(h)) if hazard == "weibull" else hand.piecewise_hazard(np.exp(h), CUTS)
                for h in halves]
        return sum(k["n"] * (by_quad(each, int(k["c"]) - 1, k["low"], k["high"], 0.0, (0.0, 0.0)) if k["c"] > 0
                             else -sum(h(k["low"]) for h, _ in each)) for _, k in kinds.iterrows())

    own = [[f"event{c}_scale[1]", f"event{c}_shape[1]"] if hazard == "weibull" else
           [f"event{c}_log_hazard{j + 1}[1]" for j in range(3)] for c in (1, 2)]
    values = res.params[own[0] + own[1]].to_numpy()
    at = np.log(values) if hazard == "weibull" else values
    assert loglik(at) == pytest.approx(res.llf - alone.llf, abs=1e-8)
    best = minimize(lambda b: -loglik(b), at + 0.05, method="BFGS", options={"gtol": 1e-4})
    assert -best.fun == pytest.approx(res.llf - alone.llf, abs=1e-5)
    shares = [res.survival([3.0], cause=c)["incidence"][0] for c in (1, 2)]
    assert sum(shares) == pytest.approx(1 - res.survival([3.0])["survival"][0], abs=1e-9)


def test_groups_are_found_by_intervals_of_causes_too():
    data = cause_data()
    event = gbtm.Event(time="low", status="c", upper="high", covariates="~ sex")
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, event=event).fit(n_starts=4)
    assert res.converged
    assert res.bse.notna().all()
    exact = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, event=gbtm.Event(
        time="T", status="c", covariates="~ sex")).fit(n_starts=4)
    names = [f"event{c}_scale[{k}]" for c in (1, 2) for k in (1, 2)]
    assert (np.abs(np.log(res.params[names] / exact.params[names])) < exact.bse[names] / exact.params[names]).all()


def test_code_in_r_names_the_columns():
    from gbtm.recipes.r_code import r_code
    from gbtm.recipes.recipe import recipe

    event = gbtm.Event(time="low", status="c", upper="high", covariates="~ sex")
    res = gbtm.GBTM.from_formula("y ~ t", cause_data(), id="id", groups=1, order=1, event=event).fit()
    said = " ".join(r_code(recipe(res), "data.csv").split())
    assert 'event = gbtm_event(time = "low", status = "c", upper = "high", covariates = ~ sex)' in said


def test_a_cause_that_is_not_known_is_refused():
    data = cause_data()
    event = gbtm.Event(time="low", status="c", upper="high")
    with pytest.raises(gbtm.DataError, match="no status") as caught:
        gbtm.GBTM.from_formula("y ~ t", data.assign(c=data["c"].where(data["id"] > 3)), id="id", groups=1, event=event)
    assert "cause" in caught.value.way_out
