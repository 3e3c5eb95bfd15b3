"""Survival curves and cumulative incidences by group against formulas, quadrature and differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

import event_data as hand
import gbtm
from gbtm import SpecificationError
from gbtm.fit.event_hazards import EventHazards

DATA = hand.people()
CUTS = (1.5, 4.0)
TIMES = [0.0, 0.7, 1.5, 3.3, 9.0]


@pytest.fixture(scope="module")
def fits():
    rng = np.random.default_rng(3)
    people = hand.once(DATA)
    cause = pd.DataFrame({"id": people["id"], "c": np.where(people["d"] == 1, rng.integers(1, 3, len(people)), 0)})
    data = DATA.merge(cause)
    out = {}
    for hazard in ("weibull", "piecewise"):
        for status in ("d", "c"):
            event = gbtm.Event(time="T", status=status, covariates="~ sex", hazard=hazard,
                               cuts=None if hazard == "weibull" else CUTS)
            out[hazard, status] = gbtm.GBTM.from_formula(
                "y ~ t", data, id="id", groups=2, order=1, event=event).fit(n_starts=2)
    return out


def hazard_of(res, group, stem="event_"):
    b = res.params
    if res.event.spec.hazard == "weibull":
        return hand.weibull_hazard(b[f"{stem}scale[{group}]"], b[f"{stem}shape[{group}]"])
    return hand.piecewise_hazard([np.exp(b[f"{stem}log_hazard{j + 1}[{group}]"]) for j in range(3)], CUTS)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_survival_by_hand(fits, hazard):
    res = fits[hazard, "d"]
    for sex in (0.0, 1.0):
        table = res.survival(TIMES, at={"sex": sex})
        for k in (1, 2):
            total, _ = hazard_of(res, k)
            expected = np.exp(-np.exp(sex * res.params["event_sex"]) * total(np.array(TIMES)))
            np.testing.assert_allclose(table.loc[table["group"] == k, "survival"], expected, rtol=1e-12)
    mean = hand.once(DATA)["sex"].mean()
    assert res.survival([1.0]).attrs["at"]["sex"] == pytest.approx(mean)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_bands_are_the_delta_method_of_log_minus_log(fits, hazard):
    """By differences of the reported parameters: no derivative of ours is used."""
    res = fits[hazard, "d"]
    b, v = res.params.to_numpy(), res.cov_params().to_numpy()
    names = list(res.params.index)

    def eta(params):
        p = pd.Series(params, index=names)
        if hazard == "weibull":
            total, _ = hand.weibull_hazard(p["event_scale[2]"], p["event_shape[2]"])
        else:
            total, _ = hand.piecewise_hazard([np.exp(p[f"event_log_hazard{j + 1}[2]"]) for j in range(3)], CUTS)
        return np.log(total(3.0)) + p["event_sex"]

    gradient = np.array([(eta(b + h) - eta(b - h)) / 2e-5 for h in 1e-5 * np.eye(b.size)])
    se = np.sqrt(gradient @ v @ gradient)
    row = res.survival([3.0], at={"sex": 1}, level=0.9).query("group == 2").iloc[0]
    s = row["survival"]
    ends = [s ** np.exp(sign * 1.6448536269514722 * se) for sign in (1, -1)]
    np.testing.assert_allclose([row["lower"], row["upper"]], ends, rtol=1e-5)
    assert row["std err"] == pytest.approx(se * s * -np.log(s), rel=1e-5)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_incidences_are_integrals_and_add_up(fits, hazard):
    res = fits[hazard, "c"]
    table = [res.survival(TIMES, cause=c, at={"sex": 1})["incidence"].to_numpy() for c in (1, 2)]
    np.testing.assert_allclose(table[0] + table[1], 1 - res.survival(TIMES, at={"sex": 1})["survival"], atol=1e-8)
    each = [hazard_of(res, 1, f"event{c}_") for c in (1, 2)]
    times = [np.exp(res.params[f"event{c}_sex"]) for c in (1, 2)]

    def density(t):
        left = np.exp(-sum(m * h[0](t) for m, h in zip(times, each, strict=True)))
        return times[0] * np.exp(each[0][1](np.array([t]))[0]) * left

    expected = sum(quad(density, a, b, epsabs=1e-12)[0] for a, b in ((0, 1.5), (1.5, 3.3)))
    assert table[0][3] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_derivatives_are_differences(fits, hazard):
    """Of the incidence between two times, and of its parts, in the parameters inside."""
    hazards = EventHazards.of(fits[hazard, "c"])
    x, start, end = np.array([[1.0], [0.0]]), np.array([0.5, 2.0]), np.array([3.0, 6.0])

    def of(params, what):
        moved = EventHazards(hazards.part, params, hazards.places)
        return {"incidence": lambda: moved.incidence(1, start, end, x), "total": lambda: moved.all_causes(end, x),
                "log hazard": lambda: moved.log_hazard(0, end, x)}[what]()

    for what in ("incidence", "total", "log hazard"):
        slope = of(hazards.params, what)[1]
        for i in range(hazards.params.size):
            step = 1e-6 * np.eye(hazards.params.size)[i]
            by_difference = (of(hazards.params + step, what)[0] - of(hazards.params - step, what)[0]) / 2e-6
            np.testing.assert_allclose(slope[:, :, i], by_difference, atol=1e-7)


def test_bad_questions_are_refused(fits):
    res = fits["weibull", "d"]
    for ask, code in ((lambda: res.survival([-1]), "bad_times"), (lambda: res.survival(cause=2), "bad_cause"),
                      (lambda: res.survival(at={"age": 1}), "unknown_covariate")):
        with pytest.raises(SpecificationError) as caught:
            ask()
        assert caught.value.code == code


def test_the_picture_shows_the_table(fits):
    res = fits["piecewise", "d"]
    ax = res.plot_survival()
    table = res.survival()
    for k, line in enumerate(ax.lines, start=1):
        np.testing.assert_array_equal(line.get_ydata(), table.loc[table["group"] == k, "survival"])
    assert [t.get_text().split(" (")[0] for t in ax.get_legend().get_texts()] == ["Group 1", "Group 2"]
