"""What must not matter does not, in each of the newer parts: order and names of people, units, weights as copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import event_data as hand
import gbtm

N_STARTS = 3


def table(n=120):
    """Groups that overlap little, and no parameter at infinity."""
    data = hand.people(n)
    rng = np.random.default_rng(3)
    high = (data.groupby("id").y.transform("mean") > 1.4).to_numpy()
    data["T"] += rng.random(n)[data.id] / 10
    data["y"] += rng.normal(size=n)[data.id] * (0.5 + 0.3 * data.t)
    data["c"] = rng.poisson(np.where(high, 3.0, 1.2)) * (rng.random(len(data)) < 0.8)
    data["s"] = rng.binomial(6, np.where(high, 0.7, 0.3))
    data["p"] = rng.beta(np.where(high, 5, 2), 3).clip(0.01, 0.99)
    data["o"] = 1 + rng.binomial(2, np.where(high, 0.7, 0.3))
    draw = rng.random(len(data))
    data["m"] = np.where(draw < 0.2, "c", np.where(draw < np.where(high, 0.4, 0.8), "a", "b"))
    data["q"] = rng.gamma(2.0, np.where(high, 3.0, 1.0))
    data["w"] = rng.normal(size=len(data))
    data["k"] = np.where(data.id < 4, 1.0 + high, np.nan)
    return data


DATA = table()
PARTS = {
    "event": ("y", {"event": gbtm.Event("T", "d", covariates="~ sex")}),
    "event_piecewise": ("y", {"event": gbtm.Event("T", "d", hazard="piecewise", cuts=[2, 5])}),
    "common": ("c", {"family": "poisson", "common": "~ w + sex"}), "known": ("y", {"known": "k"}),
    "rcorr": ("y", {"rorder": 1, "rcorr": True, "rcommon": True}),
    "phi_order": ("p", {"family": "beta", "phi_order": 1}),
    "multinomial": ("m", {"family": "multinomial", "tcov": "w"}), "ordinal": ("o", {"family": "ordinal"}),
    "hurdle": ("c", {"family": "hurdle", "iorder": 1}), "zip_tau": ("c", {"family": "zip_tau"}),
    "gamma": ("q", {"family": "gamma"}), "lognormal": ("q", {"family": "lognormal"}),
    "binomial": ("s", {"family": "binomial", "trials": 6}), "constraints": ("y", {"constraints": ["t[1] = t[2]"]}),
}


def fit(part, data=DATA, **more):
    outcome, options = PARTS[part]
    model = gbtm.GBTM.from_formula(f"{outcome} ~ t", data, id="id", **{"groups": 2, "order": 1, **options, **more})
    return model.fit(n_starts=N_STARTS)


@pytest.fixture(scope="module", params=PARTS)
def part(request):
    return request.param, fit(request.param)


def test_the_order_of_rows_and_the_names_of_people_do_not_matter(part):
    name, res = part
    other = fit(name, DATA.assign(id=(1000 - DATA.id).astype(str)).sample(frac=1, random_state=1))
    assert other.llf == pytest.approx(res.llf, abs=1e-7)
    np.testing.assert_allclose(other.params, res.params, atol=1e-5)
    np.testing.assert_allclose(other.bse, res.bse, rtol=1e-4, atol=1e-8)


def test_other_units_of_time_and_another_origin_leave_the_fit(part):
    name, res = part
    other = fit(name, DATA.assign(t=12 * DATA.t + 216))
    assert other.llf == pytest.approx(res.llf, abs=1e-7)
    np.testing.assert_allclose(other.posterior, res.posterior, atol=1e-6)


def test_a_weight_of_two_is_the_person_twice(part):
    """In what does not hang on the weights' mean: the estimates, and the log-likelihood per weight."""
    name, res = part
    some = DATA.id % 3 == 0
    twice = fit(name, pd.concat([DATA, DATA[some].assign(id=DATA.id + 1000)]))
    weighted = fit(name, DATA.assign(s1=np.where(some, 2.0, 1.0)), weights="s1", cov_type="hessian")
    assert weighted.llf / len(res.posterior) == pytest.approx(twice.llf / len(twice.posterior), abs=1e-8)
    np.testing.assert_allclose(weighted.params, twice.params, atol=2e-5)


def test_an_event_in_other_units_moves_the_likelihood_by_their_logarithm_alone():
    n = int(hand.once(DATA).d.sum())
    for event, other in (
        (gbtm.Event("T", "d"), gbtm.Event("M", "d")),
        (gbtm.Event("T", "d", entry="entry"), gbtm.Event("M", "d", entry="from")),
        (gbtm.Event("T", "d", hazard="piecewise", cuts=[2, 5]),
         gbtm.Event("M", "d", hazard="piecewise", cuts=[24, 60])),
    ):
        data = DATA.assign(**{"M": 12 * DATA["T"], "from": 12 * DATA.entry})
        years, months = (fit("event", data, event=e) for e in (event, other))
        assert months.llf == pytest.approx(years.llf - n * np.log(12), abs=1e-6)
        np.testing.assert_allclose(months.posterior, years.posterior, atol=1e-6)


@pytest.mark.parametrize(("one", "other", "data"), [
    ("sincos(t, period=12)", "sincos(u, period=144)", {"u": 12 * DATA.t}),
    ("sincos(t, period=12)", "sincos(u, period=12)", {"u": DATA.t + 5}),  # a turn of sine and cosine
    ("cc(t, df=2, period=12)", "cc(u, df=2, period=12)", {"u": DATA.t + 24}),
    ("lspline(t, knots=[1.5])", "lspline(u, knots=[25])", {"u": 10 * DATA.t + 10}),
    ("ns(t, knots=[1, 2])", "ns(u, knots=[-1, -2])", {"u": -DATA.t}),
])
def test_a_basis_of_time_in_other_units(one, other, data):
    fits = [
        gbtm.GBTM.from_formula(f"y ~ {curve}", DATA.assign(**data), id="id", groups=2).fit(n_starts=N_STARTS)
        for curve in (one, other)
    ]
    assert fits[1].llf == pytest.approx(fits[0].llf, abs=1e-7)
    np.testing.assert_allclose(fits[1].posterior, fits[0].posterior, atol=1e-5)


@pytest.mark.parametrize(("part", "mirrored"), [
    ("ordinal", {"o": 4 - DATA.o}), ("binomial", {"s": 6 - DATA.s}), ("phi_order", {"p": 1 - DATA.p}),
])
def test_a_scale_turned_round_is_the_same_fit(part, mirrored):
    assert fit(part, DATA.assign(**mirrored)).llf == pytest.approx(fit(part).llf, abs=1e-7)


def test_the_names_of_categories_do_not_matter():
    other = fit("multinomial", DATA.assign(m=DATA.m.map({"a": "z", "b": "y", "c": "x"})))
    assert other.llf == pytest.approx(fit("multinomial").llf, abs=1e-7)


def test_a_common_effect_is_a_constraint_of_equal_ones():
    one = fit("common", common="w", order=[1, 0])
    two = fit("common", common=None, tcov="w", order=[1, 0], constraints=["w[1] = w[2]"])
    assert one.llf == pytest.approx(two.llf, abs=1e-7)
    assert one.params["w"] == pytest.approx(two.params["w[1]"], abs=1e-5)
    assert one.bse["w"] == pytest.approx(two.bse["w[1]"], rel=1e-4)
